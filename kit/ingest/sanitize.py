"""From a raw dump to an Exposure that may be opened: read everything, keep what the recipe keeps, lose nothing.

Blocks of lines are parsed, cleaned and pseudonymised on two threads while the next ones are read, and join again in the
order of the file, in a work folder on disk; in the end the tables are put together from there. So neither half an
exposure is ever seen, nor does memory grow with the dump, nor is a file read twice because a later one was interrupted.
"""

import hmac
import os
import platform
import shutil
from collections import Counter, deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from fnmatch import fnmatch
from hashlib import sha256
from json import loads
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa

import kit
from kit.errors import InputError
from kit.exposure import MANIFEST, SAMPLES, write_exposure
from kit.ingest import assemble, clocks, columns, formats, opening, parts, positions
from kit.ingest.identifiers import DEMO_KEY, KINDS, check_key, demo_key
from kit.ingest.parts import FileParts
from kit.ingest.recipe import load_recipe
from kit.ingest.report import IngestReport, SourceReport
from kit.ingest.rows import OWNED, PLACES, owner_of
from kit.ingest.work import open_work

CITY = "retrace-kit city"
_THREADS = 2
_AHEAD = 4
_NUMBERED = {"sightings", "fixes"}
_DAY_0 = 719_163  # 1970-01-01 as Python counts days


def sanitize(paths, recipe, key, out, *, tz=None, progress=None):
    """Turn a raw dump into an Exposure folder without names, faces or real identifiers.

    Interrupted, by Ctrl-C or a full disk or worse, and run again with the same arguments, it goes on after the last
    file that was read whole, and the outcome is the same to the byte; until then `.NAME.partial` lies beside `out`.

    Every line of every file is accounted for: a record is kept, or stands in `quarantine.jsonl` with file, line, byte
    offset, reason and a masked excerpt. Identifiers become keyed pseudonyms; what the recipe does not name is dropped
    and listed; labels are tallied, small cells withheld, and dropped. What the awkward cases become:

    - A record with several tables' worth (a phone seen by a cell that also sent its position) counts once.
    - A face that the system could not match stays, its subject null.
    - A repeat of the same subject at the same sensor within 2 s of the last unflagged record stays, `duplicate` True.
      A second record of a sensor counts as a duplicate too; the first one gives its position.
    - A sighting by a sensor that the dump does not describe stays, and is counted as `unknown_sensor`: who and when
      are still evidence, and only its place on the map is missing.
    - A score that is missing, unreadable or outside 0 to 1 is null; the sighting stays.
    - A record of a source that makes no table (a form, a task) is read, counted and let go: kept, in the sum.
    - `system_label` stays on the subjects of the invented city, under the demo key, and nowhere else.

    Parameters
    ----------
    paths : str, Path or list of them
        The folder of the dump, subfolders with it, or its files. `manifest.json` at its top is read. Links that lead
        out of it are refused; what is hidden is passed over, and so is an exposure that lies there.
    recipe : str, Path or Recipe
        "register", "community", "fusion", or the path of a TOML file; see `kit.ingest.recipe`.
    key : bytes
        At least 16 bytes, one key per case. `kit.ingest.DEMO_KEY` is for dumps of the invented city
        only, and stands for a key of each exposure's own (`demo_key`).
    out : str or Path
        A new or empty folder.
    tz : str, optional
        IANA name of the clock that times without a zone are on, and of the exposure's official clock. Default is the
        recipe's, or the manifest's.
    progress : callable, optional
        Called as `progress(stage, done, total)`: "read before" if an interrupted run goes on; the file being read,
        bytes read, bytes of all files; then the stages "pseudonyms" and "tables".

    Returns
    -------
    IngestReport
        Also written to `report.json` and, to be read, `report.html` in `out`, beside `quarantine.jsonl` and the tables.

    Raises
    ------
    InputError
        One sentence: a missing or empty file, an unknown recipe, no time zone, a key that is none, a folder in use, a
        field that must not be there at all, a full disk.

    >>> from kit.exposure import sample_folder
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     report = sanitize(sample_folder("register") / "raw", "register", DEMO_KEY, f"{folder}/clean")
    >>> report.rows_in == report.rows_kept + report.rows_quarantined
    True
    """
    check_key(key)
    recipe = load_recipe(recipe)
    _check_new(Path(out))
    files, not_read = find_files(paths, recipe)
    manifest = read_manifest(tops({part.path.parent for part, _ in files}))
    synthetic = is_invented(manifest)
    demo = key == DEMO_KEY
    if not demo and key in [demo_key(name) for name in SAMPLES]:
        raise InputError("This key is worked out from the demo key, which everybody knows; make one of your own with "
                         "secrets.token_bytes(32).")
    if demo and not synthetic:
        beside = files[0][0].path.name
        raise InputError(f"The demo key is for the invented city, and no manifest.json beside {beside} says that this "
                         f"dump is (synthetic: true, generator: {CITY}); make a key of your own with "
                         "secrets.token_bytes(32).")
    tz = zone_of(tz, recipe, manifest)
    key = demo_key(recipe.name) if demo else key
    with open_work(Path(out), _binding(files, recipe, key, tz, synthetic, demo)) as work:
        run = _Run(work, files, recipe, key, tz, synthetic, progress or _silent)
        run.read()
        tables = run.tables(keep_labels=demo)
        report = run.report("demo" if demo else "private", not_read, tables)
        run.write(tables, report)
    return report


