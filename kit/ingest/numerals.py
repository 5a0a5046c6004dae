"""Numbers as dumps write them, to float64: plain, wrapped by MongoDB, and with the marks that the recipe allows."""

import re

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

_PLAIN = re.compile(r"\s*[-+]?(\d+(\.\d*)?|\.\d+)([eE][-+]?\d+)?\s*", re.ASCII)
_WRAPPED = re.compile(r'\{"\$[A-Za-z]+":"?([^"{}]*)"?\}')
# Blanks that part thousands: plain, no-break, narrow no-break, thin; then the apostrophes of Switzerland.
_GROUPED = re.compile(r"[-+]?(?:\d{1,3}(?:([ \u00a0\u202f\u2009'\u2019.,])\d{3}(?:\1\d{3})*)?|\d*)", re.ASCII)
_DECIMALS = re.compile(r"\d*([eE][-+]?\d+)?", re.ASCII)


def read_numbers(texts, decimal=None):
    """Read a column of number texts.

    Parameters
    ----------
    texts : pyarrow.StringArray
        Null where there is none.
    decimal : {".", ","}, optional
        The mark before the decimals. Where it is given, marks between thousands are allowed too: a blank, an
        apostrophe, or the other one of the two, between groups of three figures throughout. Where it is not, 1,234
        could be either number, and is none.

    Returns
    -------
    (numpy.ndarray of float64, numpy.ndarray of bool)
        Finite numbers, NaN elsewhere; and which rows hold something that is no finite number.

    >>> read_numbers(pa.array(["1.234,5", "7", None, "much"]), decimal=",")
    (array([1234.5,    7. ,    nan,    nan]), array([False, False, False,  True]))
    """
    numbers = None if decimal == "," else _all_plain(texts)
    if numbers is None:
        codes = texts.dictionary_encode()
        values = np.array([read_number(unwrap(v), decimal) for v in codes.dictionary.to_pylist()] + [np.nan])
        numbers = values[codes.indices.fill_null(len(values) - 1).to_numpy(zero_copy_only=False)]
    return numbers, np.isnan(numbers) & ~np.asarray(texts.is_null())


def read_number(text, decimal=None):
    """One text as a finite number, else NaN; see `read_numbers`."""
    if decimal:
        text = _without_groups(text.strip(), decimal)
    value = float(text) if _PLAIN.fullmatch(text) else np.nan
    return value if np.isfinite(value) else np.nan


def unwrap(value):
    """The inside of {"$numberInt": "inside"} and its like; anything else as it is."""
    match = _WRAPPED.fullmatch(value)
    return match[1] if match else value


def _all_plain(texts):
    """The column at once, if every row of it is a plain number or null; else None."""
    try:
        numbers = pc.cast(texts, pa.float64())
    except pa.ArrowInvalid:
        return None
    values = numbers.fill_null(np.nan).to_numpy(zero_copy_only=False)
    return np.where(np.isfinite(values), values, np.nan)


def _without_groups(text, decimal):
    """The number with a point and without marks between thousands; nothing where they follow no rule."""
    if _PLAIN.fullmatch(text) and (decimal == "." or "." not in text):
        return text
    whole, mark, decimals = text.partition(decimal)
    groups = _GROUPED.fullmatch(whole)
    if not groups or groups[1] == decimal or not _DECIMALS.fullmatch(decimals):
        return ""
    return (whole.replace(groups[1], "") if groups[1] else whole) + ("." + decimals if mark else "")
