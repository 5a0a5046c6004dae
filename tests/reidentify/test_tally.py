"""Two ways to the same count: all people once, or one list at a time."""

from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.reidentify import make_points
from kit.reidentify.tally import count_holders, tally_is_cheaper
from kit.reidentify.unicity import _unique_draws, build_index, drawn_cells

PEOPLE = st.dictionaries(st.integers(0, 30), st.sets(st.sampled_from("abcdefg"), min_size=1), min_size=1, max_size=12)


def index_of(people):
    rows = [(who, sensor) for who, own in people.items() for sensor in sorted(own)]
    return build_index(make_points(pd.DataFrame(rows, columns=["subject_id", "sensor_id"]), time=None))


@given(PEOPLE, st.integers(1, 4))
def test_holders_of_each_set_are_counted_up_to_two(people, k):
    index = index_of(people)
    own = [index.cells[a:b].tolist() for a, b in zip(index.first_cell, index.first_cell[1:], strict=False)]
    asked = sorted({c for cells in own for c in combinations(cells, k)})
    if asked:
        found = count_holders(index, np.array(asked, np.int32))
        assert found.tolist() == [min(2, sum(set(s) <= set(cells) for cells in own)) for s in asked]


@pytest.mark.parametrize("k", [2, 3])
def test_both_ways_find_the_same_people_alone(k):
    rng = np.random.default_rng(0)
    index = index_of({f"p{i}": {f"s{s}" for s in (rng.random(6) ** 2 * 300).astype(int)} for i in range(1000)})
    chosen = np.flatnonzero(index.sizes >= k).astype(np.int32)
    alone = count_holders(index, drawn_cells(index, chosen, k, 7)) == 1
    walked = _unique_draws(*index.arrays, chosen, k, 1, 7) == 1
    assert alone.tolist() == walked.tolist()
    assert 0 < alone.sum() < len(alone)


def test_the_tally_is_for_many_questions_and_short_lives():
    crowd = index_of({f"p{i}": "abc" for i in range(1000)})
    everyone = np.arange(1000, dtype=np.int32)
    assert tally_is_cheaper(crowd, everyone, 2)
    assert not tally_is_cheaper(crowd, everyone[:1], 2)
    assert not tally_is_cheaper(crowd, everyone, 1)
    long_life = index_of({f"p{i}": "abc" for i in range(1000)} | {"q": [f"s{i}" for i in range(5000)]})
    assert not tally_is_cheaper(long_life, everyone, 2)