def _binding(files, recipe, key, tz, synthetic, demo):
    """All that the outcome depends on. Of the key no more than what cannot be turned back into it."""
    return {"files": [[part.name, source.name, str(part.path.resolve()), *opening.fingerprint(part.path)]
                      for part, source in files],
            "recipe": [recipe.sha256, sha256(repr(recipe).encode()).hexdigest()],
            "key": hmac.digest(key, b"which key a work folder belongs to", "sha256").hex(),
            "tz": tz, "synthetic": synthetic, "demo": demo, "versions": _versions()}


def _versions():
    return {"kit": kit.__version__, "python": platform.python_version(), "duckdb": duckdb.__version__,
            "numpy": np.__version__, "pandas": pd.__version__, "pyarrow": pa.__version__}


class _Run:
    """One ingest under way."""

    def __init__(self, work, files, recipe, key, tz, synthetic, progress):
        self.work, self.recipe, self.key, self.tz, self.progress = work, recipe, key, tz, progress
        self.synthetic, self.files = synthetic, files
        self.bytes_in_all = sum(part.size or part.path.stat().st_size for part, _ in files)
        self.bytes_done = self.records_numbered = 0
        self.digests, self.seen = {}, {kind: {} for kind in KINDS}
        self.reports = {s.name: SourceReport(s.name, list(s.makes)) for s in recipe.sources}

    def read(self):
        """Read every file, in order of name, into parts; those that an interrupted run has finished stay read."""
        for (file, source), entry in zip(self.files, self.work.journal, strict=False):
            self._pass(file, source, entry)
        if self.work.journal:
            self.progress("read before", self.bytes_done, self.bytes_in_all)
        with ThreadPoolExecutor(_THREADS) as pool:
            for file, source in self.files[len(self.work.journal) :]:
                self._read_file(file, source, pool)
        self.parts = [FileParts(self.work, i, source, self.key) for i, (_, source) in enumerate(self.files)]
        self._require_some()

    def _pass(self, file, source, entry):
        """Count a finished file."""
        if set(source.makes) & _NUMBERED:
            self.records_numbered += entry["count"]
        self.bytes_done += file.size or entry["bytes"]
        self.digests[file.path] = entry["sha256"]

    def _read_file(self, file, source, pool):
        before, done_before = opening.fingerprint(file.path), self.bytes_done
        whole = opening.is_plain(file) and source.form not in formats.SOUGHT
        digest = sha256() if whole else None
        tally = _Tally(self.records_numbered)
        with parts.writing(self.work, self.key) as take:
            for block in self._blocks(file, source, digest, pool):
                tally.add(block)
                take(block)
        if opening.fingerprint(file.path) != before:
            raise InputError(f"The file {file.name} changed while it was read, so nothing was written; make a "
                             "copy that nobody writes to, and read that.")
        if not tally.count and (source.form != "csv" or not file.size):
            raise InputError(f"The file {file.name} is empty; get a whole copy of the dump, or leave the file out.")
        entry = {"file": file.name, "bytes": before[0], "source": source.name, **tally.entry(source, self.key),
                 "sha256": digest.hexdigest() if whole else self._digest_of(file.path)}
        self.work.finish(entry)
        self.bytes_done = done_before
        self._pass(file, source, entry)

    def _digest_of(self, path):
        """The hash of a file on disk whose parts are read out of their order, or unpacked: taken once."""
        if path not in self.digests:
            self.digests[path] = opening.file_digest(path).hexdigest()
        return self.digests[path]

    def _blocks(self, file, source, digest, pool):
        """The file's blocks, ready for disk, in order; a few are always under way."""
        pending = deque()
        for block, parse in formats.cut(file, source, digest):
            pending.append(pool.submit(self._harvest, block, parse, source, file.name))
            if digest is not None:
                self.bytes_done += len(block.data)
            self.progress(file.name, min(self.bytes_done, self.bytes_in_all), self.bytes_in_all)
            if len(pending) >= _AHEAD:
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()

    def _harvest(self, block, parse, source, name):
        records = parse()
        part = columns.clean(block, records, source, self.tz, name)
        part.notes.update(records.notes)
        return parts.harvest(part, source, self.key, self.synthetic, name, self.tz, self.seen)

    def _entries(self, source):
        return [entry for entry in self.work.journal if entry["source"] == source.name]

    def _require_some(self):
        """Refuse a dump of which nothing could be used: the recipe does not fit."""
        recording = [e for s in self.recipe.sources if set(s.makes) & {"sightings", "fixes", "readings"}
                     for e in self._entries(s)]
        recording_sources = [s for s in self.recipe.sources if set(s.makes) & {"sightings", "fixes", "readings"}]
        if any(entry["kept"] for entry in recording) or not recording_sources:
            return
        reasons = sum((Counter(entry["reasons"]) for entry in recording), Counter()).most_common(1)
        why = f"the commonest reason is: {reasons[0][0]}" if reasons else "they hold no records at all"
        raise InputError(f"Nothing in {', '.join(entry['file'] for entry in recording)} could be used ({why}); "
                         f"does the recipe {self.recipe.name} fit this dump?")

    def tables(self, keep_labels):
        """All tables; on the way each source's report gets its counts."""
        self.progress("pseudonyms", 0, 1)
        subjects, sources = assemble.Subjects(self.parts), self.recipe.sources
        said = assemble.facts_of(self.parts, sources)
        self.progress("pseudonyms", 1, 1)
        self.progress("tables", 0, 1)
        sensors, repeats = assemble.sensors_table(self.parts, sources)
        survey = assemble.survey_sightings(self.parts, subjects, self.work.scratch)
        positioned = assemble.positions_of(self.parts, sources)
        for source in sources:
            report = self.reports[source.name]
            _count(report, source, self._entries(source))
            report.tallies = assemble.tallies(said[source.name])
            report.duplicates_flagged = repeats.get(source.name, 0)
            report.notes.update(_noticed(source, positioned, sources))
            if source.name in survey.of_source:
                _count_sightings(report, survey, source, sensors)
            report.notes = {note: n for note, n in sorted(report.notes.items()) if n}
        made = {"sensors": sensors, "sightings": assemble.sightings_table(self.parts, subjects, survey),
                "fixes": assemble.fixes_table(self.parts, subjects),
                "readings": assemble.readings_table(self.parts, subjects),
                "subjects": assemble.subjects_table(said, sources, subjects, self._first_day(), keep_labels)}
        return {name: table for name, table in made.items() if table is not None and len(table)}

    def _first_day(self):
        """The local day, counted from 1970, of the dump's earliest record."""
        firsts = {"time": [], "date": []}
        for entry in self.work.journal:
            if entry["span"]:
                firsts[entry["spanned"]].append(entry["span"][0])
        if firsts["time"]:
            return _instant(min(firsts["time"])).tz_convert(self.tz).date().toordinal() - _DAY_0
        return min(firsts["date"], default=None)

    def report(self, key, not_read, tables):
        """The report, once the tables are made."""
        kinds = tables["subjects"]["kind"].value_counts().sort_index() if "subjects" in tables else pd.Series(dtype=int)
        return IngestReport(
            recipe=self.recipe.name, recipe_sha256=self.recipe.sha256, synthetic=self.synthetic, key=key, tz=self.tz,
            sources=list(self.reports.values()), files_not_read=not_read,
            inputs=[{name: entry[name] for name in ("file", "bytes", "sha256", "source")}
                    for entry in self.work.journal],
            tables={name: len(table) for name, table in tables.items()},
            subjects={str(k): int(n) for k, n in kinds.items()}, versions=_versions())

    def write(self, tables, report):
        """The exposure, whole, where nobody looks yet."""
        folder = self.work.whole
        with open(folder / "quarantine.jsonl", "wb") as quarantine:
            for part in self.parts:
                with open(part.quarantine(), "rb") as lines:
                    shutil.copyfileobj(lines, quarantine)
        (folder / "report.json").write_text(report.to_json(), encoding="utf-8", newline="\n")
        (folder / "report.html").write_text(report.to_html(), encoding="utf-8", newline="\n")
        write_exposure(folder, tables, name=self.recipe.name, tz=self.tz, synthetic=self.synthetic,
                       extra={"recipe": self.recipe.name, "recipe_sha256": self.recipe.sha256, "key": report.key})
        self.progress("tables", 1, 1)


