import hashlib
import io
from types import SimpleNamespace

import pytest

from kit.ingest import cutters, formats


def chunks(data, block_bytes=cutters.BLOCK_BYTES, digest=None, fault=None):
    return cutters.Chunks(SimpleNamespace(read=io.BytesIO(data).read, fault=fault), digest, block_bytes)


def blocks(data, block_bytes=cutters.BLOCK_BYTES):
    digest = hashlib.sha256()
    made = list(cutters.cut_lines(chunks(data, block_bytes, digest)))
    assert digest.hexdigest() == hashlib.sha256(data).hexdigest()
    return made


@pytest.mark.parametrize("block_bytes", [1, 2, 3, 5, 7, 64])
@pytest.mark.parametrize("data", [b"", b"one", b"one\n", b"one\ntwo\r\n\nthree", b"\n\n\n", b"a\nbb\nccc\n"])
def test_blocks_hold_every_byte_once_whatever_their_size(data, block_bytes):
    made = blocks(data, block_bytes)
    assert b"".join(b.line(i) for b in made for i in range(len(b))) == data
    assert sum(map(len, made)) == len(data.splitlines())
    assert all(len(b) for b in made)


def test_lines_know_their_number_and_byte_across_blocks():
    data = b"\xef\xbb\xbfone\ntwo\r\n\nlast"
    for size in (4, 5, 64):
        made = blocks(data, size)
        spots = [(b.where(i), b.line(i)) for b in made for i in range(len(b))]
        assert spots == [((1, 3), b"one\n"), ((2, 7), b"two\r\n"), ((3, 12), b"\n"), ((4, 13), b"last")]


def test_a_line_beyond_all_bounds_is_broken_and_the_next_one_is_read(monkeypatch):
    monkeypatch.setattr(cutters, "MAX_LINE_BYTES", 100)
    made = blocks(b'{"a":1}\n{"a":"' + b"x" * 5000 + b'"}\n{"a":2}\n', 64)
    read = [formats.parse_json(b, ["a"]) for b in made]
    assert [v for r in read for v in r.texts["a"].to_pylist()] == ["1", "2"]
    assert sum(r.count for r in read) == 3
    assert [b.where(row)[0] for b, r in zip(made, read, strict=True) for row, _ in r.broken] == [2]
    assert made[-1].where(0) == (3, 8 + 5009)


def members(data, key=None, depth=1, block_bytes=cutters.BLOCK_BYTES, fault=None):
    """Each member with its place, and the reason where it is broken."""
    made = list(cutters.cut_members(chunks(data, block_bytes, fault=fault), key, depth))
    return [(b.where(i), b.line(i).strip(), b.faults.get(i)) for b in made for i in range(len(b))]


SIZES = [1, 2, 3, 7, 1 << 20]


@pytest.mark.parametrize("size", SIZES)
def test_members_of_an_array_are_cut_wherever_the_blocks_end(size):
    data = b'\xef\xbb\xbf [\n {"a":"],[\\"{"},\n  {"a":[1,[2]]} ,\n\n {"b":"\\\\"}, 7 ]\n'
    assert members(data, block_bytes=size) == [
        ((2, 7), b'{"a":"],[\\"{"}', None), ((3, 25), b'{"a":[1,[2]]}', None), ((5, 43), b'{"b":"\\\\"}', None),
        ((5, 55), b"7", None)]


@pytest.mark.parametrize("size", SIZES)
def test_empty_arrays_and_commas_with_nothing_between_hold_no_records(size):
    for data in (b"[]", b"[ ]\n", b" [,]"):
        assert members(data, block_bytes=size) == []
    assert [m for _, m, _ in members(b"[1,2,]", block_bytes=size)] == [b"1", b"2"]


@pytest.mark.parametrize("size", SIZES)
def test_an_array_that_breaks_off_leaves_one_broken_record(size):
    assert members(b'[{"a":1},{"a":', block_bytes=size) == [
        ((1, 1), b'{"a":1}', None), ((1, 9), b'{"a":', "the array breaks off here")]
    assert members(b'[{"a":1},\n', block_bytes=size)[1:] == [((2, 10), b"", "the array breaks off here")]
    assert members(b'[{"a":1}', block_bytes=size, fault="cut") == [((1, 1), b'{"a":1}', "cut")]


