"""Dumps have the raw forms of their exposures, dirt included, and truth that points at the right raw lines."""

import csv
import json
import re

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from stdnum import imei, luhn
from stdnum.cn import ric

from kit.city import ground, ids, leaks
from kit.errors import InputError

SIGHTING_FILES = {"register": ("passages",), "community": ("face", "wifi"),
                  "fusion": ("checkpoint", "datadoor", "fuel", "phone_sighting", "plate_read")}
EXPOSURES = tuple(SIGHTING_FILES)


def lines_of(file):
    """Records of a raw file; a CSV's header is none."""
    text = file.read_text(encoding="utf-8").splitlines()
    return text[1:] if file.suffix == ".csv" else text


def parsed(file):
    """Records as dicts, None for the broken one."""
    if file.suffix == ".csv":
        header, *rows = csv.reader(file.read_text(encoding="utf-8").splitlines())
        return [dict(zip(header, row, strict=True)) if len(row) == len(header) else None for row in rows]
    out = []
    for line in lines_of(file):
        try:
            out.append(json.loads(line))
        except ValueError:
            out.append(None)
    return out


def sightings_of(folder, exposure):
    files = sorted(f for f in folder.iterdir() if f.name.startswith(SIGHTING_FILES[exposure]))
    return [(file.name, row) for file in files for row in parsed(file)]


def truth(folder, name):
    return pq.read_table(folder / "truth" / f"{name}.parquet").to_pandas()


@pytest.mark.parametrize("exposure", EXPOSURES)
def test_counts_are_those_of_the_lines(dumps, exposure):
    folder, counts = dumps[exposure]
    files = [f for f in folder.iterdir() if f.is_file() and f.name != "manifest.json"]
    assert {f.name: len(lines_of(f)) for f in files} == counts
    assert list(counts) == sorted(counts)


@pytest.mark.parametrize("exposure", EXPOSURES)
def test_every_line_but_one_can_be_read(dumps, exposure):
    folder, _ = dumps[exposure]
    files = [f for f in folder.iterdir() if f.is_file() and f.name != "manifest.json"]
    broken = {f.name: sum(row is None for row in parsed(f)) for f in files}
    assert sum(broken.values()) == 1
    where = next(name for name, n in broken.items() if n)
    assert where.startswith({"register": "passages", "community": "face", "fusion": "plate_read"}[exposure])


@pytest.mark.parametrize("exposure", EXPOSURES)
def test_the_manifest_says_that_all_is_invented(dumps, exposure):
    manifest = json.loads((dumps[exposure][0] / "manifest.json").read_text())
    assert manifest["synthetic"] is True
    assert manifest["generator"] == "retrace-kit city"
    assert manifest["exposure"] == exposure
    assert manifest["tz"] == "Etc/GMT-8"
    assert set(manifest) == {"synthetic", "generator", "version", "exposure", "seed", "tz", "people", "days",
                             "first_day"}


def test_the_register_has_the_documented_fields(dumps):
    folder, _ = dumps["register"]
    persons = parsed(folder / "persons.jsonl")
    full = {"_id", "name", "id_no", "id_issue", "id_expire", "sex", "nationality", "address", "birthday", "photo_ref",
            "employer", "system_label"}
    assert all(set(p) in (full, full - {"birthday"}) for p in persons)
    assert 0.01 < np.mean([p.get("birthday") is None for p in persons]) < 0.03
    assert {p["system_label"] for p in persons} == {"teal", "amber"}
    passages = [p for p in parsed(folder / "passages.jsonl") if p]
    assert all(set(p) == {"_id", "id_no", "tracker_id", "ts", "score", "snap_ref"} for p in passages)
    known = {p["id_no"] for p in persons} | {None}
    assert {p["id_no"] for p in passages} <= known
    for document in (*persons, *passages, *parsed(folder / "trackers.jsonl")):
        assert re.fullmatch(r"[0-9a-f]{24}", document["_id"]["$oid"])


