"""A first recipe for a dump nobody has described: a look at each file, what its fields seem to be, and why.

`glimpse` finds a file's form and reads a sample of it, `guesses` says what each field may be; here files of one shape
become one source, the fields beside each other decide what a source makes, and the recipe is written as a person would.
It is a draft: what it is unsure of it says in a comment. It shows no value of the dump, only counts and kinds.
"""

import re
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from glob import escape
from itertools import pairwise
from operator import attrgetter

import numpy as np
import pyarrow as pa

from kit.errors import InputError
from kit.ingest import abroad
from kit.ingest.axes import is_pair, name_axes
from kit.ingest.glimpse import further, glimpse
from kit.ingest.guesses import guess, joined, settle
from kit.ingest.recipe import read_recipe
from kit.ingest.rows import OWNED, PLACES, owner_of
from kit.ingest.sanitize import find_parts
from kit.tables import SENSOR_KINDS

_KINDS_OF_SENSOR = {"sniffer": "wifi", "wifi": "wifi", "wlan": "wifi", "ap": "wifi", "router": "wifi",
                    "plate": "plate_reader", "anpr": "plate_reader", "alpr": "plate_reader", "gate": "checkpoint",
                    "checkpoint": "checkpoint", "door": "checkpoint", "turnstile": "checkpoint", "stop": "checkpoint",
                    "station": "checkpoint", "dock": "checkpoint", "venue": "checkpoint", "cell": "cell",
                    "tower": "cell", "bts": "cell", "antenna": "cell", "fuel": "pump", "pump": "pump",
                    "camera": "camera", "cam": "camera", "tracker": "camera", "face": "camera"}
_SOURCES = (("face|capture|passage|camera", "face"), ("wifi|sniffer|probe|bluetooth|ble|wlan", "wifi"),
            ("datadoor", "datadoor"), ("phone|cell|cdr|gps|check_?ins?|tower|bts|antenna", "phone"),
            ("plate|anpr|alpr|lpr|vehicle|taxi|bike|car", "plate"), ("fuel|petrol|pump", "fuel"))
_EARLY = re.compile(r"(^|_)(ts|timestamp|time|datetime|capture\w*|event|start\w*|began|begin\w*|pickup|tpep_pickup\w*|"
                    r"utc|gps|recorded|observed|occurred|check_?in|in|entry|departure)(_|$)")
_LATE = re.compile(r"(^|_)(end\w*|dropoff|drop_off|stop\w*|expir\w*|issue\w*|updat\w*|insert\w*|creat\w*|clos\w*|sent|"
                   r"receiv\w*|load\w*|import\w*|return\w*|local|modif\w*|publish\w*|arriv\w*|exit|out|ended|server|"
                   r"study|schedul\w*|due|registered|valid\w*|deleted|days)(_|$)")
_AXES = "|".join(["lon", "lng", "long", "longitude", "lat", "latitude", *abroad.words("lon"), *abroad.words("lat")])
_STAY = re.compile(r"(^|_)(arriv\w*|depart\w*|ankunft|abfahrt|arrivee?|arrivée|départ|llegada|salida|chegada|partida|"
                   r"entry|exit|entered|left|check_?(in|out))(_|$)")
_ENDED = re.compile(r"(^|_)(end\w*|stop\w*|finish\w*|dropoff|drop_off|return\w*|out|exit|left|until|to)(_|$)")
_SECOND = re.compile(r"(^|_)(end\w*|dropoff|drop_off|to|dest\w*|destination|do|d|alighting|exit|tap_out|"
                     r"return\w*)(_|$)")


def draft_recipe(paths):
    """Draft a recipe from a look at a dump.

    Parameters
    ----------
    paths : str, Path or list of them
        As for `sanitize`: the folder of the dump, or its files. Some thousand records of each are looked at.

    Returns
    -------
    Recipe
        As `load_recipe` reads it from the same text, which is its `text`: TOML with the reason for each field. The
        clock of times without a zone is left open (`time_zone = "manifest"`): `sanitize` then asks for it.

    Raises
    ------
    InputError
        If there are no files, or none in a form that a recipe knows.

    >>> from kit.exposure import sample_folder
    >>> recipe = draft_recipe(sample_folder("register") / "raw")
    >>> [(source.name, source.makes) for source in recipe.sources]
    [('trackers', ('sensors',)), ('persons', ('subjects',)), ('passages', ('sightings',))]
    """
    parts = find_parts(paths)
    seen = [(part, glimpse(part)) for part in parts]
    unread = [part for part, look in seen if look is None]
    looks = [look for _, look in seen if look is not None]
    if not looks:
        raise InputError(f"None of the {len(parts)} files there is in a form that a recipe can read; unpack or convert "
                         "them to CSV or JSON lines.")
    groups = _in_groups(looks, [part for part, _ in seen])
    _decide(groups)
    has_manifest = any((part.path.parent / "manifest.json").is_file() for part, _ in seen)
    return read_recipe(_text(_ordered(groups), len(unread), has_manifest), "draft.toml")


