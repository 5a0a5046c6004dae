import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kit import movement, tables
from kit.errors import InputError

TZ = "Etc/GMT-8"


def visits(*rows):
    """Rows of (subject, place, arrived, left) with local times such as "03-12 07:30"; left may be left out."""
    frame = pd.DataFrame([(r[0], r[1], r[2], r[-1]) for r in rows], columns=["subject_id", "place_id", "a", "b"])
    for column, name in (("a", "arrived_at"), ("b", "left_at")):
        frame[name] = pd.to_datetime("2031-" + frame.pop(column)).dt.tz_localize(TZ).dt.as_unit("us")
    return frame


def role(places, subject, name):
    rows = places[(places["subject_id"] == subject) & (places["role"] == name)]
    return rows["place_id"].tolist()


def row(places, subject, place):
    return places[(places["subject_id"] == subject) & (places["place_id"] == place)].iloc[0]


# Wednesday and Thursday: home gate in the evening and in the morning, the mill's gate on the way in and out.
DAY_WORKER = visits(
    ("ann", "gate", "03-12 07:30"), ("ann", "mill", "03-12 09:05"), ("ann", "mill", "03-12 16:50"),
    ("ann", "gate", "03-12 18:00"), ("ann", "gate", "03-13 07:40"), ("ann", "mill", "03-13 09:10"),
    ("ann", "gate", "03-13 19:20"),
)


def test_edges_vote_at_both_ends_of_the_longest_gap():
    # Noon to noon: opening gap before 7:30 (gate), 18:00 to 7:40 (gate, gate), 19:20 to noon (gate): 4 votes, 3 nights.
    home = row(movement.infer_places(DAY_WORKER, tz=TZ), "ann", "gate")
    assert (home["role"], home["nights"], home["share"]) == ("home", 3, 1.0)
    # All votes of everybody fall on the gate, so the prior agrees entirely.
    assert home["confidence"] == 1.0


def test_work_is_where_weekday_hours_are_spent_away_from_home():
    # Hours 9 and 16 on Wednesday, 9 on Thursday: three hours on two days.
    work = row(movement.infer_places(DAY_WORKER, tz=TZ), "ann", "mill")
    assert (work["role"], work["nights"], work["share"]) == ("work", 2, 1.0)


def test_the_last_hour_of_work_belongs_to_its_own_day():
    day = visits(("ann", "gate", "03-12 07:30"), ("ann", "mill", "03-12 09:05"), ("ann", "mill", "03-12 16:50"),
                 ("ann", "gate", "03-12 18:00"))
    assert row(movement.infer_places(day, tz=TZ), "ann", "mill")["nights"] == 1


def test_a_night_worker_sleeps_by_day():
    # Gate 21:00, mill 22:00 to 6:00, gate 7:00: the longest gap from noon to noon is noon to 21:00.
    night = visits(("bo", "gate", "03-12 21:00"), ("bo", "mill", "03-12 22:00"), ("bo", "mill", "03-13 06:00"),
                   ("bo", "gate", "03-13 07:00"), ("bo", "gate", "03-13 21:05"), ("bo", "mill", "03-13 22:00"))
    places = movement.infer_places(night, tz=TZ, method="edges")
    assert role(places, "bo", "home") == []  # gate 1 vote; second night: 22:00 to noon beats noon to 21:05, mill 1 vote
    assert row(places, "bo", "gate")["share"] == 0.5
    both_mornings = pd.concat([night, visits(("bo", "gate", "03-14 07:00"))])
    assert role(movement.infer_places(both_mornings, tz=TZ), "bo", "home") == ["gate"]


def test_confidence_is_the_posterior_mean_by_hand():
    # x votes a, a; y votes b and c (first sighting b, last sighting c): everybody's votes are a 1/2, b 1/4, c 1/4.
    places = movement.infer_places(visits(("x", "a", "03-12 08:00"), ("x", "a", "03-12 18:00"),
                                          ("y", "b", "03-12 08:00"), ("y", "c", "03-12 18:00")), tz=TZ)
    assert row(places, "x", "a")["confidence"] == pytest.approx((2 + 0.5) / (2 + 1))
    assert row(places, "y", "b")["confidence"] == pytest.approx((1 + 0.25) / (2 + 1))
    assert role(places, "x", "home") == ["a"]
    assert role(places, "y", "home") == []
    kept = movement.infer_places(visits(("y", "b", "03-12 08:00"), ("y", "c", "03-12 18:00")), tz=TZ,
                                 keep_uncertain=True)
    assert role(kept, "y", "home") == ["b"]


