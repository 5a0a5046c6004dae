"""An Exposure: the folder of tables that a notebook opens, its manifest, and the purpose it is opened for.

A folder holds Parquet tables, `sensors.geojson` and `datapackage.json`, which lists every file with its SHA-256, its
row count, its fields with types and units, and a logical hash that survives a change of Parquet writer. Opening
recomputes the hashes. A folder that is not marked `synthetic` opens only under a `purpose.toml`.
"""

import datetime as dt
import hashlib
import json
import os
import tomllib
import zoneinfo
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import shapely

from kit import tables
from kit.ahead import make_ahead
from kit.errors import InputError, IntegrityError, PurposeError

MANIFEST = "datapackage.json"
SAMPLES = ("register", "community", "fusion")
WRITES_PAGES = "RETRACE_WRITES_PAGES"  # set for the notebooks of a walk, which only invented records may enter
_TABLES = ("sensors", "sightings", "fixes", "readings", "subjects")


@dataclass(frozen=True)
class Exposure:
    """One exposure. Tables are read when first asked for; a table that the exposure lacks comes back empty."""

    name: str
    path: Path = field(repr=False)
    tz: str
    synthetic: bool
    manifest: dict = field(repr=False)

    @cached_property
    def sensors(self):
        return self._table("sensors")

    @cached_property
    def sightings(self):
        return self._table("sightings")

    @cached_property
    def fixes(self):
        return self._table("fixes")

    @cached_property
    def readings(self):
        return self._table("readings")

    @cached_property
    def subjects(self):
        return self._table("subjects")

    @cached_property
    def streets(self):
        """The street network: the exposure's own `streets.geojson`, or Port Nemo's for an invented one."""
        own = self.path / "streets.geojson"
        if own.exists():
            return _read_geojson(own)
        if self.synthetic:
            return port_nemo()["streets"]
        raise InputError(f"The exposure {self.name} has no street network; put one as streets.geojson into its folder.")

    def truth(self):
        """What really happened, as a dict of frames: only an invented city knows it. For scoring, last."""
        folder = self.path / "truth"
        if not self.synthetic:
            raise InputError(f"The exposure {self.name} is real, so nobody holds its truth; score on an invented one.")
        if not folder.is_dir():
            raise InputError(f"The exposure {self.name} has no truth folder beside its tables.")
        return {file.stem: _read_parquet(file) for file in sorted(folder.glob("*.parquet"))}

    def _table(self, table):
        file = self.path / _file_of(table)
        if not file.exists():
            return tables.empty(table)
        frame = _read_geojson(file) if file.suffix == ".geojson" else _read_parquet(file)
        return tables.validate(frame, table, where=f"{self.name}/{file.name}")


def open_exposure(name_or_path, *, verify=True, today=None):
    """Open an exposure by the name of a committed sample or by its folder.

    Parameters
    ----------
    name_or_path : str or Path
        "register", "community", "fusion", or the folder of another exposure.
    verify : bool, default True
        Recompute the SHA-256 of every file the manifest lists.
    today : datetime.date, optional
        The day on which a purpose file must still be valid; default is the calendar's.

    Returns
    -------
    Exposure

    Raises
    ------
    InputError
        If there is no such sample or folder.
    IntegrityError
        If the manifest is missing, unreadable, or disagrees with a file.
    PurposeError
        If the exposure is not synthetic and has no valid `purpose.toml`, or a walk, which writes pages, asks for it.

    >>> open_exposure("register").synthetic
    True
    """
    folder = _find(name_or_path)
    manifest = _read_manifest(folder)
    if manifest.get("synthetic") is not True:
        _require_live(folder)
        _require_purpose(folder, today or dt.date.today())
    if verify:
        _verify(folder, manifest)
    return Exposure(manifest["name"], folder, manifest["tz"], manifest["synthetic"] is True, manifest)


def overview(*exposures):
    """What each exposure holds, side by side: counts and the span of time, nothing about any one person.

    Returns
    -------
    pandas.DataFrame
        A row an exposure: sensors, sightings, of them unmatched and duplicates, subjects by kind, fixes, readings,
        first_day, last_day (local), days.

    Raises
    ------
    InputError
        If something else than opened exposures is given, such as their names.
    """
    for exposure in exposures:
        if not isinstance(exposure, Exposure):
            raise InputError("overview takes exposures that are open, such as overview(open_exposure('register')), "
                             f"but it was given a {type(exposure).__name__}.")
    return pd.DataFrame({e.name: _facts(e) for e in exposures}).T