@dataclass
class _Tally:
    """What is counted of a file while its blocks come in; `first` is the number of its first record."""

    first: int
    count: int = 0
    kept: int = 0
    quarantined: int = 0
    reasons: Counter = field(default_factory=Counter)
    notes: Counter = field(default_factory=Counter)
    members: set = field(default_factory=set)
    spans: list = field(default_factory=list)
    days: set = field(default_factory=set)

    def add(self, block):
        """Count a block, and number its records on from those before."""
        block.renumber(self.first + self.count)
        self.count += block.count
        self.kept += block.kept
        self.quarantined += len(block.quarantine)
        self.reasons.update(q["reason"] for q in block.quarantine)
        self.notes.update(block.notes)
        self.members |= block.members
        self.spans += [block.span] if block.span else []
        self.days |= block.days

    def entry(self, source, key):
        """All of it for the journal. Members that the recipe does not name may be raw: masked, and told apart by mark.
        """
        named = {f.path for f in source.fields}
        named_above = {path.rsplit(".", depth)[0] for path in named for depth in range(1, path.count(".") + 1)}
        return {"count": self.count, "kept": self.kept, "quarantined": self.quarantined,
                "reasons": dict(self.reasons), "notes": {note: n for note, n in self.notes.items() if n},
                "dropped": sorted({f.path for f in source.fields if f.do == "drop"} & self.members),
                "not_in_recipe": sorted(_marked(member, key) for member in self.members - named - named_above),
                "spanned": "date" if source.field_of("date") and not source.field_of("time") else "time",
                "span": [min(s[0] for s in self.spans), max(s[1] for s in self.spans)] if self.spans else None,
                "days": sorted(self.days)}


