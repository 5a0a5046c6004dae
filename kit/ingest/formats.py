"""Every form a dump may come in, read as blocks of raw records and then as columns of text, every record accounted for.

`cut` finds the records and `parse` reads a block of them, so that blocks can be read on several threads. A record is
read, or it is broken and says why; nothing else happens to it.
"""

import json
import re
import threading
from collections import Counter
from dataclasses import dataclass, field, replace
from functools import lru_cache, partial

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from kit.errors import InputError
from kit.ingest import (
    cutters,
    elements,
    encodings,
    excel_in,
    geopackage_in,
    google_in,
    gpx_in,
    json_cut,
    mf_json_in,
    tables_in,
)
from kit.ingest.cutters import BLOCK_BYTES, EXCERPT_LETTERS, Block, Chunks, mask
from kit.ingest.rows import PLACES, owner_of

__all__ = ["BLOCK_BYTES", "EXCERPT_LETTERS", "MAX_DEPTH", "READERS", "Block", "Records", "cut", "mask", "parse_csv",
           "parse_json", "read", "split_csv"]

MAX_DEPTH = 1000
DELIMITERS = (",", ";", "\t", "|", "^", "~")
_BRACE = 123
_UNDEFINED = '{"$undefined":true}'
# What the mongo shell writes where Extended JSON has an object: ISODate("..."), ObjectId("..."), NumberLong(5).
_SHELL = re.compile(rb'"(?:[^"\\]|\\.)*"|\b(?:new\s+)?(ObjectId|ISODate|Date|NumberLong|NumberInt|NumberDecimal)'
                    rb'\(\s*(?:"([^"\\]*)"|(-?[0-9]+))?\s*\)|\bundefined\b')
_SHELL_NAMES = {b"ObjectId": b"$oid", b"ISODate": b"$date", b"Date": b"$date", b"NumberLong": b"$numberLong",
                b"NumberInt": b"$numberInt", b"NumberDecimal": b"$numberDecimal"}


@dataclass
class Records:
    """What a block holds: one text column for each field, the rows they came from, and what was no record."""

    rows: np.ndarray
    texts: dict[str, pa.Array]
    count: int
    broken: list[tuple[int, str]] = field(default_factory=list)
    keys: set[str] = field(default_factory=set)
    notes: Counter = field(default_factory=Counter)


def cut(part, source, digest=None, block_bytes=BLOCK_BYTES):
    """Find the records of a part of a dump.

    Parameters
    ----------
    part : opening.Part
    source : recipe.Source
        Its form says which reader, its fields what to hand on.
    digest : hashlib object, optional
        Fed with every byte that is read.
    block_bytes : int
        About how much to hold at once.

    Yields
    ------
    (Block or the like, callable)
        The callable takes nothing and returns the block's Records; it may run on any thread, in any order.
    """
    by_place = {f.path for f in source.read} & PLACES.keys()
    if not by_place:
        yield from _read_arrays(part, source, digest, block_bytes)
        return
    owner = owner_of(part)
    texts = {path: owner[PLACES[path]] for path in by_place}
    inside = replace(source, fields=tuple(f for f in source.fields if f.path not in PLACES))
    for block, parse in _read_arrays(part, inside, digest, block_bytes):
        yield block, partial(_with_places, parse, texts)


def _read_arrays(part, source, digest, block_bytes):
    """As the reader does; where the source names elements of arrays, with these taken out."""
    paths = elements.of(source)
    blocks = READERS[source.form](part, elements.whole(source, paths) if paths else source, digest, block_bytes)
    if not paths:
        yield from blocks
        return
    wanted = [f.path for f in source.read]
    for block, parse in blocks:
        yield block, partial(elements.taken, parse, paths, wanted)


def _with_places(parse, texts):
    """Records whose file's or folder's name is a field of each."""
    records = parse()
    records.texts |= {path: pa.array([text] * len(records.rows), pa.string()) for path, text in texts.items()}
    records.keys |= texts.keys()
    return records


def read(part, source, digest=None):
    """Read a part of a dump from end to end; yields (block, Records)."""
    for block, parse in cut(part, source, digest):
        yield block, parse()


