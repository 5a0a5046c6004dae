"""Mend clocks that are wrong: people take as long one way as the other, unless a clock says otherwise.

If sensor j runs ahead of sensor i, the way from i to j seems longer than the way back by twice the difference. Half of
that, for every pair of sensors passed both ways, gives equations for all clocks at once.
"""

import numpy as np
import pandas as pd
from numba import njit
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.special import fdtri, stdtrit

from kit import codes, tables
from kit.errors import InputError
from kit.movement import order
from kit.movement.visits import check_table, counted, encode_ids, length_us, rows_of_sensors

_DAY_US = 86_400_000_000
_NEXT = 10  # as many sightings elsewhere after each are looked at: a wrong clock upsets the order
_FEWEST = 10  # ways in each direction, below which a pair says nothing
_GRID_S, _GAIN, _STAY, _LISTENED = 2.0, 0.3, 0.5, 30
_BALANCE, _VALLEY, _NEAREST, _UNLIKE = 0.25, 0.25, 4, 2.5  # what tells two heaps, there and back, from one
_LEAST_DRIFT = 0.02  # seconds a day
_NEAR_S, _FEWEST_ALIKE = 10.0, 5
_BLOCK_DAYS, _FEWEST_BLOCKS, _FEWEST_SEEN = 3.5, 6, 4
_NO_SPREAD_S = 0.5
_RIGHT_S = 1.0  # how far off a clock is that is kept right


def repair_clocks(sightings, sensors, largest="10min", travel="10min"):
    """Estimate how far each sensor's clock is off, and take it off the times.

    Seconds between two sensors that people pass both ways lie in two heaps, one each way, as far from the difference of
    the clocks on either side. Each pair votes for the difference under which the heaps mirror each other, up to
    `largest`; the clocks that most pairs agree on start a weighted least-squares fit of half the difference of the
    median times in the heaps (weights from the spread and number of ways; pairs that disagree count less). A pair
    counts only if both heaps stand out, neither has less than a quarter of the other, and a gap lies between them:
    sensors that people pass in one direction only, or within seconds of each other, are not tied. With three weeks or
    more, a drift is fitted too and kept where an F-test of a line against a constant calls for it (p < 0.001).

    Offsets are known only up to one number for each group of sensors tied by such pairs (`component`). The median clock
    of each group is taken to be right, and where ways do not say otherwise a clock is held to be within about a second
    (a Cauchy prior): true only where most clocks of the group are right. In a group of two nobody can say which is
    wrong, so their intervals take in both cases. A time is mended only where the interval of its clock leaves out zero,
    or a drift is kept, and two pairs or more speak for it.

    Hills, waits and queues that slow one direction only look like wrong clocks. A pair whose two heaps are not about
    equally wide is left out; and where most sensors of one `place_class` seem off alike (five of them or more), the
    offset is given without what they share, and the interval takes in both, since a sort of place has no clock. Of what
    a single place does to people the intervals know nothing.

    Parameters
    ----------
    sightings : pandas.DataFrame
        `subject_id, sensor_id, time`, in any order, other columns are kept.
    sensors : pandas.DataFrame
        `sensor_id`, and `place_class` where known; every sensor of the sightings must be in it.
    largest : str or pandas.Timedelta
        Largest error of a clock that is looked for, up to a day.
    travel : str or pandas.Timedelta
        Longest time between two sightings that counts as a way.

    Returns
    -------
    sightings : pandas.DataFrame
        A copy, rows in the same order, with `time` mended where the clock is surely off. It needs sorting again.
    clocks : pandas.DataFrame
        A row for each row of `sensors`: `sensor_id, offset_s` (at the earliest sighting, by the recorded time; above
        zero is ahead)`, low, high` (95 %)`, component` (0 is the largest; -1, with missing numbers, for a sensor that
        cannot be tied and stays as it is)`, drift_s_per_day` (0 where none is kept)`, drift_low, drift_high` (95 %;
        missing when the sightings span less than three weeks)`, n_pairs, n_ways` (pairs and ways behind it)`, mended`
        (whether times were changed).

    Raises
    ------
    InputError
        A column is missing or there twice, times are naive or missing, a sensor is missing, not in `sensors` or there
        more than once, or a length of time is out of range.

    >>> there = pd.date_range("2031-03-12T08:00Z", periods=20, freq="1h")
    >>> ways = {"a": (0, 1900), "b": (130, 1830), "c": (200, 1700)}  # seconds after the hour; b is 30 s ahead
    >>> seen = pd.concat([pd.DataFrame({"subject_id": "p_1", "sensor_id": s, "time": there + pd.Timedelta(t, "s")})
    ...                   for s, both in ways.items() for t in both])
    >>> mended, clocks = repair_clocks(seen, pd.DataFrame({"sensor_id": ["a", "b", "c"]}))
    >>> clocks["offset_s"].round().tolist()
    [0.0, 30.0, 0.0]
    """
    columns = _read(sightings, sensors)
    largest_us, travel_us = (_span(length, name) for length, name in ((largest, "largest"), (travel, "travel")))
    span_days = (columns[1].max() - columns[1].min()) / _DAY_US if len(columns[1]) else 0.0
    fit = _fit(_gather(*columns, len(sensors), largest_us, travel_us), span_days)
    if "place_class" in sensors:
        _allow_for_waits(fit, pd.factorize(sensors["place_class"])[0])
    mended = sightings.copy()
    mended["time"] = _mend(columns[1], columns[2], fit, sightings)
    return mended, _frame(fit, sensors)


