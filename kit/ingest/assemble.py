"""Clean columns to the tables of an Exposure: pseudonyms, duplicates, and what is known about each subject.

The raw identifiers end here. Each is replaced by its pseudonym once, however often it was seen.
"""

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numba import njit

from kit.errors import InputError
from kit.ingest.identifiers import pseudonyms
from kit.ingest.report import tally
from kit.ingest.times import NO_DAY

BURST_S = 2
_INVENTED = r"^(SYN[0-9A-Z-]+|02(-[0-9A-F]{2}){5}|ZZ-[0-9]{4}~)$"
_SLICE = 1 << 16


@dataclass
class Gathered:
    """All clean columns of one source, in the order of its records."""

    source: object
    columns: dict

    @property
    def kind(self):
        """Kind of the subjects this source names, or None."""
        spec = self.source.field_of("subject_id")
        return spec.kind if spec else None

    def makes(self, table):
        return table in self.source.makes


@dataclass
class Subjects:
    """Every subject once, sorted by pseudonym, and for each source the place of each record's subject (-1: none)."""

    names: pa.Array
    kinds: np.ndarray
    codes: dict[str, np.ndarray]

    def column(self, codes):
        """A category column of the subjects at these places, holding only those that occur."""
        return _category(codes, self.names)


def name_subjects(gathered, key, invented):
    """Give every raw identifier of every source its pseudonym.

    A dump that says it is `invented` is believed only if every identifier in it is one that the city makes, invalid by
    construction: a manifest is a claim, and real records must not come in under it.

    Returns
    -------
    Subjects
    """
    named = [g for g in gathered if g.kind and g.source.makes != ("nothing",)]
    raw_codes, pieces, kinds, first = {}, [], [], 0
    for kind in sorted({g.kind for g in named}):
        of_kind = [g for g in named if g.kind == kind]
        coded = _encode([c for g in of_kind for c in g.columns["subject_id"].chunks])
        if invented:
            _require_invented(coded.dictionary, kind)
        pieces.append(pseudonyms(_each(coded.dictionary), kind, key))
        kinds += [kind] * len(coded.dictionary)
        codes = _codes(coded)
        codes = np.where(codes >= 0, codes + first, -1).astype(np.int32)
        first += len(coded.dictionary)
        ends = np.cumsum([len(g.columns["subject_id"]) for g in of_kind])
        raw_codes.update(zip((g.source.name for g in of_kind), np.split(codes, ends[:-1]), strict=True))
    texts = np.concatenate(pieces) if pieces else np.array([], dtype="S14")
    order = np.argsort(texts, kind="stable")
    place = np.full(len(texts) + 1, -1, dtype=np.int32)
    place[order] = np.arange(len(texts), dtype=np.int32)
    return Subjects(_ascii(texts[order]), np.array(kinds, dtype=object)[order],
                    {name: place[codes] for name, codes in raw_codes.items()})


def _require_invented(raw, kind):
    foreign = len(raw) - pc.sum(pc.match_substring_regex(raw, _INVENTED)).as_py() if len(raw) else 0
    if foreign:
        raise InputError(f"The manifest says this dump is invented, but {foreign:,} of its {len(raw):,} identifiers "
                         f"of kind {kind} are none that the invented city makes; remove the manifest and give a key of "
                         "your own.")


def sightings_table(gathered, subjects):
    """The sightings of all sources by record number, and each row's source as a place in `gathered`."""
    seen = [(i, g) for i, g in enumerate(gathered) if g.makes("sightings") and len(g.columns["record"])]
    if not seen:
        return None, np.array([], dtype=np.int8)
    parts = [g for _, g in seen]
    origin = np.concatenate([np.full(len(g.columns["record"]), i, dtype=np.int8) for i, g in seen])
    record = np.concatenate([g.columns["record"] for g in parts])
    sensor_codes, sensor_names = _unify([g.columns["sensor_id"] for g in parts])
    time = np.concatenate([g.columns["time"] for g in parts])
    who = np.concatenate([subjects.codes.get(g.source.name, np.full(len(g.columns["record"]), -1)) for g in parts])
    score = np.concatenate([g.columns.get("score", np.full(len(g.columns["record"]), np.nan)) for g in parts])
    systems = [dict(g.source.set)["source"] if g.makes("sightings") else "" for g in gathered]
    source_names = sorted(set(systems))
    source_of = np.array([source_names.index(system) for system in systems], dtype=np.int8)
    duplicate = flag_duplicates(who, sensor_codes, time, len(sensor_names))
    frame = pd.DataFrame({
        "sighting_id": record, "subject_id": subjects.column(who), "sensor_id": _category(sensor_codes, sensor_names),
        "time": instants(time), "source": _category(source_of[origin], pa.array(source_names)),
        "score": score.astype(np.float32), "duplicate": duplicate})
    if (np.diff(record) < 0).any():
        order = np.argsort(record, kind="stable")
        frame, origin = frame.iloc[order].reset_index(drop=True), origin[order]
    return frame, origin


