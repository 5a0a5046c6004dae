"""A glimpse of a file: which form it has, what its fields are called, and some thousand of its records as text.

Nothing here reads a file to its end. Of plain files with a record a line some lines from further in are looked at too,
since what comes first (one person's month, one device) may be unlike the rest.
"""

import io
import json
import re
import struct
from collections import Counter
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import islice

import numpy as np
import pyarrow as pa

from kit.errors import InputError
from kit.ingest import elements, encodings, excel_in, formats, geopackage_in, google_in, kinds, opening, tables_in
from kit.ingest.numerals import read_numbers
from kit.ingest.recipe import Field, Source

MAX_ROWS, MAX_FIELDS = 2_000, 300
_HEAD, _WINDOW, _WINDOWS = 128 << 10, 24 << 10, 8
_DEEPEST = 5
_MORE_ROWS, _MORE_WINDOWS = 50_000, 48
_WHOLE_IN_MEMORY = 64 << 20
_SUFFIXES = (".csv", ".tsv", ".txt", ".tab", ".dat", ".psv", ".data")


@dataclass
class Glimpse:
    """What was seen of one part: `texts` holds a column of text for each field, `hidden` counts fields left out.

    A field is left out where its name might be somebody's number or address; so it is dropped, like all unnamed ones.
    """

    part: object
    form: str
    options: dict
    texts: dict = field(default_factory=dict)
    rows: int = 0
    hidden: int = 0


def glimpse(part):
    """Look at a part of a dump.

    Parameters
    ----------
    part : opening.Part

    Returns
    -------
    Glimpse or None
        None where it is in no form that a recipe knows, or holds no record that can be read.
    """
    try:
        with part.open() as stream:
            head = stream.read(_HEAD)
        text = _text(head)
        form, options = next(((form, options) for form, test in DETECTORS
                              if (options := test(part, head, text)) is not None), (None, {}))
        if form is None or (form in formats.SOUGHT and not opening.is_plain(part)
                            and (part.size or _WHOLE_IN_MEMORY) > _WHOLE_IN_MEMORY):
            return None
        seen = _further_in(part, form, head)
        if form in ("csv", "ndjson") and (encoding := _western(seen, head)):
            options = {**options, "encoding": encoding}
        found = _look(seen, form, options)
        return replace(found, part=part) if found else None
    except (InputError, OSError, UnicodeError):
        return None


def further(look, path):
    """More of one field of a part than its glimpse shows: some ten thousand values, from all over a plain file.

    Returns
    -------
    pyarrow.StringArray
    """
    pieces, rows = [], 0
    try:
        with look.part.open() as stream:
            head = stream.read(_HEAD)
        part = _further_in(look.part, look.form, head, _MORE_WINDOWS)
        for _, records in _blocks(part, look.form, look.options, [path]):
            pieces.append(records.texts[path])
            rows += len(records.rows)
            if rows >= _MORE_ROWS:
                break
    except (InputError, OSError, UnicodeError):
        pass  # what was read before the fault is more than nothing
    return pa.chunked_array(pieces, pa.string()).combine_chunks()


# --- forms -----------------------------------------------------------------------------------------------------------


def _magic(start, part, head, text):
    return {} if head.startswith(start) else None


def _is_arrow(part, head, text):
    return {} if head.startswith((b"ARROW1", b"\xff\xff\xff\xff")) else None


def _is_geopackage(part, head, text):
    """SQLite that says so in its head, or by its name; what neither says so is read as SQLite."""
    if not head.startswith(b"SQLite format 3\0"):
        return None
    return {} if head[68:72] in (b"GPKG", b"GP10", b"GP11") or part.label.lower().endswith(".gpkg") else None


def _is_excel(part, head, text):
    """A zip is an archive of other files, unless it holds a workbook: then it comes as one part."""
    return {} if head.startswith(b"PK\x03\x04") else None


def _is_gpx(part, head, text):
    return {} if re.search(r"<(\w+:)?gpx[\s>]", text[:4096]) else None


def _is_google(part, head, text):
    """A location history, old or new: the names that only it has."""
    text = text.lstrip()
    if text[:1] == "[":
        told = '"startTime"' in text and re.search(r'"(visit|activity|timelinePath)"\s*:', text)
        return {} if told else None
    if text[:1] != "{":
        return None
    arrays = re.search(r'"(semanticSegments|timelineObjects|rawSignals)"\s*:\s*\[', text)
    return {} if arrays or re.search(r'"locations"\s*:\s*\[[^]]*"latitudeE7"', text) else None


