"""Membership: certain where a person is alone in their cells, a coin where nothing is known."""

import numpy as np
import pandas as pd
import pytest

from kit.errors import InputError
from kit.reidentify.membership import membership
from kit.reidentify.points import make_points


def seen(sensors):
    return make_points(pd.DataFrame({"subject_id": [f"p{i:03}" for i in range(len(sensors))], "sensor_id": sensors,
                                     "time": pd.to_datetime(["2031-03-12T08:00Z"] * len(sensors), utc=True)}))


ALONE = seen([f"s{i:03}" for i in range(40)])


def areas(found):
    return found.set_index("attack")["estimate"]


def test_whoever_is_alone_in_a_cell_is_told_for_certain():
    found = areas(membership(None, ALONE, 5))
    assert found["learned"] == 1
    assert found["auxiliary"] == 1
    assert found["no_auxiliary"] == 1
    assert found["null"] == 0.5


def test_where_everybody_is_alike_membership_is_a_coin():
    assert areas(membership(None, seen(["s"] * 40), 5)).tolist() == [0.5] * 4


def test_whoever_knows_nothing_learns_nothing():
    assert areas(membership(None, ALONE, 5, known_share=0)).tolist() == [0.5] * 4


def test_a_release_without_small_counts_tells_nothing_of_people_alone():
    assert areas(membership(lambda counts: np.where(counts < 10, 0, counts), ALONE, 5)).tolist() == [0.5] * 4


def test_the_null_stays_at_one_half_where_people_share_cells():
    rng = np.random.default_rng(0)
    records = pd.DataFrame({"subject_id": [f"p{i:03}" for i in np.repeat(np.arange(120), 5)],
                            "sensor_id": [f"s{i}" for i in rng.integers(0, 30, 600)],
                            "time": pd.to_datetime(["2031-03-12T08:00Z"] * 600)})
    found = membership(None, make_points(records), [5, 20], people=60).set_index(["group", "attack"])
    null = found.xs("null", level="attack")
    assert ((null["low"] <= 0.5) & (null["high"] >= 0.5)).all()
    assert found.loc[(5, "auxiliary"), "low"] > found.loc[(20, "auxiliary"), "high"] > 0.5
    assert found.loc[(5, "learned"), "low"] > found.loc[(20, "learned"), "high"] > 0.5


@pytest.mark.parametrize(("arguments", "message"), [
    ({"groups": 1}, "from 2 to 19"), ({"groups": 20}, "from 2 to 19"), ({"groups": [2.5]}, "from 2 to 19"),
    ({"groups": []}, "got none"), ({"aggregate": "raw"}, "must be a function"),
    ({"records": pd.DataFrame()}, "takes points"),
    ({"people": 0}, "people must be"), ({"rounds": 1}, "rounds must be"), ({"known_share": 2}, "known_share must"),
    ({"seed": -1}, "seed must be"), ({"records": seen([])}, "no points"), ({"records": seen(["s"])}, "of the 1 people"),
])
def test_mistakes_are_named(arguments, message):
    with pytest.raises(InputError, match=message):
        membership(**{"aggregate": None, "records": ALONE, "groups": 5} | arguments)
