import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kit import movement
from kit.errors import InputError

DAY = pd.Timestamp("2031-03-12T00:00Z")
SPOTS = dict(zip("abcdef", np.arange(6) * 100.0, strict=True))  # seconds along one road


def sensors(names="abcdef"):
    return pd.DataFrame({"sensor_id": list(names)})


def road(wrong=(), days=1, ways=60, names="abcdef"):
    """People go along the road and back, a little faster or slower each; clocks are off by seconds, or a function."""
    rng, rows = np.random.default_rng(5), []
    wrong = dict(wrong)
    for i in range(ways * days):
        pace, start = rng.uniform(0.9, 1.1), 86_400 * (i // ways) + 300 * (i % ways)
        for back in (False, True):
            for name in names:
                at = start + pace * (500 - SPOTS[name] if back else SPOTS[name])
                off = wrong.get(name, 0)
                rows.append((f"p{i}{back}", name, at + (off(at / 86_400) if callable(off) else off)))
    subject, sensor, seconds = zip(*rows, strict=True)
    return pd.DataFrame({"sighting_id": np.arange(len(rows)), "subject_id": subject, "sensor_id": sensor,
                         "time": (DAY + pd.to_timedelta(pd.Series(seconds), unit="s")).dt.as_unit("us")})


def offsets(seen, table=None):
    return movement.repair_clocks(seen, sensors() if table is None else table)[1].set_index("sensor_id")["offset_s"]


def test_good_clocks_stay_good():
    assert offsets(road()).abs().max() < 2


@pytest.mark.parametrize("off", [-280, -45, 70, 240])
def test_one_wrong_clock_is_found_even_where_it_turns_the_order_around(off):
    found = offsets(road({"c": off}))
    assert found["c"] == pytest.approx(off, abs=5)
    assert found.drop("c").abs().max() < 5


def test_the_times_are_mended_and_nothing_else():
    wrong, right = road({"c": 240}), road()
    mended, _ = movement.repair_clocks(wrong, sensors())
    assert (mended["time"] - right["time"]).abs().max() < pd.Timedelta("5s")
    pd.testing.assert_frame_equal(mended.drop(columns="time"), wrong.drop(columns="time"))
    pd.testing.assert_frame_equal(wrong, road({"c": 240}))


def test_a_drift_is_found_with_three_weeks():
    _, clocks = movement.repair_clocks(road({"d": lambda day: 60 + 1.5 * day}, days=28), sensors())
    row = clocks.set_index("sensor_id").loc["d"]
    assert row["drift_s_per_day"] == pytest.approx(1.5, abs=0.1)
    assert row["offset_s"] == pytest.approx(60, abs=5)
    assert clocks.set_index("sensor_id").drop("d")["drift_s_per_day"].abs().max() < 0.1


def test_who_cannot_be_tied_stays_as_it_is():
    far = road(names="a").assign(sensor_id="z", subject_id="alone")
    seen = pd.concat([road({"c": 240}), far.assign(sighting_id=far["sighting_id"] + 10**6)], ignore_index=True)
    mended, clocks = movement.repair_clocks(seen, sensors("abcdefz"))
    z = clocks.set_index("sensor_id").loc["z"]
    assert z["component"] == -1
    assert np.isnan(z["offset_s"])
    assert (mended["time"] == seen["time"])[seen["sensor_id"] == "z"].all()


@pytest.mark.parametrize("rows", [0, 1])
def test_too_little_to_say_anything(rows):
    seen = road().iloc[:rows]
    mended, clocks = movement.repair_clocks(seen, sensors())
    assert clocks["component"].tolist() == [-1] * 6
    pd.testing.assert_frame_equal(mended, seen)


def test_all_at_one_instant_ties_nothing():
    _, clocks = movement.repair_clocks(road().assign(time=DAY), sensors())
    assert clocks["offset_s"].isna().all()


@settings(max_examples=10, deadline=None)
@given(st.randoms(use_true_random=False), st.integers(-300, 300))
def test_neither_order_nor_day_nor_names_matter(random, days):
    seen = road({"c": 240}, ways=25)
    at = list(range(len(seen)))
    random.shuffle(at)
    other = seen.iloc[at].assign(time=lambda t: t["time"] + pd.Timedelta(days=days),
                                 sensor_id=lambda t: t["sensor_id"].astype("category"))
    assert offsets(other).tolist() == pytest.approx(offsets(seen).tolist(), abs=0.01)


def test_what_is_wrong_is_said():
    with pytest.raises(InputError, match="not in the sensors table"):
        movement.repair_clocks(road(), sensors("abc"))
    with pytest.raises(InputError, match="without a zone"):
        movement.repair_clocks(road().assign(time=pd.Timestamp("2031-03-12")), sensors())
    with pytest.raises(InputError, match="largest"):
        movement.repair_clocks(road(), sensors(), largest="0s")


def test_sensors_passed_one_way_only_are_not_tied():
    """The way out of e and into f is there, the way back is not: half of that difference would be no clock's error."""
    seen = road({"c": 240})
    there = ~seen["subject_id"].str.endswith("True")
    _, clocks = movement.repair_clocks(seen[there | ~seen["sensor_id"].isin(["e", "f"])], sensors())
    clocks = clocks.set_index("sensor_id")
    assert clocks.loc[["e", "f"], "component"].tolist() == [-1, -1]
    assert clocks.loc["c", "offset_s"] == pytest.approx(240, abs=5)


def test_of_two_clocks_nobody_knows_which_is_wrong_so_neither_is_touched():
    seen = road({"b": 60}, names="ab")
    mended, clocks = movement.repair_clocks(seen, sensors("ab"))
    assert (clocks["offset_s"][1] - clocks["offset_s"][0]) == pytest.approx(60, abs=2)
    assert ((clocks["low"] <= 0) & (clocks["high"] >= 0)).all()
    assert (clocks["low"][0] <= -60) and (clocks["high"][1] >= 60)
    pd.testing.assert_frame_equal(mended, seen)


def test_a_clock_that_may_be_right_is_left_alone():
    seen = road()
    mended, clocks = movement.repair_clocks(seen, sensors())
    assert ((clocks["low"] <= 0) & (clocks["high"] >= 0)).all()
    pd.testing.assert_frame_equal(mended, seen)


def test_where_a_sort_of_place_seems_off_people_wait_there():
    """Gates are passed two minutes later on the way back: half of that looks like clocks a minute ahead, at all."""
    rng, rows = np.random.default_rng(2), []
    streets, gates = [f"s{i}" for i in range(9)], [f"g{i}" for i in range(5)]
    spot = {name: 100.0 * i for i, name in enumerate(streets)} | {g: 150 + 150.0 * i for i, g in enumerate(gates)}
    for i in range(60):
        pace, start = rng.uniform(0.95, 1.05), 1_000 * i
        for back in (False, True):
            for name, far in spot.items():
                wait = 120 * back * (name in gates)
                rows.append((f"p{i}{back}", name, start + pace * ((800 - far) if back else far) + wait
                             + 200 * (name == "g0")))
    subject, sensor, seconds = zip(*rows, strict=True)
    seen = pd.DataFrame({"subject_id": subject, "sensor_id": sensor,
                         "time": (DAY + pd.to_timedelta(pd.Series(seconds), unit="s")).dt.as_unit("us")})
    table = pd.DataFrame({"sensor_id": [*streets, *gates], "place_class": ["other"] * 9 + ["transit"] * 5})
    _, clocks = movement.repair_clocks(seen, table)
    clocks = clocks.set_index("sensor_id")
    assert clocks.index[clocks["mended"]].tolist() == ["g0"]
    assert clocks.loc["g0", "offset_s"] == pytest.approx(200, abs=10)
    assert (clocks.loc[gates[1:], "high"] >= 60).all()
    assert (clocks.loc[gates[1:], "low"] <= 0).all()


def test_one_pair_alone_mends_nothing():
    """Whether f is off or only its way slow, no other sensor can confirm."""
    seen = road({"f": 100})
    apart = seen[seen["sensor_id"].isin(["e", "f"])].assign(subject_id=lambda t: t["subject_id"] + "x")
    others = seen[~seen["sensor_id"].isin(["f"])]
    _, clocks = movement.repair_clocks(pd.concat([others, apart], ignore_index=True), sensors())
    f = clocks.set_index("sensor_id").loc["f"]
    assert f["n_pairs"] == 1
    assert f["offset_s"] == pytest.approx(100, abs=5)
    assert not f["mended"]