# --- files of one shape ----------------------------------------------------------------------------------------------


@dataclass
class _Group:
    """Files that one source reads, and what is guessed of their fields."""

    name: str
    files: str
    looks: list
    guesses: list
    makes: list = field(default_factory=lambda: ["nothing"])
    set: dict = field(default_factory=dict)
    derive: list = field(default_factory=list)
    extra: dict = field(default_factory=dict)
    notes: list = field(default_factory=list)

    def of(self, *roles):
        return [g for g in self.guesses if g.role in roles]

    def one(self, role):
        """The best filled field of a role, the first of equals; or None."""
        return max(self.of(role), key=lambda g: g.seen.filled, default=None)

    @property
    def form(self):
        return self.looks[0].form


def _in_groups(looks, parts):
    """Files of one form whose fields are the same, or nearly so under a name that differs in digits only."""
    groups = []
    for look in looks:
        fitting = next((g for g in groups if _alike(g, look)), None)
        if fitting is None:
            groups.append([look])
        else:
            fitting.append(look)
    name_of = _namer(groups)
    labels = [name_of(part) for part in parts]
    split = [g for group in groups for g in _with_pattern(group, labels, name_of)]
    names = set()
    return [_Group(_name_of(pattern, look, names), pattern, look, _guesses(look)) for pattern, look in split]


def _namer(groups):
    """What a pattern of files is held against: their own names, or those with folders where the former tell too little.
    """
    of_label = {}
    for i, group in enumerate(groups):
        for look in group:
            of_label.setdefault(look.part.label, set()).add(i)
    return attrgetter("name" if any(len(found) > 1 for found in of_label.values()) else "label")


def _alike(group, look):
    first = group[0]
    if first.form != look.form or first.options != look.options:
        return False
    mine, others = set(first.texts), set(look.texts)
    if look.form == "csv" or _stem(first.part.label) != _stem(look.part.label):
        return mine == others and (look.options.get("header") is not False or _stem(first.part.label) == _stem(
            look.part.label) or _same_types(first, look))
    return len(mine & others) >= 0.5 * len(mine | others)


def _same_types(first, second):
    return [guess(p, t).role for p, t in first.texts.items()] == [guess(p, t).role for p, t in second.texts.items()]


def _stem(label):
    return re.sub(r"\d+", "0", label)


def _with_pattern(group, labels, name_of):
    """The group with a pattern that fits its files and no others; without one, each file for itself."""
    mine = [name_of(look.part) for look in group]
    if len(set(mine)) == 1:
        return [(escape(mine[0]), group)]
    ahead = _common(mine)
    behind = _common([label[::-1] for label in mine])[::-1]
    behind = behind[max(0, len(behind) - min(map(len, mine)) + len(ahead)) :]
    tried = [f"{escape(re.sub(r'[0-9]+$', '', ahead))}*{escape(behind)}", f"{escape(ahead)}*{escape(behind)}"]
    for pattern in tried:
        if {label for label in labels if fnmatchcase(label, pattern)} == set(mine):
            return [(pattern, group)]
    stems = {}
    for look in group:
        stems.setdefault(_stem(name_of(look.part)), []).append(look)
    if len(stems) > 1:
        return [pair for looks in stems.values() for pair in _with_pattern(looks, labels, name_of)]
    return [(escape(name), [look for look in group if name_of(look.part) == name]) for name in dict.fromkeys(mine)]


def _common(texts):
    first, last = min(texts), max(texts)
    return next((first[:i] for i, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), first)


