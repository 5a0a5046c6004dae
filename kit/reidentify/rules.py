"""36 rules that each flag a few make a list of many: base rates of an abstract rule engine.

The rules R01 to R36 say nothing about anybody. Each flags the outermost share of people on one plain quantity of their
own records, at its upper or its lower end. There is no truth of guilt in the city or anywhere in these data, so no
precision can be measured; `base_rates` computes what it would be for a trait that is supposed.
"""

import numpy as np
import pandas as pd

from kit.disclosure import K_DEFAULT, check_k
from kit.errors import InputError
from kit.estimates import wilson

QUANTITIES = ("records", "days", "sensors", "first_hour", "last_hour", "mean_hour", "spread_hour", "night", "weekend",
              "most_in_a_day", "least_in_a_day", "longest_gap", "mean_gap", "shortest_gap", "main_sensor",
              "sensors_a_record", "days_a_sensor", "late_half")
RULES = tuple(f"R{i:02}" for i in range(1, 2 * len(QUANTITIES) + 1))


def flag_rules(records, tz, rate=0.02):
    """Whom each of 36 abstract rules flags: the outermost `rate` of people at either end of 18 quantities.

    Parameters
    ----------
    records : pandas.DataFrame
        subject_id, sensor_id, time. Unmatched records (no subject) are left out.
    tz : str
        Zone of the clock.
    rate : float, default 0.02
        Largest share that one rule may flag, above 0 and below 0.5. People who are alike are flagged together or not
        at all, so a rule may flag fewer.

    Returns
    -------
    pandas.DataFrame of bool
        A row a person (index subject_id), columns R01 to R36.

    Raises
    ------
    InputError
        Columns or times are missing, the zone is unknown, or rate leaves its bounds.

    References
    ----------
    Human Rights Watch (2019), China's Algorithms of Repression, ISBN 978-1-6231-37304, tells of 36 person types; their
    wording is used nowhere here.

    >>> seen = pd.DataFrame({"subject_id": ["x"], "sensor_id": ["a"], "time": pd.to_datetime(["2031-03-12T01:00Z"])})
    >>> flag_rules(seen, "Etc/GMT-8").to_numpy().any()
    np.False_
    """
    if not isinstance(rate, int | float | np.number) or not 0 < rate < 0.5:
        raise InputError(f"rate must lie between 0 and 0.5, but it is {rate!r}.")
    facts = _quantities(_local(records, tz))
    flags = {}
    for i, name in enumerate(QUANTITIES):
        for end, sign in enumerate((-1, 1)):
            place = (sign * facts[name]).rank(method="max", ascending=True)
            flags[RULES[2 * i + end]] = place <= rate * len(facts)
    return pd.DataFrame(flags, index=facts.index, columns=RULES).astype(bool)


def count_flags(flags, k=K_DEFAULT):
    """How many people each rule flags, and how many are flagged by at least one.

    Parameters
    ----------
    flags : pandas.DataFrame of bool
        A row a person, a column a rule.
    k : int, default 10
        Fewest people who may be told; smaller counts are withheld (zero is told).

    Returns
    -------
    pandas.DataFrame
        rule (then "any", and "any, if independent": 1 - the product of (1 - share), what rules that had nothing to do
        with one another would flag), n, estimate, low, high (Wilson), population, withheld. No column tells how many
        are flagged rightly: nothing in the data could.

    Raises
    ------
    InputError
        Nobody is in the table, or it holds something else than True and False.

    >>> count_flags(pd.DataFrame({"R01": [True] * 10 + [False] * 90, "R02": False}))["n"].tolist()
    [10, 0, 10, 10]
    """
    check_k(k)
    if not len(flags) or not len(flags.columns):
        raise InputError("No rule or nobody is in the table of flags, so nothing can be counted.")
    if not all(kind.kind == "b" for kind in (np.asarray(flags[c]).dtype for c in flags)):
        raise InputError("flags must hold True or False for each person and rule; nothing may be missing.")
    total, n = len(flags), flags.sum().to_numpy()
    independent = total * -np.expm1(np.log1p(-np.minimum(n / total, 1 - 1e-15)).sum())
    n = np.r_[n, flags.any(axis=1).sum(), round(independent)]
    low, high = wilson(n, total)
    table = pd.DataFrame({"rule": [*flags.columns, "any", "any, if independent"], "n": pd.array(n, "Int64"),
                          "estimate": n / total, "low": low, "high": high, "population": total})
    table["withheld"] = (n > 0) & (n < k)
    table.loc[table["withheld"], "n"] = pd.NA
    table.loc[table["withheld"], ["estimate", "low", "high"]] = np.nan
    return table


