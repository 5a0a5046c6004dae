"""Distances, a local plane in metres, and grids. Longitude comes before latitude, always.

Lengths are metres. A plane is azimuthal equidistant about a point that the caller names, so within a city the error
stays far under that of any sensor position.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyproj

from kit.errors import InputError

EARTH_RADIUS_M = 6_371_000.0
NEMO = (-123.39, -48.88)


def haversine_m(lon1, lat1, lon2, lat2):
    """Great-circle distance in metres on a sphere of radius 6,371,000 m; degrees in, arrays broadcast.

    >>> round(float(haversine_m(0, 0, 0, 1)))
    111195
    """
    lon1, lat1, lon2, lat2 = (np.radians(np.asarray(a, dtype=float)) for a in (lon1, lat1, lon2, lat2))
    half_lat, half_lon = np.sin((lat2 - lat1) / 2), np.sin((lon2 - lon1) / 2)
    chord = half_lat**2 + np.cos(lat1) * np.cos(lat2) * half_lon**2
    return 2 * EARTH_RADIUS_M * np.arcsin(np.sqrt(np.clip(chord, 0, 1)))


@dataclass(frozen=True)
class Plane:
    """A metric plane whose origin (0 m, 0 m) lies at `lon0, lat0`; x points east, y north."""

    lon0: float
    lat0: float

    @cached_property
    def _transformer(self):
        plane = f"+proj=aeqd +lon_0={self.lon0} +lat_0={self.lat0} +datum=WGS84 +units=m"
        return pyproj.Transformer.from_crs("EPSG:4326", plane, always_xy=True)

    def to_plane(self, lon, lat):
        """Degrees to metres: (x_m, y_m)."""
        return self._transformer.transform(lon, lat)

    def to_degrees(self, x_m, y_m):
        """Metres to degrees: (lon, lat)."""
        return self._transformer.transform(x_m, y_m, direction="INVERSE")


def local_plane(lon0, lat0):
    """The metric plane about a point, for everything within some hundred kilometres of it.

    >>> x_m, y_m = local_plane(-123.39, -48.88).to_plane(-123.39, -48.87)
    >>> round(float(y_m))
    1112
    """
    if not (-180 <= lon0 <= 180 and -90 <= lat0 <= 90):
        raise InputError(f"A plane needs an origin in degrees, longitude first, but got lon0={lon0}, lat0={lat0}; "
                         "are they swapped?")
    return Plane(float(lon0), float(lat0))


def degree_bins(lon, lat, size_deg):
    """Grid cell of each position as whole numbers (column, row): floors of degrees / size, counted from 0°.

    The rule is `numpy.floor(degrees / size)` in double precision, so that one line of anybody's gives the same cells. A
    position written exactly on a border may therefore fall to either side of it: 0.29 / 0.01 is 28.999999999999996.

    >>> [int(i) for i in degree_bins(-123.394, -48.88, 0.01)]
    [-12340, -4888]
    """
    return _floor(lon, size_deg), _floor(lat, size_deg)


def metre_bins(x_m, y_m, size_m):
    """Grid cell of each position as whole numbers (column, row): floors of metres / size, from the plane's origin."""
    return _floor(x_m, size_m), _floor(y_m, size_m)


def _floor(values, size):
    if not size > 0:
        raise InputError(f"A grid cell must have a size above zero, but got {size}.")
    return np.floor(np.asarray(values, dtype=float) / size).astype(np.int64)


# Chinese maps stand askew of WGS 84 by some hundred metres. Both shifts are the forms that every open implementation
# shares; nothing official is published. `a` and `ee` are those of the Krassovsky 1940 ellipsoid.
_GCJ_A, _GCJ_EE = 6_378_245.0, 0.00669342162296594323
_GCJ_BOX = (72.004, 137.8347, 0.8293, 55.8271)
_BD_TURN = np.pi * 3000 / 180
_BD_LON, _BD_LAT = 0.0065, 0.006
_STEPS = 10  # each step leaves under 1/40 of the error; from 0.02 degrees, that ends far below a millimetre


def to_gcj02(lon, lat):
    """WGS 84 degrees to GCJ-02, the datum of Chinese street maps (Amap, Tencent, Google in China).

    Outside the box of the algorithm (72.004° to 137.8347° E, 0.8293° to 55.8271° N) positions stay as they are.

    Parameters
    ----------
    lon, lat : float or array
        Degrees; arrays broadcast.

    Returns
    -------
    (numpy.ndarray, numpy.ndarray)
        Longitude and latitude in degrees.

    >>> [round(float(degrees), 6) for degrees in to_gcj02(116.377817, 39.911954)]
    [116.384047, 39.913345]
    """
    lon, lat = _degrees(lon, lat)
    inside = _in_gcj_box(lon, lat)
    d_lon, d_lat = _gcj_shift(lon, lat)
    return np.where(inside, lon + d_lon, lon), np.where(inside, lat + d_lat, lat)