def test_a_short_silence_is_no_night():
    # Seen every two hours: no gap reaches three hours, so nothing votes.
    hourly = visits(*[("x", "a", f"03-12 {h:02}:00") for h in range(12, 24, 2)],
                    *[("x", "a", f"03-13 {h:02}:00") for h in range(0, 12, 2)])
    assert role(movement.infer_places(hourly, tz=TZ), "x", "home") == []
    assert role(movement.infer_places(hourly, tz=TZ, min_gap="2h"), "x", "home") == ["a"]


def test_nights_counts_distinct_nights_and_puts_small_hours_with_the_evening_before():
    stays = visits(("x", "a", "03-12 23:00", "03-13 02:00"), ("x", "a", "03-13 05:00"),  # one night
                   ("x", "b", "03-13 19:00"), ("x", "b", "03-15 05:59"),  # two nights
                   ("x", "c", "03-12 18:59"), ("x", "c", "03-13 06:00"))  # none
    places = movement.infer_places(stays, tz=TZ, method="nights")
    assert places.set_index("place_id")["nights"].to_dict() == {"a": 1, "b": 2, "c": 0}
    assert role(movement.infer_places(stays, tz=TZ, method="nights", keep_uncertain=True), "x", "home") == ["b"]


def test_a_stay_of_three_nights_is_present_in_each():
    stay = visits(("x", "a", "03-12 20:00", "03-15 08:00"))
    assert row(movement.infer_places(stay, tz=TZ, method="nights"), "x", "a")["nights"] == 3


def test_count_takes_both_ends_of_the_night_and_else_all_visits():
    records = visits(("x", "a", "03-12 22:00"), ("x", "a", "03-13 07:00"), ("x", "b", "03-12 21:59"),
                     ("x", "b", "03-12 12:00"), ("x", "b", "03-12 13:00"),
                     ("y", "b", "03-12 12:00"), ("y", "b", "03-12 13:00"), ("y", "a", "03-12 14:00"))
    places = movement.infer_places(records, tz=TZ, method="count", keep_uncertain=True)
    assert role(places, "x", "home") == ["a"]
    assert role(places, "y", "home") == ["b"]


def test_duration_ranks_hours():
    stays = visits(("x", "a", "03-12 00:00", "03-12 08:00"), ("x", "b", "03-12 09:00", "03-12 16:00"),
                   ("x", "c", "03-12 17:00", "03-12 18:00"))
    places = movement.infer_places(stays, tz=TZ, method="duration", keep_uncertain=True)
    assert places.sort_values("place_id")["role"].tolist() == ["home", "work", "other"]
    assert row(places, "x", "a")["share"] == pytest.approx(8 / 16)
    assert row(places, "x", "b")["share"] == pytest.approx(7 / 8)


def test_osna_weighs_rest_over_leisure_and_skips_weekends():
    # a: 2 h of rest (0.739 x 2 = 1.478); b: 4 h of leisure (0.358 x 4 = 1.432); c: a long Saturday; d: work.
    stays = visits(("x", "a", "03-12 03:00", "03-12 05:00"), ("x", "b", "03-12 19:00", "03-12 23:00"),
                   ("x", "c", "03-15 01:00", "03-15 23:00"), ("x", "d", "03-12 10:00", "03-12 12:00"))
    places = movement.infer_places(stays, tz=TZ, method="osna", keep_uncertain=True)
    assert role(places, "x", "home") == ["a"]
    assert role(places, "x", "work") == ["d"]
    assert row(places, "x", "c")["share"] == 0


def test_weekends_and_other_clocks_are_no_working_hours():
    saturday = visits(("x", "a", "03-15 10:00"), ("x", "b", "03-14 10:00"))
    assert role(movement.infer_places(saturday, tz=TZ, keep_uncertain=True, method="nights"), "x", "work") == ["b"]
    # Friday 10:00 in UTC+8 is 02:00 in UTC: whose clock it is decides.
    assert role(movement.infer_places(saturday, tz="UTC", keep_uncertain=True, method="nights"), "x", "work") == []