def parse_json(block, fields, root="", shell=False):
    """Read a block of JSON records with DuckDB under an explicit schema, every value as text.

    Parameters
    ----------
    block : Block
    fields : iterable of str
        Paths within the record, dots between levels; only these leave the parser.
    root : str
        The member that holds the record, for example "_source".
    shell : bool
        Whether lines that are no JSON may be in the manner of the mongo shell: ISODate("...") and its like.

    Returns
    -------
    Records
        `keys` names every member at the top of the records (and at that of a nested field), named in `fields` or not.
    """
    rows, broken = _readable_rows(block)
    deep = _too_deep(block, rows)
    broken += deep
    opens = block.data[block.starts[rows]] == _BRACE
    for row in np.setdiff1d(rows[~opens], [row for row, _ in deep]):
        text = block.line(row).strip()
        if text and not text.startswith(b"{"):
            broken.append((int(row), "no JSON object"))
    dropped = {row for row, _ in broken} | {int(r) for r in rows[~opens] if not block.line(r).strip()}
    rows = rows[~np.isin(rows, list(dropped))] if dropped else rows
    fields = list(fields)
    rows, texts, keys = _cut_json(block, rows, fields, root, shell, broken)
    if shell:
        texts = {path: _without_undefined(column) for path, column in texts.items()}
    return Records(rows, texts, len(rows) + len(broken), sorted(broken), keys,
                   block.notes + encodings.note_mojibake(block))


def _cut_json(block, rows, fields, root, shell, broken):
    """Plain lines by the compiled cutter, the others by DuckDB, together in their order."""
    wanted = json_cut.want(tuple(fields), root)
    if wanted is None or not len(rows):
        return _parse_lines(block, rows, fields, root, shell, broken)
    plain, columns, keys = json_cut.cut(block, rows, wanted, len(fields))
    if plain.all():
        return rows, dict(zip(fields, columns, strict=True)), keys
    others, texts, keys_of_others = _parse_lines(block, rows[~plain], fields, root, shell, broken)
    both = np.concatenate([rows[plain], others])
    order = np.argsort(both)
    texts = {path: pa.concat_arrays([column, texts[path]]).take(pa.array(order))
             for path, column in zip(fields, columns, strict=True)}
    return both[order], texts, keys | keys_of_others


def _parse_lines(block, rows, fields, root, shell, broken):
    """The rows that are records, a text column for each field, and the members that occur; `broken` takes the rest."""
    structs, keys, twice = _query_json(_lines(block, rows), fields, root)
    if shell and structs.null_count:
        structs, twice = _read_shell(block, rows, structs, twice, keys, fields, root)
    if structs.null_count:
        bad = np.asarray(structs.is_null())
        broken += [(int(row), "not valid JSON") for row in rows[bad]]
        rows, structs, twice = rows[~bad], structs.drop_null(), twice[~bad]
    if twice.any():
        broken += [(int(row), "one member twice, so which is meant is unknown") for row in rows[twice]]
        rows, structs = rows[~twice], structs.filter(pa.array(~twice))
    if root:
        structs = pc.struct_field(structs, [root])
        if structs.null_count:
            bad = np.asarray(structs.is_null())
            broken += [(int(row), f"no {root} in it") for row in rows[bad]]
            rows, structs = rows[~bad], structs.drop_null()
    return rows, {path: pc.struct_field(structs, path.split(".")) for path in fields}, keys


