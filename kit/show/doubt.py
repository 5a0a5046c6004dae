"""How much doubt a match, a flag or a count leaves: decay of tracks, rules together, recovery and membership."""

import numpy as np

from kit.errors import InputError
from kit.show import theme
from kit.show.theme import CONTRAST, INK, MUTED, SMALL_PT, SUBJECT

_ATTACKS = {"learned": ("with data on others, learned", SUBJECT, "o-"),
            "auxiliary": ("with data on others, added up", SUBJECT, "s--"),
            "no_auxiliary": ("with the release alone", CONTRAST, "o-"),
            "null": ("with a stranger's points", MUTED, "o-")}


def chart_flags(counted, *, title="", alt="", source="", subtitle="", size="screen"):
    """Share of people whom each rule flags, in order, and whom at least one flags.

    Parameters
    ----------
    counted : pandas.DataFrame
        As `reidentify.count_flags` gives it; withheld rules are left out and counted in words.
    title, alt, source, subtitle, size
        As for `theme.new_figure`.

    Returns
    -------
    theme.Figure

    Raises
    ------
    InputError
        If every rule is withheld.
    """
    theme.need_columns(counted, ["rule", "estimate", "low", "high", "withheld"], "chart_flags")
    shown = counted[~counted["withheld"]]
    together = shown["rule"].str.startswith("any")
    if not len(shown):
        raise InputError("chart_flags was given no count that may be shown; flag more people or rules.")
    shown = shown.assign(together=together).sort_values(["together", "estimate"], kind="stable")
    figure = theme.new_figure(title, alt, source, subtitle=subtitle, height_in=4.2, size=size)
    with theme.style():
        axes = figure.add_subplot()
        at, share = np.arange(len(shown)), shown["estimate"].to_numpy()
        colours = [CONTRAST if rule == "any" else MUTED if one else SUBJECT
                   for rule, one in zip(shown["rule"], shown["together"], strict=True)]
        axes.bar(at, share, color=colours, width=0.75)
        axes.vlines(at, shown["low"], shown["high"], color=INK, linewidth=1)
        for x, row in zip(at, shown.itertuples(), strict=True):
            if row.together:
                words = "by any rule" if row.rule == "any" else "were rules\nindependent"
                axes.text(x, row.high + 0.012, f"{row.estimate:.0%}\n{words}", ha="right" if row.rule == "any" else
                          "left", fontsize=SMALL_PT, color=INK)
        axes.set(xlim=(-1, len(shown) + 4), ylim=(0, min(1.25, shown["high"].max() * 1.25)), ylabel="share of people",
                 xticks=[], xlabel=f"rules drawn: {(~shown['together']).sum()}; withheld: {counted['withheld'].sum()} "
                                   "(fewer people than may be told)")
        axes.yaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
    return figure


def chart_track_decay(measured, expected, *, title="", alt="", source="", subtitle="", size="screen"):
    """Share of tracks without a false record by length: as counted, and as it were if errors were independent.

    Parameters
    ----------
    measured : pandas.DataFrame
        As `reidentify.tracks_without_false` gives it.
    expected : pandas.DataFrame
        As `reidentify.track_decay` gives it.
    title, alt, source, subtitle, size
        As for `theme.new_figure`.

    Returns
    -------
    theme.Figure

    Raises
    ------
    InputError
        If no length has a track.
    """
    theme.need_columns(measured, ["mean_records", "estimate", "low", "high"], "chart_track_decay")
    theme.need_columns(expected, ["n", "all_right"], "chart_track_decay")
    there = measured.dropna(subset=["estimate"])
    if there.empty:
        raise InputError("chart_track_decay was given no track; count some first.")
    figure = theme.new_figure(title, alt, source, subtitle=subtitle, height_in=4.2, size=size)
    with theme.style():
        axes = figure.add_subplot()
        axes.plot(expected["n"], expected["all_right"], color=MUTED, linewidth=1.5)
        axes.vlines(there["mean_records"], there["low"], there["high"], color=SUBJECT, linewidth=1.5)
        axes.plot(there["mean_records"], there["estimate"], "o", color=SUBJECT, markersize=6)
        axes.text(0.97, 0.95, "dots: counted in the city, with interval\ngrey line: if errors were independent",
                  transform=axes.transAxes, ha="right", va="top", fontsize=SMALL_PT, color=INK)
        axes.set(xscale="log", ylim=(0, 1.03), xlabel="records in the track", ylabel="tracks without a false record")
        axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
        axes.yaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
    return figure


