"""What people do all day: places, trips along streets, and which sensors they pass on the way.

A person's day is a function of (seed, person, day) alone. It starts where the evening before ended (at home, on a
night shift, out late, or out of town) and is worked out without simulating any earlier day. `simulate` runs people
and days through two steps: `agenda.plan_day` decides places and times, `_walk_day` follows the streets and notes the
sensors passed. Times are milliseconds of UTC since 1970; a day runs from midnight to midnight of Etc/GMT-8.
"""

from collections import namedtuple
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numba import njit
from scipy.spatial import cKDTree

from kit.city.agenda import DAY_MS, MINUTE_MS, OUT_OF_TOWN, SECOND_MS, by_car, plan_day
from kit.city.chance import below, key, unit
from kit.city.estate import entrance_walk, lay_ways, no_ways, strolls
from kit.city.passes import BY_CAR, EPISODE, FORWARD, PASS, TRACK, keep_episode, keep_pass, keep_track
from kit.parallel import cores

STATION_REACH_M = 800.0
UTC_OFFSET_MS = 8 * 3_600_000
WALK, RIDE, CAR, TRANSIT = range(4)
_TRAVEL, _GATE = 11, 12
_CHUNK = 8_192

Net = namedtuple("Net", "u v length_m speed_ms hub_of_node n_hubs access_ptr access_edge route_ptr route_edge station")
Watch = namedtuple("Watch", "edge_ptr edge_sensor edge_at place_ptr place_sensor ways")


@dataclass(frozen=True)
class Movement:
    """True movement: structured arrays of dtypes `PASS`, `EPISODE` and `TRACK`; `who` is a row of `people`."""

    passes: np.ndarray
    episodes: np.ndarray
    tracks: np.ndarray


def simulate(plan, town, people, first_day, days, seed, exposure="register", episodes_of=0, tracks_of=0,
             progress=None):
    """Let people live for some days and note the sensors of one exposure that they pass.

    Parameters
    ----------
    plan, town : Plan, Town
        Geography and its arrangement for drawing (`people.lay_town`).
    people : numpy.ndarray
        Of dtype `people.PERSON`.
    first_day : int
        Local day, counted from 1970-01-01.
    days : int
    seed : int
    exposure : str
        Whose sensors: "register", "community" or "fusion".
    episodes_of, tracks_of : int
        Keep episodes, and the junctions passed, of the first so many rows of `people`.
    progress : callable, optional
        Called as `progress("days", people done, people in all)`.

    Returns
    -------
    Movement
        `PASS.sensor` is a row of the exposure's sensors in `plan.sensors`; rows come by person, then by time of
        trip. An episode's `place` is a `place_id` (-1 out of town), its flag BY_CAR when the person came by car.

    >>> from kit.city.people import lay_town, make_people
    >>> from kit.city.plan import make_plan
    >>> plan = make_plan()
    >>> town, people = lay_town(plan), make_people(plan, 5, seed=1)
    >>> movement = simulate(plan, town, people, first_day=22_350, days=1, seed=1, episodes_of=5)
    >>> sorted(set(movement.episodes["who"].tolist()))
    [0, 1, 2, 3, 4]
    """
    net, watch = lay_net(plan), lay_watch(plan, exposure)
    cuts = [(a, min(a + _CHUNK, people.size)) for a in range(0, people.size, _CHUNK)]

    def run(cut):
        return _run_chunk(net, watch, town, people, cut, np.uint64(seed), first_day, days, episodes_of, tracks_of)

    parts = []
    with ThreadPoolExecutor(cores()) as pool:
        for cut, part in zip(cuts, pool.map(run, cuts), strict=True):
            parts.append(part)
            if progress:
                progress("days", cut[1], people.size)
    return Movement(*(np.concatenate(column) for column in zip(*parts, strict=True)))


def lay_net(plan):
    """Streets and cached routes as arrays for the kernels."""
    s, r = plan.streets, plan.routes
    return Net(u=_i4(s.u), v=_i4(s.v), length_m=_f4(s.length_m), speed_ms=_f4(s.speed_ms),
               hub_of_node=_i4(r.hub_of_node), n_hubs=len(r.hub_node), access_ptr=_i8(r.access_ptr),
               access_edge=_i4(r.access_edge), route_ptr=_i8(r.route_ptr), route_edge=_i4(r.route_edge),
               station=_i4(_stations(plan)))


