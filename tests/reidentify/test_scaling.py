"""The laws of unicity, on curves whose parameters are known."""

import numpy as np
import pandas as pd
import pytest

from kit.errors import InputError
from kit.estimates import wilson
from kit.reidentify import convexity_bound, fit_scaling, independence, make_points, subsample_curve, unicity

SIZES = {"fine": 1, "coarse": 8}
TIMES = ["1h", "4h", "1D"]


def grid_of(law):
    """A grid on which unicity is `law(known, bins x hours)`."""
    rows = [(place, time, known, law(known, v * pd.Timedelta(time) / pd.Timedelta("1h")))
            for known in (2, 3, 4, 5) for place, v in SIZES.items() for time in TIMES]
    return pd.DataFrame(rows, columns=["place", "time", "known", "estimate"])


def test_the_published_law_is_found_again():
    found = fit_scaling(grid_of(lambda known, x: 1.9 - x ** (0.157 - 0.007 * known)), SIZES)
    assert found.curves["alpha"].tolist() == pytest.approx([1.9] * 4, abs=1e-6)
    assert found.curves["beta"].tolist() == pytest.approx([0.143, 0.136, 0.129, 0.122], abs=1e-6)
    assert found.exponent["estimate"].tolist() == pytest.approx([0.157, -0.007], abs=1e-6)
    assert found.cells["residual"].abs().max() < 1e-6


def test_a_straight_line_in_the_logarithm_is_found_again():
    found = fit_scaling(grid_of(lambda known, x: 0.9 - 0.1 * np.log10(x)), SIZES, form="log")
    assert found.curves["beta"].tolist() == pytest.approx([0.1] * 4, abs=1e-6)
    assert found.curves["alpha"].tolist() == pytest.approx([0.9] * 4, abs=1e-6)


def test_what_does_not_follow_the_law_shows_in_residuals_and_interval():
    bent = fit_scaling(grid_of(lambda known, x: 0.9 - 0.3 * (x > 10)), SIZES)
    assert bent.cells["residual"].abs().max() > 0.05
    assert (bent.curves["high"] - bent.curves["low"]).min() > 0.01
    np.testing.assert_allclose(bent.cells["fitted"] + bent.cells["residual"], bent.cells["estimate"])


def test_intervals_cover_the_exponent_about_as_often_as_they_say():
    rng = np.random.default_rng(0)
    covered = 0
    for _ in range(60):
        curve = fit_scaling(grid_of(lambda known, x: 1.8 - x**0.1 + rng.normal(0, 0.01)), SIZES).curves.iloc[0]
        covered += curve["low"] <= 0.1 <= curve["high"]
    assert covered >= 51  # 57 expected; fewer than 51 has a chance of about 1 %


def test_cells_without_a_time_or_an_estimate_are_left_out():
    grid = grid_of(lambda known, x: 1.9 - x**0.1)
    more = pd.concat([grid, pd.DataFrame({"place": "fine", "time": [None, "2h"], "known": 2,
                                          "estimate": [0.5, np.nan]})])
    pd.testing.assert_frame_equal(fit_scaling(more, SIZES).curves, fit_scaling(grid, SIZES).curves)


def test_two_numbers_of_points_make_no_line():
    grid = grid_of(lambda known, x: 1.9 - x**0.1)
    assert fit_scaling(grid[grid["known"] < 4], SIZES).exponent.empty


def crowd(people=3000):
    rng = np.random.default_rng(0)
    sensor = (rng.random(people * 6) ** 2 * 60).astype(int)
    seen = pd.DataFrame({"subject_id": np.repeat(np.arange(people), 6), "sensor_id": sensor})
    return make_points(seen, time=None)


def test_a_larger_crowd_hides_more_and_the_whole_is_the_whole():
    points = crowd()
    curve = subsample_curve(points, known=3, people=None)
    assert curve["size"].tolist() == [1500, 3000]
    assert curve["population"].tolist() == [1500, 3000]
    assert curve["estimate"].iloc[0] > curve["estimate"].iloc[1]
    pd.testing.assert_frame_equal(curve.drop(columns="size").tail(1).reset_index(drop=True),
                                  unicity(points, 3, people=None))


def test_one_person_in_the_crowd_is_always_unique():
    assert subsample_curve(crowd(), [1], known=1, people=None)["estimate"].tolist() == [1]


def test_people_who_stay_keep_all_their_points():
    points = crowd()
    curve = subsample_curve(points, [10, 3000], known=(1, 2), people=None, draws="all")
    assert curve[curve["size"] == 10]["eligible"].tolist() == [10, 10]


