"""The parts that times in text are made of: figures, days, fractions of a second, zones. Compiled, byte by byte."""

from numba import njit

from kit import kernels

kernels.forget_stale(__file__)  # the modules of this folder call these kernels

MISSING, INSTANT, WALL, DATE, UNREADABLE, DAY_OR_MONTH = range(6)
LEAP_SECOND, MIDNIGHT_24 = 1, 2
SECOND = 1_000_000
DAY = 86_400 * SECOND


@njit(cache=True, nogil=True)
def strip(data, start, end):
    """Leave out blanks and quotation marks at both ends."""
    while start < end and (data[start] <= 32 or data[start] == 34):
        start += 1
    while start < end and (data[end - 1] <= 32 or data[end - 1] == 34):
        end -= 1
    return start, end


@njit(cache=True, nogil=True)
def starts(data, start, end, word):
    same = end - start >= len(word)
    for i in range(len(word) if same else 0):
        same = same and data[start + i] == word[i]
    return same


@njit(cache=True, nogil=True)
def figures(data, start, end):
    """A run of up to 19 digits as a number, below zero if it is longer or too large; and where it ends."""
    whole, i = 0, start
    while i < end and 48 <= data[i] <= 57:
        whole = whole * 10 + data[i] - 48
        i += 1
    return (whole if i - start < 20 else -1), i  # 19 digits that are too many for 64 bits wrap below zero


@njit(cache=True, nogil=True)
def two(data, i, end):
    """Two digits as a number, or -1."""
    if i + 2 > end or not (48 <= data[i] <= 57 and 48 <= data[i + 1] <= 57):
        return -1
    return (data[i] - 48) * 10 + data[i + 1] - 48


@njit(cache=True, nogil=True)
def civil(year, month, day):
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
    return days * DAY, True


@njit(cache=True, nogil=True)
def read_fraction(data, i, end):
    """One to nine digits after the point, cut (not rounded) to microseconds; -1 if there are none or more."""
    first, step, micros = i, 100_000, 0
    while i < end and 48 <= data[i] <= 57:
        micros += (data[i] - 48) * step
        step //= 10
        i += 1
    return (micros, i) if 1 <= i - first <= 9 else (-1, i)


@njit(cache=True, nogil=True)
def apply_zone(data, i, end, micros):
    """What follows the clock time: nothing, Z, or an offset such as +08:00, +0800, +08."""
    if i < end and data[i] == 32:
        i += 1
    if i == end:
        return micros, WALL
    if i + 1 == end and (data[i] == 90 or data[i] == 122):
        return micros, INSTANT
    if data[i] != 43 and data[i] != 45:
        return 0, UNREADABLE
    hours, minutes, rest = two(data, i + 1, end), 0, end - i
    if rest == 6 and data[i + 3] == 58:
        minutes = two(data, i + 4, end)
    elif rest == 5:
        minutes = two(data, i + 3, end)
    elif rest != 3:
        return 0, UNREADABLE
    if hours < 0 or hours > 15 or minutes < 0 or minutes > 59:
        return 0, UNREADABLE
    offset = (hours * 60 + minutes) * 60 * SECOND
    return (micros - offset if data[i] == 43 else micros + offset), INSTANT