VISITS = st.lists(st.tuples(st.sampled_from("xyz"), st.sampled_from("abc"), st.integers(0, 72), st.integers(0, 9)),
                  min_size=1, max_size=25)


def hourly(rows):
    start = pd.Timestamp("2031-03-12", tz=TZ).as_unit("us")
    frame = pd.DataFrame(rows, columns=["subject_id", "place_id", "hour", "hours"])
    arrived = start + pd.to_timedelta(frame["hour"], unit="h")
    return pd.DataFrame({"subject_id": frame["subject_id"], "place_id": frame["place_id"], "arrived_at": arrived,
                         "left_at": arrived + pd.to_timedelta(frame["hours"], unit="h")})


@settings(max_examples=40)
@given(VISITS, st.sampled_from(["edges", "nights", "count", "duration", "osna"]), st.randoms(use_true_random=False))
def test_order_of_rows_does_not_matter_and_shares_add_up(rows, method, random):
    frame = hourly(rows)
    places = movement.infer_places(frame, TZ, method)
    shuffled = frame.iloc[random.sample(range(len(frame)), len(frame))]
    pd.testing.assert_frame_equal(movement.infer_places(shuffled, TZ, method), places)
    totals = places[places["role"] != "work"].groupby("subject_id", observed=True)["share"].sum()
    assert (totals <= 1 + 1e-9).all()
    assert len(places) == frame[["subject_id", "place_id"]].drop_duplicates().shape[0]
    tables.validate(places, "places", "the result")
    assert (places[places["role"] != "other"].groupby(["subject_id", "role"], observed=True).size() == 1).all()


@settings(max_examples=40)
@given(VISITS, st.integers(-60, 60), st.sampled_from(["edges", "nights", "count"]))
def test_shifting_by_weeks_changes_nothing(rows, weeks, method):
    frame = hourly(rows)
    later = frame.assign(arrived_at=frame["arrived_at"] + pd.Timedelta(weeks, "W"),
                         left_at=frame["left_at"] + pd.Timedelta(weeks, "W"))
    pd.testing.assert_frame_equal(movement.infer_places(later, TZ, method), movement.infer_places(frame, TZ, method))


def test_empty_keeps_the_contract():
    nothing = movement.infer_places(DAY_WORKER.head(0), tz=TZ)
    assert nothing.columns.tolist() == tables.empty("places").columns.tolist()


@pytest.mark.parametrize(("call", "message"), [
    (lambda: movement.infer_places(DAY_WORKER, tz="Mars/Olympus"), "tz must be"),
    (lambda: movement.infer_places(DAY_WORKER, tz=None), "tz must be"),
    (lambda: movement.infer_places(DAY_WORKER, tz=TZ, method="guess"), "method must be"),
    (lambda: movement.infer_places(DAY_WORKER, tz=TZ, min_confidence=2), "min_confidence"),
    (lambda: movement.infer_places(DAY_WORKER, tz=TZ, min_gap="long"), "min_gap"),
    (lambda: movement.infer_places(DAY_WORKER.drop(columns="place_id").assign(stay_id=1), tz=TZ), "group them"),
    (lambda: movement.infer_places(DAY_WORKER.assign(left_at=DAY_WORKER["left_at"].dt.tz_localize(None)), tz=TZ),
     "without a zone"),
    (lambda: movement.infer_places(DAY_WORKER.assign(place_id=None), tz=TZ), "7 visits have no place_id"),
    (lambda: movement.infer_places(
        DAY_WORKER.assign(left_at=DAY_WORKER["left_at"] - pd.Timedelta("1h")), tz=TZ), "7 visits end before"),
    (lambda: movement.infer_places(
        DAY_WORKER.head(1).assign(left_at=DAY_WORKER["left_at"].head(1) - pd.Timedelta("1h")), tz=TZ),
     "^1 visit ends before it begins"),
    (lambda: movement.infer_places(DAY_WORKER.head(1).assign(place_id=None), tz=TZ), "^1 visit has no place_id"),
    (lambda: movement.infer_places(DAY_WORKER.assign(place_id=[["a"]] * len(DAY_WORKER)), tz=TZ), "such as lists"),
    *((lambda tz=tz: movement.infer_places(DAY_WORKER, tz=tz), f"tz must be .* it is {tz}") for tz in (5, 8)),
    *((lambda least=least: movement.infer_places(DAY_WORKER, tz=TZ, min_confidence=least), "min_confidence must lie")
      for least in ("a", None)),
    *((lambda votes=votes: movement.infer_places(DAY_WORKER, tz=TZ, prior_votes=votes), "prior_votes must be")
      for votes in ("a", -1, float("nan"), float("inf"))),
    (lambda: movement.score_places(None, None), "places to score must be a pandas DataFrame, but it is a NoneType"),
    (lambda: movement.score_places(DAY_WORKER, DAY_WORKER), "lack the column role"),
])
def test_mistakes_are_named(call, message):
    with pytest.raises(InputError, match=message):
        call()