def test_the_register_spells_dates_and_numbers_in_three_ways(dumps):
    forms = {"relaxed": 0, "canonical": 0, "legacy": 0}
    for p in parsed(dumps["register"][0] / "passages.jsonl"):
        if p is None:
            continue
        date = p["ts"]["$date"]
        form = "relaxed" if isinstance(date, str) else "canonical" if isinstance(date, dict) else "legacy"
        forms[form] += 1
        assert isinstance(p["tracker_id"], dict) == (form == "canonical")
        assert p["score"] is None or isinstance(p["score"], dict) == (form == "canonical")
    assert min(forms.values()) > 0.1 * sum(forms.values())


def raw_ms(p):
    date = p["ts"]["$date"]
    if isinstance(date, dict):
        return int(date["$numberLong"])
    return date if isinstance(date, int) else pd.Timestamp(date).value // 1_000_000


def tracker_of(p):
    number = p["tracker_id"]
    return number["$numberInt"] if isinstance(number, dict) else str(number)


def test_the_register_records_2_60_passages_a_person_day(dumps):
    _, counts = dumps["register"]
    assert counts["passages.jsonl"] / counts["persons.jsonl"] == pytest.approx(2.60, rel=0.06)


def test_register_truth_points_at_the_right_lines(dumps):
    """A false match names somebody else than the truth does, an unmatched line nobody, a duplicate its original."""
    folder, _ = dumps["register"]
    rows, who = parsed(folder / "passages.jsonl"), truth(folder, "people").set_index("person_no")["id_no"]
    wrong = truth(folder, "sightings")
    assert len(wrong) > 300
    for t in wrong.itertuples():
        raw = rows[t.sighting_id]
        if raw is None:
            continue
        if t.why == "unmatched":
            assert raw["id_no"] is None
        elif t.why == "false_match":
            assert raw["id_no"] == who[t.recorded_person_no] != who[t.person_no]
        else:
            assert raw["id_no"] == who[t.person_no]
        if not pd.isna(t.duplicate_of):
            first = rows[t.duplicate_of]
            assert (raw["id_no"], 0 <= raw_ms(raw) - raw_ms(first) <= 2_000) == (first["id_no"], True)
    unlisted = set(range(len(rows))) - set(wrong["sighting_id"])
    assert all(rows[i] is None or rows[i]["id_no"] is not None for i in unlisted)


def test_register_records_without_an_entry_are_of_who_was_there(dumps):
    """Each such record lies on the person's way: the truth has them travelling, or arriving, at that moment."""
    folder, _ = dumps["register"]
    rows, people = parsed(folder / "passages.jsonl"), truth(folder, "people")
    number = dict(zip(people["id_no"], people["person_no"], strict=True))
    sensors = truth(folder, "sensors").set_index("sensor_id")
    good = set(sensors.index[sensors["clock_offset_s"] == 0])
    wrong = set(truth(folder, "sightings")["sighting_id"])
    stays = dict(list(truth(folder, "episodes").groupby("person_no")))
    checked = 0
    for i, raw in enumerate(rows[:6_000]):
        if raw is None or i in wrong or tracker_of(raw) not in good:
            continue
        moment = pd.Timestamp(raw_ms(raw), unit="ms", tz="UTC")
        g = stays[number[raw["id_no"]]]
        slack = pd.Timedelta("6s")
        assert not ((g["arrived_at"] + slack < moment) & (moment < g["left_at"] - slack)).any()
        checked += 1
    assert checked > 4_000


def test_sensor_truth_keeps_within_bounds(dumps):
    for exposure in EXPOSURES:
        sensors = truth(dumps[exposure][0], "sensors")
        assert sensors["detection_rate"].between(0.60, 0.95).all()
        off = sensors.loc[sensors["clock_offset_s"] != 0, "clock_offset_s"].abs()
        assert len(off) == max(1, round(0.05 * len(sensors)))
        assert off.between(19, 301).all()


