"""Meetings with tolerance: two tables whose sensors stand elsewhere and tick at other times.

Each record of the sparser table asks every subject of the denser one: where were you at the nearest time you were
seen? The answer falls into a class of time apart and distance apart. How often the same person gives that answer is
tuned on pairs that choose each other; how often anybody does is counted, record by record, so that a meeting at a
rare place and hour weighs more, and being far away at the same time weighs against.

The first pairs are chosen by surprise alone: how few are as near a record as this one. That asks for no guess of how
often the same person is near, which a wide tolerance makes wrong: people with many records, or always seen at the
same time, then choose each other whoever they are, and the tuning learns from them.
"""

from dataclasses import dataclass

import numpy as np
from numba import njit

from kit import parallel
from kit.errors import InputError

TIME_STEPS, DISTANCE_STEPS = (1 / 15, 1 / 6, 1 / 3, 2 / 3, 1.0), (0.25, 1.0, 2.0, 3.5, 5.5, 8.0)
MOST_PAIRS, ROUNDS = 10**8, 6


@dataclass(frozen=True, eq=False)
class Track:
    """Records of one table, sorted by subject, then time: seconds and metres on one plane."""

    first: np.ndarray
    time_s: np.ndarray
    x_m: np.ndarray
    y_m: np.ndarray

    @property
    def n(self):
        """How many subjects."""
        return len(self.first) - 1

    def subject(self):
        """Whose record each is."""
        return np.repeat(np.arange(self.n), np.diff(self.first))


def near_scores(left, right, within_s, rates=None):
    """Log odds of each pair, left by right, and the rates they were reckoned with.

    Parameters
    ----------
    left, right : Track
    within_s : float
        Records further apart in time than this say nothing of each other.
    rates : numpy.ndarray, optional
        Share of the same person's answers in each class; default: tuned on the data.

    Returns
    -------
    scores : numpy.ndarray
        float32, shape (left subjects, right subjects).
    rates : numpy.ndarray
    """
    if left.n * right.n > MOST_PAIRS:
        raise InputError(f"Linking with tolerance compares {left.n:,} by {right.n:,} subjects, more than "
                         f"{MOST_PAIRS:,} pairs; link by bins (leave out within), or fewer subjects.")
    turned = len(left.time_s) < len(right.time_s)
    tracks, events = (right, left) if turned else (left, right)
    events = _thinned(events, within_s / 6)
    steps_s, steps_m = np.array(TIME_STEPS) * within_s, np.array(DISTANCE_STEPS) * _scale_m(tracks, events)
    met = _counted(tracks, events, steps_s, steps_m)
    usual = (met + 0.5) / (tracks.n + 0.5 * met.shape[1])
    if rates is not None:
        scores = _scored(tracks, events, steps_s, steps_m, np.log(rates) - np.log(usual))
        return (scores.T if turned else scores), rates
    weight, rates = _surprise(usual), np.zeros(usual.shape[1])
    for _ in range(ROUNDS):
        scores = _scored(tracks, events, steps_s, steps_m, weight)
        rates, before = pair_rates(tracks, events, steps_s, steps_m, *_mutual(scores)), rates
        if np.allclose(rates, before, atol=1e-4):
            break
        weight = np.log(rates) - np.log(usual)
    return (scores.T if turned else scores), rates


def true_rates(left, right, within_s, left_row, right_row):
    """The rates of pairs that are known, for an oracle: rows of left and of right."""
    turned = len(left.time_s) < len(right.time_s)
    tracks, events = (right, left) if turned else (left, right)
    events = _thinned(events, within_s / 6)
    steps_s, steps_m = np.array(TIME_STEPS) * within_s, np.array(DISTANCE_STEPS) * _scale_m(tracks, events)
    pairs = (right_row, left_row) if turned else (left_row, right_row)
    return pair_rates(tracks, events, steps_s, steps_m, *pairs)


def pair_rates(tracks, events, steps_s, steps_m, track_row, event_row):
    """Share of answers in each class over some pairs, with one answer more in each class than there were."""
    found = np.ones(_n_classes(steps_s, steps_m))
    for u, v in zip(track_row, event_row, strict=True):
        a, b, c, d = tracks.first[u], tracks.first[u + 1], events.first[v], events.first[v + 1]
        _add_pair(tracks.time_s[a:b], tracks.x_m[a:b], tracks.y_m[a:b], events.time_s[c:d], events.x_m[c:d],
                  events.y_m[c:d], steps_s, steps_m, found)
    return found / found.sum()


def _surprise(usual):
    """Before anything is known: minus the log of how many are as near this record, less its mean over everybody."""
    order = np.argsort(-_nearness(), kind="stable")
    surprise = np.empty_like(usual)
    surprise[:, order] = -np.log(np.cumsum(usual[:, order], axis=1))
    return surprise - (surprise * usual).sum(axis=1, keepdims=True)


def _nearness():
    """How much each class speaks for one person: nearer is more, the more so the less time passed; none, last, 0."""
    tilt, calm = np.linspace(1.2, -3.5, len(DISTANCE_STEPS) + 1), np.array([1.0, 1.0, 0.9, 0.7, 0.5])
    return np.append(np.outer(calm, tilt).ravel(), 0.0)


def _mutual(scores):
    best_right, best_left = scores.argmax(axis=1), scores.argmax(axis=0)
    left = np.flatnonzero(best_left[best_right] == np.arange(len(best_right)))
    return left, best_right[left]


