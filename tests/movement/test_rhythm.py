import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kit import movement
from kit.errors import InputError
from kit.movement.rhythm import _lempel_ziv, most_predictable

MONDAY = pd.Timestamp("2031-03-10", tz="UTC")


def visits(sequence, subject="p", start=MONDAY, step="1h"):
    times = start + pd.to_timedelta(pd.Series(np.arange(len(sequence)))) * (pd.Timedelta(step) // pd.Timedelta("1ns"))
    return pd.DataFrame({"subject_id": pd.Series([subject] * len(sequence), dtype="str"),
                         "place_id": pd.Series(list(sequence), dtype="str"),
                         "arrived_at": times.dt.as_unit("us")})


def naive_lengths(text):
    """The definition, word for word: grow a stretch until it does not occur in what came before."""
    lengths = []
    for i in range(len(text)):
        n = 1
        while i + n <= len(text) and text[i:i + n] in text[:i]:
            n += 1
        lengths.append(n)
    return lengths


def lengths(text):
    out = np.empty(len(text))
    _lempel_ziv(np.array([ord(c) for c in text], np.int32), out)
    return out.tolist()


def test_match_lengths_by_hand():
    # a b a b: "a" and "b" are new; then "ab" is known and the record ends: two and one more; then "b" and one more.
    assert lengths("abab") == [1, 1, 3, 2]
    assert lengths("aaaa") == [1, 2, 3, 2]
    assert lengths("abcd") == [1, 1, 1, 1]


@settings(max_examples=300)
@given(st.text("abc", max_size=60) | st.text("ab", max_size=60))
def test_match_lengths_are_those_of_the_definition(text):
    assert lengths(text) == naive_lengths(text)


def test_a_long_repetitive_record_is_no_trouble():
    n = 400_000
    out = np.empty(n)
    _lempel_ziv(np.zeros(n, np.int32), out)
    assert out[n // 2] == n // 2 + 1  # the first half occurs again as the second, then the record ends
    assert out[1] == 2


def test_entropies_by_hand():
    row = movement.rhythm(visits("aabaaaba"), "UTC").iloc[0]
    assert row["entropy_random_bits"] == 1
    assert row["entropy_uncorrelated_bits"] == pytest.approx(-0.75 * np.log2(0.75) - 0.25 * np.log2(0.25))
    assert row["entropy_real_bits"] == pytest.approx(8 * 3 / sum(naive_lengths("aabaaaba")))
    assert (row["n_visits"], row["n_places"]) == (8, 2)


def test_regularity_is_the_share_at_the_commonest_place_of_the_hour():
    week = pd.Timedelta("7D")
    # Mondays at 0:00: a, a, b. Tuesdays at 0:00: b.
    seen = pd.concat([visits("a"), visits("a", start=MONDAY + week), visits("b", start=MONDAY + 2 * week),
                      visits("b", start=MONDAY + pd.Timedelta("1D"))])
    assert movement.rhythm(seen, "UTC")["regularity"].tolist() == [0.75]


def test_fano_is_solved():
    share, n = np.array([0.5, 0.7, 0.95]), np.array([2, 10, 300])
    entropy = -share * np.log2(share) - (1 - share) * np.log2(1 - share) + (1 - share) * np.log2(n - 1)
    assert most_predictable(entropy, n) == pytest.approx(share)


def test_an_entropy_beyond_the_number_of_places_leaves_a_blind_guess():
    assert most_predictable(np.array([9.0]), np.array([4])).tolist() == [0.25]


def test_one_place_only_is_wholly_predictable_and_one_visit_says_nothing():
    still = movement.rhythm(visits("aaaa"), "UTC").iloc[0]
    assert (still["entropy_uncorrelated_bits"], still["predictability"]) == (0, 1)
    once = movement.rhythm(visits("a"), "UTC").iloc[0]
    assert np.isnan(once["entropy_real_bits"])
    assert np.isnan(once["predictability"])


def test_no_visits_give_the_same_columns():
    for function in (movement.rhythm, movement.week_profile):
        some, none = function(visits("ab"), "UTC"), function(visits(""), "UTC")
        assert len(none) == 0
        assert none.columns.tolist() == some.columns.tolist()


def test_the_week_profile_goes_by_the_local_clock():
    profile = movement.week_profile(visits("ab", step="24h"), "Etc/GMT-8")
    assert profile["hour_of_week"].tolist() == [8, 32]
    assert profile["estimate"].tolist() == [0.5, 0.5]
    assert (profile["low"] < 0.5).all()


many = st.lists(st.tuples(st.sampled_from("xyz"), st.sampled_from("abcd"), st.integers(0, 600)), min_size=1,
                max_size=40)


def table(rows):
    subject, place, hour = zip(*rows, strict=True)
    return pd.DataFrame({"subject_id": subject, "place_id": place,
                         "arrived_at": (MONDAY + pd.to_timedelta(pd.Series(hour), unit="h")).dt.as_unit("us")})


@given(many, st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_matter(rows, random):
    other = rows.copy()
    random.shuffle(other)
    pd.testing.assert_frame_equal(movement.rhythm(table(rows), "UTC"), movement.rhythm(table(other), "UTC"))


@given(many)
def test_ids_do_not_matter(rows):
    plain = movement.rhythm(table(rows), "UTC")
    numbers = table(rows).assign(subject_id=lambda t: t["subject_id"].map({"x": 1, "y": 2, "z": 2**63 + 5}),
                                 place_id=lambda t: t["place_id"].astype("category"))
    other = movement.rhythm(numbers.astype({"subject_id": "uint64"}), "UTC")
    pd.testing.assert_frame_equal(plain.drop(columns="subject_id"), other.drop(columns="subject_id"))


@given(many, st.integers(-30, 30))
def test_whole_weeks_make_no_difference_and_whole_days_turn_the_profile(rows, days):
    seen = table(rows)
    later = seen.assign(arrived_at=seen["arrived_at"] + pd.Timedelta(days=days))
    pd.testing.assert_frame_equal(movement.rhythm(seen, "UTC"), movement.rhythm(later, "UTC"))
    hours = movement.week_profile(seen, "UTC").assign(
        hour_of_week=lambda t: (t["hour_of_week"] + 24 * days) % 168).sort_values(["subject_id", "hour_of_week"])
    pd.testing.assert_frame_equal(hours.reset_index(drop=True), movement.week_profile(later, "UTC"))


def test_what_is_wrong_is_said():
    with pytest.raises(InputError, match="without a zone"):
        movement.rhythm(visits("ab").assign(arrived_at=pd.Timestamp("2031-03-10")), "UTC")
    with pytest.raises(InputError, match="no place_id"):
        movement.rhythm(visits("ab").assign(place_id=[None, "a"]), "UTC")
    with pytest.raises(InputError, match="time zone"):
        movement.week_profile(visits("ab"), "Mars")
