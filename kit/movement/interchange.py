"""Fixes and stays to and from the frames of trackintel, movingpandas and scikit-mobility.

Only columns are renamed and points made or taken apart; none of the three needs to be installed. Their times without a
zone are UTC on the way out; on the way in, say which clock they are on.
"""

import geopandas as gpd
import numpy as np
import pandas as pd

from kit import tables
from kit.errors import InputError
from kit.movement.visits import check_table, need_zone

_FIXES = ["fix_id", "subject_id", "time", "lon", "lat"]
_STAYS = ["stay_id", "subject_id", "started_at", "finished_at", "lon", "lat"]
_ACCURACY = "accuracy_m"


def to_trackintel(fixes_or_stays):
    """Fixes as trackintel's positionfixes, or stays as its staypoints.

    Parameters
    ----------
    fixes_or_stays : pandas.DataFrame
        `fix_id, subject_id, time, lon, lat` and perhaps `accuracy_m`; or `stay_id, subject_id, started_at,
        finished_at, lon, lat` and perhaps `location_id`.

    Returns
    -------
    geopandas.GeoDataFrame
        `user_id, tracked_at, accuracy, geom`, or `user_id, started_at, finished_at, location_id, geom`, in EPSG:4326;
        the index, `id`, holds the numbers. Ids are plain values, no category. Give it to `trackintel.Positionfixes` or
        `trackintel.Staypoints`.

    Raises
    ------
    InputError
        A column is missing or there twice, or times are naive.

    >>> stays = tables.empty("stays")
    >>> to_trackintel(stays).columns.tolist()
    ['user_id', 'started_at', 'finished_at', 'geom']
    """
    is_stays = "stay_id" in getattr(fixes_or_stays, "columns", ())
    frame = _checked(fixes_or_stays, "stays" if is_stays else "fixes")
    out = pd.DataFrame({"user_id": _plain(frame["subject_id"])})
    for name in ("started_at", "finished_at") if is_stays else ("time",):
        out["tracked_at" if name == "time" else name] = tables.utc(frame[name], name)
    extra = "location_id" if is_stays else _ACCURACY
    if extra in frame.columns:
        out[extra.removesuffix("_m")] = frame[extra].astype("Int64") if is_stays else frame[extra]
    out.index = pd.Index(frame["stay_id" if is_stays else "fix_id"].to_numpy(), name="id")
    return _with_points(out, frame, "geom")


def from_trackintel(frame):
    """Positionfixes of trackintel as fixes, or its staypoints as stays.

    Parameters
    ----------
    frame : geopandas.GeoDataFrame
        `user_id` with `tracked_at` (and perhaps `accuracy`), or with `started_at, finished_at` (and perhaps
        `location_id`); points in degrees; the index becomes `fix_id` or `stay_id`.

    Returns
    -------
    pandas.DataFrame
        The `fixes` table (accuracy missing where there is none); or of the `stays` table the columns that staypoints
        have: no `n_fixes, first_fix_id, last_fix_id`.

    Raises
    ------
    InputError
        Neither kind; no points in degrees; an index of no whole numbers.

    >>> fixes = pd.DataFrame({"fix_id": [7], "subject_id": "d_1", "lon": -123.39, "lat": -48.88,
    ...                       "time": pd.to_datetime(["2031-03-12T08:00Z"])})
    >>> from_trackintel(to_trackintel(fixes))["fix_id"].tolist()
    [7]
    """
    is_stays = "started_at" in getattr(frame, "columns", ())
    _need(frame, ["user_id", "started_at", "finished_at"] if is_stays else ["user_id", "tracked_at"], "trackintel")
    if not pd.api.types.is_integer_dtype(frame.index.dtype):
        raise InputError("The index of a trackintel frame becomes the number of each row, so it must hold whole "
                         "numbers; use frame.reset_index(drop=True).")
    times = {name: tables.utc(frame[name], name) for name in ("started_at", "finished_at") if is_stays}
    times = times or {"time": tables.utc(frame["tracked_at"], "tracked_at")}
    lon, lat = _degrees(frame, "trackintel")
    out = pd.DataFrame({"subject_id": frame["user_id"], **times, "lon": lon, "lat": lat}).reset_index(drop=True)
    out.insert(0, "stay_id" if is_stays else "fix_id", frame.index.to_numpy(dtype=np.int64))
    if not is_stays:
        out[_ACCURACY] = _accuracy(frame, "accuracy")
    elif "location_id" in frame.columns:
        out["location_id"] = frame["location_id"].to_numpy()
    return out


def to_movingpandas(fixes):
    """Fixes as a frame for `movingpandas.TrajectoryCollection`, and the arguments that name its columns.

    Parameters
    ----------
    fixes : pandas.DataFrame
        `fix_id, subject_id, time, lon, lat`.

    Returns
    -------
    frame : geopandas.GeoDataFrame
        `fix_id, subject_id, t, geometry`; `t` is UTC without its zone, which movingpandas would drop with a warning.
    arguments : dict
        For `TrajectoryCollection(frame, **arguments)`.

    >>> to_movingpandas(tables.empty("fixes"))[1]
    {'traj_id_col': 'subject_id', 't': 't'}
    """
    frame = _checked(fixes, "fixes")
    out = pd.DataFrame({"fix_id": frame["fix_id"], "subject_id": _plain(frame["subject_id"]), "t": _naive(frame)})
    return _with_points(out, frame, "geometry"), {"traj_id_col": "subject_id", "t": "t"}


