"""JSON records of which each holds many points: a member is taken apart, and every point of it is a record.

What cannot be read as JSON, or holds no point, is a record all the same. Numbers stay the texts that they were.
"""

import json
from collections import Counter
from dataclasses import dataclass, field
from functools import partial

from kit.ingest import cutters
from kit.ingest.cutters import EXCERPT_LETTERS
from kit.ingest.rows import Rows

BATCH_ROWS = 20_000
MAX_DEPTH = 1000
MAX_VALUES = 10_000_000
TWICE = "one member twice, so which is meant is unknown"


class WrongError(Exception):
    """What is wrong with a record, in words for the quarantine."""


@dataclass
class Said:
    """What one record says of itself as a whole: things noticed, counted, and names of members beside its points."""

    notes: Counter = field(default_factory=Counter)
    keys: set = field(default_factory=set)


def expand(blocks, fields, points_of, owner, records_of):
    """Every point of the members in some blocks, as blocks of rows.

    Parameters
    ----------
    blocks : iterable of Block
    fields : list of str
    points_of : callable
        Given a member and a Said, yields for each point a dict of values by name, or a WrongError.
    owner : dict
        Values that every record has.
    records_of : callable

    Yields
    ------
    (Rows, callable)
    """
    rows = Rows(fields)
    for block in blocks:
        rows.notes.update(block.notes)
        for row in range(len(block)):
            said = Said()
            for point in _points(block, row, points_of, said):
                _add(rows, point, owner, block, row)
                if len(rows) >= BATCH_ROWS:
                    yield rows, partial(rows.records, records_of)
                    rows = Rows(fields)
            rows.notes.update(said.notes)
            for name in said.keys:
                rows.key(name)
        rows.size += len(block.data)
        if len(rows) or rows.notes:
            yield rows, partial(rows.records, records_of)
            rows = Rows(fields)


def read_value(data):
    """A JSON text whose numbers stay texts; WrongError says why it is none."""
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        raise WrongError("not UTF-8") from None
    levels = cutters.depth(data)
    if levels > MAX_DEPTH:
        raise WrongError(f"nested more than {MAX_DEPTH} deep")
    if sum(map(data.count, b",[{")) > MAX_VALUES:
        raise WrongError(f"more than {MAX_VALUES // 1_000_000} million values in one record")
    try:
        return json.loads(text, parse_int=str, parse_float=str, parse_constant=str, object_pairs_hook=_distinct)
    except RecursionError:
        raise WrongError("nested deeper than can be read") from None
    except ValueError:
        raise WrongError("not valid JSON") from None


def text_of(value):
    """A value as the text that a record has; what is no single value as JSON."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    return json.dumps(value, ensure_ascii=False)


def inside(value, *path):
    """The member at a path of objects, or None where there is none."""
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def _points(block, row, points_of, said):
    """Each point of one record, or what is wrong with the record."""
    if row in block.faults:
        yield WrongError(block.faults[row])
        return
    data = block.line(row)
    if not data.strip():
        return
    try:
        value = read_value(data)
        if not isinstance(value, dict):
            raise WrongError("no JSON object")
        yield from points_of(value, said)
    except WrongError as wrong:
        yield wrong


def _add(rows, point, owner, block, row):
    where = block.where(row)
    if isinstance(point, WrongError):
        start = int(block.starts[row])
        shown = block.data[start : min(int(block.starts[row + 1]), start + 4 * EXCERPT_LETTERS)].tobytes()
        rows.fail(str(point), *where, shown.decode("utf-8", "replace"))
        return
    point = {**point, **owner}
    rows.add({name: text_of(value) for name, value in point.items() if name in rows.columns}, *where)
    for name in point:
        rows.key(name)


def _distinct(pairs):
    value = dict(pairs)
    if len(value) < len(pairs):
        raise WrongError(TWICE)
    return value
