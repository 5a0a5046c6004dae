"""The worst k things to know of a person, where a match is a set that somebody else has too.

A person's tokens are what may be known of them, one code each. Everybody else who has a token stands in a sorted list,
so those who have several are found by leaping through lists, the shortest first. Knowing more never adds people (the
proportion attack with a tolerance excepted), so whoever has *all* of a person's tokens matches every subset: once a
subset leaves no more than those, none can leave fewer and the search ends.
"""

import numpy as np
from numba import njit

from kit.reidentify.unicity import _draw, _first_state, _leap, _shortest_first

PLAIN, FREQUENCY, PROBABILITY, PROPORTION = range(4)
STEPS_A_SUBSET = 64


@njit(cache=True, nogil=True)
def worst_sets(first, code, level, count, total, first_listed, listed, listed_count, chosen, known, rule, over, under,
               most, draws, seed):
    """Fewest matches over each chosen person's subsets, the fewest there could be, and whether all were looked at.

    `first, code, level, count` are tokens by person; `first_listed, listed, listed_count` are people by code. A token
    of level 2 (a place visited a second time) may be known only together with that of level 1 before it. `over/under`
    is the tolerance as a fraction, so that no rounding decides a match.
    """
    longest = 0
    for c in range(len(first_listed) - 1):
        longest = max(longest, first_listed[c + 1] - first_listed[c])
    lists = np.empty((max(known, 2), longest), np.int32)
    found = np.empty((3, len(chosen)), np.int64)
    people = (first_listed, listed, listed_count, total, rule, over, under)
    for i, person in enumerate(chosen):
        own = _rarest_first(first[person], first[person + 1], code, level, first_listed)
        codes, counts, levels = code[own], count[own], level[own]
        k = min(known, len(own))
        bound = 1
        if rule != PROPORTION or over == 0 or k == len(own):
            bound = _matches(person, codes, counts, lists, people)
        if k == len(own):
            best, done = bound, True
        else:
            best, done = _search(person, codes, counts, levels, k, bound, lists, people, most)
            if not done:
                best = _drawn(person, codes, counts, levels, k, bound, best, lists, people, draws, seed)
        found[0, i], found[1, i], found[2, i] = best, bound, done or best == bound
    return found


@njit(cache=True, nogil=True)
def _rarest_first(start, stop, code, level, first_listed):
    """Tokens in order of how few have them; a place's levels stay together, in order."""
    own = np.arange(start, stop)
    size = np.empty(len(own), np.int64)
    for i in range(len(own)):
        head = code[own[i] - level[own[i]] + 1]
        size[i] = first_listed[head + 1] - first_listed[head]
    return own[np.argsort(size, kind="mergesort")]


@njit(cache=True, nogil=True)
def _search(person, codes, counts, levels, k, bound, lists, people, most):
    """Depth first over subsets; ends when the bound is reached, or undone after `most` subsets."""
    best, looked, steps = len(people[3]), 0, 0
    sizes, path, depth = np.zeros(k, np.int64), np.full(k, -1, np.int64), 0
    while depth >= 0:
        path[depth] += 1
        at, steps = path[depth], steps + 1
        if at > len(codes) - (k - depth):
            depth -= 1
            continue
        if looked >= most or steps > STEPS_A_SUBSET * most:
            return best, False
        if levels[at] > 1 and (depth == 0 or path[depth - 1] != at - 1):
            continue
        if depth == 0:
            sizes[0] = _everybody(person, codes[at], counts[at], lists[0], people)
        else:
            sizes[depth] = _narrow(person, lists[depth - 1, :sizes[depth - 1]], codes[at], counts[at], lists[depth],
                                   people)
        left = sizes[depth]
        if depth == k - 1:
            looked += 1
            if people[4] == PROPORTION:
                left = _in_proportion(person, lists[depth, :left], codes[path], counts[path], people)
        if (depth == k - 1 and left < best) or left <= bound:
            best = left
        if best <= bound:
            return bound, True
        if depth < k - 1:
            path[depth + 1] = at
            depth += 1
    return best, True