def _name_of(pattern, looks, taken):
    name = joined(re.sub(r"\d{3,}", "", pattern.partition(".")[0].replace("*", ""))) or looks[0].form.replace("-", "_")
    name = re.sub(r"\W", "", name)[:30] or "source"
    number = 2
    unique = name
    while unique in taken:
        unique, number = f"{name}_{number}", number + 1
    taken.add(unique)
    return unique


def _guesses(looks):
    """A guess for each field, from the files that have most of it."""
    paths = list(dict.fromkeys(path for look in looks for path in look.texts))
    return [_guess(path, [look for look in looks[:8] if path in look.texts]
                   or [look for look in looks if path in look.texts][:1]) for path in paths]


def _guess(path, looks):
    texts = pa.concat_arrays([look.texts[path] for look in looks])
    found = guess(path, texts)
    if found.unsettled:
        settle(found, texts, pa.concat_arrays([texts, *(further(look, path) for look in looks)]))
    return found


# --- what a source makes ---------------------------------------------------------------------------------------------


def _decide(groups):
    """Say of each source what it makes, and of each field which column it becomes."""
    for group in groups:
        if group.form in OWNED:
            _as_owned(group)
        name_axes(group.guesses)
        _pair_degrees(group)
        _nameless_identifiers(group)
        _contacts(group)
        _whose_file(group)
    tables = [g for g in groups if _describes_sensors(g)]
    known = {value for g in tables for s in [_sensor_of(g)] for value in s.seen.values}
    for group in groups:
        if group in tables:
            _make_sensors(group)
        else:
            _make_records(group, known)
        _tell_apart(group)


_OF_FORM = {  # form and field: role, what it is, what to do, why
    ("plt", "date"): ("part_of_time", "time", "drop", "a part of time, which the form puts together"),
    ("plt", "clock"): ("part_of_time", "time", "drop", "a part of time, which the form puts together"),
    ("plt", "days"): ("part_of_time", "time", "drop", "a part of time, which the form puts together"),
    ("google", "kind"): ("category", "measurement", "tally", "what kind of point it is, counted"),
    ("google", "end"): ("other_time", "time", "drop", "when a visit ended"),
    ("google", "device"): ("tag", "identifier", "drop", "one of the devices of one account"),
    ("gpx", "kind"): ("category", "measurement", "tally", "what kind of point it is, counted"),
    ("gpx", "segment"): ("record", "noise", "drop", "numbers the parts of a track"),
    ("mf-json", "alt"): ("number", "measurement", "drop", "not needed to follow movement"),
}


def _as_owned(group):
    """Forms whose fields have fixed names: whose they are is where the file lies, or what an MF-JSON feature is called.
    """
    by_folder = group.form in ("plt", "google") or _place_that_names(group) == "<folder>"
    for g in group.guesses:
        if (group.form, g.path) in _OF_FORM:
            g.role, g.what, g.do, g.why = _OF_FORM[group.form, g.path]
            g.kind, g.tier = "", 9
        elif group.form == "mf-json" and g.path == "id" and g.seen.filled > 0.5:
            g.role, g.what, g.kind, g.tier = "vehicle", "identifier", "vehicle", 1
            g.why = "names what moves; person, device or vehicle: please check"
        elif g.path in ("person", "file"):
            chosen = group.form != "mf-json" and (g.path == "person") == by_folder
            g.role, g.what, g.do, g.kind, g.tier = "owner", "identifier", "drop", "", 9
            g.why = "where the file lies" if g.path == "person" else "what the file is called"
            if chosen:
                g.role, g.kind, g.tier = "person", "person", 1
                g.why = f"{_OF_PLACE['<folder>' if by_folder else '<file>']}: please check"


_OF_PLACE = {"<folder>": "whose it is, by the folder that the file is in", "<file>": "whose it is, by the file's name"}


def _place_that_names(group):
    """Whether files are told apart by their folder or by their own names: not by a date or by a number alone."""
    owners = [owner_of(look.part) for look in group.looks]
    if len({owner["person"] for owner in owners}) > 1:
        return "<folder>"
    dated = sum(sum(c.isdigit() for c in owner["file"] or "") >= 6 for owner in owners)
    return "<folder>" if dated > len(owners) / 2 or (group.form != "csv" and len(owners) == 1) else "<file>"