def from_gcj02(lon, lat):
    """GCJ-02 to WGS 84 degrees, to far below a millimetre, by solving `to_gcj02` step by step.

    Within a kilometre of the edge of the box two answers can be right; the one inside is given.
    """
    given = _degrees(lon, lat)
    return _where_in_box(_unshift_gcj(*given), given)


def to_bd09(lon, lat):
    """WGS 84 degrees to BD-09, the datum of Baidu's maps: a second shift on top of `to_gcj02`, in the same box.

    >>> [round(float(degrees), 6) for degrees in to_bd09(116.377817, 39.911954)]
    [116.390455, 39.919576]
    """
    lon, lat = _degrees(lon, lat)
    inside = _in_gcj_box(lon, lat)
    bd_lon, bd_lat = _bd_shift(*to_gcj02(lon, lat))
    return np.where(inside, bd_lon, lon), np.where(inside, bd_lat, lat)


def from_bd09(lon, lat):
    """BD-09 to WGS 84 degrees, to far below a millimetre, by solving `to_bd09` step by step."""
    given = _degrees(lon, lat)
    lon, lat = given[0] - _BD_LON, given[1] - _BD_LAT
    for _ in range(_STEPS):
        bd_lon, bd_lat = _bd_shift(lon, lat)
        lon, lat = lon + given[0] - bd_lon, lat + given[1] - bd_lat
    return _where_in_box(_unshift_gcj(lon, lat), given)


def _unshift_gcj(gcj_lon, gcj_lat):
    lon, lat = gcj_lon, gcj_lat
    for _ in range(_STEPS):
        d_lon, d_lat = _gcj_shift(lon, lat)
        lon, lat = gcj_lon - d_lon, gcj_lat - d_lat
    return lon, lat


def _where_in_box(solved, given):
    """What was solved for, if that lies in the box (or at its edge, but for rounding), else what was given."""
    inside = _in_gcj_box(*solved, slack=1e-9)
    return np.where(inside, solved[0], given[0]), np.where(inside, solved[1], given[1])


def _degrees(lon, lat):
    return np.broadcast_arrays(np.asarray(lon, dtype=float), np.asarray(lat, dtype=float))


def _in_gcj_box(lon, lat, slack=0.0):
    west, east, south, north = _GCJ_BOX
    return (lon >= west - slack) & (lon <= east + slack) & (lat >= south - slack) & (lat <= north + slack)


def _gcj_shift(lon, lat):
    """Degrees by which GCJ-02 lies east and north of WGS 84; east and north are first worked out in metres."""
    west, east, south, north = _GCJ_BOX
    lon, lat = np.clip(lon, west - 1, east + 1), np.clip(lat, south - 1, north + 1)
    x, y = lon - 105.0, lat - 35.0
    near = 20 * np.sin(6 * np.pi * x) + 20 * np.sin(2 * np.pi * x)
    root = np.sqrt(np.abs(x))
    north_m = (-100 + 2 * x + 3 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * root + 2 / 3 * (
        near + 20 * np.sin(np.pi * y) + 40 * np.sin(np.pi * y / 3)
        + 160 * np.sin(np.pi * y / 12) + 320 * np.sin(np.pi * y / 30)))
    east_m = (300 + x + 2 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * root + 2 / 3 * (
        near + 20 * np.sin(np.pi * x) + 40 * np.sin(np.pi * x / 3)
        + 150 * np.sin(np.pi * x / 12) + 300 * np.sin(np.pi * x / 30)))
    phi = np.radians(lat)
    bend = 1 - _GCJ_EE * np.sin(phi) ** 2
    d_lat = np.degrees(north_m / (_GCJ_A * (1 - _GCJ_EE) / bend**1.5))
    return np.degrees(east_m / (_GCJ_A / np.sqrt(bend) * np.cos(phi))), d_lat


def _bd_shift(lon, lat):
    """GCJ-02 to BD-09 degrees."""
    radius = np.hypot(lon, lat) + 0.00002 * np.sin(lat * _BD_TURN)
    angle = np.arctan2(lat, lon) + 0.000003 * np.cos(lon * _BD_TURN)
    return radius * np.cos(angle) + _BD_LON, radius * np.sin(angle) + _BD_LAT
