"""When somebody is away from the only place that sensors watch: hours of absence, never where they were.

Cameras round a home tell nothing of the rest of the city. What they do tell, a burglar would pay for.
"""

import numpy as np
import pandas as pd

from kit import codes, tables
from kit.errors import InputError
from kit.estimates import wilson
from kit.movement.visits import check_table, counted, encode_ids, length_us, need_zone

HOUR_US = 3_600_000_000
WEEK_H = 168
_MONDAY_H = 72  # 1 January 1970 was a Thursday


def absence(visits, tz, through=None, min_gap="1h"):
    """Share of weeks in which each hour of the week fell between a last sighting and the next one.

    An hour counts by its middle. Not seen is not yet away: who sleeps is not seen either. With `through`, the places
    that one leaves and comes back by (such as an estate's gates), only silences that begin and end there count.

    Parameters
    ----------
    visits : pandas.DataFrame
        `subject_id, place_id, arrived_at, left_at`, as from `find_visits`.
    tz : str
        IANA name of the clock that people live by.
    through : list, optional
        `place_id`s; default: any.
    min_gap : str or pandas.Timedelta
        Shorter silences do not count.

    Returns
    -------
    pandas.DataFrame
        By subject, weekday and hour, hours that were observed at least once: `subject_id, weekday` (0 is Monday)`,
        hour` (local)`, estimate, low, high` (Wilson, 95 %)`, n` (weeks in which the hour lay between the subject's
        first and last sighting)`, eligible` (subjects with that hour observed)`, population` (subjects).

    Raises
    ------
    InputError
        A column is missing, a time or an id is missing, a visit ends before it begins, or the zone is unknown.

    >>> times = pd.to_datetime(["2031-03-12T07:40Z", "2031-03-12T17:40Z"])
    >>> seen = pd.DataFrame({"subject_id": "p_1", "place_id": "gate", "arrived_at": times, "left_at": times})
    >>> away = absence(seen, tz="UTC", through=["gate"])
    >>> away["hour"].tolist(), away["estimate"].unique().tolist()
    ([8, 9, 10, 11, 12, 13, 14, 15, 16, 17], [1.0])
    """
    _check(visits, tz)
    gap_us = length_us(min_gap, "min_gap")
    subject, ids = encode_ids(visits["subject_id"])
    arrived, left = (tables.utc(visits[c]).dt.tz_convert(tz).dt.tz_localize(None).array.asi8
                     for c in ("arrived_at", "left_at"))
    gate = np.ones(len(visits), bool) if through is None else visits["place_id"].isin(list(through)).to_numpy()
    owner, start, stop, counts = _silences(subject, arrived, left, gate, gap_us)
    size = len(ids) * WEEK_H
    observed = np.bincount(_hours(owner, start, stop), minlength=size)
    observed += np.bincount(_hours(subject, arrived, left, ends=True), minlength=size)
    silent = np.bincount(_hours(owner[counts], start[counts], stop[counts]), minlength=size)
    return _frame(observed, silent, ids)


def _check(visits, tz):
    check_table(visits, "visits", ["subject_id", "place_id", "arrived_at", "left_at"])
    need_zone(tz)
    for column in ("subject_id", "place_id", "arrived_at", "left_at"):
        if visits[column].isna().any():
            raise InputError(f"{counted(int(visits[column].isna().sum()), 'visit')} no {column}; remove or repair "
                             "them.")
    backwards = int((visits["left_at"] < visits["arrived_at"]).sum())
    if backwards:
        raise InputError(f"{counted(backwards, 'visit', 'ends', 'end')} before the beginning; check arrived_at and "
                         "left_at.")


def _silences(subject, arrived, left, gate, gap_us):
    """Between each two visits in a row of a subject: (subject, from, to, whether it counts as absence)."""
    order = np.lexsort((left, arrived, subject))
    subject, arrived, left, gate = subject[order], arrived[order], left[order], gate[order]
    until = pd.Series(left).groupby(subject, sort=False).cummax().to_numpy()
    between = np.flatnonzero((subject[1:] == subject[:-1]) & (arrived[1:] > until[:-1]))
    start, stop = until[between], arrived[between + 1]
    latest = np.maximum.accumulate(np.where(left == until, np.arange(len(left)), 0))  # whose end is the last so far
    return subject[between], start, stop, (stop - start >= gap_us) & gate[latest[between]] & gate[between + 1]


def _hours(subject, start, stop, ends=False):
    """The hours of the week, coded by subject, whose middles lie between two instants, or at one of them (`ends`)."""
    half = HOUR_US // 2
    first = -(-(start - half) // HOUR_US) if ends else (start - half) // HOUR_US + 1
    last = (stop - half) // HOUR_US if ends else -(-(stop - half) // HOUR_US) - 1
    count = np.maximum(last - first + 1, 0)
    whose = np.repeat(np.arange(len(first)), count)
    hour = first[whose] + np.arange(len(whose)) - (np.cumsum(count) - count)[whose]
    return subject[whose].astype(np.int64) * WEEK_H + (hour + _MONDAY_H) % WEEK_H


def _frame(observed, silent, ids):
    at = np.flatnonzero(observed)
    low, high = wilson(silent[at], observed[at])
    hour = at % WEEK_H
    people = np.bincount(hour, minlength=WEEK_H)
    return pd.DataFrame({
        "subject_id": codes.decode((at // WEEK_H).astype(np.int32), ids), "weekday": hour // 24, "hour": hour % 24,
        "estimate": silent[at] / observed[at], "low": low, "high": high, "n": observed[at], "eligible": people[hour],
        "population": len(np.unique(at // WEEK_H))})
