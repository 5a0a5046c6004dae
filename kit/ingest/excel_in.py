"""Excel workbooks (.xlsx): the values that its cells show, sheet by sheet, row by row; nothing is worked out or run.

A workbook is a zip of XML files, and values are a small part of what they can say, so they are read here, with the same
care as other zips and other XML, rather than by a library that would parse all of it trustingly.
"""

import re
from functools import partial

from kit.errors import InputError
from kit.ingest import opening
from kit.ingest.rows import Rows, owner_of
from kit.ingest.safe_xml import BrokenXmlError, SafeXml

BATCH_ROWS = 20_000
MAX_TEXT_LETTERS = 256 << 20
MAX_COLUMNS = 16_384
HEADER_WITHIN = 20
_PIECE = 1 << 20
_OLD = b"\xd0\xcf\x11\xe0"
_DATE_FORMATS = {*range(14, 23), *range(27, 37), *range(45, 48), *range(50, 59)}


def read_excel(part, source, digest, block_bytes, records_of):
    """Rows of the one sheet that has all columns the recipe makes something of.

    The header is the first of the sheet's first 20 filled rows that names those columns. A formula gives the value that
    was stored beside it; a date stays Excel's number, and a note says so.
    """
    with opening.seekable(part) as stream:
        book = Workbook(stream, part)
        fields, needed = [f.path for f in source.read], {f.path for f in source.fields if f.column}
        sheet, others = _sheet_with(book, source, needed - set(owner_of(part)), part.name)
        yield from _rows_of(book, sheet, others, source, fields, needed, owner_of(part), records_of)


def _rows_of(book, sheet, others, source, fields, needed, owner, records_of):
    header, rows = None, Rows(fields)
    if others:
        rows.notes["another sheet of the workbook, not read"] = others
    needed, days = needed - set(owner), "excel1904" if book.from_1904 else "excel"
    for row in book.rows(sheet):
        if row.fault:
            rows.fail(row.fault, row.number)
        elif row.cells and header is None:
            header = _header_of(row.cells, needed, source)
            if header is None:
                rows.notes["a row above the header"] += 1
            if header is None or source.header is True:
                continue
        if not row.cells or row.fault:
            continue
        names = {at: header.get(at, f"column_{at}") for at in row.cells}
        rows.add({**{names[at]: text for at, text in row.cells.items()}, **owner}, row.number)
        for name in (*names.values(), *owner):
            rows.key(name)
        for at, note in row.notes:
            name = header.get(at, f"column_{at}")
            if name in rows.columns:
                rows.notes[note.format(name=name, days=days)] += 1
        if len(rows) >= BATCH_ROWS:
            yield rows, partial(rows.records, records_of)
            rows = Rows(fields)
    if len(rows) or rows.notes:
        yield rows, partial(rows.records, records_of)


def _header_of(cells, needed, source):
    """The names by column, if this is the row that has them; without a header, names by number."""
    if isinstance(source.header, tuple):
        return dict(enumerate(source.header, 1))
    if source.header is False:
        return {}
    names = {at: text.strip() for at, text in cells.items() if text.strip()}
    return names if needed <= set(names.values()) else None


def _sheet_with(book, source, needed, name):
    """The one sheet whose header has the columns needed, and how many others hold anything."""
    fitting, filled = [], 0
    for sheet in book.sheets:
        found = None
        for seen, row in enumerate((row for row in book.rows(sheet) if row.cells), 1):
            filled += seen == 1
            found = _header_of(row.cells, needed, source)
            if found is not None or seen >= HEADER_WITHIN:
                break
        if found is not None:
            if len(set(found.values())) < len(found):
                raise InputError(f"A sheet of {name} has two columns of one name, so which is meant is unknown; rename "
                                 "one.")
            fitting.append(sheet)
    if len(fitting) != 1:
        raise InputError(f"The file {name} has {len(fitting)} sheets with the columns {', '.join(sorted(needed))} in "
                         "their first rows, and one is needed; change the recipe, or take the others out.")
    return fitting[0], filled - 1


class Row:
    """One row: its number, filled cells by column from 1, what is wrong with it, and notes by column."""

    def __init__(self, number):
        self.number, self.cells, self.fault, self.notes = number, {}, None, []


