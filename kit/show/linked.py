"""How right links are: precision against recall, one line a linkage."""

import numpy as np
from matplotlib.ticker import FuncFormatter

from kit.errors import InputError
from kit.show import theme
from kit.show.theme import MARKERS, SERIES, SMALL_PT

_COLUMNS = ["precision", "precision_low", "precision_high", "recall"]


def chart_precision_recall(linkages, *, title="", alt="", source="", subtitle="", at_precision=None, bands=True,
                           size="screen"):
    """What share of the links is right, against the share of the true pairs that they find.

    A line runs from the surest link, on the left, down to the last. Nobody need accept all: a reader finds how far
    right one may go before too many links are wrong.

    Parameters
    ----------
    linkages : dict of str to LinkQuality or pandas.DataFrame
        Name to what `reidentify.score_links` found, or to its `.curve`: precision, precision_low, precision_high,
        recall. One to six. A linkage of no link at all is named and has no line.
    at_precision : float, optional
        Draws a line there and marks how much each linkage finds at that precision or above.
    bands : bool, default True
        The 95 % interval of precision.
    title, alt, source, subtitle, size
        As for `theme.new_figure`.

    Returns
    -------
    theme.Figure

    Raises
    ------
    InputError
        No linkage or more than six, a column is missing, or `at_precision` is no share.

    >>> import pandas as pd
    >>> curve = pd.DataFrame({"precision": [1.0, 0.5], "precision_low": [0.2, 0.1], "precision_high": [1, 0.9],
    ...                       "recall": [0.5, 0.5]})
    >>> chart_precision_recall({"phones": curve}, title="Half are found", alt="A falling line", source="Invented")
    <Figure: Half are found>
    """
    curves = _curves(linkages)
    if at_precision is not None and not 0 < at_precision <= 1:
        raise InputError(f"at_precision must be a share above 0 and up to 1, but it is {at_precision!r}.")
    figure = theme.new_figure(title, alt, source, subtitle=subtitle, height_in=3.9, size=size)
    with theme.style():
        axes = figure.add_subplot()
        axes.set(xlim=(0, 1), ylim=(0, 1.02), xlabel="true pairs found (recall)", ylabel="links that are right "
                 "(precision)")
        axes.grid(axis="y")
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.0%}"))
        if at_precision is not None:
            axes.axhline(at_precision, color=theme.INK, linewidth=1)
            axes.annotate(f"{at_precision:.0%} right", (1, at_precision), xycoords=("axes fraction", "data"),
                          xytext=(0, -3), textcoords="offset points", ha="right", va="top", fontsize=SMALL_PT)
        for curve, colour, marker in zip(curves.values(), SERIES, MARKERS, strict=False):
            _draw(axes, curve, colour, bands)
            _mark(axes, curve, colour, marker, at_precision)
        _name(axes, curves, at_precision)
    return figure


def _curves(linkages):
    if not linkages or len(linkages) > len(SERIES):
        raise InputError(f"chart_precision_recall draws one to {len(SERIES)} linkages, and {len(linkages)} were given.")
    curves = {name: getattr(found, "curve", found) for name, found in linkages.items()}
    for name, curve in curves.items():
        missing = [c for c in _COLUMNS if c not in curve.columns]
        if missing:
            raise InputError(f"The curve of {name!r} lacks {', '.join(missing)}; give what score_links found.")
    return curves


def _draw(axes, curve, colour, bands):
    if bands:
        axes.fill_between(curve["recall"], curve["precision_low"], curve["precision_high"], color=colour, alpha=0.15,
                          linewidth=0)
    axes.plot(curve["recall"], curve["precision"], color=colour, solid_capstyle="butt", clip_on=False)


def _mark(axes, curve, colour, marker, at_precision):
    """The point that the line's words speak of: the last above the asked precision, or the end."""
    at = found_at(curve, at_precision)
    if at is not None:
        axes.plot(*at, marker, color=colour, markersize=7, markeredgecolor="white", clip_on=False, zorder=5)


def found_at(curve, at_precision=None):
    """(recall, precision) of the longest part of a linkage that is at least so precise; None where there is none."""
    enough = curve if at_precision is None else curve[curve["precision"] >= at_precision]
    return None if enough.empty else tuple(float(enough[c].iloc[-1]) for c in ("recall", "precision"))


def _name(axes, curves, at_precision):
    """Each linkage's name beside its line's end, apart from the others."""
    ends = [(0.0, 0.0) if curve.empty else found_at(curve) for curve in curves.values()]
    levels = _apart([precision for _, precision in ends], 0.11)
    for (name, curve), colour, marker, level in zip(curves.items(), SERIES, MARKERS, levels, strict=False):
        at = found_at(curve, at_precision)
        share = "" if at_precision is None else f"\n{0 if at is None else at[0]:.0%} found at {at_precision:.0%} right"
        axes.plot(1.03, level, marker, color=colour, markersize=6, transform=axes.get_yaxis_transform(), clip_on=False)
        axes.annotate(theme.clean(name, 40) + share, (1.03, level), xycoords=("axes fraction", "data"), xytext=(8, 0),
                      textcoords="offset points", va="center", color=colour, fontweight="bold", fontsize=SMALL_PT + 0.5)


def _apart(wanted, least):
    """Levels in the order of those wanted, so far apart, from 0.03 up."""
    order, placed = np.argsort(wanted, kind="stable"), np.empty(len(wanted))
    floor = 0.03
    for place in order:
        placed[place] = floor = max(floor, wanted[place])
        floor += least
    over = placed.max() - 0.97
    if over > 0:
        below = 0.97
        for place in order[::-1]:
            placed[place] = below = min(below, placed[place])
            below -= least
    return placed
