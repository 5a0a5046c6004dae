"""By which way somebody went from one sensor to the next, and how sure that is.

A camera that stayed silent speaks too: had they come past, it would probably have seen them. What remains is a
distribution over a few ways, never one line; and where it is broad, only the area that could be reached.
"""

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from kit import geo, tables
from kit.errors import InputError
from kit.movement.network import build_network, find_ways
from kit.movement.visits import counted, encode_ids

HABIT, BETA_PER_S = 0.4, 0.07  # chosen on one invented city (seed 101); measured on others in benchmarks/accuracy.py
FALSE_MATCH = 0.02
LOWEST_RATE, HIGHEST_RATE = 0.001, 0.99
FEWEST_TRIPS = 200
GATE_TRUST, STATION_TRUST = 0.8, 0.1  # how far a way from a gate off the street is known
USUAL_PASSES = 20  # how many passes the rates of other sensors are worth
SETTING_OFF_M = 1_000.0  # waiting and setting off take as long as so much more of a way
_DIRECT = (2.4, 0.7, 0.7)  # log of m/s, its spread, share of trips: without a stop, and with one
_STOPPED = (-0.8, 1.3, 0.3)
_ENDS = ["origin_place_id", "destination_place_id"]


def infer_routes(trips, sightings, streets, sensors, rates, k=8, beta_per_s=BETA_PER_S, habit=HABIT):
    """Weigh the ways that each trip may have taken along the streets.

    P(way | time taken, silence) is proportional to prior x LogNormal(time; log((length + 1 km) / v), s) x, for the
    sensors on the way, d where one saw the subject during the trip and 1 - d where it stayed silent; a sighting off
    the way counts as a false match (0.02). The prior is `habit` for the fastest way, and the rest goes by
    exp(-`beta_per_s` x seconds lost against it, at the streets' speeds). v and s, and those of trips with a stop
    between, come from the trips themselves (from 200 on; else 11 m/s and 0.7); the kilometre stands for waiting and
    setting off.

    A trip that took far longer than its ways need had a stop somewhere: `direct` is the probability that it had none.
    What is missing to 1 is spread evenly over the ways, since nothing is known of them then; so is part of what
    remains where an end is a gate off the street (80 % kept; 10 % at a `place_class` "transit", whose passengers come
    from streets all round).

    Parameters
    ----------
    trips : pandas.DataFrame
        `trip_id, subject_id, departed_at, arrived_at`, as from `make_trips`. The sensors at both ends are in
        `origin_place_id, destination_place_id`; without these columns they are those that saw the subject at the
        instants of departure and arrival.
    sightings : pandas.DataFrame
        `subject_id, sensor_id, time`.
    streets : geopandas.GeoDataFrame
        Lines (EPSG:4326) that share vertices where they meet; `speed_kmh` if known.
    sensors : geopandas.GeoDataFrame
        `sensor_id, geometry`, and `place_class` if known. A sensor within 8 m of a street's line watches that street.
    rates : pandas.DataFrame
        `sensor_id, estimate`, and `n`, as from `detection_rates`. With few passes an estimate is drawn towards the mean
        of the others (worth 20 passes); without any it is that mean, and where there is none, nothing is seen.
    k : int
        At most so many ways, each at most 1.5 times as long as the shortest.
    beta_per_s, habit : float
        How much people mind a second lost, and how often they take the fastest way regardless.

    Returns
    -------
    geopandas.GeoDataFrame
        By trip as they came, then rank: `trip_id, rank` (from 1)`, probability` (adds up to 1 over a trip's ways)`,
        length_m, geometry` (from sensor to sensor)`, direct`. Trips that end where they began, or between whose ends
        no street leads, have no rows.

    Raises
    ------
    InputError
        A column is missing, a trip ends before it begins or at a sensor that is not in `sensors`, a rate is outside
        0 to 1, or the streets are no lines.

    References
    ----------
    Newson, P., Krumm, J. (2009). Hidden Markov map matching through noise and sparseness. SIGSPATIAL 2009.
    doi:10.1145/1653771.1653818

    >>> from kit import open_exposure
    >>> from kit.movement import infer_routes
    >>> register = open_exposure("register")
    >>> at = pd.to_datetime(["2031-03-12T08:00Z", "2031-03-12T08:12Z"])
    >>> trips = pd.DataFrame({"trip_id": [0], "subject_id": "p_1", "origin_place_id": "1", "destination_place_id": "10",
    ...                       "departed_at": at[:1], "arrived_at": at[1:]})
    >>> ways = infer_routes(trips, register.sightings, register.streets, register.sensors, None)
    >>> ways["rank"].tolist()[:2], round(float(ways["probability"].sum()), 9)
    ([1, 2], 1.0)
    """
    trips = with_ends(trips, sightings)
    check_trips(trips, k, beta_per_s, habit)
    network = build_network(streets, sensors)
    ends = ends_of(trips, sensors)
    moving = np.flatnonzero(ends[:, 0] != ends[:, 1])
    pairs, pair = np.unique(ends[moving], axis=0, return_inverse=True)
    ways = find_ways(network, network.sensor_node[pairs[:, 0]], network.sensor_node[pairs[:, 1]], k)
    trip, way = _options(ways, pair.ravel())
    seconds = seconds_of(trips)[moving]
    direct, fit = directness(seconds, ways, pair.ravel())
    sure = direct * _trust(network, sensors)[ends[moving]].min(axis=1)
    seen = seen_between(trips.iloc[moving], sightings, sensors, ends[moving])
    weight = (way_priors(ways, beta_per_s, habit)[way] + _log_time(ways, way, seconds[trip], fit)
              + _log_silence(network, ways, _rates(rates, sensors), trip, way, seen))
    probability = _mix(_softmax(weight, trip), sure, trip)
    return _frame(trips["trip_id"].to_numpy()[moving], trip, way, probability, direct, network, ways)


