"""What a raw field is, guessed from its name and from what stands in it; each guess with a reason that shows no value.

`ROLES` is the table to extend: a role, the names that speak of it, what such a field is, what becomes of it and why.
Names are looked at as `words_joined_so`, whatever their case; the first row that fits counts, unless the content says
otherwise: a "time" that cannot be read as one is none.
"""

import re
from collections import Counter
from dataclasses import dataclass, field, replace

import numpy as np
import pyarrow as pa

from kit.ingest import abroad, kinds, positions, times
from kit.ingest.numerals import read_numbers, unwrap

_JUDGED, _LISTED = 200, 2_000
_FEW = 40
_EPOCHS = (9e8, 2.3e9)  # seconds from 1998 to 2042: what numbers of an unnamed column must lie in to be times


def _word(*names):
    return re.compile(rf"(?:^|_)(?:{'|'.join(names)})(?:_|$)")


@dataclass(frozen=True)
class Role:
    """A row of the table: what fields of these names are, what to do and why. `kind` and `tier` are of identifiers.

    The lower the tier, the rather the field is taken for the one by which records are told apart.
    """

    name: str
    names: re.Pattern
    what: str
    do: str
    why: str = ""
    kind: str = ""
    tier: int = 0


_TIME_WORDS = ("time", "timestamp", "ts", "date", "datetime", "dt", "day", "when", "epoch", "utc", "clock", "at",
               r"time\w*", r"\w+time", r"\w+date", r"\w+_?ts", "gmt", "start", "started", "end", "ended", "begin",
               "expires?", "created", "updated", "moment", "hour", "occurred", "recorded", "arrivals?", "departures?",
               *abroad.words("time"), "时间", "日期", r"\w*时间", r"\w*日期")
