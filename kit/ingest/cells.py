"""Any file as cells, for the scan: a column of a table, a member of a JSON record, a line of anything else.

Here nothing is cleaned and nothing quarantined: what does not fit its form is read as loose text, so that no identifier
hides in a broken line.
"""

import codecs
import csv
import json
import re
import sqlite3
from itertools import chain
from pathlib import Path

import bson
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from bson.codec_options import CodecOptions, DatetimeConversion

from kit.errors import InputError
from kit.ingest import excel_in, geopackage_in, opening, tables_in

_ROWS, _LETTERS, _HEAD = 1 << 16, 8 << 20, 1 << 20
_FREE_PAGES = 1 << 20
_WHOLE_JSON, _LINE = 64 << 20, 16 << 20
_CODEC = CodecOptions(datetime_conversion=DatetimeConversion.DATETIME_MS, unicode_decode_error_handler="replace")
_PICTURES = (b"\xff\xd8\xff", b"\x89PNG\r\n", b"GIF8", b"II*\0", b"MM\0*")
_SEALED = (b"%PDF", b"\x1f\x8b", b"BZh", b"\xfd7zXZ", b"7z\xbc\xaf", b"(\xb5/\xfd", b"Rar!")


def read_part(part, tally):
    """Hand every cell of one part to a tally.

    Parameters
    ----------
    part : opening.Part
    tally : object
        With `cell(place, text)`, `column(place, array of texts)`, `walk(value, place)` for what JSON gives,
        `label(name)` for names of columns, `picture()` and `unread()`. A part that breaks off in the middle is handed
        over up to there and is unread as well.
    """
    try:
        with part.open() as stream:
            head = stream.read(_HEAD)
            form = next((read for magic, read in _BY_COLUMN if head.startswith(magic)), None)
            if form:
                _by_column(form, part, tally)
            elif head.startswith(_PICTURES):
                tally.picture()
            elif head.startswith(_SEALED):
                tally.unread()
            elif part.label.lower().endswith(".bson"):
                _documents(stream, head, tally)
            else:
                _text(stream, head, Path(part.label).suffix.lower(), tally)
                if stream.fault:
                    tally.unread()
    except (OSError, EOFError, InputError, pa.ArrowException, ValueError, RecursionError):
        tally.unread()


def _by_column(read, part, tally):
    """A table by its columns; what is damaged is unread, and whatever its bytes show is loose text besides."""
    try:
        read(part, tally)
    except (OSError, EOFError, InputError, pa.ArrowException, ValueError, MemoryError, sqlite3.Error):
        tally.unread()
        if read is _excel:
            return
        with part.open() as stream:
            for piece in iter(lambda: stream.read(_HEAD), b""):
                _loose(piece, tally)


def _documents(stream, data, tally):
    """The documents of a mongodump, one by one; from one whose length cannot be right on, loose text."""
    at, more = 0, True
    while True:
        size = int.from_bytes(data[at : at + 4], "little")
        if more and len(data) - at < max(4, min(size, _LINE)):
            piece = stream.read(_HEAD)
            data, at, more = data[at:] + piece, 0, bool(piece)
            continue
        if not 5 <= size <= min(_LINE, len(data) - at):
            break
        try:
            tally.walk(bson.decode(data[at : at + size], _CODEC), "")
        except (bson.errors.BSONError, ValueError, RecursionError):
            _loose(data[at : at + size], tally)
        at += size
    if at < len(data):
        for piece in chain([data[at:]], iter(lambda: stream.read(_HEAD), b"")):
            _loose(piece, tally)


def _text(stream, head, suffix, tally):
    """A stream of text in whatever form: one JSON document, JSON lines, a table, or just lines."""
    if suffix in (".json", ".geojson", ".ipynb"):
        while len(head) <= _WHOLE_JSON and (piece := stream.read(_HEAD)):
            head += piece
        if len(head) <= _WHOLE_JSON and _document(head, tally):
            return
    lines = _lines(stream, head)
    first = next(lines, b"")
    lines = chain([first], lines)
    if first.lstrip(b" \t").startswith((b"{", b"[")):
        _json_lines(lines, tally)
    elif suffix in (".csv", ".tsv", ".txt", ".psv", "") and (mark := _delimiter(first, suffix)):
        _table(lines, mark, tally)
    else:
        for line in lines:
            _loose(line, tally)


def _document(data, tally):
    try:
        value = json.loads(_decode(data))
    except (ValueError, RecursionError):
        return False
    tally.walk(value, "")
    return True


