"""Ids as whole numbers: people read strings, kernels take codes, and nothing is factorised twice."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc


def encode(values):
    """Code each id by its place in the sorted list of ids, so that codes sort as ids do.

    A category whose categories are sorted already costs nothing: its codes are used as they are. The ids keep their
    own type (text, whole numbers of any width); missing ids get the code -1.

    Parameters
    ----------
    values : pandas.Series
        Ids of any hashable type.

    Returns
    -------
    codes : numpy.ndarray of int32
    ids : pandas.Index
        Sorted; `ids[codes]` gives the values back. A category may hold ids that no row uses.

    >>> codes, ids = encode(pd.Series(["p_b", None, "p_a"]))
    >>> codes.tolist(), ids.tolist()
    ([1, -1, 0], ['p_a', 'p_b'])
    """
    if not isinstance(values.dtype, pd.CategoricalDtype):
        codes, ids = pd.factorize(values, sort=True)
        return codes.astype(np.int32), pd.Index(ids)
    codes, ids = values.array.codes.astype(np.int32, copy=False), values.cat.categories
    if _is_sorted(ids):
        return codes, ids
    ranks, ids = pd.factorize(ids, sort=True)
    return np.append(ranks.astype(np.int32), np.int32(-1))[codes], pd.Index(ids)


def decode(codes, ids):
    """The category that `encode` took apart: codes into sorted ids.

    >>> decode(np.array([1, 0]), pd.Index(["p_a", "p_b"])).tolist()
    ['p_b', 'p_a']
    """
    return pd.Categorical.from_codes(codes, dtype=pd.CategoricalDtype(ids), validate=False)


def only_used(codes, ids):
    """Drop ids that no code uses and number the rest anew; order stays.

    >>> codes, ids = only_used(np.array([2, 0, -1], dtype=np.int32), pd.Index(["a", "b", "c"]))
    >>> codes.tolist(), ids.tolist()
    ([1, 0, -1], ['a', 'c'])
    """
    used = np.zeros(len(ids) + 1, dtype=bool)
    used[codes] = True
    used[-1] = False
    if used[:-1].all():
        return codes, ids
    renumber = np.cumsum(used, dtype=np.int32) - 1
    renumber[-1] = -1
    return renumber[codes], ids[used[:-1]]


def _is_sorted(ids):
    if not pd.api.types.is_string_dtype(ids.dtype) or len(ids) < 2:
        return ids.is_monotonic_increasing
    text = pa.array(ids)
    text = text.combine_chunks() if isinstance(text, pa.ChunkedArray) else text
    return bool(pc.all(pc.less(text[:-1], text[1:])).as_py())