def test_shares_of_wrong_and_repeated_records(dumps):
    for exposure, named in (("register", "passages"), ("community", "face")):
        folder, counts = dumps[exposure]
        n = sum(v for k, v in counts.items() if k.startswith(named))
        wrong = truth(folder, "sightings")
        wrong = wrong[wrong["sighting_id"] < n]
        first = wrong[wrong["duplicate_of"].isna()]
        spread = 4 * np.sqrt(0.02 * 0.98 / n)
        assert abs((first["why"] == "false_match").sum() / n - 0.02) < spread + 0.001
        assert abs((first["why"] == "unmatched").sum() / n - 0.03) < spread + 0.002
        assert 0.01 < wrong["duplicate_of"].notna().sum() / n < 0.03


def test_the_community_has_a_face_and_a_wifi_file_a_month(dumps):
    _, counts = dumps["community"]
    assert set(counts) == {"camera.ndjson", "face-2031.02.ndjson", "face-2031.03.ndjson", "wifi-2031.02.ndjson",
                           "wifi-2031.03.ndjson"}


def test_the_community_has_the_documented_fields(dumps):
    folder, _ = dumps["community"]
    wanted = {"camera": {"camera_id", "community", "entrance", "lon", "lat", "x_m", "y_m", "kind", "indoor"},
              "face": {"capture_time", "camera_id", "community", "person_id", "name", "id_no", "match_score",
                       "list_hit", "age_est", "glasses", "mask", "system_label"},
              "wifi": {"ts", "sniffer_id", "mac", "randomised", "rssi_dbm", "ssid_probe", "imei", "imsi"}}
    spelled = set()
    for file in folder.glob("*.ndjson"):
        for document in parsed(file):
            if document is None:
                continue
            assert set(document) == {"_index", "_id", "_source"}
            source = document["_source"]
            assert set(source) == wanted[file.name.split("-")[0].split(".")[0]]
            if "capture_time" in source:
                spelled.add(type(source["capture_time"]).__name__ + ("T" in str(source["capture_time"])) * " iso")
            if "rssi_dbm" in source:
                assert -95 <= source["rssi_dbm"] <= -30
    assert spelled == {"int", "str", "str iso"}


def test_community_truth_points_at_the_right_lines(dumps):
    folder, _ = dumps["community"]
    rows = sightings_of(folder, "community")
    who = truth(folder, "people").set_index("person_no")["person_id"]
    owner = truth(folder, "devices").set_index("mac")["person_no"]
    for t in truth(folder, "sightings").itertuples():
        file, document = rows[t.sighting_id]
        if document is None:
            continue
        if file.startswith("wifi"):
            assert owner[document["_source"]["mac"]] == t.person_no
            assert rows[t.duplicate_of][1]["_source"]["mac"] == document["_source"]["mac"]
        elif t.why == "unmatched":
            assert document["_source"]["person_id"] is None
        else:
            assert document["_source"]["person_id"] == who[t.recorded_person_no]
            assert (t.why == "false_match") == (t.recorded_person_no != t.person_no)


def test_residents_are_seen_four_to_eight_times_a_day(dumps):
    folder, _ = dumps["community"]
    people = truth(folder, "people")
    residents = set(people.loc[people["person_no"] < 500, "person_id"])
    seen = sum(document is not None and document["_source"]["person_id"] in residents
               for file, document in sightings_of(folder, "community") if file.startswith("face"))
    assert 4 <= seen / (len(residents) * 35) <= 8


def test_rotating_devices_change_their_address_every_day(dumps):
    devices = truth(dumps["community"][0], "devices")
    addresses = devices.groupby("device_no").agg(n=("mac", "size"), rotates=("rotates", "first"))
    assert (addresses.loc[~addresses["rotates"], "n"] == 1).all()
    assert addresses.loc[addresses["rotates"], "n"].max() > 15


def test_fusion_truth_points_at_the_right_lines(dumps):
    folder, _ = dumps["fusion"]
    rows, people = sightings_of(folder, "fusion"), truth(folder, "people").set_index("person_no")
    column = {"checkpoint.csv": "id_no", "plate_read.csv": "plate", "fuel.csv": "plate"}
    seen = set()
    for t in truth(folder, "sightings").itertuples():
        file, row = rows[t.sighting_id]
        if row is None or file not in column:
            continue
        seen.add(file)
        key = column[file]
        assert row[key] == ("" if t.why == "unmatched" else people.loc[t.recorded_person_no, key])
    assert {"checkpoint.csv", "plate_read.csv"} <= seen


