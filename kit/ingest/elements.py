"""Values out of arrays: a number in a path counts elements from 0, as in MongoDB's dot notation.

`location.coordinates.0` is the longitude of a GeoJSON point. No reader knows of this: each hands on the whole array, as
text, and the elements are taken out here. A path whose array is too short, or no array at all, has no value.
"""

import json
import re
from dataclasses import replace

import pyarrow as pa
import pyarrow.compute as pc

from kit.ingest.rows import PLACES

FORMS = ("ndjson", "mongo-lines", "es-hits", "bson", "geojson", "parquet", "arrow")
_TABLES = ("parquet", "arrow")  # whose columns may be called so themselves
_FAST = 8
_NUMBER = r"-?[0-9]+(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?"
_MOST_DIGITS = 6


def parted(path):
    """A path as the part before its first number, and the steps from there on; None without such a number.

    >>> parted("location.coordinates.0"), parted("rings.0.1"), parted("location.lon")
    (('location.coordinates', ('0',)), ('rings', ('0', '1')), None)
    """
    parts = path.split(".")
    at = next((i for i, part in enumerate(parts) if i and re.fullmatch(rf"[0-9]{{1,{_MOST_DIGITS}}}", part)), None)
    return (".".join(parts[:at]), tuple(parts[at:])) if at else None


def of(source):
    """The paths of a source that lead into arrays: {path: (the array's path, steps)}; none in forms without arrays."""
    if source.form not in FORMS:
        return {}
    return {f.path: found for f in source.read if f.path not in PLACES and (found := parted(f.path))}


def whole(source, paths):
    """The source as its reader is asked: for whole arrays, each once, in place of their elements."""
    asked = {}
    for spec in source.fields:
        array = paths.get(spec.path, (None,))[0]
        if array is None or source.form in _TABLES:
            asked.setdefault(spec.path, spec)
        if array is not None:
            asked.setdefault(array, replace(spec, path=array))
    return replace(source, fields=tuple(asked.values()))


def taken(parse, paths, wanted):
    """Records of the paths `wanted`, the elements among them taken out of their arrays."""
    records, texts = parse(), {}
    for path in wanted:
        array, steps = paths.get(path, (None, ()))
        texts[path] = records.texts.get(path)
        if array is not None:
            found = take(records.texts[array], steps)
            texts[path] = found if texts[path] is None else pc.coalesce(texts[path], found)
    records.texts = texts
    return records


def take(column, steps):
    """One element of each array.

    Parameters
    ----------
    column : pyarrow.StringArray
        Arrays as JSON, null where there is none.
    steps : tuple of str
        The element's number, then what leads on within it, if anything.

    Returns
    -------
    pyarrow.StringArray
        Null where the array is too short, or there is none; what is no text or number itself as JSON.

    >>> take(pa.array(["[-123.39, -48.88]", "[]", "far", None]), ("1",)).to_pylist()
    ['-48.88', None, None, None]
    """
    if len(steps) > 1 or int(steps[0]) >= _FAST:
        return pa.array([_element(text, steps) for text in column.to_pylist()], pa.string())
    ahead = rf"{_NUMBER}\s*,\s*" * int(steps[0])
    quick = pc.struct_field(pc.extract_regex(column, rf"^\[\s*{ahead}(?P<e>{_NUMBER})\s*[,\]]"), ["e"])
    if quick.null_count == column.null_count:
        return quick
    slow = [_element(text, steps) if text is not None and found is None else found
            for text, found in zip(column.to_pylist(), quick.to_pylist(), strict=True)]
    return pa.array(slow, pa.string())


def _element(text, steps):
    if text is None or text[:1] not in ("[", "{"):
        return None
    try:
        return _text(_follow(json.loads(text, parse_int=_Number, parse_float=_Number, parse_constant=_Number,
                                        object_pairs_hook=_members), steps))
    except ValueError:
        return None
    except RecursionError:
        return text  # deeper than any position is: handed on whole, to be found unreadable


def _follow(value, steps):
    for step in steps:
        if isinstance(value, list):
            value = value[int(step)] if step.isdigit() and int(step) < len(value) else None
        else:
            value = value.get(step) if isinstance(value, dict) else None
    return value


def _members(pairs):
    """An object; nothing of one that has a member twice, since nobody knows which is meant."""
    found = dict(pairs)
    return found if len(found) == len(pairs) else {}


class _Number(str):
    """A number as it stands in the text."""


def _text(value):
    if value is None or isinstance(value, bool):
        return None if value is None else str(value).lower()
    text = value if isinstance(value, str) else _json(value)
    return text.encode("utf-8", "replace").decode()  # half a pair of escapes is no letter


def _json(value):
    """An array or object within, without blanks."""
    if isinstance(value, list):
        return f"[{','.join(map(_json, value))}]"
    if isinstance(value, dict):
        return "{" + ",".join(f"{json.dumps(k, ensure_ascii=False)}:{_json(v)}" for k, v in value.items()) + "}"
    return str(value) if isinstance(value, _Number) else json.dumps(value, ensure_ascii=False)
