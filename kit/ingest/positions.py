"""Positions as dumps write them, to WGS 84 degrees: decimal degrees, degrees with minutes and seconds, NMEA, metres.

What can be read in one way only is read so: `48°52'48"S`, `S 48 52.8`, `4852.80,S` of NMEA receivers. What cannot be
told from a number, the recipe says: its datum or projection (`crs`), swapped axes (`axes`), decimal commas, whole
numbers of 1e-7 degrees (`unit`). Nothing is swapped or moved because it looks better so: that is noticed, counted and
left to the reader. A position that stands for none (0, 0; a pole; NaN) is none.
"""

import re
import threading

import numpy as np
import pyproj

from kit import geo
from kit.errors import InputError
from kit.ingest.numerals import read_number, read_numbers, unwrap

AXES = ("lon lat", "lat lon")
UNITS = ("deg", "e6", "e7")
OWN_CRS = ("gcj02", "bd09")
DEGREES = "EPSG:4326"
FAR_TIMES, FAR_M = 20, 20_000.0
_SAMPLE = 50_000
_SCALES = {None: 1.0, "deg": 1.0, "e6": 1e-6, "e7": 1e-7}
_READ, _MISSING, _UNREADABLE, _NOT_FINITE, _OTHER_AXIS = range(5)
_REASONS = {
    _UNREADABLE: "a position that cannot be read", _NOT_FINITE: "a position that is no finite number",
    _OTHER_AXIS: "a longitude marked N or S, or a latitude marked E or W", _MISSING: "no position",
}
_LETTERS = str.maketrans("北南东西東", "NSEWE", "纬经緯經")
_SIGNS = str.maketrans("度分秒º˚′’‵″”“：\u00a0", "°'\"°°'''\"\"\": ")
_NUMBER = r"(\d+(?:\.\d*)?|\.\d+)"
# A degree, minute or second that something smaller follows is a whole number; each has its sign, a blank or a colon.
_SEXAGESIMAL = re.compile(
    rf"(?P<sign>[-+])?(?:(?P<d>\d{{1,3}})\s*[°:\s]\s*)(?:(?:(?P<m>\d{{1,2}})\s*(?:'|:|\s)\s*){_NUMBER}\s*(?:\"|'')?"
    rf"|(?P<only>\d{{1,2}}(?:\.\d*)?)\s*'?)", re.ASCII)
_ONE_NUMBER = re.compile(rf"(?P<sign>[-+])?{_NUMBER}\s*°?", re.ASCII)
_NMEA = re.compile(r"\d{4,5}\.\d*|\d{4,5}", re.ASCII)


def check_crs(crs, where):
    """Refuse a `crs` of a recipe that is none: "gcj02", "bd09", or the EPSG code of one with two axes."""
    if crs in OWN_CRS:
        return
    try:
        known = bool(re.fullmatch(r"EPSG:\d{4,6}", crs)) and len(pyproj.CRS.from_user_input(crs).axis_info) == 2
    except (pyproj.exceptions.CRSError, TypeError):
        known = False
    if not known:
        raise InputError(f"{where} has the crs {crs!r}, which is none that is known here; give an EPSG code of two "
                         f"axes such as EPSG:4326 or EPSG:32649, or {' or '.join(OWN_CRS)}.")


