"""Unicity: how often a few known points single one person out of the crowd.

An outsider knows that somebody was here at eight and there at noon. If nobody else in the data was, the record is
theirs, and with it every other sighting.
"""

from dataclasses import dataclass
from math import comb

import numpy as np
import pandas as pd
from numba import njit

from kit import parallel
from kit.errors import InputError
from kit.estimates import bootstrap_by_person, wilson
from kit.reidentify.pairs import holds_alone, tally_is_cheaper
from kit.reidentify.points import Points, make_points

MOST_SUBSETS = 10**8
MOST_DRAWS = 10**6


def unicity(points, known=(1, 2, 3, 4), people=4000, draws=1, seed=0):
    """Share of people whom some of their own points, drawn at random, single out.

    For each number of known points k: people with at least k distinct points are eligible (the others are left out of
    the share, but stay in the crowd); of a sample of them, k points each are drawn without replacement, each k-subset
    equally likely; a person is unique when no other subject, eligible or not, has them all. With `draws="all"` nothing
    is drawn: each person's share of unique k-subsets counts once, however many points that person has. So with one
    known point of everybody it is, for a table `p` of distinct `subject, place, bin`,
    `(p.groupby(["place", "bin"])["subject"].transform("size") == 1).groupby(p["subject"]).mean().mean()`.

    Drawing from the data itself makes this what the data *permits*, an upper bound on what an outsider with hazy
    knowledge achieves. It falls as the crowd grows, so a sample of people overstates it: always say `population`. And
    it speaks of eligible people only: on one day most have too few points, so always say `eligible`.

    Parameters
    ----------
    points : Points
        From `make_points`.
    known : int or iterable of int
        Numbers of known points.
    people : int or None
        How many eligible people to sample; None measures every one.
    draws : int or "all"
        Draws a person, averaged over, up to a million; "all" takes each person's share of *all* subsets that are
        unique, which leaves no chance but the sampling of people.
    seed : int
        Decides the sample and the draws, from 0 to 2^63 - 1. Neither depends on the order of the records.

    Returns
    -------
    pandas.DataFrame
        `known, draws, estimate, low, high` (95 %: Wilson for one draw, bootstrap by person for several or all; with
        all subsets of all people nothing was sampled and low = high = estimate)`, n` (people measured)`, eligible,
        population`. Where nobody is eligible the row says so: n and eligible are 0, the estimate is missing.
        The bootstrap knows only the shares it was given: with several draws of few people, all alike, it has no width
        (two people, unique in every draw: 1 to 1). There take `draws=1`, whose Wilson interval stays wide.

    Raises
    ------
    InputError
        No points, no positive whole numbers, a seed or draws out of range, or more than 10^8 subsets with `draws="all"`
        (it states the cost).

    References
    ----------
    de Montjoye, Y.-A., Hidalgo, C. A., Verleysen, M., Blondel, V. D. (2013). Unique in the Crowd: the privacy bounds of
    human mobility. Scientific Reports 3, 1376. doi:10.1038/srep01376

    >>> times = pd.to_datetime(["2031-03-12T08:00Z"] * 2 + ["2031-03-12T12:00Z"] * 2)
    >>> seen = pd.DataFrame({"subject_id": ["x", "y", "x", "y"], "sensor_id": ["a", "a", "b", "c"], "time": times})
    >>> unicity(make_points(seen), known=(1, 2), draws="all")["estimate"].tolist()
    [0.5, 1.0]
    """
    known, people, draws, seed = check_arguments(points, known, people, draws, seed)
    index = build_index(points)
    return pd.DataFrame([_measure(index, k, people, draws, seed) for k in known])


def unicity_grid(records, places, times, known=4, people=4000, seed=0, sensors=None, draws=1):
    """Unicity over resolutions: each of `places` with each of `times`.

    Parameters
    ----------
    records, sensors
        As `make_points` takes them.
    places, times : iterable
        What `make_points` takes for `place` and `time`. Polygons and mappings may be given as {label: zones}. A
        single text, length of time or table of zones counts as a list of one.
    known, people, seed, draws
        As `unicity` takes them.

    Returns
    -------
    pandas.DataFrame
        `place, time` (missing where time was removed), then the columns of `unicity`.

    Raises
    ------
    InputError
        No place or no time, or what `make_points` and `unicity` refuse.

    >>> times = pd.to_datetime(["2031-03-12T08:00Z", "2031-03-12T08:30Z"])
    >>> seen = pd.DataFrame({"subject_id": ["x", "y"], "sensor_id": "a", "time": times})
    >>> unicity_grid(seen, ["sensor"], ["10min", "1h"], known=1)[["time", "estimate"]].values.tolist()
    [['10min', 1.0], ['1h', 0.0]]
    """
    times = _listed(times, "times", "['1h', None]")
    places = places if isinstance(places, dict) else {
        p if isinstance(p, str) else f"zones {i}": p for i, p in enumerate(_listed(places, "places", "['sensor']"))}
    rows = []
    for label, place in places.items():
        for time in times:
            table = unicity(make_points(records, place, time, sensors=sensors), known, people, draws, seed)
            table.insert(0, "time", None if time is None else str(time))
            table.insert(0, "place", label)
            rows.append(table)
    if not rows:
        raise InputError("A grid needs at least one place and one time, for example places=['sensor'], times=['1h'].")
    return pd.concat(rows, ignore_index=True)


