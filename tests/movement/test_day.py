"""Forward-backward by hand and against all paths; and what a day must say."""

from itertools import product

import numpy as np
import pandas as pd
import pytest

from kit.errors import InputError
from kit.movement.day import forward_backward, infer_day

SENSORS = pd.DataFrame({"sensor_id": ["door", "shop"], "zone_id": ["A", "B"]})


def test_three_states_by_hand():
    """Place, between, unseen: a silent step, then one that only "place" can have made."""
    silent = np.array([[0.5, 0.5, 0.0], [0.25, 0.5, 0.25], [0.0, 0.5, 0.5]])
    seen = np.array([[0.2, 0.0, 0.0], [0.8, 0.0, 0.0], [0.0, 0.0, 0.0]])
    posterior, log_likelihood = forward_backward([1.0, 0.0, 0.0], [silent, seen], [0, 1])
    # step 1: place 1/2 x 0.2 = 0.1, between 1/2 x 0.8 = 0.4
    assert posterior == pytest.approx(np.array([[0.2, 0.8, 0.0], [1.0, 0.0, 0.0]]))
    assert np.exp(log_likelihood) == pytest.approx(0.5)


@pytest.mark.parametrize("seed", range(5))
def test_the_same_as_adding_up_all_paths(seed):
    chance = np.random.default_rng(seed)
    start, weights, pattern = chance.random(3), chance.random((2, 3, 3)), chance.integers(0, 2, 5)
    start /= start.sum()
    posterior, total = np.zeros((5, 3)), 0.0
    for path in product(range(3), repeat=6):
        p = start[path[0]] * np.prod([weights[k, a, b] for k, a, b in zip(pattern, path, path[1:], strict=False)])
        total += p
        for t in range(5):
            posterior[t, path[t + 1]] += p
    found = forward_backward(start, weights, pattern)
    assert found[0] == pytest.approx(posterior / total)
    assert found[1] == pytest.approx(np.log(total))


def many_days(last=14):
    """Home seen at 8:00 and 18:00 of each day, the shop at 12:00."""
    days = pd.date_range("2031-03-01", periods=last, tz="UTC")
    rows = [(sensor, day + pd.Timedelta(hours=hour))
            for day in days for sensor, hour in (("door", 8), ("shop", 12), ("door", 18))]
    return pd.DataFrame(rows, columns=["sensor_id", "time"]).assign(subject_id="p_1")


def test_each_minute_adds_up_to_one_and_a_sighting_is_believed():
    found = infer_day(many_days(), SENSORS, "2031-03-07", "UTC")
    total = found.groupby("time")["probability"].sum()
    assert len(total) == 1440
    assert total.to_numpy() == pytest.approx(1)
    noon = found[found["time"] == pd.Timestamp("2031-03-07T12:00Z")].set_index("place_id")["probability"]
    assert noon["B"] + noon["between"] > 5 * noon["A"]  # what is left to A is the chance of a false match


def test_order_and_names_do_not_matter_and_days_shift():
    seen = many_days(5)
    found = infer_day(seen, SENSORS, "2031-03-03", "UTC")["probability"].to_numpy()
    mixed = seen.sample(frac=1, random_state=0).assign(subject_id=7)
    assert infer_day(mixed, SENSORS, "2031-03-03", "UTC")["probability"].to_numpy() == pytest.approx(found)
    later = seen.assign(time=seen["time"] + pd.Timedelta(days=9))
    assert infer_day(later, SENSORS, "2031-03-12", "UTC")["probability"].to_numpy() == pytest.approx(found)


def test_a_day_with_a_change_of_clock_has_the_minutes_it_has():
    found = infer_day(many_days(), SENSORS, "2031-03-30", "Europe/Berlin")
    assert found["time"].nunique() == 23 * 60


def test_a_blind_sensor_leaves_more_doubt_than_a_good_one():
    """Home at 8:00 and at 18:00 with silence between: a door that sees nearly all passes speaks for one who was away
    or in all day; who may pass unseen may be anywhere."""
    rates = [pd.DataFrame({"sensor_id": ["door", "shop"], "estimate": share}) for share in (0.97, 0.3)]
    sure, blind = (infer_day(many_days(), SENSORS, "2031-03-07", "UTC", rates=r) for r in rates)
    at_two = [x[x["time"] == pd.Timestamp("2031-03-07T02:00Z")]["probability"].to_numpy() for x in (sure, blind)]
    entropy = [-(p * np.log(p)).sum() for p in at_two]
    assert entropy[0] < entropy[1]


def test_nobody_gives_an_empty_table():
    nobody = many_days().iloc[:0].assign(time=pd.to_datetime([]).tz_localize("UTC"))
    assert infer_day(nobody, SENSORS, "2031-03-07", "UTC").columns.tolist() == [
        "subject_id", "time", "place_id", "probability"]


@pytest.mark.parametrize(("arguments", "word"), [
    ({"day": "soon"}, "day"), ({"tz": "nowhere"}, "tz"), ({"detection": 1.0}, "detection"),
    ({"rates": pd.DataFrame({"estimate": [1.0]})}, "sensor_id")])
def test_what_is_wrong_is_said(arguments, word):
    with pytest.raises(InputError, match=word):
        infer_day(**{"sightings": many_days(2), "sensors": SENSORS, "day": "2031-03-02", "tz": "UTC"} | arguments)
