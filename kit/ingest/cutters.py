"""From bytes to blocks of raw records: lines, CSV records that span lines, members of a JSON array.

A reader that skips what it cannot read loses rows unseen. So records are cut here, from the bytes, before any parser
sees them, and each knows its line and byte. A block holds some megabytes, so memory does not grow with the file. What
is known to be broken already (too long, broken off, in no encoding) stands in the block's `faults`.
"""

import re
from collections import Counter
from dataclasses import dataclass, field, replace

import numpy as np
from numba import njit

from kit import kernels
from kit.ingest import encodings
from kit.ingest.lanes import WIDTH, lanes_of, lowest

kernels.forget_stale(__file__)

BLOCK_BYTES = 8 << 20
MAX_LINE_BYTES = 16 << 20
MAX_LINES_A_RECORD = 1000
MAX_SPANNING_BYTES = 1 << 20
EXCERPT_LETTERS = 120
HEAD_BYTES = 64 << 10
_NEWLINE, _QUOTE, _BACKSLASH, _COMMA = 10, 34, 92, 44
_SPACE = b" \t\r\n"


@dataclass(frozen=True)
class Block:
    """Some consecutive raw records: their bytes, where each starts, and where the first one stands in the file.

    Where records are not the lines of the file as it lies there, `line_numbers` and `offsets` say where each stands.
    """

    data: np.ndarray
    starts: np.ndarray
    first_line: int
    first_byte: int
    line_numbers: np.ndarray | None = None
    offsets: np.ndarray | None = None
    faults: dict = field(default_factory=dict)
    notes: Counter = field(default_factory=Counter)

    def __len__(self):
        return len(self.starts) - 1

    def line(self, row):
        """The bytes of one record, with its newline."""
        return self.data[self.starts[row] : self.starts[row + 1]].tobytes()

    def excerpt(self, row):
        """One record for the quarantine: letters and digits masked, cut to 120 characters."""
        head = self.data[self.starts[row] : min(self.starts[row + 1], self.starts[row] + 4 * EXCERPT_LETTERS)]
        return mask(head.tobytes().decode("utf-8", "replace").strip())

    def where(self, row):
        """Line number from 1 and byte offset from 0."""
        line = self.first_line + int(row) if self.line_numbers is None else int(self.line_numbers[row])
        return line, self.first_byte + int(self.starts[row]) if self.offsets is None else int(self.offsets[row])


class Chunks:
    """A stream in large pieces, with a look ahead, hashed as it is read."""

    def __init__(self, stream, digest=None, block_bytes=BLOCK_BYTES):
        self._stream, self._digest, self._size, self._ahead = stream, digest, block_bytes, None

    def head(self, n=HEAD_BYTES):
        """The first bytes, or all there are; `next` will give them again."""
        if self._ahead is None:
            self._ahead = self._read(max(self._size, n))
        elif len(self._ahead) < n:
            self._ahead += self._read(n - len(self._ahead))
        return self._ahead[:n]

    def next(self):
        """Some more bytes; none at the end."""
        if self._ahead:
            data, self._ahead = self._ahead[: self._size], self._ahead[self._size :]
            return data
        return self._read(self._size)

    @property
    def fault(self):
        """Why the data broke off before their end, or None."""
        return self._stream.fault

    def _read(self, n):
        data = self._stream.read(n)
        if self._digest is not None:
            self._digest.update(data)
        return data


def mask(text):
    """Every letter becomes x and every digit 0, so that shape stays and content goes.

    >>> mask('{"id_no":"SYN-0123"')
    '{"xx_xx":"xxx-0000"'
    """
    return re.sub(r"\d", "0", re.sub(r"[^\W\d_]", "x", text[:EXCERPT_LETTERS]))


