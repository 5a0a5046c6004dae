"""Who lives in Port Nemo: households, homes, schedules, anchors, vehicles and devices.

Person `p` is a function of (seed, p) alone, never of how many people are made. Households are cut from blocks of 50
consecutive numbers, so that everybody's household can be worked out without looking at anybody outside the block.
The system label is drawn from a key of its own: nothing else in the city depends on it.
"""

from collections import namedtuple
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numba import njit

from kit.city.chance import bell, below, cumulative_weights, key, pick, unit, word32
from kit.errors import InputError
from kit.parallel import cores

SCHEDULES = ("day worker", "late worker", "night worker", "pupil", "student", "retired", "at home")
DAY_WORKER, LATE_WORKER, NIGHT_WORKER, PUPIL, STUDENT, RETIRED, AT_HOME = range(7)
LABELS = ("teal", "amber")
AMBER_SHARE = 0.30
ESTATE_RESIDENTS = 500
FIRST_VISITOR, VISITOR_STEP, VISITORS = 1_000, 7, 1_500
HOUSEHOLD_BLOCK = 50
FIRST_DAY_OF_YEAR = 22_280  # 2031-01-01, counted in days from 1970-01-01
CELLS_A_SIDE, CELL_M = 20, 1_000.0

PERSON = np.dtype([
    ("person_no", "i4"), ("household_no", "i4"), ("household_size", "i1"), ("age", "i1"), ("schedule", "i1"),
    ("system_label", "i1"), ("home", "i4"), ("anchor", "i4"), ("host", "i4"), ("host_rate", "f4"),
    ("birth_day", "i4"), ("walk_ms", "f4"), ("outgoing", "f4"), ("has_vehicle", "?"), ("n_devices", "i1"),
    ("rotates", "?")], align=True)

# What draws people to a class of place: (as work, as work on shifts, for errands and leisure).
_PULL = {"office": (1.0, 0.15, 0.03), "industry": (1.0, 1.0, 0.01), "retail": (0.5, 0.7, 1.0),
         "school": (0.06, 0.01, 0.002), "clinic": (0.8, 1.0, 0.25), "worship": (0.1, 0.0, 0.30),
         "hotel": (0.5, 0.9, 0.12), "transit": (0.05, 0.08, 0.02), "police": (0.6, 1.0, 0.02),
         "leisure": (0.3, 0.6, 0.9), "other": (0.5, 0.6, 0.4)}
_PURPOSE_WHO, _PURPOSE_HOUSEHOLD, _PURPOSE_LABEL, _PURPOSE_DEVICE = 1, 2, 3, 4

Town = namedtuple("Town", "place_node place_x place_y place_cell place_entrance home_place home_cum estate_home "
                          "spot_place work_cum shift_cum errand_cum roam_cum school_place school_cum transit_place "
                          "transit_cum pump_of_cell")


def make_people(plan, n, seed):
    """The people 0 .. n-1 of a seed, as a structured array of dtype `PERSON` (one row a person).

    Parameters
    ----------
    plan : kit.city.plan.Plan
        The city's geography.
    n : int
        How many people; person `p` is the same whatever `n` is.
    seed : int
        Whole number from 0 to 2**63 - 1.

    Returns
    -------
    numpy.ndarray
        Fields of `PERSON`. `home`, `anchor` (work or school, -1 for none) and `host` (an estate entrance that a
        visitor of the estates goes to, else -1) are `place_id`s; `host_rate` is visits a day; `birth_day` counts days
        from 1970-01-01; `walk_ms` is metres a second.

    Raises
    ------
    InputError
        When `n` or `seed` is no usable whole number.

    >>> from kit.city.plan import make_plan
    >>> make_people(make_plan(), 3, seed=1)["person_no"].tolist()
    [0, 1, 2]
    """
    if not isinstance(n, int | np.integer) or n < 1:
        raise InputError(f"The number of people must be a whole number from 1 up, but got {n!r}; give 20000, say.")
    return people_of(lay_town(plan), np.arange(n), seed)


def people_of(town, numbers, seed):
    """The people with the given numbers, in that order, as a structured array of dtype `PERSON`."""
    seed = check_seed(seed)
    numbers = np.ascontiguousarray(numbers, dtype=np.int64)
    out = np.zeros(numbers.size, dtype=PERSON)
    cuts = range(0, numbers.size, 65_536)
    with ThreadPoolExecutor(cores()) as pool:
        list(pool.map(lambda a: _fill_people(town, np.uint64(seed), numbers[a:a + 65_536], out[a:a + 65_536]), cuts))
    return out


