import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from shapely.geometry import box

from kit import geo
from kit.errors import InputError
from kit.reidentify import make_points


def records(*rows):
    """Rows of (subject, sensor, UTC clock time on 12 March 2031)."""
    subject, sensor, clock = zip(*rows, strict=True) if rows else ((), (), ())
    times = pd.to_datetime([f"2031-03-12T{c}Z" for c in clock], utc=True)
    return pd.DataFrame({"subject_id": pd.Series(subject, dtype="str"), "sensor_id": pd.Series(sensor, dtype="str"),
                         "time": times})


def as_tuples(points):
    return [tuple(r) for r in points.frame().itertuples(index=False)]


SEEN = records(("x", "a", "08:00"), ("x", "a", "08:59"), ("x", "a", "09:00"), ("x", "b", "08:10"), ("y", "a", "08:30"))


def test_points_are_distinct_and_bins_are_floors():
    eight, nine = pd.Timestamp("2031-03-12T08:00Z"), pd.Timestamp("2031-03-12T09:00Z")
    points = make_points(SEEN)
    assert as_tuples(points) == [("x", "a", eight), ("x", "a", nine), ("x", "b", eight), ("y", "a", eight)]
    assert (len(points), points.n_subjects, points.subject.dtype) == (4, 2, np.int32)


def test_bins_count_from_the_epoch_not_from_the_first_record():
    points = make_points(records(("x", "a", "08:20"), ("x", "a", "08:50")), time="45min")
    # 8:15 is a multiple of 45 minutes since midnight, 8:20 is not.
    assert points.bins.tolist() == [pd.Timestamp("2031-03-12T08:15Z")]


def test_without_time_only_places_remain():
    assert [t[:2] for t in as_tuples(make_points(SEEN.drop(columns="time"), time=None))] == [
        ("x", "a"), ("x", "b"), ("y", "a")]


def test_unmatched_records_are_counted_not_lost():
    seen = SEEN.assign(subject_id=["x", None, None, "x", "y"])
    points = make_points(seen)
    assert points.left_out["no subject"] == 2
    assert "2 records left out: no subject" in repr(points)


FIXES = pd.DataFrame({"subject_id": "x", "time": pd.Timestamp("2031-03-12T08:00Z"),
                      "lon": [-0.005, 0.005, 0.015], "lat": [0.005, 0.005, -0.001]})


def test_degrees_count_from_zero():
    points = make_points(FIXES, place="0.01deg")
    assert points.places.tolist() == [(-1, 0), (0, 0), (1, -1)]


def test_cells_keep_apart_on_every_side_of_the_equator():
    for degrees in (40, 0, -40):
        lat = [degrees + 0.015, degrees - 0.015, degrees + 0.005]
        fixes = pd.DataFrame({"subject_id": "x", "lon": [116.395, 116.405, 116.405], "lat": lat})
        assert make_points(fixes, place="0.01deg", time=None).places.tolist() == [
            (11639, 100 * degrees + 1), (11640, 100 * degrees - 2), (11640, 100 * degrees)]


@given(st.lists(st.tuples(st.integers(-5, 5), st.integers(-5, 5)), min_size=1, max_size=12), st.integers(-80, 80))
def test_cells_are_named_by_column_and_row(cells, north):
    lon, lat = [c + 0.5 for c, _ in cells], [r + north + 0.5 for _, r in cells]
    fixes = pd.DataFrame({"subject_id": "x", "lon": lon, "lat": lat})
    assert make_points(fixes, place="1deg", time=None).places.tolist() == sorted({(c, r + north) for c, r in cells})


def test_metres_count_from_an_origin_that_is_printed():
    plane = geo.local_plane(-123.39, -48.88)
    lon, lat = plane.to_degrees(np.array([10, 499, 501, 10]), np.array([10, 10, 10, 999]))
    fixes = pd.DataFrame({"subject_id": "x", "lon": lon, "lat": lat})
    points = make_points(fixes, place="500m", time=None, origin=(-123.39, -48.88))
    assert points.places.tolist() == [(0, 0), (0, 1), (1, 0)]
    assert "lon -123.39, lat -48.88" in repr(points)
    assert make_points(fixes, place="0.5km", time=None, origin=(-123.39, -48.88)).places.equals(points.places)
    assert make_points(fixes, place="500m", time=None).origin == (-123.39, -48.88)  # the south-west corner, floored


SENSORS = gpd.GeoDataFrame({"sensor_id": ["a", "b"]}, geometry=gpd.points_from_xy([0.005, 0.025], [0.005, 0.005]),
                           crs="EPSG:4326")


def test_sightings_reach_a_grid_by_way_of_their_sensors():
    points = make_points(SEEN, place="0.01deg", time=None, sensors=SENSORS)
    assert [t[:2] for t in as_tuples(points)] == [("x", (0, 0)), ("x", (2, 0)), ("y", (0, 0))]


def test_polygons_take_what_lies_in_them_and_count_the_rest():
    zones = gpd.GeoDataFrame({"geometry": [box(0, 0, 0.01, 0.01)]}, index=["harbour"], crs="EPSG:4326")
    points = make_points(SEEN, place=zones, time=None, sensors=SENSORS)
    assert [t[:2] for t in as_tuples(points)] == [("x", "harbour"), ("y", "harbour")]
    assert points.left_out["outside every zone"] == 1
    assert make_points(FIXES, place=zones).left_out["outside every zone"] == 2


def test_a_mapping_sends_sensors_to_zones():
    points = make_points(SEEN, place={"a": "north", "b": "north"}, time=None)
    assert [t[:2] for t in as_tuples(points)] == [("x", "north"), ("y", "north")]