def cut_lines(chunks, encoding=None, name="the file"):
    """Cut a stream into blocks of whole lines, in UTF-8.

    Parameters
    ----------
    chunks : Chunks
    encoding : str, optional
        Of the file, if a recipe states it; else it is told from the bytes.
    name : str
        Of the file, for messages.

    Yields
    ------
    Block
        A line longer than 16 MiB is cut short and comes out with a fault, and so does what is left of a line where
        the data broke off.
    """
    head = chunks.head()
    code = encodings.detect(head, encoding, name)
    newline = _line_end(head, code)
    for raw in _raw_lines(chunks, code, newline):
        if not code.sure and raw.data.max() >= 128:
            code = encodings.detect(_strange_lines(raw), None, name)
        yield encodings.recode(raw, code)


def cut_csv(chunks, closes, encoding=None, name="the file"):
    """Cut a stream into blocks of CSV records; one whose quotation marks hold a newline spans lines.

    Parameters
    ----------
    chunks, encoding, name
        As `cut_lines`.
    closes : callable
        Given the bytes of some lines, says whether they are one record whose marks close.

    Yields
    ------
    Block
        A quotation mark that never closes stays a line of its own, so that it cannot swallow those below it.
    """
    held = None
    for block in cut_lines(chunks, encoding, name):
        block = block if held is None else _join(held, block)
        block, held = _join_quoted(block, closes, last=False) if (block.data == _QUOTE).any() else (block, None)
        if len(block):
            yield block
    if held is not None:
        yield _join_quoted(held, closes, last=True)[0]


def cut_members(chunks, key, depth, name="the file", encoding=None, longest=None):
    """Cut the members of JSON arrays out of a document, however it is laid out.

    Parameters
    ----------
    chunks : Chunks
    key : str, tuple of str or None
        Name of the arrays to cut, for example "hits", or several; None for the document's own top.
    depth : int
        How deep the members stand: 1 in an array at the top, 3 in {"hits": {"hits": [...]}}.
    name, encoding
        As `cut_lines`. Text in another encoding than UTF-8 is converted first, and places are those in the UTF-8.
    longest : int, optional
        Bytes that a member may have; 16 MiB unless said.

    Yields
    ------
    Block
        One record a member. What stands between arrays is passed over; an array or a document that breaks off, and
        anything after the end of an array at the top, comes out as a fault.
    """
    cutter = _MemberCutter(key, depth, longest or MAX_LINE_BYTES)
    code = encodings.detect(chunks.head(), encoding, name)
    decoder = None if code.name == "utf-8" else encodings.Converter(code)
    skip, cutter.byte = code.bom, code.bom if decoder is None else 0
    while data := chunks.next():
        data, skip = data[skip:], max(0, skip - len(data))
        block = cutter.feed(data if decoder is None else decoder.feed(data))
        if block is not None:
            yield block
    block = cutter.finish(chunks.fault)
    if block is not None:
        yield block


