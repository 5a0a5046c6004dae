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
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components, minimum_spanning_tree
from shapely.affinity import rotate
from shapely.geometry import LineString, Point
from shapely.ops import polygonize, split

from kit.city import ground

STREET_KINDS = ("avenue", "street", "lane", "bridge")
AVENUE, STREET, LANE, BRIDGE = range(4)
SPEED_KMH = {AVENUE: (27, 38), STREET: (20, 27), LANE: (14, 18), BRIDGE: (30, 30)}  # dense quarters, open ones
ESTATE_SPEED_KMH = 5
SEED = 4888_12339


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
    """What the streets were cut from: neighbourhood polygons, which of them are green, and the two estates."""

    neighbourhoods: tuple
    green: np.ndarray
    estates: tuple


@cache
def make_streets():
    """Draw the street network. Returns (Streets, Layout); the same every time."""
    rng = np.random.default_rng(SEED)
    avenues, bridges = _avenues(rng)
    quarters = _faces([*avenues, *_shores()])
    neighbourhoods, cuts = _cut_quarters(quarters, rng)
    green = _greens(neighbourhoods, rng)
    lanes, estates = _cut_neighbourhoods(neighbourhoods, green, rng)
    inside = [line for e in estates for line in (*e.spine, *e.gates, *e.stubs)]
    drawn = [(avenues, AVENUE), (bridges, BRIDGE), (_shores(), STREET), (cuts, STREET), (lanes, LANE), (inside, LANE)]
    xy, u, v, kind = _graph(drawn, estates, rng)
    return _finish(xy, u, v, kind, estates), Layout(tuple(neighbourhoods), green, tuple(estates))


def _avenues(rng):
    """Rings, radials and two long crosstown avenues, kept on land; and the bridges that carry some over the river."""
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
    """Push a bridge's ends a little past the quay line so that noding joins them to the streets there."""
    ends = [edge.interpolate(edge.project(Point(c))) for c in bridge.coords]
    (ax, ay), (bx, by) = ends[0].coords[0], ends[1].coords[0]
    return LineString([(ax, ay), (bx, by)])


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
    return sorted(done, key=lambda p: p.bounds), cuts


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


def _greens(neighbourhoods, rng):
    """Parks, and open land at the city's edge: no lanes run through them. The harbour has none."""
    middle = shapely.centroid(np.array(neighbourhoods, dtype=object))
    xy = shapely.get_coordinates(middle)
    draw = rng.random(len(neighbourhoods))
    far = np.hypot(*(xy - ground.CENTRE).T) > 6_500
    rim = np.array([n.distance(ground.land().boundary) < 1 for n in neighbourhoods]) & far
    park = np.zeros(len(xy), dtype=bool)
    for x, y, half_x, half_y in ground.PARKS:
        park |= ((xy[:, 0] - x) / half_x) ** 2 + ((xy[:, 1] - y) / half_y) ** 2 < 1
    harbour = ground.district_of(middle) == ground.HARBOUR
    return (park | (draw < np.where(rim, 0.42, 0.02))) & ~harbour


def _cut_neighbourhoods(neighbourhoods, green, rng):
    """A grid of lanes in each neighbourhood, laid along its own long side; two neighbourhoods hold an estate."""
    lanes, estates, wanted = [], [], {"NULLVALE-A": ("Foghorn", 8), "NULLVALE-B": ("Windlass", 6)}
    names = [s[0] for s in ground.DISTRICT_SEEDS]
    district = ground.district_of(shapely.centroid(np.array(neighbourhoods, dtype=object)))
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


def _graph(drawn, estates, rng):
    """Node all lines into one planar graph; drop slivers, loose parts, needless bends and some lanes."""
    lines = np.array([LineString(x.coords) for group, _ in drawn for x in group], dtype=object)
    kinds = np.array([k for group, k in drawn for _ in group])
    pieces = shapely.get_parts(shapely.union_all(lines, grid_size=0.01))
    ends = shapely.get_coordinates(pieces)
    per = shapely.get_num_coordinates(pieces)
    last = np.cumsum(per) - 1
    starts = np.setdiff1d(np.arange(len(ends)), last)
    mid = shapely.points((ends[starts] + ends[starts + 1]) / 2)
    at, line = shapely.STRtree(lines).query(mid, predicate="dwithin", distance=0.5)
    kind = np.full(len(starts), LANE)
    np.minimum.at(kind, at, np.where(kinds[line] == BRIDGE, -1, kinds[line]))
    kind = np.where(kind == -1, BRIDGE, kind)
    xy, index = np.unique(np.round(ends, 2), axis=0, return_inverse=True)
    u, v = index[starts], index[starts + 1]
    inner = shapely.union_all([e.wall.buffer(-2) for e in estates])
    fixed = shapely.intersects_xy(inner, *xy.T)
    for _ in range(2):
        xy, u, v, kind = _merge_close(xy, u, v, kind, fixed)
    keep = _kept(xy, u, v, kind, rng)
    return _straighten(xy, u[keep], v[keep], kind[keep])


