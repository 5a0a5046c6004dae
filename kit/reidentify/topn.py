"""For each row of one sparse table its best rows of another, exactly, by way of an inverted index.

What two rows share is summed up column by column; what only one of them has adds a constant of that row. So nothing
but shared columns is visited, and no pair that shares none is ever a candidate.
"""

import math
from dataclasses import dataclass

import numpy as np
from numba import njit
from scipy import sparse

from kit import parallel

PRODUCT, POOLED, GAMMA = range(3)
_TILE, _BLOCK, _MOST_POINTERS = 4_096, 256, 20_000_000


@dataclass(frozen=True, eq=False)
class Pairing:
    """Two sparse tables over the same columns, and how a shared column counts.

    `form` PRODUCT sums left times right. POOLED sums (x+y) log(x+y) - x log x - y log y. GAMMA sums, with s = |sign|,
    lg(s+x+y) + lg(s) - lg(s+x) - lg(s+y), lg being the log of the gamma function. A negative sign in `signs` subtracts
    its column. The constants are added to every pair of that row; `of_totals` above 0 subtracts the same of the rows'
    sums, or of `totals`, with s = `of_totals`.
    """

    left: sparse.csr_array
    right: sparse.csr_array
    form: int = PRODUCT
    left_constant: np.ndarray | None = None
    right_constant: np.ndarray | None = None
    signs: np.ndarray | None = None
    of_totals: float = 0.0
    totals: tuple | list | None = None

    def row_sums(self):
        """Sums of the rows of both tables, or what stands for them."""
        totals = self.totals or (self.left.sum(axis=1), self.right.sum(axis=1))
        return tuple(np.asarray(t, float).ravel() for t in totals)

    def constants(self):
        """What is added to every pair of a left row, and of a right row."""
        given = (self.left_constant, self.left.shape[0]), (self.right_constant, self.right.shape[0])
        return tuple(np.zeros(n) if c is None else np.asarray(c, float) for c, n in given)

    def of_nothing(self, left, right):
        """The score that pairs would have if they shared no column."""
        (a, b), score = self.constants(), np.zeros(len(left))
        if self.of_totals > 0:
            totals = self.row_sums()
            _shared_all(self.form, -self.of_totals, totals[0][left], totals[1][right], score)
        return a[left] + b[right] + score


def top_pairs(pairing, top):
    """The best `top` right rows of each left row.

    Parameters
    ----------
    pairing : Pairing
        For PRODUCT, values must not be negative.
    top : int
        At least 1.

    Returns
    -------
    right, score : numpy.ndarray
        Shape (left rows, top): best first, equals by row number; -1 and -inf where fewer rows share a column.

    >>> eye = sparse.csr_array(np.array([[1.0, 0.0], [1.0, 2.0]]))
    >>> top_pairs(Pairing(eye, eye), 2)[0].tolist()
    [[0, 1], [1, 0]]
    """
    left, n = pairing.left, pairing.left.shape[0]
    by_column = pairing.right.T.tocsr()
    by_column.sort_indices()
    best, score = np.full((n, top), -1, np.int32), np.full((n, top), -np.inf)
    a, b = pairing.constants()
    first, column, value = left.indptr.astype(np.int64), left.indices.astype(np.int32), left.data.astype(float)
    begin, row = by_column.indptr.astype(np.int64), by_column.indices.astype(np.int32)
    weight = by_column.data.astype(float)
    cuts = parallel.spans(n, 8 * parallel.cores()) if n else []
    if pairing.form == PRODUCT:
        tiles = _tiles(by_column, len(b))
        parallel.run(_product_rows, [(first, column, value, *tiles, row, weight, a, b, start, stop, best, score)
                                     for start, stop in cuts])
    else:
        shared = (first, column, value, begin, row, weight, a, b)
        signs = np.ones(left.shape[1]) if pairing.signs is None else np.asarray(pairing.signs, float)
        totals = pairing.row_sums()
        parallel.run(_general_rows, [(*shared, signs, *totals, pairing.of_totals, pairing.form, start, stop, best,
                                      score) for start, stop in cuts])
    return best, score


