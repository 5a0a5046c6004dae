"""Parts to the tables of an Exposure, in room that does not grow with the number of records.

Sightings and fixes, of which there may be any number, are gone through twice: once to learn who and what occurs and
which records repeat others, once to write them, a million rows at a time. The other tables are held whole.
"""

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow as pa

from kit.exposure import Pieces
from kit.ingest.clocks import Profiles
from kit.ingest.identifiers import KINDS, kind_of, spell
from kit.ingest.known import Everybody, Facts
from kit.ingest.repeats import Repeats
from kit.ingest.report import tally
from kit.ingest.times import NO_DAY

PIECE_ROWS = 1 << 20


class Subjects:
    """Every subject once, sorted by pseudonym, and where each stands (-1: nobody)."""

    def __init__(self, files):
        everybody = Everybody()
        for file in files:
            everybody.take(file.subjects())
        self.keys = everybody.keys
        self.names = _ascii(spell(self.keys))

    def __len__(self):
        return len(self.keys)

    def places(self, batch):
        """Places of a batch's subjects."""
        if "subject" not in batch.schema.names:
            return np.full(len(batch), -1, np.int32)
        column = batch["subject"]
        return _placed(column, np.searchsorted(self.keys, column.dictionary.to_numpy()))

    def column(self, places):
        """A category column of the subjects at these places, holding only those that occur."""
        return _category(places, self.names)


class Names:
    """Texts numbered as they are met, whichever batch they come in."""

    def __init__(self):
        self._number = {}

    def __len__(self):
        return len(self._number)

    @property
    def texts(self):
        """All of them, in the order of their numbers."""
        return list(self._number)

    def places(self, texts):
        """Their numbers."""
        return np.array([self._number.setdefault(text, len(self._number)) for text in texts.to_pylist()], np.int32)


@dataclass
class OfSource:
    """What the sightings of one source amount to: by sensor and hour of the day, and how many are duplicates."""

    profiles: Profiles
    duplicates: int = 0


@dataclass
class Survey:
    """What a first look at all sightings tells: which sensors and subjects occur, and which rows repeat another."""

    sensors: Names
    subject_seen: np.ndarray
    duplicate: np.ndarray
    of_source: dict


def survey_sightings(files, subjects, scratch):
    """Go through all sightings once.

    Parameters
    ----------
    files : list of parts.FileParts
    subjects : Subjects
    scratch : Path
        A folder for what is too much to hold.

    Returns
    -------
    Survey
    """
    files = [file for file in files if file.makes("sightings")]
    survey = Survey(Names(), np.zeros(len(subjects), bool), None, {})
    repeats, at = Repeats(sum(file.entry["kept"] for file in files), scratch), 0
    for file in files:
        mine = survey.of_source.setdefault(file.source.name, OfSource(Profiles.none(0)))
        for batch in file.rows({"subject", "sensor_id", "time"}):
            column, time, who = batch["sensor_id"], batch["time"].to_numpy(), subjects.places(batch)
            places = survey.sensors.places(column.dictionary)
            if len(mine.profiles) < len(survey.sensors):
                mine.profiles = mine.profiles.grown(2 * len(survey.sensors))
            mine.profiles.take(Profiles.of(_codes(column), time, len(places)), places)
            survey.subject_seen[who[who >= 0]] = True
            repeats.add(at, who, _placed(column, places), time)
            at += len(batch)
    survey.duplicate, at = repeats.flags(), 0
    for file in files:
        survey.of_source[file.source.name].duplicates += int(survey.duplicate[at : at + file.entry["kept"]].sum())
        at += file.entry["kept"]
    for mine in survey.of_source.values():
        mine.profiles = mine.profiles.grown(len(survey.sensors))
    return survey


def sightings_table(files, subjects, survey):
    """The sightings of all sources by record number, a piece at a time; None if there are none."""
    if not len(survey.duplicate):
        return None
    sensor_seen = sum(mine.profiles.records for mine in survey.of_source.values()) > 0
    systems = sorted({dict(file.source.set)["source"] for file in files if file.makes("sightings")})
    who = Categories(subjects.names, survey.subject_seen)
    sensor = Categories(pa.array(survey.sensors.texts, pa.string()), sensor_seen)
    source = Categories(pa.array(systems, pa.string()), np.ones(len(systems), bool))

    def columns():
        for file in files:
            system = systems.index(dict(file.source.set)["source"]) if file.makes("sightings") else None
            for batch in file.rows() if file.makes("sightings") else ():
                yield (batch["record"].to_numpy(), subjects.places(batch),
                       _placed(batch["sensor_id"], survey.sensors.places(batch["sensor_id"].dictionary)),
                       batch["time"].to_numpy(), np.full(len(batch), system, np.int8), _numbers(batch, "score"))

    def frames():
        at = 0
        for record, subject, place, time, system, score in _regular(columns()):
            yield pd.DataFrame({
                "sighting_id": record, "subject_id": who.column(subject), "sensor_id": sensor.column(place),
                "time": instants(time), "source": source.column(system), "score": score.astype(np.float32),
                "duplicate": survey.duplicate[at : at + len(record)]})
            at += len(record)

    return Pieces(len(survey.duplicate), frames)


