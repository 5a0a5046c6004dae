import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from kit import geo, movement, tables
from kit.errors import InputError
from kit.movement import diameter, stay_kernels

DAY = pd.Timestamp("2031-03-12", tz="UTC")
LON, LAT = geo.NEMO
NORTH_M = 6_371_000 * np.pi / 180  # metres in a degree of latitude


def fixes(*rows, lon=LON, lat=LAT):
    """Rows of (subject, minutes after midnight, metres north of a point); fix ids count from 100."""
    subject, minutes, north_m = zip(*rows, strict=True) if rows else ((), (), ())
    times = DAY + pd.to_timedelta(pd.Series(minutes, dtype=float), unit="min")
    return pd.DataFrame({"fix_id": np.arange(100, 100 + len(rows)), "subject_id": pd.Series(subject, dtype="str"),
                         "time": times.dt.as_unit("us"), "lon": float(lon),
                         "lat": lat + np.array(north_m, dtype=float) / NORTH_M})


def spans(stays):
    """Begin and end of each stay in minutes after midnight."""
    return [tuple(pair) for pair in zip(minutes(stays["started_at"]), minutes(stays["finished_at"]), strict=True)]


def minutes(times):
    return ((times - DAY) / pd.Timedelta("1min")).tolist()


# Ann stops at 0 m from 0:00, is 50 m off at 0:04, gone at 0:08 (500 m), and stays there to the end at 0:16.
ANN = [("ann", 0, 0), ("ann", 4, 50), ("ann", 8, 500), ("ann", 12, 510), ("ann", 16, 520)]


def test_the_first_fix_outside_ends_a_stay_and_begins_the_next():
    stays = movement.find_stays(fixes(*ANN))
    assert spans(stays) == [(0, 8)]
    assert stays["n_fixes"].tolist() == [2]
    assert stays[["first_fix_id", "last_fix_id"]].values.tolist() == [[100, 101]]
    assert stays["lat"].tolist() == pytest.approx([LAT + 25 / NORTH_M])


def test_the_last_stay_counts_when_told_so():
    stays = movement.find_stays(fixes(*ANN), include_last=True)
    assert spans(stays) == [(0, 8), (8, 16)]
    assert stays["n_fixes"].tolist() == [2, 3]


def test_a_stay_may_end_with_the_last_fix_inside_and_is_then_measured_so():
    assert spans(movement.find_stays(fixes(*ANN), ends_at="last_inside")) == []
    assert spans(movement.find_stays(fixes(*ANN), ends_at="last_inside", min_duration="4min")) == [(0, 4)]


@pytest.mark.parametrize(("min_duration", "longer_only", "n"), [("8min", False, 1), ("8min", True, 0),
                                                               ("7min 59s", True, 1), ("8min 1us", False, 0)])
def test_exactly_the_shortest_duration_suffices_unless_told_otherwise(min_duration, longer_only, n):
    assert len(movement.find_stays(fixes(*ANN), min_duration=min_duration, longer_only=longer_only)) == n


def test_a_fix_at_the_radius_itself_is_outside_unless_told_otherwise():
    track = fixes(("a", 0, 0), ("a", 6, 100), ("a", 12, 900))
    exactly = float(geo.haversine_m(LON, track["lat"][0], LON, track["lat"][1]))
    assert spans(movement.find_stays(track, radius_m=exactly)) == [(0, 6), (6, 12)]
    assert spans(movement.find_stays(track, radius_m=exactly, edge_belongs=True)) == [(0, 12)]


def test_a_silence_discards_what_was_building_or_closes_it():
    track = fixes(("a", 0, 0), ("a", 6, 0), ("a", 22, 0), ("a", 37, 0), ("a", 40, 900))
    assert spans(movement.find_stays(track)) == [(22, 40)]
    assert spans(movement.find_stays(track, at_gap="close")) == [(0, 6), (22, 40)]
    assert spans(movement.find_stays(track, max_gap=None)) == [(0, 40)]


def test_an_anchor_lets_nobody_drift_away_and_a_median_goes_along():
    drift = fixes(*[("a", 3 * i, 30 * i) for i in range(8)], ("a", 24, 9000))
    assert spans(movement.find_stays(drift)) == [(0, 12), (12, 24)]
    # Before each fix the median is 0, 15, 30, 45, 60, 75 m: the fix at 150 m is 90 m away, that at 180 m 105 m.
    medians = movement.find_stays(drift, closes_on="median")
    assert spans(medians) == [(0, 18), (18, 24)]
    assert medians["lat"].tolist() == pytest.approx([LAT + 75 / NORTH_M, LAT + 195 / NORTH_M])


