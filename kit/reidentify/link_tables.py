"""What linking reads from its two tables: whose record each is, and where and when, on one plane."""

import numpy as np
import pandas as pd

from kit import geo, tables
from kit.errors import InputError
from kit.movement.visits import check_table, encode_ids, is_bare_number
from kit.reidentify.link_near import Track
from kit.reidentify.points import _positions


def tracks_of(left, right, ids, sensors):
    """Both tables as tracks on one plane; ids as `subjects_of` gives them."""
    found = []
    for frame in (left, right):
        lon, lat, spot = _positions(frame, sensors)
        found.append((lon, lat) if spot is None else (lon[spot], lat[spot]))
    middle = [float(np.median(np.concatenate([found[0][i], found[1][i]]))) for i in (0, 1)]
    plane = geo.local_plane(*middle)
    made = []
    for frame, (code, names), (lon, lat) in zip((left, right), ids, found, strict=True):
        time_us = tables.utc(frame["time"])
        if time_us.isna().any():
            raise InputError(f"{int(time_us.isna().sum())} records have no time; remove or repair them.")
        time_s = time_us.array.asi8 / 1e6
        x_m, y_m = plane.to_plane(lon, lat)
        order = np.lexsort((y_m, x_m, time_s, code))
        order = order[code[order] >= 0]
        first = np.append(0, np.cumsum(np.bincount(code[order], minlength=len(names))))
        made.append(Track(first, *(np.asarray(a, float)[order] for a in (time_s, x_m, y_m))))
    return made


def subjects_of(records):
    """(codes, ids) of one table's subjects, those alone that have a record."""
    code, ids = encode_ids(records["subject_id"])
    used = np.unique(code[code >= 0])
    rank = np.full(len(ids) + 1, -1, np.int64)
    rank[used] = np.arange(len(used))
    return rank[code], ids[used]


def length_of(value, name):
    """A length of time that a user gave."""
    try:
        length = None if is_bare_number(value) else pd.Timedelta(value)
    except (ValueError, TypeError):
        length = None
    if length is None or length is pd.NaT:
        raise InputError(f"{name} must be a length of time such as '10min', but it is {value!r}.")
    return length


def seconds_within(within):
    """The tolerance in seconds."""
    length = length_of(within, "within")
    if not length > pd.Timedelta(0):
        raise InputError(f"within must be a length of time above 0, but it is {within!r}.")
    return length / pd.Timedelta("1s")


def check_records(left, right, timed):
    for frame in (left, right):
        check_table(frame, "sightings", ["subject_id", *(["time"] if timed else [])])
