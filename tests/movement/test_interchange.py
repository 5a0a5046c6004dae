import numpy as np
import pandas as pd
import pytest

from kit import movement
from kit.errors import InputError
from kit.movement import interchange

TIMES = pd.to_datetime(["2031-03-12T08:00Z", "2031-03-12T08:10Z", "2031-03-12T08:05Z"]).as_unit("us")
FIXES = pd.DataFrame({"fix_id": [7, 9, 8], "subject_id": pd.Categorical(["b", "b", "a"]), "time": TIMES,
                      "lon": [-123.39, -123.38, -123.37], "lat": [-48.88, -48.87, -48.86],
                      "accuracy_m": np.array([5, np.nan, 7], np.float32)})
PLAIN = FIXES.assign(subject_id=FIXES["subject_id"].astype("str"))


def test_fixes_come_back_from_trackintel_as_they_went():
    there = interchange.to_trackintel(FIXES)
    assert there.columns.tolist() == ["user_id", "tracked_at", "accuracy", "geom"]
    assert there.index.tolist() == [7, 9, 8]
    assert there.geometry.x.tolist() == FIXES["lon"].tolist()
    pd.testing.assert_frame_equal(interchange.from_trackintel(there), PLAIN)


def test_stays_come_back_from_trackintel_with_their_locations():
    stays, _ = movement.find_locations(movement.find_stays(FIXES))
    back = interchange.from_trackintel(interchange.to_trackintel(stays))
    assert len(back) == 1
    pd.testing.assert_frame_equal(back, stays[back.columns], check_dtype=False, check_categorical=False)


def test_fixes_come_back_from_movingpandas_and_scikit_mobility():
    without = PLAIN.assign(accuracy_m=np.float32(np.nan))
    frame, arguments = interchange.to_movingpandas(FIXES)
    assert frame["t"].dt.tz is None
    pd.testing.assert_frame_equal(interchange.from_movingpandas(frame, **arguments), without)
    frame = interchange.to_scikit_mobility(FIXES)
    assert frame["lng"].tolist() == FIXES["lon"].tolist()
    pd.testing.assert_frame_equal(interchange.from_scikit_mobility(frame), without)


def test_their_naive_times_are_read_on_the_clock_named():
    frame = interchange.to_scikit_mobility(FIXES)
    back = interchange.from_scikit_mobility(frame, tz="Etc/GMT-8")
    assert (PLAIN["time"] - back["time"]).eq(pd.Timedelta("8h")).all()


@pytest.mark.parametrize(("spoil", "words"), [
    (lambda f: f.to_crs(3857), "use frame.to_crs"),
    (lambda f: pd.DataFrame(f), "geometry of points"),
    (lambda f: f.drop(columns="user_id"), "lacks user_id"),
    (lambda f: f.set_index(pd.Index(list("abc"))), "whole numbers"),
])
def test_a_frame_that_cannot_be_read_is_refused(spoil, words):
    with pytest.raises(InputError, match=words):
        interchange.from_trackintel(spoil(interchange.to_trackintel(FIXES)))
