"""The same stays and locations as trackintel and movingpandas at their own settings; skipped where they are missing."""

import datetime
import warnings

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest

import kit
from kit import movement
from kit.movement import interchange

# Both warn at import and in use of what is no concern of ours.
pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(scope="module")
def fixes():
    return kit.open_exposure("fusion").fixes


@pytest.fixture(scope="module")
def trackintel():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return pytest.importorskip("trackintel")


@pytest.fixture(scope="module")
def movingpandas():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return pytest.importorskip("movingpandas")


def spans(subject, start, finish):
    return list(zip(subject.astype("str"), start, finish, strict=True))


@pytest.mark.parametrize(("radius_m", "minutes", "gap", "include_last"), [(100, 5, 15, False), (200, 10, 60, True)])
def test_stays_are_those_of_trackintel(trackintel, fixes, radius_m, minutes, gap, include_last):
    theirs = trackintel.preprocessing.generate_staypoints(
        trackintel.Positionfixes(interchange.to_trackintel(pd.concat([fixes, fixes.head(500)]))),
        dist_threshold=radius_m, time_threshold=minutes, gap_threshold=gap, include_last=include_last)[1]
    theirs = theirs.sort_values(["user_id", "started_at"])
    ours = movement.find_stays(pd.concat([fixes, fixes.head(500)]), radius_m=radius_m, min_duration=f"{minutes}min",
                               max_gap=f"{gap}min", include_last=include_last)
    assert len(ours) > 1000
    assert (spans(ours["subject_id"], ours["started_at"], ours["finished_at"])
            == spans(theirs["user_id"], theirs["started_at"], theirs["finished_at"]))


@pytest.mark.parametrize("shared", [False, True])
def test_locations_are_those_of_trackintel_once_its_axes_are_put_right(trackintel, fixes, shared):
    stays = movement.find_stays(fixes)
    ours, _ = movement.find_locations(stays, min_stays=2, shared=shared)
    swapped = interchange.to_trackintel(stays).set_geometry(gpd.points_from_xy(stays["lat"], stays["lon"], crs=4326))
    theirs, _ = trackintel.preprocessing.generate_locations(
        trackintel.Staypoints(swapped), epsilon=100, num_samples=2, agg_level="dataset" if shared else "user")
    theirs = theirs["location_id"].sort_index()
    ours = ours["location_id"].astype("Int64")
    assert ours.isna().tolist() == theirs.isna().tolist()
    pairs = set(zip(ours.dropna(), theirs.dropna(), strict=True))
    assert len(pairs) == ours.nunique() == theirs.nunique() > 30


@pytest.mark.parametrize(("diameter_m", "minutes"), [(100, 5), (200, 20)])
def test_stays_by_diameter_are_those_of_movingpandas(movingpandas, fixes, diameter_m, minutes):
    some = fixes[fixes["subject_id"].cat.codes < 8].drop_duplicates(["subject_id", "time"])
    frame, arguments = interchange.to_movingpandas(some)
    ranges = movingpandas.TrajectoryStopDetector(
        movingpandas.TrajectoryCollection(frame, **arguments)
    ).get_stop_time_ranges(diameter_m, datetime.timedelta(minutes=minutes))
    ours = movement.find_stays(some, radius_m=diameter_m, min_duration=f"{minutes}min", max_gap=None,
                               closes_on="diameter", ends_at="last_inside", include_last=True)
    ours = spans(ours["subject_id"], ours["started_at"].dt.tz_localize(None), ours["finished_at"].dt.tz_localize(None))
    assert len(ours) > 50
    assert ours == sorted((r.traj_id, r.t_0, r.t_n) for r in ranges)


def test_movingpandas_gives_the_fixes_back(movingpandas, fixes):
    some = fixes.head(200).sort_values(["subject_id", "time"]).drop_duplicates(["subject_id", "time"])
    some = some[some["subject_id"].map(some["subject_id"].value_counts()).astype(int) > 1]
    frame, arguments = interchange.to_movingpandas(some)
    points = movingpandas.TrajectoryCollection(frame, **arguments).to_point_gdf()
    back = interchange.from_movingpandas(points, "subject_id").sort_values("fix_id")
    some = some.sort_values("fix_id")
    assert back["time"].tolist() == some["time"].tolist()
    np.testing.assert_array_equal(back[["fix_id", "lon", "lat"]], some[["fix_id", "lon", "lat"]])
