"""Charts of counts and measured shares: what the course and a report say with numbers.

Each takes a frame and returns a `theme.Figure`; nothing is written. Titles are findings, series are labelled where they
end, an interval is a band, bars begin at zero (or, on a log axis, at one person).
"""

import re
from itertools import pairwise

import numpy as np
import pandas as pd
from matplotlib.collections import LineCollection
from matplotlib.colors import to_rgb
from matplotlib.patches import Rectangle
from matplotlib.ticker import FuncFormatter, NullLocator

from kit.errors import InputError
from kit.show import theme
from kit.show.theme import CONTRAST, FAINT, INK, MUTED, SERIES, SMALL_PT, SUBJECT, TEXT_PT

_MOST_TICKS = 9
_SECOND_TICKS = {1: "1 s", 10: "10 s", 60: "1 min", 300: "5 min", 900: "15 min", 3600: "1 h", 21600: "6 h",
                 86400: "1 day"}


def chart_matrix(cells, *, title="", alt="", source="", subtitle="", level=None, size="screen"):
    """What each exposure held: a table of short texts, darker where it held more.

    Parameters
    ----------
    cells : pandas.DataFrame of str
        Index: one exposure a row; columns: one kind of field each; values: a few words.
    level : pandas.DataFrame of float, optional
        Same shape, 0 (nothing) to 1 (most revealing): shades the cells.
    title, alt, source, subtitle, size
        As for `theme.new_figure`.

    Returns
    -------
    theme.Figure

    Raises
    ------
    InputError
        If the frame is empty or `level` has another shape.

    >>> cells = pd.DataFrame({"place": ["1,000 cameras"], "time": ["one day"]}, index=["register"])
    >>> chart_matrix(cells, title="It held place and time", alt="A table of two cells", source="Invented")
    <Figure: It held place and time>
    """
    theme.need_columns(cells, list(cells.columns), "chart_matrix")
    if level is not None and level.shape != cells.shape:
        raise InputError(f"chart_matrix needs `level` in the shape of the cells, {cells.shape}, not {level.shape}.")
    width, name_in, line_in = theme.SIZES.get(size, theme.SIZES["screen"]).width_in - 0.2, 1.0, TEXT_PT * 1.35 / 72
    cell_in = (width - name_in) / len(cells.columns)
    texts = [[theme.wrap(theme.clean(v), cell_in - 0.16, TEXT_PT - 0.5) for v in row] for row in cells.to_numpy()]
    heads = [theme.wrap(theme.clean(c), cell_in - 0.16, TEXT_PT, "bold") for c in cells.columns]
    heights = [max(len(lines) for lines in row) * line_in + 0.2 for row in texts]
    head_in = max(map(len, heads)) * line_in + 0.12
    figure = theme.new_figure(title, alt, source, subtitle=subtitle, height_in=head_in + sum(heights) + 0.1, size=size)
    with theme.style():
        axes = figure.add_subplot()
        axes.set(xlim=(0, width), ylim=(head_in + sum(heights), 0))
        axes.set_axis_off()
        for column, lines in enumerate(heads):
            axes.text(name_in + column * cell_in + 0.08, head_in - 0.06, "\n".join(lines), va="bottom",
                      fontweight="bold")
        top = head_in
        for row, name in enumerate(cells.index):
            axes.text(0, top + heights[row] / 2, "\n".join(theme.wrap(theme.clean(name), name_in, TEXT_PT, "bold")),
                      va="center", fontweight="bold")
            for column, lines in enumerate(texts[row]):
                share = 0.0 if level is None else float(level.iloc[row, column])
                left = name_in + column * cell_in
                axes.add_patch(Rectangle((left + 0.02, top + 0.02), cell_in - 0.04, heights[row] - 0.04,
                                         facecolor=_tint(share), edgecolor="none"))
                axes.text(left + 0.08, top + heights[row] / 2, "\n".join(lines), va="center", fontsize=TEXT_PT - 0.5,
                          color=INK if share < 0.6 else "white", linespacing=1.25)
            top += heights[row]
    return figure


