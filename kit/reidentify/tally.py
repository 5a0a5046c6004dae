"""How many people hold each of many sets of points, by one pass over everybody.

To ask for one set who holds it, one walks the list of its rarest point. To ask for millions of sets, it is cheaper to
turn round: go through all people once, form every set that each of them holds, and tally those that were asked for.
"""

from math import comb

import numpy as np
from numba import njit

from kit import parallel

_MOST_ASKED = 30_000_000


def count_holders(index, asked):
    """How many subjects hold each set of cells: 1, or 2 for two and more.

    Parameters
    ----------
    index : Index
        From `unicity.build_index`.
    asked : numpy.ndarray of int32
        A set of cells a row, each row rising; somebody must hold each.

    Returns
    -------
    numpy.ndarray of uint8

    >>> import pandas as pd
    >>> from kit.reidentify import make_points
    >>> from kit.reidentify.unicity import build_index
    >>> seen = pd.DataFrame({"subject_id": ["x", "x", "y", "y", "y"], "sensor_id": list("ababc")})
    >>> index = build_index(make_points(seen, time=None))
    >>> count_holders(index, np.array([[0, 1], [1, 2]], np.int32)).tolist()
    [2, 1]
    """
    k, n_cells = asked.shape[1], len(index.first_subject) - 1
    n_slots = 1 << max(4, int(2 * len(asked)).bit_length())
    keys, slots = _enter(asked, n_cells, n_slots)
    people = parallel.spans(len(index.sizes), parallel.cores())
    tallies = parallel.run(_tally, [(index.first_cell, index.cells, a, b, k, n_cells, keys) for a, b in people])
    return np.minimum(sum(tally[slots] for tally in tallies), 2).astype(np.uint8)


def tally_is_cheaper(index, chosen, k):
    """Whether tallying everybody's k-sets costs less than walking a list for each of the chosen.

    One point needs no walk. A set must fit in one number of 62 bits. A step of either costs about one look into memory.
    """
    n_cells = len(index.first_subject) - 1
    if k == 1 or n_cells**k >= 2**62 or len(chosen) > _MOST_ASKED:
        return False
    sizes, people = np.unique(index.sizes, return_counts=True)
    sets = sum(comb(int(size), k) * int(n) for size, n in zip(sizes, people, strict=True))
    mean_list = (np.diff(index.first_subject).astype(float) ** 2).sum() / len(index.subjects)
    return sets + 2 * len(chosen) < len(chosen) * mean_list / k


@njit(cache=True, nogil=True)
def _home(key, n_slots):
    """Where a key is looked for first (Fibonacci hashing of the folded key)."""
    folded = np.uint64(key) ^ (np.uint64(key) >> np.uint64(29))
    return np.int64((folded * np.uint64(0x9E3779B97F4A7C15)) >> np.uint64(20)) & (n_slots - 1)


@njit(cache=True, nogil=True)
def _enter(asked, n_cells, n_slots):
    """An open-addressed table of the sets asked for, and the slot of each."""
    keys, slots = np.full(n_slots, -1, np.int64), np.empty(len(asked), np.int64)
    for i in range(len(asked)):
        key = np.int64(0)
        for j in range(asked.shape[1]):
            key = key * n_cells + asked[i, j]
        slot = _home(key, n_slots)
        while keys[slot] >= 0 and keys[slot] != key:
            slot = (slot + 1) & (n_slots - 1)
        keys[slot] = key
        slots[i] = slot
    return keys, slots


@njit(cache=True, nogil=True)
def _tally(first_cell, cells, start, stop, k, n_cells, keys):
    """For the people from `start` to `stop`: holders of each slot's set, counted up to 2."""
    held, path, prefix = np.zeros(len(keys), np.uint8), np.empty(k, np.int64), np.zeros(k, np.int64)
    for person in range(start, stop):
        own = cells[first_cell[person]:first_cell[person + 1]]
        if len(own) < k:
            continue
        depth, path[0] = 0, -1
        while depth >= 0:
            path[depth] += 1
            if path[depth] > len(own) - (k - depth):
                depth -= 1
            elif depth == k - 1:
                for last in range(path[depth], len(own)):
                    _add(keys, held, (prefix[depth - 1] * n_cells if depth else 0) + own[last])
                depth -= 1
            else:
                prefix[depth] = (prefix[depth - 1] * n_cells if depth else 0) + own[path[depth]]
                path[depth + 1] = path[depth]
                depth += 1
    return held


@njit(cache=True, nogil=True)
def _add(keys, held, key):
    slot = _home(key, len(keys))
    while keys[slot] >= 0:
        if keys[slot] == key:
            held[slot] = min(2, held[slot] + 1)
            return
        slot = (slot + 1) & (len(keys) - 1)
