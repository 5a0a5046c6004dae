"""Forms that are no text: mongodump, Parquet, Arrow, SQLite. Their values become the texts that a line would hold.

A document's length is checked here and not by the library, which would stop, or skip, without saying how much is lost.
"""

import base64
import json
import re
import sqlite3
import struct
from dataclasses import dataclass
from functools import partial
from urllib.parse import quote

import bson
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from bson import json_util
from bson.codec_options import CodecOptions, DatetimeConversion

from kit.errors import InputError
from kit.ingest import opening
from kit.ingest.cutters import EXCERPT_LETTERS, MAX_LINE_BYTES, Block, Chunks, mask

BATCH_ROWS = 50_000
_CODEC = CodecOptions(datetime_conversion=DatetimeConversion.DATETIME_MS)
_LEAST = 5  # a length and the closing zero
_ARCHIVE = b"\x6d\xe2\x99\x81"
_THRIFT_BYTES = 256 << 20
_EMPTY_ROWS = 1_000_000  # of columns without any value there may be as many as a file says, at no cost to it


@dataclass(frozen=True)
class Batch:
    """Some consecutive rows of a table, and the number of the first one, counted from 1."""

    table: pa.RecordBatch
    first_row: int

    @property
    def data(self):
        """Its bytes in memory, for progress."""
        return range(self.table.nbytes)

    def where(self, row):
        """Row number from 1; a row of a table has no byte of its own."""
        return self.first_row + int(row), None

    def excerpt(self, row):
        """One row for the quarantine, masked."""
        row = self.table.slice(int(row), 1)
        try:
            values = row.to_pylist()[0]
        except UnicodeDecodeError:
            return ""
        return mask(json.dumps({k: str(v)[:EXCERPT_LETTERS] for k, v in values.items()}, ensure_ascii=False))


def read_bson(part, source, digest, block_bytes, records_of):
    """The documents of one collection, as mongodump writes them.

    A length that cannot be ends the reading: it comes out as one broken record that says how many bytes were left
    unread, because nothing says where the next document would begin.
    """
    fields = [f.path for f in source.read]
    with part.open() as stream:
        chunks = Chunks(stream, digest, block_bytes)
        if chunks.head().startswith(_ARCHIVE):
            raise InputError(f"The file {part.name} is a mongodump archive; restore it, or dump it again without "
                             "--archive, so that each collection is a file.")
        for block in _documents(chunks):
            yield block, partial(_parse_bson, block, fields, records_of)


def read_parquet(part, source, digest, block_bytes, records_of):
    """Rows of a Parquet file, in batches; one sentence if what its footer says does not hold."""
    fields = [f.path for f in source.read]
    lying = InputError(f"The file {part.name} cannot be read as Parquet: what its footer says does not fit its data, "
                       "so it is damaged or cut short; get a whole copy.")
    rows = 0
    with opening.seekable(part) as stream:
        try:
            file = pq.ParquetFile(stream, thrift_string_size_limit=_THRIFT_BYTES,
                                  thrift_container_size_limit=1_000_000, page_checksum_verification=True)
            names, said = file.schema_arrow.names, file.metadata.num_rows
            _require_distinct(names, part.name)
            wanted = sorted({_column_of(path, names) for path in fields} & set(names))
            keys = set(names)
            batches = file.iter_batches(BATCH_ROWS, columns=wanted)
        except (pa.ArrowException, OSError, ValueError, MemoryError):
            raise lying from None
        while True:
            try:
                batch = next(batches, None)
                for column in batch.columns if batch is not None else ():
                    if not pa.types.is_string(column.type):  # texts are looked at one by one, later
                        column.validate(full=True)
            except (pa.ArrowException, OSError, ValueError, MemoryError):
                raise lying from None
            if batch is None:
                break
            yield Batch(batch, rows + 1), partial(_parse_batch, batch, fields, keys, records_of)
            rows += len(batch)
    if rows != said:
        raise lying


