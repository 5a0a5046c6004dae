import contextlib
import datetime as dt
import gzip
import sqlite3
import struct
from dataclasses import replace

import bson
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kit.errors import InputError, KitError
from kit.ingest import tables_in

MORNING = dt.datetime(2031, 3, 12, 7, 41, 9, 120_000, tzinfo=dt.UTC)
MILLIS = 1_931_067_669_120  # MORNING since 1970, worked out apart: 22,350 days, then 7:41:09.12


def documents(*given):
    return b"".join(bson.encode(d) for d in given)


def test_the_morning_is_what_it_says():
    assert MILLIS == ((22_350 * 24 + 7) * 60 + 41) * 60_000 + 9_120


def test_values_of_documents_become_the_texts_that_a_line_holds(forms, tmp_path):
    oid = bson.ObjectId("5f" * 12)
    (tmp_path / "p.bson").write_bytes(documents(
        {"_id": oid, "ts": MORNING, "n": bson.Int64(2**40), "f": 0.5, "who": "北京", "at": {"lon": 1.5, "z": 1}},
        {"_id": 7, "ts": None, "n": True, "f": float("nan"), "who": b"\x00\x01", "at": [1, "x"]},
        {}))
    got = forms.read(tmp_path / "p.bson", forms.source("bson", "_id", "ts", "n", "f", "who", "at", "at.lon"))
    assert got.texts == {
        "_id": ["5f" * 12, "7", None], "ts": [f'{{"$date":{{"$numberLong":"{MILLIS}"}}}}', None, None],
        "n": [str(2**40), "true", None], "f": ["0.5", "nan", None], "who": ["北京", "AAE=", None],
        "at": ['{"lon": 1.5, "z": 1}', '[1, "x"]', None], "at.lon": ["1.5", None, None]}
    assert got.keys == {"_id", "ts", "n", "f", "who", "at", "at.lon", "at.z"}


def test_dates_beyond_the_calendar_do_not_stop_the_reading(forms, tmp_path):
    far = bson.encode({"ts": MORNING}).replace(struct.pack("<q", MILLIS), struct.pack("<q", 2**62))
    (tmp_path / "p.bson").write_bytes(far)
    assert forms.read(tmp_path / "p.bson", forms.source("bson", "ts")).texts["ts"] == [
        f'{{"$date":{{"$numberLong":"{2**62}"}}}}']


@pytest.mark.parametrize("size", [1, 7, 64, 1 << 20])
def test_documents_know_their_number_and_byte(forms, tmp_path, size):
    data = documents(*({"a": i} for i in range(5)))
    (tmp_path / "p.bson.gz").write_bytes(gzip.compress(data))
    got = forms.read(tmp_path / "p.bson.gz", forms.source("bson", "a"), size)
    assert got.texts["a"] == list("01234")
    assert got.places == [(i + 1, i * 12) for i in range(5)]
    assert len(data) == 60


@pytest.mark.parametrize("size", [1, 7, 1 << 20])
@pytest.mark.parametrize(("length", "why"), [
    (-1, "a document of -1 bytes, which cannot be"), (4, "a document of 4 bytes, which cannot be"),
    (2**31 - 1, "a document of 2147483647 bytes, which cannot be"),
    (13, "a document of 13 bytes that does not end there")])
def test_a_wrong_length_ends_the_reading_and_counts_what_is_left(forms, tmp_path, size, length, why):
    one, two = documents({"a": 1}), documents({"a": 2})
    (tmp_path / "p.bson").write_bytes(one + struct.pack("<i", length) + two[4:] + one)
    got = forms.read(tmp_path / "p.bson", forms.source("bson", "a"), size)
    assert (got.texts["a"], got.count) == (["1"], 2)
    assert got.broken == [(2, 12, f"{why}: the 24 bytes from here on were not read")]


def test_a_last_document_that_breaks_off_is_broken(forms, tmp_path):
    (tmp_path / "p.bson").write_bytes(documents({"a": 1}, {"a": 2})[:-3])
    got = forms.read(tmp_path / "p.bson", forms.source("bson", "a"))
    assert got.broken == [(2, 12, "the last document breaks off after 9 bytes")]