ROLES = (
    Role("template", _word("feature_?(vec|vector)?s?", "embeddings?", "templates?", "descriptors?", "face_?vec\\w*",
                           "vector", "fingerprints?", "iris", "voice_?print", "biometrics?", r"\w*特征\w*"),
         "identifier", "drop", "a biometric template"),
    Role("label", _word("ethnic\\w*", "nation", "minzu", "race", "religio\\w*", "faith", "belief", "sect",
                        "politic\\w*", "party", "caste", "tribe", "disab\\w*", "crim\\w*", "wanted", "black_?list\\w*",
                        "watch_?list\\w*", "list_\\w+", "suspect\\w*", "risk\\w*", "threat\\w*", "labels?",
                        "categor(y|ies)_of_person", "verdict", "alarm\\w*", "alerts?", "sensitive", "key_?person",
                        "blood_?(type|group)", "sim_?changed", "result", "民族", "宗教", "信仰", "政治\\w*", "标签"),
         "label", "tally", "what somebody was called, counted and then dropped"),
    Role("label", _word("emotion\\w*", "smil\\w*", "attractive\\w*", "sex", "gender", "nationality", "citizenship",
                        "marital\\w*", "income", "education", "occupation", "profession", "rule\\w*", "orientation",
                        "pregnan\\w*", "birth_?place", "native_?place", "国籍", "性别", "婚姻\\w*", "学历", "职业"),
         "label", "drop", "says what somebody is, and is not needed to follow movement"),
    Role("birthday", _word("birth_?(day|date)", "date_?of_?birth", "dob", "born", "birth", "出生\\w*", "生日"),
         "time", "drop", "a date of birth"),
    Role("birth_year", _word("birth_?year", "year_?of_?birth", "yob"), "measurement", "drop", "a year of birth"),
    Role("age", _word("age", "age_?est\\w*", "est\\w*_?age", "年龄"), "measurement", "drop", "an age"),
    Role("image", _word("(img|image|photo|snap|snapshot|pic|picture|avatar|thumb\\w*|face|crop|scene|background|bg)"
                        "_?(url|uri|ref|path|file|link|id|key|b64|base64|data)s?", "photos?", "images?", "pictures?",
                        "avatars?", "snapshots?", "mugshot", r"\w*照片\w*", r"\w*图片\w*", r"\w*头像\w*"),
         "identifier", "drop", "a picture, or where one lies"),
    Role("network", _word("ssid\\w*", "probes?", "essid"), "identifier", "drop",
         "the networks that a device asks for name its owner's home and work"),
    Role("lon", _word("lon", "lng", "long", "longitude", "经度", *abroad.words("lon")), "place", "keep"),
    Role("lat", _word("lat", "latitude", "纬度", *abroad.words("lat")), "place", "keep"),
    Role("projected", _word("x", "y", "x_?m", "y_?m", "easting", "northing", "utm\\w*", "x_?coord\\w*", "y_?coord\\w*",
                            "coord_?x", "coord_?y", "pos_?x", "pos_?y", "xutm", "yutm"),
         "place", "drop", "a position in another system"),
    Role("geometry", _word("geom", "geometry", "wkt", "wkb", "polyline", "path", "coordinates", "geohash", "h3",
                           "lat_?l(on|ng)", "lon_?lat", "geo_?point", "position", "coords?", "shape", "trajectory",
                           "location_?point", "the_geom"),
         "place", "drop", "a position or a path in one cell, which a recipe cannot take apart"),
    Role("accuracy", _word("accuracy(_?m)?", "hacc", "horizontal_?accuracy", "acc", "precision_?m", "radius_?m",
                           "uncertainty(_?m)?", "gps_?accuracy"), "measurement", "drop", "how well it was placed"),
    Role("person", _word("(person|user|people|citizen|resident|rider|customer|member|subscriber|employee|student|owner|"
                         "passenger|subject|client|account|participant|respondent|patient|driver|hack|individual|"
                         "animal|pilot|visitor|worker|staff|holder|traveller|traveler|guest)_?(id|no|num|number|code|"
                         "key|uuid|uid|hash|token|pk|ref|licen[cs]e|local_identifier|identifier|index)",
                         "hack_?licen[cs]e", "uid", "user", "userid", "pid", "openid", "member_?no", "passport\\w*",
                         "id_?(no|num|number|card|card_?no)", "ssn", "sfzh\\w*", "身份证\\w*", "证件\\w*",
                         "national_?id", "card_?(id|no|num|number|hash|uid)",
                         "(smart|travel|oyster|opal|transit)_?card\\w*", "卡号",
                         "who", *abroad.words("person"), "username", "user_?name", "screen_?name", "login", "nick\\w*",
                         "individual_local_identifier"),
         "identifier", "drop", "names a person", "person", 1),
    Role("device", _word("mac", "mac_?addr\\w*", "client_?mac", "src_?mac", "sta_?mac", "did",
                         "(device|phone|handset|terminal|tag|collar|logger|gps|beacon|ad|advert\\w*|maid|idfa|"
                         "aaid|gaid|sim|imei|unit|obu|equipment)_?(id|no|num|number|code|key|uuid|uid|hash|token|serial|"
                         "sn|local_identifier|identifier)", "maid", "idfa", "gaid", "aaid", "adid", "caid",
                         "install_?id", "tag_local_identifier", "terminal", "hashed_?mac", "anon\\w*_?id",
                         *abroad.words("device")),
         "identifier", "drop", "names a device", "device", 2),
    Role("device", _word("imei", "imsi", "meid", "iccid", "serial(_?(no|number))?"), "identifier", "drop",
         "names a device or its card", "device", 5),
    Role("device", _word("msisdn", "phone(_?(no|num|number))?", "mobile(_?(no|num|number))?", "tel\\w*", "手机\\w*",
                         "电话\\w*", "caller", "callee", "calling_?\\w*", "called_?\\w*"),
         "identifier", "drop", "a telephone number", "device", 4),
    Role("vehicle", _word("(vehicle|car|taxi|cab|bus|truck|bike|scooter|vessel|ship|tram|train|plane|aircraft|boat|"
                          "van|fleet|truck|lorry|coach|unit)_?(id|no|num|number|code|key|uuid|hash|licen[cs]e|ref|"
                          "label|identifier|registration)", "plates?", "plate_?(no|num|number|text|hash)",
                          "licen[cs]e_?(plate|no|number)", "number_?plate", "reg(istration)?_?(no|number|plate)",
                          "medallion", "hphm", "车牌\\w*", "mmsi", "imo", "vin", "icao24", "hex_?ident", "bikeid",
                          "taxi", "cab", "call_?sign", "vehicle", "vehicle_vehicle_id", "tail_?number",
                          *abroad.words("vehicle")),
         "identifier", "drop", "names a vehicle", "vehicle", 3),
    Role("household", _word("(household|house|home|meter|dwelling|flat|apartment|customer|premise)_?(id|no|num|number|"
                            "code|key|hash)", "hh_?id", "lclid", "meter", "mpan", "户号", "nmi"),
         "identifier", "drop", "names a household", "household", 3),
    Role("contact", _word("e_?mail\\w*", "wechat", "weixin", "qq", "telegram", "whatsapp", "ip", "ip_?addr\\w*",
                          "client_?ip", "src_?ip", "bank_?\\w*", "iban", "user_?agent", "微信", "邮箱"),
         "identifier", "drop", "leads to a person"),
    Role("address", _word("addr\\w*", "address\\w*", "street_?address", "home_?address", "postal_?address", "地址",
                          "住址", "direccion"), "identifier", "drop",
         "an address; a home is inferred from sightings, never read off"),
    Role("employer", _word("employer", "company", "workplace", "school", "work_?unit", "organi[sz]ation", "单位"),
         "identifier", "drop", "where somebody works or learns"),
    Role("body", _word("height_?cm", "weight_?kg", "stature", "skin\\w*", "hair\\w*", "beard"), "identifier", "drop",
         "a body measure"),
    Role("text", _word("text", "notes?", "comments?", "remarks?", "description", "desc", "message", "msg", "memo",
                       "content", "body", "narrative", "tweet", "备注", "说明", "内容", "bemerkung"),
         "identifier", "drop", "free text may name anybody"),
    Role("record", re.compile(r"^(id|fid|gid|idx|index|v|version|trip|uuid|guid|key|pk|no|序号|记录\w*)$"),
         "noise", "drop", "numbers the record"),
    Role("record", _word("rec(ord)?_?(id|no|num|number)", "row_?(id|no|num|number)", "event_?id", "object_?id",
                         "ogc_?fid", "seq", "sequence\\w*", "seq_?(no|id|num)", "checksum", "etag",
                         "(trip|ride|journey|rental|order|checkin|log|message|fix|position|entity|transaction|"
                         "transaction_?ref|batch|sample|track|segment|visit|session|run)_?(id|no|num|number|ref|seq\\w*|"
                         "uuid|idx|index|key)", "unnamed\\w*", "index_\\d"),
         "noise", "drop", "numbers the record"),
    Role("case", _word("case_?(id|no|num|number)", "incident_?(id|no)", "ticket_?(id|no)", "file_?no"), "identifier",
         "drop", "leads to a case about somebody"),
    Role("zone", _word("zone(_?(id|name|code))?", "districts?(_?(id|name|code))?", "borough", "area(_?(id|name))?",
                       "county", "region(_?(id|name))?", "suburb", "neighbou?rhood", "precinct", "ward", "community",
                       "city", "town", "country", "province", "state_?name", "estate", "区", "市", "区域", "小区"),
         "place", "drop", "an area"),
    Role("entrance", _word("entrance", "building", "block", "floor", "room", "unit", "door", "楼栋", "单元"), "place",
         "drop", "a part of a building"),
    Role("place_class", _word("place_?(class|type)", "(venue|poi|location|site|station)_?(category|class|type|cat)"
                              "(_?(id|name))?", "category_?(id|name)?", "amenity", "land_?use"), "sensor", "drop",
         "what stands there"),
    Role("station_name", _word("(start|end|from|to|origin|destination|o|d)?_?(station|stop|venue|site|place|location|"
                               "gate|poi|terminal)_?name", "(start|end|from|to)_?station(?!_?(id|no|num|number|code))",
                               "station_name\\w*", "stop_?name", "venue_?name"), "place", "drop",
         "the name of a fixed place"),
    Role("sensor", _word("(sensor|camera|cam|sniffer|gate|site|station|cell|tower|antenna|ap|access_?point|reader|"
                         "detector|checkpoint|door|lane|router|antenna|bts|enb|node_?b|venue|location|loc|poi|stop|"
                         "dock|terminal|point|tracker|portal|gantry|turnstile|platform|spot|beacon|probe|place|node|"
                         "toll|start_?station|end_?station|kiosk|host|tap_?in_?\\w*|tap_?out_?\\w*|pickup_?\\w*|"
                         "boarding_?\\w*|alighting_?\\w*|lac|pu_?location|do_?location|pulocation|dolocation|lookup)"
                         "_?(id|no|num|number|code|key|ref|identifier|uid)", "cgi", "ecgi", "cell", "cellid", "lac",
                         "camera", "sensor", "venue", "station", "gate", "stop", "ap", "poi", "beacon", "reader",
                         "access_?point", "bssid", "ap_?mac", "ap_?name",
                         "device_?(ip|name)", "pulocationid", "dolocationid", "(ap|tower|sensor|camera|gate)_?name",
                         "摄像头\\w*", "设备编号", "卡口\\w*", "基站\\w*", "站点\\w*", *abroad.words("sensor")),
         "sensor", "drop", "names a fixed place"),
    Role("name", _word("(?<!.)name", "(full|given|first|last|sur|family|middle|real|person|driver|owner|customer|"
                       "contact|passenger|subscriber|vessel|ship|boat)_?name", "surname", "姓名", "名字", "联系人",
                       *abroad.words("name")), "identifier", "drop", "a name"),
    Role("score", _word("(match_?|face_?)?(score|similarity|confidence|conf|prob\\w*|sim)", "相似度", "score_\\w+"),
         "measurement", "drop", "how sure the system was"),
    Role("kwh", _word("kwh", "energy_?kwh", "consumption\\w*", "usage_?kwh", "kwh_?\\w*", "energy"), "measurement",
         "drop", "electricity used"),
    Role("appearance", _word("glasses", "mask", "hat", "helmet", "colou?r", "vehicle_?colou?r", "car_?colou?r",
                             "brand", "make", "model", "vehicle_?(type|class|make|model)", "clothes\\w*", "upper\\w*",
                             "lower\\w*", "bag", "backpack", "umbrella", "颜色"), "measurement", "drop",
         "would let somebody be followed where the system could not"),
    Role("number", _word("speed\\w*", "velocity", "heading", "bearing", "course", "direction_?deg", "azimuth",
                         "rssi\\w*",
                         "signal\\w*", "snr", "altitude\\w*", "elevation\\w*", "height\\w*", "distance\\w*", "dist\\w*",
                         "duration\\w*", "fare\\w*", "tip\\w*", "toll\\w*", "tax", "amount", "total\\w*", "price",
                         "cost", "charge\\w*", "fee\\w*", "litres?", "liters?", "battery\\w*", "temp\\w*", "range\\w*",
                         "facing\\w*", "hdop", "pdop", "satellites?", "sat\\w*", "count", "passengers?(_?count)?",
                         "tz_?\\w*", "timezone\\w*", "utc_?offset", "offset", "bytes\\w*", "duration", "capacity",
                         "zero", "ground_?speed", "surcharge", "improvement\\w*", "extra", "delay", "odometer",
                         "trip_?(time\\w*|seconds|miles|distance|duration)", "acceleration\\w*", "rpm", "weight",
                         "cog", "sog", "rot", "draught", "draft", "length\\w*", "width\\w*", "docks?\\w*"),
         "measurement", "drop", "not needed to follow movement"),
    Role("time", _word(*_TIME_WORDS), "time", "drop", "not the time of the record"),
)
_NUMBER_ROLES = {"lon", "lat", "projected", "accuracy", "age", "birth_year", "score", "kwh", "number"}
_KIND_ROLES = {"resident_id": "person", "passport": "person", "bank_card": "person", "mac": "device", "imei": "device",
               "imsi": "device", "phone": "device", "plate": "vehicle", "email": "contact", "ip": "contact",
               "image_url": "image", "image_data": "image", "face_template": "template", "address": "address",
               "name": "name"}
