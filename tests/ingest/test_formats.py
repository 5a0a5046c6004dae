import hashlib

import numpy as np
import pytest

from kit.errors import InputError
from kit.ingest import formats


def blocks(tmp_path, data, block_bytes=formats.BLOCK_BYTES):
    path = tmp_path / "dump.jsonl"
    path.write_bytes(data)
    digest = hashlib.sha256()
    made = list(formats.read_blocks(path, digest, block_bytes))
    assert digest.hexdigest() == hashlib.sha256(data).hexdigest()
    return made


@pytest.mark.parametrize("block_bytes", [1, 2, 3, 5, 7, 64])
@pytest.mark.parametrize("data", [b"", b"one", b"one\n", b"one\ntwo\r\n\nthree", b"\n\n\n", b"a\nbb\nccc\n"])
def test_blocks_hold_every_byte_once_whatever_their_size(tmp_path, data, block_bytes):
    made = blocks(tmp_path, data, block_bytes)
    assert b"".join(b.line(i) for b in made for i in range(len(b))) == data
    assert sum(map(len, made)) == len(data.splitlines())
    assert all(len(b) for b in made)


def test_lines_know_their_number_and_byte_across_blocks(tmp_path):
    data = b"\xef\xbb\xbfone\ntwo\r\n\nlast"
    for size in (4, 5, 64):
        made = blocks(tmp_path, data, size)
        spots = [(b.where(i), b.line(i)) for b in made for i in range(len(b))]
        assert spots == [((1, 3), b"one\n"), ((2, 7), b"two\r\n"), ((3, 12), b"\n"), ((4, 13), b"last")]


def test_a_line_beyond_all_bounds_is_broken_and_the_next_one_is_read(tmp_path, monkeypatch):
    monkeypatch.setattr(formats, "MAX_LINE_BYTES", 100)
    made = blocks(tmp_path, b'{"a":1}\n{"a":"' + b"x" * 5000 + b'"}\n{"a":2}\n', 64)
    read = [formats.parse_json(b, ["a"]) for b in made]
    assert [v for r in read for v in r.texts["a"].to_pylist()] == ["1", "2"]
    assert sum(r.count for r in read) == 3
    assert [b.where(row)[0] for b, r in zip(made, read, strict=True) for row, _ in r.broken] == [2]
    assert made[-1].where(0) == (3, 8 + 5009)


def test_every_json_line_is_a_record_a_blank_or_broken(tmp_path):
    data = b'{"a":1,"b":"x"}\r\n\n   \n{"a":\n[1]\n7\n{"a":null}\n\xff\xfe\n  {"a":"2"} \n{"a":true}\n'
    [block] = blocks(tmp_path, data)
    records = formats.parse_json(block, ["a"])
    assert records.texts["a"].to_pylist() == ["1", None, "2", "true"]
    assert records.rows.tolist() == [0, 6, 8, 9]
    assert records.broken == [(3, "not valid JSON"), (4, "no JSON object"), (5, "no JSON object"), (7, "not UTF-8")]
    assert records.count == 8
    assert records.keys == {"a", "b"}


def test_nested_fields_and_a_root_are_followed_and_their_keys_named(tmp_path):
    data = b'{"_id":"1","_source":{"who":"x","gps":{"lon":1.5,"alt":3}}}\n{"_id":"2"}\n{"_source":{"gps":null}}\n'
    [block] = blocks(tmp_path, data)
    records = formats.parse_json(block, ["who", "gps.lon"], "_source")
    assert records.texts["who"].to_pylist() == ["x", None]
    assert records.texts["gps.lon"].to_pylist() == ["1.5", None]
    assert records.broken == [(1, "no _source in it")]
    assert records.keys == {"who", "gps", "gps.lon", "gps.alt"}


def test_mongo_wrappers_come_through_as_text(tmp_path):
    [block] = blocks(tmp_path, b'{"n":{"$numberInt":"417"}}\n{"n":417}\n')
    assert formats.parse_json(block, ["n"]).texts["n"].to_pylist() == ['{"$numberInt":"417"}', "417"]


def test_every_csv_line_is_header_record_blank_or_broken(tmp_path):
    [block] = blocks(tmp_path, b'who,where\r\na,1\r\n\r\n"b, c",2\nd\n"e,5\nf,,6\n,7\n')
    header, first = formats.csv_header(block, "dump.csv")
    records = formats.parse_csv(block, ["who", "when"], header, first)
    assert header == ["who", "where"]
    assert records.texts["who"].to_pylist() == ["a", "b, c", None]
    assert records.texts["when"].to_pylist() == [None, None, None]
    assert records.broken == [(4, "1 cells where 2 belong"), (5, "a quotation mark that does not close"),
                              (6, "3 cells where 2 belong")]
    assert records.count == 6


def test_a_header_with_one_name_twice_is_refused(tmp_path):
    [block] = blocks(tmp_path, b"who,who\n1,2\n")
    with pytest.raises(InputError, match="no header with distinct column names"):
        formats.csv_header(block, "dump.csv")


def test_an_excerpt_shows_the_shape_and_nothing_else(tmp_path):
    [block] = blocks(tmp_path, '{"id_no":"SYN0123","name":"Zoë 北京 Ω"'.encode() + b"9" * 900)
    text = block.excerpt(0)
    assert text.startswith('{"xx_xx":"xxx0000","xxxx":"xxx xx x"000')
    assert len(text) == formats.EXCERPT_LETTERS
    assert set(text) <= set('{"_:,x0 }')


def test_a_file_with_nothing_in_it_gives_no_blocks(tmp_path):
    assert blocks(tmp_path, b"") == []
    [only_blanks] = blocks(tmp_path, b"\n\n")
    assert formats.parse_json(only_blanks, ["a"]).count == 0
    assert np.array_equal(formats.parse_json(only_blanks, ["a"]).rows, [])
