"""What a recipe's words about time and place do to a dump, from file to table, report and quarantine."""

import json

import numpy as np
import pandas as pd
import pytest

from kit import geo, ingest
from kit.errors import InputError

KEY = b"a private key of some length"
TRACK = """
name = "track"
time_zone = "Asia/Shanghai"
[[source]]
name = "points"
files = "points*.csv"
form = "csv"
makes = "fixes"
delimiter = ";"
{place}
[source.fields]
who = {{ is = "identifier", do = "pseudonymise", as = "subject_id", kind = "device" }}
t = {{ is = "time", do = "keep", as = "time"{time} }}
x = {{ is = "place", do = "keep", as = "lon"{degrees} }}
y = {{ is = "place", do = "keep", as = "lat"{degrees} }}
"""
GATES = """
name = "gates"
time_zone = "UTC"
[[source]]
name = "sites"
files = "sites*.csv"
form = "csv"
makes = "sensors"
[source.set]
kind = "camera"
place_class = "gate"
zone_id = "Mole"
[source.fields]
site = { is = "sensor", do = "keep", as = "sensor_id" }
lon = { is = "place", do = "keep", as = "lon" }
lat = { is = "place", do = "keep", as = "lat" }
[[source]]
name = "log"
files = "log*.csv"
form = "csv"
makes = "sightings"
[source.set]
source = "face"
[source.fields]
who = { is = "identifier", do = "pseudonymise", as = "subject_id", kind = "person" }
site = { is = "sensor", do = "keep", as = "sensor_id" }
t = { is = "time", do = "keep", as = "time" }
"""


@pytest.fixture
def track(tmp_path):
    """Run rows of (time, x, y) through a recipe; gives the fixes, the source's report, and the reasons by record."""
    def run(rows, time="", place="", degrees=""):
        (tmp_path / "dump").mkdir()
        lines = ["who;t;x;y", *(f"D1;{';'.join(row)}" for row in rows)]
        (tmp_path / "dump" / "points.csv").write_text("\n".join(lines), encoding="utf-8")
        (tmp_path / "track.toml").write_text(TRACK.format(time=time, place=place, degrees=degrees), encoding="utf-8")
        report = ingest.sanitize(tmp_path / "dump", tmp_path / "track.toml", KEY, tmp_path / "out").source("points")
        assert (report.rows_in, report.rows_in) == (len(rows), report.rows_kept + report.rows_quarantined)
        quarantine = (tmp_path / "out" / "quarantine.jsonl").read_text("utf-8").splitlines()
        fixes = pd.read_parquet(tmp_path / "out" / "fixes.parquet")
        return fixes, report, {q["line"] - 1: q["reason"] for q in map(json.loads, quarantine)}
    return run


def stamped(*times):
    return [(text, "-123.39", "-48.88") for text in times]


def read(fixes):
    return fixes["time"].dt.strftime("%Y-%m-%d %H:%M:%S").tolist()


def test_one_column_may_mix_every_form_and_what_cannot_be_told_is_quarantined_with_its_reason(track):
    """2031-03-12 07:41:09 in UTC is 15:41:09 in Shanghai."""
    fixes, report, reasons = track(stamped(
        "1931067669", "1931067669000", "2031-03-12T07:41:09Z", "2031-03-12 15:41:09", "20310312154109",
        "Wed, 12 Mar 2031 15:41:09 +0800", "12/03/2031 15:41:09", "soon", "", "9999-12-31 23:59:59",
        "0001-01-01 00:00:00", "2016-12-31T23:59:60Z", "2031-03-11 24:00:00"))
    assert read(fixes)[:6] == ["2031-03-12 07:41:09"] * 6
    assert read(fixes)[6:] == ["2017-01-01 00:00:00", "2031-03-11 16:00:00"]
    none, which = "a time before 1900 or after 2199, which stands for none", reasons[7]
    assert which.startswith("a date of which the recipe must say whether the day or the month comes first")
    assert reasons == {7: which, 8: "a time that cannot be read", 9: "no time", 10: none, 11: none}
    assert report.notes == {"24:00, read as the midnight that ends the day": 1,
                            "leap second, read as the second after it": 1}


@pytest.mark.parametrize(("time", "texts", "utc"), [
    (', form = "DD/MM/YYYY"', ["12/03/2031 15:41:09", "12.3.2031 3:41:09 PM"], "2031-03-12 07:41:09"),
    (', form = "MM/DD/YYYY"', ["03/12/2031 15:41:09"], "2031-03-12 07:41:09"),
    (', form = "YYYYMMDDHHMM"', ["203103121541"], "2031-03-12 07:41:00"),
    (', unit = "excel"', ["47919.653576388889"], "2031-03-12 07:41:09"),
    (', unit = "excel", decimal = ","', ["47919,653576388889"], "2031-03-12 07:41:09"),
    (', unit = "excel1904"', ["46457.653576388889"], "2031-03-12 07:41:09"),
    (', unit = "s"', ["1931067669.0"], "2031-03-12 07:41:09"),
    (', zone = "Asia/Urumqi"', ["2031-03-12 13:41:09", "2031-03-12T07:41:09Z"], "2031-03-12 07:41:09"),
    (', stamps = "end", lasting = "5min"', ["2031-03-12 15:46:09", "1931067969"], "2031-03-12 07:41:09"),
])
def test_what_a_recipe_says_about_a_time_is_done(track, time, texts, utc):
    """Excel shows 47919 as 2031-03-12 (2000-01-01 is 36526, and 31 years with 8 leap days and 70 days are 11,393)."""
    fixes, _, reasons = track(stamped(*texts), time=time)
    assert read(fixes) == [utc] * len(texts)
    assert reasons == {}