def flag_duplicates(subject, sensor, time_us, n_sensors):
    """Flag records that repeat the last unflagged one of the same subject and sensor, up to and with 2 s later.

    Of records at the same instant the first in the dump stays unflagged. Records of nobody are never flagged: two
    unmatched faces need not be the same one.

    >>> flag_duplicates(np.array([0, 0, 0, 0, -1, -1]), np.zeros(6, int), np.array([0, 1, 2, 3, 0, 0]) * 1_000_000, 1)
    array([False,  True,  True, False, False, False])
    """
    known = np.flatnonzero(subject >= 0)
    group = subject[known].astype(np.int64) * n_sensors + sensor[known]
    order = np.lexsort((time_us[known], group))
    flags = np.zeros(len(subject), dtype=np.bool_)
    flags[known[order]] = _repeats(group[order], time_us[known][order], BURST_S * 1_000_000)
    return flags


@njit(cache=True, nogil=True)
def _repeats(group, time_us, burst_us):
    flags = np.zeros(group.size, np.bool_)
    kept = 0
    for i in range(1, group.size):
        if group[i] == group[kept] and time_us[i] - time_us[kept] <= burst_us:
            flags[i] = True
        else:
            kept = i
    return flags


def fixes_table(gathered, subjects):
    """The usable positions of all sources; a fix has the number of the record it came in."""
    frames = []
    for g in gathered:
        if g.makes("fixes"):
            there = np.flatnonzero(~np.isnan(g.columns["lon"]) & ~np.isnan(g.columns["lat"]))
            accuracy = g.columns.get("accuracy_m", np.full(len(g.columns["record"]), np.nan))
            frames.append((g.columns["record"][there], subjects.codes[g.source.name][there],
                           g.columns["time"][there], g.columns["lon"][there], g.columns["lat"][there],
                           accuracy[there].astype(np.float32)))
    if not sum(len(f[0]) for f in frames):
        return None
    record, who, time, lon, lat, accuracy = (np.concatenate(column) for column in zip(*frames, strict=True))
    frame = pd.DataFrame({"fix_id": record, "subject_id": subjects.column(who), "time": instants(time),
                          "lon": lon, "lat": lat, "accuracy_m": accuracy})
    return frame.sort_values("fix_id", ignore_index=True)


def readings_table(gathered, subjects):
    """The meter readings of all sources, by household and day."""
    parts = [g for g in gathered if g.makes("readings") and len(g.columns["record"])]
    if not parts:
        return None
    zone_codes, zone_names = _unify([g.columns.get("zone_id", pa.chunked_array(
        [pa.nulls(len(g.columns["record"]), pa.string()).dictionary_encode()])) for g in parts])
    frame = pd.DataFrame({
        "household_id": subjects.column(np.concatenate([subjects.codes[g.source.name] for g in parts])),
        "zone_id": _category(zone_codes, zone_names),
        "date": np.concatenate([g.columns["date"] for g in parts]).astype("datetime64[D]").astype("datetime64[us]"),
        "kwh": np.concatenate([g.columns["kwh"] for g in parts]).astype(np.float32)})
    return frame.sort_values(["household_id", "date", "kwh"], ignore_index=True)


