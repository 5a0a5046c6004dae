"""From sightings to visits: when somebody was at a place, and for how long at least and at most.

A fixed sensor sees a person pass; it does not see them stay. So a visit carries two bounds instead of one duration.
"""

import datetime
import numbers

import geopandas as gpd
import numpy as np
import pandas as pd
from numba import njit

from kit import codes, geo, parallel, tables
from kit.errors import InputError
from kit.movement import order

_NAT = np.iinfo(np.int64).min


def find_visits(sightings, sensors=None, place="sensor", max_gap="15min", walk_kmh=None):
    """Join each subject's sightings at one place into visits.

    A visit is a run of sightings of one subject at one place. A new one starts when the place changes, or when more
    than `max_gap` has passed since the sighting before (exactly `max_gap` still belongs). Sightings at one instant are
    taken by place, then by `sighting_id`, so the order of the rows never matters. Sightings of no known subject are
    left out (`account_for` counts them); duplicates flagged at ingest count as sightings.

    The truth lies between two bounds. `dwell_min_s` is the time from first to last sighting, 0 for a single one.
    `dwell_max_s` is the time between the subject's last sighting elsewhere before and the first elsewhere after: all
    the time they may have been here. It still contains the walk from and to those places, unless `walk_kmh` takes it
    off. It is missing for a subject's visits before the first and after the last change of place, where nothing bounds
    it.

    Parameters
    ----------
    sightings : pandas.DataFrame
        `sighting_id, subject_id, sensor_id, time`, in any order; see `kit.tables`.
    sensors : pandas.DataFrame, optional
        `sensor_id`, and `zone_id` for `place="zone"`. When given, every sensor of the sightings must be in it.
    place : {"sensor", "zone"}
        What counts as one place.
    max_gap : str or pandas.Timedelta
        Longest silence within a visit.
    walk_kmh : float, optional
        Fastest that anybody moves between sensors, in km/h. When given, the straight way from and to the places seen
        before and after is taken off `dwell_max_s` at this speed, though never below `dwell_min_s`. It needs `sensors`
        with positions and `place="sensor"`. Too low a speed makes the bound wrong: a walker's does not fit who drives.

    Returns
    -------
    pandas.DataFrame
        The `visits` table, by `subject_id`, then time: `visit_id` (from 0 in that order)`, subject_id, place_id,
        arrived_at, left_at, dwell_min_s, dwell_max_s, n_sightings, first_sighting_id, last_sighting_id`.
        Ids keep the values they came with.

    Raises
    ------
    InputError
        A column is missing or there twice; times are naive or missing; a `sighting_id` is missing or above 2^63 - 1; an
        id is a list; a sensor is missing, not in `sensors`, there more than once or without a zone; `walk_kmh` is not
        above 0 or there are no positions for it.

    >>> times = pd.to_datetime(["2031-03-12T08:00Z", "2031-03-12T08:05Z", "2031-03-12T09:00Z"])
    >>> seen = pd.DataFrame({"sighting_id": [0, 1, 2], "subject_id": "p_1", "sensor_id": list("aab"), "time": times})
    >>> find_visits(seen)[["place_id", "dwell_min_s", "n_sightings"]].values.tolist()
    [['a', 300.0, 2], ['b', 0.0, 1]]
    """
    check_table(sightings, "sightings", ["sighting_id", "subject_id", "sensor_id", "time"])
    gap_us = length_us(max_gap, "max_gap")
    _check_walk(walk_kmh, sensors, place)
    subject, subjects = encode_ids(sightings["subject_id"])
    spot, places = _places(sightings["sensor_id"], sensors, place)
    time_us = tables.utc(sightings["time"]).array.asi8
    refuse_missing(time_us == _NAT, sightings, "time")
    row = row_numbers(sightings, "sighting_id")
    columns = _visits(*order.by_subject(subject, time_us, spot, row, len(subjects)), gap_us)
    if walk_kmh is not None:
        _take_off_walk(columns, sensors.set_index("sensor_id").geometry.reindex(places), walk_kmh)
    return _frame(columns, subjects, places)


