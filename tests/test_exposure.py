"""Opening and writing exposures: hashes, purpose, and kind refusals."""

import datetime as dt
import json

import geopandas as gpd
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kit.errors import InputError, IntegrityError, PurposeError
from kit.exposure import WRITES_PAGES, Pieces, file_hash, logical_hash, open_exposure, overview, write_exposure

SIGHTINGS = pd.DataFrame({
    "sighting_id": [0, 1],
    "subject_id": ["p_a", None],
    "sensor_id": ["T1", "T1"],
    "time": pd.to_datetime(["2031-03-12T00:00Z", "2031-03-12T00:05Z"]),
    "source": ["face", "face"],
    "score": [0.5, 0.25],
})
SENSORS = gpd.GeoDataFrame(
    {"sensor_id": ["T1"], "kind": ["camera"], "place_class": ["clinic"], "zone_id": ["Ropewalk"]},
    geometry=gpd.points_from_xy([-123.39], [-48.88]), crs="EPSG:4326")
TODAY = dt.date(2031, 4, 1)


@pytest.fixture
def folder(tmp_path):
    write_exposure(tmp_path / "small", {"sightings": SIGHTINGS, "sensors": SENSORS}, name="small", tz="Etc/GMT-8",
                   synthetic=True, truth={"people": pd.DataFrame({"person_no": [7]})}, extra={"seed": 1})
    return tmp_path / "small"


def edit_manifest(folder, **changes):
    file = folder / "datapackage.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | changes))


def test_what_was_written_comes_back(folder):
    exposure = open_exposure(folder)
    assert exposure.synthetic and exposure.tz == "Etc/GMT-8"
    assert exposure.sightings["subject_id"].astype(object).where(lambda s: s.notna(), None).tolist() == ["p_a", None]
    assert exposure.sensors.geometry.x.tolist() == [-123.39]
    assert exposure.truth()["people"]["person_no"].tolist() == [7]
    assert len(exposure.fixes) == 0 and "accuracy_m" in exposure.fixes


def ids(values):
    return pd.Categorical(values, dtype=pd.CategoricalDtype(pd.Index(["", "p_a", "p_ä"], dtype="str")))


ROWS = st.lists(st.tuples(st.integers(0, 2**40), st.sampled_from([None, "", "p_a", "p_ä"]), st.booleans(),
                          st.none() | st.floats(0, 1, width=32), st.integers(-9, 2**40)),
                unique_by=lambda row: row[0], min_size=1, max_size=40)


@settings(max_examples=60, deadline=None)
@given(ROWS, st.integers(1, 41))
def test_a_table_in_pieces_has_the_content_and_the_logical_hash_of_the_whole(tmp_path_factory, rows, size):
    number, who, duplicate, score, seconds = zip(*sorted(rows, key=lambda row: row[0]), strict=True)
    whole = pd.DataFrame({
        "sighting_id": number, "subject_id": ids(who), "sensor_id": ids(["p_a"] * len(rows)), "source": "face",
        "time": pd.to_datetime(seconds, unit="us", utc=True).as_unit("us"),
        "score": pd.Series(score, dtype="float32"), "duplicate": duplicate})
    parts = Pieces(len(rows), lambda: (whole[at : at + size] for at in range(0, len(rows), size)))
    folder = tmp_path_factory.mktemp("pieces")
    one, two = (write_exposure(folder / name, {"sightings": table}, name="x", tz="UTC", synthetic=True)["resources"][0]
                for name, table in (("whole", whole), ("parts", parts)))
    assert one["logical_hash"] == two["logical_hash"] == "sha256:" + logical_hash(whole)
    assert (one["rows"], one["fields"]) == (two["rows"], two["fields"])
    assert open_exposure(folder / "parts").sightings.equals(open_exposure(folder / "whole").sightings)


@pytest.mark.parametrize("numbers", [[[0, 1], [1]], [[0, 2], [1]], [[1, 0]], [[0, 0]]])
def test_pieces_whose_ids_do_not_rise_are_refused(tmp_path, numbers):
    parts = Pieces(3, lambda: (SIGHTINGS.iloc[[0] * len(n)].assign(sighting_id=n) for n in numbers))
    with pytest.raises(InputError, match="sighting_id"):
        write_exposure(tmp_path / "out", {"sightings": parts}, name="x", tz="UTC", synthetic=True)


