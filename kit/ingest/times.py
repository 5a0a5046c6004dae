"""Times as dumps write them, mixed from row to row, to microseconds since 1970 UTC.

Read without being told: whole or decimal epoch seconds, milliseconds, microseconds or nanoseconds and the compact
20310304, 203103040741, 20310304074109 (and with milliseconds), all told apart by size; `2031-03-04 07:41:09`,
`2031/3/4T7:41:09.120`, `20310304T074109`, either with `Z`, `UTC` or `+08:00` or without a zone; a bare date; months by
their English names, as e-mail writes them (`Tue, 04 Mar 2031 07:41:09 +0800`) or with the year behind the clock (`Tue
Mar 04 07:41:09 +0800 2031`); and the three ways in which MongoDB
exports a date, `{"$date": ...}` round an ISO text, a number of milliseconds or `{"$numberLong": "..."}`.

Read only if the recipe says so: which of 04/03/2031 is the day (`form`), and plain numbers in one given `unit`, of
any size or before 1970, among them Excel's days. A clock time without a zone stays one until `to_utc` is told which
zone it is on. Anything else is unreadable: never a guess. A leap second 23:59:60 is read as the second that follows it,
24:00 as the midnight that ends the day; both are marked, so that they can be counted.
"""

from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
from numba import njit

from kit.ingest.rare_times import read_compact, read_excel, read_rare
from kit.ingest.time_parts import (
    DATE,
    DAY,
    DAY_OR_MONTH,
    INSTANT,
    LEAP_SECOND,  # noqa: F401  named here for callers
    MIDNIGHT_24,  # noqa: F401
    MISSING,
    SECOND,
    UNREADABLE,
    WALL,
    apply_zone,
    civil,
    figures,
    read_fraction,
    starts,
    strip,
    two,
)

FORMS = ("YYYYMMDD", "YYYYMMDDHHMM", "YYYYMMDDHHMMSS", "DD/MM/YYYY", "MM/DD/YYYY")
UNITS = ("s", "ms", "us", "ns", "excel", "excel1904")
NO_DAY = -(2**62)
_NO_BOUNDS = np.zeros(1, dtype=np.int32)
# Bare epoch numbers from the 1970s to 2286 (nanoseconds to 2262). The gaps between them are where the compact forms of
# the years 1900 to 2199 lie: 203103041530 and 20310304153000 can be no epoch.
_SECONDS = (10**8, 10**10)
_MILLIS = (220 * 10**9, 10**13)
_MICROS = (220 * 10**12, 10**16)
_NANOS = (220 * 10**15, 9_200 * 10**15)
_LAST_MS = 253_402_300_799_999  # the end of the year 9999
_LAST_US = _LAST_MS * 1000 + 999
_UNIT_CODES = {None: 0, "ms": 1_000, "s": SECOND, "us": 1, "ns": -1, "excel": -2, "excel1904": -3}
_FORM_CODES = {None: 0, "DD/MM/YYYY": 1, "MM/DD/YYYY": 2, "YYYYMMDD": 8, "YYYYMMDDHHMM": 12, "YYYYMMDDHHMMSS": 14}
# From 2 January of year 1 to 30 December 9999: what every zone can place on Python's calendar.
_CALENDAR = (-62_135_510_400 * SECOND, 253_402_214_400 * SECOND)


def read_times(texts, form=None, unit=None):
    """Read a column of time texts.

    Parameters
    ----------
    texts : pyarrow.StringArray
        Null where there is none.
    form : str, optional
        One of `FORMS`. With one without marks, digits alone are read in that form only. "DD/MM/YYYY" and "MM/DD/YYYY"
        say which number is the day, whatever the mark between them, and a clock time may follow.
    unit : str, optional
        One of `UNITS`: what a plain number counts. "excel" is days since 1900 as Excel counts them on Windows (day 60,
        a 29 February that never was, is unreadable), "excel1904" the days of old Macs; both are on a local clock, to
        the nearest millisecond.

    Returns
    -------
    (numpy.ndarray of int64, numpy.ndarray of int8)
        Microseconds, and for each row what they mean: MISSING, INSTANT (since 1970 UTC), WALL (since 1970 on some
        local clock), DATE (the same, at midnight), UNREADABLE, or DAY_OR_MONTH (a date that needs a `form`).

    >>> import pyarrow as pa
    >>> read_times(pa.array(["1970-01-02T00:00:01Z", "1970/01/02", "yesterday"]))
    (array([86401000000, 86400000000,           0]), array([1, 3, 4], dtype=int8))
    """
    return read_marked_times(texts, form, unit)[:2]


