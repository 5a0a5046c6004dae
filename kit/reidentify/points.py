"""From records to points: what an outsider may know of somebody, a place-bin at a time-bin."""

import numbers
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

import geopandas as gpd
import numpy as np
import pandas as pd

from kit import codes, geo, tables
from kit.errors import InputError
from kit.movement.visits import check_table, counted, encode_ids, is_bare_number, rows_of_sensors

_GRID = re.compile(r"\s*(\d*\.?\d+)\s*(deg|m|km)\s*")
_NAT = np.iinfo(np.int64).min
_FINEST = {"deg": 1e-8, "m": 1e-3, "km": 1e-6}  # about a millimetre: no position is known better


@dataclass(frozen=True, eq=False)
class Points:
    """Distinct (subject, place, bin) triples, sorted, as codes into three sorted dictionaries."""

    subject: np.ndarray
    place: np.ndarray
    bin: np.ndarray
    subjects: pd.Index
    places: pd.Index
    bins: pd.Index
    place_size: str
    time_size: str | None
    origin: tuple[float, float] | None = None
    left_out: dict = field(default_factory=dict)

    @property
    def n_subjects(self):
        """How many subjects have at least one point."""
        return len(self.subjects)

    def __len__(self):
        return len(self.subject)

    def __repr__(self):
        size = f"{len(self):,} points of {self.n_subjects:,} subjects"
        grid = f"{len(self.places):,} places ({self.place_size}) x {len(self.bins):,} time bins ({self.time_size})"
        origin = f", metres from lon {self.origin[0]}, lat {self.origin[1]}" if self.origin else ""
        left = "".join(f", {counted(n, 'record', 'left out', 'left out')}: {why}"
                       for why, n in self.left_out.items() if n)
        return f"<Points: {size} on {grid}{origin}{left}>"

    def frame(self):
        """The points as a table: `subject, place, bin`, each with its own value instead of a code."""
        return pd.DataFrame({"subject": self.subjects[self.subject], "place": self.places[self.place],
                             "bin": self.bins[self.bin]})


def make_points(records, place="sensor", time="1h", sensors=None, origin=None):
    """Reduce records to distinct points: which subject was in which place-bin during which time-bin.

    How bins are cut, so that anybody gets the same ones. All are floors:

    - degrees from 0°, longitude and latitude apart: `floor(degrees / size)`, see `geo.degree_bins`;
    - metres east and north on a plane (azimuthal equidistant, WGS 84) from an origin that is kept in `Points.origin`
      and printed, by the same rule;
    - time in whole microseconds from 1970-01-01 00:00 UTC: `floor(time / width)`. So "1D" is a UTC day and "7D" begins
      on a Thursday; a local day is not a bin, for it moves with the zone.

    Points are a set: any number of records of one subject in one place-bin and time-bin are one point. So what is drawn
    later is drawn from distinct points, and a busy hour at one sensor weighs as much as a glance.

    Parameters
    ----------
    records : pandas.DataFrame
        `subject_id`, `time`, and where: `sensor_id` (sightings) or `lon`, `lat` in degrees (fixes).
        Records of no known subject are left out and counted in `Points.left_out`.
    place : {"sensor", "0.01deg", "500m"}, geopandas.GeoDataFrame or mapping
        The sensor itself; a grid cell, of any size from a millimetre, in deg, m or km; polygons, known by their index
        (records outside all of them are left out and counted); or a mapping from sensor_id to zone.
    time : str or pandas.Timedelta or None
        Width of a time bin; None removes time.
    sensors : pandas.DataFrame, optional
        `sensor_id, geometry`: needed to put sightings on a grid or in polygons.
    origin : (lon, lat), optional
        Origin of the plane for a grid in metres; default the south-west corner of the records, floored to 0.01°.

    Returns
    -------
    Points
        `.subject .place .bin` (codes, sorted, unique), `.subjects .places .bins` (their dictionaries; a grid cell is
        (column, row), a time-bin its start), `.n_subjects`, `.frame()`.

    Raises
    ------
    InputError
        A column is missing or there twice, times are naive or missing, positions are no numbers, missing or out of
        range, a sensor is unknown or no point, an id is a list, or place, time or origin is none.

    >>> times = pd.to_datetime(["2031-03-12T08:10Z", "2031-03-12T08:50Z", "2031-03-12T09:00Z"])
    >>> seen = pd.DataFrame({"subject_id": "p_1", "sensor_id": "a", "time": times})
    >>> len(make_points(seen, time="1h")), len(make_points(seen, time=None))
    (2, 1)
    """
    _check(records, time)
    subject, subjects = encode_ids(records["subject_id"])
    where, places, origin = _places(records, place, sensors, origin)
    when, bins = _bins(records, time)
    left_out = {"no subject": int((subject < 0).sum()), "outside every zone": int(((subject >= 0) & (where < 0)).sum())}
    keep = (subject >= 0) & (where >= 0)
    if not keep.all():
        subject, where, when = subject[keep], where[keep], when[keep]
    subject, where, when = _distinct(subject, where, when)
    subject, subjects = codes.only_used(subject, subjects)
    where, places = codes.only_used(where, places)
    when, bins = codes.only_used(when, bins)
    label = place if isinstance(place, str) else "zones"
    return Points(subject, where, when, subjects, places, bins, label, None if time is None else str(time), origin,
                  left_out)


