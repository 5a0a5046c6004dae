"""Text by the gigabyte: compiled code that writes records straight into bytes, on every core."""

from collections import deque
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numba import njit

from kit.parallel import cores

_HEX = np.frombuffer(b"0123456789abcdef", dtype=np.uint8)
_ZERO = np.uint8(48)
DAY_MS = 86_400_000


def text(words):
    """A fixed piece of text as bytes for `put`."""
    return np.frombuffer(words.encode("utf-8"), dtype=np.uint8)


def word_table(words):
    """Many short texts as (bytes, first byte of each and the end) for `put_word`."""
    encoded = [str(word).encode("utf-8") for word in words]
    starts = np.concatenate([[0], np.cumsum([len(e) for e in encoded])]).astype(np.int64)
    return np.frombuffer(b"".join(encoded), dtype=np.uint8), starts


def write_in_chunks(path, n, rows_a_chunk, widest, fill, progress=None):
    """Write n records: `fill(first, stop, buffer) -> bytes used` makes each chunk; they land in order."""

    def make(first):
        stop = min(first + rows_a_chunk, n)
        buffer = np.empty((stop - first) * widest + 64, np.uint8)
        return buffer[:fill(first, stop, buffer)], stop

    with open(path, "wb") as file, ThreadPoolExecutor(cores()) as pool:
        waiting = deque()
        for first in range(0, n, rows_a_chunk):
            waiting.append(pool.submit(make, first))
            if len(waiting) > cores():
                _finish(waiting, file, progress)
        while waiting:
            _finish(waiting, file, progress)


def _finish(waiting, file, progress):
    chunk, stop = waiting.popleft().result()
    file.write(memoryview(chunk))
    if progress:
        progress(stop)


@njit(cache=True, nogil=True)
def put(buffer, at, words):
    """Copy a piece of text; returns where the next one goes, as all of these do."""
    for i in range(words.size):
        buffer[at + i] = words[i]
    return at + words.size


@njit(cache=True, nogil=True)
def put_word(buffer, at, table, starts, which):
    """Copy one text of a `word_table`."""
    for i in range(starts[which], starts[which + 1]):
        buffer[at] = table[i]
        at += 1
    return at


@njit(cache=True, nogil=True)
def put_padded(buffer, at, number, width):
    """Write a whole number with leading zeros."""
    for i in range(width - 1, -1, -1):
        buffer[at + i] = _ZERO + np.uint8(number % 10)
        number //= 10
    return at + width


@njit(cache=True, nogil=True)
def put_number(buffer, at, number):
    """Write a whole number from 0 up."""
    width, rest = 1, number
    while rest >= 10:
        rest //= 10
        width += 1
    return put_padded(buffer, at, number, width)


@njit(cache=True, nogil=True)
def put_hex(buffer, at, word, width):
    """Write the lowest `width` hexadecimal digits of a number."""
    for i in range(width - 1, -1, -1):
        buffer[at + i] = _HEX[np.int64(word & np.uint64(15))]
        word = word >> np.uint64(4)
    return at + width


@njit(cache=True, nogil=True)
def put_date(buffer, at, day):
    """Write a day, counted from 1970-01-01, as 2031-03-12 (Howard Hinnant's civil-from-days)."""
    z = np.int64(day) + 719_468
    era = z // 146_097
    of_era = z - era * 146_097
    year_of_era = (of_era - of_era // 1_460 + of_era // 36_524 - of_era // 146_096) // 365
    of_year = of_era - (365 * year_of_era + year_of_era // 4 - year_of_era // 100)
    shifted = (5 * of_year + 2) // 153
    month = shifted + 3 if shifted < 10 else shifted - 9
    at = put_padded(buffer, at, year_of_era + era * 400 + (1 if month <= 2 else 0), 4)
    buffer[at] = np.uint8(45)
    at = put_padded(buffer, at + 1, month, 2)
    buffer[at] = np.uint8(45)
    return put_padded(buffer, at + 1, of_year - (153 * shifted + 2) // 5 + 1, 2)


@njit(cache=True, nogil=True)
def put_clock(buffer, at, ms):
    """Write milliseconds of a day as 07:41:09.120."""
    at = put_padded(buffer, at, ms // 3_600_000, 2)
    buffer[at] = np.uint8(58)
    at = put_padded(buffer, at + 1, ms // 60_000 % 60, 2)
    buffer[at] = np.uint8(58)
    at = put_padded(buffer, at + 1, ms // 1_000 % 60, 2)
    buffer[at] = np.uint8(46)
    return put_padded(buffer, at + 1, ms % 1_000, 3)


@njit(cache=True, nogil=True)
def put_instant(buffer, at, ms):
    """Write milliseconds since 1970 as 2031-03-12T07:41:09.120Z."""
    at = put_date(buffer, at, ms // DAY_MS)
    buffer[at] = np.uint8(84)
    at = put_clock(buffer, at + 1, ms % DAY_MS)
    buffer[at] = np.uint8(90)
    return at + 1