def read_arrow(part, source, digest, block_bytes, records_of):
    """Rows of an Arrow file or stream (Feather, version 2), batch by batch."""
    fields = [f.path for f in source.read]
    broken = InputError(f"The file {part.name} cannot be read as Arrow, so it is damaged or cut short; get a whole "
                        "copy.")
    rows = 0
    with opening.seekable(part) as stream:
        try:
            batches = arrow_batches(stream)
            while (batch := next(batches, None)) is not None:
                _require_distinct(batch.schema.names, part.name)
                yield Batch(batch, rows + 1), partial(_parse_batch, batch, fields, set(batch.schema.names), records_of)
                rows += len(batch)
        except (pa.ArrowException, OSError, ValueError, MemoryError):
            raise broken from None


def read_sqlite(part, source, digest, block_bytes, records_of):
    """Rows of the one table of a SQLite file that has all columns the recipe makes something of."""
    names = [f.path for f in source.read]
    needed = {f.path for f in source.fields if f.column}
    damaged = InputError(f"The file {part.name} cannot be read as SQLite, so it is damaged or cut short; get a whole "
                         "copy.")
    con = open_sqlite(part)
    try:
        table, keys = table_with(columns_of(con), needed, part.name)
        there = [name for name in names if name in keys]
        asked = ", ".join(quoted(name) for name in there) or "null"
        cursor, rows = con.execute(f"select {asked} from {quoted(table)}"), 0
        while found := cursor.fetchmany(BATCH_ROWS):
            columns = dict(zip(there, zip(*found, strict=True), strict=False))
            batch = pa.record_batch({name: pa.array([binary_text(v) for v in columns.get(name, [None] * len(found))],
                                                    pa.binary()) for name in names} or {"": pa.nulls(len(found))})
            yield Batch(batch, rows + 1), partial(parse_cells, batch, names, keys, records_of)
            rows += len(found)
    except (sqlite3.Error, UnicodeError):  # a name in a damaged schema may be no text
        raise damaged from None
    finally:
        con.close()


def _require_distinct(names, file):
    if len(set(names)) < len(names):
        raise InputError(f"The file {file} has two columns of one name, so which is meant is unknown; rename one.")


def arrow_batches(stream):
    """The batches of a file, whose index is at its end, or of a stream, which has none."""
    if stream.read(6) == b"ARROW1":
        file = pa.ipc.open_file(pa.PythonFile(stream, "r"))
        return (_checked(file.get_batch(i)) for i in range(file.num_record_batches))
    stream.seek(0)
    return (_checked(batch) for batch in pa.ipc.open_stream(pa.PythonFile(stream, "r")))


def _checked(batch):
    """Arrow takes offsets and sizes as the file gives them; here they are looked at before anything follows them."""
    batch.validate(full=True)
    if len(batch) and not batch.nbytes and (not batch.num_columns or len(batch) > _EMPTY_ROWS):
        raise ValueError("rows that no byte stands behind")
    return batch


def open_sqlite(part):
    """The database, for reading only: nothing in its schema is trusted to run."""
    if opening.is_plain(part):
        con = sqlite3.connect(f"file:{quote(str(part.path.absolute()))}?mode=ro&immutable=1", uri=True)
    else:
        con = sqlite3.connect(":memory:")
        with opening.seekable(part) as stream:
            con.deserialize(stream.read())
    con.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, MAX_LINE_BYTES)
    con.text_factory = lambda data: data.decode("utf-8", "surrogateescape")
    con.execute("pragma trusted_schema = off")
    return con


def columns_of(con, besides=("sqlite_",)):
    """The columns of each table that holds data, in their order; tables whose names begin as `besides` says hold none.
    """
    tables = {}
    for table, sql in con.execute("select name, sql from sqlite_master where type = 'table' order by name"):
        if not re.match(r"\s*create\s+virtual", sql or "", re.IGNORECASE) and not table.lower().startswith(besides):
            tables[table] = [row[1] for row in con.execute(f"pragma table_info({quoted(table)})")]
    return tables