def _count(report, source, entries):
    """What the journal says of one source's files, summed up in its report."""
    notes, reasons = Counter(), Counter()
    for entry in entries:
        report.files.append(entry["file"])
        report.rows_in += entry["count"]
        report.rows_kept += entry["kept"]
        report.rows_quarantined += entry["quarantined"]
        reasons.update(entry["reasons"])
        notes.update(entry["notes"])
    report.reasons = dict(sorted(reasons.items()))
    report.unmatched = notes.pop("unmatched", 0)
    report.notes = dict(notes)
    report.dropped_fields = sorted({name for entry in entries for name in entry["dropped"]})
    report.fields_not_in_recipe = [name for name, _ in sorted({(*n,) for e in entries for n in e["not_in_recipe"]})]
    report.first_time, report.last_time = _span(entries)
    if days := {day for entry in entries for day in entry["days"]}:
        report.days_in_span, report.days_with_records = max(days) - min(days) + 1, len(days)


def _count_sightings(report, survey, source, sensors):
    mine, known = survey.of_source[source.name], set(sensors["sensor_id"]) if sensors is not None else set()
    here = mine.profiles.records
    unknown = [name not in known for name in survey.sensors.texts]
    report.duplicates_flagged = mine.duplicates
    report.unknown_sensor = int(here[unknown].sum())
    report.notes.update(clocks.notice_profiles(survey.sensors.texts, mine.profiles, sensors))


