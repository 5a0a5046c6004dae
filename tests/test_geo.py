"""Distances, the plane and the grids."""

from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit import geo
from kit.errors import InputError


def test_a_degree_of_latitude_is_the_same_everywhere_and_of_longitude_is_not():
    # 2 * pi * 6,371,000 / 360 = 111,194.93 m; times cos(60 deg) = one half.
    assert geo.haversine_m(0, 0, 0, 1) == pytest.approx(111_194.93, abs=0.01)
    assert geo.haversine_m(0, 60, 1, 60) == pytest.approx(111_194.93 / 2, rel=1e-4)


@given(st.floats(-9_000, 9_000), st.floats(-9_000, 9_000))
def test_the_plane_goes_there_and_back_within_a_millimetre(x_m, y_m):
    plane = geo.local_plane(*geo.NEMO)
    back = plane.to_plane(*plane.to_degrees(x_m, y_m))
    assert np.hypot(back[0] - x_m, back[1] - y_m) < 1e-3


def test_plane_and_sphere_agree_across_the_city_to_half_a_percent():
    plane = geo.local_plane(*geo.NEMO)
    lon, lat = plane.to_degrees(6_000.0, 8_000.0)
    assert geo.haversine_m(*geo.NEMO, lon, lat) == pytest.approx(10_000, rel=0.005)


def test_bins_are_floors_also_below_zero():
    assert [int(i) for i in geo.degree_bins(-0.001, 0.001, 0.01)] == [-1, 0]
    assert [int(i) for i in geo.metre_bins(499.9, -0.1, 500)] == [0, -1]


@pytest.mark.parametrize("size", ["0.1", "0.01", "0.005", "0.001", "0.0001"])
def test_borders_written_in_decimals_begin_their_cell(size):
    cells = [*range(-700, 700), *range(-1_234_600, -1_233_900)]
    degrees = [float(cell * Decimal(size)) for cell in cells if abs(cell * Decimal(size)) <= 180]
    found = geo.degree_bins(degrees, 0.0, float(size))[0]
    assert found.tolist() == [cell for cell in cells if abs(cell * Decimal(size)) <= 180]


@given(st.integers(-1_800_000, 1_800_000), st.sampled_from([1, 7, 10, 250, 1000]))
def test_degrees_to_four_decimals_fall_as_whole_numbers_do(ten_thousandths, cell):
    found = geo.degree_bins(ten_thousandths / 10_000, 0.0, cell / 10_000)[0]
    assert found == ten_thousandths // cell


def test_swapped_axes_and_empty_cells_are_refused():
    with pytest.raises(InputError, match="swapped"):
        geo.local_plane(-48.88, -123.39)
    with pytest.raises(InputError, match="above zero"):
        geo.degree_bins(0, 0, 0)


# Worked out by coord_convert 0.2.1, an implementation of its own on PyPI that shares the constants: WGS 84, then
# GCJ-02, then BD-09. eviltransform 0.1.1, on another ellipsoid, gives GCJ-02 positions within 2 cm of these.
KNOWN = [
    (121.5272106, 31.1774276, 121.531541859215, 31.17530398364597, 121.53801568643858, 31.181328606874466),
    (113.912316, 22.543847, 113.9171764808363, 22.540796131694766, 113.92368472926734, 22.546667437751108),
    (116.377817, 39.911954, 116.38404722455657, 39.91334545536069, 116.39045471310828, 39.919575550965874),
]


@pytest.mark.parametrize(("lon", "lat", "gcj_lon", "gcj_lat", "bd_lon", "bd_lat"), KNOWN)
def test_chinese_offsets_agree_with_another_implementation_there_and_back(lon, lat, gcj_lon, gcj_lat, bd_lon, bd_lat):
    assert geo.haversine_m(gcj_lon, gcj_lat, *geo.to_gcj02(lon, lat)) < 0.001
    assert geo.haversine_m(bd_lon, bd_lat, *geo.to_bd09(lon, lat)) < 0.001
    assert geo.haversine_m(lon, lat, *geo.from_gcj02(gcj_lon, gcj_lat)) < 0.001
    assert geo.haversine_m(lon, lat, *geo.from_bd09(bd_lon, bd_lat)) < 0.001


@given(st.floats(72.004, 137.8347), st.floats(0.8293, 55.8271))
def test_chinese_offsets_are_some_hundred_metres_and_their_inverses_exact_in_the_whole_box(lon, lat):
    for there, back in ((geo.to_gcj02, geo.from_gcj02), (geo.to_bd09, geo.from_bd09)):
        shifted = there(lon, lat)
        assert 10 < geo.haversine_m(lon, lat, *shifted) < 3_000
        assert geo.haversine_m(lon, lat, *back(*shifted)) < 0.001


@given(st.floats(-180, 70) | st.floats(140, 180), st.floats(-90, 90))
def test_chinese_offsets_leave_the_rest_of_the_world_alone(lon, lat):
    for move in (geo.to_gcj02, geo.from_gcj02, geo.to_bd09, geo.from_bd09):
        assert [float(d) for d in move(lon, lat)] == [lon, lat]


def test_chinese_offsets_take_columns_and_keep_gaps():
    lon, lat = geo.from_bd09(np.array([116.39045471310828, np.nan, -123.39]), np.array([39.919575550965874, 1, -48.88]))
    assert lon == pytest.approx([116.377817, np.nan, -123.39], abs=1e-9, nan_ok=True)
    assert lat == pytest.approx([39.911954, 1, -48.88], abs=1e-9, nan_ok=True)
