import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit import movement, tables
from kit.errors import InputError

DAY = pd.Timestamp("2031-03-12", tz="Etc/GMT-8")


def sightings(*rows):
    """Rows of (subject, sensor, minutes after midnight); sighting ids count from 100."""
    subject, sensor, minutes = zip(*rows, strict=True) if rows else ((), (), ())
    times = DAY + pd.to_timedelta(pd.Series(minutes, dtype=float), unit="min")
    return pd.DataFrame({"sighting_id": np.arange(100, 100 + len(rows)), "subject_id": pd.Series(subject, dtype="str"),
                         "sensor_id": pd.Series(sensor, dtype="str"), "time": times.dt.as_unit("us")})


def minutes(times):
    return ((times - DAY) / pd.Timedelta("1min")).tolist()


# Ann: gate 8:00, 8:10, 8:25 (15 minutes later: still the same visit), 8:41 (16 minutes: a new one), mill 9:00.
ANN = [("ann", "gate", 480), ("ann", "gate", 490), ("ann", "gate", 505), ("ann", "gate", 521), ("ann", "mill", 540)]


def test_a_gap_longer_than_max_gap_starts_a_new_visit():
    visits = movement.find_visits(sightings(*ANN))
    assert visits["visit_id"].tolist() == [0, 1, 2]
    assert visits["place_id"].tolist() == ["gate", "gate", "mill"]
    assert minutes(visits["arrived_at"]) == [480, 521, 540]
    assert minutes(visits["left_at"]) == [505, 521, 540]
    assert visits["n_sightings"].tolist() == [3, 1, 1]
    assert visits["first_sighting_id"].tolist() == [100, 103, 104]
    assert visits["last_sighting_id"].tolist() == [102, 103, 104]


def test_dwell_lies_between_what_was_seen_and_what_was_seen_elsewhere():
    # park 8:00, gate 8:30 and 8:40, gate 10:00, mill 11:00: both visits to the gate fit between 8:00 and 11:00.
    visits = movement.find_visits(sightings(("bo", "park", 480), ("bo", "gate", 510), ("bo", "gate", 520),
                                            ("bo", "gate", 600), ("bo", "mill", 660)))
    assert visits["dwell_min_s"].tolist() == [0, 600, 0, 0]
    assert visits["dwell_max_s"].isna().tolist() == [True, False, False, True]
    assert visits["dwell_max_s"].dropna().tolist() == [10_800, 10_800]


def test_bounds_are_whole_microseconds_however_far_from_1970():
    times = pd.Timestamp("0001-01-02", tz="UTC").as_unit("us") + pd.to_timedelta([3, 15, 26], unit="us")
    seen = pd.DataFrame({"sighting_id": [0, 1, 2], "subject_id": "a", "sensor_id": list("xyx"), "time": times})
    assert movement.find_visits(seen)["dwell_max_s"].tolist()[1] == 23e-6


def test_one_subjects_bounds_never_come_from_another():
    visits = movement.find_visits(sightings(("a", "x", 1), ("a", "y", 2), ("b", "x", 3), ("b", "y", 4), ("b", "x", 5)))
    assert visits["dwell_max_s"].fillna(-1).tolist() == [-1, -1, -1, 120, -1]


def test_subjects_unknown_to_the_system_are_left_out_and_counted():
    seen = sightings(("ann", "gate", 1), ("ann", "gate", 2))
    seen.loc[0, "subject_id"] = None
    seen["duplicate"] = [True, False]
    assert movement.find_visits(seen)["first_sighting_id"].tolist() == [101]
    assert movement.account_for(seen).set_index("what")["n"].to_dict() == {
        "all": 2, "matched": 1, "unmatched": 1, "duplicates flagged": 1}


def test_zones_join_sensors():
    sensors = pd.DataFrame({"sensor_id": ["gate", "mill"], "zone_id": ["north", "north"]})
    visits = movement.find_visits(sightings(("ann", "gate", 1), ("ann", "mill", 5)), sensors, place="zone")
    assert visits["place_id"].tolist() == ["north"]
    assert visits["n_sightings"].tolist() == [2]