def _facts(exposure):
    sightings = exposure.sightings
    days = sightings["time"].dt.tz_convert(exposure.tz).dt.date
    kinds = exposure.subjects["kind"].value_counts()
    return {
        "sensors": len(exposure.sensors),
        "sightings": len(sightings),
        "unmatched": int(sightings["subject_id"].isna().sum()),
        "duplicates": int(sightings["duplicate"].sum()) if "duplicate" in sightings else 0,
        **{f"{kind}s": int(kinds.get(kind, 0)) for kind in tables.SUBJECT_KINDS},
        "fixes": len(exposure.fixes),
        "readings": len(exposure.readings),
        "first_day": days.min(),
        "last_day": days.max(),
        "days": days.nunique(),
    }


def port_nemo():
    """The invented city's base map: streets, blocks, districts and water as a dict of GeoDataFrames (EPSG:4326)."""
    folder = sample_folder("port_nemo")
    _verify(folder, _read_manifest(folder))
    return {name: gpd.read_file(folder / f"{name}.geojson") for name in ("streets", "blocks", "districts", "water")}


def sample_folder(name):
    """The folder of a committed sample, found beside the package or in the folder one works in."""
    for root in (Path(__file__).resolve().parents[1], Path.cwd(), *Path.cwd().parents):
        if (root / "sample_data" / name).is_dir():
            return root / "sample_data" / name
    raise InputError(f"The sample {name} is not here; it lies in sample_data/ of the project, so run from its folder.")


def write_exposure(out, frames, *, name, tz, synthetic, truth=None, extra=None):
    """Write tables and their manifest into a folder; every other file already there is listed too.

    Parameters
    ----------
    out : Path
        A folder without a manifest.
    frames : dict of str to DataFrame or Pieces
        Tables by contract name; empty ones are left out.
    name, tz : str
        The exposure's name and its official clock (IANA).
    synthetic : bool
        Whether every record is invented.
    truth : dict of str to DataFrame, optional
        Written to `truth/`, for scoring.
    extra : dict, optional
        More facts for the manifest: seed, generator, key.

    Returns
    -------
    dict
        The manifest, as written.
    """
    out = Path(out)
    if (out / MANIFEST).exists():
        raise InputError(f"The folder {out.name} already holds an exposure; choose a new one.")
    out.mkdir(parents=True, exist_ok=True)
    resources = []
    for table in _TABLES:
        if len(frames.get(table, ())):
            resources.append(_write_table(out, table, frames[table], where=f"{name}/{table}"))
    for table, frame in sorted((truth or {}).items()):
        resources.append(_write_truth(out, table, frame))
    listed = {r["path"] for r in resources}
    for file in sorted(p for p in out.rglob("*") if p.is_file()):
        path = file.relative_to(out).as_posix()
        if path not in listed:
            resources.append({"name": path, "path": path, "bytes": file.stat().st_size, "hash": file_hash(file)})
    manifest = {"profile": "data-package", "name": name, "synthetic": synthetic, "tz": tz, **(extra or {}),
                "resources": resources}
    (out / MANIFEST).write_text(json.dumps(manifest, indent=1, ensure_ascii=False) + "\n", encoding="utf-8",
                                newline="\n")
    return manifest


@dataclass(frozen=True)
class Pieces:
    """A table too long to be held: `rows` in all, and `make()`, which gives its frames in the order of their row ids.

    Their categories are the same throughout.
    """

    rows: int
    make: Callable

    def __len__(self):
        return self.rows


def logical_hash(frame):
    """SHA-256 of a table's content: rows sorted, types canonical, so that neither row order nor file format matters.

    Floats count to six significant decimals after the point; strings, whole numbers and times exactly.

    >>> a = pd.DataFrame({"n": [1, 2]})
    >>> logical_hash(a) == logical_hash(a.iloc[::-1])
    True
    """
    parts = {str(name): _canonical_values(values) for name, values in sorted(frame.items())}
    digest = hashlib.sha256()
    order = _row_order(list(parts.values()))
    for name, values in parts.items():
        digest.update(f"{name}\0{len(values)}\0".encode())
        ordered = values if order is None else values.take(order)
        digest.update(np.asarray(ordered.is_null()))
        for part in _parts_of(ordered):
            digest.update(part)
    return digest.hexdigest()


def file_hash(file):
    """SHA-256 of a file, in the form data packages write it."""
    with open(file, "rb") as stream:
        return "sha256:" + hashlib.file_digest(stream, "sha256").hexdigest()


_LONGEST_NAME = 200  # letters of a name worth repeating to whoever typed it


