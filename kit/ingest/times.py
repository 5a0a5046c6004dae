"""Times as dumps write them, mixed from row to row, to microseconds since 1970 UTC.

Read: whole or decimal epoch seconds, milliseconds or microseconds, told apart by size; `2031-03-04 07:41:09`,
`2031/03/04T07:41:09.120`, either with `Z` or `+08:00` or without a zone; a bare date; and the three ways in which
MongoDB exports a date, `{"$date": ...}` round an ISO text, a number of milliseconds or `{"$numberLong": "..."}`.
A clock time without a zone stays one until `to_utc` is told which zone it is on. Anything else is unreadable: never
a guess.
"""

from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
from numba import njit

MISSING, INSTANT, WALL, DATE, UNREADABLE = range(5)
NO_DAY = -(2**62)
_NO_BOUNDS = np.zeros(1, dtype=np.int32)
_SECOND = 1_000_000
_DAY = 86_400 * _SECOND
# Bare epoch numbers from the 1970s to 2286; the gaps keep 203103041530 and 20310304153000 from being read as epochs.
_SECONDS = (10**8, 10**10)
_MILLIS = (220 * 10**9, 10**13)
_MICROS = (220 * 10**12, 10**16)
_LAST_MS = 253_402_300_799_999  # the end of the year 9999
# From 2 January of year 1 to 30 December 9999: what every zone can place on Python's calendar.
_CALENDAR = (-62_135_510_400 * _SECOND, 253_402_214_400 * _SECOND)


def read_times(texts):
    """Read a column of time texts.

    Parameters
    ----------
    texts : pyarrow.StringArray
        Null where there is none.

    Returns
    -------
    (numpy.ndarray of int64, numpy.ndarray of int8)
        Microseconds, and for each row what they mean: MISSING, INSTANT (since 1970 UTC), WALL (since 1970 on some
        local clock), DATE (the same, at midnight) or UNREADABLE.

    >>> import pyarrow as pa
    >>> read_times(pa.array(["1970-01-02T00:00:01Z", "1970/01/02", "yesterday"]))
    (array([86401000000, 86400000000,           0]), array([1, 3, 4], dtype=int8))
    """
    texts = texts.fill_null("")
    _, ends, letters = texts.buffers()
    bounds = np.frombuffer(ends, np.int32)[texts.offset : texts.offset + len(texts) + 1] if len(texts) else _NO_BOUNDS
    data = np.frombuffer(letters, np.uint8) if letters is not None and letters.size else np.zeros(1, np.uint8)
    return _read_all(data, bounds)


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
    days = micros // _DAY
    days[~on_calendar(micros)] = NO_DAY
    instants = np.flatnonzero((forms == INSTANT) & on_calendar(micros))
    if len(instants):
        there = pd.DatetimeIndex(micros[instants].astype("datetime64[us]"), tz="UTC").tz_convert(ZoneInfo(tz))
        days[instants] = there.tz_localize(None).as_unit("us").asi8 // _DAY
    days[(forms == MISSING) | (forms == UNREADABLE)] = NO_DAY
    return days


def on_calendar(micros):
    """Which times lie far enough within the years 1 to 9999 to be a day in every zone."""
    return (micros >= _CALENDAR[0]) & (micros < _CALENDAR[1])


@njit(cache=True, nogil=True)
def _read_all(data, bounds):
    n = bounds.size - 1
    micros = np.zeros(n, np.int64)
    forms = np.zeros(n, np.int8)
    for i in range(n):
        micros[i], forms[i] = _read_one(data, bounds[i], bounds[i + 1])
    return micros, forms


@njit(cache=True, nogil=True)
def _read_one(data, start, end):
    start, end = _strip(data, start, end)
    if start == end:
        return 0, MISSING
    if data[start] == 123:  # { opens a MongoDB date, whose numbers are milliseconds by definition
        start, end, ok = _unwrap(data, start, end)
        if not ok:
            return 0, UNREADABLE
        value, form = _read_number(data, start, end, 1000)
    else:
        value, form = _read_number(data, start, end, 0)
    return (value, form) if form != UNREADABLE else _read_iso(data, start, end)


@njit(cache=True, nogil=True)
def _strip(data, start, end):
    """Leave out blanks and quotation marks at both ends."""
    while start < end and (data[start] <= 32 or data[start] == 34):
        start += 1
    while start < end and (data[end - 1] <= 32 or data[end - 1] == 34):
        end -= 1
    return start, end


@njit(cache=True, nogil=True)
def _unwrap(data, start, end):
    """The inside of {"$date": inside} or {"$date": {"$numberLong": "inside"}}; False if it is anything else."""
    if not _starts(data, start, end, b'{"$date":') or data[end - 1] != 125:
        return start, end, False
    start, end = _strip(data, start + 9, end - 1)
    if start < end and data[start] == 123:
        if not _starts(data, start, end, b'{"$numberLong":') or data[end - 1] != 125:
            return start, end, False
        start, end = _strip(data, start + 15, end - 1)
    return start, end, start < end


@njit(cache=True, nogil=True)
def _starts(data, start, end, word):
    same = end - start >= len(word)
    for i in range(len(word) if same else 0):
        same = same and data[start + i] == word[i]
    return same


