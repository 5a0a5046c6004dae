import json
import re
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import kit
from kit import ingest
from kit.errors import InputError
from kit.ingest import DEMO_KEY, demo_key, formats, pseudonym

PRIVATE = b"a private key of some length"


def utc(text):
    return pd.Timestamp(text, tz="UTC")


def row(table, number):
    return table.set_index("sighting_id").loc[number]


def balanced(report):
    return all(s.rows_in == s.rows_kept + s.rows_quarantined for s in report.sources)


# ---- the register


def test_register_every_record_is_counted_once(register, tmp_path):
    report = ingest.sanitize(register, "register", DEMO_KEY, tmp_path / "out")
    passages, trackers, persons = (report.source(n) for n in ("passages", "trackers", "persons"))
    assert (passages.rows_in, passages.rows_kept, passages.rows_quarantined) == (10, 8, 2)
    assert passages.reasons == {"no time": 1, "not valid JSON": 1}
    assert (trackers.rows_in, trackers.rows_kept, trackers.reasons) == (3, 2, {"a position off the globe": 1})
    assert (persons.rows_in, persons.rows_kept) == (4, 4)
    assert (passages.unmatched, passages.duplicates_flagged, passages.unknown_sensor) == (2, 1, 1)
    assert passages.notes == {"score missing": 1, "score unreadable or outside 0 to 1": 1}
    assert (report.rows_in, report.rows_kept, report.rows_quarantined) == (17, 14, 3)
    assert balanced(report)


def test_register_sightings_are_numbered_as_the_records_stand_in_the_dump(register, tmp_path):
    ingest.sanitize(register, "register", DEMO_KEY, tmp_path / "out")
    sightings = kit.open_exposure(tmp_path / "out").sightings
    one = pseudonym("SYN000000000000001X", "person", demo_key("register"))
    assert sightings["sighting_id"].tolist() == [0, 1, 2, 3, 4, 6, 7, 9]
    assert sightings["subject_id"].astype(object).where(sightings["subject_id"].notna(), None).tolist()[:5] == [
        one, one, one, None, None]
    assert row(sightings, 0)["time"] == utc("2031-03-12 07:41:09.120")
    assert row(sightings, 1)["time"] == utc("2031-03-12 07:41:10.620")
    assert row(sightings, 2)["time"] == utc("2031-03-12 07:41:11.620")
    assert sightings["sensor_id"].astype(str).tolist() == ["417"] * 5 + ["418", "999", "418"]
    assert sightings["score"].round(2).fillna(-1).tolist() == pytest.approx(
        [0.87, 0.5, -1, 0.87, 0.87, 0.87, -1, 0.87], abs=1e-6)
    assert sightings["duplicate"].tolist() == [False, True, False, False, False, False, False, False]
    assert set(sightings["source"]) == {"face"}


def test_register_people_keep_an_age_band_and_the_invented_label(register, tmp_path):
    """Born 1991-07-14, on 2031-03-12 still 39; the first record is of local 2031-03-12, when one is born tomorrow."""
    ingest.sanitize(register, "register", DEMO_KEY, tmp_path / "out")
    subjects = kit.open_exposure(tmp_path / "out").subjects.set_index("subject_id")
    people = subjects.loc[[pseudonym(f"SYN{n:015d}X", "person", demo_key("register")) for n in (1, 2, 3, 4)]]
    assert people["age_band"].astype(object).where(people["age_band"].notna(), None).tolist() == [
        "30-39", None, None, "30-39"]
    assert people["system_label"].tolist() == ["teal", "amber", "teal", "teal"]
    assert set(people["kind"]) == {"person"}
    assert subjects.index.is_monotonic_increasing


def test_a_quarantined_record_can_be_found_and_says_nothing(register, tmp_path):
    ingest.sanitize(register, "register", DEMO_KEY, tmp_path / "out")
    lines = [json.loads(line) for line in (tmp_path / "out" / "quarantine.jsonl").read_text("utf-8").splitlines()]
    broken = lines[0]
    given = (register / "passages.jsonl").read_bytes()
    assert [(q["file"], q["line"], q["reason"]) for q in lines] == [
        ("passages.jsonl", 6, "not valid JSON"), ("passages.jsonl", 10, "no time"),
        ("trackers.jsonl", 3, "a position off the globe")]
    assert given[broken["byte"] :].startswith(given.split(b"\r\n")[5])
    assert broken["excerpt"].startswith('{"_xx":{"$xxx":"00"},"xx_xx":"xxx000000000000000x"')


