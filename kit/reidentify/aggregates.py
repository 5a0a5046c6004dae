"""Counts are no hiding place: tracks put together again from counts, membership, and two releases laid side by side."""

import numpy as np
import pandas as pd
from scipy import sparse
from scipy.optimize import linear_sum_assignment

from kit import geo
from kit.disclosure import K_DEFAULT, check_k
from kit.errors import InputError
from kit.estimates import bootstrap_by_person

MOST_PEOPLE = 5_000
METHODS = ("recover", "stay_put", "shuffle")


def recover_tracks(counts, zones, seed=0, *, tz=None, night=(22, 6), method="recover"):
    """Put tracks together again from how many people were in each zone at each step.

    At night people are taken to stay near where they were; by day to go on as they went; from day to day a track is
    joined to the one whose zones resemble its own history most (least gain of entropy). Each is one assignment.

    Parameters
    ----------
    counts : pandas.DataFrame
        time, zone_id, n: people in that zone at that step. Everybody must be counted at every step, so that the total
        is the same at all; count people whom nobody saw in a zone of their own.
    zones : geopandas.GeoDataFrame or pandas.DataFrame
        zone_id and geometry (points, or areas of which the centre is taken; EPSG:4326), or zone_id, x_m and y_m.
    seed : int
        Breaks ties: slots of one zone cannot be told apart.
    tz : str, optional
        Zone of the clock that says night and day; default: the clock of `time` itself, whatever that is.
    night : (int, int)
        First hour of the night and first hour of the day.
    method : str
        "recover"; "stay_put": everybody stays where the first step counts them, the baseline to beat; "shuffle":
        each step's slots dealt out at random.

    Returns
    -------
    pandas.DataFrame
        track_id, time, zone_id: a row for each track and step. Nobody knows whose a track is.

    Raises
    ------
    InputError
        Columns are missing, counts are no whole numbers or differ in total, a zone has no place, or more than 5,000
        people are counted: the assignment grows with their cube.

    References
    ----------
    Xu, F. et al. (2017). Trajectory recovery from ash. WWW. doi:10.1145/3038912.3052620: 73 to 91 % recovered.
    D'Silva, S. et al. (2024), arXiv:2409.14645, made it again on open data: the leak is real, those shares are likely
    too high. People stay put most of the time, so compare with "stay_put" before believing any share.

    >>> counts = pd.DataFrame({"time": pd.to_datetime(["2031-03-12T01:00Z"] * 2 + ["2031-03-12T02:00Z"] * 2),
    ...                        "zone_id": ["a", "b"] * 2, "n": 1})
    >>> zones = pd.DataFrame({"zone_id": ["a", "b"], "x_m": [0.0, 900.0], "y_m": [0.0, 0.0]})
    >>> recover_tracks(counts, zones).groupby("track_id")["zone_id"].nunique().tolist()
    [1, 1]
    """
    if method not in METHODS:
        raise InputError(f"method must be one of {', '.join(METHODS)}, but it is {method!r}.")
    _need_seed(seed)
    times, names, slots = _slots(counts)
    xy = _positions(zones, names)
    rng = np.random.default_rng(seed)
    slots = rng.permuted(slots, axis=1)
    if method == "stay_put":
        slots = np.repeat(slots[:1], len(slots), axis=0)
    elif method == "recover" and slots.size:
        slots = _recover(slots, xy, *_clock(times, tz, night))
    n_steps, n = slots.shape
    return pd.DataFrame({"track_id": np.tile(np.arange(n), n_steps), "time": times.repeat(n),
                         "zone_id": names[slots.ravel()]})


def score_tracks(tracks, truth, seed=0):
    """How much of the truth recovered tracks tell, each matched to the person whom it fits best.

    The matching looks at the truth, so even shuffled tracks score above nothing: compare methods, not with zero.

    Parameters
    ----------
    tracks : pandas.DataFrame
        track_id, time, zone_id, as `recover_tracks` gives it.
    truth : pandas.DataFrame
        subject_id, time, zone_id at the same steps, a row each.
    seed : int
        Of the bootstrap.

    Returns
    -------
    pandas.DataFrame
        steps ("all", "away": those at which the person is not where their first step has them, which staying put can
        never tell), estimate, low, high (bootstrap by person), n (person-steps), eligible (people with such steps),
        population. NaN where nobody has such a step.

    Raises
    ------
    InputError
        Columns are missing, steps differ, or somebody is in two zones at once.

    >>> truth = pd.DataFrame({"subject_id": ["x"], "time": pd.to_datetime(["2031-03-12T01:00Z"]), "zone_id": ["a"]})
    >>> score_tracks(truth.rename(columns={"subject_id": "track_id"}), truth)["estimate"].iloc[0]
    np.float64(1.0)
    """
    _need_seed(seed)
    found, real = (_wide(frame, who, name) for frame, who, name in (
        (tracks, "track_id", "tracks"), (truth, "subject_id", "truth")))
    if not found.columns.equals(real.columns):
        raise InputError("tracks and truth have different steps; count the truth at the steps of the counts.")
    if not len(real):
        raise InputError("The truth holds nobody, so nothing can be scored.")
    codes = {zone: i for i, zone in enumerate(pd.unique(np.concatenate([found.to_numpy().ravel(),
                                                                        real.to_numpy().ravel()])))}
    found, real = (np.vectorize(codes.get, otypes=[int])(frame.to_numpy()) for frame in (found, real))
    agreement = (_one_hot(found, len(codes)) @ _one_hot(real, len(codes)).T).toarray()
    track, person = linear_sum_assignment(agreement, maximize=True)
    right = np.zeros(real.shape)
    right[person] = found[track] == real[person]
    away = real != real[:, :1]
    return pd.DataFrame([_share_of("all", right, np.ones_like(away), seed), _share_of("away", right, away, seed)])


