"""Port Nemo's streets: avenues first, then the quarters between them cut into blocks, then one graph of junctions.

Rings and radial avenues cut the land into quarters; each quarter is split along its own long side into
neighbourhoods (streets), each neighbourhood by its own grid (lanes), so that directions change from one to the next
as they do in a city that grew. Only bridges cross the river. Two walled estates are laid into blocks of their own.
"""

from dataclasses import dataclass
from functools import cache
from itertools import pairwise

import numpy as np
import shapely
from shapely.affinity import rotate
from shapely.geometry import LineString, Point
from shapely.ops import polygonize, split

from kit.city import ground
from kit.city.noding import AVENUE, BRIDGE, LANE, STREET, street_graph

SPEED_KMH = {AVENUE: (27, 38), STREET: (20, 27), LANE: (14, 18), BRIDGE: (30, 30)}  # dense quarters, open ones
ESTATE_SPEED_KMH = 5
SEED = 488_812_339


@dataclass(frozen=True)
class Streets:
    """The street graph; one array entry per junction or per edge (undirected, listed once with u < v)."""

    x_m: np.ndarray
    y_m: np.ndarray
    lon: np.ndarray
    lat: np.ndarray
    u: np.ndarray
    v: np.ndarray
    length_m: np.ndarray
    kind: np.ndarray
    speed_ms: np.ndarray
    district: np.ndarray


@dataclass(frozen=True)
class Estate:
    """A walled housing estate: its polygon, gates, spine and door stubs as lines, doors as points."""

    name: str
    wall: shapely.Polygon
    spine: tuple
    gates: tuple
    stubs: tuple
    doors: tuple


@dataclass(frozen=True)
class Layout:
    """What the streets were cut from: neighbourhood polygons, their district, which are green, and the two estates."""

    neighbourhoods: np.ndarray
    district: np.ndarray
    green: np.ndarray
    estates: tuple


@cache
def make_streets():
    """Draw the street network. Returns (Streets, Layout); the same every time."""
    rng = np.random.default_rng(SEED)
    avenues, bridges = _avenues(rng)
    quarters = _faces([*avenues, *_shores()])
    neighbourhoods, cuts = _cut_quarters(quarters, rng)
    district = ground.district_of(shapely.point_on_surface(neighbourhoods))
    green = _greens(neighbourhoods, district, rng)
    lanes, estates = _cut_neighbourhoods(neighbourhoods, district, green, rng)
    inside = [line for e in estates for line in (*e.spine, *e.gates, *e.stubs)]
    drawn = [(avenues, AVENUE), (bridges, BRIDGE), (_shores(), STREET), (cuts, STREET), (lanes, LANE), (inside, LANE)]
    walls = shapely.union_all([e.wall.buffer(-2) for e in estates])
    xy, u, v, kind = street_graph(drawn, walls, rng)
    layout = Layout(neighbourhoods, district, green, tuple(estates))
    return _finish(xy, u, v, kind, layout), layout


def _avenues(rng):
    """Rings, radials and the sub-centres' own avenues, kept on land; and the bridges that carry some over the river."""
    lines = [LineString(p) for p in _avenue_courses(rng)]
    whole = shapely.union_all(lines, grid_size=0.01)
    dry, wet = ground.land(), shapely.union_all(list(ground.water().values())).buffer(ground.QUAY_M + 1)
    avenues = _without_dead_ends(shapely.intersection(whole, dry, grid_size=0.01))
    river, edge = ground.water()["river"], dry.boundary
    bridges = []
    for gap in sorted(shapely.get_parts(shapely.line_merge(whole.intersection(wet))), key=lambda g: g.length):
        straight = LineString([gap.coords[0], gap.coords[-1]])
        ends = shapely.points([gap.coords[0], gap.coords[-1]])
        spans = (shapely.distance(ends, edge) < 40).all() and straight.intersects(river) and straight.length < 1_000
        if spans and not any(straight.distance(b) < 420 for b in bridges):
            bridges.append(_ashore(straight, edge))
    return avenues, bridges


def _without_dead_ends(avenues):
    """The pieces of avenues that lead from one avenue or shore to another."""
    pieces = shapely.get_parts(shapely.union_all([avenues, *(LineString(s.coords) for s in _shores())], grid_size=0.01))
    dead = shapely.polygonize_full(pieces)[2]
    alive = shapely.difference(avenues, dead.buffer(0.02))
    return [p for p in shapely.get_parts(shapely.line_merge(shapely.set_precision(alive, 0.01))) if p.length > 25]