# ---- labels and keys


def test_no_label_stays_under_a_private_key_or_without_a_manifest(register, tmp_path):
    ingest.sanitize(register, "register", PRIVATE, tmp_path / "one")
    (register / "manifest.json").unlink()
    ingest.sanitize(register, "register", PRIVATE, tmp_path / "two", tz="Etc/GMT-8")
    for out in ("one", "two"):
        assert pq.read_table(tmp_path / out / "subjects.parquet")["system_label"].null_count == 4
        assert b"amber" not in everything_written(tmp_path / out)
    assert json.loads((tmp_path / "two" / "datapackage.json").read_text())["synthetic"] is False


@pytest.mark.parametrize("manifest", [None, {"synthetic": True, "generator": "another city", "tz": "Etc/GMT-8"},
                                      {"synthetic": False, "generator": "retrace-kit city", "tz": "Etc/GMT-8"}, []])
def test_the_demo_key_is_refused_for_anything_but_the_invented_city(raw, tmp_path, manifest):
    dump = raw.lay_out(tmp_path / "dump", raw.REGISTER, manifest)
    with pytest.raises(InputError, match=r"demo key is for the invented city.*secrets\.token_bytes"):
        ingest.sanitize(dump, "register", DEMO_KEY, tmp_path / "out", tz="Etc/GMT-8")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["dump"]


def test_a_key_worked_out_from_the_demo_key_is_no_secret(raw, tmp_path):
    dump = raw.lay_out(tmp_path / "dump", raw.REGISTER, manifest=None)
    with pytest.raises(InputError, match="which everybody knows"):
        ingest.sanitize(dump, "register", demo_key("fusion"), tmp_path / "out", tz="Etc/GMT-8")


def test_a_time_at_the_rim_of_the_calendar_goes_to_quarantine(raw, tmp_path):
    passages = "\n".join([raw.passage(1, '"2031-03-12 08:00:00"'), raw.passage(1, '"0001-01-01T00:00:00+14:00"')])
    dump = raw.lay_out(tmp_path / "dump", {**raw.REGISTER, "passages.jsonl": passages})
    source = ingest.sanitize(dump, "register", PRIVATE, tmp_path / "out").source("passages")
    assert (source.rows_kept, source.reasons) == (1, {"a time before 1900 or after 2199, which stands for none": 1})


def test_label_tallies_name_no_value_of_fewer_than_ten_people(raw, tmp_path):
    labels = ["teal"] * 30 + ["amber"] * 12 + ["grey"] * 3
    persons = "\n".join(raw.person(n, label=label) for n, label in enumerate(labels))
    dump = raw.lay_out(tmp_path / "dump", {**raw.REGISTER, "persons.jsonl": persons})
    report = ingest.sanitize(dump, "register", PRIVATE, tmp_path / "out")
    # grey's 3 are withheld, and amber's 12 with them: else 45 - 30 - 12 would tell.
    assert report.source("persons").tallies == {
        "system_label": {"people_by_value": {"teal": 30}, "values_withheld": 2, "people": 45}}
    assert "grey" not in report.to_json()


def test_under_the_demo_key_each_exposure_has_names_of_its_own(register, fusion, tmp_path):
    """Both dumps hold the identity number of person 1; a join on pseudonyms must find nobody."""
    ingest.sanitize(register, "register", DEMO_KEY, tmp_path / "one")
    ingest.sanitize(fusion, "fusion", DEMO_KEY, tmp_path / "two")
    one, two = (set(pq.read_table(tmp_path / o / "subjects.parquet")["subject_id"].to_pylist()) for o in ("one", "two"))
    assert pseudonym("SYN000000000000001X", "person", demo_key("register")) in one
    assert pseudonym("SYN000000000000001X", "person", demo_key("fusion")) in two
    assert not one & two


def test_another_key_unlinks_and_the_same_key_links(register, tmp_path):
    for out, key in (("one", PRIVATE), ("two", PRIVATE), ("three", PRIVATE + b"!")):
        ingest.sanitize(register, "register", key, tmp_path / out)
    one, two, three = (set(pq.read_table(tmp_path / o / "subjects.parquet")["subject_id"].to_pylist())
                       for o in ("one", "two", "three"))
    assert one == two
    assert not one & three


# ---- the community


