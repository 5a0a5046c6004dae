"""Which identifiers are still in there: every cell of every file is read, what is found is counted, nothing is shown.

Files are cut into cells: a column of a table, a member of a JSON record, a line of anything else. Each distinct text is
judged once, by `kit.ingest.kinds`. Places whose values are nearly all different, or turn up in another file, behave
like identifiers whatever they look like; that is measured on the 2,048 smallest hashes of a place, so that memory does
not grow with the file.
"""

import base64
import json
import os
import re
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd
import phonenumbers
import pyarrow as pa
import pyarrow.compute as pc

from kit.errors import InputError
from kit.ingest import cells, kinds, opening
from kit.ingest.cutters import mask

COLUMNS = ("file", "place", "kind", "grade", "count")
UNREAD = "unread"
_CELLS, _LETTERS = 1 << 16, 8 << 20
_PIECE, _OVERLAP = 256 << 10, 512
_PLACES = 5_000
_SMALLEST = 2_048
_DEEPEST = 64
_ENOUGH, _ENOUGH_INTEGERS, _JOINED = 50, 200, 0.5
_COMPARED = 300
_ENOUGH_TRIED, _CHANCE = 30, 0.2
_LIKE_ID = r"^[^\s]{4,64}$|^[^\s]+( [^\s]+)?$"
_NO_ID = (r"^[-+]?\d*[.,]\d+([eE][-+]?\d+)?$|^[-+]?\d{1,3}$|^\d{4}[-/.]\d\d?[-/.]\d\d?([T ].*)?$|^\d{1,2}:\d\d(:\d\d)?|"
          r"^(?i:true|false|null|none|nan)$")


def scan(path, region="CN", progress=None):
    """Identifiers that a file or folder still holds: where, of what kind, how sure, how many; never which.

    Every regular file below a folder is read, links are not followed, archives are looked into. Parquet, Arrow, SQLite
    and GeoPackage (with the pages that deleting left in them), Excel, CSV, JSON, JSON lines and BSON are read by column
    or member, anything else by lines of text. Grades: "valid", the kind's real
    rule passes; "shape", the form is right; "behaves", no form, but a place's values are nearly all different (kind
    "near_unique"), stand in another file too ("joins_files"), or are this kit's own pseudonyms. What cannot be read (a
    sealed archive, a PDF) is listed with kind and grade "unread", so that silence is never taken for absence; a picture
    is "image_data".

    Parameters
    ----------
    path : str or Path
        A dump, an exposure, a folder of pages: anything.
    region : str
        Two letters (ISO 3166): where telephone numbers without a country code belong. Default "CN".
    progress : callable, optional
        Called as `progress(stage, done, total)`: "files", files read, files in all.

    Returns
    -------
    pandas.DataFrame
        file (below `path`), place (column, path in the record, or "text"), kind, grade, count (cells with at least one
        of that kind at that grade; a text over 256 KiB is several cells); sorted. Names of files and places that could
        themselves be somebody's are masked.

    Raises
    ------
    InputError
        If there is no such file or folder, it may not be read, or the region is none.

    >>> from kit.exposure import sample_folder
    >>> found = scan(sample_folder("register") / "raw" / "persons.jsonl")
    >>> found.loc[found["place"] == "address", ["kind", "grade"]].values.tolist()
    [['address', 'shape']]
    """
    _check_region(region)
    root, files = _files(path)
    tallies = []
    for done, file in enumerate(files):
        if progress:
            progress("files", done, len(files))
        name = file.name if file == root else file.relative_to(root).as_posix()
        tallies += _scan_file(file, name, region)
    if progress:
        progress("files", len(files), len(files))
    return _report(tallies)


def scan_cells(texts, region="CN", file=""):
    """As `scan`, for texts in memory that never touch a disk.

    Parameters
    ----------
    texts : iterable of (str, str)
        Place and text. What is no text is written as JSON writes it; None holds nothing.
    region : str
        As for `scan`.
    file : str
        What the report says in its column `file`.

    Returns
    -------
    pandas.DataFrame
        As from `scan`.

    >>> scan_cells([("note", "nobody here"), ("note", "seen at 12 Null Street")])[["kind", "count"]].values.tolist()
    [['address', 1]]
    """
    _check_region(region)
    tally = _Tally(file, region)
    for place, value in texts:
        tally.walk(value, tally.place(str(place)))
    return _report([tally.closed()])


# --- counting --------------------------------------------------------------------------------------------------------