def difference_releases(before, after, k=K_DEFAULT):
    """What two releases of the same cells tell together that neither tells alone.

    Parameters
    ----------
    before, after : pandas.Series
        People in each cell, index = the cell; `<NA>` where withheld. A cell that one release lacks counts as 0 there.
    k : int, default 10
        Fewest people who may be told.

    Returns
    -------
    pandas.DataFrame
        cell, before, after, difference (`<NA>` where either is withheld), exposed (True where the difference is of 1 to
        k - 1 people: so many came or left, and are counted by themselves), people (how many those are).

    Raises
    ------
    InputError
        k below 5, a cell twice, or counts that are no whole numbers from 0.

    References
    ----------
    Pyrgelis, A. et al. (2020), arXiv:1902.07456, on which defence of aggregates serves what. Withholding small cells
    leaves differences of large ones: 25 and 24 are both shown, and one person is told. Round both, or withhold by the
    difference, and keep one grid for ever.

    >>> difference_releases(pd.Series({"a": 25, "b": 40}), pd.Series({"a": 24, "b": 40}))["people"].tolist()
    [1, 0]
    """
    check_k(k)
    before, after = _whole(before, "before"), _whole(after, "after")
    cells = before.index.union(after.index, sort=True)
    before, after = (x.reindex(cells, fill_value=0) for x in (before, after))
    difference = after - before
    exposed = difference.abs().between(1, k - 1).fillna(False).astype(bool)
    return pd.DataFrame({"cell": cells, "before": before.array, "after": after.array,
                         "difference": difference.array, "exposed": exposed.to_numpy(),
                         "people": difference.abs().where(exposed, 0).astype("int64").to_numpy()})


def _recover(slots, xy, is_night, day):
    """Slots of each step in the order of tracks: first within each day, then from day to day."""
    history, out = None, np.empty_like(slots)
    for one in np.unique(day):
        steps = np.flatnonzero(day == one)
        tracks = _one_day(slots[steps], xy, is_night[steps])
        share = np.apply_along_axis(np.bincount, 0, tracks, minlength=len(xy)).T.astype(float)
        if history is not None:
            order = linear_sum_assignment(_entropy_gain(history, share))[1]
            tracks, share = tracks[:, order], share[order]
        history = share if history is None else history + share
        out[steps] = tracks
    return out


def _one_day(slots, xy, is_night):
    tracks = slots.copy()
    for step in range(1, len(slots)):
        last = xy[tracks[step - 1]]
        expected = last if is_night[step] or step == 1 else 2 * last - xy[tracks[step - 2]]
        cost = np.linalg.norm(expected[:, None] - xy[slots[step]][None], axis=2)
        tracks[step] = slots[step][linear_sum_assignment(cost)[1]]
    return tracks


def _entropy_gain(history, share):
    """Entropy of two tracks' zones taken together, less the mean of each one's own."""
    a, b = (x / x.sum(axis=1, keepdims=True) for x in (history, share))
    own = [_entropy(x) for x in (a, b)]
    gain = np.empty((len(a), len(b)))
    for i, one in enumerate(a):
        gain[i] = _entropy((one + b) / 2) - (own[0][i] + own[1]) / 2
    return gain


def _entropy(shares):
    return -(shares * np.log2(np.where(shares > 0, shares, 1))).sum(axis=-1)