def read_marked_times(texts, form=None, unit=None):
    """As `read_times`, and a third array: LEAP_SECOND or MIDNIGHT_24 where the text was such, else 0."""
    texts = texts.fill_null("")
    _, ends, letters = texts.buffers()
    bounds = np.frombuffer(ends, np.int32)[texts.offset : texts.offset + len(texts) + 1] if len(texts) else _NO_BOUNDS
    data = np.frombuffer(letters, np.uint8) if letters is not None and letters.size else np.zeros(1, np.uint8)
    return _read_all(data, bounds, _FORM_CODES[form], _UNIT_CODES[unit])


def to_utc(micros, forms, tz):
    """Turn what `read_times` read into instants: clock times and dates are taken as those of the zone `tz`.

    Parameters
    ----------
    micros, forms : numpy.ndarray
        As `read_times` returns them.
    tz : str
        IANA name, for example "Etc/GMT-8".

    Returns
    -------
    (numpy.ndarray of int64, numpy.ndarray of bool)
        Microseconds since 1970 UTC, and which rows are usable: a clock time that the zone skipped or lived through
        twice is not.
    """
    usable = (forms == INSTANT) | (forms == WALL) | (forms == DATE)
    local = np.flatnonzero((forms == WALL) | (forms == DATE))
    if not len(local):
        return micros, usable
    walls = pd.DatetimeIndex(micros[local].astype("datetime64[us]"))
    placed = walls.tz_localize(ZoneInfo(tz), ambiguous="NaT", nonexistent="NaT").tz_convert("UTC").as_unit("us")
    instants = micros.copy()
    instants[local] = placed.asi8
    usable[local[placed.isna()]] = False
    instants[~usable] = 0
    return instants, usable


def to_days(micros, forms, tz):
    """Local calendar days, counted from 1970, of what `read_times` read; -2**62 where there is none."""
    days = micros // DAY
    days[~on_calendar(micros)] = NO_DAY
    instants = np.flatnonzero((forms == INSTANT) & on_calendar(micros))
    if len(instants):
        there = pd.DatetimeIndex(micros[instants].astype("datetime64[us]"), tz="UTC").tz_convert(ZoneInfo(tz))
        days[instants] = there.tz_localize(None).as_unit("us").asi8 // DAY
    days[(forms == MISSING) | (forms >= UNREADABLE)] = NO_DAY
    return days


def on_calendar(micros):
    """Which times lie far enough within the years 1 to 9999 to be a day in every zone."""
    return (micros >= _CALENDAR[0]) & (micros < _CALENDAR[1])


def suggest_form(texts):
    """Which of "DD/MM/YYYY" and "MM/DD/YYYY" a column is in, if its own dates say so.

    Returns
    -------
    str or None
        The form under which every date of the column that has its year last can be read, if only one of the two does;
        None if both do, or neither, or if there are no such dates.

    >>> import pyarrow as pa
    >>> suggest_form(pa.array(["04/03/2031", "25/03/2031"])), suggest_form(pa.array(["04/03/2031", "05/03/2031"]))
    ('DD/MM/YYYY', None)
    """
    asked = read_times(texts)[1] == DAY_OR_MONTH
    if not asked.any():
        return None
    fits = [form for form in ("DD/MM/YYYY", "MM/DD/YYYY")
            if not (read_times(texts, form)[1][asked] == UNREADABLE).any()]
    return fits[0] if len(fits) == 1 else None


@njit(cache=True, nogil=True)
def _read_all(data, bounds, form, unit):
    n = bounds.size - 1
    micros = np.zeros(n, np.int64)
    forms = np.zeros(n, np.int8)
    marks = np.zeros(n, np.int8)
    for i in range(n):
        micros[i], forms[i], marks[i] = _read_one(data, bounds[i], bounds[i + 1], form, unit)
    return micros, forms, marks