def test_a_diameter_holds_for_all_fixes_of_a_stay():
    # 0 and 90 m lie within 100 m of 45 m, but not both within 80 m of each other: the window slides on to 90 m.
    track = fixes(("a", 0, 0), ("a", 3, 90), ("a", 6, 45), ("a", 9, 60), ("a", 12, 900))
    rule = {"closes_on": "diameter", "max_gap": None, "include_last": True, "ends_at": "last_inside"}
    assert spans(movement.find_stays(track, radius_m=80, **rule)) == [(3, 9)]
    assert spans(movement.find_stays(track, radius_m=100, **rule)) == [(0, 9)]
    assert spans(movement.find_stays(track, radius_m=100, **rule | {"ends_at": "first_outside"})) == [(0, 12)]
    assert spans(movement.find_stays(track.head(4), radius_m=100, **rule | {"include_last": False})) == []


def test_one_subjects_stay_never_ends_in_another():
    stays = movement.find_stays(fixes(("a", 0, 0), ("a", 9, 0), ("b", 0, 0), ("b", 5, 500)))
    assert stays["subject_id"].tolist() == ["b"]


def test_repeated_fixes_count_once_even_with_another_between():
    track = fixes(("a", 0, 0), ("a", 0, 40), ("a", 0, 0), ("a", 9, 500))
    assert movement.find_stays(track)["n_fixes"].tolist() == [2]


@pytest.mark.parametrize("lat", [0.0, -48.88, 88.0, 89.99])
def test_180_degrees_and_poles_are_no_edge(lat):
    east = 60 / (NORTH_M * np.cos(np.radians(lat)))
    track = fixes(("a", 0, 0), ("a", 6, 0), ("a", 12, 900), lat=lat)
    track["lon"] = [180 - east / 2, -180 + east / 2, 0]
    for closes_on in ("anchor", "median"):
        stays = movement.find_stays(track, closes_on=closes_on, middle="mean")
        assert spans(stays) == [(0, 12)]
        assert abs(stays["lon"][0]) == pytest.approx(180)


def test_the_mean_of_fixes_round_a_pole_is_the_pole():
    track = fixes(*[("a", 4 * i, 0) for i in range(4)], ("a", 20, -5000), lat=89.9998)
    track.loc[:3, "lon"] = [-180, -90, 0, 90]
    assert movement.find_stays(track)["lat"].tolist() == pytest.approx([90], abs=1e-9)


def test_result_keeps_the_contract_even_when_empty():
    full, nothing = movement.find_stays(fixes(*ANN)), movement.find_stays(fixes())
    tables.validate(full.assign(subject_id=full["subject_id"].astype("str")), "stays", where="here")
    tables.check(nothing, "stays")
    assert nothing.dtypes.drop("subject_id").equals(full.dtypes.drop("subject_id"))
    assert nothing.columns.tolist() == full.columns.tolist()


@pytest.mark.parametrize("ids", [[2**64 - 1, 2**63], [-5, 7], ["b", "a"], pd.Categorical(["b", "a"])])
def test_ids_of_every_kind_keep_their_value(ids):
    track = fixes(("a", 0, 0), ("b", 0, 0), ("a", 9, 900), ("b", 9, 900))
    track["subject_id"] = pd.Series(ids).take([0, 1, 0, 1]).reset_index(drop=True)
    assert set(movement.find_stays(track)["subject_id"]) == set(pd.Series(ids))


def test_the_given_frame_and_any_index_are_left_alone():
    track = fixes(*ANN).set_index(pd.Index([7, 7, 3, 1, 1]))
    before = track.copy(deep=True)
    movement.find_stays(track)
    pd.testing.assert_frame_equal(track, before)


@pytest.mark.parametrize(("spoil", "words"), [
    (lambda f: f.assign(lat=f["lat"].where(f.index != 2)), "1 row has no position.*first in row 2"),
    (lambda f: f.assign(lon=f["lat"], lat=f["lon"]), "5 rows have a position outside.*swapped"),
    (lambda f: f.assign(time=f["time"].dt.tz_localize(None)), "without a zone"),
    (lambda f: f.assign(time=f["time"].where(f.index != 1)), "no time, first in row 1"),
    (lambda f: f.assign(subject_id=f["subject_id"].where(f.index != 3)), "no subject_id, first in row 3"),
    (lambda f: f.drop(columns="lat"), "lacks the column lat"),
])
def test_a_bad_table_is_refused_in_a_sentence(spoil, words):
    with pytest.raises(InputError, match=words):
        movement.find_stays(spoil(fixes(*ANN)))


@pytest.mark.parametrize("wrong", [{"radius_m": 0}, {"radius_m": "100m"}, {"min_duration": 300}, {"max_gap": "soon"},
                                   {"closes_on": "mean"}, {"ends_at": "never"}, {"at_gap": "keep"}, {"middle": "mode"}])
