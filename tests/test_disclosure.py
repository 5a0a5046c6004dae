"""Small counts stay in, and cannot be told from the total."""

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.disclosure import withhold_small
from kit.errors import InputError


def test_one_small_count_takes_the_next_one_with_it():
    shown = withhold_small(pd.Series({"a": 100, "b": 40, "c": 3}))
    assert shown.isna().tolist() == [False, True, True]
    assert shown["a"] == 100


def test_two_small_counts_that_add_up_to_enough_need_no_third():
    assert withhold_small(pd.Series({"a": 100, "b": 6, "c": 5})).isna().tolist() == [False, True, True]


def test_nothing_small_nothing_withheld_and_zero_is_shown():
    assert withhold_small(pd.Series({"a": 10, "b": 0})).tolist() == [10, 0]


@given(st.lists(st.integers(0, 60), min_size=1, max_size=8), st.integers(5, 15))
def test_no_small_count_is_shown_or_can_be_subtracted_out(counts, k):
    counts = pd.Series(counts)
    shown = withhold_small(counts, k)
    hidden = counts[shown.isna()]
    assert not shown.dropna().between(1, k - 1).any()
    if len(hidden) and (counts >= k).any():
        assert hidden.sum() >= k


def test_a_threshold_under_the_floor_is_refused():
    with pytest.raises(InputError, match="at least 5"):
        withhold_small(pd.Series([1]), k=4)