def fixes_table(files, subjects):
    """The usable positions of all sources, a piece at a time; a fix has the number of the record it came in."""
    files = [file for file in files if file.makes("fixes")]
    seen, rows = np.zeros(len(subjects), bool), 0

    def columns():
        for file in files:
            for batch in file.rows():
                lon, lat = _numbers(batch, "lon"), _numbers(batch, "lat")
                there = np.flatnonzero(~np.isnan(lon) & ~np.isnan(lat))
                yield (batch["record"].to_numpy()[there], subjects.places(batch)[there],
                       batch["time"].to_numpy()[there], lon[there], lat[there], _numbers(batch, "accuracy_m")[there])

    for _, subject, *_ in columns():
        seen[subject] = True
        rows += len(subject)
    who = Categories(subjects.names, seen)

    def frames():
        for record, subject, time, lon, lat, accuracy in _regular(columns()):
            yield pd.DataFrame({"fix_id": record, "subject_id": who.column(subject), "time": instants(time),
                                "lon": lon, "lat": lat, "accuracy_m": accuracy.astype(np.float32)})

    return Pieces(rows, frames) if rows else None


def _regular(columns):
    """Columns that come in batches of any size, in pieces of `PIECE_ROWS` each, the last one shorter."""
    held, rows = [], 0
    for batch in columns:
        held.append(batch)
        rows += len(batch[0])
        while rows >= PIECE_ROWS:
            whole = [np.concatenate(column) for column in zip(*held, strict=True)]
            yield [column[:PIECE_ROWS] for column in whole]
            held, rows = [[column[PIECE_ROWS:] for column in whole]], rows - PIECE_ROWS
    if rows:
        yield [np.concatenate(column) for column in zip(*held, strict=True)]


def readings_table(files, subjects):
    """The meter readings of all sources, by household and day."""
    files = [file for file in files if file.makes("readings")]
    zones, found = Names(), []
    for file in files:
        for batch in file.rows():
            zone = np.full(len(batch), -1, np.int32)
            if "zone_id" in batch.schema.names:
                zone = _placed(batch["zone_id"], zones.places(batch["zone_id"].dictionary))
            found.append((subjects.places(batch), zone, batch["date"].to_numpy(), batch["kwh"].to_numpy()))
    if not sum(len(one[0]) for one in found):
        return None
    who, zone, date, kwh = (np.concatenate(column) for column in zip(*found, strict=True))
    frame = pd.DataFrame({
        "household_id": subjects.column(who), "zone_id": _category(zone, pa.array(zones.texts, pa.string())),
        "date": date.astype("datetime64[D]").astype("datetime64[us]"), "kwh": kwh.astype(np.float32)})
    return frame.sort_values(["household_id", "date", "kwh"], ignore_index=True)


def sensors_table(files, sources):
    """The sensors of all sources by id, of which the first record counts; and how many repeats each source had."""
    frames = []
    for source in sources:
        for file in files:
            for batch in file.rows() if file.source is source and file.makes("sensors") else ():
                columns = {name: batch[name].dictionary_decode().to_pandas() for name in _OF_SENSORS
                           if name in batch.schema.names}
                fixed = {name: value for name, value in source.set if name not in columns}
                frames.append(pd.DataFrame({**columns, "lon": batch["lon"], "lat": batch["lat"]}).assign(
                    **fixed, origin=source.name))
    if not frames:
        return None, {}
    whole = pd.concat(frames, ignore_index=True).astype({"sensor_id": "str"})
    for name in {"place_class", "zone_id"} - set(whole):
        whole[name] = pd.Series(pd.NA, whole.index, "str")  # what no source tells of its sensors
    repeats = whole.duplicated("sensor_id")
    frame = whole[~repeats].sort_values("sensor_id", ignore_index=True)
    points = gpd.points_from_xy(frame.pop("lon"), frame.pop("lat"))
    counts = whole.loc[repeats, "origin"].value_counts().to_dict()
    return gpd.GeoDataFrame(frame.drop(columns="origin"), geometry=points, crs="EPSG:4326"), counts


_OF_SENSORS = ("sensor_id", "kind", "place_class", "zone_id")


def positions_of(files, sources):
    """Longitudes and latitudes of all records of the sources that give them."""
    found = {source.name: [] for source in sources if source.field_of("lon")}
    for file in files:
        for batch in file.rows({"lon", "lat"}) if file.source.name in found else ():
            found[file.source.name].append((batch["lon"].to_numpy(), batch["lat"].to_numpy()))
    return {name: [np.concatenate(axis) for axis in zip(*both, strict=True)] for name, both in found.items() if both}


def facts_of(files, sources):
    """What the records of each source say of its subjects."""
    said = {source.name: Facts() for source in sources}
    for file in files:
        said[file.source.name].take(file.facts())
    return said