def test_result_keeps_the_contract_even_when_empty():
    full = movement.find_visits(tables.canonical(sightings(*ANN).assign(source="face", score=0.9), "sightings"))
    nothing = movement.find_visits(sightings())
    tables.check(full, "visits")
    assert full.dtypes.astype(str).tolist() == tables.empty("visits").dtypes.astype(str).tolist()
    assert nothing.columns.tolist() == full.columns.tolist()
    assert nothing.dtypes.astype(str).tolist() == full.dtypes.astype(str).tolist()
    assert len(nothing) == 0


def naive_visits(records, gap):
    """The definition, one record after the other."""
    visits = []
    for subject, minute, sensor, row in sorted(records):
        last = visits[-1] if visits else None
        if last and last["subject"] == subject and last["place"] == sensor and minute - last["left"] <= gap:
            last.update(left=minute, n=last["n"] + 1, last=row)
        else:
            visits.append({"subject": subject, "place": sensor, "arrived": minute, "left": minute, "n": 1, "first": row,
                           "last": row})
    for i, visit in enumerate(visits):
        before = [v["left"] for v in visits[:i] if v["subject"] == visit["subject"] and v["place"] != visit["place"]]
        after = [v["arrived"] for v in visits[i:] if v["subject"] == visit["subject"] and v["place"] != visit["place"]]
        visit["most"] = (after[0] - before[-1]) * 60.0 if before and after else -1.0
    return [tuple(v.values()) for v in visits]


RECORDS = st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("xyz"), st.integers(0, 60)), max_size=40)


def as_tuples(visits):
    return list(zip(visits["subject_id"].astype(str), visits["place_id"].astype(str), minutes(visits["arrived_at"]),
                    minutes(visits["left_at"]), visits["n_sightings"], visits["first_sighting_id"],
                    visits["last_sighting_id"], visits["dwell_max_s"].fillna(-1), strict=True))


@given(RECORDS, st.integers(0, 10))
def test_agrees_with_the_definition(rows, gap):
    records = [(subject, minute, sensor, 100 + i) for i, (subject, sensor, minute) in enumerate(rows)]
    found = movement.find_visits(sightings(*rows), max_gap=pd.Timedelta(gap, "min"))
    assert as_tuples(found) == naive_visits(records, gap)


@given(RECORDS, st.randoms(use_true_random=False))
def test_order_of_rows_and_index_do_not_matter(rows, random):
    seen = sightings(*rows)
    shuffled = seen.iloc[random.sample(range(len(seen)), len(seen))]
    shuffled.index = [7] * len(seen)
    pd.testing.assert_frame_equal(movement.find_visits(shuffled), movement.find_visits(seen))


@given(RECORDS, st.sampled_from(["int64", "uint64", "category", "object"]))
def test_kind_of_id_does_not_matter(rows, kind):
    number = {"a": 2**63, "b": 2**63 + 1, "c": 2**63 + 2} if kind == "uint64" else {"a": 1, "b": 2, "c": 3}
    seen = sightings(*rows)
    ids = seen["subject_id"].map(number) if kind.endswith("int64") else seen["subject_id"]
    other = movement.find_visits(seen.assign(subject_id=ids.astype(kind)))
    same = movement.find_visits(seen)
    assert other["subject_id"].cat.codes.tolist() == same["subject_id"].cat.codes.tolist()
    pd.testing.assert_frame_equal(other.drop(columns="subject_id"), same.drop(columns="subject_id"))


@given(RECORDS, st.integers(-400, 400))
def test_shifting_time_by_days_shifts_the_answer(rows, days):
    seen, shift = sightings(*rows), pd.Timedelta(days, "D")
    expected = movement.find_visits(seen)
    expected[["arrived_at", "left_at"]] += shift
    pd.testing.assert_frame_equal(movement.find_visits(seen.assign(time=seen["time"] + shift)), expected)


@pytest.mark.parametrize(("zone", "unit"), [("UTC", "us"), ("Asia/Shanghai", "ns"), ("America/Lima", "ms")])
def test_zone_and_unit_of_time_do_not_matter(zone, unit):
    seen = sightings(*ANN)
    other = seen.assign(time=seen["time"].dt.tz_convert(zone).dt.as_unit(unit))
    pd.testing.assert_frame_equal(movement.find_visits(other), movement.find_visits(seen))


def test_input_is_left_alone():
    seen = sightings(*ANN)
    before = seen.copy(deep=True)
    movement.find_visits(seen)
    pd.testing.assert_frame_equal(seen, before)