def table_with(tables, needed, name):
    """The one table that has the columns needed, and all of its columns."""
    tables = {table: set(columns) for table, columns in tables.items()}
    fitting = [table for table, columns in tables.items() if needed <= columns]
    if len(fitting) != 1:
        raise InputError(f"The file {name} has {len(fitting)} tables with the columns {', '.join(sorted(needed))}, and "
                         "one is needed; change the recipe, or take the others out.")
    return fitting[0], tables[fitting[0]]


def quoted(name):
    return '"' + name.replace('"', '""') + '"'


def binary_text(value):
    if value is None or value == "":
        return None
    return value.encode("utf-8", "surrogateescape") if isinstance(value, str) else _value_text(value).encode()


def parse_cells(batch, names, keys, records_of):
    columns = {name: batch[name].to_pylist() for name in names}
    bad = np.array([any(v is not None and not _decodes(v) for v in row) for row in zip(*columns.values(), strict=True)]
                   if columns else [False] * len(batch), bool)
    texts = {name: batch[name].filter(pa.array(~bad)).cast(pa.string()) for name in names}
    return records_of(np.flatnonzero(~bad), texts, len(batch), [(int(r), "not UTF-8") for r in np.flatnonzero(bad)],
                      set(keys))


def texts_of(column):
    """A column of any type as the texts that a line of JSON would hold; null stays null.

    >>> texts_of(pa.array([1.5, None])).to_pylist(), texts_of(pa.array([[1, 2]])).to_pylist()
    (['1.5', None], ['[1, 2]'])
    """
    if isinstance(column, pa.ChunkedArray):
        column = column.combine_chunks()
    if isinstance(column, pa.ExtensionArray):
        column = column.storage
    kind = column.type
    if pa.types.is_dictionary(kind):
        return texts_of(column.dictionary_decode())
    if pa.types.is_timestamp(kind):
        return _moments(column)
    if pa.types.is_string(kind):
        return column
    if pa.types.is_nested(kind) or pa.types.is_binary(kind) or pa.types.is_large_binary(kind) \
            or pa.types.is_fixed_size_binary(kind):
        return pa.array([None if v is None else _value_text(v) for v in column.to_pylist()], pa.string())
    if pa.types.is_duration(kind) or pa.types.is_interval(kind):
        return pa.array([None if v is None else str(v) for v in column.to_pylist()], pa.string())
    return column.cast(pa.string())


def _documents(chunks):
    """Blocks of whole documents; `line` is the number of the document."""
    rest, number, byte = b"", 1, 0
    while chunk := chunks.next():
        rest += chunk
        starts, at, reason = [0], 0, None
        while len(rest) - at >= 4:
            length = struct.unpack_from("<i", rest, at)[0]
            if not _LEAST <= length <= MAX_LINE_BYTES + 16_384:
                reason = f"a document of {length} bytes, which cannot be"
            elif at + length > len(rest):
                break
            elif rest[at + length - 1]:
                reason = f"a document of {length} bytes that does not end there"
            if reason:
                break
            at += length
            starts.append(at)
        if len(starts) > 1:
            yield _block(rest[:at], starts, number, byte)
        rest, number, byte = rest[at:], number + len(starts) - 1, byte + at
        if reason:
            unread = len(rest)
            head = rest[: 4 * EXCERPT_LETTERS]
            while chunk := chunks.next():
                unread += len(chunk)
            yield _block(head, [0, len(head)], number, byte, f"{reason}: the {unread} bytes from here on were not read")
            return
    if rest or chunks.fault:
        reason = chunks.fault or f"the last document breaks off after {len(rest)} bytes"
        head = rest[: 4 * EXCERPT_LETTERS] or b"\n"
        yield _block(head, [0, len(head)], number, byte, reason)


def _block(data, starts, number, byte, reason=None):
    return Block(np.frombuffer(data, np.uint8), np.array(starts, np.int64), number, byte,
                 faults={0: reason} if reason else {})


