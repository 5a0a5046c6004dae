import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kit import movement
from kit.errors import InputError
from kit.movement.periodicity import _turned, adjusted

DAY = pd.Timestamp("2031-03-03", tz="UTC")  # a Monday


def visits(hours_after, subject="p", place="a"):
    return pd.DataFrame({"subject_id": subject, "place_id": place,
                         "arrived_at": (DAY + pd.to_timedelta(pd.Series(hours_after, dtype=float), unit="h")
                                        ).dt.as_unit("us")})


def test_opposite_hours_have_no_phase():
    row = movement.periodicity(visits([24 * d + (8 if d % 2 else 20) for d in range(12)]), "UTC").iloc[0]
    assert row["resultant"] == pytest.approx(0, abs=1e-9)
    assert row["p_phase"] == pytest.approx(1)


def test_two_hours_a_quarter_of_a_day_apart_by_hand():
    """Half of the arrows point to 6:00, half to 12:00: R is half the root of two and points between them, to 9:00."""
    row = movement.periodicity(visits([24 * d + (6 if d % 2 else 12) for d in range(20)]), "UTC").iloc[0]
    assert row["resultant"] == pytest.approx(np.sqrt(0.5))
    assert row["phase_h"] == pytest.approx(9)
    n, z = 20, 20 / 2  # z = n R^2; the series of Mardia and Jupp, another approximation than the one used
    series = 1 + (2 * z - z**2) / (4 * n) - (24 * z - 132 * z**2 + 76 * z**3 - 9 * z**4) / (288 * n**2)
    assert row["p_phase"] == pytest.approx(np.exp(-z) * series, rel=0.2)


def test_many_visits_on_one_day_are_no_more_evidence_than_one():
    once = visits([24 * d + 8 for d in range(12)])
    often = pd.concat([once, visits([24 * 3 + 8 + minute / 60 / 100 for minute in range(50)])])
    one, other = (movement.periodicity(v, "UTC").iloc[0] for v in (once, often))
    assert other["p_phase"] == pytest.approx(one["p_phase"], rel=1e-3)


def test_the_chance_of_meeting_hours_by_hand():
    """One visit a day at the same hour: turned by chance, two days agree in one of 24 cases, three days in 24^2."""
    table = np.zeros((3, 24), int)
    table[:, 8] = 1
    assert _turned(table[:2]) == pytest.approx(1 / 24)
    assert _turned(table) == pytest.approx(1 / 24**2)
    table[2, 8], table[2, 9] = 0, 1
    assert _turned(table) == pytest.approx(1 - (23 / 24)**2)


def test_mondays_are_a_weekly_rhythm_and_every_day_is_none():
    mondays = pd.concat([visits([24 * 7 * w + 9 for w in range(12)]),
                         visits([24 * d + 15 for d in range(84)], place="b")])
    found = movement.periodicity(mondays, "UTC").set_index("place_id")
    assert found.loc["a", "p_168h"] == found.loc["a", "floor_168h"] == 1 / 1000
    assert found.loc["b", "p_168h"] == 1
    assert found.loc["b", "p_24h"] < 1e-50


def test_chance_finds_nothing_more_often_than_it_says():
    rng = np.random.default_rng(3)
    seen = pd.concat([visits([24 * d + rng.uniform(0, 24) for d in range(40)], subject=f"p{i}") for i in range(200)])
    found = movement.periodicity(seen, "UTC", draws=99)
    for test in ("phase", "24h", "168h"):
        assert (found[f"p_{test}"] < 0.05).mean() < 0.05 + 3 * np.sqrt(0.05 * 0.95 / 200)


def test_benjamini_hochberg_by_hand():
    assert adjusted(np.array([0.02, 0.5, 0.01])).tolist() == pytest.approx([0.03, 0.5, 0.03])


def test_too_few_days_have_no_row_and_two_weeks_no_week():
    assert len(movement.periodicity(visits([24 * d for d in range(9)]), "UTC")) == 0
    short = movement.periodicity(visits([24 * d for d in range(14)]), "UTC").iloc[0]
    assert np.isnan(short["p_168h"])
    assert movement.periodicity(visits([]), "UTC").columns.tolist() == short.index.tolist()


@settings(max_examples=15, deadline=None)
@given(st.randoms(use_true_random=False), st.integers(-30, 30))
def test_order_and_weeks_shifted_do_not_matter(random, weeks):
    seen = visits([24 * d + random.uniform(0, 24) for d in range(30)])
    at = list(range(len(seen)))
    random.shuffle(at)
    other = seen.iloc[at].assign(arrived_at=lambda t: t["arrived_at"] + pd.Timedelta(days=7 * weeks))
    for a, b in zip(*(movement.periodicity(v, "UTC", draws=19).iloc[0, 2:] for v in (seen, other)), strict=True):
        assert a == pytest.approx(b, abs=1e-6)


def test_what_is_wrong_is_said():
    with pytest.raises(InputError, match="min_days"):
        movement.periodicity(visits([1]), "UTC", min_days=1)
    with pytest.raises(InputError, match="draws"):
        movement.periodicity(visits([1]), "UTC", draws=5)
