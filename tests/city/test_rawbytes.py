"""Text written by compiled code equals what Python's own formatting writes."""

import datetime as dt

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from kit.city import rawbytes


def written(put, *values):
    buffer = np.zeros(80, np.uint8)
    return bytes(buffer[:put(buffer, 0, *values)]).decode()


@given(st.integers(0, 4_102_444_800_000))
def test_instants_read_as_iso(ms):
    moment = dt.datetime(1970, 1, 1) + dt.timedelta(milliseconds=ms)
    assert written(rawbytes.put_instant, ms) == moment.isoformat(timespec="milliseconds") + "Z"


@given(st.integers(-25_000, 60_000))
def test_days_read_as_dates(day):
    assert written(rawbytes.put_date, day) == str(dt.date(1970, 1, 1) + dt.timedelta(days=day))


@given(st.integers(0, 10**15))
def test_numbers(number):
    assert written(rawbytes.put_number, number) == str(number)
    assert written(rawbytes.put_padded, number, 17) == f"{number:017d}"
    assert written(rawbytes.put_hex, np.uint64(number), 14) == f"{number:014x}"


def test_words_of_a_table():
    table, starts = rawbytes.word_table(["teal", "", "Ærø"])
    assert [written(rawbytes.put_word, table, starts, i) for i in range(3)] == ["teal", "", "Ærø"]


def test_chunks_are_written_in_order(tmp_path):
    reports = []

    def fill(first, stop, buffer):
        at = 0
        for number in range(first, stop):
            at = rawbytes.put(buffer, rawbytes.put_number(buffer, at, number), rawbytes.text("\n"))
        return at

    rawbytes.write_in_chunks(tmp_path / "numbers", 1_000, 64, 8, fill, reports.append)
    assert (tmp_path / "numbers").read_text().split() == [str(i) for i in range(1_000)]
    assert reports[-1] == 1_000
    assert reports == sorted(reports)
