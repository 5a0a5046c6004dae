"""What two routines alone would make of a pair: the two nulls of co-presence. Arrays in, arrays out.

`Presence` holds who was recorded where, in which window of which local day, each once. `profile_null` and
`shift_null` answer for each pair: how many shared windows and days to expect, and how likely are as many days as seen.

Days are counted and not windows, because windows come in clumps: one walk from the lift past the lane to the gate
beside a neighbour is three shared windows but a single coincidence, and a test that took it for three would find
friends everywhere.
"""

import math
from collections import namedtuple

import numpy as np
from numba import njit

from kit import parallel

# subject-major lists: `start[u]:start[u + 1]` are the blocks (one subject at one sensor) of subject u, `entry[b]:
# entry[b + 1]` the entries (windows of a day) of block b, sorted by slot of the day, then day
Presence = namedtuple("Presence", "start sensor entry slot day active weekday slots_a_day")

HOURS, WEEKDAYS = 24, 7
OTHER_WEEKDAYS = 3.0  # the other weekdays together weigh as much as three more of the same
ALL_WHO_COME = 1.0  # what is usual at the sensor weighs as much as one more day
_NODES = 21


def presence(subject, sensor, slot, day, active, weekday, slots_a_day):
    """Lay records out by subject, sensor, slot of the day and day.

    Parameters
    ----------
    subject, sensor, slot, day : numpy.ndarray
        One entry each for a subject in a window at a sensor.
    active : numpy.ndarray of bool, (n_subjects, n_days)
        Whether the subject was recorded that day at all.
    weekday : numpy.ndarray of int, (n_days,)
        Monday is 0.
    slots_a_day : int
        A multiple of 24.
    """
    order = np.lexsort((day, slot, sensor, subject))
    subject, sensor, slot, day = (a[order] for a in (subject, sensor, slot, day))
    first = np.ones(len(subject), bool)
    first[1:] = (subject[1:] != subject[:-1]) | (sensor[1:] != sensor[:-1])
    entry = np.flatnonzero(first)
    start = np.searchsorted(subject[entry], np.arange(len(active) + 1))
    return Presence(start.astype(np.int64), sensor[entry].astype(np.int64), np.append(entry, len(subject)),
                    slot.astype(np.int32), day.astype(np.int32), np.ascontiguousarray(active), weekday.astype(np.int64),
                    slots_a_day)


def profile_null(seen, first, second, n_days):
    """Expected windows, expected days and p-value of each pair, from the hour-of-week rates of each at each sensor."""
    usual = _usual(seen)
    hours, evidence = _profiles(seen, usual)
    spans = parallel.spans(len(first), 16 * parallel.cores())
    parts = parallel.run(_profile_pairs, [(seen, hours, evidence, first[a:b], second[a:b], n_days[a:b])
                                          for a, b in spans])
    return tuple(np.concatenate(column) for column in zip(*parts, strict=True))


def shift_null(seen, first, second, n_days):
    """Expected windows and days, p-value and empirical p-value of each pair, from all shifts by whole days."""
    spans = parallel.spans(len(first), 16 * parallel.cores())
    parts = parallel.run(_shift_pairs, [(seen, first[a:b], second[a:b], n_days[a:b]) for a, b in spans])
    return tuple(np.concatenate(column) for column in zip(*parts, strict=True))


@njit(cache=True, nogil=True)
def poisson_binomial_tail(chances, k):
    """P(X >= k) for a sum of independent events; exact, by adding one event after the other.

    The part below k is never formed as 1 - (...): the last state gathers everything from k on, so small tails keep
    their digits.
    """
    if k <= 0:
        return 1.0
    state = np.zeros(k + 1)
    state[0] = 1.0
    for q in chances:
        state[k] += state[k - 1] * q
        for i in range(k - 1, 0, -1):
            state[i] += (state[i - 1] - state[i]) * q
        state[0] *= 1 - q
    return min(state[k], 1.0)


