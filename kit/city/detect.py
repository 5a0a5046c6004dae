"""What sensors make of people passing: most passes recorded, some missed, some given to the wrong person.

The difficulty is the project's fixed one: a detection rate per sensor between 0.6 and 0.95, 2 % false matches, about
3 % of faces unmatched, clocks of 5 % of the sensors 20 to 300 s off (some drifting), a few outages, 1 to 3 %
duplicates. Errors are unequal between the two invented system labels, on purpose. For the register the rates are
shifted together until the city records 2.60 passages a person-day. Every choice is counted from (seed, person, sensor,
time), so the same pass is recorded the same way in a sample of any size; only who it is mistaken for depends on who
is enrolled.
"""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd
from numba import njit

from kit.city.chance import bell, bells, below, key, unit, units
from kit.errors import KitError
from kit.parallel import cores

PASSAGES_A_DAY = 2.60
LOWEST_RATE, HIGHEST_RATE = 0.60, 0.95
FALSE_MATCH_SHARE = {"teal": 0.0118, "amber": 0.0405}  # 2 % of all, as 30 % of people carry the label amber
UNMATCHED_SHARE = {"teal": 0.0244, "amber": 0.0430}  # 3 % of all
SEEN_FACTOR = {"teal": 1.018, "amber": 0.958}  # detection rate relative to the sensor's own; 1 over all people
DUPLICATE_CHANCE, LONG_BURST_CHANCE = 0.017, 0.15
NO_SCORE_SHARE = 0.005
CLOCK_SHARE, CLOCK_LOW_S, CLOCK_HIGH_S, DRIFTING_SHARE = 0.05, 20.0, 300.0, 0.4
CLOCK_DAY, CLOCK_SPAN_DAYS = 22_304, 100  # drift counts from 2031-01-25 and stays in bounds for 100 days
OUTAGE_CHANCE = 0.006  # a day
TRUE_MATCH, FALSE_MATCH, UNMATCHED = range(3)
WHY = ("true_match", "false_match", "unmatched")
DAY_MS, UTC_OFFSET_MS = 86_400_000, 28_800_000

RECORD = np.dtype([("time_ms", "i8"), ("true_time_ms", "i8"), ("who", "i4"), ("true_no", "i4"), ("recorded", "i4"),
                   ("sensor", "i4"), ("flag", "i4"), ("score", "i1"), ("why", "i1"), ("copy", "i1")], align=True)
_RATE, _CLOCK, _OUTAGE, _PASS, _LOOK_ALIKE = 41, 42, 43, 44, 45
_TEAL, _AMBER = (np.array([FALSE_MATCH_SHARE[x], UNMATCHED_SHARE[x], SEEN_FACTOR[x]]) for x in ("teal", "amber"))


def detect(passes, people, gallery, faults, seed, matches=None):
    """Turn true passes into records.

    Parameters
    ----------
    passes : numpy.ndarray
        Of dtype `passes.PASS`.
    people : numpy.ndarray
        Of dtype `people.PERSON`; `passes["who"]` are its rows.
    gallery : numpy.ndarray
        Person numbers that a face can be matched to.
    faults : pandas.DataFrame
        One row a sensor (`make_faults`).
    seed : int
    matches : numpy.ndarray, optional
        Per sensor: whether it has to recognise who passes (a face, a plate). A sensor that reads a device number
        does not confuse people. Default: all do.

    Returns
    -------
    numpy.ndarray
        Of dtype `RECORD`, sorted by the recorded time. `recorded` is a person number or -1; `score` counts
        hundredths (-1 for none); `copy` is 0, or 1 and 2 for the extra records of a burst.
    """
    rate, offset, drift = (faults[c].to_numpy(np.float64) for c in ("detection_rate", "clock_offset_s",
                                                                   "drift_s_per_day"))
    matches = np.ones(len(faults), bool) if matches is None else np.ascontiguousarray(matches, bool)
    code = _sensor_codes(faults["sensor_id"])
    gallery = np.ascontiguousarray(gallery, np.int32)
    cuts = np.linspace(0, passes.size, 9).astype(int)

    def run(a, b):
        out = np.empty(int((b - a) * 1.12) + 100, RECORD)
        used = _detect(passes[a:b], people["person_no"], people["system_label"], gallery, rate, offset, drift, matches,
                       code, np.uint64(seed), out)
        return out[:used]

    with ThreadPoolExecutor(cores()) as pool:
        records = np.concatenate(list(pool.map(run, cuts[:-1], cuts[1:])))
    return records[np.argsort(records["time_ms"], kind="stable")]