def test_fusion_positions_are_near_where_people_are(dumps, plan):
    """A GPS position inside a stay lies within 100 m of the place."""
    folder, _ = dumps["fusion"]
    people = truth(folder, "people").dropna(subset=["did"]).set_index("did")["person_no"]
    stays = dict(list(truth(folder, "episodes").groupby("person_no")))
    far = []
    for row in parsed(folder / "phone_sighting.ndjson")[::7]:
        if row["gps"] is None:
            continue
        moment = pd.Timestamp(row["ts"], unit="s", tz="UTC")
        g = stays[people[row["did"]]]
        inside = g[(g["arrived_at"] + pd.Timedelta("330s") < moment) & (moment < g["left_at"] - pd.Timedelta("330s"))]
        if len(inside) == 1 and inside["place_id"].iloc[0] >= 0:
            x, y = ground.degrees_to_plane(row["gps"]["lon"], row["gps"]["lat"])
            place = plan.places.iloc[inside["place_id"].iloc[0]]
            far.append(np.hypot(x - place["x_m"], y - place["y_m"]))
    assert len(far) > 200
    assert np.max(far) < 100


def test_fusion_mixes_two_spellings_of_time(dumps):
    for file in ("checkpoint.csv", "datadoor.csv", "plate_read.csv"):
        text = (dumps["fusion"][0] / file).read_text()
        assert re.search(r"2031-\d\d-\d\d \d\d:", text)
        assert re.search(r"2031/\d\d/\d\d \d\d:", text)


def test_meters_count_every_household_every_day(dumps):
    folder, _ = dumps["fusion"]
    meter, people = pd.read_csv(folder / "meter.csv"), truth(folder, "people")
    assert set(meter["household_no"]) == set(people["household_id"])
    assert (meter.groupby("household_no")["date"].nunique() == 3).all()
    assert meter["kwh"].between(0.5, 60).all()


def test_no_written_identifier_is_one_that_a_real_rule_accepts(dumps):
    for exposure in EXPOSURES:
        folder = dumps[exposure][0]
        for file in folder.glob("*.*"):
            text = file.read_text()
            words = set(re.findall(r"SYN[-0-9A-Z]+|[A-Z]{2}-\d{4}~", text))
            for word in words:
                digits = re.sub(r"\D", "", word)
                assert not ric.is_valid(word)
                assert not ric.is_valid(digits)
                assert not imei.is_valid(digits)
                assert len(digits) != 15 or not luhn.is_valid(digits)
            macs = set(re.findall(r"\b[0-9A-F]{2}(?:-[0-9A-F]{2}){5}\b", text))
            assert all(mac.startswith("02-") for mac in macs)
            assert not re.search(r"\b[\w.]+@[\w.]+\b", text)


def test_one_population_in_all_three_exposures(tmp_path):
    """The same people, homes and way through 2031-03-12, whichever exposure recorded it."""
    tables = {}
    for exposure, people in (("register", 600), ("community", 2_000), ("fusion", 150)):
        out = tmp_path / exposure
        leaks.write_dump(exposure, people, 1, 5, out, first_day="2031-03-12")
        tables[exposure] = (truth(out, "people").set_index("person_no"), truth(out, "episodes"))
    shared = range(300, 450)
    people, episodes = tables["register"]
    for exposure in ("community", "fusion"):
        other, other_days = tables[exposure]
        for column in ("id_no", "home_place", "work_place", "schedule", "system_label", "household_no"):
            assert other.loc[shared, column].astype(str).tolist() == people.loc[shared, column].astype(str).tolist()
        a, b = (t[t["person_no"].isin(shared)].reset_index(drop=True).drop(columns="zone")  # each names its own zones
                for t in (episodes, other_days))
        pd.testing.assert_frame_equal(a, b)


@pytest.mark.parametrize(("exposure", "people", "days"), [("register", 300, 1), ("community", 40, 2),
                                                          ("fusion", 60, 2)])