def test_a_document_that_is_none_inside_is_broken_alone(forms, tmp_path):
    bad = bytearray(documents({"a": 1}))
    bad[4] = 0x55
    deep = {}
    for _ in range(150):
        deep = {"a": deep}
    (tmp_path / "p.bson").write_bytes(bytes(bad) + documents(deep, {"a": 3}))
    got = forms.read(tmp_path / "p.bson", forms.source("bson", "a"))
    assert [(line, why) for line, _, why in got.broken] == [(1, "not valid BSON")]
    assert got.count == 3


def test_an_archive_of_mongodump_is_refused(forms, tmp_path):
    (tmp_path / "p.bson").write_bytes(b"\x6d\xe2\x99\x81" + documents({"a": 1}))
    with pytest.raises(InputError, match="is a mongodump archive; restore it, or dump it again without"):
        forms.read(tmp_path / "p.bson", forms.source("bson", "a"))


def parquet(tmp_path, columns, **options):
    pq.write_table(pa.table(columns), tmp_path / "t.parquet", **options)
    return tmp_path / "t.parquet"


def test_columns_of_any_type_become_texts(forms, tmp_path):
    path = parquet(tmp_path, {
        "i": pa.array([1, None], pa.int32()), "f": [0.5, None], "b": [True, None], "s": ["x", None],
        "ns": pa.array([MORNING, None], pa.timestamp("ns", "Asia/Shanghai")),
        "wall": pa.array([MORNING.replace(tzinfo=None), None], pa.timestamp("ms")),
        "day": pa.array([dt.date(2031, 3, 12), None]), "dict": pa.array(["y", None]).dictionary_encode(),
        "at": [{"lon": 1.5}, None], "list": [[1, 2], None], "raw": [b"\x00\x01", None]})
    names = ("i", "f", "b", "s", "ns", "wall", "day", "dict", "at.lon", "list", "raw", "none", "s.x")
    got = forms.read(path, forms.source("parquet", *names))
    assert {name: texts[0] for name, texts in got.texts.items()} == {
        "i": "1", "f": "0.5", "b": "true", "s": "x", "ns": "2031-03-12 07:41:09.120000Z",
        "wall": "2031-03-12 07:41:09.120000", "day": "2031-03-12", "dict": "y", "at.lon": "1.5", "list": "[1, 2]",
        "raw": "AAE=", "none": None, "s.x": None}
    assert {texts[1] for texts in got.texts.values()} == {None}
    assert got.places == [(1, None), (2, None)]


def test_rows_are_numbered_across_batches(forms, tmp_path, monkeypatch):
    monkeypatch.setattr(tables_in, "BATCH_ROWS", 2)
    got = forms.read(parquet(tmp_path, {"a": list("abcde")}, row_group_size=3), forms.source("parquet", "a"))
    assert (got.texts["a"], [row for row, _ in got.places]) == (list("abcde"), [1, 2, 3, 4, 5])


LYING = ("cannot be read as Parquet: what its footer says does not fit its data, so it is damaged or cut short; get a "
         "whole copy.")


def outcome(forms, path, source):
    """How many rows were read, all of them whole or broken; or the sentence. Anything else is a crash."""
    try:
        got = forms.read(path, source)
    except KitError as sentence:
        return str(sentence).removeprefix(f"The file {path.name} ")
    assert got.count == len(got.texts["a"]) + len(got.broken)
    return got.count


def test_a_lying_footer_is_one_sentence(forms, tmp_path):
    path = parquet(tmp_path, {"a": list(range(1000))})
    whole = path.read_bytes()
    lies = {"no magic": whole[:-4] + b"PARX", "cut": whole[:100], "length": whole[:-8] + b"\xff\xff\xff\x7fPAR1",
            "hole": whole[:4] + b"\xff" * 500 + whole[504:], "nothing": b"PAR1"}
    for data in lies.values():
        path.write_bytes(data)
        assert outcome(forms, path, forms.source("parquet", "a")) == LYING


def test_a_footer_with_another_number_of_rows_is_one_sentence(forms, tmp_path):
    path = parquet(tmp_path, {"a": list(range(100))})
    data, at = bytearray(path.read_bytes()), 0
    footer = len(data) - 8 - struct.unpack("<i", data[-8:-4])[0]
    while (at := data.find(b"\xc8\x01", max(at + 1, footer))) >= 0:  # 100, as Thrift writes it
        lie = bytearray(data)
        lie[at : at + 2] = b"\xca\x01"
        path.write_bytes(bytes(lie))
        assert outcome(forms, path, forms.source("parquet", "a")) in (LYING, 100)


