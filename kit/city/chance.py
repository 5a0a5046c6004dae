"""Chance by counting: a number drawn for (seed, person, day, what for) is the same whoever asks and in whatever order.

Nothing here has a state. That is what lets person 123 walk the same way in a sample of a thousand people and in the
full register, in all three exposures, and on any number of threads. The mixing function is splitmix64's finaliser
(Steele, Lea and Flood 2014, doi 10.1145/2660193.2660195). Draws are integers or plain arithmetic on them, so that
the same seed gives the same bytes on every machine.
"""

import numpy as np
from numba import njit

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_FIRST = np.uint64(0xBF58476D1CE4E5B9)
_SECOND = np.uint64(0x94D049BB133111EB)
_S30, _S27, _S31, _S32, _S11 = (np.uint64(bits) for bits in (30, 27, 31, 32, 11))
_UNIT = 2.0**-53


@njit(cache=True, nogil=True)
def mix(word):
    """Scramble 64 bits so that neighbours share nothing."""
    word = (word ^ (word >> _S30)) * _FIRST
    word = (word ^ (word >> _S27)) * _SECOND
    return word ^ (word >> _S31)


@njit(cache=True, nogil=True)
def key(seed, what, a, b):
    """One 64-bit key for a seed, a purpose and up to two numbers; every draw below starts from such a key."""
    word = mix(np.uint64(seed) + _GOLDEN * np.uint64(what + 1))
    word = mix(word ^ (np.uint64(a) * _GOLDEN + _FIRST))
    return mix(word ^ (np.uint64(b) * _SECOND + _GOLDEN))


@njit(cache=True, nogil=True)
def unit(k, counter):
    """The `counter`-th uniform number of a key, in [0, 1)."""
    return np.float64(mix(k + _GOLDEN * np.uint64(counter)) >> _S11) * _UNIT


@njit(cache=True, nogil=True)
def word32(k, counter):
    """The `counter`-th 32-bit integer of a key."""
    return np.uint32(mix(k + _GOLDEN * np.uint64(counter)) >> _S32)


@njit(cache=True, nogil=True)
def below(k, counter, n):
    """The `counter`-th integer of a key in 0 .. n-1."""
    return np.int64(((mix(k + _GOLDEN * np.uint64(counter)) >> _S32) * np.uint64(n)) >> _S32)


@njit(cache=True, nogil=True)
def bell(k, counter):
    """A bell-shaped draw, mean 0 and standard deviation 1, never beyond 3.5: four uniforms added, so no logarithm."""
    word = mix(k + _GOLDEN * np.uint64(counter))
    total = np.float64(0.0)
    for shift in range(4):
        total += np.float64((word >> np.uint64(16 * shift)) & np.uint64(0xFFFF)) / 65536.0
    return (total - 2.0) * 1.7320508075688772


@njit(cache=True, nogil=True)
def pick(cumulative, drawn):
    """The index that a 32-bit draw falls on in a row of cumulative 32-bit weights (`cumulative_weights`)."""
    low, high = 0, cumulative.size - 1
    while low < high:
        middle = (low + high) >> 1
        if drawn < cumulative[middle]:
            high = middle
        else:
            low = middle + 1
    return low


def cumulative_weights(weights):
    """Turn non-negative weights (last axis) into cumulative integers up to 2**32 - 1, for `pick`."""
    total = np.cumsum(np.asarray(weights, dtype=np.float64), axis=-1)
    # Rounded first, so that a last bit that differs between machines shifts no draw.
    scaled = np.floor(np.round(total / total[..., -1:], 12) * (2.0**32 - 1.0))
    scaled[..., -1] = 2.0**32 - 1.0
    return scaled.astype(np.uint32)


@njit(cache=True, nogil=True)
def words(seed, what, numbers, b):
    """One 64-bit word for each of many numbers."""
    out = np.empty(numbers.size, np.uint64)
    for i in range(numbers.size):
        out[i] = mix(key(seed, what, numbers[i], b))
    return out


@njit(cache=True, nogil=True)
def units(seed, what, numbers, how_many):
    """The first `how_many` uniform numbers of each key, as rows."""
    out = np.empty((numbers.size, how_many))
    for i in range(numbers.size):
        k = key(seed, what, numbers[i], 0)
        for c in range(how_many):
            out[i, c] = unit(k, c)
    return out


@njit(cache=True, nogil=True)
def bells(seed, what, numbers):
    """One bell-shaped draw for each of many numbers."""
    out = np.empty(numbers.size)
    for i in range(numbers.size):
        out[i] = bell(key(seed, what, numbers[i], 0), 0)
    return out