def _noticed(source, positioned, sources):
    """What looks odd about a source's positions, counted; nothing is changed by it."""
    if source.name not in positioned:
        return {}
    lon, lat = positioned[source.name]
    found = positions.notice(lon, lat)
    others = [positioned[o.name] for o in sources
              if o is not source and "sensors" in o.makes and o.name in positioned]
    if others and positions.notice_swapped(lon, lat, *(np.concatenate(axis) for axis in zip(*others, strict=True))):
        found["near the sensors only if lon and lat were swapped"] = int((~np.isnan(lon)).sum())
    return found


def _span(entries):
    """First and last time of a source, as text."""
    spans = [entry["span"] for entry in entries if entry["span"]]
    if not spans:
        return None, None
    ends = min(span[0] for span in spans), max(span[1] for span in spans)
    if entries[0]["spanned"] == "time":
        return tuple(_instant(t).isoformat(timespec="milliseconds") for t in ends)
    return tuple(str(np.datetime64(d, "D")) for d in ends)


def _instant(micros):
    return pd.Timestamp(np.datetime64(int(micros), "us")).tz_localize("UTC")


def _marked(name, key):
    """A field's name as `plain_name` shows it; one that had to be masked is told from others by a keyed mark."""
    if _is_tame(name):
        return name, ""
    return plain_name(name), hmac.digest(key, f"member {name}".encode("utf-8", "replace"), "sha256")[:8].hex()


def plain_name(name):
    """A field's name if it looks like one; a masked one if it might be somebody's number or words."""
    return name if _is_tame(name) else formats.mask(name)


def _is_tame(name):
    return len(name) <= 40 and sum(c.isdigit() for c in name) < 5 and name.replace(".", "_").isidentifier()


def find_parts(paths):
    """What can be read in the files and folders given, and in their subfolders, in order of name."""
    given = [Path(p) for p in ([paths] if isinstance(paths, str | os.PathLike) else paths)]
    files = {}
    for path in given:
        if path.is_dir():
            scored = path / "truth" if is_invented(read_manifest([path])) else None  # beside a dump of the city's
            files |= {p: p.relative_to(path).parent for p in _files_in(path, path) if p.parent != scored}
            _refuse_links_out(files, path)
        elif path.is_file():
            files[path] = Path()
        else:
            raise InputError(f"There is no file or folder {path}; check the path.")
    names = sorted((p for p in files if p.name != "manifest.json"), key=lambda p: (p.name, str(p)))
    if not names:
        raise InputError(f"There are no files in {', '.join(map(str, given)) or 'an empty list'}; "
                         "give the folder of a dump.")
    locked = [p.name for p in names if not os.access(p, os.R_OK)]
    if locked:
        raise InputError(f"The file {locked[0]} may not be read by you; change its permissions.")
    return [replace(part, name=(files[p] / part.name).as_posix()) for p in names for part in opening.open_parts(p)]


