"""Two ways to the same answer: all people once, or one list at a time."""

from itertools import combinations

import numpy as np
import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from kit.reidentify import make_points
from kit.reidentify.pairs import holds_alone, tally_is_cheaper
from kit.reidentify.unicity import _unique_draws, build_index, drawn_cells

PEOPLE = st.dictionaries(st.integers(0, 30), st.sets(st.sampled_from("abcdefg"), min_size=1), min_size=1, max_size=12)


def index_of(people):
    rows = [(who, sensor) for who, own in people.items() for sensor in sorted(own)]
    return build_index(make_points(pd.DataFrame(rows, columns=["subject_id", "sensor_id"]), time=None))


@given(PEOPLE)
def test_every_pair_is_judged_as_by_definition(people):
    index = index_of(people)
    own = [index.cells[a:b].tolist() for a, b in zip(index.first_cell, index.first_cell[1:], strict=False)]
    asked = sorted({pair for cells in own for pair in combinations(cells, 2)})
    found = holds_alone(index, np.array(asked, np.int32).reshape(-1, 2))
    assert found.tolist() == [sum(set(pair) <= set(cells) for cells in own) == 1 for pair in asked]


def test_both_ways_find_the_same_people_alone():
    rng = np.random.default_rng(0)
    index = index_of({f"p{i}": {f"s{s}" for s in (rng.random(6) ** 2 * 300).astype(int)} for i in range(1000)})
    chosen = np.flatnonzero(index.sizes >= 2).astype(np.int32)
    alone = holds_alone(index, drawn_cells(index, chosen, 2, 7))
    assert alone.tolist() == (_unique_draws(*index.arrays, chosen, 2, 1, 7) == 1).tolist()
    assert 0 < alone.sum() < len(alone)


def test_the_tally_is_for_many_questions_and_short_lives():
    crowd = index_of({f"p{i}": "abc" for i in range(1000)})
    assert tally_is_cheaper(crowd, 1000)
    assert not tally_is_cheaper(crowd, 1)
    long_life = index_of({f"p{i}": "abc" for i in range(1000)} | {"q": [f"s{i}" for i in range(5000)]})
    assert not tally_is_cheaper(long_life, 1000)
