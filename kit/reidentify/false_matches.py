"""A match is a guess: how many false records a gallery makes, and how fast they spoil what a track seems to say."""

import numpy as np
import pandas as pd

from kit.errors import InputError
from kit.estimates import wilson


def false_matches(gallery, false_match_rate, detection_rate, unenrolled, passages_per_day, days=30):
    """How often a system that compares everybody with everybody names somebody who was not there.

    With a gallery of N and a chance f of a false match at each comparison, somebody who is not in the gallery is named
    falsely with chance F = 1 - (1 - f)^N; a share u of V passages a day makes V u F false attributions.

    Parameters
    ----------
    gallery : array_like of int
        N, people enrolled, from 1.
    false_match_rate : array_like of float
        f, chance of a false match a comparison, 0 to 1.
    detection_rate : array_like of float
        d, chance that an enrolled person is recognised, 0 to 1.
    unenrolled : array_like of float
        u, share of passages by people not enrolled, 0 to 1.
    passages_per_day : array_like of float
        V, from 0.
    days : int, default 30

    Returns
    -------
    pandas.DataFrame
        gallery, any_false_match (F), precision (share of matches of enrolled or other people that are right, a missed
        person's wrong match left out), false_per_day, false_per_person_day, any_in_days (chance that an enrolled
        person has at least one false record after `days`). precision is NaN where nobody is ever matched.

    Raises
    ------
    InputError
        If a number is missing or out of range.

    References
    ----------
    National Physical Laboratory (2023), Facial recognition technology in law enforcement equitability study: 1 false
    alert in 6,000 at a list of 10,000, so f = 1.67e-8. Its test people looked at the camera; carrying its rate over to
    a city is an extrapolation, and comparisons are not independent: look-alikes and bad cameras cluster.

    >>> false_matches(2_565_724, 1.67e-8, 0.9, 0.05, 6_680_348)["any_false_match"].round(3).tolist()
    [0.042]
    """
    given = {"gallery": gallery, "false_match_rate": false_match_rate, "detection_rate": detection_rate,
             "unenrolled": unenrolled, "passages_per_day": passages_per_day, "days": days}
    n, f, d, u, v, days = np.broadcast_arrays(*(np.atleast_1d(_number(x, name)) for name, x in given.items()))
    _need(n >= 1, "gallery must be at least 1")
    for name, x in (("false_match_rate", f), ("detection_rate", d), ("unenrolled", u)):
        _need((x >= 0) & (x <= 1), f"{name} must lie between 0 and 1")
    _need(v >= 0, "passages_per_day must be at least 0")
    _need(days >= 0, "days must be at least 0")
    with np.errstate(divide="ignore"):
        false = -np.expm1(n * np.log1p(-f))
    right, wrong = (1 - u) * d, u * false
    matched = right + wrong
    precision = np.where(matched > 0, right / np.where(matched > 0, matched, 1), np.nan)
    daily = v * wrong
    return pd.DataFrame({"gallery": n, "any_false_match": false, "precision": precision, "false_per_day": daily,
                         "false_per_person_day": daily / n, "any_in_days": -np.expm1(-daily / n * days)})


def track_decay(precision, sightings=(1, 2, 5, 10, 20, 50)):
    """How likely a track of n sightings holds no false one, were each right with the same chance and by itself.

    Parameters
    ----------
    precision : float
        Chance that one sighting is right.
    sightings : sequence of int

    Returns
    -------
    pandas.DataFrame
        n, all_right (precision^n), expected_false (n (1 - precision)).

    Raises
    ------
    InputError
        If precision leaves 0..1 or a number of sightings is below 1. Real errors gather on look-alikes and on people
        rarely seen, so this may be far from what happens: `tracks_without_false` counts.

    >>> track_decay(0.98, [20])["all_right"].round(2).tolist()
    [0.67]
    """
    p, n = _number(precision, "precision"), np.atleast_1d(_number(sightings, "sightings"))
    _need((p >= 0) & (p <= 1), "precision must lie between 0 and 1")
    _need(n >= 1, "sightings must be at least 1")
    return pd.DataFrame({"n": n.astype(int), "all_right": p**n, "expected_false": n * (1 - p)})


def certainty_by_rarity(visits_per_day, false_per_person_day, detection_rate):
    """How likely one record at a place is true, by how often the person really goes there: pi d / (pi d + phi).

    Parameters
    ----------
    visits_per_day : array_like of float
        pi, the person's true visits a day to the place.
    false_per_person_day : float
        phi, false records a day of the person at that place.
    detection_rate : float

    Returns
    -------
    pandas.DataFrame
        visits_per_day, precision. The rare place is the least certain. NaN where neither can happen.

    Raises
    ------
    InputError
        If a number is missing or out of range.

    >>> certainty_by_rarity([1.0, 0.001], 0.001, 1.0)["precision"].round(3).tolist()
    [0.999, 0.5]
    """
    pi = np.atleast_1d(_number(visits_per_day, "visits_per_day"))
    phi, d = _number(false_per_person_day, "false_per_person_day"), _number(detection_rate, "detection_rate")
    _need(pi >= 0, "visits_per_day must be at least 0")
    _need(phi >= 0, "false_per_person_day must be at least 0")
    _need((d >= 0) & (d <= 1), "detection_rate must lie between 0 and 1")
    total = pi * d + phi
    return pd.DataFrame({"visits_per_day": pi,
                         "precision": np.where(total > 0, pi * d / np.where(total > 0, total, 1), np.nan)})


