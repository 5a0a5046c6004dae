import base64
import hashlib
import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.errors import InputError
from kit.ingest import identifiers
from kit.ingest.identifiers import DEMO_KEY, pseudonym, pseudonyms

KEY = b"sixteen bytes ok"


@given(st.text(min_size=1), st.sampled_from(["person", "device", "vehicle", "household"]),
       st.binary(min_size=16, max_size=100))
def test_a_pseudonym_is_the_first_60_bits_of_an_hmac_as_the_standard_library_computes_it(raw, kind, key):
    digest = hmac.digest(key, f"{kind}:{raw}".encode(), "sha256")
    expected = kind[0] + "_" + base64.b32encode(digest).decode().lower()[:12]
    assert pseudonym(raw, kind, key) == expected


def test_same_key_same_pseudonym_other_key_or_kind_another():
    first = pseudonym("SYN-P-0000123", "person", KEY)
    assert pseudonym("SYN-P-0000123", "person", KEY) == first
    assert pseudonym("SYN-P-0000123", "person", KEY + b"!") != first
    assert pseudonym("SYN-P-0000123", "device", KEY)[2:] != first[2:]


def test_order_and_company_do_not_matter():
    one_way = pseudonyms(["a", "b", "c"], "vehicle", KEY).tolist()
    assert pseudonyms(["c", "a", "b"], "vehicle", KEY).tolist() == [one_way[2], one_way[0], one_way[1]]
    assert pseudonyms([], "vehicle", KEY).tolist() == []


def test_a_plain_hash_of_four_digits_is_reversed_by_trying_all_and_a_keyed_one_is_not():
    everyone = [f"{n:04d}" for n in range(10_000)]
    victim = "0417"
    leaked = hashlib.sha256(victim.encode()).hexdigest()
    assert [n for n in everyone if hashlib.sha256(n.encode()).hexdigest() == leaked] == [victim]
    keyed = pseudonym(victim, "person", KEY)
    guesses = {pseudonym(n, "person", b"a guess at a key") for n in everyone}
    assert len(guesses) == 10_000
    assert keyed not in guesses
    assert keyed[2:] not in {base64.b32encode(hashlib.sha256(n.encode()).digest()).decode().lower()[:12]
                             for n in everyone}


@pytest.mark.parametrize("key", ["a text of sixteen letters", None, b"", b"fifteen bytes !"])
def test_what_is_no_key_is_refused_in_one_sentence(key):
    with pytest.raises(InputError, match=r"secrets\.token_bytes"):
        pseudonyms(["a"], "person", key)


def test_two_identifiers_with_one_pseudonym_would_merge_people_so_they_are_refused():
    with pytest.raises(InputError, match="two subjects would be merged"):
        pseudonyms(["same", "same"], "person", KEY)


def test_the_demo_key_is_long_enough_to_be_a_key():
    assert len(DEMO_KEY) >= 16


def test_what_was_seen_before_changes_no_pseudonym_and_never_grows_beyond_its_bound(monkeypatch):
    monkeypatch.setattr(identifiers, "MOST_SEEN", 3)
    seen, raw = {}, [f"SYN-P-{n % 5:07d}" for n in range(20)]
    once = [identifiers.subject_keys([one], "person", KEY)[0][0] for one in raw]
    for one, key in zip(raw, once, strict=True):
        assert identifiers.subject_keys([one], "person", KEY, seen)[0][0] == key
        assert len(seen) <= 3
    assert identifiers.subject_keys(raw, "person", KEY, seen)[0].tolist() == once
