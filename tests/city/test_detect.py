"""Records have the fixed difficulty: rates, false matches, unmatched faces, duplicates, clocks and outages."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from kit.city import detect
from kit.city.passes import PASS
from kit.city.people import PERSON
from kit.errors import KitError

DAY, DAY_MS = 22_350, 86_400_000
MIDNIGHT = DAY * DAY_MS - detect.UTC_OFFSET_MS
PEOPLE, SENSORS, PASSES = 2_000, 40, 200_000


@pytest.fixture(scope="module")
def crowd():
    people = np.zeros(PEOPLE, PERSON)
    people["person_no"] = np.arange(PEOPLE)
    people["system_label"] = np.random.default_rng(1).random(PEOPLE) < 0.3
    return people


@pytest.fixture(scope="module")
def sensors():
    return pd.DataFrame({"sensor_id": [f"T{i:04d}" for i in range(SENSORS)]})


@pytest.fixture(scope="module")
def passes():
    rng = np.random.default_rng(2)
    made = np.zeros(PASSES, PASS)
    made["who"], made["sensor"] = rng.integers(0, PEOPLE, PASSES), rng.integers(0, SENSORS, PASSES)
    made["time_ms"] = MIDNIGHT + np.sort(rng.choice(DAY_MS, PASSES, replace=False))
    return made


@pytest.fixture(scope="module")
def faults(sensors):
    return detect.make_faults(sensors, 3)


@pytest.fixture(scope="module")
def records(passes, crowd, faults):
    return detect.detect(passes, crowd, crowd["person_no"], faults, 3)


@pytest.fixture(scope="module")
def firsts(records):
    return records[records["copy"] == 0]


def awake(passes, sensors):
    """Passes outside outages."""
    dead = detect.outages(sensors, 3, DAY, 1)
    out = np.ones(len(passes), bool)
    for row in dead.itertuples():
        sensor = sensors.index[sensors["sensor_id"] == row.sensor_id][0]
        begin, end = (t.value // 1_000_000 for t in (row.started_at, row.finished_at))
        out &= ~((passes["sensor"] == sensor) & (passes["time_ms"] >= begin) & (passes["time_ms"] < end))
    return out


def test_each_sensor_records_its_share(passes, firsts, sensors, faults):
    true = np.bincount(passes["sensor"][awake(passes, sensors)], minlength=SENSORS)
    seen = np.bincount(firsts["sensor"], minlength=SENSORS)
    rate = faults["detection_rate"].to_numpy()
    assert ((rate >= 0.6) & (rate <= 0.95)).all()
    assert np.ptp(rate) > 0.1
    deviation = (seen - true * rate) / np.sqrt(true * rate * (1 - rate))
    assert np.abs(deviation).max() < 4.5


def test_two_in_a_hundred_are_given_to_somebody_else(firsts):
    wrong = firsts["why"] == detect.FALSE_MATCH
    assert abs(wrong.mean() - 0.02) < 4 * np.sqrt(0.02 * 0.98 / len(firsts)) + 0.0005
    assert (firsts["recorded"][wrong] != firsts["true_no"][wrong]).all()
    assert (firsts["recorded"][firsts["why"] == detect.TRUE_MATCH] == firsts["true_no"][firsts["why"] == 0]).all()


def test_three_in_a_hundred_are_given_to_nobody(firsts):
    nobody = firsts["why"] == detect.UNMATCHED
    assert abs(nobody.mean() - 0.03) < 0.002
    assert np.array_equal(nobody, firsts["recorded"] == -1)


def test_amber_is_mistaken_more_often_and_missed_more_often(crowd, passes, firsts):
    label = crowd["system_label"][firsts["who"]]
    wrong = [(firsts["why"][label == x] == detect.FALSE_MATCH).mean() for x in (0, 1)]
    assert wrong[1] > 2.5 * wrong[0]
    seen = [np.sum(label == x) / np.sum(crowd["system_label"][passes["who"]] == x) for x in (0, 1)]
    assert seen[0] > 1.02 * seen[1]


def test_false_matches_score_lower_but_not_so_that_scores_tell_them_apart(firsts):
    right, wrong = (firsts["score"][(firsts["why"] == why) & (firsts["score"] >= 0)].astype(int) for why in (0, 1))
    assert wrong.mean() < right.mean() - 5
    above = stats.mannwhitneyu(right, wrong).statistic / (right.size * wrong.size)
    assert 0.7 < above < 0.95


def test_one_in_two_hundred_has_no_score(records):
    assert abs((records["score"] == -1).mean() - 0.005) < 0.001
    assert records["score"].max() <= 99


def test_duplicates_are_one_to_three_in_a_hundred_and_follow_within_two_seconds(records):
    again = pd.DataFrame(records[records["copy"] > 0])
    assert 0.01 < len(again) / len(records) < 0.03
    first = pd.DataFrame(records[records["copy"] == 0])
    both = again.merge(first, on=["who", "sensor", "true_time_ms"], suffixes=("", "_first"), validate="many_to_one")
    assert len(both) == len(again)
    assert (both["recorded"] == both["recorded_first"]).all()
    late = both["time_ms"] - both["time_ms_first"]
    assert late.between(0, 2_000).all()


def test_one_clock_in_twenty_is_off_by_twenty_to_three_hundred_seconds(records, faults):
    off = faults["clock_offset_s"] != 0
    assert off.sum() == SENSORS * 5 // 100
    late_s = (records["time_ms"] - records["true_time_ms"]) / 1_000
    good = records["copy"] == 0
    good &= ~off.to_numpy()[records["sensor"]]
    assert (late_s[good] == 0).all()
    bad = (records["copy"] == 0) & off.to_numpy()[records["sensor"]]
    assert ((np.abs(late_s[bad]) >= 19.9) & (np.abs(late_s[bad]) <= 300.1)).all()


def test_drifting_clocks_stay_within_bounds_for_a_hundred_days():
    many = detect.make_faults(pd.DataFrame({"sensor_id": [f"T{i:04d}" for i in range(4_000)]}), 1)
    drifting = many[many["drift_s_per_day"] != 0]
    assert len(many[many["clock_offset_s"] != 0]) == 200
    assert len(drifting) > 40
    for days_on in (0, 50, 100):
        offset = (drifting["clock_offset_s"] + days_on * drifting["drift_s_per_day"]).abs()
        assert offset.between(19.9, 300.1).all()


def test_a_dead_sensor_records_nothing(crowd, faults, sensors):
    dead = detect.outages(sensors, 3, DAY, 60)
    assert len(dead) > 3
    for row in dead.itertuples():
        sensor = sensors.index[sensors["sensor_id"] == row.sensor_id][0]
        begin, end = (t.value // 1_000_000 for t in (row.started_at, row.finished_at))
        assert 2 <= (end - begin) / 3_600_000 <= 9
        made = np.zeros(200, PASS)
        made["sensor"], made["who"] = sensor, np.arange(200)
        for first, seen in ((begin, False), (end, True)):
            made["time_ms"] = first + np.arange(200)
            assert (len(detect.detect(made, crowd, crowd["person_no"], faults, 3)) > 0) == seen


def test_a_pass_is_recorded_the_same_way_in_any_company(passes, crowd, faults, records):
    some = passes[passes["who"] < 100]
    alone = detect.detect(some, crowd[:100], crowd["person_no"], faults, 3)
    assert np.array_equal(alone, records[records["who"] < 100])


def test_another_seed_makes_other_mistakes(passes, crowd, faults, records):
    other = detect.detect(passes, crowd, crowd["person_no"], faults, 4)
    assert not np.array_equal(other["true_time_ms"][:1_000], records["true_time_ms"][:1_000])


def test_who_reads_device_numbers_confuses_nobody(passes, crowd, faults):
    heard = detect.detect(passes, crowd, crowd["person_no"], faults, 3, matches=np.zeros(SENSORS, bool))
    assert np.array_equal(heard["recorded"], heard["true_no"])


def test_rates_are_shifted_until_the_city_records_its_number(sensors):
    passed = np.arange(1, SENSORS + 1) * 100.0
    people = passed.sum() / 3.3
    rate = detect.make_faults(sensors, 3, passed, people)["detection_rate"].to_numpy()
    recorded = passed @ rate / people * (1 + detect.DUPLICATE_CHANCE * 1.15)
    assert recorded == pytest.approx(2.60, abs=0.01)
    assert ((rate >= 0.6) & (rate <= 0.95)).all()


@pytest.mark.parametrize("a_day", [2.0, 6.0])
def test_a_city_that_cannot_be_calibrated_says_so(sensors, a_day):
    with pytest.raises(KitError, match="sensors a day"):
        detect.make_faults(sensors, 3, np.full(SENSORS, 100.0), SENSORS * 100 / a_day)
