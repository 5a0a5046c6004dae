"""Trips: what lies between two visits or stays at different places."""

import numpy as np
import pandas as pd

from kit import codes, tables
from kit.errors import InputError
from kit.movement import order
from kit.movement.visits import check_table, counted, encode_ids, refuse_missing, row_numbers, utc_column

_NAT = np.iinfo(np.int64).min


def make_trips(visits_or_stays):
    """Name what lies between each subject's consecutive visits, or stays, at different places.

    A trip departs when the visit before ends and arrives when the next begins; for stays that end with the first fix
    outside, both may be one instant. Two visits in a row to one place make no trip: nothing says that anybody left.
    The trip that follows departs from the last of them. A stay belongs to the place in its `location_id`; without that
    column, or where it is missing, each stay is a place of its own.

    Parameters
    ----------
    visits_or_stays : pandas.DataFrame
        `visit_id, subject_id, place_id, arrived_at, left_at`, as from `find_visits`; or `stay_id, subject_id,
        started_at, finished_at` and perhaps `location_id`, as from `find_stays` and `find_locations`. In any order.

    Returns
    -------
    pandas.DataFrame
        The `trips` table, by `subject_id`, then time: `trip_id` (from 0 in that order)`, subject_id, origin_id,
        destination_id` (`visit_id`s, or `stay_id`s, of the table given)`, departed_at, arrived_at`.

    Raises
    ------
    InputError
        A column is missing or there twice; a time or an id is missing; a time is naive; two visits of one subject
        overlap, or one ends before it begins.

    >>> at = pd.to_datetime(["2031-03-12T08:00Z", "2031-03-12T09:00Z"])
    >>> visits = pd.DataFrame({"visit_id": [0, 1], "subject_id": "p_1", "place_id": ["gate", "mill"],
    ...                        "arrived_at": at, "left_at": at})
    >>> make_trips(visits)[["origin_id", "destination_id"]].values.tolist()
    [[0, 1]]
    """
    number, subject, subjects, place, begin_us, end_us, kind = _columns(visits_or_stays)
    subject, begin_us, row = order.rows_by_subject(subject, begin_us, number, len(subjects))
    number, place, end_us = number[row], place[row], end_us[row]
    same_subject = subject[1:] == subject[:-1]
    _refuse_overlap(begin_us, end_us, same_subject, number, kind)
    before = np.flatnonzero(same_subject & ((place[1:] != place[:-1]) | (place[1:] < 0)))
    return pd.DataFrame({
        "trip_id": np.arange(len(before)),
        "subject_id": codes.decode(subject[before], subjects),
        "origin_id": number[before],
        "destination_id": number[before + 1],
        "departed_at": utc_column(end_us[before]),
        "arrived_at": utc_column(begin_us[before + 1]),
    }, copy=False)


def _columns(frame):
    """Number, subject, place (-1: one of its own), begin and end of each row, and what a row is."""
    is_stays = isinstance(frame, pd.DataFrame) and "stay_id" in frame.columns
    table, names = ("stays", ["stay_id", "subject_id", "started_at", "finished_at"]) if is_stays else (
        "visits", ["visit_id", "subject_id", "arrived_at", "left_at", "place_id"])
    check_table(frame, table, names)
    subject, subjects = encode_ids(frame["subject_id"])
    refuse_missing(subject < 0, frame, "subject_id")
    number = row_numbers(frame, names[0])
    begin_us, end_us = (tables.utc(frame[name], name).array.asi8 for name in names[2:4])
    for times, name in ((begin_us, names[2]), (end_us, names[3])):
        refuse_missing(times == _NAT, frame, name)
    place = _places(frame, is_stays)
    return number, subject, subjects, place, begin_us, end_us, table[:-1]


def _places(frame, is_stays):
    if is_stays:
        return encode_ids(frame["location_id"])[0] if "location_id" in frame.columns else np.full(len(frame), -1)
    place = encode_ids(frame["place_id"])[0]
    refuse_missing(place < 0, frame, "place_id")
    return place


def _refuse_overlap(begin_us, end_us, same_subject, number, kind):
    backwards = end_us < begin_us
    if backwards.any():
        raise InputError(f"{counted(int(backwards.sum()), kind, 'ends', 'end')} before it begins, first the one "
                         f"with {kind}_id {number[np.argmax(backwards)]}; correct or remove them.")
    overlap = same_subject & (end_us[:-1] > begin_us[1:])
    if overlap.any():
        raise InputError(f"{counted(int(overlap.sum()), kind, 'ends', 'end')} after the subject's next one begins, "
                         f"first the one with {kind}_id {number[np.argmax(overlap)]}; nobody is at two places at "
                         "once: join or remove them.")
