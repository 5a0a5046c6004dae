"""OGC Moving Features JSON: features that move, each moment of each as a record."""

import re

import numpy as np

from kit.errors import InputError
from kit.ingest import cutters, encodings
from kit.ingest.cutters import HEAD_BYTES, Block, Chunks
from kit.ingest.json_points import WrongError, expand, inside
from kit.ingest.recipe import Source
from kit.ingest.rows import owner_of

MAX_FEATURE_BYTES = 64 << 20
MAX_NESTED = 100
NO_POINT = "something that moves and is no point"
_MEMBERS = ("lon", "lat", "alt", "time", "id")
_STRUCTURE = {"type", "id", "temporalGeometry", "properties", "geometry", "crs"}
_WGS84 = re.compile(r"(^|[:/])(CRS84h?|WGS84|4326|4979)$", re.IGNORECASE)
_LINES = ("LineString", "MultiPoint")


def read_mf_json(part, source, digest, block_bytes, records_of):
    """The moments of the features of a collection, of one feature, or of one a line: n moments are n records.

    Fields are `lon`, `lat`, `alt` and `time` of a moment, `id` of its feature, the feature's properties by name (those
    within others with dots), and `person` and `file` (see `rows.owner_of`). A moment is one of `datetimes` with the
    coordinates at the same place in the list, in `temporalGeometry` and in its prisms; or in `properties`, beside a
    line, as an older draft of the standard has it. A feature without any, and one that moves and is no point, is one
    record without a position; lists of unequal length are one broken record.
    """
    with part.open() as stream:
        chunks = Chunks(stream, digest, block_bytes)
        blocks = _features(chunks, source, part.name)
        fields = [f.path for f in source.read]

        def points_of(feature, said):
            return _moments(feature, source.crs == Source.crs, set(fields), said)

        yield from expand(blocks, fields, points_of, owner_of(part), records_of)


def _features(chunks, source, name):
    """Blocks of features, however the file is laid out."""
    head = encodings.as_text(chunks.head(), source.encoding, name).lstrip()
    if re.search(r'"type"\s*:\s*"FeatureCollection"', head) or re.search(r'"features"\s*:\s*\[', head):
        _check_system(head[: head.find('"features"')] if '"features"' in head else head, source, name)
        return cutters.cut_members(chunks, "features", 2, name, source.encoding, MAX_FEATURE_BYTES)
    if head.startswith("["):
        return cutters.cut_members(chunks, None, 1, name, source.encoding, MAX_FEATURE_BYTES)
    first = chunks.head(MAX_FEATURE_BYTES + 1).lstrip().partition(b"\n")
    if first[2].strip() and cutters.is_closed(first[0]):
        return cutters.cut_lines(chunks, source.encoding, name)
    return _whole(chunks, source.encoding, name)


def _check_system(head, source, name):
    """Refuse a collection that says beforehand that it is in another reference system."""
    found = re.search(r'"crs"\s*:\s*\{[^{}]*\{[^{}]*"name"\s*:\s*"([^"]*)"', head)
    if found and not _WGS84.search(found[1]) and source.crs == Source.crs:
        raise InputError(f"The file {name} has its points in another reference system than WGS 84; add "
                         'crs = "EPSG:..." to its source in the recipe.')


def _whole(chunks, encoding, name):
    """One feature that is the whole of a file, on however many lines."""
    pieces, size, code = [], 0, encodings.detect(chunks.head(), encoding, name)
    while data := chunks.next():
        size += len(data)
        if size <= MAX_FEATURE_BYTES:
            pieces.append(data)
    data = b"".join(pieces)[code.bom :]
    if code.name != "utf-8":
        data = encodings.Converter(code).feed(data)
    if not data.strip() and not chunks.fault and size <= MAX_FEATURE_BYTES:
        return
    fault = chunks.fault
    if size > MAX_FEATURE_BYTES:
        fault = f"a feature of more than {MAX_FEATURE_BYTES >> 20} MiB: its {size} bytes were not read"
        data = data[:HEAD_BYTES]
    data = data or b"\n"
    yield Block(np.frombuffer(data, np.uint8), np.array([0, len(data)], np.int64), 1, 0,
                faults={0: fault} if fault else {})


def _moments(feature, needs_wgs84, fields, said):
    """The records of one feature."""
    about = _flat(feature.get("properties"))
    said.keys |= about.keys() | (feature.keys() - _STRUCTURE)
    about = {name: value for name, value in about.items() if name in fields and name not in _MEMBERS}
    about["id"] = feature.get("id")
    yielded = False
    for geometry in _geometries(feature):
        yielded = True
        name = inside(geometry, "crs", "properties", "name") or inside(feature, "crs", "properties", "name")
        if needs_wgs84 and isinstance(name, str) and not _WGS84.search(name):
            yield WrongError("in another reference system than WGS 84, and the recipe says no crs")
            continue
        kind = inside(geometry, "type")
        if kind != "MovingPoint" and not (kind is None and inside(geometry, "datetimes")):
            said.notes[NO_POINT] += 1
            yield {**dict.fromkeys(_MEMBERS), **about}
            continue
        yield from _pairs(geometry, about)
    if not yielded:
        yield {**dict.fromkeys(_MEMBERS), **about}


def _geometries(feature):
    """What moves in a feature: its temporal geometry, the prisms of that, or a line with times among the properties."""
    left, count = [feature.get("temporalGeometry")], 0
    while left and count < MAX_NESTED:
        geometry = left.pop(0)
        count += 1
        several = inside(geometry, "prisms") or inside(geometry, "geometrySequence")
        if isinstance(several, list):
            yield from (prism for prism in several if not inside(prism, "prisms"))
            left += [prism for prism in several if inside(prism, "prisms")]
        elif isinstance(geometry, dict):
            yield geometry
    datetimes = inside(feature, "properties", "datetimes")
    if isinstance(datetimes, list) and feature.get("temporalGeometry") is None:
        geometry = feature.get("geometry")
        kind = "MovingPoint" if inside(geometry, "type") in _LINES else "other"
        yield {"type": kind, "datetimes": datetimes, "coordinates": inside(geometry, "coordinates")}


def _pairs(geometry, about):
    times, places = geometry.get("datetimes"), geometry.get("coordinates")
    if not isinstance(times, list) or not isinstance(places, list):
        yield WrongError("no lists of datetimes and coordinates in it")
    elif len(times) != len(places):
        yield WrongError("not as many datetimes as coordinates")
    elif not times:
        yield {**dict.fromkeys(_MEMBERS), **about}
    else:
        for time, place in zip(times, places, strict=True):
            if isinstance(place, list) and len(place) in (2, 3) and all(isinstance(c, str) for c in place):
                yield {"lon": place[0], "lat": place[1], "alt": place[2] if len(place) > 2 else None, "time": time,
                       **about}
            else:
                yield WrongError("coordinates that are no two or three numbers")


def _flat(properties, above="", depth=0):
    """Properties by name, those within others with dots; `datetimes` is no property of a record."""
    found = {}
    for name, value in (properties.items() if isinstance(properties, dict) else ()):
        if isinstance(value, dict) and depth < 5:
            found |= _flat(value, f"{above}{name}.", depth + 1)
        elif above or name != "datetimes":
            found[above + name] = value
    return found
