"""The ground Port Nemo stands on: bay, river, island and docks, the city's outline, its centres and districts.

Everything is in metres on the city's own plane: Point Nemo, where nobody lives, is (10 000, 10 000), and the city
lies within 0 to 20 000 both ways. Coordinates are rounded to a centimetre as soon as they are computed, so that
the last bit of a sine never decides where a street runs.
"""

from functools import cache

import numpy as np
import shapely
from scipy.interpolate import CubicSpline
from shapely.geometry import LineString, Point, Polygon

from kit import geo

SIDE_M = 20_000.0
CENTRE = (10_000.0, 10_000.0)
QUAY_M = 35.0
_PLANE = geo.local_plane(*geo.NEMO)

# Where jobs and dense housing gather: x, y, reach in metres, weight.
CENTRES = ((10_300.0, 10_100.0, 2_300.0, 1.0), (14_900.0, 6_600.0, 1_300.0, 0.45), (5_300.0, 14_300.0, 1_400.0, 0.45))

# Invented names; a seed point each. A district never reaches over the river.
DISTRICT_SEEDS = (
    ("Lantern Hill", 11_000.0, 10_300.0), ("Ropewalk", 11_400.0, 7_100.0), ("Cinder Wharf", 11_000.0, 3_900.0),
    ("Foghorn", 14_900.0, 6_600.0), ("Saltpan", 15_600.0, 3_000.0), ("Windlass", 15_800.0, 10_600.0),
    ("Gullmarsh", 17_200.0, 15_400.0), ("Tidegate", 6_900.0, 9_800.0), ("Kelp Row", 3_400.0, 9_300.0),
    ("Beacon Flats", 5_300.0, 14_300.0), ("Millrace", 9_600.0, 14_600.0), ("Northlock", 8_300.0, 18_000.0),
    ("Oakum Green", 2_900.0, 17_400.0),
)

HARBOUR = 2  # index of Cinder Wharf: quays, basins and industry

# Large parks as ellipses: x, y, half width, half height.
PARKS = ((13_050, 9_000, 650, 480), (6_400, 11_900, 520, 750), (9_500, 16_400, 900, 600), (16_900, 8_700, 700, 600),
         (3_500, 12_700, 800, 550), (12_600, 5_300, 450, 500), (14_700, 13_300, 800, 600))

_RIVER = ((15_300, 20_900), (14_700, 18_700), (12_700, 16_600), (13_200, 14_200), (11_900, 12_500), (9_500, 12_000),
          (8_200, 10_700), (8_500, 8_900), (9_200, 7_300), (8_100, 5_700), (6_300, 4_600), (4_800, 3_000))
_SHORE = ((-600, 8_300), (900, 7_700), (2_300, 7_650), (3_500, 6_700), (4_500, 6_300), (5_400, 5_200), (6_700, 3_900),
          (8_300, 3_000), (9_700, 2_600), (11_300, 1_700), (12_900, 1_550), (14_100, 700), (15_200, -700))
_ISLETS = ((3_900, 3_200, 135), (4_250, 2_950, 80), (2_050, 4_900, 110))


def plane_to_degrees(x_m, y_m):
    """City plane (metres, Point Nemo at 10 000, 10 000) to WGS 84 degrees: (lon, lat).

    >>> [round(float(a), 6) for a in plane_to_degrees(10_000, 10_000)]
    [-123.39, -48.88]
    """
    return _PLANE.to_degrees(np.asarray(x_m) - CENTRE[0], np.asarray(y_m) - CENTRE[1])


def degrees_to_plane(lon, lat):
    """WGS 84 degrees to the city plane: (x_m, y_m)."""
    x_m, y_m = _PLANE.to_plane(lon, lat)
    return np.asarray(x_m) + CENTRE[0], np.asarray(y_m) + CENTRE[1]


def density(x_m, y_m):
    """How dense the city is at a position, from about 0.05 at its edge to about 1 in its centre."""
    total = np.full(np.shape(x_m), 0.05)
    for x0, y0, reach_m, weight in CENTRES:
        distance_m = np.hypot(np.asarray(x_m) - x0, np.asarray(y_m) - y0)
        core, skirt = np.exp(-(distance_m / reach_m) ** 1.2), 1 / (1 + (distance_m / 4_000) ** 2)
        total = total + weight * (0.65 * core + 0.30 * skirt)
    return np.round(total, 6)


