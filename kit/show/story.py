"""Pictures of the city and of one person's days: where the sensors stand, what was seen, and how much was not.

A person's picture is made from the visits and sightings of that one person. Of an invented person it may be shown; of
a real one it exists in the live kernel only, and `publish` does not take it.
"""

from itertools import pairwise

import numpy as np
import pandas as pd
from matplotlib import colors
from matplotlib.patches import PathPatch, Rectangle
from matplotlib.patheffects import withStroke

from kit import tables
from kit.errors import InputError
from kit.show import days, ground, theme
from kit.show.theme import CONTRAST, DAY, INK, MUTED, NIGHT, OKABE_ITO, SMALL_PT, SUBJECT, TEXT_PT

WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_LIGHTS = ("#FFD98A", OKABE_ITO["sky"], "#FF8A4C", "#5FD3A8")
_SHAPES = ("o", "D", "s", "^")        # so that groups differ in grey print too
_LARGEST_PT = 8.0
_MOST_LANES, _MOST_LISTED = 14, 16


def chart_city_at_night(sensors, basemap, *, passages=None, classes=None, estates=None, title="", alt="",
                         source="", subtitle="", size="screen"):
    """The city in the dark, each sensor a light as large as the passages it recorded.

    Parameters
    ----------
    sensors : geopandas.GeoDataFrame
        The sensors table: sensor_id, place_class, geometry.
    basemap : dict of str to geopandas.GeoDataFrame
        As `kit.port_nemo()` returns it, or a user's own: streets (kind), water, districts (district). Layers may
        be missing.
    passages : pandas.Series of int, optional
        Passages by sensor_id, for example `sightings["sensor_id"].value_counts()`. Default: lights of one size.
    classes : dict of str to list of str, optional
        Up to three named groups of place classes, each with a colour; all others share the first colour. Default: no
        groups.
    estates : geopandas.GeoDataFrame, optional
        name, geometry: outlined and named; `outlines` makes them from sensors.
    title, alt, source, subtitle, size
        As for `theme.new_figure`.

    Returns
    -------
    theme.Figure

    Raises
    ------
    InputError
        If there is no sensor, or more than three groups.
    """
    theme.need_columns(sensors, ["sensor_id", "place_class", "geometry"], "chart_city_at_night")
    classes = classes or {}
    if len(classes) > len(_LIGHTS) - 1:
        raise InputError(f"chart_city_at_night colours at most {len(_LIGHTS) - 1} groups, and {len(classes)} were "
                         "given; leave the others to the first colour.")
    box = _city_box(sensors)
    figure = theme.new_figure(title, alt, source, subtitle=subtitle, height_in=5.4, size=size)
    with theme.style():
        axes = ground.draw_ground(figure.add_subplot(), basemap, NIGHT, box)
        ground.name_districts(axes, basemap, NIGHT)
        if estates is not None:
            _outline_estates(axes, estates)
        groups = light_groups(sensors, classes)
        count = sensors["sensor_id"].map(passages).fillna(0).astype(float) if passages is not None else None
        _draw_lights(axes, sensors.geometry, groups, count)
        _key_of_lights(axes, classes, groups, count)
        ground.scale_bar(axes, box, NIGHT)
    return figure


