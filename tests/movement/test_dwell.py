import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kit import movement
from kit.errors import InputError

DAY = pd.Timestamp("2031-03-12", tz="Etc/GMT-8")


def bounds(*pairs):
    lower, upper = zip(*pairs, strict=True) if pairs else ((), ())
    return pd.DataFrame({"subject_id": pd.Series([f"p{i}" for i in range(len(pairs))], dtype="str"),
                         "dwell_min_s": pd.Series(lower, dtype=float), "dwell_max_s": pd.Series(upper, dtype=float)})


def distribution(*pairs):
    return movement.dwell_distribution(bounds(*pairs), resolution=None, draws=5)


def test_a_worked_example():
    # Spans 0-1, 1.1-2, 2.1-3 with a, b, a by symmetry: a (a + b)^2 (a + b)^2 a is largest where a = b = 1/3
    # (the six intervals of Gentleman and Geyer 1994, with their half-open ends kept apart).
    found = distribution((0, 1), (1.1, 3), (1.1, 3), (0, 2), (0, 2), (2.1, 3))
    assert found["from_s"].tolist() == [0, 1.1, 2.1]
    assert found["to_s"].tolist() == [1, 2, 3]
    assert found["share"].tolist() == pytest.approx([1 / 3] * 3, abs=1e-6)
    assert found["estimate"].tolist() == pytest.approx([2 / 3, 1 / 3, 0], abs=1e-6)


def test_a_share_that_calculus_gives():
    # p for 0-1 and 1 - p for 2-3: p^2 (1 - p) x 1 is largest at 2/3.
    assert distribution((0, 1), (0, 1), (2, 3), (0, 3))["share"].tolist() == pytest.approx([2 / 3, 1 / 3])


@given(st.lists(st.integers(0, 30), min_size=1, max_size=40))
def test_exact_times_give_the_plain_shares(times):
    found = distribution(*[(t, t) for t in times])
    values, counts = np.unique(times, return_counts=True)
    assert found["from_s"].tolist() == values.tolist()
    assert found["share"].to_numpy() == pytest.approx(counts / len(times))


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 12), st.booleans()), min_size=1, max_size=25))
def test_open_ends_give_kaplan_meier(rows):
    rows.append((20, False))  # the longest is known, so nothing is left beyond
    found = distribution(*[(t + 0.5, np.nan) if open_end else (t, t) for t, open_end in rows])
    survival, expected = 1.0, []
    for t in sorted({t for t, open_end in rows if not open_end}):
        at_risk = sum(u >= t for u, _ in rows)
        survival *= 1 - sum(u == t for u, open_end in rows if not open_end) / at_risk
        expected.append(survival)
    assert found["estimate"].to_numpy() == pytest.approx(np.array(expected), abs=1e-5)


def test_the_bounds_of_single_visits_enclose_the_estimate():
    found = distribution((0, 4), (1, 6), (3, np.nan), (2, 5), (7, 9))
    assert (found["surely"] <= found["estimate"] + 1e-9).all()
    assert (found["estimate"] <= found["possibly"] + 1e-9).all()
    assert found[["n", "eligible", "population"]].iloc[0].tolist() == [5, 4, 5]


def test_bounds_are_rounded_outwards():
    found = movement.dwell_distribution(bounds((61, 119)), draws=1)
    assert found[["from_s", "to_s", "share"]].values.tolist() == [[60, 120, 1]]


def test_people_are_drawn_not_visits():
    table = bounds(*[(10, 10)] * 50, *[(20, 20)] * 50)
    two = table.assign(subject_id=np.repeat(["a", "b"], 50))
    assert (movement.dwell_distribution(two, None)["low"].iloc[0], movement.dwell_distribution(two, None)["high"].iloc[
        0]) == (0, 1)
    assert movement.dwell_distribution(table, None)["low"].iloc[0] > 0.3


def test_no_visits_and_wrong_visits():
    assert movement.dwell_distribution(bounds()).columns.tolist() == distribution((0, 1)).columns.tolist()
    for pair in ((-1, 3), (5, 3), (np.nan, 3), (np.inf, np.inf)):
        with pytest.raises(InputError, match="first in row 0"):
            distribution(pair)
    with pytest.raises(InputError, match="draws"):
        movement.dwell_distribution(bounds((0, 1)), draws=0)


