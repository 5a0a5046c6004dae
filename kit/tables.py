"""The one vocabulary: a contract for each table, with its columns, types and units.

Tables are plain pandas (or geopandas) frames. `validate` looks at every value and is called where data enters
(ingest, `open_exposure`); `check` looks at columns and types only and opens the hot functions. Both speak of all
that is wrong at once.

A column's type is one of:
    id        whatever names a person, sensor or place; stored as a category of strings, accepted as anything hashable
    row       int64, unique: names one row, so that a derived row can be traced back
    time      datetime64[us, UTC]; any zone is accepted, a naive time never
    date      datetime64[us] at midnight: a calendar day on the local clock
    float, float32, int, bool, text, geometry
"""

from dataclasses import dataclass
from functools import cache

import geopandas as gpd
import numpy as np
import pandas as pd

from kit.errors import InputError


@dataclass(frozen=True)
class Column:
    """One column of a contract."""

    name: str
    type: str
    what: str
    unit: str = ""
    nullable: bool = False
    optional: bool = False
    low: float | None = None
    high: float | None = None
    one_of: tuple[str, ...] = ()


@dataclass(frozen=True)
class Table:
    """What a row is, and its columns in order."""

    name: str
    row: str
    columns: tuple[Column, ...]

    def column(self, name):
        return next(c for c in self.columns if c.name == name)


def _row(name, what):
    return Column(name, "row", what)


def _id(name, what, **more):
    return Column(name, "id", what, **more)


def _time(name, what, **more):
    return Column(name, "time", what, unit="UTC", **more)


SENSOR_KINDS = ("camera", "wifi", "checkpoint", "plate_reader", "pump", "cell")
SUBJECT_KINDS = ("person", "device", "vehicle", "household")
SOURCES = ("face", "wifi", "checkpoint", "datadoor", "phone", "plate", "fuel")

