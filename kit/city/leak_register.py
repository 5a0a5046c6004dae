"""The register as it leaked: three collections of MongoDB Extended JSON, written at any size.

Dates and numbers come in the relaxed, canonical and legacy spellings, row by row, as exports of different age do.
"""

import json
from functools import lru_cache

import numpy as np
from numba import njit

from kit.city import days, detect, ids
from kit.city.chance import key, mix, unit, words
from kit.city.people import AT_HOME, FIRST_DAY_OF_YEAR, LABELS, PUPIL, RETIRED, STUDENT, lay_town, people_of
from kit.city.rawbytes import (
    put,
    put_date,
    put_hex,
    put_instant,
    put_number,
    put_padded,
    put_word,
    text,
    word_table,
    write_in_chunks,
)

REFERENCE_PEOPLE, REFERENCE_DAY = 200_000, 22_350  # 2031-03-12
TRUTH_EPISODES_OF = 20_000
RELAXED, CANONICAL, LEGACY = range(3)
_OID, _FORM, _DATES = 51, 52, 53
_CHUNK = 100_000
_LABEL_TABLE = word_table(LABELS)
_EMPLOYERS = word_table(["Fictional Mill", "Imaginary Cannery", "Invented Rope Works", "Sample Chandlery",
                         "Nowhere Freight", "Example Bakery", "Placeholder Offices", "Null Island Trading"])
_ID, _OPEN_ID_NO, _END_NO, _NULL = text('{"_id":{"$oid":"'), text('"},"id_no":"SYN0000000'), text('X"'), text("null")
_OPEN_NULL_NO = text('"},"id_no":null')
_TRACKER, _TRACKER_INT = text(',"tracker_id":'), text(',"tracker_id":{"$numberInt":"')
_TS, _TS_LONG, _TS_LEGACY = text(',"ts":{"$date":"'), text(',"ts":{"$date":{"$numberLong":"'), text(',"ts":{"$date":')
_SCORE, _SCORE_DOUBLE, _ZERO_POINT = text(',"score":'), text(',"score":{"$numberDouble":"'), text("0.")
_CLOSE_TEXT, _CLOSE_LONG, _CLOSE, _QUOTE = text('"}'), text('"}}'), text("}"), text('"')
_END = text(',"snap_ref":"REMOVED"}\n')
_NAME, _NO = text('"},"name":"Sample Person '), text('","id_no":"SYN0000000')
_ISSUE, _EXPIRE = text('X","id_issue":"'), text('","id_expire":"')
_SEX = text('","sex":"U","nationality":"SYNTHLAND","address":"')
_STREET, _BIRTHDAY = text(" Null Street, Block "), text(',"birthday":')
_PHOTO = text(',"photo_ref":"REMOVED","employer":')
_LIMITED, _LABEL, _PERSON_END = text(' Ltd"'), text(',"system_label":"'), text('"}\n')


def write_register(plan, n, n_days, seed, out, first_day, progress):
    """Write trackers, persons and passages of the people 0 .. n-1 into the folder `out`.

    Returns
    -------
    dict
        `rows` (records by file), `people`, `records`, `movement`, `faults`, `broken` (record number cut in two) and
        `gallery`, for the truth tables.
    """
    town, sensors = lay_town(plan), days.sensors_of(plan, "register")
    progress("people", 0, n)
    people = people_of(town, np.arange(n), seed)
    faults = register_faults(plan, seed)
    progress("people", n, n)
    movement = days.simulate(plan, town, people, first_day, n_days, seed, episodes_of=TRUTH_EPISODES_OF,
                             progress=progress)
    progress("sensors", 0, 1)
    gallery = np.arange(n, dtype=np.int32)
    records = detect.detect(movement.passes, people, gallery, faults, seed)
    progress("sensors", 1, 1)
    numbers = ids.scramble(people["person_no"], seed, "register")
    write_trackers(sensors, seed, out / "trackers.jsonl")
    write_persons(people, numbers, seed, out / "persons.jsonl", progress)
    write_passages(records, numbers, sensors, seed, out / "passages.jsonl", progress)
    return {"rows": {"passages.jsonl": len(records), "persons.jsonl": n, "trackers.jsonl": len(sensors)},
            "people": people, "town": town, "sensors": sensors, "movement": movement, "faults": faults,
            "records": {"passages.jsonl": records}, "broken": {"passages.jsonl": _broken(len(records))}}