def edge_probabilities(routes, streets):
    """How many of the trips are expected on each stretch of street: the width to draw it with.

    Parameters
    ----------
    routes : geopandas.GeoDataFrame
        From `infer_routes`.
    streets : geopandas.GeoDataFrame
        The same streets.

    Returns
    -------
    geopandas.GeoDataFrame
        A row for each stretch between two vertices that any way uses: `street` (row of `streets`), `expected` (trips;
        for one trip, the probability), `geometry`.

    >>> streets = gpd.GeoDataFrame(geometry=gpd.GeoSeries.from_wkt(["LINESTRING (0 0, 0 0.01, 0 0.02)"]), crs=4326)
    >>> routes = gpd.GeoDataFrame({"probability": [0.25]}, geometry=gpd.GeoSeries.from_wkt(
    ...     ["LINESTRING (0 0.002, 0 0.008)"]), crs=4326)
    >>> edge_probabilities(routes, streets)["expected"].tolist()
    [0.25]
    """
    network = build_network(streets, gpd.GeoDataFrame({"sensor_id": []}, geometry=[], crs="EPSG:4326"))
    stretches = shapely.linestrings(np.stack([np.c_[network.x_m[e], network.y_m[e]] for e in (network.u, network.v)],
                                             axis=1))
    lonlat, row = shapely.get_coordinates(routes.geometry.to_numpy(), return_index=True)
    x_m, y_m = network.plane.to_plane(*lonlat.T)
    step = np.flatnonzero(row[1:] == row[:-1])
    step = step[np.hypot(x_m[step + 1] - x_m[step], y_m[step + 1] - y_m[step]) > 0.05]
    middle = np.round(np.c_[x_m[step] + x_m[step + 1], y_m[step] + y_m[step + 1]] / 2, 2)
    spots, spot = np.unique(middle, axis=0, return_inverse=True)
    edge = shapely.STRtree(stretches).nearest(shapely.points(spots))[spot.ravel()] if len(step) else step
    once = np.unique(np.c_[row[step], edge], axis=0)  # a sensor cuts a stretch in two, but it is walked once
    expected = np.bincount(once[:, 1], routes["probability"].to_numpy()[once[:, 0]], minlength=len(stretches))
    used = np.flatnonzero(np.bincount(once[:, 1], minlength=len(stretches)))
    ends = [np.column_stack(network.plane.to_degrees(network.x_m[e[used]], network.y_m[e[used]]))
            for e in (network.u, network.v)]
    return gpd.GeoDataFrame({"street": network.street[used], "expected": expected[used]},
                            geometry=shapely.linestrings(np.stack(ends, axis=1)), crs="EPSG:4326")


