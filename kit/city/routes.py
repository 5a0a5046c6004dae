"""Fastest routes of Port Nemo between a bounded set of hubs, computed once and looked up ever after.

A trip walks from its junction to the nearest hub, along a stored route to the hub nearest its end, and from there to
its last junction. Ties are broken by a fixed fraction of a millisecond for each edge, so a route never depends on
the order in which a queue was served.
"""

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra
from scipy.spatial import cKDTree

from kit.city import ground
from kit.city.noding import AVENUE, BRIDGE

OUT_OF_USE = 9


@dataclass(frozen=True)
class Routes:
    """Routes as runs of edge numbers: one run from each junction to its hub, one for each ordered pair of hubs."""

    hub_node: np.ndarray
    hub_of_node: np.ndarray
    access_ptr: np.ndarray
    access_edge: np.ndarray
    route_ptr: np.ndarray
    route_edge: np.ndarray


def make_routes(streets):
    """Compute hubs, access runs and hub-to-hub routes of a street graph.

    Parameters
    ----------
    streets : Streets

    Returns
    -------
    Routes
        Route a -> b is run `a * n_hubs + b`; reversed it is b -> a; the run of a hub to itself is empty.
    """
    n = len(streets.x_m)
    time_ms = np.round(1_000 * streets.length_m.astype(np.float64) / streets.speed_ms.astype(np.float64), 0)
    time_ms += (np.arange(len(time_ms), dtype=np.int64) * 2_654_435_761 % 65_536) / 131_072
    graph = csr_array((np.r_[time_ms, time_ms], (np.r_[streets.u, streets.v], np.r_[streets.v, streets.u])), (n, n))
    edge_at = _edge_lookup(streets, n)
    hubs = _hubs(streets)
    hub_of_node, access_ptr, access_edge = _access(graph, hubs, edge_at)
    route_ptr, route_edge = _between(graph, hubs, edge_at)
    return Routes(hubs, hub_of_node, access_ptr, access_edge, route_ptr, route_edge)


def _edge_lookup(streets, n):
    key = streets.u.astype(np.int64) * n + streets.v
    order = np.argsort(key, kind="stable")
    key = key[order]

    def edge_at(a, b):
        return order[np.searchsorted(key, np.minimum(a, b).astype(np.int64) * n + np.maximum(a, b))].astype(np.int32)

    return edge_at


def _hubs(streets):
    """Junctions spread like the city: wide apart at its edge, close in its centre; avenues before streets and lanes."""
    rank = np.full(len(streets.x_m), OUT_OF_USE)
    for end in (streets.u, streets.v):
        np.minimum.at(rank, end, np.where(streets.kind == BRIDGE, AVENUE, streets.kind))
    walled = streets.speed_ms < 2
    rank[np.r_[streets.u[walled], streets.v[walled]]] = OUT_OF_USE
    degree = np.bincount(np.r_[streets.u, streets.v], minlength=len(rank))
    xy = np.c_[streets.x_m, streets.y_m]
    apart_m = 410 * ground.density(*xy.T) ** -0.42
    tree, free, hubs = cKDTree(xy), rank < OUT_OF_USE, []
    for node in np.lexsort((np.arange(len(xy)), -degree, rank)):
        if free[node]:
            hubs.append(node)
            free[tree.query_ball_point(xy[node], apart_m[node])] = False
    return np.sort(np.array(hubs, dtype=np.int32))


def _access(graph, hubs, edge_at):
    """Each junction's nearest hub by travel time, and the edges on the way there."""
    _, before, source = dijkstra(graph, indices=hubs, min_only=True, return_predecessors=True)
    steps, at = [], np.arange(graph.shape[0])
    moving = before[at] >= 0
    while moving.any():
        nodes = np.flatnonzero(moving)
        steps.append((nodes, edge_at(at[nodes], before[at[nodes]])))
        at[nodes] = before[at[nodes]]
        moving[nodes] = before[at[nodes]] >= 0
    ptr, edge = _runs(steps, graph.shape[0])
    return np.searchsorted(hubs, source).astype(np.int32), ptr, edge


def _between(graph, hubs, edge_at):
    """Fastest routes for all pairs a < b, walked back from b over the tree rooted in a, and their reversals."""
    n = len(hubs)
    _, before = dijkstra(graph, indices=hubs, return_predecessors=True)
    a, b = np.triu_indices(n, 1)
    at, steps, live = hubs[b].astype(np.int64), [], np.arange(len(a))
    while len(live):
        previous = before[a[live], at[live]]
        steps.append((live, edge_at(at[live], previous)))
        at[live] = previous
        live = live[previous != hubs[a[live]]]
    ptr, edge = _runs(steps, len(a))
    return _both_ways(ptr, edge, a, b, n)


def _runs(steps, count):
    """Steps (runs that take one, their edge), in order, as CSR."""
    length = np.zeros(count, dtype=np.int64)
    for runs, _ in steps:
        length[runs] += 1
    ptr = np.r_[0, np.cumsum(length)]
    edge = np.empty(ptr[-1], dtype=np.int32)
    for i, (runs, edges) in enumerate(steps):
        edge[ptr[runs] + i] = edges
    return ptr, edge


def _both_ways(ptr, edge, a, b, n):
    """CSR over all ordered pairs, from the runs b -> a of the pairs a < b."""
    length = np.zeros(n * n, dtype=np.int64)
    length[a * n + b] = length[b * n + a] = np.diff(ptr)
    full_ptr = np.r_[0, np.cumsum(length)]
    full = np.empty(full_ptr[-1], dtype=np.int32)
    run = np.repeat(np.arange(len(a)), np.diff(ptr))
    step = np.arange(len(edge)) - ptr[run]
    full[full_ptr[b[run] * n + a[run]] + step] = edge
    full[full_ptr[a[run] * n + b[run] + 1] - 1 - step] = edge
    return full_ptr, full
