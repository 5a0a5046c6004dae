"""The way between two cameras: widths by probability, silence as rings, one trip at a time."""

import geopandas as gpd
import pandas as pd
import pytest
import shapely

from kit.errors import InputError
from kit.show import ways
from kit.show.theme import CONTRAST, INK, SUBJECT

LONG = shapely.LineString([(-123.40, -48.90), (-123.39, -48.88), (-123.37, -48.87)])
SHORT = shapely.LineString([(-123.40, -48.90), (-123.37, -48.87)])
ROUTES = gpd.GeoDataFrame({"trip_id": 7, "rank": [1, 2], "probability": [0.75, 0.25], "length_m": [4100.0, 4000.0]},
                          geometry=[LONG, SHORT], crs="EPSG:4326")
EDGES = gpd.GeoDataFrame({"expected": [0.75, 0.25]}, geometry=[LONG, SHORT], crs="EPSG:4326")


def drawn(sensors, basemap, words, **more):
    return ways.chart_route_map(ROUTES, EDGES, sensors, basemap, ends=("s1", "s3"), **words, **more)


def widths(figure):
    return sorted(line.get_linewidth() for line in figure.axes[0].lines
                  if line.get_color() == SUBJECT and len(line.get_xdata()) > 1 and line.get_zorder() == 3)


def test_a_street_is_as_wide_as_its_probability(sensors, basemap, words):
    narrow, wide = widths(drawn(sensors, basemap, words))
    assert (wide - 0.4) / (narrow - 0.4) == pytest.approx(3)


def test_a_silent_camera_on_a_way_is_a_ring_and_one_that_saw_is_filled(sensors, basemap, words):
    def look(figure):
        at = [line for line in figure.axes[0].lines if list(line.get_xdata()) == [-123.39]]
        return at[0].get_markerfacecolor(), at[0].get_markeredgecolor()

    assert look(drawn(sensors, basemap, words)) == ("white", INK)
    assert look(drawn(sensors, basemap, words, seen=["s2"])) == (CONTRAST, "white")


def test_probabilities_and_lengths_are_written_beside(sensors, basemap, words):
    assert {"75%", "25%", "4.1 km", "4.0 km"} <= {t.get_text() for t in drawn(sensors, basemap, words).axes[1].texts}


def test_the_area_that_could_be_reached_is_outlined(sensors, basemap, words):
    plain, area = drawn(sensors, basemap, words), drawn(sensors, basemap, words, prism=SHORT.buffer(0.01))
    assert len(area.axes[0].patches) == len(plain.axes[0].patches) + 1


def test_one_trip_at_a_time_and_ends_that_exist(sensors, basemap, words):
    with pytest.raises(InputError, match="several; choose one"):
        ways.chart_route_map(pd.concat([ROUTES, ROUTES.assign(trip_id=8)]), EDGES, sensors, basemap, ends=("s1", "s3"),
                             **words)
    with pytest.raises(InputError, match="does not find the sensor s9"):
        ways.chart_route_map(ROUTES, EDGES, sensors, basemap, ends=("s1", "s9"), **words)