def chart_estimates(estimates, *, title="", alt="", source="", subtitle="", x_label="share of people",
                    strong=None, percent=True, x_max=None, size="screen"):
    """Measured shares as a dot in its interval, one a line, from zero.

    Parameters
    ----------
    estimates : pandas.DataFrame
        label, estimate, low, high (shares 0 to 1, or any positive measure with `percent=False`), n (how many people).
    x_label : str
        What is measured, with its unit.
    strong : str, optional
        The label to draw in the strong colour; the others turn grey.
    percent : bool, default True
    x_max : float, optional
        Where the axis ends; default: at 100 %, or beyond the longest interval with `percent=False`. Small shares that
        are given a short axis are printed with a decimal.
    title, alt, source, subtitle, size
        As for `theme.new_figure`.

    Returns
    -------
    theme.Figure

    >>> shares = pd.DataFrame({"label": ["edges"], "estimate": [0.8], "low": [0.7], "high": [0.9], "n": [100]})
    >>> chart_estimates(shares, title="Four in five homes are found", alt="A dot at 80%", source="Invented")
    <Figure: Four in five homes are found>
    """
    theme.need_columns(estimates, ["label", "estimate", "low", "high", "n"], "chart_estimates")
    figure = theme.new_figure(title, alt, source, subtitle=subtitle, height_in=0.62 + 0.36 * len(estimates), size=size)
    end = x_max or (1 if percent else estimates["high"].max() * 1.05)
    number = _plain if not percent else _percent if end > 0.2 else "{:.1%}".format
    with theme.style():
        axes = figure.add_subplot()
        for line, row in enumerate(estimates.itertuples()):
            colour = SUBJECT if strong is None or row.label == strong else MUTED
            axes.barh(line, row.high - row.low, left=row.low, height=0.5, color=colour, alpha=0.3)
            axes.plot(row.estimate, line, "o", color=colour, markersize=7, clip_on=False, zorder=4)
            axes.annotate(f"{number(row.estimate)}  ({number(row.low)} to {number(row.high)}), n = {row.n:,}",
                          (1, line), xycoords=("axes fraction", "data"), xytext=(8, 0), textcoords="offset points",
                          va="center", fontsize=SMALL_PT, color=INK if colour == SUBJECT else MUTED)
        axes.set_yticks(range(len(estimates)), [theme.clean(label, 40) for label in estimates["label"]])
        axes.set(xlim=(0, end), ylim=(len(estimates) - 0.4, -0.6),
                 xlabel=x_label)
        axes.grid(axis="x")
        axes.tick_params(axis="y", length=0)
        axes.spines["left"].set_visible(False)
        axes.axvline(0, color=MUTED, linewidth=1)
        if percent:
            axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: _percent(value)))
    return figure


def chart_lines(lines, *, title="", alt="", source="", subtitle="", x_label="", y_label="", percent=False,
                log_x=False, strong=None, size="screen"):
    """One or more measured lines with their bands, named where they end; a single line is named by its axis.

    Parameters
    ----------
    lines : pandas.DataFrame
        series, x, y and, where there is an interval, low and high. At most six series.
    x_label, y_label : str
        With units.
    percent : bool, default False
        y is a share 0 to 1, shown in percent of a full axis.
    log_x : bool, default False
    strong : str, optional
        The series in the strong colour; the others turn grey.
    title, alt, source, subtitle, size
        As for `theme.new_figure`.

    Returns
    -------
    theme.Figure

    >>> lines = pd.DataFrame({"series": "kept 90 days", "x": [1, 2], "y": [5, 4]})
    >>> chart_lines(lines, title="It falls", alt="A falling line", source="Invented", y_label="people")
    <Figure: It falls>
    """
    theme.need_columns(lines, ["series", "x", "y"], "chart_lines")
    figure = theme.new_figure(title, alt, source, subtitle=subtitle, height_in=3.4, size=size)
    with theme.style():
        axes = figure.add_subplot()
        if log_x:
            axes.set_xscale("log")
            at = sorted(lines["x"].unique())
            ticks = at if len(at) <= _MOST_TICKS else 10.0 ** np.arange(np.floor(np.log10(at[0])), np.log10(at[-1]) + 1)
            axes.set_xticks(ticks, [f"{x:,g}" for x in ticks])
            axes.xaxis.set_minor_locator(NullLocator())
        top = 1.0 if percent else lines[[c for c in ("y", "high") if c in lines]].max().max() * 1.06
        _draw_series(axes, lines, "x", "y", top=top, strong=strong, named=lines["series"].nunique() > 1 or not y_label)
        axes.set(xlabel=x_label, ylabel=y_label)
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: _percent(value) if percent else f"{value:,g}"))
    return figure