def chart_way_map(visits, sensors, basemap, *, tz, day, title="", alt="", source="", subtitle="", names=None,
                  size="screen"):
    """The places where one person was seen on a day, numbered in order; the ways between are unknown, so dashed.

    Parameters
    ----------
    visits : pandas.DataFrame
        The visits table, of one person.
    sensors : geopandas.GeoDataFrame
        The sensors table; a visit's place is a sensor, or a zone drawn at the middle of its sensors.
    basemap : dict of str to geopandas.GeoDataFrame
    tz : str
        The clock of the day (IANA name).
    day : str
        The local calendar day.
    names : dict or pandas.Series, optional
        What to call a place; default is its place_id.
    title, alt, source, subtitle, size
        As for `theme.new_figure`.

    Returns
    -------
    theme.Figure

    Raises
    ------
    InputError
        If the visits are of several people, or none falls on that day.
    """
    stops = days.place_stops(visits, sensors, tz=tz, day=day, what="chart_way_map")
    box = ground.shaped(ground.bounds_around(ground.extent_of(stops), 0.15, least=0.012), 1.15)
    figure = theme.new_figure(title, alt, source, subtitle=subtitle, height_in=4.2, size=size)
    with theme.style():
        axes, side = figure.subplots(1, 2, width_ratios=(2.5, 1))
        ground.draw_ground(axes, basemap, DAY, box)
        stops = days.near_together(stops, (box[3] - box[1]) * 0.03)
        _draw_ways(axes, stops[["lon", "lat"]].to_numpy())
        for spot in days.numbered_spots(stops).itertuples():
            alone = len(spot.label) < 3
            axes.plot(spot.lon, spot.lat, "o", color=SUBJECT, markersize=15 if alone else 9, markeredgecolor="white",
                      zorder=5)
            axes.annotate(spot.label, (spot.lon, spot.lat), xytext=(0, 0) if alone else (7, 6), zorder=6,
                          textcoords="offset points", ha="center" if alone else "left", fontsize=SMALL_PT,
                          va="center_baseline" if alone else "bottom", color="white" if alone else SUBJECT,
                          fontweight="bold",
                          path_effects=[] if alone else [withStroke(linewidth=2.5, foreground="white")])
        ground.scale_bar(axes, box, DAY)
        _list_stops(side, stops, names)
    return figure


def chart_day_ribbon(visits, sightings, *, tz, day, title="", alt="", source="", subtitle="", names=None,
                     false_sighting_ids=(), size="screen"):
    """One person's day: what is sure, what is possible, and what nobody saw.

    A solid bar is time surely spent at a place (first to last sighting there). It fades out over the time the person
    may still have been there: back to the sighting before, on to the one after. Ticks are sightings. The last lane
    hatches all time that no bar makes sure.

    Parameters
    ----------
    visits : pandas.DataFrame
        The visits table, of one person; the days around the one shown tell how far a bar may fade.
    sightings : pandas.DataFrame
        sighting_id, sensor_id, time of the same person.
    tz : str
        The clock of the day (IANA name).
    day : str
        The local calendar day.
    names : dict or pandas.Series, optional
        What to call a place; default is its place_id.
    false_sighting_ids : iterable of int, optional
        Sightings that the truth shows to be of somebody else: drawn in outline.
    title, alt, source, subtitle, size
        As for `theme.new_figure`.

    Returns
    -------
    theme.Figure

    Raises
    ------
    InputError
        If the visits are of several people, or none falls on that day.
    """
    tables.check(sightings, "sightings", ["sighting_id", "sensor_id", "time"])
    shown = days.day_visits(visits, tz=tz, day=day, what="chart_day_ribbon")
    places = list(pd.unique(shown["place_id"].astype(str)))
    if len(places) > _MOST_LANES:
        raise InputError(f"chart_day_ribbon shows at most {_MOST_LANES} places, and the day has {len(places)}; "
                         'find visits with place="zone" first.')
    ticks = _ticks_of(shown, sightings, days.midnight(day, tz), set(false_sighting_ids))
    lies = ticks.groupby("visit_id")["false"].all().loc[lambda every: every].index
    true = visits[~visits["visit_id"].isin(lies)]
    sure = days.day_visits(true, tz=tz, day=day, what="chart_day_ribbon") if len(lies) < len(shown) else shown.iloc[:0]
    height_in = 1.32 + 0.42 * len(places)
    figure = theme.new_figure(title, alt, source, subtitle=subtitle, height_in=height_in, size=size)
    with theme.style():
        axes = figure.add_subplot()
        for lane in range(len(places)):
            axes.axhline(lane, color="#EDEDED", linewidth=1, zorder=0)
        _draw_bars(axes, sure, places)
        for visit in shown[shown["visit_id"].isin(lies)].itertuples():
            _outline_false(axes, visit, places.index(str(visit.place_id)))
        for lane_ticks, colour in ((ticks[~ticks["false"]], INK), (ticks[ticks["false"]], CONTRAST)):
            lanes = lane_ticks["place_id"].astype(str).map(places.index).astype(float)
            axes.vlines(lane_ticks["hour"], lanes - 0.4, lanes + 0.4, color=colour, linewidth=1, zorder=4)
        unseen_h = _hatch_unseen(axes, sure, len(places))
        labels = [theme.clean(days.name_of(place, names), 26) for place in places] + [f"not seen: {_hours(unseen_h)}"]
        axes.set_yticks(range(len(labels)), labels)
        axes.set(xlim=(0, 24), ylim=(len(places) + 0.55, -0.6), xlabel=f"hour of {day} ({days.offset_of(day, tz)})",
                 xticks=range(0, 25, 3))
        axes.xaxis.set_major_formatter(lambda hour, _: f"{hour:02.0f}:00")
        axes.tick_params(axis="y", length=0)
        axes.spines["left"].set_visible(False)
        _key_of_ribbon(axes, ticks["false"].any())
    return figure