CONTRACTS = {
    table.name: table
    for table in (
        Table("sensors", "a fixed sensor", (
            _id("sensor_id", "names the sensor"),
            _id("kind", "what it is", one_of=SENSOR_KINDS),
            _id("place_class", "what stands there: transit, clinic, residential, gate, lift ...", nullable=True),
            _id("zone_id", "the area it stands in: a district, or an estate's entrance group", nullable=True),
            Column("geometry", "geometry", "its position, a Point", unit="EPSG:4326"),
        )),
        Table("sightings", "one sensor recording one subject once", (
            _row("sighting_id", "the record's number in the raw dump, from 0"),
            _id("subject_id", "pseudonym of who or what was seen; null when the system could not say", nullable=True),
            _id("sensor_id", "where"),
            _time("time", "when, by the sensor's own clock"),
            _id("source", "which system recorded it", one_of=SOURCES),
            Column("score", "float32", "the system's confidence in its match", unit="0 to 1", nullable=True,
                   low=0, high=1),
            Column("duplicate", "bool", "repeats another record of the same subject and sensor", optional=True),
        )),
        Table("fixes", "one GPS position", (
            _row("fix_id", "the fix's number"),
            _id("subject_id", "pseudonym of the device"),
            _time("time", "when"),
            Column("lon", "float", "longitude", unit="degrees, WGS 84", low=-180, high=180),
            Column("lat", "float", "latitude", unit="degrees, WGS 84", low=-90, high=90),
            Column("accuracy_m", "float32", "stated accuracy", unit="m", nullable=True, low=0),
        )),
        Table("readings", "a meter's day", (
            _id("household_id", "pseudonym of the household"),
            _id("zone_id", "the area it lies in", nullable=True),
            Column("date", "date", "the local calendar day"),
            Column("kwh", "float32", "electricity used", unit="kWh", low=0),
        )),
        Table("subjects", "who or what was seen", (
            _id("subject_id", "pseudonym"),
            _id("kind", "what it is", one_of=SUBJECT_KINDS),
            _id("age_band", "coarse age, of persons", unit="years", nullable=True),
            _id("system_label", "the invented label of the invented city; null in any other exposure", nullable=True),
        )),
        Table("visits", "a run of sightings at one place", (
            _row("visit_id", "names the visit"),
            _id("subject_id", "who"),
            _id("place_id", "where: a sensor or a zone"),
            _time("arrived_at", "first sighting of the run"),
            _time("left_at", "last sighting of the run"),
            Column("dwell_min_s", "float", "surely there: last less first sighting", unit="s", low=0),
            Column("dwell_max_s", "float", "possibly there: from the sighting before to the one after, elsewhere; "
                   "null where there is none", unit="s", nullable=True, low=0),
            Column("n_sightings", "int", "records in the run", low=1),
            Column("first_sighting_id", "int", "trace to the first record"),
            Column("last_sighting_id", "int", "trace to the last record"),
        )),
        Table("stays", "a stop found in fixes", (
            _row("stay_id", "names the stay"),
            _id("subject_id", "who"),
            _time("started_at", "first fix of the stay"),
            _time("finished_at", "first fix outside, or last fix inside, as `find_stays` was told"),
            Column("lon", "float", "longitude of its middle", unit="degrees, WGS 84", low=-180, high=180),
            Column("lat", "float", "latitude of its middle", unit="degrees, WGS 84", low=-90, high=90),
            Column("n_fixes", "int", "fixes inside, repeats not counted", low=1),
            Column("first_fix_id", "int", "trace to the first fix inside"),
            Column("last_fix_id", "int", "trace to the last fix inside"),
            _id("location_id", "the location it belongs to; null when to none", nullable=True, optional=True),
        )),
        Table("locations", "a place where stays lie close together", (
            _id("location_id", "names the location"),
            _id("subject_id", "whose it is; null when it is shared between subjects", nullable=True),
            Column("lon", "float", "longitude of its middle", unit="degrees, WGS 84", low=-180, high=180),
            Column("lat", "float", "latitude of its middle", unit="degrees, WGS 84", low=-90, high=90),
            Column("n_stays", "int", "stays there", low=1),
            Column("n_subjects", "int", "subjects who stayed there", low=1),
        )),
        Table("trips", "what lies between two visits or stays", (
            _row("trip_id", "names the trip"),
            _id("subject_id", "who"),
            Column("origin_id", "int", "`visit_id` or `stay_id` of where it began"),
            Column("destination_id", "int", "`visit_id` or `stay_id` of where it ended"),
            _time("departed_at", "end of the visit or stay before"),
            _time("arrived_at", "begin of the visit or stay after"),
        )),
        Table("places", "a place that matters to a subject", (
            _id("subject_id", "who"),
            _id("place_id", "where"),
            _id("role", "what it is to them", one_of=("home", "work", "other")),
            Column("nights", "int", "distinct local nights (days, for work) of evidence", low=0),
            Column("share", "float", "share of the subject's evidence that falls here", unit="0 to 1", low=0, high=1),
            Column("confidence", "float", "posterior probability of the role", unit="0 to 1", low=0, high=1),
        )),
        Table("copresence", "two subjects at one sensor within one window, once or more", (
            _id("subject_a", "one of the two, the smaller id"),
            _id("subject_b", "the other"),
            Column("n", "int", "windows, each at one sensor, in which both were recorded", low=1),
            Column("expected", "float", "windows to expect of two people with these routines who pay each other no "
                   "heed; null where no routine can be known", nullable=True, low=0),
            Column("p_value", "float", "chance of so many shared days or more, were it routine alone", unit="0 to 1",
                   low=0, high=1),
            Column("q_value", "float", "Benjamini-Hochberg over all pairs tested", unit="0 to 1", low=0, high=1),
            Column("n_days", "int", "local days with a shared window: what p_value is about", optional=True, low=1),
            Column("expected_days", "float", "days to expect by routine alone", optional=True, nullable=True, low=0),
            Column("more_than_chance", "bool", "q_value is at most the false discovery rate asked for", optional=True),
        )),
        Table("proximity", "two badges near each other during one step", (
            _id("subject_a", "one of the two, in either order"),
            _id("subject_b", "the other"),
            _time("time", "the end of the step"),
        )),
        Table("contacts", "a run of proximity records of one pair, one step apart", (
            _id("subject_a", "one of the two, the smaller id"),
            _id("subject_b", "the other"),
            _time("started_at", "one step before the first record"),
            _time("finished_at", "the last record; the duration is n_records times the step"),
            Column("n_records", "int", "records in the run", low=1),
        )),
    )
}


def check(frame, table, columns=None):
    """Refuse a frame that lacks columns or types of a contract; values are not looked at.

    Parameters
    ----------
    frame : pandas.DataFrame
    table : str
        Name of a contract, for example "sightings".
    columns : iterable of str, optional
        Only these columns are needed; default is every column that is not optional.

    Raises
    ------
    InputError
        Names each missing column with what was found, each wrong type, each time without a zone.

    >>> check(pd.DataFrame({"subject_id": ["p_1"]}), "sightings", ["subject_id", "time"])
    Traceback (most recent call last):
    kit.errors.InputError: The sightings table lacks the column time; it has subject_id. Rename or add it.
    """
    if not isinstance(frame, pd.DataFrame):
        raise InputError(_not_a_frame(frame, table))
    contract = CONTRACTS[table]
    needed = [c for c in contract.columns if (c.name in columns if columns is not None else not c.optional)]
    missing = [c.name for c in needed if c.name not in frame.columns]
    if missing:
        noun = "column" if len(missing) == 1 else "columns"
        found = ", ".join(map(str, frame.columns)) or "none"
        raise InputError(f"The {table} table lacks the {noun} {', '.join(missing)}; it has {found}. Rename or add it.")
    for column in needed:
        _check_type(frame[column.name], column, table)