def chart_how_few_points(estimates, *, title="", alt="", source="", subtitle="", size="screen"):
    """Share of people singled out against the number of points known, and how many people have that many.

    Parameters
    ----------
    estimates : pandas.DataFrame
        As `reidentify.unicity` returns it: known, estimate, low, high, eligible, population; with several
        resolutions also series, the name of each.
    title, alt, source, subtitle, size
        As for `theme.new_figure`.

    Returns
    -------
    theme.Figure

    >>> found = pd.DataFrame({"known": [1, 2], "estimate": [0.1, 0.9], "low": [0, 0.8], "high": [0.2, 1],
    ...                       "eligible": [90, 50], "population": 100})
    >>> chart_how_few_points(found, title="Two are enough", alt="A line that climbs", source="Invented")
    <Figure: Two are enough>
    """
    theme.need_columns(estimates, ["known", "estimate", "low", "high", "eligible", "population"],
                       "chart_how_few_points")
    frame = estimates if "series" in estimates else estimates.assign(series="")
    figure = theme.new_figure(title, alt, source, subtitle=subtitle, height_in=4.1, size=size)
    known = sorted(frame["known"].unique())
    with theme.style():
        axes, strip = figure.subplots(2, 1, height_ratios=(6, 1), sharex=True)
        _draw_series(axes, frame, "known", "estimate", top=1.0)
        axes.set_ylabel("people singled out,\nof those with that many points")
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: _percent(value)))
        axes.tick_params(axis="x", length=0)
        share = (frame["eligible"] / frame["population"]).groupby(frame["known"]).agg(["min", "max"])
        strip.bar(share.index, share["max"], width=0.5, color=FAINT)
        for at, row in share.iterrows():
            label = _percent(row["max"])
            if label != _percent(row["min"]):
                label = f"{_percent(row['min'])[:-1]} to {label}"
            strip.annotate(label, (at, 1.0), xytext=(0, 1), textcoords="offset points", ha="center", va="bottom",
                           fontsize=SMALL_PT, annotation_clip=False)
        strip.set(ylim=(0, 1), xlim=(known[0] - 0.35, known[-1] + 0.35), xticks=known, yticks=[0, 1],
                  yticklabels=["0%", "100%"], xlabel="points known to the observer (place and time)")
        strip.set_ylabel("have\nthat many", rotation=0, ha="right", va="center", fontsize=SMALL_PT)
    return figure