def test_community_counts_and_columns(community, tmp_path):
    report = ingest.sanitize(community, "community", DEMO_KEY, tmp_path / "out")
    faces, devices = report.source("faces"), report.source("devices")
    assert (faces.rows_in, faces.rows_kept, faces.rows_quarantined, faces.unmatched) == (6, 5, 1, 1)
    assert (devices.rows_in, devices.rows_kept) == (2, 2)
    assert balanced(report)
    exposure = kit.open_exposure(tmp_path / "out")
    assert exposure.sightings["sighting_id"].tolist() == [0, 1, 2, 3, 5, 6, 7]
    assert exposure.sightings["time"].tolist()[:3] == [
        utc("2031-03-12 07:41:09.120"), utc("2031-03-12 07:41:19"), utc("2031-03-12 07:41:29.120")]
    assert exposure.sightings["source"].tolist() == ["face"] * 5 + ["wifi"] * 2
    assert exposure.sightings["score"].isna().tolist() == [False] * 5 + [True] * 2
    sensors = exposure.sensors.set_index("sensor_id")
    assert sensors["kind"].to_dict() == {"CAM-A-07": "camera", "CAM-A-08": "camera", "WIFI-A-03": "wifi"}
    assert sensors["zone_id"].to_dict() == {"CAM-A-07": "NULLVALE-A-gate", "CAM-A-08": "A-05", "WIFI-A-03": "A-05"}
    assert sensors["place_class"].to_dict() == {"CAM-A-07": "gate", "CAM-A-08": "lift", "WIFI-A-03": "sniffer"}


def test_community_ages_are_the_commonest_twenty_year_band(community, tmp_path):
    """Person 1 was taken for 34, 39 and 41: twice in 20-39."""
    ingest.sanitize(community, "community", DEMO_KEY, tmp_path / "out")
    subjects = kit.open_exposure(tmp_path / "out").subjects.set_index("subject_id")
    assert subjects.loc[pseudonym("SYN-P-0000001", "person", demo_key("community")), "age_band"] == "20-39"
    assert subjects.loc[pseudonym("SYN-P-0000002", "person", demo_key("community")), "age_band"] == "60-79"
    device = subjects.loc[pseudonym("02-AA-BB-CC-DD-01", "device", demo_key("community"))]
    assert device["kind"] == "device"
    assert pd.isna(device["age_band"])


@pytest.mark.parametrize(("field", "value"), [("feature_vec", [0.1, 0.2]), ("img_url", "http://x/1.jpg"),
                                              ("emotion", "calm")])
def test_templates_pictures_and_feelings_stop_the_run(raw, tmp_path, field, value):
    fine, bad = raw.face(1931067669120, "SYN-P-0000001"), raw.face(1931067669120, "SYN-P-0000001", **{field: value})
    dump = raw.lay_out(tmp_path / "dump", {**raw.COMMUNITY, "face-2031.02.ndjson": f"{fine}\n{bad}"})
    with pytest.raises(InputError, match=rf"Line 2 of face-2031.02.ndjson fills the field {field}.*refused"):
        ingest.sanitize(dump, "community", DEMO_KEY, tmp_path / "out")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["dump"]


def test_a_refused_field_that_is_always_empty_stops_nothing(raw, tmp_path):
    empty = raw.face(1931067669120, "SYN-P-0000001", feature_vec=[], img_url=None, emotion="")
    dump = raw.lay_out(tmp_path / "dump", {**raw.COMMUNITY, "face-2031.02.ndjson": empty})
    assert ingest.sanitize(dump, "community", DEMO_KEY, tmp_path / "out").rows_quarantined == 0


# ---- fusion


def test_fusion_counts_every_source(fusion, tmp_path):
    report = ingest.sanitize(fusion, "fusion", DEMO_KEY, tmp_path / "out")
    assert {s.name: (s.rows_in, s.rows_kept, s.rows_quarantined) for s in report.sources} == {
        "sites": (4, 4, 0), "checkpoint": (2, 2, 0), "datadoor": (1, 1, 0), "phone_sighting": (3, 3, 0),
        "plate_read": (3, 1, 2), "fuel": (1, 1, 0), "meter": (2, 1, 1), "task": (1, 1, 0), "visit_form": (1, 1, 0)}
    assert report.source("plate_read").reasons == {"2 cells where 5 belong": 1, "a time that cannot be read": 1}
    assert report.source("phone_sighting").notes == {"fix unusable": 1}
    assert report.source("phone_sighting").fields_not_in_recipe == ["gps.alt"]
    assert report.subjects == {"device": 2, "household": 1, "person": 2, "vehicle": 1}


