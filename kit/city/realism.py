"""How real the invented city is: regularities of human movement as published, and as measured on the city's truth.

The measures look at true episodes, before any sensor; intervals are bootstraps by person. What the register's sensors
then see is measured beside it, so that nobody has to take the generator's word for it.
"""

import numpy as np
import pandas as pd

from kit.city import days, detect
from kit.city.leak_register import REFERENCE_DAY, register_faults
from kit.city.people import lay_town, people_of
from kit.city.plan import make_plan

FIRST_PERSON = 20_000  # beyond the estates and their visitors
FIRST_DAY = 22_309  # 2031-01-30, a Thursday
DRAWS = 200
HOUR_MS, DAY_MS, OFFSET_MS = 3_600_000, 86_400_000, 28_800_000
COLUMNS = ("measure", "published", "source", "estimate", "low", "high", "n", "reading")

_GONZALEZ = "González et al. 2008, doi 10.1038/nature06958"
_SONG_MODEL = "Song et al. 2010, doi 10.1038/nphys1760"
_SONG_LIMITS = "Song et al. 2010, doi 10.1126/science.1177170"
_SCHNEIDER = "Schneider et al. 2013, doi 10.1098/rsif.2013.0246"


def measure(people=2_000, n_days=56, seed=0, plan=None):
    """Measure the city's people against published regularities.

    Parameters
    ----------
    people : int
        How many people to follow.
    n_days : int
        For how many days.
    seed : int
    plan : Plan, optional

    Returns
    -------
    pandas.DataFrame
        measure, published, source, estimate, low, high (95 %, bootstrap by person), n (people), reading (where the
        city differs, and why).
    """
    plan = plan or make_plan()
    town = lay_town(plan)
    crowd = people_of(town, np.arange(FIRST_PERSON, FIRST_PERSON + people), seed)
    episodes = days.simulate(plan, town, crowd, FIRST_DAY, n_days, seed, episodes_of=people).episodes
    stays = episodes[episodes["place"] >= 0]
    visits = stays[_begins(stays)]
    gyration = _gyration(stays, town, people)
    by_person = [
        ("visit frequency by rank, exponent", "1.2 ± 0.1", _GONZALEZ, _rank_exponent(visits, people), _slope_of_mean,
         "Ranks 1 to 20. Home and work weigh more here than in traces sampled by telephone calls."),
        ("growth of distinct places, exponent", "0.6 ± 0.02", _SONG_MODEL, _growth(visits, people, n_days),
         _slope_of_mean, "Day 3 to the last; not set, but the list of favourites was shortened until it came near."),
        ("distinct places a day, mean", "about 3", _SCHNEIDER, _places_a_day(episodes, people, n_days), _mean,
         "Days in town. A little low: escorting children and change of transport are not simulated."),
        ("days with at most 6 distinct places", "at least 90 %", _SCHNEIDER, _at_most_six(episodes, people, n_days),
         _mean, "Agrees: published motifs of at most six places cover 90 % of days; customers' callers go beyond."),
        ("jump lengths, exponent of a truncated power law", "1.75 ± 0.15", _GONZALEZ, _jumps(visits, town),
         _jump_exponent, "Differs: within 0.5 to 20 km lengths fall off exponentially, as taxi trips within a city do "
         "(Liang et al. 2012, doi 10.1016/j.physa.2011.11.035); the published law spans a country."),
        ("radius of gyration, median in km", "cut-off at 350 km", _GONZALEZ, gyration, _median,
         "Differs: nobody's movement out of town is placed, so the city's 20 km bound it."),
        ("radius of gyration, 95th percentile over median", "heavy-tailed", _GONZALEZ, gyration, _tail,
         "The few who roam far are there; the tail ends with the city."),
        ("nights at home", "", "", _nights_at_home(episodes, crowd, n_days), _mean,
         "For comparison only; the rest are nights out of town, on shift and out late."),
        ("regularity: time at the usual place of the hour of the week", "about 0.7", _SONG_LIMITS,
         _regularity(episodes, people, n_days), _mean,
         "Differs: truth knows every hour exactly, telephone records only hours with a call, by cell."),
        ("visits a day at weekends over those on weekdays", "", "", _weekend(visits, people, n_days), _mean,
         "For comparison only."),
    ]
    rows = [(name, published, source, *_bootstrap(values, statistic, seed), people, reading)
            for name, published, source, values, statistic, reading in by_person]
    return pd.DataFrame(rows, columns=COLUMNS)