def _lines(stream, head):
    """Lines without their ends, as UTF-8 where the file was UTF-16; one over 16 MiB comes in pieces."""
    wide = _wide(head)
    reader = codecs.getincrementaldecoder(wide)("replace") if wide else None
    rest = b""
    for piece in chain([head.removeprefix(codecs.BOM_UTF8)], iter(lambda: stream.read(_HEAD), b"")):
        *whole, rest = (rest + (reader.decode(piece).lstrip("\ufeff").encode() if reader else piece)).split(b"\n")
        yield from whole
        if len(rest) > _LINE:
            yield rest
            rest = b""
    yield rest


def _wide(head):
    """Which UTF-16 it is, by its mark or because every other byte is empty; None if neither."""
    marked = {codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}.get(head[:2])
    even, odd, half = head[:400:2].count(0), head[1:400:2].count(0), len(head[:400]) / 2
    if marked or min(even, odd) > 0.05 * half or max(even, odd) < 0.6 * half:
        return marked
    return "utf-16-le" if odd > even else "utf-16-be"


def _decode(line):
    """UTF-8, or else what Chinese systems write, or else letter by letter."""
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return line.decode(encoding)
        except UnicodeDecodeError:
            continue
    return line.decode("latin-1")


def _json_lines(lines, tally):
    for line in lines:
        try:
            value = json.loads(line)
        except (ValueError, RecursionError):
            _loose(line, tally)
            continue
        tally.walk(value, "" if isinstance(value, dict) else "text")


def _loose(line, tally):
    """A line of no known form: whatever lies between control characters, as a reader of a binary file would see it."""
    for text in re.split(r"[\x00-\x08\x0a-\x1f\x7f]+", _decode(line)):
        if len(text) > 3:
            tally.cell("text", text)


def _delimiter(first, suffix):
    counts = {mark: first.count(mark.encode()) for mark in ",\t;|"}
    best = max(counts, key=counts.get)
    return best if counts[best] and (suffix != ".txt" or counts[best] > 1) else "," if suffix == ".csv" else ""


def _table(lines, mark, tally):
    """Rows of a delimited table. A first row that holds an identifier is no header: its columns get numbers."""
    header, gathered, letters = None, [], 0
    for line in lines:
        cells = _split(_decode(line).rstrip("\r\n"), mark)
        if header is None:
            header = [tally.label(c.strip()) for c in cells]
            if any(label != c.strip() or not label for label, c in zip(header, cells, strict=True)):
                header = [f"column {i + 1}" for i in range(len(cells))]
                gathered.append(cells)
            continue
        if len(cells) != len(header):
            _loose(line, tally)
            continue
        gathered.append(cells)
        letters += len(line)
        if len(gathered) * len(header) >= 4 * _ROWS or letters >= _LETTERS:
            _columns(header, gathered, tally)
            gathered, letters = [], 0
    _columns(header or [], gathered, tally)


def _columns(header, rows, tally):
    for place, values in zip(header, zip(*rows, strict=True), strict=False):
        tally.column(place, pa.array([v.encode("utf-8", "replace").decode() or None for v in values], pa.string()))


def _split(text, mark):
    if '"' not in text:
        return text.split(mark)
    try:
        return next(csv.reader([text], delimiter=mark), [])
    except csv.Error:
        return [text]


def _parquet(part, tally):
    with opening.seekable(part) as stream, pq.ParquetFile(stream) as file:
        for batch in file.iter_batches(batch_size=_ROWS):
            for name, values in zip(batch.schema.names, batch.columns, strict=True):
                _arrow(tally.label(name), values, tally)


def _arrow_file(part, tally):
    with opening.seekable(part) as stream:
        for batch in tables_in.arrow_batches(stream):
            for name, values in zip(batch.schema.names, batch.columns, strict=True):
                _arrow(tally.member("", name), values, tally)