def test_the_overview_counts_and_names_nobody(folder):
    facts = overview(open_exposure(folder)).loc["small"]
    assert facts[["sensors", "sightings", "unmatched", "duplicates", "days"]].tolist() == [1, 2, 1, 0, 1]
    assert facts["first_day"] == dt.date(2031, 3, 12)
    assert "p_a" not in facts.to_string()


def test_the_same_tables_give_the_same_bytes(folder, tmp_path):
    write_exposure(tmp_path / "again", {"sensors": SENSORS, "sightings": SIGHTINGS}, name="small", tz="Etc/GMT-8",
                   synthetic=True, truth={"people": pd.DataFrame({"person_no": [7]})}, extra={"seed": 1})
    for file in sorted(p for p in folder.rglob("*") if p.is_file()):
        assert file.read_bytes() == (tmp_path / "again" / file.relative_to(folder)).read_bytes(), file.name


def test_a_changed_file_is_noticed(folder):
    (folder / "sensors.geojson").write_text("{}")
    with pytest.raises(IntegrityError, match=r"sensors\.geojson.*SHA-256"):
        open_exposure(folder)


def test_a_table_that_the_manifest_does_not_list_is_noticed(folder):
    (folder / "fixes.parquet").write_bytes((folder / "sightings.parquet").read_bytes())
    with pytest.raises(IntegrityError, match=r"does not list fixes\.parquet"):
        open_exposure(folder)


@pytest.mark.parametrize("resources", ["abc", [{"name": "x"}], [None]])
def test_a_list_of_files_that_is_none_is_one_sentence(folder, resources):
    edit_manifest(folder, resources=resources)
    with pytest.raises(IntegrityError, match="without its path or hash"):
        open_exposure(folder)


def test_a_missing_file_is_noticed(folder):
    (folder / "sightings.parquet").unlink()
    with pytest.raises(IntegrityError, match=r"lists sightings\.parquet, which is not there"):
        open_exposure(folder)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"name": "x"}'])
def test_a_broken_manifest_is_one_sentence(folder, text):
    (folder / "datapackage.json").write_text(text)
    with pytest.raises(IntegrityError, match="The manifest"):
        open_exposure(folder)


def test_unknown_names_and_unvouched_folders(tmp_path):
    with pytest.raises(InputError, match="the samples are register, community, fusion"):
        open_exposure("registre")
    (tmp_path / "bare").mkdir()
    with pytest.raises(IntegrityError, match="nothing vouches"):
        open_exposure(tmp_path / "bare")


@pytest.mark.parametrize("name", [None, 5, b"", ["register"]])
def test_what_is_no_name_and_no_path_is_refused(name):
    with pytest.raises(InputError, match=f"given a {type(name).__name__}; the samples are"):
        open_exposure(name)


def test_a_name_too_long_for_the_disk_is_cut_short_in_the_refusal():
    with pytest.raises(InputError, match="no folder called x") as refusal:
        open_exposure("x" * 5000)
    assert len(str(refusal.value)) < 400


@pytest.mark.parametrize(("change", "says"), [
    ({"name": None}, "name as text, but it is None"), ({"name": 5}, "name as text, but it is 5"),
    ({"name": " "}, "name as text"), ({"tz": None}, "time zone .* it is None"), ({"tz": 5}, "time zone .* it is 5"),
    ({"tz": "Mars/X"}, "time zone .* it is 'Mars/X'"), ({"resources": None}, "without its path or hash"),
    ({"resources": [1]}, "without its path or hash"), ({"resources": [{"path": "a"}]}, "without its path or hash"),
    ({"resources": [{"path": 5, "hash": "x"}]}, "without its path or hash"),
])
def test_a_manifest_that_says_nonsense_is_one_sentence(folder, change, says):
    edit_manifest(folder, **change)
    with pytest.raises(IntegrityError, match=says):
        open_exposure(folder)


