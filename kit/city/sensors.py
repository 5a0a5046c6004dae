"""The sensors of the three exposures, put where such systems put them.

The register's cameras follow traffic. How often a sensor is passed should fall off with its rank about as
rank ** -0.7, and a day should hold few passages a person; so street cameras are matched to that curve over the whole
range of busy and quiet streets, instead of crowding on the busiest.
"""

import numpy as np
import pandas as pd
import shapely
from scipy.spatial import cKDTree

from kit.city import ground, sites
from kit.city.noding import AVENUE, BRIDGE, LANE, STREET

STREET_CAMERAS = 650
GATE_CAMERAS = {"transit": 70, "retail": 70, "office": 50, "hotel": 35, "clinic": 30, "worship": 25, "school": 25,
                "residential": 25, "police": 10, "other": 10}
POPULARITY = 0.7
BUSIEST_SHARE = 0.051  # of all trips, at the busiest street camera; sets how many sensors a trip passes
CHECKPOINTS, PLATE_READERS, CELLS = 24, 60, 40
COLUMNS = ("sensor_id", "exposure", "kind", "place_class", "zone_id", "x_m", "y_m", "lon", "lat", "name", "edge",
           "place", "entrance", "gate", "spot", "facing_deg", "range_m", "indoor")
_STREET_WORD = {AVENUE: "Avenue", STREET: "Street", LANE: "Lane", BRIDGE: "Bridge"}


def make_sensors(streets, layout, routes, places, seed):
    """All sensors: 1,000 of the register, 55 of the community, 144 sites of the fusion.

    Returns
    -------
    pandas.DataFrame
        sensor_id, exposure, kind, place_class, zone_id, x_m, y_m, lon, lat, name, edge (passing along it is seen, or
        -1), place (arriving or leaving is seen, or -1), entrance, gate, spot, facing_deg, range_m, indoor.
    """
    rng = np.random.default_rng(seed)
    start, end = sites.sample_trips(places, 60_000, rng)
    node = places["node"].to_numpy()
    _, edge = sites.edges_of_trips(routes, node[start], node[end])
    flow = np.bincount(edge, minlength=len(streets.u)) / len(start)
    rows = [*_register(streets, places, flow, rng), *_community(streets, layout, places),
            *_fusion(streets, places, flow, rng)]
    sensors = pd.DataFrame(rows).reindex(columns=[c for c in COLUMNS if c not in ("lon", "lat")])
    sensors[["x_m", "y_m"]] = sensors[["x_m", "y_m"]].round(1)
    sensors["lon"], sensors["lat"] = ground.plane_to_degrees(sensors["x_m"].to_numpy(), sensors["y_m"].to_numpy())
    for column, empty in (("entrance", ""), ("gate", ""), ("spot", ""), ("indoor", False), ("facing_deg", 0.0)):
        sensors[column] = sensors[column].where(sensors[column].notna(), empty)
    types = {"edge": np.int32, "place": np.int32, "indoor": bool, "facing_deg": float, "range_m": float}
    return sensors.fillna({"edge": -1, "place": -1}).astype(types)[list(COLUMNS)]


def _register(streets, places, flow, rng):
    rows = []
    for place_class, count in GATE_CAMERAS.items():
        for i, place in enumerate(_gates(places, place_class, count, rng), start=1):
            rows.append(_at_place(places, place, f"{place_class.capitalize()} gate {'NESW'[i % 4]}{i}",
                                  place_class=place_class, facing_deg=float(rng.integers(0, 360))))
    notable = places[~places["place_class"].isin(["industry", "leisure", "other", "residential"])]
    tree, classes = cKDTree(notable[["x_m", "y_m"]]), notable["place_class"].to_numpy()
    for i, edge in enumerate(_watched_edges(streets, places, flow, rng), start=1):
        row = _on_edge(streets, edge, rng)
        far_m, near = tree.query((row["x_m"], row["y_m"]))
        row["place_class"] = str(classes[near]) if far_m < 45 else "other"
        row["name"] = f"{_STREET_WORD[int(streets.kind[edge])]} camera {i}"
        rows.append(row)
    order = rng.permutation(len(rows))
    return [{**rows[j], "sensor_id": f"T{i:04d}", "exposure": "register", "kind": "camera",
             "range_m": float(rng.integers(8, 26))} for i, j in enumerate(order, start=1)]


def _gates(places, place_class, count, rng):
    """Places of a class that have a camera at the gate: the larger, the likelier."""
    of_class = places.index[(places["place_class"] == place_class) & (places["entrance"] == "")].to_numpy()
    if place_class == "other":
        of_class = of_class[:-sites.FUEL_STATIONS]
    weight = places["weight"].to_numpy(dtype=float)[of_class]
    wait = np.round(-np.log(1 - rng.random(len(of_class))) / weight**1.2, 9)
    return np.sort(of_class[np.argsort(wait, kind="stable")[:count]])


