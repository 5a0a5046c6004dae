import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from kit.errors import InputError
from kit.estimates import bootstrap_by_person, wilson

COUNTS = st.integers(1, 500).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


@given(COUNTS, st.sampled_from([0.8, 0.95, 0.99]))
def test_wilson_is_scipys_wilson(counts, level):
    expected = binomtest(*counts).proportion_ci(level, method="wilson")
    assert wilson(*counts, level) == pytest.approx((expected.low, expected.high), abs=1e-12)


def test_wilson_by_hand():
    # z² = 3.8415 at 95 %; no success in ten: high = z² / (10 + z²)
    low, high = wilson(0, 10)
    assert low == 0
    assert high == pytest.approx(3.841459 / 13.841459, abs=1e-6)


def test_wilson_broadcasts_and_says_when_nothing_was_measured():
    low, high = wilson([0, 5], [0, 10])
    assert np.isnan([low[0], high[0]]).all()
    assert low[1] < 0.5 < high[1]


@pytest.mark.parametrize("arguments", [(11, 10), (-1, 10), (1, 10, 1.0), (1, 10, 0)])
def test_wilson_refuses(arguments):
    with pytest.raises(InputError):
        wilson(*arguments)


def test_bootstrap_draws_people_not_records():
    # Two people, fifty records each and all alike: a replicate is 0, 1/2 or 1, so the interval is the whole range.
    values, person = np.repeat([0.0, 1.0], 50), np.repeat(["x", "y"], 50)
    assert bootstrap_by_person(values, person) == (0.5, 0.0, 1.0)
    _, low, high = bootstrap_by_person(values)
    assert 0.35 < low < high < 0.65


def test_bootstrap_covers_like_the_normal_interval():
    values = np.tile([0.0, 0.25, 0.5, 1.0], 1000)
    estimate, low, high = bootstrap_by_person(values, draws=4000)
    half = 1.96 * values.std() / np.sqrt(len(values))
    assert estimate == 0.4375
    assert (low, high) == pytest.approx((estimate - half, estimate + half), rel=0.01)


def test_bootstrap_repeats_itself_by_seed():
    values = [0.1, 0.4, 0.9, 0.3]
    assert bootstrap_by_person(values, seed=1) == bootstrap_by_person(values, seed=1)
    assert bootstrap_by_person(values, seed=1) != bootstrap_by_person(values, seed=2)


def test_bootstrap_refuses_missing_values_and_unequal_lengths():
    with pytest.raises(InputError, match="missing"):
        bootstrap_by_person([0.1, np.nan])
    with pytest.raises(InputError, match=r"differ in number \(2 and 1\)"):
        bootstrap_by_person([0.1, 0.2], ["x"])
    assert np.isnan(bootstrap_by_person([])).all()


@pytest.mark.parametrize(("call", "says"), [
    (lambda: bootstrap_by_person([1, 2, 3], ["a", None, "b"]), "person is missing for 1 of 3 values, first in row 1"),
    (lambda: bootstrap_by_person([1, np.nan]), "1 value is missing"),
    (lambda: bootstrap_by_person([1, 2], draws=0), "draws must be a whole number from 1 to 10,000,000, but it is 0"),
    (lambda: bootstrap_by_person([1, 2], draws=2**70), "draws must be a whole number"),
    (lambda: bootstrap_by_person([1, 2], draws="a"), "draws must be a whole number"),
    (lambda: bootstrap_by_person([1, 2], level=2), "level must lie between 0 and 1, but it is 2"),
    (lambda: bootstrap_by_person([1, 2], level="a"), "level must lie between 0 and 1"),
    (lambda: bootstrap_by_person([1, 2], seed=-1), "seed must be a whole number of at least 0"),
    (lambda: bootstrap_by_person(["a"]), "values must be numbers"),
    (lambda: bootstrap_by_person([[1, 2], [3, 4]]), "2 dimensions"),
    (lambda: bootstrap_by_person(5), "0 dimensions"),
    (lambda: bootstrap_by_person([1], 5), "differ in number"),
    (lambda: wilson("a", 1), "successes must be numbers"),
    (lambda: wilson(1, 1, level=None), "level must lie between 0 and 1"),
])
def test_what_makes_no_estimate_is_one_sentence(call, says):
    with pytest.raises(InputError, match=says):
        call()
