"""Recipes: what each raw field of a dump is, and what becomes of it. A TOML file that a person can read and change.

    name = "register"
    time_zone = "manifest"              # or an IANA name: the clock of times that carry no zone

    [[source]]
    name = "passages"
    files = "passages*.jsonl"
    form = "mongo-lines"                # mongo-lines, es-hits, ndjson, csv, bson, parquet, arrow, sqlite,
                                        # geopackage, excel, geojson, plt, gpx, google,
                                        # mf-json
    makes = "sightings"                 # sensors, sightings, fixes, readings, subjects; nothing: counted, no rows
    [source.set]                        # columns with one value throughout
    source = "face"
    [source.derive]                     # sensors only: columns worked out from a field
    zone_id = { from = "entrance", otherwise = "{community}-{kind}" }
    [source.fields]
    id_no = { is = "identifier", do = "pseudonymise", as = "subject_id", kind = "person" }
    snap_ref = { is = "identifier", do = "drop", why = "a picture of a face" }

A path has dots between levels, and may end in a number, which counts the elements of an array from 0: the longitude of
a GeoJSON point in the member `location` is "location.coordinates.0".

What is coarsened is so by a `step`: years of an age_band (from an age, or a birthday), seconds of a time, else units of
the column. A field that a recipe does not name is dropped and listed in the report. Some actions are not for every
field: no identifier is ever kept, no label survives its tally.

Where a file is one person's and no field says so (plt, gpx, google), the field `person` is the folder it lies in, and
`file` its own name without the ending; excel and mf-json have them too. In every form the fields "<folder>" and
"<file>" are these names, for a dump that says nowhere else whose a file is:

    "<file>" = { is = "identifier", do = "pseudonymise", as = "subject_id", kind = "vehicle" }

A file whose name is somebody's is called by its source and a number in the report. Folders within a dump are read too;
`files` is held against a file's own name, and against its name with its folders: "taxi/*.txt".

What cannot be told from the data alone, a recipe says, field by field (times) or source by source (places):

    ts = { is = "time", do = "keep", as = "time", form = "DD/MM/YYYY" }     # see times.FORMS
    day = { is = "time", do = "keep", as = "time", unit = "excel" }         # plain numbers are s, ms, us, ns, excel...
    at = { is = "time", do = "keep", as = "time", zone = "Asia/Urumqi" }    # the clock of this field alone
    to = { is = "time", do = "keep", as = "time", stamps = "end", lasting = "5min" }   # kept by its start
    kwh = { is = "measurement", do = "keep", as = "kwh", decimal = "," }    # 1.234,5; with "." 1,234.5
    crs = "gcj02"                       # of a source: what its lon and lat are; EPSG:4326 unless said
    axes = "lat lon"                    # of a source: its lon holds latitudes (or northings) and its lat longitudes
    delimiter = ";"                     # of a source; where it is not said, the header tells
    header = ["who", "where"]           # of a source without headers; false names them column_1, column_2 ...
    encoding = "gb18030"                # of a source; where it is not said, the bytes tell
"""

import hashlib
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import pandas as pd

from kit.errors import InputError
from kit.ingest import elements, positions, times
from kit.ingest.identifiers import PREFIXES
from kit.tables import CONTRACTS

ACTIONS = {
    "identifier": ("pseudonymise", "drop", "refuse"),
    "time": ("keep", "coarsen", "drop"),
    "place": ("keep", "tally", "drop"),
    "sensor": ("keep", "tally", "drop"),
    "measurement": ("keep", "coarsen", "tally", "drop"),
    "label": ("tally", "drop", "refuse"),
    "noise": ("drop", "refuse"),
}
FORMS = ("mongo-lines", "es-hits", "ndjson", "csv", "bson", "parquet", "arrow", "sqlite", "geopackage",
         "geojson", "plt", "gpx", "google", "mf-json", "excel")
