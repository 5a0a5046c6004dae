"""Times in the forms that few files have: compact ones, Excel's days, month names, days and months in other orders.

`times` tries the usual forms first and comes here with what they do not fit; the forms are described there.
"""

import numpy as np
from numba import njit

from kit.ingest.time_parts import (
    DATE,
    DAY,
    DAY_OR_MONTH,
    INSTANT,
    LEAP_SECOND,
    MIDNIGHT_24,
    SECOND,
    UNREADABLE,
    WALL,
    apply_zone,
    civil,
    figures,
    read_fraction,
    starts,
    two,
)

_MONTH_NAMES = ("january", "february", "march", "april", "may", "june", "july", "august", "september", "october",
                "november", "december")
_MONTHS = np.array([int.from_bytes(name[:3].encode(), "big") for name in _MONTH_NAMES])
_MONTH_LETTERS = np.array([len(name) for name in _MONTH_NAMES])
_WEEKDAYS = tuple(int.from_bytes(name, "big") for name in (b"mon", b"tue", b"wed", b"thu", b"fri", b"sat", b"sun"))
_EXCEL_1900, _EXCEL_1904 = -25_569, -24_107  # days from 1970 of 1899-12-30 and of 1904-01-01


@njit(cache=True, nogil=True)
def read_rare(data, start, end, form, unit):
    """The forms that few files have, tried last."""
    if unit == 0:
        digits = 0
        while start + digits < end and 48 <= data[start + digits] <= 57:
            digits += 1
        if digits == end - start and (form < 8) and digits in (8, 12, 14, 17):
            value, kind = read_compact(data, start, end, digits)
            return value, kind, 0
        if digits == 8 and end - start >= 13 and (data[start + 8] == 84 or data[start + 8] == 116):
            return _read_basic_iso(data, start, end)
    return _read_words(data, start, end, form)


@njit(cache=True, nogil=True)
def read_excel(data, start, end, unit):
    """A number of days as Excel counts them, maybe with a fraction, to the nearest millisecond of a local clock."""
    days, i = figures(data, start, end)
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
    return (first + days) * DAY + round(fraction * 86_400_000) * 1000, WALL


@njit(cache=True, nogil=True)
def read_compact(data, start, end, length):
    """YYYYMMDD, and then maybe HHMM, SS and milliseconds, without any mark; years 1900 to 2199."""
    whole, i = figures(data, start, end)
    if i < end or end - start != length or whole < 0:
        return 0, UNREADABLE
    day_us, ok = civil(two(data, start, end) * 100 + two(data, start + 2, end), two(data, start + 4, end),
                        two(data, start + 6, end))
    if not ok or not 19 <= two(data, start, end) <= 21:
        return 0, UNREADABLE
    if length == 8:
        return day_us, DATE
    hour, minute = two(data, start + 8, end), two(data, start + 10, end)
    second = two(data, start + 12, end) if length > 12 else 0
    if hour > 23 or minute > 59 or second > 59:
        return 0, UNREADABLE
    millis = whole % 1000 if length == 17 else 0
    return day_us + ((hour * 60 + minute) * 60 + second) * SECOND + millis * 1000, WALL


@njit(cache=True, nogil=True)
def _read_basic_iso(data, start, end):
    """YYYYMMDDTHHMM or YYYYMMDDTHHMMSS, then maybe a fraction and a zone."""
    day_us, kind = read_compact(data, start, start + 8, 8)
    hour, minute, i, second, fraction = two(data, start + 9, end), two(data, start + 11, end), start + 13, 0, 0
    if kind != DATE or hour < 0 or minute < 0:
        return 0, UNREADABLE, 0
    if i < end and 48 <= data[i] <= 57:
        second = two(data, i, end)
        i += 2
        if i < end and (data[i] == 46 or data[i] == 44):
            fraction, i = read_fraction(data, i + 1, end)
    return _finish(data, i, end, day_us, hour, minute, second, fraction)


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
    value, kind = _apply_named_zone(data, i, end, day_us + ((hour * 60 + minute) * 60 + second) * SECOND)
    if second == 60:
        mark = LEAP_SECOND  # it ends a day of UTC; on a clock without a zone, an hour or a quarter of one
        if value % (DAY if kind == INSTANT else 900 * SECOND):
            return 0, UNREADABLE, 0
        fraction = 0
    return (value + fraction, kind, mark) if kind != UNREADABLE else (0, UNREADABLE, 0)


@njit(cache=True, nogil=True)
def _read_words(data, start, end, form):
    """Dates of three parts in other orders or with the month by name, and maybe a clock time after them.

    Year first may have one digit to a month or day. Year last is read with a named month; in figures it needs `form`.
    The year may also stand behind the clock time: Tue Mar 04 06:00:00 +0000 2031.
    """
    i = _skip_weekday(data, start, end)
    a, a_digits, i = _part(data, i, end)
    mark = _mark(data, i, end)
    i = _skip_mark(data, i, end)
    b, b_digits, i = _part(data, i, end)
    same = _mark(data, i, end) == mark or a_digits == 0
    i = _skip_mark(data, i, end)
    if a > 0 and a_digits == 0 and 0 < b_digits <= 2 and _year_is_last(data, i, end):
        return _read_year_last(data, i, end, a, b)
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
    day_us, ok = civil(year, month, day)
    if not ok:
        return 0, UNREADABLE, 0
    return (day_us, DATE, 0) if i == end else _read_clock(data, i, end, day_us)


@njit(cache=True, nogil=True)
def _year_is_last(data, i, end):
    """Whether a clock time begins here, and four figures after a blank end it all."""
    if end - i < 9 or data[end - 5] != 32 or two(data, end - 4, end) < 0 or two(data, end - 2, end) < 0:
        return False
    return data[i + 1] == 58 or data[i + 2] == 58


@njit(cache=True, nogil=True)
def _read_year_last(data, i, end, month, day):
    """As Twitter and C's asctime write it: after month and day the clock, maybe a zone, and the year."""
    day_us, ok = civil(two(data, end - 4, end) * 100 + two(data, end - 2, end), month, day)
    if not ok:
        return 0, UNREADABLE, 0
    end -= 5
    while end > i and data[end - 1] == 32:
        end -= 1
    return _read_clock(data, i - 1, end, day_us)


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
            fraction, i = read_fraction(data, i + 1, end)
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
def _apply_named_zone(data, i, end, micros):
    """As `apply_zone`, after UTC or GMT and before a (remark) too."""
    if i < end and data[end - 1] == 41:
        end = _cut_remark(data, i, end)
    j = i + 1 if i < end and data[i] == 32 else i
    if starts(data, j, end, b"UTC") or starts(data, j, end, b"GMT"):
        if j + 3 == end:
            return micros, INSTANT
        i = j + 3
    return apply_zone(data, i, end, micros)


@njit(cache=True, nogil=True)
def _cut_remark(data, start, end):
    """Where the text ends without the "(China Standard Time)" that some programs add."""
    i = end - 1
    while i > start and data[i] != 40:
        i -= 1
    while i > start and data[i - 1] == 32:
        i -= 1
    return i if start < i else end
