from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.errors import InputError
from kit.ingest import known
from kit.ingest.identifiers import pseudonym, spell, subject_keys
from kit.ingest.known import Everybody, Facts
from kit.ingest.seal import seal, unseal

KEY = b"sixteen bytes ok"
BATCHES = st.lists(st.lists(st.tuples(st.integers(0, 9), st.sampled_from("abc"))), max_size=6)


@given(st.lists(st.text(min_size=1), unique=True), st.sampled_from(["person", "device", "vehicle", "household"]))
def test_keys_spell_pseudonyms_and_sort_as_they_do(raw, kind):
    keys, _ = subject_keys(raw, kind, KEY)
    assert [text.decode() for text in spell(keys)] == [pseudonym(one, kind, KEY) for one in raw]
    assert spell(np.sort(keys)).tolist() == sorted(spell(keys).tolist())


def test_subjects_of_all_kinds_sort_as_their_pseudonyms_do():
    kinds = ["vehicle", "person", "household", "device"]
    keys = np.concatenate([subject_keys(["a", "b", "c"], kind, KEY)[0] for kind in kinds])
    assert spell(np.sort(keys)).tolist() == sorted(spell(keys).tolist())


@given(st.lists(st.lists(st.integers(0, 20)), max_size=6))
def test_everybody_is_there_once_however_they_came(batches):
    everybody, again = Everybody(), Everybody()
    for batch in batches:
        everybody.add(np.array(batch, np.int64), np.array(batch, np.int64) * 7)
        again.take(everybody.to_table().to_batches())
    assert everybody.keys.tolist() == again.keys.tolist() == sorted({one for batch in batches for one in batch})


def test_two_identifiers_with_one_pseudonym_are_told_apart_in_later_blocks_too():
    everybody = Everybody()
    everybody.add(np.array([3 << 60]), np.array([1]))
    everybody.add(np.array([3 << 60]), np.array([2]))
    with pytest.raises(InputError, match="identifiers of kind vehicle got the same pseudonym"):
        everybody.to_table()


@given(BATCHES, st.sampled_from([1, 1 << 18]))
def test_facts_count_as_a_counter_does(batches, least):
    keep, known._LEAST = known._LEAST, least
    try:
        facts = Facts()
        for batch in batches:
            names = sorted({value for _, value in batch})
            pairs = Counter((who, names.index(value)) for who, value in batch)
            other = Facts()
            other.add("f", [w for w, _ in pairs], np.array([v for _, v in pairs], int), list(pairs.values()), names)
            facts.take(Facts.from_bytes(other.to_bytes()))
    finally:
        known._LEAST = keep
    who, value, n = facts.pairs("f")
    names = list(facts.names.get("f", ()))
    found = {(w, names[v]): count for w, v, count in zip(who.tolist(), value.tolist(), n.tolist(), strict=True)}
    assert found == Counter(pair for batch in batches for pair in batch)


@given(st.binary())
def test_what_is_sealed_opens_under_its_key_alone_and_unchanged_alone(data):
    sealed = seal(data, KEY)
    assert unseal(sealed, KEY) == data
    turned = bytes([sealed[0] ^ 1]) + sealed[1:]
    for spoilt, key in [(sealed, KEY + b"!"), (sealed[:-1], KEY), (b"", KEY), (turned, KEY)]:
        with pytest.raises(ValueError, match="seal"):
            unseal(spoilt, key)


def test_the_same_is_never_sealed_to_the_same():
    assert seal(b"teal", KEY) != seal(b"teal", KEY)
    assert b"teal teal" not in seal(b"teal " * 100, KEY)
