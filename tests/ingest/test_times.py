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
    "yesterday", "417", "-1931067669", "1.9e12", "20310312154", "20310312156109", "22310312154109", "12/03/31",
    "23/13/2031", "2031-3-32",
    "2031-02-29", "2031-04-31", "2031-13-01", "2031-00-10", "2031-01-00", "0000-01-01", "2031-03/12",
    "2031-03-12T24:00:01Z", "2031-03-12T25:00:00Z", "2031-03-12T07:60:00Z", "2031-03-12T07:41:60Z",
    "2031-03-12T07:41:09.Z",
    "2031-03-12T07:41:09+8", "2031-03-12T07:41:09+16:00", "2031-03-12T07:41:09 CST", "2031-03-12T07",
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


# ---- forms beside ISO


@pytest.mark.parametrize("text", [
    "1931067669120000000", "Wed, 12 Mar 2031 07:41:09.12 +0000",
    "Wed, 12 Mar 2031 15:41:09.120 +0800 (China Standard Time)",
    "12-Mar-2031 07:41:09.120 UTC", "Wed Mar 12 2031 15:41:09.12 GMT+0800", "March 12, 2031 7:41:09.12 AM GMT",
    "2031-03-12 07:41:09.120 UTC", "20310312T074109.120Z", "20310312T154109.12+08:00", "2031/3/12 7:41:9.12 Z",
    "Wed Mar 12 15:41:09.12 +0800 2031", "Mar 12 07:41:09.12 UTC 2031",
])
def test_rarer_ways_of_writing_one_instant_read_as_that_instant(text):
    assert read(text) == [(MOMENT, times.INSTANT)]


@pytest.mark.parametrize("text", ["Wed Foo 12 07:41:09 +0000 2031", "Wed Mar 32 07:41:09 +0000 2031", "Mar 12 1:2 203",
                                  "Wed Mar 12 07:41:09 +0000 20x1", "Wed Mar 12 07:61:09 2031", "Mar 12 07:41:09+2031"])
def test_a_year_behind_what_is_no_moment_does_not_make_it_one(text):
    assert read(text)[0][1] == times.UNREADABLE


def test_asctime_is_a_clock_without_a_zone():
    assert read("Wed Mar 12 07:41:09.12 2031", "Sat Mar  1 00:00:00 2031") == [
        (MOMENT, times.WALL), (22_339 * 86_400_000_000, times.WALL)]


def test_figures_without_marks_are_clock_times_where_no_epoch_has_their_size():
    second, minute, day = MOMENT - 120_000, MOMENT - 9_120_000, 22_350 * 86_400_000_000
    assert read("20310312074109120", "20310312074109", "203103120741", "20310312", "20310312T0741") == [
        (MOMENT, times.WALL), (second, times.WALL), (minute, times.WALL), (day, times.DATE), (minute, times.WALL)]


@given(st.datetimes(dt.datetime(1900, 1, 1), dt.datetime(2199, 12, 31, 23, 59, 59)))
def test_compact_forms_say_what_they_were_written_from_and_are_no_epoch(moment):
    clock = (moment.replace(microsecond=0) - EPOCH) // dt.timedelta(microseconds=1)
    assert read(moment.strftime("%Y%m%d%H%M%S")) == [(clock, times.WALL)]
    assert read(moment.strftime("%Y%m%d%H%M")) == [(clock - moment.second * 1_000_000, times.WALL)]


@settings(deadline=None)
@given(st.datetimes(dt.datetime(1970, 1, 2), dt.datetime(9999, 12, 31)), st.integers(-1_000, 1_000))
def test_whole_days_later_is_whole_days_later_in_every_form(moment, days):
    try:
        later = moment + dt.timedelta(days=days)
    except OverflowError:
        return
    for form in ("%Y-%m-%d %H:%M:%S", "%d %b %Y %H:%M:%S", "%a, %d %b %Y %H:%M:%S", "%B %d, %Y %I:%M:%S %p"):
        [(first, _), (second, kind)] = read(moment.strftime(form), later.strftime(form))
        assert (second - first, kind) == (days * 86_400_000_000, times.WALL)


def test_day_and_month_are_told_apart_by_the_recipe_only():
    texts = pa.array(["12/03/2031", "25.03.2031 7:41", "12-3-2031 07:41:09 PM", "03/25/2031"])
    assert times.read_times(texts)[1].tolist() == [times.DAY_OR_MONTH] * 4
    micros, forms = times.read_times(texts, "DD/MM/YYYY")
    day = 86_400_000_000
    assert forms.tolist() == [times.DATE, times.WALL, times.WALL, times.UNREADABLE]
    assert micros.tolist() == [22_350 * day, 22_363 * day + 27_660_000_000, 22_350 * day + 70_869_000_000, 0]
    micros, forms = times.read_times(texts, "MM/DD/YYYY")
    # 3 December 2031 is day 22,350 + 19 + 30 + 31 + 30 + 31 + 31 + 30 + 31 + 30 + 3 = 22,616.
    assert forms.tolist() == [times.DATE, times.UNREADABLE, times.WALL, times.DATE]
    assert micros.tolist() == [22_616 * day, 0, 22_616 * day + 70_869_000_000, 22_363 * day]


