import io
import zipfile
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from kit.errors import InputError, KitError
from kit.ingest import cutters, formats
from kit.ingest.recipe import Field, Source


def stream(data, block_bytes=formats.BLOCK_BYTES):
    return cutters.Chunks(SimpleNamespace(read=io.BytesIO(data).read, fault=None), None, block_bytes)


def blocks(data, block_bytes=formats.BLOCK_BYTES):
    return list(cutters.cut_lines(stream(data, block_bytes)))


def test_every_json_line_is_a_record_a_blank_or_broken():
    data = b'{"a":1,"b":"x"}\r\n\n   \n{"a":\n[1]\n7\n{"a":null}\n\xff\xfe\n  {"a":"2"} \n{"a":true}\n'
    [block] = blocks(data)
    records = formats.parse_json(block, ["a"])
    assert records.texts["a"].to_pylist() == ["1", None, "2", "true"]
    assert records.rows.tolist() == [0, 6, 8, 9]
    assert records.broken == [(3, "not valid JSON"), (4, "no JSON object"), (5, "no JSON object"), (7, "not UTF-8")]
    assert records.count == 8
    assert records.keys == {"a", "b"}


def test_nested_fields_and_a_root_are_followed_and_their_keys_named():
    data = b'{"_id":"1","_source":{"who":"x","gps":{"lon":1.5,"alt":3}}}\n{"_id":"2"}\n{"_source":{"gps":null}}\n'
    [block] = blocks(data)
    records = formats.parse_json(block, ["who", "gps.lon"], "_source")
    assert records.texts["who"].to_pylist() == ["x", None]
    assert records.texts["gps.lon"].to_pylist() == ["1.5", None]
    assert records.broken == [(1, "no _source in it")]
    assert records.keys == {"who", "gps", "gps.lon", "gps.alt"}


def test_mongo_wrappers_come_through_as_text():
    [block] = blocks(b'{"n":{"$numberInt":"417"}}\n{"n":417}\n')
    assert formats.parse_json(block, ["n"]).texts["n"].to_pylist() == ['{"$numberInt":"417"}', "417"]


def test_every_csv_line_is_header_record_blank_or_broken():
    [block] = blocks(b'who,where\r\na,1\r\n\r\n"b, c",2\nd\n"e,5\nf,,6\n,7\n')
    records = formats.parse_csv(block, ["who", "when"], ["who", "where"], 1)
    assert records.texts["who"].to_pylist() == ["a", "b, c", None]
    assert records.texts["when"].to_pylist() == [None, None, None]
    assert records.broken == [(4, "1 cells where 2 belong"), (5, "a quotation mark that does not close"),
                              (6, "3 cells where 2 belong")]
    assert records.count == 6


def test_an_excerpt_shows_the_shape_and_nothing_else():
    [block] = blocks('{"id_no":"SYN0123","name":"Zoë 北京 Ω"'.encode() + b"9" * 900)
    text = block.excerpt(0)
    assert text.startswith('{"xx_xx":"xxx0000","xxxx":"xxx xx x"000')
    assert len(text) == formats.EXCERPT_LETTERS
    assert set(text) <= set('{"_:,x0 }')


def test_a_file_with_nothing_in_it_gives_no_blocks():
    assert list(map(len, blocks(b""))) == []
    [only_blanks] = blocks(b"\n\n")
    assert formats.parse_json(only_blanks, ["a"]).count == 0
    assert np.array_equal(formats.parse_json(only_blanks, ["a"]).rows, [])


def test_a_member_given_twice_is_broken_since_nobody_knows_which_is_meant():
    [block] = blocks(b'{"a":1}\n{"a":1,"b":2,"a":3}\n{"c":{"a":1,"a":2}}\n')
    records = formats.parse_json(block, ["a"])
    assert records.texts["a"].to_pylist() == ["1", None]
    assert records.broken == [(1, "one member twice, so which is meant is unknown")]