@dataclass
class _Place:
    """What is known of one place: cells, found, and a sketch of its values."""

    cells: int = 0
    named: int = 0
    eligible: int = 0
    integers: int = 0
    low: int = 0
    high: int = 0
    hashes: np.ndarray = field(default_factory=lambda: np.empty(0, np.uint64))

    def distinct(self):
        """Distinct values: exact below 2,048, estimated from the smallest hashes above (Beyer et al. 2007)."""
        if len(self.hashes) < _SMALLEST:
            return len(self.hashes)
        return (_SMALLEST - 1) * 2.0**64 / float(self.hashes[-1])

    def only_integers(self):
        return self.integers == self.eligible

    def near_unique(self):
        """Nearly all values differ, and they are neither a counter nor epoch times."""
        if self.eligible < max(_ENOUGH, self.cells / 2) or self.distinct() < 0.95 * self.eligible:
            return False
        return not (self.only_integers() and (self.is_counter() or self.is_epoch()))

    def is_counter(self):
        return self.high - self.low + 1 <= 2 * self.distinct()

    def is_epoch(self):
        return any(9.4e8 * unit <= self.low and self.high <= 2.6e9 * unit for unit in (1, 1e3, 1e6, 1e9))

    def may_join(self):
        if self.eligible < self.cells / 2 or (self.only_integers() and self.is_epoch()):
            return False
        return self.distinct() >= (_ENOUGH_INTEGERS if self.only_integers() else _ENOUGH)


