import gzip
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit import movement, tables
from kit.errors import InputError

OPEN_DATA = Path(__file__).resolve().parents[3] / "shared" / "data" / "sociopatterns"


def records(*rows):
    """Rows of (one, other, seconds)."""
    a, b, seconds = zip(*rows, strict=True) if rows else ((), (), ())
    times = pd.to_datetime(pd.Series(seconds, dtype="int64"), unit="s", utc=True)
    return pd.DataFrame({"subject_a": pd.Series(a, dtype="str"), "subject_b": pd.Series(b, dtype="str"), "time": times})


def plain(found):
    """Rows of (one, other, first second, last second, records)."""
    second = [(found[c] - pd.Timestamp(0, tz="UTC")) // pd.Timedelta("1s") for c in ("started_at", "finished_at")]
    return list(zip(found["subject_a"], found["subject_b"], *second, found["n_records"], strict=True))


def test_one_step_apart_is_one_contact_and_two_steps_are_two():
    found = movement.merge_contacts(records(("a", "b", 20), ("a", "b", 40), ("a", "b", 80)))
    assert plain(found) == [("a", "b", 0, 40, 2), ("a", "b", 60, 80, 1)]


def test_a_pair_is_the_same_in_either_order_and_rows_in_any():
    found = movement.merge_contacts(records(("b", "a", 40), ("c", "a", 40), ("a", "b", 20)))
    assert plain(found) == [("a", "b", 0, 40, 2), ("a", "c", 20, 40, 1)]


def test_a_record_twice_counts_once():
    found = movement.merge_contacts(records(("a", "b", 20), ("b", "a", 20), ("a", "b", 20), ("a", "b", 40)))
    assert plain(found) == [("a", "b", 0, 40, 2)]


def test_records_off_the_grid_do_not_join():
    found = movement.merge_contacts(records(("a", "b", 20), ("a", "b", 30), ("a", "b", 51)))
    assert found["n_records"].tolist() == [1, 1, 1]


def test_the_step_is_the_callers():
    found = movement.merge_contacts(records(("a", "b", 300), ("a", "b", 600)), step="5min")
    assert plain(found) == [("a", "b", 0, 600, 2)]


def test_nothing_in_gives_the_columns_back():
    found = movement.merge_contacts(records())
    assert len(tables.validate(found, "contacts", "an empty answer")) == 0


@pytest.mark.parametrize("ids", [np.array([7, 5], "int64"), np.array([2**64 - 1, 5], "uint64"),
                                 pd.Categorical(["y", "x"], categories=["z", "y", "x"])])
def test_ids_keep_their_values(ids):
    ids = pd.Series(ids)
    frame = pd.DataFrame({"subject_a": ids.iloc[[0]].array, "subject_b": ids.iloc[[1]].array,
                          "time": pd.to_datetime([20], unit="s", utc=True)})
    found = movement.merge_contacts(frame)
    assert (found["subject_a"][0], found["subject_b"][0]) == (ids[1], ids[0])


@pytest.mark.parametrize(("frame", "step", "words"), [
    (records(("a", "a", 20)), "20s", "1 proximity record has the same subject twice, first in row 0"),
    (records(("a", None, 20)), "20s", "has a subject missing"),
    (records(("a", "b", 20)).assign(time=pd.to_datetime([20], unit="s")), "20s", "without a zone"),
    (records(("a", "b", 20)).drop(columns="time"), "20s", "lacks the column time"),
    (records(("a", "b", 20)), "0s", "longer than nothing"),
    (records(("a", "b", 20)), 20, "must be a length of time"),
])
def test_mistakes_are_named(frame, step, words):
    with pytest.raises(InputError, match=words):
        movement.merge_contacts(frame, step)


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("def"), st.integers(0, 30)), max_size=40),
       st.randoms(use_true_random=False))
def test_durations_add_up_to_the_distinct_records_and_order_never_matters(rows, chance):
    rows = [(a, b, 20 * t) for a, b, t in rows]
    found = movement.merge_contacts(records(*rows))
    assert found["n_records"].sum() == len(set(rows))
    assert (found["finished_at"] - found["started_at"] == found["n_records"] * pd.Timedelta("20s")).all()
    chance.shuffle(rows)
    turned = [(b, a, t) if chance.random() < 0.5 else (a, b, t) for a, b, t in rows]
    pd.testing.assert_frame_equal(movement.merge_contacts(records(*turned)), found)


def open_set(name):
    path = OPEN_DATA / name
    if not path.exists():
        pytest.skip("the open SocioPatterns data is not beside this project")
    if path.suffix == ".zip":
        with zipfile.ZipFile(path) as box:
            raw = box.read(box.namelist()[0]).decode()
    else:
        raw = gzip.decompress(path.read_bytes()).decode()
    rows = np.array(raw.split(), dtype=np.int64).reshape(-1, 3)
    return pd.DataFrame({"subject_a": rows[:, 1], "subject_b": rows[:, 2],
                         "time": pd.to_datetime(rows[:, 0], unit="s", utc=True)})


# Records and contacts as the authors count them (Génois and Barrat 2018; see the data's own description).
@pytest.mark.parametrize(("name", "n_records", "n_contacts"), [
    ("workplace_InVS_tij.dat.zip", 9_827, 4_592),
    ("workplace_InVS15_tij.dat.gz", 78_249, 33_751),
    ("SFHH_tij.dat.gz", 70_261, 26_040),
])
def test_the_contacts_of_published_studies(name, n_records, n_contacts):
    frame = open_set(name)
    found = movement.merge_contacts(frame)
    assert (len(frame), found["n_records"].sum(), len(found)) == (n_records, n_records, n_contacts)
