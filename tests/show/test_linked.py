"""Precision against recall: what is drawn, what is marked and said, what is refused."""

from itertools import pairwise

import pandas as pd
import pytest

from kit.errors import InputError
from kit.reidentify import score_links
from kit.show import linked

LINKS = pd.DataFrame({"left_id": list("abcd"), "right_id": list("qrsx"), "score": 1.0, "rank": 1,
                      "margin": [4.0, 3.0, 2.0, 1.0]})
TRUTH = pd.DataFrame({"left_id": list("abcd"), "right_id": list("qrst")})
NOTHING = LINKS.iloc[:0]


def words_of(figure):
    return [t.get_text() for t in figure.axes[0].texts]


def test_the_line_is_the_curve_and_the_mark_is_at_the_asked_precision(words):
    figure = linked.chart_precision_recall({"phones": score_links(LINKS, TRUTH)}, at_precision=0.95, **words)
    line = next(one for one in figure.axes[0].lines if len(one.get_xdata()) == 4)
    assert list(zip(line.get_xdata(), line.get_ydata(), strict=True)) == [(0.25, 1), (0.5, 1), (0.75, 1), (0.75, 0.75)]
    assert "phones\n75% found at 95% right" in words_of(figure)


def test_the_longest_part_that_is_precise_enough_counts():
    curve = score_links(LINKS.assign(margin=[4.0, 3.0, 2.0, 5.0]), TRUTH).curve
    assert linked.found_at(curve, 0.7) == (0.75, 0.75)
    assert linked.found_at(curve, 0.95) is None
    assert linked.found_at(curve) == (0.75, 0.75)


def test_a_linkage_that_finds_nothing_is_named_all_the_same(words):
    figure = linked.chart_precision_recall({"cars": score_links(NOTHING, TRUTH), "phones": score_links(LINKS, TRUTH)},
                                           at_precision=0.95, **words)
    assert "cars\n0% found at 95% right" in words_of(figure)


def test_names_do_not_lie_on_each_other():
    placed = sorted(linked._apart([0.0, 0.0, 0.96, 0.97, 0.97], 0.11))
    assert all(upper - lower > 0.1 for lower, upper in pairwise(placed))
    assert placed[0] > 0
    assert placed[-1] < 1


def test_same_bytes_twice(words):
    once, again = (linked.chart_precision_recall({"phones": score_links(LINKS, TRUTH)}, **words).svg()
                   for _ in range(2))
    assert once == again


@pytest.mark.parametrize(("linkages", "options", "said"), [
    ({}, {}, "one to 6 linkages, and 0"), ({str(n): score_links(LINKS, TRUTH) for n in range(7)}, {}, "and 7"),
    ({"phones": LINKS}, {}, "precision, precision_low"),
    ({"phones": score_links(LINKS, TRUTH)}, {"at_precision": 95}, "must be a share")])
def test_what_cannot_be_drawn_is_refused(linkages, options, said, words):
    with pytest.raises(InputError, match=said):
        linked.chart_precision_recall(linkages, **options, **words)
