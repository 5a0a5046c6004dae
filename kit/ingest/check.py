"""A recipe tried on a sample of a dump: for each field what goes in and what comes out, and never a value."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pandas as pd
import pyarrow as pa

from kit.errors import InputError
from kit.ingest import columns, formats, positions, sanitize, times
from kit.ingest.cutters import mask
from kit.ingest.numerals import read_numbers
from kit.ingest.recipe import Field, load_recipe

COLUMNS = {"source": "str", "field": "str", "is": "str", "do": "str", "before": "str", "after": "str",
           "read": "int64", "unreadable": "int64"}
_BLOCK_BYTES = 128 << 10
_LETTERS = 60


def check(paths, recipe, tz=None, rows=1000):
    """Try a recipe on the first records of each source.

    Parameters
    ----------
    paths : str, Path or list of them
        As for `sanitize`.
    recipe : str, Path or Recipe
    tz : str, optional
        IANA name of the clock of times without a zone; default is the recipe's, or the manifest's.
    rows : int
        About how many records of each source to read; default 1,000.

    Returns
    -------
    pandas.DataFrame
        source, field, is, do; before (an example as its shape: letters as x, digits as 0); after (what becomes of it,
        in the same way; a pseudonym shows its kind alone); read and unreadable (cells of the sample). Fields that the
        recipe does not name are there with "not named". `attrs["quarantine"]` has, for each source, the records read
        and the reasons for which records would be quarantined, counted; `attrs["refused"]` names fields that would
        stop the run.

    Raises
    ------
    InputError
        As `sanitize` does: a file that is missing, a recipe that cannot be, no clock.

    >>> from kit.exposure import sample_folder
    >>> tried = check(sample_folder("register") / "raw", "register")
    >>> tried.loc[tried["field"] == "id_no", ["do", "before", "after"]].values.tolist()[0]
    ['pseudonymise', 'xxx000000000000000x', 'person_…']
    """
    if not isinstance(rows, int) or rows < 1:
        raise InputError("The number of rows to check must be a whole number from 1; leave it away for 1,000.")
    recipe = load_recipe(recipe)
    files, _ = sanitize.find_files(paths, recipe)
    tz = sanitize.zone_of(tz, recipe, sanitize.read_manifest(sanitize.tops({p.path.parent for p, _ in files})))
    found, quarantine, refused = [], {}, []
    for source in recipe.sources:
        trial = _Trial(source, tz)
        for part in (part for part, claimed in files if claimed is source):
            if trial.count >= rows:
                break
            trial.read(part, rows)
        found += trial.rows()
        quarantine[source.name] = {"records": trial.count, "reasons": dict(sorted(trial.reasons.items()))}
        refused += trial.refused()
    frame = pd.DataFrame(found, columns=list(COLUMNS)).astype(COLUMNS)
    frame.attrs = {"quarantine": quarantine, "refused": refused}
    return frame


class _Trial:
    """One source, read for a while: an example and two counts for each field, and the faults of its records."""

    def __init__(self, source, tz):
        self.source, self.tz, self.count, self.reasons, self.keys = source, tz, 0, Counter(), set()
        self.examples, self.good, self.bad = {}, Counter(), Counter()
        seen = tuple(_only_looked_at(f) if f.do in ("drop", "refuse") else f for f in source.fields)
        self._look = replace(source, fields=seen)
        self._clean = replace(source, fields=tuple(f for f in source.fields if f.do not in ("drop", "refuse")))

    def read(self, part, rows):
        """Take in a part's first records, until there are enough."""
        for block, parse in formats.cut(part, self._look, None, _BLOCK_BYTES):
            records = parse()
            cleaned = columns.clean(block, records, self._clean, self.tz, part.name)
            self.count += cleaned.count
            self.keys |= records.keys
            self.reasons.update(q["reason"] for q in cleaned.quarantine)
            for spec in self.source.fields:
                self._count(spec, records.texts[spec.path])
            if self.count >= rows:
                return

    def _count(self, spec, texts):
        wrong = self._unreadable(spec, texts)
        self.bad[spec.path] += int(wrong.sum())
        self.good[spec.path] += len(texts) - texts.null_count - int(wrong.sum())
        if spec.path not in self.examples:
            able = np.flatnonzero(~np.asarray(texts.is_null()) & ~wrong)
            if len(able):
                self.examples[spec.path] = mask(texts[int(able[0])].as_py())[:_LETTERS]

    def _unreadable(self, spec, texts):
        """Cells that hold something which cannot be read as what the recipe says."""
        there = ~np.asarray(texts.is_null())
        if spec.do not in ("keep", "coarsen") or not spec.column:
            return np.zeros(len(texts), bool)
        if spec.what == "time":
            _, forms = times.read_times(columns.with_points(texts, spec), spec.form, spec.unit)
            return there & ((forms == times.UNREADABLE) | (forms == times.DAY_OR_MONTH))
        if spec.column in ("lon", "lat"):
            lon, lat = (texts, _ones(texts)) if spec.column == "lon" else (_ones(texts), texts)
            specs = (spec, None) if spec.column == "lon" else (None, spec)
            if self.source.axes == "lat lon":
                lon, lat, specs = lat, lon, specs[::-1]
            crs = self.source.crs if self.source.crs in positions.OWN_CRS else positions.DEGREES
            degrees = crs == self.source.crs
            east, _, _ = positions.read_positions(lon, lat, *specs, crs) if degrees else (
                read_numbers(texts, spec.decimal)[0], None, None)
            return there & np.isnan(east)
        return read_numbers(texts, spec.decimal)[1] if spec.what == "measurement" else np.zeros(len(texts), bool)

    def rows(self):
        """What to tell of each field."""
        named = {f.path for f in self.source.fields}
        above = {path.rsplit(".", depth)[0] for path in named for depth in range(1, path.count(".") + 1)}
        told = [(self.source.name, sanitize.plain_name(f.path), f.what, f.do, self.examples.get(f.path, ""),
                 self._after(f), self.good[f.path], self.bad[f.path]) for f in self.source.fields]
        return told + [(self.source.name, sanitize.plain_name(key), "", "not named", "", "gone, and listed", 0, 0)
                       for key in sorted(self.keys - named - above)]

    def _after(self, spec):
        example = self.examples.get(spec.path, "")
        if spec.do == "pseudonymise":
            return f"{spec.kind}_…" if example else ""
        if spec.do in ("drop", "refuse"):
            return "gone" if spec.do == "drop" else "stops the run" if example else "nothing there"
        if spec.do == "tally":
            return "counted, then gone"
        if not example:
            return ""
        if spec.column == "time":
            shape = "0000-00-00 00:00:00 UTC"
        elif spec.column == "date":
            shape = "0000-00-00"
        elif spec.column == "age_band":
            shape = "00-00"
        else:
            shape = example
        return f"{shape} in steps of {spec.step:g}" if spec.do == "coarsen" else shape

    def refused(self):
        """Fields that would stop the run."""
        return [f"{self.source.name}: {sanitize.plain_name(f.path)}" for f in self.source.fields
                if f.do == "refuse" and self.good[f.path]]


def _only_looked_at(spec):
    return Field(spec.path, "measurement", "tally")


def _ones(texts):
    return pa.array(["1"] * len(texts))
