"""Tracks from counts, and two releases side by side, against small tables worked by hand."""

from itertools import permutations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.disclosure import withhold_small
from kit.errors import InputError
from kit.reidentify.aggregates import difference_releases, recover_tracks, score_tracks

ZONES = pd.DataFrame({"zone_id": list("abc"), "x_m": [0.0, 1000.0, 2000.0], "y_m": 0.0})


def at(*hours):
    return pd.to_datetime([f"2031-03-12T{hour:02}:00Z" for hour in hours])


def truth_of(**tracks):
    """One letter a step and person: truth_of(x="aab")."""
    return pd.DataFrame([(who, at(8 + i)[0], zone) for who, zones in tracks.items() for i, zone in enumerate(zones)],
                        columns=["subject_id", "time", "zone_id"])


def counts_of(truth):
    return truth.groupby(["time", "zone_id"]).size().rename("n").reset_index()


def tracks_told(tracks):
    return sorted("".join(of.sort_values("time")["zone_id"]) for _, of in tracks.groupby("track_id"))


@pytest.mark.parametrize("seed", range(4))
def test_by_day_people_go_on_as_they_went(seed):
    truth = truth_of(x="abc", y="bbb")
    assert tracks_told(recover_tracks(counts_of(truth), ZONES, seed=seed)) == ["abc", "bbb"]


@pytest.mark.parametrize("seed", range(4))
def test_at_night_people_stay_near_where_they_were(seed):
    counts = pd.DataFrame({"time": at(1, 1, 2, 2, 3, 3), "zone_id": list("acacac"), "n": 1})
    assert tracks_told(recover_tracks(counts, ZONES, seed=seed)) == ["aaa", "ccc"]


@pytest.mark.parametrize("seed", range(4))
def test_days_are_joined_by_the_zones_they_share(seed):
    one = pd.DataFrame({"time": at(1, 1, 2, 2), "zone_id": list("abab"), "n": 1})
    both = pd.concat([one, one.assign(time=one["time"] + pd.Timedelta("1D"))])
    assert tracks_told(recover_tracks(both, ZONES, seed=seed)) == ["aaaa", "bbbb"]


@given(st.lists(st.lists(st.sampled_from("abc"), min_size=3, max_size=3), min_size=1, max_size=7), st.integers(0, 9),
       st.sampled_from(["recover", "shuffle"]))
def test_tracks_add_up_to_the_counts_they_came_from(steps, seed, method):
    truth = truth_of(**{f"p{i}": zones for i, zones in enumerate(steps)})
    tracks = recover_tracks(counts_of(truth), ZONES, seed=seed, method=method)
    pd.testing.assert_frame_equal(counts_of(tracks), counts_of(truth))


def test_staying_put_is_right_where_nobody_moves_and_never_right_away():
    truth = truth_of(x="aaab", y="bbba")
    counts = counts_of(truth)
    score = score_tracks(recover_tracks(counts, ZONES, method="stay_put"), truth).set_index("steps")
    assert score.loc["all", "estimate"] == 6 / 8
    assert score.loc["away", "estimate"] == 0
    assert score.loc["away", ["n", "eligible", "population"]].tolist() == [2, 2, 2]


def test_the_best_matching_is_the_one_of_all_orders():
    truth, rng = truth_of(x="abc", y="bca", z="aac"), np.random.default_rng(1)
    names = ["x", "y", "z"]
    wrong = {name: "".join(rng.choice(list("abc"), 3)) for name in names}
    tracks = truth_of(**wrong).rename(columns={"subject_id": "track_id"})
    real = {"x": "abc", "y": "bca", "z": "aac"}
    best = max(sum(a == b for one, other in zip(names, order, strict=True)
                   for a, b in zip(real[one], wrong[other], strict=True)) for order in permutations(names))
    assert score_tracks(tracks, truth)["estimate"].iloc[0] == pytest.approx(best / 9)


def test_one_person_and_nobody():
    truth = truth_of(x="abc")
    score = score_tracks(recover_tracks(counts_of(truth), ZONES), truth)
    assert score["estimate"].tolist() == [1, 1]
    empty = counts_of(truth_of(x=""))
    assert recover_tracks(empty, ZONES).columns.tolist() == ["track_id", "time", "zone_id"]
    with pytest.raises(InputError, match="holds nobody"):
        score_tracks(recover_tracks(empty, ZONES), truth_of(x=""))


def test_where_nobody_moves_there_is_no_step_away():
    truth = truth_of(x="aa", y="aa")
    away = score_tracks(recover_tracks(counts_of(truth), ZONES), truth).iloc[1]
    assert np.isnan(away["estimate"])
    assert away["eligible"] == 0


@pytest.mark.parametrize(("change", "message"), [
    ({"n": [1, 1, 1, 2]}, "2 people at one step and 3"),
    ({"n": [1, 1, 1, np.nan]}, "missing values"),
    ({"n": [1, 1, 1, 0.5]}, "whole numbers"),
    ({"zone_id": list("aabb")}, "names a zone twice"),
    ({"zone_id": list("azaz")}, "has no place in zones"),
])
def test_counts_that_cannot_be_used_are_named(change, message):
    counts = pd.DataFrame({"time": at(1, 1, 2, 2), "zone_id": list("abab"), "n": 1}).assign(**change)
    with pytest.raises(InputError, match=message):
        recover_tracks(counts, ZONES)


def test_other_mistakes_are_named():
    counts = counts_of(truth_of(x="ab"))
    for arguments, message in [({"method": "guess"}, "method must be"), ({"tz": "Mars/Base"}, "Mars/Base"),
                               ({"night": (1, 25)}, "night must be"), ({"seed": -1}, "seed must be")]:
        with pytest.raises(InputError, match=message):
            recover_tracks(counts, ZONES, **arguments)
    with pytest.raises(InputError, match="different steps"):
        score_tracks(recover_tracks(counts, ZONES), truth_of(x="abc"))


def test_a_difference_tells_what_neither_release_tells():
    before, after = (pd.Series(x).astype("Int64") for x in ({"a": 25, "b": 40, "c": 30}, {"a": 24, "b": 40, "c": 50}))
    found = difference_releases(before, after)
    assert found["difference"].tolist() == [-1, 0, 20]
    assert found["people"].tolist() == [1, 0, 0]


def test_withholding_small_cells_hides_those_and_leaves_the_large():
    before, after = pd.Series({"a": 25, "b": 4, "c": 60}), pd.Series({"a": 24, "b": 1, "c": 60})
    assert difference_releases(before, after)["people"].sum() == 4
    found = difference_releases(withhold_small(before), withhold_small(after)).set_index("cell")
    assert found.loc["b", "difference"] is pd.NA
    assert found.loc["b", "people"] == 0


@given(st.lists(st.integers(0, 60), min_size=1, max_size=6))
def test_a_release_laid_beside_itself_tells_nothing(counts):
    assert not difference_releases(pd.Series(counts), pd.Series(counts))["exposed"].any()


def test_bad_releases():
    for wrong, message in [(pd.Series({"a": -1}), "whole numbers"), (pd.Series([1, 2], ["a", "a"]), "cell twice"),
                           ([1], "must be a Series")]:
        with pytest.raises(InputError, match=message):
            difference_releases(wrong, pd.Series({"a": 1}))