def chart_week_strip(person, everyone, *, title="", alt="", source="", subtitle="", places=None, size="screen"):
    """When one resident is seen at each place in a week, beside the average of all residents.

    Parameters
    ----------
    person, everyone : pandas.DataFrame
        As `week_table` returns them: place, weekday (0 is Monday), hour, share.
    places : list of str, optional
        Which places to draw and in which order; default is the person's, most seen first, at most four.
    title, alt, source, subtitle, size
        As for `theme.new_figure`.

    Returns
    -------
    theme.Figure
    """
    for frame in (person, everyone):
        theme.need_columns(frame, ["place", "weekday", "hour", "share"], "chart_week_strip")
    places = places or list(person.groupby("place", observed=True)["share"].sum().nlargest(4).index)
    figure = theme.new_figure(title, alt, source, subtitle=subtitle, height_in=0.75 + 1.25 * len(places), size=size)
    with theme.style():
        panels = figure.subplots(len(places), 2, squeeze=False, sharex=True, sharey=True)
        for column, (frame, colour, head) in enumerate(((person, SUBJECT, "this resident"),
                                                        (everyone, MUTED, "average of all"))):
            strips = [_strip(frame, place) for place in places]
            top = 1.0 if column == 0 else max(0.01, max(strip.max() for strip in strips))
            ramp = colors.LinearSegmentedColormap.from_list(head, ["#F2F2F0", colour])
            for panel, place, strip in zip(panels[:, column], places, strips, strict=True):
                image = panel.imshow(strip, vmin=0, vmax=top, cmap=ramp, aspect="auto", extent=(0, 24, 6.5, -0.5),
                                     interpolation="nearest")
                panel.set_title(f"{theme.clean(place, 30)}, {head}", fontsize=TEXT_PT, loc="left",
                                fontweight="bold" if column == 0 else "normal", color=colour)
                panel.set_xticks(range(0, 25, 6), [f"{h:02d}:00" for h in range(0, 25, 6)])
                panel.set_yticks(range(7), WEEKDAYS, fontsize=SMALL_PT - 1)
                panel.tick_params(length=0)
                panel.spines[:].set_visible(False)
            bar = figure.colorbar(image, ax=panels[:, column], orientation="horizontal", aspect=30, pad=0.02,
                                  ticks=[0, top])
            ends = bar.ax.set_xticklabels(["never", "every week" if column == 0 else f"{top:.0%} of people's weeks"])
            ends[0].set_horizontalalignment("left")
            ends[-1].set_horizontalalignment("right")
            bar.outline.set_visible(False)
    return figure


def _city_box(sensors, ratio=1.24):
    """All sensors, and room for a key in the east."""
    west, south, east, north = ground.bounds_around(sensors.total_bounds, 0.04)
    wider = max(0, ratio / ground.ratio_of((west, south, east, north)) - 1)
    return west, south, east + (east - west) * wider, north


