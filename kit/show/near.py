"""Near, or near by chance: pairs by the days they shared against the days that their routines explain.

Dots are pairs of invented people. Of real ones it may be drawn in the live kernel only, and it names nobody.
"""

import numpy as np

from kit.errors import InputError
from kit.show import theme
from kit.show.theme import CONTRAST, FAINT, INK, MUTED, SMALL_PT, SUBJECT

RELATIONS = {"household": SUBJECT, "circle": CONTRAST, "neighbour": "#007A59", "stranger": MUTED, "unknown": MUTED}
_SPREAD = 0.22


def chart_near_or_chance(found, relation=None, *, title="", alt="", source="", subtitle="", size="screen"):
    """Days with a shared window against days expected from two routines, one dot a pair; findings stand out.

    Parameters
    ----------
    found : pandas.DataFrame
        As `movement.find_copresence` gives it: n_days, expected_days, more_than_chance. Pairs that could not be tested
        (expected_days missing) are left out.
    relation : pandas.Series of str, optional
        As `movement.relate_pairs` gives it, row for row: what the truth says of each pair; colours the findings.
    title, alt, source, subtitle, size
        As for `theme.new_figure`.

    Returns
    -------
    theme.Figure

    Raises
    ------
    InputError
        If no pair could be tested, or `relation` has another length.
    """
    theme.need_columns(found, ["n_days", "expected_days", "more_than_chance"], "chart_near_or_chance")
    if relation is not None and len(relation) != len(found):
        raise InputError(f"chart_near_or_chance needs a relation for each of the {len(found):,} pairs, but it was "
                         f"given {len(relation):,}.")
    tested = found["expected_days"].notna().to_numpy() & (found["expected_days"] > 0).to_numpy()
    if not tested.any():
        raise InputError("chart_near_or_chance was given no pair that could be tested; one day of records is not "
                         "enough.")
    x, y = found["expected_days"].to_numpy()[tested], found["n_days"].to_numpy()[tested].astype(float)
    named = np.full(len(found), "pair") if relation is None else relation.astype(str).to_numpy()
    strong, named = found["more_than_chance"].to_numpy()[tested], named[tested]
    # Whole days lie on lines; a little spread shows how many dots lie there.
    shown = y * np.exp(np.random.default_rng(0).uniform(-_SPREAD, _SPREAD, len(y)) / np.maximum(y, 1))
    figure = theme.new_figure(title, alt, source, subtitle=subtitle, height_in=4.6, size=size)
    with theme.style():
        axes = figure.add_subplot()
        axes.set(xscale="log", yscale="log", xlabel="days with a shared window expected from the two routines",
                 ylabel="days with a shared window")
        low, high = max(x.min() * 0.7, 1e-3), max(x.max(), y.max()) * 1.6
        axes.plot([low, high], [low, high], color=INK, linewidth=1)
        axes.set(xlim=(low, high), ylim=(0.7, y.max() * 1.7))
        axes.plot(x[~strong], shown[~strong], "o", color=FAINT, markersize=2.2, alpha=0.5, markeredgewidth=0,
                  rasterized=True)
        for name, colour in {**RELATIONS, "pair": CONTRAST}.items():
            here = strong & (named == name)
            axes.plot(x[here], shown[here], "o", color=colour, markersize=7, markeredgecolor="white")
        _say_what_is_what(axes, strong, named)
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_formatter(lambda value, _: f"{value:g}")
    return figure


def _say_what_is_what(axes, strong, named):
    axes.text(0.985, 0.03, "black line: as often\nas routine explains", transform=axes.transAxes, ha="right",
              fontsize=SMALL_PT, color=INK)
    rows = [(f"{np.count_nonzero(~strong):,} pairs: chance explains them", MUTED, 3)]
    for name, colour in {**RELATIONS, "pair": CONTRAST}.items():
        n = np.count_nonzero(strong & (named == name))
        if n:
            rows.append((f"{n:,} beyond chance" + ("" if name == "pair" else f": {name}"), colour, 7))
    if len(rows) == 1:
        rows.append(("no pair beyond chance", INK, 0))
    for line, (words, colour, points) in enumerate(rows):
        level = 0.96 - 0.055 * line
        axes.plot(0.03, level, "o", color=colour, markersize=points, transform=axes.transAxes, clip_on=False)
        axes.text(0.055, level, words, transform=axes.transAxes, va="center", fontsize=SMALL_PT + 0.5, color=colour,
                  fontweight="bold" if line else "normal")
