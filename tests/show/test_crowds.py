"""Crowds: what is counted, what is told of bounds, what is refused."""

import pandas as pd
import pytest

from kit.errors import InputError
from kit.show import crowds

# Five people: by location one alone, two in fours, two in tens; by sequence four alone and one in ten, two of them not
# looked at to the end.
RISKS = pd.DataFrame({
    "attack": ["location"] * 5 + ["sequence"] * 5,
    "matches": [1, 4, 4, 10, 12, 1, 1, 1, 1, 10],
    "exact": [True] * 8 + [False] * 2,
})


def words_of(figure):
    return [t.get_text() for t in figure.axes[0].texts]


def test_shares_are_counted_and_the_worst_attack_comes_first(words):
    figure = crowds.chart_risk(RISKS, **words)
    assert [t.get_text() for t in figure.axes[0].get_yticklabels()] == ["sequence (5)", "location (5)"]
    assert words_of(figure)[:2] == ["80%", "20%"]
    assert {"20%", "40%"} <= set(words_of(figure)[3:])


def test_a_bar_is_everybody(words):
    bars = crowds.chart_risk(RISKS, **words).axes[0].patches
    assert sum(bar.get_width() for bar in bars) == pytest.approx(2)


def test_lower_bounds_are_told_and_exact_answers_are_not(words):
    assert "lower bound\nfor 40%" in words_of(crowds.chart_risk(RISKS, **words))
    assert not any("bound" in text for text in words_of(crowds.chart_risk(RISKS.iloc[:5], **words)))


def test_same_bytes_twice(words):
    assert crowds.chart_risk(RISKS, **words).svg() == crowds.chart_risk(RISKS, **words).svg()


@pytest.mark.parametrize(("frame", "said"), [
    (RISKS.iloc[:0], "without a row"), (RISKS.assign(matches=0), "at least one person"),
    (RISKS.assign(matches=float("nan")), "at least one person"), (RISKS.drop(columns="attack"), "attack not found")])
def test_what_cannot_be_drawn_is_refused(frame, said, words):
    with pytest.raises(InputError, match=said):
        crowds.chart_risk(frame, **words)
