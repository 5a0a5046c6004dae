"""Whose meter is it: days of consumption against the hours that somebody was at home."""

import numpy as np
import pandas as pd

from kit import tables
from kit.errors import InputError
from kit.movement.visits import check_table, encode_ids, length_us

FEWEST_DAYS, HOUR_US, DAY_US = 7, 3_600_000_000, 86_400_000_000
_CERTAIN = 0.999999


def link_households(readings, presence, top=10, min_days=FEWEST_DAYS):
    """Rank, for each person, the households whose meter counts most on the days that the person is at home.

    A household counts for all its people, so one person's rhythm explains a part of it, and two weeks hold fourteen
    numbers: strangers who keep the same days off look alike. In the sample of 167 households the right one is first
    for about one phone in ten, against one in 167 by chance: far beyond chance, and far from knowing.

    Parameters
    ----------
    readings : pandas.DataFrame
        `household_id, date, kwh`: one row a household and day. With `zone_id` in both tables, only households of the
        person's zone are candidates, and those without a zone.
    presence : pandas.DataFrame
        `subject_id, date, hours`, as from `hours_at_home`: one row a person and day; a day without a row is unknown.
    top : int
        Candidates for each person.
    min_days : int
        Pairs with fewer days in common are left out; from 4 up.

    Returns
    -------
    pandas.DataFrame
        `left_id` (person), `right_id` (household), `score, rank, margin, n_days, correlation`; `score_links` takes it.
        Score is Fisher's z of the correlation times the root of n_days less 3: standard deviations from no tie.
        Margin is the score less that of the best other household. Who is always or never at home has no row.

    Raises
    ------
    InputError
        A column is missing, a household or person has two rows for a day, or an argument is no whole number.

    >>> days = pd.date_range("2031-03-03", periods=7)
    >>> home = pd.DataFrame({"subject_id": "p_1", "date": days, "hours": [9, 10, 9, 11, 10, 20, 22]})
    >>> meters = pd.concat([pd.DataFrame({"household_id": h, "date": days, "kwh": kwh}) for h, kwh in (
    ...     ("h_1", [4, 4, 4, 5, 4, 8, 9]), ("h_2", [6, 5, 6, 5, 6, 5, 6]))])
    >>> link_households(meters, home)[["right_id", "rank"]].values.tolist()
    [['h_1', 1], ['h_2', 2]]
    """
    for number, name, least in ((top, "top", 1), (min_days, "min_days", 4)):
        if isinstance(number, bool) or not isinstance(number, int | np.integer) or number < least:
            raise InputError(f"{name} must be a whole number from {least} up, but it is {number!r}.")
    people = _by_day(presence, "subject_id", "hours", "presence")
    homes = _by_day(readings, "household_id", "kwh", "readings")
    days = people.columns.intersection(homes.columns)
    correlation, n_days = _correlate(people[days].to_numpy(), homes[days].to_numpy())
    usable = np.isfinite(correlation) & (n_days >= min_days) & _zones_agree(presence, readings, people, homes)
    row, column = np.nonzero(usable)
    near = np.clip(correlation[row, column], -_CERTAIN, _CERTAIN)
    found = pd.DataFrame({
        "left_id": people.index.to_numpy(object)[row], "right_id": homes.index.to_numpy(object)[column],
        "score": np.arctanh(near) * np.sqrt(n_days[row, column] - 3), "n_days": n_days[row, column].astype(np.int64),
        "correlation": correlation[row, column]})
    return _ranked(found, top)