@pytest.mark.parametrize("text", ["", "{}"])
def test_unreadable_sensors_with_the_right_hash_are_one_sentence(folder, text):
    (folder / "sensors.geojson").write_text(text)
    resources = json.loads((folder / "datapackage.json").read_text())["resources"]
    edit_manifest(folder, resources=[
        r | {"hash": file_hash(folder / r["path"])} if r["path"] == "sensors.geojson" else r for r in resources])
    exposure = open_exposure(folder)
    with pytest.raises(InputError, match=r"sensors\.geojson is not readable GeoJSON"):
        exposure.sensors  # noqa: B018 - reading is the act


def test_the_overview_wants_exposures_not_their_names():
    with pytest.raises(InputError, match="given a str"):
        overview("register")


def test_an_unreadable_table_is_one_sentence(folder):
    (folder / "sightings.parquet").write_bytes(b"PAR1 this is no table")
    with pytest.raises(InputError, match="not a readable Parquet"):
        open_exposure(folder, verify=False).sightings  # noqa: B018 - reading is the act


PURPOSE = 'reason = "a story"\napproved_by = "the editor"\nretain_until = 2031-06-30\n'


def test_real_records_need_a_purpose(folder):
    edit_manifest(folder, synthetic=False)
    with pytest.raises(PurposeError, match=r"approved_by and retain_until"):
        open_exposure(folder, today=TODAY)
    (folder / "purpose.toml").write_text(PURPOSE)
    exposure = open_exposure(folder, today=TODAY)
    with pytest.raises(InputError, match="nobody holds its truth"):
        exposure.truth()


def test_real_records_never_enter_a_walk(folder, monkeypatch):
    edit_manifest(folder, synthetic=False)
    (folder / "purpose.toml").write_text(PURPOSE)
    monkeypatch.setenv(WRITES_PAGES, "1")
    with pytest.raises(PurposeError, match="live notebook"):
        open_exposure(folder, today=TODAY)


@pytest.mark.parametrize(("text", "says"), [
    (PURPOSE.replace('"the editor"', '""'), "does not say approved_by"),
    (PURPOSE.replace('"a story"', '"  "'), "does not say reason;"),
    (PURPOSE.replace('"a story"', '5').replace('"the editor"', '["me"]'), "does not say reason, approved_by;"),
    (PURPOSE.replace("2031-06-30", '"soon"'), "does not say retain_until as a date"),
    (PURPOSE.replace("2031-06-30", "2031-03-31"), "delete them"),
    ("reason = ", "cannot be read"),
])
def test_a_purpose_that_does_not_hold_is_refused(folder, text, says):
    edit_manifest(folder, synthetic=False)
    (folder / "purpose.toml").write_text(text)
    with pytest.raises(PurposeError, match=says):
        open_exposure(folder, today=TODAY)


def test_a_mark_that_only_looks_true_does_not_open_the_door(folder):
    edit_manifest(folder, synthetic="yes")
    with pytest.raises(PurposeError):
        open_exposure(folder, today=TODAY)


def test_writing_over_an_exposure_is_refused(folder):
    with pytest.raises(InputError, match="already holds"):
        write_exposure(folder, {}, name="x", tz="UTC", synthetic=True)


@given(st.permutations(range(4)))
def test_the_logical_hash_ignores_row_order_and_encoding(order):
    frame = pd.DataFrame({"who": ["a", "b", None, "a"], "n": [1.0, 2.0, None, 1.0], "i": [4, 4, 2, 1]})
    shuffled = frame.iloc[list(order)].astype({"who": "category"})
    assert logical_hash(shuffled) == logical_hash(frame)


@pytest.mark.parametrize("change", [{"who": ["a", "c"]}, {"n": [1.0, 2.1]}, {"who": [None, "b"]}, {"who": ["ab", ""]}])
def test_the_logical_hash_sees_every_value(change):
    frame = pd.DataFrame({"who": ["a", "b"], "n": [1.0, 2.0]})
    assert logical_hash(frame.assign(**change)) != logical_hash(frame)