def sightings(*rows):
    subject, sensor, seconds = zip(*rows, strict=True) if rows else ((), (), ())
    times = DAY + pd.to_timedelta(pd.Series(seconds, dtype=float), unit="s")
    return pd.DataFrame({"sighting_id": np.arange(len(rows)), "subject_id": pd.Series(subject, dtype="str"),
                         "sensor_id": pd.Series(sensor, dtype="str"), "time": times.dt.as_unit("us")})


# Thirty mornings: three sightings a minute apart, so gaps of one minute and of one day less two minutes.
MORNINGS = [("ann", "gate", 86_400 * day + 60 * i) for day in range(30) for i in range(3)]


def test_the_gap_lies_between_minutes_and_days():
    found = movement.choose_gap(sightings(*MORNINGS)).set_index("choice")
    gap = found.loc["chosen", "max_gap"]
    assert pd.Timedelta("2min") < gap < pd.Timedelta("12h")
    assert found.loc["half", "max_gap"] * 2 == gap == found.loc["double", "max_gap"] / 2
    assert found["n_visits"].tolist() == [30, 30, 30]
    assert found["estimate"].tolist() == [120, 120, 120]


def test_the_histogram_counts_each_gap_at_one_place_once():
    found = movement.gap_histogram(sightings(*MORNINGS, ("bo", "gate", 0), ("bo", "mill", 60)))
    assert found.loc[found["n"] > 0, "n"].tolist() == [60, 29]
    short = found[found["n"] > 0].iloc[0]
    assert short["from_s"] <= 60 < short["to_s"]


@pytest.mark.parametrize("rows", [[], [("ann", "gate", 0)], [("ann", "gate", 0)] * 5,
                                  [("ann", "gate", 60 * i) for i in range(100)]])
def test_one_heap_is_no_choice(rows):
    with pytest.raises(InputError, match="two heaps"):
        movement.choose_gap(sightings(*rows))


@given(st.randoms(use_true_random=False), st.integers(-9, 9))
def test_neither_order_nor_day_matters_to_the_gap(random, days):
    rows = [("ann", "gate", s + 86_400 * days) for _, _, s in MORNINGS]
    random.shuffle(rows)
    pd.testing.assert_frame_equal(movement.choose_gap(sightings(*rows), draws=5),
                                  movement.choose_gap(sightings(*MORNINGS), draws=5))


# Two hundred metres apart on the equator: 1/555.97 of a degree.
SENSORS = gpd.GeoDataFrame({"sensor_id": list("abc")}, geometry=gpd.points_from_xy([0, 200 / 111_195, 600 / 111_195],
                                                                                 [0, 0, 0]), crs="EPSG:4326")
WALK = [("p", "a", 0), ("p", "b", 600), ("p", "b", 660), ("p", "c", 1200), ("p", "b", 1210)]


def test_walking_time_is_taken_off_on_both_sides():
    # 1,200 s from a to c about b; at 3.6 km/h the 200 m and 400 m take 200 s and 400 s, so 600 s are left. At c, 550 s
    # less 800 s would be below what was seen: nothing.
    visits = movement.find_visits(sightings(*WALK), SENSORS, walk_kmh=3.6)
    assert visits["dwell_max_s"].tolist() == pytest.approx([np.nan, 600, 0, np.nan], nan_ok=True, abs=0.1)
    plain = movement.find_visits(sightings(*WALK), SENSORS)
    assert plain["dwell_max_s"].tolist() == pytest.approx([np.nan, 1200, 550, np.nan], nan_ok=True)


def test_the_upper_bound_never_falls_below_the_lower():
    visits = movement.find_visits(sightings(*WALK), SENSORS, walk_kmh=0.1)
    assert visits["dwell_max_s"].iloc[1] == visits["dwell_min_s"].iloc[1] == 60


def test_walking_needs_positions_and_a_speed():
    with pytest.raises(InputError, match="walk_kmh needs"):
        movement.find_visits(sightings(*WALK), walk_kmh=5)
    with pytest.raises(InputError, match="above 0"):
        movement.find_visits(sightings(*WALK), SENSORS, walk_kmh=0)
    with pytest.raises(InputError, match="place='sensor'"):
        movement.find_visits(sightings(*WALK), SENSORS.assign(zone_id="z"), place="zone", walk_kmh=5)