ROWS = st.lists(st.tuples(st.sampled_from("xyz"), st.sampled_from("ab"), st.integers(0, 23)), max_size=30)


@given(ROWS, st.randoms(use_true_random=False))
def test_distinct_triples_whatever_the_order(rows, random):
    seen = records(*[(s, p, f"{h:02}:30") for s, p, h in rows])
    expected = sorted({(s, p, pd.Timestamp(f"2031-03-12T{h:02}:00Z")) for s, p, h in rows})
    assert as_tuples(make_points(seen)) == expected
    shuffled = seen.iloc[random.sample(range(len(seen)), len(seen))]
    assert as_tuples(make_points(shuffled)) == expected


@pytest.mark.parametrize("kind", ["int64", "uint64", "category"])
def test_kind_of_id_does_not_matter(kind):
    ids = SEEN["subject_id"].map({"x": 7, "y": 2**40}).astype(kind)
    points = make_points(SEEN.assign(subject_id=ids))
    assert points.subjects.tolist() == [7, 2**40]
    assert np.array_equal(points.subject, make_points(SEEN).subject)


@pytest.mark.parametrize("kind", ["int8", "uint16", "Int64", "float64", "bool", "str", "object", "category"])
def test_ids_of_every_kind_give_the_same_points(kind):
    ids = SEEN["subject_id"].map({"x": 0, "y": 1}).astype(kind)
    points = make_points(SEEN.assign(subject_id=ids))
    assert np.array_equal(points.subject, make_points(SEEN).subject)
    assert points.n_subjects == 2


def test_far_apart_times_need_no_room():
    days = ["1970-01-01", "2031-03-12", "2200-01-01", "1900-01-01", "2031-03-12"]
    seen = SEEN.assign(time=pd.to_datetime(days, utc=True))
    assert len(make_points(seen, time="1s").bins) == 4


@pytest.mark.parametrize(("call", "message"), [
    (lambda: make_points(SEEN.drop(columns="subject_id")), "lacks the column subject_id"),
    (lambda: make_points(SEEN.assign(time=SEEN["time"].dt.tz_localize(None))), "without a zone"),
    (lambda: make_points(SEEN.assign(time=SEEN["time"].where(SEEN.index > 0))), "^1 record has no time"),
    (lambda: make_points(SEEN, time="-1h"), "time must be"),
    (lambda: make_points(SEEN, time="often"), "time must be"),
    (lambda: make_points(SEEN, time=3600), "time must be"),
    (lambda: make_points(SEEN, place="0deg"), "place must be"),
    (lambda: make_points(SEEN, place="zone"), "place must be"),
    (lambda: make_points(SEEN, place=7), "place must be"),
    (lambda: make_points(SEEN, place="500m"), "give the table of sensors"),
    (lambda: make_points(SEEN, place="500m", sensors=SENSORS.head(1)), "1 sensors .* 'b'"),
    (lambda: make_points(SEEN, place="500m", sensors=pd.concat([SENSORS, SENSORS])), "'a' more than once"),
    (lambda: make_points(SEEN, place={"a": "north"}), "^1 sensor has no zone .* 'b'"),
    (lambda: make_points(FIXES), "needs the column sensor_id"),
    (lambda: make_points(FIXES.assign(lat=[0.0, 91.0, 0.0]), place="1deg"), "^1 record has .* first in row 1"),
    (lambda: make_points(FIXES.assign(lon=[0.0, np.nan, 0.0]), place="1deg"), "^1 record has .* first in row 1"),
    (lambda: make_points(FIXES.assign(lon=["a", "b", "c"]), place="1deg"), "lon .* must hold numbers"),
    (lambda: make_points(SEEN.assign(time=pd.NaT)), "rows have no time"),
    (lambda: make_points(SEEN.assign(sensor_id=[["a"]] * len(SEEN))), "sensor_id .* such as lists"),
    (lambda: make_points(pd.concat([SEEN, SEEN[["sensor_id"]]], axis=1)), "sensor_id more than once"),
    (lambda: make_points(SEEN, place={"a": ["north"], "b": ["south"]}), "zones in the mapping .* such as lists"),
    (lambda: make_points(SEEN, place="500m", sensors=SENSORS.assign(geometry=SENSORS.to_crs(3857).buffer(9))),
     "must be points, .* Polygon"),
    (lambda: make_points(SEEN, place="500m", sensors=SENSORS, origin="x"), r"two numbers, .* it is 'x'"),
    (lambda: make_points(SEEN, place="500m", sensors=SENSORS, origin=(1,)), r"two numbers, .* it is \(1,\)"),
    (lambda: make_points(SEEN, place="500m", sensors=SENSORS, origin=(None, 1)), "two numbers"),
    (lambda: make_points(FIXES, place="0.0000000000000000000001m"), "finer than a millimetre"),
    (lambda: make_points(FIXES, place="0.000000001deg"), "finer than a millimetre"),
    (lambda: make_points(FIXES.assign(lon=[-170, 0, 170], lat=[-80, 0, 80]), place="0.00000001deg"), "so far apart"),
    (lambda: make_points(SEEN, place=SEEN), "it is a DataFrame.$"),
    (lambda: make_points(SEEN, time=SEEN), "it is a DataFrame.$"),
])
def test_mistakes_are_named(call, message):
    with pytest.raises(InputError, match=message):
        call()


def test_one_record_left_out_is_one_record():
    subjects = [None, *["x"] * (len(SEEN) - 1)]
    assert "1 record left out: no subject" in repr(make_points(SEEN.assign(subject_id=subjects)))


def test_no_records_make_no_points():
    points = make_points(SEEN.head(0))
    assert (len(points), points.n_subjects) == (0, 0)
