import warnings
from itertools import product

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import false_discovery_control, nbinom

from kit import movement, tables
from kit.errors import InputError
from kit.movement import copresence, routine

MONDAY = pd.Timestamp("2031-03-10", tz="UTC")


def sightings(*rows):
    """Rows of (subject, sensor, day, minute of the day)."""
    subject, sensor, day, minute = zip(*rows, strict=True) if rows else ((), (), (), ())
    times = MONDAY + pd.to_timedelta(pd.Series(day, dtype=float), unit="D")
    times = (times + pd.to_timedelta(pd.Series(minute, dtype=float), unit="min")).dt.as_unit("us")
    return pd.DataFrame({"subject_id": pd.Series(subject, dtype="str"), "sensor_id": pd.Series(sensor, dtype="str"),
                         "time": times})


def counts(found):
    """Rows of (one, other, windows, days)."""
    return list(zip(found["subject_a"], found["subject_b"], found["n"], found["n_days"], strict=True))


# Monday 8:01 and 8:04 share a bin, 8:04 and 8:06 do not; on Tuesday two sensors are two bins of one day.
FEW = [("ann", "gate", 0, 481), ("bo", "gate", 0, 484), ("cy", "gate", 0, 486),
       ("ann", "gate", 1, 500), ("bo", "gate", 1, 501), ("ann", "mill", 1, 510), ("bo", "mill", 1, 512)]


def test_windows_are_bins_at_one_sensor():
    assert counts(movement.find_copresence(sightings(*FEW))) == [("ann", "bo", 3, 2)]


def test_a_wider_window_is_another_question():
    found = movement.find_copresence(sightings(*FEW), window="10min")
    assert counts(found) == [("ann", "bo", 3, 2), ("ann", "cy", 1, 1), ("bo", "cy", 1, 1)]


def test_many_records_in_one_bin_count_once_and_nobody_is_near_themselves():
    seen = sightings(("a", "x", 0, 1), ("a", "x", 0, 2), ("b", "x", 0, 3), ("b", "x", 0, 4), ("b", "x", 1, 4))
    assert counts(movement.find_copresence(seen)) == [("a", "b", 1, 1)]


def test_records_of_nobody_known_are_left_out():
    seen = sightings(("a", "x", 0, 1), (None, "x", 0, 2), ("b", "x", 0, 3), ("a", "x", 1, 3))
    assert counts(movement.find_copresence(seen)) == [("a", "b", 1, 1)]
    assert movement.count_pairs(seen) == 1


# Three in the first bin (3 pairs), two in the second (1 pair).
CROWD = [("a", "x", 0, 1), ("b", "x", 0, 2), ("c", "x", 0, 3), ("a", "x", 1, 6), ("b", "x", 1, 7)]


def test_pairs_are_counted_without_being_listed():
    assert movement.count_pairs(sightings(*CROWD)) == 4
    assert movement.count_pairs(sightings()) == 0


def test_a_crowd_is_left_out_and_accounted_for():
    seen = sightings(*CROWD)
    assert counts(movement.find_copresence(seen, crowd=2)) == [("a", "b", 1, 1)]
    account = movement.account_for_crowds(seen, crowd=2)
    assert account["all"].tolist() == [2, 5, 4]
    assert account["kept"].tolist() == [1, 2, 1]
    assert account["left_out"].tolist() == [1, 3, 3]


def test_where_a_day_ends_is_the_local_clocks():
    seen = sightings(("a", "x", 0, 23 * 60), ("b", "x", 0, 23 * 60), ("a", "x", 1, 60), ("b", "x", 1, 60))
    assert movement.find_copresence(seen)["n_days"].tolist() == [2]
    with pytest.warns(UserWarning, match="one local day"):
        assert movement.find_copresence(seen, tz="Etc/GMT-8")["n_days"].tolist() == [1]