def test_a_source_with_a_header_and_no_records_is_counted_as_none(raw, tmp_path):
    bare = {name: raw.FUSION[name].split("\n")[0] + "\n" for name in ("fuel.csv", "meter.csv", "task.csv")}
    dump = raw.lay_out(tmp_path / "dump", {**raw.FUSION, **bare})
    report = ingest.sanitize(dump, "fusion", DEMO_KEY, tmp_path / "out")
    assert [report.source(n).rows_in for n in ("fuel", "meter", "task")] == [0, 0, 0]
    assert set(kit.open_exposure(tmp_path / "out").sightings["source"]) == {"checkpoint", "datadoor", "phone", "plate"}
    assert kit.open_exposure(tmp_path / "out").readings.empty


def test_fusion_tables_hold_local_times_as_instants_and_numbers_across_files(fusion, tmp_path):
    ingest.sanitize(fusion, "fusion", DEMO_KEY, tmp_path / "out")
    exposure = kit.open_exposure(tmp_path / "out")
    # checkpoint 0, 1; datadoor 2; fuel 3; phone 4, 5, 6; plate_read 7, (8 and 9 are in quarantine)
    sightings = exposure.sightings
    assert dict(zip(sightings["sighting_id"], sightings["source"], strict=True)) == {
        0: "checkpoint", 1: "checkpoint", 2: "datadoor", 3: "fuel", 4: "phone", 5: "phone", 6: "phone", 7: "plate"}
    assert row(sightings, 0)["time"] == utc("2031-03-03 23:41:09")
    assert row(sightings, 1)["time"] == utc("2031-03-03 23:41:10")
    assert row(sightings, 4)["time"] == utc("2031-03-03 23:41:09")
    car = pseudonym("ZZ-0123~", "vehicle", demo_key("fusion"))
    assert row(sightings, 3)["subject_id"] == row(sightings, 7)["subject_id"] == car
    assert exposure.fixes["fix_id"].tolist() == [5]
    assert exposure.fixes[["lon", "lat", "accuracy_m"]].to_numpy().tolist() == [[-123.39, -48.88, 8.5]]
    readings = exposure.readings
    assert readings["date"].tolist() == [pd.Timestamp("2031-03-04")]
    assert readings["kwh"].tolist() == pytest.approx([7.4], abs=1e-6)
    assert readings["household_id"].tolist() == [pseudonym("SYN-H-0000001", "household", demo_key("fusion"))]


# ---- nothing identifying gets out


RAW = [rb"SYN\d", rb"SYN-[PDH]-\d", rb"SYN-IM[ES]I-\d", rb"02-AA-BB", rb"ZZ-012", rb"Sample Person", rb"Null Street",
       rb"Fictional Mill", rb"1991-07-14", rb"Null Cafe", rb"REMOVED", DEMO_KEY[:12], PRIVATE[:12]]


def everything_written(folder):
    """All bytes of all files, and all values of all Parquet files as text."""
    data = b""
    for file in sorted(p for p in folder.rglob("*") if p.is_file()):
        data += file.name.encode() + file.read_bytes()
        if file.suffix == ".parquet":
            table = pq.read_table(file)
            data += str(table.schema).encode() + repr(table.to_pydict()).encode()
    return data


@pytest.mark.parametrize("name", ["register", "community", "fusion"])
@pytest.mark.parametrize("key", [DEMO_KEY, PRIVATE])
def test_no_raw_identifier_is_in_any_output(name, key, tmp_path, request):
    dump = request.getfixturevalue(name)
    given = b"".join(p.read_bytes() for p in dump.iterdir())
    assert [bool(re.search(p, given)) for p in RAW].count(True) >= 3
    report = ingest.sanitize(dump, name, key, tmp_path / "out")
    written = everything_written(tmp_path / "out") + report.to_json().encode() + repr(report).encode()
    assert [p for p in RAW if re.search(p, written)] == []


def test_a_field_name_that_looks_like_somebody_is_masked(raw, tmp_path):
    named = raw.passage(1, '{"$date":1931067671620}')[:-1] + ',"10000000000":1,"Sample Person 9":2,"speed":3}'
    dump = raw.lay_out(tmp_path / "dump", {**raw.REGISTER, "passages.jsonl": named})
    report = ingest.sanitize(dump, "register", PRIVATE, tmp_path / "out")
    assert sorted(report.source("passages").fields_not_in_recipe) == ["00000000000", "speed", "xxxxxx xxxxxx 0"]