def _whose_file(group):
    """Where fixes name nobody, each file is somebody's: its name stands for them, or the name of its folder."""
    if any(g.what == "identifier" and g.kind and g.seen.filled > 0 for g in group.guesses):
        return
    if len(group.of("lon")) != 1 or len(group.of("lat")) != 1 or not group.of("time") or group.of("sensor", "record"):
        return
    place = _place_that_names(group)
    names = pa.array([owner_of(look.part)[PLACES[place]] for look in group.looks], pa.string())
    found = guess(place, names)
    found.role, found.what, found.do, found.kind, found.tier = "person", "identifier", "drop", "person", 6
    found.reading = {}
    found.why = f"{_OF_PLACE[place]}; person, device or vehicle: please check"
    group.guesses.append(found)


def _contacts(group):
    """Rows of two columns without a name that hold the same numbers: who met whom, and before them when."""
    if group.looks[0].options.get("header") is not False or group.of("lon", "lat"):
        return
    whole = [g for g in group.guesses if g.role in ("integer", "category") and g.seen.whole and g.seen.numeric > 0.9]
    for a, b in pairwise(whole):
        mine, others = set(a.seen.values), set(b.seen.values)
        if len(mine | others) < 5 or len(mine & others) < 0.3 * min(len(mine), len(others)):
            continue
        for g in (a, b):
            g.role, g.what, g.kind, g.tier, g.do = "person", "identifier", "person", 6, "drop"
            g.why = "two columns of the same numbers: who was near whom, it seems"
        first = group.guesses[0]
        if first not in (a, b) and first.seen.whole and (np.diff(first.seen.numbers) >= 0).mean() > 0.95:
            first.role, first.what, first.do = "moment", "time", "drop"
            first.why = "counts up, as a clock without a date does"
        return


def _pair_degrees(group):
    """Columns without a name that hold degrees, two beside each other: a longitude and a latitude."""
    loose = [g for g in group.guesses if g.role == "degrees"]
    taken = set()
    order = [g.path for g in group.guesses]
    for a, b in pairwise(loose):
        if a.path in taken or order.index(b.path) - order.index(a.path) != 1:
            continue
        first_is_lon = np.abs(a.seen.numbers).max() > 90
        sure = first_is_lon or np.abs(b.seen.numbers).max() > 90
        a.role, b.role = ("lon", "lat") if first_is_lon else ("lat", "lon")
        for g in (a, b):
            g.do, g.named = "keep", False
            g.why = f"a {'longitude' if g.role == 'lon' else 'latitude'} by its range" if sure else \
                "latitude before longitude is the custom, but the range fits both: please check"
        taken |= {a.path, b.path}
    for g in loose:
        if g.path not in taken:
            g.role, g.what, g.do, g.why = "number", "measurement", "drop", "a decimal number without a name"


def _nameless_identifiers(group):
    """Where nothing names a subject, and there are times: the first code or whole number that repeats is one."""
    if not group.of("time") or any(g.tier <= 3 for g in group.guesses):
        return
    able = [g for g in group.guesses if g.role in ("code", "integer") or (g.role == "category" and g.tier == 8)]
    able = [g for g in able if not g.named and g.seen.filled > 0.9 and (
        g.role == "code" or group.looks[0].options.get("header") is False)]
    first = next((g for g in able if g.seen.unlike < 0.9 or len(able) == 1), None)
    if first is not None and (group.of("lon") or len(able) > 1):
        first.role, first.what, first.kind, first.tier = "person", "identifier", "person", 6
        first.why = "repeats like the name of who was seen; person, device or vehicle: please check"
        position = max((group.guesses.index(g) for g in group.of("lon", "lat")), default=len(group.guesses))
        last = group.guesses[-1]
        if last.role in ("integer", "code") and group.guesses.index(last) == position + 1:
            last.role, last.what, last.kind, last.tier = "sensor", "sensor", "", 9
            last.why = "names a place, it seems"


def _sensor_of(group):
    """The field that names the fixed place, of the first end of a trip if there are two."""
    able = [g for g in group.of("sensor") if g.seen.rows]
    return max(able, key=lambda g: (not _SECOND.search(joined(g.path)), g.seen.filled > 0.5,
                                    bool(re.search(r"(_|^)(id|no|code|num|number)$", joined(g.path))) ), default=None)


