"""The crowd that shrinks, against a count by hand."""

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.errors import InputError
from kit.reidentify import make_points
from kit.reidentify.crowd import crowd

# x, y and z share camera a at eight; x and y share b at nine; only x is at c at ten.
SEEN = pd.DataFrame({
    "subject_id": ["x", "y", "z", "x", "y", "x"],
    "sensor_id": ["a", "a", "a", "b", "b", "c"],
    "time": pd.to_datetime(["2031-03-12T08:10Z"] * 3 + ["2031-03-12T09:10Z"] * 2 + ["2031-03-12T10:10Z"]),
})


def test_each_point_leaves_those_who_have_all_so_far():
    found = crowd(make_points(SEEN), "x", known=3)
    assert found["people"].tolist() == [3, 3, 2, 1]
    assert found["place"].tolist() == [None, "a", "b", "c"]
    assert found["bin"].iloc[1] == pd.Timestamp("2031-03-12T08:00Z")


@given(st.integers(0, 50))
def test_whoever_is_drawn_has_enough_points_and_always_matches(seed):
    found = crowd(make_points(SEEN), known=2, seed=seed)
    assert found["people"].is_monotonic_decreasing
    assert found["people"].iloc[-1] in {1, 2}
    assert set(found["place"].iloc[1:]) <= {"a", "b", "c"}


def test_more_points_than_anybody_has():
    with pytest.raises(InputError, match="the most anybody has is 3"):
        crowd(make_points(SEEN), known=4)
    with pytest.raises(InputError, match="has 1 distinct point, so 2 cannot"):
        crowd(make_points(SEEN), "z", known=2)
    with pytest.raises(InputError, match="has no points"):
        crowd(make_points(SEEN), "nobody")


@pytest.mark.parametrize(("arguments", "message"), [
    *(({"known": known}, "known must be a whole number") for known in (1.5, "a", None, True, 0)),
    *(({"seed": seed}, "seed must be a whole number") for seed in (-1, "x", None, 2**63)),
    ({"subject": ["x"]}, "has no points"),
    ({"points": SEEN}, "crowd takes points"),
])
def test_mistakes_are_named(arguments, message):
    with pytest.raises(InputError, match=message):
        crowd(**{"points": make_points(SEEN), "known": 1} | arguments)
