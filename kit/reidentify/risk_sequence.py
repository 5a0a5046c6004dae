"""The worst k places to know of a person in the order of their visits.

A match has the known places in the same order, others in between or not. Each different sequence is looked at once, by
its earliest occurrence in the person's own records; the same early end as for sets holds (see `risk_kernels`).
"""

import numpy as np
from numba import njit

from kit.reidentify.risk_kernels import STEPS_A_SUBSET
from kit.reidentify.unicity import _draw, _first_state, _leap


def index_of_visits(subject, place, n_places):
    """Who was at each place, and at which positions of their own sequence; records are by subject, then time.

    Returns
    -------
    first_listed, listed : numpy.ndarray
        Subjects by place, sorted.
    first_position, positions : numpy.ndarray
        Positions by entry of `listed`, ascending.
    """
    starts = np.searchsorted(subject, np.arange(subject[-1] + 2))
    position = np.arange(len(subject)) - starts[subject]
    order = np.lexsort((position, subject, place))
    by_place, by_subject = place[order], subject[order]
    head = np.append(True, (np.diff(by_place) != 0) | (np.diff(by_subject) != 0))
    first_position = np.append(np.flatnonzero(head), len(subject))
    first_listed = np.searchsorted(by_place[head], np.arange(n_places + 1))
    return first_listed, by_subject[head].astype(np.int32), first_position, position[order]


@njit(cache=True, nogil=True)
def worst_sequences(first, place, first_listed, listed, first_position, positions, chosen, known, most, draws, seed):
    """As `risk_kernels.worst_sets`, for sequences."""
    longest = 0
    for c in range(len(first_listed) - 1):
        longest = max(longest, first_listed[c + 1] - first_listed[c])
    lists, reached = np.empty((known, longest), np.int32), np.empty((known, longest), np.int64)
    found = np.empty((3, len(chosen)), np.int64)
    people = (first_listed, listed, first_position, positions)
    for i, person in enumerate(chosen):
        own = place[first[person]:first[person + 1]]
        k = min(known, len(own))
        bound = _matches(own, people)
        best = bound if k == len(own) else _matches(own[_rarest(own, k, first_listed)], people)
        done = best == bound
        if not done:
            fewest, done = _search(own, k, bound, lists, reached, people, most)
            best = min(best, fewest)
        if not done:
            best = _drawn(own, k, bound, best, people, draws, _first_state(seed, k, person))
        found[0, i], found[1, i], found[2, i] = best, bound, done or best == bound
    return found


@njit(cache=True, nogil=True)
def _rarest(own, k, first_listed):
    size = np.empty(len(own), np.int64)
    for i in range(len(own)):
        size[i] = first_listed[own[i] + 1] - first_listed[own[i]]
    return np.sort(np.argsort(size, kind="mergesort")[:k])


@njit(cache=True, nogil=True)
def _search(own, k, bound, lists, reached, people, most):
    """Depth first over different sequences; ends when the bound is reached, or undone after `most`."""
    best, looked, steps = _listed_at(own[0], people), 0, 0
    for place in own:
        best = max(best, _listed_at(place, people))
    before = _same_place_before(own)
    sizes, path, depth = np.zeros(k, np.int64), np.full(k, -1, np.int64), 0
    while depth >= 0:
        path[depth] += 1
        at, steps = path[depth], steps + 1
        last = path[depth - 1] if depth > 0 else -1
        if at > len(own) - (k - depth):
            depth -= 1
            continue
        if looked >= most or steps > STEPS_A_SUBSET * most:
            return best, False
        if before[at] > last:
            continue  # the same sequence, by a later visit
        if depth == 0:
            sizes[0] = _everybody(own[at], lists[0], reached[0], people)
        else:
            here = sizes[depth - 1]
            sizes[depth] = _narrow(lists[depth - 1, :here], reached[depth - 1], own[at], lists[depth], reached[depth],
                                   people)
        if depth == k - 1:
            looked += 1
        if (depth == k - 1 and sizes[depth] < best) or sizes[depth] <= bound:
            best = sizes[depth]
        if best <= bound:
            return bound, True
        if depth < k - 1:
            path[depth + 1] = at
            depth += 1
    return best, True


@njit(cache=True, nogil=True)
def _drawn(own, k, bound, best, people, draws, state):
    drawn = np.empty(k, np.int64)
    for _ in range(draws):
        state = _draw(state, len(own), drawn)
        best = min(best, _matches(own[np.sort(drawn)], people))
        if best <= bound:
            break
    return best


@njit(cache=True, nogil=True)
def _same_place_before(own):
    """Position of the last earlier visit to the same place, or -1."""
    before = np.full(len(own), -1, np.int64)
    order = np.argsort(own, kind="mergesort")
    for i in range(1, len(own)):
        if own[order[i]] == own[order[i - 1]]:
            before[order[i]] = order[i - 1]
    return before


@njit(cache=True, nogil=True)
def _listed_at(place, people):
    return people[0][place + 1] - people[0][place]


@njit(cache=True, nogil=True)
def _matches(sequence, people):
    """How many people have this sequence: those at its rarest place, one by one."""
    first_listed, listed, first_position, positions = people
    rarest = sequence[0]
    for place in sequence:
        if _listed_at(place, people) < _listed_at(rarest, people):
            rarest = place
    if len(sequence) == 1:
        return _listed_at(rarest, people)
    n = 0
    at = np.empty(len(sequence), np.int64)
    for j in range(len(sequence)):
        at[j] = first_listed[sequence[j]]
    for i in range(first_listed[rarest], first_listed[rarest + 1]):
        last = -1
        for j in range(len(sequence)):
            stop = first_listed[sequence[j] + 1]
            at[j] = _leap(listed, at[j], stop, listed[i])
            if at[j] == stop:
                return n  # nobody further along has been there
            if listed[at[j]] != listed[i]:
                last = -2
                break
            last = _next(positions, first_position[at[j]], first_position[at[j] + 1], last)
            if last < 0:
                break
        n += last >= 0
    return n


@njit(cache=True, nogil=True)
def _next(positions, start, stop, after):
    """First position after `after`, or -1."""
    end = stop
    while start < stop:
        middle = (start + stop) // 2
        if positions[middle] > after:
            stop = middle
        else:
            start = middle + 1
    return positions[start] if start < end else -1


@njit(cache=True, nogil=True)
def _everybody(place, out, reached, people):
    """Everybody at a place, with the position of their first visit."""
    first_listed, listed, first_position, positions = people
    n = 0
    for at in range(first_listed[place], first_listed[place + 1]):
        out[n], reached[n] = listed[at], positions[first_position[at]]
        n += 1
    return n


@njit(cache=True, nogil=True)
def _narrow(few, few_reached, place, out, reached, people):
    """Those of `few` who came to this place after what they have reached; walks the shorter list."""
    first_listed, listed, first_position, positions = people
    at, stop = first_listed[place], first_listed[place + 1]
    n, here = 0, 0
    walk_few = len(few) <= stop - at
    while here < len(few) and at < stop:
        if walk_few:
            at = _leap(listed, at, stop, few[here])
            if at == stop:
                break
        else:
            here = _leap(few, here, len(few), listed[at])
            if here == len(few):
                break
        if listed[at] == few[here]:
            then = _next(positions, first_position[at], first_position[at + 1], few_reached[here])
            if then >= 0:
                out[n], reached[n] = few[here], then
                n += 1
        if walk_few:
            here += 1
        else:
            at += 1
    return n