def _outline_estates(axes, estates):
    for name, outline in zip(estates["name"], estates.geometry, strict=True):
        for polygon in ground.polygons([outline]):
            axes.add_patch(PathPatch(ground.polygon_path(polygon), fill=False, edgecolor="white", linewidth=1.4,
                                     zorder=5))
        axes.annotate(theme.clean(name, 30), (outline.bounds[2], outline.bounds[3]), xytext=(3, 3),
                      textcoords="offset points", color="white", fontsize=SMALL_PT, fontweight="bold", zorder=6)


def light_groups(sensors, classes):
    """The number of each sensor's colour: 0 for those in no group."""
    number = {place_class: n for n, members in enumerate(classes.values(), 1) for place_class in members}
    return sensors["place_class"].astype(str).map(number).fillna(0).astype(int).to_numpy()


def _draw_lights(axes, points, groups, count):
    """Glows and cores, in ten sizes whose area goes with the count."""
    share = np.full(len(points), 0.15) if count is None else (count / max(count.max(), 1)).to_numpy()
    step = np.ceil(share * 10).clip(1, 10)
    for widen, strength in ((2.6, 0.07), (1.6, 0.16), (1, 0.95)):
        for group, size in sorted(set(zip(groups, step, strict=True))):
            here = points[(groups == group) & (step == size)]
            axes.plot(here.x, here.y, _SHAPES[group], color=_LIGHTS[group], alpha=strength, markeredgewidth=0, zorder=4,
                      markersize=_LARGEST_PT * np.sqrt(size / 10) * widen)


def _key_of_lights(axes, classes, groups, count):
    names = ["elsewhere" if classes else "sensors", *classes]
    rows = [(f"{theme.clean(name, 40)}: {np.count_nonzero(groups == n):,}", _LIGHTS[n], 5, _SHAPES[n])
            for n, name in enumerate(names) if np.any(groups == n)]
    if count is not None:
        rows.append((f"{count.max():,.0f} passages", "white", _LARGEST_PT, "o"))
    for line, (text, colour, points, shape) in enumerate(rows):
        level = 0.965 - 0.042 * line
        axes.plot(0.78, level, shape, markersize=points, color=colour, transform=axes.transAxes, zorder=7,
                  markeredgewidth=0)
        axes.text(0.80, level, text, transform=axes.transAxes, color=NIGHT["ink"], fontsize=SMALL_PT, va="center",
                  zorder=7)


def _draw_ways(axes, at):
    """Dashed lines from each stop to the next, with an arrow half way: nobody knows the streets taken."""
    for start, end in pairwise(at):
        if not np.array_equal(start, end):
            axes.plot(*np.transpose([start, end]), color=SUBJECT, linewidth=1.4, dashes=(3, 2.5), zorder=3)
            axes.annotate("", xy=start + 0.58 * (end - start), xytext=start + 0.5 * (end - start), zorder=3,
                          arrowprops={"arrowstyle": "-|>", "color": SUBJECT, "linewidth": 0, "mutation_scale": 13})


def _list_stops(side, stops, names):
    side.set_axis_off()
    side.set(xlim=(0, 1), ylim=(1, 0))
    step = 1 / max(len(stops) + 1, 11)
    side.text(0, step / 2, "seen, in order", fontweight="bold", va="center")
    for line, stop in enumerate(stops.head(_MOST_LISTED).itertuples(), 1):
        side.text(0, (line + 0.5) * step, f"{stop.order}", color=SUBJECT, fontweight="bold", va="center")
        side.text(0.12, (line + 0.5) * step, days.clock(stop.arrived_h), va="center", fontsize=SMALL_PT)
        side.text(0.36, (line + 0.5) * step, theme.clean(days.name_of(stop.place_id, names), 20), va="center",
                  fontsize=SMALL_PT)
    if len(stops) > _MOST_LISTED:
        side.text(0.12, 1, f"and {len(stops) - _MOST_LISTED} more", color=MUTED, fontsize=SMALL_PT)