def _find(name_or_path):
    if not isinstance(name_or_path, (str, os.PathLike)):
        raise InputError("open_exposure takes the name of a sample or the path of a folder, but it was given a "
                         f"{type(name_or_path).__name__}; the samples are {', '.join(SAMPLES)}.")
    path = Path(name_or_path)
    if os.path.exists(path / MANIFEST):  # Path.exists fails on a name too long for the file system, this does not
        return path
    if str(name_or_path) in SAMPLES:
        return sample_folder(str(name_or_path))
    if os.path.isdir(path):
        raise IntegrityError(f"The folder {path} has no {MANIFEST}, so nothing vouches for what is in it; "
                             "make an exposure from a raw dump with `kit ingest`.")
    called = str(name_or_path)
    called = called if len(called) <= _LONGEST_NAME else called[:_LONGEST_NAME] + "..."
    raise InputError(f"There is no sample and no folder called {called}; the samples are {', '.join(SAMPLES)}.")


def _read_manifest(folder):
    file = folder / MANIFEST
    try:
        manifest = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise IntegrityError(f"The manifest {file} cannot be read ({type(error).__name__}); "
                             "make the exposure again.") from None
    has = manifest if isinstance(manifest, dict) else {}
    lacking = [key for key in ("name", "tz", "synthetic", "resources") if key not in has]
    if lacking:
        raise IntegrityError(f"The manifest {file} lacks {', '.join(lacking)}; make the exposure again.")
    if not isinstance(manifest["name"], str) or not manifest["name"].strip():
        raise IntegrityError(f"The manifest {file} must give the name as text, but it is {manifest['name']!r}; "
                             "make the exposure again.")
    if not _is_zone(manifest["tz"]):
        raise IntegrityError(f"The manifest {file} must give tz as a time zone such as 'Etc/GMT-8', but it is "
                             f"{manifest['tz']!r}; make the exposure again.")
    return manifest


def _is_zone(tz):
    try:
        zoneinfo.ZoneInfo(tz)
    except (TypeError, ValueError, AttributeError, OSError, zoneinfo.ZoneInfoNotFoundError):
        return False
    return True


def _verify(folder, manifest):
    try:
        hashes = {resource["path"]: resource["hash"] for resource in manifest["resources"]}
        complete = all(isinstance(text, str) for text in (*hashes, *hashes.values()))
    except (TypeError, KeyError):
        complete = False
    if not complete:
        raise IntegrityError(f"The manifest of {manifest['name']} lists a file without its path or hash; "
                             "make the exposure again.")
    unlisted = [name for name in map(_file_of, _TABLES) if name not in hashes and (folder / name).exists()]
    if unlisted:
        raise IntegrityError(f"The manifest of {manifest['name']} does not list {unlisted[0]}, so nothing vouches for "
                             "it; take the file away or make the exposure again.")
    for path, expected in hashes.items():
        file = folder / path
        if not file.is_file():
            raise IntegrityError(f"The manifest of {manifest['name']} lists {path}, which is not there; "
                                 "restore the file or make the exposure again.")
        if file_hash(file) != expected:
            raise IntegrityError(f"The file {path} of {manifest['name']} is not the one its manifest "
                                 "describes (SHA-256 differs); restore it or make the exposure again.")


def _require_live(folder):
    if os.environ.get(WRITES_PAGES):
        raise PurposeError(f"The exposure in {folder.name} holds real records, and the walk writes what it shows into "
                           "pages; open it in a live notebook, and leave it out of the walk.")


def _require_purpose(folder, today):
    file = folder / "purpose.toml"
    asks = "say the public-interest reason, approved_by and retain_until (a date) in purpose.toml beside it"
    if not file.exists():
        raise PurposeError(f"The exposure in {folder.name} holds real records, so it opens for a stated purpose only; "
                           f"{asks}.")
    try:
        purpose = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise PurposeError(f"The purpose.toml in {folder.name} cannot be read ({error}); {asks}.") from None
    until = purpose.get("retain_until")
    lacking = [k for k in ("reason", "approved_by") if not isinstance(purpose.get(k), str) or not purpose[k].strip()]
    lacking += [] if until else ["retain_until"]
    if lacking or not isinstance(until, dt.date):
        unsaid = ", ".join(lacking) or "retain_until as a date"
        raise PurposeError(f"The purpose.toml in {folder.name} does not say {unsaid}; {asks}.")
    if (until.date() if isinstance(until, dt.datetime) else until) < today:
        raise PurposeError(f"The records in {folder.name} were to be kept until {until} only; delete them, or have a "
                           "new date approved and written into purpose.toml.")


def _file_of(table):
    return "sensors.geojson" if table == "sensors" else f"{table}.parquet"