def parse_csv(block, fields, header, first, delimiter=","):
    """Read a block of delimited records, every value as text; an empty cell is null.

    Parameters
    ----------
    block : Block
    fields : iterable of str
        Columns to hand on; one that the header lacks comes out null.
    header : list of str
    first : int
        Row of the block at which records begin: after the header line in the first block, else 0.
    delimiter : str

    Returns
    -------
    Records
        A record has as many cells as the header; empty ones beyond that (trailing delimiters) are let go.
    """
    rows, broken = _readable_rows(block)
    wanted = {name: header.index(name) for name in fields if name in header}
    kept, cells, notes = [], {name: [] for name in wanted}, block.notes + encodings.note_mojibake(block)
    for row in rows[rows >= first].tolist():
        text = block.line(row).decode("utf-8").rstrip("\r\n")
        if not text.strip():
            continue
        values = split_csv(text, delimiter)
        if values is not None and len(values) > len(header) and not any(values[len(header) :]):
            values = values[: len(header)]
        if values is None:
            broken.append((row, "a quotation mark that does not close"))
        elif len(values) != len(header):
            broken.append((row, f"{len(values)} cells where {len(header)} belong"))
        elif "\0" in text:
            broken.append((row, "a NUL byte in it"))
        else:
            kept.append(row)
            for name, at in wanted.items():
                cells[name].append(values[at] or None)
    broken = sorted(b for b in broken if b[0] >= first)
    empty = pa.nulls(len(kept), pa.string())
    texts = {name: pa.array(cells[name], pa.string()) if name in cells else empty for name in fields}
    return Records(np.array(kept, dtype=np.int64), texts, len(kept) + len(broken), broken, set(header), notes)


def split_csv(text, delimiter=","):
    """The cells of one record, or None where a quotation mark stays open or text follows a closed one.

    >>> split_csv('a,"b, c",5" pipe')
    ['a', 'b, c', '5" pipe']
    """
    if '"' not in text:
        return text.split(delimiter)
    cells, at, cell = [], 0, _cell(delimiter)
    while True:
        found = cell.match(text, at)
        if found is None:
            return None
        quoted, plain, end = found.groups()
        cells.append(plain if quoted is None else quoted.replace('""', '"'))
        if not end:
            return cells
        at = found.end()


@lru_cache
def _cell(delimiter):
    d = re.escape(delimiter)
    return re.compile(rf'(?:"([^"]*+(?:""[^"]*+)*+)"|((?!")(?:(?!{d}).)*+))({d}|\Z)', re.DOTALL)


def _read_json(part, source, digest, block_bytes):
    """JSON lines, or an array of the same records; MongoDB's and Elasticsearch's are told by the form."""
    fields = [f.path for f in source.read]
    parse = partial(parse_json, fields=fields, root="_source" if source.form == "es-hits" else "",
                    shell=source.form == "mongo-lines")
    with part.open() as stream:
        chunks = Chunks(stream, digest, block_bytes)
        head = encodings.as_text(chunks.head(), source.encoding, part.name).lstrip()
        if source.form == "es-hits" and (opening := _PAGE.match(head)):
            blocks = cutters.cut_members(chunks, "hits", 4 if opening[1] else 3, part.name, source.encoding)
        elif re.match(r"\[\s*[{\]]", head):
            blocks = cutters.cut_members(chunks, None, 1, part.name, source.encoding)
        else:
            blocks = cutters.cut_lines(chunks, source.encoding, part.name)
        for block in blocks:
            yield block, partial(parse, block)


# A page of search results, alone or the first of an array: its own members come before the documents' ones.
_NO_RECORD = r'(?:(?!"_source"|"_index").)*?'
_PAGE = re.compile(rf'(\[\s*)?\{{{_NO_RECORD}"hits"\s*:\s*\{{{_NO_RECORD}"hits"\s*:\s*\[', re.DOTALL)


def _read_csv(part, source, digest, block_bytes):
    """Delimited text, with a header or without."""
    fields = [f.path for f in source.read]
    with part.open() as stream:
        chunks = Chunks(stream, digest, block_bytes)
        head = chunks.head() if b"\n" in chunks.head() else chunks.head(cutters.MAX_LINE_BYTES)
        shape = _csv_shape(encodings.as_text(head, source.encoding, part.name), source, part.name)
        headed = shape.headed
        for block in cutters.cut_csv(chunks, shape.closes, source.encoding, part.name):
            first = 0
            if headed:
                filled = [row for row in range(len(block)) if block.line(row).strip()]
                first, headed = (filled[0] + 1, False) if filled else (len(block), True)
            yield block, partial(parse_csv, block, fields, shape.names, first, shape.delimiter)