def account_for(sightings):
    """Count what becomes of sightings in movement: all, matched to a subject, unmatched (left out), duplicates.

    Parameters
    ----------
    sightings : pandas.DataFrame
        `subject_id`, and `duplicate` where ingest flagged them.

    Returns
    -------
    pandas.DataFrame
        `what, n`, one row each for "all", "matched", "unmatched" (adding up to all) and "duplicates flagged".

    Raises
    ------
    InputError
        A column is missing or there twice, or `duplicate` holds something else than true and false.

    >>> account_for(pd.DataFrame({"subject_id": ["p_1", None]})).values.tolist()
    [['all', 2], ['matched', 1], ['unmatched', 1], ['duplicates flagged', 0]]
    """
    flags = ["duplicate"] if "duplicate" in getattr(sightings, "columns", ()) else []
    check_table(sightings, "sightings", ["subject_id", *flags])
    unmatched = int(sightings["subject_id"].isna().sum())
    flagged = _count_flags(sightings["duplicate"]) if flags else 0
    return pd.DataFrame({"what": ["all", "matched", "unmatched", "duplicates flagged"],
                         "n": [len(sightings), len(sightings) - unmatched, unmatched, flagged]})


def length_us(length, name):
    """A length of time in whole microseconds; `name` is the argument it was given as."""
    try:
        span = pd.NaT if is_bare_number(length) else pd.Timedelta(length)
    except (ValueError, TypeError):
        span = pd.NaT
    if span is pd.NaT or span < pd.Timedelta(0):
        raise InputError(f"{name} must be a length of time such as '15min', but it is {length!r}.")
    return span // pd.Timedelta(1, "us")


def counted(n, noun, one="has", many="have"):
    """How many of something, and the verb that goes with that number.

    >>> counted(1, "row"), counted(2, "row"), counted(1, "visit", "ends", "end")
    ('1 row has', '2 rows have', '1 visit ends')
    """
    return f"{n:,} {noun} {one}" if n == 1 else f"{n:,} {noun}s {many}"


def check_table(frame, table, columns):
    """As `tables.check`, and no column twice, and a column of times without any time called what it is."""
    if isinstance(frame, pd.DataFrame):
        twice = [c for c in frame.columns[frame.columns.duplicated()] if c in columns]
        if twice:
            raise InputError(f"The {table} table has the column {twice[0]} more than once; keep one of them.")
        for column in columns:
            if column in frame.columns and tables.CONTRACTS[table].column(column).type == "time":
                _refuse_no_time_at_all(frame, column)
    tables.check(frame, table, columns)


def need_zone(tz):
    """Refuse what is no time zone; a bare number, which pandas takes for a shift in seconds, is none."""
    try:
        known = isinstance(tz, (str, datetime.tzinfo)) and pd.Timestamp(0, tz="UTC").tz_convert(tz or "").tz is not None
    except (ValueError, TypeError, OSError, LookupError):
        known = False
    if not known:
        raise InputError(f"tz must be a time zone such as 'Etc/GMT-8' or 'Asia/Shanghai', but it is {tz!r}.")


def encode_ids(values):
    """As `codes.encode`, in a sentence where the values can be no ids."""
    try:
        return codes.encode(values)
    except TypeError:
        raise InputError(f"The column {values.name} holds values that cannot be ids, such as lists; give each row one "
                         "text or one whole number.") from None


def rows_of_sensors(sensors, ids, whose):
    """As `tables.rows_of_sensors`, for a table of sensors that may hold missing ids or lists."""
    nameless = int(sensors["sensor_id"].isna().sum())
    if nameless:
        raise InputError(f"{counted(nameless, 'row')} no sensor_id in the sensors table, first in row "
                         f"{int(np.argmax(sensors['sensor_id'].isna()))}; remove or repair them.")
    encode_ids(sensors["sensor_id"])
    return tables.rows_of_sensors(sensors, ids, whose)