@pytest.mark.parametrize(("texts", "form"), [
    (["04/03/2031", "25/03/2031"], "DD/MM/YYYY"), (["04/03/2031", "03/25/2031 07:41"], "MM/DD/YYYY"),
    (["04/03/2031", "05/03/2031"], None), (["25/03/2031", "03/25/2031"], None), (["2031-03-25"], None), ([], None),
])
def test_a_form_is_suggested_when_the_column_has_but_one_reading(texts, form):
    assert times.suggest_form(pa.array(texts, pa.string())) == form


def test_a_named_form_reads_digits_in_that_form_only_and_written_out_times_still():
    texts = pa.array(["203103120741", "1931067669120", "20310312", "2031-03-12T07:41:00Z"])
    assert times.read_times(texts, "YYYYMMDDHHMM")[1].tolist() == [
        times.WALL, times.UNREADABLE, times.UNREADABLE, times.INSTANT]


def test_a_unit_reads_numbers_of_any_size_and_before_1970():
    texts = pa.array(["0", "1.5", "-1.5", "20310312", "-1.5x", "9" * 19, "9" * 20])
    for unit, one in (("s", 1_000_000), ("ms", 1_000)):
        micros, forms = times.read_times(texts, unit=unit)
        assert micros.tolist()[:4] == [0, one * 3 // 2, -one * 3 // 2, 20_310_312 * one]
        assert forms.tolist() == [times.INSTANT] * 4 + [times.UNREADABLE] * 3
    assert times.read_times(pa.array(["1999", "-1"]), unit="ns")[0].tolist() == [1, -1]


def test_excel_days_as_excel_shows_them():
    """Excel shows 1 as 1900-01-01, 59 as 1900-02-28, 61 as 1900-03-01, 36526 as 2000-01-01; 60 never was."""
    texts = pa.array(["1", "59", "61", "36526", "36526.5", "36526.320244444", "60", "0", "-1", "2958466", "1e4"])
    micros, forms = times.read_times(texts, unit="excel")
    shown = micros[:6].astype("datetime64[us]").astype(str).tolist()
    # 0.320244444 days are 27,669.1199616 s, to the nearest millisecond 27,669.120: 07:41:09.120.
    assert shown == ["1900-01-01T00:00:00.000000", "1900-02-28T00:00:00.000000", "1900-03-01T00:00:00.000000",
                     "2000-01-01T00:00:00.000000", "2000-01-01T12:00:00.000000", "2000-01-01T07:41:09.120000"]
    assert forms.tolist() == [times.WALL] * 6 + [times.UNREADABLE] * 5
    old_mac, _ = times.read_times(pa.array(["0", "35064"]), unit="excel1904")
    assert old_mac.astype("datetime64[us]").astype("datetime64[D]").astype(str).tolist() == ["1904-01-01", "2000-01-01"]


def test_excel_days_are_never_guessed():
    assert read("44927.32")[0][1] == times.UNREADABLE


@given(st.datetimes(dt.datetime(1900, 3, 1), dt.datetime(2199, 1, 1)))
def test_excel_days_come_back_to_the_millisecond(moment):
    moment = moment.replace(microsecond=moment.microsecond // 1000 * 1000)
    days = (moment - dt.datetime(1899, 12, 30)) / dt.timedelta(days=1)
    micros, _ = times.read_times(pa.array([f"{days:.11f}"]), unit="excel")
    assert micros[0] == (moment - EPOCH) // dt.timedelta(microseconds=1)


def test_a_leap_second_is_the_second_after_it_and_24_hours_the_next_day_and_both_are_marked():
    texts = pa.array(["2016-12-31T23:59:60Z", "2017-01-01T00:00:00Z", "2017-01-01T07:59:60.5+08:00",
                      "2031-03-12 24:00:00", "2031-03-13"])
    micros, forms, marks = times.read_marked_times(texts)
    assert micros[0] == micros[1] == micros[2]
    assert micros[3] == micros[4]
    assert marks.tolist() == [times.LEAP_SECOND, 0, times.LEAP_SECOND, times.MIDNIGHT_24, 0]
    assert forms.tolist() == [times.INSTANT] * 3 + [times.WALL, times.DATE]


def test_the_first_and_last_years_are_read_and_year_0_is_not():
    assert [kind for _, kind in read("0000-01-01", "0001-01-01", "9999-12-31T23:59:59", "10000-01-01")] == [
        times.UNREADABLE, times.DATE, times.WALL, times.UNREADABLE]