@dataclass(frozen=True)
class _Shape:
    """How a delimited file is laid out."""

    delimiter: str
    names: list
    headed: bool

    def closes(self, data):
        """Whether lines whose quotation marks go on over their ends are one record, and not several broken ones."""
        text = data.decode("utf-8", "replace").rstrip("\r\n")
        cells = split_csv(text, self.delimiter)
        if cells is None or _has_bare_newline(text, self.delimiter):
            return False
        if len(cells) == len(self.names):
            return True
        later = text.split("\n")[1:]
        return not any(len(split_csv(line, self.delimiter) or ()) == len(self.names) for line in later)


def _has_bare_newline(text, delimiter):
    """Whether a newline stands outside quotation marks that open a cell."""
    at, cell = 0, _cell(delimiter)
    while found := cell.match(text, at):
        if found[1] is None and "\n" in found[2]:
            return True
        if not found[3]:
            return False
        at = found.end()
    return True


def _csv_shape(head, source, name):
    lines = [line for line in head.splitlines() if line.strip()]
    first = lines[0] if lines else ""
    for line in lines[1:20]:
        if first.count('"') % 2 == 0:
            break
        first += "\n" + line
    named = list(source.header) if isinstance(source.header, tuple) else None
    delimiter = source.delimiter or _sniff(first, lines[:20], named or [f.path for f in source.fields])
    cells = split_csv(first, delimiter) or [first]
    if named:
        return _Shape(delimiter, named, False)
    if source.header is False:
        return _Shape(delimiter, [f"column_{i}" for i in range(1, len(cells) + 1)], False)
    while len(cells) > 1 and not cells[-1].strip():
        cells.pop()
    names = [cell.strip() or f"column_{i}" for i, cell in enumerate(cells, 1)]
    if len(set(names)) < len(names):
        raise InputError(f"The first line of {name} is no header with distinct column names; write one.")
    lacking = [f.path for f in source.fields if f.column and f.path not in names]
    if lacking and lines:
        raise InputError(f"The first line of {name} does not name the column {', '.join(lacking)}; is it a header?")
    return _Shape(delimiter, names, True)


def _sniff(first, lines, names):
    """The delimiter that cuts the first line into the names looked for; else the one that cuts lines alike."""
    def score(delimiter):
        cells = split_csv(first, delimiter) or []
        found = len({c.strip() for c in cells} & set(names)) + (len(cells) == len(names))
        alike = Counter(len(split_csv(line, delimiter) or ()) for line in lines)
        width, often = alike.most_common(1)[0] if alike else (1, 0)
        return found, often if width > 1 else 0, width

    return max(DELIMITERS, key=score) if first else ","


def _read_shell(block, rows, structs, twice, keys, fields, root):
    """Lines that are no JSON, once more as the mongo shell would mean them; their members' names go into `keys`."""
    bad = np.flatnonzero(np.asarray(structs.is_null()))
    lines = [_SHELL.sub(_from_shell, block.line(row)).decode("utf-8") for row in rows[bad]]
    again, found, twice_again = _query_json(pa.array(lines, pa.string()), fields, root)
    keys |= found
    order, twice = np.arange(len(structs)), twice.copy()
    order[bad], twice[bad] = len(structs) + np.arange(len(bad)), twice_again
    return pa.concat_arrays([structs, again]).take(pa.array(order)), twice


def _from_shell(found):
    if found[0].startswith(b'"'):
        return found[0]
    if found[1] is None:
        return b"null"
    value = b'"' + found[2] + b'"' if found[2] is not None else found[3] or b"null"
    return b'{"' + _SHELL_NAMES[found[1]] + b'":' + value + b"}"


def _without_undefined(column):
    is_undefined = pc.fill_null(pc.equal(column, _UNDEFINED), False)
    return pc.if_else(is_undefined, None, column) if pc.any(is_undefined).as_py() else column


