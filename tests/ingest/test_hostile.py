"""What a dump may do to us, case by case, each held to its message and to its counts.

The reading of each form has its own tests; here the whole of `sanitize` stands before bad input.
"""

import gzip
import io
import json
import os
import random
import sqlite3
import string
import struct
import tarfile
import tempfile
import zipfile

import pytest

from kit import ingest
from kit.errors import InputError
from kit.ingest import cutters, opening

RECIPE = """
name = "hostile"
time_zone = "Etc/GMT-8"
[[source]]
name = "seen"
files = "seen*"
form = "{form}"
makes = "sightings"
[source.set]
source = "face"
[source.fields]
who = {{ is = "identifier", do = "pseudonymise", as = "subject_id", kind = "person" }}
at = {{ is = "time", do = "keep", as = "time" }}
cam = {{ is = "sensor", do = "keep", as = "sensor_id" }}
"""
KEY = bytes(range(32))
GOOD = b'{"who":"A","at":"2031-03-12T07:41:09","cam":"c1"}\n'
HEADER = b"who,at,cam\n"
CELLS = b"A,2031-03-12T07:41:09,c1\n"


@pytest.fixture
def ingested(tmp_path):
    """Ingest some files of one form; gives the report, the quarantine and what was written."""
    def run(files, form="ndjson", recipe=RECIPE):
        dump = tmp_path / "dump"
        dump.mkdir(exist_ok=True)
        for name, data in files.items():
            (dump / name).write_bytes(data)
        (tmp_path / "recipe.toml").write_text(recipe.format(form=form), encoding="utf-8")
        report = ingest.sanitize(dump, tmp_path / "recipe.toml", KEY, tmp_path / "out")
        lines = (tmp_path / "out" / "quarantine.jsonl").read_text(encoding="utf-8").splitlines()
        assert report.rows_in == report.rows_kept + report.rows_quarantined
        assert report.rows_quarantined == len(lines)
        return report, [json.loads(line) for line in lines]
    return run


def why(quarantine):
    return [(q["line"], q["byte"], q["reason"]) for q in quarantine]


def test_a_gz_cut_short_keeps_what_was_whole(ingested):
    noise = random.Random(1)
    rows = b"".join(GOOD.replace(b"A", "".join(noise.choices(string.ascii_letters, k=40)).encode()) for _ in range(500))
    report, quarantine = ingested({"seen.jsonl.gz": gzip.compress(rows)[:-3000]})
    assert (report.rows_kept, report.rows_quarantined) == (len(rows[: quarantine[0]["byte"]].splitlines()), 1)
    assert quarantine[0]["reason"] == "the gz file breaks off here"
    assert 300 < report.rows_kept < 500


def test_half_a_json_line_is_one_broken_record(ingested):
    report, quarantine = ingested({"seen": GOOD + GOOD[:20] + b"\n" + GOOD + GOOD[:30]})
    assert (report.rows_in, report.rows_kept) == (4, 2)
    assert why(quarantine) == [(2, len(GOOD), "not valid JSON"), (4, 2 * len(GOOD) + 21, "not valid JSON")]
    assert quarantine[0]["excerpt"] == '{"xxx":"x","xx":"000'


def test_a_single_line_longer_than_memory_should_hold(ingested):
    """64 MiB, four times the limit; the line is passed over in pieces, so that its length does not matter."""
    report, quarantine = ingested({"seen": GOOD + b'{"who":"' + b"x" * (64 << 20) + b'"}\n' + GOOD})
    assert (report.rows_in, report.rows_kept) == (3, 2)
    assert why(quarantine) == [(2, len(GOOD), "a line of more than 16 MiB")]
    assert len(quarantine[0]["excerpt"]) == cutters.EXCERPT_LETTERS


@pytest.mark.parametrize("form", ["ndjson", "csv"])
def test_a_line_over_the_limit_in_any_form(ingested, monkeypatch, form):
    monkeypatch.setattr(cutters, "MAX_LINE_BYTES", 1 << 20)
    good, head = (GOOD, b"") if form == "ndjson" else (CELLS, HEADER)
    report, quarantine = ingested({"seen": head + good + b"x" * (9 << 20) + b"\n" + good}, form)
    assert (report.rows_in, report.rows_kept) == (3, 2)
    assert why(quarantine)[0][2] == "a line of more than 1 MiB"


