"""How good each camera is, found out from the records alone: of those who must have come past, how many did it see?"""

import numpy as np
import pandas as pd

from kit.errors import InputError
from kit.estimates import wilson
from kit.movement import routes
from kit.movement.network import build_network, find_ways

SURELY_DIRECT = 0.9
OTHER_WAY = 0.08  # share of trips that took none of the candidate ways, on an invented city (seed 101)
LEAST_CHANCE = 0.5
_ROUNDS = 30


def detection_rates(sightings, trips, streets, sensors, k=8, min_passes=5.0):
    """Estimate each sensor's detection rate from trips between other sensors that lead past it.

    A sensor is tested by people who were seen at some sensor before and at some other one after it, whether it saw
    them in between or not; so its own failures do not hide themselves. How surely the way led past it is the prior of
    `infer_routes` over the candidate ways, less 8 % for ways that are not among them where there are several. For a
    trip that it did not see, that is weighed down by the chance that they came past unseen
    (expectation-maximisation). Trips that took long enough for a stop are left out, and so are those to and from
    gates off the street, since nobody knows by which door of the street they came.

    Parameters
    ----------
    sightings : pandas.DataFrame
        `subject_id, sensor_id, time`.
    trips : pandas.DataFrame
        `trip_id, subject_id, origin_id, destination_id` (visits)`, departed_at, arrived_at`, as from `make_trips`; the
        sensors at both ends as for `infer_routes`.
    streets, sensors : geopandas.GeoDataFrame
        As `infer_routes` takes them.
    k : int
        At most so many ways for each pair of ends.
    min_passes : float
        With fewer expected passes nothing is estimated.

    Returns
    -------
    pandas.DataFrame
        A row for each sensor: `sensor_id, estimate, low, high` (Wilson, 95 %)`, n` (expected passes by people seen
        before and after)`, eligible` (trips with any way past it)`, population` (trips)`. Sensors that too few trips
        lead past have NaN and n = 0, as have gates further than 8 m from any street's line.

    Notes
    -----
    Where people keep to detours that no candidate way takes, the camera on the candidate ways seems blind: rates are
    then too low, and the interval, which knows chance only, does not say so (`benchmarks/accuracy.py` has by how much).

    Raises
    ------
    InputError
        As `infer_routes`, or `min_passes` is no number above zero.

    >>> import geopandas as gpd
    >>> streets = gpd.GeoDataFrame(geometry=gpd.GeoSeries.from_wkt(["LINESTRING (0 0, 0.02 0)"]), crs=4326)
    >>> stands = gpd.GeoDataFrame({"sensor_id": list("abc")}, geometry=gpd.points_from_xy([0, 0.01, 0.02], [0, 0, 0]),
    ...                           crs=4326)
    >>> at = pd.Timestamp("2031-03-12T08:00Z")
    >>> trips = pd.DataFrame({"trip_id": range(10), "subject_id": [f"p_{i}" for i in range(10)],
    ...                       "origin_place_id": "a", "destination_place_id": "c", "departed_at": at,
    ...                       "arrived_at": at + pd.Timedelta("8min")})
    >>> seen = pd.DataFrame({"subject_id": ["p_0", "p_1", "p_2", "p_3"], "sensor_id": "b",
    ...                      "time": at + pd.Timedelta("4min")})
    >>> rates = detection_rates(seen, trips, streets, stands)
    >>> rates.loc[1, ["estimate", "n"]].tolist()
    [0.4, 10.0]
    """
    trips = routes.with_ends(trips, sightings)
    routes.check_trips(trips, k, routes.BETA_PER_S, routes.HABIT)
    if not isinstance(min_passes, (int, float)) or not min_passes > 0:
        raise InputError(f"min_passes must be a number above zero, but it is {min_passes!r}.")
    network = build_network(streets, sensors)
    whole = _with_one_left_out(trips)
    ends = routes.ends_of(whole, sensors)
    keep = (ends[:, 0] != ends[:, 1]) & network.on_street[ends].all(axis=1)
    whole, ends = whole[keep], ends[keep]
    pairs, pair = np.unique(ends, axis=0, return_inverse=True)
    pair = pair.ravel()
    ways = find_ways(network, network.sensor_node[pairs[:, 0]], network.sensor_node[pairs[:, 1]], k)
    left_out = np.full(len(whole), -1)
    told = whole["left_out"].notna().to_numpy()
    if told.any():
        left_out[told] = routes.rows_of_places(sensors, whole["left_out"][told])
    direct, _ = routes.directness(routes.seconds_of(whole), ways, pair)
    seen = routes.seen_between(whole, sightings, sensors, ends)
    trial = _trials(_passing(network, ways, len(sensors)), pair, direct, left_out, seen, len(sensors))
    return _estimates(sensors, *trial, len(trips), min_passes)


