import geopandas as gpd
import numpy as np
import pandas as pd
import pytest

from kit import movement
from kit.errors import InputError

# One street of three kilometres with a camera at every kilometre, and a gate 55 m off it.
STREET = gpd.GeoDataFrame(geometry=gpd.GeoSeries.from_wkt(["LINESTRING (0 0, 0.03 0)"]), crs="EPSG:4326")
SENSORS = gpd.GeoDataFrame({"sensor_id": ["a", "b", "c", "d", "gate"]},
                           geometry=gpd.points_from_xy([0, 0.01, 0.02, 0.03, 0.015], [0, 0, 0, 0, 0.0005]),
                           crs="EPSG:4326")
START = pd.Timestamp("2031-03-12T08:00Z").as_unit("us")
COLUMNS = ["subject_id", "sensor_id", "minutes"]


def walks(n, seen_by, minutes_each=3.0):
    """n people walk a, b, c, d; person i is recorded by a sensor when its function of i says so."""
    rows = [(f"p_{i:03d}", sensor, minutes_each * turn)
            for i in range(n) for turn, sensor in enumerate("abcd") if seen_by.get(sensor, lambda i: True)(i)]
    frame = pd.DataFrame(rows, columns=COLUMNS)
    times = pd.DatetimeIndex(START + pd.to_timedelta(frame.pop("minutes"), "min")).as_unit("us")
    return frame.assign(time=times, sighting_id=np.arange(len(frame)))


def trips_of(sightings):
    """What lies between each two sightings of a person in a row."""
    one = sightings.sort_values(["subject_id", "time"])
    after = one.shift(-1)
    same = one["subject_id"] == after["subject_id"]
    return pd.DataFrame({
        "trip_id": np.arange(same.sum()), "subject_id": one["subject_id"][same].to_numpy(),
        "origin_id": one["sighting_id"][same].to_numpy(), "destination_id": after["sighting_id"][same].astype(int),
        "origin_place_id": one["sensor_id"][same].to_numpy(),
        "destination_place_id": after["sensor_id"][same].to_numpy(),
        "departed_at": one["time"][same].array, "arrived_at": after["time"][same].array})


def rates(sightings, **more):
    return movement.detection_rates(sightings, trips_of(sightings), STREET, SENSORS, **more).set_index("sensor_id")


def test_a_camera_is_tested_by_those_seen_before_and_after_it():
    # b sees three of five, everybody else sees all: 40 people pass b, 24 are seen; c sees all 40.
    found = rates(walks(40, {"b": lambda i: i % 5 < 3}))
    assert found.loc["b", ["estimate", "n"]].tolist() == [0.6, 40]
    assert found.loc["c", ["estimate", "n"]].tolist() == [1.0, 40]
    assert found.loc["b", "low"] < 0.6 < found.loc["b", "high"]


def test_the_failures_of_two_cameras_in_a_row_do_not_hide_each_other():
    # b misses every other person and c every third, so one in six is missed by both: they still walk from a to d.
    found = rates(walks(60, {"b": lambda i: i % 2, "c": lambda i: i % 3}))
    # For b: 40 trips a-(b)-c and, where c missed them, 20 trips a-(b)-d, all of which lead past b.
    assert found.loc["b", "estimate"] == pytest.approx(0.5)
    assert found.loc["c", "estimate"] == pytest.approx(2 / 3)


def test_what_nobody_can_test_is_unknown():
    found = rates(walks(40, {}))
    for sensor in ("a", "d", "gate"):  # nobody was seen beyond the ends; the gate does not watch the street
        assert np.isnan(found.loc[sensor, ["estimate", "low", "high"]].astype(float)).all()
        assert found.loc[sensor, "n"] == 0
    assert (found["population"] == 120).all()


def test_few_passes_are_not_enough_and_trips_with_a_stop_do_not_count():
    few = walks(4, {})
    assert rates(few)["estimate"].isna().all()
    assert rates(few, min_passes=3)["estimate"].notna().sum() == 2
    assert rates(walks(40, {}, minutes_each=300.0))["estimate"].isna().all()


def test_sightings_within_a_trip_count_too():
    sightings = walks(40, {"b": lambda i: i % 5 < 3, "c": lambda i: False})
    ends = sightings[sightings["sensor_id"] != "b"]
    found = movement.detection_rates(sightings, trips_of(ends), STREET, SENSORS).set_index("sensor_id")
    assert found.loc["b", ["estimate", "n"]].tolist() == [0.6, 40]
    assert found.loc["c", ["estimate", "n"]].tolist() == [0.0, 40]


def test_order_and_names_do_not_matter_and_no_trips_tell_nothing():
    sightings = walks(40, {"b": lambda i: i % 5 < 3})
    trips = trips_of(sightings)
    once = movement.detection_rates(sightings, trips, STREET, SENSORS)
    renamed = {f"p_{i:03d}": f"q_{99 - i}" for i in range(40)}
    shuffled = trips.sample(frac=1, random_state=1)
    again = movement.detection_rates(sightings[::-1].assign(subject_id=sightings["subject_id"].map(renamed)),
                                     shuffled.assign(subject_id=shuffled["subject_id"].map(renamed)), STREET, SENSORS)
    pd.testing.assert_frame_equal(once, again)
    assert movement.detection_rates(sightings, trips.iloc[:0], STREET, SENSORS)["n"].sum() == 0


def test_nonsense_is_refused():
    sightings = walks(4, {})
    with pytest.raises(InputError, match="min_passes"):
        rates(sightings, min_passes=0)
    with pytest.raises(InputError, match="lack the column origin_place_id"):
        movement.detection_rates(sightings, trips_of(sightings).drop(columns="origin_place_id"), STREET, SENSORS)
