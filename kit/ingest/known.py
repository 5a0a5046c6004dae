"""What an ingest comes to know of its subjects, block by block: who there is, and how often each was said to be what.

Both take room by the number of subjects and values, not of records.
"""

import json

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from kit.ingest.identifiers import KINDS, kind_of, same_pseudonym

_LEAST = 1 << 18
_FACT = pa.schema([("field", pa.int32()), ("who", pa.int64()), ("value", pa.int64()), ("n", pa.int64())])


class Everybody:
    """The subjects met so far, as `identifiers.subject_keys` numbers them, each once."""

    def __init__(self):
        self._whole = np.empty((2, 0), np.int64)
        self._new, self._n_new = [], 0

    def add(self, keys, checks):
        """Take in subjects; InputError if two identifiers turn out to share a pseudonym."""
        self._new.append(np.array([keys, checks]))
        self._n_new += len(keys)
        if self._n_new > max(_LEAST, self._whole.shape[1]):
            self._merge()

    @property
    def keys(self):
        """All of them, sorted."""
        self._merge()
        return self._whole[0]

    def _merge(self):
        both = np.concatenate([self._whole, *self._new], axis=1)
        self._new, self._n_new = [], 0
        both = both[:, np.argsort(both[0], kind="stable")]
        again = both[0, 1:] == both[0, :-1]
        unlike = again & (both[1, 1:] != both[1, :-1])
        if unlike.any():
            raise same_pseudonym(KINDS[int(kind_of(both[0, 1:][unlike][0]))])
        self._whole = both[:, np.append(True, ~again)[: both.shape[1]]]

    def to_table(self):
        """For the work folder."""
        self._merge()
        return pa.table({"key": self._whole[0], "check": self._whole[1]})

    def take(self, batches):
        """Take in what `to_table` gave."""
        for batch in batches:
            self.add(batch["key"].to_numpy(), batch["check"].to_numpy())


class Facts:
    """Pairs of subject and value, field by field, and how many records say so.

    >>> facts = Facts()
    >>> facts.add("label", np.array([7, 8, 7]), np.array([0, 0, 0]), np.array([1, 1, 2]), ["teal", "amber"])
    >>> [values.tolist() for values in facts.pairs("label")], list(facts.names["label"])
    ([[7, 8], [0, 0], [3, 1]], ['teal', 'amber'])
    """

    def __init__(self):
        self.names = {}
        self._pairs = {}

    def add(self, field, who, value, n, names=None):
        """Take in pairs and their counts; where values are texts, `value` holds their places in `names`."""
        if names is not None:
            known = self.names.setdefault(field, {})
            place = np.array([known.setdefault(name, len(known)) for name in names], dtype=np.int64)
            value = place[value] if len(place) else value
        pairs = self._pairs.setdefault(field, [])
        pairs.append(np.array([who, value, n], dtype=np.int64))
        if len(pairs) > 1 and sum(p.shape[1] for p in pairs[1:]) > max(_LEAST, pairs[0].shape[1]):
            self._pairs[field] = [_counted(pairs)]

    def pairs(self, field):
        """Subjects, values and counts of a field, each pair once, in order."""
        pairs = self._pairs.get(field)
        if not pairs:
            return np.empty((3, 0), np.int64)
        self._pairs[field] = [_counted(pairs)]
        return self._pairs[field][0]

    def take(self, other):
        """Take in other facts."""
        for field in other._pairs:
            who, value, n = other.pairs(field)
            self.add(field, who, value, n, list(other.names[field]) if field in other.names else None)

    def to_bytes(self):
        """For the work folder, where they are to be sealed."""
        fields = sorted(self._pairs)
        note = json.dumps({"fields": fields, "names": {field: list(names) for field, names in self.names.items()}})
        sink, schema = pa.BufferOutputStream(), _FACT.with_metadata({"said": note})
        with pa.ipc.new_stream(sink, schema) as writer:
            for place, field in enumerate(fields):
                pairs = self.pairs(field)
                where = np.full(pairs.shape[1], place, np.int32)
                writer.write_batch(pa.record_batch([pa.array(column) for column in (where, *pairs)], schema=schema))
        return sink.getvalue().to_pybytes()

    @classmethod
    def from_bytes(cls, data):
        """What `to_bytes` gave."""
        made = cls()
        table = pa.ipc.open_stream(data).read_all()
        note = json.loads(table.schema.metadata[b"said"])
        for place, field in enumerate(note["fields"]):
            part = table.filter(pc.equal(table["field"], place))
            made.add(field, *(part[name].to_numpy() for name in ("who", "value", "n")), note["names"].get(field))
        return made


def _counted(pairs):
    """Pairs sorted by subject and value, those that are the same made one."""
    who, value, n = np.concatenate(pairs, axis=1)
    order = np.lexsort((value, who))
    who, value, n = who[order], value[order], n[order]
    starts = np.flatnonzero(np.append(True, (who[1:] != who[:-1]) | (value[1:] != value[:-1]))[: len(who)])
    return np.array([who[starts], value[starts], np.add.reduceat(n, starts) if len(starts) else n])