def mutual_evidence(scores):
    """The scores of pairs that choose each other, as far as they speak for a pair."""
    return np.maximum(scores[_mutual(scores)], 0).astype(float)


def _thinned(events, apart_s):
    """Records of a burst, one subject at one place, count once."""
    who = events.subject()
    again = np.zeros(len(who), bool)
    again[1:] = ((who[1:] == who[:-1]) & (np.diff(events.time_s) < apart_s) & (np.diff(events.x_m) == 0)
                 & (np.diff(events.y_m) == 0))
    keep = ~again
    first = np.append(0, np.cumsum(np.bincount(who[keep], minlength=events.n)))
    return Track(first, events.time_s[keep], events.x_m[keep], events.y_m[keep])


def _scale_m(tracks, events):
    """How far apart a meeting may look: from a place of one table to the nearest of the other, or between places."""
    from scipy.spatial import cKDTree

    here, there = (np.unique(np.column_stack([t.x_m, t.y_m]), axis=0) for t in (tracks, events))
    across = np.median(cKDTree(here).query(there)[0])
    between = np.median(cKDTree(here).query(here, k=2)[0][:, 1]) if len(here) > 1 else 0.0
    return max(float(across), float(between) / 2, 1.0)


def _n_classes(steps_s, steps_m):
    return len(steps_s) * (len(steps_m) + 1) + 1


def _counted(tracks, events, steps_s, steps_m):
    """For each record and class, how many subjects of the other table answer so."""
    parts = parallel.run(_count_answers, [
        (tracks.first, tracks.time_s, tracks.x_m, tracks.y_m, a, b, events.first, events.time_s, events.x_m,
         events.y_m, steps_s, steps_m) for a, b in parallel.spans(tracks.n, parallel.cores())])
    return sum(part.astype(np.float64) for part in parts)


def _scored(tracks, events, steps_s, steps_m, weight):
    scores = np.zeros((tracks.n, events.n), np.float32)
    parallel.run(_add_scores, [
        (tracks.first, tracks.time_s, tracks.x_m, tracks.y_m, a, b, events.first, events.time_s, events.x_m,
         events.y_m, steps_s, steps_m, weight, scores) for a, b in parallel.spans(tracks.n, 4 * parallel.cores())])
    return scores


@njit(cache=True, nogil=True)
def _answer(time_s, x_m, y_m, start, low, high, t, x, y, steps_s, steps_m):
    """(class, where the search stopped) of the record nearest in time; events come in order of time."""
    while start + 1 < high and time_s[start + 1] <= t:
        start += 1
    at = start
    if at + 1 < high and abs(time_s[at + 1] - t) < abs(time_s[at] - t):
        at += 1
    apart_s = abs(time_s[at] - t)
    if apart_s > steps_s[-1]:
        return len(steps_s) * (len(steps_m) + 1), start
    apart_m = np.sqrt((x_m[at] - x) ** 2 + (y_m[at] - y) ** 2)
    return np.searchsorted(steps_s, apart_s) * (len(steps_m) + 1) + np.searchsorted(steps_m, apart_m), start


@njit(cache=True, nogil=True)
def _count_answers(first, time_s, x_m, y_m, begin, end, e_first, e_time, e_x, e_y, steps_s, steps_m):
    met = np.zeros((len(e_time), len(steps_s) * (len(steps_m) + 1) + 1), np.int32)
    for u in range(begin, end):
        for v in range(len(e_first) - 1):
            at = first[u]
            for e in range(e_first[v], e_first[v + 1]):
                kind, at = _answer(time_s, x_m, y_m, at, first[u], first[u + 1], e_time[e], e_x[e], e_y[e], steps_s,
                                   steps_m)
                met[e, kind] += 1
    return met


@njit(cache=True, nogil=True)
def _add_scores(first, time_s, x_m, y_m, begin, end, e_first, e_time, e_x, e_y, steps_s, steps_m, weight, scores):
    for u in range(begin, end):
        for v in range(len(e_first) - 1):
            at, total = first[u], 0.0
            for e in range(e_first[v], e_first[v + 1]):
                kind, at = _answer(time_s, x_m, y_m, at, first[u], first[u + 1], e_time[e], e_x[e], e_y[e], steps_s,
                                   steps_m)
                total += weight[e, kind]
            scores[u, v] = total


@njit(cache=True, nogil=True)
def _add_pair(time_s, x_m, y_m, e_time, e_x, e_y, steps_s, steps_m, found):
    at = 0
    for e in range(len(e_time)):
        kind, at = _answer(time_s, x_m, y_m, at, 0, len(time_s), e_time[e], e_x[e], e_y[e], steps_s, steps_m)
        found[kind] += 1


@njit(cache=True, nogil=True)
def count_alibis(first, time_s, x_m, y_m, other_first, o_time, o_x, o_y, left_row, right_row, speed_ms, slack_m):
    """For each pair, how often one table's record could not be reached from the other's: (impossible, compared)."""
    out = np.zeros((len(left_row), 2), np.int64)
    for k in range(len(left_row)):
        i, j = first[left_row[k]], other_first[right_row[k]]
        last_i, last_j = first[left_row[k] + 1], other_first[right_row[k] + 1]
        while i < last_i and j < last_j:
            apart_m = np.sqrt((x_m[i] - o_x[j]) ** 2 + (y_m[i] - o_y[j]) ** 2)
            out[k, 1] += 1
            if apart_m > speed_ms * abs(time_s[i] - o_time[j]) + slack_m:
                out[k, 0] += 1
            if time_s[i] <= o_time[j]:
                i += 1
            else:
                j += 1
    return out