def test_intervals_told_by_their_end_are_counted_as_moved(track):
    _, report, _ = track(stamped("2031-03-12 15:46:09", "x", "2031-03-12 15:51:09"),
                         time=', stamps = "end", lasting = "5min"')
    assert report.notes == {"stamped at its end, moved 5 min back to its start": 2}


def test_places_that_stand_for_none_are_quarantined_with_their_reasons(track):
    when = "2031-03-12T07:41:09Z"
    fixes, _, reasons = track([(when, *xy) for xy in [
        ("-123.39", "-48.88"), ("0", "0"), ("0.0", "90"), ("NaN", "1"), ("1", "Infinity"), ("-48.88", "-123.39"),
        ("", ""), ("123°23'24\"W", "48°52'48\"S"), ("-123,39", "-48,88"), ("180", "-48.88")]])
    assert np.round(fixes["lon"], 9).tolist() == [-123.39, -123.39, 180]
    assert reasons == {2: "a position of 0, 0, which stands for none", 3: "a position at a pole, which stands for none",
                       4: "a position that is no finite number", 5: "a position that is no finite number",
                       6: "a position off the globe, but on it if lon and lat are swapped", 7: "no position",
                       9: "a position that cannot be read"}


@pytest.mark.parametrize(("place", "degrees", "xy"), [
    ('axes = "lat lon"', "", ("30.5", "104.5")), ("", ', decimal = ","', ("104,5", "30,5")),
    ("", ', unit = "e7"', ("1045000000", "305000000")),
    ('crs = "gcj02"', "", [repr(float(d)) for d in geo.to_gcj02(104.5, 30.5)]),
    ('crs = "bd09"', "", [repr(float(d)) for d in geo.to_bd09(104.5, 30.5)]),
    ('crs = "bd09"\naxes = "lat lon"', "", [repr(float(d)) for d in geo.to_bd09(104.5, 30.5)][::-1]),
])
def test_what_a_recipe_says_about_a_place_is_done(track, place, degrees, xy):
    fixes, _, reasons = track([("2031-03-12T07:41:09Z", *xy)], place=place, degrees=degrees)
    assert geo.haversine_m(fixes["lon"], fixes["lat"], 104.5, 30.5).max() < 0.1
    assert reasons == {}


def test_metres_without_a_crs_are_refused_with_the_reason(track):
    with pytest.raises(InputError, match="the commonest reason is: a position off the globe"):
        track([("2031-03-12T07:41:09Z", "500000", "4427757")])


def test_points_far_from_the_rest_stay_and_are_counted(track):
    near = [("2031-03-12T07:41:09Z", f"10.{k}", "50.5") for k in range(10, 30)]
    fixes, report, _ = track([*near, ("2031-03-12T07:41:09Z", "-123.39", "-48.88"),
                              ("2031-03-12T07:41:09Z", "50.5", "10.2")])
    assert len(fixes) == 22
    assert report.notes == {"far from the rest": 2, "near the rest if lon and lat were swapped": 1}


def test_places_come_from_another_file_by_sensor_and_a_clock_hours_ahead_is_noticed_and_left_alone(tmp_path):
    """Sites A and B see a rush at 8 and 18 h and nobody at night; B's clock runs 15 h ahead."""
    hours = [8] * 20 + [18] * 20 + list(range(6, 23))
    rows = [(site, pd.Timestamp("2031-03-12") + pd.Timedelta(day, "D") + pd.Timedelta(hour + ahead, "h"))
            for site, ahead, times in (("A", 0, 2), ("B", 15, 1)) for day in range(10) for hour in times * hours]
    (tmp_path / "dump").mkdir()
    (tmp_path / "dump" / "sites.csv").write_text("site,lon,lat\nA,-123.39,-48.88\nB,-123.38,-48.87\n")
    (tmp_path / "dump" / "log.csv").write_text("who,site,t\n" + "".join(f"P{i},{s},{t}\n" for i, (s, t) in
                                                                       enumerate(rows)))
    (tmp_path / "gates.toml").write_text(GATES)
    report = ingest.sanitize(tmp_path / "dump", tmp_path / "gates.toml", KEY, tmp_path / "out")
    notes = report.source("log").notes
    assert list(notes.values()) == [570]
    assert next(iter(notes)).startswith("the clock of sensor B runs 15 h ahead of the rest, by its hours of the day")
    sightings = pd.read_parquet(tmp_path / "out" / "sightings.parquet")
    assert sightings.loc[sightings["sensor_id"] == "B", "time"].min() == pd.Timestamp("2031-03-12 21:00", tz="UTC")
    sensors = json.loads((tmp_path / "out" / "sensors.geojson").read_text("utf-8"))["features"]
    assert {f["properties"]["sensor_id"]: f["geometry"]["coordinates"] for f in sensors} == {
        "A": [-123.39, -48.88], "B": [-123.38, -48.87]}