def _describes_sensors(group):
    """A list of places: each named once, with its position, and nobody in it."""
    sensor = _sensor_of(group)
    if sensor is None:
        named = [g for g in group.of("record") if g.seen.unlike > 0.95 and g.path.lower() in ("id", "code", "uid")]
        if named and _is_list(group) and group.of("name", "station_name"):
            sensor = named[0]
            sensor.role, sensor.what, sensor.why = "sensor", "sensor", "names a fixed place"
    return bool(sensor and sensor.seen.unlike > 0.8 and _is_list(group))


def _is_list(group):
    people = [g for g in group.guesses if g.seen.filled > 0.2 and (
        (g.tier <= 3 and g.named) or (g.tier <= 6 and group.of("time")))]
    return bool(group.of("lon") and group.of("lat") and not people)


def _make_sensors(group):
    sensor = _sensor_of(group)
    lon, lat = _position(group)
    group.makes = ["sensors"]
    _keep(sensor, "sensor_id")
    _keep_position(group, lon, lat)
    for g in group.of("name", "station_name", "contact", "address"):
        if g.role != "address":
            g.what, g.do, g.why = "sensor", "drop", "the place's own name, which may name a household or a firm"
    for role, column in (("zone", "zone_id"), ("place_class", "place_class")):
        found = group.one(role)
        if found and not (role == "place_class" and found.seen.numeric > 0.9):
            _keep(found, column)
    for g in group.of("category", "place_class"):
        if g.column:
            continue
        g.what, g.do, g.why = "sensor", "drop", "a property of the place"
    for g in group.of("time"):
        g.why = "says when the place was listed, and nothing about anybody"
    _kind_of_sensor(group, sensor)


def _kind_of_sensor(group, sensor):
    """The kind of sensor: a field that says it, or a guess from the names of field and file."""
    kind = next((g for g in group.guesses if joined(g.path) in ("kind", "type", "sensor_type", "device_type", "kind_of")
                 and g.seen.rows), None)
    fallback = _word_in(sensor.path + " " + group.name, _KINDS_OF_SENSOR, "camera")
    if kind is None:
        group.set["kind"] = fallback
        group.notes.append(f"kind is a guess from names: one of {', '.join(SENSOR_KINDS)}")
        return
    kind.role, kind.what, kind.why = "kind", "sensor", "what kind of sensor, or place, it is"
    if set(kind.seen.values) <= set(SENSOR_KINDS):
        _keep(kind, "kind")
        return
    known = sorted({v for v in kind.seen.values if v in _KINDS_OF_SENSOR})
    mapped = ", ".join(f"{v} = {_quoted(_KINDS_OF_SENSOR[v])}" for v in known if v in ("sniffer", "wifi", "wlan", "ap"))
    mapped = mapped or 'camera = "camera"'
    group.derive.append(f"kind = {{ from = {_quoted(kind.path)}, map = {{ {mapped} }}, "
                        f"otherwise = {_quoted(fallback)} }}")
    if group.one("place_class") is None:
        _keep(kind, "place_class")
    else:
        kind.do, kind.why = "keep", "looked up for the kind"


def _make_records(group, known):
    """Sightings, fixes, readings, subjects or nothing: what the fields beside each other allow."""
    subject, time, sensor = _subject(group), _time(group), _sensor_of(group)
    lon, lat = _position(group)
    if not subject and time and lon and sensor and re.match("(tracker|terminal|beacon|unit)_", joined(sensor.path)):
        sensor.role, sensor.what, sensor.kind, sensor.tier, sensor.why = "device", "identifier", "device", 2, "it moves"
        subject, sensor = sensor, None
    joins = bool(sensor and known and _overlap(sensor, known) >= 0.5)
    household = next((g for g in group.of("household") if g.seen.filled > 0.5), None)
    if household and group.of("kwh") and _day(group):
        _make_readings(group, household)
    elif subject and time and lon and lat:
        joins = joins or bool(sensor and lon.seen.filled < 0.9)  # a record without a position still has its sensor
        group.makes = ["sightings", "fixes"] if joins else ["fixes"]
        _keep_time(group, time)
        _keep_position(group, lon, lat)
        _name_subject(subject)
        accuracy = group.one("accuracy")
        if accuracy:
            _keep(accuracy, "accuracy_m")
        if joins:
            _make_sightings(group, sensor)
        else:
            for g in group.of("sensor"):
                g.what, g.why = "place", "a place's name, beside its position"
    elif subject and time and sensor:
        group.makes = ["sightings"]
        _keep_time(group, time)
        _name_subject(subject)
        _make_sightings(group, sensor)
    elif subject and not group.of("lon") and _is_register(group, subject):
        _make_subjects(group, subject)
    else:
        _make_nothing(group, subject)