def make_faults(sensors, seed, true_passes=None, person_days=None):
    """Each sensor's detection rate, clock offset and drift.

    Parameters
    ----------
    sensors : pandas.DataFrame
        The sensors of one exposure.
    seed : int
    true_passes, person_days : numpy.ndarray and number, optional
        How often each sensor was truly passed, and in how many person-days. When given, the rates are shifted
        together until 2.60 records a person-day are expected.

    Returns
    -------
    pandas.DataFrame
        sensor_id, detection_rate, clock_offset_s, drift_s_per_day (both 0 for a good clock).

    Raises
    ------
    KitError
        When no rates between 0.6 and 0.95 give 2.60.
    """
    code = _sensor_codes(sensors["sensor_id"])
    leaning = bells(seed, _RATE, code)
    shift = 0.3 if true_passes is None else _calibrate(leaning, np.asarray(true_passes, float), person_days)
    offset, drift = _clocks(code, seed)
    return pd.DataFrame({"sensor_id": sensors["sensor_id"].to_numpy(), "detection_rate": _rates(leaning, shift),
                         "clock_offset_s": offset, "drift_s_per_day": drift})


def outages(sensors, seed, first_day, days):
    """When sensors were dead: sensor_id, started_at, finished_at (UTC)."""
    ids, code = sensors["sensor_id"].to_numpy(), _sensor_codes(sensors["sensor_id"])
    rows = []
    for day in range(first_day - 1, first_day + days + 1):
        for i, c in enumerate(code):
            start, stop = _outage(np.uint64(seed), c, day)
            if stop > start:
                rows.append((ids[i], start, stop))
    frame = pd.DataFrame(rows, columns=["sensor_id", "started_at", "finished_at"])
    for column in ("started_at", "finished_at"):
        frame[column] = pd.to_datetime(frame[column].astype("int64"), unit="ms", utc=True).astype("datetime64[us, UTC]")
    return frame


def _rates(leaning, shift):
    """Bounded detection rates: the further the shift, the nearer all come to one end."""
    z = leaning * 1.6 + shift
    return np.round(LOWEST_RATE + (HIGHEST_RATE - LOWEST_RATE) * 0.5 * (1 + z / (1 + np.abs(z))), 4)


def _calibrate(leaning, true_passes, person_days):
    """The shift at which the expected number of records, bursts and outages counted, is 2.60 a person-day."""
    kept = (1 - OUTAGE_CHANCE * 5.5 / 24) * (1 + DUPLICATE_CHANCE * (1 + LONG_BURST_CHANCE)) / person_days
    low, high = -200.0, 200.0
    if not (true_passes @ _rates(leaning, low) * kept < PASSAGES_A_DAY < true_passes @ _rates(leaning, high) * kept):
        raise KitError(f"People pass {true_passes.sum() / person_days:.2f} sensors a day, and no detection rates from "
                       f"{LOWEST_RATE} to {HIGHEST_RATE} make {PASSAGES_A_DAY} records of that; put more or fewer "
                       "sensors on busy streets.")
    for _ in range(60):
        middle = (low + high) / 2
        if true_passes @ _rates(leaning, middle) * kept < PASSAGES_A_DAY:
            low = middle
        else:
            high = middle
    return round(high, 9)


def _clocks(code, seed):
    """One sensor in twenty runs 20 to 300 s fast or slow; of these, four in ten drift without leaving that range."""
    u = units(seed, _CLOCK, code, 5)
    bad = np.argsort(u[:, 0], kind="stable")[:max(1, round(CLOCK_SHARE * len(code)))]
    offset, drift = np.zeros(len(code)), np.zeros(len(code))
    for i in bad:
        sign = -1.0 if u[i, 1] < 0.5 else 1.0
        first, last = CLOCK_LOW_S + (CLOCK_HIGH_S - CLOCK_LOW_S) * u[i, 2:4]
        offset[i] = sign * round(first, 1)
        if u[i, 4] < DRIFTING_SHARE:
            drift[i] = sign * round((last - first) / CLOCK_SPAN_DAYS, 3)
    return offset, drift


