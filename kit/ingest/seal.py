"""Bytes that must lie on disk for a while and be readable to nobody without the case's key.

Labels, birthdays and their like are tallied at the end of an ingest; until then they wait in the work folder, beside
pseudonyms, where no interruption may leave them open.
"""

import hashlib
import hmac
import secrets

import numpy as np

_NONCE, _TAG = 16, 32


def seal(data, key):
    """Encrypt under a fresh number used once (SHAKE256 as key stream) and sign (HMAC-SHA256, encrypt then sign).

    >>> key = b"sixteen bytes ok"
    >>> unseal(seal(b"teal", key), key)
    b'teal'
    """
    nonce = secrets.token_bytes(_NONCE)
    body = _mixed(data, key, nonce)
    return nonce + _tag(nonce + body, key) + body


def unseal(sealed, key):
    """The bytes that were sealed; ValueError if they were changed or the key is another."""
    nonce, tag, body = sealed[:_NONCE], sealed[_NONCE : _NONCE + _TAG], sealed[_NONCE + _TAG :]
    if not hmac.compare_digest(tag, _tag(nonce + body, key)):
        raise ValueError("the seal is broken")
    return _mixed(body, key, nonce)


def _mixed(data, key, nonce):
    stream = hashlib.shake_256(hmac.digest(key, b"work folder, stream " + nonce, "sha256")).digest(len(data))
    return (np.frombuffer(data, np.uint8) ^ np.frombuffer(stream, np.uint8)).tobytes()


def _tag(data, key):
    return hmac.digest(hmac.digest(key, b"work folder, seal", "sha256"), data, "sha256")
