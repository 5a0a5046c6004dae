"""What a person means to do on one day: places in order, and when each is left.

The day begins where the night was spent and ends where the next one will be; both are known from (seed, person, day)
alone. In between come work or school, lunch, errands, visits and outings. Places outside home and work are chosen by
preferential return: usually one of the person's own favourites, the first far more often than the tenth, and now and
then somewhere new (Song et al. 2010, doi 10.1038/nphys1760).
"""

import numpy as np
from numba import njit

from kit.city.chance import bell, below, cumulative_weights, key, pick, unit, word32
from kit.city.people import AT_HOME, DAY_WORKER, LATE_WORKER, NIGHT_WORKER, PUPIL, RETIRED, STUDENT

SECOND_MS, MINUTE_MS, DAY_MS = 1_000, 60_000, 86_400_000
HOUR_MS = 60 * MINUTE_MS
OUT_OF_TOWN = -1
AT_HOME_TONIGHT, AT_WORK_TONIGHT, LATE_TONIGHT, AWAY_TONIGHT = range(4)
FAVOURITES, CUSTOMERS, TABLES = 32, 120, 8
EXPLORE = 0.06
_RANKS = cumulative_weights((np.arange(FAVOURITES) + 2.5) ** -1.0)
_TABLE_RANKS = cumulative_weights((np.arange(TABLES) + 1.0) ** -1.0)
_DAY, _HABIT, _FAVOURITE, _SPELL, _WORKDAY, _LATE, _TOGETHER, _CAR, _TABLE, _CUSTOMER = range(200, 400, 20)
_SPELL_DAYS = 14


@njit(cache=True, nogil=True)
def plan_day(town, who, seed, day, place, leave):
    """Fill the places of a local day and when each is left (ms after midnight); returns how many there are.

    Travel times are only estimated here: who arrives later than meant leaves later too.
    """
    k = key(seed, _DAY, who.person_no, day)
    before, tonight = night(who, seed, day - 1), night(who, seed, day)
    if before == AWAY_TONIGHT:
        return _still_away(town, who, k, tonight, place, leave)
    n, free = _wake(town, who, seed, day, before, k, place, leave)
    if tonight == AWAY_TONIGHT:
        n = _push(place, leave, n, who.home, max(free + HOUR_MS, np.int64((7.5 + 10 * unit(k, 0)) * HOUR_MS)))
        n = _push(place, leave, n, town.transit_place[pick(town.transit_cum, word32(k, 1))], leave[n - 1] + HOUR_MS)
        return _push(place, leave, n, OUT_OF_TOWN, DAY_MS)
    if tonight == AT_WORK_TONIGHT:
        starts = _shift_start(who, seed, day, 21.5)
        n, free = _outings(town, who, seed, day, k, free, starts - 2 * HOUR_MS, 0.7, place, leave, n)
        n = _push(place, leave, n, who.home, max(free, starts - estimate(town, who.home, who.anchor)))
        return _push(place, leave, n, who.anchor, DAY_MS)
    until = np.int64(20.5 * HOUR_MS)
    if goes_to_work(who, seed, day):
        n, free = _work(town, who, seed, day, k, free, place, leave, n)
        n, free = _evening(town, who, seed, day, k, free, place, leave, n)
    else:
        n, free = _outings(town, who, seed, day, k, free, until, _free_day_appetite(who, day), place, leave, n)
    if tonight == LATE_TONIGHT:
        n = _push(place, leave, n, who.home, max(free, np.int64((19.0 + 2.0 * unit(k, 2)) * HOUR_MS)))
        return _push(place, leave, n, late_place(town, who, seed, day), DAY_MS)
    if who.has_vehicle and n > 1 and unit(k, 120) < 0.2 and by_car(who, seed, day):
        pump = town.pump_of_cell[town.place_cell[place[n - 1]]]
        clock = leave[n - 1] + estimate(town, place[n - 1], pump) + np.int64((4 + 5 * unit(k, 121)) * MINUTE_MS)
        n = _push(place, leave, n, pump, clock)
    return _push(place, leave, n, who.home, DAY_MS)


@njit(cache=True, nogil=True)
def night(who, seed, day):
    """Where the night after a local day is spent: at home, at work, out late, or out of town."""
    status = absence(who, seed, day)
    if status in (1, 2):
        return AWAY_TONIGHT
    if who.schedule == NIGHT_WORKER and goes_to_work(who, seed, day):
        return AT_WORK_TONIGHT
    if 18 <= who.age <= 60 and who.schedule != NIGHT_WORKER and status == 0:
        weekday = (day + 3) % 7
        chance = (0.11 if weekday in (4, 5) else 0.018) * who.outgoing
        if who.schedule == LATE_WORKER:
            chance *= 0.5
        if unit(key(seed, _LATE, who.person_no, day), 0) < chance:
            return LATE_TONIGHT
    return AT_HOME_TONIGHT


