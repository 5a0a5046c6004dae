"""A drafted recipe: right on files nobody described, steady on broken ones, and silent about values."""

import random
import string
from fnmatch import fnmatch

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kit.errors import InputError
from kit.exposure import sample_folder
from kit.ingest import draft_recipe, load_recipe, sanitize
from kit.ingest.guesses import guess

KEY = b"a key for tests, of no other use"
SAMPLES = ("register", "community", "fusion")


def drafted(tmp_path, **files):
    """The draft of a folder with these files; `name__csv` is name.csv."""
    folder = tmp_path / "dump"
    folder.mkdir()
    for name, text in files.items():
        data = text if isinstance(text, bytes) else text.encode()
        (folder / name.replace("__", ".")).write_bytes(data)
    return draft_recipe(folder)


def said(source):
    return {f.path: f"{f.what} {f.do}" for f in source.fields}


def test_nine_fields_in_ten_are_right_on_the_samples():
    right = in_all = 0
    for name in SAMPLES:
        draft = draft_recipe(sample_folder(name) / "raw")
        for source in load_recipe(name).sources:
            files = sorted(p.name for p in (sample_folder(name) / "raw").iterdir())
            file = next(file for file in files if fnmatch(file, source.files))
            found = said(next(s for s in draft.sources if fnmatch(file, s.files)))
            compared = [f for f in source.fields if f.path in found]
            in_all += len(compared)
            right += sum(found[f.path] == f"{f.what} {f.do}" for f in compared)
    assert in_all > 100
    assert right >= 0.9 * in_all


@pytest.mark.parametrize("name", SAMPLES)
def test_a_draft_can_be_used_as_it_is(tmp_path, name):
    recipe = draft_recipe(sample_folder(name) / "raw")
    report = sanitize(sample_folder(name) / "raw", recipe, KEY, tmp_path / "out")
    by_hand = sanitize(sample_folder(name) / "raw", name, KEY, tmp_path / "by_hand")
    assert report.rows_in == by_hand.rows_in
    assert report.rows_kept == by_hand.rows_kept


def test_a_saved_draft_is_the_draft(tmp_path):
    recipe = draft_recipe(sample_folder("community") / "raw")
    (tmp_path / "draft.toml").write_text(recipe.text, encoding="utf-8", newline="\n")
    assert load_recipe(tmp_path / "draft.toml") == recipe
    assert draft_recipe(sample_folder("community") / "raw").text == recipe.text


CLOCKS = "user_id,time,lon,lat\n" + "".join(f"u{i % 9},2031-03-04 07:{i:02}:00,-123.39{i},-48.88{i}\n"
                                            for i in range(10, 60))


def test_a_clock_without_a_zone_is_asked_for(tmp_path):
    recipe = drafted(tmp_path, fixes__csv=CLOCKS)
    assert recipe.time_zone == "manifest"
    with pytest.raises(InputError, match="which clock"):
        sanitize(tmp_path / "dump", recipe, KEY, tmp_path / "out")
    report = sanitize(tmp_path / "dump", recipe, KEY, tmp_path / "out", tz="Etc/GMT-8")
    assert report.rows_kept == 50


def test_times_with_a_zone_need_no_answer(tmp_path):
    recipe = drafted(tmp_path, fixes__csv=CLOCKS.replace(":00,", ":00Z,"))
    assert recipe.time_zone == "UTC"


def test_a_dump_that_keeps_no_time_needs_no_clock(tmp_path):
    rows = "".join(f"S{i},-123.39{i},-48.88{i}\n" for i in range(10, 60))
    recipe = drafted(tmp_path, stations__csv="station_id,lon,lat\n" + rows)
    assert (recipe.time_zone, recipe.sources[0].makes) == ("UTC", ("sensors",))
    report = sanitize(tmp_path / "dump", recipe, KEY, tmp_path / "out")
    assert (report.rows_in, report.rows_kept) == (50, 50)


def points(first, second, name="location", more="", wrap="{}"):
    """Fifty records with an array of two numbers."""
    return "".join(wrap.format(f'{{"user_id":"u{i % 9}","time":{1_930_000_000 + i},"{name}":'
                               f'{{"type":"Point","coordinates":[{first}{i},{second}{i}]}}{more}}}') + "\n"
                   for i in range(10, 60))


LON_FIRST = {"coordinates.0": "lon", "coordinates.1": "lat"}
LAT_FIRST = {"coordinates.0": "lat", "coordinates.1": "lon"}