def hours_of_trips(people=2_000, seed=0, plan=None):
    """Share of trips that begin in each hour of the day, on working days and at weekends: the week profile.

    Returns
    -------
    pandas.DataFrame
        hour, weekday, weekend; each column of shares adds up to 1.
    """
    plan = plan or make_plan()
    town = lay_town(plan)
    crowd = people_of(town, np.arange(FIRST_PERSON, FIRST_PERSON + people), seed)
    episodes = days.simulate(plan, town, crowd, FIRST_DAY, 14, seed, episodes_of=people).episodes
    begins = episodes["leave_ms"][:-1][_moves(episodes)] + OFFSET_MS
    weekend = (begins // DAY_MS + 3) % 7 >= 5
    hour = begins // HOUR_MS % 24
    shares = {name: np.bincount(hour[which], minlength=24) / which.sum()
              for name, which in (("weekday", ~weekend), ("weekend", weekend))}
    return pd.DataFrame({"hour": np.arange(24), **shares})


def register_profile(people=200_000, seed=0, plan=None):
    """What the register's sensors make of one day: the fixed difficulty as it comes out.

    Returns
    -------
    pandas.DataFrame
        measure, wanted, estimate.
    """
    plan = plan or make_plan()
    town = lay_town(plan)
    crowd = people_of(town, np.arange(people), seed)
    passes = days.simulate(plan, town, crowd, REFERENCE_DAY, 1, seed).passes
    faults = register_faults(plan, seed)
    records = detect.detect(passes, crowd, crowd["person_no"], faults, seed)
    first = records[records["copy"] == 0]
    each = np.bincount(records["who"], minlength=people)
    popular = np.sort(np.bincount(records["sensor"], minlength=len(faults)))[::-1]
    rows = [("passages recorded a person-day", "2.60", len(records) / people),
            ("true passes a person-day", "", len(passes) / people),
            ("detection rate, lowest sensor", "0.60 or more", faults["detection_rate"].min()),
            ("detection rate, highest sensor", "0.95 or less", faults["detection_rate"].max()),
            ("false matches", "0.02", (first["why"] == detect.FALSE_MATCH).mean()),
            ("unmatched faces", "about 0.03", (first["why"] == detect.UNMATCHED).mean()),
            ("duplicates", "0.01 to 0.03", (records["copy"] > 0).mean()),
            ("sensors with a wrong clock", "0.05", (faults["clock_offset_s"] != 0).mean()),
            ("popularity of sensors, exponent over the 700 busiest", "about 0.7", -_slope(popular[:700])),
            ("variance of passages a person over their mean", "measured, not set", each.var() / each.mean())]
    rows += [(f"people with at least {k} passages", "measured, not set", (each >= k).mean()) for k in (1, 2, 3, 4, 10)]
    return pd.DataFrame(rows, columns=["measure", "wanted", "estimate"])


def as_markdown(measures, hours, profile):
    """The three tables as the page docs/realism.md."""
    lines = ["# How real is Port Nemo?", "", *_INTRODUCTION, "", "## People, against published regularities", "",
             "| measure | published | here (95 % interval) | where we differ, and why |", "|---|---|---|---|"]
    for row in measures.itertuples():
        published = f"{row.published}: {row.source}" if row.source else "no single number"
        lines.append(f"| {row.measure} | {published} | {row.estimate:.2f} ({row.low:.2f} to {row.high:.2f}) "
                     f"| {row.reading} |")
    lines += ["", f"{measures['n'].iloc[0]:,} people over 56 days from 2031-01-30, true episodes, before any sensor; "
              "intervals: bootstrap by person.", "", "## The week", "",
              "Share of trips that begin in each hour (Etc/GMT-8), on working days and at weekends.", "",
              "| hour | working days | weekends |", "|---|---|---|"]
    lines += [f"| {row.hour:02d} | {row.weekday:.1%} | {row.weekend:.1%} |" for row in hours.itertuples()]
    lines += ["", "## What the register's sensors make of it", "",
              "One day, 2031-03-12, the first 200,000 people. The wanted values are the project's fixed difficulty; "
              "all others are outcomes.", "", "| measure | wanted | here |", "|---|---|---|"]
    lines += [f"| {row.measure} | {row.wanted or '–'} | {row.estimate:.3f} |" for row in profile.itertuples()]
    return "\n".join([*lines, ""])


_INTRODUCTION = (
    "An invented city is useful only where it behaves like one. This page compares the movement of its people with",
    "regularities published for real ones, and says where they differ. `python3 run.py bench realism` measures and",
    "writes it; no number here is typed. A finding on Port Nemo is a finding about Port Nemo: unicity, anonymity sets",
    "and the like have to be measured again on real data before anybody quotes them.",
    "",
    "False matches and unmatched records apply to whatever has to recognise somebody: faces and plates. Sensors that",
    "read a device number (sniffers, data doors, cells) miss and repeat, but do not confuse people.")


def _begins(episodes):
    """Which episodes begin a visit, rather than go on after midnight."""
    goes_on = (episodes["who"][1:] == episodes["who"][:-1]) & (episodes["place"][1:] == episodes["place"][:-1])
    return np.r_[True, ~goes_on]


def _moves(episodes):
    """Which of two episodes in a row are joined by a trip in town."""
    one, next_one = episodes[:-1], episodes[1:]
    return ((one["who"] == next_one["who"]) & (one["place"] != next_one["place"])
            & (one["place"] >= 0) & (next_one["place"] >= 0))


def _counts(visits):
    return pd.DataFrame({"who": visits["who"], "place": visits["place"]}).value_counts().reset_index(name="n")


def _rank_exponent(visits, people, ranks=20):
    """Per person: share of visits to the most visited place, the second, … (people, ranks)."""
    counts = _counts(visits)
    counts["rank"] = counts.groupby("who").cumcount()
    total = counts.groupby("who")["n"].transform("sum")
    out = np.zeros((people, ranks))
    top = counts["rank"] < ranks
    out[counts["who"][top], counts["rank"][top]] = (counts["n"] / total)[top]
    return np.column_stack([out, np.full((people, 1), -1.0)])


def _growth(visits, people, n_days):
    """Per person: distinct places seen by the end of each day, the first two days left out."""
    day = (visits["arrive_ms"] + OFFSET_MS) // DAY_MS - FIRST_DAY
    first = pd.DataFrame({"who": visits["who"], "place": visits["place"], "day": day}).drop_duplicates(["who", "place"])
    new = np.zeros((people, n_days))
    np.add.at(new, (first["who"], first["day"]), 1)
    seen = new.cumsum(axis=1)
    return np.column_stack([seen, np.full((people, 1), 1.0)])


def _distinct(episodes, people, n_days):
    day = (episodes["arrive_ms"] + OFFSET_MS) // DAY_MS - FIRST_DAY
    each = pd.DataFrame({"who": episodes["who"], "day": day, "place": episodes["place"]})
    each = each[each["place"] >= 0].drop_duplicates()
    out = np.zeros((people, n_days))
    np.add.at(out, (each["who"], each["day"]), 1)
    return np.where(out > 0, out, np.nan)


def _places_a_day(episodes, people, n_days):
    return np.nanmean(_distinct(episodes, people, n_days), axis=1)


def _at_most_six(episodes, people, n_days):
    distinct = _distinct(episodes, people, n_days)
    return np.nanmean(np.where(np.isnan(distinct), np.nan, distinct <= 6), axis=1)


def _jumps(visits, town):
    """Per person: histogram of distances between successive places, 40 logarithmic bins from 0.5 to 20 km."""
    moved = _moves(visits)
    a, b = visits["place"][:-1][moved], visits["place"][1:][moved]
    far_km = np.hypot(town.place_x[a] - town.place_x[b], town.place_y[a] - town.place_y[b]) / 1_000
    bin_no = np.digitize(far_km, _JUMP_EDGES) - 1
    inside = (bin_no >= 0) & (bin_no < len(_JUMP_EDGES) - 1)
    out = np.zeros((visits["who"].max() + 1, len(_JUMP_EDGES) - 1))
    np.add.at(out, (visits["who"][:-1][moved][inside], bin_no[inside]), 1)
    return out


_JUMP_EDGES = np.geomspace(0.5, 20, 41)


def _gyration(stays, town, people):
    """Per person: root mean square distance from the centre of mass of the time in town, in km."""
    hours = (stays["leave_ms"] - stays["arrive_ms"]) / HOUR_MS
    sums = [np.bincount(stays["who"], weights=w, minlength=people) for w in (
        hours, hours * town.place_x[stays["place"]], hours * town.place_y[stays["place"]],
        hours * (town.place_x[stays["place"]].astype(float) ** 2 + town.place_y[stays["place"]].astype(float) ** 2))]
    total = np.maximum(sums[0], 1e-9)
    return np.sqrt(np.maximum(sums[3] / total - (sums[1] / total) ** 2 - (sums[2] / total) ** 2, 0)) / 1_000


def _nights_at_home(episodes, crowd, n_days):
    """Per person: share of nights that find them at home at 03:00."""
    out = np.zeros((crowd.size, n_days))
    for night in range(n_days):
        three = (FIRST_DAY + night) * DAY_MS - OFFSET_MS + 3 * HOUR_MS
        now = episodes[(episodes["arrive_ms"] <= three) & (three < episodes["leave_ms"])]
        out[now["who"], night] = now["place"] == crowd["home"][now["who"]]
    return out.mean(axis=1)


def _regularity(episodes, people, n_days):
    """Per person: share of hours spent at the place where that hour of the week is most often spent."""
    starts = FIRST_DAY * DAY_MS - OFFSET_MS + np.arange(n_days * 24) * HOUR_MS + HOUR_MS // 2
    first = np.searchsorted(starts, episodes["arrive_ms"])
    length = np.searchsorted(starts, episodes["leave_ms"]) - first
    row = np.repeat(np.arange(episodes.size), length)
    slot = first[row] + np.arange(row.size) - np.repeat(np.cumsum(length) - length, length)
    where = pd.DataFrame({"who": episodes["who"][row], "hour": slot % 168, "place": episodes["place"][row]})
    usual = where.value_counts().reset_index(name="n").groupby(["who", "hour"])["n"].max().groupby("who").sum()
    return (usual / where.groupby("who").size()).reindex(range(people)).to_numpy()


def _weekend(visits, people, n_days):
    """Per person: trips a day at weekends and on weekdays, as two columns."""
    day = (visits["arrive_ms"] + OFFSET_MS) // DAY_MS
    weekend = (day + 3) % 7 >= 5
    week = (np.arange(FIRST_DAY, FIRST_DAY + n_days) + 3) % 7 >= 5
    per_day = [np.bincount(visits["who"][which], minlength=people) / n
               for which, n in ((weekend, week.sum()), (~weekend, (~week).sum()))]
    return per_day[0] / np.mean(per_day[1])


def _bootstrap(values, statistic, seed):
    """The statistic, and the 2.5th and 97.5th percentile of it over resampled people."""
    rng = np.random.default_rng(seed)
    again = [statistic(values[rng.integers(0, len(values), len(values))]) for _ in range(DRAWS)]
    return statistic(values), *np.quantile(again, [0.025, 0.975])


def _mean(values):
    return np.nanmean(values)


def _median(values):
    return np.nanmedian(values)


def _tail(values):
    return np.nanquantile(values, 0.95) / np.nanmedian(values)


def _slope_of_mean(rows):
    """Slope of the mean curve on two logarithmic axes; the last column holds the sign to report it with."""
    curve, sign = rows[:, :-1].mean(axis=0), rows[0, -1]
    skip = 0 if sign < 0 else 2
    x = np.arange(1, curve.size + 1)[skip:]
    return sign * np.polyfit(np.log(x), np.log(curve[skip:]), 1)[0]


def _jump_exponent(histograms):
    """Maximum likelihood of p(r) ~ r^-beta exp(-r / kappa) on the binned lengths; the exponent beta."""
    n = histograms.sum(axis=0)
    middle, width = np.sqrt(_JUMP_EDGES[:-1] * _JUMP_EDGES[1:]), np.diff(_JUMP_EDGES)
    beta, kappa = np.meshgrid(np.arange(0.0, 3.0, 0.02), np.geomspace(1.5, 60, 40), indexing="ij")
    log_p = -beta[..., None] * np.log(middle) - middle / kappa[..., None] + np.log(width)
    log_p -= np.log(np.exp(log_p).sum(axis=-1, keepdims=True))
    best = np.argmax(log_p @ n)
    return float(beta.ravel()[best])


def _slope(ranked):
    return np.polyfit(np.log(np.arange(1, ranked.size + 1)), np.log(np.maximum(ranked, 1)), 1)[0]
