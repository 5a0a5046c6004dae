import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit import movement, tables
from kit.errors import InputError

DAY = pd.Timestamp("2031-03-12", tz="UTC")


def at(minutes):
    return (DAY + pd.to_timedelta(pd.Series(minutes, dtype=float), unit="min")).dt.as_unit("us")


def visits(*rows):
    """Rows of (subject, place, arrived, left in minutes after midnight); visit ids count from 0."""
    subject, place, arrived, left = zip(*rows, strict=True) if rows else ((), (), (), ())
    return pd.DataFrame({"visit_id": np.arange(len(rows)), "subject_id": pd.Series(subject, dtype="str"),
                         "place_id": pd.Series(place, dtype="str"), "arrived_at": at(arrived), "left_at": at(left)})


# Ann: gate 0-5, gate again 30-40, mill 60-70; Bo: mill only.
ANN = [("ann", "gate", 0, 5), ("ann", "gate", 30, 40), ("ann", "mill", 60, 70), ("bo", "mill", 80, 90)]


def test_a_trip_leads_from_the_last_visit_here_to_the_first_elsewhere():
    trips = movement.make_trips(visits(*ANN))
    assert trips["subject_id"].tolist() == ["ann"]
    assert trips[["trip_id", "origin_id", "destination_id"]].values.tolist() == [[0, 1, 2]]
    assert trips["departed_at"].equals(at([40])) and trips["arrived_at"].equals(at([60]))


def test_result_keeps_the_contract_even_when_empty():
    trips, nothing = movement.make_trips(visits(*ANN)), movement.make_trips(visits())
    tables.check(trips, "trips")
    assert nothing.dtypes.drop("subject_id").equals(trips.dtypes.drop("subject_id"))


def stays(*rows):
    """Rows of (subject, location, begin, end)."""
    frame = visits(*[(subject, str(place), begin, end) for subject, place, begin, end in rows])
    frame = frame.rename(columns={"visit_id": "stay_id", "arrived_at": "started_at", "left_at": "finished_at"})
    return frame.drop(columns="place_id").assign(location_id=pd.array([row[1] for row in rows], dtype="Int64"))


def test_stays_without_a_location_are_places_of_their_own():
    found = stays(("a", 7, 0, 5), ("a", 7, 9, 12), ("a", None, 20, 30), ("a", None, 40, 50))
    with_locations = movement.make_trips(found)
    assert with_locations[["origin_id", "destination_id"]].values.tolist() == [[1, 2], [2, 3]]
    assert len(movement.make_trips(found.drop(columns="location_id"))) == 3


def test_a_trip_of_no_time_is_kept():
    trips = movement.make_trips(stays(("a", 1, 0, 5), ("a", 2, 5, 9)))
    assert trips["departed_at"].equals(trips["arrived_at"])


@pytest.mark.parametrize(("rows", "words"), [
    ([("a", "x", 0, 9), ("a", "y", 5, 12)], "1 visit ends after the subject's next one begins.*visit_id 0"),
    ([("a", "x", 9, 0)], "1 visit ends before it begins.*visit_id 0"),
])
def test_nobody_is_at_two_places_at_once(rows, words):
    with pytest.raises(InputError, match=words):
        movement.make_trips(visits(*rows))


def test_a_missing_place_or_column_is_refused():
    table = visits(*ANN)
    with pytest.raises(InputError, match="no place_id, first in row 1"):
        movement.make_trips(table.assign(place_id=table["place_id"].where(table.index != 1)))
    with pytest.raises(InputError, match="lacks the column place_id"):
        movement.make_trips(table.drop(columns="place_id"))


SEEN = st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from("xyz")), max_size=20)


@given(SEEN, st.randoms(use_true_random=False))
def test_order_of_rows_does_not_matter_and_each_trip_changes_place(rows, random):
    table = visits(*[(subject, place, 10 * i, 10 * i + 5) for i, (subject, place) in enumerate(rows)])
    trips = movement.make_trips(table)
    shuffled = table.iloc[random.sample(range(len(table)), len(table))]
    pd.testing.assert_frame_equal(movement.make_trips(shuffled), trips)
    place = table.set_index("visit_id")["place_id"]
    assert (place[trips["origin_id"]].to_numpy() != place[trips["destination_id"]].to_numpy()).all()
    assert (trips["departed_at"] < trips["arrived_at"]).all()
