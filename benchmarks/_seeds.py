"""What is fuzzed: for each reader a few small valid files, and what is done with an input.

A new form of `kit.ingest.formats.READERS` needs one line in `_FORMS`; a test holds the two equal.
"""

import bz2
import datetime as dt
import gzip
import io
import lzma
import sqlite3
import struct
import tarfile
import tempfile
import zipfile
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from zlib import crc32

import bson
import pyarrow as pa
import pyarrow.parquet as pq

from kit.errors import KitError
from kit.ingest import formats, numerals, opening, positions, times
from kit.ingest.recipe import Field, Source, load_recipe
from kit.ingest.scan import scan

TOKENS = [b'{"a":1}', b'{"a":', b'"', b'""', b"{", b"}", b"[", b"]", b",", b":", b";", b"\t", b"\n", b"\r\n", b"\r",
          b"\0", b"\\", b"\\u202e", b"\\ud800", b"a,b", b"\xff", b"\xef\xbb\xbf", b"\xff\xfe", "北京".encode("gb18030"),
          "é".encode(), b'{"hits":{"hits":[', b"]}}", b'{"_source":{"a":1}}', b"ISODate(1)", b'{"$date":', b"NaN",
          b"-Infinity", b"1e999", b"null", b" ", b"9" * 25, b"-", b"2031-03-12T07:41:09", b"23:59:60", b"0000", b"9999",
          b"<", b">", b"&", b"<!ENTITY", b"=", b"[[source]]\n", b"PK\x03\x04", b"\x1f\x8b", b"../",
          b"[" * 2000]
_ROWS = [{"a": "x", "b": 1, "c": {"d": 2.5}}, {"a": "北京", "b": None, "c": {}}, {"a": 'q"\\', "b": -3, "e": [1]}]
_JSON = ['{"a":"x","b":1,"c":{"d":2.5}}', '{"a":"北京","b":null,"c":{}}', '{"a":"q\\"\\\\","b":-3,"e":[1]}']
_CSV = b'a,b\nx,1\n"y, z",2\n"q""\nw",\n'
_POINT = ('{"type":"Feature","properties":{"a":"x","b":1},"geometry":{"type":"Point","coordinates":[1.5,-2]}}')
_PLT = b"preface\r\n" * 6 + b"39.9,116.3,0,492,39744.12,2031-03-12,02:53:04\r\n" * 3
_GPX = b"""<?xml version="1.0" encoding="UTF-8"?><gpx xmlns="http://www.topografix.com/GPX/1/1" version="1.1">
<wpt lat="-48.88" lon="-123.39"><name>x &amp; y</name></wpt><trk><name>t</name><trkseg>
<trkpt lat="-48.88" lon="-123.39"><ele>3</ele><time>2031-03-12T07:41:09Z</time></trkpt>
<trkpt lat="-48.881" lon="-123.39"><time>2031-03-12T07:41:19Z</time><extensions><hr>9</hr></extensions></trkpt>
</trkseg></trk></gpx>
"""
_SHEET = b"""<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>
<row r="1"><c r="A1" t="str"><v>a</v></c><c r="B1" t="inlineStr"><is><t>b</t></is></c></row>
<row r="2"><c r="A2" t="str"><v>x</v></c><c r="B2"><f>1+1</f><v>2</v></c></row>
<row><c><v>1.28E+10</v></c><c t="e"><v>#DIV/0!</v></c></row></sheetData></worksheet>"""
_BOOK = b"""<workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"
xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"><sheets>
<sheet name="S" sheetId="1" r:id="r1"/></sheets></workbook>"""
_LINKS = b"""<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">
<Relationship Id="r1" Target="worksheets/sheet1.xml"/></Relationships>"""
_GOOGLE_OLD = (b'{"locations":[{"latitudeE7":-488800000,"longitudeE7":4000000000,"timestampMs":"1931067669120"}],\n'
               b'"timelineObjects":[{"placeVisit":{"location":{"latitudeE7":1,"longitudeE7":-2},"duration":'
               b'{"startTimestamp":"2031-03-12T07:41:09Z"},"simplifiedRawPath":{"points":[{"latE7":1,"lngE7":2}]}}}]}')
