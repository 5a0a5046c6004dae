"""Port Nemo's areas and lines as GeoDataFrames and as GeoJSON text that is the same byte for byte."""

import json

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from kit.city import ground
from kit.city.noding import STREET_KINDS

WGS84 = "EPSG:4326"
PAVEMENT_M = 9.0
WATER_NAMES = {"bay": "Nil Bay", "river": "The Lull"}


def blocks_frame(layout):
    """Neighbourhoods, drawn back from their streets: block_id, use (built, harbour, green), district, geometry."""
    shapes, names = layout.neighbourhoods, _district_names(layout)
    drawn = shapely.simplify(shapely.buffer(shapes, -PAVEMENT_M, join_style="mitre"), 6)
    use = np.where(layout.green, "green", np.where(names == "Cinder Wharf", "harbour", "built"))
    keep = shapely.area(drawn) > 4_000
    return _frame({"block_id": np.arange(keep.sum()), "use": use[keep], "district": names[keep]}, drawn[keep])


def districts_frame(layout):
    """The districts: district, area_km2, geometry."""
    shapes, names = layout.neighbourhoods, _district_names(layout)
    joined = {name: shapely.union_all(shapely.buffer(shapes[names == name], 2, join_style="mitre"))
              for name in sorted(set(names))}
    outlines = np.array([shapely.simplify(_filled(s), 12) for s in joined.values()], dtype=object)
    return _frame({"district": list(joined), "area_km2": np.round(shapely.area(outlines) / 1e6, 2)}, outlines)


def water_frame():
    """Bay and river: kind, name, geometry."""
    shapes = ground.water()
    return _frame({"kind": list(shapes), "name": [WATER_NAMES[k] for k in shapes]},
                  np.array([shapely.simplify(s, 4) for s in shapes.values()], dtype=object))


def streets_frame(streets):
    """Edges joined into long lines of one kind and speed that run as straight as they can through junctions."""
    chains = _chains(streets)
    rows = []
    for nodes, edges in chains:
        kind = STREET_KINDS[streets.kind[edges[0]]]
        rows.append((kind, round(float(streets.length_m[edges].sum(dtype=float)), 1),
                     round(float(streets.speed_ms[edges[0]]) * 3.6, 1), nodes[0], nodes[-1], " ".join(map(str, nodes))))
    lines = [shapely.linestrings(np.c_[streets.x_m[nodes], streets.y_m[nodes]]) for nodes, _ in chains]
    table = pd.DataFrame(rows, columns=["kind", "length_m", "speed_kmh", "u", "v", "nodes"])
    table.insert(0, "street_id", np.arange(len(table)))
    return _frame(table, np.array(lines, dtype=object))


def geojson(frame):
    """A frame as GeoJSON text, one feature a line, longitude first; coordinates as they stand (6 decimals)."""
    columns = [c for c in frame.columns if c != "geometry"]
    lines = []
    for row, shape in zip(frame[columns].itertuples(index=False), frame.geometry, strict=True):
        properties = {c: v.item() if hasattr(v, "item") else v for c, v in zip(columns, row, strict=True)}
        geometry = json.loads(shapely.to_geojson(shape))
        feature = {"type": "Feature", "properties": properties, "geometry": geometry}
        lines.append(json.dumps(feature, ensure_ascii=False, separators=(",", ":")))
    return '{"type":"FeatureCollection","features":[\n' + ",\n".join(lines) + "\n]}\n"


def _chains(streets):
    """Lists of (nodes, edges): at each junction an edge goes on into the straightest free one of its own sort."""
    partner = _partners(streets)
    seen, chains = np.zeros(len(streets.u), dtype=bool), []
    ends = [(e, n) for e in range(len(streets.u)) for n in (int(streets.u[e]), int(streets.v[e]))]
    for first_end in (True, False):
        for edge, node in ends:
            if seen[edge] or (first_end and (edge, node) in partner):
                continue
            nodes, edges = [node], []
            while edge is not None and not seen[edge]:
                seen[edge] = True
                edges.append(edge)
                node = int(streets.u[edge] + streets.v[edge] - node)
                nodes.append(node)
                edge = partner.get((edge, node))
            chains.append((nodes, edges))
    return chains


def _partners(streets, widest_deg=40.0):
    at = {}
    for edge in range(len(streets.u)):
        for node, other in ((streets.u[edge], streets.v[edge]), (streets.v[edge], streets.u[edge])):
            turn = np.arctan2(streets.y_m[other] - streets.y_m[node], streets.x_m[other] - streets.x_m[node])
            at.setdefault(int(node), []).append((edge, float(turn), (streets.kind[edge], streets.speed_ms[edge])))
    partner = {}
    for node, arms in at.items():
        pairs = sorted((round(abs(abs(np.degrees(a[1] - b[1])) - 180), 3), a[0], b[0])
                       for i, a in enumerate(arms) for b in arms[i + 1:] if a[2] == b[2])
        for bend, a, b in pairs:
            if bend < widest_deg and (a, node) not in partner and (b, node) not in partner:
                partner[a, node], partner[b, node] = b, a
    return partner


def _district_names(layout):
    return np.array([name for name, _, _ in ground.DISTRICT_SEEDS])[layout.district]


def _filled(shape):
    parts = [shapely.Polygon(p.exterior) for p in shapely.get_parts(shape) if p.area > 150_000]
    return parts[0] if len(parts) == 1 else shapely.multipolygons(parts)


def _frame(table, shapes):
    """Shapes on the city plane as a frame in degrees; rings run counter-clockwise, lines as they were drawn."""
    if shapely.area(shapes).any():
        shapes = shapely.orient_polygons(shapely.normalize(shapes))
    return gpd.GeoDataFrame(table, geometry=[_degrees(s) for s in shapes], crs=WGS84)


def _degrees(shape):
    def turn(xy):
        return np.round(np.column_stack(ground.plane_to_degrees(*xy.T)), 6)

    return shapely.transform(shape, turn)