def sensors_table(gathered):
    """The sensors of all sources by id, of which the first record counts; and how many repeats each source had."""
    frames = []
    for g in gathered:
        if g.makes("sensors"):
            columns = {name: _decoded(g.columns[name]) for name in ("sensor_id", "kind", "place_class", "zone_id")
                       if name in g.columns}
            fixed = {name: value for name, value in g.source.set if name not in columns}
            frames.append(pd.DataFrame({**columns, "lon": g.columns["lon"], "lat": g.columns["lat"]}).assign(
                **fixed, origin=g.source.name))
    if not frames:
        return None, {}
    whole = pd.concat(frames, ignore_index=True).astype({"sensor_id": "str"})
    repeats = whole.duplicated("sensor_id")
    frame = whole[~repeats].sort_values("sensor_id", ignore_index=True)
    points = gpd.points_from_xy(frame.pop("lon"), frame.pop("lat"))
    counts = whole.loc[repeats, "origin"].value_counts().to_dict()
    return gpd.GeoDataFrame(frame.drop(columns="origin"), geometry=points, crs="EPSG:4326"), counts


def subjects_table(gathered, subjects, first_day, keep_labels):
    """One row a subject. Where records disagree about someone, the commonest value counts, then the lowest.

    Parameters
    ----------
    first_day : int or None
        Day from 1970 at which ages are taken.
    keep_labels : bool
        True for the invented city only; elsewhere system_label is null throughout.
    """
    n = len(subjects.names)
    ages, labels = [], []
    for g in gathered:
        codes = subjects.codes.get(g.source.name)
        if "age_band" in g.columns and codes is not None:
            ages.append((codes, _bands(g.columns["age_band"], g.source.field_of("age_band"), first_day)))
        label = g.source.field_of("system_label")
        if keep_labels and label and codes is not None:
            labels.append((codes, g.columns[f"tally:{label.path}"]))
    bands, names = _modal(ages, n), pa.array([], pa.string())
    known = _distinct(bands[bands >= 0])
    band_texts = pa.array([f"{b // 1000}-{b // 1000 + b % 1000 - 1}" for b in known.tolist()], pa.string())
    label_codes = np.full(n, -1)
    if labels:
        codes, names = _unify([column for _, column in labels])
        ends = np.cumsum([len(column) for _, column in labels])[:-1]
        label_codes = _modal(list(zip((c for c, _ in labels), np.split(codes, ends), strict=True)), n)
    kind_names = sorted(set(subjects.kinds))
    kind_codes = np.searchsorted(np.array(kind_names, dtype=object), subjects.kinds) if n else np.array([], int)
    return pd.DataFrame({
        "subject_id": _category(np.arange(n), subjects.names), "kind": _category(kind_codes, pa.array(kind_names)),
        "age_band": _category(np.where(bands >= 0, np.searchsorted(known, bands), -1), band_texts),
        "system_label": _category(label_codes, names)})