def _merge_close(xy, u, v, kind, fixed, near_m=22.0):
    """Collapse edges shorter than `near_m`, except inside estates; the grander street keeps its place.

    A junction is merged once at most: a quay's many short pieces must not run together into one far point.
    """
    rank = np.full(len(xy), 9)
    for end in (u, v):
        np.minimum.at(rank, end, np.where(kind == BRIDGE, -1, kind))
    length = np.round(np.hypot(*(xy[u] - xy[v]).T), 2)
    short = np.flatnonzero((length < near_m) & ~fixed[u] & ~fixed[v] & (kind != BRIDGE))
    lead, merged = np.arange(len(xy)), np.zeros(len(xy), dtype=bool)
    for edge in short[np.argsort(length[short], kind="stable")]:
        a, b = sorted((u[edge], v[edge]), key=lambda n: (rank[n], n))
        if not merged[a] and not merged[b]:
            lead[b], merged[a], merged[b] = a, True, True
    return _simple(xy, lead[u], lead[v], kind)


def _simple(xy, u, v, kind):
    """Order ends, drop loops, keep the grandest of parallel edges."""
    low, high = np.minimum(u, v), np.maximum(u, v)
    order = np.lexsort((np.where(kind == BRIDGE, -1, kind), high, low))
    low, high, kind = low[order], high[order], kind[order]
    keep = (low != high) & np.r_[True, (np.diff(low) != 0) | (np.diff(high) != 0)]
    return xy, low[keep], high[keep], kind[keep]


def _kept(xy, u, v, kind, rng):
    """All edges of the largest connected part, less one lane in eight, never one that would cut a junction off."""
    n = len(xy)
    _, part = connected_components(coo_array((np.ones(len(u)), (u, v)), shape=(n, n)), False)
    main = part[u] == np.bincount(part[u]).argmax()
    draw = np.round(rng.random(len(u)), 6)
    cost = np.where(kind == LANE, 1 + draw, 0.5)
    tree = minimum_spanning_tree(coo_array((cost, (u, v)), shape=(n, n)).tocsr()).tocoo()
    in_tree = np.isin(u.astype(np.int64) * n + v, np.minimum(*tree.coords).astype(np.int64) * n
                      + np.maximum(*tree.coords))
    return main & (in_tree | (kind != LANE) | (draw > 0.12))


def _straighten(xy, u, v, kind, bend_m=5.0, longest_m=600.0):
    """Drop junctions of two edges where the straight line past them stays within `bend_m` of all it replaces."""
    beside = {}
    for a, b, k in zip(u.tolist(), v.tolist(), kind.tolist(), strict=True):
        beside.setdefault(a, {})[b] = beside.setdefault(b, {})[a] = (k, [])
    for node in sorted(beside):
        if len(beside[node]) != 2:
            continue
        (a, (kind_a, past_a)), (b, (kind_b, past_b)) = sorted(beside[node].items())
        past = [*past_a, node, *past_b]
        (qx, qy), (px, py) = xy[b] - xy[a], (xy[past] - xy[a]).T
        span_m = float(np.hypot(qx, qy))
        flat = kind_a == kind_b and span_m < longest_m and (np.abs(px * qy - py * qx) < bend_m * span_m).all()
        if flat and b not in beside[a]:
            del beside[a][node], beside[b][node], beside[node]
            beside[a][b] = beside[b][a] = (kind_a, past)
    edges = np.array(sorted((a, b, k) for a, row in beside.items() for b, (k, _) in row.items() if a < b))
    used = np.unique(edges[:, :2])
    return xy[used], np.searchsorted(used, edges[:, 0]), np.searchsorted(used, edges[:, 1]), edges[:, 2]


def _finish(xy, u, v, kind, estates):
    """Lengths, speeds, degrees and districts: the arrays that everybody else reads."""
    mid = (xy[u] + xy[v]) / 2
    dense = ground.density(*mid.T) > 0.30
    slow, fast = np.array([SPEED_KMH[k] for k in range(4)]).T
    speed = np.where(dense, slow[kind], fast[kind]).astype(float)
    walled = shapely.union_all([e.wall.buffer(-5) for e in estates])
    speed = np.where(shapely.intersects_xy(walled, *mid.T), ESTATE_SPEED_KMH, speed)
    lon, lat = ground.plane_to_degrees(*xy.T)
    return Streets(
        x_m=xy[:, 0], y_m=xy[:, 1], lon=np.asarray(lon), lat=np.asarray(lat), u=u.astype(np.int32),
        v=v.astype(np.int32), length_m=np.round(np.hypot(*(xy[u] - xy[v]).T), 2).astype(np.float32),
        kind=kind.astype(np.int8), speed_ms=np.round(speed / 3.6, 4).astype(np.float32),
        district=ground.district_of(shapely.points(xy)))
