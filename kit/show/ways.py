"""The way between two cameras: several ways are possible, a silent camera speaks, and where little is known an area.

Of an invented person it may be shown; a real one's way exists in the live kernel only, and `publish` does not take it.
"""

import numpy as np
import shapely
from matplotlib.patches import PathPatch

from kit.errors import InputError
from kit.show import ground, theme
from kit.show.theme import CONTRAST, DAY, FAINT, INK, MUTED, SMALL_PT, SUBJECT, TEXT_PT

_WIDEST_PT = 7.0


def chart_route_map(routes, edges, sensors, basemap, *, ends, seen=(), prism=None, title="", alt="", source="",
                    subtitle="", size="screen"):
    """The ways one trip may have taken: a street's width is its probability, no line is the way.

    Parameters
    ----------
    routes : geopandas.GeoDataFrame
        As `movement.infer_routes` gives it, of one trip: trip_id, rank, probability, length_m, geometry.
    edges : geopandas.GeoDataFrame
        As `movement.edge_probabilities` gives it for these routes: expected, geometry.
    sensors : geopandas.GeoDataFrame
        The sensors table: sensor_id, geometry. Those within the picture are drawn.
    basemap : dict of str to geopandas.GeoDataFrame
        As `kit.port_nemo()` returns it.
    ends : (str, str)
        The sensors at which the trip begins and ends.
    seen : iterable of str, optional
        Sensors that saw the person on the way, filled; those that stayed silent are rings.
    prism : shapely geometry, optional
        The area that could be reached at all, outlined (`movement.prism`).
    title, alt, source, subtitle, size
        As for `theme.new_figure`.

    Returns
    -------
    theme.Figure

    Raises
    ------
    InputError
        If the routes are of several trips, or an end is not among the sensors.
    """
    theme.need_columns(routes, ["trip_id", "rank", "probability", "length_m", "geometry"], "chart_route_map")
    theme.need_columns(edges, ["expected", "geometry"], "chart_route_map")
    if routes["trip_id"].nunique() > 1:
        raise InputError("chart_route_map draws one trip, but the routes are of several; choose one trip_id.")
    places = sensors.assign(name=sensors["sensor_id"].astype(str)).set_index("name").geometry
    missing = [end for end in map(str, ends) if end not in places.index]
    if missing:
        raise InputError(f"chart_route_map does not find the sensor {theme.plain(missing[0], 40)} in the sensors.")
    box = ground.shaped(ground.bounds_around(routes.total_bounds, 0.12, least=0.006), 1.15)
    figure = theme.new_figure(title, alt, source, subtitle=subtitle, height_in=4.2, size=size)
    with theme.style():
        axes, side = figure.subplots(1, 2, width_ratios=(2.5, 1))
        ground.draw_ground(axes, basemap, DAY, box)
        if prism is not None and not prism.is_empty:
            axes.add_patch(PathPatch(ground.polygon_path(shapely.Polygon(prism)), facecolor=SUBJECT, alpha=0.05,
                                     edgecolor=MUTED, linewidth=1, linestyle=(0, (4, 3)), zorder=1))
        walked = shapely.buffer(shapely.union_all(routes.geometry.to_numpy()), 2e-5)  # a stretch may go on past an end
        for edge in edges.sort_values("expected").itertuples():
            for part in shapely.get_parts(shapely.intersection(edge.geometry, walked)):
                axes.plot(*np.transpose(shapely.get_coordinates(part)), color=SUBJECT, zorder=3,
                          linewidth=0.4 + _WIDEST_PT * min(edge.expected, 1.0), solid_capstyle="round")
        inside = places[places.intersects(shapely.box(*box))]
        _draw_sensors(axes, inside, set(map(str, ends)), set(map(str, seen)), routes)
        for text, end in zip("AB", map(str, ends), strict=True):
            axes.annotate(text, (places[end].x, places[end].y), ha="center", va="center_baseline", color="white",
                          fontweight="bold", fontsize=SMALL_PT, zorder=7)
        ground.scale_bar(axes, box, DAY)
        _list_ways(side, routes, prism is not None)
    return figure


def _draw_sensors(axes, places, ends, seen, routes):
    """Cameras on a possible way large, others small and pale; filled if they saw, rings if not."""
    near = shapely.dwithin(places.to_numpy(), shapely.union_all(routes.geometry.to_numpy()), 0.0002)
    for (name, place), on_way in zip(places.items(), near, strict=True):
        if name in ends:
            axes.plot(place.x, place.y, "o", color=INK, markersize=14, zorder=6)
        elif name in seen:
            axes.plot(place.x, place.y, "o", color=CONTRAST, markersize=8, markeredgecolor="white", zorder=5)
        else:
            axes.plot(place.x, place.y, "o", markerfacecolor="white", zorder=5 if on_way else 2,
                      markeredgecolor=INK if on_way else FAINT, markersize=7 if on_way else 4,
                      markeredgewidth=1.4 if on_way else 0.8)


def _list_ways(side, routes, has_prism):
    side.set_axis_off()
    side.set(xlim=(0, 1), ylim=(1, 0))
    side.text(0, 0.04, "ways, by probability", fontweight="bold", va="center", fontsize=TEXT_PT)
    for line, way in enumerate(routes.sort_values("rank").head(8).itertuples()):
        level = 0.12 + 0.07 * line
        side.plot([0, 0.16], [level, level], color=SUBJECT, linewidth=0.4 + _WIDEST_PT * way.probability,
                  solid_capstyle="butt")
        side.text(0.22, level, f"{way.probability:.0%}", va="center", fontweight="bold", fontsize=SMALL_PT)
        side.text(0.46, level, f"{way.length_m / 1000:.1f} km", va="center", fontsize=SMALL_PT)
    key = [("o", INK, INK, "where it begins (A), ends (B)"), ("o", CONTRAST, "white", "saw the person between"),
           ("o", "white", INK, "on a way, and silent"), ("o", "white", FAINT, "off all ways")]
    for line, (shape, face, edge, words) in enumerate(key):
        level = 0.74 + 0.06 * line
        side.plot(0.04, level, shape, markerfacecolor=face, markeredgecolor=edge, markersize=7)
        side.text(0.12, level, words, va="center", fontsize=SMALL_PT, color=MUTED)
    if has_prism:
        side.text(0, 0.98, "dashed: all that could be reached", va="center", fontsize=SMALL_PT, color=MUTED)