@pytest.mark.parametrize(("first", "second", "name", "more", "order", "why"), [
    ("-123.39", "-48.88", "location", "", LON_FIRST, "by its range"),
    ("-48.88", "-123.39", "location", "", LAT_FIRST, "by its range"),
    ("-73.39", "-48.88", "location", "", LON_FIRST, "longitude first, as GeoJSON has it"),
    ("-48.88", "-73.39", "geo", ',"x":{"lon":-73.39,"lat":-48.88}', LAT_FIRST, None),
    ("-48.88", "-73.39", "geo", "", LON_FIRST, "please check"),
])
def test_which_number_of_an_array_is_the_longitude(tmp_path, first, second, name, more, order, why):
    [source] = drafted(tmp_path, seen__ndjson=points(first, second, name, more)).sources
    assert source.makes == ("fixes",)
    if why is None:  # the plain pair is kept; the array agrees with it, and is let go
        assert source.field_of("lon").path == "x.lon"
        assert said(source)[f"{name}.coordinates.0"] == "place drop"
        return
    got = {f.path.removeprefix(f"{name}."): f.column for f in source.fields if f.column in ("lon", "lat")}
    assert got == order
    assert why in source.field_of("lon").why


def test_the_longitude_of_an_old_post_is_told_by_the_new_one(tmp_path):
    both = points("-48.88", "-73.39", "geo", ',"coordinates":{"type":"Point","coordinates":[-73.39,-48.88]}')
    [source] = drafted(tmp_path, seen__ndjson=both).sources
    assert (source.field_of("lon").path, source.field_of("lat").path) == (
        "coordinates.coordinates.0", "coordinates.coordinates.1")


@pytest.mark.parametrize(("file", "wrap", "form"), [
    ("seen__ndjson", "{}", "ndjson"), ("seen__json", '{{"_index":"i","_source":{}}}', "es-hits")])
def test_positions_in_arrays_are_read_as_drafted(tmp_path, file, wrap, form):
    recipe = drafted(tmp_path, **{file: points("-123.39", "-48.88", wrap=wrap)})
    report = sanitize(tmp_path / "dump", recipe, KEY, tmp_path / "out")
    assert (recipe.sources[0].form, report.rows_in, report.rows_kept) == (form, 50, 50)


@pytest.mark.parametrize("array", ["[1,2,3,4]", "[[-123.39,-48.88],[-123.39,-48.88]]", '["a","b"]', "[]"])
def test_arrays_that_are_no_position_are_left_whole(tmp_path, array):
    rows = "".join(f'{{"user_id":"u{i % 9}","time":{1_930_000_000 + i},"location":{array}}}\n' for i in range(50))
    [source] = drafted(tmp_path, seen__ndjson=rows).sources
    assert [f.path for f in source.fields] == ["user_id", "time", "location"]


@pytest.mark.parametrize("name", ["poi", "venue", "beacon", "ap", "access_point", "bssid", "station", "stop_id", "gate",
                                  "reader", "Haltestelle", "arrêt", "parada"])
def test_where_somebody_was_may_be_a_mere_number(tmp_path, name):
    rows = "".join(f"u{i % 9},{1_930_000_000 + i},{1 + i % 23}\n" for i in range(60))
    [source] = drafted(tmp_path, seen__csv=f"user_id,time,{name}\n" + rows).sources
    assert source.makes == ("sightings",)
    assert source.field_of("sensor_id").path == name


@pytest.mark.parametrize("header", ["Gerät;Zeitpunkt;Breite;Länge", "appareil;horodatage;latitude;longitude",
                                    "dispositivo;fecha_hora;latitud;longitud", "aparelho;data_hora;lat;lon",
                                    "Geraet;Zeitstempel;Breitengrad;Laengengrad"])
def test_other_languages_and_their_decimal_commas(tmp_path, header):
    rows = "".join(f"d{i % 9};2031-03-04 07:{i}:00;-48,88{i}1;-123,39{i}1\n" for i in range(10, 60))
    recipe = drafted(tmp_path, seen__csv=f"{header}\n{rows}")
    [source] = recipe.sources
    device, time, lat, lon = header.split(";")
    assert {f.path: f.column for f in source.fields} == {device: "subject_id", time: "time", lat: "lat", lon: "lon"}
    assert (source.field_of("lon").decimal, source.field_of("subject_id").kind) == (",", "device")
    report = sanitize(tmp_path / "dump", recipe, KEY, tmp_path / "out", tz="Etc/GMT-8")
    assert (report.rows_in, report.rows_kept) == (50, 50)