def _stations(plan):
    """The station that passengers near each junction use, or -1 where the bus stops in the street."""
    stations = plan.places[plan.places["place_class"] == "transit"]
    tree = cKDTree(np.round(stations[["x_m", "y_m"]].to_numpy(np.float64), 1))
    far_m, nearest = tree.query(np.column_stack([plan.streets.x_m, plan.streets.y_m]))
    return np.where(far_m < STATION_REACH_M, stations["place_id"].to_numpy()[nearest], -1)


def lay_watch(plan, exposure):
    """Which sensors of an exposure stand on which street, at which place's gate, and along which way in an estate."""
    sensors = sensors_of(plan, exposure)
    s = plan.streets
    edge, place = _i4(sensors["edge"]), _i4(sensors["place"])
    estate = sensors["spot"].astype(str).isin(["gate", "lift", "lane", "playground", "sniffer"]).to_numpy()
    on_edge = np.flatnonzero((edge >= 0) & (place < 0) & ~estate)
    on_edge = on_edge[np.argsort(edge[on_edge], kind="stable")]
    a, b = s.u[edge[on_edge]], s.v[edge[on_edge]]
    dx, dy = s.x_m[b] - s.x_m[a], s.y_m[b] - s.y_m[a]
    x, y = sensors["x_m"].to_numpy()[on_edge], sensors["y_m"].to_numpy()[on_edge]
    along = ((x - s.x_m[a]) * dx + (y - s.y_m[a]) * dy) / np.maximum(dx * dx + dy * dy, 1.0)
    at_place = np.flatnonzero((place >= 0) & ~estate)
    at_place = at_place[np.argsort(place[at_place], kind="stable")]
    return Watch(edge_ptr=_pointers(edge[on_edge], len(s.u)), edge_sensor=_i4(on_edge),
                 edge_at=_f4(np.clip(along, 0, 1)), place_ptr=_pointers(place[at_place], len(plan.places)),
                 place_sensor=_i4(at_place), ways=lay_ways(plan, sensors) if estate.any() else no_ways())


def sensors_of(plan, exposure):
    """The sensors of one exposure, renumbered from 0."""
    return plan.sensors[plan.sensors["exposure"] == exposure].reset_index(drop=True)


def _run_chunk(net, watch, town, people, cut, seed, first_day, days, episodes_of, tracks_of):
    """Simulate rows cut[0] .. cut[1]; the buffers grow until everything fits."""
    rows = (cut[1] - cut[0]) * days
    sizes = [rows * 6 + 1_000, _share(cut, episodes_of) * days * 7 + 10, _share(cut, tracks_of) * days * 150 + 10]
    while True:
        buffers = [np.empty(n, dtype) for n, dtype in zip(sizes, (PASS, EPISODE, TRACK), strict=True)]
        used = np.zeros(3, np.int64)
        _simulate(net, watch, town, people, cut[0], cut[1], seed, first_day, days, episodes_of, tracks_of,
                  *buffers, used)
        if all(used <= sizes):
            return [buffer[:n] for buffer, n in zip(buffers, used, strict=True)]
        sizes = [max(size, int(n)) for size, n in zip(sizes, used, strict=True)]


def _share(cut, kept):
    return max(0, min(cut[1], kept) - cut[0])


@njit(cache=True, nogil=True)
def _simulate(net, watch, town, people, start, stop, seed, first_day, days, episodes_of, tracks_of,
              passes, episodes, tracks, used):
    place, leave, arrive = np.empty(32, np.int32), np.empty(32, np.int64), np.empty(32, np.int64)
    flag, path = np.empty(32, np.int32), np.empty(8_192, np.int32)
    for i in range(start, stop):
        for day in range(first_day, first_day + days):
            n = plan_day(town, people[i], seed, day, place, leave)
            midnight = np.int64(day) * DAY_MS - UTC_OFFSET_MS
            n = _walk_day(net, watch, town, people, i, seed, day, midnight, place, leave, arrive, flag, n, path,
                          passes, tracks, i < tracks_of, used)
            if watch.ways.way_ptr.size > 1:
                strolls(watch.ways, town, people[i], i, seed, day, midnight, place, arrive, leave, n, passes, used)
            if i < episodes_of:
                for j in range(n):
                    keep_episode(episodes, used, i, place[j], midnight + arrive[j], midnight + leave[j], flag[j])