_BY_NAME = {role.name: role for role in reversed(ROLES)}


@dataclass
class Guess:
    """One field: its path, role, what to do, why, and how to read it; and what is known of its values in the sample."""

    path: str
    role: str
    what: str
    do: str
    why: str = ""
    kind: str = ""
    tier: int = 9
    column: str = ""
    step: float | None = None
    named: bool = True
    reading: dict = field(default_factory=dict)
    seen: object = None
    unsettled: bool = False


@dataclass
class Seen:
    """What stands in a field: shares and counts, and its distinct values, which stay here."""

    cells: int
    filled: float
    values: list
    rows: int
    numbers: np.ndarray
    numeric: float
    whole: bool
    zoned: bool = True
    clocked: bool = True
    moments: np.ndarray | None = None

    @property
    def distinct(self):
        return len(self.values)

    @property
    def unlike(self):
        """Share of filled cells whose value stands once."""
        return self.distinct / self.rows if self.rows else 0.0

    @property
    def flag(self):
        return 0 < self.distinct <= 2 and {v.lower() for v in self.values} <= {"true", "false", "t", "f", "yes", "no",
                                                                              "y", "n"}


def guess(path, texts):
    """What a field is.

    Parameters
    ----------
    path : str
    texts : pyarrow.StringArray
        Its values in a sample.

    Returns
    -------
    Guess
        Not yet with the column that it becomes, which depends on the fields beside it.

    >>> guess("gps.lon", pa.array(["-123.39"] * 5)).role, guess("religion", pa.array(["a", "b"])).do
    ('lon', 'tally')
    """
    seen = _look_at(texts)
    name = joined(path.rpartition(".")[2] if not path.endswith(("$date", "$oid")) else path)
    unnamed = re.fullmatch(r"column_\d+", name) is not None
    role = None if unnamed else _by_name(path, name, seen, texts)
    if role is not None:
        found = Guess(path, role.name, role.what, role.do, role.why, role.kind, role.tier or 9)
    else:
        found = _by_content(path, seen, texts, unnamed)
    found.seen, found.named = seen, role is not None
    return _with_reading(found, texts)