def precision_by_rarity(sightings, false_ids, edges=(1, 2, 3, 5, 10, 30)):
    """How many records are right, by how often the person is on record at that sensor. For scoring: needs the truth.

    Parameters
    ----------
    sightings : pandas.DataFrame
        sighting_id, subject_id, sensor_id; unmatched records (no subject) are left out.
    false_ids : array_like of int
        sighting_id of the records that truth calls "false_match".
    edges : sequence of int
        Lower ends of the classes of records of one person at one sensor, rising from 1.

    Returns
    -------
    pandas.DataFrame
        records (lower end of the class), estimate, low, high (Wilson), n (records), eligible (people who have such
        records), population. NaN where there is none.

    Raises
    ------
    InputError
        If columns are missing or edges do not rise from 1.

    >>> seen = pd.DataFrame({"sighting_id": [0, 1, 2], "subject_id": ["x"] * 3, "sensor_id": ["a", "a", "b"]})
    >>> precision_by_rarity(seen, [2], edges=(1, 2))["estimate"].tolist()
    [0.0, 1.0]
    """
    edges = np.asarray(edges)
    if edges.ndim != 1 or not edges.size or edges[0] != 1 or (np.diff(edges) <= 0).any():
        raise InputError("edges must rise from 1, such as (1, 2, 5, 10).")
    seen = _matched(sightings, ["sighting_id", "subject_id", "sensor_id"])
    often = seen.groupby(["subject_id", "sensor_id"], observed=True)["sighting_id"].transform("size").to_numpy()
    level = np.searchsorted(edges, often, side="right") - 1
    right = ~seen["sighting_id"].isin(np.asarray(false_ids)).to_numpy()
    n, good = np.bincount(level, minlength=len(edges)), np.bincount(level, right, minlength=len(edges))
    people = [seen["subject_id"][level == i].nunique() for i in range(len(edges))]
    return _shares({"records": edges}, good, n, people, seen["subject_id"].nunique())


def tracks_without_false(sightings, false_ids, edges=(1, 2, 5, 10, 20, 50)):
    """Share of people whose whole track holds no false record, by its length. For scoring: needs the truth.

    Parameters
    ----------
    sightings, false_ids, edges
        As for `precision_by_rarity`; edges are numbers of records a person.

    Returns
    -------
    pandas.DataFrame
        records (lower end of the class), mean_records, estimate, low, high (Wilson), n (people), eligible, population.

    Raises
    ------
    InputError
        If columns are missing or edges do not rise from 1.

    >>> seen = pd.DataFrame({"sighting_id": [0, 1, 2], "subject_id": ["x", "x", "y"]})
    >>> tracks_without_false(seen, [1], edges=(1, 2))["estimate"].tolist()
    [1.0, 0.0]
    """
    edges = np.asarray(edges)
    if edges.ndim != 1 or not edges.size or edges[0] != 1 or (np.diff(edges) <= 0).any():
        raise InputError("edges must rise from 1, such as (1, 2, 5, 10).")
    seen = _matched(sightings, ["sighting_id", "subject_id"])
    false = seen["sighting_id"].isin(np.asarray(false_ids))
    each = false.groupby(seen["subject_id"].astype(object)).agg(["size", "sum"])
    level = np.searchsorted(edges, each["size"].to_numpy(), side="right") - 1
    n = np.bincount(level, minlength=len(edges))
    clean = np.bincount(level, (each["sum"] == 0).to_numpy(), minlength=len(edges))
    length = np.bincount(level, each["size"].to_numpy(), minlength=len(edges)) / np.where(n > 0, n, np.nan)
    return _shares({"records": edges, "mean_records": length}, clean, n, n, len(each))


def _shares(first, good, n, eligible, population):
    low, high = wilson(good, n)
    return pd.DataFrame({**first, "estimate": good / np.where(n > 0, n, np.nan), "low": low, "high": high, "n": n,
                         "eligible": eligible, "population": population})


def _matched(sightings, columns):
    missing = [c for c in columns if c not in getattr(sightings, "columns", ())]
    if missing:
        raise InputError(f"sightings lacks the column {missing[0]}; it needs {', '.join(columns)}.")
    return sightings[sightings["subject_id"].notna()]


def _number(x, name):
    try:
        number = np.asarray(x, float)
    except (TypeError, ValueError):
        raise InputError(f"{name} must be a number, but it is {x!r}.") from None
    _need(np.isfinite(number), f"{name} must be a number")
    return number


def _need(holds, what):
    if not np.all(holds):
        raise InputError(f"{what}; one that was given is not.")