def test_an_error_in_the_depths_quotes_no_record(register, tmp_path, monkeypatch):
    """The parser's own message quotes the broken line; should the second attempt fail, it must not be chained."""
    ask = formats._ask

    def second_attempt_fails(con, schema, inner, wrap):
        if wrap != "{}":
            raise MemoryError("no room")
        return ask(con, schema, inner, wrap)

    monkeypatch.setattr(formats, "_ask", second_attempt_fails)
    with pytest.raises(MemoryError) as told:
        ingest.sanitize(register, "register", PRIVATE, tmp_path / "out")
    chain, error = "", told.value
    while error:
        chain, error = chain + repr(error), error.__context__
    assert "SYN0" not in chain
    assert not (tmp_path / "out").exists()


# ---- the same again, and in another order


def test_the_same_dump_gives_the_same_bytes_twice(fusion, tmp_path):
    ingest.sanitize(fusion, "fusion", PRIVATE, tmp_path / "one")
    ingest.sanitize(fusion, "fusion", PRIVATE, tmp_path / "two")
    one, two = ({p.name: p.read_bytes() for p in (tmp_path / o).iterdir()} for o in ("one", "two"))
    assert one == two
    assert {"report.json", "report.html", "quarantine.jsonl", "datapackage.json", "sightings.parquet", "fixes.parquet",
            "readings.parquet", "subjects.parquet", "sensors.geojson"} == set(one)


def test_neither_the_order_of_paths_nor_the_size_of_blocks_changes_a_byte(community, tmp_path, monkeypatch):
    files = sorted(community.iterdir())
    ingest.sanitize(files, "community", DEMO_KEY, tmp_path / "one")
    monkeypatch.setattr(formats.cut, "__defaults__", (None, 256))
    ingest.sanitize(files[::-1], "community", DEMO_KEY, tmp_path / "two")
    one, two = ({p.name: p.read_bytes() for p in (tmp_path / o).iterdir()} for o in ("one", "two"))
    assert one == two