def _avenue_courses(rng):
    cx, cy, _, _ = ground.CENTRES[0]
    for radius, phase in ((1_250, 0.3), (2_500, 1.1), (4_300, 2.0), (6_600, 0.2)):
        angle = np.linspace(0, 2 * np.pi, int(radius / 12) // 4 * 4 + 1)
        r = radius * (1 + 0.05 * np.sin(2 * angle + phase) + 0.035 * np.sin(5 * angle + 2 * phase))
        yield np.round(np.c_[cx + r * np.cos(angle), cy + r * np.sin(angle)], 2)
    starts = np.linspace(0, 2 * np.pi, 12)[:-1]
    for i, start in enumerate(starts):
        yield _radial(cx, cy, start + rng.uniform(-0.10, 0.10), 0 if i % 3 == 0 else 1_000, rng)
        if i % 2 == 0:
            yield _radial(cx, cy, start + 0.5 * starts[1] + rng.uniform(-0.06, 0.06), 3_800, rng)
    for x, y, _, _ in ground.CENTRES[1:]:
        angle = np.linspace(0, 2 * np.pi, 73)
        r = 950 * (1 + 0.14 * np.sin(2 * angle + x) + 0.09 * np.sin(3 * angle + y))
        yield np.round(np.c_[x + r * np.cos(angle), y + r * np.sin(angle)], 2)
        for turn in rng.uniform(0, 0.6) + np.array([0.0, 1.7, 3.4, 4.9]):
            out = np.array([0.0, 2_300.0])
            yield np.round(np.c_[x + out * np.cos(turn), y + out * np.sin(turn)], 2)


def _radial(cx, cy, angle, r_from, rng):
    r = np.arange(r_from, 12_001, 100.0)
    bend = angle + 0.06 * np.sin(r / 1_700 + rng.uniform(0, 6)) + rng.uniform(-0.05, 0.05) * r / 8_000
    return np.round(np.c_[cx + r * np.cos(bend), cy + r * np.sin(bend)], 2)


def _ashore(bridge, edge):
    """A bridge whose ends lie on the quays, where noding joins them to the streets."""
    return LineString([edge.interpolate(edge.project(Point(c))) for c in bridge.coords])


def _shores():
    return [part.exterior for part in shapely.get_parts(ground.land())]


def _faces(lines):
    noded = shapely.union_all([LineString(x.coords) for x in lines], grid_size=0.01)
    return sorted(polygonize(shapely.get_parts(noded)), key=lambda p: p.bounds)


def _cut_quarters(quarters, rng):
    """Split each quarter across its long side until a neighbourhood holds about a dozen blocks."""
    done, cuts, todo = [], [], [q for q in quarters if ground.land().buffer(1).contains(q.representative_point())]
    while todo:
        area = todo.pop(0)
        if area.area < 11 * _block_m2(area) * rng.uniform(0.75, 1.5):
            done.append(area)
            continue
        parts, cut = _halve(area, rng)
        if cut is None:
            done.append(area)
        else:
            cuts += cut
            todo += parts
    return np.array(sorted(done, key=lambda p: p.bounds), dtype=object), cuts


def _block_m2(area):
    c = area.centroid
    return 16_500 / float(ground.density(c.x, c.y)) ** 1.02


def _halve(area, rng):
    centre, long_m, turn_deg = _frame(area)[:3]
    at = rng.uniform(-0.09, 0.09) * long_m
    half = 3 * area.length
    cut = rotate(LineString([(centre.x + at, centre.y - half), (centre.x + at, centre.y + half)]),
                 turn_deg + rng.uniform(-4, 4), origin=centre)
    cut = shapely.set_precision(cut, 0.01)
    inside = [p for p in shapely.get_parts(area.intersection(cut)) if p.length > 30]
    parts = [p for p in split(area, cut).geoms if isinstance(p, shapely.Polygon)]
    if len(parts) < 2 or max(p.area for p in parts) > 0.9 * area.area:
        return [area], None
    return parts, inside


def _frame(area):
    """Centre, length and direction (degrees) of the long side, and width of the smallest rectangle about an area."""
    box = area.minimum_rotated_rectangle
    a, b, c = (np.array(p) for p in box.exterior.coords[:3])
    (p, q), (long_m, wide_m) = ((a, b), (np.hypot(*(b - a)), np.hypot(*(c - b))))
    if wide_m > long_m:
        (p, q), (long_m, wide_m) = (b, c), (wide_m, long_m)
    return box.centroid, float(long_m), float(np.round(np.degrees(np.arctan2(*(q - p)[::-1])), 4)), float(wide_m)


def _greens(neighbourhoods, district, rng):
    """Parks, and open land at the city's edge: no lanes run through them. The harbour has none."""
    xy = shapely.get_coordinates(shapely.centroid(neighbourhoods))
    draw = rng.random(len(neighbourhoods))
    far = np.hypot(*(xy - ground.CENTRE).T) > 6_500
    rim = (shapely.distance(neighbourhoods, ground.land().boundary) < 1) & far
    park = np.zeros(len(xy), dtype=bool)
    for x, y, half_x, half_y in ground.PARKS:
        park |= ((xy[:, 0] - x) / half_x) ** 2 + ((xy[:, 1] - y) / half_y) ** 2 < 1
    return (park | (draw < np.where(rim, 0.42, 0.02))) & (district != ground.HARBOUR)


def _cut_neighbourhoods(neighbourhoods, district, green, rng):
    """A grid of lanes in each neighbourhood, laid along its own long side; two neighbourhoods hold an estate."""
    lanes, estates, wanted = [], [], {"NULLVALE-A": ("Foghorn", 8), "NULLVALE-B": ("Windlass", 6)}
    names = [s[0] for s in ground.DISTRICT_SEEDS]
    for area, is_green, d in zip(neighbourhoods, green, district, strict=True):
        if is_green:
            continue
        grid = _grid(area, rng)
        for name, (home, doors) in list(wanted.items()):
            block = _estate_block(area, grid) if names[d] == home else None
            if block is not None:
                estates.append(_lay_estate(name, block, doors))
                del wanted[name]
        lanes += grid
    return lanes, sorted(estates, key=lambda e: e.name)


def _grid(area, rng):
    centre, long_m, turn_deg, wide_m = _frame(area)
    block_m = np.sqrt(_block_m2(area))
    columns, rows = max(1, round(long_m / (1.25 * block_m))), max(1, round(wide_m / (0.8 * block_m)))
    lines, reach = [], long_m + wide_m
    for count, span, upright in ((columns, long_m, True), (rows, wide_m, False)):
        for i in range(1, count):
            at = (i / count - 0.5 + rng.uniform(-0.13, 0.13) / count) * span
            ends = [(at, -reach), (at, reach)] if upright else [(-reach, at), (reach, at)]
            line = LineString([(centre.x + x, centre.y + y) for x, y in ends])
            line = rotate(line, turn_deg + rng.uniform(-1.5, 1.5), origin=centre)
            lines += [p for p in shapely.get_parts(shapely.set_precision(line, 0.01).intersection(area))
                      if p.length > 40]
    return lines


def _estate_block(area, grid):
    """The first block of a neighbourhood that is big and square enough to wall in, or None."""
    for block in _faces([area.exterior, *grid]):
        _, long_m, _, wide_m = _frame(block)
        roomy = wide_m > 160 and 200 < long_m < 420 and block.area > 0.93 * long_m * wide_m
        if roomy and len(block.simplify(5).exterior.coords) == 5:
            return block
    return None


def _lay_estate(name, block, doors):
    """Gates in the middle of the two short walls, a spine between them, doors on stubs left and right of it."""
    centre, long_m, turn_deg, wide_m = _frame(block)

    def line(*ends):
        turned = rotate(LineString([(centre.x + x, centre.y + y) for x, y in ends]), turn_deg, origin=centre)
        return shapely.set_precision(turned, 0.01)

    inner = 0.5 * long_m - 28
    steps = np.linspace(-inner + 24, inner - 24, doors // 2)
    gates = [line((s * inner, 0), (s * (0.5 * long_m + 40), 0)).intersection(block) for s in (-1, 1)]
    bends = [-inner, *steps, inner]
    spine = [line((a, 0), (b, 0)) for a, b in pairwise(bends)]
    stubs = [line((x, 0), (x, side * 0.27 * wide_m)) for x in steps for side in (1, -1)]
    return Estate(name, block, tuple(spine), tuple(gates), tuple(stubs), tuple(Point(s.coords[-1]) for s in stubs))


def _finish(xy, u, v, kind, layout):
    """Lengths, speeds, degrees and districts: the arrays that everybody else reads."""
    mid = (xy[u] + xy[v]) / 2
    dense = ground.density(*mid.T) > 0.30
    slow, fast = np.array([SPEED_KMH[k] for k in range(4)]).T
    speed = np.where(dense, slow[kind], fast[kind]).astype(float)
    walled = shapely.union_all([e.wall.buffer(-5) for e in layout.estates])
    speed = np.where(shapely.intersects_xy(walled, *mid.T), ESTATE_SPEED_KMH, speed)
    lon, lat = ground.plane_to_degrees(*xy.T)
    return Streets(
        x_m=xy[:, 0], y_m=xy[:, 1], lon=np.asarray(lon), lat=np.asarray(lat), u=u.astype(np.int32),
        v=v.astype(np.int32), length_m=np.round(np.hypot(*(xy[u] - xy[v]).T), 2).astype(np.float32),
        kind=kind.astype(np.int8), speed_ms=np.round(speed / 3.6, 4).astype(np.float32),
        district=_district_at(xy, layout))


def _district_at(xy, layout, near_m=2.0):
    """District of each junction: that of a neighbourhood it borders on, the lower number where there are several."""
    point, area = shapely.STRtree(layout.neighbourhoods).query(shapely.points(xy), predicate="dwithin", distance=near_m)
    found = np.full(len(xy), len(ground.DISTRICT_SEEDS), dtype=np.int16)
    np.minimum.at(found, point, layout.district[area])
    return np.where(found < len(ground.DISTRICT_SEEDS), found, ground.district_of(shapely.points(xy))).astype(np.int16)
