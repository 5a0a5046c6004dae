"""What the compiled cutter says of a line is what the parser says of it, to the letter; the rest it leaves alone."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kit.ingest import formats, json_cut
from kit.ingest.cutters import Block

FIELDS = ("a", "b", "n.x", "n.m.y", "é")


def block_of(lines):
    data = np.frombuffer(b"".join(line + b"\n" for line in lines), np.uint8)
    starts = np.concatenate(([0], np.cumsum([len(line) + 1 for line in lines]))).astype(np.int32)
    return Block(data, starts, 1, 0)


def cut(lines, fields=FIELDS, root=""):
    """Which lines are plain, and their texts as rows."""
    plain, columns, names = json_cut.cut(block_of(lines), np.arange(len(lines)), json_cut.want(fields, root),
                                         len(fields))
    for column in columns:
        column.validate(full=True)
    return plain.tolist(), list(zip(*(column.to_pylist() for column in columns), strict=True)), names


def both_ways(lines, fields=FIELDS, root="", shell=False):
    """All there is to know of a block, by the cutter and by the parser alone."""
    block, found = block_of(lines), []
    for way in (formats._cut_json, formats._parse_lines):
        broken = []
        rows, texts, keys = way(block, np.arange(len(lines)), list(fields), root, shell, broken)
        found.append((rows.tolist(), {path: texts[path].to_pylist() for path in fields}, keys, sorted(broken)))
    return found


@pytest.mark.parametrize(("line", "row"), [
    (b'{"a":"x","b":7}', ("x", "7")),
    (b'{"b":-0.5,"a":"","c":[1,{"a":2}]}', ("", "-0.5")),
    (b' {"a" : true , "b" : null } \r'.lstrip(), ("true", None)),
    (b'{"a":{"$oid": "0 1"},"b":[1, 2.5, []]}', ('{"$oid":"0 1"}', "[1,2.5,[]]")),
    (b'{"c":"\\u00e9\\n\\\\","b":1.0}', (None, "1.0")),
    (b'{"a":0.90,"b":10.00}', ("0.9", "10.0")),
    (b'{"a":100,"b":-70.050}', ("100", "-70.05")),
    (b"{}", (None, None)),
])
def test_plain_lines_give_their_texts(line, row):
    assert cut([line], ("a", "b"))[:2] == ([True], [row])


@pytest.mark.parametrize("line", [
    b'{"a":"\\u0041"}', b'{"a":1e5}', b'{"a":-0}', b'{"a":-0.0}', b'{"a":[1.50]}', b'{"a":0.00000001}', b'{"a":NaN}',
    b'{"a":12345678901234567890}', b'{"a":[1e5]}', b'{"a":1,"a":2}', b'{"z":1,"z":2}', b'{"n":{"x":1,"x":2}}',
    b'{"\\u0061":1}', b'{"a":1,}', b'{"a":01}', b'{"c":"\\ud83d"}', b'{"c":"\\x"}', b'{"c":1.}', b'{"a":1}x',
    b'{"a":1', b'{"a"', b'{"a":"x', b"{", b'{"a":"\t"}', b'{"a" 1}', b'{"a":1 "b":2}', b'{a:1}', b"[1]", b"",
    b'{"c":' + b"[" * 99 + b"]" * 99 + b"}", b'{"c":[1,]}', b'{"c":{"d":1,}}', b'{"c":{1:2}}', b'{"c":tru}',
    b'{"c":[1}', b'{"c":\x0c1}',
])
def test_whatever_is_not_plain_is_left_alone(line):
    assert cut([line])[0] == [False]


def test_without_its_root_a_line_is_left_alone():
    assert cut([b'{"r":{"a":1}}', b'{"a":1}', b'{"r":null}', b'{"r":[]}'], ("a",), "r")[0] == [True, False, False,
                                                                                              False]


def test_a_line_without_an_end_is_left_alone():
    data = np.frombuffer(b'{"a":1}', np.uint8)
    block = Block(data, np.array([0, len(data)], np.int32), 1, 0)
    assert not json_cut.cut(block, np.arange(1), json_cut.want(("a",), ""), 1)[0].any()


def test_names_are_those_of_plain_lines_at_the_levels_of_the_fields():
    lines = [b'{"a":1,"n":{"x":1,"q":{"deep":1}},"z":{"in":1}}', b'{"broken":1,']
    assert cut(lines, ("a", "n.x"))[2] == {"a", "n", "n.x", "n.q", "z"}


def test_more_names_than_the_table_holds_leave_lines_to_the_parser():
    lines = [b'{"a":1,"m%d":2}' % n for n in range(3000)]
    plain, _, names = cut(lines, ("a",))
    assert 0 < sum(plain) < 3000
    assert len(names) <= sum(plain) + 1
    assert both_ways(lines, ("a",))[0] == both_ways(lines, ("a",))[1]


@pytest.mark.parametrize("fields", [("a", "a.b"), ("a.b", "a"), ("a", "a"), tuple(f"f{i}" for i in range(600))])
def test_paths_that_cross_or_are_too_many_are_not_taken(fields):
    assert json_cut.want(fields, "") is None


names = st.sampled_from(["a", "b", "n", "m", "x", "y", "é", "z", "", "A", "a b", 'q"', "n.x", "_source"])
texts = st.one_of(st.text(max_size=8), st.sampled_from(["\U0001f600", "\\", '"', "\x00", "\x7f", "1,234", "{", "null"]))
numbers = st.one_of(st.integers(), st.floats(), st.integers(-20, 20), st.decimals(-1000, 1000, places=3).map(float))
values = st.recursive(st.one_of(st.none(), st.booleans(), numbers, texts),
                      lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(names, inner, max_size=4)))
objects = st.dictionaries(names, values, max_size=6)


@st.composite
def json_lines(draw):
    """An object as some program writes it; a tenth of them with a letter changed, lost or said twice."""
    line = json.dumps(draw(objects), ensure_ascii=draw(st.booleans()),
                      separators=draw(st.sampled_from([(",", ":"), (", ", ": "), (" ,\t", " :\r")])))
    line = line.encode("utf-8", "replace")
    if draw(st.integers(0, 9)) == 0 and len(line) > 2:
        at = draw(st.integers(1, len(line) - 1))
        put = draw(st.sampled_from([b"", b",", b'"', b"\\", b"{", b"}", b"0", b"\\u0041", b"\\ud83d", b"\x01", b"."]))
        line = line[:at] + put + line[at + draw(st.integers(0, 1)) :]
        line = line.decode("utf-8", "replace").encode()
    return line


@settings(max_examples=300, deadline=None)
@given(st.lists(json_lines(), min_size=1, max_size=6), st.sampled_from(["", "n", "_source"]), st.booleans())
def test_cutter_and_parser_agree_on_anything(lines, root, shell):
    ours, theirs = both_ways(lines, root=root, shell=shell)
    assert ours == theirs


@settings(max_examples=150, deadline=None)
@given(st.lists(st.text("0123456789.eE+-", min_size=1, max_size=20), min_size=1, max_size=8))
def test_numbers_are_spelled_as_the_parser_spells_them(spelled):
    ours, theirs = both_ways([b'{"a":%s,"b":[%s]}' % (number.encode(), number.encode()) for number in spelled])
    assert ours == theirs


@settings(max_examples=150, deadline=None)
@given(st.dictionaries(names, values, max_size=6), st.booleans())
def test_plain_lines_mean_what_python_reads(record, ascii_only):
    line = json.dumps(record, ensure_ascii=ascii_only, separators=(",", ":")).encode("utf-8", "replace")
    plain, rows, members = cut([line])
    if plain[0]:
        read = json.loads(line)
        within = read.get("n") if isinstance(read.get("n"), dict) else {}
        deeper = within.get("m") if isinstance(within.get("m"), dict) else {}
        for text, value in zip(rows[0], (read.get("a"), read.get("b"), within.get("x"), deeper.get("y"),
                                         read.get("é")), strict=True):
            assert text == value if isinstance(value, str) else (json.loads(text) if text else None) == value
        assert {name for name in members if "." not in name} >= {name for name in read if "." not in name}