def test_the_order_of_people_in_their_register_does_not_matter(raw, tmp_path):
    turned = {**raw.REGISTER, "persons.jsonl": "\n".join(raw.REGISTER["persons.jsonl"].splitlines()[::-1])}
    for out, files in (("one", raw.REGISTER), ("two", turned)):
        ingest.sanitize(raw.lay_out(tmp_path / f"dump-{out}", files), "register", DEMO_KEY, tmp_path / out)
    for name in ("subjects.parquet", "sightings.parquet"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def test_the_report_hashes_what_was_read_and_lists_what_was_dropped(register, tmp_path):
    import hashlib

    (register / "notes.txt").write_text("not for reading")
    report = ingest.sanitize(register, "register", DEMO_KEY, tmp_path / "out")
    assert {i["file"]: i["sha256"] for i in report.inputs} == {
        name: hashlib.sha256((register / name).read_bytes()).hexdigest()
        for name in ("trackers.jsonl", "persons.jsonl", "passages.jsonl")}
    assert report.files_not_read == ["notes.txt"]
    assert {"name", "address", "employer", "photo_ref"} <= set(report.source("persons").dropped_fields)
    assert json.loads(report.to_json()) == json.loads((tmp_path / "out" / "report.json").read_text("utf-8"))
    assert (report.source("passages").first_time, report.source("passages").last_time) == (
        "2031-03-11T16:00:00.000+00:00", "2031-03-12T09:00:00.000+00:00")


def test_progress_ends_where_the_bytes_end(register, tmp_path):
    calls = []
    ingest.sanitize(register, "register", DEMO_KEY, tmp_path / "out", progress=lambda *call: calls.append(call))
    read = [c for c in calls if c[0].endswith(".jsonl")]
    assert read[-1][1] == read[-1][2] == sum(p.stat().st_size for p in register.glob("*.jsonl"))
    assert calls[-1] == ("tables", 1, 1)


# ---- mistakes, one sentence each


def test_mistakes_are_told_in_one_sentence_and_leave_nothing_behind(register, tmp_path):
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thing").write_text("x")
    (tmp_path / "none").mkdir()
    before = sorted(p.name for p in tmp_path.iterdir())
    out = tmp_path / "out"
    for call, says in [
        (lambda: ingest.sanitize(tmp_path / "nowhere", "register", PRIVATE, out), "no file or folder"),
        (lambda: ingest.sanitize(tmp_path / "none", "register", PRIVATE, out), "There are no files in"),
        (lambda: ingest.sanitize([], "register", PRIVATE, out), "There are no files in an empty list"),
        (lambda: ingest.sanitize(register, "metro", PRIVATE, out), "community, fusion, register"),
        (lambda: ingest.sanitize(register, "fusion", PRIVATE, out), "needs sites*.csv, checkpoint*.csv"),
        (lambda: ingest.sanitize(register / "persons.jsonl", "register", PRIVATE, out), "needs trackers*.jsonl"),
        (lambda: ingest.sanitize(register, "register", "a key in words, long", out), "must be bytes"),
        (lambda: ingest.sanitize(register, "register", b"short", out), "at least 16"),
        (lambda: ingest.sanitize(register, "register", PRIVATE, tmp_path / "full"), "not empty"),
        (lambda: ingest.sanitize(register, "register", PRIVATE, out, tz="Mars/Olympus"), "no time zone called Mars"),
    ]:
        with pytest.raises(InputError) as told:
            call()
        assert says in str(told.value)
        assert "\n" not in str(told.value)
    assert sorted(p.name for p in tmp_path.iterdir()) == before


def test_an_empty_file_and_a_dump_that_fits_no_recipe_are_refused(raw, tmp_path):
    for name, files, recipe in (("persons.jsonl", raw.REGISTER, "register"), ("task.csv", raw.FUSION, "fusion")):
        for nothing in ("", "\n\r\n") if name == "persons.jsonl" else ("",):
            empty = raw.lay_out(tmp_path / "empty", {**files, name: nothing})
            with pytest.raises(InputError, match=rf"{name} is empty"):
                ingest.sanitize(empty, recipe, PRIVATE, tmp_path / "out")
    odd = '{"id_no":"a","tracker_id":1,"at":3}\n'
    other = raw.lay_out(tmp_path / "other", {**raw.REGISTER, "passages.jsonl": odd})
    with pytest.raises(InputError, match=r"Nothing in passages\.jsonl could be used .*reason is: no time"):
        ingest.sanitize(other, "register", PRIVATE, tmp_path / "out")
    headless = raw.lay_out(tmp_path / "headless", {**raw.REGISTER}, {"synthetic": True})
    with pytest.raises(InputError, match="Nothing says which clock"):
        ingest.sanitize(headless, "register", PRIVATE, tmp_path / "out")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["empty", "headless", "other"]


def test_a_csv_without_its_header_is_refused_without_quoting_it(raw, tmp_path):
    body = raw.FUSION["checkpoint.csv"].split("\n", 1)[1]
    dump = raw.lay_out(tmp_path / "dump", {**raw.FUSION, "checkpoint.csv": body})
    with pytest.raises(InputError, match=r"checkpoint\.csv does not name the column id_no, gate_id, ts") as told:
        ingest.sanitize(dump, "fusion", PRIVATE, tmp_path / "out")
    assert "SYN0" not in str(told.value)


def test_a_recipe_of_ones_own_can_coarsen_times(register, tmp_path):
    text = (Path(ingest.__file__).parent / "recipes" / "register.toml").read_text("utf-8")
    own = tmp_path / "own.toml"
    coarse = text.replace('ts = { is = "time", do = "keep"', 'ts = { is = "time", do = "coarsen", step = 900')
    own.write_text(coarse, encoding="utf-8")
    ingest.sanitize(register, own, PRIVATE, tmp_path / "out")
    assert row(kit.open_exposure(tmp_path / "out").sightings, 0)["time"] == utc("2031-03-12 07:30:00")


def test_an_empty_folder_is_filled(register, tmp_path):
    (tmp_path / "out").mkdir()
    ingest.sanitize(register, "register", DEMO_KEY, tmp_path / "out")
    assert kit.open_exposure(tmp_path / "out").synthetic


def test_identifiers_are_stored_as_dictionaries(register, tmp_path):
    ingest.sanitize(register, "register", DEMO_KEY, tmp_path / "out")
    schema = pq.read_table(tmp_path / "out" / "sightings.parquet").schema
    assert pa.types.is_dictionary(schema.field("subject_id").type)