_SEGMENTS = ('{"startTime":"2031-03-12T07:41:09Z","endTime":"2031-03-12T08:41:09Z",'
             '"timelinePath":[{"point":"geo:-48.88,-123.39","durationMinutesOffsetFromStartTime":"5"}]},\n{"startTime":'
             '"2031-03-12T07:41:09Z","visit":{"topCandidate":{"placeLocation":{"latLng":"-48.8°, -123.3°"}}}}').encode()
_GOOGLE_NEW = b'{"semanticSegments":[%s],"rawSignals":[{"position":{"LatLng":"-48.8, -123.3","timestamp":"2031"}},' \
              b'{"wifiScan":{}}]}' % _SEGMENTS
_MOVING = (b'{"type":"Feature","id":"A","temporalGeometry":{"type":"MovingPoint","datetimes":["2031-03-12T07:41Z",9],'
           b'"coordinates":[[-123.39,-48.88],[1,2,3]]},"properties":{"n":{"m":1}}}')
_OLD_MOVING = (b'{"type":"Feature","geometry":{"type":"LineString","coordinates":[[-123.39,-48.88]]},'
               b'"properties":{"datetimes":[1931067669120],"a":"x"}}')
_RECIPE = b"""name = "r"
time_zone = "Etc/GMT-8"
[[source]]
name = "s"
files = "s*"
form = "csv"
makes = "sightings"
[source.set]
source = "face"
[source.fields]
who = { is = "identifier", do = "pseudonymise", as = "subject_id", kind = "person" }
at = { is = "time", do = "keep", as = "time", unit = "ms" }
cam = { is = "sensor", do = "keep", as = "sensor_id" }
x = { is = "label", do = "tally" }
"""


@dataclass(frozen=True)
class Reader:
    """`seeds()` gives valid inputs as bytes; `act(data, folder)` reads one, and says "read" or "refused"."""

    seeds: object
    act: object


def _lines(*wrapped):
    """The rows as lines, each in every one of some wrappings."""
    return [("\n".join(w % row for row in _JSON) + "\n").encode() for w in wrapped]


def _parquet():
    table, made = pa.table({"a": ["x", None, "y"], "b": [1, 2, None]}), io.BytesIO()
    pq.write_table(table, made)
    plain = io.BytesIO()
    pq.write_table(table, plain, compression="none", use_dictionary=False)
    return [made.getvalue(), plain.getvalue()]


def _arrow():
    table, found = pa.table({"a": ["x", None, "y"], "b": [1, 2, None]}), []
    for make in (pa.ipc.new_stream, pa.ipc.new_file):
        made = io.BytesIO()
        with make(made, table.schema) as writer:
            writer.write_table(table, max_chunksize=2)
        found.append(made.getvalue())
    return found


def _sqlite():
    with tempfile.TemporaryDirectory() as folder:
        con = sqlite3.connect(Path(folder) / "a.db")
        con.executescript("pragma page_size = 512; create table seen (a, b); "
                          "insert into seen values ('x', 1), (null, x'00'), ('y', 2.5);")
        con.close()
        return [(Path(folder) / "a.db").read_bytes()]


def _geopackage():
    point = b"GP" + struct.pack("<BBiBIdd", 0, 1, 4326, 1, 1, -123.39, -48.88)
    with tempfile.TemporaryDirectory() as folder:
        con = sqlite3.connect(Path(folder) / "a.gpkg")
        con.executescript(
            "pragma page_size = 512;"
            "create table gpkg_spatial_ref_sys (srs_id, organization, organization_coordsys_id);"
            "create table gpkg_geometry_columns (table_name, column_name, srs_id); create table seen (a, b, geom);"
            "insert into gpkg_geometry_columns values ('seen', 'geom', 4326);")
        con.executemany("insert into seen values (?, ?, ?)", [("x", 1, point), (None, "y", None), ("z", 2, b"GP")])
        con.commit()
        con.close()
        return [(Path(folder) / "a.gpkg").read_bytes()]