class _Tally:
    """Cells of one file, taken in and counted, some at a time."""

    def __init__(self, file, region):
        self.file, self.region = file, region
        self.found = Counter()
        self.places, self.labels, self.texts, self.rows, self.letters = {}, {}, [], [], 0
        if self._tells(file.rpartition("/")[2].rpartition(".")[0], names=False):
            self._judge_now("(file name)", file)
            self.file = mask(file)

    def cell(self, place, text):
        """One text at one place."""
        for start in range(0, max(1, len(text)), _PIECE):
            piece = text[max(0, start - _OVERLAP) : start + _PIECE]
            self.rows.append(self.number(place))
            self.texts.append(piece)
            self.letters += len(piece)
            if len(self.rows) >= _CELLS or self.letters >= _LETTERS:
                self.flush()

    def column(self, place, values):
        """A whole Arrow array of texts at one place."""
        values = values.drop_null()
        if not len(values):
            return
        if pc.max(pc.utf8_length(values)).as_py() > _PIECE:
            for text in values.to_pylist():
                self.cell(place, text)
            return
        self._count(values, np.full(len(values), self.number(place)))

    def walk(self, value, place, depth=0):
        """A JSON value at a place: members and elements each at theirs."""
        if isinstance(value, str):
            self.cell(place, value)
        elif isinstance(value, dict):
            for key, member in value.items():
                self.walk(member, self.member(place, str(key)), depth + 1) if depth < _DEEPEST else self.cell(
                    place, f"{key} {member!r}")
        elif isinstance(value, list | tuple):
            if len(value) in kinds.VECTOR_LENGTHS and all(type(v) in (int, float) for v in value):
                self.cell(place + "[]", json.dumps(value))
            elif depth < _DEEPEST:
                for element in value:
                    self.walk(element, place + "[]", depth + 1)
            else:
                self.cell(place, repr(value))
        elif isinstance(value, float):
            self.cell(place, str(int(value)) if value.is_integer() and abs(value) < 2**63 else repr(value))
        elif isinstance(value, bytes):
            self.cell(place, _text_of(value))
        elif value is not None and not isinstance(value, bool):
            self.cell(place, str(value))

    def member(self, place, key):
        """The place of a member. A key that could be somebody's is itself a cell, and masked in the place."""
        label = self.label(key)
        if label != key:
            self.cell((f"{place}." if place else "") + "(key)", key)
        return f"{place}.{label}" if place else label

    def place(self, path):
        """A path that a caller names, masked part by part, or whole if it tells something as a whole."""
        if self.label(path) != path and self._tells(path):
            return self.member("", path)
        return ".".join(self.label(part) for part in path.split("."))

    def label(self, name):
        """A column's or member's name, masked unless it looks like one."""
        if name not in self.labels:
            tame = (0 < len(name) <= 60 and sum(c.isdigit() for c in name) < 5 and name.isprintable()
                    and not self._tells(name))
            if len(self.labels) > 4 * _PLACES:
                return name if tame else mask(name)
            self.labels[name] = name if tame else mask(name) or "(blank)"
        return self.labels[name]

    def number(self, place):
        """The number under which a place is counted; beyond 5,000 places they share one."""
        if place not in self.places and len(self.places) >= _PLACES:
            place = "(other places)"
        known = self.places.setdefault(place, (len(self.places), _Place()))
        return known[0]

    def flush(self):
        """Judge what has been gathered."""
        if self.rows:
            texts = pa.array([t.encode("utf-8", "replace").decode() for t in self.texts], pa.string())
            self._count(texts, np.array(self.rows))
            self.texts, self.rows, self.letters = [], [], 0

    def picture(self):
        """The file itself is a picture."""
        self.found["(file)", "image_data", "shape"] += 1

    def unread(self):
        """The file, or the rest of it, could not be read."""
        self.found["(file)", UNREAD, UNREAD] += 1

    def closed(self):
        """Judge the rest. Where a check digit passes no oftener than by chance, its rule has confirmed nothing."""
        self.flush()
        for place, kind, grade in list(self.found):
            passed = self.found[place, kind, "valid"]
            tried = passed + self.found[place, kind, "shape"] + self.found[place, kind, kinds.FAILED]
            if kind == "bank_card" and grade == "valid" and tried >= _ENOUGH_TRIED and passed <= _CHANCE * tried:
                self.found[place, kind, "shape"] += self.found.pop((place, kind, "valid"))
        self.found = Counter({key: count for key, count in self.found.items() if count and key[2] != kinds.FAILED})
        return self

    def _tells(self, name, names=True):
        """Whether a name holds an identifier; digits glued with "_" are parted first."""
        spaced = re.sub(r"[_\W]+", " ", name)
        found = kinds.find(name, region=self.region) | kinds.find(spaced, region=self.region)
        return bool(found if names else found.keys() - {"name", "passport", "plate", "address", "image_url"})

    def _judge_now(self, place, text):
        self.cell(place, re.sub(r"[_/]+", " ", text))

    def _count(self, texts, rows):
        """Judge each distinct text once for each set of hints, and count cells by place, kind and grade."""
        coded = texts.dictionary_encode()
        codes, values = coded.indices.to_numpy(zero_copy_only=False), coded.dictionary
        names = {number: name for name, (number, _) in self.places.items()}
        here = np.unique(rows)
        hinted = {number: kinds.hints_of(names[number]) for number in here.tolist()}
        named = np.zeros(len(rows), bool)
        for hints in sorted(set(hinted.values()), key=sorted):
            mine = np.flatnonzero(np.isin(rows, [n for n in here if hinted[n] == hints]))
            used, inverse = np.unique(codes[mine], return_inverse=True)
            example = next(names[n] for n in here if hinted[n] == hints)
            for (kind, grade), which in _judge(values.take(pa.array(used)), hints, example, self.region).items():
                there = mine[which[inverse]]
                named[there] |= grade != kinds.FAILED
                for number, count in zip(*np.unique(rows[there], return_counts=True), strict=True):
                    self.found[names[int(number)], kind, grade] += int(count)
        self._sketch(values, codes, rows, named, names)

    def _sketch(self, values, codes, rows, named, names):
        like = pc.and_(pc.match_substring_regex(values, _LIKE_ID), pc.less_equal(pc.utf8_length(values), 64))
        like = np.asarray(pc.and_not(like, pc.match_substring_regex(values, _NO_ID)))
        hashes = pd.util.hash_array(values.to_numpy(zero_copy_only=False).astype(object), categorize=False)
        whole = np.asarray(pc.match_substring_regex(values, r"^\d{1,18}$"))
        order = np.argsort(rows, kind="stable")
        for number, there in zip(*_runs(rows, order), strict=True):
            place = self.places[names[number]][1]
            place.cells += len(there)
            place.named += int(named[there].sum())
            mine = codes[there]
            eligible = mine[like[mine]]
            place.eligible += len(eligible)
            distinct = np.unique(eligible)
            place.hashes = np.unique(np.concatenate([place.hashes, hashes[distinct]]))[:_SMALLEST]
            integers = distinct[whole[distinct]]
            if len(integers):
                numbers = pc.cast(values.take(pa.array(integers)), pa.int64())
                ends = pc.min_max(numbers).as_py()
                place.low = min(place.low, ends["min"]) if place.integers else ends["min"]
                place.high = max(place.high, ends["max"])
                place.integers += int(whole[eligible].sum())


