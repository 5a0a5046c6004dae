import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.ingest.numerals import read_number, read_numbers


@pytest.mark.parametrize(("text", "decimal", "value"), [
    ("1234.5", None, 1234.5), (" -7 ", None, -7.0), ("1e3", None, 1000.0), (".5", None, 0.5), ("+1.", None, 1.0),
    ("1.234,5", ",", 1234.5), ("1 234 567,25", ",", 1234567.25), ("-48,88", ",", -48.88), ("1.234", ",", 1234.0),
    ("1'234", ",", 1234.0), ("1\u202f234,5", ",", 1234.5), ("7", ",", 7.0), (",5", ",", 0.5),
    ("1,234.5", ".", 1234.5), ("1,234,567", ".", 1234567.0), ("12.5", ".", 12.5), ("1 234.5", ".", 1234.5),
])
def test_numbers_are_read_with_the_marks_that_the_recipe_allows(text, decimal, value):
    assert read_number(text, decimal) == value


@pytest.mark.parametrize(("text", "decimal"), [
    ("1,234", None), ("1,5", None), ("1 234", None), ("12 34", "."), ("1,23", "."), ("1,2345", "."), ("1,234 567", "."),
    ("1.5", ","), ("1.234.56", ","), ("1,2,3", ","), ("0x10", None), ("nan", None), ("inf", None), ("1e999", None),
    ("", None), ("1_000", None), ("much", ","), (",", ","), ("١٢٣", "."),
])
def test_what_keeps_to_no_rule_is_no_number(text, decimal):
    assert np.isnan(read_number(text, decimal))


@given(st.integers(-10**9, 10**9), st.sampled_from([(".", ","), (",", "."), (",", " "), (".", "'")]))
def test_a_number_written_with_marks_comes_back(cents, marks):
    decimal, thousands = marks
    text = f"{cents / 100:,.2f}".replace(",", "T").replace(".", decimal).replace("T", thousands)
    assert read_number(text, decimal) == cents / 100


@given(st.lists(st.none() | st.floats(-1e15, 1e15).map(repr) | st.sampled_from(["", "x", "nan", '{"$numberInt":"7"}'])))
def test_a_column_reads_as_its_rows_do(values):
    numbers, unread = read_numbers(pa.array(values, pa.string()))
    for value, number, bad in zip(values, numbers, unread, strict=True):
        expected = 7.0 if value == '{"$numberInt":"7"}' else np.nan if value is None else read_number(value)
        assert number == expected or (np.isnan(number) and np.isnan(expected))
        assert bad == (value is not None and np.isnan(expected))
