"""Pairs of subjects in one cell: counted without listing them, or listed and tallied. Arrays in, arrays out.

A cell is one sensor during one window. All rests on one sort of packed numbers: cell in the high bits, subject in the
low ones, so that the subjects of a cell lie side by side.
"""

from itertools import pairwise

import numpy as np
from numba import njit

from kit import parallel
from kit.errors import InputError

MOST_PAIRS = 300_000_000
_FEW, _DEAL_BITS, _DIGIT_BITS = 1 << 15, 9, 9


def cells(subject, sensor, window, n_subjects):
    """Group records by cell, each subject once in each; records of no subject (code -1) are left out.

    Parameters
    ----------
    subject, sensor : numpy.ndarray of int32
        Codes.
    window : numpy.ndarray of int64
        Number of the window that the record falls in.
    n_subjects : int

    Returns
    -------
    cell_subject : numpy.ndarray of int32
        Subjects, cell by cell, ascending within one.
    edges : numpy.ndarray of int64
        Cell `i` holds `cell_subject[edges[i]:edges[i + 1]]`.
    cell_sensor, cell_window : numpy.ndarray
        Of each cell.
    """
    if len(subject) == 0:
        none = np.empty(0, np.int64)
        return none.astype(np.int32), np.zeros(1, np.int64), none.astype(np.int32), none
    first, bits = int(window.min()), max(int(n_subjects - 1).bit_length(), 1)
    span, listed = int(window.max()) - first + 1, None
    if (int(sensor.max()) + 1) * span >= 1 << (63 - bits):  # too wide to pack: number the windows that occur
        listed, window = np.unique(window, return_inverse=True)
        first, span = 0, len(listed)
    packed = np.empty(len(subject), np.int64)
    parts = parallel.spans(len(subject), parallel.cores())
    left_out = (int(sensor.max()) + 1) * span << bits
    kept = sum(parallel.run(_pack, [(subject, sensor, window, first, span, bits, left_out, *part, packed)
                                    for part in parts]))
    found, edges, cell = _divide(_sorted(packed, left_out)[:kept], bits)
    cell_window = cell % span + first
    return found, edges, (cell // span).astype(np.int32), cell_window if listed is None else listed[cell_window]


def count(edges):
    """How many pairs each cell holds."""
    size = np.diff(edges)
    return size * (size - 1) // 2


def tally(cell_subject, edges, day, n_subjects, n_days):
    """Every pair that shares a cell: in how many cells, and on how many days.

    Returns
    -------
    first, second : numpy.ndarray of int32
        Codes, `first < second`, sorted.
    n, n_shared_days : numpy.ndarray of int64

    Raises
    ------
    InputError
        More than 300 million pairs in cells would have to be listed.
    """
    n_pairs = int(count(edges).sum())
    if n_pairs > MOST_PAIRS:
        raise InputError(f"{n_pairs:,} pairs in one window at one sensor are too many to list (the most is "
                         f"{MOST_PAIRS:,}); cap the crowd, for example crowd=50, or count them with count_pairs.")
    before = np.append(0, np.cumsum(count(edges)))
    packed = np.empty(n_pairs, np.uint64)
    subject_bits, day_bits = int(n_subjects - 1).bit_length(), int(n_days - 1).bit_length()
    if 2 * subject_bits + day_bits > 64:
        raise InputError(f"{n_subjects:,} subjects on {n_days:,} days are too many to pair; take fewer of them.")
    parts = _even_parts(before, 8 * parallel.cores())
    parallel.run(_list, [(cell_subject, edges, day, before, subject_bits, day_bits, *part, packed) for part in parts])
    return _tally_sorted(_sorted(packed, (1 << 2 * subject_bits + day_bits) - 1), subject_bits, day_bits)


def _sorted(packed, most):
    """Whole numbers from 0 to `most`, sorted; `packed` itself is no longer of use.

    Dealt by their highest bits into buckets that fit the processor's cache, each then sorted digit by digit.
    """
    if len(packed) < _FEW:
        return np.sort(packed)
    keys, spans = packed.view(np.uint64), parallel.spans(len(packed), parallel.cores())
    shift = max(int(most).bit_length() - _DEAL_BITS, 0)
    counts = np.array(parallel.run(_count_high, [(keys, *span, shift) for span in spans]))
    before = np.cumsum(counts.T.ravel()).reshape(counts.T.shape).T - counts
    edges, out = np.append(before[0], len(keys)), np.empty_like(keys)
    parallel.run(_deal, [(keys, *span, shift, before[i].copy(), out) for i, span in enumerate(spans)])
    parallel.run(_settle, [(edges, *span, shift, out, keys) for span in parallel.spans(len(edges) - 1,
                                                                                       8 * parallel.cores())])
    return out.view(packed.dtype)


def _tally_sorted(packed, subject_bits, day_bits):
    """Each thread takes its stretch of the sorted pairs; no pair is cut in two."""
    marks = packed[[start for start, _ in parallel.spans(len(packed), parallel.cores())][1:]] if len(packed) else packed
    cuts = np.searchsorted(packed, (marks >> np.uint64(day_bits)) << np.uint64(day_bits))
    cuts = np.unique(np.concatenate([[0], cuts, [len(packed)]])).tolist()
    stretches = [packed[a:b] for a, b in pairwise(cuts)]
    sizes = parallel.run(_count_runs, [(part, day_bits) for part in stretches])
    total, ends = sum(sizes), np.cumsum([0, *sizes]).tolist()
    out = tuple(np.empty(total, dtype) for dtype in (np.int32, np.int32, np.int64, np.int64))
    parallel.run(_runs, [(part, subject_bits, day_bits, *(column[a:b] for column in out))
                         for part, (a, b) in zip(stretches, pairwise(ends), strict=True)])
    return out


def keep_cells(cell_subject, edges, keep):
    """The cells marked in `keep`, as `cells` lays them."""
    size = np.diff(edges)
    return cell_subject[np.repeat(keep, size)], np.append(0, np.cumsum(size[keep]))


def _even_parts(before, parts):
    """Spans of cells with about equally many pairs."""
    marks = np.searchsorted(before, np.linspace(0, before[-1], parts + 1)[1:-1])
    edges = np.unique(np.concatenate([[0], marks, [len(before) - 1]]))
    return list(zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True))


