"""A city of four sensors and one person's two days in it, small enough to check by eye."""

import geopandas as gpd
import pandas as pd
import pytest
import shapely

WORDS = {"title": "Four cameras see everybody", "alt": "A made-up picture for the tests", "source": "Invented; a test"}


@pytest.fixture
def words():
    return dict(WORDS)


@pytest.fixture
def sensors():
    spots = [("s1", "clinic", -123.40, -48.90), ("s2", "transit", -123.39, -48.88), ("s3", "transit", -123.37, -48.87),
             ("s4", "other", -123.36, -48.90)]
    return gpd.GeoDataFrame({"sensor_id": [s[0] for s in spots], "kind": "camera", "place_class": [s[1] for s in spots],
                             "zone_id": ["west", "west", "east", "east"]},
                            geometry=[shapely.Point(s[2:]) for s in spots], crs="EPSG:4326")


@pytest.fixture
def basemap():
    line, box = shapely.LineString, shapely.box
    return {
        "streets": gpd.GeoDataFrame({"kind": ["avenue", "street", "lane"]}, crs="EPSG:4326", geometry=[
            line([(-123.41, -48.89), (-123.35, -48.89)]), line([(-123.39, -48.92), (-123.39, -48.86)]),
            line([(-123.38, -48.9), (-123.37, -48.9)])]),
        "water": gpd.GeoDataFrame({"name": ["bay"]}, geometry=[box(-123.42, -48.93, -123.40, -48.91)], crs="EPSG:4326"),
        "districts": gpd.GeoDataFrame({"district": ["West", "East"]}, crs="EPSG:4326", geometry=[
            box(-123.41, -48.91, -123.38, -48.86), box(-123.38, -48.91, -123.35, -48.86)]),
    }


def _utc(times):
    return pd.to_datetime(pd.Series(times)).dt.tz_localize("Etc/GMT-8").dt.tz_convert("UTC").dt.as_unit("us")


@pytest.fixture
def visits():
    """Home (s1) until 08:00, at s2 from 09:00 to 12:00 and again at 13:00, falsely at s4 at 15:00, home at 20:00."""
    rows = [(0, "s1", "2031-03-11 22:00", "2031-03-11 22:00", 1), (1, "s1", "2031-03-12 08:00", "2031-03-12 08:00", 1),
            (2, "s2", "2031-03-12 09:00", "2031-03-12 12:00", 3), (3, "s2", "2031-03-12 13:00", "2031-03-12 13:00", 1),
            (4, "s4", "2031-03-12 15:00", "2031-03-12 15:00", 1), (5, "s1", "2031-03-12 20:00", "2031-03-12 20:00", 1)]
    return pd.DataFrame({"visit_id": [r[0] for r in rows], "subject_id": "p_one", "place_id": [r[1] for r in rows],
                         "arrived_at": _utc([r[2] for r in rows]), "left_at": _utc([r[3] for r in rows]),
                         "n_sightings": [r[4] for r in rows]})


@pytest.fixture
def sightings():
    rows = [("s1", "2031-03-11 22:00"), ("s1", "2031-03-12 08:00"), ("s2", "2031-03-12 09:00"),
            ("s2", "2031-03-12 10:30"), ("s2", "2031-03-12 12:00"), ("s2", "2031-03-12 13:00"),
            ("s4", "2031-03-12 15:00"), ("s1", "2031-03-12 20:00")]
    return pd.DataFrame({"sighting_id": range(len(rows)), "subject_id": "p_one", "sensor_id": [r[0] for r in rows],
                         "time": _utc([r[1] for r in rows])})
