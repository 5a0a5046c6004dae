"""From lines on paper to one planar street graph: noding, merging, thinning, straightening."""

import numpy as np
import shapely
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components, minimum_spanning_tree
from shapely.geometry import LineString

STREET_KINDS = ("avenue", "street", "lane", "bridge")
AVENUE, STREET, LANE, BRIDGE = range(4)


def street_graph(drawn, walls, rng):
    """Node all lines into one connected planar graph; drop slivers, needless bends and some lanes.

    Parameters
    ----------
    drawn : list of (list of LineString, int)
        Lines with the kind of street they are; where two run on one another the grander kind wins.
    walls : Polygon or MultiPolygon
        Within these nothing is merged.
    rng : numpy.random.Generator

    Returns
    -------
    xy, u, v, kind : numpy.ndarray
        Junctions (n, 2) in metres and edges with u < v.
    """
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
    for _ in range(4):
        xy, u, v, kind = _merge_close(xy, u, v, kind, shapely.intersects_xy(walls, *xy.T))
    keep = _kept(xy, u, v, kind, rng)
    return _straighten(xy, u[keep], v[keep], kind[keep])


def _merge_close(xy, u, v, kind, fixed, near_m=22.0):
    """Collapse edges shorter than `near_m`, except inside estates; the grander street keeps its place.

    A junction is merged once a round at most: a quay's many short pieces must not run together into one far point.
    """
    rank = np.full(len(xy), 9)
    for end in (u, v):
        np.minimum.at(rank, end, np.where(kind == BRIDGE, -1, kind))
    length = np.round(np.hypot(*(xy[u] - xy[v]).T), 2)
    short = np.flatnonzero((length < near_m) & ~fixed[u] & ~fixed[v])
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
