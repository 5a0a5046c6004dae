"""One person's days as tables to draw from: the visits of a day, stops with positions, the hours of a week."""

import numpy as np
import pandas as pd

from kit import tables
from kit.errors import InputError
from kit.movement.visits import need_zone
from kit.show import theme


def day_visits(visits, *, tz, day, what):
    """One person's visits on a local day, with hours of that day: arrived_h, left_h, and before_h and after_h, between
    which the person may have been there."""
    tables.check(visits, "visits", ["visit_id", "subject_id", "place_id", "arrived_at", "left_at"])
    theme.need_columns(visits, ["visit_id"], what)
    if visits["subject_id"].nunique() > 1:
        raise InputError(f"{what} shows one person, and the visits are of {visits['subject_id'].nunique()}; filter by "
                         "subject_id first.")
    ordered = visits.sort_values(["arrived_at", "left_at"], kind="stable").reset_index(drop=True)
    start = midnight(day, tz, what)
    hour = {c: (ordered[c] - start).dt.total_seconds() / 3600 for c in ("arrived_at", "left_at")}
    came, went = hour["arrived_at"], hour["left_at"]
    # Between two visits to one place the earlier bar may fade to the middle, the later from there.
    same = ordered["place_id"].astype(str).shift(1) == ordered["place_id"].astype(str)
    before = went.shift(1).where(~same, (went.shift(1) + came) / 2)
    after = came.shift(-1).where(~same.shift(-1, fill_value=False), (went + came.shift(-1)) / 2)
    ordered = ordered.assign(arrived_h=came.clip(0, 24), left_h=went.clip(0, 24),
                             before_h=before.fillna(0).clip(0, 24), after_h=after.fillna(24).clip(0, 24))
    shown = ordered[(hour["left_at"] >= 0) & (hour["arrived_at"] < 24)]
    if len(shown) == 0:
        raise InputError(f"{what} found no visit on {day}; the visits run from {ordered['arrived_at'].min():%Y-%m-%d} "
                         f"to {ordered['left_at'].max():%Y-%m-%d} (UTC).")
    return shown


def place_stops(visits, sensors, *, tz, day, what):
    """One person's visits on a day with a position each: order (from 1), place_id, lon, lat, arrived_h, left_h."""
    shown = day_visits(visits, tz=tz, day=day, what=what)
    theme.need_columns(sensors, ["sensor_id", "zone_id", "geometry"], what)
    spots = pd.DataFrame({"sensor": sensors["sensor_id"].astype(str), "zone": sensors["zone_id"].astype(str),
                          "lon": sensors.geometry.x, "lat": sensors.geometry.y})
    where = pd.concat([spots.groupby("zone")[["lon", "lat"]].mean(), spots.set_index("sensor")[["lon", "lat"]]])
    where = where[~where.index.duplicated(keep="last")]
    stops = shown.assign(place_id=shown["place_id"].astype(str), order=np.arange(1, len(shown) + 1))
    unknown = sorted(set(stops["place_id"]) - set(where.index))
    if unknown:
        raise InputError(f"{what} finds no sensor and no zone called {unknown[0]} among the sensors; give the sensors "
                         "table of the same exposure.")
    return stops.join(where, on="place_id")[["order", "place_id", "lon", "lat", "arrived_h", "left_h"]]


def near_together(stops, reach_deg):
    """The stops with those nearer than the eye can part moved onto the first of them."""
    squeeze = np.cos(np.radians(stops["lat"].mean()))
    centres, moved = [], []
    for lon, lat in stops[["lon", "lat"]].itertuples(index=False):
        near = [c for c in centres if np.hypot((c[0] - lon) * squeeze, c[1] - lat) <= reach_deg]
        if not near:
            centres.append((lon, lat))
        moved.append((near or centres[-1:])[0])
    return stops.assign(lon=[m[0] for m in moved], lat=[m[1] for m in moved])


def numbered_spots(stops):
    """Each position with the numbers of its stops, runs joined: lon, lat, label."""
    rows = []
    for (lon, lat), here in stops.groupby(["lon", "lat"], sort=False):
        runs = []
        for number in here["order"]:
            if runs and number == runs[-1][1] + 1:
                runs[-1][1] = number
            else:
                runs.append([number, number])
        rows.append((lon, lat, ", ".join(f"{a}" if a == b else f"{a}–{b}" for a, b in runs)))
    return pd.DataFrame(rows, columns=["lon", "lat", "label"])