class _MemberCutter:
    """Where we are in the document: at the start of a member (inside), or between arrays (outside)."""

    def __init__(self, key, depth, longest):
        self.depth, self.longest, self.inside, self.ended = depth, longest, False, False
        names = b"|".join(re.escape(name.encode()) for name in ([key] if isinstance(key, str) else key or ()))
        self.key = re.compile(b'"(?:' + names + rb')"\s*:\s*\Z') if key else None
        self.rest, self.line, self.byte, self.level, self.unread = b"", 1, 0, 0, 0

    def feed(self, data):
        """Take in some bytes; a block of the members that are whole by now, or None."""
        if self.unread:
            self.unread += len(data)
            return None
        if self.ended:
            self._keep_some(data)
            return None
        data = self.rest + data
        array = np.frombuffer(data, np.uint8)
        spots, marks, levels = _structure(array, self.depth if self.inside else self.level)
        spans, at, i = [], 0, 0
        commas = spots[(marks == _COMMA) & (levels == self.depth)]
        while True:
            if self.inside:
                closing = np.flatnonzero((marks[i:] == ord("]")) & (levels[i:] == self.depth - 1))
                end = spots[i + closing[0]] if len(closing) else len(data)
                cuts = commas[np.searchsorted(commas, at) : np.searchsorted(commas, end)]
                if not len(closing):
                    spans += zip([at, *(cuts + 1)], cuts, strict=False)
                    at = int(cuts[-1]) + 1 if len(cuts) else at
                    break
                spans += zip([at, *(cuts + 1)], [*cuts, end], strict=True)
                i += int(closing[0]) + 1
                at, self.inside, self.level = int(end) + 1, False, self.depth - 1
                self.ended = self.key is None
            else:
                opening = self._opening(data, spots, marks, levels, i)
                if self.ended or opening is None:
                    break
                at, i, self.inside = int(spots[opening]) + 1, opening + 1, True
        if not self.inside and not self.ended:
            at = self._pass_over(data, spots, levels, at)
        block = self._block(array, spans)
        self.line += int(np.count_nonzero(array[:at] == _NEWLINE))
        self.byte += at
        self.rest = b"" if self.ended else data[at:]
        if self.ended:
            self._keep_some(data[at:])
        elif len(self.rest) > self.longest:
            self.unread, self.rest = len(self.rest), self.rest[:HEAD_BYTES]
        return block

    def finish(self, fault):
        """What is left at the end: nothing, or one record that broke off."""
        left = self.rest.strip(_SPACE)
        reason = None
        if self.unread:
            reason = (f"a record of more than {self.longest >> 20} MiB, or a mark that never closes: the "
                      f"{self.unread} bytes from here on were not read")
        elif self.inside:
            reason = fault or "the array breaks off here"
        elif self.ended and left:
            reason = "something after the end of the array"
        elif not self.ended and (self._level_at_end() or fault):
            reason = fault or "the document breaks off here"
        if reason is None:
            return None
        array = np.frombuffer(self.rest or b" ", np.uint8)
        return self._block(array, [(0, len(array))], {0: reason})

    def _keep_some(self, data):
        """After the end: where anything but space begins, and some of it."""
        if not self.rest:
            blank = data[: len(data) - len(data.lstrip(_SPACE))]
            self.line, self.byte, data = self.line + blank.count(b"\n"), self.byte + len(blank), data[len(blank) :]
        self.rest = (self.rest + data)[:HEAD_BYTES]

    def _opening(self, data, spots, marks, levels, i):
        for j in np.flatnonzero((marks[i:] == ord("[")) & (levels[i:] == self.depth)) + i:
            spot = int(spots[j])
            if self.key is None or self.key.search(data[max(0, spot - 200) : spot]):
                return int(j)
        return None

    def _pass_over(self, data, spots, levels, at):
        """Outside an array all but the last bytes, which may hold the next array's name, can go."""
        safe = max(at, len(data) - 4096)
        later = np.searchsorted(spots, safe)
        if later == 0 or safe == at:
            return at
        cut = int(spots[later - 1]) + 1
        if cut <= at:
            return at
        self.level = int(levels[later - 1])
        return cut

    def _level_at_end(self):
        _, _, levels = _structure(np.frombuffer(self.rest, np.uint8), self.level)
        return levels[-1] if len(levels) else self.level

    def _block(self, array, spans, faults=None):
        kept = []
        for start, end in spans:
            text = array[start:end].tobytes()
            body = text.lstrip(_SPACE)
            if body or faults:
                kept.append((int(start) + len(text) - len(body), body.rstrip(_SPACE) + b"\n"))
        if not kept:
            return None
        spots = np.array([start for start, _ in kept], np.int64)
        newlines = np.flatnonzero(array[: int(spots[-1])] == _NEWLINE)
        starts = np.concatenate(([0], np.cumsum([len(body) for _, body in kept]))).astype(np.int32)
        return Block(np.frombuffer(b"".join(body for _, body in kept), np.uint8), starts, self.line, self.byte,
                     self.line + np.searchsorted(newlines, spots), self.byte + spots, faults or {})