@njit(cache=True, nogil=True)
def _walk_day(net, watch, town, people, i, seed, day, midnight, place, leave, arrive, flag, n, path,
              passes, tracks, tracked, used):
    """Move through the day's places: fill `arrive`, mend `leave` where the way took longer, note what was passed."""
    who = people[i]
    k = key(seed, _TRAVEL, who.person_no, day)
    drives = by_car(who, seed, day)
    arrive[0], flag[0] = 0, 0
    at = 0
    for j in range(1, n):
        # late in the evening what is left of the plan is dropped and the last place comes next
        if j < n - 1 and max(leave[at], arrive[at]) > 1_360 * MINUTE_MS:
            continue
        if place[j] == place[at]:
            leave[at] = leave[j]
            continue
        if arrive[at] + 5 * MINUTE_MS > leave[at]:
            leave[at] = arrive[at] + 5 * MINUTE_MS
        # the last way of the day ends before midnight
        leave[at] = max(arrive[at], min(leave[at], DAY_MS - 25 * MINUTE_MS))
        moved = at + 1
        place[moved], leave[moved] = place[j], leave[j]
        arrive[moved], flag[moved] = leave[at], 0
        if place[at] != OUT_OF_TOWN and place[moved] != OUT_OF_TOWN:
            mode = _mode(town, place[at], place[moved], drives, k, j)
            took = _trip(net, watch, town, who, i, seed, day, midnight, place[at], place[moved], leave[at], mode, k, j,
                         path, passes, tracks, tracked, used)
            arrive[moved] = min(leave[at] + took, DAY_MS - SECOND_MS)
            flag[moved] = BY_CAR if mode == CAR else 0
        at = moved
    leave[at] = DAY_MS
    return at + 1


@njit(cache=True, nogil=True)
def _mode(town, origin, end, drives, k, j):
    dx = town.place_x[origin] - town.place_x[end]
    dy = town.place_y[origin] - town.place_y[end]
    far_m = (dx * dx + dy * dy) ** 0.5
    u = unit(k, 40 + j)
    if drives and far_m > 700:
        return CAR
    if far_m < 1_000 or (far_m < 2_000 and u < 0.5):
        return WALK
    return RIDE if far_m < 4_500 and u < 0.45 else TRANSIT


@njit(cache=True, nogil=True)
def _trip(net, watch, town, who, i, seed, day, midnight, origin, end, leave, mode, k, j,
          path, passes, tracks, tracked, used):
    """Go from place to place along the cached route; returns the milliseconds it took."""
    node = town.place_node[origin]
    m = route_edges(net, node, town.place_node[end], path)
    pace, wait = _pace(mode, who, leave, k, j)
    total = wait
    for s in range(m):
        total += _edge_ms(net, path[s], mode, pace)
    total = max(total, 40 * SECOND_MS)
    room = DAY_MS - 2 * SECOND_MS - leave
    squeeze = room / total if total > room else 1.0
    _gate(watch, who, i, seed, day, origin, midnight + leave + 4 * SECOND_MS, 0, passes, used)
    entrance_walk(watch.ways, town, i, origin, end, midnight + leave, True, passes, used)
    if mode == TRANSIT:
        _board(net, watch, who, i, seed, day, node, np.int64(midnight + leave + 0.7 * wait * squeeze), passes, used)
    clock = midnight + leave + wait * squeeze
    if tracked:
        keep_track(tracks, used, i, node, midnight + leave)
    for s in range(m):
        e = path[s]
        forward = net.u[e] == node
        took = _edge_ms(net, e, mode, pace) * squeeze
        for w in range(watch.edge_ptr[e], watch.edge_ptr[e + 1]):
            share = watch.edge_at[w] if forward else 1.0 - watch.edge_at[w]
            bits = (BY_CAR if mode == CAR else 0) | (FORWARD if forward else 0)
            keep_pass(passes, used, i, watch.edge_sensor[w], np.int64(clock + took * share), bits)
        clock += took
        node = net.v[e] if forward else net.u[e]
        if tracked:
            keep_track(tracks, used, i, node, np.int64(clock))
    arrived = np.int64(total * squeeze)
    if mode == TRANSIT:
        alight_ms = midnight + leave + arrived - np.int64(min(90.0 * SECOND_MS, 0.2 * arrived))
        _board(net, watch, who, i, seed, day, node, alight_ms, passes, used)
    code = FORWARD | (BY_CAR if mode == CAR else 0)
    _gate(watch, who, i, seed, day, end, midnight + leave + arrived - 4 * SECOND_MS, code, passes, used)
    entrance_walk(watch.ways, town, i, end, origin, midnight + leave + arrived, False, passes, used)
    return arrived