@njit(cache=True, nogil=True)
def absence(who, seed, day):
    """0 in town, 1 leaving today, 2 away all day, 3 coming back today. Households travel together more than alone."""
    block = day // _SPELL_DAYS
    for alone in range(2):
        owner = who.person_no if alone else who.household_no
        k = key(seed, _SPELL + 10 * alone, owner, block)
        if unit(k, 0) < (0.025 if alone else 0.06):
            since = day - block * _SPELL_DAYS - np.int64(unit(k, 1) * 8)
            nights = 1 + np.int64(unit(k, 2) * 5)
            if 0 <= since <= nights:
                return 1 if since == 0 else 3 if since == nights else 2
    return 0


@njit(cache=True, nogil=True)
def goes_to_work(who, seed, day):
    """Whether work or school calls on this day: weekends, rotating days off, days at home and sick days say no."""
    if who.anchor < 0 or absence(who, seed, day) != 0:
        return False
    weekday = (day + 3) % 7
    habit = key(seed, _WORKDAY, who.person_no, 0)
    k = key(seed, _WORKDAY, who.person_no, day)
    if unit(k, 0) < 0.025:
        return False
    if who.schedule in (PUPIL, STUDENT):
        return weekday < 5 and (who.schedule == PUPIL or unit(habit, weekday + 1) < 0.75)
    rota = unit(habit, 0) < (0.18 if who.schedule == DAY_WORKER else 0.65)
    if rota:
        off = np.int64(unit(habit, 8) * 7)
        return weekday != off and weekday != (off + 1) % 7
    if who.schedule == DAY_WORKER and unit(habit, 9) < 0.16 and unit(habit, 10 + weekday) < 0.4:
        return False
    return weekday < 5


@njit(cache=True, nogil=True)
def by_car(who, seed, day):
    """Whether a person takes the car on this day."""
    return who.has_vehicle and unit(key(seed, _CAR, who.person_no, day), 0) < 0.75


@njit(cache=True, nogil=True)
def estimate(town, origin, end):
    """A guess at the travel time in ms, for planning."""
    dx = town.place_x[origin] - town.place_x[end]
    dy = town.place_y[origin] - town.place_y[end]
    far_m = (dx * dx + dy * dy) ** 0.5 * 1.3
    return np.int64(far_m / (1.35 if far_m < 1_500 else 5.0) * 1_000) + 4 * MINUTE_MS


@njit(cache=True, nogil=True)
def late_place(town, who, seed, day):
    """Where a late evening ends."""
    return choose(town, who, seed, key(seed, _LATE, who.person_no, day), 1)


@njit(cache=True, nogil=True)
def choose(town, who, seed, k, counter):
    """A place for errands and leisure: mostly a favourite by rank, sometimes somewhere new."""
    if unit(k, 1_000 + counter) < EXPLORE:
        return _draw_place(town, who, k, 1_200 + counter)
    return favourite(town, who, seed, pick(_RANKS, word32(k, 1_400 + counter)))


@njit(cache=True, nogil=True)
def favourite(town, who, seed, rank):
    """A person's favourite of a rank; every third is the household's rather than the person's own."""
    shared = rank % 3 == 1
    owner = who.household_no if shared else who.person_no
    return _draw_place(town, who, key(seed, _FAVOURITE + 10 * shared, owner, rank), 3 if shared else 0)


@njit(cache=True, nogil=True)
def _draw_place(town, who, k, counter):
    """Near home, near work, or anywhere in the city, by attraction and distance."""
    u = unit(k, counter)
    drawn = word32(k, counter + 1)
    if u < 0.13:
        return town.spot_place[pick(town.roam_cum, drawn)]
    near_work = who.anchor >= 0 and u > 0.78 and counter != 3
    return town.spot_place[pick(town.errand_cum[town.place_cell[who.anchor if near_work else who.home]], drawn)]


@njit(cache=True, nogil=True)
def _push(place, leave, n, where, when):
    if n < place.size:
        place[n], leave[n] = where, when
        return n + 1
    return n


@njit(cache=True, nogil=True)
def _still_away(town, who, k, tonight, place, leave):
    if tonight == AWAY_TONIGHT:
        return _push(place, leave, 0, OUT_OF_TOWN, DAY_MS)
    n = _push(place, leave, 0, OUT_OF_TOWN, np.int64((9.5 + 10 * unit(k, 0)) * HOUR_MS))
    n = _push(place, leave, n, town.transit_place[pick(town.transit_cum, word32(k, 1))], leave[0] + 9 * MINUTE_MS)
    if tonight == AT_WORK_TONIGHT:
        n = _push(place, leave, n, who.home, leave[n - 1] + HOUR_MS)
        return _push(place, leave, n, who.anchor, DAY_MS)
    return _push(place, leave, n, who.home, DAY_MS)


