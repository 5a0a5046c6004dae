"""Raw files to columns of text, a block of lines at a time, with every line accounted for.

A reader that skips what it cannot read loses rows unseen. So lines are cut here, from the bytes, before any parser
sees them: each line of a file is a record, a blank, a header, or broken, with its number and byte offset. A block holds
some megabytes, so memory does not grow with the file. A record is one line, also in CSV.
"""

import csv
import json
import re
import threading
from dataclasses import dataclass, field

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from kit.errors import InputError

BLOCK_BYTES = 8 << 20
MAX_LINE_BYTES = 16 << 20
EXCERPT_LETTERS = 120
_BOM = b"\xef\xbb\xbf"
_NEWLINE, _RETURN, _BRACE = 10, 13, 123


@dataclass(frozen=True)
class Block:
    """Some consecutive lines of a file: their bytes, where each starts, and where the first one stands."""

    data: np.ndarray
    starts: np.ndarray
    first_line: int
    first_byte: int

    def __len__(self):
        return len(self.starts) - 1

    def line(self, row):
        """The bytes of one line, with its newline."""
        return self.data[self.starts[row] : self.starts[row + 1]].tobytes()

    def excerpt(self, row):
        """One line for the quarantine: letters and digits masked, cut to 120 characters."""
        head = self.data[self.starts[row] : min(self.starts[row + 1], self.starts[row] + 4 * EXCERPT_LETTERS)]
        return mask(head.tobytes().decode("utf-8", "replace").strip())

    def where(self, row):
        """Line number from 1 and byte offset from 0."""
        return self.first_line + int(row), self.first_byte + int(self.starts[row])


@dataclass
class Records:
    """What a block holds: one text column for each field, the rows they came from, and what was no record."""

    rows: np.ndarray
    texts: dict[str, pa.Array]
    count: int
    broken: list[tuple[int, str]] = field(default_factory=list)
    keys: set[str] = field(default_factory=set)


def mask(text):
    """Every letter becomes x and every digit 0, so that shape stays and content goes.

    >>> mask('{"id_no":"SYN-0123"')
    '{"xx_xx":"xxx-0000"'
    """
    return re.sub(r"\d", "0", re.sub(r"[^\W\d_]", "x", text[:EXCERPT_LETTERS]))


def read_blocks(path, digest, block_bytes=BLOCK_BYTES):
    """Cut a file into blocks of whole lines.

    Parameters
    ----------
    path : Path
    digest : hashlib object
        Fed with every byte that is read, so that the hash is that of the data used.
    block_bytes : int
        About how much to hold at once; a line longer than 16 MiB is cut short and comes out as a broken one.

    Yields
    ------
    Block
    """
    line, byte, rest = 1, 0, b""
    with open(path, "rb") as stream:
        while chunk := stream.read(block_bytes):
            digest.update(chunk)
            if byte == 0 and not rest and chunk.startswith(_BOM):
                chunk, byte = chunk[len(_BOM) :], len(_BOM)
            whole, newline, tail = (rest + chunk).rpartition(b"\n")
            if newline:
                block = _block(whole + newline, line, byte)
                yield block
                line, byte, rest = line + len(block), byte + len(block.data), tail
            else:
                rest = tail
            if len(rest) > MAX_LINE_BYTES:
                skipped, rest = _skip_line(stream, digest, block_bytes, len(rest))
                yield _block(b"\0" * (MAX_LINE_BYTES + 1), line, byte)
                line, byte = line + 1, byte + skipped
        if rest:
            yield _block(rest, line, byte)


def parse_json(block, fields, root=""):
    """Read a block of JSON lines with DuckDB under an explicit schema, every value as text.

    Parameters
    ----------
    block : Block
    fields : iterable of str
        Paths within the record, dots between levels; only these leave the parser.
    root : str
        The member that holds the record, for example "_source".

    Returns
    -------
    Records
        `keys` names every member at the top of the records (and at that of a nested field), named in `fields` or not.
    """
    rows, broken = _readable_rows(block)
    opens = block.data[block.starts[rows]] == _BRACE
    for row in rows[~opens]:
        text = block.line(row).strip()
        if text and not text.startswith(b"{"):
            broken.append((int(row), "no JSON object"))
    dropped = {row for row, _ in broken} | {int(r) for r in rows[~opens] if not block.line(r).strip()}
    rows = rows[~np.isin(rows, list(dropped))] if dropped else rows
    structs, keys = _query_json(_lines(block, rows), list(fields), root)
    if structs.null_count:
        bad = np.asarray(structs.is_null())
        broken += [(int(row), "not valid JSON") for row in rows[bad]]
        rows, structs = rows[~bad], structs.drop_null()
    if root:
        structs = pc.struct_field(structs, [root])
        if structs.null_count:
            bad = np.asarray(structs.is_null())
            broken += [(int(row), f"no {root} in it") for row in rows[bad]]
            rows, structs = rows[~bad], structs.drop_null()
    texts = {path: pc.struct_field(structs, path.split(".")) for path in fields}
    return Records(rows, texts, len(rows) + len(broken), sorted(broken), keys)