def chart_recovery(scores, *, title="", alt="", source="", subtitle="", size="screen"):
    """Share of steps told rightly by each method, over all steps and away from where the person began.

    Parameters
    ----------
    scores : pandas.DataFrame
        Rows of `reidentify.score_tracks` with a column `method`.
    title, alt, source, subtitle, size
        As for `theme.new_figure`.

    Returns
    -------
    theme.Figure

    Raises
    ------
    InputError
        If there is no row.
    """
    theme.need_columns(scores, ["method", "steps", "estimate", "low", "high"], "chart_recovery")
    methods = list(dict.fromkeys(scores["method"]))
    figure = theme.new_figure(title, alt, source, subtitle=subtitle, height_in=3.6, size=size)
    with theme.style():
        axes = figure.add_subplot()
        for steps, colour, shift in (("all", SUBJECT, 0.12), ("away", CONTRAST, -0.12)):
            rows = scores[scores["steps"] == steps].dropna(subset=["estimate"])
            y = np.array([len(methods) - 1 - methods.index(m) for m in rows["method"]]) + shift
            axes.hlines(y, rows["low"], rows["high"], color=colour, linewidth=2)
            axes.plot(rows["estimate"], y, "o", color=colour, markersize=7)
            for x, at in zip(rows["high"], y, strict=True):
                words = "all steps" if steps == "all" else "away from the start"
                axes.text(x + 0.015, at, words, va="center", fontsize=SMALL_PT, color=colour)
        axes.set(yticks=range(len(methods)), yticklabels=[m.replace("_", " ") for m in reversed(methods)],
                 xlim=(-0.02, 1.2), ylim=(-0.5, len(methods) - 0.5), xticks=np.arange(0, 1.01, 0.25),
                 xlabel="share of person-steps in the right zone")
        axes.xaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
    return figure


def chart_membership(found, *, title="", alt="", source="", subtitle="", size="screen"):
    """How well membership is told, by the size of the group that is counted; one half is a coin.

    Parameters
    ----------
    found : pandas.DataFrame
        As `reidentify.membership` gives it.
    title, alt, source, subtitle, size
        As for `theme.new_figure`.

    Returns
    -------
    theme.Figure

    Raises
    ------
    InputError
        If there is no row.
    """
    theme.need_columns(found, ["group", "attack", "estimate", "low", "high"], "chart_membership")
    figure = theme.new_figure(title, alt, source, subtitle=subtitle, height_in=4.2, size=size)
    with theme.style():
        axes = figure.add_subplot()
        axes.axhline(0.5, color=INK, linewidth=1)
        for attack, (words, colour, mark) in _ATTACKS.items():
            rows = found[found["attack"] == attack].sort_values("group")
            if rows.empty:
                continue
            axes.fill_between(rows["group"], rows["low"], rows["high"], color=colour, alpha=0.2, linewidth=0)
            axes.plot(rows["group"], rows["estimate"], mark, color=colour, label=words)
        axes.legend(frameon=False, fontsize=SMALL_PT)
        axes.set(xscale="log", ylim=(0.35, 1.03), xlabel="people in the group that is counted",
                 ylabel="area under the curve (0.5: a coin)", xticks=sorted(found["group"].unique()))
        axes.minorticks_off()
        axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
    return figure