def _make_sightings(group, sensor):
    _keep(sensor, "sensor_id")
    score = next((g for g in group.of("score") if not len(g.seen.numbers) or (
        g.seen.numbers.min() >= 0 and np.median(g.seen.numbers) <= 1)), None)
    if score:
        _keep(score, "score")
    words = joined(group.name + " " + " ".join(g.path for g in group.guesses))
    subject = next(g for g in group.guesses if g.column == "subject_id")
    ours = joined(group.name) + "_" + joined(sensor.path)
    for text in (ours, words):
        for pattern, source in _SOURCES:
            if re.search(rf"(^|_)({pattern})", text):
                group.set["source"] = source
                break
        if "source" in group.set or re.search("gate|checkpoint|station", ours):
            break
    by_kind = {"person": "checkpoint", "device": "wifi", "vehicle": "plate", "household": "checkpoint"}
    group.set.setdefault("source", by_kind[subject.kind])
    if not re.search(group.set["source"], group.name):
        group.notes.append(f"source = \"{group.set['source']}\" is a guess: which system recorded this")
    _people_of(group)


def _people_of(group):
    """What a source of records says about people, beside who they are: an age in bands, a stamp tallied."""
    age = group.one("age")
    if age and len(age.seen.numbers) and 0 <= np.median(age.seen.numbers) <= 120:
        age.do, age.column, age.step, age.why = "coarsen", "age_band", 20, "an age, in bands of 20 years"
    stamp = next((g for g in group.guesses if joined(g.path) == "system_label"), None)
    if stamp:
        stamp.what, stamp.do, stamp.column = "label", "tally", "system_label"


def _make_readings(group, household):
    group.makes = ["readings"]
    _name_subject(household)
    day = _day(group)
    day.do, day.column, day.why = "keep", "date", ""
    kwh = group.one("kwh")
    kwh.do, kwh.column, kwh.step, kwh.why = "coarsen", "kwh", 0.1, ""
    zone = group.one("zone")
    if zone:
        _keep(zone, "zone_id")


def _make_subjects(group, subject):
    group.makes = ["subjects"]
    _name_subject(subject)
    _people_of(group)
    birthday = group.one("birthday")
    if birthday:
        birthday.do, birthday.column, birthday.step = "coarsen", "age_band", 10
        birthday.why = "age on the dump's first day, in bands of 10 years"
        for g in group.of("age"):
            g.do, g.column, g.step, g.why = "drop", "", None, "the birthday says it already"


def _make_nothing(group, subject):
    group.makes = ["nothing"]
    if subject:
        _name_subject(subject)
        subject.why = "to count them only"
    for g in group.of("lon", "lat"):
        g.do, g.why = "drop", "no subject and time beside it"
    for g in group.of("time"):
        g.why = "no subject and place beside it"
    if subject and group.of("lon") and not group.of("time"):
        group.notes.append("positions of somebody, but no time that can be read: please look")


def _tell_apart(group):
    """The rest: what was not chosen is dropped and says so."""
    for g in group.guesses:
        if g.do == "keep" and not g.column and not any(f"{_quoted(g.path)}" in d for d in group.derive):
            g.do = "drop"
            g.why = g.why or "not needed"
        if g.role in ("lon", "lat") and not g.column:
            g.why = "another position of the same record" if "sensors" in group.makes or group.makes != ["nothing"] \
                else g.why
        if g.role == "integer" and g.do == "drop" and g.what == "measurement":
            g.why = "a number, not needed to follow movement"
        if g.role in ("integer", "category") and g.what == "identifier":
            g.do = "pseudonymise" if g.column else "drop"
        if g.tier <= 7 and g.what == "identifier" and not g.column and g.do != "drop":
            g.do = "drop"


# --- choosing among fields -------------------------------------------------------------------------------------------


def _subject(group):
    """The identifier by which records are told apart: well filled, then the surest kind, then the first."""
    able = [g for g in group.guesses if g.what == "identifier" and g.kind and g.seen.filled > 0]
    if not able:
        return None
    most = max(g.seen.filled for g in able)
    full = [g for g in able if g.seen.filled >= 0.95 * most]
    return min(full, key=lambda g: (g.tier, g.role == "device" and not re.search("mac|device|id", joined(g.path))))


