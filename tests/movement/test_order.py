from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.movement import order

RECORD = st.tuples(st.integers(-1, 5), st.integers(0, 3), st.integers(0, 2), st.integers(0, 50))


def arrays(records):
    columns = np.array(records, dtype=np.int64).reshape(-1, 4).T
    return columns[0].astype(np.int32), columns[1], columns[2].astype(np.int32), columns[3]


def as_tuples(columns):
    return list(zip(*(c.tolist() for c in columns), strict=True))


@given(st.lists(RECORD, max_size=60), st.sampled_from([6, 5_000, 3_000_000]))
def test_sorts_like_python(records, n_subjects):
    subject, time, place, row = arrays(records)
    spread = np.where(subject >= 0, subject * (n_subjects // 6), -1).astype(np.int32)
    expected = sorted(r for r in as_tuples((spread, time, place, row)) if r[0] >= 0)
    assert as_tuples(order.by_subject(spread, time, place, row, n_subjects)) == expected


@pytest.mark.parametrize("times", [np.zeros(200_000, np.int64), np.arange(200_000)[::-1],
                                   np.random.default_rng(0).integers(0, 1000, 200_000)],
                         ids=["one instant", "backwards", "shuffled"])
def test_one_subject_with_very_many_records(times):
    place, row = np.arange(len(times), dtype=np.int32)[::-1] % 7, np.arange(len(times))
    expected = np.lexsort((row, place, times))
    _, _, _, found = order.by_subject(np.zeros(len(times), np.int32), times, place, row, 1)
    assert np.array_equal(found, expected)


@given(st.lists(st.integers(0, 4), min_size=1, max_size=40), st.integers(1, 9))
def test_spans_never_divide_a_subject(subjects, parts):
    subject = np.sort(np.array(subjects, dtype=np.int32))
    spans = order.subject_spans(subject, parts)
    assert [s for start, stop in spans for s in subject[start:stop]] == subject.tolist()
    for (_, stop), (start, _) in pairwise(spans):
        assert stop == start
        assert subject[stop - 1] != subject[start]
