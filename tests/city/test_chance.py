"""Chance by counting: draws depend on their key and counter, and on nothing else."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.city import chance


def test_weights_of_one_two_and_one_divide_the_range_in_quarters():
    assert chance.cumulative_weights([1, 2, 1]).tolist() == [2**30 - 1, 3 * 2**30 - 1, 2**32 - 1]


@pytest.mark.parametrize(("drawn", "index"), [(0, 0), (2**30 - 2, 0), (2**30 - 1, 1), (2**31, 1), (2**32 - 1, 2)])
def test_a_draw_falls_on_the_part_it_lies_in(drawn, index):
    assert chance.pick(chance.cumulative_weights([1, 2, 1]), np.uint32(drawn)) == index


@given(st.lists(st.integers(0, 9), min_size=1, max_size=30).filter(any), st.integers(0, 2**32 - 2))
def test_a_part_without_weight_is_never_picked(weights, drawn):
    assert weights[chance.pick(chance.cumulative_weights(weights), np.uint32(drawn))] > 0


def test_uniform_draws_fill_the_unit_interval_evenly():
    drawn = chance.units(3, 1, np.arange(40_000), 1)[:, 0]
    counts = np.histogram(drawn, bins=20, range=(0, 1))[0]
    assert counts.sum() == 40_000
    assert np.abs(counts - 2_000).max() < 5 * np.sqrt(2_000)


def test_bell_has_mean_zero_and_deviation_one():
    drawn = chance.bells(3, 1, np.arange(40_000))
    assert abs(drawn.mean()) < 0.03
    assert abs(drawn.std() - 1) < 0.03
    assert np.abs(drawn).max() <= 3.5


def test_neighbouring_numbers_and_purposes_share_nothing():
    first, other = (chance.units(3, what, np.arange(20_000), 2) for what in (1, 2))
    both = np.corrcoef(np.column_stack([first, other, np.roll(first[:, 0], 1)]).T)
    assert np.abs(both - np.eye(5)).max() < 0.03


def test_draws_do_not_depend_on_what_else_is_drawn():
    assert np.array_equal(chance.units(3, 1, np.arange(100), 2)[7:9], chance.units(3, 1, np.array([7, 8]), 2))