def test_nesting_beyond_all_bounds_is_broken_before_it_is_parsed():
    deep = b'{"a":' * 10_000 + b"1" + b"}" * 10_000
    flat = b'{"a":"' + b"[" * 10_000 + b'"}'
    [block] = blocks(deep + b"\n" + flat + b"\n" + b'{"a":' * 10_000 + b"\n")
    records = formats.parse_json(block, ["a"])
    assert records.rows.tolist() == [1]
    assert records.broken == [(0, "nested more than 1000 deep"), (2, "nested more than 1000 deep")]


def test_the_manner_of_the_mongo_shell_reads_as_extended_json():
    data = (b'{"_id":ObjectId("5f"),"t":ISODate("2031-01-01T00:00:00Z"),"b":"Date(1) \\"x"}\n'
            b'{"t":new Date(1931067670620),"b":NumberLong("5")}\n{"t":undefined,"b":NumberInt( 7 )}\n{"t":NoDate(1)}\n')
    [block] = blocks(data)
    records = formats.parse_json(block, ["t", "b"], shell=True)
    assert records.texts["t"].to_pylist() == ['{"$date":"2031-01-01T00:00:00Z"}', '{"$date":1931067670620}', None]
    assert records.texts["b"].to_pylist() == ['Date(1) "x', '{"$numberLong":"5"}', '{"$numberInt":7}']
    assert records.broken == [(3, "not valid JSON")]
    assert records.keys == {"_id", "t", "b"}
    assert formats.parse_json(block, ["t"]).count == len(formats.parse_json(block, ["t"]).broken) == 4


def test_the_undefined_of_the_first_extended_json_is_null():
    [block] = blocks(b'{"a":{"$undefined":true}}\n{"a":"x"}\n')
    assert formats.parse_json(block, ["a"], shell=True).texts["a"].to_pylist() == [None, "x"]


def written(tmp_path, data, name="dump"):
    (tmp_path / name).write_bytes(data)
    return tmp_path / name


def test_one_recipe_reads_lines_and_arrays_alike(forms, tmp_path):
    lines = b'{"a":1}\n{"a":2}\n'
    for form in ("ndjson", "mongo-lines"):
        for data in (lines, b'[{"a":1},{"a":2}]', b'[\n  {\n    "a": 1\n  },\n  {\n    "a": 2\n  }\n]\n'):
            assert forms.read(written(tmp_path, data), forms.source(form, "a")).texts["a"] == ["1", "2"]


def test_elasticsearch_hands_out_lines_and_pages_and_arrays_of_pages(forms, tmp_path):
    documents = [f'{{"_index":"x","_source":{{"a":{i}}}}}' for i in (1, 2, 3)]
    pages = [f'{{"took":1,"_shards":{{"total":5}},"hits":{{"total":9,"hits":[{d}]}}}}' for d in documents]
    for text in ("\n".join(documents), "\n".join(pages), "[" + ",".join(pages) + "]", "[" + ",".join(documents) + "]",
                 "".join(pages).replace("{", "{\n ")):
        got = forms.read(written(tmp_path, text.encode()), forms.source("es-hits", "a"))
        assert (got.texts["a"], got.broken, got.keys) == (["1", "2", "3"], [], {"a"})


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|", "^", "~"])
def test_the_delimiter_is_the_one_that_gives_the_columns_looked_for(forms, tmp_path, delimiter):
    data = "who,1 x,where\na,2,b\n".replace(",", delimiter) + f'"c{delimiter}",,d\n'.replace(",", delimiter)
    got = forms.read(written(tmp_path, data.encode()), forms.source("csv", "who", "where"))
    assert got.texts == {"who": ["a", f"c{delimiter}"], "where": ["b", "d"]}
    assert got.broken == []