class _Lags:
    """All pairs of one subject's sightings at two sensors close in time: pair of sensors, seconds apart, and when."""

    def __init__(self, pair, lag_s, day, n_sensors, largest_s, travel_s):
        self.n_sensors, self.largest_s, self.travel_s = n_sensors, largest_s, travel_s
        self.pair, self.lag_s, self.day = pair, lag_s, day
        first = np.flatnonzero(np.r_[True, pair[1:] != pair[:-1]][:len(pair)])
        self.start, self.n = first, np.diff(np.r_[first, len(pair)])
        self.first, self.second = pair[first] // max(n_sensors, 1), pair[first] % max(n_sensors, 1)

    def between(self, first_day, last_day):
        """Those of a stretch of days."""
        inside = (self.day >= first_day) & (self.day < last_day)
        return _Lags(self.pair[inside], self.lag_s[inside], self.day[inside], self.n_sensors, self.largest_s,
                     self.travel_s)

    def under(self, offset, drift):
        """Seconds apart if the clocks ran like this."""
        ahead = np.repeat(offset[self.second] - offset[self.first], self.n)
        return self.lag_s - ahead - np.repeat(drift[self.second] - drift[self.first], self.n) * self.day


class _Fit:
    """Clocks: offset in seconds at the start, drift in seconds a day, their standard errors, and how they are tied."""

    def __init__(self, n_sensors):
        self.offset, self.drift = np.zeros(n_sensors), np.zeros(n_sensors)
        self.se, self.drift_se = np.full(n_sensors, np.nan), np.full(n_sensors, np.nan)
        self.component = np.full(n_sensors, -1)
        self.n_pairs, self.n_ways = np.zeros(n_sensors, np.int64), np.zeros(n_sensors, np.int64)
        self.reach = np.full(n_sensors, 1.96)
        self.freedom = np.zeros(n_sensors)
        self.wait, self.wait_low, self.wait_high = (np.zeros(n_sensors) for _ in range(3))


def _gather(subject, time_us, sensor, n_sensors, largest_us, travel_us):
    known = subject >= 0
    start_us = int(time_us.min()) if len(time_us) else 0
    n_subjects = int(subject.max(initial=-1)) + 1
    subject, time_us, sensor, _ = order.by_subject(subject[known], time_us[known], sensor[known],
                                                   np.arange(known.sum()), n_subjects)
    pair, lag_s, day = (np.empty(_NEXT * len(subject), t) for t in (np.int64, np.float32, np.float32))
    n = _find_lags(subject, time_us, sensor, largest_us + travel_us, n_sensors, start_us, pair, lag_s, day)
    at = np.argsort(pair[:n], kind="stable")
    return _Lags(pair[at], lag_s[at].astype(float), day[at].astype(float), n_sensors, largest_us / 1e6,
                 travel_us / 1e6)