def joined(name):
    """A name in lower case, its words joined by one underscore.

    >>> joined("tpepPickup-DateTime (UTC)")
    'tpep_pickup_date_time_utc'
    """
    parted = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name)
    return re.sub(r"[\W_]+", "_", parted).strip("_").lower()


def _look_at(texts):
    there = texts.drop_null()
    numbers, _ = read_numbers(there) if len(there) else (np.empty(0), None)
    good = numbers[~np.isnan(numbers)]
    values = list(dict.fromkeys(unwrap(v) for v in there.unique().slice(0, _LISTED).to_pylist()))
    return Seen(len(texts), len(there) / max(len(texts), 1), values, len(there), good,
                len(good) / max(len(there), 1), bool(len(good)) and bool((good == np.round(good)).all()))


def _by_name(path, name, seen, texts):
    """The first role that the name speaks of and the content allows."""
    if path.startswith("_") and path.lstrip("_") in ("id", "class", "index", "type", "score", "v"):
        return _BY_NAME["record"]
    above = joined(path)
    if above != name and name in ("id", "key", "value", "no"):
        whose = next((r for r in ROLES if (r.tier or r.name in ("sensor", "record")) and r.names.search(above)), None)
        if whose:
            return whose
    return next((role for role in ROLES if role.names.search(name) and _allows(role, name, seen, texts)), None)


