"""Raw text to clean columns: what each field's recipe says, done to one block of records.

A record that lacks what its table cannot do without (a time, a sensor, a position) leaves here for the quarantine,
with its first fault as the reason. Everything else stays, its gaps null and counted.
"""

from collections import Counter
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from kit.errors import InputError
from kit.ingest import positions, times
from kit.ingest.numerals import read_numbers, unwrap
from kit.tables import SENSOR_KINDS

_OLDEST = 120
# No trace was recorded before 1900 or will be after 2199: 0001-01-01 and 9999-12-31 stand for a time not known.
_FIRST_US, _END_US = -2_208_988_800_000_000, 7_258_118_400_000_000
_DAY_OR_MONTH = ("a date of which the recipe must say whether the day or the month comes first: "
                 'form = "DD/MM/YYYY" or "MM/DD/YYYY"')
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
        elif spec.column and spec.column not in ("lon", "lat"):
            columns[spec.column] = _convert(texts, spec, tz, faults, notes)
    if source.field_of("lon"):
        columns.update(_place(records, source, faults, notes))
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
        return _time(texts, spec, tz, faults, notes)
    if spec.column == "date" or (spec.column == "age_band" and spec.what == "time"):
        micros, forms = times.read_times(with_points(texts, spec), spec.form, spec.unit)
        days = times.to_days(micros - spec.lasting, forms, spec.zone or tz)
        if spec.column == "date":
            faults.flag(forms == times.DAY_OR_MONTH, _DAY_OR_MONTH)
            faults.flag(days == times.NO_DAY, "no date that can be read")
        return days
    if spec.column in _CATEGORIES:
        return _category(texts)
    numbers, unreadable = read_numbers(texts, spec.decimal)
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


def _time(texts, spec, tz, faults, notes):
    """Instants in microseconds; what could not be placed is flagged, what was read in a way of its own is noted."""
    tz = spec.zone or tz
    micros, forms, marks = times.read_marked_times(with_points(texts, spec), spec.form, spec.unit)
    faults.flag(forms == times.MISSING, "no time")
    faults.flag(forms == times.DAY_OR_MONTH, _DAY_OR_MONTH)
    faults.flag(forms == times.UNREADABLE, "a time that cannot be read")
    outside = (micros < _FIRST_US) | (micros >= _END_US)
    if outside.any():
        faults.flag(outside, "a time before 1900 or after 2199, which stands for none")
        micros = np.where(outside, 0, micros)
    instants, usable = times.to_utc(micros, forms, tz)
    faults.flag(~usable, f"a clock time that {tz} skipped or had twice")
    if marks.any():
        notes["leap second, read as the second after it"] = marks == times.LEAP_SECOND
        notes["24:00, read as the midnight that ends the day"] = marks == times.MIDNIGHT_24
    if spec.lasting:
        instants = instants - spec.lasting
        notes[f"stamped at its end, moved {_length(spec.lasting)} back to its start"] = usable
    return instants if spec.do == "keep" else instants // int(spec.step * 1e6) * int(spec.step * 1e6)


def _length(micros):
    """A length of time in words: in whole minutes if it is, else in seconds."""
    return f"{micros // 60_000_000} min" if micros % 60_000_000 == 0 else f"{micros / 1e6:g} s"


def with_points(texts, spec):
    """Texts of numbers with a decimal point, where the recipe says that theirs have a comma."""
    return pc.replace_substring(texts, ",", ".") if spec.decimal == "," else texts


def _place(records, source, faults, notes):
    """Longitude and latitude in WGS 84 degrees, NaN where there is no usable position."""
    specs = source.field_of("lon"), source.field_of("lat")
    lon, lat, wrong = positions.read_positions(*(records.texts[spec.path] for spec in specs), *specs,
                                               source.crs, source.axes)
    if "sightings" in source.makes:  # a sighting without a usable position is one all the same
        given = ~(_is_null(records.texts[specs[0].path]) & _is_null(records.texts[specs[1].path]))
        notes["fix unusable"] = given & np.isnan(lon)
    else:
        for rows, reason in wrong:
            faults.flag(rows, reason)
    return {"lon": lon, "lat": lat}


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
    if "lon" in columns and "sightings" in source.makes:
        _drop_fixes_of_nobody(columns, notes)
    if "accuracy_m" in columns:
        columns["accuracy_m"] = np.where(columns["accuracy_m"] >= 0, columns["accuracy_m"], np.nan)
    if "kwh" in columns:
        faults.flag(~(columns["kwh"] >= 0), "no amount of electricity that can be read")
    if "kind" in columns:
        faults.flag(~np.isin(_texts(columns["kind"]), SENSOR_KINDS), "an unknown kind of sensor")


def _drop_fixes_of_nobody(columns, notes):
    """Where a sighting also carries a position: one of nobody goes; the sighting stays."""
    nobody = _is_null(columns["subject_id"])
    notes["fix unusable"] = notes["fix unusable"] | (nobody & ~np.isnan(columns["lon"]))
    for name in ("lon", "lat"):
        columns[name] = np.where(nobody, np.nan, columns[name])


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
    plain = [unwrap(value) or None for value in codes.dictionary.to_pylist()]
    if plain == codes.dictionary.to_pylist():
        return codes
    distinct = list(dict.fromkeys(v for v in plain if v is not None))
    place = {value: i for i, value in enumerate(distinct)}
    places = pa.array([place.get(value) for value in plain], pa.int32())
    return pa.DictionaryArray.from_arrays(places.take(codes.indices), pa.array(distinct, pa.string()))


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