def test_a_stated_delimiter_and_header_are_believed(forms, tmp_path):
    data = b"a::1\nb::2\n"
    got = forms.read(written(tmp_path, data), forms.source("csv", "n", delimiter="::", header=("who", "n")))
    assert (got.texts, got.places) == ({"n": ["1", "2"]}, [(1, 0), (2, 5)])
    got = forms.read(written(tmp_path, data), forms.source("csv", "column_1", delimiter="::", header=False))
    assert got.texts == {"column_1": ["a", "b"]}


def test_trailing_delimiters_hold_nothing_and_ragged_rows_are_broken(forms, tmp_path):
    data = b"who,n,,\na,1\nb,2,,\nc,3,4\nd\n,,,\n"
    got = forms.read(written(tmp_path, data), forms.source("csv", "who", "n"))
    assert got.texts == {"who": ["a", "b", None], "n": ["1", "2", None]}
    assert got.broken == [(4, 18, "3 cells where 2 belong"), (5, 24, "1 cells where 2 belong")]


def test_a_column_without_a_name_gets_one_and_two_of_one_name_are_refused(forms, tmp_path):
    got = forms.read(written(tmp_path, b",who\n0,a\n"), forms.source("csv", "column_1", "who"))
    assert got.texts == {"column_1": ["0"], "who": ["a"]}
    with pytest.raises(InputError, match="The first line of dump is no header with distinct column names"):
        forms.read(written(tmp_path, b"who,who\n1,2\n"), forms.source("csv", "who"))


@pytest.mark.parametrize("size", [1, 3, 50, 1 << 20])
def test_newlines_in_quotation_marks_and_marks_that_break(forms, tmp_path, size):
    data = b'who,n\r\n"a\r\nb",1\r\nc,"2\nd,3\ne,"4"x\nf,5" pipe\n"g\nh",1,2\n"i""",6\n'
    got = forms.read(written(tmp_path, data), forms.source("csv", "who", "n"), size)
    assert got.texts == {"who": ["a\r\nb", "d", "f", 'i"'], "n": ["1", "3", '5" pipe', "6"]}
    assert [(line, why) for line, _, why in got.broken] == [
        (4, "a quotation mark that does not close"), (6, "a quotation mark that does not close"),
        (8, "3 cells where 2 belong")]


BOMS = (b"\xff\xfe", b"\xfe\xff", b"\xef\xbb\xbf", b"\x84\x31\x95\x33")  # UTF-16 of both orders, UTF-8, GB18030
SOURCES = {"ndjson": ("a",), "mongo-lines": ("a", "b.c"), "es-hits": ("a",), "csv": ("a", "b")}
PIECES = [b'{"a":1}', b'{"a":', b'"', b"{", b"}", b"[", b"]", b",", b"\n", b"\r\n", b"\r", b"\0", b"\\", b"a,b",
          b"a;b;c", b"\xff", b"\xef\xbb\xbf", b"\xff\xfe",
          "北京".encode("gb18030"), "é".encode(), b'{"hits":{"hits":[', b']}}',
          b'{"_source":{"a":1}}', b"ISODate(1)", b'"hits":[', b"NaN", b"null", b" "]
JUNK = st.lists(st.sampled_from(PIECES) | st.binary(max_size=4), max_size=12).map(b"".join)


class Opened(io.BytesIO):
    fault = None


def source_of(form):
    """As a recipe would have it."""
    return Source("s", "*", form, ("nothing",), tuple(Field(p, "measurement", "tally") for p in SOURCES[form]))


def outcome(act):
    """What comes of it: the answer, or the sentence of a refusal. Anything else is a crash."""
    try:
        return act()
    except KitError as sentence:
        return str(sentence)