@njit(cache=True, nogil=True)
def _pace(mode, who, leave, k, j):
    """Metres a second (a share of the street's speed by car), and the wait before setting off."""
    u = unit(k, 60 + j)
    if mode == WALK:
        return np.float64(who.walk_ms), 0.0
    if mode == RIDE:
        return 3.4 + 1.2 * u, 60.0 * SECOND_MS
    if mode == TRANSIT:
        return 6.0 + 1.5 * u, (2.0 + 7.0 * unit(k, 80 + j)) * MINUTE_MS
    hour = leave // (60 * MINUTE_MS)
    rush = hour in (7, 8, 17, 18)
    return (0.42 if rush else 0.6) + 0.2 * u, (1.0 + unit(k, 80 + j)) * MINUTE_MS


@njit(cache=True, nogil=True)
def _edge_ms(net, e, mode, pace):
    speed = net.speed_ms[e] * pace if mode == CAR else pace
    return np.float64(net.length_m[e]) / speed * 1_000.0


@njit(cache=True, nogil=True)
def route_edges(net, start, stop, path):
    """Edges from junction to junction by way of their hubs; stretches gone out and back at once are cut away."""
    m = 0
    for s in range(net.access_ptr[start], net.access_ptr[start + 1]):
        m = _step(path, m, net.access_edge[s])
    pair = np.int64(net.hub_of_node[start]) * net.n_hubs + net.hub_of_node[stop]
    for s in range(net.route_ptr[pair], net.route_ptr[pair + 1]):
        m = _step(path, m, net.route_edge[s])
    for s in range(net.access_ptr[stop + 1] - 1, net.access_ptr[stop] - 1, -1):
        m = _step(path, m, net.access_edge[s])
    return m


@njit(cache=True, nogil=True)
def _step(path, m, e):
    if m > 0 and path[m - 1] == e:
        return m - 1
    path[m] = e
    return m + 1


@njit(cache=True, nogil=True)
def _gate(watch, who, i, seed, day, place, time_ms, code, passes, used):
    """A place's gates: people keep to one of them, most of the time."""
    first = watch.place_ptr[place]
    gates = watch.place_ptr[place + 1] - first
    if gates == 0:
        return
    k = key(seed, _GATE, who.person_no, place)
    chosen = below(k, 0, gates) if unit(k, 1 + day) < 0.8 else below(k, 2 + day, gates)
    keep_pass(passes, used, i, watch.place_sensor[first + chosen], time_ms, code)


@njit(cache=True, nogil=True)
def _board(net, watch, who, i, seed, day, node, time_ms, passes, used):
    """Passengers go through the gates of the station near a junction."""
    if net.station[node] >= 0:
        _gate(watch, who, i, seed, day, net.station[node], time_ms, 0, passes, used)


def _pointers(sorted_codes, n):
    return np.concatenate([[0], np.cumsum(np.bincount(sorted_codes, minlength=n))]).astype(np.int64)


def _i4(a):
    return np.ascontiguousarray(a, dtype=np.int32)


def _i8(a):
    return np.ascontiguousarray(a, dtype=np.int64)


def _f4(a):
    return np.ascontiguousarray(a, dtype=np.float32)