def tallies(g, subjects):
    """For each tallied field of a source, how many people carry each value; see `report.tally`."""
    codes = subjects.codes.get(g.source.name)
    if codes is None and "subject_id" in g.columns:
        codes = _codes(_encode(g.columns["subject_id"].chunks))
    found = {}
    for name, column in g.columns.items():
        if name.startswith("tally:") and codes is not None:
            values, names = _unify([column])
            both = (codes >= 0) & (values >= 0)
            width = len(names) + 1
            pairs = _distinct(codes[both].astype(np.int64) * width + values[both])
            people = np.bincount(pairs % width, minlength=len(names)).tolist()
            found[name.removeprefix("tally:")] = tally(dict(zip(names.to_pylist(), people, strict=True)),
                                                       len(_distinct(pairs // width)))
    return found


def instants(micros):
    """Microseconds since 1970 UTC as a column of times."""
    return pd.Series(micros.view("datetime64[us]")).dt.tz_localize("UTC")


def _bands(values, spec, first_day):
    """Age bands as one number each, lower end * 1000 + width; -1 where unknown."""
    if spec.what == "time":
        values = _ages(values, first_day)
        values = np.where((values >= 0) & (values <= 120), values // spec.step * spec.step, np.nan)
    return np.where(np.isnan(values), -1, np.nan_to_num(values) * 1000 + spec.step).astype(np.int64)


def _ages(birthdays, day):
    """Completed years of age on a day; NaN where the birthday is not known."""
    known = birthdays != NO_DAY
    if day is None or not known.any():
        return np.full(len(birthdays), np.nan)
    born = np.where(known, birthdays, 0).astype("datetime64[D]")
    today = np.datetime64(int(day), "D")
    years = today.astype("datetime64[Y]").astype(int) - born.astype("datetime64[Y]").astype(int)
    not_yet = _month_day(born) > _month_day(today)
    return np.where(known, years - not_yet, np.nan)


def _month_day(days):
    months = days.astype("datetime64[M]")
    return months.astype(int) % 12 * 32 + (days - months.astype("datetime64[D]")).astype(int)


def _modal(pairs, n):
    """For each subject its commonest value, the lowest of several; -1 where there is none."""
    chosen = np.full(n, -1, dtype=np.int64)
    if not pairs:
        return chosen
    who = np.concatenate([codes for codes, _ in pairs]).astype(np.int64)
    value = np.concatenate([values for _, values in pairs]).astype(np.int64)
    both = (who >= 0) & (value >= 0)
    who, value = who[both], value[both]
    if not len(who):
        return chosen
    width = int(value.max()) + 1
    combined = np.sort(who * width + value)
    starts = np.flatnonzero(np.append(True, combined[1:] != combined[:-1]))
    counts = np.diff(np.append(starts, len(combined)))
    who, value = combined[starts] // width, combined[starts] % width
    order = np.lexsort((-value, counts, who))
    chosen[who[order]] = value[order]  # the last one written for a subject is its commonest, lowest value
    return chosen


def _category(codes, names):
    """A category column over those names that occur, sorted; -1 is null."""
    codes = np.asarray(codes)
    texts = names.to_pandas()
    used = np.bincount(codes[codes >= 0], minlength=len(names)) > 0
    if not used.all():
        codes = np.append(np.cumsum(used) - 1, -1)[codes]
        texts = texts[used]
    if not texts.is_monotonic_increasing:
        order = np.argsort(texts.to_numpy(dtype=object))
        place = np.empty(len(order) + 1, dtype=np.int64)
        place[order], place[-1] = np.arange(len(order)), -1
        codes, texts = place[codes], texts.iloc[order]
    dtype = pd.CategoricalDtype(pd.Index(texts, dtype="str"))
    return pd.Categorical.from_codes(codes, dtype=dtype, validate=False)


def _unify(columns):
    """Dictionary columns end to end: their codes over one sorted list of names (-1 is null), and that list."""
    chunks = [chunk for column in columns for chunk in column.chunks]
    names = sorted({v for chunk in chunks for v in chunk.dictionary.to_pylist()})
    place = {name: i for i, name in enumerate(names)}
    codes = [np.array([place[v] for v in chunk.dictionary.to_pylist()] + [-1], dtype=np.int32)[
        chunk.indices.fill_null(len(chunk.dictionary)).to_numpy(zero_copy_only=False)] for chunk in chunks]
    return np.concatenate(codes) if codes else np.array([], dtype=np.int32), pa.array(names, pa.string())


def _encode(chunks):
    """One dictionary over all chunks; encoded chunk by chunk, each would carry a dictionary of its own."""
    whole = pa.chunked_array(chunks, pa.string()).cast(pa.large_string()).combine_chunks()
    return (whole.chunk(0) if isinstance(whole, pa.ChunkedArray) else whole).dictionary_encode()


def _codes(coded):
    """Places in the dictionary; -1 is null."""
    return coded.indices.fill_null(-1).to_numpy(zero_copy_only=False)


def _distinct(numbers):
    """Sorted distinct whole numbers; sorting beats the hashing of numpy.unique about tenfold here."""
    numbers = np.sort(numbers)
    return numbers[np.append(True, numbers[1:] != numbers[:-1])[: len(numbers)]]


def _decoded(column):
    """A dictionary column as plain text."""
    return pa.chunked_array([chunk.dictionary_decode() for chunk in column.chunks], pa.string()).to_pandas()


def _each(texts):
    """The values of a long text column one by one, without holding them all as Python strings."""
    for start in range(0, len(texts), _SLICE):
        yield from texts.slice(start, _SLICE).to_pylist()


def _ascii(texts):
    """Fixed-width ASCII bytes as an Arrow text column."""
    ends = np.arange(len(texts) + 1, dtype=np.int32) * texts.dtype.itemsize
    return pa.StringArray.from_buffers(len(texts), pa.py_buffer(ends), pa.py_buffer(np.ascontiguousarray(texts)))
