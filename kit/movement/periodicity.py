"""Whether somebody comes to a place at the same hour each day, or on the same days each week: more than by chance.

Both questions need a chance to compare with that keeps what is not asked about, and each says which one it takes.
"""

from itertools import pairwise

import numpy as np
import pandas as pd

from kit import codes
from kit.errors import InputError
from kit.movement.rhythm import _sorted_visits

_DAY_US, _HOUR_US = 86_400_000_000, 3_600_000_000
_CELLS = 4_000_000


def periodicity(visits, tz, min_days=10, draws=999, seed=0):
    """Test each subject's visits to each place for a daily phase, a daily and a weekly rhythm.

    Three tests, on the hours at which visits begin:

    - Rayleigh: does one part of the day prevail? Each day counts once, with the mean direction of its visits on a clock
      of 24 hours, so that many visits on one day are no more evidence than one. By chance, every day is turned by its
      own, uniform amount. `p_phase` is Zar's approximation, near exp(-n R^2).
    - Autocorrelation at 24 h of the series that is 1 in hours with a visit. (A shift of the whole series would leave it
      as it is.) By chance, every day is turned by its own, uniform number of hours and keeps its pattern. The turns of
      neighbouring days against each other are then independent, so `p_24h` is exact.
    - Autocorrelation at 168 h. By chance, whole days are shuffled, so that a daily rhythm alone does not count as a
      weekly one. `p_168h` comes from `draws` shuffles and is never below 1 / (draws + 1), its `floor_168h`: among m
      places at a false discovery rate of f, fewer than m x floor / f of them can then never be found.

    Parameters
    ----------
    visits : pandas.DataFrame
        `subject_id, place_id, arrived_at`, in any order.
    tz : str
        IANA name of the clock that people live by; days and hours are those of its wall clock.
    min_days : int
        Days with a visit, from 2, below which a place is not tested and has no row.
    draws : int
        Shuffles behind `p_168h`, from 19 to 100,000.
    seed : int

    Returns
    -------
    pandas.DataFrame
        By subject, then place: `subject_id, place_id, n_visits, n_days` (with a visit)`, resultant` (R, 0 to 1)`,
        phase_h` (mean hour of the day)`, p_phase, q_phase, r_24h, p_24h, q_24h, r_168h, p_168h, q_168h, floor_168h`.
        q is p adjusted for all rows (Benjamini-Hochberg). The series runs over the days from the subject's first visit
        anywhere to the last; r_168h and its p are missing where that is not longer than two weeks.

    Raises
    ------
    InputError
        As `rhythm`, and when `min_days` or `draws` is out of range.

    References
    ----------
    Zar, J. H. (2010). Biostatistical Analysis, 5th ed., section 27.1.

    Benjamini, Y., Hochberg, Y. (1995). Controlling the false discovery rate. Journal of the Royal Statistical Society B
    57, 289-300. doi:10.1111/j.2517-6161.1995.tb02031.x

    >>> mornings = pd.date_range("2031-03-01T08:30Z", periods=20)
    >>> seen = pd.DataFrame({"subject_id": "p_1", "place_id": "a", "arrived_at": mornings})
    >>> periodicity(seen, tz="UTC")[["n_days", "resultant", "phase_h", "r_24h"]].round(2).values.tolist()
    [[20.0, 1.0, 8.5, 0.95]]
    """
    for name, value, least, most in (("min_days", min_days, 2, 10**6), ("draws", draws, 19, 100_000)):
        if not isinstance(value, (int, np.integer)) or isinstance(value, bool) or not least <= value <= most:
            raise InputError(f"{name} must be a whole number from {least} to {most:,}, but it is {value!r}.")
    subject, local, place, subjects, places = _sorted_visits(visits, tz)
    key = subject.astype(np.int64) * max(len(places), 1) + place
    at = np.argsort(key, kind="stable")
    edges = np.r_[np.flatnonzero(np.r_[True, np.diff(key[at]) > 0][:len(at)]), len(at)]
    day = local // _DAY_US
    bounds = pd.DataFrame({"subject": subject, "day": day}).groupby("subject")["day"].agg(["min", "max"])
    rng, rows = np.random.default_rng(seed), []
    for start, stop in pairwise(edges.tolist()):
        own = at[start:stop]
        if len(np.unique(day[own])) >= min_days:
            first, last = bounds.loc[subject[own[0]]]
            rows.append((subject[own[0]], place[own[0]], len(own), *_phase(local[own]),
                         *_rhythms(_hours(local[own], first, last), draws, rng)))
    columns = ["subject", "place", "n_visits", "n_days", "resultant", "phase_h", "p_phase", "r_24h", "p_24h", "r_168h",
               "p_168h"]
    found = pd.DataFrame(rows, columns=columns).astype(dict.fromkeys(columns[:4], np.int64)
                                                       | dict.fromkeys(columns[4:], float))
    for test in ("phase", "24h", "168h"):
        found[f"q_{test}"] = adjusted(found[f"p_{test}"].to_numpy())
    found["floor_168h"] = np.where(found["p_168h"].isna(), np.nan, 1 / (draws + 1))
    found.insert(0, "subject_id", codes.decode(found.pop("subject").to_numpy(np.int32), subjects))
    found.insert(1, "place_id", codes.decode(found.pop("place").to_numpy(np.int32), places))
    return found[["subject_id", "place_id", "n_visits", "n_days", "resultant", "phase_h", "p_phase", "q_phase", "r_24h",
                  "p_24h", "q_24h", "r_168h", "p_168h", "q_168h", "floor_168h"]]