def test_a_line_through_two_crowds_is_a_floor_under_a_convex_curve():
    sizes = np.array([1000, 2000, 4000, 8000])
    convex = 1 / (1 + sizes / 4000)
    curve = pd.DataFrame({"size": sizes, "known": 4, "estimate": convex, "low": convex - 0.01, "high": convex + 0.01})
    bound = convexity_bound(curve, 10_000).iloc[0]
    # Through (4000, 1/2) and (8000, 1/3): 1/24,000 a person; at 10,000 one third less one twelfth is one quarter.
    assert bound["bound"] == pytest.approx(1 / 4)
    assert bound["bound"] < 1 / (1 + 10_000 / 4000)
    assert bound["low"] == pytest.approx((1 / 3 - 0.01) - 0.5 * (1 / 6 + 0.02))
    assert bound["convex"]
    assert convexity_bound(curve, 10**6)["bound"].tolist() == [0]
    curve["estimate"] = [0.9, 0.89, 0.8, 0.5]
    assert not convexity_bound(curve, 10_000)["convex"].iloc[0]


def test_independence_by_hand():
    # 5 people: sensor a has 3, b has 2. Of somebody's 4 others, 2 are at a (q = 1/2) or 1 at b (q = 1/4).
    seen = pd.DataFrame({"subject_id": list("vwxyz"), "sensor_id": list("aaabb")})
    row = independence(make_points(seen, time=None), known=1, people=None).iloc[0]
    assert row["others_independent"] == pytest.approx((3 * 2 + 2 * 1) / 5)
    assert row["independent"] == pytest.approx((3 * 0.5**4 + 2 * 0.75**4) / 5)
    assert row["estimate"] == 0
    assert (row["low"], row["high"]) == pytest.approx([float(x) for x in wilson(0, 5)])


def test_independence_is_near_the_truth_where_points_are_independent_and_far_where_pairs_share_them():
    # Each of 60 sensors sees each person one time in ten: 3,000 / 1,000 others match three points, 0.3 match four.
    person, sensor = np.nonzero(np.random.default_rng(0).random((3000, 60)) < 0.1)
    points = make_points(pd.DataFrame({"subject_id": person, "sensor_id": sensor}), time=None)
    found = independence(points, known=(3, 4), people=None)
    assert found["independent"].tolist() == pytest.approx([np.exp(-3), np.exp(-0.3)], abs=0.03)
    assert found["estimate"].tolist() == pytest.approx([np.exp(-3), np.exp(-0.3)], abs=0.03)
    frame = points.frame()
    twins = pd.DataFrame({"subject_id": pd.concat([frame["subject"], frame["subject"] + 10_000]),
                          "sensor_id": pd.concat([frame["place"], frame["place"]])})
    paired = independence(make_points(twins, time=None), known=4, people=None).iloc[0]
    assert paired["estimate"] == 0
    assert paired["independent"] > 0.1


def test_one_person_and_nobody_eligible_are_said_plainly():
    one = make_points(pd.DataFrame({"subject_id": ["x"], "sensor_id": ["a"]}), time=None)
    table = independence(one, known=(1, 2))
    assert table["independent"].iloc[0] == 1
    assert table["others_independent"].iloc[0] == 0
    assert table["eligible"].tolist() == [1, 0]
    assert table["independent"].isna().tolist() == [False, True]


GRID = grid_of(lambda known, x: 1.9 - x**0.1)
CURVE = pd.DataFrame({"size": [10, 20], "known": 1, "estimate": [0.5, 0.4], "low": 0.3, "high": 0.6})


@pytest.mark.parametrize(("call", "message"), [
    (lambda: fit_scaling(GRID, {"fine": 1}), "place_sizes must say .* 'coarse'"),
    (lambda: fit_scaling(GRID, SIZES, form="cubic"), "form must be"),
    (lambda: fit_scaling(GRID.drop(columns="time"), SIZES), "time is missing"),
    (lambda: fit_scaling(GRID[GRID["time"] == "1h"], SIZES), "at least three"),
    (lambda: fit_scaling(GRID.assign(estimate=np.nan), SIZES), "nothing can be fitted"),
    (lambda: subsample_curve(crowd(), [4000]), "from 1 to the population of 3,000"),
    (lambda: subsample_curve(crowd(), [0]), "from 1 to the population"),
    (lambda: subsample_curve(crowd(), []), "sizes is empty"),
    (lambda: subsample_curve(crowd(), known=0), "known must be"),
    (lambda: convexity_bound(CURVE, 15), "at least the largest size measured, 20"),
    (lambda: convexity_bound(CURVE.head(1), 15), "needs two sizes"),
    (lambda: convexity_bound(CURVE.drop(columns="low"), 15), "low is missing"),
    (lambda: convexity_bound(CURVE.assign(estimate=np.nan), 15), "no estimate"),
    (lambda: independence(crowd(), known=0), "known must be"),
    (lambda: independence(GRID), "takes points"),
])
def test_mistakes_are_named(call, message):
    with pytest.raises(InputError, match=message):
        call()
