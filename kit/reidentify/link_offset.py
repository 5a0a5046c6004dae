"""By how much the clock of one table is ahead of another's, where the two share no key."""

from dataclasses import replace

import numpy as np
import pandas as pd

from kit.errors import InputError
from kit.reidentify.link_near import mutual_evidence, near_scores
from kit.reidentify.link_tables import check_records, length_of, seconds_within, subjects_of, tracks_of


def find_clock_offset(left, right, within, most="6h", *, sensors=None):
    """By how much the right table's clock is ahead of the left's: the shift under which most pairs fit together.

    Each shift is tried in steps of `within`, then about the best one in steps of an eighth of it. Of large tables the
    200 subjects of each with most records are taken.

    Parameters
    ----------
    left, right, within, sensors
        As `link` takes them. The answer is no finer than a fraction of `within`.
    most : str or pandas.Timedelta
        The largest shift tried, either way.

    Returns
    -------
    pandas.DataFrame
        `offset_s, evidence`, best first, equals from their middle. Evidence is the sum of the log odds of pairs that
        choose each other; where the second best lies close behind the first and far away in time, the clock is not
        known.

    Raises
    ------
    InputError
        As `link` does, and where either table is empty or most is shorter than within.

    >>> when = pd.to_datetime(["2031-03-12T08:00Z", "2031-03-12T12:00Z", "2031-03-12T18:00Z"])
    >>> one = pd.DataFrame({"subject_id": "x", "lon": [0, 1, 2], "lat": 0, "time": when})
    >>> find_clock_offset(one, one, "30min", most="1h").columns.tolist()
    ['offset_s', 'evidence']
    """
    if within is None:
        raise InputError("A clock offset is estimated with tolerance only; give within, such as '30min'.")
    step_s, most_s = seconds_within(within), length_of(most, "most") / pd.Timedelta("1s")
    check_records(left, right, timed=True)
    left, right = _busiest(left), _busiest(right)
    ids = subjects_of(left), subjects_of(right)
    if not len(ids[0][1]) or not len(ids[1][1]):
        raise InputError("A clock offset needs records of known subjects in both tables, and one has none.")
    if most_s < step_s:
        raise InputError(f"most must be at least within ({within}), but it is {most!r}.")
    tracks = tracks_of(left, right, ids, sensors)
    tried = {}
    for finer, centre, reach in ((1, 0.0, int(most_s // step_s)), (8, None, 8)):
        centre = _middle_of_best(tried) if centre is None else centre
        for k in range(-reach, reach + 1):
            offset_s = centre + k * step_s / finer
            if offset_s not in tried:
                shifted = replace(tracks[1], time_s=tracks[1].time_s - offset_s)
                tried[offset_s] = float(mutual_evidence(near_scores(tracks[0], shifted, step_s)[0]).sum())
    table = pd.DataFrame({"offset_s": list(tried), "evidence": list(tried.values())})
    nearest = (table["offset_s"] - _middle_of_best(tried)).abs()
    return table.iloc[np.lexsort((table["offset_s"], nearest, -table["evidence"]))].reset_index(drop=True)


def _middle_of_best(tried):
    """Shifts that no record can tell apart are as good as each other: the middle one."""
    best = max(tried.values())
    return float(np.mean([offset_s for offset_s, evidence in tried.items() if evidence == best]))


def _busiest(records, n=200):
    most = records["subject_id"].value_counts()
    return records[records["subject_id"].isin(most.index[:n])]
