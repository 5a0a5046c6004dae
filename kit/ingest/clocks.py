"""Two clocks in one file, noticed: a site whose days look like everybody's, only some whole hours later or earlier.

A log put together from several systems may hold local times of one and UTC of another. Nothing here is corrected: the
finding goes into the report, and whoever knows the place decides. Clocks that are off by seconds or minutes are another
matter; they are repaired where records of one subject at several sensors can be compared.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

LEAST_RECORDS = 200
# A profile fits another if they share all but a tenth, beside what chance alone parts in samples of this size.
_FIT, _GAIN = 0.1, 0.25
_HOUR_US = 3_600_000_000
_NEVER = np.iinfo(np.int64).max


@dataclass(frozen=True)
class OddClock:
    """A group whose clock seems to be `hours` ahead of the rest (behind, below 0).

    `span_too` if its first and last time say the same as its daily profile.
    """

    group: int
    hours: int
    records: int
    span_too: bool


@dataclass
class Profiles:
    """Of each group the records by hour of the day, and its first and last time in microseconds.

    All that is needed of a log to compare its clocks, and no longer for a longer log.
    """

    hours: np.ndarray
    first: np.ndarray
    last: np.ndarray

    @classmethod
    def none(cls, groups):
        """Profiles of groups without a record."""
        return cls(np.zeros((groups, 24), np.int64), np.full(groups, _NEVER), np.full(groups, -_NEVER))

    @classmethod
    def of(cls, group, time_us, groups):
        """Profiles of records of so many groups; -1 is a record of none."""
        known = group >= 0
        group, time_us = group[known].astype(np.int64), time_us[known]
        made = cls.none(groups)
        made.hours += np.bincount(group * 24 + time_us // _HOUR_US % 24, minlength=24 * groups).reshape(-1, 24)
        np.minimum.at(made.first, group, time_us)
        np.maximum.at(made.last, group, time_us)
        return made

    def __len__(self):
        return len(self.hours)

    @property
    def records(self):
        """Records of each group."""
        return self.hours.sum(axis=1)

    def regrouped(self, places, groups):
        """The same records by other groups: each of these goes to the place given, or nowhere (-1)."""
        made, kept = Profiles.none(groups), places >= 0
        np.add.at(made.hours, places[kept], self.hours[kept])
        np.minimum.at(made.first, places[kept], self.first[kept])
        np.maximum.at(made.last, places[kept], self.last[kept])
        return made

    def grown(self, groups):
        """The same with places for so many groups, or with no more than so many."""
        kept = min(groups, len(self))
        return self.regrouped(np.where(np.arange(len(self)) < kept, np.arange(len(self)), -1), groups)

    def take(self, other, places):
        """Take in profiles of other groups, each at a place of its own here."""
        self.hours[places] += other.hours
        self.first[places] = np.minimum(self.first[places], other.first)
        self.last[places] = np.maximum(self.last[places], other.last)


def notice_clocks(sightings, sensors=None):
    """Describe the zones of one source, and the sensors of other zones, whose clock seems whole hours off.

    Parameters
    ----------
    sightings : pandas.DataFrame
        Of one source: `sensor_id`, `time`.
    sensors : pandas.DataFrame, optional
        `sensor_id`, `zone_id`: sensors of one zone are looked at together.

    Returns
    -------
    dict of str to int
        A sentence for each finding, and the number of records behind it.
    """
    names = [str(name) for name in sightings["sensor_id"].cat.categories]
    micros = pd.DatetimeIndex(sightings["time"]).as_unit("us").asi8
    return notice_profiles(names, Profiles.of(sightings["sensor_id"].cat.codes.to_numpy(), micros, len(names)), sensors)


def notice_profiles(names, profiles, sensors=None):
    """As `notice_clocks`, of the profiles of the sensors of these names."""
    found, zone_of = {}, np.full(len(names), -1)
    if sensors is not None and "zone_id" in sensors:
        placed = sensors.set_index(sensors["sensor_id"].astype(str))["zone_id"].reindex(names)
        zones = sorted({str(zone) for zone in placed.dropna()})
        zone_of = np.array([-1 if pd.isna(zone) else zones.index(str(zone)) for zone in placed], int)
        found = {odd.group: odd for odd in _compare(profiles.regrouped(zone_of, len(zones)))}
    notes = {f"the clock of zone {zones[zone]} {_words(odd)}": odd.records for zone, odd in found.items()}
    alone = np.where(np.isin(zone_of, list(found)), -1, np.arange(len(names)))
    notes.update({f"the clock of sensor {names[odd.group]} {_words(odd)}": odd.records
                  for odd in _compare(profiles.regrouped(alone, len(names)))})
    return notes


def compare_clocks(group, time_us):
    """Find groups whose records fall on the hours of the day as those of the rest do, some whole hours later.

    A group counts with 200 records or more. Its shares of the 24 hours are compared with the mean ones of the groups
    that agree among themselves, shifted by 0 to 23 hours. It is reported if one shift makes the two fit, and fit far
    better than they do as they are: a place that is merely busy at night does not fit. Of two groups that differ, the
    smaller one is reported; which of them is right cannot be known.

    Parameters
    ----------
    group : numpy.ndarray of int
        Group of each record, -1 for none.
    time_us : numpy.ndarray of int64
        Microseconds since 1970.

    Returns
    -------
    list of OddClock
        `hours` ahead, -12 to 23: of two that a daily profile cannot tell apart (15 ahead, 9 behind) the one that fits
        the first and last times better.

    >>> noon = np.arange(300) * 60_000_000 % 3_600_000_000 + 12 * 3_600_000_000
    >>> compare_clocks(np.repeat([0, 1], 300), np.concatenate([noon, noon[:299], noon[:1]]) + 0)
    []
    """
    return _compare(Profiles.of(group, time_us, int(group.max(initial=-1)) + 1))


def _compare(profiles):
    sizes = profiles.records
    many = np.flatnonzero(sizes >= LEAST_RECORDS)
    if len(many) < 2:
        return []
    shares = {int(g): profiles.hours[g] / sizes[g] for g in many}
    odd = {g for g in shares if _shift(shares[g], sizes[g], _mean(shares, set(shares) - {g}))}
    agreed = set(shares) - odd or {max(shares, key=lambda g: (sizes[g], -g))}
    middle, of = _mean(shares, agreed), sorted(agreed)
    first, last = profiles.first[of].min(), profiles.last[of].max()
    found = []
    for g in sorted(set(shares) - agreed):
        shift = _shift(shares[g], sizes[g], middle)
        if shift:
            late = (profiles.first[g] - first) / _HOUR_US, (profiles.last[g] - last) / _HOUR_US
            hours, span_too = _hours(shift, *late)
            found.append(OddClock(g, hours, int(sizes[g]), bool(span_too)))
    return found


def _mean(shares, groups):
    return np.mean([shares[g] for g in sorted(groups)], axis=0)


def _shift(mine, n, others):
    """Hours by which the others' profile must run later to be mine; 0 if it fits as it is, or at no shift well."""
    apart = [np.abs(mine - np.roll(others, shift)).sum() / 2 for shift in range(24)]
    best = int(np.argmin(apart))
    by_chance = np.sqrt(24 / (2 * np.pi * n))
    return best if apart[best] <= _FIT + by_chance and apart[0] - apart[best] >= _GAIN + by_chance else 0


def _hours(shift, first_h, last_h):
    """Of `shift` and `shift - 24` the one that the first and last times speak for; and whether both of them do."""
    ahead = min((shift, shift - 24), key=lambda h: (abs(first_h - h) + abs(last_h - h), abs(h)))
    return ahead, abs(first_h - ahead) <= 1 and abs(last_h - ahead) <= 1


def _words(odd):
    how = "its hours of the day and its first and last record" if odd.span_too else "its hours of the day"
    return f"runs {abs(odd.hours)} h {'ahead of' if odd.hours > 0 else 'behind'} the rest, by {how}"
