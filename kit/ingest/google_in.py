"""Google's location history, old and new: every point that it tells of as a record of the same few fields.

The forms: Records.json (`locations`); Semantic Location History, a file a month (`timelineObjects`); and what a phone
exports (`semanticSegments` and `rawSignals`; on iOS an array of segments).
"""

import datetime as dt
import re

from kit.errors import InputError
from kit.ingest import cutters, encodings
from kit.ingest.cutters import Chunks
from kit.ingest.json_points import WrongError, expand, inside
from kit.ingest.rows import owner_of

FIELDS = ("lon", "lat", "time", "end", "accuracy_m", "kind", "device", "person", "file")
ARRAYS = ("locations", "timelineObjects", "semanticSegments", "rawSignals")
UNTIMED = "a point of a way that has no time of its own, not read"
OVERFLOWN = "a coordinate that had overflowed, put right"
_READ = {"latitudeE7", "longitudeE7", "timestamp", "timestampMs", "accuracy", "deviceTag", "placeVisit", "startTime",
         "endTime", "activitySegment", "timelinePath", "visit", "position"}
_SIGNALS = ("wifiScan", "activityRecord")
_PLACE = re.compile(r"\s*(?:geo:)?\s*(-?\d{1,3}(?:\.\d{1,20})?)\s*°?\s*,\s*(-?\d{1,3}(?:\.\d{1,20})?)\s*°?\s*")


def read_google(part, source, digest, block_bytes, records_of):
    """The points of a location history: a member of its arrays that has n of them is n records.

    Fields are `lon`, `lat`, `time`, `end` (of a visit), `accuracy_m`, `kind` (location, visit, activity: its two ends,
    path, position, or what else a member is), `device` (the tag that Records.json has for it), and `person` and `file`
    (see `rows.owner_of`). A member without a point is one record without a position. What a file says beside those
    arrays, such as the profile of frequent places, is not read.
    """
    with part.open() as stream:
        chunks = Chunks(stream, digest, block_bytes)
        head = encodings.as_text(chunks.head(), source.encoding, part.name).lstrip()
        is_array = head.startswith("[")
        key, depth = (None, 1) if is_array else (ARRAYS, 2)
        found = False
        blocks = cutters.cut_members(chunks, key, depth, part.name, source.encoding)
        for block in expand(blocks, [f.path for f in source.read], _points_of, owner_of(part), records_of):
            found = True
            yield block
        if not found and head:
            raise InputError(f"The file {part.name} holds nothing of a location history ({', '.join(ARRAYS)}); give it "
                             "another form in the recipe, or leave it out.")


def _points_of(member, said):
    """The points of one member of any of the arrays; one empty point where it has none."""
    notes = said.notes
    said.keys |= member.keys() - _READ
    if "placeVisit" in member:
        points = _old_visit(member["placeVisit"], notes)
    elif "activitySegment" in member:
        points = _old_activity(member["activitySegment"], notes)
    elif "startTime" in member or "endTime" in member:
        points = _segment(member)
    elif "position" in member:
        points = _signal(member["position"])
    elif any(name in member for name in _SIGNALS):
        name = next(name for name in _SIGNALS if name in member)
        points = [_point(name, None, inside(member[name], "timestamp") or inside(member[name], "deliveryTime"))]
    else:
        points = _location(member, notes)
    yield from points or [_point("other", None, None)]


def _location(member, notes):
    return [_e7("location", member, ("latitudeE7", "longitudeE7"), _when(member), notes,
                accuracy_m=member.get("accuracy"), device=member.get("deviceTag"))]


def _old_visit(visit, notes):
    """A visit, those within it, and the points on the way that it was told from."""
    found, left = [], [visit]
    while left:
        one = left.pop()
        time = _when(inside(one, "duration"), "start")
        found.append(_e7("visit", inside(one, "location"), ("latitudeE7", "longitudeE7"), time, notes,
                         end=_when(inside(one, "duration"), "end")))
        found += _old_path(one, notes)
        left += reversed(_each(inside(one, "childVisits")))
    return found


