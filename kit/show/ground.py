"""The ground under every map: water, streets and districts of a base map, and the boxes that frame them."""

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from matplotlib.patches import PathPatch
from matplotlib.path import Path

from kit import geo
from kit.show import theme
from kit.show.theme import SMALL_PT

STREET_WIDTH = {"avenue": 0.9, "bridge": 0.9, "street": 0.45, "lane": 0.2}


def outlines(sensors, names, margin_m=120):
    """Outlines round groups of sensors, for example of the two estates.

    Parameters
    ----------
    sensors : geopandas.GeoDataFrame
        The sensors table.
    names : sequence of str
        The group of each sensor; null for none.
    margin_m : float, default 120
        Space between the outermost sensors and the outline, metres.

    Returns
    -------
    geopandas.GeoDataFrame
        name, geometry (EPSG:4326).
    """
    plane = geo.local_plane(*sensors.geometry.union_all().centroid.coords[0])
    drawn = {}
    for name, group in sensors.groupby(pd.Series(np.asarray(names), index=sensors.index).astype(object)):
        metres = np.column_stack(plane.to_plane(group.geometry.x.to_numpy(), group.geometry.y.to_numpy()))
        round_them = shapely.buffer(shapely.MultiPoint(metres).convex_hull, margin_m, quad_segs=4)
        drawn[name] = shapely.transform(round_them, lambda xy: np.round(np.column_stack(plane.to_degrees(*xy.T)), 6))
    return gpd.GeoDataFrame({"name": list(drawn)}, geometry=list(drawn.values()), crs="EPSG:4326")


def draw_ground(axes, basemap, palette, box):
    """Water and streets within a box of (west, south, east, north) degrees."""
    west, south, east, north = box
    axes.set_facecolor(palette["ground"])
    axes.set(xlim=(west, east), ylim=(south, north), xticks=[], yticks=[])
    axes.set_aspect(1 / np.cos(np.radians((south + north) / 2)))
    axes.spines[:].set_visible(False)
    frame = shapely.box(*box)
    water = basemap.get("water")
    if water is not None:
        for polygon in polygons([shapely.intersection(water_beyond(water), frame)]):
            axes.add_patch(PathPatch(polygon_path(polygon), facecolor=palette["water"], zorder=0))
    streets = basemap.get("streets")
    if streets is not None:
        near = streets[streets.intersects(frame)]
        kinds = near["kind"].astype(str) if "kind" in near else pd.Series("street", index=near.index)
        for kind in sorted(set(kinds), key=lambda k: STREET_WIDTH.get(k, 0.3)):
            path = street_path(near[kinds == kind], (north - south) / 3000)
            axes.add_patch(PathPatch(path, fill=False, edgecolor=palette["street"], zorder=1,
                                     linewidth=STREET_WIDTH.get(kind, 0.3)))
    return axes


def name_districts(axes, basemap, palette):
    districts = basemap.get("districts")
    if districts is None:
        return
    names = districts["district" if "district" in districts else "name"]
    for name, point in zip(names, districts.representative_point(), strict=True):
        axes.text(point.x, point.y, theme.clean(name, 30).upper(), color=palette["muted"], alpha=0.75, fontsize=6.5,
                  ha="center", va="center", zorder=2, clip_on=True)


def scale_bar(axes, box, palette):
    """A bar of a round length in the lower right corner."""
    metres_across = (box[2] - box[0]) * 111_320 * np.cos(np.radians((box[1] + box[3]) / 2))
    length_m = max(m for m in (50, 100, 200, 500, 1000, 2000, 5000, 10_000) if m <= max(metres_across / 4, 50))
    share = length_m / metres_across
    axes.plot([0.97 - share, 0.97], [0.03, 0.03], color=palette["ink"], linewidth=2, transform=axes.transAxes, zorder=7,
              solid_capstyle="butt")
    text = f"{length_m} m" if length_m < 1000 else f"{length_m // 1000} km"
    axes.text(0.97 - share / 2, 0.04, text, color=palette["ink"], transform=axes.transAxes, ha="center", va="bottom",
              fontsize=SMALL_PT, zorder=7)


def water_beyond(water, further_deg=0.6, cut=0.05):
    """The layer's water as one shape, drawn on beyond its own bounds where it was cut off: a sea has no straight edge.

    A side counts as cut off where water lies along more than a twentieth of it.
    """
    shape = shapely.union_all(water.geometry.to_numpy())
    for axis in (0, 1):
        for outward in (-1, 1):
            shape = shapely.union_all([shape, *_drawn_on(shape, axis, outward, further_deg, cut)])
    return shape


def _drawn_on(shape, axis, outward, further_deg, cut):
    """A box beyond one side of a shape's bounds for each stretch along which the shape reaches that side."""
    low, high = np.reshape(shape.bounds, (2, 2))
    strip, thin = np.array([low, high]), (high - low)[axis] * 0.004
    strip[0 if outward > 0 else 1, axis] = high[axis] - thin if outward > 0 else low[axis] + thin
    for part in shapely.get_parts(shapely.intersection(shape, shapely.box(*strip.ravel()))):
        beyond = np.reshape(part.bounds, (2, 2))
        if (beyond[1] - beyond[0])[1 - axis] >= cut * (high - low)[1 - axis]:
            beyond[1 if outward > 0 else 0, axis] += outward * further_deg
            yield shapely.box(*beyond.ravel())


def street_path(streets, tolerance_deg=0.0):
    """All lines of a layer as one drawable path, simplified, positions to about a metre."""
    merged = shapely.get_parts(shapely.simplify(streets.geometry.to_numpy(), tolerance_deg))
    lines = [np.round(shapely.get_coordinates(line), 5) for line in merged]
    codes = [[Path.MOVETO] + [Path.LINETO] * (len(line) - 1) for line in lines]
    return Path(np.concatenate(lines), np.concatenate(codes))


def extent_of(stops):
    """(west, south, east, north) of the stops."""
    return stops["lon"].min(), stops["lat"].min(), stops["lon"].max(), stops["lat"].max()


def bounds_around(bounds, margin, least=0.0):
    """Bounds widened by a share of their larger side, and to at least some degrees of latitude."""
    west, south, east, north = bounds
    side = max(east - west, north - south, least)
    middle_lon, middle_lat = (west + east) / 2, (south + north) / 2
    half_lon, half_lat = (max(east - west, least) / 2 + side * margin, max(north - south, least) / 2 + side * margin)
    return middle_lon - half_lon, middle_lat - half_lat, middle_lon + half_lon, middle_lat + half_lat


def ratio_of(box):
    """Width over height on the ground."""
    return (box[2] - box[0]) * np.cos(np.radians((box[1] + box[3]) / 2)) / (box[3] - box[1])


def shaped(box, ratio):
    """The box widened or heightened to a ratio of width to height on the ground."""
    west, south, east, north = box
    wide, high = max(1, ratio / ratio_of(box)), max(1, ratio_of(box) / ratio)
    half_lon, half_lat = (east - west) / 2 * wide, (north - south) / 2 * high
    return (west + east) / 2 - half_lon, (south + north) / 2 - half_lat, (west + east) / 2 + half_lon, \
        (south + north) / 2 + half_lat


def polygons(shapes):
    return [part for shape in shapes for part in shapely.get_parts(shape)
            if part.geom_type == "Polygon" and not part.is_empty]


def polygon_path(polygon):
    return Path.make_compound_path(*[Path(shapely.get_coordinates(ring), closed=True)
                                     for ring in (polygon.exterior, *polygon.interiors)])