def _listed(values, name, example):
    if isinstance(values, (str, pd.Timedelta, pd.DataFrame, pd.Series)):
        return [values]
    if not np.iterable(values):
        raise InputError(f"{name} must be a list such as {example}, but it is {values!r}.")
    return list(values)


@dataclass(frozen=True, eq=False)
class Index:
    """Points both ways: which cells a subject has, and which subjects (sorted) a cell has."""

    first_cell: np.ndarray
    cells: np.ndarray
    first_subject: np.ndarray
    subjects: np.ndarray

    @property
    def arrays(self):
        """All four, as the kernels take them."""
        return self.first_cell, self.cells, self.first_subject, self.subjects

    @property
    def sizes(self):
        """Distinct points of each subject."""
        return np.diff(self.first_cell)


def build_index(points):
    """Index points for look-up in both directions.

    >>> times = pd.to_datetime(["2031-03-12T08:00Z"] * 2)
    >>> index = build_index(make_points(pd.DataFrame({"subject_id": ["x", "y"], "sensor_id": "a", "time": times})))
    >>> index.sizes.tolist(), index.subjects.tolist()
    ([1, 1], [0, 1])
    """
    cell, n_cells = _cells(points.place, points.bin, len(points.places), len(points.bins))
    first_subject, subjects = _invert(points.subject, cell, n_cells)
    return Index(_offsets(points.subject, points.n_subjects), cell, first_subject, subjects)


def need_points(points, what):
    """Refuse anything but the points that `make_points` makes; `what` is who needs them."""
    if not isinstance(points, Points):
        raise InputError(f"{what} takes points; make them from records with reidentify.make_points(records).")


def need_seed(seed):
    """Refuse a seed that is not a whole number of 63 bits, which is what numpy and the kernels both take."""
    if not is_whole(seed, 0) or seed >= 2**63:
        raise InputError(f"seed must be a whole number from 0 to 2**63 - 1, but it is {seed!r}.")


def is_whole(value, least):
    """Whether a value is a whole number of at least `least`.

    >>> is_whole(3, 1), is_whole(0, 1), is_whole(1.5, 1), is_whole(True, 1)
    (True, False, False, False)
    """
    return isinstance(value, (int, np.integer)) and not isinstance(value, bool) and value >= least


def check_arguments(points, known, people, draws, seed):
    """What `unicity` was given, each as its code takes it, or refused."""
    need_points(points, "unicity")
    if len(points) == 0:
        raise InputError("There are no points, so nobody can be singled out; check that records have a subject_id.")
    known = list(known) if np.iterable(known) and not isinstance(known, str) else [known]
    if not known or not all(is_whole(k, 1) for k in known):
        raise InputError(f"known must be whole numbers of at least 1, such as (1, 2, 3, 4), but it is {known!r}.")
    if people is not None and not is_whole(people, 1):
        raise InputError(f"people must be a whole number of at least 1, or None for everyone, but it is {people!r}.")
    if not (isinstance(draws, str) and draws == "all") and not (is_whole(draws, 1) and draws <= MOST_DRAWS):
        raise InputError(f"draws must be a whole number from 1 to {MOST_DRAWS:,}, or 'all', but it is {draws!r}.")
    need_seed(seed)
    return [int(k) for k in known], people, draws, int(seed)


def _measure(index, k, people, draws, seed):
    chosen, n_eligible = choose_people(index, k, people, seed)
    if len(chosen) == 0:
        estimate = low = high = np.nan
    elif draws == "all":
        shares = _all_subsets(index, chosen, k)
        estimate, low, high = bootstrap_by_person(shares, seed=seed)
        if len(chosen) == n_eligible:
            low = high = estimate
    else:
        unique = _drawn(index, chosen, k, draws, seed)
        if draws == 1:
            estimate = unique.mean()
            low, high = wilson(unique.sum(), len(unique))
        else:
            estimate, low, high = bootstrap_by_person(unique / draws, seed=seed)
    return {"known": k, "draws": draws, "estimate": float(estimate), "low": float(low), "high": float(high),
            "n": len(chosen), "eligible": n_eligible, "population": len(index.sizes)}