def _structure(array, level):
    """Brackets and commas outside strings: where, which, and how deep it is after each."""
    quotes = np.flatnonzero(array == _QUOTE)
    if len(quotes) and (array == _BACKSLASH).any():
        index = np.arange(len(array), dtype=np.int64)
        plain = np.maximum.accumulate(np.where(array != _BACKSLASH, index, -1))
        escapes = np.where(quotes > 0, quotes - 1 - plain[quotes - 1], 0)
        quotes = quotes[escapes % 2 == 0]
    marks = _MARKS[array]
    spots = np.flatnonzero(marks)
    spots = spots[np.searchsorted(quotes, spots) % 2 == 0]
    found = array[spots]
    return spots, found, level + np.cumsum(_STEPS[found], dtype=np.int64)


def depth(data):
    """How deep some JSON text is nested at its deepest."""
    levels = _structure(np.frombuffer(data, np.uint8), 0)[2]
    return int(levels.max()) if len(levels) else 0


def is_closed(data):
    """Whether some JSON text closes as many brackets as it opens, and opens any."""
    levels = _structure(np.frombuffer(data, np.uint8), 0)[2]
    return bool(len(levels)) and int(levels[-1]) == 0


def _table(values):
    table = np.zeros(256, np.int8)
    for letter, value in values.items():
        table[ord(letter)] = value
    return table


_MARKS = _table(dict.fromkeys("[]{},", 1))
_STEPS = _table({"[": 1, "{": 1, "]": -1, "}": -1})


def _raw_lines(chunks, code, newline):
    """Blocks of whole lines of raw bytes."""
    line, byte, rest, unit = 1, code.bom, b"", code.unit
    skip = code.bom
    while chunk := chunks.next():
        data, skip = rest + chunk[skip:] if rest or skip else chunk, max(0, skip - len(chunk))
        end = _last_end(data, newline, unit)
        if end:
            block = _block(memoryview(data)[:end], line, byte, newline, unit)
            yield block
            line, byte = line + len(block), byte + end
        rest = data[end:]
        if len(rest) > MAX_LINE_BYTES:
            size, after = _skip_line(chunks, newline, unit, rest)
            shown = rest[: 4 * EXCERPT_LETTERS]
            yield Block(np.frombuffer(shown, np.uint8), np.array([0, len(shown)], np.int32), line, byte,
                        faults={0: f"a line of more than {MAX_LINE_BYTES >> 20} MiB"})
            line, byte, rest = line + 1, byte + size, after
    if rest or chunks.fault:
        block = _block(rest or newline, line, byte, newline, unit)
        yield replace(block, faults={0: chunks.fault}) if chunks.fault else block


def _last_end(data, newline, unit):
    if unit == 1:
        return data.rfind(newline) + 1
    end = data.rfind(newline)
    while end % unit and end > 0:
        end = data.rfind(newline, 0, end + 1)
    return end + unit if end >= 0 and end % unit == 0 else 0


