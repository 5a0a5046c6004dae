"""Who was near whom more often than two routines explain.

Two people who live in one building pass one lift. That they pass it in the same five minutes now and then says
nothing, and neither does a number by itself; what counts is how much more often than people with just these habits
would. Even then the finding is that two subjects were recorded at one sensor within one window, not that they know
each other: same stairs, same bus, same employer do the same.
"""

import warnings

import numpy as np
import pandas as pd
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from kit import codes, tables
from kit.errors import InputError
from kit.movement import pairs, routine
from kit.movement.visits import check_table, counted, encode_ids, is_bare_number, length_us, need_zone

_NAT = np.iinfo(np.int64).min
_HOUR_US, _DAY_US = 3_600_000_000, 86_400_000_000
_MOST_WINDOWS = 300_000_000


def find_copresence(sightings, window="5min", null="profile", fdr=0.05, crowd=None, tz="UTC"):
    """Count how often two subjects were at one sensor within one window, and ask whether routine explains it.

    Windows are bins: the floors of `window` counted from 1970 in UTC, not a sliding distance, so two records a second
    apart may lie on two sides of an edge. `n` counts distinct (sensor, bin) in which both were recorded, however many
    records each has there.

    The p-value is about local days with at least one shared window (`n_days`), because windows come in clumps: a walk
    past three cameras beside a neighbour is one coincidence, not three. Both nulls see the habits of each and nothing
    of the day tested.

    Null `profile`: on each day on which both were recorded anywhere, shared windows are expected from each one's rate
    at that sensor in that hour of the week, fitted on their other days; the other weekdays together weigh as three
    days more, and what is usual at that sensor as one. Two corrections come from comparing different days of the pair:
    how sharply both keep to the same minutes within the hour, and how many days a number of shared windows makes. The
    days are then a Poisson-binomial; its tail is exact, and averaged over the counting error of the rates (a gamma
    factor of mean 1).

    Null `shift`: all shifts of one subject by whole days, round the end to the beginning; their mean (that of whole
    weeks where it is higher) and dispersion give a negative-binomial tail. With B shifts an empirical p-value is never
    below 1/(B + 1); it comes beside the other as `p_empirical`, and a warning says when Benjamini-Hochberg could find
    nothing by it.

    Tested are all pairs who could ever share a window: both recorded on two days or more, in one network of sensors
    joined by common subjects. Pairs that never did share one count as tests with p = 1, though only pairs with
    `n >= 1` are listed. Of pairs not tested p and q are 1. Records of no known subject are left out.

    Parameters
    ----------
    sightings : pandas.DataFrame
        `subject_id, sensor_id, time`, in any order; or stays, `stay_id, subject_id, location_id, started_at,
        finished_at`, as from `find_locations(stays, shared=True)`: a stay counts in each window that it reaches into,
        those at no location are left out.
    window : str or pandas.Timedelta
        Width of a bin; must divide an hour.
    null : {"profile", "shift"}
    fdr : float
        Share of false findings to accept, above 0, up to 1; `more_than_chance` says `q_value <= fdr`.
    crowd : int, optional
        Bins with more subjects than this are left out, of the routines too; `account_for_crowds` counts them.
    tz : str or datetime.tzinfo
        The local clock, for hours of the week and for where a day ends. Only where that clock is put forward or back,
        or where midnight cuts a busy hour, does another one change much.

    Returns
    -------
    pandas.DataFrame
        The `copresence` table, by pair: `subject_a, subject_b, n, expected, p_value, q_value, n_days, expected_days,
        more_than_chance`, and `p_empirical` with `null="shift"`.

    Raises
    ------
    InputError
        A column, sensor or time is missing; times are naive; an argument is none of the above; more than 300 million
        pairs would have to be listed.

    References
    ----------
    Crandall et al. 2010, PNAS 107:22436, doi 10.1073/pnas.1006155107, and the doubts of Malik et al. 2020; Benjamini
    and Hochberg 1995, doi 10.1111/j.2517-6161.1995.tb02031.x.

    >>> times = pd.to_datetime(["2031-03-12T08:01Z", "2031-03-12T08:04Z", "2031-03-13T08:01Z", "2031-03-13T19:00Z"])
    >>> seen = pd.DataFrame({"subject_id": list("abab"), "sensor_id": "gate", "time": times})
    >>> find_copresence(seen)[["subject_a", "subject_b", "n"]].values.tolist()
    [['a', 'b', 1]]
    """
    window_us = _window_us(window, divides_hour=True)
    _check_options(null, fdr, crowd)
    need_zone(tz)
    subject, subjects, sensor, time_us = _columns(_as_sightings(sightings, window_us))
    who, edges, spot, when = pairs.cells(subject, sensor, time_us // window_us, len(subjects))
    day, slot, calendar = _local(when, window_us, tz)
    active = np.zeros((len(subjects), len(calendar)), bool)
    active[who, np.repeat(day, np.diff(edges))] = True
    tested = _component(who, np.repeat(spot, np.diff(edges)), active)
    keep = np.diff(edges) <= (len(subjects) if crowd is None else crowd)
    who, edges = pairs.keep_cells(who, edges, keep)
    spot, day, slot = spot[keep], day[keep], slot[keep]
    first, second, n, n_days = pairs.tally(who, edges, day, max(len(subjects), 1), max(len(calendar), 1))
    out = pd.DataFrame({"subject_a": codes.decode(first, subjects), "subject_b": codes.decode(second, subjects),
                        "n": n, "expected": np.nan, "p_value": 1.0, "q_value": 1.0, "n_days": n_days,
                        "expected_days": np.nan, "more_than_chance": False})
    if null == "shift":
        out["p_empirical"] = 1.0
    rows = np.flatnonzero((tested[first] >= 0) & (tested[first] == tested[second]))
    if len(calendar) < 2:
        if len(out):
            _warn("All these records lie on one local day, so there is no routine to compare with: every p-value is 1.")
        return out
    size = np.diff(edges)
    seen = routine.presence(who, np.repeat(spot, size), np.repeat(slot, size), np.repeat(day, size), active,
                            (calendar + 3) % 7, _DAY_US // window_us)
    _test(out, rows, seen, first, second, n_days, null)
    _judge(out, rows, _pairs_tested(tested), null, fdr, len(calendar) - 1)
    return out


def count_pairs(sightings, window="5min"):
    """Count all pairs of different subjects in one window at one sensor, without listing them.

    Parameters
    ----------
    sightings : pandas.DataFrame
        `subject_id, sensor_id, time`; or stays, as `find_copresence` takes them.
    window : str or pandas.Timedelta
        Width of a bin; bins as in `find_copresence`, of any width.

    Returns
    -------
    int
        The sum of n (n - 1) / 2 over all (sensor, bin), where n subjects were recorded: a pair counts once in each
        bin that it shares.

    Raises
    ------
    InputError
        As `find_copresence`.

    >>> times = pd.to_datetime(["2031-03-12T08:01Z"] * 3 + ["2031-03-12T08:06Z"] * 2)
    >>> count_pairs(pd.DataFrame({"subject_id": list("abcab"), "sensor_id": "gate", "time": times}))
    4
    """
    window_us = _window_us(window)
    subject, subjects, sensor, time_us = _columns(_as_sightings(sightings, window_us))
    _, edges, _, _ = pairs.cells(subject, sensor, time_us // window_us, len(subjects))
    return int(pairs.count(edges).sum())


def account_for_crowds(sightings, window="5min", crowd=50):
    """Count what a crowd cap leaves out.

    Parameters
    ----------
    sightings : pandas.DataFrame
        `subject_id, sensor_id, time`; or stays, as `find_copresence` takes them.
    window : str or pandas.Timedelta
    crowd : int
        As in `find_copresence`.

    Returns
    -------
    pandas.DataFrame
        `what, all, kept, left_out`, for "bins" (a window at a sensor with anybody in it)`, "records of a subject in a
        bin" and "pairs in a bin".

    Raises
    ------
    InputError
        As `find_copresence`.

    >>> times = pd.to_datetime(["2031-03-12T08:01Z"] * 3 + ["2031-03-12T08:06Z"] * 2)
    >>> seen = pd.DataFrame({"subject_id": list("abcab"), "sensor_id": "gate", "time": times})
    >>> account_for_crowds(seen, crowd=2)["left_out"].tolist()
    [1, 3, 3]
    """
    _check_options("profile", 0.05, crowd)
    window_us = _window_us(window)
    subject, subjects, sensor, time_us = _columns(_as_sightings(sightings, window_us))
    _, edges, _, _ = pairs.cells(subject, sensor, time_us // window_us, len(subjects))
    size, n_pairs = np.diff(edges), pairs.count(edges)
    out = size > (len(subjects) if crowd is None else crowd)
    total = np.array([len(size), size.sum(), n_pairs.sum()], np.int64)
    left = np.array([out.sum(), size[out].sum(), n_pairs[out].sum()], np.int64)
    return pd.DataFrame({"what": ["bins", "subjects in a bin", "pairs in a bin"], "all": total, "kept": total - left,
                         "left_out": left})


def relate_pairs(found, people):
    """Say of each pair whether the truth has them in one household, behind one entrance, or neither.

    Parameters
    ----------
    found : pandas.DataFrame
        `subject_a, subject_b`.
    people : pandas.DataFrame
        The truth of an invented exposure: `subject_id, household_no, home_entrance`, and `friend_group` where people
        have circles (-1 for none).

    Returns
    -------
    pandas.Series
        "household", "circle", "neighbour" (same entrance) or "stranger"; "unknown" where either is not in `people`.
        Like `found`, row for row.

    Raises
    ------
    InputError
        A column is missing, or a subject is in `people` twice.

    >>> people = pd.DataFrame({"subject_id": list("abc"), "household_no": [1, 1, 2], "home_entrance": "A-01"})
    >>> relate_pairs(pd.DataFrame({"subject_a": list("ab"), "subject_b": list("bc")}), people).tolist()
    ['household', 'neighbour']
    """
    _need(found, "table of pairs", ["subject_a", "subject_b"])
    _need(people, "table of people", ["subject_id", "household_no", "home_entrance"])
    known = people.dropna(subset=["subject_id"]).astype({"subject_id": object}).set_index("subject_id")
    if not known.index.is_unique:
        raise InputError(f"The table of people names {known.index[known.index.duplicated()][0]!r} more than once; keep "
                         "one row for each.")
    a, b = (known.reindex(found[side].astype(object)) for side in ("subject_a", "subject_b"))

    def same(column):
        if column not in known.columns:
            return np.zeros(len(found), bool)
        one, other = a[column].astype(object).to_numpy(), b[column].astype(object).to_numpy()
        return (one == other) & ~pd.isna(one) & (one != -1)

    unknown = ~(found["subject_a"].astype(object).isin(known.index)
                & found["subject_b"].astype(object).isin(known.index)).to_numpy()
    names = np.select([unknown, same("household_no"), same("friend_group"), same("home_entrance")],
                      ["unknown", "household", "circle", "neighbour"], "stranger")
    return pd.Series(names, index=found.index, name="relation")


def score_copresence(found, people):
    """Report households, circles, neighbours and strangers apart: pairs listed, and pairs beyond routine.

    Parameters
    ----------
    found : pandas.DataFrame
        What `find_copresence` returned.
    people : pandas.DataFrame
        As in `relate_pairs`.

    Returns
    -------
    pandas.DataFrame
        `relation, n_pairs, n_found, n, expected`, a row for each relation that occurs: pairs listed, pairs with
        `more_than_chance`, windows shared and windows to expect.

    Raises
    ------
    InputError
        As `relate_pairs`.

    >>> people = pd.DataFrame({"subject_id": ["a", "b"], "household_no": [1, 2], "home_entrance": ["A-01", "A-02"]})
    >>> found = pd.DataFrame({"subject_a": ["a"], "subject_b": ["b"], "n": [3], "expected": [2.5],
    ...                       "more_than_chance": [False]})
    >>> score_copresence(found, people).values.tolist()
    [['stranger', 1, 0, 3, 2.5]]
    """
    _need(found, "table of pairs", ["subject_a", "subject_b", "n", "expected", "more_than_chance"])
    by = found.assign(relation=relate_pairs(found, people)).groupby("relation", sort=True)
    return by.agg(n_pairs=("n", "size"), n_found=("more_than_chance", "sum"), n=("n", "sum"),
                  expected=("expected", "sum")).reset_index()


def _need(frame, what, columns):
    missing = [c for c in columns if c not in getattr(frame, "columns", ())]
    if missing:
        raise InputError(f"The {what} lacks {', '.join(missing)}; rename or add it.")


def _check_options(null, fdr, crowd):
    if null not in ("profile", "shift"):
        raise InputError(f"null must be 'profile' or 'shift', but it is {null!r}.")
    if isinstance(fdr, bool) or not isinstance(fdr, (int, float, np.number)) or not 0 < fdr <= 1:
        raise InputError(f"fdr must be a share above 0 and up to 1, such as 0.05, but it is {fdr!r}.")
    if crowd is not None and (isinstance(crowd, bool) or not isinstance(crowd, (int, np.integer)) or crowd < 2):
        raise InputError(f"crowd must be a whole number from 2 on, or None for no cap, but it is {crowd!r}.")


def _window_us(window, divides_hour=False):
    width = length_us(window, "window") if not is_bare_number(window) else 0
    if width == 0:
        raise InputError(f"window must be a length of time such as '5min', but it is {window!r}.")
    if divides_hour and _HOUR_US % width:
        raise InputError(f"window must divide an hour, as 1, 5, 10 or 30 minutes do, but it is {window!r}; routines "
                         "are fitted by the hour.")
    return width


def _as_sightings(records, window_us):
    """Stays become a sighting at their location in each window that they reach into; sightings stay what they are."""
    if not isinstance(records, pd.DataFrame) or "stay_id" not in records.columns:
        return records
    if "location_id" not in records.columns:
        raise InputError("Stays have positions, not places; group them by find_locations(stays, shared=True) first.")
    check_table(records, "stays", ["subject_id", "location_id", "started_at", "finished_at"])
    stays = records.dropna(subset="location_id")
    begin, end = (tables.utc(stays[c]).array.asi8 for c in ("started_at", "finished_at"))
    wrong = (begin == _NAT) | (end == _NAT) | (end < begin)
    if wrong.any():
        raise InputError(f"{counted(int(wrong.sum()), 'stay')} no beginning or end, or ends before it begins, first in "
                         f"row {int(np.argmax(wrong))}; remove or repair them.")
    first = begin // window_us
    lengths = np.maximum((end - 1) // window_us - first, 0) + 1
    if lengths.sum() > _MOST_WINDOWS:
        raise InputError(f"These stays reach into {lengths.sum():,} windows, and {_MOST_WINDOWS:,} can be held; take a "
                         "wider window or fewer days.")
    row = np.repeat(np.arange(len(stays)), lengths)
    window = np.repeat(first, lengths) + np.arange(len(row)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    time = pd.DatetimeIndex((window * window_us).astype("datetime64[us]"), tz="UTC")
    return pd.DataFrame({"subject_id": stays["subject_id"].take(row).array,
                         "sensor_id": stays["location_id"].take(row).array, "time": time})


def _columns(sightings):
    check_table(sightings, "sightings", ["subject_id", "sensor_id", "time"])
    subject, subjects = codes.only_used(*encode_ids(sightings["subject_id"]))
    sensor, _ = encode_ids(sightings["sensor_id"])
    time_us = tables.utc(sightings["time"]).array.asi8
    for missing, what in ((sensor < 0, "sensor_id"), (time_us == _NAT, "time")):
        if missing.any():
            raise InputError(f"{counted(int(missing.sum()), 'sighting')} no {what}, first in row "
                             f"{int(np.argmax(missing))}; remove or repair them.")
    return subject, subjects, sensor, time_us


def _local(window, window_us, tz):
    """Day (from 0) and slot of the day of each window on the local clock, and all days as numbers from 1970."""
    numbers, back = np.unique(window, return_inverse=True)
    starts = pd.DatetimeIndex((numbers * window_us).view("datetime64[us]"), tz="UTC").tz_convert(tz).tz_localize(None)
    local_us = starts.as_unit("us").asi8
    day = local_us // _DAY_US
    calendar = np.arange(day[0], day.max() + 1) if len(day) else np.empty(0, np.int64)
    first = day[0] if len(day) else 0
    return (day - first)[back], (local_us % _DAY_US // window_us)[back], calendar


def _component(who, spot, active):
    """The network of sensors and common subjects that each subject belongs to; -1 where seen on a single day."""
    n, n_spots = len(active), int(spot.max()) + 1 if len(spot) else 0
    if n == 0:
        return np.empty(0, np.int64)
    links = coo_array((np.ones(len(who), np.int8), (who, n + spot)), shape=(n + n_spots, n + n_spots))
    label = connected_components(links, directed=False)[1][:n].astype(np.int64)
    label[active.sum(axis=1) < 2] = -1
    return label


def _pairs_tested(tested):
    size = np.bincount(tested[tested >= 0])
    return int((size * (size - 1) // 2).sum())


def _test(out, rows, seen, first, second, n_days, null):
    if len(rows) == 0:
        return
    task = seen, first[rows], second[rows], n_days[rows]
    if null == "profile":
        answers = dict(zip(("expected", "expected_days", "p_value"), routine.profile_null(*task), strict=True))
    else:
        answers = dict(zip(("expected", "expected_days", "p_value", "p_empirical"), routine.shift_null(*task),
                           strict=True))
    for name, values in answers.items():
        column = out[name].to_numpy(copy=True)
        column[rows] = values
        out[name] = column


def _judge(out, rows, n_tests, null, fdr, n_shifts):
    """Benjamini-Hochberg over all pairs tested, of which those without a shared window have p = 1."""
    if len(rows) == 0:
        return
    p = out["p_value"].to_numpy()
    q = np.ones(len(out))
    q[rows] = benjamini_hochberg(p[rows], n_tests)
    out["q_value"] = q
    out["more_than_chance"] = q <= fdr
    floor = 1 / (n_shifts + 1)
    at_floor = int((out["p_empirical"].to_numpy()[rows] <= floor).sum()) if null == "shift" else 0
    if null == "shift" and floor > fdr * at_floor / n_tests:
        _warn(f"With {n_shifts} shifts an empirical p-value is at least 1/{n_shifts + 1}; with {n_tests:,} pairs "
              f"tested and {at_floor:,} of them at that floor, Benjamini-Hochberg at {fdr:g} finds nothing by "
              "p_empirical. p_value, from the shifts' mean and dispersion, has no such floor.")


def benjamini_hochberg(p, n_tests):
    """Adjusted p-values of `n_tests` tests, of which all that are not given have p = 1.

    >>> benjamini_hochberg(np.array([0.01, 0.02]), 4).tolist()
    [0.04, 0.04]
    """
    order = np.argsort(p, kind="stable")
    ranked = p[order] * n_tests / np.arange(1, len(p) + 1)
    q = np.empty(len(p))
    q[order] = np.minimum(np.minimum.accumulate(ranked[::-1])[::-1], 1.0)
    return q


def _warn(sentence):
    warnings.warn(sentence, UserWarning, stacklevel=3)