@njit(cache=True, nogil=True)
def _read_one(data, start, end, form, unit):
    start, end = strip(data, start, end)
    if start == end:
        return 0, MISSING, 0
    if data[start] == 123:  # { opens a MongoDB date, whose numbers are milliseconds by definition
        start, end, ok = _unwrap(data, start, end)
        if not ok:
            return 0, UNREADABLE, 0
        form, unit = 0, 1000
    if form >= 8 or unit < -1:
        value, kind = read_compact(data, start, end, form) if form >= 8 else read_excel(data, start, end, unit)
    else:
        value, kind = _read_number(data, start, end, unit)
    if kind != UNREADABLE:
        return value, kind, 0
    value, kind = _read_iso(data, start, end)
    return (value, kind, 0) if kind != UNREADABLE else read_rare(data, start, end, form, unit)


@njit(cache=True, nogil=True)
def _unwrap(data, start, end):
    """The inside of {"$date": inside} or {"$date": {"$numberLong": "inside"}}; False if it is anything else."""
    if not starts(data, start, end, b'{"$date":') or data[end - 1] != 125:
        return start, end, False
    start, end = strip(data, start + 9, end - 1)
    if start < end and data[start] == 123:
        if not starts(data, start, end, b'{"$numberLong":') or data[end - 1] != 125:
            return start, end, False
        start, end = strip(data, start + 15, end - 1)
    return start, end, start < end


@njit(cache=True, nogil=True)
def _read_number(data, start, end, unit):
    """An epoch number; `unit` is microseconds to one, -1 for nanoseconds, or 0 to tell by size."""
    sign = 1
    if unit and data[start] == 45:
        sign = -1
        start += 1
    whole, i = figures(data, start, end)
    if i == start or whole < 0:
        return 0, UNREADABLE
    if not unit:
        unit = _unit_by_size(whole)
    if not unit or (unit > 1 and whole > _LAST_US // unit) or (unit == 1 and whole > _LAST_US):
        return 0, UNREADABLE
    step = unit
    micros = whole * unit if unit > 0 else 0
    if i < end and data[i] == 46:
        i += 1
        while i < end and 48 <= data[i] <= 57:
            step //= 10
            micros += (data[i] - 48) * max(step, 0)
            i += 1
    if unit < 0:
        micros = whole // 1000 if sign > 0 else -(-whole // 1000)
    return (sign * micros, INSTANT) if i == end else (0, UNREADABLE)


@njit(cache=True, nogil=True)
def _unit_by_size(whole):
    """Microseconds to one of a bare epoch number, -1 for nanoseconds, or 0 where its size fits none."""
    if _SECONDS[0] <= whole < _SECONDS[1]:
        return SECOND
    if _MILLIS[0] <= whole < _MILLIS[1]:
        return 1000
    if _MICROS[0] <= whole < _MICROS[1]:
        return 1
    return -1 if _NANOS[0] <= whole < _NANOS[1] else 0


@njit(cache=True, nogil=True)
def _read_iso(data, start, end):
    """Year, month, day, and maybe a clock time, a fraction of a second and a zone: the form that most files have."""
    day_us, ok = _read_day(data, start, end)
    if not ok:
        return 0, UNREADABLE
    if end - start == 10:
        return day_us, DATE
    i = start + 11
    hour, minute = two(data, i, end), two(data, i + 3, end)
    if data[start + 10] not in (84, 116, 32) or hour < 0 or hour > 23 or minute < 0 or minute > 59 or data[i + 2] != 58:
        return 0, UNREADABLE
    i += 5
    second, fraction = 0, 0
    if i < end and data[i] == 58:
        second = two(data, i + 1, end)
        if second < 0 or second > 59:
            return 0, UNREADABLE
        i += 3
        if i < end and (data[i] == 46 or data[i] == 44):
            fraction, i = read_fraction(data, i + 1, end)
            if fraction < 0:
                return 0, UNREADABLE
    micros = day_us + ((hour * 60 + minute) * 60 + second) * SECOND + fraction
    return apply_zone(data, i, end, micros)


@njit(cache=True, nogil=True)
def _read_day(data, start, end):
    """Midnight of YYYY-MM-DD or YYYY/MM/DD in microseconds since 1970."""
    century, years = two(data, start, end), two(data, start + 2, end)
    month, day = two(data, start + 5, end), two(data, start + 8, end)
    if century < 0 or years < 0 or month < 0 or day < 0:
        return 0, False
    mark = data[start + 4]
    if mark not in (45, 47) or data[start + 7] != mark:
        return 0, False
    return civil(century * 100 + years, month, day)
