"""Pseudonyms: the same person gets the same name everywhere in a case, and nobody without the key can work back.

A plain hash of an identifier is no protection: whoever can list all identifiers hashes them all and looks each one up
(the 173 million New York taxi trips of 2014 fell that way). An HMAC needs the key, one per case; another key unlinks.
"""

import hashlib
import hmac

import numpy as np

from kit.errors import InputError

DEMO_KEY = b"retrace demo key: for the invented city and nothing else"
PREFIXES = {"person": "p_", "device": "d_", "vehicle": "v_", "household": "h_"}
KINDS = tuple(sorted(PREFIXES))  # as their prefixes sort
NOBODY = -1
# The letters of base 32 in the order of their bytes, so that keys sort as the texts do.
_LETTERS = np.frombuffer(b"234567abcdefghijklmnopqrstuvwxyz", dtype=np.uint8)
_DIGITS = 6
_LENGTH = 12
_BITS = 5 * _LENGTH
_EACH = sum(1 << 5 * place for place in range(_LENGTH))
_BLOCK = 64
MOST_SEEN = 1 << 17


def pseudonyms(raw_ids, kind, key):
    """Keyed pseudonyms of distinct raw identifiers.

    HMAC-SHA256 (RFC 2104, 1997) of `kind:raw id` under the key, its first 60 bits as 12 letters and digits of base 32
    (RFC 4648, lower case), after the kind's prefix: p_ person, d_ device, v_ vehicle, h_ household.

    Parameters
    ----------
    raw_ids : iterable of str
        Distinct; taken to the letter, neither case nor blanks are changed.
    kind : str
        "person", "device", "vehicle" or "household".
    key : bytes
        At least 16, secret, one per case.

    Returns
    -------
    numpy.ndarray of bytes (S14)
        One pseudonym for each identifier, in its order.

    Raises
    ------
    InputError
        If the key is no bytes or too short, or if two identifiers share a pseudonym.

    >>> pseudonyms(["SYN-P-0000123"], "person", DEMO_KEY)
    array([b'p_n5gyobevuqu7'], dtype='|S14')
    """
    check_key(key)
    keys, _ = subject_keys(raw_ids, kind, key)
    ordered = np.sort(keys)
    if (ordered[1:] == ordered[:-1]).any():
        raise same_pseudonym(kind)
    return spell(keys)


def pseudonym(raw_id, kind, key):
    """The pseudonym of one identifier, as text; see `pseudonyms`.

    >>> pseudonym("SYN-P-0000123", "person", DEMO_KEY)
    'p_n5gyobevuqu7'
    """
    return pseudonyms([raw_id], kind, key)[0].decode()


def demo_key(exposure):
    """The invented city's key for one of its exposures: each operator has its own, so no pseudonym is shared.

    >>> pseudonym("SYN-P-0000123", "person", demo_key("register")) == pseudonym("SYN-P-0000123", "person", DEMO_KEY)
    False
    """
    return hmac.digest(DEMO_KEY, exposure.encode(), "sha256")


def check_key(key):
    """Refuse what is no key: text, or fewer than 16 bytes."""
    if not isinstance(key, bytes):
        raise InputError(f"The key must be bytes, but it is a {type(key).__name__}; make one with "
                         "secrets.token_bytes(32) and keep it in the case's private folder.")
    if len(key) < 16:
        raise InputError(f"The key has {len(key)} bytes and needs at least 16; make one with secrets.token_bytes(32).")


def subject_keys(raw_ids, kind, key, seen=None):
    """Pseudonyms as numbers, which take half the room and sort as their texts do.

    `seen`, a dict that the caller keeps for this kind and key alone, spares identifiers that come again the hashing;
    it holds `MOST_SEEN` of them at most, in memory only.

    Returns
    -------
    (numpy.ndarray of int64, numpy.ndarray of int64)
        The pseudonym, for `spell`; and the next 64 bits of the same HMAC, by which two identifiers that share a
        pseudonym are told apart when the identifiers themselves are no longer at hand.
    """
    words = _words(raw_ids, kind, key, {} if seen is None else seen)
    codes = words[:, 0] >> np.uint64(64 - _BITS)
    low = np.uint64(15 * _EACH)
    codes = ((codes & low) + np.uint64(_DIGITS * _EACH)) ^ (codes & ~low)  # each letter's place moves by the digits
    kinds = np.uint64(KINDS.index(kind)) << np.uint64(_BITS)
    return (codes | kinds).astype(np.int64), words[:, 1].astype(np.int64)


def spell(keys):
    """The texts of numbers that `subject_keys` made.

    >>> spell(subject_keys(["SYN-P-0000123"], "person", DEMO_KEY)[0])
    array([b'p_n5gyobevuqu7'], dtype='|S14')
    """
    text = np.empty((len(keys), 2 + _LENGTH), dtype=np.uint8)
    text[:, 0] = np.frombuffer("".join(PREFIXES[kind][0] for kind in KINDS).encode(), dtype=np.uint8)[keys >> _BITS]
    text[:, 1] = ord("_")
    for place in range(_LENGTH):
        text[:, 2 + place] = _LETTERS[(keys >> (_BITS - 5 - 5 * place)) & 31]
    return text.view(f"S{2 + _LENGTH}").ravel()


def kind_of(keys):
    """Place in KINDS of each number that `subject_keys` made."""
    return keys >> _BITS


def same_pseudonym(kind):
    """The error for two identifiers that share a pseudonym."""
    return InputError(f"Two identifiers of kind {kind} got the same pseudonym under this key, so two subjects would "
                      "be merged; run it again with another key.")


def _words(raw_ids, kind, key, seen):
    """First 128 bits of each HMAC, as two numbers.

    The two hashes of RFC 2104 are prepared once and copied, which takes 0.6 µs an identifier; `hmac.digest`
    prepares the key anew each time and takes 1.4.
    """
    padded = (key if len(key) <= _BLOCK else hashlib.sha256(key).digest()).ljust(_BLOCK, b"\0")
    inner = hashlib.sha256(bytes(b ^ 0x36 for b in padded) + f"{kind}:".encode())
    outer = hashlib.sha256(bytes(b ^ 0x5C for b in padded))
    digests = []
    for raw in raw_ids:
        digest = seen.get(raw)
        if digest is None:
            first, second = inner.copy(), outer.copy()
            first.update(raw.encode())
            second.update(first.digest())
            digest = second.digest()[:16]
            if len(seen) >= MOST_SEEN:
                seen.clear()
            seen[raw] = digest
        digests.append(digest)
    return np.frombuffer(b"".join(digests), dtype=">u8").astype(np.uint64).reshape(-1, 2)
