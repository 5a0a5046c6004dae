"""A day, minute by minute: where somebody may have been, from what the sensors saw and from what they kept silent on.

A hidden Markov model of one subject. In each minute they are at one of the places where they were ever seen, between
places, or unseen: somewhere without a sensor, of which nothing more is said. Sensors see who comes and who goes, not
who stays; so a sighting, or its absence, belongs to a change from one minute to the next.
"""

from itertools import pairwise

import numpy as np
import pandas as pd
from numba import njit

from kit import codes, tables
from kit.errors import InputError
from kit.movement.visits import _places, check_table, counted, encode_ids, need_zone

BETWEEN, UNSEEN = "between", "unseen"
MINUTE_US = 60_000_000
_NAT = np.iinfo(np.int64).min
_STAY, _AWAY, _TRAVEL = 1 / 480, 1 / 120, 1 / 10  # chances a minute to go on
_PASS, _LINGER, _ODD = 0.02, 5e-4, 2e-5  # and to come past on the way, to show up while staying, of a false match
_ONE_PASS_MIN = 5


def infer_day(sightings, sensors, day, tz, rates=None, place="zone", detection=0.8):
    """The probability of each place for every minute of one local day, given all the subject's sightings.

    Forward-backward over all days of the records, so that what comes later counts as well. People stay at a place for
    eight hours in the mean, unseen for two, and take ten minutes on a way, which leads to a place the more often, the
    more often they were seen there; nobody tells it who lives where. Coming to a place or leaving it is seen at the
    place's detection rate; a sighting that fits no such change is taken for somebody passing by, or for a false match.

    Parameters
    ----------
    sightings : pandas.DataFrame
        `subject_id, sensor_id, time`, of some days; sightings of no known subject are left out.
    sensors : pandas.DataFrame
        `sensor_id`, and `zone_id` for `place="zone"`.
    day : str or datetime.date
        The local day asked for.
    tz : str
        IANA name of the clock that people live by.
    rates : pandas.DataFrame, optional
        `sensor_id, estimate`, as from `detection_rates`; a place has the mean of its sensors. Where it is missing, or
        NaN, `detection` stands in.
    place : {"sensor", "zone"}
    detection : float
        Share of passes that are seen where no rate is known, above 0 and below 1.

    Returns
    -------
    pandas.DataFrame
        `subject_id, time, place_id, probability`: for each subject, minute (its start) and state, the places of the
        subject, "between" and "unseen"; the probabilities of a minute add up to 1.

    Raises
    ------
    InputError
        A column is missing, times are naive or missing, a sensor is unknown, or an argument is out of range.

    Notes
    -----
    How right it is: docs/movement.md, from `benchmarks/accuracy.py --only day`. Learning the lengths of stays from the
    records (expectation-maximisation) made it surer and wronger, since a model in which stays have no memory explains
    missed sightings by longer stays; so nothing is learnt.

    How long somebody has been at a place says nothing here of how much longer they stay. All the places without a
    sensor are one state, which is never a place and never "at home".

    References
    ----------
    Rabiner, L. R. (1989). A tutorial on hidden Markov models and selected applications in speech recognition.
    Proceedings of the IEEE 77, 257-286. doi:10.1109/5.18626

    >>> times = pd.to_datetime(["2031-03-12T08:00Z", "2031-03-12T17:00Z"])
    >>> seen = pd.DataFrame({"subject_id": "p_1", "sensor_id": ["door", "door"], "time": times})
    >>> found = infer_day(seen, pd.DataFrame({"sensor_id": ["door"]}), "2031-03-12", "UTC", place="sensor")
    >>> found["place_id"].unique().tolist(), len(found)
    (['door', 'between', 'unseen'], 4320)
    """
    check_table(sightings, "sightings", ["subject_id", "sensor_id", "time"])
    need_zone(tz)
    first_us, minutes = _day(day, tz)
    _check(detection)
    subject, subjects = encode_ids(sightings["subject_id"])
    spot, places = _places(sightings["sensor_id"], sensors, place)
    time_us = tables.utc(sightings["time"]).array.asi8
    if (time_us == _NAT).any():
        raise InputError(f"{counted(int((time_us == _NAT).sum()), 'sighting')} no time; remove or repair them.")
    rate = _rates(rates, sensors, place, places, detection)
    states = pd.Index([*(str(p) for p in places), BETWEEN, UNSEEN])
    parts = [_one(spot[rows], time_us[rows], rate, first_us, minutes)
             for rows in _rows_of(subject, len(subjects))]
    who = np.flatnonzero(np.bincount(subject[subject >= 0], minlength=len(subjects)))
    return _frame(parts, who, subjects, states, first_us, minutes)