def _slots(counts):
    """Times, zone names, and for each step a zone code a person, in order of zones."""
    _need_columns(counts, ["time", "zone_id", "n"], "counts")
    if counts[["time", "zone_id", "n"]].isna().to_numpy().any():
        raise InputError("counts has missing values; an empty zone counts 0, a withheld one cannot be used.")
    if counts.duplicated(["time", "zone_id"]).any():
        raise InputError("counts names a zone twice at one step; add them up first.")
    n = _whole(pd.Series(counts["n"].to_numpy()), "n").astype("int64")
    table = counts.assign(n=n.to_numpy(), zone_id=counts["zone_id"].astype(object)).pivot(
        index="time", columns="zone_id", values="n").fillna(0).astype("int64").sort_index()
    totals = table.sum(axis=1)
    if totals.nunique() > 1:
        raise InputError(f"counts holds {totals.min():,} people at one step and {totals.max():,} at another; recovery "
                         "needs everybody at every step, so count the unseen in a zone of their own.")
    people = int(totals.iloc[0]) if len(totals) else 0
    if people > MOST_PEOPLE:
        raise InputError(f"counts holds {people:,} people, and more than {MOST_PEOPLE:,} take too long; take a part.")
    codes = np.arange(table.shape[1])
    slots = np.array([np.repeat(codes, row) for row in table.to_numpy()], int).reshape(len(table), people)
    return table.index, table.columns.to_numpy(), slots


def _positions(zones, names):
    _need_columns(zones, ["zone_id"], "zones")
    if zones["zone_id"].duplicated().any():
        raise InputError("zones names a zone twice; keep one row for each.")
    if "geometry" in zones.columns:
        middle = zones.geometry.representative_point()
        lon, lat = middle.x.to_numpy(), middle.y.to_numpy()
        x, y = geo.local_plane(float(np.mean(lon)), float(np.mean(lat))).to_plane(lon, lat) if len(lon) else (lon, lat)
    else:
        _need_columns(zones, ["x_m", "y_m"], "zones")
        x, y = zones["x_m"].to_numpy(float), zones["y_m"].to_numpy(float)
    places = pd.DataFrame({"x": x, "y": y}, index=zones["zone_id"].astype(object)).reindex(names)
    if not np.isfinite(places.to_numpy()).all():
        missing = places.index[~np.isfinite(places.to_numpy()).all(axis=1)][0]
        raise InputError(f"The zone {missing!r} of counts has no place in zones; add it, or leave it out of both.")
    return places.to_numpy()


def _clock(times, tz, night):
    if len(night) != 2 or not all(isinstance(h, int | np.integer) and 0 <= h < 24 for h in night):
        raise InputError(f"night must be two hours from 0 to 23, but it is {night!r}.")
    try:
        local = times if tz is None else times.tz_convert(tz)
    except (TypeError, KeyError, ValueError):
        raise InputError(f"The times cannot be told in the zone {tz!r}; give times in UTC and an IANA name.") from None
    hour, (start, stop) = local.hour.to_numpy(), night
    is_night = (hour >= start) & (hour < stop) if start <= stop else (hour >= start) | (hour < stop)
    return is_night, local.tz_localize(None).normalize().to_numpy()


def _wide(frame, who, name):
    _need_columns(frame, [who, "time", "zone_id"], name)
    if frame[[who, "time", "zone_id"]].isna().to_numpy().any():
        raise InputError(f"{name} has missing values; give a zone of their own to people whom nobody saw.")
    if frame.duplicated([who, "time"]).any():
        raise InputError(f"{name} has somebody in two zones at one step; keep one.")
    wide = frame.assign(zone_id=frame["zone_id"].astype(object), **{who: frame[who].astype(object)}).pivot(
        index=who, columns="time", values="zone_id")
    if wide.isna().to_numpy().any():
        raise InputError(f"{name} lacks a step for somebody; give everybody a zone at every step.")
    return wide


def _one_hot(codes, n_codes):
    n, steps = codes.shape
    columns = (codes + np.arange(steps) * n_codes).ravel()
    return sparse.csr_matrix((np.ones(codes.size), columns, np.arange(0, codes.size + 1, steps or 1)[:n + 1]),
                             shape=(n, steps * n_codes))


def _share_of(name, right, chosen, seed):
    person = np.broadcast_to(np.arange(len(right))[:, None], right.shape)[chosen.astype(bool)]
    estimate, low, high = bootstrap_by_person(right[chosen.astype(bool)], person, seed=seed)
    return {"steps": name, "estimate": np.float64(estimate), "low": low, "high": high, "n": len(person),
            "eligible": len(np.unique(person)), "population": len(right)}


def _whole(counts, name):
    if not isinstance(counts, pd.Series):
        raise InputError(f"{name} must be a Series of counts by cell, but it is a {type(counts).__name__}.")
    if counts.index.has_duplicates:
        raise InputError(f"{name} names a cell twice; add them up first.")
    try:
        whole = counts.astype("Int64")
    except (TypeError, ValueError):
        whole = None
    if whole is None or (whole < 0).any():
        raise InputError(f"{name} must hold whole numbers of people from 0.")
    return whole


def _need_columns(frame, columns, name):
    missing = [c for c in columns if c not in getattr(frame, "columns", ())]
    if missing:
        raise InputError(f"{name} lacks the column {missing[0]}; it needs {', '.join(columns)}.")


def _need_seed(seed):
    if not isinstance(seed, int | np.integer) or isinstance(seed, bool) or seed < 0:
        raise InputError(f"seed must be a whole number from 0, but it is {seed!r}.")
