"""Streets as a graph with sensors on it, and the ways that somebody may have gone from one sensor to another."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import shapely
from numba import njit
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra

from kit import geo, tables
from kit.errors import InputError

ON_STREET_M = 8.0  # a sensor further from the street's line stands at a gate and sees who goes in, not who goes by
LONGEST_WAY = 1.5  # of the shortest one
USUAL_SPEED_MS = 7.0  # where streets come without speeds
_SHORTEST_EDGE_M = 0.01  # two sensors on one pole are still two


@dataclass(frozen=True)
class Network:
    """Junctions first, then one node for each sensor; edges both ways between them, `street` naming their street."""

    plane: geo.Plane
    x_m: np.ndarray
    y_m: np.ndarray
    u: np.ndarray
    v: np.ndarray
    length_m: np.ndarray
    cost: np.ndarray
    street: np.ndarray
    sensor_node: np.ndarray
    sensor_of_node: np.ndarray
    on_street: np.ndarray

    def graph(self, weight):
        n = len(self.x_m)
        return csr_array((np.r_[weight, weight], (np.r_[self.u, self.v], np.r_[self.v, self.u])), (n, n))


@dataclass(frozen=True)
class Ways:
    """Candidate ways as runs of nodes: pair p has ways `of_pair[p]:of_pair[p + 1]`, way w nodes `ptr[w]:ptr[w + 1]`."""

    of_pair: np.ndarray
    ptr: np.ndarray
    node: np.ndarray
    length_m: np.ndarray
    cost: np.ndarray


def build_network(streets, sensors):
    """Streets become edges between the points that they share; each sensor becomes a node on the nearest edge.

    A sensor within 8 m of the street's line watches the street (`on_street`); one further off only begins or ends ways.

    Streets meet where they have a vertex in common, not where they merely cross (a bridge is no junction). Costs are
    seconds at `speed_kmh`, or at 7 m/s where the streets lack that column.

    Raises
    ------
    InputError
        No streets, no lines, a speed that is not above zero, or a sensor without a position.
    """
    line, street = _lines(streets)
    lonlat, part = shapely.get_coordinates(line, return_index=True)
    plane = geo.local_plane(*np.median(lonlat, axis=0))
    spot, node = np.unique(np.round(lonlat, 7), axis=0, return_inverse=True)
    x_m, y_m = plane.to_plane(*spot.T)
    inner = np.flatnonzero((part[1:] == part[:-1]) & (node.ravel()[1:] != node.ravel()[:-1]))
    u, v, street = node.ravel()[inner], node.ravel()[inner + 1], street[part[inner]]
    u, v, street = _once(u, v, street, np.hypot(x_m[u] - x_m[v], y_m[u] - y_m[v]))
    x_s, y_s = _positions(sensors, plane)
    edge, share = _snap(x_m, y_m, u, v, x_s, y_s)
    n = len(x_m)
    x_m, y_m = (np.r_[a, a[u[edge]] + share * (a[v[edge]] - a[u[edge]])] for a in (x_m, y_m))
    on_street = np.hypot(x_m[n:] - x_s, y_m[n:] - y_s) <= ON_STREET_M
    u, v, old = _split(u, v, edge, share, n)
    length = np.maximum(np.hypot(x_m[u] - x_m[v], y_m[u] - y_m[v]), _SHORTEST_EDGE_M)
    street = street[old]
    seen = np.r_[np.full(n, -1), np.arange(len(sensors))].astype(np.int32)
    return Network(plane, x_m, y_m, u, v, length, length / _speeds(streets)[street], street,
                   n + np.arange(len(sensors)), seen, on_street)


def find_ways(network, origin, destination, k):
    """Up to `k` ways for each pair of nodes: the cheapest first, then the next cheapest that use another node.

    Each way is the cheapest one by way of some node (Abraham et al. 2013), without passing any node twice, and at
    most 1.5 times as long as the shortest.

    References
    ----------
    Abraham, I., Delling, D., Goldberg, A. V., Werneck, R. F. (2013). Alternative routes in road networks. ACM Journal
    of Experimental Algorithmics 18, 1.3. doi:10.1145/2444016.2444019
    """
    if not len(origin):
        nothing = np.zeros(1, np.int64)
        return Ways(nothing, nothing, nothing[:0], np.empty(0), np.empty(0))
    ends, code = np.unique(np.r_[origin, destination], return_inverse=True)
    a, b = code[:len(origin)], code[len(origin):]
    far, before = dijkstra(network.graph(network.cost), indices=ends, return_predecessors=True)
    metres = dijkstra(network.graph(network.length_m), indices=ends)[a, ends[b]]
    runs, of_pair = [], np.zeros(len(a) + 1, np.int64)
    for pair in range(len(a)):
        found = _ways_of_pair(far[a[pair]], before[a[pair]], far[b[pair]], before[b[pair]], ends[a[pair]],
                              ends[b[pair]], network.x_m, network.y_m, LONGEST_WAY * metres[pair] + 1, k)
        runs += found
        of_pair[pair + 1] = of_pair[pair] + len(found)
    ptr = np.r_[0, np.cumsum([len(run) for run in runs])].astype(np.int64)
    node = np.concatenate(runs) if runs else np.empty(0, np.int64)
    length, cost = _measure(network, node, ptr)
    return Ways(of_pair, ptr, node, length, cost)


def edges_of(network, ways):
    """For each step of each way the edge taken: (way, edge)."""
    n = len(network.x_m)
    low, high = np.minimum(network.u, network.v).astype(np.int64), np.maximum(network.u, network.v)
    order = np.argsort(low * n + high)
    key = (low * n + high)[order]
    way = np.repeat(np.arange(len(ways.ptr) - 1), np.diff(ways.ptr))
    step = np.flatnonzero(way[1:] == way[:-1])
    a, b = ways.node[step].astype(np.int64), ways.node[step + 1]
    return way[step], order[np.searchsorted(key, np.minimum(a, b) * n + np.maximum(a, b))]


def _measure(network, node, ptr):
    way, edge = edges_of(network, Ways(None, ptr, node, None, None))
    return tuple(np.bincount(way, weight[edge], minlength=len(ptr) - 1) for weight in (network.length_m, network.cost))


def _lines(streets):
    """Every line of the streets, with the row that it belongs to."""
    if not hasattr(streets, "geometry") or not len(streets):
        raise InputError("The streets must be a GeoDataFrame with at least one line, as exposure.streets is.")
    line, row = shapely.get_parts(streets.geometry.to_numpy(), return_index=True)
    kinds = set(shapely.get_type_id(line).tolist())
    if not kinds <= {1} or not len(line):
        raise InputError("The streets must be lines (LineString, EPSG:4326), but some rows have no line; leave those "
                         "rows out.")
    return line, row


def _speeds(streets):
    if "speed_kmh" not in streets.columns:
        return np.full(len(streets), USUAL_SPEED_MS)
    speed = pd.to_numeric(streets["speed_kmh"], errors="coerce").to_numpy(float)
    if not (speed > 0).all():
        row = int(np.argmin(speed > 0))
        raise InputError(f"Every street's speed_kmh must be above zero, but row {row} has "
                         f"{streets['speed_kmh'].iloc[row]!r}; correct it or leave the column out.")
    return speed / 3.6


def _positions(sensors, plane):
    tables.check(sensors, "sensors", ["sensor_id", "geometry"])
    bad = sensors.geometry.isna().to_numpy() | sensors.geometry.is_empty.to_numpy()
    if bad.any():
        raise InputError(f"The sensor {sensors['sensor_id'].iloc[int(np.argmax(bad))]!r} has no position; give it one "
                         "or leave it out.")
    return plane.to_plane(sensors.geometry.x.to_numpy(), sensors.geometry.y.to_numpy())


def _once(u, v, street, length):
    """Each pair of neighbours once, by the shortest line."""
    low, high = np.minimum(u, v), np.maximum(u, v)
    order = np.lexsort((street, length, high, low))
    low, high, street = low[order], high[order], street[order]
    first = np.r_[True, (low[1:] != low[:-1]) | (high[1:] != high[:-1])]
    return low[first], high[first], street[first]


def _snap(x_m, y_m, u, v, x_s, y_s):
    """The nearest edge of each sensor and the share of the way along it."""
    lines = shapely.linestrings(np.stack([np.c_[x_m[u], y_m[u]], np.c_[x_m[v], y_m[v]]], axis=1))
    edge = shapely.STRtree(lines).nearest(shapely.points(x_s, y_s)) if len(x_s) else np.empty(0, np.int64)
    dx, dy = x_m[v[edge]] - x_m[u[edge]], y_m[v[edge]] - y_m[u[edge]]
    along = (x_s - x_m[u[edge]]) * dx + (y_s - y_m[u[edge]]) * dy
    return edge, np.clip(along / np.maximum(dx * dx + dy * dy, 1e-9), 0, 1)


def _split(u, v, edge, share, n):
    """Cut edges at their sensors: (u, v, the edge that each piece was)."""
    order = np.lexsort((share, edge))
    at, node = edge[order], n + order
    starts, ends = np.r_[True, at[1:] != at[:-1]][:len(at)], np.r_[at[1:] != at[:-1], True][:len(at)]
    before = np.where(starts, u[at], np.r_[0, node[:-1]][:len(at)])
    whole = np.setdiff1d(np.arange(len(u)), at)
    return (np.r_[u[whole], before, node[ends]], np.r_[v[whole], node, v[at[ends]]],
            np.r_[whole, at, at[ends]].astype(np.int64))


@njit(cache=True)
def _ways_of_pair(far_a, before_a, far_b, before_b, a, b, x_m, y_m, longest_m, k):
    found = [np.empty(0, np.int64) for _ in range(0)]
    if not np.isfinite(far_a[b]):
        return found
    total = far_a + far_b
    usable = np.flatnonzero(total <= 2 * total[b] + 1e-6)
    usable = usable[np.argsort(total[usable], kind="mergesort")]
    used = np.zeros(len(total), np.bool_)
    stamp = np.full(len(total), -1, np.int64)
    for turn in range(len(usable)):
        via = usable[turn]
        if used[via] or len(found) == k:
            continue
        path = _by_way_of(via, before_a, before_b, stamp, turn)
        if len(path) and _length_m(path, x_m, y_m) <= longest_m:
            found.append(path)
            used[path] = True
    return found


@njit(cache=True)
def _by_way_of(via, before_a, before_b, stamp, turn):
    """The nodes from a by way of a node to b; none when a node comes twice."""
    first, at = [via], via
    stamp[via] = turn
    while before_a[at] >= 0:
        at = before_a[at]
        stamp[at] = turn
        first.append(at)
    n = len(first)
    at = via
    while before_b[at] >= 0:
        at = before_b[at]
        if stamp[at] == turn:
            return np.empty(0, np.int64)
        first.append(at)
    path = np.array(first, dtype=np.int64)
    path[:n] = path[:n][::-1].copy()
    return path


@njit(cache=True)
def _length_m(path, x_m, y_m):
    metres = 0.0
    for i in range(1, len(path)):
        metres += np.hypot(x_m[path[i]] - x_m[path[i - 1]], y_m[path[i]] - y_m[path[i - 1]])
    return metres
