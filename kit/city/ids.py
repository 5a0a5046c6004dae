"""Identifiers that cannot be anybody's: well formed enough to teach with, invalid by every real rule.

National-id-like numbers carry a region that does not exist and a wrong check character, device numbers fail Luhn's
test, radio addresses are locally administered, and plates end in a glyph that no plate has.
"""

import numpy as np
import pyarrow as pa
from numba import njit

from kit.city.chance import key, mix

NUMBERS = 10_000_000
PLATES = 10_000
_MASK = np.uint64((1 << 24) - 1)
_KIND = {"register": 900, "person": 901, "device": 902, "household": 903}


def id_numbers(person_no, seed):
    """Register identifiers, `SYN` + 15 digits + `X`, of the given people: an array of str."""
    return np.array([f"SYN{fifteen_digits(n)}X" for n in scramble(person_no, seed, "register")], dtype=object)


def register_strings(numbers):
    """`id_numbers` of scrambled numbers, as a column of strings made in one go: millions of them in a moment."""
    letters = _fill_register_strings(np.ascontiguousarray(numbers, np.int64))
    starts = np.arange(letters.shape[0] + 1, dtype=np.int64) * letters.shape[1]
    column = pa.LargeStringArray.from_buffers(letters.shape[0], pa.py_buffer(starts), pa.py_buffer(letters.tobytes()))
    return column.to_pandas()


def person_ids(person_no, seed):
    """The identifiers that `community` gives to faces: `SYN-P-` + 7 digits."""
    return np.array([f"SYN-P-{n:07d}" for n in scramble(person_no, seed, "person")], dtype=object)


def household_ids(household_no, seed):
    """Meter numbers, `SYN-H-` + 7 digits, of the given households."""
    return np.array([f"SYN-H-{n:07d}" for n in scramble(household_no, seed, "household")], dtype=object)


def device_ids(device_no, seed):
    """Phone identifiers of `fusion`: `SYN-D-` + 7 digits."""
    return np.array([f"SYN-D-{n:07d}" for n in scramble(device_no, seed, "device")], dtype=object)


def imei_numbers(device_no, seed):
    """Device numbers that fail Luhn's test, marked as made up."""
    return np.array([f"SYN-IMEI-{fifteen_digits(n)}" for n in scramble(device_no, seed, "device")], dtype=object)


def imsi_numbers(device_no, seed):
    """Subscriber numbers under country code 000, which no country has."""
    return np.array([f"SYN-IMSI-{fifteen_digits(n)}" for n in scramble(device_no, seed, "person")], dtype=object)


def plates(person_no):
    """Licence plates, one a person below 10,000.

    >>> plates([0, 1]).tolist()
    ['ZZ-4243~', 'ZZ-2162~']
    """
    scrambled = (np.asarray(person_no, dtype=np.int64) * 7919 + 4243) % PLATES
    return np.array([f"ZZ-{n:04d}~" for n in scrambled], dtype=object)


def mac_addresses(device_no, day, seed):
    """Locally administered radio addresses; `day` is 0 for a device that keeps its address."""
    words = _mac_words(np.asarray(device_no, np.int64), np.asarray(day, np.int64), seed)
    return np.array(["02-" + "-".join(f"{(w >> s) & 255:02X}" for s in (32, 24, 16, 8, 0)) for w in words.tolist()],
                    dtype=object)


def fifteen_digits(number):
    """Seven zeros, seven digits, and a last digit that is wrong for Luhn and leaves `X` wrong for ISO 7064."""
    return f"{number:014d}{last_digit(number)}"


def scramble(numbers, seed, kind):
    """Map whole numbers below 10,000,000 one to one onto themselves, so that an identifier shows no order."""
    return _scramble_all(np.asarray(numbers, dtype=np.int64), scramble_salt(seed, kind))


def scramble_salt(seed, kind):
    """The constant that makes one kind of identifier of one seed differ from another."""
    return np.uint64(key(seed, _KIND[kind], 0, 0))


@njit(cache=True, nogil=True)
def scramble_one(number, salt):
    """`scramble` of one number: a 24-bit permutation walked until it falls below the limit again."""
    word = np.uint64(number)
    while True:
        for turn in range(3):
            word = (word + (salt >> np.uint64(8 * turn))) & _MASK
            word = (word ^ (word >> np.uint64(11))) * np.uint64(0xB5297A4D) & _MASK
            word = (word ^ (word >> np.uint64(13))) * np.uint64(0x68E31DA5) & _MASK
            word = word ^ (word >> np.uint64(12))
        if word < np.uint64(NUMBERS):
            return np.int64(word)


@njit(cache=True, nogil=True)
def last_digit(number):
    """The smallest fifteenth digit that breaks both rules for `number` written with fourteen digits."""
    luhn, rest, place, divisor = 0, number, 0, 10**13
    while place < 14:
        digit = rest // divisor
        rest -= digit * divisor
        divisor //= 10
        doubled = digit * 2 if place % 2 == 1 else digit
        luhn += doubled - 9 if doubled > 9 else doubled
        place += 1
    remainder, rest, divisor = 0, number, 10**13
    for _ in range(14):
        digit = rest // divisor
        rest -= digit * divisor
        divisor //= 10
        remainder = (remainder + digit) * 2 % 11
    for candidate in range(10):
        check = (12 - (remainder + candidate) * 2 % 11) % 11
        if (luhn + candidate) % 10 != 0 and check != 10:
            return candidate
    return 9


@njit(cache=True, nogil=True)
def _scramble_all(numbers, salt):
    out = np.empty(numbers.size, np.int64)
    for i in range(numbers.size):
        out[i] = scramble_one(numbers[i], salt)
    return out


@njit(cache=True, nogil=True)
def _fill_register_strings(numbers):
    out = np.empty((numbers.size, 19), np.uint8)
    for i in range(numbers.size):
        out[i, 0], out[i, 1], out[i, 2], out[i, 18] = 83, 89, 78, 88
        rest = numbers[i] * 10 + last_digit(numbers[i])
        for column in range(17, 2, -1):
            out[i, column] = 48 + rest % 10
            rest //= 10
    return out


@njit(cache=True, nogil=True)
def _mac_words(device_no, day, seed):
    out = np.empty(device_no.size, np.int64)
    for i in range(device_no.size):
        out[i] = np.int64(mix(key(seed, 904, device_no[i], day[i])) >> np.uint64(24))
    return out
