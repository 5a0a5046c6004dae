"""Near, or near by chance: what is counted, what is coloured, what is refused."""

import pandas as pd
import pytest

from kit.errors import InputError
from kit.show import near

FOUND = pd.DataFrame({"n_days": [1, 2, 9, 3], "expected_days": [0.5, 2.5, 1.0, None],
                      "more_than_chance": [False, False, True, False]})


def words_of(figure):
    return [t.get_text() for t in figure.axes[0].texts]


def test_tested_pairs_are_counted_and_findings_named(words):
    relation = pd.Series(["stranger", "neighbour", "circle", "unknown"])
    assert {"2 pairs: chance explains them", "1 beyond chance: circle"} <= set(
        words_of(near.chart_near_or_chance(FOUND, relation, **words)))


def test_without_the_truth_nothing_is_called_a_relation(words):
    assert "1 beyond chance" in words_of(near.chart_near_or_chance(FOUND, **words))


def test_no_finding_is_said_in_words(words):
    assert "no pair beyond chance" in words_of(near.chart_near_or_chance(FOUND.iloc[:2], **words))


def test_same_bytes_twice(words):
    assert near.chart_near_or_chance(FOUND, **words).svg() == near.chart_near_or_chance(FOUND, **words).svg()


@pytest.mark.parametrize(("frame", "relation", "said"), [
    (FOUND.iloc[3:], None, "no pair that could be tested"), (FOUND, pd.Series(["circle"]), "4 pairs, but it was given"),
    (FOUND.drop(columns="n_days"), None, "n_days not found")])
def test_what_cannot_be_drawn_is_refused(frame, relation, said, words):
    with pytest.raises(InputError, match=said):
        near.chart_near_or_chance(frame, relation, **words)
