"""How long visits last, when a sensor tells only at least and at most; and which silence ends a visit.

No visit has a dwell time here, only two bounds. What can be known of all visits together still is a distribution.
"""

import numpy as np
import pandas as pd
from numba import njit

from kit import tables
from kit.errors import InputError
from kit.movement import order
from kit.movement.visits import check_table, counted, encode_ids, find_visits, length_us

_BINS_AN_OCTAVE = 2
_OCTAVES = 32
_STEPS, _STILL = 20_000, 1e-10
_ESTIMATE = ["estimate", "low", "high", "n", "eligible", "population"]


def dwell_distribution(visits, resolution="1min", draws=100, seed=0):
    """The distribution of dwell times that makes the bounds of all visits likeliest (Turnbull's estimate).

    It puts its weight on the shortest spans that the bounds can tell apart; within a span nobody knows where. So the
    share of visits that last longer than a time within a span lies between the `estimate` of the row before and that
    of its own row. A visit without an upper bound may have lasted any time beyond its lower one. Bounds are taken to
    have nothing to do with the dwell itself; where people are seen more often the longer they stay, that is not so.

    Parameters
    ----------
    visits : pandas.DataFrame
        `subject_id, dwell_min_s, dwell_max_s`, as from `find_visits`.
    resolution : str, pandas.Timedelta or None
        Lower bounds are rounded down, upper ones up, to a multiple of this; None leaves them as they are.
    draws : int
        Replicates of the bootstrap by person behind `low` and `high`.
    seed : int

    Returns
    -------
    pandas.DataFrame
        A row for each span that has weight, from short to long: `from_s, to_s` (the last may be infinite)`, share` (of
        the visits, within the span)`, surely, possibly` (shares of visits whose lower, whose upper bound lies beyond
        `to_s`: whatever the distribution, what is longer lies between)`, estimate` (share that lasts longer than
        `to_s`)`, low, high` (95 %)`, n` (visits)`, eligible` (visits with both bounds)`, population` (subjects).

    Raises
    ------
    InputError
        A column is missing, a lower bound is missing, below 0 or above the upper one, or an argument is out of range.

    References
    ----------
    Turnbull, B. W. (1976). The empirical distribution function with arbitrarily grouped, censored and truncated data.
    Journal of the Royal Statistical Society B 38, 290-295. doi:10.1111/j.2517-6161.1976.tb01597.x

    >>> bounds = pd.DataFrame({"subject_id": list("abcd"), "dwell_min_s": [0.0, 0, 120, 0],
    ...                        "dwell_max_s": [60.0, 60, 180, 180]})
    >>> dwell_distribution(bounds)[["from_s", "to_s", "share"]].round(3).values.tolist()
    [[0.0, 60.0, 0.667], [120.0, 180.0, 0.333]]
    """
    lower, upper, person, people = _bounds(visits, resolution, draws)
    if len(lower) == 0:
        return pd.DataFrame({c: pd.Series(dtype=float) for c in ("from_s", "to_s", "share", "surely", "possibly",
                                                                 *_ESTIMATE[:3])}
                            | {c: pd.Series(dtype=np.int64) for c in _ESTIMATE[3:]})
    from_s, to_s = _spans(lower, upper)
    first, last = np.searchsorted(from_s, lower), np.searchsorted(to_s, upper, side="right") - 1
    share, low, high = _estimate(first, last, person, people, len(from_s), draws, seed)
    longer = np.clip(share[::-1].cumsum()[::-1] - share, 0, 1)
    rows = share > 1e-8
    n = len(lower)
    beyond = [(n - np.searchsorted(np.sort(bound), to_s, side="right")) / n for bound in (lower, upper)]
    frame = pd.DataFrame({"from_s": from_s, "to_s": to_s, "share": share, "surely": beyond[0], "possibly": beyond[1],
                          "estimate": longer, "low": np.minimum(low, longer), "high": np.maximum(high, longer), "n": n,
                          "eligible": int(np.isfinite(upper).sum()), "population": people})
    return frame[rows].reset_index(drop=True)


