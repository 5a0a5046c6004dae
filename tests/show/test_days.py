"""A person's day as hours, stops with positions, and the share of weeks in each hour."""

import pandas as pd
import pytest

from kit.errors import InputError
from kit.show import days

TZ = "Etc/GMT-8"


def on(visits, day="2031-03-12"):
    return days.day_visits(visits, tz=TZ, day=day, what="test")


def test_hours_are_those_of_the_local_clock(visits):
    shown = on(visits)
    assert shown["visit_id"].tolist() == [1, 2, 3, 4, 5]
    assert shown["arrived_h"].tolist() == [8, 9, 13, 15, 20]
    assert shown["left_h"].tolist() == [8, 12, 13, 15, 20]


def test_a_bar_may_reach_from_the_sighting_before_to_the_one_after(visits):
    shown = on(visits).set_index("visit_id")
    # Visit 1 follows one at the same place on the evening before: half way, 03:00. Nothing follows visit 5: midnight.
    assert shown["before_h"].to_dict() == {1: 3, 2: 8, 3: 12.5, 4: 13, 5: 15}
    assert shown["after_h"].to_dict() == {1: 9, 2: 12.5, 3: 15, 4: 20, 5: 24}


def test_two_people_and_an_empty_day_are_refused(visits):
    with pytest.raises(InputError, match="shows one person, and the visits are of 2"):
        on(visits.assign(subject_id=["p"] * 5 + ["q"]))
    with pytest.raises(InputError, match="found no visit on 2031-04-01; the visits run from 2031-03-11"):
        on(visits, "2031-04-01")


def test_stops_are_numbered_and_placed(visits, sensors):
    stops = days.place_stops(visits, sensors, tz=TZ, day="2031-03-12", what="test")
    assert stops["order"].tolist() == [1, 2, 3, 4, 5]
    assert stops[["lon", "lat"]].iloc[0].tolist() == [-123.40, -48.90]


def test_a_zone_lies_at_the_middle_of_its_sensors(visits, sensors):
    stops = days.place_stops(visits.assign(place_id="west"), sensors, tz=TZ, day="2031-03-12", what="test")
    assert stops[["lon", "lat"]].iloc[0].round(6).tolist() == [-123.395, -48.89]


def test_an_unknown_place_is_named(visits, sensors):
    with pytest.raises(InputError, match="no sensor and no zone called s4"):
        days.place_stops(visits, sensors.iloc[:3], tz=TZ, day="2031-03-12", what="test")


def test_numbers_of_one_place_are_joined_into_runs():
    stops = pd.DataFrame({"order": [1, 2, 3, 4, 5, 6], "lon": [0, 1, 1, 1, 0, 1], "lat": 0})
    assert days.numbered_spots(stops)["label"].tolist() == ["1, 5", "2–4, 6"]


def test_stops_that_the_eye_cannot_part_are_moved_together():
    stops = pd.DataFrame({"lon": [0.0, 0.001, 1.0], "lat": [0.0, 0.0, 0.0]})
    assert days.near_together(stops, 0.01)["lon"].tolist() == [0.0, 0.0, 1.0]


def week(rows):
    times = [pd.to_datetime([r[n] for r in rows]).tz_localize(TZ).tz_convert("UTC").as_unit("us") for n in (2, 3)]
    return pd.DataFrame({"subject_id": [r[0] for r in rows], "place_id": [r[1] for r in rows], "arrived_at": times[0],
                         "left_at": times[1]})


# 2031-03-03 is a Monday. Two Mondays and two Tuesdays lie between the first and the last visit.
ROWS = [("p", "home", "2031-03-03 22:30", "2031-03-04 00:10"), ("p", "home", "2031-03-10 22:05", "2031-03-10 22:45"),
        ("p", "home", "2031-03-10 22:50", "2031-03-10 22:55"), ("q", "gate", "2031-03-11 08:00", "2031-03-11 08:00")]


def test_the_week_of_one_person_is_a_share_of_weeks():
    table = days.week_table(week(ROWS), TZ, "p")
    cells = {(row.weekday, row.hour): row.share for row in table.itertuples()}
    # Monday 22 h on both Mondays, once each though seen twice on the second; 23 h and Tuesday 0 h once.
    assert cells == {(0, 22): 1.0, (0, 23): 0.5, (1, 0): 0.5}
    assert set(table["place"]) == {"home"}


def test_the_week_of_all_is_the_mean_over_people():
    table = days.week_table(week(ROWS), TZ).set_index(["place", "weekday", "hour"])["share"]
    assert table["home", 0, 22] == 0.5       # everyone: p always, q never
    assert table["gate", 1, 8] == 0.25       # q on one of two Tuesdays


def test_the_clock_matters():
    table = days.week_table(week(ROWS), "UTC", "q")
    assert table[["weekday", "hour"]].values.tolist() == [[1, 0]]


def test_an_unknown_person_has_no_week():
    with pytest.raises(InputError, match="no person nobody"):
        days.week_table(week(ROWS), TZ, "nobody")


def test_naive_times_are_refused(visits):
    with pytest.raises(InputError):
        on(visits.assign(arrived_at=visits["arrived_at"].dt.tz_localize(None)))


@pytest.mark.parametrize("day", ["2031-13-45", "x", None, 5, pd.Timestamp("2031-03-12", tz="UTC"), ["2031-03-12"]])
def test_what_is_no_day_is_named(visits, day):
    with pytest.raises(InputError, match=r"^test needs a local day such as '2031-03-12', but it is "):
        on(visits, day)


@pytest.mark.parametrize("tz", [None, 5, "", "Mars/X"])
def test_what_is_no_clock_is_named(tz):
    for call in (lambda: days.week_table(week(ROWS), tz), lambda: days.midnight("2031-03-12", tz)):
        with pytest.raises(InputError, match="tz must be a time zone"):
            call()


def test_a_day_whose_midnight_is_leapt_over_begins_an_hour_later():
    # In São Paulo the clocks went from 23:59:59 on 3 November 2018 (UTC-3) to 01:00 on the 4th (UTC-2).
    assert days.midnight("2018-11-04", "America/Sao_Paulo") == pd.Timestamp("2018-11-04T03:00Z")