def test_a_width_is_no_latitude(tmp_path):
    rows = "".join(f"d{i % 9};2031-03-04 07:{i}:00;{i},5;1{i},5\n" for i in range(10, 60))
    [source] = drafted(tmp_path, seen__csv=f"Schiff;Zeit;Breite;Länge\n{rows}").sources
    assert said(source)["Breite"] == said(source)["Länge"] == "measurement drop"


def test_degrees_with_commas_and_without_names(tmp_path):
    rows = "".join(f"d{i % 9};2031-03-04 07:{i}:00;-48,88{i}1;-123,39{i}1\n" for i in range(10, 60))
    recipe = drafted(tmp_path, seen__csv=rows)
    assert [recipe.sources[0].field_of(c).path for c in ("lat", "lon")] == ["column_3", "column_4"]
    report = sanitize(tmp_path / "dump", recipe, KEY, tmp_path / "out", tz="Etc/GMT-8")
    assert (report.rows_in, report.rows_kept) == (50, 50)


def us_rows(days, n):
    return "".join(f"u{i % 9},03/{days[i * len(days) // n]:02}/2031 08:{i % 60:02}:00 {'AP'[i % 2]}M,"
                   f"-123.39{i % 90 + 10},-48.88{i % 90 + 10}\n" for i in range(n))


