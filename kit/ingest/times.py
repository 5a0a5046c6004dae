"""Times as dumps write them, mixed from row to row, to microseconds since 1970 UTC.

Read without being told: whole or decimal epoch seconds, milliseconds, microseconds or nanoseconds and the compact
20310304, 203103040741, 20310304074109 (and with milliseconds), all told apart by size; `2031-03-04 07:41:09`,
`2031/3/4T7:41:09.120`, `20310304T074109`, either with `Z`, `UTC` or `+08:00` or without a zone; a bare date; months by
their English names, as e-mail writes them (`Tue, 04 Mar 2031 07:41:09 +0800`); and the three ways in which MongoDB
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

MISSING, INSTANT, WALL, DATE, UNREADABLE, DAY_OR_MONTH = range(6)
LEAP_SECOND, MIDNIGHT_24 = 1, 2
FORMS = ("YYYYMMDD", "YYYYMMDDHHMM", "YYYYMMDDHHMMSS", "DD/MM/YYYY", "MM/DD/YYYY")
UNITS = ("s", "ms", "us", "ns", "excel", "excel1904")
NO_DAY = -(2**62)
_NO_BOUNDS = np.zeros(1, dtype=np.int32)
_SECOND = 1_000_000
_DAY = 86_400 * _SECOND
# Bare epoch numbers from the 1970s to 2286 (nanoseconds to 2262). The gaps between them are where the compact forms of
# the years 1900 to 2199 lie: 203103041530 and 20310304153000 can be no epoch.
_SECONDS = (10**8, 10**10)
_MILLIS = (220 * 10**9, 10**13)
_MICROS = (220 * 10**12, 10**16)
_NANOS = (220 * 10**15, 9_200 * 10**15)
_LAST_MS = 253_402_300_799_999  # the end of the year 9999
_LAST_US = _LAST_MS * 1000 + 999
_UNIT_CODES = {None: 0, "ms": 1_000, "s": _SECOND, "us": 1, "ns": -1, "excel": -2, "excel1904": -3}
_FORM_CODES = {None: 0, "DD/MM/YYYY": 1, "MM/DD/YYYY": 2, "YYYYMMDD": 8, "YYYYMMDDHHMM": 12, "YYYYMMDDHHMMSS": 14}
_MONTH_NAMES = ("january", "february", "march", "april", "may", "june", "july", "august", "september", "october",
                "november", "december")
_MONTHS = np.array([int.from_bytes(name[:3].encode(), "big") for name in _MONTH_NAMES])
_MONTH_LETTERS = np.array([len(name) for name in _MONTH_NAMES])
_WEEKDAYS = tuple(int.from_bytes(name, "big") for name in (b"mon", b"tue", b"wed", b"thu", b"fri", b"sat", b"sun"))
_EXCEL_1900, _EXCEL_1904 = -25_569, -24_107  # days from 1970 of 1899-12-30 and of 1904-01-01


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
    days = micros // _DAY
    instants = np.flatnonzero(forms == INSTANT)
    if len(instants):
        there = pd.DatetimeIndex(micros[instants].astype("datetime64[us]"), tz="UTC").tz_convert(ZoneInfo(tz))
        days[instants] = there.tz_localize(None).as_unit("us").asi8 // _DAY
    days[(forms == MISSING) | (forms >= UNREADABLE)] = NO_DAY
    return days


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
    start, end = _strip(data, start, end)
    if start == end:
        return 0, MISSING, 0
    if data[start] == 123:  # { opens a MongoDB date, whose numbers are milliseconds by definition
        start, end, ok = _unwrap(data, start, end)
        if not ok:
            return 0, UNREADABLE, 0
        form, unit = 0, 1000
    if form >= 8 or unit < -1:
        value, kind = _read_compact(data, start, end, form) if form >= 8 else _read_excel(data, start, end, unit)
    else:
        value, kind = _read_number(data, start, end, unit)
    if kind != UNREADABLE:
        return value, kind, 0
    value, kind = _read_iso(data, start, end)
    return (value, kind, 0) if kind != UNREADABLE else _read_rare(data, start, end, form, unit)


@njit(cache=True, nogil=True)
def _read_rare(data, start, end, form, unit):
    """The forms that few files have, tried last."""
    if unit == 0:
        digits = 0
        while start + digits < end and 48 <= data[start + digits] <= 57:
            digits += 1
        if digits == end - start and (form < 8) and digits in (8, 12, 14, 17):
            value, kind = _read_compact(data, start, end, digits)
            return value, kind, 0
        if digits == 8 and end - start >= 13 and (data[start + 8] == 84 or data[start + 8] == 116):
            return _read_basic_iso(data, start, end)
    return _read_words(data, start, end, form)


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
    """An epoch number; `unit` is microseconds to one, -1 for nanoseconds, or 0 to tell by size."""
    sign = 1
    if unit and data[start] == 45:
        sign = -1
        start += 1
    whole, i = _digits(data, start, end)
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
def _digits(data, start, end):
    """A run of up to 19 digits as a number, below zero if it is longer or too large; and where it ends."""
    whole, i = 0, start
    while i < end and 48 <= data[i] <= 57:
        whole = whole * 10 + data[i] - 48
        i += 1
    return (whole if i - start < 20 else -1), i  # 19 digits that are too many for 64 bits wrap below zero


@njit(cache=True, nogil=True)
def _unit_by_size(whole):
    """Microseconds to one of a bare epoch number, -1 for nanoseconds, or 0 where its size fits none."""
    if _SECONDS[0] <= whole < _SECONDS[1]:
        return _SECOND
    if _MILLIS[0] <= whole < _MILLIS[1]:
        return 1000
    if _MICROS[0] <= whole < _MICROS[1]:
        return 1
    return -1 if _NANOS[0] <= whole < _NANOS[1] else 0


@njit(cache=True, nogil=True)
def _read_excel(data, start, end, unit):
    """A number of days as Excel counts them, maybe with a fraction, to the nearest millisecond of a local clock."""
    days, i = _digits(data, start, end)
    if i == start or days < 0 or days > 2_958_465:
        return 0, UNREADABLE
    fraction, step = 0.0, 0.1
    if i < end and data[i] == 46:
        i += 1
        while i < end and 48 <= data[i] <= 57:
            fraction += (data[i] - 48) * step
            step /= 10
            i += 1
    if i < end:
        return 0, UNREADABLE
    first = _EXCEL_1904
    if unit == -2:
        if days == 0 or days == 60:
            return 0, UNREADABLE
        first = _EXCEL_1900 + (1 if days < 60 else 0)
    return (first + days) * _DAY + round(fraction * 86_400_000) * 1000, WALL


@njit(cache=True, nogil=True)
def _read_compact(data, start, end, length):
    """YYYYMMDD, and then maybe HHMM, SS and milliseconds, without any mark; years 1900 to 2199."""
    whole, i = _digits(data, start, end)
    if i < end or end - start != length or whole < 0:
        return 0, UNREADABLE
    day_us, ok = _civil(_two(data, start, end) * 100 + _two(data, start + 2, end), _two(data, start + 4, end),
                        _two(data, start + 6, end))
    if not ok or not 19 <= _two(data, start, end) <= 21:
        return 0, UNREADABLE
    if length == 8:
        return day_us, DATE
    hour, minute = _two(data, start + 8, end), _two(data, start + 10, end)
    second = _two(data, start + 12, end) if length > 12 else 0
    if hour > 23 or minute > 59 or second > 59:
        return 0, UNREADABLE
    millis = whole % 1000 if length == 17 else 0
    return day_us + ((hour * 60 + minute) * 60 + second) * _SECOND + millis * 1000, WALL


@njit(cache=True, nogil=True)
def _read_basic_iso(data, start, end):
    """YYYYMMDDTHHMM or YYYYMMDDTHHMMSS, then maybe a fraction and a zone."""
    day_us, kind = _read_compact(data, start, start + 8, 8)
    hour, minute, i, second, fraction = _two(data, start + 9, end), _two(data, start + 11, end), start + 13, 0, 0
    if kind != DATE or hour < 0 or minute < 0:
        return 0, UNREADABLE, 0
    if i < end and 48 <= data[i] <= 57:
        second = _two(data, i, end)
        i += 2
        if i < end and (data[i] == 46 or data[i] == 44):
            fraction, i = _read_fraction(data, i + 1, end)
    return _finish(data, i, end, day_us, hour, minute, second, fraction)


@njit(cache=True, nogil=True)
def _read_iso(data, start, end):
    """Year, month, day, and maybe a clock time, a fraction of a second and a zone: the form that most files have."""
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
def _finish(data, i, end, day_us, hour, minute, second, fraction):
    """The time of day and what follows it, its zone; -1 stands for a part that could not be read."""
    if second < 0 or fraction < 0 or minute > 59 or second > 60:
        return 0, UNREADABLE, 0
    mark = 0
    if hour > 23:
        if hour > 24 or minute or second or fraction:
            return 0, UNREADABLE, 0
        mark = MIDNIGHT_24
    value, kind = _apply_named_zone(data, i, end, day_us + ((hour * 60 + minute) * 60 + second) * _SECOND)
    if second == 60:
        mark = LEAP_SECOND  # it ends a day of UTC; on a clock without a zone, an hour or a quarter of one
        if value % (_DAY if kind == INSTANT else 900 * _SECOND):
            return 0, UNREADABLE, 0
        fraction = 0
    return (value + fraction, kind, mark) if kind != UNREADABLE else (0, UNREADABLE, 0)


@njit(cache=True, nogil=True)
def _read_day(data, start, end):
    """Midnight of YYYY-MM-DD or YYYY/MM/DD in microseconds since 1970."""
    century, years = _two(data, start, end), _two(data, start + 2, end)
    month, day = _two(data, start + 5, end), _two(data, start + 8, end)
    if century < 0 or years < 0 or month < 0 or day < 0:
        return 0, False
    mark = data[start + 4]
    if mark not in (45, 47) or data[start + 7] != mark:
        return 0, False
    return _civil(century * 100 + years, month, day)


@njit(cache=True, nogil=True)
def _civil(year, month, day):
    """Midnight of a day in microseconds since 1970, and whether there is such a day."""
    if year < 1 or month < 1 or month > 12 or day < 1:
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
def _read_words(data, start, end, form):
    """Dates of three parts in other orders or with the month by name, and maybe a clock time after them.

    Year first may have one digit to a month or day. Year last is read with a named month; in figures it needs `form`.
    """
    i = _skip_weekday(data, start, end)
    a, a_digits, i = _part(data, i, end)
    mark = _mark(data, i, end)
    i = _skip_mark(data, i, end)
    b, b_digits, i = _part(data, i, end)
    same = _mark(data, i, end) == mark or a_digits == 0
    i = _skip_mark(data, i, end)
    c, c_digits, i = _part(data, i, end)
    if a < 0 or b < 0 or c < 0 or not same or max(a_digits, b_digits, c_digits) > 4 or c_digits == 0:
        return 0, UNREADABLE, 0
    if a_digits == 4 and 0 <= b_digits <= 2 and c_digits <= 2:
        year, month, day = a, b, c
    elif c_digits != 4 or max(a_digits, b_digits) > 2 or a_digits + b_digits == 0:
        return 0, UNREADABLE, 0
    elif b_digits == 0:
        year, month, day = c, b, a
    elif a_digits == 0:
        year, month, day = c, a, b
    elif mark not in (45, 46, 47):
        return 0, UNREADABLE, 0
    elif form == 1 or form == 2:
        year, month, day = (c, b, a) if form == 1 else (c, a, b)
    else:
        possible = (1 <= a <= 12 and 1 <= b <= 31) or (1 <= b <= 12 and 1 <= a <= 31)
        return 0, DAY_OR_MONTH if possible else UNREADABLE, 0
    day_us, ok = _civil(year, month, day)
    if not ok:
        return 0, UNREADABLE, 0
    return (day_us, DATE, 0) if i == end else _read_clock(data, i, end, day_us)


@njit(cache=True, nogil=True)
def _read_clock(data, i, end, day_us):
    """The clock time after a date: 7:41, 07:41:09.120, 7:41:09 PM, with or without a zone."""
    first = i
    while i < end and (data[i] == 32 or data[i] == 44):
        i += 1
    if i < end and i == first and (data[i] == 84 or data[i] == 116):
        i += 1
    if i == first:
        return 0, UNREADABLE, 0
    hour, digits, i = _part(data, i, end)
    if hour < 0 or not 1 <= digits <= 2 or i >= end or data[i] != 58:
        return 0, UNREADABLE, 0
    minute, digits, i = _part(data, i + 1, end)
    second, fraction = 0, 0
    if minute < 0 or not 1 <= digits <= 2:
        return 0, UNREADABLE, 0
    if i < end and data[i] == 58:
        second, digits, i = _part(data, i + 1, end)
        if not 1 <= digits <= 2:
            return 0, UNREADABLE, 0
        if i < end and (data[i] == 46 or data[i] == 44):
            fraction, i = _read_fraction(data, i + 1, end)
    hour, i = _twelve_hours(data, i, end, hour)
    return _finish(data, i, end, day_us, hour, minute, second, fraction)


@njit(cache=True, nogil=True)
def _twelve_hours(data, i, end, hour):
    """The hour, once AM or PM behind it is taken into account; 99 if they do not go together."""
    j = i + 1 if i < end and data[i] == 32 else i
    if j + 2 > end or (data[j + 1] | 32) != 109 or ((data[j] | 32) != 97 and (data[j] | 32) != 112):
        return hour, i
    if hour < 1 or hour > 12:
        return 99, j + 2
    return hour % 12 + (12 if (data[j] | 32) == 112 else 0), j + 2


@njit(cache=True, nogil=True)
def _skip_weekday(data, start, end):
    """Past "Wed, " or "Wed "; a month's name stays."""
    i = start
    while i < end and 97 <= (data[i] | 32) <= 122:
        i += 1
    if i == start or _month(data, start, i) > 0 or not _is_weekday(data, start, i):
        return start
    while i < end and (data[i] == 44 or data[i] == 32):
        i += 1
    return i