def _watched_edges(streets, places, flow, rng):
    """One edge for each rank of the wished popularity curve: the free edge whose traffic comes nearest.

    Where two serve alike, the denser quarter gets the camera; where hardly anybody lives, nobody puts one.
    """
    mid = np.c_[(streets.x_m[streets.u] + streets.x_m[streets.v]) / 2,
                (streets.y_m[streets.u] + streets.y_m[streets.v]) / 2]
    around = cKDTree(places[["x_m", "y_m"]]).query_ball_point(mid, 250, return_length=True)
    usable = np.flatnonzero((streets.kind != LANE) & (flow > 0) & (streets.length_m > 40) & (around > 9))
    tree, free, chosen = cKDTree(mid[usable]), np.ones(len(usable), dtype=bool), []
    dense = ground.density(*mid[usable].T)
    taste = np.round(rng.uniform(0, 0.08, len(usable)) - 0.04 * dense, 6)
    for rank in range(1, STREET_CAMERAS + 1):
        wished = BUSIEST_SHARE * rank**-POPULARITY
        miss = np.round(np.abs(np.log(flow[usable] / wished)), 6) + taste
        best = int(np.argmin(np.where(free, miss, np.inf)))
        chosen.append(int(usable[best]))
        free[tree.query_ball_point(mid[usable[best]], 260 - 120 * min(1.0, dense[best]))] = False
    return sorted(chosen)


def _on_edge(streets, edge, rng):
    u, v, along = streets.u[edge], streets.v[edge], rng.integers(30, 71) / 100
    dx, dy = streets.x_m[v] - streets.x_m[u], streets.y_m[v] - streets.y_m[u]
    x_m, y_m = streets.x_m[u] + along * dx, streets.y_m[u] + along * dy
    return {"x_m": x_m, "y_m": y_m, "edge": edge, "zone_id": ground.DISTRICT_SEEDS[streets.district[u]][0],
            "facing_deg": float(np.round(np.degrees(np.arctan2(dx, dy)) % 360))}


def _at_place(places, place, name, **more):
    at = places.iloc[place]
    return {"x_m": at["x_m"], "y_m": at["y_m"], "place": place, "zone_id": at["district"], "name": name, **more}


def _community(streets, layout, places):
    """Two estates: a camera in each lift and at each door's lane, two at each gate, two playgrounds; sniffers."""
    rows, doors = [], places[places["entrance"] != ""]
    for estate in layout.estates:
        letter = estate.name[-1]
        own = doors[doors["entrance"].str.startswith(letter)]
        spots = [*_lifts(own), *_lanes(streets, estate, own), *_estate_gates(streets, estate, own, letter),
                 *_playgrounds(streets, estate, letter)]
        rows += [{**s, "sensor_id": f"CAM-{letter}-{i:02d}", "kind": "camera"} for i, s in enumerate(spots, start=1)]
        lanes = [s for s in spots if s["spot"] == "lane"][:6 if letter == "A" else 5]
        gates = [s for s in spots if s["spot"] == "gate"][::2]
        rows += [{**s, "sensor_id": f"WIFI-{letter}-{i:02d}", "kind": "wifi", "spot": "sniffer", "range_m": 35.0,
                  "name": s["name"].replace("camera", "sniffer")} for i, s in enumerate([*gates, *lanes], start=1)]
    return [{"exposure": "community", "place_class": "residential", **row} for row in rows]


def _lifts(doors):
    for at in doors.itertuples():
        yield {"x_m": at.x_m, "y_m": at.y_m, "place": at.place_id, "zone_id": at.entrance, "entrance": at.entrance,
               "spot": "lift", "indoor": True, "range_m": 3.0, "name": f"Lift camera {at.entrance}"}


def _lanes(streets, estate, doors):
    for stub, at in zip(estate.stubs, doors.itertuples(), strict=True):
        edge, (x_m, y_m) = _edge_under(streets, stub)
        yield {"x_m": x_m, "y_m": y_m, "edge": edge, "zone_id": at.entrance, "entrance": at.entrance, "spot": "lane",
               "range_m": 15.0, "facing_deg": _bearing(stub), "name": f"Lane camera {at.entrance}"}


def _estate_gates(streets, estate, doors, letter):
    for i, gate in enumerate(estate.gates, start=1):
        edge, (x_m, y_m) = _edge_under(streets, gate)
        for way, turn in (("in", 0), ("out", 180)):
            yield {"x_m": x_m, "y_m": y_m, "edge": edge, "zone_id": f"{letter}-gate-{i}", "gate": f"{letter}-gate-{i}",
                   "spot": "gate", "range_m": 12.0, "facing_deg": (_bearing(gate) + turn) % 360,
                   "name": f"Gate {letter}{i} camera {way}"}