MAKES = {
    "sensors": {"sensor_id", "kind", "place_class", "zone_id", "lon", "lat"},
    "sightings": {"subject_id", "sensor_id", "time", "source", "score"},
    "fixes": {"subject_id", "time", "lon", "lat", "accuracy_m"},
    "readings": {"subject_id", "zone_id", "date", "kwh"},
    "subjects": {"subject_id"},
    "nothing": {"subject_id"},
}
NEEDED = {
    "sensors": ("sensor_id", "lon", "lat", "kind"),
    "sightings": ("sensor_id", "time", "source"),
    "fixes": ("subject_id", "time", "lon", "lat"),
    "readings": ("subject_id", "date", "kwh"),
    "subjects": ("subject_id",),
    "nothing": (),
}
OPTIONS = {
    "time": ("form", "unit", "zone", "stamps", "lasting", "decimal"),
    "place": ("decimal", "unit"),
    "measurement": ("decimal",),
}
_READING = ("delimiter", "header", "encoding")
_OF_SUBJECTS = {"age_band", "system_label"}
_BUILT_IN = Path(__file__).parent / "recipes"


@dataclass(frozen=True)
class Field:
    """One raw field: `path` in the record, what it `is`, what to `do`, and the column it becomes (`column`).

    The last five say how to read it, where the data leave that open; `lasting` is in microseconds, 0 for no interval.
    """

    path: str
    what: str
    do: str
    column: str | None = None
    kind: str | None = None
    step: float | None = None
    why: str = ""
    form: str | None = None
    unit: str | None = None
    zone: str | None = None
    lasting: int = 0
    decimal: str | None = None


@dataclass(frozen=True)
class Derived:
    """A sensor's column from a raw field: its value looked up in `map`, else `otherwise` with {fields} filled in.

    Without `otherwise` a value that `map` lacks stays; with it, and without `map`, only a missing value is replaced.
    """

    column: str
    origin: str
    map: tuple[tuple[str, str], ...] = ()
    otherwise: str | None = None


@dataclass(frozen=True)
class Source:
    """One kind of file: which files, in which form, the tables their records make, and the fields."""

    name: str
    files: str
    form: str
    makes: tuple[str, ...]
    fields: tuple[Field, ...]
    set: tuple[tuple[str, str], ...] = ()
    derived: tuple[Derived, ...] = ()
    crs: str = "EPSG:4326"
    axes: str = "lon lat"
    delimiter: str | None = None
    header: tuple[str, ...] | bool = True
    encoding: str | None = None

    def field_of(self, column):
        """The field that becomes a column, or None."""
        return next((f for f in self.fields if f.column == column), None)

    @property
    def read(self):
        """The fields whose values are looked at: all but those that are dropped."""
        return tuple(f for f in self.fields if f.do != "drop")


@dataclass(frozen=True)
class Recipe:
    """All sources of a dump, the zone of its clock times, and the text it was read from, with its SHA-256."""

    name: str
    time_zone: str
    sources: tuple[Source, ...]
    sha256: str = ""
    text: str = field(default="", repr=False)


def load_recipe(name_or_path):
    """Read a recipe.

    Parameters
    ----------
    name_or_path : str, Path or Recipe
        "register", "community" or "fusion", or the path of a TOML file; a Recipe is handed back as it is.

    Returns
    -------
    Recipe

    Raises
    ------
    InputError
        If there is no such recipe, or it says something that cannot be: which source, which field, what is allowed.

    >>> [source.name for source in load_recipe("register").sources]
    ['trackers', 'persons', 'passages']
    """
    if isinstance(name_or_path, Recipe):
        return name_or_path
    known = sorted(p.stem for p in _BUILT_IN.glob("*.toml"))
    path = _BUILT_IN / f"{name_or_path}.toml" if str(name_or_path) in known else Path(name_or_path)
    if not path.is_file():
        raise InputError(f"There is no recipe and no file called {name_or_path}; the recipes are {', '.join(known)}, "
                         "or give the path of a TOML file.")
    return read_recipe(path.read_bytes(), path.name)


def read_recipe(text, file):
    """A recipe from the text, or the bytes, of a file called `file`; see `load_recipe`."""
    data = text if isinstance(text, bytes) else text.encode()
    try:
        text = data.decode("utf-8")
        raw = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"The recipe {file} is not readable TOML ({error}).") from None
    except RecursionError:
        raise InputError(f"The recipe {file} is nested deeper than any recipe is; write it anew.") from None
    return _recipe(raw, file, hashlib.sha256(data).hexdigest(), text)


