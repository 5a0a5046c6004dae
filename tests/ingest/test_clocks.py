import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import kit
from kit.ingest import clocks

HOUR = 3_600_000_000
# Records of one day by hour: nobody at night, a rush at 8 and at 18.
DAY = [0, 0, 0, 0, 0, 1, 4, 12, 20, 9, 5, 5, 8, 5, 4, 4, 6, 12, 18, 9, 5, 3, 1, 0]


def log(ahead=0, days=10, by_hour=DAY):
    """Times of a sensor whose clock is some hours ahead, spread evenly over each hour, in microseconds."""
    times = [(day * 24 + hour + (k + 0.5) / n) * HOUR for day in range(days) for hour, n in enumerate(by_hour)
             for k in range(n)]
    return np.array(times).astype(np.int64) + ahead * HOUR


def compared(*logs):
    group = np.concatenate([np.full(len(times), i) for i, times in enumerate(logs)])
    return [(odd.group, odd.hours, odd.records, odd.span_too)
            for odd in clocks.compare_clocks(group, np.concatenate(logs))]


@pytest.mark.parametrize("ahead", [15, 8, -7, -12, 3])
def test_a_site_that_runs_whole_hours_ahead_is_noticed_and_the_others_are_not(ahead):
    assert compared(log(), log(ahead), log(), log()) == [(1, ahead, 1310, True)]


def test_of_two_sites_the_smaller_one_is_reported():
    assert compared(log(15)[::2], log()) == [(0, 15, 655, True)]


def test_a_profile_alone_cannot_tell_15_hours_ahead_from_9_behind_and_the_shorter_way_is_given():
    assert compared(log(15 + 48, days=2), log(), log()) == [(0, -9, 262, False)]


def test_sites_that_agree_or_are_merely_of_another_kind_are_not_reported():
    night_club = [30, 30, 25, 15, 5] + [0] * 16 + [5, 10, 20]
    assert compared(log(), log(), log()) == []
    assert compared(log(), log(by_hour=night_club), log()) == []
    assert compared(log(), log(by_hour=[6] * 24), log()) == []


def test_too_few_records_say_nothing():
    assert compared(log(), log(15, days=1), log()) == []
    assert compared(log()) == []
    assert clocks.compare_clocks(np.array([-1, -1]), np.array([0, 0])) == []


@settings(max_examples=30, deadline=None)
@given(st.integers(-1000, 1000))
def test_whole_days_later_the_finding_is_the_same(days):
    later = days * 24 * HOUR
    assert compared(log() + later, log(15) + later, log() + later) == [(1, 15, 1310, True)]


def test_the_finding_is_a_sentence_by_zone_where_there_are_zones():
    logs = {"a": log(), "b": log(), "c": log(15), "d": log(15), "e": log()}
    sightings = pd.DataFrame({
        "sensor_id": pd.Categorical(np.repeat(list(logs), [len(t) for t in logs.values()])),
        "time": pd.to_datetime(np.concatenate(list(logs.values())), unit="us", utc=True).as_unit("us")})
    sensors = pd.DataFrame({"sensor_id": list("abcdez"), "zone_id": ["N", "N", "S", "S", None, "N"]})
    how = "runs 15 h ahead of the rest, by its hours of the day and its first and last record"
    assert clocks.notice_clocks(sightings, sensors) == {f"the clock of zone S {how}": 2620}
    assert clocks.notice_clocks(sightings) == {f"the clock of sensor {name} {how}": 1310 for name in "cd"}


@pytest.mark.parametrize("name", ["register", "community", "fusion"])
def test_the_invented_city_whose_clocks_are_off_by_seconds_only_raises_no_alarm(name):
    exposure = kit.open_exposure(name)
    for _, sightings in exposure.sightings.groupby("source", observed=True):
        assert clocks.notice_clocks(sightings, exposure.sensors) == {}