WHOLE = documents({"a": 1}, {"a": "x", "b": {"c": MORNING}}, {"a": [1, 2.5, None]})
BITES = st.lists(st.tuples(st.integers(0, len(WHOLE) - 1), st.integers(0, 255)), max_size=4)


def test_no_bytes_crash_the_reader_of_documents(forms, tmp_path_factory):
    path, source = tmp_path_factory.mktemp("bson") / "p.bson", forms.source("bson", "a", "b.c")

    @settings(max_examples=2000, derandomize=True, deadline=None, database=None)
    @given(BITES, st.integers(0, len(WHOLE)))
    def holds(bites, size):
        data = bytearray(WHOLE)
        for at, byte in bites:
            data[at] = byte
        path.write_bytes(bytes(data[:size]))
        got, small = forms.read(path, source), forms.read(path, source, 9)
        assert (got.places, got.broken, got.count) == (small.places, small.broken, small.count)
        assert got.count > 0 or size == 0

    holds()


def test_no_bytes_crash_the_reader_of_parquet(forms, tmp_path_factory):
    folder = tmp_path_factory.mktemp("parquet")
    columns = {"a": [1, 2, None], "b": ["x", None, "y"], "c": pa.array(["p", "q", None]).dictionary_encode()}
    whole = parquet(folder, columns).read_bytes()
    path, source = folder / "p.parquet", forms.source("parquet", "a", "b", "c")

    @settings(max_examples=2000, derandomize=True, deadline=None, database=None)
    @given(st.lists(st.tuples(st.integers(0, len(whole) - 1), st.integers(0, 255)), min_size=1, max_size=4))
    def holds(bites):
        data = bytearray(whole)
        for at, byte in bites:
            data[at] = byte
        path.write_bytes(bytes(data))
        answer = outcome(forms, path, source)
        assert answer == LYING or isinstance(answer, int)

    holds()


def arrow(path, table, make, **options):
    with make(path, table.schema, **options) as writer:
        writer.write_table(table, max_chunksize=2)
    return path


@pytest.mark.parametrize("make", [pa.ipc.new_file, pa.ipc.new_stream])
def test_arrow_files_and_streams_are_read_alike(forms, tmp_path, make):
    path = arrow(tmp_path / "a.arrow", pa.table({"a": list("abc"), "n": [1, 2, None]}), make)
    got = forms.read(path, forms.source("arrow", "a", "n", "none"))
    assert got.texts == {"a": ["a", "b", "c"], "n": ["1", "2", None], "none": [None] * 3}
    assert ([row for row, _ in got.places], got.keys) == ([1, 2, 3], {"a", "n"})


def test_two_columns_of_one_name_are_refused(forms, tmp_path):
    twice = pa.table([[1], [2]], names=["a", "a"])
    arrow(tmp_path / "a", twice, pa.ipc.new_file)
    pq.write_table(twice, tmp_path / "b")
    for name, form in (("a", "arrow"), ("b", "parquet")):
        with pytest.raises(InputError, match=f"^The file {name} has two columns of one name"):
            forms.read(tmp_path / name, forms.source(form, "a"))


def test_an_arrow_file_cut_short_is_one_sentence(forms, tmp_path):
    path = arrow(tmp_path / "a.arrow", pa.table({"a": list("abc")}), pa.ipc.new_file)
    for size in (4, 100, len(path.read_bytes()) - 4):
        (tmp_path / "b.arrow").write_bytes(path.read_bytes()[:size])
        with pytest.raises(InputError, match=r"^The file b.arrow cannot be read as Arrow"):
            forms.read(tmp_path / "b.arrow", forms.source("arrow", "a"))


def database(path, *statements):
    with sqlite3.connect(path) as con:
        for statement in statements:
            con.execute(statement)
    con.close()
    return path


ROWS = ('create table seen (who text, n, "odd ""name" real)',
        "insert into seen values ('北京', 1, 0.5), ('', x'0001', null), (cast(x'ff' as text), 3, 4)")


def needing(forms, *paths):
    source = forms.source("sqlite", *paths)
    return replace(source, fields=tuple(replace(f, column="subject_id") for f in source.fields))