def test_a_bad_argument_is_refused_by_name(wrong):
    with pytest.raises(InputError, match=f"{next(iter(wrong))} must be"):
        movement.find_stays(fixes(*ANN), **wrong)


# --- properties ------------------------------------------------------------------------------------------------------

WALKS = st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 40), st.integers(0, 4)), max_size=40)
RULES = st.fixed_dictionaries({
    "closes_on": st.sampled_from(["anchor", "median", "diameter"]),
    "include_last": st.booleans(),
    "ends_at": st.sampled_from(["first_outside", "last_inside"]),
    "at_gap": st.sampled_from(["discard", "close"]),
})


def walk(rows):
    return fixes(*[(subject, minute, 60 * step) for subject, minute, step in rows])


@given(WALKS, RULES, st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_matter(rows, rule, random):
    track = walk(rows)
    shuffled = track.iloc[random.sample(range(len(track)), len(track))]
    pd.testing.assert_frame_equal(movement.find_stays(shuffled, **rule), movement.find_stays(track, **rule))


@given(WALKS, RULES)
def test_other_names_give_the_same_stays(rows, rule):
    track = walk(rows)
    names = {"a": 30, "b": 20, "c": 10}
    renamed = movement.find_stays(track.assign(subject_id=track["subject_id"].map(names).astype("int64")), **rule)
    stays = movement.find_stays(track, **rule)
    stays = stays.assign(subject_id=stays["subject_id"].astype(object).map(names).astype("int64"))
    columns = ["subject_id", "started_at", "finished_at", "lon", "lat", "n_fixes", "first_fix_id", "last_fix_id"]
    pd.testing.assert_frame_equal(
        renamed[columns].astype({"subject_id": "int64"}),
        stays[columns].sort_values(["subject_id", "first_fix_id"], kind="stable")
        .sort_values(["subject_id", "started_at"], kind="stable").reset_index(drop=True))


@given(WALKS, RULES, st.integers(-400, 400))
def test_a_shift_by_whole_days_shifts_the_stays(rows, rule, days):
    track, shift = walk(rows), pd.Timedelta(days, "D")
    stays = movement.find_stays(track, **rule)
    shifted = movement.find_stays(track.assign(time=track["time"] + shift), **rule)
    expected = stays.assign(started_at=stays["started_at"] + shift, finished_at=stays["finished_at"] + shift)
    pd.testing.assert_frame_equal(shifted, expected)


@given(st.floats(-90, 90), st.floats(-180, 180), st.floats(1, 200_000), st.floats(0, 2 * np.pi), st.floats(0.99, 1.01))
def test_the_plane_never_contradicts_the_sphere(lat, lon, radius_m, course, share):
    """A fix close to the radius, anywhere: the loop with its plane decides as the distance alone does."""
    step = radius_m * share / NORTH_M
    lat2 = float(np.clip(lat + step * np.cos(course), -90, 90))
    lon2 = (lon + step * np.sin(course) / max(np.cos(np.radians(lat)), 1e-9) + 180) % 360 - 180
    track = fixes(("a", 0, 0), ("a", 9, 0))
    track["lon"], track["lat"] = [lon, lon2], [lat, lat2]
    outside = geo.haversine_m(lon, lat, lon2, lat2) >= radius_m
    assert len(movement.find_stays(track, radius_m=radius_m)) == outside


@given(st.lists(st.integers(-5, 5), min_size=1, max_size=30))
def test_the_running_median_is_the_median(numbers):
    heaps, sizes = np.empty((4, len(numbers) + 1)), np.zeros(4, np.int64)
    for i, number in enumerate(numbers):
        stay_kernels._add(heaps, sizes, 0, float(number))
        assert stay_kernels._median(heaps, sizes, 0) == np.median(numbers[: i + 1])


@given(st.lists(st.tuples(st.integers(-4, 4), st.integers(-4, 4)), min_size=1, max_size=12))
def test_the_hull_kept_from_point_to_point_is_the_hull(points):
    hull, size = np.empty((2, len(points) + 3)), 0
    for x, y in points:
        size, _ = diameter._add(hull, size, float(x), float(y))
    assert shapely.MultiPoint(hull[:, :size].T).convex_hull.equals(shapely.MultiPoint(points).convex_hull)


@given(st.lists(st.tuples(st.floats(-1, 1), st.floats(-1, 1)), min_size=3, max_size=9))
def test_the_rectangle_is_the_smallest_turned_one(points):
    points = np.round(points, 3)
    hull, size = np.empty((2, len(points) + 3)), 0
    for x, y in points:
        size, _ = diameter._add(hull, size, x, y)
    areas = [diameter._area(hull, size, a, (a - 1) % size) for a in range(size)] if size > 2 else [0]
    assert min(areas) == pytest.approx(shapely.MultiPoint(points).minimum_rotated_rectangle.area, abs=1e-9)