def hours_at_home(sightings, tz, night_ends="6h", least=0.1, longest="3h"):
    """Hours that each device spent, day by day, at the places where it spends its nights.

    Parameters
    ----------
    sightings : pandas.DataFrame
        `subject_id, sensor_id, time`, of devices that report at rest too, as phones do.
    tz : str
        The clock people live by.
    night_ends : str or pandas.Timedelta
        Records from midnight to then are of the night.
    least : float
        A sensor with at least this share of a device's night records is a sensor of its home.
    longest : str or pandas.Timedelta
        Between two records at home, no more than this counts: a longer silence tells nothing.

    Returns
    -------
    pandas.DataFrame
        `subject_id, date, hours`: local days on which the device has any record. A spell over midnight counts for the
        day on which it begins. Devices without a record at night are left out.

    Raises
    ------
    InputError
        A column is missing, a time is missing, or an argument is no length of time.

    >>> when = pd.to_datetime(["2031-03-12T02:00Z", "2031-03-12T04:00Z", "2031-03-12T12:00Z", "2031-03-12T20:00Z"])
    >>> seen = pd.DataFrame({"subject_id": "d_1", "sensor_id": ["a", "a", "b", "a"], "time": when})
    >>> hours_at_home(seen, "UTC")["hours"].tolist()
    [2.0]
    """
    check_table(sightings, "sightings", ["subject_id", "sensor_id", "time"])
    night_us, longest_us = length_us(night_ends, "night_ends"), length_us(longest, "longest")
    known = sightings[sightings["subject_id"].notna() & sightings["sensor_id"].notna()]
    (who, ids), (where, _) = encode_ids(known["subject_id"]), encode_ids(known["sensor_id"])
    if known["time"].isna().any():
        raise InputError(f"{int(known['time'].isna().sum())} records have no time; remove or repair them.")
    local_us = tables.utc(known["time"]).dt.tz_convert(tz).dt.tz_localize(None).array.asi8
    order = np.lexsort((where, local_us, who))
    spot = pd.DataFrame({"who": who[order], "where": where[order], "us": local_us[order]})
    at_night = spot[spot["us"] % DAY_US < night_us].groupby(["who", "where"]).size()
    share = at_night / at_night.groupby("who").transform("sum")
    at_home = pd.MultiIndex.from_frame(spot[["who", "where"]]).isin(share.index[share >= least])
    stays = at_home[:-1] & at_home[1:] & (np.diff(spot["who"]) == 0)
    spell = np.where(stays, np.minimum(np.diff(spot["us"]), longest_us), 0)
    spot["hours"] = np.append(spell, 0)[:len(spot)] / HOUR_US
    spot["date"] = pd.to_datetime(spot["us"] // DAY_US, unit="D")
    spot = spot[spot["who"].isin(at_night.index.get_level_values("who"))]
    table = spot.groupby(["who", "date"], as_index=False)["hours"].sum()
    return table.assign(subject_id=np.asarray(ids, object)[table["who"]])[["subject_id", "date", "hours"]]


def _by_day(frame, who, value, name):
    """Subjects by days, NaN where nothing is known."""
    missing = [c for c in (who, "date", value) if c not in getattr(frame, "columns", ())]
    if missing:
        raise InputError(f"The {name} table lacks the column {', '.join(missing)}; it needs {who}, date and {value}.")
    known = frame.dropna(subset=[who, "date", value])
    table = known[[who, "date", value]].astype({who: object}).assign(date=pd.to_datetime(known["date"]).dt.normalize())
    if table.duplicated([who, "date"]).any():
        raise InputError(f"The {name} table has two rows for one {who} and day; add them up first.")
    return table.pivot(index=who, columns="date", values=value).astype(float)


def _correlate(left, right):
    """Pearson's correlation of every row with every row over the days that both know, and how many these are."""
    known = np.isfinite(left).astype(float), np.isfinite(right).astype(float)
    x, y = (np.nan_to_num(a - np.nanmean(a, axis=1, keepdims=True)) if a.size else a for a in (left, right))
    n = known[0] @ known[1].T
    sums = x @ known[1].T, known[0] @ y.T
    spread = n * (x**2 @ known[1].T) - sums[0]**2, n * (known[0] @ (y**2).T) - sums[1]**2
    flat = (spread[0] < 1e-9) | (spread[1] < 1e-9)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(flat, np.nan, (n * (x @ y.T) - sums[0] * sums[1]) / np.sqrt(spread[0] * spread[1])), n


def _zones_agree(presence, readings, people, homes):
    if "zone_id" not in presence or "zone_id" not in readings:
        return True
    sides = (presence, "subject_id", people), (readings, "household_id", homes)
    at = [frame.dropna(subset=[who]).astype({who: object}).groupby(who)["zone_id"].first().reindex(table.index)
          .astype(object) for frame, who, table in sides]
    unknown = at[0].isna().to_numpy()[:, None] | at[1].isna().to_numpy()[None, :]
    return unknown | (at[0].to_numpy()[:, None] == at[1].to_numpy()[None, :])


def _ranked(found, top):
    found = found.sort_values(["left_id", "score", "right_id"], ascending=[True, False, True], ignore_index=True)
    by = found.groupby("left_id")["score"]
    found["rank"] = by.cumcount() + 1
    first, second = by.transform("first"), found["left_id"].map(by.nth(1).set_axis(
        found.loc[found["rank"] == 2, "left_id"]))
    found["margin"] = found["score"] - first.where(found["rank"] > 1, second.fillna(0.0))
    return found.loc[found["rank"] <= top, ["left_id", "right_id", "score", "rank", "margin", "n_days",
                                            "correlation"]].reset_index(drop=True)