def _excel(sheet=_SHEET):
    """A workbook round a sheet, which is what gets changed most often: checksums keep changes out of a packed one."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        for name, data in (("xl/workbook.xml", _BOOK), ("xl/_rels/workbook.xml.rels", _LINKS),
                           ("xl/worksheets/sheet1.xml", sheet)):
            archive.writestr(zipfile.ZipInfo(name), data)
    return made.getvalue()


def _containers():
    made, tarred = io.BytesIO(), io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in ("1.csv", "in/2.csv"):
            archive.writestr(zipfile.ZipInfo(name), _CSV * 5)
    with tarfile.open(fileobj=tarred, mode="w", bufsize=512) as archive:
        for name in ("1.csv", "2.csv"):
            info = tarfile.TarInfo(name)
            info.size = len(_CSV)
            archive.addfile(info, io.BytesIO(_CSV))
    tar = tarred.getvalue()[:4096]
    zst = pa.BufferOutputStream()
    with pa.CompressedOutputStream(zst, "zstd") as out:
        out.write(_CSV * 5)
    return [made.getvalue(), tar, gzip.compress(tar, mtime=0), gzip.compress(_CSV * 5, mtime=0),
            bz2.compress(_CSV * 5), lzma.compress(_CSV * 5), zst.getvalue().to_pybytes()]


# Seeds of each form that a recipe may name; they have columns "a" and "b", or those of `_COLUMNS`.
_FORMS = {
    "ndjson": lambda: [*_lines("%s"), ("[" + ",\n".join(_JSON) + "]").encode()],
    "mongo-lines": lambda: [*_lines("%s"), b'{"a":ISODate("2031-03-12T07:41:09Z"),"b":NumberLong(5)}\n'],
    "es-hits": lambda: [*_lines('{"_index":"i","_source":%s}'), *_lines('{"took":1,"hits":{"hits":[{"_source":%s}]}}')],
    "csv": lambda: [_CSV, _CSV.replace(b",", b";"), _CSV.decode().encode("utf-16")],
    "bson": lambda: [b"".join(bson.encode({**row, "t": dt.datetime(2031, 3, 12)}) for row in _ROWS)],
    "parquet": _parquet, "arrow": _arrow, "sqlite": _sqlite,
    "geojson": lambda: [f'{{"type":"FeatureCollection","features":[{_POINT},\n{_POINT}]}}'.encode(),
                        f"{_POINT}\n{_POINT}\n".encode()],
    "plt": lambda: [_PLT],
    "gpx": lambda: [_GPX],
    "excel": lambda: [_excel()], "geopackage": _geopackage,
    "google": lambda: [_GOOGLE_OLD, _GOOGLE_NEW, b"[%s]" % _SEGMENTS],
    "mf-json": lambda: [_MOVING, b'{"type":"FeatureCollection","features":[%s,\n%s]}' % (_MOVING, _OLD_MOVING),
                        b"%s\n%s\n" % (_OLD_MOVING, _MOVING), _MOVING.replace(b"{", b"\n{")],
}
_COLUMNS = {"plt": ("lat", "lon", "time", "person"), "geojson": ("a", "b", "e.0", "lon", "lat"),
            "google": ("lon", "lat", "time", "person"), "mf-json": ("lon", "lat", "time", "id", "n.m"),
            "geopackage": ("a", "b", "lon", "lat"), "gpx": ("lat", "lon", "time", "track", "extensions.hr"),
            **dict.fromkeys(("ndjson", "mongo-lines", "es-hits", "bson", "parquet", "arrow"), ("a", "b", "c.0", "e.0"))}


def _source(form):
    paths = _COLUMNS.get(form, ("a", "b"))
    source = Source("s", "*", form, ("nothing",), tuple(Field(p, "measurement", "tally") for p in paths))
    if form in ("sqlite", "geopackage", "excel"):  # the table is told by the columns that something is made of
        source = replace(source, fields=tuple(replace(f, column="subject_id") for f in source.fields))
    return source


def _refusing(act):
    """A refusal in the kit's own words is an answer."""
    def acting(data, folder):
        try:
            act(data, folder)
        except KitError:
            return "refused"
        return "read"
    return acting


def _read_form(form, data, folder):
    path, source = folder / "dump", _source(form)
    path.write_bytes(data)
    _account(opening.open_parts(path), source)
    if crc32(data) % 8 == 0 and form not in formats.SOUGHT:
        whole, pieces = (_cut(opening.open_parts(path), source, size) for size in (formats.BLOCK_BYTES, 37))
        assert whole == pieces, "the size of blocks changes what is found"