def _check(records, time):
    used = ["sensor_id"] if "sensor_id" in getattr(records, "columns", ()) else []
    check_table(records, "sightings", ["subject_id", *used, *(["time"] if time is not None else [])])


def _places(records, place, sensors, origin):
    """Each record's place: (codes, dictionary, origin)."""
    if isinstance(place, str) and place == "sensor":
        _need(records, ["sensor_id"], "place='sensor'")
        return *_sensors(records), None
    if isinstance(place, str):
        return _grid(records, place, sensors, origin)
    if isinstance(place, gpd.GeoDataFrame):
        return *_polygons(records, place, sensors), None
    if isinstance(place, (Mapping, pd.Series)):
        return *_mapped(records, pd.Series(place)), None
    raise InputError(f"place must be 'sensor', a grid such as '0.01deg' or '500m', polygons or a mapping, "
                     f"but it is {_brief(place)}.")


def _brief(value):
    """A value as a sentence can hold it: never a whole table."""
    text = repr(value)
    return text if len(text) <= 60 and "\n" not in text else f"a {type(value).__name__}"


def _sensors(records):
    sensor, ids = encode_ids(records["sensor_id"])
    if len(sensor) and sensor.min() < 0:
        raise InputError(f"{counted(int((sensor < 0).sum()), 'record')} no sensor_id; remove them or find their "
                         "sensor.")
    return sensor, ids


def _mapped(records, zones):
    _need(records, ["sensor_id"], "a mapping from sensor to zone")
    sensor, ids = codes.only_used(*_sensors(records))
    if not zones.index.is_unique:
        raise InputError("The mapping from sensor to zone names a sensor twice; keep one zone each.")
    where = zones.index.get_indexer(ids)
    zone, names = encode_ids(zones.reset_index(drop=True).rename("of zones in the mapping"))
    zone = np.append(zone, np.int32(-1))[where]
    if (zone < 0).any():
        raise InputError(f"{counted(int((zone < 0).sum()), 'sensor')} no zone in the mapping, for example "
                         f"{ids[zone < 0][0]!r}; add them or leave out their records.")
    return zone[sensor], names


def _grid(records, place, sensors, origin):
    match = _GRID.fullmatch(place)
    if not match or not float(match[1]) > 0:
        raise InputError(f"place must be 'sensor' or a grid such as '0.01deg', '500m' or '1km', but it is {place!r}.")
    size, unit = float(match[1]), match[2]
    if not _FINEST[unit] <= size < np.inf:
        raise InputError(f"A grid of {_brief(place)} is finer than a millimetre or without bounds; choose a size "
                         "such as '0.01deg', '500m' or '1km'.")
    lon, lat, spot = _positions(records, sensors)
    if unit == "deg":
        cells, origin = geo.degree_bins(lon, lat, size), None
    else:
        origin = _south_west(lon, lat) if origin is None else _lon_lat(origin)
        x_m, y_m = geo.local_plane(*origin).to_plane(lon, lat)
        cells = geo.metre_bins(x_m, y_m, size * (1000 if unit == "km" else 1))
    cell, names = _cell_codes(*cells)
    return cell if spot is None else cell[spot], names, origin


def _lon_lat(origin):
    pair = tuple(origin) if np.iterable(origin) and not isinstance(origin, str) else ()
    if len(pair) != 2 or not all(isinstance(degrees, numbers.Real) for degrees in pair):
        raise InputError(f"origin must be two numbers, (lon, lat) in degrees, but it is {_brief(origin)}.")
    return pair


def _south_west(lon, lat):
    if len(lon) == 0:
        return (0.0, 0.0)
    return (float(np.floor(lon.min() * 100) / 100), float(np.floor(lat.min() * 100) / 100))