def is_bare_number(length):
    """Whether a length of time lacks its unit: pandas would take 900 as nanoseconds.

    >>> is_bare_number(900), is_bare_number("900"), is_bare_number("15min")
    (True, True, False)
    """
    if isinstance(length, str):
        return not any(c.isalpha() or c == ":" for c in length)
    return isinstance(length, (int, float, np.integer)) and not isinstance(length, np.timedelta64) and length != 0


def _places(sensor_ids, sensors, place):
    """Code each sighting's place: its sensor, or that sensor's zone."""
    if place not in ("sensor", "zone"):
        raise InputError(f"place must be 'sensor' or 'zone', but it is {place!r}.")
    sensor, ids = encode_ids(sensor_ids)
    if len(sensor) and sensor.min() < 0:
        raise InputError(f"{counted(int((sensor < 0).sum()), 'sighting')} no sensor_id; remove them or find their "
                         "sensor.")
    if sensors is None:
        if place == "zone":
            raise InputError("place='zone' needs the table of sensors: find_visits(sightings, sensors, place='zone').")
        return sensor, ids
    check_table(sensors, "sensors", ["sensor_id", "zone_id"] if place == "zone" else ["sensor_id"])
    sensor, ids = codes.only_used(sensor, ids)
    where = rows_of_sensors(sensors, ids, "sightings")
    if place == "sensor":
        return sensor, ids
    zone, zones = encode_ids(sensors["zone_id"])
    if len(ids) and (zone[where] < 0).any():
        raise InputError(f"{counted(int((zone[where] < 0).sum()), 'sensor')} no zone_id, for example "
                         f"{ids[zone[where] < 0][0]!r}; give them one or use place='sensor'.")
    return zone[where][sensor], zones


def _check_walk(walk_kmh, sensors, place):
    if walk_kmh is None:
        return
    if not isinstance(walk_kmh, numbers.Real) or isinstance(walk_kmh, bool) or not 0 < walk_kmh < np.inf:
        raise InputError(f"walk_kmh must be a speed above 0 in km/h, but it is {walk_kmh!r}.")
    if place != "sensor":
        raise InputError("walk_kmh works with place='sensor' only, since a zone is no point to walk from.")
    if not isinstance(sensors, gpd.GeoDataFrame):
        raise InputError("walk_kmh needs the table of sensors with their positions: find_visits(sightings, sensors, "
                         "walk_kmh=...).")


def _take_off_walk(columns, positions, walk_kmh):
    """Shorten the upper bounds in place by the straight way from the place before and to the place after."""
    subject, place, dwell_min, dwell_max = columns[0], columns[1], columns[4], columns[5]
    if len(subject) == 0:
        return
    lon, lat = positions.x.to_numpy(), positions.y.to_numpy()
    changes = np.append(True, (subject[1:] != subject[:-1]) | (place[1:] != place[:-1]))
    stretch, spot = np.cumsum(changes) - 1, place[changes]
    step_s = geo.haversine_m(lon[spot[:-1]], lat[spot[:-1]], lon[spot[1:]], lat[spot[1:]]) / (walk_kmh / 3.6)
    step_s = np.nan_to_num(step_s)  # from or to a sensor of unknown position nothing is taken off
    walk_s = np.append(0, step_s) + np.append(step_s, 0)
    bounded = ~np.isnan(dwell_max)
    dwell_max[bounded] = np.fmax(dwell_max - walk_s[stretch], dwell_min)[bounded]


def refuse_missing(missing, frame, column):
    """Refuse a column in which some rows are missing; `frame` is the table it stands in."""
    if missing.any():
        raise InputError(f"{counted(int(missing.sum()), 'row')} no {column}, first in row {int(np.argmax(missing))}; "
                         "remove or repair them.")


def _refuse_no_time_at_all(frame, column):
    times = frame[column]
    if len(times) and not isinstance(times.dtype, pd.DatetimeTZDtype) and times.isna().all():
        refuse_missing(np.ones(len(times), bool), frame, column)