def test_nesting_ten_thousand_deep(ingested):
    deep = b'{"who":' + b"[" * 10_000 + b"]" * 10_000 + b"}\n"
    report, quarantine = ingested({"seen": GOOD + deep + b'{"a":' * 10_000 + b"\n" + GOOD})
    assert (report.rows_in, report.rows_kept) == (4, 2)
    assert {reason for *_, reason in why(quarantine)} == {"nested more than 1000 deep"}
    (_, second, _), (_, third, _) = why(quarantine)
    assert (second, third) == (len(GOOD), len(GOOD) + len(deep))


def test_ten_thousand_brackets_that_open_no_object_are_one_record(ingested):
    deep = b"[" * 10_000 + b"]" * 10_000 + b"\n"
    report, quarantine = ingested({"seen": GOOD + deep + GOOD})
    assert (report.rows_in, report.rows_kept) == (3, 2)
    assert why(quarantine) == [(2, len(GOOD), "nested more than 1000 deep")]


def test_a_bomb_is_refused_and_leaves_nothing(ingested, tmp_path, monkeypatch):
    monkeypatch.setattr(opening, "RATIO_COUNTS_FROM", 1 << 20)
    with pytest.raises(InputError, match=r"^The file seen.gz grows more than 300 times when unpacked"):
        ingested({"seen.gz": gzip.compress(bytes(8 << 20))})
    assert not (tmp_path / "out").exists()
    assert [p.name for p in tmp_path.iterdir() if "partial" in p.name] == []


def zipped(members):
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return made.getvalue()


def test_a_zip_whose_names_lead_out_is_refused(ingested, tmp_path):
    with pytest.raises(InputError, match=r"^The archive seen.zip holds a file whose name leads out of it"):
        ingested({"seen.zip": zipped({"../seen.jsonl": GOOD})})
    assert not (tmp_path / "seen.jsonl").exists()


def test_a_zip_with_a_nameless_file_is_refused(ingested, tmp_path):
    data = zipped({"seen.jsonl": GOOD}).replace(b"seen.jsonl", b"\0een.jsonl")  # a NUL ends a name
    with pytest.raises(InputError, match=r"^The archive seen.zip holds a file without a name"):
        ingested({"seen.zip": data})
    assert not (tmp_path / "out").exists()


def test_an_empty_archive_is_refused(ingested):
    with pytest.raises(InputError, match=r"^The archive seen.zip is empty"):
        ingested({"seen.zip": zipped({})})


def test_the_members_of_an_archive_are_files_of_the_dump(ingested, tmp_path):
    members = {"x/seen-1.jsonl": GOOD, "x/seen-2.jsonl": GOOD + b"{", "x/note.txt": b"!"}
    report, quarantine = ingested({"a.zip": zipped(members)})
    assert (report.rows_in, report.rows_kept) == (3, 2)
    assert [i["file"] for i in report.inputs] == ["a.zip/x/seen-1.jsonl", "a.zip/x/seen-2.jsonl"]
    assert {i["sha256"] for i in report.inputs} == {opening.file_digest(tmp_path / "dump" / "a.zip").hexdigest()}
    assert report.files_not_read == ["a.zip/x/note.txt"]
    assert quarantine[0]["file"] == "a.zip/x/seen-2.jsonl"


def test_a_link_out_of_the_folder_is_not_followed(ingested, tmp_path):
    (tmp_path / "secret").write_bytes(GOOD)
    (tmp_path / "dump").mkdir()
    os.symlink(tmp_path / "secret", tmp_path / "dump" / "seen-2.jsonl")
    with pytest.raises(InputError, match=r"^The file seen-2.jsonl is a link to somewhere outside the folder dump"):
        ingested({"seen.jsonl": GOOD})


def test_a_link_in_a_tar_is_refused(ingested):
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as archive:
        info = tarfile.TarInfo("seen.jsonl")
        info.type, info.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(info)
    with pytest.raises(InputError, match=r"^The archive seen.tar holds links or devices"):
        ingested({"seen.tar": made.getvalue()})