def _files_in(folder, top):
    """Files of a folder and of those in it; hidden ones, and exposures that the kit has written, are passed over."""
    for path in sorted(folder.iterdir()):
        if path.name.startswith(".") or path.name == "__MACOSX":
            continue
        if path.is_dir():
            if path.is_symlink():
                raise InputError(f"The folder {path.name} in {top.name} is a link, which is not followed; put a copy "
                                 "in its place, or take the link away.")
            if not (path / MANIFEST).is_file():
                yield from _files_in(path, top)
        elif path.is_file():
            yield path


def tops(folders):
    """Of the folders that files lie in, those that lie in none of the others."""
    return {folder for folder in folders if not any(folder.is_relative_to(o) for o in folders if o != folder)}


def find_files(paths, recipe):
    """Each part of a file with its source, by file name; and the names of those that no source claims."""
    parts = find_parts(paths)
    claimed = [(part, next((s for s in recipe.sources if _fits(part, s.files)), None)) for part in parts]
    lacking = [s.files for s in recipe.sources if not any(source is s for _, source in claimed)]
    if lacking:
        raise InputError(f"The recipe {recipe.name} needs {', '.join(lacking)}, but there is no such file in "
                         f"{', '.join(sorted({p.path.parent.name for p in parts}))}; add it, or change the recipe.")
    return _unnamed([(p, s) for p, s in claimed if s]), [p.name for p, s in claimed if not s]


def _unnamed(files):
    """The files; those whose own names are of people bear their source's name and a number from here on."""
    found, numbers = [], Counter()
    for part, source in files:
        numbers[source.name] += 1
        if any(f.path in PLACES or (f.path in ("person", "file") and source.form in OWNED)
               for f in source.fields if f.what == "identifier" and f.do != "drop"):
            part = replace(part, owner=tuple(owner_of(part).values()),
                           name=f"{source.name} file {numbers[source.name]}")
        found.append((part, source))
    return found


def _fits(part, pattern):
    return any(fnmatch(name, pattern) for name in (part.label, part.path.name, part.name))


def _refuse_links_out(files, folder):
    inside = folder.resolve()
    out = [p.name for p in files if p.is_symlink() and not p.resolve().is_relative_to(inside)]
    if out:
        raise InputError(f"The file {out[0]} is a link to somewhere outside the folder {folder.name}, which is not "
                         "followed; put a copy in its place, or take the link away.")


def read_manifest(folders):
    """What the generator says about a dump that lies in one folder; else nothing is known."""
    files = [folder / "manifest.json" for folder in folders]
    if len(files) != 1 or not files[0].is_file():
        return {}
    try:
        manifest = loads(files[0].read_text(encoding="utf-8"))
    except ValueError:
        raise InputError(f"The manifest.json in {files[0].parent.name} is not readable JSON; "
                         "restore it or remove it.") from None
    return manifest if isinstance(manifest, dict) else {}


def is_invented(manifest):
    """Whether a manifest says that its dump is the invented city's, which ingest then checks."""
    return manifest.get("synthetic") is True and manifest.get("generator") == CITY


def zone_of(tz, recipe, manifest):
    name = tz or (manifest.get("tz") if recipe.time_zone == "manifest" else recipe.time_zone)
    if not name:
        raise InputError("Nothing says which clock this dump is on; give tz=, an IANA name such as Asia/Shanghai, or "
                         "time_zone in the recipe.")
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, TypeError, OSError):
        raise InputError(f"There is no time zone called {name}; give an IANA name such as Asia/Shanghai.") from None
    return name


def _check_new(out):
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise InputError(f"The output folder {out} is not empty; choose a new one, so that nothing is overwritten.")


def _silent(stage, done, total):
    """Progress nobody asked for."""