def _parse_bson(block, fields, records_of):
    broken, rows, keys = list(block.faults.items()), [], set()
    columns = {path: [] for path in fields}
    paths = [(path, path.split("."), columns[path]) for path in fields]
    inner = {".".join(parts[:i]) for _, parts, _ in paths for i in range(1, len(parts))}
    for row in range(len(block)):
        if row in block.faults:
            continue
        try:
            document = bson.decode(block.line(row), _CODEC)
        except (bson.errors.BSONError, RecursionError, ValueError, OverflowError, MemoryError, UnicodeError):
            broken.append((row, "not valid BSON"))
            continue
        rows.append(row)
        keys.update(document)
        for path in inner:
            below = _get(document, path.split("."))
            keys.update(f"{path}.{name}" for name in (below if isinstance(below, dict) else ()))
        for _, parts, column in paths:
            value = document.get(parts[0]) if len(parts) == 1 else _get(document, parts)
            column.append(None if value is None else _value_text(value))
    texts = {path: pa.array(column, pa.string()) for path, column in columns.items()}
    return records_of(np.array(rows, np.int64), texts, len(rows) + len(broken), sorted(broken), keys, block.notes)


def _parse_batch(batch, fields, keys, records_of):
    texts = {}
    for path in fields:
        name = _column_of(path, batch.schema.names)
        if name not in batch.schema.names:
            texts[path] = pa.nulls(len(batch), pa.string())
        elif name == path:
            texts[path] = texts_of(batch[name])
        else:
            texts[path] = _inside(batch[name], path.removeprefix(name + ".").split("."))
    bad = np.zeros(len(batch), bool)
    for column in texts.values():
        bad |= _not_utf8(column)
    if bad.any():
        texts = {path: column.filter(pa.array(~bad)) for path, column in texts.items()}
    broken = [(int(row), "not UTF-8") for row in np.flatnonzero(bad)]
    return records_of(np.flatnonzero(~bad), texts, len(batch), broken, keys)


def _not_utf8(column):
    """Which texts are none: Arrow takes a file's word for it until somebody looks."""
    try:
        column.validate(full=True)
    except pa.ArrowInvalid:
        return np.array([value is not None and not _decodes(value) for value in column.cast(pa.binary()).to_pylist()])
    return np.zeros(len(column), bool)


def _decodes(data):
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _inside(column, parts):
    """A member of a struct column."""
    for part in parts:
        if not pa.types.is_struct(column.type) or column.type.get_field_index(part) < 0:
            return pa.nulls(len(column), pa.string())
        column = pc.struct_field(column, part)
    return texts_of(column)


def _column_of(path, names):
    return path if path in names else path.split(".")[0]


def _get(document, parts):
    for part in parts:
        if not isinstance(document, dict):
            return None
        document = document.get(part)
    return document


def _moments(column):
    """Timestamps as ISO texts to the microsecond; those with a zone in UTC, with a Z."""
    zone = column.type.tz
    column = column.cast(pa.timestamp("us", zone), safe=False)
    if zone:
        column = column.cast(pa.timestamp("us", "UTC")).cast(pa.timestamp("us"))
    texts = column.cast(pa.string())
    return pc.binary_join_element_wise(texts, "Z", "") if zone else texts


def _value_text(value):
    """One value as the text that Extended JSON has for it, without the wrapper where the type says enough."""
    if isinstance(value, str):
        return value if value.isascii() else value.encode("utf-8", "replace").decode()
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(int(value))
    if isinstance(value, float):
        return repr(value)
    if isinstance(value, bson.DatetimeMS):
        return f'{{"$date":{{"$numberLong":"{int(value)}"}}}}'
    if isinstance(value, bson.ObjectId | bson.Decimal128):
        return str(value)
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    return json_util.dumps(value, ensure_ascii=False, default=_any_text)


def _any_text(value):
    try:
        return json_util.default(value)
    except TypeError:
        return str(value)
