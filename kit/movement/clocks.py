"""Mend clocks that are wrong: people take as long one way as the other, unless a clock says otherwise.

If sensor j runs ahead of sensor i, the way from i to j seems longer than the way back by twice the difference. Half of
that, for every pair of sensors passed both ways, gives equations for all clocks at once.
"""

import numpy as np
import pandas as pd
from numba import njit
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.special import stdtrit

from kit import codes, tables
from kit.errors import InputError
from kit.movement import order
from kit.movement.visits import check_table, counted, encode_ids, length_us, rows_of_sensors

_DAY_US = 86_400_000_000
_NEXT = 3  # as many other sensors after each sighting are looked at: a wrong clock upsets the order
_FEWEST = 10  # ways in each direction, below which a pair says nothing
_GRID_S, _GAIN, _LISTENED, _PER_PAIR, _FAR_S = 10.0, 0.8, 30, 100, 120.0
_BLOCK_DAYS, _FEWEST_BLOCKS = 7, 3
_NO_SPREAD_S = 0.5
_RIGHT_S = 1.0  # how far off a clock is that is kept right


def repair_clocks(sightings, sensors, largest="10min", travel="10min"):
    """Estimate how far each sensor's clock is off, and take it off the times.

    For two sensors that people pass both ways within `travel`, half the difference of the median times is how far the
    second clock runs ahead of the first. A weighted least-squares fit over all such pairs (weights from the spread and
    number of ways; pairs that disagree count less) gives all clocks at once; a first search over offsets up to
    `largest` finds those so wrong that they turn the order of sightings around. With three weeks or more, a drift is
    fitted too and kept where it is more than four standard errors from zero.

    Offsets are known only up to one number for each group of sensors tied by such pairs (`component`). The median clock
    of each group is taken to be right, since most clocks are, and where ways do not say otherwise a clock is held to be
    within about a second (a Cauchy prior); in a group of two nobody can say which is wrong. The intervals rest on that
    and are too narrow where a group has few pairs. One-way
    streets, hills and queues that slow one direction only look like wrong clocks.

    Parameters
    ----------
    sightings : pandas.DataFrame
        `subject_id, sensor_id, time`, in any order, other columns are kept.
    sensors : pandas.DataFrame
        `sensor_id`; every sensor of the sightings must be in it.
    largest : str or pandas.Timedelta
        Largest error of a clock that is looked for, up to a day.
    travel : str or pandas.Timedelta
        Longest time between two sightings that counts as a way.

    Returns
    -------
    sightings : pandas.DataFrame
        A copy, rows in the same order, with `time` mended where the clock could be tied. It needs sorting again.
    clocks : pandas.DataFrame
        A row for each row of `sensors`: `sensor_id, offset_s` (at the earliest sighting, by the recorded time; above
        zero is ahead)`, low, high` (95 %)`, component` (0 is the largest; -1, with missing numbers, for a sensor that
        cannot be tied and stays as it is)`, drift_s_per_day` (0 where none is kept)`, drift_low, drift_high` (95 %;
        missing when the sightings span less than three weeks)`, n_pairs, n_ways` (pairs and ways behind it).

    Raises
    ------
    InputError
        A column is missing or there twice, times are naive or missing, a sensor is missing, not in `sensors` or there
        more than once, or a length of time is out of range.

    >>> there = pd.date_range("2031-03-12T08:00Z", periods=20, freq="1h")
    >>> ways = [("a", there), ("b", there + pd.Timedelta("130s")), ("b", there + pd.Timedelta("30min")),
    ...         ("a", there + pd.Timedelta("30min") + pd.Timedelta("70s"))]
    >>> seen = pd.concat([pd.DataFrame({"subject_id": "p_1", "sensor_id": s, "time": t}) for s, t in ways])
    >>> mended, clocks = repair_clocks(seen, pd.DataFrame({"sensor_id": ["a", "b"]}))
    >>> clocks["offset_s"].tolist()
    [-15.0, 15.0]
    """
    columns = _read(sightings, sensors)
    largest_us, travel_us = (_span(length, name) for length, name in ((largest, "largest"), (travel, "travel")))
    walks = _Walks(*columns, len(sensors), largest_us, travel_us)
    fit = _fit(walks)
    mended = sightings.copy()
    mended["time"] = _mend(columns[1], columns[2], fit, sightings)
    return mended, _frame(fit, sensors)