def read_positions(lon_texts, lat_texts, lon_spec=None, lat_spec=None, crs=DEGREES, axes="lon lat"):
    """Read two columns of position texts.

    Parameters
    ----------
    lon_texts, lat_texts : pyarrow.StringArray
        As the dump has them, also where its axes are swapped. Projected ones: eastings and northings.
    lon_spec, lat_spec : recipe.Field, optional
        Their `decimal` and `unit`.
    crs : str
        "EPSG:4326", another EPSG code, "gcj02" or "bd09".
    axes : {"lon lat", "lat lon"}
        "lat lon" if `lon_texts` hold the latitudes (or northings).

    Returns
    -------
    (numpy.ndarray, numpy.ndarray, list of (numpy.ndarray of bool, str))
        Longitude and latitude in WGS 84 degrees, NaN where there is no usable position; and the rows that have none,
        by reason, the first reason that fits a row being the one that counts.

    >>> import pyarrow as pa
    >>> lon, lat, _ = read_positions(pa.array(["123°23'24\\"W"]), pa.array(["4852.80,S"]))
    >>> float(lon[0]), float(lat[0])
    (-123.39, -48.88)
    """
    if axes == "lat lon":
        lon_texts, lat_texts, lon_spec, lat_spec = lat_texts, lon_texts, lat_spec, lon_spec
    degrees = crs in OWN_CRS or pyproj.CRS.from_user_input(crs).is_geographic
    lon, lon_state = _read_axis(lon_texts, "EW" if degrees else "", lon_spec)
    lat, lat_state = _read_axis(lat_texts, "NS" if degrees else "", lat_spec)
    faults = [((lon_state == state) | (lat_state == state), reason) for state, reason in _REASONS.items()]
    given = (lon_state == _READ) & (lat_state == _READ)
    faults.append((given & (lon == 0) & (lat == 0), "a position of 0, 0, which stands for none"))
    if degrees:
        faults.append((given & (np.abs(lat) == 90), "a position at a pole, which stands for none"))
        swapped = (np.abs(lat) > 90) & (np.abs(lat) <= 180) & (np.abs(lon) <= 90)
        faults.append((given & swapped, "a position off the globe, but on it if lon and lat are swapped"))
    else:
        lon, lat = _unproject(lon, lat, crs)
    on_earth = (np.abs(lon) <= 180) & (np.abs(lat) <= 90)
    faults.append((given & ~on_earth, "a position off the globe"))
    usable = given & ~np.any([rows for rows, _ in faults], axis=0)
    lon, lat = np.where(usable, lon, np.nan), np.where(usable, lat, np.nan)
    if crs in OWN_CRS:
        lon, lat = (geo.from_gcj02 if crs == "gcj02" else geo.from_bd09)(lon, lat)
    elif degrees and crs != DEGREES:
        lon, lat = _unproject(lon, lat, crs)
    return lon, lat, faults


def notice(lon, lat):
    """Count positions that lie far outside the body of the data, and those that would not if their axes were swapped.

    The body's middle is the median longitude (counted round the 180th meridian if need be) and latitude. Far is what
    lies over 20 km and over 20 times the median distance from it. Nothing is changed: somebody may have flown.

    Parameters
    ----------
    lon, lat : numpy.ndarray
        WGS 84 degrees; NaN where there is none.

    Returns
    -------
    dict of str to int
        "far from the rest", and of those "near the rest if lon and lat were swapped"; what does not occur is left out.

    >>> notice(np.array([10.0, 10.01, 10.02, 50.0, -123.39]), np.array([50.0, 50.01, 50.02, 10.0, -48.88]))
    {'far from the rest': 2, 'near the rest if lon and lat were swapped': 1}
    """
    body = _Body.of(lon, lat)
    if body is None:
        return {}
    far = body.is_far(lon, lat)
    there = np.abs(lon[far]) <= 90
    swapped = int((~body.is_far(lat[far][there], lon[far][there])).sum())
    found = {"far from the rest": int(far.sum()), "near the rest if lon and lat were swapped": swapped}
    return {note: n for note, n in found.items() if n}


def notice_swapped(lon, lat, other_lon, other_lat):
    """True if one set of positions lies far from another as it is, but near it with lon and lat swapped.

    What a look at one source alone cannot show: every position of it swapped, and all of them still on the globe.
    """
    mine, others = _Body.of(lon, lat), _Body.of(other_lon, other_lat)
    if mine is None or others is None or abs(mine.lon) > 90:
        return False
    as_it_is = others.is_far(np.array([mine.lon]), np.array([mine.lat]))[0]
    return bool(as_it_is and not others.is_far(np.array([mine.lat]), np.array([mine.lon]))[0])