def _is_mf_json(part, head, text):
    text = text.lstrip()
    if text[:1] not in ("{", "[") or '"Feature' not in text:
        return None
    moving = re.search(r'"temporalGeometry"\s*:', text) or re.search(
        r'"properties"\s*:\s*\{[^{}]*"datetimes"\s*:\s*\[', text)
    return {} if moving else None


def _is_bson(part, head, text):
    """A length, then elements of known types, the last byte of the document zero."""
    if len(head) < 5:
        return None
    length = struct.unpack_from("<i", head)[0]
    plausible = 5 <= length <= 17 << 20 and 1 <= head[4] <= 0x13 and (length > len(head) or head[length - 1] == 0)
    return {} if plausible else None


def _is_plt(part, head, text):
    return {} if re.match(r"geolife trajectory", text, re.IGNORECASE) else None


def _is_geojson(part, head, text):
    typed = re.match(r'\s*\{[^{}\[\]]*"type"\s*:\s*"Feature(Collection)?"', text) or (
        re.match(r'\s*\{\s*"type"\s*:\s*"FeatureCollection"', text))
    typed = typed or (text.lstrip().startswith("{") and re.search(r'"features"\s*:\s*\[', text))
    return {} if typed else None


def _is_hits(part, head, text):
    return {} if text.lstrip()[:1] in ("{", "[") and '"_source"' in text and (
        '"_index"' in text or '"hits"' in text) else None


def _is_mongo(part, head, text):
    if _is_json(part, head, text) is None and not re.match(r'\s*\{.*\b(ObjectId|ISODate|NumberLong)\(', text):
        return None
    marks = r'\{\s*"\$(oid|date|numberLong|numberInt|numberDouble|numberDecimal)"\s*:|\b(ObjectId|ISODate|NumberLong)\('
    return {} if re.search(marks, text) else None


def _is_json(part, head, text):
    """JSON lines or an array of objects: some record of the first ones must be one."""
    text = text.lstrip()
    if re.match(r"\[\s*\{", text):
        return {"array": True}
    lines = [line for line in text.splitlines()[:20] if line.strip()]
    return {} if any(_object(line) is not None for line in lines) else None


def _is_csv(part, head, text):
    lines = [line for line in text.splitlines() if line.strip()][:200]
    if len(lines) > 1 and len(head) >= _HEAD:
        lines.pop()
    if not lines or "\0" in text or text.lstrip()[:1] in ("{", "<") or _loses_letters(text):
        return None
    delimiter, width, share = _delimiter(lines)
    named = part.label.lower().endswith(_SUFFIXES)
    if share < 0.8 or width < 2 or (len(lines) < 2 and not named):
        return None
    options = {"delimiter": delimiter}
    first = formats.split_csv(lines[0], delimiter) or []
    later = [cells for line in lines[1:60] if (cells := formats.split_csv(line, delimiter)) is not None]
    if not _is_header(first, later):
        options["header"] = False
    return options


# One row a form, tried from the top: (form, test of part, first bytes and first text -> options, or None).
DETECTORS = [
    ("parquet", partial(_magic, b"PAR1")), ("arrow", _is_arrow), ("geopackage", _is_geopackage),
    ("sqlite", partial(_magic, b"SQLite format 3\0")), ("excel", _is_excel),
    ("plt", _is_plt), ("gpx", _is_gpx), ("google", _is_google), ("mf-json", _is_mf_json), ("geojson", _is_geojson),
    ("es-hits", _is_hits), ("mongo-lines", _is_mongo), ("ndjson", _is_json), ("bson", _is_bson), ("csv", _is_csv),
]


def _western(part, head):
    """latin-1 or cp1252, where what seems to be UTF-8 has lines with single letters beyond ASCII; else None."""
    if encodings.detect(head).name != "utf-8":
        return None
    with part.open() as stream:
        data = stream.read(2 * _HEAD)
    high = re.findall(rb"[\x80-\xff]+", data[: data.rfind(b"\n") + 1])
    if not high or any(len(run) > 1 for run in high):  # letters of UTF-8 have two bytes and more
        return None
    return "cp1252" if any(run < b"\xa0" for run in high) else "latin-1"


def _text(head, encoding=None):
    try:
        return encodings.as_text(head, encoding)
    except (InputError, UnicodeError):
        return ""


def _loses_letters(text):
    return text.count("\ufffd") > 0.02 * max(len(text), 50) or sum(c < " " and c not in "\t\r\n" for c in text) > 5