def choose_people(index, k, people, seed):
    """The people measured, and how many were eligible."""
    eligible = np.flatnonzero(index.sizes >= k).astype(np.int32)
    if people is None or people >= len(eligible):
        return eligible, len(eligible)
    return np.sort(np.random.default_rng([seed, k]).choice(eligible, people, replace=False)), len(eligible)


def _drawn(index, chosen, k, draws, seed):
    """How many of each chosen person's draws are unique."""
    if k == 2 and draws == 1 and tally_is_cheaper(index, len(chosen)):
        return holds_alone(index, drawn_cells(index, chosen, k, seed))
    tasks = [(*index.arrays, chosen[a:b], k, draws, seed) for a, b in parallel.spans(len(chosen), 8 * parallel.cores())]
    return np.concatenate(parallel.run(_unique_draws, tasks))


def drawn_cells(index, chosen, k, seed):
    """The cells that `unicity` draws with one draw a person: one row a person, k cells each, in order."""
    tasks = [(index.first_cell, index.cells, chosen[a:b], k, seed)
             for a, b in parallel.spans(len(chosen), parallel.cores())]
    return np.concatenate(parallel.run(_drawn_cells, tasks))


def _all_subsets(index, chosen, k):
    """Share of each chosen person's k-subsets that are unique."""
    sizes, people = np.unique(index.sizes[chosen], return_counts=True)
    cost = sum(comb(int(size), k) * int(n) for size, n in zip(sizes, people, strict=True))
    if cost > MOST_SUBSETS:
        raise InputError(f"draws='all' with known={k} means {cost:,} subsets, above the limit of {MOST_SUBSETS:,}; "
                         "sample people, know fewer points, or use draws=1.")
    tasks = [(*index.arrays, chosen[a:b], k) for a, b in parallel.spans(len(chosen), 8 * parallel.cores())]
    unique = np.concatenate(parallel.run(_unique_subsets, tasks))
    return unique / np.array([comb(int(size), k) for size in index.sizes[chosen]], dtype=float)


def _cells(place, when, n_places, n_bins):
    """One dense code for each (place, bin) that occurs."""
    cell = place.astype(np.int64) * n_bins + when
    if n_places * n_bins > 8 * len(cell) + 1_000_000:
        used, cell = np.unique(cell, return_inverse=True)
        return cell.astype(np.int32), len(used)
    return cell.astype(np.int32), n_places * n_bins


@njit(cache=True, nogil=True)
def _offsets(code, n):
    """Where each code's stretch begins."""
    first = np.zeros(n + 1, np.int64)
    for c in code:
        first[c + 1] += 1
    for i in range(n):
        first[i + 1] += first[i]
    return first


@njit(cache=True, nogil=True)
def _invert(subject, cell, n_cells):
    """Subjects by cell; they come out sorted, since points are sorted by subject."""
    first = _offsets(cell, n_cells)
    free, subjects = first[:-1].copy(), np.empty(len(cell), np.int32)
    for i in range(len(cell)):
        subjects[free[cell[i]]] = subject[i]
        free[cell[i]] += 1
    return first, subjects


@njit(cache=True, nogil=True)
def _mix(x):
    """splitmix64: a well mixed number from a counter."""
    x = np.uint64(x) + np.uint64(0x9E3779B97F4A7C15)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))


@njit(cache=True, nogil=True)
def _unique_draws(first_cell, cells, first_subject, subjects, chosen, k, draws, seed):
    unique = np.zeros(len(chosen), np.int64)
    drawn = np.empty(k, np.int64)
    lists = np.empty(k, np.int64)
    for i, person in enumerate(chosen):
        state = _first_state(seed, k, person)
        n = first_cell[person + 1] - first_cell[person]
        for _ in range(draws):
            state = _draw(state, n, drawn)
            for j in range(k):
                lists[j] = cells[first_cell[person] + drawn[j]]
            unique[i] += _is_alone(person, lists, first_subject, subjects)
    return unique


@njit(cache=True, nogil=True)
def _drawn_cells(first_cell, cells, chosen, k, seed):
    out, drawn = np.empty((len(chosen), k), np.int32), np.empty(k, np.int64)
    for i, person in enumerate(chosen):
        _draw(_first_state(seed, k, person), first_cell[person + 1] - first_cell[person], drawn)
        for j in range(k):
            cell, at = cells[first_cell[person] + drawn[j]], j
            while at > 0 and out[i, at - 1] > cell:
                out[i, at] = out[i, at - 1]
                at -= 1
            out[i, at] = cell
    return out


@njit(cache=True, nogil=True)
def _first_state(seed, k, person):
    return _mix(_mix(_mix(seed) ^ np.uint64(k)) ^ np.uint64(person))