def _sensor_codes(sensor_id):
    """A number for each sensor that depends on its name alone."""
    return np.array([int.from_bytes(s.encode()[-7:], "big") for s in sensor_id.astype(str)], dtype=np.int64)


@njit(cache=True, nogil=True)
def _detect(passes, person_no, label, gallery, rate, offset, drift, matches, code, seed, out):
    used = 0
    for j in range(passes.size):
        one = passes[j]
        s, who = one.sensor, one.who
        p = person_no[who]
        odds = _AMBER if label[who] == 1 else _TEAL
        k = key(seed, _PASS, p * 1_000_003 + code[s] % 1_000_003, one.time_ms)
        start, stop = _outage(seed, code[s], (one.time_ms + UTC_OFFSET_MS) // DAY_MS)
        if unit(k, 0) >= rate[s] * odds[2] or start <= one.time_ms < stop:
            continue
        used = _record(one, s, who, p, odds, k, gallery, offset, drift, matches, seed, out, used)
    return used


@njit(cache=True, nogil=True)
def _record(one, s, who, p, odds, k, gallery, offset, drift, matches, seed, out, used):
    """Write one record, and the rest of its burst."""
    days_on = (one.time_ms + UTC_OFFSET_MS) / DAY_MS - CLOCK_DAY
    stamp = one.time_ms + np.int64((offset[s] + drift[s] * days_on) * 1_000)
    why, recorded = TRUE_MATCH, p
    if matches[s]:
        why, recorded = _recognise(p, odds, k, gallery, seed)
    burst = 1
    if unit(k, 1) < DUPLICATE_CHANCE:
        burst = 3 if unit(k, 2) < LONG_BURST_CHANCE else 2
    wait = np.int64(0)
    for copy in range(burst):
        row = out[used]
        row.time_ms, row.true_time_ms = stamp + wait, one.time_ms
        row.who, row.true_no, row.recorded, row.sensor, row.flag = who, p, recorded, s, one.flag
        row.why, row.copy = why, copy
        row.score = _score(why, p == recorded, k, 20 + 4 * copy)
        wait += np.int64(unit(k, 10 + copy) * 1_000)
        used += 1
    return used


@njit(cache=True, nogil=True)
def _recognise(p, odds, k, gallery, seed):
    """The right person, mostly; else nobody, or somebody else: half the time one of three fixed look-alikes."""
    u = unit(k, 3)
    if u < odds[1]:
        return UNMATCHED, -1
    if u >= odds[0] + odds[1] or gallery.size < 2:
        return TRUE_MATCH, p
    if unit(k, 4) < 0.5:
        other = gallery[below(key(seed, _LOOK_ALIKE, p, below(k, 5, 3)), 0, gallery.size)]
    else:
        other = gallery[below(k, 6, gallery.size)]
    if other == p:
        other = gallery[0] if gallery[0] != p else gallery[1]
    return FALSE_MATCH, other


@njit(cache=True, nogil=True)
def _score(why, same, k, counter):
    """Hundredths; false matches score lower on average, but the ranges overlap widely. -1 where none was kept."""
    if unit(k, counter) < NO_SCORE_SHARE:
        return -1
    mean = 52.0 if why == UNMATCHED else 87.0 if same else 78.0
    spread = 6.0 if why == UNMATCHED else 5.5 if same else 6.5
    return np.int64(max(20.0, min(99.0, mean + spread * bell(k, counter + 1))))


@njit(cache=True, nogil=True)
def _outage(seed, code, day):
    """From when to when (UTC ms) a sensor is dead on a local day; equal when it is not."""
    k = key(seed, _OUTAGE, code, day)
    if unit(k, 0) >= OUTAGE_CHANCE:
        return np.int64(0), np.int64(0)
    start = np.int64(day) * DAY_MS - UTC_OFFSET_MS + np.int64(unit(k, 1) * 16 * 3_600_000)
    return start, start + np.int64((2.0 + 7.0 * unit(k, 2)) * 3_600_000)