def validate(frame, table, where):
    """Check columns, types and every value, and return the frame in canonical form.

    Parameters
    ----------
    frame : pandas.DataFrame
    table : str
        Name of a contract.
    where : str
        Named in the message, for example the file the table came from.

    Returns
    -------
    pandas.DataFrame
        As `canonical` gives it.

    Raises
    ------
    InputError
        All failures at once, each with its column, how many rows and the first row.
    """
    try:
        check(frame, table)
    except InputError as error:
        raise InputError(f"In {where}: {error}") from None
    tidy = canonical(frame, table)
    problems = _value_problems(tidy, table)
    if problems:
        raise InputError(f"In {where}, the {table} table has values that cannot be: {'; '.join(problems)}. "
                         "Correct or remove those rows.")
    return tidy


def canonical(frame, table):
    """Return a new frame with the contract's columns in order and in their stored types; other columns are dropped.

    >>> canonical(pd.DataFrame({"subject_id": ["p_1"], "kind": ["person"]}), "subjects").columns.tolist()
    ['subject_id', 'kind', 'age_band', 'system_label']
    """
    columns = {}
    for column in CONTRACTS[table].columns:
        if column.name in frame.columns:
            columns[column.name] = _cast(frame[column.name], column)
        elif not column.optional:
            columns[column.name] = _cast(pd.Series([None] * len(frame), dtype=object), column).set_axis(frame.index)
    tidy = pd.DataFrame(columns, index=frame.index).reset_index(drop=True)
    if "geometry" in columns:
        return gpd.GeoDataFrame(tidy, geometry="geometry", crs=getattr(frame, "crs", None) or "EPSG:4326")
    return tidy


def empty(table):
    """A frame with a contract's columns and types and no rows.

    >>> len(empty("visits")), empty("visits")["arrived_at"].dtype
    (0, datetime64[us, UTC])
    """
    columns = [c for c in CONTRACTS[table].columns if not c.optional]
    return canonical(pd.DataFrame({c.name: pd.Series([], dtype=_EMPTY.get(c.type, object)) for c in columns}), table)


_EMPTY = {"time": "datetime64[us, UTC]", "geometry": "geometry"}


def utc(times, name="time"):
    """A series of times as datetime64[us, UTC]; a naive or non-time series raises InputError."""
    if not isinstance(times.dtype, pd.DatetimeTZDtype):
        if pd.api.types.is_datetime64_dtype(times.dtype):
            raise InputError(f"The column {name} has times without a zone; say which clock they are on with "
                             f"frame['{name}'].dt.tz_localize('Etc/GMT-8') or another zone.")
        raise InputError(f"The column {name} must hold times with a zone, but it holds {times.dtype}; "
                         "convert it with pandas.to_datetime(..., utc=True).")
    return times.dt.tz_convert("UTC").dt.as_unit("us")


def rows_of_sensors(sensors, ids, whose):
    """Where in the table of sensors each of these ids stands; `whose` names the records they come from.

    >>> rows_of_sensors(pd.DataFrame({"sensor_id": ["a", "b"]}), pd.Index(["b"]), "sightings").tolist()
    [1]
    """
    listed = pd.Index(sensors["sensor_id"])
    if not listed.is_unique:
        raise InputError(f"The sensors table names {listed[listed.duplicated()][0]!r} more than once; keep one row for "
                         "each sensor.")
    rows = listed.get_indexer(ids)
    if (rows < 0).any():
        raise InputError(f"{int((rows < 0).sum())} sensors of the {whose} are not in the sensors table, for example "
                         f"{ids[rows < 0][0]!r}; add them or leave out their {whose}.")
    return rows


def as_markdown():
    """The data dictionary: every contract as a Markdown table, as `docs/data-dictionary.md` holds it."""
    parts = [_DICTIONARY_HEAD]
    for contract in CONTRACTS.values():
        parts.append(f"## `{contract.name}`\n\nA row is {contract.row}.\n")
        parts.append("| column | type | unit | what it is |\n|---|---|---|---|")
        parts += [f"| `{c.name}` | {_type_words(c)} | {c.unit or '–'} | {_what_words(c)} |" for c in contract.columns]
        parts.append("")
    return "\n".join(parts)