def test_a_single_day_has_no_routine_to_compare_with():
    with pytest.warns(UserWarning, match="no routine to compare with"):
        found = movement.find_copresence(sightings(*FEW[:3]))
    assert found["p_value"].tolist() == found["q_value"].tolist() == [1.0]
    assert found["expected"].isna().all()


@pytest.mark.parametrize("null", ["profile", "shift"])
def test_nothing_in_gives_the_columns_back(null):
    found = movement.find_copresence(sightings(), null=null)
    assert len(tables.validate(found, "copresence", "an empty answer")) == 0


def test_profile_expects_what_other_days_of_the_week_show():
    # Five Mondays and nothing else, both at 8:01 each Monday. Left out one, four of four others have both in that bin;
    # what is usual for all who come (one window an hour and day, weight 1) does not change it: one window an hour each.
    # All records of other days agree on the bin, of 5 x 5 pairs of days 20: (20 + 1) against (25 - 5) / 12 + 1.
    seen = sightings(*[(who, "x", 7 * week, 481) for who in "ab" for week in range(5)])
    found = movement.find_copresence(seen)
    assert found["expected"][0] == pytest.approx(5 * (1 / 12) * (21 / (20 / 12 + 1)))


def test_shift_expects_the_mean_over_all_shifts():
    # Both on days 0 and 1 of a week, in one bin: shifts by 1 and 6 share a day, by 2 to 5 none.
    seen = sightings(("a", "x", 0, 481), ("a", "x", 1, 481), ("b", "x", 0, 481), ("b", "x", 1, 481),
                     ("c", "y", 6, 481))
    with pytest.warns(UserWarning, match="at least 1/7"):
        found = movement.find_copresence(seen, null="shift")
    assert found["expected_days"].tolist() == [pytest.approx(2 / 6)]
    assert found["p_empirical"].tolist() == [pytest.approx(1 / 7)]


def walkers(together, seed=0, weeks=8):
    """Twelve people past one gate at a random minute of the day; on half of the days two of them side by side."""
    chance, rows = np.random.default_rng(seed), []
    for day in range(7 * weeks):
        minute = chance.integers(7 * 60, 21 * 60, 12)
        if together and day % 2:
            minute[1] = minute[0]
        rows += [(f"p{i:02}", "gate", day, m) for i, m in enumerate(minute)]
    return sightings(*rows)


@pytest.mark.parametrize("null", ["profile", "shift"])
def test_companions_are_found_and_nobody_else(null):
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "With 55 shifts")
        found = movement.find_copresence(walkers(together=True), null=null)
        alone = movement.find_copresence(walkers(together=False), null=null)
    assert found.loc[found["more_than_chance"], ["subject_a", "subject_b"]].values.tolist() == [["p00", "p01"]]
    assert not alone["more_than_chance"].any()


def test_leaving_at_ten_to_eight_sharp_is_routine():
    # Two who pass within the same five minutes each working day share 40 bins; their other days say that they would.
    rows = [(who, "gate", 7 * week + day, 470 + (day + shift) % 3) for week in range(8) for day in range(5)
            for shift, who in enumerate("ab")]
    found = movement.find_copresence(sightings(*rows))
    assert found["n"].tolist() == [40]
    assert not found["more_than_chance"].any()


@given(st.lists(st.floats(0, 1), max_size=8), st.integers(0, 9))
def test_the_poisson_binomial_tail_is_that_of_all_outcomes(chances, k):
    brute = sum(np.prod([q if on else 1 - q for q, on in zip(chances, way, strict=True)])
                for way in product((False, True), repeat=len(chances)) if sum(way) >= k)
    assert routine.poisson_binomial_tail(np.array(chances, float), k) == pytest.approx(brute, abs=1e-12)


def test_small_tails_keep_their_digits():
    assert routine.poisson_binomial_tail(np.full(10, 1e-3), 10) == pytest.approx(1e-30, rel=1e-9)


