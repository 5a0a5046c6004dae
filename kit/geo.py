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
