"""Meters and people: what the days say, what is unknown, and what is refused."""

import numpy as np
import pandas as pd
import pytest

from kit.errors import InputError
from kit.reidentify import hours_at_home, link_households, score_links

DAYS = pd.date_range("2031-03-03", periods=14)


def rhythms(n, seed=0):
    """Hours at home of n people over two weeks, one row a person."""
    return np.random.default_rng(seed).uniform(8, 24, (n, len(DAYS)))


def long(table, who, value, prefix):
    frame = pd.DataFrame(table, index=[f"{prefix}_{i}" for i in range(len(table))], columns=DAYS)
    return frame.rename_axis(who).melt(ignore_index=False, var_name="date", value_name=value).reset_index()


def meters(hours, noise=0.0, seed=1):
    kwh = 1.4 + 0.2 * hours + np.random.default_rng(seed).normal(0, noise, hours.shape)
    return long(kwh, "household_id", "kwh", "h")


def pairs(n):
    return pd.DataFrame({"left_id": [f"p_{i}" for i in range(n)], "right_id": [f"h_{i}" for i in range(n)]})


def test_a_meter_that_follows_one_person_leads_to_that_person():
    hours = rhythms(20)
    found = link_households(meters(hours), long(hours, "subject_id", "hours", "p"))
    assert score_links(found, pairs(20))["recall at 1"] == 1
    assert found.groupby("left_id").size().eq(10).all()


def test_a_meter_that_follows_nobody_is_at_chance():
    found = link_households(meters(rhythms(60, seed=5)), long(rhythms(60), "subject_id", "hours", "p"))
    assert score_links(found, pairs(60))["recall at 1"] < 0.1


def test_score_and_margin_are_what_the_correlation_says():
    hours = rhythms(3)
    found = link_households(meters(hours, noise=1.0), long(hours, "subject_id", "hours", "p"))
    kwh = meters(hours, noise=1.0).pivot(index="household_id", columns="date", values="kwh")
    expected = np.corrcoef(hours[0], kwh.loc["h_0"])[0, 1]
    mine = found[found["left_id"] == "p_0"].set_index("right_id")
    assert mine.loc["h_0", "correlation"] == pytest.approx(expected)
    assert mine.loc["h_0", "score"] == pytest.approx(np.arctanh(expected) * np.sqrt(11))
    first, second = mine["score"].iloc[:2]
    assert mine["margin"].iloc[0] == pytest.approx(first - second)
    assert mine["margin"].iloc[1] == pytest.approx(second - first)


def test_days_that_one_side_does_not_know_are_left_out_of_the_pair():
    hours = rhythms(4)
    seen = long(hours, "subject_id", "hours", "p")
    some = seen[(seen["subject_id"] != "p_0") | (seen["date"] >= DAYS[4])]
    mine = link_households(meters(hours, noise=1.0), some).query("left_id == 'p_0'").set_index("right_id")
    kwh = meters(hours, noise=1.0).pivot(index="household_id", columns="date", values="kwh")
    assert (mine["n_days"] == 10).all()
    assert mine.loc["h_1", "correlation"] == pytest.approx(np.corrcoef(hours[0, 4:], kwh.loc["h_1"].iloc[4:])[0, 1])


def test_too_few_days_or_no_rhythm_is_no_candidate():
    hours = rhythms(3)
    hours[1] = 12.0
    seen = long(hours, "subject_id", "hours", "p")
    seen = seen[(seen["subject_id"] != "p_2") | (seen["date"] < DAYS[5])]
    assert set(link_households(meters(rhythms(3)), seen)["left_id"]) == {"p_0"}


def test_a_zone_leaves_only_its_own_households_and_those_of_none():
    hours = rhythms(4)
    seen = long(hours, "subject_id", "hours", "p").assign(zone_id="east")
    zone = {"h_0": "west", "h_1": "east", "h_2": "east", "h_3": None}
    read = meters(hours, noise=1.0)
    found = link_households(read.assign(zone_id=read["household_id"].map(zone)), seen)
    assert set(found["right_id"]) == {"h_1", "h_2", "h_3"}


def test_order_of_rows_does_not_matter():
    hours = rhythms(8)
    seen, read = long(hours, "subject_id", "hours", "p"), meters(hours, noise=2.0)
    shuffled = link_households(read.sample(frac=1, random_state=3), seen.sample(frac=1, random_state=4))
    pd.testing.assert_frame_equal(shuffled, link_households(read, seen))


@pytest.mark.parametrize("keep", [0, 1])
def test_nobody_to_link_is_an_empty_answer(keep):
    hours = rhythms(2)
    seen, read = long(hours, "subject_id", "hours", "p"), meters(hours)
    found = link_households(read.iloc[:0], seen) if keep else link_households(read, seen.iloc[:0])
    assert found.empty
    assert found.columns.tolist() == ["left_id", "right_id", "score", "rank", "margin", "n_days", "correlation"]


def test_hours_at_home_are_counted_between_records_at_the_place_of_the_nights():
    times = ["03-12T01:00", "03-12T03:00", "03-12T04:00", "03-12T12:00", "03-12T18:00", "03-12T23:00", "03-13T01:00"]
    seen = pd.DataFrame({"subject_id": "d_1", "sensor_id": list("aaabaaa"),
                         "time": pd.to_datetime([f"2031-{t}Z" for t in times])})
    table = hours_at_home(seen, "UTC", longest="3h").set_index("date")["hours"]
    assert table.to_dict() == {pd.Timestamp("2031-03-12"): 2 + 1 + 3 + 2, pd.Timestamp("2031-03-13"): 0}


def test_who_has_no_night_has_no_home():
    seen = pd.DataFrame({"subject_id": ["d_1", "d_2"], "sensor_id": "a",
                         "time": pd.to_datetime(["2031-03-12T01:00Z", "2031-03-12T12:00Z"])})
    assert hours_at_home(seen, "UTC")["subject_id"].unique().tolist() == ["d_1"]
    assert hours_at_home(seen.iloc[:0], "UTC").empty


@pytest.mark.parametrize(("change", "said"), [
    (lambda r, p: (r.drop(columns="kwh"), p), "readings table lacks the column kwh"),
    (lambda r, p: (r, p.drop(columns="date")), "presence table lacks the column date"),
    (lambda r, p: (pd.concat([r, r]), p), "two rows for one household_id and day")])
def test_tables_that_cannot_be_read_are_refused(change, said):
    hours = rhythms(2)
    with pytest.raises(InputError, match=said):
        link_households(*change(meters(hours), long(hours, "subject_id", "hours", "p")))


@pytest.mark.parametrize(("options", "said"), [({"top": 0}, "top must be"), ({"min_days": 3}, "min_days must be"),
                                               ({"top": True}, "top must be")])
def test_numbers_that_make_no_sense_are_refused(options, said):
    hours = rhythms(2)
    with pytest.raises(InputError, match=said):
        link_households(meters(hours), long(hours, "subject_id", "hours", "p"), **options)