def test_fifty_thousand_columns(ingested):
    names = [f"f{i}" for i in range(50_000)]
    row = ",".join(["A", "2031-03-12T07:41:09", "c1"] + ["0"] * 50_000)
    data = ",".join(["who", "at", "cam", *names]) + "\n" + (row + "\n") * 20 + row + ",1\n"
    report, quarantine = ingested({"seen.csv": data.encode()}, "csv")
    assert (report.rows_in, report.rows_kept) == (21, 20)
    assert [q["reason"] for q in quarantine] == ["50004 cells where 50003 belong"]
    assert len(report.sources[0].fields_not_in_recipe) == 50_000


def test_nul_bytes_break_their_line_and_no_other(ingested):
    report, quarantine = ingested({"seen.jsonl": GOOD + b"\0" * 40 + b"\n" + GOOD[:9] + b"\0" + GOOD[9:] + GOOD})
    assert (report.rows_in, report.rows_kept) == (4, 2)
    assert [q["reason"] for q in quarantine] == ["no JSON object", "not valid JSON"]


def test_nul_bytes_in_cells_break_their_line_and_no_other(ingested):
    report, quarantine = ingested({"seen.csv": HEADER + CELLS + b"A\0," + CELLS[2:] + CELLS}, "csv")
    assert (report.rows_kept, [q["reason"] for q in quarantine]) == (2, ["a NUL byte in it"])


def test_a_key_given_twice(ingested):
    twice = GOOD.replace(b'"A"', b'"A","who":"B"')
    report, quarantine = ingested({"seen.jsonl": GOOD + twice + GOOD})
    assert report.rows_kept == 2
    assert why(quarantine) == [(2, len(GOOD), "one member twice, so which is meant is unknown")]


def test_nan_and_infinity_are_no_numbers(ingested):
    recipe = RECIPE + 'score = {{ is = "measurement", do = "keep", as = "score" }}\n'
    scores = (b"NaN", b"Infinity", b"-Infinity", b"1e999", b"0.5")
    rows = [GOOD.replace(b"}", b',"score":' + score + b"}") for score in scores]
    report, quarantine = ingested({"seen.jsonl": b"".join(rows)}, recipe=recipe)
    assert (report.rows_kept, quarantine) == (5, [])
    assert report.sources[0].notes["score unreadable or outside 0 to 1"] == 4


READINGS = """
name = "hostile"
time_zone = "Etc/GMT-8"
[[source]]
name = "seen"
files = "seen*"
form = "{form}"
makes = "readings"
[source.fields]
who = {{ is = "identifier", do = "pseudonymise", as = "subject_id", kind = "household" }}
at = {{ is = "time", do = "keep", as = "date" }}
n = {{ is = "measurement", do = "keep", as = "kwh" }}
"""


@pytest.mark.parametrize(("stated", "kept"), [("", 1), (', decimal = "."', 3), (', decimal = ","', 2)])
def test_numbers_as_text_with_thousands_marks(ingested, stated, kept):
    """Of 7, 1,234.5, 1,000 and 1.2.3 plainly the first is a number; with the mark stated, those that it allows."""
    rows = [f'{{"who":"A","at":"2031-03-12","n":"{n}"}}\n'.encode() for n in ("7", "1,234.5", "1,000", "1.2.3")]
    report, quarantine = ingested({"seen": b"".join(rows)}, recipe=READINGS.replace('"kwh"', '"kwh"' + stated))
    assert (report.rows_in, report.rows_kept, report.rows_quarantined) == (4, kept, 4 - kept)
    assert len({q["reason"] for q in quarantine}) == 1


UNKNOWN = "a time before 1900 or after 2199, which stands for none"


@pytest.mark.parametrize(("text", "reason", "notes"), [
    ("2031-03-12T23:59:60Z", None, {"leap second, read as the second after it": 1}),
    ("0000-03-12T07:41:09Z", "a time that cannot be read", {}),
    ("9999-12-31T23:59:59Z", UNKNOWN, {}), ("0001-01-01T00:00:00Z", UNKNOWN, {})])