def _with_one_left_out(trips):
    """The trips, and each two in a row of one person as one trip past the sensor between them (`left_out`)."""
    columns = ["trip_id", "subject_id", "departed_at", "arrived_at", "origin_place_id", "destination_place_id"]
    plain = trips.sort_values(["subject_id", "departed_at", "arrived_at"], kind="stable").reset_index(drop=True)
    follow = plain.shift(-1)
    joined = (plain["subject_id"].astype(object) == follow["subject_id"].astype(object))
    joined &= plain["destination_place_id"].astype(object) == follow["origin_place_id"].astype(object)
    if {"origin_id", "destination_id"} <= set(trips.columns):
        joined &= plain["destination_id"] == follow["origin_id"]
    both = plain[joined].assign(left_out=plain["destination_place_id"].astype(object)[joined])
    for column in ("arrived_at", "destination_place_id"):
        both[column] = follow[column][joined].astype(plain[column].dtype)
    return pd.concat([plain[columns].assign(left_out=None), both[[*columns, "left_out"]]], ignore_index=True)


def _passing(network, ways, n_sensors):
    """Prior probability that a pair's way leads past a sensor, where likely: (pair, sensor, probability), once each."""
    way, sensor = routes.sensors_on(network, ways)
    pair_of_way = np.repeat(np.arange(len(ways.of_pair) - 1), np.diff(ways.of_pair))
    key, back = np.unique(pair_of_way[way] * np.int64(n_sensors) + sensor, return_inverse=True)
    chance = np.minimum(np.bincount(back, np.exp(routes.way_priors(ways))[way], minlength=len(key)), 1.0)
    pair = key // n_sensors
    chance = np.where(np.diff(ways.of_pair)[pair] > 1, (1 - OTHER_WAY) * chance, chance)
    likely = chance >= LEAST_CHANCE
    return pair[likely], key[likely] % n_sensors, chance[likely]


def _trials(passing, pair, direct, left_out, seen, n_sensors):
    """For each trip and sensor that its ways may pass: (sensor, chance of passing, seen there).

    A trip over a sensor left out tests that sensor only, and only if nothing else was seen on it. A plain trip tests
    every sensor on its ways: those that saw within it, and those that did not.
    """
    of_pair, sensor, chance = passing
    first = np.searchsorted(of_pair, np.arange(pair.max(initial=-1) + 2))
    use = np.flatnonzero(direct >= SURELY_DIRECT)
    n = (first[1:] - first[:-1])[pair[use]] if len(use) else np.empty(0, np.int64)
    trip = np.repeat(use, n)
    row = np.arange(len(trip)) - np.repeat(np.cumsum(n) - n, n) + first[pair[trip]]
    own = left_out[trip] == sensor[row]
    saw = np.isin(trip * np.int64(n_sensors) + sensor[row], seen[:, 0] * np.int64(n_sensors) + seen[:, 1])
    tested = (left_out[trip] < 0) | own
    return sensor[row][tested], chance[row][tested], (own | saw)[tested]


def _estimates(sensors, sensor, chance, saw, n_trips, min_passes):
    n_sensors = len(sensors)
    successes = np.bincount(sensor[saw], chance[saw], minlength=n_sensors)
    rate = np.full(n_sensors, 0.5)
    for _ in range(_ROUNDS):
        unseen = chance * (1 - rate[sensor])
        unseen = np.where(saw, 0.0, unseen / np.maximum(unseen + 1 - chance, 1e-12))
        passes = successes + np.bincount(sensor, unseen, minlength=n_sensors)
        rate = np.divide(successes, passes, out=np.full(n_sensors, 0.5), where=passes > 0)
    known = passes >= min_passes
    n = np.where(known, np.round(passes), 0).astype(np.int64)
    low, high = wilson(np.where(known, rate * n, 0), n)
    return pd.DataFrame({"sensor_id": sensors["sensor_id"].to_numpy(), "estimate": np.where(known, rate, np.nan),
                         "low": low, "high": high, "n": n, "eligible": np.bincount(sensor, minlength=n_sensors),
                         "population": n_trips})