def _playgrounds(streets, estate, letter):
    middle = len(estate.spine) // 2
    for i, spine in enumerate((estate.spine[middle - 1], estate.spine[middle]), start=1):
        edge, (x_m, y_m) = _edge_under(streets, spine)
        yield {"x_m": x_m, "y_m": y_m, "edge": edge, "zone_id": f"{letter}-play-{i}", "spot": "playground",
               "range_m": 20.0, "facing_deg": _bearing(spine), "name": f"Playground camera {letter}{i}"}


def _edge_under(streets, line):
    """The edge that runs along a line, and its middle."""
    mid = line.interpolate(0.5, normalized=True)
    x_m, y_m = ((a[streets.u] + a[streets.v]) / 2 for a in (streets.x_m, streets.y_m))
    edge = int(np.argmin(np.hypot(x_m - mid.x, y_m - mid.y)))
    return edge, (x_m[edge], y_m[edge])


def _bearing(line):
    (ax, ay), (bx, by) = line.coords[0], line.coords[-1]
    return float(np.round(np.degrees(np.arctan2(bx - ax, by - ay)) % 360))


def _fusion(streets, places, flow, rng):
    taken = set()
    rows = []
    border = streets.district[streets.u] != streets.district[streets.v]
    gates = _spread(streets, np.where(streets.kind == BRIDGE, 10 + flow, np.where(border, flow, 0)), CHECKPOINTS, 500,
                    taken)
    readers = _spread(streets, np.where(streets.kind == AVENUE, flow, 0), PLATE_READERS, 900, taken)
    for i, edge in enumerate(gates, start=1):
        rows.append({**_on_edge(streets, edge, rng), "sensor_id": f"G-{i:02d}", "kind": "checkpoint",
                     "range_m": 6.0, "name": f"Checkpoint {i}"})
    for i, edge in enumerate(readers, start=1):
        rows.append({**_on_edge(streets, edge, rng), "sensor_id": f"PR-{i:02d}", "kind": "plate_reader",
                     "range_m": 25.0, "name": f"Plate reader {i}"})
    fuel = places.index[places["place_class"] == "other"][-sites.FUEL_STATIONS:]
    for i, place in enumerate(fuel, start=1):
        rows.append(_at_place(places, place, f"Fuel station {i}", sensor_id=f"F-{i:02d}", kind="pump", range_m=5.0))
    for i, (x_m, y_m) in enumerate(_cell_sites(rng), start=1):
        zone = ground.DISTRICT_SEEDS[int(ground.district_of(shapely.points([[x_m, y_m]]))[0])][0]
        rows.append({"x_m": x_m, "y_m": y_m, "zone_id": zone, "sensor_id": f"C-{i:03d}", "kind": "cell",
                     "range_m": 1_600.0, "name": f"Cell mast {i}"})
    return [{"exposure": "fusion", "place_class": "other", **row} for row in rows]


def _spread(streets, worth, count, apart_m, taken):
    """The worthiest edges, none within `apart_m` of another chosen here and none taken before."""
    mid = np.c_[(streets.x_m[streets.u] + streets.x_m[streets.v]) / 2,
                (streets.y_m[streets.u] + streets.y_m[streets.v]) / 2]
    chosen = []
    for edge in np.lexsort((np.arange(len(worth)), -np.round(worth, 9))):
        far = all(np.hypot(*(mid[edge] - mid[c])) > apart_m for c in chosen)
        if worth[edge] > 0 and far and edge not in taken:
            chosen.append(int(edge))
            taken.add(int(edge))
        if len(chosen) == count:
            break
    return sorted(chosen, key=lambda e: (-mid[e, 1].round(-3), mid[e, 0]))


def _cell_sites(rng):
    """A jittered hexagonal grid over the land, thinned to the wished number from its rim."""
    step = 2_750.0
    found = []
    for row, y in enumerate(np.arange(1_200, ground.SIDE_M, step * 0.87)):
        for x in np.arange(1_200 + (row % 2) * step / 2, ground.SIDE_M, step):
            spot = (x + rng.integers(-450, 451), y + rng.integers(-450, 451))
            if ground.land().contains(shapely.Point(spot)):
                found.append(spot)
    found.sort(key=lambda p: (p[0] - ground.CENTRE[0]) ** 2 + (p[1] - ground.CENTRE[1]) ** 2)
    return sorted(found[:CELLS], key=lambda p: (-round(p[1], -3), p[0]))
