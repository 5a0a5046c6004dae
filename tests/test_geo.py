"""Distances, the plane and the grids."""

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


def test_swapped_axes_and_empty_cells_are_refused():
    with pytest.raises(InputError, match="swapped"):
        geo.local_plane(-48.88, -123.39)
    with pytest.raises(InputError, match="above zero"):
        geo.degree_bins(0, 0, 0)