@njit(cache=True, nogil=True)
def negative_binomial_tail(mean, shape, k):
    """P(X >= k) for a negative binomial: Poisson about a gamma-distributed mean."""
    if k <= 0:
        return 1.0
    if mean <= 0:
        return 0.0
    share = mean / (mean + shape)
    log_term = (math.lgamma(k + shape) - math.lgamma(shape) - math.lgamma(k + 1.0)
                + k * math.log(share) + shape * math.log1p(-share))
    if k <= mean:  # the rest is the smaller part
        term, total, i = math.exp(shape * math.log1p(-share)), 0.0, 0
        while i < k:
            total += term
            term *= share * (i + shape) / (i + 1)
            i += 1
        return min(max(1 - total, 0.0), 1.0)
    term, total, i = math.exp(log_term), 0.0, k
    while term > total * 1e-17 and i < k + 100_000:
        total += term
        term *= share * (i + shape) / (i + 1)
        i += 1
    return min(total, 1.0)


@njit(cache=True, nogil=True)
def _usual(seen):
    """Windows at a sensor in an hour of the day, a day of those who come there at all: (sensor, hour)."""
    n_sensors = seen.sensor.max() + 1 if len(seen.sensor) else 0
    usual, days = np.zeros((n_sensors, HOURS)), np.zeros(n_sensors)
    per_hour = seen.slots_a_day // HOURS
    for u in range(len(seen.start) - 1):
        n_active = seen.active[u].sum()
        for b in range(seen.start[u], seen.start[u + 1]):
            days[seen.sensor[b]] += n_active
            for e in range(seen.entry[b], seen.entry[b + 1]):
                usual[seen.sensor[b], seen.slot[e] // per_hour] += 1
    for s in range(n_sensors):
        usual[s] /= max(days[s], 1.0)
    return usual


@njit(cache=True, nogil=True)
def _profiles(seen, usual):
    """Windows by hour and weekday (block, 24, 7), before the day tested is taken out; days of evidence (block, 24).

    Divided by `_weight`, these are windows to expect in that hour of that weekday, on a day when the subject is
    recorded anywhere.
    """
    n_blocks, per_hour = len(seen.sensor), seen.slots_a_day // HOURS
    hours, evidence = np.zeros((n_blocks, HOURS, WEEKDAYS), np.float32), np.zeros((n_blocks, HOURS), np.float32)
    for u in range(len(seen.start) - 1):
        on = _days_by_weekday(seen, u)
        total = on.sum()
        for b in range(seen.start[u], seen.start[u + 1]):
            raw = np.zeros((HOURS, WEEKDAYS))
            for e in range(seen.entry[b], seen.entry[b + 1]):
                raw[seen.slot[e] // per_hour, seen.weekday[seen.day[e]]] += 1
            for h in range(HOURS):
                evidence[b, h] = raw[h].sum()
                for w in range(WEEKDAYS):
                    others = total - on[w]
                    rest = OTHER_WEEKDAYS * (raw[h].sum() - raw[h, w]) / others if others > 0 else 0.0
                    hours[b, h, w] = raw[h, w] + rest + ALL_WHO_COME * usual[seen.sensor[b], h]
    return hours, evidence


@njit(cache=True, nogil=True)
def _days_by_weekday(seen, u):
    on = np.zeros(WEEKDAYS)
    for d in range(len(seen.weekday)):
        on[seen.weekday[d]] += seen.active[u, d]
    return on


@njit(cache=True, nogil=True)
def _weights(seen, u):
    """One over the days behind a rate, by weekday, the day tested left out."""
    on = _days_by_weekday(seen, u)
    out = np.zeros(WEEKDAYS)
    for w in range(WEEKDAYS):
        out[w] = 1 / (max(on[w] - 1, 0.0) + (OTHER_WEEKDAYS if on.sum() > on[w] else 0.0) + ALL_WHO_COME)
    return out


@njit(cache=True, nogil=True)
def _profile_pairs(seen, hours, evidence, first, second, n_days):
    length = len(seen.weekday)
    expected, days, p = np.empty(len(first)), np.empty(len(first)), np.empty(len(first))
    windows, shifted, shared = np.empty(length), np.zeros(length), np.zeros(length)
    mark = np.full((length, length), -1, np.int64)
    for i in range(len(first)):
        spread = _expect(seen, hours, evidence, first[i], second[i], windows)
        expected[i] = windows.sum()
        shifted[:], shared[:] = 0, 0
        _shifted(seen, first[i], second[i], i, mark, shifted, shared)
        # windows come in clumps: how many days with any there are for each window, where different days are compared
        windows *= (shared[1:].sum() + 1) / (shifted[1:].sum() + 1)
        days[i] = np.minimum(windows, 1.0).sum()
        p[i] = _uncertain_tail(windows, n_days[i], spread)
    return expected, days, p


@njit(cache=True, nogil=True)
def _expect(seen, hours, evidence, u, v, windows):
    """Fill the windows to expect of a pair each day; returns the relative variance of their sum, from counting."""
    per_hour = seen.slots_a_day // HOURS
    weight = _weights(seen, u) * _weights(seen, v) / per_hour
    by_weekday, agree, total, squares = np.zeros(WEEKDAYS), np.empty(HOURS), 0.0, 0.0
    windows[:] = 0
    both = np.zeros(WEEKDAYS)
    for d in range(len(windows)):
        both[seen.weekday[d]] += seen.active[u, d] and seen.active[v, d]
    b, c = seen.start[u], seen.start[v]
    while b < seen.start[u + 1] and c < seen.start[v + 1]:
        if seen.sensor[b] < seen.sensor[c]:
            b += 1
        elif seen.sensor[b] > seen.sensor[c]:
            c += 1
        else:
            _agreement(seen, evidence, b, c, agree)
            for h in range(HOURS):
                part = 0.0
                for w in range(WEEKDAYS):
                    rate = hours[b, h, w] * hours[c, h, w] * weight[w] * agree[h]
                    by_weekday[w] += rate
                    part += rate * both[w]
                total += part
                squares += part * part * (1 / (evidence[b, h] + 1) + 1 / (evidence[c, h] + 1))
            _leave_out(seen, hours, b, c, weight, agree, windows)
            b += 1
            c += 1
    for d in range(len(windows)):
        on = seen.active[u, d] and seen.active[v, d]
        windows[d] = max(windows[d] + by_weekday[seen.weekday[d]], 0.0) if on else 0.0
    return squares / (total * total) if total > 0 else 0.0


@njit(cache=True, nogil=True)
def _agreement(seen, evidence, b, c, agree):
    """By hour, how much more often than at random within it two records of different days share a window of the day.

    Who leaves at ten to eight sharp shares windows with all who do; a rate by the hour alone does not know that. One
    agreement is added to what was counted and to what was to expect, so that little evidence leaves 1.
    """
    per_hour = seen.slots_a_day // HOURS
    together, chance = np.ones(HOURS), np.empty(HOURS)
    for h in range(HOURS):
        chance[h] = evidence[b, h] * evidence[c, h] / per_hour + 1
    hour_at = seen.entry[b]
    for e in range(seen.entry[c], seen.entry[c + 1]):
        h = seen.slot[e] // per_hour
        while hour_at < seen.entry[b + 1] and seen.slot[hour_at] // per_hour < h:
            hour_at += 1
        f = hour_at
        while f < seen.entry[b + 1] and seen.slot[f] // per_hour == h:
            if seen.day[f] == seen.day[e]:
                chance[h] -= 1 / per_hour
            else:
                together[h] += seen.slot[f] == seen.slot[e]
            f += 1
    for h in range(HOURS):
        agree[h] = together[h] / chance[h]


@njit(cache=True, nogil=True)
def _leave_out(seen, hours, b, c, weight, agree, windows):
    """Take what either did on a day out of the rates that this day is tested by: (A - a)(B - b) = AB - aB - bA + ab."""
    per_hour = seen.slots_a_day // HOURS
    for e in range(seen.entry[b], seen.entry[b + 1]):
        w, h = seen.weekday[seen.day[e]], seen.slot[e] // per_hour
        windows[seen.day[e]] -= hours[c, h, w] * weight[w] * agree[h]
    at = seen.entry[b]
    for e in range(seen.entry[c], seen.entry[c + 1]):
        d, h = seen.day[e], seen.slot[e] // per_hour
        w = seen.weekday[d]
        windows[d] -= hours[b, h, w] * weight[w] * agree[h]
        while at < seen.entry[b + 1] and seen.slot[at] // per_hour < h:
            at += 1
        f = at
        while f < seen.entry[b + 1] and seen.slot[f] // per_hour == h:
            windows[d] += weight[w] * agree[h] * (seen.day[f] == d)
            f += 1


@njit(cache=True, nogil=True)
def _uncertain_tail(chances, k, spread):
    """Poisson-binomial tail, averaged over how far off all chances together may be: a gamma factor of mean 1."""
    chances = chances[chances > 0]
    if spread <= 0 or k <= chances.sum():
        return poisson_binomial_tail(np.minimum(chances, 1.0), k)
    shape, total, weights = 1 / spread, 0.0, 0.0
    reach = 7 / math.sqrt(shape)
    for i in range(_NODES):
        z = -reach + 2 * reach * i / (_NODES - 1)
        weight = math.exp(shape * (z - math.exp(z) + 1))
        if weight > 1e-30:
            total += weight * poisson_binomial_tail(np.minimum(chances * math.exp(z), 1.0), k)
            weights += weight
    return total / weights


@njit(cache=True, nogil=True)
def _shift_pairs(seen, first, second, n_days):
    n, length = len(first), len(seen.weekday)
    expected, days, p, empirical = np.empty(n), np.empty(n), np.empty(n), np.empty(n)
    windows, shared = np.zeros(length), np.zeros(length)
    mark = np.full((length, length), -1, np.int64)
    for i in range(n):
        windows[:], shared[:] = 0, 0
        _shifted(seen, first[i], second[i], i, mark, windows, shared)
        others = shared[1:]
        mean, variance = others.mean(), others.var()
        weeks = shared[7::7]
        if len(weeks) > 1 and weeks.mean() > mean:  # a shift by whole weeks keeps weekdays, which others mix
            mean = weeks.mean()
        mean = max(mean, 0.5 / len(others))
        shape = mean * len(others)
        if variance > mean:
            shape = min(shape, mean * mean / (variance - mean))
        expected[i], days[i] = windows[1:].mean(), mean
        p[i] = negative_binomial_tail(mean, shape, n_days[i])
        empirical[i] = (1 + (others >= n_days[i]).sum()) / (1 + len(others))
    return expected, days, p, empirical


@njit(cache=True, nogil=True)
def _shifted(seen, u, v, stamp, mark, windows, shared):
    """Shared windows and shared days for each shift of the second subject's days, round the end to the beginning."""
    length = len(windows)
    b, c = seen.start[u], seen.start[v]
    while b < seen.start[u + 1] and c < seen.start[v + 1]:
        if seen.sensor[b] < seen.sensor[c]:
            b += 1
        elif seen.sensor[b] > seen.sensor[c]:
            c += 1
        else:
            at = seen.entry[c]
            for e in range(seen.entry[b], seen.entry[b + 1]):
                while at < seen.entry[c + 1] and seen.slot[at] < seen.slot[e]:
                    at += 1
                f = at
                while f < seen.entry[c + 1] and seen.slot[f] == seen.slot[e]:
                    one, other = seen.day[e], seen.day[f]
                    by = (one - other) % length
                    windows[by] += 1
                    if mark[one, other] != stamp:
                        mark[one, other] = stamp
                        shared[by] += 1
                    f += 1
            b += 1
            c += 1
