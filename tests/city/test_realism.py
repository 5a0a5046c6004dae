"""The measures of realism find what is put into them, and the page says what they find."""

from pathlib import Path

import numpy as np
import pytest

from kit.city import realism

PAGE = Path(__file__).resolve().parents[2] / "docs" / "realism.md"


def test_a_curve_that_grows_with_the_power_of_six_tenths_has_that_exponent():
    curve = np.arange(1, 41) ** 0.6
    rows = np.column_stack([np.tile(curve, (5, 1)), np.ones((5, 1))])
    assert realism._slope_of_mean(rows) == pytest.approx(0.6)


def test_shares_that_fall_with_rank_have_that_exponent_without_its_sign():
    shares = np.arange(1, 21) ** -1.2
    rows = np.column_stack([np.tile(shares, (5, 1)), np.full((5, 1), -1.0)])
    assert realism._slope_of_mean(rows) == pytest.approx(1.2)


@pytest.mark.parametrize("beta", [0.5, 1.2, 1.75])
def test_jump_lengths_drawn_from_a_truncated_power_law_give_back_its_exponent(beta):
    edges = realism._JUMP_EDGES
    middle = np.sqrt(edges[:-1] * edges[1:])
    weight = middle**-beta * np.exp(-middle / 8.0) * np.diff(edges)
    counts = np.random.default_rng(1).multinomial(400_000, weight / weight.sum())
    assert realism._jump_exponent(counts[None, :]) == pytest.approx(beta, abs=0.12)


def test_two_places_ten_kilometres_apart_with_equal_time_have_a_radius_of_five(town):
    """Half the time at each end: every moment is 5 km from the middle."""
    ends = town._replace(place_x=np.array([0, 10_000], np.float32), place_y=np.zeros(2, np.float32))
    stays = np.zeros(2, [("who", "i4"), ("place", "i4"), ("arrive_ms", "i8"), ("leave_ms", "i8")])
    stays["place"], stays["leave_ms"] = [0, 1], 3_600_000
    assert realism._gyration(stays, ends, 1) == pytest.approx([5.0])


def test_visits_by_rank_are_counted_by_hand():
    """Place 7 three times, place 8 once: shares 3/4 and 1/4."""
    visits = np.zeros(4, [("who", "i4"), ("place", "i4")])
    visits["place"] = [7, 8, 7, 7]
    assert realism._rank_exponent(visits, 1, ranks=3)[0, :3].tolist() == [0.75, 0.25, 0.0]


def test_an_interval_holds_its_estimate(plan):
    measured = realism.measure(people=150, n_days=14, plan=plan)
    assert tuple(measured.columns) == realism.COLUMNS
    assert (measured["low"] <= measured["estimate"]).all()
    assert (measured["estimate"] <= measured["high"]).all()
    assert (measured["published"].eq("") == measured["source"].eq("")).all()


def test_hours_of_trips_add_up_and_peak_on_working_mornings(plan):
    hours = realism.hours_of_trips(people=400, plan=plan)
    assert hours[["weekday", "weekend"]].sum().tolist() == pytest.approx([1, 1])
    morning = hours["hour"].between(6, 8)
    assert hours.loc[morning, "weekday"].sum() > 2 * hours.loc[morning, "weekend"].sum()


@pytest.mark.slow
def test_the_page_says_what_is_measured(plan):
    text = realism.as_markdown(realism.measure(plan=plan), realism.hours_of_trips(plan=plan),
                               realism.register_profile(plan=plan))
    assert PAGE.read_text(encoding="utf-8") == text