@njit(cache=True, nogil=True)
def _draw(state, n, drawn):
    """Distinct numbers below n, each set equally likely (Floyd 1987); returns the next state."""
    k = len(drawn)
    for j in range(k):
        top = n - k + j + 1
        state = _mix(state)
        pick = np.int64((state >> np.uint64(32)) * np.uint64(top) >> np.uint64(32))
        for i in range(j):
            if drawn[i] == pick:
                pick = top - 1
                break
        drawn[j] = pick
    return state


@njit(cache=True, nogil=True)
def _is_alone(person, lists, first_subject, subjects):
    """Whether no other subject is in all the lists: walk the shortest, leap through the others, stop at the first."""
    _shortest_first(lists, first_subject)
    at = np.empty(len(lists), np.int64)
    for j in range(len(lists)):
        at[j] = first_subject[lists[j]]
    for i in range(at[0], first_subject[lists[0] + 1]):
        other = subjects[i]
        if other == person:
            continue
        everywhere = True
        for j in range(1, len(lists)):
            at[j] = _leap(subjects, at[j], first_subject[lists[j] + 1], other)
            if at[j] == first_subject[lists[j] + 1]:
                return True  # that list has nobody left
            if subjects[at[j]] != other:
                everywhere = False
                break
        if everywhere:
            return False
    return True


@njit(cache=True, nogil=True)
def _shortest_first(lists, first_subject):
    for i in range(1, len(lists)):
        cell = lists[i]
        size = first_subject[cell + 1] - first_subject[cell]
        j = i
        while j > 0 and first_subject[lists[j - 1] + 1] - first_subject[lists[j - 1]] > size:
            lists[j] = lists[j - 1]
            j -= 1
        lists[j] = cell


@njit(cache=True, nogil=True)
def _leap(sorted_codes, start, stop, wanted):
    """First position from `start` whose code is at least `wanted`.

    Mostly it lies within the next eight, which are counted without a branch (a wrongly predicted branch costs more
    than all eight comparisons); else doubling steps, then halving.
    """
    if start + 8 <= stop and sorted_codes[start + 7] >= wanted:
        smaller, near = np.int32(0), sorted_codes[start:start + 8]
        for i in range(8):
            smaller += np.int32(near[i] < wanted)
        return start + smaller
    step, low = 8, start - 1
    while low + step < stop and sorted_codes[low + step] < wanted:
        low += step
        step *= 2
    high = min(low + step, stop)
    while high - low > 1:
        middle = (low + high) // 2
        if sorted_codes[middle] < wanted:
            low = middle
        else:
            high = middle
    return high


@njit(cache=True, nogil=True)
def _unique_subsets(first_cell, cells, first_subject, subjects, chosen, k):
    """Count each person's k-subsets that no other subject has: depth first, who is left at each depth kept.

    The person is always among those left, so one left means alone; the last depth stops at the second.
    """
    counts = np.zeros(len(chosen), np.int64)
    for i, person in enumerate(chosen):
        own = cells[first_cell[person]:first_cell[person + 1]]
        widest = 1
        for cell in own:
            widest = max(widest, first_subject[cell + 1] - first_subject[cell])
        left = np.empty((max(1, k - 2), widest), np.int32)
        n_left, path = np.zeros(k, np.int64), np.full(k, -1, np.int64)
        depth = 0
        while depth >= 0:
            path[depth] += 1
            if path[depth] > len(own) - (k - depth):
                depth -= 1
                continue
            cell = own[path[depth]]
            listed = subjects[first_subject[cell]:first_subject[cell + 1]]
            last = depth == k - 1
            if depth == 0:
                n_left[0] = len(listed)
            else:
                above = own[path[0]]
                few = (subjects[first_subject[above]:first_subject[above + 1]] if depth == 1
                       else left[depth - 2, :n_left[depth - 1]])
                n_left[depth] = _common(few, listed, left[min(depth, k - 2) - 1], not last)
            if n_left[depth] == 1:
                counts[i] += _choose(len(own) - path[depth] - 1, k - depth - 1)
            elif not last:
                path[depth + 1] = path[depth]
                depth += 1
    return counts


@njit(cache=True, nogil=True)
def _common(a, b, out, keep):
    """How many are in both sorted lists, written to `out`; or, without `keep`, 2 as soon as there are two."""
    if len(b) < len(a):
        a, b = b, a
    n, at = 0, 0
    for code in a:
        at = _leap(b, at, len(b), code)
        if at == len(b):
            break
        if b[at] == code:
            if keep:
                out[n] = code
            n += 1
            if n == 2 and not keep:
                break
    return n


@njit(cache=True, nogil=True)
def _choose(n, k):
    """n over k; small enough for int64, since the number of subsets was bounded beforehand."""
    result = 1
    for i in range(k):
        result = result * (n - i) // (i + 1)
    return result