def from_movingpandas(frame, traj_id_col="traj_id", t=None, tz="UTC"):
    """The points of a movingpandas collection (`collection.to_point_gdf()`) as fixes.

    Parameters
    ----------
    frame : geopandas.GeoDataFrame
        Points in degrees; time in the index, or in the column `t`.
    traj_id_col : str
        Column that says whose they are.
    t : str, optional
    tz : str
        Clock of the times, which movingpandas keeps without a zone.

    Returns
    -------
    pandas.DataFrame
        The `fixes` table; `fix_id` is that of the frame, else counts the rows.

    >>> frame, _ = to_movingpandas(tables.empty("fixes"))
    >>> len(from_movingpandas(frame, "subject_id", t="t"))
    0
    """
    _need(frame, [traj_id_col, *([t] if t else [])], "movingpandas")
    lon, lat = _degrees(frame, "movingpandas")
    times = frame[t] if t else frame.index.to_series()
    return _fixes(frame, traj_id_col, times, lon, lat, tz)


def to_scikit_mobility(fixes):
    """Fixes as a frame for `skmob.TrajDataFrame`.

    Returns
    -------
    pandas.DataFrame
        `lat, lng, datetime, uid, fix_id`; `datetime` is UTC without its zone, as scikit-mobility wants it.

    >>> to_scikit_mobility(tables.empty("fixes")).columns.tolist()
    ['lat', 'lng', 'datetime', 'uid', 'fix_id']
    """
    frame = _checked(fixes, "fixes")
    return pd.DataFrame({"lat": frame["lat"], "lng": frame["lon"], "datetime": _naive(frame),
                         "uid": _plain(frame["subject_id"]), "fix_id": frame["fix_id"]})


def from_scikit_mobility(frame, tz="UTC"):
    """A TrajDataFrame of scikit-mobility as fixes; `tz` is the clock of its times, which have no zone.

    Returns
    -------
    pandas.DataFrame
        The `fixes` table; `fix_id` is that of the frame, else counts the rows.

    >>> len(from_scikit_mobility(to_scikit_mobility(tables.empty("fixes"))))
    0
    """
    _need(frame, ["lat", "lng", "datetime", "uid"], "scikit-mobility")
    return _fixes(frame, "uid", frame["datetime"], frame["lng"].to_numpy(), frame["lat"].to_numpy(), tz)


def _fixes(frame, who, times, lon, lat, tz):
    need_zone(tz)
    number = frame["fix_id"].to_numpy() if "fix_id" in frame.columns else np.arange(len(frame))
    zoned = times if isinstance(times.dtype, pd.DatetimeTZDtype) else pd.to_datetime(times).dt.tz_localize(tz)
    return pd.DataFrame({"fix_id": number, "subject_id": frame[who].reset_index(drop=True),
                         "time": tables.utc(zoned).reset_index(drop=True), "lon": lon, "lat": lat,
                         _ACCURACY: _accuracy(frame, _ACCURACY)})


def _checked(frame, table):
    check_table(frame, table, _STAYS if table == "stays" else _FIXES)
    return frame.reset_index(drop=True)


def _need(frame, columns, whose):
    if not isinstance(frame, pd.DataFrame):
        raise InputError(f"A {whose} table must be a data frame, but it is a {type(frame).__name__}.")
    missing = [c for c in columns if c not in frame.columns]
    if missing:
        raise InputError(f"The {whose} frame lacks {', '.join(missing)}; it has {', '.join(map(str, frame.columns))}.")


def _degrees(frame, whose):
    if not isinstance(frame, gpd.GeoDataFrame) or not (frame.geometry.geom_type == "Point").all():
        raise InputError(f"The {whose} frame needs a geometry of points, one in each row.")
    if frame.crs is not None and not frame.crs.is_geographic:
        raise InputError(f"The {whose} frame has its points in {frame.crs.name}; use frame.to_crs('EPSG:4326').")
    return frame.geometry.x.to_numpy(), frame.geometry.y.to_numpy()


def _with_points(out, frame, name):
    points = gpd.points_from_xy(frame["lon"], frame["lat"], crs="EPSG:4326")
    return gpd.GeoDataFrame(out.assign(**{name: points}), geometry=name, crs="EPSG:4326")


def _plain(ids):
    return ids.astype(ids.cat.categories.dtype) if isinstance(ids.dtype, pd.CategoricalDtype) else ids


def _naive(frame):
    return tables.utc(frame["time"]).dt.tz_localize(None)


def _accuracy(frame, column):
    return frame[column].to_numpy(dtype=np.float32) if column in frame.columns else np.full(len(frame), np.nan,
                                                                                             np.float32)
