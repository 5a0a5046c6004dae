"""Raw text to clean columns: what each field's recipe says, done to one block of records.

A record that lacks what its table cannot do without (a time, a sensor, a position) leaves here for the quarantine,
with its first fault as the reason. Everything else stays, its gaps null and counted.
"""

import re
from collections import Counter
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from kit.errors import InputError
from kit.ingest import times
from kit.tables import SENSOR_KINDS

_NUMBER = re.compile(r"\s*[-+]?\d+(\.\d*)?([eE][-+]?\d+)?\s*")
_WRAPPED = re.compile(r'\{"\$[A-Za-z]+":"?([^"{}]*)"?\}')
_OLDEST = 120
_CATEGORIES = ("sensor_id", "kind", "place_class", "zone_id", "system_label")


@dataclass
class Part:
    """One block, cleaned: columns of the records that stay, and the quarantine of those that do not.

    `columns` has `record` (number within the block's records), and as the source gives them: subject_id (raw text,
    until it is pseudonymised), time and date (int64), numbers (float64), categories (dictionary), `tally:` fields.
    """

    count: int
    columns: dict
    quarantine: list[dict] = field(default_factory=list)
    notes: Counter = field(default_factory=Counter)
    keys: set = field(default_factory=set)


def clean(block, records, source, tz, file):
    """Do to a block of records what the recipe says.

    Parameters
    ----------
    block : formats.Block
    records : formats.Records
    source : recipe.Source
    tz : str
        Zone of clock times that carry none.
    file : str
        Name of the file, for messages and the quarantine.

    Returns
    -------
    Part

    Raises
    ------
    InputError
        If a field that the recipe refuses holds anything.
    """
    faults, notes = _Faults(len(records.rows)), {}
    columns = {"record": np.searchsorted(_all_rows(records), records.rows)}
    for spec in source.read:
        texts = records.texts[spec.path]
        if spec.do == "refuse":
            _refuse(texts, spec, file, block, records)
        elif spec.do == "tally":
            columns[f"tally:{spec.path}"] = _category(texts)
        elif spec.column:
            columns[spec.column] = _convert(texts, spec, tz, faults, notes)
    if source.derived:
        columns.update(_derive(records, source))
    _require(columns, source, faults, notes)
    stays = faults.codes == 0
    bad = [*records.broken, *((int(row), faults.reasons[code - 1])
                              for row, code in zip(records.rows[~stays], faults.codes[~stays], strict=True))]
    quarantine = [_quarantined(block, row, reason, file) for row, reason in sorted(bad)]
    if not stays.all():
        columns = {name: _filter(values, stays) for name, values in columns.items()}
    noted = Counter({note: int((rows & stays).sum()) for note, rows in notes.items()})
    return Part(records.count, columns, quarantine, noted, records.keys)


class _Faults:
    """The first fault of each record: 0 is none, else the place of its reason, counted from 1."""

    def __init__(self, n):
        self.codes = np.zeros(n, dtype=np.int16)
        self.reasons = []

    def flag(self, rows, reason):
        new = rows & (self.codes == 0)
        if new.any():
            self.reasons.append(reason)
            self.codes[new] = len(self.reasons)


def _convert(texts, spec, tz, faults, notes):
    if spec.do == "pseudonymise":
        return _identifiers(texts)
    if spec.column == "time":
        micros, forms = times.read_times(texts)
        faults.flag(forms == times.MISSING, "no time")
        instants, usable = times.to_utc(micros, forms, tz)
        faults.flag((forms == times.UNREADABLE) | ~times.on_calendar(instants), "a time that cannot be read")
        faults.flag(~usable, f"a clock time that {tz} skipped or had twice")
        return instants if spec.do == "keep" else instants // int(spec.step * 1e6) * int(spec.step * 1e6)
    if spec.column == "date" or (spec.column == "age_band" and spec.what == "time"):
        days = times.to_days(*times.read_times(texts), tz)
        if spec.column == "date":
            faults.flag(days == times.NO_DAY, "no date that can be read")
        return days
    if spec.column in _CATEGORIES:
        return _category(texts)
    numbers, unreadable = _numbers(texts)
    if spec.column == "age_band":
        return _age_floor(numbers, spec.step)
    if spec.column == "score":
        outside = ~np.isnan(numbers) & ~((numbers >= 0) & (numbers <= 1))
        notes["score missing"] = np.isnan(numbers) & ~unreadable
        notes["score unreadable or outside 0 to 1"] = unreadable | outside
        numbers[outside] = np.nan
    if spec.do == "coarsen":
        numbers = np.round(np.round(numbers / spec.step) * spec.step, 9)
    return numbers


