"""Inside the two housing estates: from the door of an entrance group past lift, lanes and gate, and strolls to play.

Only the second exposure has sensors there. Streets know an estate as a place; this module adds the last two hundred
metres: on foot, along the straight way between an entrance and the gate that lies in the direction of travel.
"""

from collections import namedtuple

import numpy as np
from numba import njit

from kit.city.chance import key, unit
from kit.city.passes import keep_pass

Ways = namedtuple("Ways", "n_ends end_x end_y end_gate way_ptr way_sensor way_at_m way_side way_length_m "
                          "entrance_estate entrance_x entrance_y")

BESIDE_M = 28.0
DOOR_M = 15.0
MINUTE_MS = 60_000
FRIEND_GROUPS = 150
_STROLL, _FRIENDS = 31, 32
_WALK_M_A_MS = 1.25 / 1_000
_ARRIVING, _LEAVING = 1, 2


def lay_ways(plan, sensors):
    """Which sensors lie along each way from an entrance to a gate or a playground of its estate, and how far along."""
    doors = plan.places[plan.places["entrance"].astype(str) != ""].sort_values("entrance")
    letter = doors["entrance"].astype(str).str[0].to_numpy()
    estates = sorted(set(letter))
    ends = [_ends(sensors, one) for one in estates]
    n_ends = max(len(e) for e in ends)
    end_x, end_y = np.full((len(estates), n_ends), np.nan), np.full((len(estates), n_ends), np.nan)
    end_gate = np.zeros((len(estates), n_ends), np.int8)
    for s, rows in enumerate(ends):
        for j, (x, y, is_gate) in enumerate(rows):
            end_x[s, j], end_y[s, j], end_gate[s, j] = x, y, 1 if is_gate else 2
    names = sensors["name"].astype(str).str
    faces = np.where(names.endswith(" in"), _ARRIVING, np.where(names.endswith(" out"), _LEAVING, 0)).astype(np.int8)
    pointer, seen, at_m, length_m = [0], [], [], []
    for door, one in zip(doors.itertuples(), letter, strict=True):
        s = estates.index(one)
        for j in range(n_ends):
            along, rows = _along(sensors, one, door, end_x[s, j], end_y[s, j], end_gate[s, j] == 1)
            seen.extend(rows)
            at_m.extend(along)
            pointer.append(len(seen))
            length_m.append(np.hypot(end_x[s, j] - door.x_m, end_y[s, j] - door.y_m))
    return Ways(n_ends, end_x, end_y, end_gate, np.array(pointer, np.int64), np.array(seen, np.int32),
                np.array(at_m, np.float64), faces[seen], np.nan_to_num(np.array(length_m)),
                np.array([estates.index(one) for one in letter], np.int32),
                doors["x_m"].to_numpy(np.float64), doors["y_m"].to_numpy(np.float64))


def no_ways():
    """For exposures without sensors inside the estates."""
    none = np.zeros((0, 0))
    return Ways(0, none, none, none.astype(np.int8), np.zeros(1, np.int64), np.zeros(0, np.int32), np.zeros(0),
                np.zeros(0, np.int8), np.zeros(0), np.zeros(0, np.int32), np.zeros(0), np.zeros(0))


def friend_group(person_no, seed):
    """The circle that a resident strolls with: one of 150, the same every day."""
    return np.array([_friends(np.uint64(seed), int(p)) for p in person_no], dtype=np.int32)


def _ends(sensors, letter):
    """Gates and playgrounds of an estate as (x_m, y_m, is_gate), in the order of their names."""
    inside = sensors[_letter(sensors) == letter]
    gates = inside[inside["spot"] == "gate"].groupby("gate")[["x_m", "y_m"]].mean().sort_index()
    play = inside[inside["spot"] == "playground"].sort_values("sensor_id")
    return [(x, y, True) for x, y in gates.to_numpy()] + [(x, y, False) for x, y in play[["x_m", "y_m"]].to_numpy()]


def _along(sensors, letter, door, x_m, y_m, to_gate):
    """Sensors beside the straight way from a door to an end: (metres along the way, sensor rows)."""
    if np.isnan(x_m):
        return [], []
    dx, dy = x_m - door.x_m, y_m - door.y_m
    length = max(np.hypot(dx, dy), 1.0)
    px, py = sensors["x_m"].to_numpy() - door.x_m, sensors["y_m"].to_numpy() - door.y_m
    along = np.clip((px * dx + py * dy) / length, 0, length)
    beside = np.hypot(px - along * dx / length, py - along * dy / length)
    spot, own = sensors["spot"].astype(str).to_numpy(), _letter(sensors) == letter
    at_end = np.hypot(sensors["x_m"].to_numpy() - x_m, sensors["y_m"].to_numpy() - y_m) < DOOR_M
    passed = own & ((np.isin(spot, ("lift", "lane")) & (sensors["entrance"].astype(str).to_numpy() == door.entrance))
                    | ((spot == "sniffer") & (beside < BESIDE_M))
                    | ((spot == ("gate" if to_gate else "playground")) & at_end))
    along = np.where(spot == "lift", 2.0, along)
    rows = np.flatnonzero(passed)
    return along[rows].tolist(), rows.tolist()


def _letter(sensors):
    return sensors["sensor_id"].astype(str).str.split("-").str[1].to_numpy()


