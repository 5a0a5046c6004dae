import gzip
import math
import sqlite3
import struct
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kit.errors import InputError, KitError
from kit.ingest import geopackage_in

SYSTEMS = "create table gpkg_spatial_ref_sys (srs_id integer, organization text, organization_coordsys_id integer)"
GEOMETRIES = "create table gpkg_geometry_columns (table_name text, column_name text, srs_id integer)"


def blob(lon, lat, *more, order="<", envelope=0, system=4326, kind=1, flags=0, tail=b""):
    """A point as a GeoPackage has it, written by the standard: head, envelope, well-known binary."""
    flags |= (order == "<") | envelope << 1
    head = b"GP" + struct.pack(f"{order}BBi", 0, flags, system) + bytes((0, 32, 48, 48, 64)[envelope])
    return head + struct.pack(f"{order}BI{2 + len(more)}d", order == "<", kind, lon, lat, *more) + tail


def package(path, rows, system=4326, geometry="geom"):
    """A GeoPackage with one table of features, called seen, and the tables that come with it."""
    con = sqlite3.connect(path)
    con.execute("pragma application_id = 0x47504b47")
    con.execute("pragma page_size = 512")
    for statement in (SYSTEMS, GEOMETRIES, "create table rtree_seen_geom_node (nodeno, who)",
                      "create table gpkg_contents (table_name, who, lon, lat)",
                      f"create table seen (fid integer primary key, {geometry} blob, who text, at text)"):
        con.execute(statement)
    con.executemany("insert into gpkg_spatial_ref_sys values (?, ?, ?)",
                    [(-1, "NONE", -1), (0, "NONE", 0), (4326, "EPSG", 4326), (3857, "EPSG", 3857), (7, "epsg", 4326)])
    con.execute("insert into gpkg_geometry_columns values ('Seen', ?, ?)", (geometry, system))
    con.executemany(f"insert into seen ({geometry}, who, at) values (?, ?, ?)", rows)
    con.commit()
    con.close()
    return path


def needing(forms, *paths, **options):
    source = forms.source("geopackage", *paths, **options)
    return replace(source, fields=tuple(replace(f, column="subject_id") for f in source.fields))


@pytest.mark.parametrize("packed", [False, True])
def test_features_have_their_columns_and_their_point(forms, tmp_path, packed):
    path = package(tmp_path / "a.gpkg", [(blob(-123.39, -48.88), "北京", "t1"), (None, "B", None),
                                         (blob(math.nan, math.nan), "C", ""), (b"GP", "D", "t4")])
    if packed:
        (tmp_path / "b.gz").write_bytes(gzip.compress(path.read_bytes()))
        path = tmp_path / "b.gz"
    got = forms.read(path, needing(forms, "who", "lon", "lat", "at"))
    assert got.texts == {"who": ["北京", "B", "C"], "at": ["t1", None, None],
                         "lon": ["-123.39", None, None], "lat": ["-48.88", None, None]}
    assert (got.places, got.broken) == ([(1, None), (2, None), (3, None)], [(4, None, "no geometry where one belongs")])
    assert got.keys == {"fid", "who", "at", "lon", "lat"}


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("envelope", range(5))
@pytest.mark.parametrize(("kind", "more"), [(1, ()), (1001, (5.0,)), (2001, (5.0,)), (3001, (5.0, 6.0))])
def test_every_head_and_every_kind_of_point(order, envelope, kind, more):
    assert geopackage_in.point_of(blob(1.5, -2.25, *more, order=order, envelope=envelope, kind=kind)) == (
        "1.5", "-2.25", False)


def test_what_is_no_point_is_null_and_counted(forms, tmp_path):
    line = blob(1, 2)[:8] + struct.pack("<BIIdddd", 1, 2, 2, 1, 2, 3, 4) + bytes(1 << 16)
    path = package(tmp_path / "a.gpkg", [(line, "A", ""), (blob(1, 2, flags=32), "B", ""), (blob(1, 2), "C", "")])
    got = forms.read(path, needing(forms, "who", "lon", "lat"))
    assert got.texts == {"who": ["A", "B", "C"], "lon": [None, None, "1.0"], "lat": [None, None, "2.0"]}
    assert got.notes == {"a geometry that is no point": 2}


WRONG = {
    "text": "no geometry where one belongs",
    b"PG" + blob(1, 2)[2:]: "no geometry where one belongs",
    b"GP\x01" + blob(1, 2)[3:]: "no geometry where one belongs",
    blob(1, 2, flags=14): "no geometry where one belongs",
    blob(1, 2, kind=0): "no geometry where one belongs",
    blob(1, 2, kind=18): "no geometry where one belongs",
    blob(1, 2, kind=0x20000001): "no geometry where one belongs",
    blob(1, 2)[:8] + b"\x02" + blob(1, 2)[9:]: "no geometry where one belongs",
    blob(1, 2, envelope=1)[:20]: "a geometry cut short",
    blob(1, 2)[:-1]: "a point that is not as long as it says",
    blob(1, 2, tail=b"\0"): "a point that is not as long as it says",
    blob(1, 2, kind=1001): "a point that is not as long as it says",
    blob(1, 2, system=3857): "a geometry in another reference system than its table",
}