def broken(**changes):
    seen = sightings(*ANN).assign(**changes)
    return lambda: movement.find_visits(seen)


SENSORS = pd.DataFrame({"sensor_id": ["gate"], "zone_id": ["north"]})


@pytest.mark.parametrize(("call", "message"), [
    (lambda: movement.find_visits(sightings(*ANN).drop(columns="sighting_id")), "lacks the column sighting_id"),
    (broken(time=sightings(*ANN)["time"].dt.tz_localize(None)), "without a zone"),
    (broken(time=sightings(*ANN)["time"].where([True, False, True, True, True])), "^1 row has no time, .* row 1"),
    (broken(sensor_id=[None] * 5), "5 sightings have no sensor_id"),
    (lambda: movement.find_visits(sightings(*ANN), max_gap="soon"), "max_gap"),
    (lambda: movement.find_visits(sightings(*ANN), max_gap="-1min"), "max_gap"),
    (lambda: movement.find_visits(sightings(*ANN), max_gap=900), "max_gap"),
    (lambda: movement.find_visits(sightings(*ANN), max_gap="900"), "max_gap"),
    (lambda: movement.find_visits(sightings(*ANN), place="city"), "'sensor' or 'zone'"),
    (lambda: movement.find_visits(sightings(*ANN), pd.concat([SENSORS, SENSORS])), "'gate' more than once"),
    (lambda: movement.find_visits(sightings(*ANN), place="zone"), "needs the table of sensors"),
    (lambda: movement.find_visits(sightings(*ANN), SENSORS, place="zone"), "1 sensors .* 'mill'"),
    (lambda: movement.find_visits(sightings(*ANN), SENSORS), "1 sensors .* 'mill'"),
    (lambda: movement.find_visits(sightings(*ANN[:4]), SENSORS.assign(zone_id=None), place="zone"), "no zone_id"),
    (lambda: movement.find_visits([1, 2]), "pandas DataFrame"),
    (lambda: movement.find_visits(sightings(*ANN), SENSORS.assign(sensor_id=None)), "^1 row has no sensor_id in the"),
    (lambda: movement.find_visits(sightings(*ANN), SENSORS.assign(sensor_id=[["gate"]])), "sensor_id .* such as lists"),
    (broken(sensor_id=[["gate"]] * 5), "sensor_id .* such as lists"),
    (broken(subject_id=[["ann"]] * 5), "subject_id .* such as lists"),
    (lambda: movement.find_visits(pd.concat([sightings(*ANN), sightings(*ANN)[["time"]]], axis=1)), "time more than"),
    (broken(sighting_id=pd.array([1, 2, None, 4, 5], dtype="Int64")), "^1 row has no sighting_id, first in row 2"),
    (broken(sighting_id=np.array([1, 2, 3, 4, 2**63], dtype="uint64")), "one is 9223372036854775808"),
    (broken(time=pd.NaT), "^5 rows have no time"),
    (lambda: movement.account_for(None), "pandas DataFrame"),
    (lambda: movement.account_for(sightings(*ANN).assign(duplicate="yes")), "true or false, but it also holds 'yes'"),
    (lambda: movement.account_for(sightings(*ANN).assign(duplicate=[0, 1, 2, 0, 0])), "true or false"),
])
def test_mistakes_are_named(call, message):
    with pytest.raises(InputError, match=message):
        call()


def test_flags_that_may_be_missing_are_counted():
    flags = [True, None, False, True, None]
    for duplicate in (flags, pd.array(flags, dtype="boolean")):
        counts = movement.account_for(sightings(*ANN).assign(duplicate=duplicate))
        assert counts["n"].tolist() == [5, 5, 0, 2]


def test_a_column_that_is_not_used_may_be_there_twice():
    seen = sightings(*ANN).assign(note="x")
    assert len(movement.find_visits(pd.concat([seen, seen[["note"]]], axis=1))) == 3


def test_a_geodataframe_of_sensors_serves():
    sensors = gpd.GeoDataFrame({"sensor_id": ["gate", "mill"], "zone_id": ["n", "s"]},
                               geometry=gpd.points_from_xy([0, 1], [0, 1]), crs="EPSG:4326")
    assert movement.find_visits(sightings(*ANN), sensors, place="zone")["place_id"].tolist() == ["n", "n", "s"]