def _object(line):
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _delimiter(lines):
    """The delimiter that cuts most lines into the same number of cells; a blank only where no other does."""
    def score(delimiter):
        widths = Counter(len(formats.split_csv(line, delimiter) or ()) for line in lines)
        width, often = widths.most_common(1)[0]
        return (often / len(lines) if width > 1 else 0, width)

    best = max(formats.DELIMITERS, key=score)
    if score(best)[0] < 0.8 and score(" ")[0] >= 0.95:
        best = " "
    share, width = score(best)
    return best, width, share


def _is_header(first, later):
    """Whether a first row names columns: distinct words, where later rows have numbers, times or words that recur."""
    while len(first) > 1 and not first[-1].strip():
        first = first[:-1]
    cells = [cell.strip() for cell in first]
    if not all(cells) or len(set(cells)) < len(cells) or any(_is_value(cell) for cell in cells):
        return False
    columns = list(zip(*(row for row in later if len(row) >= len(cells)), strict=False))[: len(cells)]
    if not columns or any(sum(map(_is_value, column)) > len(column) / 2 for column in columns):
        return True
    return not any(cell in column for cell, column in zip(cells, columns, strict=False))


def _is_value(cell):
    """What a column is not called: a number, a time, a mail address, a number of a device."""
    cell = cell.strip()
    return bool(re.fullmatch(r"[-+]?[\d.,]+([eE][-+]?\d+)?", cell)
                or re.match(r"\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}([ T].*)?$|\d{1,2}:\d\d", cell)
                or re.fullmatch(r"(?=.*\d)[0-9A-Fa-f]{16,}|([0-9A-Fa-f]{2}[:-]){5}[0-9A-Fa-f]{2}|.*@.*\..*", cell)
                or re.match(r"(Mon|Tue|Wed|Thu|Fri|Sat|Sun),? ", cell))


# --- records ---------------------------------------------------------------------------------------------------------