def prism(routes, trips, sensors, max_speed_kmh=40.0, min_entropy_bits=1.0):
    """Where somebody can have been at all between two sensors, for trips whose way is not known well.

    All points x with d(origin, x) + d(x, destination) <= top speed x time taken: an ellipse with the sensors as foci
    (Hägerstrand's space-time prism, seen from above).

    Parameters
    ----------
    routes, trips, sensors : pandas.DataFrame
        As `infer_routes` gives and takes them.
    max_speed_kmh : float
        Nobody goes faster, as the crow flies.
    min_entropy_bits : float
        Only trips whose ways have at least this entropy: 1 bit is two ways at even odds.

    Returns
    -------
    geopandas.GeoDataFrame
        `trip_id, entropy_bits, geometry` (polygon; empty where the time does not suffice at that speed).

    >>> sensors = gpd.GeoDataFrame({"sensor_id": ["a", "b"]}, geometry=gpd.points_from_xy([0, 0.01], [0, 0]), crs=4326)
    >>> at = pd.to_datetime(["2031-03-12T08:00Z", "2031-03-12T08:12Z"])
    >>> trips = pd.DataFrame({"trip_id": [0], "origin_place_id": "a", "destination_place_id": "b",
    ...                       "departed_at": at[:1], "arrived_at": at[1:]})
    >>> routes = pd.DataFrame({"trip_id": [0, 0], "probability": [0.5, 0.5]})
    >>> prism(routes, trips, sensors)["entropy_bits"].tolist()
    [1.0]
    """
    missing = [c for c in _ENDS if c not in trips.columns]
    if missing:
        raise InputError(f"The trips lack the column {', '.join(missing)}: the sensor at that end; add it.")
    if not max_speed_kmh > 0:
        raise InputError(f"max_speed_kmh must be above zero, but it is {max_speed_kmh!r}.")
    bits = route_entropy(routes)
    chosen = trips[trips["trip_id"].isin(bits.index[bits >= min_entropy_bits - 1e-9])]
    reach_m = seconds_of(chosen) * max_speed_kmh / 3.6
    ends = [sensors.geometry.iloc[rows_of_places(sensors, chosen[column])] for column in _ENDS]
    shapes = [_ellipse(*spot, reach) for *spot, reach in zip(*ends, reach_m, strict=True)]
    return gpd.GeoDataFrame({"trip_id": chosen["trip_id"].to_numpy(),
                             "entropy_bits": bits.reindex(chosen["trip_id"]).to_numpy()},
                            geometry=gpd.GeoSeries(shapes, dtype="geometry"), crs="EPSG:4326")


def route_entropy(routes):
    """Entropy of each trip's ways in bits, by `trip_id`: 0 when one way is certain, 3 for eight at even odds.

    >>> route_entropy(pd.DataFrame({"trip_id": [7, 7], "probability": [0.5, 0.5]})).to_dict()
    {7: 1.0}
    """
    p = routes["probability"].to_numpy()
    bits = np.where(p > 0, -p * np.log2(np.maximum(p, 1e-300)), 0.0)
    return pd.Series(bits).groupby(routes["trip_id"].to_numpy(), sort=False).sum()


def way_priors(ways, beta_per_s=BETA_PER_S, habit=HABIT):
    """Log of each way's prior within its pair: `habit` for the fastest, the rest by seconds lost."""
    pair = np.repeat(np.arange(len(ways.of_pair) - 1), np.diff(ways.of_pair))
    fastest = ways.of_pair[:-1][pair]
    fair = _softmax(-beta_per_s * (ways.cost - ways.cost[fastest]), pair)
    return np.log(np.maximum((1 - habit) * fair + habit * (np.arange(len(pair)) == fastest), 1e-300))