@given(st.floats(1e-3, 50), st.floats(0.1, 100), st.integers(1, 80))
def test_the_negative_binomial_tail_is_scipys(mean, shape, k):
    oracle = nbinom.sf(k - 1, shape, shape / (shape + mean))
    assert routine.negative_binomial_tail(mean, shape, k) == pytest.approx(oracle, rel=1e-6, abs=1e-12)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=30), st.integers(0, 20))
def test_q_values_are_scipys_with_the_unlisted_pairs_at_one(p, more):
    oracle = false_discovery_control(np.append(p, np.ones(more)))[:len(p)]
    assert copresence.benjamini_hochberg(np.array(p), len(p) + more) == pytest.approx(oracle)


def test_q_values_by_hand():
    # Four tests: 0.01 x 4 / 1, then min(0.03 x 4 / 2, 0.04 x 4 / 3) is the latter.
    assert copresence.benjamini_hochberg(np.array([0.04, 0.01, 0.03]), 4) == pytest.approx([0.16 / 3, 0.04, 0.16 / 3])


def test_pairs_that_never_share_a_window_are_tests_too():
    seen = sightings(*[(who, "x", day, 60 * i) for i, who in enumerate("abcd") for day in range(3)],
                     ("once", "x", 0, 0), ("a", "y", 0, 700), ("b", "y", 0, 701))
    found = movement.find_copresence(seen).set_index(["subject_a", "subject_b"])
    assert found.loc[("a", "once"), ["p_value", "q_value"]].tolist() == [1, 1]
    assert found.loc[("a", "b"), "q_value"] == pytest.approx(min(6 * found.loc[("a", "b"), "p_value"], 1))


people = st.lists(st.tuples(st.sampled_from("abcd"), st.sampled_from("xy"), st.integers(0, 20), st.integers(480, 495)),
                  min_size=4, max_size=60)


@settings(deadline=None, max_examples=40)
@given(people, st.randoms(use_true_random=False), st.sampled_from(["profile", "shift"]), st.integers(-3, 3))
@pytest.mark.filterwarnings("ignore:With", "ignore:All these")
def test_neither_order_nor_names_nor_whole_weeks_change_anything(rows, chance, null, weeks):
    found = movement.find_copresence(sightings(*rows), null=null)
    chance.shuffle(rows)
    other = movement.find_copresence(sightings(*[(f"q{who}", at, d + 7 * weeks, m) for who, at, d, m in rows]),
                                     null=null)
    other = other.assign(**{c: other[c].astype(str).str[1:] for c in ("subject_a", "subject_b")})
    found = found.assign(**{c: found[c].astype(str) for c in ("subject_a", "subject_b")})
    pd.testing.assert_frame_equal(found, other, rtol=1e-6)


@settings(deadline=None, max_examples=40)
@given(people)
def test_counts_are_those_of_a_self_join(rows):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = movement.find_copresence(sightings(*rows))
    once = sightings(*rows).assign(bin=lambda f: f["time"].dt.floor("5min"))
    once = once[["subject_id", "sensor_id", "bin"]].drop_duplicates()
    both = once.merge(once, on=["sensor_id", "bin"])
    both = both[both["subject_id_x"] < both["subject_id_y"]]
    assert movement.count_pairs(sightings(*rows)) == len(both) == found["n"].sum()
    n = both.groupby(["subject_id_x", "subject_id_y"]).size()
    assert dict(zip(zip(found["subject_a"], found["subject_b"], strict=True), found["n"], strict=True)) == n.to_dict()


@pytest.mark.parametrize(("change", "words"), [
    ({"window": "7min"}, "must divide an hour"), ({"window": 300}, "must be a length of time"),
    ({"null": "chance"}, "null must be 'profile' or 'shift'"), ({"fdr": 0}, "fdr must be a share"),
    ({"crowd": 1}, "crowd must be a whole number"), ({"tz": "Mars"}, "tz must be a time zone"),
])
def test_mistakes_are_named(change, words):
    with pytest.raises(InputError, match=words):
        movement.find_copresence(sightings(*FEW), **change)