def row_numbers(frame, column):
    """The numbers that name a table's rows, as int64."""
    numbers = frame[column]
    refuse_missing(numbers.isna().to_numpy(), frame, column)
    if len(numbers) and numbers.max() > np.iinfo(np.int64).max:
        raise InputError(f"A {column} may be 2**63 - 1 at most, but one is {numbers.max()}; number the rows anew.")
    return numbers.to_numpy(dtype=np.int64)


def _count_flags(duplicate):
    flags = duplicate.dropna()
    plain = flags.isin([0, 1]) if pd.api.types.is_numeric_dtype(flags.dtype) else flags.astype(object).map(_is_flag)
    if not plain.all():
        raise InputError("The column duplicate must hold true or false, but it also holds "
                         f"{flags[~plain.astype(bool)].iloc[0]!r}; convert it, for example by (text == 'true').")
    return int(flags.astype(bool).sum())


def _is_flag(value):
    return isinstance(value, (bool, np.bool_))


def _visits(subject, time_us, place, row, gap_us):
    """Arrays in, arrays out: one entry a visit, in the order of the sorted sightings."""
    spans = order.subject_spans(subject, 8 * parallel.cores())
    counts = parallel.run(_count, [(subject, time_us, place, gap_us, *span) for span in spans])
    n = sum(counts)
    out = (np.empty(n, np.int32), np.empty(n, np.int32), np.empty(n, np.int64), np.empty(n, np.int64),
           np.empty(n), np.empty(n), np.empty(n, np.int64), np.empty(n, np.int64), np.empty(n, np.int64))
    before = np.cumsum([0, *counts])
    parallel.run(_fill, [(subject, time_us, place, row, gap_us, *span, int(at), *out)
                         for span, at in zip(spans, before, strict=False)])
    return out


def _frame(columns, subjects, places):
    subject, place, arrived, left, dwell_min, dwell_max, n_sightings, first, last = columns
    return pd.DataFrame({
        "visit_id": np.arange(len(subject)),
        "subject_id": codes.decode(subject, subjects),
        "place_id": codes.decode(place, places),
        "arrived_at": utc_column(arrived),
        "left_at": utc_column(left),
        "dwell_min_s": dwell_min,
        "dwell_max_s": dwell_max,
        "n_sightings": n_sightings,
        "first_sighting_id": first,
        "last_sighting_id": last,
    }, copy=False)


def utc_column(time_us):
    """Whole microseconds since 1970 as a column of times."""
    return pd.Series(time_us.view("datetime64[us]"), copy=False).dt.tz_localize("UTC")


@njit(cache=True, nogil=True)
def _count(subject, time_us, place, gap_us, start, stop):
    n = 0
    for i in range(start, stop):
        n += (i == start or subject[i] != subject[i - 1] or place[i] != place[i - 1]
              or time_us[i] - time_us[i - 1] > gap_us)
    return n


@njit(cache=True, nogil=True)
def _fill(subject, time_us, place, row, gap_us, start, stop, at,
          subject_out, place_out, arrived, left, dwell_min, dwell_max, n_sightings, first, last):
    at -= 1
    stretch = at + 1  # first visit of the visits in a row at this place
    elsewhere_before = _NAT  # whole numbers: far from 1970 a float no longer holds microseconds
    for i in range(start, stop):
        new_subject = i == start or subject[i] != subject[i - 1]
        moved = not new_subject and place[i] != place[i - 1]
        if moved:
            for visit in range(stretch, at + 1 if elsewhere_before != _NAT else stretch):
                dwell_max[visit] = (time_us[i] - elsewhere_before) / 1e6
            elsewhere_before = time_us[i - 1]
        elif new_subject:
            elsewhere_before = _NAT
        if new_subject or moved:
            stretch = at + 1
        if new_subject or moved or time_us[i] - time_us[i - 1] > gap_us:
            at += 1
            subject_out[at], place_out[at] = subject[i], place[i]
            arrived[at], first[at] = time_us[i], row[i]
            n_sightings[at] = 0
            dwell_max[at] = np.nan
        left[at], last[at] = time_us[i], row[i]
        dwell_min[at] = (left[at] - arrived[at]) / 1e6
        n_sightings[at] += 1