def sensors_on(network, ways):
    """The sensors on the street that each way passes between its ends: (way, row of the sensor)."""
    way = np.repeat(np.arange(len(ways.ptr) - 1), np.diff(ways.ptr))
    inner = np.ones(len(way), bool)
    inner[ways.ptr[:-1]] = inner[ways.ptr[1:] - 1] = False
    sensor = network.sensor_of_node[ways.node]
    passed = inner & (sensor >= 0)
    passed[passed] = network.on_street[sensor[passed]]
    return way[passed], sensor[passed]


def with_ends(trips, sightings):
    """The trips with the sensors at both ends: where the subject was seen when it departed and when it arrived.

    Two sightings at one instant come in the order that `find_visits` takes them in: a trip departs from the last sensor
    and arrives at the first.
    """
    if not isinstance(trips, pd.DataFrame) or set(_ENDS) & set(trips.columns) or not {
            "subject_id", "departed_at", "arrived_at"} <= set(trips.columns):
        return trips
    tables.check(sightings, "sightings", ["subject_id", "sensor_id", "time"])
    seen = pd.DataFrame({"who": sightings["subject_id"].astype(object), "at": tables.utc(sightings["time"]),
                         "sensor": sightings["sensor_id"].astype(object)}).dropna().sort_values(["who", "at", "sensor"])
    found = {}
    for end, column, keep in zip(_ENDS, ("departed_at", "arrived_at"), ("last", "first"), strict=True):
        key = pd.MultiIndex.from_arrays([trips["subject_id"].astype(object), tables.utc(trips[column])])
        one = seen.drop_duplicates(["who", "at"], keep=keep).set_index(["who", "at"])["sensor"]
        found[end] = one.reindex(key).to_numpy()
        if pd.isna(found[end]).any():
            raise InputError(f"{counted(int(pd.isna(found[end]).sum()), 'trip')} no sighting at {column}; give the "
                             f"sightings that the trips were made from, or the sensor as {end}.")
    return trips.assign(**found)


def check_trips(trips, k, beta_per_s, habit):
    if not isinstance(trips, pd.DataFrame):
        raise InputError(f"The trips must be a pandas DataFrame, but they are a {type(trips).__name__}.")
    needed = ["trip_id", "subject_id", "departed_at", "arrived_at", *_ENDS]
    missing = [c for c in needed if c not in trips.columns]
    if missing:
        raise InputError(f"The trips lack the column {', '.join(missing)}; make them with make_trips from visits at "
                         "sensors.")
    if not isinstance(k, (int, np.integer)) or isinstance(k, bool) or k < 1:
        raise InputError(f"k must be a whole number of ways from 1, but it is {k!r}.")
    if not 0 <= habit <= 1 or not 0 <= beta_per_s < np.inf:
        raise InputError(f"habit must lie between 0 and 1 and beta_per_s from 0, but they are {habit!r}, "
                         f"{beta_per_s!r}.")


def ends_of(trips, sensors):
    """Rows of the sensors at both ends of each trip."""
    return np.column_stack([rows_of_places(sensors, trips[column]) for column in _ENDS])


def rows_of_places(sensors, place_ids):
    """Row of the sensor at one end of each trip."""
    code, ids = encode_ids(place_ids)
    if len(code) and code.min() < 0:
        raise InputError(f"{counted(int((code < 0).sum()), 'trip')} no {place_ids.name}; leave them out.")
    used = np.unique(code)
    rows = np.full(len(ids), -1)
    rows[used] = tables.rows_of_sensors(sensors, ids[used], "trips")
    return rows[code]


def seconds_of(trips):
    seconds = (tables.utc(trips["arrived_at"]) - tables.utc(trips["departed_at"])).dt.total_seconds().to_numpy()
    if not (seconds >= 0).all():
        raise InputError(f"{counted(int((~(seconds >= 0)).sum()), 'trip', 'ends', 'end')} before the start or lacks a "
                         "time; leave them out or mend the clocks.")
    return np.maximum(seconds, 1.0)


def _options(ways, pair):
    """Every way that each trip may have taken: (trip, way)."""
    n = (ways.of_pair[1:] - ways.of_pair[:-1])[pair]
    trip = np.repeat(np.arange(len(pair)), n)
    return trip, np.arange(len(trip)) - np.repeat(np.cumsum(n) - n, n) + ways.of_pair[pair][trip]