class _Body:
    """Where most positions of a source lie: a middle, and how far from it is far."""

    def __init__(self, lon, lat):
        turn = np.degrees(np.angle(np.exp(1j * np.radians(lon)).mean()))
        middle = turn + np.median((lon - turn + 180) % 360 - 180)
        self.lon, self.lat = float((middle + 180) % 360 - 180), float(np.median(lat))
        self.far_m = max(FAR_TIMES * float(np.median(geo.haversine_m(self.lon, self.lat, lon, lat))), FAR_M)

    @classmethod
    def of(cls, lon, lat):
        """From the positions there are, of many every so-manieth; None if there are fewer than three."""
        there = np.flatnonzero(~np.isnan(lon) & ~np.isnan(lat))
        there = there[:: max(1, len(there) // _SAMPLE)]
        return cls(lon[there], lat[there]) if len(there) >= 3 else None

    def is_far(self, lon, lat):
        return geo.haversine_m(self.lon, self.lat, lon, lat) > self.far_m


def _read_axis(texts, letters, spec):
    """One column as numbers; and for each row whether it was read, missing, or what is wrong with it."""
    decimal, unit = (spec.decimal, spec.unit) if spec else (None, None)
    values, unread = read_numbers(texts, decimal)
    state = np.full(len(values), _READ, dtype=np.int8)
    state[np.isnan(values) & ~unread] = _MISSING
    rows = np.flatnonzero(unread)
    if len(rows):
        seen = {}
        for row in rows:
            text = texts[int(row)].as_py()
            if text not in seen:
                seen[text] = _read_rare(text, letters, decimal)
            values[row], state[row] = seen[text]
    return values * _SCALES[unit], state


def _read_rare(text, letters, decimal):
    """A text that is no plain number: (degrees, state)."""
    text = unwrap(text).strip()
    if not text or text.lower() in ("null", "none", "na", "n/a", "-"):
        return np.nan, _MISSING
    if re.fullmatch(r"[-+]?(nan|inf|infinity)|[-+]?\d+(\.\d*)?[eE]\+?\d+", text, re.IGNORECASE):
        return np.nan, _NOT_FINITE
    if not letters or len(text) > 60:
        return np.nan, _UNREADABLE
    text = text.translate(_LETTERS).translate(_SIGNS).upper().replace("''", '"').strip()
    found = re.fullmatch(r"([NSEW])?\s*(.*?)[\s,]*([NSEW])?", text, re.DOTALL)
    before, body, after = found.groups()
    letter = before or after
    if before and after:
        return np.nan, _UNREADABLE
    if letter and letter not in letters:
        return np.nan, _OTHER_AXIS
    degrees = _read_angle(body, letter, letters, decimal)
    return (degrees, _UNREADABLE) if np.isnan(degrees) else (-degrees if letter in ("S", "W") else degrees, _READ)


def _read_angle(body, letter, letters, decimal):
    """Degrees of an angle in figures; NaN for what is none. With a letter it can have no sign."""
    whole = len(body.partition(".")[0])
    if letter and _NMEA.fullmatch(body) and whole == (5 if letters == "EW" else 4):
        minutes = float(body[whole - 2 :])
        return int(body[: whole - 2]) + minutes / 60 if minutes < 60 else np.nan
    if decimal == ",":
        body = body.replace(",", ".")
    match = _ONE_NUMBER.fullmatch(body) or _SEXAGESIMAL.fullmatch(body)
    if not match or (letter and match["sign"]):
        return np.nan
    parts = match.groupdict()
    if "d" not in parts:
        value = read_number(match[2])
    elif parts["only"] and not letter and not re.search("[°:]", body):
        return np.nan  # 116 39 may just as well be two coordinates
    else:
        minutes = float(parts["m"] or parts["only"])
        seconds = float(match[4]) if parts["m"] else 0.0
        if minutes >= 60 or seconds >= 60:
            return np.nan
        value = (int(parts["d"]) * 3600 + minutes * 60 + seconds) / 3600
    return -value if match["sign"] == "-" else value


_local = threading.local()


def _unproject(lon, lat, crs):
    """Coordinates in another system to WGS 84 degrees, always easting before northing; never asks the network."""
    known = _local.__dict__.setdefault("transformers", {})
    if crs not in known:
        pyproj.network.set_network_enabled(False)
        known[crs] = pyproj.Transformer.from_crs(crs, DEGREES, always_xy=True)
    degrees = known[crs].transform(lon, lat)
    back = known[crs].transform(*degrees, direction="INVERSE")
    same = np.hypot(back[0] - lon, back[1] - lat) < 1.0  # beyond its bounds a projection wraps round
    return np.where(same, degrees[0], np.nan), np.where(same, degrees[1], np.nan)