def _readable_rows(block):
    """Rows that may hold a record: neither blank nor broken already nor in another encoding; and the broken ones."""
    lengths = np.diff(block.starts)
    first, second = (block.data[np.minimum(block.starts[:-1] + i, max(len(block.data) - 1, 0))] if len(block.data)
                     else lengths for i in (0, 1))
    blank = (lengths == 0) | ((lengths == 1) & ((first == 10) | (first == 13))) | (
        (lengths == 2) & (first == 13) & (second == 10))
    broken = list(block.faults.items())
    good = ~blank
    good[list(block.faults)] = False
    if not _is_utf8(_lines(block, None)):
        for row in np.flatnonzero(good):
            try:
                block.line(row).decode("utf-8")
            except UnicodeDecodeError:
                broken.append((int(row), "not UTF-8"))
                good[row] = False
    return np.flatnonzero(good), broken


def _too_deep(block, rows):
    """Rows nested deeper than anybody's data, found before a parser follows them down."""
    long = rows[np.diff(block.starts)[rows] > MAX_DEPTH]
    deep = [row for row in long if cutters.depth(block.line(row)) > MAX_DEPTH]
    return [(int(row), f"nested more than {MAX_DEPTH} deep") for row in deep]


def _lines(block, rows):
    """The block's lines, or some of them, as an Arrow array over the same bytes."""
    lines = pa.StringArray.from_buffers(len(block), pa.py_buffer(block.starts), pa.py_buffer(block.data))
    return lines if rows is None or len(rows) == len(block) else lines.take(pa.array(rows))


def _is_utf8(lines):
    try:
        lines.validate(full=True)
    except pa.ArrowInvalid:
        return False
    return True


def _query_json(lines, fields, root):
    """Each line as a struct of texts, null where it is not JSON; the members that occur; which lines have one twice."""
    con = _connection()
    con.register("lines", pa.table({"line": lines}))
    schema = _schema([f"{root}.{path}" if root else path for path in fields])
    inner = [f'$."{root}"'] if root else ["$"]
    inner += sorted({".".join([inner[0], *(f'"{part}"' for part in path.split(".")[:-1])])
                     for path in fields if "." in path})
    try:
        answer = _ask(con, schema, inner, "{}")
    except (duckdb.Error, UnicodeDecodeError):  # its message may cut a letter of the line in two
        answer = None
    if answer is None:  # asked again outside the handler: DuckDB's message quotes the line, and would be chained
        answer = _ask(con, schema, inner, "try({})")
    return answer


def _ask(con, schema, inner, wrap):
    transform = wrap.format("json_transform(line, $schema)")
    answer = con.sql(f"select {transform} as s from lines", params={"schema": schema}).to_arrow_table()["s"]
    found, twice = set(), np.zeros(len(answer), bool)
    for path in inner:
        keys = wrap.format("json_keys(line, $path)")
        prefix = "".join(part + "." for part in re.findall(r'"([^"]*)"', path.removeprefix(inner[0])))
        repeats = False
        for (names,) in con.execute(f"select distinct {keys} from lines", {"path": path}).fetchall():
            found.update(prefix + name for name in names or ())
            repeats = repeats or len(names or ()) > len(set(names or ()))
        if repeats:
            unlike = f"coalesce(len(k) > len(list_distinct(k)), false) from (select {keys} as k from lines)"
            twice |= con.execute(f"select {unlike}", {"path": path}).fetchnumpy().popitem()[1].astype(bool)
    return answer.combine_chunks(), found, twice


def _schema(paths):
    """DuckDB's description of nested members that are all text: {"a": "VARCHAR", "b": {"c": "VARCHAR"}}."""
    tree = {}
    for path in paths:
        *above, last = path.split(".")
        node = tree
        for part in above:
            node = node.setdefault(part, {})
        node[last] = "VARCHAR"
    return json.dumps(tree)


_local = threading.local()


def _connection():
    """This thread's DuckDB: in memory, never spilling to disk, one thread, no files, no network, no extensions."""
    if not hasattr(_local, "con"):
        _local.con = duckdb.connect(config={
            "threads": 1, "memory_limit": "1GB", "enable_external_access": "false", "temp_directory": "",
            "autoinstall_known_extensions": "false", "autoload_known_extensions": "false",
            "lock_configuration": "true"})
    return _local.con