def _sqlite(part, tally):
    """Each column of each table, and what deleted pages still hold; the points of a GeoPackage are none's name."""
    con = tables_in.open_sqlite(part)
    try:
        tables = tables_in.columns_of(con)
        geometries = {table: column for table, (column, _) in geopackage_in.layout(con)[1].items()} \
            if "gpkg_geometry_columns" in tables else {}
        for table, columns in tables.items():
            asked = ", ".join(map(tables_in.quoted, columns))
            places = [tally.member(tally.label(table), column) for column in columns]
            cursor = con.execute(f"select {asked} from {tables_in.quoted(table)}")
            while rows := cursor.fetchmany(_ROWS // 8):
                for column, place, values in zip(columns, places, zip(*rows, strict=True), strict=True):
                    _values(place, values, geometries.get(table) == column, tally)
    finally:
        con.close()
    with opening.seekable(part) as stream:
        for page in _free_pages(stream):
            for text in re.split(r"[\x00-\x08\x0a-\x1f\x7f]+", _decode(page)):
                if len(text) > 3:
                    tally.cell("(deleted)", text)


def _values(place, values, geometry, tally):
    texts = [str(v) if isinstance(v, int) else v.encode("utf-8", "replace").decode() for v in values
             if isinstance(v, int | str) and v != ""]
    tally.column(place, pa.array(texts, pa.string()))
    for value in values:
        if isinstance(value, float) or (isinstance(value, bytes) and not (geometry and value[:3] == b"GP\0")):
            tally.walk(value, place)


def _free_pages(stream):
    """The pages of a SQLite file that are in no table any more: deleting leaves in them what they held."""
    head = stream.read(100)
    size = int.from_bytes(head[16:18], "big")
    size, trunk, seen = 65_536 if size == 1 else size, int.from_bytes(head[32:36], "big"), set()
    while trunk and trunk not in seen and len(seen) < _FREE_PAGES:
        seen.add(trunk)
        stream.seek((trunk - 1) * size)
        page = stream.read(size)
        leaves = [int.from_bytes(page[at : at + 4], "big")
                  for at in range(8, 8 + 4 * min(int.from_bytes(page[4:8], "big"), size // 4 - 2), 4)]
        for leaf in leaves:
            if leaf and leaf not in seen:
                seen.add(leaf)
                stream.seek((leaf - 1) * size)
                yield stream.read(size)
        trunk = int.from_bytes(page[:4], "big")


def _excel(part, tally):
    """The cells of every sheet, and the words of what lies beside them: comments, and who made it."""
    with opening.seekable(part) as stream:
        book = excel_in.Workbook(stream, part)
        for path, sheet in book.sheets.items():
            _sheet(book.rows(path), tally.member("", sheet), tally)
        for name, member in book.members.items():
            if name.endswith(".xml") and name.startswith(("docProps/", "xl/comments", "xl/threadedComments",
                                                          "xl/persons", "xl/drawings")):
                with member.open() as inside:
                    for text in re.split(r"<[^>]*>", _decode(inside.read(_LETTERS))):
                        if len(text) > 3:
                            tally.cell(f"({name.partition('/')[2].rstrip('0123456789.xml')})", text)
            elif name.startswith("xl/media/"):
                tally.picture()


def _sheet(rows, name, tally):
    """Rows of a sheet. A first row that holds an identifier is no header: its columns get letters of their own."""
    header = None
    for row in rows:
        if row.fault:
            tally.unread()
        cells = {at: text for at, text in row.cells.items() if text}
        if header is None and cells:
            header = {at: text.strip() for at, text in cells.items()}
            if all(label and tally.label(label) == label for label in header.values()):
                continue
            header = {}
        for at, text in cells.items():
            tally.cell(f"{name}.{header.get(at, f'column {at}')}", text)


def _arrow(place, values, tally):
    """An Arrow column as texts: numbers that may be identifiers, structs and lists taken apart; times are none."""
    kind = values.type
    if pa.types.is_dictionary(kind):
        _arrow(place, values.dictionary_decode(), tally)
    elif any(is_one(kind) for is_one in (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view,
                                         pa.types.is_integer)):
        tally.column(place, values.cast(pa.string()))
    elif pa.types.is_floating(kind):
        whole = values.drop_null()
        whole = whole.filter(pc.and_(pc.equal(pc.round(whole), whole), pc.less(pc.abs(whole), 9e15)))
        tally.column(place, whole.cast(pa.int64()).cast(pa.string()))
    elif pa.types.is_struct(kind):
        for i in range(kind.num_fields):
            name = kind.field(i).name
            _arrow(f"{place}.{tally.label(name)}", pc.struct_field(values, [i]), tally)
    elif pa.types.is_nested(kind) or pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        for value in values.to_pylist():
            tally.walk(value, place)


_BY_COLUMN = ((b"PAR1", _parquet), (b"ARROW1", _arrow_file), (b"\xff\xff\xff\xff", _arrow_file),
              (b"SQLite format 3\0", _sqlite), (b"PK\x03\x04", _excel))