def _require(columns, source, faults, notes):
    """Flag records that lack what their table needs; note fixes that cannot be used."""
    if "sensor_id" in columns:
        faults.flag(_is_null(columns["sensor_id"]), "no sensor")
    if "subject_id" in columns:
        nobody = _is_null(columns["subject_id"])
        if "sightings" in source.makes:
            notes["unmatched"] = nobody
        elif source.makes != ("nothing",):
            faults.flag(nobody, "no identifier")
    if "lon" in columns:
        lon, lat = columns["lon"], columns["lat"]
        on_earth = (np.abs(lon) <= 180) & (np.abs(lat) <= 90)
        if "sightings" in source.makes:
            _keep_usable_fixes(columns, on_earth, notes)
        else:
            faults.flag(np.isnan(lon) | np.isnan(lat), "no position")
            faults.flag(~on_earth, "a position off the globe")
    if "accuracy_m" in columns:
        columns["accuracy_m"] = np.where(columns["accuracy_m"] >= 0, columns["accuracy_m"], np.nan)
    if "kwh" in columns:
        faults.flag(~(columns["kwh"] >= 0), "no amount of electricity that can be read")
    if "kind" in columns:
        faults.flag(~np.isin(_texts(columns["kind"]), SENSOR_KINDS), "an unknown kind of sensor")


def _keep_usable_fixes(columns, on_earth, notes):
    """Where a sighting also carries a position: one off the globe, or of nobody, goes; the sighting stays."""
    given = ~(np.isnan(columns["lon"]) & np.isnan(columns["lat"]))
    usable = on_earth & ~_is_null(columns["subject_id"])
    notes["fix unusable"] = given & ~usable
    for name in ("lon", "lat"):
        columns[name] = np.where(usable, columns[name], np.nan)


def _refuse(texts, spec, file, block, records):
    if texts.null_count == len(texts):
        return
    filled = np.flatnonzero(~np.isin(_texts(texts), ["", "[]", "{}"]) & ~_is_null(texts))
    if len(filled):
        line, _ = block.where(records.rows[filled[0]])
        reason = f" ({spec.why})" if spec.why else ""
        raise InputError(f"Line {line} of {file} fills the field {spec.path}{reason}, which is refused, so nothing was "
                         "written; make a copy of the dump without that field, or drop the file.")


def _derive(records, source):
    """A sensor's columns that are looked up or put together from its fields."""
    texts = {f.path: _category(records.texts[f.path]).to_pylist() for f in source.read}
    derived = {}
    for rule in source.derived:
        known = dict(rule.map)
        values = []
        for i, value in enumerate(texts[rule.origin]):
            if value in known:
                value = known[value]
            elif rule.otherwise is not None and (known or value is None):
                value = rule.otherwise.format_map({path: column[i] or "unknown" for path, column in texts.items()})
            values.append(value)
        derived[rule.column] = pa.array(values, pa.string()).dictionary_encode()
    return derived


def _identifiers(texts):
    """Raw identifiers without the wrapper that MongoDB puts round numbers and object ids; empty is null."""
    if pc.any(pc.starts_with(texts, '{"$')).as_py() or pc.any(pc.equal(texts, "")).as_py():
        return _category(texts).dictionary_decode()
    return texts


def _category(texts):
    """Dictionary-encoded text, unwrapped; empty is null."""
    codes = texts.dictionary_encode()
    plain = [_unwrap(value) or None for value in codes.dictionary.to_pylist()]
    if plain == codes.dictionary.to_pylist():
        return codes
    distinct = list(dict.fromkeys(v for v in plain if v is not None))
    place = {value: i for i, value in enumerate(distinct)}
    places = pa.array([place.get(value) for value in plain], pa.int32())
    return pa.DictionaryArray.from_arrays(places.take(codes.indices), pa.array(distinct, pa.string()))


def _unwrap(value):
    match = _WRAPPED.fullmatch(value)
    return match[1] if match else value


def _numbers(texts):
    """Finite numbers, NaN elsewhere; and which rows hold something that is none."""
    codes = texts.dictionary_encode()
    values = np.array([_number(_unwrap(v)) for v in codes.dictionary.to_pylist()] + [np.nan], dtype=np.float64)
    rows = codes.indices.fill_null(len(values) - 1).to_numpy(zero_copy_only=False)
    numbers = values[rows]
    return numbers, np.isnan(numbers) & ~_is_null(texts)


def _number(text):
    value = float(text) if _NUMBER.fullmatch(text) else np.nan
    return value if np.isfinite(value) else np.nan


def _age_floor(ages, step):
    """The lower end of each age's band; NaN for what is no age."""
    return np.where((ages >= 0) & (ages <= _OLDEST), ages // step * step, np.nan)


def _all_rows(records):
    return np.sort(np.concatenate([records.rows, np.array([row for row, _ in records.broken], dtype=np.int64)]))


def _quarantined(block, row, reason, file):
    line, byte = block.where(row)
    return {"file": file, "line": line, "byte": byte, "reason": reason, "excerpt": block.excerpt(row)}


def _is_null(values):
    return np.asarray(values.is_null())


def _texts(values):
    values = values.dictionary_decode() if pa.types.is_dictionary(values.type) else values
    return np.array([v if v is not None else "" for v in values.to_pylist()], dtype=object)


def _filter(values, stays):
    return values[stays] if isinstance(values, np.ndarray) else values.filter(pa.array(stays))