def adjusted(p):
    """p-values adjusted for their number (Benjamini-Hochberg); missing ones stay so and do not count.

    >>> adjusted(np.array([0.01, 0.04, 0.03, np.nan])).round(3).tolist()
    [0.03, 0.04, 0.04, nan]
    """
    q = np.full(len(p), np.nan)
    known = np.flatnonzero(~np.isnan(p))
    by_size = known[np.argsort(p[known], kind="stable")]
    scaled = p[by_size] * len(by_size) / np.arange(1, len(by_size) + 1)
    q[by_size] = np.minimum.accumulate(scaled[::-1])[::-1]
    return q


def _phase(local_us):
    """Days that have a direction, R, mean hour and Zar's p."""
    angle = 2 * np.pi * (local_us % _DAY_US) / _DAY_US
    days, which = np.unique(local_us // _DAY_US, return_inverse=True)
    arrow = np.bincount(which, np.cos(angle)) + 1j * np.bincount(which, np.sin(angle))
    pointing = np.abs(arrow) > 1e-9
    n = int(pointing.sum())
    total = (arrow[pointing] / np.abs(arrow[pointing])).sum()
    length = min(abs(total), float(n))
    p = min(1.0, np.exp(np.sqrt(1 + 4 * n + 4 * (n**2 - length**2)) - (1 + 2 * n)))
    hour = np.angle(total) / (2 * np.pi) * 24 % 24 if length > 1e-9 else np.nan
    return len(days), length / max(n, 1), hour, p


def _hours(local_us, first_day, last_day):
    """A row a day, a column an hour: whether a visit began."""
    table = np.zeros((last_day - first_day + 1, 24), np.int64)
    table[local_us // _DAY_US - first_day, local_us % _DAY_US // _HOUR_US] = 1
    return table


def _rhythms(table, draws, rng):
    """Autocorrelation and p at 24 h, and at 168 h."""
    daily = _correlation(table.ravel(), 24), _turned(table)
    if len(table) <= 14:
        return *daily, np.nan, np.nan
    return *daily, _correlation(table.ravel(), 168), _shuffled(table, draws, rng)


def _correlation(series, lag):
    centred = series - series.mean()
    power = (centred**2).sum()
    return float((centred[:-lag] * centred[lag:]).sum() / power) if power > 0 and lag < len(series) else np.nan


def _turned(table):
    """Chance of as many hours in common between neighbouring days, when each is turned: exact, by convolution."""
    chance = np.ones(1)
    for one, other in pairwise(table):
        if one.any() and other.any():
            common = [int((one * np.roll(other, turn)).sum()) for turn in range(24)]
            chance = np.convolve(chance, np.bincount(common) / 24)
    seen = int((table[:-1] * table[1:]).sum())
    return float(min(1.0, chance[seen:].sum()))


def _shuffled(table, draws, rng):
    """Share of orders of the days, the true one among them, with as many hours in common a week apart."""
    common = table @ table.T
    n = len(table)
    seen, as_many = np.trace(common, 7), 0
    for done in range(0, draws, max(1, _CELLS // n)):
        size = min(draws - done, max(1, _CELLS // n))
        days = rng.permuted(np.broadcast_to(np.arange(n), (size, n)), axis=1)
        as_many += int((common[days[:, :-7], days[:, 7:]].sum(axis=1) >= seen).sum())
    return (1 + as_many) / (1 + draws)