def _time(group):
    able = [g for g in group.of("time") if g.seen.rows and g.seen.filled > 0.3]
    if not able:
        return None
    best = max(able, key=lambda g: (bool(_EARLY.search(joined(g.path))) - 2 * bool(_LATE.search(joined(g.path))),
                                    g.seen.clocked, g.seen.zoned, g.seen.filled > 0.9))
    if not best.seen.clocked and len(able) > 1 and any(re.search("time|clock|hour", joined(g.path)) for g in able):
        group.notes.append("date and clock time stand in two columns, which a recipe cannot join: put them in one")
        return None
    stays = [g for g in able if g.seen.clocked and _STAY.search(joined(g.path))]
    if best in stays:  # a trip departs first and a visit arrives first: their times tell
        best = next((g for g in stays if _comes_before(g, best)), None) or next(
            (g for g in stays if not _comes_before(best, g) and re.search("arriv", joined(g.path))), best)
    return best


def _comes_before(first, second):
    """Whether of two times the first is the earlier one in nearly all records."""
    a, b = first.seen.moments, second.seen.moments
    if a is None or b is None or a.shape != b.shape or np.isfinite(a - b).sum() < 5:
        return False
    gaps = (b - a)[np.isfinite(b - a)]
    return bool((gaps >= 0).mean() >= 0.95 and (gaps > 0).mean() > 0.5)


def _day(group):
    return max((g for g in group.of("time") if g.seen.rows), default=None,
               key=lambda g: (not g.seen.clocked, g.seen.filled))


def _position(group):
    """A longitude and a latitude that belong together: those of the first end of a trip, if there are two."""
    lons, lats = group.of("lon"), group.of("lat")
    pairs = [(lon, lat) for lon in lons for lat in lats if _beside(lon.path, lat.path)]
    if not pairs and lons and lats:
        pairs = [(lons[0], lats[0])]
    return max(pairs, default=(None, None), key=lambda p: (not _SECOND.search(joined(p[0].path)),
                                                           p[0].seen.filled > 0.5, p[0].named))


def _beside(lon, lat):
    if re.fullmatch(r"column_\d+", lon):
        return abs(int(lon[7:]) - int(lat[7:])) == 1
    if is_pair(lon, lat):
        return True
    bare = [re.sub(rf"(^|_)({_AXES})(_|$)", "_", joined(name)).strip("_")
            for name in (lon, lat)]
    return bare[0] == bare[1]


def _is_register(group, subject):
    """A list of people: each once, nearly, without a place."""
    return subject.seen.unlike > 0.9 and subject.tier <= 3 and not _sensor_of(group) and len(
        group.of("name", "birthday", "address", "image", "employer", "contact", "age") +
        [g for g in group.guesses if g.role == "label"]) >= 2 and not group.of("text", "body")


def _overlap(sensor, known):
    mine = set(sensor.seen.values)
    return len(mine & known) / max(len(mine), 1)


def _keep(guessed, column):
    guessed.do, guessed.column = "keep", column
    if guessed.what == "place" and column == "zone_id":
        guessed.why = ""
    if guessed.why in ("names a fixed place", "what stands there", "how well it was placed", "how sure the system was",
                       "not the time of the record"):
        guessed.why = ""


def _keep_time(group, time):
    """Keep a time; of an interval its start, and both ends say so."""
    _keep(time, "time")
    for g in group.of("time"):
        name = joined(g.path)
        if g is not time and (_STAY.search(name) or _ENDED.search(name)) and _comes_before(time, g):
            g.why = "when it ended; of an interval the start is kept"
            time.why = time.why or "when it began"


def _name_subject(guessed):
    guessed.do, guessed.column = "pseudonymise", "subject_id"
    if guessed.why == _plain_reason(guessed.kind):
        guessed.why = ""


def _plain_reason(kind):
    return f"names a {kind}"


def _keep_position(group, lon, lat):
    """Keep a position; where its axes are swapped, by their ranges, say so."""
    _keep(lon, "lon")
    _keep(lat, "lat")
    if len(lat.seen.numbers) and len(lon.seen.numbers) and _degrees_off(lat.seen.numbers) and \
            np.abs(lon.seen.numbers).max() <= 90 and np.abs(lat.seen.numbers).max() <= 180:
        group.extra["axes"] = "lat lon"
        group.notes.append("the latitudes go beyond 90 and the longitudes do not, so the two are swapped")
    elif len(lat.seen.numbers) and np.median(np.abs(lat.seen.numbers)) > 400 and not lat.reading:
        group.notes.append("these are no degrees: add crs = \"EPSG:...\", the system that they are in")


