"""Rhythm: how much somebody's days resemble each other, and how far that alone would foretell the next one.

All of it works on the sequence of visits, so on where somebody was *seen*; places without a sensor do not exist here.
"""

import numpy as np
import pandas as pd
from numba import njit

from kit import codes, parallel, tables
from kit.errors import InputError
from kit.estimates import wilson
from kit.movement import order
from kit.movement.visits import check_table, counted, encode_ids, need_zone

HOURS_A_WEEK = 168
_HOUR_US = 3_600_000_000
_MIX = np.int64(-7046029254386353131)  # 2^64 divided by the golden ratio: spreads keys over a table


def rhythm(visits, tz):
    """Regularity, entropies in bits and the bound on predictability of each subject's sequence of visits.

    `regularity` is the share of visits that begin at the commonest place of their own hour of the week. An hour of the
    week with a single visit is regular by definition, so few visits make everybody look regular.

    `entropy_random_bits` is log2 of the number of places, `entropy_uncorrelated_bits` that of how often each is
    visited, `entropy_real_bits` also that of the order: m log2 m / sum of L, where m is the number of visits and L, for
    each visit, the length of the shortest sequence from there on that had not occurred before (at the end of the
    record, all that is left and one more). `predictability` is the share of right guesses that no method should exceed
    (Fano), by entropy and number of places.

    The bound is biased: the entropy is too high below some hundred visits, the bound too loose for long memories (real
    methods have gone above it; Kulkarni 2019), and most of it says that people stay where they are (the next *place*
    is bounded far lower; Cuttone 2017). Compare `predict_next`, which is measured.

    Parameters
    ----------
    visits : pandas.DataFrame
        `subject_id, place_id, arrived_at`, in any order. Visits at one instant are taken by place.
    tz : str
        IANA name of the clock that people live by.

    Returns
    -------
    pandas.DataFrame
        One row a subject, sorted: `subject_id, regularity, entropy_random_bits, entropy_uncorrelated_bits,
        entropy_real_bits, predictability, n_visits, n_places`. Real entropy and predictability are missing for a
        single visit, which has no order.

    Raises
    ------
    InputError
        A column is missing or there twice, a value is missing, times are naive, an id is a list, the zone is unknown.

    References
    ----------
    Song, C., Qu, Z., Blumm, N., Barabasi, A.-L. (2010). Limits of predictability in human mobility. Science 327,
    1018-1021. doi:10.1126/science.1177170

    Kulkarni, V., Mahalunkar, A., Garbinato, B., Kelleher, J. D. (2019). Examining the limits of predictability of human
    mobility. Entropy 21, 432. doi:10.3390/e21040432

    Cuttone, A., Lehmann, S., Gonzalez, M. C. (2018). Understanding predictability and exploration in human mobility.
    EPJ Data Science 7, 2. doi:10.1140/epjds/s13688-017-0129-1

    >>> times = pd.Timestamp("2031-03-12T08:00Z") + pd.to_timedelta(range(6), unit="h")
    >>> seen = pd.DataFrame({"subject_id": "p_1", "place_id": list("ababab"), "arrived_at": times})
    >>> rhythm(seen, tz="UTC")[["entropy_random_bits", "entropy_real_bits"]].round(3).values.tolist()
    [[1.0, 1.193]]
    """
    subject, local, place, subjects, places = _sorted_visits(visits, tz)
    spans = order.subject_spans(subject, 8 * parallel.cores())
    matched = np.concatenate([np.zeros(0), *parallel.run(_match_lengths, [(subject, place, *s) for s in spans])])
    n_visits = np.bincount(subject, minlength=len(subjects))
    seen = np.flatnonzero(n_visits)
    m = n_visits[seen]
    pair, n_pair = np.unique(subject.astype(np.int64) * len(places) + place, return_counts=True)
    owner = pair // max(len(places), 1)
    n_places = np.bincount(owner, minlength=len(subjects))[seen]
    share = n_pair / n_visits[owner]
    uncorrelated = np.bincount(owner, -share * np.log2(share), minlength=len(subjects))[seen]
    total = np.bincount(subject, matched, minlength=len(subjects))[seen]
    real = np.where(m > 1, m * np.log2(m) / total, np.nan)
    return pd.DataFrame({
        "subject_id": codes.decode(seen.astype(np.int32), subjects),
        "regularity": _modal_visits(subject, place, _hour_of_week(local), len(subjects))[seen] / m,
        "entropy_random_bits": np.log2(n_places),
        "entropy_uncorrelated_bits": uncorrelated + 0.0,
        "entropy_real_bits": real,
        "predictability": most_predictable(real, n_places),
        "n_visits": m,
        "n_places": n_places,
    })