def test_same_seed_same_bytes_other_seed_other_data(tmp_path, exposure, people, days):
    made = []
    for i, seed in enumerate((5, 5, 6)):
        out = tmp_path / str(i)
        leaks.write_dump(exposure, people, days, seed, out)
        made.append({f.relative_to(out).as_posix(): f.read_bytes() for f in sorted(out.rglob("*")) if f.is_file()})
    assert made[0] == made[1]
    assert set(made[0]) == set(made[2])
    same = {name for name in made[0] if made[0][name] == made[2][name]}
    assert same <= {"camera.ndjson", "sites.csv"}


@pytest.mark.parametrize("exposure", EXPOSURES)
def test_an_excerpt_has_the_broken_line_and_every_file(dumps, tmp_path, exposure):
    folder, counts = dumps[exposure]
    kept = leaks.excerpt(folder, tmp_path / "raw", 20)
    assert set(kept) == set(counts)
    assert all(n <= 20 for n in kept.values())
    assert sum(row is None for name in kept for row in parsed(tmp_path / "raw" / name)) == 1
    for name in kept:
        assert set(lines_of(tmp_path / "raw" / name)) <= set(lines_of(folder / name))
    assert not (tmp_path / "raw" / "truth").exists()


def test_an_excerpt_of_the_register_has_all_three_spellings(dumps, tmp_path):
    leaks.excerpt(dumps["register"][0], tmp_path / "raw", 20)
    text = (tmp_path / "raw" / "passages.jsonl").read_text()
    for sign in ('"$date":"2031', '"$numberLong"', '"$date":19', '"id_no":null', '"score":null'):
        assert sign in text


@pytest.mark.parametrize(("wrong", "word"), [
    ({"exposure": "senses"}, "exposure"), ({"people": 1}, "people"), ({"people": "all"}, "people"),
    ({"people": 10**8}, "people"), ({"days": 0}, "days"), ({"days": 1.5}, "days"), ({"seed": "x"}, "seed"),
    ({"seed": -1}, "seed"), ({"first_day": "tomorrow"}, "first day"), ({"first_day": "2019-02-13"}, "2031"),
    ({"out": None}, "folder")])
def test_bad_arguments_are_one_clear_sentence_and_write_nothing(tmp_path, wrong, word):
    arguments = {"exposure": "register", "people": 10, "days": 1, "seed": 1, "out": tmp_path / "new", **wrong}
    with pytest.raises(InputError, match=word) as caught:
        leaks.write_dump(**arguments)
    assert "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_not_empty_is_left_alone(tmp_path):
    (tmp_path / "mine.txt").write_text("keep")
    with pytest.raises(InputError, match="not empty"):
        leaks.write_dump("register", 10, 1, 1, tmp_path)
    with pytest.raises(InputError, match="not empty"):
        leaks.write_dump("register", 10, 1, 1, tmp_path / "mine.txt")
    assert [p.name for p in tmp_path.iterdir()] == ["mine.txt"]


def test_an_empty_folder_is_filled_and_nothing_else_remains(tmp_path):
    (tmp_path / "new").mkdir()
    leaks.write_dump("register", 10, 1, 5, tmp_path / "new")
    assert [p.name for p in tmp_path.iterdir()] == ["new"]


def test_an_interrupted_dump_leaves_nothing(tmp_path):
    def stop(stage, done, total):
        if stage == "passages":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        leaks.write_dump("register", 10, 1, 5, tmp_path / "new", progress=stop)
    assert list(tmp_path.iterdir()) == []


def test_progress_ends_where_it_said_it_would(tmp_path):
    told = {}
    leaks.write_dump("register", 50, 1, 5, tmp_path / "new", progress=lambda *now: told.update({now[0]: now}))
    assert all(done == total for _, done, total in told.values())


def test_raw_identifiers_are_those_of_ids(dumps, seed):
    people = truth(dumps["register"][0], "people")
    numbers = people["person_no"].to_numpy(np.int64)
    assert people["id_no"].tolist() == ids.id_numbers(numbers, seed).tolist()