@njit(cache=True, nogil=True)
def _wake(town, who, seed, day, before, k, place, leave):
    """Where midnight finds the person; returns how many places and from when on they are free."""
    if before == AT_WORK_TONIGHT:
        ends = _shift_start(who, seed, day - 1, 21.5) - DAY_MS + np.int64(8.6 * HOUR_MS)
        n = _push(place, leave, 0, who.anchor, ends)
        return n, np.int64(13.5 * HOUR_MS + unit(k, 3) * 2 * HOUR_MS)
    if before == LATE_TONIGHT:
        n = _push(place, leave, 0, late_place(town, who, seed, day - 1), np.int64((0.2 + 2.6 * unit(k, 4)) * HOUR_MS))
        return n, np.int64((9.5 + 2 * unit(k, 3)) * HOUR_MS)
    return 0, np.int64((8.4 + 4.6 * unit(k, 3) * unit(k, 19)) * HOUR_MS)


@njit(cache=True, nogil=True)
def _shift_start(who, seed, day, usual_hour):
    """When a person's shift starts on a day: their own habit, and a few minutes of chance."""
    habit = bell(key(seed, _HABIT, who.person_no, 0), 0)
    jitter = bell(key(seed, _HABIT, who.person_no, day), 1)
    spread = 0.55 if who.schedule == DAY_WORKER else 0.2 if who.schedule == PUPIL else 0.4
    return np.int64((usual_hour + spread * habit + 0.11 * jitter) * HOUR_MS)


@njit(cache=True, nogil=True)
def _work(town, who, seed, day, k, free, place, leave, n):
    """Work, school or a round of calls, with lunch and perhaps an errand on the way home."""
    usual, hours = _hours(who, seed, day)
    starts = _shift_start(who, seed, day, usual)
    ends = starts + np.int64((hours + 0.4 * bell(k, 5)) * HOUR_MS)
    if who.schedule == LATE_WORKER:
        n, free = _outings(town, who, seed, day, k, free, starts - 2 * HOUR_MS, 0.45, place, leave, n)
    n = _push(place, leave, n, who.home, starts - estimate(town, who.home, who.anchor))
    if who.schedule == DAY_WORKER and unit(key(seed, _HABIT, who.person_no, 2), 0) < 0.035:
        n = _rounds(town, who, seed, k, starts, ends, place, leave, n)
    elif who.schedule != PUPIL and hours > 6 and starts < 10.5 * HOUR_MS:
        likes_lunch_out = 0.1 + 0.5 * unit(key(seed, _HABIT, who.person_no, 1), 0)
        if unit(k, 6) < likes_lunch_out:
            noon = np.int64((12.0 + 1.2 * unit(k, 7)) * HOUR_MS)
            table = _lunch_table(town, who, seed, pick(_TABLE_RANKS, word32(k, 8)))
            n = _push(place, leave, n, who.anchor, noon)
            eaten = np.int64((22 + 30 * unit(k, 9)) * MINUTE_MS)
            n = _push(place, leave, n, table, noon + estimate(town, who.anchor, table) + eaten)
    n = _push(place, leave, n, who.anchor, ends)
    free, at = ends, who.anchor
    if unit(k, 10) < 0.46 * who.outgoing and ends < 21 * HOUR_MS:
        shop = choose(town, who, seed, k, 10)
        free = ends + estimate(town, who.anchor, shop) + np.int64((8 + 45 * unit(k, 11) * unit(k, 12)) * MINUTE_MS)
        n = _push(place, leave, n, shop, free)
        at = shop
    return n, free + estimate(town, at, who.home) + 15 * MINUTE_MS


@njit(cache=True, nogil=True)
def _lunch_table(town, who, seed, rank):
    """One of the few places near work where a person eats."""
    k = key(seed, _TABLE, who.person_no, rank)
    return town.spot_place[pick(town.errand_cum[town.place_cell[who.anchor]], word32(k, 0))]


@njit(cache=True, nogil=True)
def _hours(who, seed, day):
    """Usual start and length of the day's work, in hours."""
    if who.schedule == PUPIL:
        return 8.0, 7.2
    if who.schedule == STUDENT:
        k = key(seed, _HABIT, who.person_no, 100 + (day + 3) % 7)
        return 8.7 + 4.5 * unit(k, 0), 2.5 + 4.0 * unit(k, 1)
    if who.schedule == LATE_WORKER:
        return 14.0, 8.2
    return 8.7, 8.9