class Workbook:
    """A workbook as far as its values go.

    Parameters
    ----------
    stream : binary file that can be sought in
    part : opening.Part
        For messages.
    """

    def __init__(self, stream, part):
        self.name = part.name
        self.members = self._open(stream, part)
        self.sheets, self.from_1904 = self._read_workbook()
        self.dates = self._read_styles()
        self.texts = self._read_texts()

    def rows(self, sheet):
        """The rows of a sheet one after another; one that cannot be read ends it and is broken."""
        reader = _Sheet(self)
        xml = SafeXml(self.name, reader.start, reader.end, reader.text)
        with self.members[sheet].open() as stream:
            while True:
                data = stream.read(_PIECE)
                reason = stream.fault if not data else None
                try:
                    if not reason:
                        xml.feed(data, last=not data)
                except BrokenXmlError as broken:
                    reason = broken.reason
                yield from reader.handed()
                if reason:
                    last = Row(reader.number + 1)
                    last.fault = f"{reason}, so the rows of the sheet from here on were not read"
                    yield last
                if reason or not data:
                    return

    def _open(self, stream, part):
        head = stream.read(8)
        stream.seek(0)
        if head.startswith(_OLD):
            raise InputError(f"The file {self.name} is an Excel file of the old kind (.xls), or locked with a "
                             "password; save it as .xlsx without one.")
        members = opening.zip_members(part, stream)
        if any(name.endswith(("vbaProject.bin", "xlm.bin")) or "/macrosheets/" in name for name in members):
            raise InputError(f"The file {self.name} holds macros, which are programs; nothing of it was read: save it "
                             "as .xlsx, which has none.")
        if "xl/workbook.xml" not in members:
            raise InputError(f"The file {self.name} is no Excel workbook of the kind .xlsx; save it as one, or give it "
                             "another form in the recipe.")
        return members

    def _read_workbook(self):
        paths, sheets, old = {}, [], []

        def relation(tag, attributes):
            if tag == "Relationship" and attributes.get("TargetMode") != "External":
                paths[attributes.get("Id")] = attributes.get("Target", "")

        def sheet(tag, attributes):
            if tag == "sheet":
                sheets.append((attributes.get("name", ""), attributes.get("id")))
            elif tag == "workbookPr":
                old.append(attributes.get("date1904") in ("1", "true"))

        self._walk("xl/_rels/workbook.xml.rels", relation)
        self._walk("xl/workbook.xml", sheet)
        found = {}
        for name, key in sheets:
            path = paths.get(key) or ""
            path = path.lstrip("/") if path.startswith("/") else f"xl/{path}"
            if path in self.members and "worksheet" in path:
                found[path] = name
        return found, any(old)

    def _read_styles(self):
        """For each style of cells whether it shows a number as a date or a clock time."""
        codes, dates, above = {}, [], []

        def style(tag, attributes):
            above.append(tag)
            if tag == "numFmt":
                codes[attributes.get("numFmtId")] = is_date_format(attributes.get("formatCode", ""))
            elif tag == "xf" and "cellXfs" in above:
                number = attributes.get("numFmtId", "0")
                dates.append(codes.get(number, number.isascii() and number.isdigit() and int(number) in _DATE_FORMATS))

        if "xl/styles.xml" in self.members:
            self._walk("xl/styles.xml", style, lambda _: above.pop())
        return dates

    def _read_texts(self):
        texts, here, above, size = [], [], [], 0

        def start(tag, _):
            above.append(tag)
            if tag == "si":
                here.clear()

        def end(tag):
            above.pop()
            if tag == "si":
                texts.append("".join(here))

        def text(letters):
            nonlocal size
            if above[-1] == "t" and "rPh" not in above:
                size += len(letters)
                if size > MAX_TEXT_LETTERS:
                    raise InputError(f"The file {self.name} holds more than {MAX_TEXT_LETTERS >> 20} million letters "
                                     "of text, too many for a workbook; save its sheets as CSV.")
                here.append(letters)

        if "xl/sharedStrings.xml" in self.members:
            self._walk("xl/sharedStrings.xml", start, end, text)
        return texts

    def _walk(self, path, start, end=lambda _: None, text=lambda _: None):
        """Read one of the small files whole; a workbook in which it is broken cannot be read at all."""
        damaged = InputError(f"The file {self.name} cannot be read as Excel, so it is damaged or cut short; get a "
                             "whole copy.")
        if path not in self.members:
            raise damaged
        xml = SafeXml(self.name, start, end, text)
        with self.members[path].open() as stream:
            try:
                while data := stream.read(_PIECE):
                    xml.feed(data)
                xml.feed(b"", last=True)
            except BrokenXmlError:
                raise damaged from None
            if stream.fault:
                raise damaged