def parse_csv(block, fields, header, first):
    """Read a block of comma-separated lines, every value as text; an empty cell is null.

    Parameters
    ----------
    block : Block
    fields : iterable of str
        Columns to hand on; one that the header lacks comes out null.
    header : list of str
    first : int
        Row of the block at which records begin: after the header line in the first block, else 0.

    Returns
    -------
    Records
    """
    rows, broken = _readable_rows(block)
    kept, cells = [], []
    for row in rows[rows >= first].tolist():
        text = block.line(row).decode("utf-8").rstrip("\r\n")
        if not text.strip():
            continue
        values = split_csv(text)
        if values is None:
            broken.append((row, "a quotation mark that does not close"))
        elif len(values) != len(header):
            broken.append((row, f"{len(values)} cells where {len(header)} belong"))
        else:
            kept.append(row)
            cells.append(values)
    broken = sorted(b for b in broken if b[0] >= first)
    columns = dict(zip(header, zip(*cells, strict=True), strict=True)) if cells else {}
    empty = pa.nulls(len(kept), pa.string())
    texts = {name: pa.array([v or None for v in columns[name]], pa.string()) if name in columns else empty
             for name in fields}
    return Records(np.array(kept, dtype=np.int64), texts, len(kept) + len(broken), broken, set(header))


def split_csv(text):
    """The cells of one line, or None where a quotation mark stays open."""
    if '"' not in text:
        return text.split(",")
    try:
        return next(csv.reader([text], strict=True))
    except csv.Error:
        return None


def csv_header(block, name):
    """The column names in a file's first block, and the row at which its records begin."""
    for row in range(len(block)):
        text = block.line(row).decode("utf-8", "replace").strip()
        if text:
            header = split_csv(text)
            if not header or len(set(header)) < len(header):
                raise InputError(f"The first line of {name} is no header with distinct column names; write one.")
            return [cell.strip() for cell in header], row + 1
    return [], len(block)


def _skip_line(stream, digest, block_bytes, skipped):
    """Read on to the end of a line that is too long; returns its length and what follows it."""
    while chunk := stream.read(block_bytes):
        digest.update(chunk)
        head, newline, tail = chunk.partition(b"\n")
        skipped += len(head) + len(newline)
        if newline:
            return skipped, tail
    return skipped, b""


def _block(data, line, byte):
    array = np.frombuffer(data, dtype=np.uint8)
    ends = np.flatnonzero(array == _NEWLINE) + 1
    if not len(ends) or ends[-1] < len(array):
        ends = np.append(ends, len(array))
    return Block(array, np.concatenate(([0], ends)).astype(np.int32), line, byte)


def _readable_rows(block):
    """Rows that may hold a record: neither blank nor too long nor in another encoding; and the broken ones."""
    lengths = np.diff(block.starts)
    first = block.data[block.starts[:-1]]
    blank = ((lengths == 1) & ((first == _NEWLINE) | (first == _RETURN))) | ((lengths == 2) & (first == _RETURN))
    too_long = lengths > MAX_LINE_BYTES
    broken = [(int(row), f"a line of more than {MAX_LINE_BYTES >> 20} MiB") for row in np.flatnonzero(too_long)]
    good = ~blank & ~too_long
    if not _is_utf8(_lines(block, None)):
        for row in np.flatnonzero(good):
            try:
                block.line(row).decode("utf-8")
            except UnicodeDecodeError:
                broken.append((int(row), "not UTF-8"))
                good[row] = False
    return np.flatnonzero(good), broken


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
    """Each line as a struct of texts, null where it is not JSON; and the names of the members that occur."""
    con = _connection()
    con.register("lines", pa.table({"line": lines}))
    schema = _schema([f"{root}.{path}" if root else path for path in fields])
    inner = [f'$."{root}"'] if root else ["$"]
    inner += sorted({".".join([inner[0], *(f'"{part}"' for part in path.split(".")[:-1])])
                     for path in fields if "." in path})
    try:
        structs, found = _ask(con, schema, inner, "{}")
    except duckdb.Error:
        structs = None
    if structs is None:  # asked again outside the handler: DuckDB's message quotes the line, and would be chained
        structs, found = _ask(con, schema, inner, "try({})")
    return structs, found


def _ask(con, schema, inner, wrap):
    transform = wrap.format("json_transform(line, $schema)")
    answer = con.sql(f"select {transform} as s from lines", params={"schema": schema}).to_arrow_table()["s"]
    found = set()
    for path in inner:
        keys = wrap.format("json_keys(line, $path)")
        prefix = "".join(part + "." for part in re.findall(r'"([^"]*)"', path.removeprefix(inner[0])))
        for (names,) in con.execute(f"select distinct {keys} from lines", {"path": path}).fetchall():
            found.update(prefix + name for name in names or ())
    return answer.combine_chunks(), found


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
    """This thread's DuckDB: in memory, one thread, no files, no network, no extensions."""
    if not hasattr(_local, "con"):
        _local.con = duckdb.connect(config={
            "threads": 1, "memory_limit": "1GB", "enable_external_access": "false",
            "autoinstall_known_extensions": "false", "autoload_known_extensions": "false",
            "lock_configuration": "true"})
    return _local.con
