import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kit.ingest.repeats import Repeats, flag_duplicates

RECORDS = st.lists(st.tuples(st.integers(-1, 3), st.integers(0, 2), st.integers(-9, 9)), max_size=60)


def by_hand(records):
    """Group by group in the order of time, then of the dump: a repeat follows the last unflagged one within 2 s."""
    flags, last = [False] * len(records), {}
    for i in sorted(range(len(records)), key=lambda i: (records[i][2], i)):
        subject, sensor, second = records[i]
        before = last.get((subject, sensor))
        flags[i] = subject >= 0 and before is not None and second - before <= 2
        if not flags[i]:
            last[subject, sensor] = second
    return flags


def columns(records):
    subject, sensor, second = np.array(records, np.int64).reshape(-1, 3).T
    return subject.astype(np.int32), sensor.astype(np.int32), second * 1_000_000


@given(RECORDS)
def test_repeats_are_those_one_finds_by_hand(records):
    assert flag_duplicates(*columns(records)).tolist() == by_hand(records)


@pytest.fixture(scope="module")
def scratch(tmp_path_factory):
    return tmp_path_factory.mktemp("scratch")


@settings(max_examples=40, deadline=None)
@given(RECORDS, st.integers(1, 20), st.integers(1, 20))
def test_neither_batches_nor_files_change_a_flag(scratch, records, at_once, batch):
    repeats = Repeats(len(records), scratch, at_once)
    for at in range(0, len(records), batch):
        repeats.add(at, *columns(records[at : at + batch]))
    assert repeats.flags().tolist() == by_hand(records)
    assert list(scratch.iterdir()) == []


@given(RECORDS)
def test_numbers_too_large_to_be_packed_are_sorted_all_the_same(records):
    subject, sensor, time = columns(records)
    far = np.where(subject < 0, -1, subject.astype(np.int64) + 2**31 - 9).astype(np.int32)
    assert flag_duplicates(far, sensor * 2**29, time).tolist() == by_hand(records)
