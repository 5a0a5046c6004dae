import json
import tracemalloc

import pytest

from kit.errors import InputError
from kit.ingest import mf_json_in

FIELDS = ("id", "lon", "lat", "alt", "time", "ship.name", "n", "person", "file")
T = ["2031-03-12T07:41:09Z", "2031-03-12T07:42:09Z", 1931067669120]


def moving(places, times=None, kind="MovingPoint", **more):
    return {"type": kind, "datetimes": T[: len(places)] if times is None else times, "coordinates": places, **more}


def feature(geometry, name="A", **more):
    return {"type": "Feature", "id": name, "temporalGeometry": geometry, "properties": {"ship": {"name": "x"}, "n": 1},
            **more}


SHIP = feature(moving([[-123.39, -48.88], [-123.38, -48.87, 5.0], [1, 2]]))
OLD = {"type": "Feature", "geometry": {"type": "LineString", "coordinates": [[1, 2], [3, 4]]},
       "properties": {"datetimes": T[:2], "n": 7}}


def written(tmp_path, *values, ends="\n", **layout):
    (tmp_path / "anna").mkdir(exist_ok=True)
    path = tmp_path / "anna" / "ships.json"
    path.write_text(ends.join(json.dumps(value, **layout) for value in values), encoding="utf-8")
    return path


def rows(got, *names):
    return list(zip(*(got.texts[name] for name in names), strict=True))


def collection(*features, **more):
    return {"type": "FeatureCollection", **more, "features": list(features)}


OF_SHIP = [("A", "-123.39", "-48.88", None, T[0]), ("A", "-123.38", "-48.87", "5.0", T[1]),
           ("A", "1", "2", None, "1931067669120")]


@pytest.mark.parametrize("size", [11, 1 << 20])
@pytest.mark.parametrize("layout", [{}, {"indent": 1}])
@pytest.mark.parametrize("several", [False, True])
def test_each_moment_is_a_record(forms, tmp_path, size, layout, several):
    path = written(tmp_path, collection(SHIP, OLD) if several else SHIP, **layout)
    got = forms.read(path, forms.source("mf-json", *FIELDS), size)
    old = [(None, "1", "2", None, T[0]), (None, "3", "4", None, T[1])]
    assert rows(got, "id", "lon", "lat", "alt", "time") == OF_SHIP + old * several
    assert got.texts["n"] == ["1"] * 3 + ["7"] * 2 * several
    assert got.texts["ship.name"] == ["x"] * 3 + [None] * 2 * several
    assert (set(got.texts["person"]), set(got.texts["file"]), got.broken) == ({"anna"}, {"ships"}, [])
    assert got.keys == set(FIELDS)


def test_a_feature_a_line_and_an_array_of_them(forms, tmp_path):
    for values in ([SHIP, OLD, SHIP], [[SHIP, OLD, SHIP]]):
        got = forms.read(written(tmp_path, *values), forms.source("mf-json", "lon"))
        assert got.texts["lon"] == ["-123.39", "-123.38", "1", "1", "3", "-123.39", "-123.38", "1"]


def test_prisms_are_read_and_what_is_no_point_is_counted(forms, tmp_path):
    prisms = {"type": "MovingGeometryCollection", "prisms": [
        moving([[1, 2]]), moving([[[1, 2], [3, 4]]], kind="MovingLineString"), {"prisms": [moving([[5, 6]])]}]}
    got = forms.read(written(tmp_path, feature(prisms)), forms.source("mf-json", "lon", "time"))
    assert rows(got, "lon", "time") == [("1", T[0]), (None, None), ("5", T[0])]
    assert got.notes == {"something that moves and is no point": 1}


def test_what_holds_no_moment_is_one_record(forms, tmp_path):
    got = forms.read(written(tmp_path, feature(None), feature(moving([]), "B"), {"type": "Feature"}),
                     forms.source("mf-json", "id", "lon"))
    assert rows(got, "id", "lon") == [("A", None), ("B", None), (None, None)]


def test_lists_that_do_not_fit_are_broken(forms, tmp_path):
    wrong = [feature(moving([[1, 2], [3, 4]], T[:1])), feature(moving("x", [])), feature({"type": "MovingPoint"}),
             feature(moving([[1, 2], [1], ["a", None], [[1], 2]], [1, 2, 3, 4])), 5]
    got = forms.read(written(tmp_path, *wrong, SHIP), forms.source("mf-json", "lon"))
    assert [(line, why) for line, _, why in got.broken] == [
        (1, "not as many datetimes as coordinates"), (2, "no lists of datetimes and coordinates in it"),
        (3, "no lists of datetimes and coordinates in it"),
        *[(4, "coordinates that are no two or three numbers")] * 3, (5, "no JSON object")]
    assert got.texts["lon"] == ["1", "-123.39", "-123.38", "1"]


CRS84 = {"type": "Name", "properties": {"name": "urn:ogc:def:crs:OGC:1.3:CRS84"}}
OTHER = {"type": "Name", "properties": {"name": "urn:ogc:def:crs:EPSG::3857"}}


def test_another_reference_system_is_said_by_the_recipe_or_not_read(forms, tmp_path):
    both = [feature(moving([[1, 2]]), crs=CRS84), feature(moving([[3, 4]], crs=OTHER))]
    got = forms.read(written(tmp_path, *both), forms.source("mf-json", "lon"))
    assert got.texts == {"lon": ["1"]}
    assert [why for *_, why in got.broken] == ["in another reference system than WGS 84, and the recipe says no crs"]
    got = forms.read(written(tmp_path, *both), forms.source("mf-json", "lon", crs="EPSG:3857"))
    assert got.texts == {"lon": ["1", "3"]}
    path = written(tmp_path, collection(SHIP, crs=OTHER))
    with pytest.raises(InputError, match=r"^The file ships.json has its points in another reference system than WGS"):
        forms.read(path, forms.source("mf-json", "lon"))
    assert forms.read(path, forms.source("mf-json", "lon", crs="EPSG:3857")).count == 3


def test_a_feature_has_a_greatest_length(forms, tmp_path, monkeypatch):
    monkeypatch.setattr(mf_json_in, "MAX_FEATURE_BYTES", 1 << 20)
    long = feature(moving([[1, 2]]), note="x" * (9 << 20))
    path = written(tmp_path, long)
    got = forms.read(path, forms.source("mf-json", "lon"))
    assert got.broken == [(1, 0, f"a feature of more than 1 MiB: its {path.stat().st_size} bytes were not read")]
    got = forms.read(written(tmp_path, collection(SHIP, long)), forms.source("mf-json", "lon"))
    assert (len(got.places), len(got.broken)) == (3, 1)


def test_many_properties_do_not_make_each_moment_dear(forms, tmp_path):
    """100,000 names beside 20,000 moments: copied for each, they would be two thousand million."""
    wide = feature(moving([[1, 2]] * 20_000, list(range(20_000))))
    wide["properties"] = {f"p{i}": i for i in range(100_000)}
    path = written(tmp_path, wide)
    tracemalloc.start()
    got = forms.read(path, forms.source("mf-json", "lon", "p7"))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert got.texts["p7"] == ["7"] * 20_000
    assert peak < 300 << 20