def chart_unicity_surface(grid, *, title="", alt="", source="", subtitle="", size="screen"):
    """Share singled out for each resolution of place and time, one panel for each number of known points.

    Parameters
    ----------
    grid : pandas.DataFrame
        As `reidentify.unicity_grid` returns it for each number of points: place, time, known, estimate. Places and
        times are drawn in the order in which they appear: give the finest first.
    title, alt, source, subtitle, size
        As for `theme.new_figure`.

    Returns
    -------
    theme.Figure

    >>> grid = pd.DataFrame({"place": ["sensor", "4000m"], "time": "1h", "known": 4, "estimate": [0.9, 0.3]})
    >>> chart_unicity_surface(grid, title="4 km hide most", alt="Two shaded cells", source="Invented")
    <Figure: 4 km hide most>
    """
    theme.need_columns(grid, ["place", "time", "known", "estimate"], "chart_unicity_surface")
    places, times = list(pd.unique(grid["place"].astype(str))), list(pd.unique(grid["time"].astype(str)))
    known = sorted(grid["known"].unique())
    rows = -(-len(known) // 2)
    panel_in = 0.5 + 0.3 * len(places)
    figure = theme.new_figure(title, alt, source, subtitle=subtitle, height_in=0.5 + rows * panel_in, size=size)
    with theme.style():
        panels = figure.subplots(rows, min(2, len(known)), squeeze=False, sharex=True, sharey=True)
        for panel, points in zip(panels.flat, known, strict=False):
            part = grid[grid["known"] == points].astype({"place": str, "time": str})
            values = part.pivot(index="place", columns="time", values="estimate").reindex(places)[times].to_numpy(float)
            image = panel.imshow(values, vmin=0, vmax=1, cmap=theme.SEQUENTIAL, aspect="auto", origin="upper")
            _write_cells(panel, values)
            _outline_half(panel, values)
            panel.set_title(f"{points} points known", fontsize=TEXT_PT, loc="left", fontweight="bold")
            panel.set_xticks(range(len(times)), [_bin_name(time) for time in times])
            panel.set_yticks(range(len(places)), [_bin_name(place) for place in places])
            panel.tick_params(length=0)
            panel.spines[:].set_visible(False)
        for panel in panels.flat[len(known):]:
            panel.set_axis_off()
        for panel in panels[-1]:
            panel.set_xlabel("length of a time bin")
        for panel in panels[:, 0]:
            panel.set_ylabel("size of a place bin")
        bar = figure.colorbar(image, ax=panels, shrink=0.75, aspect=30, pad=0.02, ticks=[0, 0.5, 1])
        bar.ax.set_yticklabels(["0%", "half", "100%"])
        bar.set_label("people singled out (line: one half)")
        bar.outline.set_visible(False)
    return figure


def chart_unicity_by_crowd(curve, *, bound=None, title="", alt="", source="", subtitle="", size="screen"):
    """Share singled out in crowds of fewer people, one line a number of known points, on a log axis of people.

    Parameters
    ----------
    curve : pandas.DataFrame
        As `reidentify.subsample_curve` returns it: size, known, estimate, low, high.
    bound : pandas.DataFrame, optional
        As `reidentify.convexity_bound` returns it: known, population, low. Drawn as an open mark at the end of a
        dashed line, and named "at least".
    title, alt, source, subtitle, size
        As for `theme.new_figure`.

    Returns
    -------
    theme.Figure

    >>> curve = pd.DataFrame({"size": [1000, 2000], "known": 4, "estimate": [0.9, 0.8], "low": [0.8, 0.7],
    ...                       "high": [0.95, 0.9]})
    >>> chart_unicity_by_crowd(curve, title="A crowd hides little", alt="A falling line", source="Invented")
    <Figure: A crowd hides little>
    """
    theme.need_columns(curve, ["size", "known", "estimate", "low", "high"], "chart_unicity_by_crowd")
    if bound is not None:
        theme.need_columns(bound, ["known", "population", "low"], "chart_unicity_by_crowd (bound)")
    frame = curve[curve["estimate"].notna()].sort_values(["known", "size"])
    floor = {} if bound is None else {row.known: row for row in bound.itertuples()}
    names = {k: f"{k} point{'' if k == 1 else 's'} known"
                + (f" (at least {_percent(floor[k].low)})" if k in floor else "") for k in frame["known"].unique()}
    frame = frame.assign(series=frame["known"].map(names))
    figure = theme.new_figure(title, alt, source, subtitle=subtitle, height_in=3.6, size=size)
    with theme.style():
        axes = figure.add_subplot()
        axes.set_xscale("log")
        _draw_series(axes, frame, "size", "estimate", top=1.0)
        for number, (known, part) in enumerate(frame.groupby("known")):
            if known in floor:
                people, least = floor[known].population, floor[known].low
                axes.plot([part["size"].iloc[-1], people], [part["estimate"].iloc[-1], least], color=SERIES[number],
                          linestyle="--", linewidth=1)
                axes.plot(people, least, theme.MARKERS[number], color=SERIES[number], markerfacecolor="white",
                          clip_on=False, zorder=4)
        low, high = axes.get_xlim()
        decades = [10**n for n in range(12) if low <= 10**n <= high]
        axes.set_xticks(decades, [f"{n:,}" if n < 10**6 else f"{n // 10**6:,} million" for n in decades])
        axes.xaxis.set_minor_locator(NullLocator())
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: _percent(value)))
        axes.set(xlabel="people in the crowd (each grid line is ten times the one before)",
                 ylabel="people singled out,\nof those with that many points")
        axes.grid(axis="x")
    return figure