@njit(cache=True, nogil=True)
def _drawn(person, codes, counts, levels, k, bound, best, lists, people, draws, seed):
    """Fewest matches over random subsets too."""
    drawn, state = np.empty(k, np.int64), _first_state(seed, k, person)
    for _ in range(draws):
        state = _draw(state, len(codes), drawn)
        chosen = _whole_levels(np.sort(drawn), levels)
        best = min(best, _matches(person, codes[chosen], counts[chosen], lists, people))
        if best <= bound:
            break
    return best


@njit(cache=True, nogil=True)
def _whole_levels(drawn, levels):
    """Any m visits to a place say as much as the first m: keep the token of level m."""
    kept = np.empty(len(drawn), np.int64)
    n, last = 0, -1
    for at in drawn:
        head = at - levels[at] + 1
        if head == last:
            kept[n - 1] += 1
        else:
            kept[n] = head
            n += 1
        last = head
    return kept[:n]


@njit(cache=True, nogil=True)
def _matches(person, codes, counts, lists, people):
    """How many people have all of these tokens."""
    if len(codes) == 1 and people[4] == PLAIN:
        return people[0][codes[0] + 1] - people[0][codes[0]]
    order = codes.copy()
    _shortest_first(order, people[0])
    start = 0
    while codes[start] != order[0]:
        start += 1
    size, now = _everybody(person, codes[start], counts[start], lists[0], people), 0
    for i in range(len(codes)):
        if i != start:
            size = _narrow(person, lists[now, :size], codes[i], counts[i], lists[1 - now], people)
            now = 1 - now
            if size == 1:
                return 1
    if people[4] == PROPORTION:
        return _in_proportion(person, lists[now, :size], codes, counts, people)
    return size


@njit(cache=True, nogil=True)
def _everybody(person, code, count, out, people):
    """Everybody whose own count of a token fits."""
    first_listed, listed, listed_count, total, rule, over, under = people
    n = 0
    for at in range(first_listed[code], first_listed[code + 1]):
        other = listed[at]
        if _fits(count, total[person], listed_count[at], total[other], rule, over, under):
            out[n] = other
            n += 1
    return n


@njit(cache=True, nogil=True)
def _narrow(person, few, code, count, out, people):
    """Those of `few` whose count of this token fits; walks the shorter list, leaps through the longer."""
    first_listed, listed, listed_count, total, rule, over, under = people
    at, stop = first_listed[code], first_listed[code + 1]
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
            other = few[here]
            if _fits(count, total[person], listed_count[at], total[other], rule, over, under):
                out[n] = other
                n += 1
        if walk_few:
            here += 1
        else:
            at += 1
    return n


@njit(cache=True, nogil=True)
def _fits(count, total, other_count, other_total, rule, over, under):
    """Whether a known count lies within the tolerance, a share of the candidate's own value."""
    if rule == FREQUENCY:
        return abs(count - other_count) * under <= over * other_count
    if rule == PROBABILITY:
        return abs(count * other_total - other_count * total) * under <= over * other_count * total
    return True


@njit(cache=True, nogil=True)
def _in_proportion(person, few, codes, counts, people):
    """How many of `few`, who have all the tokens, have them in proportion: each count over the largest of them."""
    first_listed, listed, listed_count, _, _, over, under = people
    largest, n = counts.max(), 0
    theirs = np.empty(len(codes), np.int64)
    for other in few:
        for j in range(len(codes)):
            start, stop = first_listed[codes[j]], first_listed[codes[j] + 1]
            theirs[j] = listed_count[start + np.searchsorted(listed[start:stop], other)]
        their_largest, fits = theirs.max(), True
        for j in range(len(codes)):
            gap = abs(counts[j] * their_largest - theirs[j] * largest)
            if gap * under > over * theirs[j] * largest:
                fits = False
                break
        n += fits
    return n