@cache
def water():
    """Bay, docks and river as polygons: {"bay": Polygon, "river": Polygon}; the island is a hole in the river."""
    shore = _smooth(_SHORE, 25)
    bay = Polygon([*shore, (16_000, -2_000), (-2_000, -2_000), (-2_000, 8_300)])
    islets = shapely.union_all([Point(x, y).buffer(r) for x, y, r in _ISLETS])
    bay = shapely.union_all([bay, *_docks()]).difference(islets)
    river, island = _river()
    river = river.difference(shapely.union_all([bay, island]))
    square = shapely.box(0, 0, SIDE_M, SIDE_M)
    return {name: _largest(_round(part.intersection(square))) for name, part in (("bay", bay), ("river", river))}


@cache
def land():
    """The city's land, quays set back from the water: a MultiPolygon of its banks and the island."""
    angle = np.linspace(0, 2 * np.pi, 181)[:-1]
    reach = 9_700 * (np.abs(np.cos(angle)) ** 3.4 + np.abs(np.sin(angle)) ** 3.4) ** (-1 / 3.4)
    reach *= 0.955 + 0.03 * np.sin(3 * angle + 0.6) + 0.02 * np.sin(7 * angle + 2.0) + 0.012 * np.sin(13 * angle)
    outline = Polygon(np.round(np.c_[CENTRE[0] + reach * np.cos(angle), CENTRE[1] + reach * np.sin(angle)], 2))
    outline = outline.intersection(shapely.box(150, 150, SIDE_M - 150, SIDE_M - 150))
    wet = shapely.union_all(list(water().values()))
    dry = outline.difference(wet.buffer(QUAY_M, quad_segs=3)).buffer(-60).buffer(60, quad_segs=3)
    parts = [p for p in shapely.get_parts(_round(dry.simplify(4))) if p.area > 60_000]
    return shapely.multipolygons(sorted(parts, key=lambda p: -p.area))


def bank_of(points):
    """Index of the land part nearest each point (0 and 1 are the two banks, 2 the island)."""
    parts = shapely.get_parts(land())
    return np.argmin([shapely.distance(p, points) for p in parts], axis=0)


def district_of(points):
    """District (index into DISTRICT_SEEDS) of each point: the nearest seed on the same side of the water."""
    seeds = np.array([s[1:] for s in DISTRICT_SEEDS])
    seed_bank, bank = bank_of(shapely.points(seeds)), bank_of(points)
    bank = np.where(np.isin(bank, seed_bank), bank, seed_bank[0])
    xy = shapely.get_coordinates(points)
    far_m = np.round(np.hypot(xy[:, None, 0] - seeds[:, 0], xy[:, None, 1] - seeds[:, 1]), 2)
    return np.argmin(np.where(bank[:, None] == seed_bank, far_m, np.inf), axis=1).astype(np.int16)


def _river():
    course = _smooth(_RIVER, 60)
    along = np.linspace(0, 1, len(course))
    half_m = 55 + 75 * along + 150 * np.clip((along - 0.86) / 0.14, 0, 1) ** 2
    isle_at = np.array([8_330.0, 9_650.0])
    near = np.exp(-(np.hypot(*(course - isle_at).T) / 900) ** 2)
    half_m = np.round(half_m + 260 * near, 2)
    reaches = [LineString(course[i:i + 2]).buffer((half_m[i] + half_m[i + 1]) / 2, quad_segs=6)
               for i in range(len(course) - 1)]
    middle = LineString(course[near > 0.42])
    return shapely.union_all(reaches).simplify(3), middle.buffer(165, quad_segs=8).simplify(2)


def _docks():
    """Basins cut square into the harbour shore, pointing inland."""
    basins = []
    for x0, y0, turn_deg, long_m, wide_m in ((10_350, 1_950, 62, 1_100, 170), (11_100, 1_600, 68, 1_250, 190),
                                             (11_900, 1_350, 74, 1_150, 170), (12_650, 1_350, 80, 900, 200),
                                             (7_300, 3_300, 60, 800, 150)):
        turn = np.radians(turn_deg)
        along, across = np.array([np.cos(turn), np.sin(turn)]), np.array([-np.sin(turn), np.cos(turn)])
        corner = np.array([x0, y0]) - 300 * along
        head = corner + (long_m + 300) * along
        basins.append(Polygon(np.round([corner, head, head + wide_m * across, corner + wide_m * across], 2)))
    return basins


def _smooth(points, steps):
    points = np.array(points, dtype=float)
    spline = CubicSpline(np.arange(len(points)), points)
    return np.round(spline(np.linspace(0, len(points) - 1, steps * (len(points) - 1) // 3 + 1)), 2)


def _round(shape):
    return shapely.set_precision(shape, 0.01)


def _largest(shape):
    return max(shapely.get_parts(shape), key=lambda p: p.area)