def week_table(visits, tz, subject_id=None):
    """Share of weeks in which people were surely present, for each place, weekday and local hour.

    An hour counts when it lies between the first and the last sighting of a visit, or holds one of them. The number
    of weeks is that of the whole table, so that a person seen on few days is not drawn as one always there.

    Parameters
    ----------
    visits : pandas.DataFrame
        The visits table; give places readable names with `visits.assign(place_id=...)` first.
    tz : str
        The clock of the hours (IANA name).
    subject_id : str, optional
        One person; default is the mean over all people of the table.

    Returns
    -------
    pandas.DataFrame
        place, weekday (0 is Monday), hour (0 to 23), share (0 to 1); cells never seen are left out.

    Raises
    ------
    InputError
        The table lacks a column or a row, the person is not in it, or the zone is unknown.

    >>> at = pd.to_datetime(["2031-03-03 00:10Z"]).as_unit("us")
    >>> visits = pd.DataFrame({"subject_id": "p_1", "place_id": "gate", "arrived_at": at, "left_at": at})
    >>> week_table(visits, "Etc/GMT-8").values.tolist()
    [['gate', 0, 8, 1.0]]
    """
    tables.check(visits, "visits", ["subject_id", "place_id", "arrived_at", "left_at"])
    theme.need_columns(visits, ["subject_id"], "week_table")
    need_zone(tz)
    arrived, left = (_hour_number(visits[c], tz) for c in ("arrived_at", "left_at"))
    days = np.arange(arrived.min() // 24, left.max() // 24 + 1)
    times_in_table = np.bincount((days + 3) % 7, minlength=7)      # day 0, 1 January 1970, was a Thursday
    mine = np.ones(len(visits), bool) if subject_id is None else (visits["subject_id"] == subject_id).to_numpy()
    people = visits.loc[mine, "subject_id"].nunique()
    if people == 0:
        raise InputError(f"The visits table has no person {subject_id}; take one from its subject_id column.")
    spans = (left - arrived + 1)[mine]
    first = np.repeat(np.cumsum(spans) - spans, spans)
    hours = np.repeat(arrived[mine], spans) + np.arange(spans.sum()) - first
    cells = pd.DataFrame({"subject": np.repeat(pd.factorize(visits.loc[mine, "subject_id"])[0], spans),
                          "place": np.repeat(visits.loc[mine, "place_id"].astype(str).to_numpy(), spans),
                          "at": hours}).drop_duplicates()
    cells = cells.assign(weekday=(cells["at"] // 24 + 3) % 7, hour=cells["at"] % 24)
    table = cells.groupby(["place", "weekday", "hour"]).size().rename("share").reset_index()
    return table.assign(share=table["share"] / (times_in_table[table["weekday"]] * people))


def clock(hour):
    """An hour of the day as hours and minutes, not rounded up.

    >>> clock(7.999)
    '07:59'
    """
    minutes = int(hour * 60 + 1e-6)
    return f"{minutes // 60:02d}:{minutes % 60:02d}"


def name_of(place, names):
    """What to call a place: its name where one was given, else its id."""
    return str(place) if names is None else str(names.get(place, place))


def offset_of(day, tz):
    """A zone's offset on a day as people write it: names such as Etc/GMT-8, which is UTC+8, mislead.

    >>> offset_of("2031-03-12", "Etc/GMT-8")
    'UTC+8'
    """
    hours = midnight(day, tz).tz_convert(tz).utcoffset().total_seconds() / 3600
    whole, minutes = int(abs(hours)), round(abs(hours) % 1 * 60)
    return f"UTC{'-' if hours < 0 else '+'}{whole}" + (f":{minutes:02d}" if minutes else "")


def midnight(day, tz, what="A day"):
    """The instant at which a local day begins; a clock that leaps over midnight begins it at the hour it leaps to.

    >>> midnight("2031-03-12", "Etc/GMT-8")
    Timestamp('2031-03-11 16:00:00+0000', tz='UTC')
    """
    need_zone(tz)
    try:
        start = pd.NaT if isinstance(day, (int, float)) else pd.Timestamp(day)
    except (ValueError, TypeError):
        start = pd.NaT
    if start is pd.NaT or start.tz is not None:
        raise InputError(f"{what} needs a local day such as '2031-03-12', but it is {day!r}.")
    return start.tz_localize(tz, nonexistent="shift_forward", ambiguous=True).tz_convert("UTC")


def _hour_number(times, tz):
    """Whole local hours since the start of 1970."""
    local = times.dt.tz_convert(tz).dt.tz_localize(None)
    return (local.astype("datetime64[s]").astype("int64") // 3600).to_numpy()