def directness(seconds, ways, pair):
    """Probability that each trip had no stop, from its speed along the fastest way, and (log v, s) of those without."""
    reached = ways.of_pair[1:][pair] > ways.of_pair[:-1][pair]
    speed = np.full(len(pair), _DIRECT[0])
    speed[reached] = np.log((ways.length_m[ways.of_pair[pair][reached]] + SETTING_OFF_M)
                            / seconds[reached])
    groups = np.array([_DIRECT, _STOPPED])
    for _ in range(50 if reached.sum() >= FEWEST_TRIPS else 0):
        share = _responsibility(speed[reached], groups)
        weight = share.sum(1)
        mean = share @ speed[reached] / weight
        spread = np.sqrt((share * (speed[reached] - mean[:, None])**2).sum(1) / weight)
        groups = np.c_[mean, np.clip(spread, 0.3, 2.0), weight / weight.sum()]
    # beyond the usual speed a short way is still a way: the faster, the surer
    return np.where(speed >= groups[0, 0], 1.0, _responsibility(speed, groups)[0]), groups[0, :2]


def _responsibility(speed, groups):
    mean, spread, share = (column[:, None] for column in groups.T)
    log = np.log(share) - np.log(spread) - ((speed - mean) / spread)**2 / 2
    part = np.exp(log - log.max(0))
    return part / part.sum(0)


def _log_time(ways, way, seconds, fit):
    return -((np.log((ways.length_m[way] + SETTING_OFF_M) / seconds) - fit[0]) / fit[1])**2 / 2


def seen_between(trips, sightings, sensors, ends):
    """Sensors that saw a trip's subject strictly between its ends, elsewhere than there: (trip, row of the sensor)."""
    tables.check(sightings, "sightings", ["subject_id", "sensor_id", "time"])
    text = sightings["subject_id"].notna() & sightings["subject_id"].isin(trips["subject_id"].unique())
    known = sightings[text]
    who = pd.Index(trips["subject_id"].astype(object).unique())
    code, at = who.get_indexer(known["subject_id"].astype(object)), tables.utc(known["time"]).array.asi8
    order = np.lexsort((at, code))
    code, at, sensor = code[order], at[order], rows_of_places(sensors, known["sensor_id"])[order]
    first = np.searchsorted(code, np.arange(len(who) + 1))
    mine = who.get_indexer(trips["subject_id"].astype(object))
    start, stop = (tables.utc(trips[c]).array.asi8 for c in ("departed_at", "arrived_at"))
    low, high = np.empty(len(trips), np.int64), np.empty(len(trips), np.int64)
    for i in range(len(trips)):
        a, b = first[mine[i]], first[mine[i] + 1]
        low[i] = a + np.searchsorted(at[a:b], start[i], "right")
        high[i] = max(low[i], a + np.searchsorted(at[a:b], stop[i], "left"))
    trip = np.repeat(np.arange(len(trips)), high - low)
    row = np.arange(len(trip)) - np.repeat(np.cumsum(high - low) - (high - low), high - low) + low[trip]
    found = np.unique(np.c_[trip, sensor[row]], axis=0)
    return found[(found[:, 1] != ends[found[:, 0], 0]) & (found[:, 1] != ends[found[:, 0], 1])]


def _rates(rates, sensors):
    """How often each sensor sees who passes, by row of the sensors."""
    if rates is None or not len(rates):
        return np.full(len(sensors), LOWEST_RATE)
    missing = [c for c in ("sensor_id", "estimate") if c not in rates.columns]
    if missing:
        raise InputError(f"The rates lack the column {', '.join(missing)}; take them from detection_rates.")
    given = rates.drop_duplicates("sensor_id").set_index("sensor_id")
    given.index = given.index.astype(object)
    given = given.reindex(sensors["sensor_id"].astype(object))
    rate = given["estimate"].astype(float).to_numpy()
    if ((rate < 0) | (rate > 1)).any():
        raise InputError("A detection rate must lie between 0 and 1; check the column estimate of the rates.")
    known = np.isfinite(rate)
    if not known.any():
        return np.full(len(sensors), LOWEST_RATE)
    n = given["n"].to_numpy(float) if "n" in given.columns else np.full(len(rate), np.inf)
    trust = np.where(known, 1 / (1 + USUAL_PASSES / np.maximum(np.where(known, n, 0), 1e-9)), 0.0)
    usual = np.average(rate[known], weights=trust[known])
    return np.clip(trust * np.where(known, rate, 0) + (1 - trust) * usual, LOWEST_RATE, HIGHEST_RATE)