def _read_geojson(part, source, digest, block_bytes):
    """The features of a GeoJSON document, or one a line: properties by name, and a point's `lon` and `lat`."""
    fields = [f.path for f in source.read]
    with part.open() as stream:
        chunks = Chunks(stream, digest, block_bytes)
        if re.search(r'"features"\s*:\s*\[', encodings.as_text(chunks.head(), source.encoding, part.name)):
            blocks = cutters.cut_members(chunks, "features", 2, part.name, source.encoding)
        else:
            blocks = cutters.cut_lines(chunks, source.encoding, part.name)
        for block in blocks:
            yield block, partial(_parse_features, block, fields)


def _parse_features(block, fields):
    inside = {path: path if path == "id" else f"properties.{path}" for path in fields if path not in ("lon", "lat")}
    records = parse_json(block, [*inside.values(), "geometry.type", "geometry.coordinates"])
    points = [_point(kind, text) for kind, text in zip(records.texts["geometry.type"].to_pylist(),
                                                       records.texts["geometry.coordinates"].to_pylist(), strict=True)]
    texts = {path: records.texts[raw] for path, raw in inside.items()}
    for axis, name in enumerate(("lon", "lat")):
        if name in fields:
            texts[name] = pa.array([point[axis] for point in points], pa.string())
    keys = {key.removeprefix("properties.") for key in records.keys - {"type", "properties", "geometry"}
            if not key.startswith("geometry.")}
    return Records(records.rows, texts, records.count, records.broken, keys, records.notes)


def _point(kind, text):
    """The two texts of a point's coordinates; none for what is no point."""
    if kind != "Point" or text is None:
        return None, None
    found = re.fullmatch(r"\[([-+.\deE]+),([-+.\deE]+)(?:,.*)?\]", text.replace(" ", ""))
    return (found[1], found[2]) if found else (None, None)


PLT_LINES = 6
PLT_COLUMNS = ["lat", "lon", "zero", "altitude_ft", "days", "date", "clock"]


def _read_plt(part, source, digest, block_bytes):
    """A GeoLife trajectory: six lines of preface, then fixes in GMT. `time` is date and clock; `person`, `file`:
    see `rows.owner_of`."""
    fields = [f.path for f in source.read]
    owner = owner_of(part)
    with part.open() as stream:
        preface = PLT_LINES
        for block in cutters.cut_lines(Chunks(stream, digest, block_bytes), source.encoding, part.name):
            first = min(preface, len(block))
            preface -= first
            yield block, partial(_parse_plt, block, fields, first, owner)


def _parse_plt(block, fields, first, owner):
    records = parse_csv(block, PLT_COLUMNS, PLT_COLUMNS, first)
    when = pc.binary_join_element_wise(records.texts["date"], records.texts["clock"], " ")
    records.texts["time"] = pc.binary_join_element_wise(when, "Z", "")
    records.texts |= {name: pa.array([text] * len(records.rows), pa.string()) for name, text in owner.items()}
    records.texts = {path: records.texts.get(path, pa.nulls(len(records.rows), pa.string())) for path in fields}
    records.keys |= {"time", *owner}
    return records


# Read from anywhere, so that the hash is not taken on the way.
SOUGHT = ("parquet", "arrow", "sqlite", "geopackage", "excel")
READERS = {
    "mongo-lines": _read_json, "es-hits": _read_json, "ndjson": _read_json, "csv": _read_csv,
    "bson": partial(tables_in.read_bson, records_of=Records),
    "parquet": partial(tables_in.read_parquet, records_of=Records),
    "arrow": partial(tables_in.read_arrow, records_of=Records),
    "sqlite": partial(tables_in.read_sqlite, records_of=Records),
    "geopackage": partial(geopackage_in.read_geopackage, records_of=Records),
    "geojson": _read_geojson, "plt": _read_plt,
    "google": partial(google_in.read_google, records_of=Records),
    "mf-json": partial(mf_json_in.read_mf_json, records_of=Records),
    "gpx": partial(gpx_in.read_gpx, records_of=Records),
    "excel": partial(excel_in.read_excel, records_of=Records),
}
