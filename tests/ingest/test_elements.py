"""Elements of arrays by their number: in every form that has arrays, and where the arrays are not as they should be."""

import json

import bson
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kit.errors import InputError
from kit.ingest import elements
from kit.ingest.recipe import read_recipe

POINTS = [{"p": {"type": "Point", "coordinates": [-123.39, -48.88]}}, {"p": {"type": "Point", "coordinates": [7]}},
          {"p": {"coordinates": [[1, 2], "far"]}}, {"p": {"coordinates": None}}, {"p": 5}, {}]
LON, LAT = ["-123.39", "7", "[1,2]", None, None, None], ["-48.88", None, "far", None, None, None]
PATHS = ("p.coordinates.0", "p.coordinates.1")


def lines(records, wrap=lambda record: record):
    return "".join(json.dumps(wrap(record)) + "\n" for record in records).encode()


FILES = {
    "ndjson": lines(POINTS), "mongo-lines": lines(POINTS), "es-hits": lines(POINTS, lambda r: {"_source": r}),
    "bson": b"".join(map(bson.encode, POINTS)),
}


@pytest.mark.parametrize("form", FILES)
def test_a_number_in_a_path_counts_elements(forms, tmp_path, form):
    (tmp_path / "dump").write_bytes(FILES[form])
    got = forms.read(tmp_path / "dump", forms.source(form, *PATHS))
    lon = [text and text.replace(" ", "") for text in got.texts[PATHS[0]]]
    assert (lon, got.texts[PATHS[1]], got.broken) == (LON, LAT, [])


def test_an_array_of_records_and_lines_the_cutter_leaves_alone(forms, tmp_path):
    data = '[{"a":"\\u00e9","p":[1.50, 2]},\n{"a":"b","p":[ 1e2 ,-0.0,3]}]'
    (tmp_path / "dump").write_text(data, encoding="utf-8")
    got = forms.read(tmp_path / "dump", forms.source("ndjson", "a", "p.0", "p.1"))
    assert [float(x) for x in got.texts["p.0"]] == [1.5, 100]
    assert [float(x) for x in got.texts["p.1"]] == [2, 0]
    assert got.texts["a"] == ["é", "b"]


def test_wrapped_numbers_and_wholes_beside_their_elements(forms, tmp_path):
    (tmp_path / "dump").write_bytes(b'{"loc":[{"$numberDouble":"-123.39"},{"$numberInt":"-48"}]}\n')
    got = forms.read(tmp_path / "dump", forms.source("mongo-lines", "loc", "loc.0", "loc.1"))
    assert got.texts["loc.0"] == ['{"$numberDouble":"-123.39"}']
    assert got.texts["loc.1"] == ['{"$numberInt":"-48"}']
    assert got.texts["loc"] == ['[{"$numberDouble":"-123.39"},{"$numberInt":"-48"}]']


def test_members_that_are_called_by_numbers(forms, tmp_path):
    (tmp_path / "dump").write_bytes(b'{"a":{"0":"x","1":{"b":2}}}\n{"a":{"0":"x","0":"y"}}\n')
    got = forms.read(tmp_path / "dump", forms.source("ndjson", "a.0", "a.1.b"))
    assert got.texts == {"a.0": ["x", None], "a.1.b": ["2", None]}


def test_columns_that_are_called_so_come_before_elements(forms, tmp_path):
    pq.write_table(pa.table({"p": [[1.5, 2.5], [3.5]], "q.0": ["own", None]}), tmp_path / "dump")
    got = forms.read(tmp_path / "dump", forms.source("parquet", "p.0", "p.1", "q.0"))
    assert got.texts == {"p.0": ["1.5", "3.5"], "p.1": ["2.5", None], "q.0": ["own", None]}


def test_half_a_pair_of_escapes_is_no_letter(forms, tmp_path):
    pq.write_table(pa.table({"p": ['["\\ud800", ["\\ud800"]]']}), tmp_path / "dump")
    got = forms.read(tmp_path / "dump", forms.source("parquet", "p.0", "p.1"))
    assert got.texts["p.0"] == ["?"]


def test_a_csv_column_with_a_number_in_its_name_is_itself(forms, tmp_path):
    (tmp_path / "dump").write_bytes(b"p.0,p.1\n1,2\n")
    assert forms.read(tmp_path / "dump", forms.source("csv", "p.0", "p.1")).texts == {"p.0": ["1"], "p.1": ["2"]}


def test_a_member_and_an_element_of_one_thing_are_refused():
    recipe = """name = "r"
[[source]]
name = "s"
files = "*"
form = "ndjson"
makes = "nothing"
[source.fields]
"p.0" = { is = "measurement", do = "tally" }
"p.b" = { is = "measurement", do = "tally" }
"""
    with pytest.raises(InputError, match="reads both p and members of it"):
        read_recipe(recipe, "r.toml")
    assert read_recipe(recipe.replace('"p.b"', "p"), "r.toml").sources[0].fields[1].path == "p"


NUMBERS = st.integers() | st.floats(allow_nan=False, allow_infinity=False)
VALUES = st.recursive(st.none() | st.booleans() | NUMBERS | st.text(max_size=3),
                      lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=2), inner,
                                                                                  max_size=2), max_leaves=8)


@settings(max_examples=300, derandomize=True, deadline=None, database=None)
@given(st.lists(st.lists(VALUES, max_size=4) | VALUES, max_size=6), st.integers(0, 10), st.booleans())
def test_what_is_taken_is_what_stands_there(values, number, spaced):
    texts = [None if v is None else json.dumps(v, separators=None if spaced else (",", ":")) for v in values]
    got = elements.take(pa.array(texts, pa.string()), (str(number),)).to_pylist()
    for value, found in zip(values, got, strict=True):
        inside = value[number] if isinstance(value, list) and number < len(value) else None
        if isinstance(value, dict):
            inside = value.get(str(number))
        if inside is None or isinstance(inside, str):
            assert found == inside
        else:
            assert json.loads(found) == inside