def _recipe(raw, file, sha256, text):
    where = f"The recipe {file}"
    _only(raw, {"name", "time_zone", "source"}, where)
    if not isinstance(raw.get("name"), str) or not isinstance(raw.get("source"), list) or not raw["source"]:
        raise InputError(f"{where} needs a name and at least one [[source]].")
    sources = tuple(_source(one, where) for one in raw["source"])
    if len({s.name for s in sources}) < len(sources):
        raise InputError(f"{where} has two sources of one name; give each its own.")
    return Recipe(raw["name"], raw.get("time_zone", "manifest"), sources, sha256, text)


def _source(raw, where):
    where = f"{where}, source {raw.get('name', '(without a name)')},"
    _only(raw, {"name", "files", "form", "makes", "set", "derive", "fields", "crs", "axes", *_READING}, where)
    for key in ("name", "files", "form", "makes", "fields"):
        if key not in raw:
            raise InputError(f"{where} does not say {key}.")
    makes = tuple([raw["makes"]] if isinstance(raw["makes"], str) else raw["makes"])
    _one_of(raw["form"], FORMS, f"{where} has the form")
    for table in makes:
        _one_of(table, MAKES, f"{where} makes")
    derived = tuple(_derived(column, one, where) for column, one in raw.get("derive", {}).items())
    if derived and makes != ("sensors",):
        raise InputError(f"{where} derives columns, which only a source that makes sensors can.")
    used = " ".join(f"{{{d.origin}}} {d.otherwise or ''}" for d in derived)
    fields = tuple(_field(path, one, makes, where, f"{{{path}}}" in used) for path, one in raw["fields"].items())
    crs, axes = raw.get("crs", Source.crs), raw.get("axes", Source.axes)
    _one_of(axes, positions.AXES, f"{where} has the axes")
    positions.check_crs(crs, where)
    source = Source(raw["name"], raw["files"], raw["form"], makes, fields, tuple(raw.get("set", {}).items()), derived,
                    crs, axes, **_reading(raw, where))
    _check_columns(source, where)
    _check_paths(source, where)
    return source


def _reading(raw, where):
    """How a delimited file is laid out, where the recipe says so: `delimiter`, `header` and `encoding`."""
    delimiter, header = raw.get("delimiter"), raw.get("header", True)
    if delimiter is not None and (not isinstance(delimiter, str) or not delimiter or set(delimiter) & set('"\r\n')):
        raise InputError(f"{where} has the delimiter {delimiter!r}; give one or more characters, such as \";\".")
    if isinstance(header, list):
        header = tuple(header)
        if not header or not all(isinstance(n, str) and n for n in header) or len(set(header)) < len(header):
            raise InputError(f"{where} has a header that is no list of distinct names.")
    elif not isinstance(header, bool):
        raise InputError(f"{where} has the header {header!r}; give a list of names, or false where there is none.")
    return {"delimiter": delimiter, "header": header, "encoding": raw.get("encoding")}


def _derived(column, raw, where):
    _only(raw, {"from", "map", "otherwise"}, f"{where} derived {column},")
    if column not in ("kind", "place_class", "zone_id") or "from" not in raw:
        raise InputError(f"{where} can derive kind, place_class and zone_id, each from a field, but not {column} so.")
    return Derived(column, raw["from"], tuple(raw.get("map", {}).items()), raw.get("otherwise"))


def _field(path, raw, makes, where, used=False):
    where = f"{where} field {path},"
    _only(raw, {"is", "do", "as", "kind", "step", "why"}.union(*OPTIONS.values()), where)
    what, do, column = raw.get("is"), raw.get("do"), raw.get("as")
    _one_of(what, ACTIONS, f"{where} is")
    _one_of(do, ACTIONS[what], f"{where} which is {what}, cannot be treated as")
    if do == "pseudonymise":
        _one_of(raw.get("kind"), PREFIXES, f"{where} has the kind")
    if do in ("keep", "coarsen", "pseudonymise") and not column and not used:
        raise InputError(f"{where} does not say which column it becomes; add as = \"...\".")
    if do in ("drop", "refuse") and column:
        raise InputError(f"{where} is not kept, so it cannot become {column}; remove as.")
    if do == "coarsen" and not (isinstance(raw.get("step"), int | float) and raw["step"] > 0):
        raise InputError(f"{where} is coarsened by an unknown step; add step = a number above 0.")
    if column and column not in set().union(_OF_SUBJECTS, *(MAKES[m] for m in makes)):
        raise InputError(f"{where} cannot become {column}: {' and '.join(makes)} have no such column.")
    if do == "coarsen" and column == "date":
        raise InputError(f"{where} cannot be coarsened: a date is a whole day already; keep it or drop it.")
    if column and (what == "label") != (column == "system_label"):
        raise InputError(f"{where} cannot become {column}: a label becomes system_label or nothing.")
    return Field(path, what, do, column, raw.get("kind"), raw.get("step"), raw.get("why", ""),
                 **_options(raw, what, where))


