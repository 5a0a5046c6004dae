"""Charts of doubt: what they draw comes from the tables, and empty tables are refused."""

import pandas as pd
import pytest

from kit.errors import InputError
from kit.reidentify import count_flags, track_decay
from kit.show import doubt

FLAGS = count_flags(pd.DataFrame({"R01": [True] * 20 + [False] * 80, "R02": [True] * 3 + [False] * 97}))
TRACKS = pd.DataFrame({"mean_records": [1.0, 4.0], "estimate": [0.9, None], "low": [0.8, None], "high": [0.95, None]})
SCORES = pd.DataFrame({"method": ["recover"] * 2, "steps": ["all", "away"], "estimate": [0.7, None], "low": [0.6, None],
                       "high": [0.8, None]})
FOUND = pd.DataFrame({"group": [5, 20], "attack": "null", "estimate": 0.5, "low": 0.4, "high": 0.6})


def test_withheld_rules_are_counted_and_not_drawn(words):
    axes = doubt.chart_flags(FLAGS, **words).axes[0]
    assert len(axes.patches) == 3
    assert axes.get_xlabel().startswith("rules drawn: 1; withheld: 1")


def test_lengths_without_a_track_are_left_out(words):
    axes = doubt.chart_track_decay(TRACKS, track_decay(0.9, [1, 2]), **words).axes[0]
    assert axes.lines[1].get_ydata().tolist() == [0.9]


def test_a_share_that_nobody_has_is_left_out(words):
    assert [t.get_text() for t in doubt.chart_recovery(SCORES, **words).axes[0].texts] == ["all steps"]


def test_each_size_of_group_is_named(words):
    assert doubt.chart_membership(FOUND, **words).axes[0].get_xticks().tolist() == [5, 20]


@pytest.mark.parametrize(("chart", "tables"), [
    (doubt.chart_flags, (FLAGS.assign(withheld=True),)), (doubt.chart_recovery, (SCORES.iloc[:0],)),
    (doubt.chart_track_decay, (TRACKS.iloc[1:], track_decay(0.9))), (doubt.chart_membership, (FOUND.iloc[:0],))])
def test_nothing_to_draw_is_refused(chart, tables, words):
    with pytest.raises(InputError, match=r"was given (no|a frame without a row)"):
        chart(*tables, **words)