def _further_in(part, form, head, windows=_WINDOWS):
    """The part itself; or, of a long plain file with a record a line, its beginning and lines from further in."""
    by_lines = form == "csv" or (form in ("ndjson", "mongo-lines", "es-hits") and head.lstrip()[:1] == b"{"
                                 and _object(head.split(b"\n", 1)[0]) is not None)
    if not by_lines or b"\0" in head or not opening.is_plain(part) or part.size <= 2 * len(head):
        return part
    pieces = [head[: head.rfind(b"\n") + 1]]
    if not pieces[0]:
        return part
    with open(part.path, "rb") as file:
        for i in range(1, windows + 1):
            file.seek(len(head) + (part.size - len(head)) * i // (windows + 1))
            window = file.read(_WINDOW)
            pieces.append(window[window.find(b"\n") + 1 : window.rfind(b"\n") + 1])
    return replace(part, opener=partial(_Lines, b"".join(pieces)))


class _Lines(io.BytesIO):
    """Bytes in memory as a part's stream."""

    fault = None


def _look(part, form, options):
    options = {k: v for k, v in options.items() if k != "array"}
    seen = Glimpse(part, form, options)
    paths = _first_paths(part, form, options)
    opened, columns = set(), {}
    for _ in range(_DEEPEST):
        paths, seen.hidden = _shown(paths)
        columns = _read(part, form, options, paths)
        inner = {path: names for path, column in columns.items() if path not in opened
                 and form != "csv" and (names := _members(column) or _axes(path, column, form))}
        if not inner:
            break
        opened |= set(inner)
        paths = [p for path in paths for p in ([f"{path}.{n}" for n in inner[path]] if path in inner else [path])]
    seen.texts = columns
    seen.rows = max(map(len, columns.values()), default=0)
    return seen if seen.rows else None


def _first_paths(part, form, options):
    """Names of the fields, in the order of the file where it has one."""
    if form in ("sqlite", "geopackage"):
        return _sqlite_paths(part, form)
    if form == "excel":
        return _excel_paths(part)
    block, records = next(_blocks(part, form, options, ["?"]), (None, None))
    if block is None:
        return []
    points = {"geojson": ["lon", "lat"], "google": list(google_in.FIELDS),
              "mf-json": ["lon", "lat", "alt", "time", "id", "person", "file"]}.get(form, [])
    return sorted(records.keys - {"?", *points}, key=_place(part, form, options)) + points


def _place(part, form, options):
    """A sort key: where a name first stands in the file, then the name itself."""
    with part.open() as stream:
        text = _text(stream.read(_HEAD), options.get("encoding"))
    if form == "csv" and options.get("header") is False:
        return lambda name: (int(name.rpartition("_")[2]), name)
    if form == "csv":
        header = formats.split_csv(text.splitlines()[0], options["delimiter"]) or []
        places = {name.strip(): i for i, name in reversed(list(enumerate(header)))}
        return lambda name: (places.get(name, len(header)), name)
    return lambda name: (found if (found := text.find(f'"{name}"')) >= 0 else len(text), name)


def _sqlite_paths(part, form):
    """Columns of the table with the most of them, rather one with a geometry; the reader takes one table a source."""
    con = tables_in.open_sqlite(part)
    try:
        tables, placed = geopackage_in.layout(con) if form == "geopackage" else (tables_in.columns_of(con), ())
    except (tables_in.sqlite3.Error, UnicodeError, MemoryError):
        return []
    finally:
        con.close()
    return max(tables.items(), key=lambda item: (item[0] in placed, len(item[1])), default=("", []))[1]


def _excel_paths(part):
    """The header of the sheet with the widest: a row of distinct words above others that are filled as far."""
    best = []
    with opening.seekable(part) as stream:
        book = excel_in.Workbook(stream, part)
        for sheet in book.sheets:
            filled = islice((row.cells for row in book.rows(sheet) if row.cells and not row.fault),
                            excel_in.HEADER_WITHIN)
            rows = [[cells.get(at, "").strip() for at in range(1, max(cells) + 1)] for cells in filled]
            width = max(map(len, rows), default=0)
            header = next((row for row in rows if len(row) == width and _is_header(row, [])), [])
            best = max(best, header, key=len)
    return best


def _shown(paths):
    tame = [path for path in paths if _is_tame(path)]
    return tame[:MAX_FIELDS], len(paths) - len(tame[:MAX_FIELDS])


def _is_tame(path):
    """Whether a name looks like one, and not like somebody's number, mail address or a text."""
    spaced = re.sub(r"[_\W]+", " ", path)
    found = (kinds.find(path) | kinds.find(spaced)).keys() - {"name", "passport", "plate", "address", "image_url"}
    return (0 < len(path) <= 60 and path.isprintable() and sum(c.isdigit() for c in path) < 5
            and not found and path.encode("utf-8", "ignore").decode() == path)


def _blocks(part, form, options, paths):
    column = (lambda path: path) if form in ("sqlite", "geopackage", "excel") else (lambda path: None)
    fields = tuple(Field(path, "measurement", "tally", column(path)) for path in paths)
    source = Source("draft", "*", form, ("nothing",), fields, **options)
    for block, parse in formats.cut(part, source, None, _HEAD):
        yield block, parse()


def _read(part, form, options, paths):
    """Up to 2,000 records as columns of text."""
    pieces, rows = [], 0
    for _, records in _blocks(part, form, options, paths or ["?"]):
        pieces.append(records.texts)
        rows += len(records.rows)
        if rows >= MAX_ROWS or len(pieces) >= 8:
            break
    step = 1 if form in formats.SOUGHT or rows <= MAX_ROWS else rows // MAX_ROWS + 1
    return {path: _every(pa.chunked_array([p[path] for p in pieces], pa.string()).combine_chunks(), step)
            for path in paths} if pieces else {}


def _every(column, step):
    column = column if step == 1 else column.take(pa.array(range(0, len(column), step)))
    return column.slice(0, MAX_ROWS)


def _members(column):
    """Names of the members, where a column holds objects that are no MongoDB wrappers; else nothing."""
    names = {}
    for text in column.drop_null().slice(0, 100).to_pylist():
        value = _object(text) if text.lstrip().startswith("{") else None
        if value is None or any(key.startswith("$") for key in value):
            return []
        names |= dict.fromkeys(key for key in value if key and "." not in key and '"' not in key)
    return list(names)


_POSITION = re.compile(r"(^|[._])(coord(inate)?s?|loc|location|geo|geo_?(point|json|loc(ation)?)|point|pos|position|"
                       r"gps|lonlat|lnglat|lat_?l(on|ng)|l(on|ng)_?lat|cent(er|re|roid))$", re.IGNORECASE)


def _axes(path, column, form):
    """Numbers of the elements, where a column holds arrays of two numbers, or three, and is called a position."""
    there = column.drop_null().slice(0, 500)
    if form not in elements.FORMS or not len(there) or not _POSITION.search(path):
        return []
    counts = []
    for number in range(4):
        values = elements.take(there, (str(number),))
        counts.append((~np.isnan(read_numbers(values)[0])).mean() if number < 3 else 1 - values.null_count / len(there))
    if min(counts[:2]) < 0.8 or counts[3] > 0:
        return []
    return ["0", "1", "2"] if counts[2] > 0 else ["0", "1"]