def test_leap_seconds_and_the_ends_of_the_calendar(ingested, text, reason, notes):
    odd = GOOD.replace(b"2031-03-12T07:41:09", text.encode())
    report, quarantine = ingested({"seen": GOOD + odd + GOOD})
    assert (report.rows_in, report.rows_kept) == (3, 2 if reason else 3)
    assert why(quarantine) == ([(2, len(GOOD), reason)] if reason else [])
    assert report.sources[0].notes == notes


def test_mixed_newlines(ingested):
    data = GOOD + GOOD.rstrip() + b"\r\n" + b"\r\n\n" + GOOD.rstrip() + b"\r" + GOOD + GOOD.rstrip()
    report, quarantine = ingested({"seen.jsonl": data})
    assert (report.rows_in, report.rows_kept) == (4, 3)
    assert [(q["line"], q["reason"]) for q in quarantine] == [(5, "not valid JSON")]


def test_formulas_marks_and_scripts_are_only_text(ingested, tmp_path):
    evil = ["=HYPERLINK(\"http://x\";\"y\")", "@SUM(1)", "<script>alert(1)</script>", "\u202egnp.exe", "\u2066c1\u2069"]
    rows = [json.dumps({"who": text, "at": "2031-03-12T07:41:09", "cam": "c1"}).encode() + b"\n" for text in evil]
    broken = b'{"who":"<script>alert(1)</script>\n'
    report, quarantine = ingested({"seen.jsonl": b"".join(rows) + broken})
    assert (report.rows_kept, report.rows_quarantined) == (5, 1)
    assert quarantine[0]["excerpt"] == '{"xxx":"<xxxxxx>xxxxx(0)</xxxxxx>'
    for file in (tmp_path / "out").iterdir():
        assert not any(text.encode() in file.read_bytes() for text in [*evil, "alert"])


def test_a_name_of_a_field_that_is_somebodys_words_is_masked(ingested):
    named = GOOD.replace(b"}", b',"<script>":1,"\\u202ex":2,"10000000000":3}')
    report, _ = ingested({"seen.jsonl": named})
    assert report.sources[0].fields_not_in_recipe == ["00000000000", "<xxxxxx>", "\u202ex"]


def test_two_files_with_different_columns(ingested):
    second = b"cam;x;at;who\nc2;0;2031-03-12T08:00:00;B\n"
    report, quarantine = ingested({"seen-1.csv": HEADER + CELLS, "seen-2.csv": second}, "csv")
    assert (report.rows_in, report.rows_kept, quarantine) == (2, 2, [])
    assert report.sources[0].fields_not_in_recipe == ["x"]


def test_a_second_file_that_lacks_a_column_is_refused_by_name(ingested):
    with pytest.raises(InputError, match=r"^The first line of seen-2.csv does not name the column at; is it"):
        ingested({"seen-1.csv": HEADER + CELLS, "seen-2.csv": b"who,cam\nA,c1\n"}, "csv")


def test_a_file_that_changes_while_it_is_read_is_refused(ingested, monkeypatch, tmp_path):
    class Growing(opening._Plain):
        def read(self, n):
            data = super().read(n)
            if not data:
                with open(tmp_path / "dump" / "seen.jsonl", "ab") as more:
                    more.write(GOOD)
            return data

    monkeypatch.setattr(opening, "_Plain", Growing)
    with pytest.raises(InputError, match=r"^The file seen.jsonl changed while it was read, so nothing was written"):
        ingested({"seen.jsonl": GOOD})
    assert not (tmp_path / "out").exists()


def test_a_lying_footer_leaves_nothing(ingested, tmp_path):
    with pytest.raises(InputError, match=r"^The file seen.parquet cannot be read as Parquet"):
        ingested({"seen.parquet": b"PAR1" + b"\0" * 40 + b"\xff\xff\xff\x7fPAR1"}, "parquet")
    assert not (tmp_path / "out").exists()