@pytest.mark.parametrize("forms_of", [("ndjson", "mongo-lines", "es-hits"), ("csv",)])
def test_no_bytes_crash_a_reader_and_none_are_unaccounted(forms, tmp_path_factory, forms_of):
    path = tmp_path_factory.mktemp("junk") / "dump"

    @settings(max_examples=2000, derandomize=True, deadline=None, database=None)
    @given(st.sampled_from(forms_of), JUNK)
    @example(forms_of[0], b'{"a":1}{"a":1}{"a":1}{"a":1}{"hits":{"hits":[' + "北京".encode("gb18030"))
    @example(forms_of[0], b"\r\x9d")
    @example(forms_of[0], b"\xfe\xff")
    def holds(form, data):
        path.write_bytes(data)
        got = outcome(lambda: forms.read(path, forms.source(form, *SOURCES[form])))
        if not isinstance(got, str) and got.count == 0:
            assert form == "csv" or not data.strip(b" \t\r\n\v\f[],") or b'"hits"' in data or data.startswith(BOMS)

    holds()


@settings(max_examples=2000, derandomize=True, deadline=None, database=None)
@given(st.sampled_from(sorted(SOURCES)), JUNK)
def test_the_size_of_blocks_changes_no_record(form, data):
    def cut(size):
        part = SimpleNamespace(name="dump", open=lambda: Opened(data))
        found = list(formats.cut(part, source_of(form), None, size))
        return [(b.where(i), b.line(i), b.faults.get(i)) for b, _ in found for i in range(len(b))]

    assert outcome(lambda: cut(5)) == outcome(lambda: cut(1 << 20))


def test_the_features_of_geojson_are_records(forms, tmp_path):
    point = ('{"type":"Feature","id":7,"properties":{"who":"A","n":{"x":1}},'
             '"geometry":{"type":"Point","coordinates":[1.5, -2]}}')
    line = '{"type":"Feature","properties":{"who":"B"},"geometry":{"type":"LineString","coordinates":[[1,2],[3,4]]}}'
    bare = '{"type":"Feature","properties":null,"geometry":null}'
    whole = f'{{"type":"FeatureCollection","name":"x","features":[{point},\n{line},{bare},7],"crs":null}}'
    got = forms.read(written(tmp_path, whole.encode()), forms.source("geojson", "who", "lon", "lat", "id", "n.x"))
    assert got.texts == {"who": ["A", "B", None], "lon": ["1.5", None, None], "lat": ["-2", None, None],
                         "id": ["7", None, None], "n.x": ["1", None, None]}
    assert [(line, why) for line, _, why in got.broken] == [(2, "no JSON object")]
    lines = forms.read(written(tmp_path, f"{point}\n{line}\n".encode()), forms.source("geojson", "who", "lon"))
    assert lines.texts == {"who": ["A", "B"], "lon": ["1.5", None]}


@pytest.mark.parametrize("size", [1, 30, 1 << 20])
def test_a_geolife_trajectory_names_its_person_by_the_folder(forms, tmp_path, size):
    preface = b"Geolife trajectory\r\nWGS 84\r\nAltitude is in Feet\r\nReserved 3\r\n0,2,255,My Track,0\r\n0\r\n"
    rows = b"39.9,116.3,0,492,39744.12,2008-10-23,02:53:04\r\n39.9,116.3,0\r\n40,-777,0,0,1,2008-10-23,02:53:05\r\n"
    folder = tmp_path / "Data" / "007" / "Trajectory"
    folder.mkdir(parents=True)
    with zipfile.ZipFile(tmp_path / "g.zip", "w") as archive:
        archive.writestr("Geolife/Data/007/Trajectory/1.plt", preface + rows)
    for path in (written(folder, preface + rows, "1.plt"), tmp_path / "g.zip"):
        got = forms.read(path, forms.source("plt", "lat", "lon", "time", "person"), size)
        assert got.texts == {"lat": ["39.9", "40"], "lon": ["116.3", "-777"], "person": ["007", "007"],
                             "time": ["2008-10-23 02:53:04Z", "2008-10-23 02:53:05Z"]}
        assert got.broken == [(8, len(preface) + 47, "3 cells where 7 belong")]