def choose_gap(sightings, sensors=None, place="sensor", draws=200, seed=0):
    """The silence that best tells "still here" from "back again", and what hangs on that choice.

    Gaps between a subject's consecutive sightings at one place have two heaps: seconds to minutes while they stay,
    hours and days when they come back. The choice is the emptiest length between the two heaps (on a scale of octaves,
    smoothed); `gap_histogram` shows it. Half and double the choice show how much the visits change.

    Parameters
    ----------
    sightings, sensors, place
        As for `find_visits`.
    draws : int
        Replicates of the bootstrap by person behind `low` and `high`.
    seed : int

    Returns
    -------
    pandas.DataFrame
        Three rows, "half", "chosen" and "double": `choice, max_gap` (what `find_visits` takes)`, n_visits, estimate`
        (median `dwell_min_s` of the visits with two sightings or more, in seconds)`, low, high, n` (those visits)`,
        eligible` (subjects with such a visit)`, population` (subjects seen).

    Raises
    ------
    InputError
        As `find_visits`, and when the gaps do not form two heaps: then choose `max_gap` from what the sensors do.

    >>> mornings = pd.date_range("2031-03-01T08:00Z", periods=40)
    >>> times = [*mornings, *(mornings + pd.Timedelta("90s"))]
    >>> seen = pd.DataFrame({"sighting_id": range(80), "subject_id": "p_1", "sensor_id": "a", "time": times})
    >>> choose_gap(seen)[["choice", "n_visits", "estimate"]].values.tolist()
    [['half', 40, 90.0], ['chosen', 40, 90.0], ['double', 40, 90.0]]
    """
    gap_s = round(_antimode(gap_histogram(sightings, sensors, place)))
    rows = []
    for choice, seconds in (("half", gap_s / 2), ("chosen", gap_s), ("double", gap_s * 2)):
        visits = find_visits(sightings, sensors, place, pd.Timedelta(seconds, "s"))
        longer = visits[visits["n_sightings"] > 1]
        middle, low, high = _median_by_person(longer["dwell_min_s"].to_numpy(), longer["subject_id"], draws, seed)
        rows.append({"choice": choice, "max_gap": pd.Timedelta(seconds, "s").as_unit("us"), "n_visits": len(visits),
                     "estimate": middle, "low": low, "high": high, "n": len(longer),
                     "eligible": longer["subject_id"].nunique(), "population": visits["subject_id"].nunique()})
    return pd.DataFrame(rows)


def gap_histogram(sightings, sensors=None, place="sensor"):
    """How long it was between consecutive sightings of a subject at one place, by half octaves from one second.

    Parameters
    ----------
    sightings, sensors, place
        As for `find_visits`.

    Returns
    -------
    pandas.DataFrame
        `from_s, to_s, n`, up to the longest gap; gaps under a second (bursts, duplicates) are left out.

    Raises
    ------
    InputError
        As `find_visits`.

    >>> times = pd.to_datetime(["2031-03-12T08:00:00Z", "2031-03-12T08:00:10Z"])
    >>> seen = pd.DataFrame({"sighting_id": [0, 1], "subject_id": "p_1", "sensor_id": "a", "time": times})
    >>> gap_histogram(seen).tail(1).round(1).values.tolist()
    [[8.0, 11.3, 1.0]]
    """
    each = find_visits(sightings, sensors, place, "0s")
    subject, subjects = encode_ids(each["subject_id"])
    spot, _ = encode_ids(each["place_id"])
    arrived, left = (tables.utc(each[c]).array.asi8 for c in ("arrived_at", "left_at"))
    subject, arrived, spot, row = order.by_subject(subject, arrived, spot, np.arange(len(each)), len(subjects))
    same = (subject[1:] == subject[:-1]) & (spot[1:] == spot[:-1])
    gap_s = (arrived[1:] - left[row[:-1]])[same] / 1e6
    edges = 2 ** (np.arange(_BINS_AN_OCTAVE * _OCTAVES + 1) / _BINS_AN_OCTAVE)
    n, _ = np.histogram(gap_s, edges)
    used = np.flatnonzero(n).max(initial=-1) + 1
    return pd.DataFrame({"from_s": edges[:used], "to_s": edges[1:used + 1], "n": n[:used]})


def _bounds(visits, resolution, draws):
    """Lower and upper bounds in seconds, rounded outwards, and whose they are."""
    check_table(visits, "visits", ["subject_id", "dwell_min_s", "dwell_max_s"])
    if not isinstance(draws, (int, np.integer)) or isinstance(draws, bool) or not 1 <= draws <= 10_000:
        raise InputError(f"draws must be a whole number from 1 to 10,000, but it is {draws!r}.")
    lower, upper = (visits[c].to_numpy(float, na_value=np.nan) for c in ("dwell_min_s", "dwell_max_s"))
    upper = np.where(np.isnan(upper), np.inf, upper)
    wrong = ~((lower >= 0) & (lower <= upper) & np.isfinite(lower))
    if wrong.any():
        raise InputError(f"{counted(int(wrong.sum()), 'visit')} no dwell_min_s from 0 up to dwell_max_s, first in row "
                         f"{int(np.argmax(wrong))}; remove or repair them.")
    person, _ = encode_ids(visits["subject_id"])
    if (person < 0).any():
        raise InputError(f"{counted(int((person < 0).sum()), 'visit')} no subject_id; remove or repair them.")
    step = 0 if resolution is None else length_us(resolution, "resolution") / 1e6
    if step > 0:
        lower, upper = np.floor(lower / step) * step, np.ceil(upper / step) * step
    _, person = np.unique(person, return_inverse=True)
    return lower, upper, person, int(person.max(initial=-1)) + 1


