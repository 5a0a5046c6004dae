"""Parts: what lies in the work folder of each file that has been read, and what is taken out of a block for them.

Here raw identifiers end. A block leaves with pseudonyms, its rows as an Arrow batch; what is only tallied or banded in
the end (labels, birthdays) is counted by subject, and sealed before it lies on disk.
"""

import os
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass
from json import dumps

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from kit.errors import InputError
from kit.ingest.identifiers import subject_keys
from kit.ingest.known import Everybody, Facts
from kit.ingest.seal import seal, unseal
from kit.ingest.times import INSTANT, NO_DAY, to_days

ROWS, SUBJECTS, FACTS, QUARANTINE = "rows", "subjects", "facts", "quarantine"
_MOST_COUNTED = 1 << 18
_MAKE_ROWS = {"sensors", "sightings", "fixes", "readings"}
_INVENTED = r"^(SYN[0-9A-Z-]+|02(-[0-9A-F]{2}){5}|ZZ-[0-9]{4}~)$"


@dataclass
class Harvested:
    """What one block gave."""

    count: int
    kept: int
    batch: pa.RecordBatch | None
    keys: np.ndarray
    checks: np.ndarray
    facts: Facts
    span: tuple | None
    days: set
    quarantine: list[dict]
    notes: Counter
    members: set

    def renumber(self, first):
        """Number the rows on from the first record's number."""
        if self.batch is not None:
            self.batch = self.batch.set_column(0, "record", pc.add(self.batch["record"], first))


def harvest(part, source, key, invented, file, tz, seen=None):
    """Pseudonymise a block.

    Parameters
    ----------
    part : columns.Part
    source : recipe.Source
    key : bytes
    invented : bool
        Whether the manifest says that nobody in the dump exists. It is believed only if every identifier is one that
        the city makes, invalid by construction: a manifest is a claim, and real records must not come in under it.
    file : str
        For messages.
    tz : str
        The clock on which days are counted.
    seen : dict, optional
        By kind, what `identifiers.subject_keys` has seen before.

    Returns
    -------
    Harvested
    """
    columns = dict(part.columns)
    kept, facts = len(columns["record"]), Facts()
    who, keys, checks = None, np.empty(0, np.int64), np.empty(0, np.int64)
    if "subject_id" in columns:
        coded = columns.pop("subject_id").dictionary_encode()
        kind = source.field_of("subject_id").kind
        if invented and source.makes != ("nothing",):
            _require_invented(coded.dictionary, kind, file)
        keys, checks = subject_keys(coded.dictionary.to_pylist(), kind, key, seen.get(kind) if seen else None)
        who = _places(coded)
        columns["subject"] = pa.DictionaryArray.from_arrays(coded.indices, pa.array(keys))
    for name in [name for name in columns if name == "age_band" or name.startswith("tally:")]:
        _say(facts, name, columns.pop(name), source, who, keys)
    if source.makes == ("nothing",):
        keys, checks = keys[:0], checks[:0]
    makes_rows = _MAKE_ROWS & set(source.makes)
    return Harvested(part.count, kept, _batch(columns) if makes_rows else None, keys, checks, facts, _span(columns),
                     _days(columns, tz), part.quarantine, part.notes, part.keys)


def _require_invented(raw, kind, file):
    foreign = len(raw) - (pc.sum(pc.match_substring_regex(raw, _INVENTED)).as_py() or 0)
    if foreign:
        raise InputError(f"The manifest says this dump is invented, but in {file} {foreign:,} of {len(raw):,} "
                         f"identifiers of kind {kind}, and maybe more, are none that the invented city makes; remove "
                         "the manifest and give a key of your own.")


