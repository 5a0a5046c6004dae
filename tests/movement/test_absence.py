import pandas as pd
import pytest

from kit import movement
from kit.errors import InputError

TZ = "Etc/GMT-8"


def visits(*rows):
    """Rows of (subject, place, arrived, left) with local times such as "03-12 07:30"; left may be left out."""
    frame = pd.DataFrame([(r[0], r[1], r[2], r[-1]) for r in rows], columns=["subject_id", "place_id", "a", "b"])
    for column, name in (("a", "arrived_at"), ("b", "left_at")):
        frame[name] = pd.to_datetime("2031-" + frame.pop(column)).dt.tz_localize(TZ).dt.as_unit("us")
    return frame


# Wednesday: out by the gate at 8:00, back at 11:00, in the lift at 11:10 and again at 14:00; a week later out at 8:00,
# back at 9:40.
TWO_WEDNESDAYS = visits(
    ("ann", "gate", "03-12 08:00"), ("ann", "gate", "03-12 11:00"), ("ann", "lift", "03-12 11:10"),
    ("ann", "lift", "03-12 14:00"), ("ann", "gate", "03-19 08:00"), ("ann", "gate", "03-19 09:40"))


def of(result, weekday, hour):
    return result[(result["weekday"] == weekday) & (result["hour"] == hour)].iloc[0]


def test_hours_between_leaving_and_coming_back():
    away = movement.absence(TWO_WEDNESDAYS, TZ, through=["gate"])
    # 8:30 and 9:30 lie within the way out on both Wednesdays, 10:30 on the first alone; the second is not seen then.
    assert of(away, 2, 8)[["estimate", "n"]].tolist() == [1.0, 2]
    assert of(away, 2, 9)[["estimate", "n"]].tolist() == [1.0, 2]
    assert of(away, 2, 10)[["estimate", "n"]].tolist() == [1.0, 1]


def test_who_went_in_is_not_away_however_long_unseen():
    away = movement.absence(TWO_WEDNESDAYS, TZ, through=["gate"])
    assert of(away, 2, 12)["estimate"] == 0  # from lift to lift
    assert of(away, 4, 3)["estimate"] == 0  # from lift to gate, for days
    unseen = movement.absence(TWO_WEDNESDAYS, TZ)
    assert of(unseen, 4, 3)["estimate"] == 1
    assert of(unseen, 2, 12)["estimate"] == 1


def test_short_silences_do_not_count():
    away = movement.absence(TWO_WEDNESDAYS, TZ, through=["gate"], min_gap="2h")
    assert of(away, 2, 9)[["estimate", "n"]].tolist() == [0.5, 2]


def test_an_hour_with_a_visit_is_observed_and_not_silent():
    seen = movement.absence(visits(("x", "a", "03-12 08:00", "03-12 10:00"), ("x", "a", "03-12 13:00")), TZ)
    assert of(seen, 2, 9)[["estimate", "n"]].tolist() == [0.0, 1]
    assert of(seen, 2, 11)["estimate"] == 1


def test_people_are_counted_and_order_and_overlap_do_not_matter():
    both = pd.concat([TWO_WEDNESDAYS, visits(("bo", "gate", "03-12 08:00", "03-12 09:00"),
                                             ("bo", "lift", "03-12 08:10", "03-12 08:20"),
                                             ("bo", "gate", "03-12 10:00"))])
    away = movement.absence(both, TZ, through=["gate"])
    assert of(away, 2, 8)[["eligible", "population"]].tolist() == [2, 2]
    assert of(away, 2, 12)[["eligible", "population"]].tolist() == [1, 2]
    bo = away[away["subject_id"] == "bo"].set_index("hour")["estimate"]
    assert bo.to_dict() == {8: 0.0, 9: 1.0}
    pd.testing.assert_frame_equal(away, movement.absence(both[::-1], TZ, through=["gate"]))


def test_nobody_and_nonsense():
    assert movement.absence(TWO_WEDNESDAYS.iloc[:0], TZ).columns.tolist()[:4] == ["subject_id", "weekday", "hour",
                                                                                 "estimate"]
    with pytest.raises(InputError, match="tz must be"):
        movement.absence(TWO_WEDNESDAYS, "Nemo")
    with pytest.raises(InputError, match="1 visit ends"):
        movement.absence(visits(("x", "a", "03-12 08:00", "03-12 07:00")), TZ)