def test_scores_by_schedule():
    named = pd.DataFrame({"subject_id": ["d1", "d2", "d3", "n1", "n1"], "place_id": ["a", "a", "a", "b", "a"],
                          "role": ["home", "home", "other", "home", "other"]})
    truth = pd.DataFrame({"subject_id": ["d1", "d1", "d2", "d3", "n1", "gone"], "role": "home",
                          "place_id": ["x", "a", "b", "a", "b", "a"],
                          "schedule": ["day", "day", "day", "day", "night", "day"]})
    scores = movement.score_places(named, truth).set_index(["group", "measure"])
    # Named: d1 (a is one of its two right places), d2 (wrong), n1 (right). d3 abstained. "gone" was never seen.
    assert scores.loc[("all", "right among named"), ["estimate", "n", "eligible", "population"]].tolist() == [
        2 / 3, 3, 4, 5]
    assert scores.loc[("all", "abstained"), "estimate"] == 1 / 4
    assert scores.loc[("night", "right among named"), "estimate"] == 1
    assert scores.loc[("day", "abstained"), "n"] == 3
    # In the truth four work by day, "gone" among them, and one by night.
    assert scores.loc[("day", "abstained"), "population"] == 4
    assert scores.loc[("night", "abstained"), "population"] == 1
    assert np.isclose(scores.loc[("all", "abstained"), "high"], 0.6993, atol=1e-3)  # Wilson, 1 of 4


def test_a_guest_of_a_few_nights_has_no_home_here_and_a_resident_has():
    days = [f"03-{d:02}" for d in range(10, 20)]
    resident = [("ann", "a", f"{d} {hour}") for d in days for hour in ("07:30", "18:00")]
    guest = [("bo", "b", f"{d} {hour}") for d in days[:2] for hour in ("07:30", "18:00")]
    records = visits(*resident, *guest)
    # Nights from the 9th to the 19th are 11: ann voted in all of them, bo in three, each time at one and the same door.
    places = movement.infer_places(records, tz=TZ)
    assert role(places, "ann", "home") == ["a"]
    assert role(places, "bo", "home") == []
    assert row(places, "bo", "b")["nights"] == 3
    assert role(movement.infer_places(records, tz=TZ, min_presence=3 / 11), "bo", "home") == ["b"]
    assert role(movement.infer_places(records, tz=TZ, keep_uncertain=True), "bo", "home") == ["b"]
    with pytest.raises(InputError, match="min_presence"):
        movement.infer_places(records, tz=TZ, min_presence=1.5)


def test_stays_at_locations_are_visits_of_places_and_stays_without_are_refused_or_left_out():
    seen = visits(("x", "a", "03-12 20:00", "03-13 07:00"), ("x", "b", "03-13 09:00", "03-13 17:00"))
    stays = seen.rename(columns={"place_id": "location_id", "arrived_at": "started_at", "left_at": "finished_at"})
    stays["stay_id"] = range(2)
    options = {"tz": TZ, "method": "nights"}
    pd.testing.assert_frame_equal(movement.infer_places(stays, **options), movement.infer_places(seen, **options))
    nowhere = stays.assign(location_id=[None, "b"])
    assert movement.infer_places(nowhere, **options)["place_id"].tolist() == ["b"]
    with pytest.raises(InputError, match=r"Stays have positions, not places; group them by find_locations first\."):
        movement.infer_places(stays.drop(columns="location_id"), **options)