def _log_silence(network, ways, rate, trip, way, seen):
    """Log of: who is on the way saw (d) or not (1 - d), and who saw them off the way was mistaken."""
    on_way, sensor = sensors_on(network, ways)
    silent = np.bincount(on_way, np.log1p(-rate[sensor]), minlength=len(ways.ptr) - 1)
    log = silent[way]
    if len(seen):
        passes = np.unique(on_way * np.int64(len(rate)) + sensor)
        first = np.searchsorted(trip, seen[:, 0])
        for (_, who), a, b in zip(seen, first, np.searchsorted(trip, seen[:, 0], "right"), strict=True):
            on = np.isin(way[a:b] * np.int64(len(rate)) + who, passes)
            log[a:b] += np.where(on, np.log(rate[who]) - np.log1p(-rate[who]), np.log(FALSE_MATCH))
    return log


def _softmax(weight, group):
    """Weights (logs) as shares within each group; groups come in a row."""
    if not len(weight):
        return weight
    first = np.flatnonzero(np.r_[True, group[1:] != group[:-1]])
    size = np.diff(np.r_[first, len(group)])
    part = np.exp(weight - np.repeat(np.maximum.reduceat(weight, first), size))
    return part / np.repeat(np.add.reduceat(part, first), size)


def _trust(network, sensors):
    """How far a way is known that begins or ends at a sensor: a station serves the streets all round it."""
    station = np.zeros(len(sensors), bool)
    if "place_class" in sensors.columns:
        station = (sensors["place_class"].astype(object) == "transit").to_numpy()
    return np.where(network.on_street, 1.0, np.where(station, STATION_TRUST, GATE_TRUST))


def _mix(probability, sure, trip):
    n = np.bincount(trip, minlength=len(sure))[trip]
    return sure[trip] * probability + (1 - sure[trip]) / np.maximum(n, 1)


def _frame(trip_id, trip, way, probability, direct, network, ways):
    order = np.lexsort((ways.length_m[way], -np.round(probability, 12), trip))
    trip, way, probability = trip[order], way[order], probability[order]
    lonlat = np.column_stack(network.plane.to_degrees(network.x_m[ways.node], network.y_m[ways.node]))
    line = shapely.linestrings(lonlat, indices=np.repeat(np.arange(len(ways.ptr) - 1), np.diff(ways.ptr)))
    starts = np.searchsorted(trip, trip)
    return gpd.GeoDataFrame({"trip_id": trip_id[trip], "rank": np.arange(len(trip)) - starts + 1,
                             "probability": probability, "length_m": ways.length_m[way], "direct": direct[trip]},
                            geometry=line[way], crs="EPSG:4326")[
        ["trip_id", "rank", "probability", "length_m", "geometry", "direct"]]


def _ellipse(a, b, reach_m, corners=72):
    """All points whose distances to a and b add up to at most `reach_m`."""
    plane = geo.local_plane((a.x + b.x) / 2, (a.y + b.y) / 2)
    (x0, x1), (y0, y1) = plane.to_plane([a.x, b.x], [a.y, b.y])
    apart_m = np.hypot(x1 - x0, y1 - y0)
    if reach_m <= apart_m:
        return shapely.Polygon()
    long_m, wide_m = reach_m / 2, np.sqrt(reach_m**2 - apart_m**2) / 2
    turn, t = np.arctan2(y1 - y0, x1 - x0), np.linspace(0, 2 * np.pi, corners, endpoint=False)
    x, y = long_m * np.cos(t), wide_m * np.sin(t)
    return shapely.Polygon(np.column_stack(plane.to_degrees(
        (x0 + x1) / 2 + x * np.cos(turn) - y * np.sin(turn), (y0 + y1) / 2 + x * np.sin(turn) + y * np.cos(turn))))