def chart_crowd_shrinks(steps, *, title="", alt="", source="", subtitle="", size="screen"):
    """How many people remain after each known sighting of one invented person, on a log axis.

    Parameters
    ----------
    steps : pandas.DataFrame
        label (what is known by then), people (how many match it, 1 or more), in order.
    title, alt, source, subtitle, size
        As for `theme.new_figure`.

    Returns
    -------
    theme.Figure

    Raises
    ------
    InputError
        If a count is below one: the person is always among those who match.

    >>> steps = pd.DataFrame({"label": ["everyone", "at the gate at 8"], "people": [10_000, 1]})
    >>> chart_crowd_shrinks(steps, title="One sighting is enough", alt="Two bars", source="Invented")
    <Figure: One sighting is enough>
    """
    theme.need_columns(steps, ["label", "people"], "chart_crowd_shrinks")
    if (steps["people"] < 1).any():
        raise InputError("chart_crowd_shrinks needs at least one person at each step: whoever was seen matches too.")
    names = [theme.wrap(theme.clean(label), 2.3, balance=True) for label in steps["label"]]
    figure = theme.new_figure(title, alt, source, subtitle=subtitle, height_in=0.7 + 0.5 * len(steps), size=size)
    last = len(steps) - 1
    with theme.style():
        axes = figure.add_subplot()
        axes.set_xscale("log")
        for line, people in enumerate(steps["people"]):
            colour = CONTRAST if people == 1 else SUBJECT if line else MUTED
            axes.barh(line, people - 1, left=1, height=0.56, color=colour)
            axes.plot([1, 1], [line - 0.28, line + 0.28], color=colour, linewidth=3, solid_capstyle="butt")
            axes.annotate("1 person" if people == 1 else f"{people:,} people", (people, line), xytext=(7, 0),
                          textcoords="offset points", va="center", fontsize=TEXT_PT + (2 if line == last else 0),
                          fontweight="bold" if line == last else "normal", color=colour if line == last else INK)
        axes.set_yticks(range(len(steps)), ["\n".join(lines) for lines in names])
        axes.set(xlim=(1, steps["people"].max() * 1.5), ylim=(last + 0.5, -0.5),
                 xlabel="people who match all that is known (each grid line is ten times the one before)")
        decades = 10 ** np.arange(int(np.log10(steps["people"].max())) + 1)
        axes.set_xticks(decades, [f"{n:,}" if n < 10**6 else f"{n // 10**6:,} million" for n in decades])
        axes.xaxis.set_minor_locator(NullLocator())
        axes.grid(axis="x")
        axes.tick_params(axis="y", length=0)
        axes.spines["left"].set_visible(False)
    return figure