def _options(raw, what, where):
    """How to read a field, where the recipe says so."""
    misplaced = [key for key in set().union(*OPTIONS.values()) & set(raw) if key not in OPTIONS.get(what, ())]
    if misplaced:
        raise InputError(f"{where} which is {what}, cannot have {', '.join(sorted(misplaced))}; remove it.")
    known = {"form": times.FORMS, "unit": times.UNITS if what == "time" else positions.UNITS,
             "stamps": ("start", "end"), "decimal": (".", ",")}
    for key, allowed in known.items():
        if key in raw:
            _one_of(raw[key], allowed, f"{where} has the {key}")
    if "zone" in raw:
        _check_zone(raw["zone"], where)
    if ("lasting" in raw) != (raw.get("stamps") == "end"):
        raise InputError(f"{where} has one of stamps = \"end\" and lasting but not the other; an interval stamped at "
                         "its end needs both.")
    return {**{key: raw.get(key) for key in ("form", "unit", "zone", "decimal")},
            "lasting": _duration(raw["lasting"], where) if "lasting" in raw else 0}


def _check_zone(name, where):
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, TypeError, OSError):
        raise InputError(f"{where} has the unknown zone {name!r}; give an IANA name such as Asia/Shanghai.") from None


def _duration(text, where):
    """A length of time such as "5min" in microseconds."""
    try:
        micros = pd.Timedelta(text) // pd.Timedelta(1, "us") if isinstance(text, str) else 0
    except ValueError:
        micros = 0
    if not 0 < micros <= 366 * 86_400_000_000:
        raise InputError(f"{where} is lasting {text!r}, which is no length of time; write one such as \"5min\" or "
                         "\"1h\".")
    return micros


def _check_columns(source, where):
    columns = [f.column for f in source.fields if f.column] + [d.column for d in source.derived]
    if len(columns) > len(set(columns)):
        raise InputError(f"{where} fills one column from two fields; choose one.")
    have = set(columns) | {c for c, _ in source.set}
    for table in source.makes:
        lacking = [c for c in NEEDED[table] if c not in have]
        if lacking:
            raise InputError(f"{where} makes {table} but no field becomes {', '.join(lacking)}.")
    for column, value in source.set:
        _one_of(column, sorted(set().union(*(MAKES[m] for m in source.makes))), f"{where} sets the column")
        if column in ("kind", "source"):
            table = "sensors" if column == "kind" else "sightings"
            _one_of(value, CONTRACTS[table].column(column).one_of, f"{where} sets {column} to")


def _check_paths(source, where):
    """A member is read whole, or members of it are."""
    if source.form in ("mongo-lines", "es-hits", "ndjson", "geojson"):
        read = {f.path for f in elements.whole(source, elements.of(source)).read}
        above = {path.rsplit(".", depth)[0] for path in read for depth in range(1, path.count(".") + 1)}
        if both := sorted(above & read):
            raise InputError(f"{where} reads both {both[0]} and members of it; drop the one or the others.")


def _only(raw, allowed, where):
    if not isinstance(raw, dict):
        raise InputError(f"{where} must be a table of settings.")
    unknown = sorted(set(raw) - allowed)
    if unknown:
        raise InputError(f"{where} says {', '.join(unknown)}, which means nothing here; "
                         f"known are {', '.join(sorted(allowed))}.")


def _one_of(value, allowed, saying):
    if value not in tuple(allowed):
        raise InputError(f"{saying} {value!r}; choose from {', '.join(allowed)}.")