@lru_cache(maxsize=4)
def _reference_passes(plan_key, seed):
    plan = plan_key.plan
    town = lay_town(plan)
    people = people_of(town, np.arange(REFERENCE_PEOPLE), seed)
    movement = days.simulate(plan, town, people, REFERENCE_DAY, 1, seed)
    return np.bincount(movement.passes["sensor"], minlength=len(days.sensors_of(plan, "register")))


def register_faults(plan, seed):
    """The register's sensors, their rates set so that the first 200,000 people leave 2.60 passages each on 2031-03-12.

    The reference is always the same, so a sensor is as good in a small sample as at full size.
    """
    passes = _reference_passes(_ById(plan), seed)
    return detect.make_faults(days.sensors_of(plan, "register"), seed, passes, REFERENCE_PEOPLE)


class _ById:
    """Lets a plan, which holds arrays, be a key of a cache."""

    def __init__(self, plan):
        self.plan = plan

    def __hash__(self):
        return id(self.plan)

    def __eq__(self, other):
        return self.plan is other.plan


def write_trackers(sensors, seed, path):
    """One line a tracker, in the order of their numbers."""
    lines, numbers = [], np.array(tracker_numbers(sensors))
    tails = words(seed, _OID, numbers, 1).tolist()
    for number, tail, one in zip(numbers.tolist(), tails, sensors.itertuples(), strict=True):
        oid = f"{FIRST_DAY_OF_YEAR * 86_400 - 17_000_000 + number:08x}{tail:016x}"
        lines.append(json.dumps({
            "_id": {"$oid": oid}, "tracker_id": number, "lon": round(one.lon, 6), "lat": round(one.lat, 6),
            "x_m": round(one.x_m, 1), "y_m": round(one.y_m, 1), "name": one.name, "place_class": str(one.place_class),
            "zone": str(one.zone_id), "facing_deg": float(one.facing_deg), "range_m": float(one.range_m)},
            separators=(",", ":"), ensure_ascii=False))
    path.write_text("\n".join(lines) + "\n", encoding="utf-8", newline="\n")


def tracker_numbers(sensors):
    """The number in each sensor's name: T0417 is tracker 417."""
    return [int(s[1:]) for s in sensors["sensor_id"].astype(str)]


def write_persons(people, numbers, seed, path, progress):
    """One line a person, in the order of their register numbers."""
    order = np.argsort(numbers)

    def fill(first, stop, buffer):
        return _fill_persons(people, numbers, order[first:stop], np.uint64(seed), *_LABEL_TABLE, *_EMPLOYERS, buffer)

    write_in_chunks(path, people.size, _CHUNK, 480, fill, lambda done: progress("persons", done, people.size))


def write_passages(records, numbers, sensors, seed, path, progress):
    """One line a record, in the order of their recorded times; one line is cut in the middle."""
    tracker, n = np.array(tracker_numbers(sensors), np.int64), len(records)
    broken = _broken(n)

    def fill(first, stop, buffer):
        return _fill_passages(records[first:stop], first, broken, numbers, tracker, np.uint64(seed), buffer)

    write_in_chunks(path, n, _CHUNK, 260, fill, lambda done: progress("passages", done, n))


def _broken(n):
    return n * 2 // 5


@njit(cache=True, nogil=True)
def _form(seed, record_number):
    u = unit(key(seed, _FORM, record_number, 0), 0)
    return RELAXED if u < 0.5 else CANONICAL if u < 0.8 else LEGACY


