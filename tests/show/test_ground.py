"""Boxes, outlines, streets as one path, and a sea that goes on."""

import geopandas as gpd
import numpy as np
import pytest
import shapely

from kit import geo
from kit.show import ground


def water(*shapes):
    return gpd.GeoDataFrame(geometry=list(shapes), crs="EPSG:4326")


def test_water_cut_off_at_two_sides_goes_on_beyond_both_and_their_corner():
    # The bay fills the south-west of the unit square; a lake inside reaches no side.
    bay, lake = shapely.box(0, 0, 0.5, 0.5), shapely.Point(0.8, 0.9).buffer(0.1)
    wide = ground.water_beyond(water(bay, lake), further_deg=2)
    for x, y in ((-1, 0.2), (0.2, -1), (-1, -1), (0.2, 0.2), (0.8, 0.9)):
        assert wide.contains(shapely.Point(x, y)), (x, y)
    for x, y in ((-1, 0.7), (0.7, -1), (0.7, 0.2)):
        assert not wide.contains(shapely.Point(x, y)), (x, y)


def test_a_lake_keeps_its_shore():
    lake = shapely.Polygon([(0, 5), (5, 0), (10, 5), (5, 10)])
    assert ground.water_beyond(water(lake)).equals(lake)


def test_bounds_grow_by_a_share_of_the_longer_side_and_to_a_least_size():
    assert np.allclose(ground.bounds_around((0, 0, 2, 1), 0.1), (-0.2, -0.2, 2.2, 1.2))
    west, south, east, north = ground.bounds_around((1, 1, 1, 1), 0, least=0.5)
    assert (east - west, north - south) == (0.5, 0.5)


@pytest.mark.parametrize("ratio", [0.5, 1, 2])
def test_a_box_shaped_to_a_ratio_still_holds_what_it_held(ratio):
    box = (-123.4, -48.9, -123.3, -48.8)
    west, south, east, north = ground.shaped(box, ratio)
    assert ground.ratio_of((west, south, east, north)) == pytest.approx(ratio, rel=1e-3)
    assert west <= box[0] + 1e-12
    assert south <= box[1] + 1e-12
    assert east >= box[2] - 1e-12
    assert north >= box[3] - 1e-12


def test_streets_become_one_path_that_lifts_the_pen_between_lines():
    lines = gpd.GeoDataFrame(geometry=[shapely.LineString([(0, 0), (1, 0), (1, 1)]),
                                       shapely.MultiLineString([[(5, 5), (6, 6)]])], crs="EPSG:4326")
    path = ground.street_path(lines)
    assert path.codes.tolist() == [1, 2, 2, 1, 2]
    assert path.vertices.tolist() == [[0, 0], [1, 0], [1, 1], [5, 5], [6, 6]]


def test_outlines_hold_their_sensors_with_a_margin_and_skip_those_without_a_name(sensors):
    made = ground.outlines(sensors, ["A", "A", None, "B"], margin_m=100)
    assert made["name"].tolist() == ["A", "B"]
    assert all(made.geometry[0].contains(point) for point in sensors.geometry[:2])
    west, _, east, _ = made.geometry[1].bounds
    assert geo.haversine_m(west, -48.9, east, -48.9) == pytest.approx(200, rel=0.01)