class _Walks:
    """Sightings as arrays, and the ways between sensors under any assumed clocks."""

    def __init__(self, subject, time_us, sensor, n_sensors, largest_us, travel_us):
        known = subject >= 0
        self.subject, self.time_us, self.sensor = subject[known], time_us[known], sensor[known]
        self.n_sensors, self.largest_us, self.travel_us = n_sensors, largest_us, travel_us
        self.n_subjects = int(self.subject.max(initial=-1)) + 1
        self.start_us = int(time_us.min(initial=np.iinfo(np.int64).max)) if len(time_us) else 0
        self.span_us = int(time_us.max()) - self.start_us if len(time_us) else 0

    def block(self, first_us, last_us):
        """The sightings of a stretch of time, by the recorded clock."""
        part = object.__new__(_Walks)
        part.__dict__.update(self.__dict__)
        inside = (self.time_us >= first_us) & (self.time_us < last_us)
        part.subject, part.time_us, part.sensor = self.subject[inside], self.time_us[inside], self.sensor[inside]
        return part

    def ways(self, offset_s, drift, reach_us):
        """Pair (first x n + second, first < second) and seconds from first to second, sorted by both."""
        days = (self.time_us - self.start_us) / _DAY_US
        shift = np.rint((offset_s[self.sensor] + drift[self.sensor] * days) * 1e6).astype(np.int64)
        subject, time_us, sensor, _ = order.by_subject(self.subject, self.time_us - shift, self.sensor,
                                                       np.arange(len(shift)), self.n_subjects)
        pair, lag_s = np.empty(_NEXT * len(subject), np.int64), np.empty(_NEXT * len(subject))
        n = _find_ways(subject, time_us, sensor, reach_us, self.n_sensors, pair, lag_s)
        at = np.lexsort((lag_s[:n], pair[:n]))
        return pair[at], lag_s[at]


class _Fit:
    """Clocks: offset in seconds at the start, drift in seconds a day, their standard errors, and how they are tied."""

    def __init__(self, n_sensors):
        self.offset, self.drift = np.zeros(n_sensors), np.zeros(n_sensors)
        self.se, self.drift_se = np.full(n_sensors, np.nan), np.full(n_sensors, np.nan)
        self.component = np.full(n_sensors, -1)
        self.n_pairs, self.n_ways = np.zeros(n_sensors, np.int64), np.zeros(n_sensors, np.int64)
        self.reach = np.full(n_sensors, 1.96)