def _spans(lower, upper):
    """The innermost spans: from a lower bound to an upper one with no other bound between."""
    ends = np.concatenate([lower, upper])
    is_upper = np.repeat([False, True], len(lower))
    by_value = np.lexsort((is_upper, ends))
    ends, is_upper = ends[by_value], is_upper[by_value]
    at = np.flatnonzero(~is_upper[:-1] & is_upper[1:])
    return ends[at], ends[at + 1]


def _estimate(first, last, person, people, n_spans, draws, seed):
    """Shares of the spans, and a bootstrap interval for what lies beyond each."""
    kind, visit_kind = np.unique(first * n_spans + last, return_inverse=True)
    first, last = kind // n_spans, kind % n_spans
    weight = np.bincount(visit_kind, minlength=len(kind)).astype(float)
    share = _likeliest(first, last, weight, np.full(n_spans, 1 / n_spans), _STEPS)
    rng, beyond = np.random.default_rng(seed), np.empty((draws, n_spans))
    start = 0.99 * share + 0.01 / n_spans
    for i in range(draws):
        times = rng.multinomial(people, np.full(people, 1 / people))
        weight = np.bincount(visit_kind, times[person].astype(float), minlength=len(kind))
        replicate = _likeliest(first, last, weight, start, _STEPS // 10)
        beyond[i] = np.clip(1 - replicate.cumsum(), 0, 1)
    return share, *np.quantile(beyond, [0.025, 0.975], axis=0)


@njit(cache=True, nogil=True)
def _likeliest(first, last, weight, share, most_steps):
    """Expectation-maximisation, each step in linear time: a visit may lie in the spans from `first` to `last`."""
    share = share.copy()
    total = weight.sum()
    for _ in range(most_steps):
        below = np.zeros(len(share) + 1)
        for j in range(len(share)):
            below[j + 1] = below[j] + share[j]
        change = np.zeros(len(share) + 1)
        for i in range(len(first)):
            mass = below[last[i] + 1] - below[first[i]]
            if weight[i] > 0 and mass > 0:
                change[first[i]] += weight[i] / mass
                change[last[i] + 1] -= weight[i] / mass
        factor, moved, sum_new = 0.0, 0.0, 0.0
        for j in range(len(share)):
            factor += change[j]
            new = share[j] * max(factor, 0.0) / total
            moved = max(moved, abs(new - share[j]))
            share[j] = new
            sum_new += new
        share /= sum_new
        if moved < _STILL:
            break
    return share


def _antimode(histogram):
    """The emptiest length between two heaps, in seconds."""
    n = histogram["n"].to_numpy(float)
    smooth = np.convolve(n, [1 / 16, 4 / 16, 6 / 16, 4 / 16, 1 / 16], "same") if len(n) else n
    lower_heap = np.minimum(np.maximum.accumulate(smooth), np.maximum.accumulate(smooth[::-1])[::-1])
    depth = lower_heap - smooth
    deepest = depth.max(initial=0)
    if deepest <= 3 * np.sqrt(lower_heap[np.argmax(depth)] if len(n) else 0):
        raise InputError(f"The {int(n.sum()):,} gaps between sightings at one place do not form two heaps, so no "
                         "max_gap follows from them; choose one from what the sensors do, such as '15min'.")
    emptiest = np.flatnonzero(np.isclose(depth, deepest))
    from_s, to_s = histogram["from_s"].iloc[emptiest[0]], histogram["to_s"].iloc[emptiest[-1]]
    return float(np.sqrt(from_s * to_s))


def _median_by_person(values, person, draws, seed):
    if len(values) == 0:
        return np.nan, np.nan, np.nan
    whose, people = pd.factorize(person)
    by_value = np.argsort(values, kind="stable")
    values, whose, rng = values[by_value], whose[by_value], np.random.default_rng(seed)
    medians = np.empty(draws)
    for i in range(draws):
        weight = rng.multinomial(len(people), np.full(len(people), 1 / len(people)))[whose].cumsum()
        medians[i] = values[np.searchsorted(weight, weight[-1] / 2)] if weight[-1] else np.nan
    low, high = np.nanquantile(medians, [0.025, 0.975])
    return float(np.median(values)), float(low), float(high)
