"""GPX: every point of a track, a route, or alone, as a record. XML, so see `safe_xml`."""

import re

from kit.errors import InputError
from kit.ingest import encodings
from kit.ingest.cutters import EXCERPT_LETTERS, Chunks
from kit.ingest.rows import Rows, owner_of
from kit.ingest.safe_xml import BrokenXmlError, SafeXml

POINTS = ("wpt", "trkpt", "rtept")
MAX_POINT_LETTERS = 1 << 20


def read_gpx(part, source, digest, block_bytes, records_of):
    """The points of a GPX file.

    Fields are `lon`, `lat`, what stands in the point by name (`time`, `ele`, `name`; within others with dots, as
    `extensions.TrackPointExtension.hr`), and: `kind` (wpt, trkpt, rtept), `track` (name of the track or route),
    `segment` (counted through the file), `person` and `file` (see `rows.owner_of`).
    """
    with part.open() as stream:
        chunks = Chunks(stream, digest, block_bytes)
        convert, code = _encoding(chunks.head(), source.encoding, part.name)
        gpx, done, broken = _Gpx([f.path for f in source.read], part, code), 0, None
        while data := chunks.next():
            size, data = len(data), convert(data)
            broken = gpx.feed(data)
            if broken:
                yield _rest(gpx, broken, map(convert, iter(chunks.next, b"")), data, done).handed(size, records_of)
                return
            done += len(data)
            yield gpx.handed(size, records_of)
        broken = gpx.feed(b"", last=True) if done or chunks.fault else None
        if chunks.fault:
            broken = BrokenXmlError(chunks.fault, *gpx.xml.where)
        if broken:
            gpx.rows.fail(broken.reason, broken.line, broken.byte)
            yield gpx.handed(0, records_of)


def _encoding(head, stated, name):
    """What to do to each piece, and what to tell the parser: it knows UTF-8, UTF-16 and Latin letters by itself."""
    declared = re.search(rb"""^\s*<\?xml[^>]*encoding\s*=\s*["']([A-Za-z0-9_.-]{1,40})["']""", head)
    said = stated or (declared[1].decode().lower() if declared else "utf-8")
    if said in ("gb2312", "gbk", "gb18030", "big5"):
        code = encodings.detect(head, "gb18030" if said == "gb2312" else said, name)
        return encodings.Converter(code).feed, "utf-8"
    return bytes, stated


def _rest(gpx, broken, later, data, done):
    """The end of a reading that broke: one record for all that follows, which is counted and not looked at."""
    at = max(broken.byte - done, 0)
    unread = done + len(data) - broken.byte
    shown = data[at : at + 4 * EXCERPT_LETTERS].decode("utf-8", "replace")
    unread += sum(map(len, later))
    gpx.rows.fail(f"{broken.reason}: the {unread} bytes from here on were not read", broken.line, broken.byte, shown)
    return gpx


class _Gpx:
    """Where we are in the file, and the points found since the last piece."""

    def __init__(self, fields, part, encoding):
        self.fields, self.name, self.owner = fields, part.name, owner_of(part)
        self.xml = SafeXml(part.name, self._start, self._end, self._text, encoding)
        self.path, self.inside, self.letters, self.size = [], [], [], 0
        self.point, self.fault, self.place, self.track, self.segment = None, None, None, None, 0
        self.rows = Rows(fields)

    def feed(self, data, last=False):
        """Take in a piece; what is wrong with it, or None."""
        try:
            self.xml.feed(data, last)
        except BrokenXmlError as broken:
            return broken
        return None

    def handed(self, size, records_of):
        """The points so far as a block, and what makes records of them; the next ones go into a new one."""
        rows, self.rows = self.rows, Rows(self.fields)
        rows.size = size
        return rows, lambda: rows.records(records_of)

    def _start(self, tag, attributes):
        if not self.path and tag != "gpx":
            raise InputError(f"The file {self.name} is XML but no GPX, since something else than gpx is its outermost "
                             "element; give it another form in the recipe, or leave it out.")
        self.path.append(tag)
        if self.point is not None:
            self.inside.append(tag)
            if tag in POINTS:
                self.fault = "a point within a point"
            for name, value in attributes.items():
                self._set(".".join([*self.inside, name]), value)
        elif tag in POINTS:
            self.point, self.fault, self.place, self.size = {}, None, self.xml.where, 0
            for name, value in attributes.items():
                self._set(name, value)
        elif tag in ("trk", "rte"):
            self.track = None
        elif tag == "trkseg":
            self.segment += 1
        self.letters = []

    def _end(self, tag):
        self.path.pop()
        text = "".join(self.letters).strip()
        if self.point is None:
            if tag == "name" and self.path[-1:] in (["trk"], ["rte"]):
                self.track = text
        elif self.inside:
            if text:
                self._set(".".join(self.inside), text)
            self.inside.pop()
        else:
            self._close(tag)
        self.letters = []

    def _text(self, letters):
        self.size += len(letters)
        if self.size <= MAX_POINT_LETTERS:
            self.letters.append(letters)
        elif self.point is not None:
            self.fault = f"a point of more than {MAX_POINT_LETTERS >> 20} MiB"

    def _set(self, name, value):
        self.rows.key(name)
        if name in self.fields:
            if name in self.point:
                self.fault = "one member twice, so which is meant is unknown"
            self.point[name] = value

    def _close(self, tag):
        if self.fault:
            self.rows.fail(self.fault, *self.place)
        else:
            track = {"kind": tag, "track": self.track, "segment": str(self.segment) if tag == "trkpt" else None}
            self.rows.add({**self.point, **track, **self.owner}, *self.place)
        for name in ("kind", "track", "segment", *self.owner):
            self.rows.key(name)
        self.point, self.size = None, 0