def week_profile(visits, tz):
    """In which hours of the week each subject's visits begin.

    Parameters
    ----------
    visits : pandas.DataFrame
        `subject_id, place_id, arrived_at`, in any order.
    tz : str
        IANA name of the clock that people live by.

    Returns
    -------
    pandas.DataFrame
        `subject_id, hour_of_week` (0 is Monday 0:00 to 1:00)`, estimate` (share of the subject's visits)`, low, high`
        (Wilson, 95 %)`, n` (visits in that hour)`, eligible` (visits of the subject)`, population` (all visits), by
        subject and hour. Hours without any visit have no row.

    Raises
    ------
    InputError
        As `rhythm`.

    >>> seen = pd.DataFrame({"subject_id": "p_1", "place_id": "a",
    ...                      "arrived_at": pd.to_datetime(["2031-03-10T08:00Z", "2031-03-11T00:30Z"])})
    >>> week_profile(seen, tz="UTC")[["hour_of_week", "estimate"]].values.tolist()
    [[8.0, 0.5], [24.0, 0.5]]
    """
    subject, local, _, subjects, _ = _sorted_visits(visits, tz)
    key, n = np.unique(subject.astype(np.int64) * HOURS_A_WEEK + _hour_of_week(local), return_counts=True)
    owner = (key // HOURS_A_WEEK).astype(np.int32)
    total = np.bincount(subject, minlength=len(subjects))[owner]
    low, high = wilson(n, total)
    return pd.DataFrame({"subject_id": codes.decode(owner, subjects), "hour_of_week": key % HOURS_A_WEEK,
                         "estimate": n / total, "low": low, "high": high, "n": n, "eligible": total,
                         "population": np.full(len(n), len(subject))})


def most_predictable(entropy_bits, n_places):
    """The share of right guesses at which Fano's inequality is an equality, by bisection.

    It solves S = H(p) + (1 - p) log2(n - 1) for p from 1/n to 1; an entropy above log2 n gives 1/n.

    >>> most_predictable(np.array([0.0, 1.0, np.nan]), np.array([3, 2, 2])).round(6).tolist()
    [1.0, 0.5, nan]
    """
    entropy, n = np.asarray(entropy_bits, float), np.asarray(n_places, float)
    low, high = 1 / n, np.ones(len(n))
    others = np.log2(np.maximum(n - 1, 1))
    for _ in range(60):
        middle = (low + high) / 2
        rest = np.maximum(1 - middle, 1e-300)
        too_low = -middle * np.log2(middle) - rest * np.log2(rest) + rest * others > entropy
        low, high = np.where(too_low, middle, low), np.where(too_low, high, middle)
    bound = np.where(entropy >= np.log2(n), 1 / n, np.where(entropy <= 0, 1.0, (low + high) / 2))
    return np.where(np.isnan(entropy), np.nan, bound)


def _sorted_visits(visits, tz):
    """Codes and wall-clock times (us), by subject, then time, then place."""
    check_table(visits, "visits", ["subject_id", "place_id", "arrived_at"])
    need_zone(tz)
    for column in ("subject_id", "place_id", "arrived_at"):
        missing = int(visits[column].isna().sum())
        if missing:
            raise InputError(f"{counted(missing, 'visit')} no {column}; remove or repair them.")
    subject, subjects = encode_ids(visits["subject_id"])
    place, places = encode_ids(visits["place_id"])
    time = tables.utc(visits["arrived_at"])
    local = time.dt.tz_convert(tz).dt.tz_localize(None).array.asi8
    subject, _, place, row = order.by_subject(subject, time.array.asi8, place, np.arange(len(time)), len(subjects))
    return subject, local[row], place, subjects, places


def _hour_of_week(local_us):
    return (local_us // _HOUR_US + 72) % HOURS_A_WEEK  # 1 January 1970 was a Thursday


def _modal_visits(subject, place, hour, n_subjects):
    """How many of each subject's visits were at the commonest place of their hour of the week."""
    slot = subject.astype(np.int64) * HOURS_A_WEEK + hour
    counts = pd.Series(1, index=[slot, place]).groupby(level=[0, 1]).size().groupby(level=0).max()
    return np.bincount(counts.index.to_numpy(np.int64) // HOURS_A_WEEK, counts.to_numpy(), minlength=n_subjects)


@njit(cache=True, nogil=True)
def _match_lengths(subject, place, start, stop):
    """L of every visit of the subjects in this span."""
    out = np.empty(stop - start)
    first = start
    for i in range(start + 1, stop + 1):
        if i == stop or subject[i] != subject[first]:
            _lempel_ziv(place[first:i], out[first - start:i - start])
            first = i
    return out


@njit(cache=True, nogil=True)
def _lempel_ziv(text, out):
    """The shortest stretch from each position on that does not occur wholly before it, in linear time.

    A suffix automaton of all that came before grows with the position. What matched from one position on matches,
    without its first letter, from the next one on too, so the match never starts anew.
    """
    n = len(text)
    most = 3 * n + 3  # of edges, and more than the states
    length, link, first_edge = np.zeros(most, np.int64), np.full(most, -1), np.full(most, -1)
    owner, letter, goal, next_edge = (np.empty(most, np.int64), np.empty(most, np.int64), np.empty(most, np.int64),
                                      np.empty(most, np.int64))
    size = 16
    while size < 2 * most:
        size *= 2
    table = np.full(size, -1)
    graph = (length, link, first_edge, owner, letter, goal, next_edge, table)
    states, edges, last = 1, 0, 0
    at, matched = 0, 0
    for i in range(n):
        while i + matched < n:
            edge = _find(graph, at, text[i + matched])
            if edge < 0:
                break
            at, matched = goal[edge], matched + 1
        out[i] = matched + 1
        states, edges, last = _extend(graph, text[i], states, edges, last)
        matched = max(matched - 1, 0)
        while at > 0 and matched <= length[link[at]]:
            at = link[at]


@njit(cache=True, nogil=True)
def _find(graph, state, symbol):
    """The edge that leaves a state by a letter, or -1."""
    owner, letter, table = graph[3], graph[4], graph[7]
    slot = _slot(state, symbol, len(table))
    while table[slot] >= 0 and (owner[table[slot]] != state or letter[table[slot]] != symbol):
        slot = (slot + 1) & (len(table) - 1)
    return table[slot]


@njit(cache=True, nogil=True)
def _slot(state, symbol, size):
    mixed = (np.int64(state) << 32 | np.int64(symbol)) * _MIX
    return (mixed ^ mixed >> 29) & (size - 1)


@njit(cache=True, nogil=True)
def _add_edge(graph, edges, state, symbol, to):
    _, _, first_edge, owner, letter, goal, next_edge, table = graph
    slot = _slot(state, symbol, len(table))
    while table[slot] >= 0:
        slot = (slot + 1) & (len(table) - 1)
    table[slot] = edges
    owner[edges], letter[edges], goal[edges], next_edge[edges] = state, symbol, to, first_edge[state]
    first_edge[state] = edges
    return edges + 1


@njit(cache=True, nogil=True)
def _extend(graph, symbol, states, edges, last):
    """Let the automaton know one more letter (Blumer et al. 1985)."""
    length, link, first_edge, _, letter, goal, next_edge, _ = graph
    new, states = states, states + 1
    length[new] = length[last] + 1
    state = last
    edge = _find(graph, state, symbol)
    while edge < 0:
        edges = _add_edge(graph, edges, state, symbol, new)
        state = link[state]
        if state < 0:
            link[new] = 0
            return states, edges, new
        edge = _find(graph, state, symbol)
    known = goal[edge]
    if length[known] == length[state] + 1:
        link[new] = known
        return states, edges, new
    clone, states = states, states + 1
    length[clone], link[clone] = length[state] + 1, link[known]
    copied = first_edge[known]
    while copied >= 0:
        edges = _add_edge(graph, edges, clone, letter[copied], goal[copied])
        copied = next_edge[copied]
    link[known], link[new] = clone, clone
    while state >= 0:
        edge = _find(graph, state, symbol)
        if edge < 0 or goal[edge] != known:
            break
        goal[edge] = clone
        state = link[state]
    return states, edges, new