POSITIONS = """
name = "hostile"
time_zone = "Etc/GMT-8"
[[source]]
name = "seen"
files = "seen*"
form = "{form}"
makes = "fixes"
[source.fields]
who = {{ is = "identifier", do = "pseudonymise", as = "subject_id", kind = "person" }}
at = {{ is = "time", do = "keep", as = "time" }}
"p.coordinates.0" = {{ is = "place", do = "keep", as = "lon" }}
"p.coordinates.1" = {{ is = "place", do = "keep", as = "lat" }}
"""
ARRAYS = {  # what stands where a position should, and whether it is one
    "[-123.39,-48.88]": True, "[ -123.39 , -48.88, 12.5 ]": True, '["-123.39","-48.88"]': True,
    f"[{','.join(['-8.5'] * 1000)}]": True, "[-123.39]": False, "[]": False, "null": False, "7": False,
    '"-123.39,-48.88"': False, '["west","south"]': False, "[[-123.39,-48.88],[-123.39,-48.88]]": False,
    "[null,-48.88]": False, "[NaN,-48.88]": False, "[true,false]": False, '{"lon":-123.39,"lat":-48.88}': False,
    "[" * 900 + "]" * 900: False, "[1e999,-48.88]": False,
}


@pytest.mark.parametrize("form", ["ndjson", "es-hits", "mongo-lines"])
def test_arrays_that_are_no_position_are_quarantined_one_by_one(ingested, form):
    start = '{"_source":' if form == "es-hits" else ""
    rows = [f'{start}{{"who":"A","at":"2031-03-12T07:41:09","p":{{"type":"Point","coordinates":{array}}}}}'
            f'{"}" if start else ""}\n' for array in ARRAYS]
    report, quarantine = ingested({"seen": "".join(rows).encode()}, form, POSITIONS)
    assert (report.rows_in, report.rows_kept) == (len(ARRAYS), sum(ARRAYS.values()))
    assert [q["line"] for q in quarantine] == [i for i, good in enumerate(ARRAYS.values(), 1) if not good]
    assert report.sources[0].fields_not_in_recipe == ["p.type"]


def test_a_wrong_length_in_bson_keeps_what_came_before(ingested):
    bson = pytest.importorskip("bson")
    one = bson.encode({"who": "A", "at": "2031-03-12T07:41:09", "cam": "c1"})
    report, quarantine = ingested({"seen.bson": one * 3 + b"\x01\0\0\0" + one}, "bson")
    assert (report.rows_in, report.rows_kept) == (4, 3)
    assert why(quarantine) == [(4, 3 * len(one), "a document of 1 bytes, which cannot be: the "
                                                 f"{4 + len(one)} bytes from here on were not read")]


POINTS = """
name = "hostile"
time_zone = "Etc/GMT-8"
[[source]]
name = "seen"
files = "seen*"
form = "{form}"
makes = "fixes"
[source.fields]
{who} = {{ is = "identifier", do = "pseudonymise", as = "subject_id", kind = "person" }}
time = {{ is = "time", do = "keep", as = "time" }}
lon = {{ is = "place", do = "keep", as = "lon" }}
lat = {{ is = "place", do = "keep", as = "lat" }}
"""
PLACE = b'{"latitudeE7":-488800000,"longitudeE7":-1233900000,"timestamp":"2031-03-12T07:41:09Z"}'
PATH = (b'{"startTime":"2031-03-12T07:41:09Z","endTime":"","timelinePath":[{"point":"1,2",'
        b'"time":"2031-03-12T07:41:09Z"}]}')
MOVES = (b'{"type":"Feature","id":"A","temporalGeometry":{"type":"MovingPoint","datetimes":["2031-03-12T07:41:09Z"],'
         b'"coordinates":[[-123.39,-48.88]]}}')
SHELLS = {"google": (b'{"locations":[', b"]}", PLACE, "person"),
          "google new": (b'{"semanticSegments":[', b"]}", PATH, "person"),
          "mf-json": (b'{"type":"FeatureCollection","features":[', b"]}", MOVES, "id")}


@pytest.mark.parametrize("name", SHELLS)
@pytest.mark.parametrize(("wrong", "reason"), [
    (b'{"a":' + b"[" * 10_000 + b"]" * 10_000 + b"}", "nested more than 1000 deep"), (b'"x"', "no JSON object"),
    (b'{"a":\x00}', "not valid JSON"), (b'{"id":1,"id":2}', "one member twice, so which is meant is unknown"),
    (b"[[[1]]]", "no JSON object"), (b'{"a":"\xff\xfe"}', "not UTF-8")])
