"""The city's own dumps, read a second time with nothing but the standard library: both readings must agree."""

import csv
import datetime as dt
import hmac
import json
from base64 import b32encode

import pandas as pd
import pytest

import kit
from kit import ingest
from kit.city.leaks import write_dump

SIZES = {"register": {"people": 300}, "community": {"people": 40, "days": 3}, "fusion": {"people": 30, "days": 3}}
EIGHT_HOURS = dt.timedelta(hours=8)


@pytest.fixture(scope="module", params=list(SIZES))
def pair(request, tmp_path_factory):
    """A dump, what write_dump says it holds, its ingest report and its exposure."""
    name, folder = request.param, tmp_path_factory.mktemp(request.param)
    rows = write_dump(name, seed=7, out=folder / "dump", **SIZES[name])
    report = ingest.sanitize(folder / "dump", name, ingest.DEMO_KEY, folder / "clean")
    return name, folder / "dump", rows, report, kit.open_exposure(folder / "clean")


def test_every_record_the_city_wrote_is_accounted_for(pair):
    _, _, rows, report, exposure = pair
    assert report.rows_in == sum(rows.values())
    for source in report.sources:
        assert source.rows_in == sum(rows[file] for file in source.files)
        assert source.rows_in == source.rows_kept + source.rows_quarantined
        assert source.unknown_sensor == 0
        assert source.fields_not_in_recipe == []
    assert report.rows_quarantined == 1  # the one line that the city cuts in two
    assert len(exposure.sightings) == sum(s.rows_kept for s in report.sources if "sightings" in s.makes)


def test_sightings_are_those_that_the_standard_library_reads(pair):
    name, dump, _, _, exposure = pair
    found = exposure.sightings[["sighting_id", "subject_id", "sensor_id", "time"]].astype(object)
    found = found.where(found.notna(), None).itertuples(index=False, name=None)
    assert list(found) == list(sightings_by_hand(name, dump))


READ = {  # file name begins: subject field and kind, sensor field, time field
    "passages": ("id_no", "person", "tracker_id", "ts"), "face-": ("person_id", "person", "camera_id", "capture_time"),
    "wifi-": ("mac", "device", "sniffer_id", "ts"), "checkpoint": ("id_no", "person", "gate_id", "ts"),
    "datadoor": ("mac", "device", "gate_id", "ts"), "phone_sighting": ("did", "device", "cell_id", "ts"),
    "plate_read": ("plate", "vehicle", "cam_id", "ts"), "fuel": ("plate", "vehicle", "station_id", "ts"),
}


def sightings_by_hand(name, dump):
    number = -1
    for file in sorted(dump.iterdir()):
        known = next((spec for start, spec in READ.items() if file.name.startswith(start)), None)
        for record in records_by_hand(file) if known else ():
            number += 1
            if record is not None:
                who, kind, where, when = known
                yield (number, pseudonym_by_hand(name, kind, record[who]), str(plain(record[where])),
                       time_by_hand(record[when]))


def records_by_hand(file):
    """Each record as a dict, or None where the line is broken."""
    lines = file.read_text("utf-8").splitlines()
    if file.suffix == ".csv":
        header, *rows = csv.reader(lines)
        for cells in rows:
            yield dict(zip(header, cells, strict=True)) if len(cells) == len(header) else None
        return
    for line in lines:
        try:
            record = json.loads(line)
        except ValueError:
            yield None
            continue
        yield record.get("_source", record)


def plain(value):
    return next(iter(value.values())) if isinstance(value, dict) else value


def time_by_hand(value):
    value = plain(plain(value))
    if isinstance(value, str) and not value.isdigit():
        moment = dt.datetime.fromisoformat(value.replace("/", "-").replace("Z", "+00:00"))
        return moment if moment.tzinfo else (moment - EIGHT_HOURS).replace(tzinfo=dt.UTC)
    number = int(value)
    seconds, millis = divmod(number, 1000) if number > 10**11 else (number, 0)
    return dt.datetime.fromtimestamp(seconds, dt.UTC) + dt.timedelta(milliseconds=millis)


def pseudonym_by_hand(name, kind, raw):
    if not raw:
        return None
    key = hmac.digest(ingest.DEMO_KEY, name.encode(), "sha256")
    letters = b32encode(hmac.digest(key, f"{kind}:{raw}".encode(), "sha256")).decode().lower()
    return f"{kind[0]}_{letters[:12]}"


def test_the_duplicates_that_the_city_planted_are_flagged(pair):
    """A planted repeat under the same identity follows within 2 s on the same sensor, so it must be flagged.

    Some faces are stamped in whole seconds, so a repeat may read as up to a second later than it was.
    """
    _, dump, _, _, exposure = pair
    truth = pd.read_parquet(dump / "truth" / "sightings.parquet")
    sightings = exposure.sightings.set_index("sighting_id")
    planted = truth[truth["duplicate_of"].notna() & truth["sighting_id"].isin(sightings.index)
                    & truth["duplicate_of"].isin(sightings.index)]
    repeat, original = sightings.loc[planted["sighting_id"]], sightings.loc[planted["duplicate_of"]]
    same = (repeat["subject_id"].astype(str).to_numpy() == original["subject_id"].astype(str).to_numpy()) & (
        repeat["subject_id"].notna().to_numpy())
    apart = (repeat["time"].to_numpy() - original["time"].to_numpy()) / pd.Timedelta("1s")
    assert (apart[same] < 3).all()
    reads_near = same & (abs(apart) <= 2)
    assert reads_near.sum() > 0
    assert (repeat["duplicate"].to_numpy() | original["duplicate"].to_numpy())[reads_near].all()