@njit(cache=True, nogil=True)
def _rounds(town, who, seed, k, starts, ends, place, leave, n):
    """The few who work on the road: calls on customers all over the city."""
    n = _push(place, leave, n, who.anchor, starts + 20 * MINUTE_MS)
    clock, at = starts + 20 * MINUTE_MS, who.anchor
    for call in range(12):
        customer = key(seed, _CUSTOMER, who.person_no, below(k, 200 + call, CUSTOMERS))
        there = town.spot_place[pick(town.roam_cum, word32(customer, 0))]
        clock += estimate(town, at, there) + np.int64((8 + 25 * unit(k, 220 + call)) * MINUTE_MS)
        if clock > ends:
            break
        n = _push(place, leave, n, there, clock)
        at = there
    return n


@njit(cache=True, nogil=True)
def _evening(town, who, seed, day, k, free, place, leave, n):
    """Perhaps one more outing after work."""
    friday = (day + 3) % 7 == 4
    u = unit(k, 13)
    if free > 20.3 * HOUR_MS or who.schedule == LATE_WORKER:
        return n, free
    if u < who.host_rate and who.host >= 0:
        return _out(town, who, k, 14, who.host, free + np.int64(unit(k, 15) * HOUR_MS), 1.0, place, leave, n)
    if u < (0.40 if friday else 0.26) * who.outgoing:
        there = choose(town, who, seed, k, 16)
        return _out(town, who, k, 17, there, free + np.int64(1.5 * unit(k, 15) * HOUR_MS), 0.6, place, leave, n)
    return n, free


@njit(cache=True, nogil=True)
def _free_day_appetite(who, day):
    """How many outings a free day brings, roughly."""
    base = 0.95 if who.schedule in (RETIRED, AT_HOME) else 1.1
    weekday = (day + 3) % 7
    return base * (1.0 if weekday == 5 else 0.78 if weekday == 6 else 1.05)


@njit(cache=True, nogil=True)
def _outings(town, who, seed, day, k, free, until, appetite, place, leave, n):
    """Outings from home between two times: alone, to a host, or with the household at weekends."""
    together = key(seed, _TOGETHER, who.household_no, day)
    joint_at = np.int64((10.5 + 6 * unit(together, 1)) * HOUR_MS)
    weekend = (day + 3) % 7 >= 5
    joint = weekend and who.household_size > 1 and unit(together, 0) < 0.30 and unit(k, 20) < 0.85
    joint = joint and free < joint_at < until
    visits = who.host >= 0 and unit(k, 21) < who.host_rate * (1.6 if weekend else 1.0)
    chance = min(0.93, 0.68 * appetite * (0.55 + 0.6 * who.outgoing))
    for turn in range(5):
        starts = free + np.int64(unit(k, 22 + turn) * (2.8 if turn == 0 else 2.6) * HOUR_MS)
        if joint and starts > joint_at - 100 * MINUTE_MS:
            rank = pick(_RANKS, word32(together, 2))
            there = _draw_place(town, who, key(seed, _FAVOURITE + 10, who.household_no, rank), 3)
            n, free = _out(town, who, together, 3, there, joint_at, 1.0, place, leave, n)
            joint = False
            continue
        if starts > until or unit(k, 30 + turn) > chance:
            break
        there = choose(town, who, seed, k, 40 + turn)
        stay = 0.5
        if visits:
            there, stay, visits = who.host, 1.0, False
        n, free = _out(town, who, k, 50 + 4 * turn, there, starts, stay, place, leave, n)
        if unit(k, 80 + turn) < 0.30 and n < place.size - 3 and free < until:
            # one stop more before going home
            more = choose(town, who, seed, k, 90 + turn)
            clock = leave[n - 1] + estimate(town, there, more) + np.int64((8 + 40 * unit(k, 100 + turn)) * MINUTE_MS)
            n = _push(place, leave, n, more, clock)
            free = clock + estimate(town, more, who.home) + 20 * MINUTE_MS
        chance *= 0.62
    if visits and free < until - HOUR_MS:
        n, free = _out(town, who, k, 110, who.host, free + np.int64(unit(k, 111) * HOUR_MS), 1.0, place, leave, n)
    return n, free


@njit(cache=True, nogil=True)
def _out(town, who, k, counter, there, starts, stay, place, leave, n):
    """Leave home for one place; returns the count and when the person is about back."""
    n = _push(place, leave, n, who.home, starts)
    u = unit(k, counter)
    minutes = 12 + 170 * stay * u * u + 45 * stay * unit(k, counter + 1)
    clock = starts + estimate(town, who.home, there) + np.int64(minutes * MINUTE_MS)
    n = _push(place, leave, n, there, clock)
    return n, clock + estimate(town, there, who.home) + 20 * MINUTE_MS