def test_a_wrong_member_of_a_history_is_quarantined_alone(ingested, name, wrong, reason):
    before, after, good, who = SHELLS[name]
    recipe = POINTS.replace("{who}", who)
    report, quarantine = ingested({"seen.json": before + b",\n".join([good, wrong, good]) + after}, name.split()[0],
                                  recipe)
    assert (report.rows_in, report.rows_kept) == (3, 2)
    assert [(q["line"], q["reason"]) for q in quarantine] == [(2, reason)]


@pytest.mark.parametrize("name", SHELLS)
def test_a_history_cut_short_keeps_what_came_before(ingested, name):
    before, _, good, who = SHELLS[name]
    report, quarantine = ingested({"seen.json": before + good + b",\n" + good[: len(good) // 2]}, name.split()[0],
                                  POINTS.replace("{who}", who))
    assert (report.rows_in, report.rows_kept) == (2, 1)
    assert quarantine[0]["line"] == 2
    assert "breaks off here" in quarantine[0]["reason"]


def geopackage(*geometries):
    with tempfile.TemporaryDirectory() as folder:
        con = sqlite3.connect(f"{folder}/a.gpkg")
        con.executescript(
            "create table gpkg_spatial_ref_sys (srs_id, organization, organization_coordsys_id);"
            "create table gpkg_geometry_columns (table_name, column_name, srs_id);"
            "insert into gpkg_geometry_columns values ('fixes', 'geom', 4326); create table fixes (who, time, geom);")
        con.executemany("insert into fixes values ('A', '2031-03-12T07:41:09Z', ?)", [(g,) for g in geometries])
        con.commit()
        con.close()
        with open(f"{folder}/a.gpkg", "rb") as made:
            return made.read()


POINT = b"GP" + struct.pack("<BBiBIdd", 0, 1, 4326, 1, 1, -123.39, -48.88)


def test_geometries_that_are_none_are_quarantined_one_by_one(ingested):
    wrong = [POINT[:20], b"", "text", 5, b"GP" + b"\xff" * 30, None]
    report, quarantine = ingested({"seen.gpkg": geopackage(POINT, *wrong, POINT)}, "geopackage",
                                  POINTS.replace("{who}", "who"))
    assert (report.rows_in, report.rows_kept) == (8, 2)
    assert [q["line"] for q in quarantine] == [2, 3, 4, 5, 6, 7]


@pytest.mark.parametrize("damage", [lambda data: data[: len(data) // 2], lambda data: data[:100] + b"\xff" * 3_000])
def test_a_damaged_geopackage_leaves_nothing(ingested, tmp_path, damage):
    with pytest.raises(InputError, match=r"^The file seen.gpkg cannot be read as GeoPackage"):
        ingested({"seen.gpkg": damage(geopackage(POINT))}, "geopackage", POINTS.replace("{who}", "who"))
    assert not (tmp_path / "out").exists()


FORMS = {
    "array": ("ndjson", b"[" + GOOD + b"," + GOOD + b"]"),
    "pages": ("es-hits", (b'{"took":1,"hits":{"hits":[{"_source":' + GOOD + b"}]}}\n") * 2),
    "shell": ("mongo-lines", GOOD.replace(b'"2031-03-12T07:41:09"', b'ISODate("2031-03-11T23:41:09Z")') * 2),
    "utf-16": ("csv", (HEADER + CELLS * 2).decode().encode("utf-16")),
    "semicolons": ("csv", (HEADER + CELLS * 2).replace(b",", b";")),
}


@pytest.mark.parametrize("name", FORMS)
def test_one_recipe_and_any_form_give_the_same_exposure(ingested, name):
    form, data = FORMS[name]
    report, quarantine = ingested({"seen": data}, form)
    assert (report.rows_in, report.rows_kept, quarantine) == (2, 2, [])
    [source] = report.sources
    assert source.first_time == source.last_time == "2031-03-11T23:41:09.000+00:00"
