import datetime as dt

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kit.ingest import times

EPOCH = dt.datetime(1970, 1, 1)
# 2031-03-12 07:41:09.120 UTC: 22,350 days after 1970 (61 years * 365 + 15 leap days + 31 + 28 + 11), then 27,669.12 s.
MOMENT = 22_350 * 86_400_000_000 + 27_669_120_000


def read(*texts):
    micros, forms = times.read_times(pa.array(texts, pa.string()))
    return list(zip(micros.tolist(), forms.tolist(), strict=True))


def test_the_worked_moment_is_right_by_the_standard_library():
    assert EPOCH + dt.timedelta(microseconds=MOMENT) == dt.datetime(2031, 3, 12, 7, 41, 9, 120_000)


@pytest.mark.parametrize("text", [
    '{"$date":"2031-03-12T07:41:09.120Z"}',
    '{"$date":{"$numberLong":"1931067669120"}}',
    '{"$date":1931067669120}',
    "1931067669120",
    "1931067669120000",
    "1931067669.12",
    '"1931067669.120"',
    "2031-03-12T07:41:09.120Z",
    "2031-03-12T15:41:09.120+08:00",
    "2031-03-12 15:41:09.12 +0800",
    "2031/03/12 02:41:09,120-05",
    " 2031-03-12T07:41:09.120000999Z\r\n",
])
def test_every_way_of_writing_one_instant_reads_as_that_instant(text):
    assert read(text) == [(MOMENT, times.INSTANT)]


def test_a_clock_time_without_a_zone_stays_a_clock_time():
    assert read("2031-03-12 07:41:09.120", "2031/03/12 07:41:09.12", "2031-03-12T07:41") == [
        (MOMENT, times.WALL), (MOMENT, times.WALL), (MOMENT - 9_120_000, times.WALL)]


def test_a_bare_date_is_a_date_and_a_gap_is_a_gap():
    assert read("2031-03-12", "1970/01/02", None, "", '""') == [
        (22_350 * 86_400_000_000, times.DATE), (86_400_000_000, times.DATE),
        (0, times.MISSING), (0, times.MISSING), (0, times.MISSING)]


def test_milliseconds_in_a_mongo_date_may_be_small_or_before_1970():
    assert read('{"$date":1}', '{"$date":{"$numberLong":"-1"}}') == [(1_000, times.INSTANT), (-1_000, times.INSTANT)]


@pytest.mark.parametrize("text", [
    "yesterday", "417", "-1931067669", "1.9e12", "20310312154109", "203103121541", "2031-3-12", "12/03/2031",
    "2031-02-29", "2031-04-31", "2031-13-01", "2031-00-10", "2031-01-00", "0000-01-01", "2031-03/12",
    "2031-03-12T24:00:00Z", "2031-03-12T07:60:00Z", "2031-03-12T07:41:60Z", "2031-03-12T07:41:09.Z",
    "2031-03-12T07:41:09+8", "2031-03-12T07:41:09+16:00", "2031-03-12T07:41:09 UTC", "2031-03-12T07",
    "2031-03-12x07:41",
    "{", '{"$date":', '{"$date":}', '{"$date":{}}', '{"$date":{"$numberLong":"x"}}', '{"$date":"soon"}', '{"when":1}',
    "9" * 30, '{"$date":999999999999999}',
])
def test_what_is_no_time_is_unreadable_never_guessed(text):
    assert read(text) == [(0, times.UNREADABLE)]


def test_leap_days_follow_the_rule_of_the_centuries():
    forms = [form for _, form in read("2032-02-29", "2000-02-29", "1900-02-29", "2100-02-29")]
    assert forms == [times.DATE, times.DATE, times.UNREADABLE, times.UNREADABLE]


def test_a_slice_of_a_column_reads_as_its_own_rows():
    micros, forms = times.read_times(pa.array(["x", "1970-01-02", None, "1970-01-03"]).slice(1))
    assert micros.tolist() == [86_400_000_000, 0, 172_800_000_000]
    assert forms.tolist() == [times.DATE, times.MISSING, times.DATE]


@settings(max_examples=300, deadline=None)
@given(st.datetimes(dt.datetime(1, 1, 1), dt.datetime(9999, 12, 31, 23, 59, 59, 999_999)),
       st.sampled_from([dt.UTC, dt.timezone(dt.timedelta(hours=8)), dt.timezone(-dt.timedelta(minutes=210))]))
def test_reads_what_the_standard_library_writes(moment, zone):
    clock = (moment - EPOCH) // dt.timedelta(microseconds=1)
    offset = zone.utcoffset(None) // dt.timedelta(microseconds=1)
    assert read(moment.isoformat()) == [(clock, times.WALL)]
    assert read(moment.replace(tzinfo=zone).isoformat()) == [(clock - offset, times.INSTANT)]


@settings(max_examples=500, deadline=None)
@given(st.text(alphabet='0123456789-/:.,TZ +{}$"dateumbrLong', max_size=40) | st.text(max_size=20))
def test_any_text_gives_a_form_and_unusable_ones_no_time(text):
    [(micros, form)] = read(text)
    assert form in (times.MISSING, times.INSTANT, times.WALL, times.DATE, times.UNREADABLE)
    assert micros == 0 or form in (times.INSTANT, times.WALL, times.DATE)


def test_clock_times_are_placed_by_the_zone_and_instants_are_left_alone():
    noon = 12 * 3_600_000_000
    instants, usable = times.to_utc(np.array([noon, noon, 0]), np.array([times.WALL, times.INSTANT, times.UNREADABLE]),
                                    "Etc/GMT-8")
    assert instants.tolist() == [4 * 3_600_000_000, noon, 0]
    assert usable.tolist() == [True, True, False]


def test_clock_times_that_a_zone_skips_or_has_twice_are_not_usable():
    micros, forms = times.read_times(pa.array(["2031-03-30 02:30:00", "2031-10-26 02:30:00", "2031-10-26 03:30:00"]))
    assert times.to_utc(micros, forms, "Europe/Berlin")[1].tolist() == [False, False, True]


def test_days_are_local_days():
    late = ["1970-01-01T20:00:00Z", "1970-01-01 20:00", "1970-01-02", None, "x"]
    days = times.to_days(*times.read_times(pa.array(late)), "Etc/GMT-8")
    assert days.tolist() == [1, 0, 1, times.NO_DAY, times.NO_DAY]


def test_the_rim_of_the_calendar_is_no_day():
    rim = ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00", '{"$date":-99999999999999}']
    micros, forms = times.read_times(pa.array(rim))
    assert not times.on_calendar(micros).any()
    assert times.to_days(micros, forms, "Asia/Shanghai").tolist() == [times.NO_DAY] * 3
