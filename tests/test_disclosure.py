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


def test_two_small_counts_hide_each_other():
    assert withhold_small(pd.Series({"a": 100, "b": 6, "c": 5})).isna().tolist() == [False, True, True]
    assert withhold_small(pd.Series({"a": 100, "b": 1, "c": 1})).isna().all()


def test_nothing_small_nothing_withheld_and_zero_is_shown():
    assert withhold_small(pd.Series({"a": 10, "b": 0})).tolist() == [10, 0]


@given(st.lists(st.integers(0, 60), min_size=1, max_size=8), st.integers(5, 15))
def test_no_small_count_is_shown_or_can_be_subtracted_out(counts, k):
    counts = pd.Series(counts)
    shown = withhold_small(counts, k)
    hidden = counts[shown.isna()]
    assert not shown.dropna().between(1, k - 1).any()
    if 0 < len(hidden) < (counts > 0).sum():
        assert len(possible_values(counts, hidden.index, k)) == len(hidden)


def possible_values(counts, hidden, k):
    """Hidden cells that could hold more than one value, by trying all that add up."""
    ranges = [range(1, k) if counts[i] < k else range(k, int(counts[hidden].sum()) + 1) for i in hidden]
    sums = {0: [set() for _ in ranges]}
    for place, values in enumerate(ranges):
        reached = {}
        for total, seen in sums.items():
            for value in values:
                if total + value <= counts[hidden].sum():
                    at = reached.setdefault(total + value, [set(s) for s in seen])
                    for kept, more in zip(at, seen, strict=True):
                        kept |= more
                    at[place].add(value)
        sums = reached
    return [s for s in sums[int(counts[hidden].sum())] if len(s) > 1]


def test_ten_and_one_do_not_hide_each_other_alone():
    assert withhold_small(pd.Series({"a": 1, "b": 10, "c": 40})).isna().all()


def test_a_threshold_under_the_floor_is_refused():
    with pytest.raises(InputError, match="at least 5"):
        withhold_small(pd.Series([1]), k=4)
