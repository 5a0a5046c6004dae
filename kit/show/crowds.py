"""How large the crowd is that each person disappears in, by what is known of them.

Bars count people. Of real ones only counts of ten or more leave the kernel, by `kit.publish`.
"""

import numpy as np
from matplotlib.ticker import FuncFormatter

from kit.errors import InputError
from kit.show import theme
from kit.show.theme import DEEP, FAINT, INK, MUTED, SMALL_PT, SUBJECT

CROWDS = (("alone", 1, 1, DEEP, "white"), ("with 1 to 3 others", 2, 4, SUBJECT, "white"),
          ("with 4 to 8 others", 5, 9, "#9DC6E6", INK), ("with 9 others or more", 10, np.inf, FAINT, INK))
_NARROWEST = 0.055


def chart_risk(risks, *, title="", alt="", source="", subtitle="", size="screen"):
    """For each attack, the share of people whom it leaves alone, or in a crowd of a few, or of ten and more.

    Bars add up from the left, so the end of each colour is the share of people in a crowd of at most that many. Attacks
    are ordered by how many people they leave alone. Where a search was cut short a risk is a lower bound, and the bar
    says for how many people it is.

    Parameters
    ----------
    risks : pandas.DataFrame
        Tables of `reidentify.risk`, one below the other, with a column attack: attack, matches, exact.
    title, alt, source, subtitle, size
        As for `theme.new_figure`.

    Returns
    -------
    theme.Figure

    Raises
    ------
    InputError
        If a column or everybody is missing, or somebody matches nobody.

    >>> import pandas as pd
    >>> risks = pd.DataFrame({"attack": "location", "matches": [1, 3], "exact": True})
    >>> chart_risk(risks, title="Half are alone", alt="One bar, half of it dark", source="Invented")
    <Figure: Half are alone>
    """
    theme.need_columns(risks, ["attack", "matches", "exact"], "chart_risk")
    matches = risks["matches"].to_numpy(float)
    if not (matches >= 1).all():
        raise InputError("chart_risk was given somebody whom nobody matches, but everybody is matched by at least one "
                         "person, themselves; give it the tables of reidentify.risk.")
    rows = sorted((_row(name, part) for name, part in risks.groupby("attack", sort=True, observed=True)),
                  key=lambda row: [-share for share in row[2]])
    figure = theme.new_figure(title, alt, source, subtitle=subtitle, height_in=0.9 + 0.42 * len(rows), size=size)
    with theme.style():
        axes = figure.add_subplot()
        for at, (_, _, shares, cut_short) in enumerate(rows):
            _draw_bar(axes, at, shares, cut_short)
        axes.set(xlim=(0, 1), ylim=(len(rows) - 0.5, -1.1), yticks=range(len(rows)),
                 yticklabels=[f"{theme.clean(str(name), 30).replace('_', ' ')} ({n:,})" for name, n, *_ in rows],
                 xlabel="share of people (how many in brackets)")
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.0%}"))
        axes.tick_params(axis="y", length=0)
        _say_colours(axes)
    return figure


def _row(name, part):
    matches = part["matches"].to_numpy(float)
    shares = [float(((matches >= low) & (matches <= high)).mean()) for _, low, high, *_ in CROWDS]
    return name, len(part), shares, float((~part["exact"].to_numpy(bool)).mean())


def _draw_bar(axes, at, shares, cut_short):
    left = 0.0
    for share, (_, _, _, colour, ink) in zip(shares, CROWDS, strict=True):
        axes.barh(at, share, left=left, height=0.72, color=colour)
        if share >= _NARROWEST:
            axes.text(left + share / 2, at, f"{share:.0%}", ha="center", va="center", color=ink, fontsize=SMALL_PT)
        left += share
    if cut_short > 0:
        axes.annotate(f"lower bound\nfor {max(cut_short, 0.01):.0%}", (1, at), xytext=(5, 0),
                      textcoords="offset points", va="center", fontsize=SMALL_PT, color=MUTED, annotation_clip=False)


def _say_colours(axes):
    for number, (words, _, _, colour, _) in enumerate(CROWDS):
        left = (0.0, 0.13, 0.41, 0.69)[number]
        axes.plot(left + 0.02, -0.82, "s", color=colour, markersize=8, clip_on=False)
        axes.text(left + 0.038, -0.82, words, va="center", fontsize=SMALL_PT, color=INK)