def is_date_format(code):
    """Whether Excel shows a number in this format as a date or a clock time.

    >>> is_date_format("yyyy\\\\-mm\\\\-dd hh:mm"), is_date_format('[Red]0.00 "days"'), is_date_format("[h]:mm")
    (True, False, True)
    """
    if re.search(r"\[[hms]+\]", code, re.IGNORECASE):
        return True
    plain = re.sub(r'"[^"]*"|\[[^\]]*\]|[\\_*].', "", code).lower()
    return "general" not in plain and bool(re.search(r"[ymdhs]", plain))


class _Sheet:
    """The rows of one sheet, found in what the parser calls."""

    def __init__(self, book):
        self.book, self.number, self.done = book, 0, []
        self.row, self.kind, self.style, self.at, self.above = None, "n", None, 0, []
        self.letters, self.formula = [], False

    def handed(self):
        """The rows that are whole by now."""
        done, self.done = self.done, []
        return done

    def start(self, tag, attributes):
        self.above.append(tag)
        if tag == "row" and self.row is None:
            self.number = _whole(attributes.get("r")) or self.number + 1
            self.row, self.at = Row(self.number), 0
        elif tag == "c" and self.row is not None:
            self.at = _column(attributes.get("r", "")) or self.at + 1
            self.kind, self.style = attributes.get("t", "n"), _whole(attributes.get("s"))
            self.letters, self.formula = [], False
        elif tag == "f":
            self.formula = True

    def text(self, letters):
        if self.row is not None and (self.above[-1] == "v" or (self.above[-1] == "t" and "rPh" not in self.above)):
            self.letters.append(letters)

    def end(self, tag):
        self.above.pop()
        if tag == "c" and self.row is not None and "c" not in self.above:
            self._close_cell()
        elif tag == "row" and self.row is not None and "row" not in self.above:
            self.done.append(self.row)
            self.row = None

    def _close_cell(self):
        row, text = self.row, "".join(self.letters)
        if self.at > MAX_COLUMNS:
            row.fault = f"a cell beyond the last column that Excel has, the {MAX_COLUMNS:,}th"
        elif self.at in row.cells:
            row.fault = "one cell twice, so which is meant is unknown"
        elif not text:
            if self.formula:
                row.notes.append((self.at, "a formula without its value in {name}"))
        elif self.kind == "e":
            row.notes.append((self.at, "an error instead of a value in {name}"))
        elif self.kind == "s":
            number = _whole(text)
            if number is None or number >= len(self.book.texts):
                row.fault = "a text that the workbook lacks"
            elif self.book.texts[number]:
                row.cells[self.at] = self.book.texts[number]
        elif self.kind == "b":
            row.cells[self.at] = {"1": "true", "0": "false"}.get(text, text)
        else:
            row.cells[self.at] = _number(text) if self.kind == "n" else text
            if self.kind == "n":
                self._notice(text)

    def _notice(self, text):
        if self.style is not None and self.style < len(self.book.dates) and self.book.dates[self.style]:
            self.row.notes.append((self.at, 'a date as Excel\'s number in {name}: unit = "{days}" reads it'))
        elif len(re.sub(r"\D", "", text.split("E")[0]).strip("0")) > 15 and "." not in self.row.cells[self.at]:
            self.row.notes.append((self.at, "a number of more than 15 digits in {name}, of which Excel keeps 15"))


def _number(text):
    """A number as a line of text would have it: 1.28E+10 is 12800000000.

    >>> _number("1.28E+10"), _number("45992.320243055560"), _number("0042"), _number("x")
    ('12800000000', '45992.32024305556', '0042', 'x')
    """
    if not re.fullmatch(r"-?\d{1,400}(\.\d{0,400})?([eE][-+]?\d{1,3})?", text) or re.fullmatch(r"-?\d+", text):
        return text
    value = float(text)
    return str(int(value)) if value.is_integer() and abs(value) < 1e17 else repr(value)


def _whole(text):
    return int(text) if text and len(text) < 10 and text.isascii() and text.isdigit() else None


def _column(place):
    """The number of a cell's column: C5 is 3; 0 where its place is none."""
    found = re.fullmatch(r"([A-Z]{1,4})\d*", place)
    number = 0
    for letter in found[1] if found else "":
        number = number * 26 + ord(letter) - 64
    return number