def _say(facts, name, values, source, who, keys):
    """Count who is said to be what."""
    if who is None:
        return
    if name == "age_band":
        spec, names = source.field_of(name), None
        known = values != NO_DAY if spec.what == "time" else ~np.isnan(values)
        values = values if spec.what == "time" else np.nan_to_num(values) * 1000 + spec.step
        coded = pa.array(values.astype(np.int64), mask=~known).dictionary_encode()
        distinct, places = coded.dictionary.to_numpy(), _places(coded)
    else:
        names, distinct = values.dictionary.to_pylist(), np.arange(len(values.dictionary))
        places = _places(values)
    both = (who >= 0) & (places >= 0)
    width = max(1, len(distinct))
    pairs, n = _counted(who[both].astype(np.int64) * width + places[both], len(keys) * width)
    facts.add(name, keys[pairs // width], distinct[pairs % width], n, names)


def _counted(numbers, most):
    """Which numbers below `most` occur, and how often; counted in place where there is room, else sorted."""
    if most > _MOST_COUNTED:
        return np.unique(numbers, return_counts=True)
    n = np.bincount(numbers, minlength=1)
    found = np.flatnonzero(n)
    return found, n[found]


def _places(coded):
    """Places in the dictionary; -1 is null."""
    return coded.indices.fill_null(-1).to_numpy(zero_copy_only=False)


def _batch(columns):
    if "score" in columns:
        columns["score"] = columns["score"].astype(np.float32)
    return pa.record_batch([pa.array(v) if isinstance(v, np.ndarray) else v for v in columns.values()],
                           names=list(columns))


def _span(columns):
    """First and last time of a block in microseconds, or date in days."""
    for name in ("time", "date"):
        if name in columns:
            values = columns[name]
            return (int(values.min()), int(values.max())) if len(values) else None
    return None


def _days(columns, tz):
    """The local days, counted from 1970, that any record of a block falls on."""
    if "time" in columns:
        days = to_days(columns["time"], np.full(len(columns["time"]), INSTANT, np.int8), tz)
    else:
        days = columns.get("date", np.empty(0, np.int64))
    return set(np.unique(days[days != NO_DAY]).tolist())


@contextmanager
def writing(work, key):
    """The parts of the file that is being read; yields a function that takes each block's Harvested."""
    everybody, facts = Everybody(), Facts()
    with work.part(ROWS) as rows, work.part(QUARANTINE) as quarantine, _Stream(rows) as stream:
        def take(block):
            if block.batch is not None:
                stream.write(block.batch)
            quarantine.writelines((dumps(q, ensure_ascii=False) + "\n").encode() for q in block.quarantine)
            everybody.add(block.keys, block.checks)
            facts.take(block.facts)

        yield take
    with work.part(SUBJECTS) as sink, _Stream(sink) as stream:
        for batch in everybody.to_table().to_batches():
            stream.write(batch)
    with work.part(FACTS) as sink:
        sink.write(seal(facts.to_bytes(), key))


class _Stream:
    """Arrow batches, one after the other; the first one says what columns there are."""

    def __init__(self, sink):
        self._sink, self._writer = sink, None

    def __enter__(self):
        return self

    def __exit__(self, *raised):
        if self._writer and raised == (None, None, None):
            self._writer.close()

    def write(self, batch):
        if self._writer is None:
            self._writer = pa.ipc.new_stream(self._sink, batch.schema)
        self._writer.write_batch(batch)


@dataclass(frozen=True)
class FileParts:
    """The parts of one file that has been read, and its entry in the journal."""

    work: object
    number: int
    source: object
    key: bytes

    @property
    def entry(self):
        return self.work.journal[self.number]

    def makes(self, table):
        return table in self.source.makes

    def rows(self, columns=None):
        """Its rows, batch by batch in their order; some of the columns, or all."""
        return self._batches(ROWS, columns)

    def subjects(self):
        """The subjects in it, for `Everybody.take`."""
        return self._batches(SUBJECTS)

    def facts(self):
        """What its records say of their subjects."""
        return Facts.from_bytes(unseal(self.work.path(self.number, FACTS).read_bytes(), self.key))

    def quarantine(self):
        """Where the lines of its quarantine lie."""
        return self.work.path(self.number, QUARANTINE)

    def _batches(self, name, columns=None):
        with open(self.work.path(self.number, name), "rb") as file:
            if not os.fstat(file.fileno()).st_size:
                return
            there = pa.ipc.open_stream(file).schema.names
            file.seek(0)
            wanted = [i for i, column in enumerate(there) if columns is None or column in columns]
            yield from pa.ipc.open_stream(file, options=pa.ipc.IpcReadOptions(included_fields=wanted))