def _old_activity(activity, notes):
    duration = inside(activity, "duration")
    ends = [_e7("activity", inside(activity, f"{end}Location"), ("latitudeE7", "longitudeE7"), _when(duration, end),
                notes) for end in ("start", "end")]
    for path in (("waypointPath", "waypoints"), ("transitPath", "transitStops")):
        if untimed := len(_each(inside(activity, *path))):
            notes[UNTIMED] += untimed
    return [ends[0], *_old_path(activity, notes), ends[1]]


def _old_path(member, notes):
    return [_e7("path", point, ("latE7", "lngE7"), _when(point), notes, accuracy_m=inside(point, "accuracyMeters"))
            for point in _each(inside(member, "simplifiedRawPath", "points"))]


def _segment(member):
    """A segment as a phone tells it: a way, a visit or an activity."""
    start, end = member.get("startTime"), member.get("endTime")
    points = []
    for point in _each(member.get("timelinePath")):
        time, offset = inside(point, "time"), inside(point, "durationMinutesOffsetFromStartTime")
        points.append(_text_point("path", inside(point, "point"), _later(start, offset) if time is None else time))
    if "visit" in member:
        points.append(_text_point("visit", _place_of(inside(member, "visit", "topCandidate", "placeLocation")), start,
                                  end))
    if "activity" in member:
        for name, time in (("start", start), ("end", end)):
            points.append(_text_point("activity", _place_of(inside(member, "activity", name)), time))
    return points or [_point("other", None, start, end)]


def _signal(position):
    place = inside(position, "LatLng") or inside(position, "latLng")
    return [_text_point("position", place, inside(position, "timestamp"),
                        accuracy_m=inside(position, "accuracyMeters"))]


def _each(value):
    return value if isinstance(value, list) else []


def _place_of(value):
    return value.get("latLng") if isinstance(value, dict) else value


def _when(member, end=""):
    """The time in a member, in whichever of the two ways it was written."""
    name = f"{end}Timestamp" if end else "timestamp"
    return inside(member, name) or inside(member, f"{name}Ms")


def _later(start, minutes):
    """A moment some minutes after a start."""
    try:
        if not isinstance(start, str) or not re.fullmatch(r"-?\d{1,9}(\.\d{1,9})?", minutes or ""):
            raise ValueError
        return (dt.datetime.fromisoformat(start) + dt.timedelta(minutes=float(minutes))).isoformat()
    except (ValueError, OverflowError, TypeError):
        return WrongError("a time that is no start and minutes after it")


def _e7(kind, place, names, time, notes, **more):
    """A point from degrees in ten-millionths, which some exports have 2^32 too high."""
    lat, lon = (inside(place, name) for name in names)
    if lat is None and lon is None:
        return _point(kind, None, time, **more)
    degrees = []
    for text, most in ((lon, 1_800_000_000), (lat, 900_000_000)):
        if not isinstance(text, str) or not re.fullmatch(r"-?\d{1,12}", text):
            return WrongError("a place that is no latitude and longitude")
        value = int(text)
        if most < value and -most <= value - (1 << 32) <= most:
            value -= 1 << 32
            notes[OVERFLOWN] += 1
        degrees.append(f"{'-' * (value < 0)}{abs(value) // 10**7}.{abs(value) % 10**7:07}")
    return _point(kind, degrees, time, **more)


def _text_point(kind, text, time, end=None, **more):
    if text is None:
        return _point(kind, None, time, end, **more)
    found = _PLACE.fullmatch(text) if isinstance(text, str) else None
    if found is None:
        return WrongError("a place that is no latitude and longitude")
    return _point(kind, (found[2], found[1]), time, end, **more)


def _point(kind, degrees, time, end=None, accuracy_m=None, device=None):
    if isinstance(time, WrongError):
        return time
    lon, lat = degrees or (None, None)
    return {"lon": lon, "lat": lat, "time": time, "end": end, "accuracy_m": accuracy_m, "kind": kind, "device": device}