@njit(cache=True, nogil=True)
def _read_number(data, start, end, unit):
    """An epoch number; `unit` is microseconds to one, or 0 to tell by size."""
    sign = 1
    if unit and data[start] == 45:
        sign = -1
        start += 1
    whole, i = 0, start
    while i < end and 48 <= data[i] <= 57:
        whole = whole * 10 + data[i] - 48
        i += 1
    if i == start or i - start > 17:
        return 0, UNREADABLE
    if not unit:
        unit = _unit_by_size(whole)
    if not unit or (unit == 1000 and whole > _LAST_MS):
        return 0, UNREADABLE
    micros, step = whole * unit, unit
    if i < end and data[i] == 46:
        i += 1
        while i < end and 48 <= data[i] <= 57:
            step //= 10
            micros += (data[i] - 48) * step
            i += 1
    return (sign * micros, INSTANT) if i == end else (0, UNREADABLE)


@njit(cache=True, nogil=True)
def _unit_by_size(whole):
    """Microseconds to one of a bare epoch number, or 0 where its size fits none."""
    if _SECONDS[0] <= whole < _SECONDS[1]:
        return _SECOND
    if _MILLIS[0] <= whole < _MILLIS[1]:
        return 1000
    return 1 if _MICROS[0] <= whole < _MICROS[1] else 0


@njit(cache=True, nogil=True)
def _read_iso(data, start, end):
    """Year, month, day, and maybe a clock time, a fraction of a second and a zone."""
    day_us, ok = _read_day(data, start, end)
    if not ok:
        return 0, UNREADABLE
    if end - start == 10:
        return day_us, DATE
    i = start + 11
    hour, minute = _two(data, i, end), _two(data, i + 3, end)
    if data[start + 10] not in (84, 116, 32) or hour < 0 or hour > 23 or minute < 0 or minute > 59 or data[i + 2] != 58:
        return 0, UNREADABLE
    i += 5
    second, fraction = 0, 0
    if i < end and data[i] == 58:
        second = _two(data, i + 1, end)
        if second < 0 or second > 59:
            return 0, UNREADABLE
        i += 3
        if i < end and (data[i] == 46 or data[i] == 44):
            fraction, i = _read_fraction(data, i + 1, end)
            if fraction < 0:
                return 0, UNREADABLE
    micros = day_us + ((hour * 60 + minute) * 60 + second) * _SECOND + fraction
    return _apply_zone(data, i, end, micros)


@njit(cache=True, nogil=True)
def _read_day(data, start, end):
    """Midnight of YYYY-MM-DD or YYYY/MM/DD in microseconds since 1970."""
    century, years = _two(data, start, end), _two(data, start + 2, end)
    month, day = _two(data, start + 5, end), _two(data, start + 8, end)
    if century < 0 or years < 0 or month < 1 or month > 12 or day < 1:
        return 0, False
    mark, year = data[start + 4], century * 100 + years
    if mark not in (45, 47) or data[start + 7] != mark or year < 1:
        return 0, False
    leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    longest = 30 if month in (4, 6, 9, 11) else 31
    if month == 2:
        longest = 29 if leap else 28
    if day > longest:
        return 0, False
    # Years counted from March, so that the leap day comes last (Howard Hinnant's days_from_civil).
    y = year - (1 if month <= 2 else 0)
    day_of_year = (153 * (month + (-3 if month > 2 else 9)) + 2) // 5 + day - 1
    days = y * 365 + y // 4 - y // 100 + y // 400 + day_of_year - 719_468
    return days * _DAY, True


@njit(cache=True, nogil=True)
def _two(data, i, end):
    """Two digits as a number, or -1."""
    if i + 2 > end or not (48 <= data[i] <= 57 and 48 <= data[i + 1] <= 57):
        return -1
    return (data[i] - 48) * 10 + data[i + 1] - 48


@njit(cache=True, nogil=True)
def _read_fraction(data, i, end):
    """One to nine digits after the point, cut (not rounded) to microseconds; -1 if there are none or more."""
    first, step, micros = i, 100_000, 0
    while i < end and 48 <= data[i] <= 57:
        micros += (data[i] - 48) * step
        step //= 10
        i += 1
    return (micros, i) if 1 <= i - first <= 9 else (-1, i)


@njit(cache=True, nogil=True)
def _apply_zone(data, i, end, micros):
    """What follows the clock time: nothing, Z, or an offset such as +08:00, +0800, +08."""
    if i < end and data[i] == 32:
        i += 1
    if i == end:
        return micros, WALL
    if i + 1 == end and (data[i] == 90 or data[i] == 122):
        return micros, INSTANT
    if data[i] != 43 and data[i] != 45:
        return 0, UNREADABLE
    hours, minutes, rest = _two(data, i + 1, end), 0, end - i
    if rest == 6 and data[i + 3] == 58:
        minutes = _two(data, i + 4, end)
    elif rest == 5:
        minutes = _two(data, i + 3, end)
    elif rest != 3:
        return 0, UNREADABLE
    if hours < 0 or hours > 15 or minutes < 0 or minutes > 59:
        return 0, UNREADABLE
    offset = (hours * 60 + minutes) * 60 * _SECOND
    return (micros - offset if data[i] == 43 else micros + offset), INSTANT
