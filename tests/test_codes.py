import numpy as np
import pandas as pd
import pytest

from kit.codes import decode, encode, only_used

IDS = ["p_c", "p_a", None, "p_b", "p_a"]


@pytest.mark.parametrize("values", [
    pd.Series(IDS),
    pd.Series(IDS, dtype=object),
    pd.Series(IDS, dtype="category"),
    pd.Series(pd.Categorical(IDS, categories=["p_b", "p_c", "p_a"])),
], ids=["str", "object", "category", "unsorted category"])
def test_codes_sort_as_ids_do(values):
    codes, ids = encode(values)
    assert ids.tolist() == ["p_a", "p_b", "p_c"]
    assert codes.tolist() == [2, 0, -1, 1, 0]
    assert decode(codes, ids).tolist()[:2] == ["p_c", "p_a"]


def test_wide_unsigned_numbers_stay_whole():
    codes, ids = encode(pd.Series([2**64 - 1, 3, 2**63], dtype="uint64"))
    assert codes.tolist() == [2, 0, 1]
    assert ids.tolist() == [3, 2**63, 2**64 - 1]


def test_numbers_sort_as_numbers():
    assert encode(pd.Series([10, 9]))[1].tolist() == [9, 10]


def test_ids_that_nobody_uses_go():
    codes, ids = only_used(np.array([-1, 2, 0], dtype=np.int32), pd.Index(["a", "b", "c"]))
    assert codes.tolist() == [-1, 1, 0]
    assert ids.tolist() == ["a", "c"]
