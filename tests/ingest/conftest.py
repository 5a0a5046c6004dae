"""Tiny dumps in the raw forms of the three exposures, small enough to count by hand."""

import json
from types import SimpleNamespace

import pytest

from kit.ingest import formats, opening
from kit.ingest.recipe import Field, Source

MANIFEST = {"synthetic": True, "generator": "retrace-kit city", "version": "0", "exposure": "any", "seed": 1,
            "tz": "Etc/GMT-8", "people": 3, "days": 1, "first_day": "2031-03-12"}


def id_no(n):
    return f"SYN{n:015d}X"


def person(n, birthday='"1991-07-14"', label="teal"):
    return (f'{{"_id":{{"$oid":"{n:024x}"}},"name":"Sample Person {n}","id_no":"{id_no(n)}","id_issue":"2025-01-01",'
            f'"sex":"U","nationality":"SYNTHLAND","address":"{n} Null Street, Block 7","birthday":{birthday},'
            f'"photo_ref":"REMOVED","employer":"Fictional Mill Ltd","system_label":"{label}"}}')


def passage(who, when, tracker="417", score="0.87"):
    text = "null" if who is None else f'"{id_no(who)}"'
    return (f'{{"_id":{{"$oid":"00"}},"id_no":{text},"tracker_id":{tracker},"ts":{when},"score":{score},'
            '"snap_ref":"REMOVED"}')


def tracker(n, lon=-123.39, lat=-48.88):
    return (f'{{"_id":{{"$oid":"0"}},"tracker_id":{n},"lon":{lon},"lat":{lat},"x_m":1.0,"y_m":2.0,'
            f'"name":"Hotel gate N2","place_class":"hotel","zone":"Mole","facing_deg":140.0,"range_m":12.0}}')


# One broken line (record 5), one without a time (record 8), a blank line and CRLF ends that are no records,
# no newline at the end. Person 1: two records 1.5 s apart and one 2.5 s after the first.
PASSAGES = "\r\n".join([
    passage(1, '{"$date":"2031-03-12T07:41:09.120Z"}'),
    passage(1, '{"$date":{"$numberLong":"1931067670620"}}', '{"$numberInt":"417"}', '{"$numberDouble":"0.5"}'),
    passage(1, '{"$date":1931067671620}', score="null"),
    passage(None, '{"$date":1931067671620}'),
    passage(None, '{"$date":1931067671620}'),
    passage(2, '{"$date":"2031-03-12')[:70],
    "",
    passage(2, '{"$date":"2031-03-12T08:00:00Z"}', "418"),
    passage(3, '{"$date":"2031-03-12T09:00:00Z"}', "999", "7.5"),
    passage(3, "null"),
    passage(3, '{"$date":"2031-03-11T16:00:00Z"}', "418"),
])
REGISTER = {
    "trackers.jsonl": "\n".join([tracker(417), tracker(418), tracker(419, lat=-98.88)]) + "\n",
    "persons.jsonl": "\n".join([person(1), person(2, "null", "amber"), person(3, '"2031-03-13"'), person(4)]) + "\n",
    "passages.jsonl": PASSAGES,
}


def hit(index, **source):
    return json.dumps({"_index": index, "_id": "1", "_source": source})


def face(when, who, age=34, camera="CAM-A-07", **more):
    return hit("face-2031.02", capture_time=when, camera_id=camera, community="NULLVALE-A", person_id=who, name=None,
               id_no=None, match_score=0.91, list_hit=False, age_est=age, glasses=True, mask=False,
               system_label="amber", **more)


def wifi(when, mac):
    return hit("wifi-2031.02", ts=when, sniffer_id="WIFI-A-03", mac=mac, randomised=False, rssi_dbm=-61,
               ssid_probe=["Null Cafe"], imei="SYN-IMEI-000000000000011", imsi="SYN-IMSI-000000000000012")


def camera(name, kind, entrance):
    return hit("camera", camera_id=name, community="NULLVALE-A", entrance=entrance, lon=-123.39, lat=-48.88, x_m=1.0,
               y_m=2.0, kind=kind, indoor=False)