@njit(cache=True, nogil=True)
def _is_weekday(data, start, end):
    word = ((data[start] | 32) * 256 + (data[start + 1] | 32)) * 256 + (data[start + 2] | 32) if end - start >= 3 else 0
    return 3 <= end - start <= 9 and word in _WEEKDAYS


@njit(cache=True, nogil=True)
def _month(data, start, end):
    """1 to 12 for an English month, short or whole ("Sept" too); 0 for another word."""
    length = end - start
    if length < 3 or length > 9:
        return 0
    word = ((data[start] | 32) * 256 + (data[start + 1] | 32)) * 256 + (data[start + 2] | 32)
    for i in range(12):
        if word == _MONTHS[i] and (length == 3 or length == _MONTH_LETTERS[i] or (i == 8 and length == 4)):
            return i + 1
    return 0


@njit(cache=True, nogil=True)
def _part(data, i, end):
    """A number and how many digits it has, or a month by name and 0; -1 where neither stands; and where it ends."""
    start, value = i, 0
    while i < end and 48 <= data[i] <= 57 and i - start < 5:
        value = value * 10 + data[i] - 48
        i += 1
    if i > start:
        return value, i - start, i
    while i < end and 97 <= (data[i] | 32) <= 122:
        i += 1
    month = _month(data, start, i)
    return (month if month else -1), 0, i


@njit(cache=True, nogil=True)
def _mark(data, i, end):
    return data[i] if i < end else 0


@njit(cache=True, nogil=True)
def _skip_mark(data, i, end):
    """Past one of - / . or past a comma and blanks."""
    if i < end and 45 <= data[i] <= 47:
        return i + 1
    while i < end and (data[i] == 44 or data[i] == 32):
        i += 1
    return i


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


@njit(cache=True, nogil=True)
def _apply_named_zone(data, i, end, micros):
    """As `_apply_zone`, after UTC or GMT and before a (remark) too."""
    if i < end and data[end - 1] == 41:
        end = _cut_remark(data, i, end)
    j = i + 1 if i < end and data[i] == 32 else i
    if _starts(data, j, end, b"UTC") or _starts(data, j, end, b"GMT"):
        if j + 3 == end:
            return micros, INSTANT
        i = j + 3
    return _apply_zone(data, i, end, micros)


@njit(cache=True, nogil=True)
def _cut_remark(data, start, end):
    """Where the text ends without the "(China Standard Time)" that some programs add."""
    i = end - 1
    while i > start and data[i] != 40:
        i -= 1
    while i > start and data[i - 1] == 32:
        i -= 1
    return i if start < i else end
