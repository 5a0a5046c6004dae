import numpy as np
import pandas as pd
import pytest

from kit import geo, movement, tables
from kit.errors import InputError

LON, LAT = geo.NEMO
NORTH_M = 6_371_000 * np.pi / 180


def stays(*rows, lon=LON, lat=LAT):
    """Rows of (subject, metres north of a point), an hour apart."""
    subject, north_m = zip(*rows, strict=True) if rows else ((), ())
    times = pd.Timestamp("2031-03-12", tz="UTC") + pd.to_timedelta(np.arange(len(rows)), unit="h")
    return pd.DataFrame({"stay_id": np.arange(len(rows)), "subject_id": pd.Series(subject, dtype="str"),
                         "started_at": pd.Series(times).dt.as_unit("us"), "lon": float(lon),
                         "lat": lat + np.array(north_m, dtype=float) / NORTH_M})


# Ann stays at 0 m, far away, at 90 m and at 180 m: a chain of 90 m steps is one location. Bo stays at 0 m.
FOUR = [("ann", 0), ("ann", 5000), ("ann", 90), ("ann", 180), ("bo", 0)]


def test_a_chain_of_near_stays_is_one_location_of_a_subject():
    found, locations = movement.find_locations(stays(*FOUR))
    assert found["location_id"].tolist() == [0, 1, 0, 0, 2]
    assert locations["subject_id"].tolist() == ["ann", "ann", "bo"]
    assert locations["n_stays"].tolist() == [3, 1, 1]
    assert locations["lat"].tolist()[0] == pytest.approx(LAT + 90 / NORTH_M)


def test_subjects_share_locations_when_told_so():
    found, locations = movement.find_locations(stays(*FOUR), shared=True)
    assert found["location_id"].tolist() == [0, 1, 0, 0, 0]
    assert locations["subject_id"].isna().all()
    assert locations["n_subjects"].tolist() == [2, 1]


def test_too_few_stays_make_no_location():
    found, locations = movement.find_locations(stays(*FOUR), min_stays=3)
    assert found["location_id"].isna().tolist() == [False, True, False, False, True]
    assert len(locations) == 1


def test_the_radius_is_as_long_to_the_east_as_to_the_north():
    east = 90 / (NORTH_M * np.cos(np.radians(LAT)))
    pair = stays(("a", 0), ("a", 0)).assign(lon=[LON, LON + east])
    assert movement.find_locations(pair)[0]["location_id"].tolist() == [0, 0]
    assert movement.find_locations(pair, radius_m=89)[0]["location_id"].tolist() == [0, 1]


def test_180_degrees_are_no_edge():
    pair = stays(("a", 0), ("a", 0), lat=0).assign(lon=[-179.9999, 179.9999])
    _, locations = movement.find_locations(pair)
    assert locations["lon"].abs().tolist() == pytest.approx([180])


def test_the_order_of_rows_does_not_matter():
    table = stays(*FOUR)
    found, locations = movement.find_locations(table)
    mixed, same = movement.find_locations(table.iloc[[3, 0, 4, 2, 1]])
    pd.testing.assert_frame_equal(same, locations)
    pd.testing.assert_series_equal(mixed["location_id"].sort_index(), found["location_id"])


def test_result_keeps_the_contract_even_when_empty():
    _, locations = movement.find_locations(stays(*FOUR))
    tables.check(locations, "locations")
    nothing, nowhere = movement.find_locations(stays())
    assert nothing["location_id"].tolist() == []
    assert nowhere.dtypes[["lon", "lat", "n_stays", "n_subjects"]].equals(
        locations.dtypes[["lon", "lat", "n_stays", "n_subjects"]])


def test_a_bad_argument_is_refused_by_name():
    with pytest.raises(InputError, match="min_stays must be"):
        movement.find_locations(stays(*FOUR), min_stays=0)