def _fit(lags, span_days):
    fit = _Fit(lags.n_sensors)
    if len(lags.pair) == 0:
        return fit
    n_blocks = int(min(12, span_days // _BLOCK_DAYS))
    if n_blocks < _FEWEST_BLOCKS:
        _settle(lags, _search(lags, fit.offset), fit)
        return fit
    edges = np.linspace(0, span_days + 1e-9, n_blocks + 1)
    _follow(lags, edges, fit)
    _try_others(lags, fit)
    for _ in range(2):
        _straighten(lags, edges, fit)
    keep = _supported(fit)
    fit.offset = np.where(keep, fit.offset, fit.offset + fit.drift * span_days / 2)
    fit.drift = np.where(keep, fit.drift, 0.0)
    _settle(lags, fit.offset.copy(), fit)
    fit.se = np.where(keep, np.hypot(fit.se, fit.drift_se * span_days / 2), fit.se)
    return fit


def _allow_for_waits(fit, sort):
    """Where most sensors of a sort are off alike, people wait there one way: no clock's error, or none can be told."""
    for one in range(sort.max(initial=-1) + 1):
        members = np.flatnonzero((sort == one) & (fit.component >= 0))
        checked = fit.offset[members[fit.n_pairs[members] > 1]]
        if len(checked) < _FEWEST_ALIKE or abs(np.median(checked)) < _NEAR_S:
            continue
        wait = np.median(checked)
        scatter = 2 * 1.4826 * np.median(np.abs(checked - wait))
        fit.wait_low[members], fit.wait_high[members] = min(0, wait - scatter), max(0, wait + scatter)
        nearer = np.abs(fit.offset[members] - wait) < np.abs(fit.offset[members])
        fit.wait[members] = np.where(nearer, wait, 0)


def _supported(fit):
    """Drifts that a line needs: F-test against a constant, at one false one in a thousand."""
    f = (fit.drift / fit.drift_se) ** 2
    return (f > fdtri(1, np.maximum(fit.freedom, 1), 0.999)) & (np.abs(fit.drift) > _LEAST_DRIFT)


def _follow(lags, edges, fit):
    """Offsets stretch by stretch, each starting from the one before, and a line through them."""
    days = (edges[:-1] + edges[1:]) / 2
    seen, weight = np.zeros((len(days), lags.n_sensors)), np.zeros((len(days), lags.n_sensors))
    start = np.zeros(lags.n_sensors)
    for b in range(len(days)):
        part, local = lags.between(edges[b], edges[b + 1]), _Fit(lags.n_sensors)
        found = _search(part, start)
        _settle(part, found.copy(), local, found)
        tied = local.component >= 0
        start = np.where(tied, local.offset, start)
        seen[b], weight[b] = local.offset, np.where(tied, 1 / np.maximum(local.se, 1.0) ** 2, 0)
    fit.offset, fit.drift, fit.drift_se, fit.freedom = _lines(days, seen, weight)


def _try_others(lags, fit):
    """Where two clocks are tied to little else, weeks cannot say which is off: try each as the right one on all."""
    tried = set()
    for s in np.flatnonzero((np.abs(fit.drift) > _LEAST_DRIFT) | (np.abs(fit.offset) > _NEAR_S)):
        of = np.flatnonzero((lags.first == s) | (lags.second == s))
        if len(of) == 0:
            continue
        busiest = of[np.argmax(lags.n[of])]
        members = tuple(sorted((int(lags.first[busiest]), int(lags.second[busiest]))))
        if members not in tried:
            tried.add(members)
            _try_each(lags, fit, np.array(members))


def _try_each(lags, fit, members):
    best = _ties(lags, fit.offset, fit.drift, members), fit.offset, fit.drift
    for right in members:
        offset, drift = fit.offset.copy(), fit.drift.copy()
        offset[members] -= offset[right]
        drift[members] -= drift[right]
        best = max(best, (_ties(lags, offset, drift, members), offset, drift), key=lambda found: found[0])
    _, fit.offset, fit.drift = best


def _ties(lags, offset, drift, members):
    """How much the pairs of these sensors with others agree that ways there and back take as long."""
    first, second, half, variance, _ = _asymmetries(lags, offset, drift)
    tie = (np.isin(first, members) != np.isin(second, members)) & (np.abs(half) < _NEAR_S)
    return float(np.log1p(1 / variance[tie]).sum())


def _straighten(lags, edges, fit):
    """What is left, stretch by stretch, once the lines are taken off, corrects the lines."""
    days = (edges[:-1] + edges[1:]) / 2
    seen, weight = np.zeros((len(days), lags.n_sensors)), np.zeros((len(days), lags.n_sensors))
    for b in range(len(days)):
        part, local = lags.between(edges[b], edges[b + 1]), _Fit(lags.n_sensors)
        local.drift = fit.drift
        _settle(part, fit.offset.copy(), local, fit.offset)
        tied = local.component >= 0
        seen[b], weight[b] = local.offset - fit.offset, np.where(tied, 1 / np.maximum(local.se, 0.2) ** 2, 0)
    offset, drift, drift_se, fit.freedom = _lines(days, seen, weight)
    fit.offset, fit.drift, fit.drift_se = fit.offset + offset, fit.drift + drift, drift_se


def _lines(days, seen, weight):
    """Weighted lines, one a column; the error of the slope is as wide as the points lie from the line."""
    total = weight.sum(axis=0)
    enough = (weight > 0).sum(axis=0) >= _FEWEST_SEEN
    safe = np.where(total > 0, total, 1)
    mid_day, mid = (weight * days[:, None]).sum(axis=0) / safe, (weight * seen).sum(axis=0) / safe
    apart = days[:, None] - mid_day
    across = np.where(enough, (weight * apart**2).sum(axis=0), 1)
    slope = np.where(enough, (weight * apart * seen).sum(axis=0) / across, 0)
    left = (weight * (seen - mid - slope * apart) ** 2).sum(axis=0)
    spread = np.maximum(left / np.maximum((weight > 0).sum(axis=0) - 2, 1), 1)
    freedom = np.maximum((weight > 0).sum(axis=0) - 2, 0)
    return mid - slope * mid_day, slope, np.where(enough, np.sqrt(spread / across), np.nan), freedom


def _search(lags, start):
    """Offsets on a grid that most pairs agree with; clocks stay where they were unless that gains enough.

    Under the right offset, the seconds between two sensors lie alike on both sides of zero, since people go there and
    back. Each pair votes for every difference of its clocks by how alike. The clock that gains most moves first.
    """
    offset = np.rint(start / _GRID_S) * _GRID_S
    first, second, votes = _votes(lags)
    if len(first) == 0:
        return start.copy()
    moved = np.zeros(lags.n_sensors, bool)
    near = [[] for _ in range(lags.n_sensors)]
    for p, (a, b) in enumerate(zip(first.tolist(), second.tolist(), strict=True)):
        near[a].append((p, b, -1))
        near[b].append((p, a, 1))
    best = [_best_place(s, near[s], votes, offset, start) for s in range(lags.n_sensors)]
    for _ in range(2 * lags.n_sensors):
        s = max(range(lags.n_sensors), key=lambda one: best[one][1])
        if best[s][1] < _GAIN:
            break
        offset[s], moved[s] = best[s][0], True
        for one in {s, *(other for _, other, _ in near[s])}:
            best[one] = _best_place(one, near[one], votes, offset, start)
    return np.where(moved, offset, start)


def _best_place(s, near, votes, offset, start):
    """Where the pairs of this sensor want its clock, and how many votes more than where it stands that gives."""
    if not near:
        return offset[s], 0.0
    half = votes.shape[1] // 2
    total = np.zeros(2 * half + 1)
    for p, other, sign in near:
        curve = votes[p] if sign > 0 else votes[p][::-1]
        shift = round(offset[other] / _GRID_S)
        total[max(0, shift):min(2 * half + 1, 2 * half + 1 + shift)] += \
            curve[max(0, -shift):min(2 * half + 1, 2 * half + 1 - shift)]
    home = round(start[s] / _GRID_S) + half
    total[max(0, home - 2):home + 3] += _STAY
    top = int(np.argmax(total))
    here = round(offset[s] / _GRID_S) + half
    return (top - half) * _GRID_S, total[top] - total[np.clip(here, 0, 2 * half)]


def _votes(lags):
    """For the pairs that have ways both ways: how alike they are at each difference of the clocks, 1 at the best."""
    steps, far = int(lags.largest_s / _GRID_S), int((lags.largest_s + lags.travel_s) / _GRID_S)
    use = np.argsort(-lags.n, kind="stable")
    use = use[lags.n[use] >= 2 * _FEWEST]
    listened, kept = np.zeros(lags.n_sensors, np.int64), []
    for p in use:
        a, b = lags.first[p], lags.second[p]
        if min(listened[a], listened[b]) < _LISTENED:
            listened[a] += 1
            listened[b] += 1
            kept.append(p)
    kept = np.array(kept, np.int64)
    votes = np.zeros((len(kept), 2 * steps + 1), np.float32)
    sure = _vote(lags.start[kept], lags.n[kept], lags.lag_s, far, steps, _GRID_S, votes)
    return lags.first[kept][sure], lags.second[kept][sure], votes[sure]


def _settle(lags, start, fit, about=0.0):
    """Least squares from a start near enough, until it stands still; fills `fit`. Clocks are likeliest at `about`."""
    fit.offset = start
    for _ in range(12):
        pairs = _asymmetries(lags, fit.offset, fit.drift)
        step, fit.se, fit.component, fit.reach = _solve(*pairs[:4], fit.offset - about)
        fit.offset = fit.offset + step
        if np.abs(step).max(initial=0) < 0.05:
            break
    first, second, _, _, ways = pairs
    fit.n_pairs = np.bincount(np.r_[first, second], minlength=lags.n_sensors)
    fit.n_ways = np.bincount(np.r_[first, second], np.r_[ways, ways], minlength=lags.n_sensors).astype(np.int64)
    fit.offset = about + _about_median(fit.offset - about, fit.component)


def _asymmetries(lags, offset, drift):
    """By pair: (seconds there - seconds back) / 2 among the swiftest ways, its variance, and the number of ways."""
    half, variance = np.zeros(len(lags.n)), np.zeros(len(lags.n))
    ways = np.zeros(len(lags.n), np.int64)
    _compare(lags.start, lags.n, lags.under(offset, drift), int(lags.travel_s / _GRID_S), _GRID_S, half, variance, ways)
    use = ways > 0
    return lags.first[use], lags.second[use], half[use], variance[use], ways[use]


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
    offset, drift = (np.where(_sure(fit), x, 0) for x in (fit.offset - fit.wait, fit.drift))
    shift = np.rint((offset[sensor] + drift[sensor] * days) * 1e6).astype(np.int64)
    return pd.Series((time_us - shift).view("datetime64[us]"), index=sightings.index).dt.tz_localize("UTC")


def _sure(fit):
    """Clocks that are off beyond doubt."""
    low, high = _interval(fit)
    return (fit.component >= 0) & (fit.n_pairs > 1) & ((low > 0) | (high < 0) | (fit.drift != 0))


def _interval(fit):
    """95 %; in a group of two either clock may be the right one, and where people may wait the wait is left open."""
    pair = (fit.component >= 0) & (np.bincount(fit.component + 1, minlength=2)[fit.component + 1] == 2)
    either = np.where(pair, np.abs(fit.offset), 0)
    return (fit.offset - fit.wait_high - fit.reach * fit.se - either,
            fit.offset - fit.wait_low + fit.reach * fit.se + either)


def _frame(fit, sensors):
    tied = fit.component >= 0
    offset, low, high, drift, drift_se = (np.where(tied, x, np.nan) for x in (fit.offset - fit.wait, *_interval(fit),
                                                                             fit.drift, fit.drift_se))
    return pd.DataFrame({
        "sensor_id": sensors["sensor_id"].array,
        "offset_s": offset.round(3), "low": low.round(3), "high": high.round(3),
        "component": fit.component, "drift_s_per_day": drift.round(4),
        "drift_low": (drift - 1.96 * drift_se).round(4), "drift_high": (drift + 1.96 * drift_se).round(4),
        "n_pairs": fit.n_pairs, "n_ways": fit.n_ways, "mended": _sure(fit),
    })


@njit(cache=True, nogil=True)
def _find_lags(subject, time_us, sensor, reach_us, n_sensors, start_us, pair, lag_s, day):
    """From each sighting to the next few elsewhere within reach, whatever lies between."""
    n = 0
    for i in range(len(subject)):
        known = 0
        for j in range(i + 1, len(subject)):
            if subject[j] != subject[i] or time_us[j] - time_us[i] > reach_us or known == _NEXT:
                break
            if sensor[i] == sensor[j]:
                continue
            known += 1
            lag = (time_us[j] - time_us[i]) / 1e6
            if sensor[i] < sensor[j]:
                pair[n], lag_s[n] = np.int64(sensor[i]) * n_sensors + sensor[j], lag
            else:
                pair[n], lag_s[n] = np.int64(sensor[j]) * n_sensors + sensor[i], -lag
            day[n] = (time_us[i] - start_us) / _DAY_US
            n += 1
    return n


@njit(cache=True, nogil=True)
def _bin(lags, far, grid_s):
    """Lags counted in bins of the grid from -far to far, smoothed over three."""
    raw = np.zeros(2 * far + 1)
    for lag in lags:
        k = int(np.rint(lag / grid_s)) + far
        if 0 <= k <= 2 * far:
            raw[k] += 1
    out = raw.copy()
    for k in range(1, 2 * far):
        out[k] = (raw[k - 1] + 2 * raw[k] + raw[k + 1]) / 4
    return raw, out


@njit(cache=True, nogil=True)
def _vote(start, n, lag_s, far, steps, grid_s, votes):
    sure = np.zeros(len(start), np.bool_)
    longest = far - steps
    for p in range(len(start)):
        raw, smooth = _bin(lag_s[start[p]:start[p] + n[p]], far, grid_s)
        above = np.maximum(smooth - smooth.mean(), 0)
        top, top_at = 0.0, 0
        for d in range(-steps, steps + 1):
            total = 0.0
            for t in range(_NEAREST, longest + 1):
                total += above[far + d + t] * above[far + d - t]
            votes[p, d + steps] = total
            if total > top:
                top, top_at = total, d
        if top == 0:
            continue
        votes[p] /= top
        sure[p] = _peak(raw, above, far + top_at, longest)[0] > 0
    return sure


@njit(cache=True, nogil=True)
def _peak(raw, above, middle, longest):
    """How many bins to each side of the middle most ways lie, and how wide; 0 where not enough go there and back."""
    best, at = 0.0, 0
    for t in range(_NEAREST, longest + 1):
        both = above[middle + t] * above[middle - t]
        if both > best:
            best, at = both, t
    if at == 0:
        return 0, 0
    wide = max(3, at // 2)
    there, back, span = 0.0, 0.0, 0
    for t in range(max(1, at - wide), min(longest, at + wide) + 1):
        there, back, span = there + raw[middle + t], back + raw[middle - t], span + 1
    usual = raw.mean() * span
    fewer, more = min(there, back), max(there, back)
    if fewer < _FEWEST or fewer < usual + 4 * np.sqrt(usual + 1) or fewer < _BALANCE * more:
        return 0, 0
    inner = at // 2
    valley = above[middle - inner:middle + inner + 1].mean()
    if valley > _VALLEY * min(above[middle + at], above[middle - at]):
        return 0, 0
    return at, wide


@njit(cache=True, nogil=True)
def _compare(start, n, lag_s, longest, grid_s, half, variance, ways):
    for p in range(len(start)):
        ways[p] = 0
        if n[p] < 2 * _FEWEST:
            continue
        lags = lag_s[start[p]:start[p] + n[p]]
        raw, smooth = _bin(lags, longest, grid_s)
        at, wide = _peak(raw, np.maximum(smooth - smooth.mean(), 0), longest, longest)
        if at == 0:
            continue
        low, high = max(0.0, (at - wide - 0.5) * grid_s), (at + wide + 0.5) * grid_s
        there, back = lags[(lags > low) & (lags < high)], -lags[(lags < -low) & (lags > -high)]
        if min(len(there), len(back)) < _FEWEST:
            continue
        one, other = np.median(there), np.median(back)
        half[p] = (one - other) / 2
        ways[p] = len(there) + len(back)
        wide_there, wide_back = (max(1.4826 * np.median(np.abs(there - one)), _NO_SPREAD_S),
                                 max(1.4826 * np.median(np.abs(back - other)), _NO_SPREAD_S))
        if max(wide_there, wide_back) > _UNLIKE * min(wide_there, wide_back):
            ways[p] = 0
            continue
        variance[p] = 1.2533**2 * (wide_there**2 / len(there) + wide_back**2 / len(back)) / 4