def _read_parquet(file):
    """Read a table; dictionary-encoded text comes back as a category, so ids are never factorised twice."""
    try:
        return pq.read_table(file).to_pandas(ignore_metadata=True)
    except (OSError, pa.ArrowException) as error:
        raise InputError(f"The file {file.name} is not a readable Parquet table ({type(error).__name__}); "
                         "make the exposure again.") from None


def _read_geojson(file):
    try:
        return gpd.read_file(file)
    except (OSError, RuntimeError, ValueError) as error:  # the errors of pyogrio are RuntimeErrors
        raise InputError(f"The file {file.name} is not readable GeoJSON ({type(error).__name__}); "
                         "make the exposure again.") from None


def _write_table(out, table, frame, where):
    path, contract = out / _file_of(table), tables.CONTRACTS[table].columns
    if isinstance(frame, Pieces):
        _write_parquet(_in_order(frame, table, where), path)
        columns, logical = pq.read_schema(path).names, _logical_hash_of(path)
    else:
        whole = tables.validate(frame, table, where=where)
        if table == "sensors":
            path.write_text(_geojson(whole), encoding="utf-8", newline="\n")
        else:
            _write_parquet([whole], path)
        columns, logical = whole.columns, logical_hash(whole)
    fields = [{"name": c.name, "type": c.type, "unit": c.unit, "description": c.what}
              for c in contract if c.name in columns]
    return _resource(out, path, table, len(frame), logical, fields)


def _in_order(pieces, table, where):
    """The pieces, each validated; no row id occurs twice, since they rise from piece to piece."""
    row, last = tables.CONTRACTS[table].columns[0].name, -1
    for piece in pieces.make():
        piece = tables.validate(piece, table, where=where)
        ids = piece[row].to_numpy()
        if ids[0] <= last or (np.diff(ids) <= 0).any():
            raise InputError(f"In {where}, the {row} does not rise from row to row; sort the rows by it.")
        last = ids[-1]
        yield piece


def _write_truth(out, table, frame):
    path = out / "truth" / f"{table}.parquet"
    path.parent.mkdir(exist_ok=True)
    _write_parquet([frame], path)
    fields = [{"name": str(name), "type": str(dtype)} for name, dtype in frame.dtypes.items()]
    return _resource(out, path, f"truth/{table}", len(frame), logical_hash(frame), fields)


def _resource(out, path, name, rows, logical, fields):
    return {"name": name, "path": path.relative_to(out).as_posix(), "rows": rows, "bytes": path.stat().st_size,
            "hash": file_hash(path), "logical_hash": "sha256:" + logical, "fields": fields}


def _write_parquet(frames, path):
    """Whole numbers and times as steps, other numbers by byte, the rest by dictionary: a third smaller than usual.

    One dictionary of any size for 8 million rows: with the usual megabyte for each million rows, the register's
    identifiers would be written out row by row, twice the size and eight times as slow to read back.
    """
    with open(path, "wb") as sink, ExitStack() as stack:
        writer, held = None, []
        for table in make_ahead(_to_arrow(frame) for frame in frames):
            writer = writer or stack.enter_context(_parquet_writer(sink, table.schema))
            held.append(table)
            if sum(map(len, held)) >= _GROUP_ROWS:
                writer.write_table(pa.concat_tables(held), row_group_size=_GROUP_ROWS)
                held = []
        if held:
            writer.write_table(pa.concat_tables(held), row_group_size=_GROUP_ROWS)


def _to_arrow(frame):
    return pa.Table.from_pandas(frame, preserve_index=False).replace_schema_metadata(None)


_GROUP_ROWS = 1 << 23


def _parquet_writer(sink, schema):
    encoding = {c.name: _ENCODINGS[kind] for c in schema if (kind := _kind(c.type)) in _ENCODINGS}
    return pq.ParquetWriter(sink, schema, compression="zstd", compression_level=3, version="2.6",
                            column_encoding=encoding, dictionary_pagesize_limit=1 << 28,
                            use_dictionary=[name for name in schema.names if name not in encoding])


_ENCODINGS = {"whole": "DELTA_BINARY_PACKED", "float": "BYTE_STREAM_SPLIT"}


def _kind(arrow_type):
    if pa.types.is_integer(arrow_type) or pa.types.is_timestamp(arrow_type):
        return "whole"
    return "float" if pa.types.is_float64(arrow_type) else "other"