@njit(cache=True, nogil=True)
def _pack(subject, sensor, window, first, span, bits, left_out, start, stop, out):
    """Left-out records become `left_out`, which sorts after all others; returns how many are in."""
    kept = 0
    for i in range(start, stop):
        if subject[i] < 0:
            out[i] = left_out
        else:
            out[i] = (sensor[i] * span + (window[i] - first)) << bits | subject[i]
            kept += 1
    return kept


@njit(cache=True, nogil=True)
def _count_high(keys, start, stop, shift):
    counts = np.zeros(1 << _DEAL_BITS, np.int64)
    for i in range(start, stop):
        counts[keys[i] >> np.uint64(shift)] += 1
    return counts


@njit(cache=True, nogil=True)
def _deal(keys, start, stop, shift, free, out):
    for i in range(start, stop):
        bucket = keys[i] >> np.uint64(shift)
        out[free[bucket]] = keys[i]
        free[bucket] += 1


@njit(cache=True, nogil=True)
def _settle(edges, first_bucket, last_bucket, bits, keys, scratch):
    """Sort each bucket in place by its lowest `bits` bits."""
    free = np.empty(1 << _DIGIT_BITS, np.int64)
    for bucket in range(first_bucket, last_bucket):
        start, stop = edges[bucket], edges[bucket + 1]
        one, other = keys[start:stop], scratch[start:stop]
        done = 0
        while done < bits and len(one) > 1:
            _sort_digit(one, other, np.uint64(done), free)
            one, other, done = other, one, done + _DIGIT_BITS
        if done // _DIGIT_BITS % 2:
            other[:] = one


@njit(cache=True, nogil=True)
def _sort_digit(keys, out, shift, free):
    """Stable, by the digit that begins at bit `shift`."""
    mask = np.uint64(len(free) - 1)
    free[:] = 0
    for key in keys:
        free[key >> shift & mask] += 1
    at = 0
    for digit in range(len(free)):
        at, free[digit] = at + free[digit], at
    for key in keys:
        digit = key >> shift & mask
        out[free[digit]] = key
        free[digit] += 1


@njit(cache=True, nogil=True)
def _divide(packed, bits):
    subject, starts = np.empty(len(packed), np.int32), np.empty(len(packed) + 1, np.int64)
    cell = np.empty(len(packed), np.int64)
    n, n_cells, before = 0, 0, np.int64(-1)
    for key in packed:
        if key != before:
            if n == 0 or key >> bits != before >> bits:
                starts[n_cells], cell[n_cells] = n, key >> bits
                n_cells += 1
            subject[n] = key & ((1 << bits) - 1)
            n += 1
            before = key
    starts[n_cells] = n
    return subject[:n].copy(), starts[:n_cells + 1].copy(), cell[:n_cells].copy()


@njit(cache=True, nogil=True)
def _list(subject, edges, day, before, subject_bits, day_bits, start, stop, out):
    for cell in range(start, stop):
        at, on = before[cell], np.uint64(day[cell])
        for i in range(edges[cell], edges[cell + 1]):
            row = np.uint64(subject[i]) << np.uint64(subject_bits)
            for j in range(i + 1, edges[cell + 1]):
                out[at] = (row | np.uint64(subject[j])) << np.uint64(day_bits) | on
                at += 1


@njit(cache=True, nogil=True)
def _count_runs(packed, day_bits):
    n_runs, days = 0, np.uint64(day_bits)
    for i in range(len(packed)):
        n_runs += i == 0 or packed[i] >> days != packed[i - 1] >> days
    return n_runs


@njit(cache=True, nogil=True)
def _runs(packed, subject_bits, day_bits, first, second, n, n_shared_days):
    days, people = np.uint64(day_bits), np.uint64(subject_bits)
    mask = (np.uint64(1) << people) - np.uint64(1)
    at, before = -1, np.uint64(0)
    for i in range(len(packed)):
        pair = packed[i] >> days
        if i == 0 or pair != before:
            at += 1
            first[at], second[at] = pair >> people, pair & mask
            n[at], n_shared_days[at] = 0, 0
        n[at] += 1
        n_shared_days[at] += i == 0 or packed[i] != packed[i - 1]
        before = pair