def _allows(role, name, seen, texts):
    """Whether what stands there can be what the name says."""
    if not seen.rows:
        return True
    if role.name == "time":
        return _reads_as_time(texts, seen) or (name.endswith(("time", "hour", "clock")) and _is_clock(seen))
    if role.name == "birthday":
        return _time_share(texts)[0] >= 0.8
    if role.name in ("lon", "lat") and set(name.split("_")) & set(abroad.AMBIGUOUS) and not _is_fine(seen):
        return False
    if role.name in ("lon", "lat"):
        return seen.numeric >= 0.8 or _position_share(texts) >= 0.8 or _comma_share(seen) >= 0.8
    if role.name in _NUMBER_ROLES - {"projected"}:
        return seen.numeric >= 0.8 or _comma_share(seen) >= 0.8 or seen.rows == 0
    if role.name in ("template", "geometry"):
        return seen.numeric < 0.8
    if role.name == "label" and role.do == "tally":
        return seen.distinct <= max(_FEW, seen.rows // 5)
    if (role.tier or role.name == "sensor") and re.search(r"_(type|kind|status|count|class|category|typ|tipo)$", name):
        return False
    if role.tier or role.name in ("record", "sensor"):
        return not (seen.flag or (_time_like(texts, seen) and not seen.whole))
    return True


def _by_content(path, seen, texts, unnamed):
    """A role for a field whose name says nothing."""
    if not seen.rows:
        return Guess(path, "empty", "noise", "drop", "empty throughout the sample")
    kind, share = _commonest_kind(path, seen)
    if _time_like(texts, seen) and not (kind in ("resident_id", "bank_card") and share > 0.5):
        return Guess(path, "time", "time", "drop", "not the time of the record")
    if seen.numeric >= 0.9 and not (kind in ("resident_id", "imei", "imsi", "phone") and share >= 0.5):
        return _number(path, seen)
    if _comma_share(seen) >= 0.9 and any(len(v.partition(",")[2]) != 3 for v in seen.values):  # no thousands
        numbers, _ = read_numbers(texts.drop_null(), ",")
        return _number(path, replace(seen, numbers=numbers[~np.isnan(numbers)], whole=False,
                                     values=[v.replace(",", ".") for v in seen.values]))
    if share >= 0.5 and kind in _KIND_ROLES and not (kind == "name" and seen.unlike < 0.02 and seen.distinct < 20):
        role = _BY_NAME[_KIND_ROLES[kind]]
        return Guess(path, role.name, role.what, role.do, f"{role.why}, by its content", role.kind, role.tier or 9)
    if seen.flag:
        return Guess(path, "category", "measurement", "tally", "yes or no, counted")
    if _is_pairs(seen):
        role = _BY_NAME["geometry"]
        return Guess(path, role.name, role.what, role.do, role.why)
    words = np.mean([len(v.split()) for v in seen.values])
    if words >= 4 and seen.unlike > 0.05:
        role = _BY_NAME["text"]
        return Guess(path, role.name, role.what, role.do, role.why)
    return _code(path, seen)


def _number(path, seen):
    near = seen.numbers
    in_degrees = seen.whole is False and _is_fine(seen) and 1 < np.abs(near).max() <= 180
    if in_degrees and np.ptp(near) < 90:
        return Guess(path, "degrees", "place", "drop", "looks like degrees")
    if path.startswith("column_") and seen.whole and _is_offset(near):
        return Guess(path, "number", "measurement", "drop", "how far a clock is from UTC, in minutes, it seems")
    if seen.whole and seen.distinct <= 2 and set(near.tolist()) <= {0.0, 1.0}:
        return Guess(path, "category", "measurement", "tally", "0 or 1, counted")
    if seen.whole and near.min() >= 0 and seen.distinct <= 12 and seen.rows >= 5 * seen.distinct:
        return Guess(path, "category", "measurement", "tally", "few values, counted", tier=8)
    if seen.whole and near.min() >= 0:
        return Guess(path, "integer", "measurement", "drop", "a number without a name for what it counts", tier=8)
    return Guess(path, "number", "measurement", "drop", "not needed to follow movement")


def _is_fine(seen):
    """Whether most numbers have three decimals or more, as degrees do."""
    return bool(seen.values) and np.mean([len(re.split("[.,]", v)[-1]) >= 3 and v.count(".") + v.count(",") == 1
                                          for v in seen.values[:200]]) > 0.5


def _is_offset(numbers):
    size = np.abs(numbers)
    return bool(len(numbers) and 60 <= size.max() <= 840 and (numbers % 15 == 0).all() and len(set(size)) <= 60)


def _code(path, seen):
    """A text that is no sentence: a word out of few, or the name of something."""
    if seen.distinct <= _FEW and seen.unlike <= 0.5 and not any(re.search(r"\d{3}", v) for v in seen.values):
        return Guess(path, "category", "measurement", "tally", "few values, counted")
    if re.search(r"\d", "".join(seen.values[:50])) or seen.unlike > 0.5:
        return Guess(path, "code", "identifier", "drop", "behaves like an identifier", tier=7)
    return Guess(path, "words", "measurement", "drop", "words that repeat, of no known meaning")


def _commonest_kind(path, seen):
    """The kind of identifier that most values are, and their share."""
    sample = seen.values[:_JUDGED]
    counted = Counter(kind for value in sample for kind in kinds.find(value[:4000], place=path))
    for kind in ("pseudonym",):
        counted.pop(kind, None)
    kind, often = counted.most_common(1)[0] if counted else ("", 0)
    return kind, often / max(len(sample), 1)


# --- times and positions ---------------------------------------------------------------------------------------------


def _time_share(texts, form=None, unit=None):
    """Share of filled cells that read as times, and what they are."""
    there = texts.drop_null()
    if not len(there):
        return 0.0, np.empty(0, np.int8), np.empty(0, np.int64)
    micros, forms = times.read_times(there, form, unit)
    readable = np.isin(forms, (times.INSTANT, times.WALL, times.DATE, times.DAY_OR_MONTH))
    missing = forms == times.MISSING
    return readable.sum() / max((~missing).sum(), 1), forms[readable], micros[readable]


def _reads_as_time(texts, seen):
    """Whether a field that is called a time can be one."""
    share, _, micros = _time_share(texts)
    if share >= 0.7:
        years = micros / 3.156e13 + 1970
        return not seen.whole or bool(np.median(years) > 1975 and np.median(years) < 2100)
    return _is_excel(seen)


def _time_like(texts, seen):
    """Whether a field can be nothing but a time, whatever it is called."""
    share, _, micros = _time_share(texts)
    if share < 0.95 or not len(micros):
        return False
    if seen.numeric < 0.5:
        return True
    seconds = micros / 1e6
    return bool(seen.numeric > 0.99 and seconds.min() > _EPOCHS[0] and seconds.max() < _EPOCHS[1]
                and np.ptp(seconds) < 15 * 366 * 86_400 and seen.numbers.min() > 9e8)


def _is_clock(seen):
    return bool(seen.values) and np.mean([bool(re.fullmatch(r"\d{1,2}:\d\d(:\d\d(\.\d+)?)?( ?[AaPp][Mm])?", v.strip()))
                                          for v in seen.values]) > 0.8


def _is_excel(seen):
    return bool(seen.numeric > 0.9 and len(seen.numbers) and seen.numbers.min() > 20_000 and
                seen.numbers.max() < 80_000)


def _position_share(texts):
    there = texts.drop_null().slice(0, 500)
    lon, _, _ = positions.read_positions(there, pa.array(["1"] * len(there)))
    lat, _, _ = positions.read_positions(pa.array(["1"] * len(there)), there)
    return max((~np.isnan(lon)).mean(), (~np.isnan(lat)).mean()) if len(there) else 0.0


def _comma_share(seen):
    return np.mean([bool(re.fullmatch(r"-?\d+,\d+", v)) for v in seen.values]) if seen.values else 0.0


def _is_pairs(seen):
    pair = r"\(?\[*-?\d{1,3}\.\d+[,; ] ?-?\d{1,3}\.\d+.*|(SRID=\d+;)?(MULTI)?(POINT|LINESTRING|POLYGON) ?\(.*"
    return np.mean([bool(re.match(pair, v.strip())) for v in seen.values[:100]]) > 0.8


def _with_reading(found, texts):
    """How to read a time or a number, where that is not told by the value itself."""
    if found.what == "time" and found.seen.rows:
        return _with_time(found, texts)
    if found.role in ("lon", "lat", "degrees", "kwh", "score", "accuracy", "age") and found.seen.numeric < 0.5 \
            and _comma_share(found.seen) >= 0.8:
        found.reading["decimal"] = ","
        numbers, _ = read_numbers(texts.drop_null(), ",")
        found.seen = replace(found.seen, numbers=numbers[~np.isnan(numbers)])
    if found.role in ("lon", "lat") and found.seen.whole and len(found.seen.numbers):
        size = np.abs(found.seen.numbers).max()
        unit = "e7" if 1.8e8 < size <= 1.8e9 else "e6" if 1.8e6 < size <= 1.8e8 else None
        if unit:
            found.reading["unit"] = unit
            found.seen = replace(found.seen, numbers=found.seen.numbers * (1e-7 if unit == "e7" else 1e-6))
    return found


def _with_time(found, texts):
    share, forms, _ = _time_share(texts)
    if share < 0.7 and _is_excel(found.seen):
        found.reading["unit"] = "excel"
    elif (forms == times.DAY_OR_MONTH).any():
        if form := times.suggest_form(texts.drop_null()):
            found.reading["form"] = form
        else:
            found.unsettled = True
            found.why = _ASK_FORM
    return _with_moments(found, texts)


_ASK_FORM = "day or month first cannot be told from the sample: add form = \"DD/MM/YYYY\" or \"MM/DD/YYYY\""


_DOTTED = re.compile(r"\s*\d{1,2}\.\d{1,2}\.\d")


def settle(found, texts, more):
    """Whether the day or the month comes first, from more of the same field than its guess was made of.

    Parameters
    ----------
    found : Guess
        One that is `unsettled`; it is changed.
    texts, more : pyarrow.StringArray
        What it was made of, and more of it.
    """
    form, found.unsettled = times.suggest_form(more.drop_null()), False
    found.why = "" if form else _ASK_FORM
    if not form and (form := _that_runs(more)):
        found.why = "the other of the two numbers never changes, so it seems to be the month: please check"
    elif not form and (there := more.drop_null().unique().to_pylist()) and all(map(_DOTTED.match, there)):
        form, found.why = "DD/MM/YYYY", "the day comes first where dots part it from the month: please check"
    if form:
        found.reading["form"] = form
        _with_moments(found, texts)


def _that_runs(texts):
    """The form in which the month stands still and the days go on, if there are three of them or more."""
    dates = [re.match(r"\s*(\d{1,2})[/.-](\d{1,2})[/.-]\d", text) for text in texts.drop_null().unique().to_pylist()]
    first, second = ({int(date[i]) for date in dates if date} for i in (1, 2))
    if len(first) == 1 and len(second) >= 3:
        return "MM/DD/YYYY"
    return "DD/MM/YYYY" if len(second) == 1 and len(first) >= 3 else None


def _with_moments(found, texts):
    """What is known of its times once they can be read: whether they have zones and clocks, and when they are."""
    micros, forms = times.read_times(texts, found.reading.get("form"), found.reading.get("unit"))
    readable = np.isin(forms, (times.INSTANT, times.WALL, times.DATE))
    some = forms[readable | (forms == times.DAY_OR_MONTH)]
    dates = bool(len(some) and (some == times.DATE).all())
    found.seen = replace(found.seen, zoned=bool(len(some)) and bool((some == times.INSTANT).all()),
                         clocked=not (_is_clock(found.seen) or (dates and "unit" not in found.reading)),
                         moments=np.where(readable, micros, np.nan))
    return found