def _text_of(data):
    """Bytes that are text as that, others in base64, as dumps write them."""
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return base64.b64encode(data).decode()


def _runs(rows, order):
    """Each place's number with the positions of its cells."""
    numbers, starts = np.unique(rows[order], return_index=True)
    return numbers.tolist(), np.split(order, starts[1:])


def _judge(values, hints, place, region):
    """For each kind and grade found, which of the distinct texts hold it."""
    plain = values
    odd = np.flatnonzero(np.asarray(pc.match_substring_regex(values, r"[^\x00-\x7f]")))
    if len(odd):
        changed = values.to_numpy(zero_copy_only=False).astype(object)
        changed[odd] = [kinds.normal(t) for t in changed[odd]]
        plain = pa.array(changed, pa.string())
    looked = defaultdict(list)
    for number, kind in enumerate(kinds.KINDS):
        pattern = f"{kind.look}|{kind.hinted}" if kind.name in hints and kind.hinted else kind.look
        for i in np.flatnonzero(np.asarray(pc.match_substring_regex(plain, pattern))).tolist():
            looked[i].append(number)
    found = {}
    rows = sorted(looked)
    for i, text in zip(rows, plain.take(pa.array(rows, pa.int64())).to_pylist(), strict=True):
        for kind, grade in kinds.judge(text, place, region, looked[i]).items():
            found.setdefault((kind, grade), []).append(i)
    return {key: np.isin(np.arange(len(values)), where) for key, where in found.items()}


def _report(tallies):
    """All findings as one frame."""
    rows = [(t.file, place, kind, grade, count) for t in tallies for (place, kind, grade), count in t.found.items()]
    joined = _joins(tallies)
    for number, tally in enumerate(tallies):
        for name, (_, place) in tally.places.items():
            if place.named * 2 > place.cells or not place.cells:
                continue
            if place.near_unique():
                rows.append((tally.file, name, "near_unique", "behaves", place.eligible))
            if (number, name) in joined:
                rows.append((tally.file, name, "joins_files", "behaves", place.eligible))
    frame = pd.DataFrame(rows, columns=list(COLUMNS)).groupby(list(COLUMNS[:-1]), as_index=False)["count"].sum()
    return frame.astype({**dict.fromkeys(COLUMNS[:-1], "str"), "count": "int64"})


def _joins(tallies):
    """Places of which half the values stand in a place of another file too."""
    able = [(number, name, place.hashes) for number, tally in enumerate(tallies)
            for name, (_, place) in tally.places.items() if place.may_join()]
    joined = set()
    for (a, name_a, left), (b, name_b, right) in combinations(sorted(able, key=lambda x: x[:2])[:_COMPARED], 2):
        if a != b and _overlap(left, right) >= _JOINED:
            joined |= {(a, name_a), (b, name_b)}
    return joined


def _overlap(left, right):
    """Share of the smaller set's values in the other, from the hashes below what both sketches reach."""
    reach = min(h[-1] if len(h) == _SMALLEST else np.uint64(2**64 - 1) for h in (left, right))
    left, right = left[left <= reach], right[right <= reach]
    common = len(np.intersect1d(left, right, assume_unique=True))
    return common / min(len(left), len(right)) if common >= 20 else 0.0


# --- reading ---------------------------------------------------------------------------------------------------------


def _files(path):
    root = Path(path)
    if root.is_file():
        return root, [root]
    if not root.is_dir():
        raise InputError(f"There is no file or folder {mask(root.name)} there; check the path.")
    files = []
    for folder, below, names in os.walk(root, followlinks=False):
        below[:] = sorted(b for b in below if b != ".git")
        files += [Path(folder, name) for name in sorted(names)]
    return root, [f for f in files if f.is_file() and not f.is_symlink()]


def _scan_file(path, name, region):
    """A tally for each part of a file: the file itself, or the members of an archive."""
    try:
        parts = opening.open_parts(path)
    except PermissionError:
        raise InputError(f"A file called {_Tally(name, region).file} may not be read by you; change its "
                         "permissions.") from None
    except (InputError, OSError):
        tally = _Tally(name, region)
        tally.unread()
        return [tally]
    return [_read(part, _Tally(str(Path(name).parent / part.name), region)) for part in parts]


def _read(part, tally):
    cells.read_part(part, tally)
    return tally.closed()


def _check_region(region):
    if region not in phonenumbers.SUPPORTED_REGIONS:
        raise InputError("The region is no country code that telephone numbers have; give two capital letters, as CN.")