def _fit(walks):
    fit = _Fit(walks.n_sensors)
    if len(walks.time_us) == 0:
        return fit
    n_blocks = int(min(12, walks.span_us // (_BLOCK_DAYS * _DAY_US)))
    if n_blocks < _FEWEST_BLOCKS:
        start = _search(walks)
        _settle(walks, start, fit)
        return fit
    edges = np.linspace(0, walks.span_us + 1, n_blocks + 1).astype(np.int64) + walks.start_us
    _follow(walks, edges, fit)
    for _ in range(2):
        _straighten(walks, edges, fit)
    middle_days = walks.span_us / _DAY_US / 2
    keep = np.abs(fit.drift) > 4 * fit.drift_se
    fit.offset = np.where(keep, fit.offset, fit.offset + fit.drift * middle_days)
    fit.drift = np.where(keep, fit.drift, 0.0)
    _settle(walks, fit.offset.copy(), fit)
    fit.se = np.where(keep, np.hypot(fit.se, fit.drift_se * middle_days), fit.se)
    return fit


def _follow(walks, edges, fit):
    """Offsets stretch by stretch, each starting from the one before, and a line through them."""
    middles = (edges[:-1] + edges[1:]) / 2
    days = (middles - walks.start_us) / _DAY_US
    seen, weight = np.zeros((len(days), walks.n_sensors)), np.zeros((len(days), walks.n_sensors))
    start = None
    for b in range(len(days)):
        part = walks.block(edges[b], edges[b + 1])
        start = _search(part) if start is None else start
        local = _Fit(walks.n_sensors)
        _settle(part, start, local)
        tied = local.component >= 0
        start = np.where(tied, local.offset, start)
        seen[b], weight[b] = local.offset, np.where(tied, 1 / np.maximum(local.se, 1.0) ** 2, 0)
    fit.offset, fit.drift, fit.drift_se = _lines(days, seen, weight)


def _straighten(walks, edges, fit):
    """What is left, stretch by stretch, once the lines are taken off, corrects the lines."""
    days = ((edges[:-1] + edges[1:]) / 2 - walks.start_us) / _DAY_US
    seen, weight = np.zeros((len(days), walks.n_sensors)), np.zeros((len(days), walks.n_sensors))
    for b in range(len(days)):
        part, local = walks.block(edges[b], edges[b + 1]), _Fit(walks.n_sensors)
        local.drift = fit.drift
        _settle(part, fit.offset.copy(), local, fit.offset)
        tied = local.component >= 0
        seen[b], weight[b] = local.offset - fit.offset, np.where(tied, 1 / np.maximum(local.se, 0.2) ** 2, 0)
    offset, drift, drift_se = _lines(days, seen, weight)
    fit.offset, fit.drift, fit.drift_se = fit.offset + offset, fit.drift + drift, drift_se


def _lines(days, seen, weight):
    """Weighted lines, one a column; the error of the slope is as wide as the points lie from the line."""
    total = weight.sum(axis=0)
    enough = (weight > 0).sum(axis=0) >= _FEWEST_BLOCKS
    safe = np.where(total > 0, total, 1)
    mid_day, mid = (weight * days[:, None]).sum(axis=0) / safe, (weight * seen).sum(axis=0) / safe
    apart = days[:, None] - mid_day
    across = np.where(enough, (weight * apart**2).sum(axis=0), 1)
    slope = np.where(enough, (weight * apart * seen).sum(axis=0) / across, 0)
    left = (weight * (seen - mid - slope * apart) ** 2).sum(axis=0)
    spread = np.maximum(left / np.maximum((weight > 0).sum(axis=0) - 2, 1), 1)
    return mid - slope * mid_day, slope, np.where(enough, np.sqrt(spread / across), np.nan)


def _search(walks):
    """Offsets on a grid for clocks so wrong that they upset the order: the ones that make ways there and back alike.

    Seconds between two sensors lie in two heaps, one each way, as far from the offset on either side. Folded over at
    the right offset they become one. The clock that gains most goes first, and its neighbours are looked at again.
    """
    offset = np.zeros(walks.n_sensors)
    pair, lag_s = walks.ways(offset, np.zeros(walks.n_sensors), walks.largest_us + walks.travel_us)
    groups = _groups(pair, walks.n_sensors)
    steps = int(walks.largest_us / 1e6 / _GRID_S)
    grid = _GRID_S * np.arange(-steps, steps + 1)
    change = np.zeros(walks.n_sensors)
    best = np.array([_best_step(s, *groups, lag_s, change, grid) for s in range(walks.n_sensors)])
    for _ in range(walks.n_sensors):
        s = int(np.argmin(best[:, 1])) if len(best) else 0
        if not len(best) or best[s, 1] >= _GAIN:
            break
        change[s] += best[s, 0]
        first, second = groups[0], groups[1]
        for near in {s, *first[second == s].tolist(), *second[first == s].tolist()}:
            best[near] = _best_step(near, *groups, lag_s, change, grid)
    return offset + change


def _groups(pair, n_sensors):
    """Where each pair's ways start and stop in the sorted ways, for pairs with enough of them, most first."""
    pairs, start, n = np.unique(pair, return_index=True, return_counts=True)
    use = np.argsort(-n, kind="stable")
    use = use[n[use] >= 2 * _FEWEST]
    return pairs[use] // max(n_sensors, 1), pairs[use] % max(n_sensors, 1), start[use], n[use]


def _settle(walks, start, fit, about=0.0):
    """Least squares from a start near enough, until it stands still; fills `fit`. Clocks are likeliest at `about`."""
    fit.offset = start
    for _ in range(12):
        pairs = _asymmetries(*walks.ways(fit.offset, fit.drift, walks.travel_us), walks.n_sensors)
        step, fit.se, fit.component, fit.reach = _solve(*pairs[:4], fit.offset - about)
        fit.offset = fit.offset + step
        if np.abs(step).max(initial=0) < 0.05:
            break
    first, second, _, _, ways = pairs
    fit.n_pairs = np.bincount(np.r_[first, second], minlength=walks.n_sensors)
    fit.n_ways = np.bincount(np.r_[first, second], np.r_[ways, ways], minlength=walks.n_sensors).astype(np.int64)
    fit.offset = _about_median(fit.offset, fit.component)


def _asymmetries(pair, lag_s, n_sensors):
    """By pair: (median there - median back) / 2, its variance, and the number of ways."""
    pairs, start, n = np.unique(pair, return_index=True, return_counts=True)
    half, variance, ways = np.empty(len(pairs)), np.empty(len(pairs)), np.empty(len(pairs), np.int64)
    _compare(start, n, lag_s, half, variance, ways)
    use = ways > 0
    return pairs[use] // max(n_sensors, 1), pairs[use] % max(n_sensors, 1), half[use], variance[use], ways[use]


def _solve(first, second, ahead, variance, offset):
    """Offsets from differences, group by group: step, standard error, group (by size) and width of the interval."""
    n_sensors = len(offset)
    step, se, reach = np.zeros(n_sensors), np.full(n_sensors, np.nan), np.full(n_sensors, 1.96)
    graph = coo_array((np.ones(len(first)), (first, second)), shape=(n_sensors, n_sensors))
    label = connected_components(graph, directed=False)[1] if n_sensors else np.zeros(0, int)
    size = np.bincount(label, minlength=1)
    by_size = np.argsort(-size, kind="stable")
    component = np.full(n_sensors, -1)
    for number, group in enumerate(by_size[size[by_size] > 1]):
        members = np.flatnonzero(label == group)
        component[members] = number
        of = np.flatnonzero(label[first] == group)
        row = np.searchsorted(members, first[of]), np.searchsorted(members, second[of])
        step[members], se[members], reach[members] = _solve_group(*row, ahead[of], variance[of], offset[members])
    return step, se, component, reach


def _solve_group(i, j, ahead, variance, offset):
    """Weighted least squares; pairs far off the others count less (Huber), and clocks are likeliest right (Cauchy)."""
    n = len(offset)
    freedom = len(i) - n + 1
    between, trust, x = 0.0, np.ones(len(i)), np.zeros(n)
    for _ in range(20):
        weight = trust / (variance + between)
        right = 2 / (_RIGHT_S**2 + (offset + x) ** 2)
        inverse = np.linalg.inv(_laplacian(i, j, weight, n) + np.diag(right))
        pull = np.bincount(j, weight * ahead, minlength=n) - np.bincount(i, weight * ahead, minlength=n)
        x = inverse @ (pull - right * offset)
        left = ahead - (x[j] - x[i])
        if freedom < 2:
            continue
        scale = 1.4826 * np.median(np.abs(left)) * np.sqrt(len(i) / freedom)
        between = max(0.0, scale**2 - np.median(variance))
        trust = 1 / np.maximum(1, np.abs(left) / np.sqrt(variance + between) / 2)
    spread = max(1.0, float((weight * left**2).sum() / freedom)) if freedom > 0 else 1.0
    return x, np.sqrt(np.diag(inverse) * spread), stdtrit(max(freedom, 1), 0.975)


def _laplacian(i, j, weight, n):
    matrix = np.zeros((n, n))
    np.add.at(matrix, (i, j), -weight)
    matrix += matrix.T
    matrix[np.arange(n), np.arange(n)] -= matrix.sum(axis=1)
    return matrix


def _about_median(values, component):
    """Take each group's median off."""
    out = values.copy()
    for group in range(component.max(initial=-1) + 1):
        out[component == group] -= np.median(values[component == group])
    return out


def _read(sightings, sensors):
    check_table(sightings, "sightings", ["subject_id", "sensor_id", "time"])
    check_table(sensors, "sensors", ["sensor_id"])
    subject, _ = encode_ids(sightings["subject_id"])
    sensor, ids = encode_ids(sightings["sensor_id"])
    time = tables.utc(sightings["time"])
    for column, missing in (("sensor_id", sensor < 0), ("time", time.isna().to_numpy())):
        if missing.any():
            raise InputError(f"{counted(int(missing.sum()), 'sighting')} no {column}, first in row "
                             f"{int(np.argmax(missing))}; remove or repair them.")
    sensor, ids = codes.only_used(sensor, ids)
    where = rows_of_sensors(sensors, ids, "sightings")
    return subject, time.array.asi8, where[sensor].astype(np.int32)


def _span(length, name):
    span_us = length_us(length, name)
    if not 0 < span_us <= _DAY_US:
        raise InputError(f"{name} must be above zero and a day at most, but it is {length!r}.")
    return span_us


def _mend(time_us, sensor, fit, sightings):
    days = (time_us - (time_us.min() if len(time_us) else 0)) / _DAY_US
    offset, drift = (np.where(fit.component >= 0, x, 0) for x in (fit.offset, fit.drift))
    shift = np.rint((offset[sensor] + drift[sensor] * days) * 1e6).astype(np.int64)
    return pd.Series((time_us - shift).view("datetime64[us]"), index=sightings.index).dt.tz_localize("UTC")


def _frame(fit, sensors):
    tied = fit.component >= 0
    offset, se, drift = (np.where(tied, x, np.nan) for x in (fit.offset, fit.se, fit.drift))
    drift_se = np.where(tied, fit.drift_se, np.nan)
    slope = np.where(np.isnan(drift), np.nan, drift)
    return pd.DataFrame({
        "sensor_id": sensors["sensor_id"].array,
        "offset_s": offset.round(3),
        "low": (offset - fit.reach * se).round(3), "high": (offset + fit.reach * se).round(3),
        "component": fit.component, "drift_s_per_day": slope.round(4),
        "drift_low": (slope - 1.96 * drift_se).round(4), "drift_high": (slope + 1.96 * drift_se).round(4),
        "n_pairs": fit.n_pairs, "n_ways": fit.n_ways,
    })


@njit(cache=True, nogil=True)
def _find_ways(subject, time_us, sensor, reach_us, n_sensors, pair, lag_s):
    """From each last sighting at a sensor to the first at each of the next few others."""
    n = 0
    met = np.empty(_NEXT, np.int64)
    for i in range(len(subject)):
        known = 0
        for j in range(i + 1, len(subject)):
            if (subject[j] != subject[i] or time_us[j] - time_us[i] > reach_us or sensor[j] == sensor[i]
                    or known == _NEXT):
                break
            again = False
            for k in range(known):
                again = again or met[k] == sensor[j]
            if again:
                continue
            met[known] = sensor[j]
            known += 1
            lag = (time_us[j] - time_us[i]) / 1e6
            if sensor[i] < sensor[j]:
                pair[n], lag_s[n] = np.int64(sensor[i]) * n_sensors + sensor[j], lag
            else:
                pair[n], lag_s[n] = np.int64(sensor[j]) * n_sensors + sensor[i], -lag
            n += 1
    return n


@njit(cache=True, nogil=True)
def _compare(start, n, lag_s, half, variance, ways):
    for p in range(len(start)):
        lags = lag_s[start[p]:start[p] + n[p]]
        there, back = lags[lags > 0], -lags[lags < 0]
        ways[p] = 0
        if len(there) < _FEWEST or len(back) < _FEWEST:
            continue
        ways[p] = len(there) + len(back)
        one, other = np.median(there), np.median(back)
        half[p] = (one - other) / 2
        total = 0.0
        for times, middle in ((there, one), (back, other)):
            spread = max(1.4826 * np.median(np.abs(times - middle)), _NO_SPREAD_S)
            total += (1.2533 * spread) ** 2 / len(times)
        variance[p] = total / 4


@njit(cache=True, nogil=True)
def _best_step(s, first, second, start, n, lag_s, change, grid):
    """The change of this clock that folds its ways best, and how the spread compares with that of no change."""
    spread = np.zeros(len(grid))
    listened = 0
    for p in range(len(first)):
        if (first[p] != s and second[p] != s) or listened == _LISTENED:
            continue
        stride = max(1, n[p] // _PER_PAIR)
        lags = lag_s[start[p]:start[p] + n[p]:stride] - (change[second[p]] - change[first[p]])
        if first[p] == s:
            lags = -lags
        if min((lags > 0).sum(), (lags < 0).sum()) * 20 < len(lags) and np.median(lags) == 0:
            continue
        listened += 1
        for g in range(len(grid)):
            folded = np.abs(lags - grid[g])
            spread[g] += np.minimum(np.abs(folded - np.median(folded)), _FAR_S).sum()
    best = np.argmin(spread)
    here = spread[len(grid) // 2]
    out = np.empty(2)
    out[0], out[1] = grid[best], spread[best] / here if here > 0 else 1.0
    return out