def visitor_numbers(n=VISITORS):
    """The person numbers of the estates' visitors.

    >>> visitor_numbers(3).tolist()
    [1000, 1007, 1014]
    """
    return FIRST_VISITOR + VISITOR_STEP * np.arange(n, dtype=np.int64)


def check_seed(seed):
    """The seed as a plain int, or one sentence that says what a seed is."""
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or not 0 <= seed < 2**63:
        raise InputError(f"A seed must be a whole number from 0 to 2**63 - 1, but got {seed!r}; give one such as 1.")
    return int(seed)


def lay_town(plan):
    """Arrange a plan for drawing: homes by dwellings, and per square kilometre what is near and attractive."""
    places = plan.places
    kind, weight = places["place_class"].astype(str).to_numpy(), places["weight"].to_numpy(np.float64)
    x, y = places["x_m"].to_numpy(np.float64), places["y_m"].to_numpy(np.float64)
    entrance = places["entrance"].astype(str).to_numpy()
    labels = sorted(set(entrance) - {""})
    homes = np.flatnonzero((kind == "residential") & (entrance == ""))
    spots = np.flatnonzero(kind != "residential")
    schools = np.flatnonzero(kind == "school")
    stations = np.flatnonzero(kind == "transit")
    pumps = np.sort(plan.sensors.loc[plan.sensors["kind"] == "pump", "place"].to_numpy())
    pull = np.array([_PULL.get(k, _PULL["other"]) for k in kind[spots]]) * weight[spots, None]
    middle = (np.arange(CELLS_A_SIDE) + 0.5) * CELL_M
    cell_x, cell_y = np.tile(middle, CELLS_A_SIDE), np.repeat(middle, CELLS_A_SIDE)
    away_km = np.hypot(x[None, :] - cell_x[:, None], y[None, :] - cell_y[:, None]) / 1_000
    to_spot, to_school = away_km[:, spots], away_km[:, schools]
    commute = (to_spot + 1.0) ** -0.6 * np.exp(-to_spot / 6.0)
    nearby = (to_spot + 0.4) ** -2.75 * np.exp(-to_spot / 9.0)
    cell = np.clip(x // CELL_M, 0, CELLS_A_SIDE - 1) + CELLS_A_SIDE * np.clip(y // CELL_M, 0, CELLS_A_SIDE - 1)
    return Town(
        place_node=places["node"].to_numpy(np.int32), place_x=x.astype(np.float32), place_y=y.astype(np.float32),
        place_cell=cell.astype(np.int32),
        place_entrance=np.array([labels.index(e) if e else -1 for e in entrance], dtype=np.int32),
        home_place=homes.astype(np.int32), home_cum=cumulative_weights(weight[homes]),
        estate_home=np.array([np.flatnonzero(entrance == e)[0] for e in labels], dtype=np.int32),
        spot_place=spots.astype(np.int32), work_cum=cumulative_weights(commute * pull[:, 0]),
        shift_cum=cumulative_weights(commute * pull[:, 1]), errand_cum=cumulative_weights(nearby * pull[:, 2]),
        roam_cum=cumulative_weights(pull[:, 2]), school_place=schools.astype(np.int32),
        school_cum=cumulative_weights(weight[schools] * np.exp(-to_school / 1.2) + 1e-9),
        transit_place=stations.astype(np.int32), transit_cum=cumulative_weights(weight[stations]),
        pump_of_cell=pumps[np.argmin(away_km[:, pumps].round(6), axis=1)].astype(np.int32))


@njit(cache=True, nogil=True)
def _fill_people(town, seed, numbers, out):
    size = np.empty(HOUSEHOLD_BLOCK, np.int64)
    first = np.empty(HOUSEHOLD_BLOCK, np.int64)
    last_block = -1
    for i in range(numbers.size):
        p = numbers[i]
        block = p // HOUSEHOLD_BLOCK
        if block != last_block:
            _cut_households(seed, block, first, size)
            last_block = block
        _fill_person(town, seed, p, first[p - block * HOUSEHOLD_BLOCK], size[p - block * HOUSEHOLD_BLOCK], out[i])


@njit(cache=True, nogil=True)
def _cut_households(seed, block, first, size):
    """Sizes 1 to 5 until the block's 50 numbers are used up."""
    k = key(seed, _PURPOSE_HOUSEHOLD, block, 1)
    at, turn = 0, 0
    while at < HOUSEHOLD_BLOCK:
        u = unit(k, turn)
        members = 1 if u < 0.28 else 2 if u < 0.61 else 3 if u < 0.80 else 4 if u < 0.94 else 5
        members = min(members, HOUSEHOLD_BLOCK - at)
        for j in range(at, at + members):
            first[j] = block * HOUSEHOLD_BLOCK + at
            size[j] = members
        at += members
        turn += 1


@njit(cache=True, nogil=True)
def _fill_person(town, seed, p, household, members, one):
    of_house = key(seed, _PURPOSE_HOUSEHOLD, household, 2)
    k = key(seed, _PURPOSE_WHO, p, 0)
    one.person_no = p
    one.household_no = household
    one.household_size = members
    one.age = _age(of_house, k, p - household, members)
    one.birth_day = FIRST_DAY_OF_YEAR - np.int64(365.25 * (one.age + unit(k, 1)))
    one.schedule = _schedule(one.age, k)
    one.system_label = 1 if unit(key(seed, _PURPOSE_LABEL, p, 0), 0) < AMBER_SHARE else 0
    if p < ESTATE_RESIDENTS:
        one.home = town.estate_home[below(of_house, 20, town.estate_home.size)]
    else:
        one.home = town.home_place[pick(town.home_cum, word32(of_house, 20))]
    one.anchor = _anchor(town, one.schedule, town.place_cell[one.home], k)
    _fill_habits(town, p, k, one)
    of_device = key(seed, _PURPOSE_DEVICE, p, 0)
    one.n_devices = 0 if unit(of_device, 0) < 0.06 else 1 if unit(of_device, 1) < 0.9 else 2
    one.rotates = unit(of_device, 2) < 0.40


@njit(cache=True, nogil=True)
def _age(of_house, k, place_in_house, members):
    """Ages that make a household: a head, often a partner, then children, grown children or grandparents."""
    old = members <= 2 and unit(of_house, 0) < 0.27
    head = 65 + below(of_house, 1, 24) if old else 22 + below(of_house, 1, 43)
    if place_in_house == 0:
        return head
    if place_in_house == 1 and unit(of_house, 2) < 0.85:
        return max(20, min(90, head - 5 + below(k, 2, 11)))
    if 27 <= head <= 59 and unit(k, 3) < 0.78:
        return 6 + below(k, 4, 12)
    return 18 + below(k, 4, 14) if unit(k, 5) < 0.55 else 65 + below(k, 4, 22)


@njit(cache=True, nogil=True)
def _schedule(age, k):
    u = unit(k, 6)
    if age < 18:
        return PUPIL
    if age >= 67 or (age >= 65 and u < 0.6):
        return RETIRED
    if age <= 23 and u < 0.5:
        return STUDENT
    v = unit(k, 7)
    return DAY_WORKER if v < 0.66 else LATE_WORKER if v < 0.77 else NIGHT_WORKER if v < 0.83 else AT_HOME


@njit(cache=True, nogil=True)
def _anchor(town, schedule, cell, k):
    if schedule in (RETIRED, AT_HOME):
        return -1
    drawn = word32(k, 8)
    if schedule in (PUPIL, STUDENT):
        # a student's college may lie anywhere: the draw starts from a random square kilometre
        start = cell if schedule == PUPIL else town.place_cell[town.spot_place[below(k, 9, town.spot_place.size)]]
        return town.school_place[pick(town.school_cum[start], drawn)]
    if schedule == DAY_WORKER:
        return town.spot_place[pick(town.work_cum[cell], drawn)]
    return town.spot_place[pick(town.shift_cum[cell], drawn)]


@njit(cache=True, nogil=True)
def _fill_habits(town, p, k, one):
    one.walk_ms = max(0.8, 1.32 + 0.16 * bell(k, 10) - (0.3 if one.age > 70 else 0.0))
    one.has_vehicle = one.age >= 18 and unit(k, 11) < 0.38
    # how much a person goes out: skewed, so that a few go out a lot
    u = unit(k, 12)
    one.outgoing = 0.35 + 0.5 * unit(k, 13) + 1.1 * u * u * u
    one.host = -1
    one.host_rate = 0.0
    visitor = (p - FIRST_VISITOR) % VISITOR_STEP == 0 and FIRST_VISITOR <= p < FIRST_VISITOR + VISITOR_STEP * VISITORS
    neighbour = p < ESTATE_RESIDENTS and unit(k, 14) < 0.20
    if visitor or neighbour:
        one.host = town.estate_home[below(k, 15, town.estate_home.size)]
        v = unit(k, 16)
        one.host_rate = 0.010 + 0.40 * v * v * v * v * v * v
    if one.host == one.home:
        one.host = -1