def _tiles(by_column, n_right):
    """Where each column's rows of each tile begin: shape (tiles + 1, columns). A tile's sums stay in a near cache."""
    n_columns = by_column.shape[0]
    tile = max(_TILE, -(-n_right * n_columns // _MOST_POINTERS))
    edges = np.arange(0, n_right + tile, tile, dtype=np.int64)
    edges[-1] = max(n_right, edges[-1])
    begin = np.empty((len(edges), n_columns), np.int64)
    _find_edges(by_column.indptr.astype(np.int64), by_column.indices.astype(np.int32), edges, begin)
    return tile, begin


@njit(cache=True, nogil=True)
def _find_edges(indptr, row, edges, begin):
    for c in range(len(indptr) - 1):
        at = indptr[c]
        for t in range(len(edges)):
            while at < indptr[c + 1] and row[at] < edges[t]:
                at += 1
            begin[t, c] = at


@njit(cache=True, nogil=True)
def _product_rows(first, column, value, tile, begin, row, weight, a, b, start, stop, best, score):
    n_right, plain, total, touched = len(b), not np.any(b), np.zeros(tile), np.empty(tile, np.int32)
    for t in range(begin.shape[0] - 1):
        low, high = t * tile, min((t + 1) * tile, n_right)
        local = b[low:high]
        for u in range(start, stop):
            work = 0
            for k in range(first[u], first[u + 1]):
                work += begin[t + 1, column[k]] - begin[t, column[k]]
            if work == 0:
                continue
            mine, told = best[u], score[u]
            if work * 16 < high - low:
                n = 0
                for k in range(first[u], first[u + 1]):
                    for j in range(begin[t, column[k]], begin[t + 1, column[k]]):
                        v = row[j] - low
                        if total[v] == 0.0:
                            touched[n] = v
                            n += 1
                        total[v] += value[k] * weight[j]
                for i in range(n):
                    v = touched[i]
                    if total[v] > 0.0:
                        _keep(mine, told, v + low, total[v] + local[v] + a[u])
                        total[v] = 0.0
                continue
            for k in range(first[u], first[u + 1]):
                x = value[k]
                for j in range(begin[t, column[k]], begin[t + 1, column[k]]):
                    total[row[j] - low] += x * weight[j]
            _collect(total, local, a[u], plain, low, mine, told)


@njit(cache=True, nogil=True)
def _collect(total, b, a, plain, low, best, score):
    """Keep what is better than the worst kept, a block at a time, most of which hold nothing; clear the sums."""
    for block in range(0, len(b), _BLOCK):
        sums, more, over, least = total[block:block + _BLOCK], b[block:block + _BLOCK], np.int64(0), score[-1]
        if plain:
            for i in range(len(sums)):  # over its own slice, or no compiler runs it four at a time
                over |= np.int64(sums[i] + a > least)
        else:
            for i in range(len(more)):
                over |= np.int64(sums[i] + more[i] + a > least)
        if over:
            for i in range(len(more)):
                if sums[i] > 0.0 and sums[i] + more[i] + a > score[-1]:
                    _keep(best, score, low + block + i, sums[i] + more[i] + a)
        sums[:] = 0.0


@njit(cache=True, nogil=True)
def _keep(best, score, v, s):
    """Put v into its place among the best: higher score first, then lower number."""
    k = len(best) - 1
    if s < score[k] or (s == score[k] and (best[k] >= 0 and v > best[k])):
        return
    while k > 0 and (s > score[k - 1] or (s == score[k - 1] and v < best[k - 1])):
        best[k], score[k] = best[k - 1], score[k - 1]
        k -= 1
    best[k], score[k] = v, s


@njit(cache=True, nogil=True)
def _general_rows(first, column, value, begin, row, weight, a, b, signs, left_total, right_total, of_totals, form,
                  start, stop, best, score):
    total, mark = np.zeros(len(b)), np.full(len(b), -1, np.int32)
    touched = np.empty(len(b), np.int32)
    for u in range(start, stop):
        n = 0
        for k in range(first[u], first[u + 1]):
            x, sign = value[k], signs[column[k]]
            for j in range(begin[column[k]], begin[column[k] + 1]):
                v = row[j]
                if mark[v] != u:
                    mark[v], total[v] = u, 0.0
                    touched[n] = v
                    n += 1
                total[v] += _shared(form, sign, x, weight[j])
        for i in range(n):
            v = touched[i]
            s = total[v] + a[u] + b[v]
            if of_totals > 0.0:
                s += _shared(form, -of_totals, left_total[u], right_total[v])
            _keep(best[u], score[u], v, s)


@njit(cache=True, nogil=True)
def _shared(form, sign, x, y):
    """What one shared column adds."""
    if form == PRODUCT:
        return x * y
    if form == POOLED:
        told = (x + y) * math.log(x + y) - x * math.log(x) - y * math.log(y)
        return -told if sign < 0 else told
    s = abs(sign)
    told = math.lgamma(s + x + y) + math.lgamma(s) - math.lgamma(s + x) - math.lgamma(s + y)
    return -told if sign < 0 else told


@njit(cache=True, nogil=True)
def _shared_all(form, sign, x, y, out):
    for i in range(len(out)):
        out[i] = _shared(form, sign, x[i], y[i])