def _ticks_of(shown, sightings, start, false_ids):
    """Each sighting of the day's visits with the visit it belongs to: visit_id, place_id, hour, false."""
    spans = shown[["visit_id", "place_id", "arrived_at", "left_at"]]
    around = sightings["time"].between(spans["arrived_at"].min(), spans["left_at"].max())
    pairs = sightings.loc[around, ["sighting_id", "sensor_id", "time"]].merge(spans, how="cross")
    pairs = pairs[(pairs["arrived_at"] <= pairs["time"]) & (pairs["time"] <= pairs["left_at"])]
    # Two visits may touch at one instant: a sighting belongs to the one at its own sensor.
    elsewhere = pairs["sensor_id"].astype(str) != pairs["place_id"].astype(str)
    pairs = pairs.assign(elsewhere=elsewhere).sort_values(["elsewhere", "sighting_id"], kind="stable")
    pairs = pairs.drop_duplicates("sighting_id")
    hour = (pairs["time"] - start).dt.total_seconds() / 3600
    ticks = pairs.assign(hour=hour, false=pairs["sighting_id"].isin(false_ids))
    return ticks.loc[(hour >= 0) & (hour < 24), ["visit_id", "place_id", "hour", "false"]]


def _draw_bars(axes, sure, places):
    """Solid from first to last sighting, fading over the time around it."""
    for visit in sure.itertuples():
        lane = places.index(str(visit.place_id))
        _fade(axes, visit.before_h, visit.arrived_h, lane, rising=True)
        _fade(axes, visit.left_h, visit.after_h, lane, rising=False)
        axes.add_patch(Rectangle((visit.arrived_h, lane - 0.3), max(visit.left_h - visit.arrived_h, 0.03), 0.6,
                                 color=SUBJECT, zorder=3))


def _fade(axes, start, end, lane, *, rising, steps=14):
    """A bar that pales with the distance from what was seen."""
    if end - start <= 0:
        return
    edges = np.linspace(start, end, steps + 1)
    near = (np.arange(steps) + 0.5) / steps
    near = near if rising else 1 - near
    paper, full = np.ones(3), np.array(colors.to_rgb(SUBJECT))
    shades = [tuple(paper + (full - paper) * 0.5 * n) for n in near]
    axes.broken_barh(list(zip(edges[:-1], np.diff(edges), strict=True)), (lane - 0.22, 0.44), facecolors=shades,
                     linewidth=0, antialiased=False, zorder=2)


def _outline_false(axes, visit, lane):
    width = max(visit.left_h - visit.arrived_h, 0.25)
    axes.add_patch(Rectangle((visit.arrived_h - 0.12, lane - 0.38), width + 0.24, 0.76, fill=False, edgecolor=CONTRAST,
                             linewidth=1.6, zorder=5))
    left = visit.arrived_h > 12
    axes.annotate("somebody else: a false match", (visit.arrived_h + (-0.3 if left else width + 0.3), lane),
                  ha="right" if left else "left", va="center", color=CONTRAST, fontsize=SMALL_PT, fontweight="bold",
                  zorder=6)


def _hatch_unseen(axes, shown, lane):
    """Hatch the time that no visit covers; returns it in hours."""
    gaps, at = [], 0.0
    for visit in shown.sort_values("arrived_h").itertuples():
        if visit.arrived_h > at:
            gaps.append((at, visit.arrived_h - at))
        at = max(at, visit.left_h)
    if at < 24:
        gaps.append((at, 24 - at))
    axes.broken_barh(gaps, (lane - 0.3, 0.6), facecolor="white", edgecolor="#9A9A9A", hatch="////", linewidth=0.8)
    return sum(width for _, width in gaps)


def _key_of_ribbon(axes, has_false):
    words = "solid: surely there;  fading: perhaps there;  tick: a sighting" + (";  outline: not this person"
                                                                               if has_false else "")
    axes.annotate(words, (0, 1), xycoords="axes fraction", xytext=(0, 4), textcoords="offset points",
                  fontsize=SMALL_PT, color=MUTED, va="bottom")


def _strip(frame, place):
    values = np.zeros((7, 24))
    part = frame[frame["place"] == place]
    values[part["weekday"].to_numpy(int), part["hour"].to_numpy(int)] = part["share"]
    return values


def _hours(hours):
    minutes = round(hours * 60)
    return f"{minutes // 60} h {minutes % 60:02d} min"
