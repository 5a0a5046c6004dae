import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kit import geo
from kit.errors import InputError
from kit.ingest import positions
from kit.ingest.recipe import Field


def place(lon, lat, **said):
    """One position, and the first reason against it."""
    how = {key: said.pop(key) for key in ("decimal", "unit") if key in said}
    spec = Field("x", "place", "keep", **how)
    x, y, faults = positions.read_positions(pa.array([lon], pa.string()), pa.array([lat], pa.string()), spec, spec,
                                            **said)
    return float(x[0]), float(y[0]), next((reason for rows, reason in faults if rows[0]), None)


# 48 + 52/60 + 48/3600 = 48.88 and 123 + 23/60 + 24/3600 = 123.39.
@pytest.mark.parametrize(("lon", "lat"), [
    ("-123.39", "-48.88"), ("123°23'24\"W", "48°52'48\"S"), ("W123°23′24″", "S 48° 52′ 48.0″"),
    ("123 23 24 W", "48 52 48 S"), ("-123 23 24", "-48 52 48"), ("123:23:24W", "48:52:48 s"),
    ("123°23.4'W", "48 52.8 S"), ("12323.40,W", "4852.80,S"), ("12323.4W", "4852.8S"), ("123.39W", "48.88° S"),
    ("西经123度23分24秒", "南纬48度52分48秒"), ("123°23'24''W", "48º52’48”S"),
    ('{"$numberDouble":"-123.39"}', "-48.88"),
])
def test_every_way_of_writing_one_position_reads_as_that_position(lon, lat):
    x, y, fault = place(lon, lat)
    assert (x, y) == pytest.approx((-123.39, -48.88), abs=1e-12)
    assert fault is None


@pytest.mark.parametrize(("lon", "lat", "reason"), [
    (None, "48", "no position"), ("", "48", "no position"), ("null", "n/a", "no position"),
    ("here", "48", "a position that cannot be read"), ("116 39", "48", "a position that cannot be read"),
    ("-123.39 W", "48", "a position that cannot be read"), ("W123W", "48", "a position that cannot be read"),
    ("12360.00,W", "48", "a position that cannot be read"), ("123°61'00\"W", "48", "a position that cannot be read"),
    ("123°00'60\"W", "48", "a position that cannot be read"), ("-123,39", "-48,88", "a position that cannot be read"),
    ("48°52'48\"S", "123°23'24\"W", "a longitude marked N or S, or a latitude marked E or W"),
    ("NaN", "48", "a position that is no finite number"), ("1", "-Infinity", "a position that is no finite number"),
    ("1e999", "48", "a position that is no finite number"),
    ("0", "0.000", "a position of 0, 0, which stands for none"),
    ("12", "90", "a position at a pole, which stands for none"),
    ("12", "-90.0", "a position at a pole, which stands for none"),
    ("-48.88", "-123.39", "a position off the globe, but on it if lon and lat are swapped"),
    ("500000", "4500000", "a position off the globe"), ("181", "1", "a position off the globe"),
])
def test_what_is_no_position_says_why(lon, lat, reason):
    x, y, fault = place(lon, lat)
    assert fault == reason
    assert np.isnan(x)
    assert np.isnan(y)


def test_on_the_equator_or_on_the_180th_meridian_is_somewhere():
    assert place("0", "1") == (0, 1, None)
    assert place("1", "0") == (1, 0, None)
    assert place("-180", "1") == (-180, 1, None)


def test_swapped_axes_decimal_commas_and_whole_numbers_are_read_when_the_recipe_says_so():
    assert place("-48.88", "-123.39", axes="lat lon") == (-123.39, -48.88, None)
    assert place("48°52'48\"S", "123°23'24\"W", axes="lat lon")[:2] == pytest.approx((-123.39, -48.88))
    assert place("-123,39", "-48,88", decimal=",") == (-123.39, -48.88, None)
    assert place("-1233900000", "-488800000", unit="e7")[:2] == pytest.approx((-123.39, -48.88), abs=1e-12)


