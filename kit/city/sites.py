"""What stands in Port Nemo: buildings by class along its streets, and the traffic that they draw.

Buildings line the streets a few metres off the kerb. Homes and jobs gather where the city is dense, industry at the
harbour, shops along avenues.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import shapely

from kit.city import ground

CLASSES = ("residential", "office", "industry", "retail", "school", "clinic", "worship", "hotel", "transit",
           "police", "leisure", "other")
FUEL_STATIONS = 20
LONGEST_FRONT_M = 700  # a building has a junction within half of this


@dataclass(frozen=True)
class Kind:
    """How a class of place is spread: how many, how strongly it seeks density, the streets it likes, its size."""

    count: int
    density_power: float
    street_taste: tuple  # avenue, street, lane, bridge
    median_weight: float
    spread: float


KINDS = {
    "residential": Kind(20_000, 0.75, (0.5, 1.0, 1.2, 0), 38, 0.7),
    "office": Kind(3_600, 2.2, (2.2, 1.2, 0.5, 0), 70, 1.1),
    "industry": Kind(750, 0, (0.8, 1.2, 1.0, 0), 110, 0.9),
    "retail": Kind(4_200, 1.2, (4.0, 1.3, 0.3, 0), 60, 1.0),
    "school": Kind(420, 0.6, (0.3, 1.2, 1.0, 0), 620, 0.4),
    "clinic": Kind(320, 0.8, (1.5, 1.2, 0.5, 0), 90, 0.9),
    "worship": Kind(260, 0.6, (0.6, 1.2, 0.8, 0), 80, 0.6),
    "hotel": Kind(240, 1.8, (2.5, 1.2, 0.4, 0), 90, 0.7),
    "transit": Kind(170, 0.7, (1.0, 0.15, 0, 0), 900, 0.8),
    "police": Kind(48, 0.4, (1.2, 1.2, 0.2, 0), 60, 0.3),
    "leisure": Kind(900, 1.1, (1.2, 1.2, 0.6, 0), 70, 0.9),
    "other": Kind(1_100, 0.7, (1.2, 1.0, 0.6, 0), 25, 0.8),
}


def make_places(streets, layout, seed):
    """All places of the city: the 14 estate entrances first, then class by class.

    Returns
    -------
    pandas.DataFrame
        place_id, place_class, node, x_m, y_m, lon, lat, district, weight (dwellings for homes, else jobs and
        visitors), entrance ("A-05", or empty outside the estates). The last 20 of class `other` are fuel stations.
    """
    rng = np.random.default_rng(seed)
    parts = [_entrances(streets, layout.estates)]
    parts += [_line_streets(streets, layout, place_class, kind, rng) for place_class, kind in KINDS.items()]
    places = pd.concat(parts, ignore_index=True)
    names = np.array([s[0] for s in ground.DISTRICT_SEEDS])
    lon, lat = ground.plane_to_degrees(places["x_m"].to_numpy(), places["y_m"].to_numpy())
    return pd.DataFrame({
        "place_id": np.arange(len(places), dtype=np.int32), "place_class": places["place_class"],
        "node": places["node"].astype(np.int32), "x_m": places["x_m"], "y_m": places["y_m"], "lon": lon, "lat": lat,
        "district": names[streets.district[places["node"]]], "weight": places["weight"].astype(np.float32),
        "entrance": places["entrance"]})


def pick(weights, count, rng):
    """Indices drawn with replacement in proportion to weights, decided on whole numbers."""
    ladder = np.cumsum(np.round(np.asarray(weights, dtype=float) * 1_000).astype(np.int64))
    return np.searchsorted(ladder, rng.integers(0, ladder[-1], count), side="right")


def _entrances(streets, estates):
    rows = []
    for estate in estates:
        letter = estate.name[-1]
        for i, door in enumerate(estate.doors, start=1):
            node = int(np.argmin(np.hypot(streets.x_m - door.x, streets.y_m - door.y)))
            rows.append(("residential", node, streets.x_m[node], streets.y_m[node], 16.0, f"{letter}-{i:02d}"))
    return pd.DataFrame(rows, columns=["place_class", "node", "x_m", "y_m", "weight", "entrance"])


def _line_streets(streets, layout, place_class, kind, rng):
    mid_x, mid_y = ((a[streets.u] + a[streets.v]) / 2 for a in (streets.x_m, streets.y_m))
    taste = np.array(kind.street_taste)[streets.kind]
    likes = streets.length_m * taste * ground.density(mid_x, mid_y) ** kind.density_power
    likes = likes * (streets.speed_ms > 2) * (streets.length_m < LONGEST_FRONT_M)
    if place_class == "industry":
        likes = likes * _harbour(streets, mid_x, mid_y)
    edge = pick(likes, kind.count, rng)
    along = rng.integers(8, 93, kind.count) / 100
    side = rng.integers(11, 27, kind.count) * np.where(rng.random(kind.count) < 0.5, -1, 1)
    u, v = streets.u[edge], streets.v[edge]
    dx, dy = streets.x_m[v] - streets.x_m[u], streets.y_m[v] - streets.y_m[u]
    length = np.hypot(dx, dy)
    x_m = np.round(streets.x_m[u] + along * dx - side * dy / length, 1)
    y_m = np.round(streets.y_m[u] + along * dy + side * dx / length, 1)
    bulk = ground.density(x_m, y_m) ** (0.45 if place_class in ("residential", "office") else 0.15)
    weight = np.maximum(1, np.round(kind.median_weight * 1.5 * bulk * rng.lognormal(0, kind.spread, kind.count), 0))
    places = pd.DataFrame({"place_class": place_class, "node": np.where(along < 0.5, u, v), "x_m": x_m, "y_m": y_m,
                           "weight": weight, "entrance": ""})
    barred = shapely.union_all([*(e.wall for e in layout.estates), *ground.water().values()])
    return places[~shapely.intersects_xy(barred, x_m, y_m)]


def _harbour(streets, x_m, y_m):
    bay = ground.water()["bay"]
    shore_m = shapely.distance(bay, shapely.points(x_m, y_m))
    names = [s[0] for s in ground.DISTRICT_SEEDS]
    favour = np.array([{"Cinder Wharf": 8.0, "Saltpan": 3.0, "Northlock": 2.0}.get(n, 0.15) for n in names])
    return favour[streets.district[streets.u]] * (0.4 + np.exp(-shore_m / 1_800))


def sample_trips(places, count, rng, reach_m=4_500.0):
    """Pairs (home, elsewhere) of place ids, nearer places likelier: the traffic that cameras are put up for."""
    homes = places.index[places["place_class"] == "residential"].to_numpy()
    others = places.index[places["place_class"] != "residential"].to_numpy()
    weight = places["weight"].to_numpy(dtype=float)
    start = homes[pick(weight[homes], count, rng)]
    end = np.full(count, -1)
    x_m, y_m = places["x_m"].to_numpy(), places["y_m"].to_numpy()
    for last in (*[False] * 11, True):
        offer = others[pick(weight[others], count, rng)]
        far_m = np.hypot(x_m[start] - x_m[offer], y_m[start] - y_m[offer])
        taken = (end < 0) & (last | (np.round(np.exp(-far_m / reach_m), 6) > np.round(rng.random(count), 6)))
        end[taken] = offer[taken]
    return start, end


def edges_of_trips(routes, start_node, end_node):
    """Edges that trips run along, and which trip each belongs to: (trip, edge), both flat arrays."""
    n = len(routes.hub_node)
    a, b = routes.hub_of_node[start_node], routes.hub_of_node[end_node]
    legs = ((routes.access_ptr, routes.access_edge, start_node), (routes.route_ptr, routes.route_edge,
            a.astype(np.int64) * n + b), (routes.access_ptr, routes.access_edge, end_node))
    trips, edges = [], []
    for ptr, edge, run in legs:
        length = ptr[run + 1] - ptr[run]
        trip = np.repeat(np.arange(len(run)), length)
        step = np.arange(len(trip)) - np.repeat(np.cumsum(length) - length, length)
        trips.append(trip)
        edges.append(edge[ptr[run][trip] + step])
    return np.concatenate(trips), np.concatenate(edges)