def test_a_day_above_twelve_is_looked_for_further_in(tmp_path):
    """A long file of which one short stretch alone, that no first look comes upon, has a day above 12."""
    rows, odd = us_rows([1, 2], 40_000), us_rows([13], 1_200)
    where = rows.index("\n", len(rows) // 4) + 1
    recipe = drafted(tmp_path, fixes__csv="user_id,time,lon,lat\n" + rows[:where] + odd + rows[where:])
    time = recipe.sources[0].field_of("time")
    assert (time.form, time.why) == ("MM/DD/YYYY", "")
    report = sanitize(tmp_path / "dump", recipe, KEY, tmp_path / "out", tz="Etc/GMT-8")
    assert report.rows_in == report.rows_kept == 41_200


def test_a_month_stands_still_while_its_days_go_on(tmp_path):
    recipe = drafted(tmp_path, fixes__csv="user_id,time,lon,lat\n" + us_rows([4, 5, 6, 7], 200))
    time = recipe.sources[0].field_of("time")
    assert time.form == "MM/DD/YYYY"
    assert "please check" in time.why


@pytest.mark.parametrize(("names", "kept"), [
    ("arrival,departure", "arrival"), ("departure,arrival", "departure"), ("check_in,check_out", "check_in"),
    ("Abfahrt,Ankunft", "Abfahrt")])
def test_of_an_interval_the_start_is_kept(tmp_path, names, kept):
    rows = "".join(f"u{i % 9},{i % 7},2031-03-04 07:{i}:00,2031-03-04 08:{i}:00\n" for i in range(10, 60))
    [source] = drafted(tmp_path, stays__csv=f"user_id,stop_id,{names}\n{rows}").sources
    assert source.field_of("time").path == kept
    assert source.field_of("time").why == "when it began"
    [other] = [f for f in source.fields if f.path in names.split(",") and f.path != kept]
    assert (other.do, other.why) == ("drop", "when it ended; of an interval the start is kept")


def test_swapped_axes_are_noticed(tmp_path):
    rows = "".join(f"u{i % 9},2031-03-04T07:{i:02}:00Z,-48.88{i},-123.39{i}\n" for i in range(10, 60))
    [source] = drafted(tmp_path, fixes__csv="user_id,time,lon,lat\n" + rows).sources
    assert source.axes == "lat lon"


def test_which_number_is_the_day_is_said_only_if_the_dates_tell(tmp_path):
    rows = "".join(f"u{i % 9},{{}}/2031 07:{i:02},-123.39{i},-48.88{i}\n" for i in range(10, 60))
    head = "user_id,time,lon,lat\n"
    sure = drafted(tmp_path, fixes__csv=head + rows.replace("{}", "25/03")).sources[0]
    assert sure.field_of("time").form == "DD/MM/YYYY"
    (tmp_path / "dump" / "fixes.csv").write_text(head + rows.replace("{}", "04/03"))
    [unsure] = draft_recipe(tmp_path / "dump").sources
    assert unsure.field_of("time").form is None
    assert "day or month" in unsure.field_of("time").why


def test_files_of_one_shape_are_one_source(tmp_path):
    people = "".join(f"Sample Person {i},SYN{i:015}X,19{i}-01-02,U\n" for i in range(10, 60))
    recipe = drafted(tmp_path, march_1__csv=CLOCKS, march_2__csv=CLOCKS,
                     people__csv="name,id_no,birthday,sex\n" + people)
    assert {(s.files, s.makes) for s in recipe.sources} == {("march_*.csv", ("fixes",)), ("people.csv", ("subjects",))}


def test_parquet_is_drafted_like_text(tmp_path):
    folder = tmp_path / "dump"
    folder.mkdir()
    pq.write_table(pa.table({"bike_id": [f"b{i % 7}" for i in range(60)], "started_at": list(range(1_930_000_000,
        1_930_000_060)), "station_id": [f"S{i % 5}" for i in range(60)]}), folder / "rides.parquet")
    [source] = draft_recipe(folder).sources
    assert (source.form, source.makes) == ("parquet", ("sightings",))
    assert source.field_of("subject_id").kind == "vehicle"


@pytest.mark.parametrize(("name", "what", "do"), [
    ("religion", "label", "tally"), ("ethnicity", "label", "tally"), ("nation", "label", "tally"),
    ("politicalParty", "label", "tally"), ("feature_vec", "identifier", "drop"), ("img_url", "identifier", "drop"),
    ("remarks", "identifier", "drop"), ("full_name", "identifier", "drop"), ("email", "identifier", "drop"),
])
def test_what_is_delicate_is_never_kept(name, what, do):
    found = guess(name, pa.array(["some words of no meaning here", "other words, also of none"] * 20))
    assert (found.what, found.do) == (what, do)


def test_no_value_is_shown(tmp_path):
    rng = random.Random(3)
    secrets = ["".join(rng.choices(string.ascii_lowercase, k=12)) for _ in range(40)]
    table = "user_id,name,kind,religion,note,lon,lat,time\n" + "".join(
        f"{s},{s},{s},{s},{s} {s} {s} {s} {s},-123.3913{i},-48.8813{i},2031-03-04 07:{i:02}:00\n"
        for i, s in enumerate(secrets))
    keyed = "".join(f'{{"id":1,"8613{rng.randrange(10**9):09}":"{s}"}}\n' for s in secrets)
    recipe = drafted(tmp_path, a__csv=table, b__ndjson=keyed)
    assert not [s for s in secrets if s in recipe.text]
    assert "8613" not in recipe.text


@pytest.mark.parametrize("data", [
    b"", b"\0" * 5000, b"\xff\xfe", b"{", b"[" * 9000, b"PAR1 and no more", b"SQLite format 3\0 and no more",
    b"a,b\n" + b'"' * 999, b"ARROW1\0\0", b"\x1f\x8b\x08\0", b"\x10\0\0\0\x02", b'{"a":' * 3000, b"NaN,Infinity\n" * 50,
    ("\u202e,<script>\n" * 40).encode(), b",".join(b"c%d" % i for i in range(50_000)) + b"\n" + b"1," * 49_999 + b"1\n",
])
def test_a_broken_file_ends_no_draft(tmp_path, data):
    recipe = drafted(tmp_path, fixes__csv=CLOCKS, bad__dat=data)
    assert "fixes.csv" in {s.files for s in recipe.sources}


@settings(max_examples=150, deadline=None, derandomize=True,
          suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.one_of(st.binary(max_size=300), st.text(max_size=200).map(lambda t: t.encode("utf-8", "replace")),
                 st.lists(st.lists(st.text(max_size=9), min_size=2, max_size=4), min_size=1, max_size=6).map(
                     lambda rows: "\n".join(",".join(row) for row in rows).encode("utf-8", "replace"))))
def test_any_bytes_give_a_recipe_or_one_sentence(tmp_path, data):
    file = tmp_path / "any.csv"
    file.write_bytes(data)
    try:
        ends = draft_recipe(file).text
    except InputError as error:
        ends = str(error)
    assert ends.endswith((".", "}\n"))


def test_nothing_that_can_be_read_is_one_sentence(tmp_path):
    with pytest.raises(InputError, match="CSV or JSON lines"):
        drafted(tmp_path, a__txt="A letter, of some length, to nobody.\nIt goes on.\n", b__bin=b"\0\1\2" * 99)