def test_a_wrong_geometry_is_broken(forms, tmp_path):
    path = package(tmp_path / "a.gpkg", [(data, "A", "") for data in WRONG] + [(blob(1, 2), "good", "")])
    got = forms.read(path, needing(forms, "who", "lon"))
    assert [why for *_, why in got.broken] == list(WRONG.values())
    assert got.texts == {"who": ["good"], "lon": ["1.0"]}


def test_another_reference_system_is_refused_unless_the_recipe_says_which(forms, tmp_path):
    path = package(tmp_path / "a.gpkg", [(blob(-13735785.5, -6255716.25, system=3857), "A", "")], 3857)
    with pytest.raises(InputError, match=r'another reference system than WGS 84; add crs = "EPSG:3857" to its source'):
        forms.read(path, needing(forms, "lon", "lat"))
    assert forms.read(path, needing(forms, "lon", "lat", crs="EPSG:3857")).texts == {
        "lon": ["-13735785.5"], "lat": ["-6255716.25"]}
    assert forms.read(path, needing(forms, "who")).texts == {"who": ["A"]}
    for system, works in ((7, True), (0, True), (-1, False), (99, False)):
        (tmp_path / "a.gpkg").unlink()
        package(path, [(blob(1, 2, system=system), "A", "")], system)
        if works:
            assert forms.read(path, needing(forms, "lon")).texts == {"lon": ["1.0"]}
        else:
            with pytest.raises(InputError, match=r'add crs = "EPSG:\.\.\." to its source'):
                forms.read(path, needing(forms, "lon"))


def test_a_table_without_a_geometry_has_its_columns(forms, tmp_path):
    path = package(tmp_path / "a.gpkg", [])
    con = sqlite3.connect(path)
    con.execute("create table other (who, lon, n)")
    con.execute("insert into other values ('A', 5.5, 1)")
    con.commit()
    con.close()
    assert forms.read(path, needing(forms, "lon", "n")).texts == {"lon": ["5.5"], "n": ["1"]}


def test_it_reads_what_gdal_writes(forms, tmp_path):
    geopandas = pytest.importorskip("geopandas")
    points = geopandas.points_from_xy([-123.39, 7.5], [-48.88, 0.25], z=[1.0, 2.0])
    frame = geopandas.GeoDataFrame({"who": ["A", "北京"]}, geometry=points, crs="EPSG:4326")
    frame.to_file(tmp_path / "a.gpkg", driver="GPKG", layer="a layer")
    got = forms.read(tmp_path / "a.gpkg", needing(forms, "who", "lon", "lat"))
    assert got.texts == {"who": ["A", "北京"], "lon": ["-123.39", "7.5"], "lat": ["-48.88", "0.25"]}


def test_a_damaged_package_is_one_sentence(forms, tmp_path):
    whole = package(tmp_path / "a.gpkg", [(blob(1, 2), "A", "")] * 40).read_bytes()
    for data in (b"no database" * 100, whole[:1000], whole[:512] + b"\xff" * (len(whole) - 512)):
        (tmp_path / "a.gpkg").write_bytes(data)
        with pytest.raises(InputError, match=r"^The file a.gpkg cannot be read as "):
            forms.read(tmp_path / "a.gpkg", needing(forms, "who", "lon"))


def test_no_bytes_crash_the_reader_and_none_are_unaccounted(forms, tmp_path_factory):
    folder = tmp_path_factory.mktemp("junk")
    whole = package(folder / "a", [(blob(1, 2, envelope=1), "A", "t"), (None, None, "")]).read_bytes()
    source = needing(forms, "who", "lon", "lat")

    @settings(max_examples=2000, derandomize=True, deadline=None, database=None)
    @given(st.lists(st.tuples(st.integers(0), st.integers(0, 255)), max_size=6))
    def holds(bites):
        data = bytearray(whole)
        for at, byte in bites:
            data[at % len(data)] = byte
        (folder / "b").write_bytes(bytes(data))
        try:
            got = forms.read(folder / "b", source)
        except KitError:
            return
        assert got.count == len(got.places) + len(got.broken)

    holds()


@settings(max_examples=2000, derandomize=True, deadline=None, database=None)
@given(st.binary(max_size=60), st.lists(st.tuples(st.integers(0), st.integers(0, 255)), max_size=4))
def test_no_geometry_crashes(junk, bites):
    data = bytearray(blob(1, 2) + junk if bites else junk)
    for at, byte in bites:
        data[at % len(data)] = byte
    try:
        lon, lat, _ = geopackage_in.point_of(bytes(data))
    except ValueError:
        return
    assert (lon is None) == (lat is None)