def test_naive_times_and_missing_sensors_are_named():
    with pytest.raises(InputError, match="without a zone"):
        movement.find_copresence(sightings(*FEW).assign(time=pd.Timestamp("2031-03-10")))
    with pytest.raises(InputError, match="7 sightings have no sensor_id"):
        movement.find_copresence(sightings(*FEW).assign(sensor_id=None))


def test_too_many_pairs_are_refused_with_the_way_out(monkeypatch):
    monkeypatch.setattr(copresence.pairs, "MOST_PAIRS", 2)
    with pytest.raises(InputError, match="cap the crowd"):
        movement.find_copresence(sightings(*CROWD))


def test_relations_are_reported_apart():
    truth = pd.DataFrame({"subject_id": list("abcde"), "household_no": [1, 1, 2, 3, 4],
                          "home_entrance": ["A-01"] * 3 + ["B-01", "B-02"], "friend_group": [-1, -1, 7, 7, -1]})
    found = pd.DataFrame({"subject_a": list("aacaa"), "subject_b": list("bcdez"), "n": 1, "expected": 0.5,
                          "more_than_chance": [True, False, True, False, False]})
    assert movement.relate_pairs(found, truth).tolist() == ["household", "neighbour", "circle", "stranger", "unknown"]
    scored = movement.score_copresence(found, truth)
    assert scored.set_index("relation")["n_found"].to_dict() == {"circle": 1, "household": 1, "neighbour": 0,
                                                                 "stranger": 0, "unknown": 0}


def stays(*rows):
    """(subject, location, begin, end) on one morning."""
    table = pd.DataFrame(rows, columns=["subject_id", "location_id", "started_at", "finished_at"])
    for column in ("started_at", "finished_at"):
        table[column] = pd.to_datetime("2031-03-12 " + table[column]).dt.tz_localize("UTC")
    return table.assign(stay_id=range(len(table)))


@pytest.mark.filterwarnings("ignore:All these records lie on one local day")
def test_stays_at_one_location_share_the_windows_they_both_reach_into():
    both = stays(("a", 0, "08:01", "08:20"), ("b", 0, "08:14", "09:00"), ("c", 1, "08:00", "09:00"),
                 ("d", None, "08:00", "09:00"))
    # a reaches into the windows of 08:00, 08:05, 08:10 and 08:15, b into those from 08:10: two in common
    assert counts(movement.find_copresence(both, "5min")) == [("a", "b", 2, 1)]
    assert movement.count_pairs(both, "5min") == 2


@pytest.mark.filterwarnings("ignore:All these records lie on one local day")
def test_a_stay_that_ends_on_an_edge_does_not_reach_beyond_it_and_an_instant_is_a_window():
    edge = stays(("a", 0, "08:00", "08:05"), ("b", 0, "08:05", "08:10"), ("c", 0, "08:05", "08:05"))
    assert counts(movement.find_copresence(edge, "5min")) == [("b", "c", 1, 1)]


def test_stays_without_a_location_or_that_end_before_they_begin_are_refused(monkeypatch):
    both = stays(("a", 0, "08:01", "08:20"), ("b", 0, "08:14", "09:00"))
    with pytest.raises(InputError, match=r"group them by find_locations\(stays, shared=True\) first"):
        movement.find_copresence(both.drop(columns="location_id"))
    with pytest.raises(InputError, match="1 stay has no beginning or end, or ends before it begins, first in row 1"):
        movement.find_copresence(both.assign(finished_at=[both["finished_at"][0], both["started_at"][0]]))
    monkeypatch.setattr(copresence, "_MOST_WINDOWS", 10)
    with pytest.raises(InputError, match="reach into 14 windows, and 10 can be held"):
        movement.find_copresence(both)