@pytest.mark.parametrize("size", SIZES)
def test_what_follows_the_array_is_one_broken_record(size):
    assert members(b"[1]\n{}[2]", block_bytes=size)[1:] == [((2, 4), b"{}[2]", "something after the end of the array")]


PAGES = (b'{"took":3,"hits":{"total":2,"hits":[{"a":"hits"},{"hits":[5]}]}}\n'
         b'{"took":1,"hits":{"total":{"value":0},"hits":[]}}\n{"hits":{"hits": [ {"a":3} ]},"aggs":[1]}\n')


@pytest.mark.parametrize("size", SIZES)
def test_pages_of_search_results_are_cut_into_documents(size):
    assert members(PAGES, "hits", 3, size) == [
        ((1, 36), b'{"a":"hits"}', None), ((1, 49), b'{"hits":[5]}', None), ((3, 134), b'{"a":3}', None)]
    assert members(PAGES[:60], "hits", 3, size)[1:] == [((1, 49), b'{"hits":[5]', "the array breaks off here")]


def test_a_page_that_breaks_off_outside_its_documents_is_one_broken_record():
    assert [why for *_, why in members(PAGES[:63], "hits", 3)] == [None, None, "the document breaks off here"]


def test_a_mark_that_never_closes_ends_the_reading_and_counts_what_is_left(monkeypatch):
    monkeypatch.setattr(cutters, "MAX_LINE_BYTES", 100)
    data = b'[{"a":1},{"a":"' + b"x" * 1000 + b"]"
    [one, two] = members(data, block_bytes=64)
    assert (one[0], two[0]) == ((1, 1), (1, 9))
    assert two[2] == ("a record of more than 0 MiB, or a mark that never closes: the 1007 bytes from here on were not "
                      "read")
    assert len(data) == 9 + 1007


def test_depth_is_that_of_brackets_outside_strings():
    assert [cutters.depth(text) for text in (b"7", b"[]", b'{"a":["[[["]}', b"[[],[[]]]", b"[" * 10_000)] == [
        0, 1, 2, 3, 10_000]


def csv_records(data, block_bytes, cells=2):
    def closes(text):
        split = formats.split_csv(text.decode().rstrip("\r\n"))
        return split is not None and len(split) == cells
    made = list(cutters.cut_csv(chunks(data, block_bytes), closes))
    return [(b.where(i), b.line(i)) for b in made for i in range(len(b))]


@pytest.mark.parametrize("size", SIZES)
def test_a_quoted_newline_does_not_end_a_csv_record(size):
    data = b'a,b\n"x\ny\n\nz",1\n\nq,"2""\n"\n'
    assert csv_records(data, size) == [
        ((1, 0), b"a,b\n"), ((2, 4), b'"x\ny\n\nz",1\n'), ((6, 15), b"\n"), ((7, 16), b'q,"2""\n"\n')]


@pytest.mark.parametrize("size", SIZES)
def test_a_quotation_mark_that_never_closes_does_not_swallow_what_follows(size):
    data = b'a,b\n"x,1\ny,2\nz,3\n'
    assert [line for _, line in csv_records(data, size)] == data.splitlines(keepends=True)


def test_a_quotation_that_goes_on_too_long_is_given_up(monkeypatch):
    monkeypatch.setattr(cutters, "MAX_LINES_A_RECORD", 2)
    data = b'"x\ny\nz",1\n"x\n\n\nz",1\n'
    assert [where[0] for where, _ in csv_records(data, 4)] == [1, 4, 5, 6, 7]


def test_lone_carriage_returns_end_lines_where_there_are_no_newlines():
    made = list(cutters.cut_lines(chunks(b"a,b\r1,2\r3,4")))
    assert [(b.where(i), b.line(i)) for b in made for i in range(len(b))] == [
        ((1, 0), b"a,b\r"), ((2, 4), b"1,2\r"), ((3, 8), b"3,4")]


def test_data_that_broke_off_leave_a_fault_where_they_did():
    for data, place in ((b"one\ntw", (2, 4)), (b"one\n", (2, 4))):
        made = list(cutters.cut_lines(chunks(data, fault="cut")))
        assert [(b.where(row), why) for b in made for row, why in b.faults.items()] == [(place, "cut")]