@njit(cache=True, nogil=True)
def entrance_walk(ways, town, i, place, other, gate_ms, leaving, passes, used):
    """Pass what stands between an entrance and its gate, when a trip begins (`leaving`) or ends there."""
    if ways.n_ends == 0 or town.place_entrance[place] < 0:
        return
    e = town.place_entrance[place]
    estate = ways.entrance_estate[e]
    next_door = town.place_entrance[other] >= 0 and ways.entrance_estate[town.place_entrance[other]] == estate
    end = _gate_towards(ways, e, estate, town.place_x[other], town.place_y[other])
    way = e * ways.n_ends + end
    length = ways.way_length_m[way]
    for s in range(ways.way_ptr[way], ways.way_ptr[way + 1]):
        unseen = ways.way_side[s] == (_ARRIVING if leaving else _LEAVING)
        if unseen or (next_door and ways.way_at_m[s] > DOOR_M):
            continue
        away_ms = np.int64((length - ways.way_at_m[s]) / _WALK_M_A_MS)
        keep_pass(passes, used, i, ways.way_sensor[s], gate_ms - away_ms if leaving else gate_ms + away_ms, 0)


@njit(cache=True, nogil=True)
def strolls(ways, town, who, i, seed, day, midnight, place, arrive, leave, n, passes, used):
    """Perhaps a while at the playground, with one's circle of friends or alone, on the way from home and back."""
    e = town.place_entrance[who.home]
    if e < 0:
        return
    circle = _friends(seed, who.person_no)
    estate = ways.entrance_estate[e]
    k = key(seed, _STROLL, who.person_no, day)
    weekend = (day + 3) % 7 >= 5
    for turn in range(2):
        shared = key(seed, _STROLL + 10, circle * 4 + estate, day) if turn == 0 else k
        chance = (0.30 if weekend else 0.18) if turn == 0 else (0.16 if who.age < 16 or who.age > 62 else 0.04)
        if unit(shared, 1) >= chance or (turn == 0 and unit(k, 2) > 0.75):
            continue
        begins = np.int64((9.0 + 10.5 * unit(shared, 3)) * 60) * MINUTE_MS + np.int64(unit(k, 4) * 3 * MINUTE_MS)
        lasts = np.int64((20 + 45 * unit(shared, 5)) * MINUTE_MS)
        if _is_home(who.home, begins, begins + lasts + 8 * MINUTE_MS, place, arrive, leave, n):
            _play(ways, e, estate, shared, k, i, midnight + begins, lasts, passes, used)
            return


@njit(cache=True, nogil=True)
def _is_home(home, begins, ends, place, arrive, leave, n):
    for j in range(n):
        if place[j] == home and arrive[j] + 5 * MINUTE_MS <= begins and ends <= leave[j] - 5 * MINUTE_MS:
            return True
    return False


@njit(cache=True, nogil=True)
def _play(ways, e, estate, shared, k, i, begins, lasts, passes, used):
    """Walk to one of the playgrounds, be seen there now and then, walk back."""
    play = 0
    for j in range(ways.n_ends):
        play += ways.end_gate[estate, j] == 2
    if play == 0:
        return
    chosen, end = np.int64(unit(shared, 6) * play), -1
    for j in range(ways.n_ends):
        if ways.end_gate[estate, j] == 2:
            if chosen == 0:
                end = j
            chosen -= 1
    way = e * ways.n_ends + end
    length = ways.way_length_m[way]
    for s in range(ways.way_ptr[way], ways.way_ptr[way + 1]):
        out_ms = np.int64(ways.way_at_m[s] / _WALK_M_A_MS)
        back_ms = np.int64((length - ways.way_at_m[s]) / _WALK_M_A_MS)
        keep_pass(passes, used, i, ways.way_sensor[s], begins + out_ms, 0)
        keep_pass(passes, used, i, ways.way_sensor[s], begins + lasts + back_ms, 0)
        if ways.way_at_m[s] > length - DOOR_M:
            clock = begins + out_ms + 8 * MINUTE_MS + np.int64(unit(k, 7) * 10 * MINUTE_MS)
            while clock < begins + lasts - MINUTE_MS:
                keep_pass(passes, used, i, ways.way_sensor[s], clock, 0)
                clock += 9 * MINUTE_MS + np.int64(unit(k, 8) * 12 * MINUTE_MS)


@njit(cache=True, nogil=True)
def _gate_towards(ways, e, estate, x_m, y_m):
    """The gate that makes the way to (x_m, y_m) shortest."""
    best, best_m = 0, np.inf
    for j in range(ways.n_ends):
        if ways.end_gate[estate, j] == 1:
            gx, gy = ways.end_x[estate, j], ways.end_y[estate, j]
            inside_m = ((gx - ways.entrance_x[e]) ** 2 + (gy - ways.entrance_y[e]) ** 2) ** 0.5
            far_m = inside_m + ((gx - x_m) ** 2 + (gy - y_m) ** 2) ** 0.5
            if far_m < best_m:
                best, best_m = j, far_m
    return best


@njit(cache=True, nogil=True)
def _friends(seed, person_no):
    return np.int64(unit(key(seed, _FRIENDS, person_no, 0), 0) * FRIEND_GROUPS)