def base_rates(people, prevalence, sensitivity, false_flag_rate):
    """What a flag would mean, were there a trait that `prevalence` of people had: supposed numbers, no finding.

    Parameters
    ----------
    people : int
    prevalence, sensitivity, false_flag_rate : array_like of float
        Share who have the trait; share of them flagged; share of the others flagged. 0 to 1.

    Returns
    -------
    pandas.DataFrame
        prevalence, flagged, flagged_wrongly, precision (NaN where nobody is flagged).

    Raises
    ------
    InputError
        If a share leaves 0..1 or people is below 1.

    >>> base_rates(1_000_000, 0.0001, 0.9, 0.3)["precision"].round(4).tolist()
    [0.0003]
    """
    try:
        n, p, s, f = np.broadcast_arrays(*(np.atleast_1d(np.asarray(x, float)) for x in (
            people, prevalence, sensitivity, false_flag_rate)))
    except (TypeError, ValueError):
        raise InputError("base_rates needs numbers: people, and three shares.") from None
    if not (n >= 1).all():
        raise InputError("people must be at least 1.")
    for name, x in (("prevalence", p), ("sensitivity", s), ("false_flag_rate", f)):
        if not ((x >= 0) & (x <= 1)).all():
            raise InputError(f"{name} must lie between 0 and 1.")
    right, wrong = n * p * s, n * (1 - p) * f
    flagged = right + wrong
    return pd.DataFrame({"prevalence": p, "flagged": flagged, "flagged_wrongly": wrong,
                         "precision": np.where(flagged > 0, right / np.where(flagged > 0, flagged, 1), np.nan)})


def _local(records, tz):
    for column in ("subject_id", "sensor_id", "time"):
        if column not in getattr(records, "columns", ()):
            raise InputError(f"records lacks the column {column}; rules need subject_id, sensor_id and time.")
    seen = records.loc[records["subject_id"].notna(), ["subject_id", "sensor_id", "time"]]
    if seen[["sensor_id", "time"]].isna().to_numpy().any():
        raise InputError("records has a missing sensor or time; leave those records out and say so.")
    try:
        local = seen["time"].dt.tz_convert(tz)
    except (AttributeError, TypeError, KeyError, ValueError):
        raise InputError(f"The times cannot be told in the zone {tz!r}; give times in UTC and an IANA name.") from None
    return pd.DataFrame({"who": seen["subject_id"].astype(object), "sensor": seen["sensor_id"].astype(object),
                         "time": seen["time"], "day": local.dt.date, "hour": local.dt.hour + local.dt.minute / 60,
                         "weekend": local.dt.day_of_week >= 5}).sort_values(["who", "time"], kind="stable")


def _quantities(seen):
    who = seen["who"]
    gap = seen.groupby("who")["time"].diff().dt.total_seconds()
    night = (seen["hour"] < 6) | (seen["hour"] >= 22)
    hour, gaps, a_day = (x.groupby(y) for x, y in ((seen["hour"], who), (gap, who), (seen["day"], [who, seen["day"]])))
    a_day = a_day.size().groupby(level=0)
    a_sensor = seen.groupby(["who", "sensor"]).size().groupby(level=0)
    middle = seen["time"].min() + (seen["time"].max() - seen["time"].min()) / 2
    facts = pd.DataFrame({
        "records": hour.size(), "days": a_day.size(), "sensors": a_sensor.size(), "first_hour": hour.min(),
        "last_hour": hour.max(), "mean_hour": hour.mean(), "spread_hour": hour.std(ddof=0),
        "night": night.groupby(who).mean(), "weekend": seen["weekend"].groupby(who).mean(),
        "most_in_a_day": a_day.max(), "least_in_a_day": a_day.min(), "longest_gap": gaps.max(), "mean_gap": gaps.mean(),
        "shortest_gap": gaps.min(), "main_sensor": a_sensor.max() / hour.size(),
        "late_half": (seen["time"] > middle).groupby(who).mean()})
    facts["sensors_a_record"] = facts["sensors"] / facts["records"]
    facts["days_a_sensor"] = facts["days"] / facts["sensors"]
    facts.index.name = "subject_id"
    return facts