@pytest.mark.parametrize("packed", [False, True])
def test_a_table_of_sqlite_is_read_and_what_is_no_text_is_broken(forms, tmp_path, packed):
    path = database(tmp_path / "a.db", *ROWS, "create table other (x)", "create view v as select * from seen")
    if packed:
        (tmp_path / "a.db.gz").write_bytes(gzip.compress(path.read_bytes()))
        path = tmp_path / "a.db.gz"
    got = forms.read(path, needing(forms, "who", "n", 'odd "name'))
    assert got.texts == {"who": ["北京", None], "n": ["1", "AAE="], 'odd "name': ["0.5", None]}
    assert got.broken == [(3, None, "not UTF-8")]
    assert got.keys == {"who", "n", 'odd "name'}


def test_it_must_be_plain_which_table_is_meant(forms, tmp_path):
    path = database(tmp_path / "a.db", "create table a (who)", "create table b (who, n)")
    for paths, count in ((("who",), 2), (("x",), 0)):
        with pytest.raises(InputError, match=f"a.db has {count} tables with the columns {paths[0]}, and one is needed"):
            forms.read(path, needing(forms, *paths))
    assert forms.read(path, needing(forms, "n")).count == 0


def test_a_damaged_database_is_one_sentence(forms, tmp_path):
    path = database(tmp_path / "a.db", *ROWS)
    whole = path.read_bytes()
    for data in (b"no database at all" * 100, whole[:1000], whole[:4096] + b"\xff" * 4096):
        path.write_bytes(data)
        with pytest.raises(InputError, match=r"^The file a.db cannot be read as SQLite"):
            forms.read(path, needing(forms, "who"))


@pytest.mark.parametrize("rows", [10, 2_000_000, 2**31 - 1])
def test_rows_that_no_byte_stands_behind_are_believed_up_to_a_million(forms, tmp_path, rows):
    path = tmp_path / "a.arrow"
    nothing = pa.Array.from_buffers(pa.null(), rows, [None])  # pa.nulls would take a bit of memory for each
    batch = pa.RecordBatch.from_arrays([nothing], names=["none"])
    with pa.ipc.new_stream(path, batch.schema) as writer:
        writer.write_batch(batch)
    got = outcome(forms, path, forms.source("arrow", "a"))
    assert got == (10 if rows == 10 else "cannot be read as Arrow, so it is damaged or cut short; get a whole copy.")


def test_rows_without_columns_are_not_believed(forms, tmp_path):
    batch = pa.record_batch({"a": [1, 2]}).select([])
    assert len(batch) == 2
    with pa.ipc.new_stream(tmp_path / "a.arrow", batch.schema) as writer:
        writer.write_batch(batch)
    with pytest.raises(InputError, match=r"^The file a.arrow cannot be read as Arrow"):
        forms.read(tmp_path / "a.arrow", forms.source("arrow", "a"))


def test_a_schema_of_sqlite_that_is_no_text_is_damage(forms, tmp_path):
    with contextlib.closing(sqlite3.connect(tmp_path / "dump")) as con:
        con.execute("create table seen (who, n)")
        con.execute("pragma writable_schema = on")
        con.execute("update sqlite_master set sql = cast(sql as blob)")
        con.commit()
    with pytest.raises(InputError, match="The file dump cannot be read as SQLite, so it is damaged or cut short"):
        forms.read(tmp_path / "dump", forms.source("sqlite", "who", "n"))


def test_no_bytes_crash_the_readers_of_arrow_and_sqlite(forms, tmp_path_factory):
    folder = tmp_path_factory.mktemp("tables")
    stream = arrow(folder / "a", pa.table({"a": ["x", None, "y"]}), pa.ipc.new_stream).read_bytes()
    file = arrow(folder / "b", pa.table({"a": ["x", None, "y"]}), pa.ipc.new_file).read_bytes()
    base = database(folder / "c", "pragma page_size = 512", "create table seen (a)",
                    "insert into seen values ('x'), (null), (3)").read_bytes()
    path = folder / "d"
    starts = {"stream": (stream, forms.source("arrow", "a")), "file": (file, forms.source("arrow", "a")),
              "base": (base, needing(forms, "a"))}

    @settings(max_examples=6000, derandomize=True, deadline=None, database=None)
    @given(st.sampled_from(sorted(starts)), st.lists(st.tuples(st.integers(0), st.integers(0, 255)), max_size=4))
    def holds(name, bites):
        whole, source = starts[name]
        data = bytearray(whole)
        for at, byte in bites:
            data[at % len(data)] = byte
        path.write_bytes(bytes(data))
        assert outcome(forms, path, source) is not None

    holds()