def test_metres_become_degrees_by_their_crs():
    """Zone 49 of UTM: its middle is 111° E, where eastings are 500,000 m; a scale of 0.9996 along it.

    From the equator to 40° N the meridian of WGS 84 is 4,429,529.03 m long; by 0.9996 that is 4,427,757.22 m.
    """
    lon, lat, fault = place("500000", "4427757.22", crs="EPSG:32649")
    assert (lon, lat) == pytest.approx((111.0, 40.0), abs=1e-7)
    assert fault is None
    assert place("4427757.22", "500000", crs="EPSG:32649", axes="lat lon")[:2] == pytest.approx((111.0, 40.0), abs=1e-7)
    assert place("0", "0", crs="EPSG:3857")[2] == "a position of 0, 0, which stands for none"
    assert place("1e300", "0", crs="EPSG:3857")[2] == "a position off the globe"
    assert place("48°52'48\"S", "7", crs="EPSG:32649")[2] == "a position that cannot be read"


@pytest.mark.parametrize(("crs", "there"), [("gcj02", geo.to_gcj02), ("bd09", geo.to_bd09)])
def test_positions_of_chinese_maps_are_put_back(crs, there):
    lon, lat = (repr(float(d)) for d in there(104.5, 30.5))
    x, y, fault = place(lon, lat, crs=crs)
    assert geo.haversine_m(x, y, 104.5, 30.5) < 0.001
    assert fault is None


@given(st.floats(-179.99, 179.99), st.floats(-89.9, 89.9).filter(lambda lat: abs(lat) > 1e-3))
@settings(max_examples=200, deadline=None)
def test_degrees_minutes_seconds_go_there_and_back(lon, lat):
    def written(value, letters):
        ten_thousandths = round(abs(value) * 36_000_000)
        degrees, rest = divmod(ten_thousandths, 36_000_000)
        minutes, seconds = divmod(rest, 600_000)
        return f"{degrees}°{minutes:02d}'{seconds / 10_000:07.4f}\"{letters[value < 0]}"

    x, y, fault = place(written(lon, "EW"), written(lat, "NS"))
    assert (x, y) == pytest.approx((lon, lat), abs=2e-8)
    assert fault is None


@given(st.text(alphabet="0123456789°'\" :.,NSEW-+度分秒{}$e", max_size=30) | st.text(max_size=70))
@settings(max_examples=500, deadline=None)
def test_any_text_is_a_position_or_has_a_reason(text):
    x, y, fault = place(text, "48")
    assert (fault is None) == (not np.isnan(x)) == (not np.isnan(y))
    assert fault is not None or -180 <= x <= 180


@pytest.mark.parametrize("crs", ["EPSG:1", "EPSG:4978", "utm", "+proj=utm", "GCJ02", 4326, "EPSG:999999"])
def test_a_crs_that_is_none_is_refused_in_one_sentence(crs):
    with pytest.raises(InputError, match="which is none that is known here; give an EPSG code"):
        positions.check_crs(crs, "The recipe x")


# ---- what is noticed and left alone


def around(lon, lat, n=100, seed=0):
    rng = np.random.default_rng(seed)
    return (lon + rng.normal(0, 0.01, n) + 180) % 360 - 180, lat + rng.normal(0, 0.01, n)


def test_points_far_from_the_body_are_counted_and_those_that_would_fit_swapped():
    lon, lat = around(10, 50)
    lon[:3], lat[:3] = lat[:3].copy(), lon[:3].copy()
    lon[3], lat[3] = -123.39, -48.88
    lon[4] = np.nan
    assert positions.notice(lon, lat) == {"far from the rest": 4, "near the rest if lon and lat were swapped": 3}


def test_a_body_on_the_180th_meridian_is_one_body():
    assert positions.notice(*around(180, -17)) == {}
    lon, lat = around(-179.995, -17)
    lon[0] = 0.0
    assert positions.notice(lon, lat) == {"far from the rest": 1}


def test_one_point_too_many_in_one_spot_makes_nothing_far_within_a_city():
    lon, lat = np.full(50, 10.0), np.full(50, 50.0)
    lat[0] = 50.1  # 11 km
    assert positions.notice(lon, lat) == {}
    assert positions.notice(lon[:2], lat[:2]) == {}
    assert positions.notice(np.full(9, np.nan), np.full(9, np.nan)) == {}


def test_a_source_swapped_throughout_shows_beside_another():
    sensors, fixes = around(10, 50), around(10, 50, seed=1)
    assert positions.notice_swapped(fixes[1], fixes[0], *sensors)
    assert not positions.notice_swapped(*fixes, *sensors)
    assert not positions.notice_swapped(*around(-123.39, -48.88), *sensors)