def _read_container(data, folder):
    (folder / "dump").write_bytes(data)
    _account(opening.open_parts(folder / "dump"), _source("csv"))


def _account(parts, source):
    """Read everything and hold each record to its account: handed on or broken, once, in order."""
    for part in parts:
        last = 0
        for block, records in formats.read(part, source):
            assert records.count == len(records.rows) + len(records.broken), "count is not kept and broken"
            assert all(len(column) == len(records.rows) for column in records.texts.values()), "a column is ragged"
            broken = dict(records.broken)
            assert all(broken.values()), "broken without a reason"
            rows = sorted({*records.rows.tolist(), *map(int, broken)})
            assert len(rows) == records.count, "a record is told twice"
            for row in broken:
                block.excerpt(row)
            for column in records.texts.values():
                column.validate(full=True)
            lines = [block.where(row)[0] for row in rows]
            if source.form == "excel":  # a sheet numbers its rows itself, and may do so wrongly
                continue
            assert sorted(lines) == lines and last <= min(lines, default=last), "records out of order"
            last = max(lines, default=last)


def _cut(parts, source, block_bytes):
    """Every record that is found, not yet read: its place, and what is wrong with it."""
    found = []
    for part in parts:
        for block, parse in formats.cut(part, source, None, block_bytes):
            faults = block.faults if hasattr(block, "faults") else dict(parse().broken)
            found += [(block.where(row), faults.get(row)) for row in range(len(block))]
    return found


def _read_times(data, folder):
    texts = _texts(data)
    for form, unit in ((None, None), ("DD/MM/YYYY", None), ("YYYYMMDDHHMM", None), (None, "excel"), (None, "ms")):
        micros, forms, marks = times.read_marked_times(texts, form, unit)
        assert len(micros) == len(forms) == len(marks) == len(texts)
        assert len(times.to_utc(micros, forms, "Europe/Berlin")[0]) == len(texts)
        assert len(times.to_days(micros, forms, "Etc/GMT-8")) == len(texts)


def _read_positions(data, folder):
    texts = _texts(data)
    numbers, unreadable = numerals.read_numbers(texts)
    assert len(numbers) == len(unreadable) == len(texts)
    lon, lat = positions.read_positions(texts, texts)[:2]
    assert len(lon) == len(lat) == len(texts)


def _texts(data):
    return pa.array([line or None for line in data.decode("utf-8", "replace").split("\n")], pa.string())


def _load_recipe(data, folder):
    (folder / "recipe.toml").write_bytes(data)
    load_recipe(folder / "recipe.toml")


def _scan(data, folder):
    (folder / "found").write_bytes(data)
    scan(folder / "found")


_TIMES = ["2031-03-12 07:41:09\n1930347669\n1930347669123\n2031/3/4T7:41:09.120+08:00\nTue, 04 Mar 2031 07:41:09 +0800",
          '203103040741\n04/03/2031 07:41\n{"$date":{"$numberLong":"1930347669123"}}\n23:59:60\n46000.5\n0000-01-01']
_PLACES = ["-123.39\n-48,88\n48°52'30.5\" S\n123d23m W\n1.234,5\n1'000.5\n{\"$numberDouble\":\"0.5\"}\nNaN\n1e5"]
READERS = {form: Reader(seeds, _refusing(partial(_read_form, form))) for form, seeds in _FORMS.items()} | {
    "excel sheets": Reader(lambda: [_SHEET], _refusing(lambda data, folder: _read_form("excel", _excel(data), folder))),
    "containers": Reader(_containers, _refusing(_read_container)),
    "times": Reader(lambda: [t.encode() for t in _TIMES], _refusing(_read_times)),
    "positions and numbers": Reader(lambda: [t.encode() for t in _PLACES], _refusing(_read_positions)),
    "recipes": Reader(lambda: [_RECIPE], _refusing(_load_recipe)),
    "scan": Reader(lambda: [_CSV, *_lines("%s"), _parquet()[0], _FORMS["bson"]()[0], _containers()[0]],
                   _refusing(_scan)),
}