def forward_backward(start, weights, pattern):
    """Posterior of each step's state, given all steps.

    Parameters
    ----------
    start : numpy.ndarray
        Probability of each of S states before the first step.
    weights : numpy.ndarray
        (K, S, S): for each kind of step, the probability of the change from a state to another one and of what is
        observed with it.
    pattern : numpy.ndarray of int
        The kind of each of T steps.

    Returns
    -------
    posterior : numpy.ndarray
        (T, S), the state after each step.
    log_likelihood : float

    >>> posterior, _ = forward_backward(np.array([0.5, 0.5]), np.array([[[0.9, 0.1], [0.1, 0.9]]]), np.array([0]))
    >>> posterior.tolist()
    [[0.5, 0.5]]
    """
    start, weights = np.ascontiguousarray(start, float), np.ascontiguousarray(weights, float)
    return _forward_backward(start, weights, np.ascontiguousarray(pattern, np.int64))


def _day(day, tz):
    """The day's first instant in microseconds and its number of minutes; days with a change of clock differ."""
    try:
        start = pd.Timestamp(day)
        start = (start if start.tz is None else start.tz_convert(tz).tz_localize(None)).normalize()
        ends = [t.tz_localize(tz).tz_convert("UTC").as_unit("us") for t in (start, start + pd.Timedelta(days=1))]
    except (ValueError, TypeError):
        raise InputError(f"day must be a date such as '2031-03-12', but it is {day!r}.") from None
    return int(ends[0].asm8.astype("datetime64[us]").astype(np.int64)), int((ends[1] - ends[0]) // pd.Timedelta("1min"))


def _check(detection):
    if isinstance(detection, bool) or not isinstance(detection, (int, float)) or not 0 < detection < 1:
        raise InputError(f"detection must be a share above 0 and below 1, but it is {detection!r}.")


def _rates(rates, sensors, place, places, detection):
    """Detection rate of each place, kept off 0 and 1, which would rule out what did happen."""
    if rates is None:
        return np.full(len(places), float(detection))
    missing = [c for c in ("sensor_id", "estimate") if c not in getattr(rates, "columns", ())]
    if missing:
        raise InputError(f"The table of rates lacks {', '.join(missing)}; detection_rates makes one.")
    estimate = pd.Series(rates["estimate"].to_numpy(float), rates["sensor_id"].astype(object))
    if place == "zone":
        zone = sensors.astype({"sensor_id": object}).set_index("sensor_id")["zone_id"].astype(object)
        estimate = estimate.groupby(zone.reindex(estimate.index).to_numpy()).mean()
    return estimate.reindex(pd.Index(places, dtype=object)).fillna(detection).clip(0.05, 0.99).to_numpy()


def _rows_of(subject, n):
    """The rows of each subject that has any."""
    order = np.argsort(subject, kind="stable")
    edges = np.searchsorted(subject[order], np.arange(n + 1))
    return [order[a:b] for a, b in pairwise(edges) if b > a]


def _one(spot, time_us, rate, first_us, minutes):
    """One subject: (their places, posterior of the day's minutes over those, between and unseen)."""
    own, at = np.unique(spot, return_inverse=True)
    begin = min(int(time_us.min()) - 720 * MINUTE_US, first_us) // MINUTE_US
    end = max(int(time_us.max()) // MINUTE_US + 720, first_us // MINUTE_US + minutes)
    seen, pattern = _patterns(at, time_us // MINUTE_US - begin, end - begin, len(own))
    habit = _habit(np.bincount(at, minlength=len(own)))
    start = np.full(len(habit), 1 / len(habit))
    posterior, _ = forward_backward(start, habit * _fits(seen, rate[own], habit), pattern)
    first = first_us // MINUTE_US - begin
    return own, posterior[first:first + minutes]


def _patterns(at, minute, n_minutes, n_places):
    """The sets of places that are ever seen in one minute (the first of them empty), and each minute's set."""
    seen = pd.DataFrame({"minute": minute, "at": at}).sort_values(["at", "minute"])
    again = (seen["at"] == seen["at"].shift()) & (seen["minute"] - seen["minute"].shift() <= _ONE_PASS_MIN)
    seen = seen[~again].sort_values(["minute", "at"])
    sets = seen.groupby("minute")["at"].agg(tuple)
    kinds = sorted(set(sets))
    number = {kind: i + 1 for i, kind in enumerate(kinds)}
    pattern = np.zeros(n_minutes, np.int64)
    pattern[sets.index.to_numpy()] = [number[one] for one in sets]
    out = np.zeros((len(kinds) + 1, n_places), bool)
    for i, kind in enumerate(kinds):
        out[i + 1, list(kind)] = True
    return out, pattern


def _habit(n_seen):
    """Chances of change from minute to minute; ways lead through "between"."""
    n = len(n_seen)
    habit = np.zeros((n + 2, n + 2))
    habit[np.arange(n), n], habit[n + 1, n] = _STAY, _AWAY
    habit[n, :n] = _TRAVEL * 0.7 * n_seen / n_seen.sum()
    habit[n, n + 1] = _TRAVEL * 0.3
    habit[np.arange(n + 2), np.arange(n + 2)] = 1 - habit.sum(axis=1)
    return habit


def _fits(seen, rate, habit):
    """(K, S, S): the chance to see just that set of places with each change of state."""
    n = len(rate)
    fits = np.ones((len(seen), n + 2, n + 2))
    for p in range(n):
        change = np.zeros((n + 2, n + 2), bool)
        change[p, :] = change[:, p] = True
        change[p, p] = False
        chance = np.full((n + 2, n + 2), _ODD)
        chance[p, p], chance[n, n] = _LINGER, _PASS * rate[p]
        chance[change] = rate[p]
        fits *= np.where(seen[:, p, None, None], chance, 1 - chance)
    return fits


def _frame(parts, who, subjects, states, first_us, minutes):
    n_places = len(states) - 2
    sizes = [posterior.size for _, posterior in parts]
    time_us = first_us + np.arange(minutes) * MINUTE_US
    state = [np.tile(np.r_[own, n_places, n_places + 1], minutes) for own, _ in parts]
    none = [np.empty(0)]
    return pd.DataFrame({
        "subject_id": codes.decode(np.repeat(who, sizes).astype(np.int32), subjects),
        "time": pd.Series(np.concatenate([np.repeat(time_us, p.shape[1]) for _, p in parts] or none).astype(
            np.int64).view("datetime64[us]")).dt.tz_localize("UTC"),
        "place_id": pd.Categorical.from_codes(np.concatenate(state or none).astype(np.int32), states),
        "probability": np.concatenate([p.ravel() for _, p in parts] or none)})


@njit(cache=True, nogil=True)
def _forward_backward(start, weights, pattern):
    steps, n = len(pattern), len(start)
    forward, scale = np.empty((steps, n)), np.empty(steps)
    before = start / start.sum()
    for t in range(steps):
        w = weights[pattern[t]]
        for j in range(n):
            total = 0.0
            for i in range(n):
                total += before[i] * w[i, j]
            forward[t, j] = total
        scale[t] = forward[t].sum()
        forward[t] /= scale[t]
        before = forward[t]
    posterior, after, earlier = np.empty((steps, n)), np.ones(n), np.empty(n)
    for t in range(steps - 1, -1, -1):
        posterior[t] = forward[t] * after
        w = weights[pattern[t]]
        for i in range(n):
            total = 0.0
            for j in range(n):
                total += w[i, j] * after[j] / scale[t]
            earlier[i] = total
        after[:] = earlier
    return posterior, np.log(scale).sum()