def chart_gap_histogram(sightings, *, max_gap="15min", title="", alt="", source="", subtitle="", size="screen"):
    """Time between a person's successive sightings at one sensor, and how many visits each choice of gap makes.

    Parameters
    ----------
    sightings : pandas.DataFrame
        subject_id, sensor_id, time. Unmatched sightings are left out.
    max_gap : str or pandas.Timedelta, default "15min"
        The gap chosen for visits, marked; half and double of it are written out.
    title, alt, source, subtitle, size
        As for `theme.new_figure`.

    Returns
    -------
    theme.Figure

    Raises
    ------
    InputError
        If nobody was seen twice in a row by the same sensor.
    """
    theme.need_columns(sightings, ["subject_id", "sensor_id", "time"], "chart_gap_histogram")
    gaps_s, seen = _successive_gaps(sightings)
    if len(gaps_s) == 0:
        raise InputError("chart_gap_histogram found nobody seen twice in a row by one sensor; give more sightings.")
    chosen_s = pd.Timedelta(max_gap).total_seconds()
    figure = theme.new_figure(title, alt, source, subtitle=subtitle, height_in=4.3, size=size)
    edges = np.geomspace(1, 86400 * 10 ** 0.1, 51)
    with theme.style():
        axes, below = figure.subplots(2, 1, height_ratios=(3, 2), sharex=True)
        counts, _ = np.histogram(np.clip(gaps_s, edges[0], edges[-1]), edges)
        middles = np.sqrt(edges[:-1] * edges[1:])
        axes.bar(edges[:-1], counts, np.diff(edges), align="edge", edgecolor="white", linewidth=0.4,
                 color=np.where(middles <= chosen_s, SUBJECT, FAINT))
        axes.set(xscale="log", xlim=(edges[0], edges[-1]), ylabel="pairs of sightings", ylim=(0, counts.max() * 1.28))
        _mark_gap(axes, chosen_s)
        choices_s = np.geomspace(60, 43200, 120)
        found = seen - np.searchsorted(np.sort(gaps_s), choices_s, side="right")
        below.plot(choices_s, found, color=MUTED)
        below.set(ylim=(0, found.max() * 1.2), ylabel="visits found", xlabel="time until the same sensor saw the "
                  "person again, with no other sensor between")
        for factor, shift, side, level in ((0.5, (-6, -3), "right", "top"), (1, (6, 14), "left", "bottom"),
                                           (2, (7, 4), "left", "bottom")):
            visits = seen - np.count_nonzero(gaps_s <= chosen_s * factor)
            colour = SUBJECT if factor == 1 else MUTED
            below.plot(chosen_s * factor, visits, "o", color=colour)
            below.annotate(f"{visits:,} at {_duration(chosen_s * factor)}", (chosen_s * factor, visits), xytext=shift,
                           textcoords="offset points", ha=side, va=level, fontsize=SMALL_PT, color=colour)
        below.axvline(chosen_s, color=INK, linewidth=1)
        below.set_xticks(list(_SECOND_TICKS), list(_SECOND_TICKS.values()))
        below.xaxis.set_minor_locator(NullLocator())
        for panel in (axes, below):
            panel.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    return figure


def _successive_gaps(sightings):
    """Seconds between a person's successive sightings where both are at one sensor, and the number of sightings."""
    ordered = sightings.dropna(subset=["subject_id"]).sort_values(["subject_id", "time"], kind="stable")
    subject, sensor = (pd.factorize(ordered[c])[0] for c in ("subject_id", "sensor_id"))
    same = (subject[1:] == subject[:-1]) & (sensor[1:] == sensor[:-1])
    return ordered["time"].diff().dt.total_seconds().to_numpy()[1:][same], len(ordered)


def _mark_gap(axes, chosen_s):
    axes.axvline(chosen_s, color=INK, linewidth=1)
    words = [("one visit goes on", SUBJECT, "right", -6), (f"more than {_duration(chosen_s)}: a new visit", MUTED,
                                                           "left", 6)]
    for text, colour, side, shift in words:
        axes.annotate(text, (chosen_s, 1), xycoords=("data", "axes fraction"), xytext=(shift, -4),
                      textcoords="offset points", ha=side, va="top", color=colour, fontweight="bold")