def _geojson(frame):
    """GeoJSON text of points, positions to 0.1 m, the same bytes for the same rows."""
    rows = frame.drop(columns="geometry").astype(object).where(frame.drop(columns="geometry").notna(), None)
    features = [{"type": "Feature", "properties": row,
                 "geometry": {"type": "Point", "coordinates": [round(point.x, 6), round(point.y, 6)]}}
                for row, point in zip(rows.to_dict("records"), frame.geometry, strict=True)]
    lines = ",\n".join(json.dumps(f, ensure_ascii=False) for f in features)
    return f'{{"type": "FeatureCollection", "features": [\n{lines}\n]}}\n'


def _canonical_values(values):
    if isinstance(values, gpd.GeoSeries):
        rounded = shapely.transform(values.to_numpy(), lambda xy: np.round(xy, 6) + 0.0)
        return pa.array(shapely.to_wkb(rounded, hex=True, byte_order=1), pa.large_string())
    array = pa.array(values, from_pandas=True)
    return _canonical_array(array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array)


def _canonical_array(array):
    if pa.types.is_dictionary(array.type):
        array = array.dictionary_decode()
    if pa.types.is_timestamp(array.type):
        return array.cast(pa.timestamp("us", array.type.tz)).cast(pa.int64())
    if pa.types.is_floating(array.type):
        numbers = np.round(array.cast(pa.float64()).to_numpy(zero_copy_only=False), 6) + 0.0
        return pa.array(numbers, from_pandas=True)
    if pa.types.is_boolean(array.type) or pa.types.is_integer(array.type):
        return array.cast(pa.int64())
    return array.cast(pa.large_string())


def _logical_hash_of(path):
    """The logical hash of a Parquet table whose rows lie in the order of their ids; a column at a time is gone through.

    Two rows or fewer may lie in another order, so these are looked at whole. One thread reads ahead of the hash.
    """
    with pq.ParquetFile(path) as file:
        if file.metadata.num_rows < 3:
            return logical_hash(_read_parquet(path))
        digest = hashlib.sha256()
        for piece in make_ahead(_hashed(file)):
            digest.update(piece)
    return digest.hexdigest()


def _hashed(file):
    """What is hashed of a Parquet table, in its order."""
    about = file.metadata
    for place, name in sorted(enumerate(file.schema_arrow.names), key=lambda known: known[1]):
        def each(make, name=name):
            return (make(batch.column(0)) for batch in file.iter_batches(1 << 20, columns=[name]))

        kind = file.schema_arrow.field(name).type
        yield f"{name}\0{about.num_rows}\0".encode()
        yield from [bytes(about.num_rows)] if _is_full(about, place) else each(lambda c: np.asarray(c.is_null()))
        if _is_text(kind.value_type if pa.types.is_dictionary(kind) else kind):
            yield from each(_lengths)
        yield from each(lambda column: _parts_of(_canonical_array(column))[-1])


def _is_full(about, column):
    """Whether a Parquet table says of a column that nothing is null in it."""
    told = [about.row_group(group).column(column).statistics for group in range(about.num_row_groups)]
    return all(one is not None and one.has_null_count and one.null_count == 0 for one in told)


def _is_text(kind):
    return pa.types.is_string(kind) or pa.types.is_large_string(kind)


def _lengths(column):
    """How many bytes each text has, 0 where there is none."""
    if pa.types.is_dictionary(column.type):
        lengths = pc.binary_length(column.dictionary).take(column.indices)
    else:
        lengths = pc.binary_length(column)
    return pc.fill_null(lengths, 0).to_numpy(zero_copy_only=False).astype("<i8")


def _row_order(arrays):
    """Positions that sort the rows: by a whole-number column whose values are all distinct, else by every column.

    None where the rows already lie so.
    """
    for array in arrays:
        if pa.types.is_int64(array.type) and not array.null_count:
            steps = np.diff(array.to_numpy())
            if (steps > 0).all():
                return None
            if len(pc.unique(array)) == len(array):
                return pc.sort_indices(array)
    table = pa.table({str(i): a for i, a in enumerate(arrays)})
    return pc.sort_indices(table, sort_keys=[(name, "ascending") for name in table.column_names])


def _parts_of(array):
    """A column's values as bytes: of texts first all lengths and then all letters."""
    if pa.types.is_large_string(array.type):
        texts = pc.fill_null(array, "")
        ends = np.frombuffer(texts.buffers()[1], "<i8")[texts.offset : texts.offset + len(texts) + 1]
        letters = texts.buffers()[2] or b""
        return np.diff(ends), memoryview(letters)[ends[0] : ends[-1]]
    filled = pc.fill_null(array, 0).to_numpy(zero_copy_only=False)
    return (filled.astype("<f8" if pa.types.is_floating(array.type) else "<i8"),)