COMMUNITY = {
    "camera.ndjson": "\n".join([camera("CAM-A-07", "gate", None), camera("CAM-A-08", "lift", "A-05"),
                                camera("WIFI-A-03", "sniffer", "A-05")]),
    "face-2031.02.ndjson": "\n".join([
        face(1931067669120, "SYN-P-0000001"), face("1931067679", "SYN-P-0000001", age=39, camera="CAM-A-08"),
        face("2031-03-12T15:41:29.120+08:00", "SYN-P-0000001", age=41), face(1931067669120, None),
        face(1931067669120, "SYN-P-0000002")[:90]]),
    "face-2031.03.ndjson": face(1931167669120, "SYN-P-0000002", age=71) + "\n",
    "wifi-2031.02.ndjson": wifi(1931067669120, "02-AA-BB-CC-DD-01") + "\n" + wifi(1931067669120, "02-AA-BB-CC-DD-02"),
}
FUSION = {
    "sites.csv": "site_id,kind,lon,lat,x_m,y_m,place_class,zone\nG-12,checkpoint,-123.39,-48.88,1,2,gate,Mole\n"
                 "PR-01,plate_reader,-123.39,-48.88,1,2,road,Mole\nF-01,pump,-123.39,-48.88,1,2,fuel,Mole\n"
                 "C-017,cell,-123.39,-48.88,1,2,cell,Mole\n",
    "checkpoint.csv": f"id_no,gate_id,ts,direction,result\n{id_no(1)},G-12,2031-03-04 07:41:09,in,pass\n"
                      f"{id_no(2)},G-12,2031/03/04 07:41:10,out,hold\n",
    "datadoor.csv": "mac,imei,gate_id,ts,rssi_dbm\n02-AA-BB-CC-DD-01,SYN-IMEI-000000000000011,G-12,"
                    "2031-03-04 07:41:09,-61\n",
    "plate_read.csv": "plate,cam_id,ts,colour,speed_kmh\nZZ-0123~,PR-01,2031-03-04 08:00:00,grey,42\n"
                      "ZZ-0124~,PR-01\nZZ-0124~,PR-01,2031-03-04 25:00:00,grey,42\n",
    "fuel.csv": f"plate,id_no,station_id,ts,litres\nZZ-0123~,{id_no(1)},F-01,2031-03-04 09:00:00,31.5\n",
    "meter.csv": "household_no,date,kwh\nSYN-H-0000001,2031-03-04,7.44\nSYN-H-0000001,2031-03-05,none\n",
    "task.csv": "case_id,rule_id,issued_ts,closed_ts\n1,R07,2031-03-04 09:00:00,\n",
    "phone_sighting.ndjson": "\n".join([
        '{"did":"SYN-D-0000123","cell_id":"C-017","ts":1930347669,"sim_changed":false,"gps":null}',
        '{"did":"SYN-D-0000123","cell_id":"C-017","ts":1930347969,"sim_changed":false,'
        '"gps":{"lon":-123.39,"lat":-48.88,"accuracy_m":8.5,"alt":3}}',
        '{"did":"SYN-D-0000123","cell_id":"C-017","ts":1930348269,"sim_changed":true,"gps":{"lon":-123.39,"lat":98}}']),
    "visit_form.ndjson": f'{{"id_no":"{id_no(1)}","date":"2031-03-04","text":"Sample Person 1 was at home",'
                         '"height_cm":171,"blood_type":"SYN"}\n',
}


def lay_out(folder, files, manifest=MANIFEST):
    folder.mkdir(exist_ok=True)
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8", newline="")
    if manifest:
        (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    return folder


@pytest.fixture
def raw():
    """The raw texts and what makes them, for tests that change one thing."""
    return SimpleNamespace(REGISTER=REGISTER, COMMUNITY=COMMUNITY, FUSION=FUSION, lay_out=lay_out, person=person,
                           passage=passage, face=face)


@pytest.fixture
def register(tmp_path):
    return lay_out(tmp_path / "register", REGISTER)


@pytest.fixture
def community(tmp_path):
    return lay_out(tmp_path / "community", COMMUNITY)


@pytest.fixture
def fusion(tmp_path):
    return lay_out(tmp_path / "fusion", FUSION)


@pytest.fixture(scope="session")
def forms():
    """For the tests of reading: `source` with nothing but fields, and `read`, a file read to its end."""
    return SimpleNamespace(source=_source, read=_read)


def _source(form, *paths, **options):
    return Source("s", "*", form, ("nothing",), tuple(Field(p, "measurement", "tally") for p in paths), **options)


def _read(path, source, block_bytes=formats.BLOCK_BYTES):
    """Everything a file holds, its blocks end to end: texts, places of the records, and the broken ones."""
    texts = {f.path: [] for f in source.read}
    places, broken, keys, count, notes = [], [], set(), 0, {}
    for part in opening.open_parts(path):
        for block, parse in formats.cut(part, source, None, block_bytes):
            records = parse()
            assert records.count == len(records.rows) + len(records.broken)
            for name, column in records.texts.items():
                assert len(column) == len(records.rows)
                texts[name] += column.to_pylist()
            places += [block.where(row) for row in records.rows]
            broken += [(*block.where(row), reason) for row, reason in records.broken]
            for row, _ in records.broken:
                assert len(block.excerpt(row)) <= formats.EXCERPT_LETTERS
            keys |= records.keys
            count += records.count
            for note, n in records.notes.items():
                notes[note] = notes.get(note, 0) + n
    return SimpleNamespace(texts=texts, places=places, broken=broken, keys=keys, count=count, notes=notes)