def _cell_codes(column, row):
    """Number the cells that occur, in order of column, then row."""
    if len(row) == 0:
        left, low, width, height = 0, 0, 1, 1
    else:
        left, low, width, height = column.min(), row.min(), int(np.ptp(column)) + 1, int(np.ptp(row)) + 1
    if width * height > np.iinfo(np.int64).max:
        raise InputError(f"A grid of {width:,} by {height:,} cells is too fine for records so far apart; choose larger "
                         "cells.")
    key, cell = np.unique((column - left) * height + (row - low), return_inverse=True)
    names = pd.MultiIndex.from_arrays([key // height + left, key % height + low], names=["column", "row"])
    return cell.astype(np.int32), names


def _polygons(records, zones, sensors):
    if zones.crs is None:
        raise InputError("The zones have no coordinate system; set it with zones.set_crs('EPSG:4326').")
    lon, lat, spot = _positions(records, sensors)
    points = gpd.GeoDataFrame(geometry=gpd.points_from_xy(lon, lat), crs="EPSG:4326").to_crs(zones.crs)
    joined = gpd.sjoin(points, zones[[zones.geometry.name]].reset_index(drop=True), how="left", predicate="intersects")
    column = next(c for c in joined.columns if str(c).startswith("index_right"))
    zone = joined[column].groupby(level=0).min().fillna(-1).to_numpy().astype(np.int32)
    rank, names = codes.encode(pd.Series(zones.index))
    zone = np.append(rank, np.int32(-1))[zone]
    return zone if spot is None else zone[spot], names


def _positions(records, sensors):
    """Longitudes and latitudes, and which of them each record has (None: its own)."""
    if {"lon", "lat"} <= set(records.columns):
        check_table(records, "fixes", ["lon", "lat"])
        lon, lat, spot, what = records["lon"], records["lat"], None, "record"
    else:
        _need(records, ["sensor_id"], "a grid or polygons (or columns lon and lat)")
        if sensors is None:
            raise InputError("These records name sensors, not positions; give the table of sensors too: "
                             "make_points(records, place, time, sensors=sensors).")
        check_table(sensors, "sensors", ["sensor_id", "geometry"])
        _need_points(sensors)
        sensor, ids = codes.only_used(*_sensors(records))
        at = rows_of_sensors(sensors, ids, "records")
        lon, lat, spot, what = sensors.geometry.x.iloc[at], sensors.geometry.y.iloc[at], sensor, "sensor"
    lon, lat = np.asarray(lon, dtype=float), np.asarray(lat, dtype=float)
    wrong = ~((np.abs(lon) <= 180) & (np.abs(lat) <= 90))
    if wrong.any():
        raise InputError(f"{counted(int(wrong.sum()), what)} a position that is missing or outside longitude "
                         f"-180..180, latitude -90..90, first in row {int(np.argmax(wrong))}; remove or repair them.")
    return lon, lat, spot


def _need_points(sensors):
    kinds = sensors.geometry.geom_type.dropna()
    other = kinds[kinds != "Point"]
    if len(other):
        raise InputError(f"Sensors must be points, but the sensors table holds {len(other)} of the shape "
                         f"{other.iloc[0]}; take their middle with geometry.centroid, or give shapes as place.")


def _bins(records, time):
    """Each record's time-bin: (codes, starts of the bins)."""
    if time is None:
        return np.zeros(len(records), np.int32), pd.Index(["any time"])
    try:
        width_us = 0 if is_bare_number(time) else pd.Timedelta(time) // pd.Timedelta(1, "us")
    except (ValueError, TypeError):
        width_us = 0
    if not width_us > 0:
        raise InputError(f"time must be a length such as '1h', or None to remove time, but it is {_brief(time)}.")
    time_us = tables.utc(records["time"]).array.asi8
    if (time_us == _NAT).any():
        raise InputError(f"{counted(int((time_us == _NAT).sum()), 'record')} no time, first in row "
                         f"{int(np.argmax(time_us == _NAT))}; remove or repair them.")
    number = time_us // width_us
    first = number.min() if len(number) else 0
    if len(number) and number.max() - first < 4 * len(number) + 1_000:
        used = np.flatnonzero(np.bincount(number - first))
        code = np.zeros(used[-1] + 1, np.int32)
        code[used] = np.arange(len(used))
        code, used = code[number - first], used + first
    else:
        used, code = np.unique(number, return_inverse=True)
        code = code.astype(np.int32)
    return code, pd.DatetimeIndex((used * width_us).view("datetime64[us]"), tz="UTC")


def _need(records, columns, purpose):
    missing = [c for c in columns if c not in records.columns]
    if missing:
        raise InputError(f"{purpose} needs the column {', '.join(missing)}; the records have "
                         f"{', '.join(map(str, records.columns))}.")


def _distinct(subject, place, when):
    """Distinct triples in order, by one sort of packed keys where they fit in 64 bits."""
    widths = [int(a.max(initial=0)).bit_length() for a in (subject, place, when)]
    if sum(widths) > 63:
        triples = np.unique(np.column_stack([subject, place, when]), axis=0)
        return tuple(np.ascontiguousarray(column) for column in triples.T)
    key = (subject.astype(np.int64) << widths[1] | place) << widths[2] | when
    key.sort()
    if len(key):
        key = key[np.append(True, key[1:] != key[:-1])]
    return ((key >> (widths[1] + widths[2])).astype(np.int32),
            (key >> widths[2] & (1 << widths[1]) - 1).astype(np.int32), (key & (1 << widths[2]) - 1).astype(np.int32))