def _draw_series(axes, frame, x, y, *, top, strong=None, named=True):
    """Lines with bands, each named at its end; at most six."""
    names = list(pd.unique(frame["series"]))
    if len(names) > len(SERIES):
        raise InputError(f"A line chart shows at most {len(SERIES)} series, and {len(names)} were given; "
                         "keep those the title speaks of.")
    ends = []
    for number, name in enumerate(names):
        part = frame[frame["series"] == name].sort_values(x)
        colour = SERIES[number] if strong is None else SUBJECT if name == strong else MUTED
        if {"low", "high"} <= set(part.columns):
            axes.fill_between(part[x].astype(float), part["low"].astype(float), part["high"].astype(float),
                              color=colour, alpha=0.22)
        axes.plot(part[x], part[y], color=colour, marker=theme.MARKERS[number], markersize=5, clip_on=False)
        ends.append((float(part[y].iloc[-1]), theme.clean(name, 40), colour))
    axes.set_ylim(0, top)
    axes.grid(axis="y")
    if not named:
        return
    for place, (_, text, colour) in zip(_spread([e[0] / top for e in ends], 0.06), ends, strict=True):
        axes.annotate(text, (1, place), xycoords="axes fraction", xytext=(6, 0), textcoords="offset points",
                      va="center", color=colour, fontweight="bold")


def _spread(wanted, apart):
    """Positions as near as may be to those wanted, at least so far apart, none above the top."""
    order = np.argsort(wanted, kind="stable")
    placed = np.asarray(wanted, float)[order]
    for lower, upper in pairwise(range(len(placed))):
        placed[upper] = max(placed[upper], placed[lower] + apart)
    over = placed[-1] - max(1.0, max(wanted)) if len(placed) else 0
    if over > 0:
        placed[-1] -= over
        for upper, lower in pairwise(reversed(range(len(placed)))):
            placed[lower] = min(placed[lower], placed[upper] - apart)
    back = np.empty_like(placed)
    back[order] = placed
    return back


def _write_cells(axes, values):
    for (row, column), value in np.ndenumerate(values):
        if np.isfinite(value):
            axes.text(column, row, f"{value * 100:.0f}", ha="center", va="center", fontsize=SMALL_PT,
                      color="white" if value < 0.55 else INK)


def _outline_half(axes, values):
    """The border between cells under and over one half."""
    over = np.pad(values >= 0.5, 1, mode="edge")
    rows, columns = values.shape
    sides = [[(c - 0.5, r - 0.5), (c - 0.5, r + 0.5)] for r in range(rows) for c in range(1, columns)
             if over[r + 1, c] != over[r + 1, c + 1]]
    sides += [[(c - 0.5, r - 0.5), (c + 0.5, r - 0.5)] for r in range(1, rows) for c in range(columns)
              if over[r, c + 1] != over[r + 1, c + 1]]
    axes.add_collection(LineCollection(sides, colors=CONTRAST, linewidths=2.5, capstyle="projecting"))


def _tint(share):
    """Paper to the strong colour."""
    base, strong = np.array((0.955, 0.955, 0.95)), np.array(to_rgb(SUBJECT)) * 0.85
    return tuple(base + (strong - base) * min(max(share, 0), 1))


def _percent(value):
    return f"{value * 100:.0f}%"


def _plain(value):
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def _bin_name(text):
    """A bin as reidentify spells it, as people say it.

    >>> [_bin_name(t) for t in ("4000m", "500m", "15min", "1h", "1D", "sensor")]
    ['4 km', '500 m', '15 min', '1 h', '1 day', 'sensor']
    """
    found = re.fullmatch(r"(\d+(?:\.\d+)?)(m|km|deg|s|min|h|D)", text)
    if not found:
        return theme.clean(text, 20)
    number, unit = float(found[1]), found[2]
    if unit == "m" and number >= 1000:
        number, unit = number / 1000, "km"
    return f"{number:g}°" if unit == "deg" else f"{number:g} {'day' if unit == 'D' else unit}"


def _duration(seconds):
    for unit, name in ((86400, "day"), (3600, "h"), (60, "min")):
        if seconds >= unit:
            return f"{seconds / unit:g} {name}"
    return f"{seconds:g} s"

