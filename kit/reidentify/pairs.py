"""Who alone has a pair of points, asked for everybody at once.

To ask it of one pair, one walks the list of its rarer point. To ask it of millions, it is cheaper to turn round: go
through all people once, tally every pair that somebody has, and look up those that were asked for.
"""

import numpy as np
from numba import njit

from kit import parallel

_MOST_CELLS = 32_768  # 2 bits for each pair: 128 MB a thread


def holds_alone(index, asked):
    """Whether only one subject has both cells of a pair.

    Parameters
    ----------
    index : Index
        From `unicity.build_index`.
    asked : numpy.ndarray of int32
        Two different cells a row, the lower first.

    Returns
    -------
    numpy.ndarray of bool

    >>> import pandas as pd
    >>> from kit.reidentify import make_points
    >>> from kit.reidentify.unicity import build_index
    >>> seen = pd.DataFrame({"subject_id": ["x", "x", "y", "y", "y"], "sensor_id": list("ababc")})
    >>> index = build_index(make_points(seen, time=None))
    >>> holds_alone(index, np.array([[0, 1], [1, 2]], np.int32)).tolist()
    [False, True]
    """
    people = parallel.spans(len(index.sizes), parallel.cores())
    n_cells = len(index.first_subject) - 1
    tallies = parallel.run(_tally, [(index.first_cell, index.cells, a, b, n_cells) for a, b in people])
    rows = parallel.spans(len(asked), parallel.cores())
    return np.concatenate(parallel.run(_found_once, [(asked[a:b], tuple(tallies)) for a, b in rows]))


def tally_is_cheaper(index, n_asked):
    """Whether tallying all pairs of all people costs fewer steps than walking a list for each pair asked for."""
    if len(index.first_subject) > _MOST_CELLS:
        return False
    sizes = index.sizes.astype(float)
    lists = np.diff(index.first_subject).astype(float)
    pairs = sizes @ (sizes - 1) / 2
    mean_list = lists @ lists / max(1, len(index.subjects))
    return pairs + len(index.subjects) < n_asked * mean_list / 4


@njit(cache=True, nogil=True)
def _tally(first_cell, cells, start, stop, n_cells):
    """For every pair of cells, how many of the people from `start` to `stop` have both, up to 2, in two bits.

    Nothing branches inside, so that the next look into memory need not wait for the last one.
    """
    tally = np.zeros(np.int64(n_cells) * (n_cells - 1) // 8 + 1, np.uint8)
    for person in range(start, stop):
        for i in range(first_cell[person] + 1, first_cell[person + 1]):
            base = _row(cells[i])
            for j in range(first_cell[person], i):
                pair = base + np.uint64(cells[j])
                shift = np.uint8(2 * (pair & np.uint64(3)))
                byte = tally[pair >> np.uint64(2)]
                more = np.uint8(1) - (byte >> shift >> np.uint8(1) & np.uint8(1))
                tally[pair >> np.uint64(2)] = byte + (more << shift)
    return tally


@njit(cache=True, nogil=True)
def _row(higher):
    """Where the pairs of a cell with all lower ones begin."""
    return np.uint64(higher) * np.uint64(higher - 1) >> np.uint64(1)


@njit(cache=True, nogil=True)
def _found_once(asked, tallies):
    once = np.empty(len(asked), np.bool_)
    for i in range(len(asked)):
        pair = _row(asked[i, 1]) + np.uint64(asked[i, 0])
        holders = 0
        for tally in tallies:
            holders += tally[pair >> np.uint64(2)] >> (2 * (pair & np.uint64(3))) & 3
        once[i] = holders == 1
    return once
