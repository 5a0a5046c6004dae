"""False matches: the formulas by hand, and the city's own false matches counted."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import kit
from kit.errors import InputError
from kit.reidentify.false_matches import (
    certainty_by_rarity,
    false_matches,
    precision_by_rarity,
    track_decay,
    tracks_without_false,
)


def test_a_gallery_of_two_by_hand():
    row = false_matches(2, 0.5, 1.0, 0.5, 8, days=0).iloc[0]
    assert row["any_false_match"] == pytest.approx(0.75)
    assert row["false_per_day"] == pytest.approx(3)
    assert row["false_per_person_day"] == pytest.approx(1.5)
    assert row["precision"] == pytest.approx(0.5 / 0.875)
    assert row["any_in_days"] == 0


def test_the_register_at_full_size_by_other_arithmetic():
    """N f = 0.0428, so F is its series N f - (N f)^2 / 2 + (N f)^3 / 6 to within a millionth."""
    nf = 2_565_724 * 1.67e-8
    found = false_matches(2_565_724, 1.67e-8, 0.9, [0.01, 0.05, 0.2], 6_680_348)
    assert found["any_false_match"].to_numpy() == pytest.approx(nf - nf**2 / 2 + nf**3 / 6, abs=1e-6)
    assert found["false_per_day"].to_numpy() == pytest.approx([2_800, 14_000, 56_000], rel=0.02)


@given(st.integers(1, 10**7), st.floats(0, 1), st.floats(0, 1), st.floats(0, 1))
def test_chances_stay_chances(n, f, d, u):
    row = false_matches(n, f, d, u, 100).iloc[0]
    assert 0 <= row["any_false_match"] <= 1
    assert 0 <= row["any_in_days"] <= 1
    assert np.isnan(row["precision"]) or 0 <= row["precision"] <= 1


def test_where_nobody_is_ever_matched_there_is_no_precision():
    assert np.isnan(false_matches(10, 0, 0, 0.5, 10)["precision"].iloc[0])
    assert np.isnan(certainty_by_rarity(0, 0, 1)["precision"].iloc[0])


def test_a_track_decays():
    found = track_decay(0.5, [1, 2, 3])
    assert found["all_right"].tolist() == [0.5, 0.25, 0.125]
    assert found["expected_false"].tolist() == [0.5, 1, 1.5]


@given(st.floats(1e-6, 1), st.floats(0.01, 1))
def test_the_rarer_the_place_the_less_certain(phi, d):
    assert certainty_by_rarity([10, 1, 0.1, 0.001, 0], phi, d)["precision"].is_monotonic_decreasing


@pytest.mark.parametrize(("change", "message"), [
    ({"gallery": 0}, "gallery must be"), ({"false_match_rate": 2}, "false_match_rate must"),
    ({"unenrolled": np.nan}, "unenrolled must be a number"), ({"detection_rate": "x"}, "detection_rate must be"),
    ({"passages_per_day": -1}, "passages_per_day must"),
])
def test_mistakes_are_named(change, message):
    usual = {"gallery": 10, "false_match_rate": 0.1, "detection_rate": 0.9, "unenrolled": 0.1, "passages_per_day": 10}
    with pytest.raises(InputError, match=message):
        false_matches(**usual | change)


def test_records_nobody_is_in_give_no_share():
    empty = pd.DataFrame({"sighting_id": [], "subject_id": [], "sensor_id": []})
    assert precision_by_rarity(empty, [])["estimate"].isna().all()
    assert tracks_without_false(empty, [])["n"].sum() == 0
    with pytest.raises(InputError, match="edges must rise"):
        precision_by_rarity(empty, [], edges=(2, 1))
    with pytest.raises(InputError, match="lacks the column sensor_id"):
        precision_by_rarity(empty[["sighting_id", "subject_id"]], [])


def test_in_the_city_the_rare_place_is_the_least_certain():
    exposure = kit.open_exposure("community")
    odd, seen = exposure.truth()["sightings"], exposure.sightings
    false = odd.loc[odd["why"] == "false_match", "sighting_id"]
    found = precision_by_rarity(seen[seen["source"] == "face"], false)
    assert found["high"].iloc[0] < found["low"].iloc[-1]
    once = seen[(seen["source"] == "face") & seen["subject_id"].notna()].groupby(
        ["subject_id", "sensor_id"], observed=True)["sighting_id"].agg(["size", "first"]).query("size == 1")["first"]
    assert found["estimate"].iloc[0] == pytest.approx(1 - once.isin(false).mean())