_DICTIONARY_HEAD = """# Data dictionary

Every table that an exposure opens with, and those the kit derives, have one of these contracts (`kit/tables.py`); the
truth of an invented exposure is described in its `datapackage.json`. Ids are
dictionary-encoded text, times are `datetime64[us, UTC]`, lengths are metres, positions are longitude and latitude in
WGS 84 degrees. `null` means that a value may be missing, `optional` that the whole column may be.
"""


def _type_words(column):
    marks = [word for word, on in (("null", column.nullable), ("optional", column.optional)) if on]
    return ", ".join([column.type, *marks])


def _what_words(column):
    return f"{column.what}; one of {', '.join(column.one_of)}" if column.one_of else column.what


def _check_type(values, column, table):
    kind = column.type
    if kind == "time":
        utc(values.iloc[:0], column.name)
    elif kind in {"float", "float32", "int", "row"} and not pd.api.types.is_numeric_dtype(values.dtype):
        raise InputError(f"The column {column.name} of the {table} table must hold numbers, but it holds "
                         f"{values.dtype}; convert it with pandas.to_numeric.")
    elif kind == "row" and not pd.api.types.is_integer_dtype(values.dtype):
        raise InputError(f"The column {column.name} of the {table} table must hold whole numbers, but it holds "
                         f"{values.dtype}.")
    elif kind == "geometry" and not isinstance(values, gpd.GeoSeries):
        raise InputError(f"The {table} table needs a geometry column of points; make it with "
                         "geopandas.GeoDataFrame(frame, geometry=geopandas.points_from_xy(lon, lat), crs='EPSG:4326').")


def _not_a_frame(thing, table):
    if hasattr(thing, "execute") and hasattr(thing, "schema"):
        return f"The {table} table is an Ibis table; this function works on pandas frames, kit.scale answers on Ibis."
    return f"The {table} table must be a pandas DataFrame, but it is a {type(thing).__name__}."


def _cast(values, column):
    match column.type:
        case "id":
            return values if _is_text_category(values) else _as_category(values)
        case "row" | "int":
            return values.astype(np.int64)
        case "time":
            return utc(values, column.name)
        case "date":
            return pd.to_datetime(values).astype("datetime64[us]")
        case "float":
            return values.astype(np.float64)
        case "float32":
            return values.astype(np.float32)
        case "bool":
            return values.astype(bool)
        case "text":
            return values.astype("str")
    return values


def _is_text_category(values):
    return (isinstance(values.dtype, pd.CategoricalDtype)
            and pd.api.types.is_string_dtype(values.cat.categories.dtype)
            and values.cat.categories.is_monotonic_increasing and not values.cat.ordered)


def _as_category(values):
    """A category of strings in sorted order, so that codes sort as the names do."""
    plain = values.astype(object)
    text = plain.where(plain.isna(), plain.map(str)).where(plain.notna(), None)
    return text.astype(pd.CategoricalDtype(pd.Index(sorted(text.dropna().unique()), dtype="str")))


@cache
def _schema(table):
    """The contract as a pandera schema; built late, since most calls need not pay for importing pandera."""
    import pandera.pandas as pa

    columns = {}
    for column in CONTRACTS[table].columns:
        checks = []
        if column.low is not None:
            checks.append(pa.Check.ge(column.low))
        if column.high is not None:
            checks.append(pa.Check.le(column.high))
        if column.one_of:
            checks.append(pa.Check.isin(column.one_of))
        columns[column.name] = pa.Column(None, checks, nullable=column.nullable, required=not column.optional,
                                         unique=column.type == "row")
    return pa.DataFrameSchema(columns)


def _value_problems(frame, table):
    import pandera.errors

    problems = []
    if table == "sensors":
        problems += _geometry_problems(frame)
    try:
        _schema(table).validate(pd.DataFrame(frame), lazy=True)
    except pandera.errors.SchemaErrors as failure:
        for (column, rule), rows in failure.failure_cases.groupby(["column", "check"], sort=True):
            first = rows["index"].dropna()
            at = f", first in row {int(first.iloc[0])}" if len(first) else ""
            problems.append(f"{column} breaks the rule {rule} in {len(rows)} rows{at}")
    return problems


def _geometry_problems(sensors):
    points = sensors.geometry
    if not (points.geom_type == "Point").all():
        return ["geometry must be points"]
    outside = ~(points.x.between(-180, 180) & points.y.between(-90, 90))
    if outside.any():
        return [f"geometry lies outside longitude -180..180, latitude -90..90 in {int(outside.sum())} rows, "
                f"first in row {int(np.flatnonzero(outside)[0])} (are longitude and latitude swapped?)"]
    return []
