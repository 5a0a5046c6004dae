"""Records that a reader finds one by one, gathered by column, where one place in a file may hold many."""

import json
from collections import Counter
from pathlib import PurePosixPath

import numpy as np
import pyarrow as pa

from kit.ingest.cutters import EXCERPT_LETTERS, mask

MAX_KEYS = 100_000
OWNED = ("plt", "gpx", "google", "mf-json", "excel")  # the forms whose readers have person and file
PLACES = {"<folder>": "person", "<file>": "file"}


class Rows:
    """Some consecutive records, whole or broken, each with its line (or number) and byte; a block like any other."""

    def __init__(self, fields):
        self.columns = {name: [] for name in fields}
        self.keys, self.notes, self.size = set(), Counter(), 0
        self._places, self._good, self._broken, self._shown = [], [], [], {}

    def __len__(self):
        return len(self._places)

    def add(self, values, line, byte=None):
        """A whole record: its values by name, texts or None; names that are no field are let go."""
        self._good.append(len(self._places))
        self._places.append((line, byte))
        for name, column in self.columns.items():
            column.append(_clean(values.get(name)))

    def fail(self, reason, line, byte=None, shown=""):
        """A broken record: why, where, and some of its text."""
        self._shown[len(self._places)] = shown
        self._broken.append((len(self._places), reason))
        self._places.append((line, byte))

    def key(self, name):
        """A name that occurred, whether it is a field or not."""
        if len(self.keys) < MAX_KEYS:
            self.keys.add(name)

    @property
    def data(self):
        """As long as the bytes it came from, for progress."""
        return range(self.size)

    @property
    def faults(self):
        """Why each broken record is broken, by row."""
        return dict(self._broken)

    def where(self, row):
        """Line or number from 1, and byte offset from 0 where there is one."""
        return self._places[int(row)]

    def excerpt(self, row):
        """One record for the quarantine, masked."""
        row = int(row)
        if row in self._shown:
            return mask(self._shown[row].strip())
        at = int(np.searchsorted(self._good, row))
        values = {name: column[at][:EXCERPT_LETTERS] for name, column in self.columns.items() if column[at]}
        return mask(json.dumps(values, ensure_ascii=False))

    def records(self, records_of):
        """All of them as what `cut` hands on."""
        texts = {name: pa.array(column, pa.string()) for name, column in self.columns.items()}
        return records_of(np.array(self._good, np.int64), texts, len(self._places), list(self._broken), self.keys,
                          self.notes)


def owner_of(part):
    """Whose a file without a field for it is, by where it lies: {"person": its folder, "file": its own name}.

    GeoLife keeps the files of person 007 in 007/Trajectory; that folder's name is passed over. An archive is a folder
    too.
    """
    if part.owner:
        return dict(zip(("person", "file"), part.owner, strict=True))
    inside = PurePosixPath(part.name).parts[:-1] if part.name != part.path.name else ()
    folders = (part.path.absolute().parent.parent.name, part.path.absolute().parent.name, *inside)
    person = folders[-2] if folders[-1] == "Trajectory" else folders[-1]
    return {"person": person or None, "file": PurePosixPath(part.label).stem or None}


def _clean(value):
    """A text that can be written: half a pair of UTF-16, which JSON may hold, cannot."""
    if not value:
        return None
    return value if value.isascii() else value.encode("utf-8", "replace").decode()
