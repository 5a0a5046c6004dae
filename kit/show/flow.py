"""What became of each field: raw fields on the left, by what they are, and on the right what ingest made of them."""

import numpy as np
import pandas as pd
from matplotlib.patches import PathPatch, Rectangle
from matplotlib.path import Path

from kit.errors import InputError
from kit.show import theme
from kit.show.theme import CONTRAST, FAINT, MUTED, SMALL_PT, SUBJECT, TEXT_PT

# From what names a person to what names nobody; and from what stays to what never comes in.
KINDS = {"identifier": "identifies", "label": "labels", "time": "when", "place": "where", "sensor": "sensor",
         "measurement": "measured", "noise": "noise"}
FATES = {"keep": "kept", "coarsen": "made coarser", "pseudonymise": "keyed pseudonym", "tally": "counted, then gone",
         "drop": "dropped", "refuse": "refused: stops the run"}
_STAYS = ("keep", "coarsen", "pseudonymise")
_LINE_IN, _GAP_IN = 0.165, 0.14


def chart_field_flow(fields, *, title="", alt="", source="", subtitle="", size="screen"):
    """A thread from each raw field to what became of it; threads of what stays in colour, of what goes in grey.

    Parameters
    ----------
    fields : pandas.DataFrame
        field (its name), is (identifier, label, time, place, sensor, measurement, noise), do (keep, coarsen,
        pseudonymise, tally, drop, refuse); one row a field. `ingest.check` gives such a frame.
    title, alt, source, subtitle, size
        As for `theme.new_figure`.

    Returns
    -------
    theme.Figure

    Raises
    ------
    InputError
        If a column is missing, there is no row, or a row says something that no recipe can.

    >>> fields = pd.DataFrame({"field": ["id_no", "ts"], "is": ["identifier", "time"], "do": ["pseudonymise", "keep"]})
    >>> chart_field_flow(fields, title="Two fields stay", alt="Two threads", source="Invented")
    <Figure: Two fields stay>
    """
    theme.need_columns(fields, ["field", "is", "do"], "chart_field_flow")
    for column, known in (("is", KINDS), ("do", FATES)):
        strange = sorted(set(map(str, fields[column])) - set(known))
        if strange:
            raise InputError(f"chart_field_flow knows as {column} {', '.join(known)}, but not {strange[0]}.")
    rows = _left(fields)
    ends = _right(rows)
    height = rows["top"].iloc[-1] + _LINE_IN
    figure = theme.new_figure(title, alt, source, subtitle=subtitle, height_in=height + 0.1, size=size)
    with theme.style():
        axes = figure.add_subplot()
        axes.set(xlim=(0, theme.SIZES[size].width_in), ylim=(height, 0))
        axes.set_axis_off()
        _draw_left(axes, rows)
        _draw_right(axes, ends, rows)
        for row in rows.itertuples():
            _draw_thread(axes, row, ends)
    return figure


def _left(fields):
    """Fields in order, with the top of each line in inches: by kind, within it by fate, so that few threads cross."""
    rows = pd.DataFrame({"field": fields["field"].astype(str), "kind": fields["is"], "fate": fields["do"]})
    for column, known in (("kind", KINDS), ("fate", FATES)):
        rows[column] = pd.Categorical(rows[column], list(known), ordered=True)
    rows = rows.sort_values(["kind", "fate", "field"], ignore_index=True)
    new_kind = rows["kind"] != rows["kind"].shift()
    rows["top"] = np.arange(len(rows)) * _LINE_IN + (new_kind.cumsum() - 1) * _GAP_IN
    return rows


def _right(rows):
    """Each fate's block: as tall as its fields, blocks spread evenly over the height, in the order of `FATES`."""
    counts = rows["fate"].value_counts(sort=False)
    counts = counts[counts > 0]
    height = rows["top"].iloc[-1] + _LINE_IN
    gap = (height - counts.sum() * _LINE_IN) / max(len(counts) - 1, 1)
    tops = np.concatenate(([0], (counts * _LINE_IN + gap).cumsum().to_numpy()[:-1]))
    tops = tops if len(counts) > 1 else np.array([(height - counts.iloc[0] * _LINE_IN) / 2])
    return pd.DataFrame({"n": counts, "top": tops})


_KIND_X, _FIELD_X, _START_X, _END_X = 0.02, 2.75, 2.85, 4.75


def _draw_left(axes, rows):
    for kind, group in rows.groupby("kind", observed=True):
        top, bottom = group["top"].iloc[0], group["top"].iloc[-1] + _LINE_IN
        axes.text(_KIND_X, (top + bottom) / 2, KINDS[kind], va="center", fontsize=TEXT_PT, fontweight="bold")
        axes.plot([0.95, 0.95], [top + 0.02, bottom - 0.02], color=FAINT, linewidth=1.5)
    for row in rows.itertuples():
        axes.text(_FIELD_X, row.top + _LINE_IN / 2, theme.clean(row.field, 26), ha="right", va="center_baseline",
                  fontsize=SMALL_PT)


def _draw_right(axes, ends, rows):
    for fate, end in ends.iterrows():
        height = end["n"] * _LINE_IN
        axes.add_patch(Rectangle((_END_X, end["top"]), 0.12, height, facecolor=_colour(fate)))
        noun = "field" if end["n"] == 1 else "fields"
        axes.text(_END_X + 0.22, end["top"] + height / 2, f"{FATES[fate]}: {end['n']:.0f} {noun}", va="center",
                  fontsize=TEXT_PT, fontweight="bold" if fate in _STAYS else "normal")


def _draw_thread(axes, row, ends):
    """A band of one line's height, level at both ends; a fate's threads arrive in the order of the fields."""
    taken = ends.at[row.fate, "top"]
    ends.at[row.fate, "top"] = taken + _LINE_IN
    pad, middle = 0.015, (_START_X + _END_X) / 2
    left, right = (row.top + pad, row.top + _LINE_IN - pad), (taken + pad, taken + _LINE_IN - pad)
    corners = [(_START_X, left[0]), (middle, left[0]), (middle, right[0]), (_END_X, right[0]),
               (_END_X, right[1]), (middle, right[1]), (middle, left[1]), (_START_X, left[1]), (_START_X, left[0])]
    steps = [Path.MOVETO, *[Path.CURVE4] * 3, Path.LINETO, *[Path.CURVE4] * 3, Path.CLOSEPOLY]
    axes.add_patch(PathPatch(Path(corners, steps), facecolor=_colour(row.fate),
                             alpha=0.55 if row.fate in _STAYS else 0.3))


def _colour(fate):
    if fate == "pseudonymise":
        return CONTRAST
    return SUBJECT if fate in _STAYS else MUTED
