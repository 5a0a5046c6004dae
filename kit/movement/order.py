"""Sort records by subject, then time, place and row: the one sort that everything in movement starts with.

Subjects are dictionary codes, so no comparison sort of all rows is needed. Rows are dealt into at most some
hundred buckets of neighbouring subjects (each thread its own stretch of the input, so the deal is stable), and each
bucket, small enough for the processor's cache, is dealt by subject and sorted subject by subject.
"""

from itertools import pairwise

import numpy as np
from numba import njit

from kit import parallel

_BUCKETS = 256


def by_subject(subject, time, place, row, n_subjects):
    """Order records by (subject, time, place, row); records of no subject (code -1) are left out.

    Parameters
    ----------
    subject, place : numpy.ndarray of int32
        Codes.
    time, row : numpy.ndarray of int64
        Time in any one unit; a number that names the record and settles ties.
    n_subjects : int
        Codes run from 0 to `n_subjects - 1`.

    Returns
    -------
    subject, time, place, row : numpy.ndarray
        New arrays, sorted.
    """
    shift = max(0, int(n_subjects - 1).bit_length() - _BUCKETS.bit_length() + 1)
    n_buckets = (max(n_subjects, 1) - 1 >> shift) + 1
    subject, time, place, row = (_frozen(a) for a in (subject, time, place, row))
    spans = parallel.spans(len(subject), parallel.cores())
    counts = np.array(parallel.run(_count, [(subject, *span, shift, n_buckets) for span in spans]))
    before = np.cumsum(counts.T.ravel()).reshape(counts.T.shape).T - counts
    edges = np.append(before[0], counts.sum())
    out = tuple(np.empty(edges[-1], a.dtype) for a in (subject, time, place, row))
    parallel.run(_deal, [(subject, time, place, row, *span, shift, before[i].copy(), *out)
                         for i, span in enumerate(spans)])
    parallel.run(_settle, [(edges, *span, shift, *out) for span in parallel.spans(n_buckets, 8 * parallel.cores())])
    return out


def rows_by_subject(subject, time, number, n_subjects):
    """Which row stands where in the order of (subject, time, number); for tables with more columns than `by_subject`.

    Returns
    -------
    subject, time, row : numpy.ndarray
        Sorted; `row` counts the rows as they came, so that `column[row]` sorts any other column.
    """
    by_number = None if (number[1:] > number[:-1]).all() else np.argsort(number, kind="stable")
    if by_number is not None:
        subject, time = subject[by_number], time[by_number]
    row = np.arange(len(subject), dtype=np.int64)
    subject, time, _, row = by_subject(subject, time, np.zeros(len(subject), np.int32), row, n_subjects)
    return subject, time, row if by_number is None else by_number[row]


def subject_spans(subject, parts):
    """Cut sorted records into spans that never divide a subject: [(start, stop), ...]."""
    starts = [start for start, _ in parallel.spans(len(subject), parts)]
    edges = sorted({0, len(subject), *(int(np.searchsorted(subject, subject[s])) for s in starts if s < len(subject))})
    return list(pairwise(edges))


def _frozen(array):
    """One memory layout for all callers, so that each kernel is compiled once."""
    view = np.ascontiguousarray(array).view()
    view.flags.writeable = False
    return view


@njit(cache=True, nogil=True)
def _count(subject, start, stop, shift, n_buckets):
    counts = np.zeros(n_buckets, np.int64)
    for i in range(start, stop):
        if subject[i] >= 0:
            counts[subject[i] >> shift] += 1
    return counts


@njit(cache=True, nogil=True)
def _deal(subject, time, place, row, start, stop, shift, free, subject_out, time_out, place_out, row_out):
    for i in range(start, stop):
        if subject[i] >= 0:
            at = free[subject[i] >> shift]
            free[subject[i] >> shift] = at + 1
            subject_out[at] = subject[i]
            time_out[at] = time[i]
            place_out[at] = place[i]
            row_out[at] = row[i]


@njit(cache=True, nogil=True)
def _settle(edges, first_bucket, last_bucket, shift, subject, time, place, row):
    """Order each bucket in place."""
    for bucket in range(first_bucket, last_bucket):
        start, stop = edges[bucket], edges[bucket + 1]
        if shift > 0:
            _deal_bucket(subject[start:stop], time[start:stop], place[start:stop], row[start:stop],
                         bucket << shift, 1 << shift)
        run = start
        for i in range(start + 1, stop + 1):
            if i == stop or subject[i] != subject[run]:
                _sort_run(time, place, row, run, i)
                run = i


@njit(cache=True, nogil=True)
def _deal_bucket(subject, time, place, row, first, width):
    free = np.zeros(width + 1, np.int64)
    for s in subject:
        free[s - first + 1] += 1
    for i in range(width):
        free[i + 1] += free[i]
    subject_was, time_was, place_was, row_was = subject.copy(), time.copy(), place.copy(), row.copy()
    for i in range(len(subject_was)):
        at = free[subject_was[i] - first]
        free[subject_was[i] - first] = at + 1
        subject[at] = subject_was[i]
        time[at] = time_was[i]
        place[at] = place_was[i]
        row[at] = row_was[i]


@njit(cache=True, nogil=True)
def _sort_run(time, place, row, start, stop):
    """Insertion sort for short runs, merge sort for long ones that are not in order already."""
    if stop - start > 32 and not _in_order(time, place, row, start, stop):
        _merge_sort(time[start:stop], place[start:stop], row[start:stop])
        return
    for i in range(start + 1, stop):
        t, p, r = time[i], place[i], row[i]
        j = i
        while j > start and (t < time[j - 1] or (t == time[j - 1] and (
                p < place[j - 1] or (p == place[j - 1] and r < row[j - 1])))):
            time[j], place[j], row[j] = time[j - 1], place[j - 1], row[j - 1]
            j -= 1
        time[j], place[j], row[j] = t, p, r


@njit(cache=True, nogil=True)
def _in_order(time, place, row, start, stop):
    i = start + 1
    while i < stop and not _before(time, place, row, i, i - 1):
        i += 1
    return i >= stop


@njit(cache=True, nogil=True)
def _before(time, place, row, a, b):
    if time[a] != time[b]:
        return time[a] < time[b]
    if place[a] != place[b]:
        return place[a] < place[b]
    return row[a] < row[b]


@njit(cache=True, nogil=True)
def _merge_sort(time, place, row):
    n = len(time)
    order, merged = np.arange(n), np.empty(n, np.int64)
    width = 1
    while width < n:
        for left in range(0, n, 2 * width):
            middle, right = min(left + width, n), min(left + 2 * width, n)
            i, j = left, middle
            for k in range(left, right):
                if j == right or (i < middle and not _before(time, place, row, order[j], order[i])):
                    merged[k] = order[i]
                    i += 1
                else:
                    merged[k] = order[j]
                    j += 1
        order, merged = merged, order
        width *= 2
    time[:], place[:], row[:] = time[order], place[order], row[order]