@njit(cache=True, nogil=True)
def _fill_passages(records, first, broken, numbers, tracker, seed, buffer):
    at = 0
    for i in range(records.size):
        one, start = records[i], at
        form = _form(seed, first + i)
        at = put_hex(buffer, put(buffer, at, _ID), np.uint64(one.time_ms // 1_000), 8)
        at = put_hex(buffer, at, mix(key(seed, _OID, first + i, 0)), 16)
        at = _put_id(buffer, at, numbers, one.recorded)
        at = _put_tracker(buffer, at, tracker[one.sensor], form)
        at = _put_time(buffer, at, one.time_ms, form)
        at = _put_score(buffer, at, np.int64(one.score), form)
        at = put(buffer, at, _END)
        if first + i == broken:
            at = start + (at - start) // 2
            buffer[at] = np.uint8(10)
            at += 1
    return at


@njit(cache=True, nogil=True)
def _put_id(buffer, at, numbers, recorded):
    if recorded < 0:
        return put(buffer, at, _OPEN_NULL_NO)
    return put(buffer, _put_eight(buffer, put(buffer, at, _OPEN_ID_NO), numbers[recorded]), _END_NO)


@njit(cache=True, nogil=True)
def _put_eight(buffer, at, number):
    at = put_padded(buffer, at, number, 7)
    return put_padded(buffer, at, ids.last_digit(number), 1)


@njit(cache=True, nogil=True)
def _put_tracker(buffer, at, number, form):
    if form == CANONICAL:
        return put(buffer, put_number(buffer, put(buffer, at, _TRACKER_INT), number), _CLOSE_TEXT)
    return put_number(buffer, put(buffer, at, _TRACKER), number)


@njit(cache=True, nogil=True)
def _put_time(buffer, at, ms, form):
    if form == RELAXED:
        return put(buffer, put_instant(buffer, put(buffer, at, _TS), ms), _CLOSE_TEXT)
    if form == CANONICAL:
        return put(buffer, put_number(buffer, put(buffer, at, _TS_LONG), ms), _CLOSE_LONG)
    return put(buffer, put_number(buffer, put(buffer, at, _TS_LEGACY), ms), _CLOSE)


@njit(cache=True, nogil=True)
def _put_score(buffer, at, hundredths, form):
    if hundredths < 0:
        return put(buffer, put(buffer, at, _SCORE), _NULL)
    if form == CANONICAL:
        at = put_padded(buffer, put(buffer, put(buffer, at, _SCORE_DOUBLE), _ZERO_POINT), hundredths, 2)
        return put(buffer, at, _CLOSE_TEXT)
    return put_padded(buffer, put(buffer, put(buffer, at, _SCORE), _ZERO_POINT), hundredths, 2)


@njit(cache=True, nogil=True)
def _fill_persons(people, numbers, order, seed, labels, label_at, employers, employer_at, buffer):
    at = 0
    for i in range(order.size):
        one, number = people[order[i]], numbers[order[i]]
        k = key(seed, _DATES, one.person_no, 0)
        issued = FIRST_DAY_OF_YEAR - np.int64(unit(k, 0) * 3_600)
        at = put_hex(buffer, put(buffer, at, _ID), np.uint64(issued * 86_400 + np.int64(unit(k, 1) * 86_400)), 8)
        at = put_hex(buffer, at, mix(key(seed, _OID, one.person_no, 2)), 16)
        at = put_number(buffer, put(buffer, at, _NAME), number)
        at = _put_eight(buffer, put(buffer, at, _NO), number)
        at = put_date(buffer, put(buffer, at, _ISSUE), issued)
        at = put_date(buffer, put(buffer, at, _EXPIRE), issued + 3_652)
        at = put_number(buffer, put(buffer, at, _SEX), one.home % 97 + 1)
        at = put(buffer, put_number(buffer, put(buffer, at, _STREET), one.home // 97 + 1), _QUOTE)
        at = _put_birthday(buffer, at, one.birth_day, unit(k, 2))
        at = _put_employer(buffer, put(buffer, at, _PHOTO), one.schedule, one.anchor, employers, employer_at)
        at = put(buffer, put_word(buffer, put(buffer, at, _LABEL), labels, label_at, one.system_label), _PERSON_END)
    return at


@njit(cache=True, nogil=True)
def _put_birthday(buffer, at, day, u):
    """2 % of birthdays are missing: half of them null, half left out."""
    if u < 0.01:
        return at
    at = put(buffer, at, _BIRTHDAY)
    if u < 0.02:
        return put(buffer, at, _NULL)
    return put(buffer, put_date(buffer, put(buffer, at, _QUOTE), day), _QUOTE)


@njit(cache=True, nogil=True)
def _put_employer(buffer, at, schedule, anchor, employers, employer_at):
    if schedule in (PUPIL, STUDENT, RETIRED, AT_HOME):
        return put(buffer, at, _NULL)
    at = put_word(buffer, put(buffer, at, _QUOTE), employers, employer_at, anchor % (employer_at.size - 1))
    buffer[at] = np.uint8(32)
    return put(buffer, put_number(buffer, at + 1, anchor), _LIMITED)
