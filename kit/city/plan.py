"""Port Nemo as one plan: streets, routes, places and sensors, and the GeoJSON files that maps are drawn from.

`make_plan()` draws the same city every time: a seed given to the rest of `kit.city` changes people, days and the
faults of sensors, never the streets.
"""

from dataclasses import dataclass
from functools import cache

import geopandas as gpd
import pandas as pd

from kit.city import areas
from kit.city.noding import STREET_KINDS
from kit.city.routes import Routes, make_routes
from kit.city.sensors import make_sensors
from kit.city.sites import make_places
from kit.city.streets import SEED, Streets, make_streets

__all__ = ["STREET_KINDS", "Plan", "Routes", "Streets", "make_plan", "streets_frame", "write_geography"]


@dataclass(frozen=True)
class Plan:
    """The fixed city: everything that people and detection need to know of it."""

    streets: Streets
    routes: Routes
    places: pd.DataFrame
    sensors: pd.DataFrame
    blocks: gpd.GeoDataFrame
    districts: gpd.GeoDataFrame
    water: gpd.GeoDataFrame


@cache
def make_plan():
    """Draw Port Nemo; the first call takes seconds, later ones return the same object.

    Returns
    -------
    Plan

    >>> plan = make_plan()
    >>> len(plan.sensors.query("exposure == 'register'"))
    1000
    """
    streets, layout = make_streets()
    routes = make_routes(streets)
    places = make_places(streets, layout, SEED + 1)
    sensors = make_sensors(streets, layout, routes, places, SEED + 2)
    return Plan(streets, routes, places, sensors, areas.blocks_frame(layout), areas.districts_frame(layout),
                areas.water_frame())


def streets_frame(plan):
    """Streets as lines for maps and graphs.

    Parameters
    ----------
    plan : Plan

    Returns
    -------
    geopandas.GeoDataFrame
        street_id, kind, length_m, speed_kmh, u, v, nodes, geometry (LineString, EPSG:4326). A line runs through all
        its junctions: `nodes` lists them, space-separated, one for each vertex; each consecutive pair is an edge of
        the graph, and `u`, `v` are the first and the last.
    """
    return areas.streets_frame(plan.streets)


def write_geography(out, plan):
    """Write streets.geojson, blocks.geojson, districts.geojson and water.geojson into the folder `out`.

    Coordinates have 6 decimals (about 0.1 m); the same plan gives the same bytes.
    """
    out.mkdir(parents=True, exist_ok=True)
    frames = {"streets": streets_frame(plan), "blocks": plan.blocks, "districts": plan.districts, "water": plan.water}
    for name, frame in frames.items():
        (out / f"{name}.geojson").write_text(areas.geojson(frame), encoding="utf-8", newline="\n")