def subjects_table(said, sources, subjects, first_day, keep_labels):
    """One row a subject. Where records disagree about someone, the commonest value counts, then the lowest.

    Parameters
    ----------
    said : dict of str to Facts
        By source.
    first_day : int or None
        Day from 1970 at which ages are taken.
    keep_labels : bool
        True for the invented city only; elsewhere system_label is null throughout.
    """
    ages, labels = [], []
    for source in (source for source in sources if source.makes != ("nothing",)):
        facts, age, label = said[source.name], source.field_of("age_band"), source.field_of("system_label")
        if age:
            who, value, n = facts.pairs("age_band")
            ages.append((who, _bands(value, age, first_day), n))
        if keep_labels and label:
            labels.append((facts, f"tally:{label.path}"))
    names = sorted({name for facts, field in labels for name in facts.names.get(field, ())})
    place = {name: i for i, name in enumerate(names)}
    named = []
    for facts, field in labels:
        who, value, n = facts.pairs(field)
        named.append((who, np.array([place[name] for name in facts.names.get(field, ())], np.int64)[value], n))
    bands, label_codes = _modal(ages, subjects.keys), _modal(named, subjects.keys)
    known = np.unique(bands[bands >= 0])
    band_texts = pa.array([f"{b // 1000}-{b // 1000 + b % 1000 - 1}" for b in known.tolist()], pa.string())
    return pd.DataFrame({
        "subject_id": _category(np.arange(len(subjects)), subjects.names),
        "kind": _category(kind_of(subjects.keys), pa.array(KINDS)),
        "age_band": _category(np.where(bands >= 0, np.searchsorted(known, bands), -1), band_texts),
        "system_label": _category(label_codes, pa.array(names, pa.string()))})


def tallies(facts):
    """For each tallied field of a source, how many people carry each value; see `report.tally`."""
    found = {}
    for field, names in facts.names.items():
        who, value, _ = facts.pairs(field)
        people = np.bincount(value, minlength=len(names)).tolist()
        found[field.removeprefix("tally:")] = tally(dict(zip(names, people, strict=True)), len(np.unique(who)))
    return found


def instants(micros):
    """Microseconds since 1970 UTC as a column of times."""
    return pd.Series(micros.view("datetime64[us]")).dt.tz_localize("UTC")


def _bands(values, spec, first_day):
    """Age bands as one number each, lower end * 1000 + width, made of birthdays where such were said; -1: unknown."""
    if spec.what != "time":
        return values
    ages = _ages(values, first_day)
    floors = np.where((ages >= 0) & (ages <= 120), ages // spec.step * spec.step, np.nan)
    return np.where(np.isnan(floors), -1, np.nan_to_num(floors) * 1000 + spec.step).astype(np.int64)


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


def _modal(said, keys):
    """For each subject its commonest value, the lowest of several; -1 where there is none."""
    chosen = np.full(len(keys), -1, dtype=np.int64)
    if not said:
        return chosen
    who, value, n = (np.concatenate(column) for column in zip(*said, strict=True))
    known = value >= 0
    order = np.lexsort((value[known], who[known]))
    who, value, n = who[known][order], value[known][order], n[known][order]
    if not len(who):
        return chosen
    starts = np.flatnonzero(np.append(True, (who[1:] != who[:-1]) | (value[1:] != value[:-1])))
    who, value, n = who[starts], value[starts], np.add.reduceat(n, starts)
    order = np.lexsort((-value, n, who))
    chosen[np.searchsorted(keys, who[order])] = value[order]  # the last one written is the commonest, lowest value
    return chosen


class Categories:
    """Those of some names that occur, sorted: what codes into the names become as a category column."""

    def __init__(self, names, used):
        texts = names.to_pandas()
        order = np.flatnonzero(used)
        if not texts.is_monotonic_increasing:
            order = order[np.argsort(texts.to_numpy(dtype=object)[order])]
        self._place = np.full(len(names) + 1, -1, dtype=np.int32)
        self._place[order] = np.arange(len(order), dtype=np.int32)
        self._dtype = pd.CategoricalDtype(pd.Index(texts.iloc[order], dtype="str"))

    def column(self, codes):
        """The names at these places; -1 is null."""
        return pd.Categorical.from_codes(self._place[codes], dtype=self._dtype, validate=False)


def _category(codes, names):
    """A category column over those names that occur, sorted; -1 is null."""
    codes = np.asarray(codes)
    return Categories(names, np.bincount(codes[codes >= 0], minlength=len(names)) > 0).column(codes)


def _codes(column):
    """Places in the dictionary; -1 is null."""
    return column.indices.fill_null(-1).to_numpy(zero_copy_only=False)


def _placed(column, places):
    """The codes of a dictionary column, with its values at other places; -1 is null."""
    return np.append(np.asarray(places, np.int32), np.int32(-1))[_codes(column)]


def _numbers(batch, name):
    """A column of numbers, NaN throughout where the source has none."""
    if name not in batch.schema.names:
        return np.full(len(batch), np.nan)
    return batch[name].to_numpy(zero_copy_only=False)


def _ascii(texts):
    """Fixed-width ASCII bytes as an Arrow text column."""
    ends = np.arange(len(texts) + 1, dtype=np.int32) * texts.dtype.itemsize
    return pa.StringArray.from_buffers(len(texts), pa.py_buffer(ends), pa.py_buffer(np.ascontiguousarray(texts)))
