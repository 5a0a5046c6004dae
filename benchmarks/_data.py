"""Sightings the size of the register, made in seconds, for benchmarks that need size and not behaviour.

The city's own generator (`kit city`) makes people who behave; these only have its counts: 2,565,724 people, 1,000
sensors of Zipf popularity 0.7, about 6.7 million sightings in one day, two commuting peaks.
"""

import numpy as np
import pandas as pd

PEOPLE, SENSORS, ROWS = 2_565_724, 1_000, 6_700_000
_DAY_START = np.datetime64("2031-03-11T16:00:00", "us")


def register_sightings(people=PEOPLE, rows=ROWS, sensors=SENSORS, days=1, seed=0):
    """A sightings frame with the register's counts; rows in order of time, as a log has them."""
    rng = np.random.default_rng(seed)
    popularity = np.arange(1, sensors + 1) ** -0.7
    popularity /= popularity.sum()
    subject = _busy_people(rng, people, rows)
    haunts = rng.choice(sensors, (people, 3), p=popularity).astype(np.int16)
    slot = rng.choice(4, rows, p=[0.4, 0.25, 0.15, 0.2])
    sensor = np.where(slot < 3, haunts[subject, np.minimum(slot, 2)], rng.choice(sensors, rows, p=popularity))
    peak = np.where(rng.random(rows) < 0.5, 8.0, 18.0)
    second = ((rng.normal(peak, 3.0) % 24 + 24 * rng.integers(0, days, rows)) * 3_600_000_000).astype(np.int64)
    order = np.argsort(second, kind="stable")
    return pd.DataFrame({
        "sighting_id": np.arange(rows),
        "subject_id": pd.Categorical.from_codes(subject[order], dtype=_ids("p_", people)),
        "sensor_id": pd.Categorical.from_codes(sensor[order], dtype=_ids("s_", sensors)),
        "time": pd.Series(_DAY_START + second[order].astype("timedelta64[us]")).dt.tz_localize("UTC"),
    })


def _busy_people(rng, people, rows):
    """Who was seen: everybody once, the rest by gamma-distributed activity; shuffled."""
    activity = rng.gamma(1.2, size=people).cumsum()
    extra = np.searchsorted(activity, rng.random(rows - people) * activity[-1])
    subject = np.concatenate([np.arange(people), extra]).astype(np.int32)
    rng.shuffle(subject)
    return subject


def _ids(prefix, n):
    names = np.char.add(prefix, np.char.zfill(np.arange(n).astype(str), len(str(n - 1))))
    return pd.CategoricalDtype(pd.Index(names, dtype="str"))