def _degrees_off(numbers):
    return float((np.abs(numbers) > 90).mean()) > 0.5


def _word_in(text, words, otherwise):
    return next((meaning for part in joined(text).split("_")
                 for word, meaning in words.items() if part in (word, word + "s")), otherwise)


# --- writing ---------------------------------------------------------------------------------------------------------


def _ordered(groups):
    """Sensors first, then lists of people, then records, then what makes nothing."""
    order = ("sensors", "subjects", "sightings", "fixes", "readings", "nothing")
    return sorted(groups, key=lambda g: order.index(g.makes[0]))


def _text(groups, unread, has_manifest):
    lines = ["# A draft from a sample of each file: read every line, and change what is wrong.",
             f"# {len(groups)} kinds of file; fields that are not named here are dropped and listed in the report."]
    if unread:
        lines.append(f"# {unread} {'file is' if unread == 1 else 'files are'} in no form that a recipe reads, and left "
                     "out: documents, pictures, or a single JSON object.")
    lines += ['name = "draft"', *_zone_lines(groups, has_manifest)]
    for group in groups:
        lines += ["", *_source_lines(group)]
    return "\n".join(lines) + "\n"


def _zone_lines(groups, has_manifest):
    kept = [g for group in groups for g in group.guesses if g.column in ("time", "date")]
    if all(g.seen.zoned for g in kept) and not has_manifest:
        return ["# Every time carries its zone, or counts from 1970; this is only the clock that hours are told by."
                if kept else "# No time is kept, so nothing hangs on the clock.", 'time_zone = "UTC"']
    lines = ["# To be answered: on which clock are the times that carry no zone? Write its IANA name, such as",
             '# "Asia/Shanghai"; "manifest" is what a manifest.json says, or tz when it is run; if none does, it asks.']
    return [*lines, 'time_zone = "manifest"']


def _source_lines(group):
    hidden = sum(look.hidden for look in group.looks)
    makes = ", ".join(map(_quoted, group.makes))
    lines = ["[[source]]", *(f"# {note}" for note in group.notes)]
    if hidden:
        lines.append(f"# {hidden} fields are left out, and so dropped: beyond the first 300, or named like a value")
    lines += [f"name = {_quoted(group.name)}", f"files = {_quoted(group.files)}", f"form = {_quoted(group.form)}",
              f"makes = {makes if len(group.makes) == 1 else f'[{makes}]'}"]
    options = group.looks[0].options
    if options.get("delimiter", ",") != ",":
        lines.append(f"delimiter = {_quoted(options['delimiter'])}")
    if options.get("header") is False:
        lines.append("header = false    # no row of names: columns are counted from 1")
    if "encoding" in options:
        lines.append(f"encoding = {_quoted(options['encoding'])}    # letters beyond ASCII that are no UTF-8")
    lines += [f"{key} = {_quoted(value)}" for key, value in group.extra.items()]
    if group.set:
        lines += ["[source.set]", *(f"{key} = {_quoted(value)}" for key, value in group.set.items())]
    if group.derive:
        lines += ["[source.derive]", *group.derive]
    return [*lines, "[source.fields]", *map(_field_line, group.guesses)]


def _field_line(g):
    settings = {"is": g.what, "do": g.do, "as": g.column or None,
                "kind": g.kind if g.do == "pseudonymise" else None, "step": g.step if g.do == "coarsen" else None,
                **{k: v for k, v in g.reading.items() if g.column}, "why": g.why or None}
    inside = ", ".join(f"{key} = {_quoted(value) if isinstance(value, str) else value}"
                       for key, value in settings.items() if value is not None)
    path = g.path if re.fullmatch(r"[A-Za-z0-9_-]+", g.path) else _quoted(g.path)
    return f"{path} = {{ {inside} }}"


def _quoted(text):
    """A TOML basic string."""
    letters = {'"': '\\"', "\\": "\\\\", "\t": "\\t"}
    return '"' + "".join(letters.get(c) or (c if c.isprintable() else f"\\U{ord(c):08x}") for c in text) + '"'