def _skip_line(chunks, newline, unit, rest):
    """Read on to the end of a line that is too long; returns its length and what follows it."""
    size, odd = len(rest), rest[len(rest) // unit * unit :]
    size -= len(odd)
    while chunk := chunks.next():
        data = odd + chunk
        at = data.find(newline)
        while at % unit and at >= 0:
            at = data.find(newline, at + 1)
        if at >= 0:
            return size + at + unit, data[at + unit :]
        odd = data[len(data) // unit * unit :]
        size += len(data) - len(odd)
    return size + len(odd), b""


def _block(data, line, byte, newline, unit):
    array = np.frombuffer(data, dtype=np.uint8)
    if unit == 1:
        return Block(array, _starts(array, newline[0]), line, byte)
    letters = np.frombuffer(data[: len(data) // 2 * 2], np.uint16)
    ends = (np.flatnonzero(letters == np.frombuffer(newline, np.uint16)[0]) + 1) * 2
    if not len(ends) or ends[-1] < len(array):
        ends = np.append(ends, len(array))
    return Block(array, np.concatenate(([0], ends)).astype(np.int32), line, byte)


@njit(cache=True, nogil=True)
def _starts(data, newline):
    """Where each line starts, and where the last one ends."""
    starts, n, i = np.empty(data.size // 64 + 64, np.int32), 1, 0
    starts[0] = 0
    while i < data.size:
        if n + WIDTH + 1 > starts.size:
            more = np.empty(2 * starts.size, np.int32)
            more[:n] = starts[:n]
            starts = more
        if i <= data.size - WIDTH:
            found = lanes_of(data, i, newline)
            while found:
                starts[n] = i + lowest(found) + 1
                n += 1
                found &= found - np.uint64(1)
            i += WIDTH
        else:
            if data[i] == newline:
                starts[n] = i + 1
                n += 1
            i += 1
    if n == 1 or starts[n - 1] < data.size:
        starts[n] = data.size
        n += 1
    return starts[:n]


def _line_end(head, code):
    """What ends a line: a newline, or the lone carriage return of old."""
    text = head[code.bom :].decode(code.name, "ignore")
    end = "\r" if "\r" in text[:-1] and "\n" not in text else "\n"
    return end.encode(code.name)


def _strange_lines(block):
    """Some lines of a block that hold more than ASCII, to tell its encoding by."""
    where = np.flatnonzero(block.data >= 128)[: 64 << 10]
    rows = np.unique(np.searchsorted(block.starts, where, "right") - 1)[:200]
    return b"".join(block.line(row) for row in rows)


def _join(held, block):
    """What was held back from the last block, before this one."""
    def both(name, default):
        a, b = getattr(held, name), getattr(block, name)
        return np.concatenate((default(held) if a is None else a, default(block) if b is None else b))

    faults = {**held.faults, **{row + len(held): why for row, why in block.faults.items()}}
    return Block(np.concatenate((held.data, block.data)),
                 np.concatenate((held.starts, block.starts[1:] + held.starts[-1])), held.first_line, held.first_byte,
                 both("line_numbers", _line_numbers), both("offsets", _byte_offsets), faults, held.notes + block.notes)


def _line_numbers(block):
    return block.first_line + np.arange(len(block), dtype=np.int64)


def _byte_offsets(block):
    return block.first_byte + block.starts[:-1].astype(np.int64)


def _join_quoted(block, closes, last):
    """Lines of one record made one; and the lines that wait for the next block, if a quotation mark is still open.

    A line that opens a quotation has an odd number of marks, and so has the line that closes it; between them all
    have even ones. So there is only one line at which a record can end, and nothing to search.
    """
    odd = np.flatnonzero(np.add.reduceat(block.data == _QUOTE, block.starts[:-1], dtype=np.int64) % 2).tolist()
    gone, i = np.zeros(len(block), bool), 0
    while i < len(odd):
        row, end = odd[i], odd[i + 1] if i + 1 < len(odd) else len(block)
        i += 1
        size = block.starts[min(end + 1, len(block))] - block.starts[row]
        if row in block.faults or end - row > MAX_LINES_A_RECORD or size > MAX_SPANNING_BYTES:
            continue
        if end == len(block):
            if not last:
                return _rows(block, 0, row, gone), _rows(block, row, end, gone)
        elif end not in block.faults and closes(block.data[block.starts[row] : block.starts[end + 1]].tobytes()):
            gone[row + 1 : end + 1] = True
            i += 1
    return _rows(block, 0, len(block), gone), None


def _rows(block, start, end, gone):
    keep = np.flatnonzero(~gone[start:end]) + start
    starts = np.append(block.starts[keep], block.starts[end])
    place = {int(row): i for i, row in enumerate(keep)}
    lines = _line_numbers(block) if block.line_numbers is None else block.line_numbers
    offsets = _byte_offsets(block) if block.offsets is None else block.offsets
    faults = {place[row]: why for row, why in block.faults.items() if row in place}
    low = starts[0] if len(starts) else 0
    return Block(block.data[low : starts[-1]], (starts - low).astype(np.int32), block.first_line, block.first_byte,
                 lines[keep], offsets[keep], faults, block.notes if start == 0 else Counter())
