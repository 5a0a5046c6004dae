"""The places that matter to somebody: where they sleep, where they work, and how sure that is.

Five definitions of home side by side, since the literature has no single one. A place is named home or work only when
the evidence is clear; otherwise nobody is told where anybody lives.
"""

import numbers
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numba import njit

from kit import codes, parallel, tables
from kit.errors import InputError
from kit.estimates import wilson
from kit.movement import order
from kit.movement.visits import check_table, counted, encode_ids, length_us, need_zone

HOUR_US = 3_600_000_000
DAY_US = 24 * HOUR_US
METHODS = ("edges", "nights", "count", "duration", "osna")
_SEEN, _NIGHT, _HOME, _WORK, _DAYS = range(5)
_EDGES, _NIGHTS, _COUNT, _DURATION, _OSNA = range(5)  # as METHODS has them
_UNIT_OFFSET = 24 << 26  # of whole days, so that hours counted from it fall into the same days


def infer_places(visits_or_stays, tz, method="edges", min_confidence=0.6, keep_uncertain=False, min_gap="3h",
                 prior_votes=1.0, min_presence=0.5):
    """Find each subject's home and work among the places they were seen at.

    Evidence for home, by method (clock hours are local, in `tz`):

    edges
        For fixed sensors, which do not see sleepers. Each night, from noon to noon, has a longest gap between
        sightings (from noon to the first and from the last to noon count as gaps with one end). If it lasts `min_gap`
        or more, the places of the last sighting before and of the first after it get a vote each.
    nights
        Number of distinct nights (19:00 to 06:00) with presence, ties by number of visits (nomad).
    count
        Number of visits that began from 22:00 to 07:00, both ends included; for a subject without any, all visits
        (scikit-mobility `home_location`).
    duration
        Hours there for certain (`dwell_min_s`); the second-longest place is work (trackintel FREQ).
    osna
        Hours by the frame in which a visit's middle falls, Monday to Friday: rest 2-8 h weighs 0.739, leisure 0.358,
        work 8-19 h counts for work (trackintel OSNA).

    Evidence for work is, unless said otherwise, the number of distinct hours from 9:00 to 17:00, Monday to Friday,
    with presence, at any place but the first candidate for home.

    `confidence` is the posterior mean share of a Dirichlet-multinomial: (evidence here + `prior_votes` x this place's
    share of everybody's evidence) / (all the subject's evidence + `prior_votes`). Little evidence keeps it low. Below
    `min_confidence` no role is given. On a single day, `edges` names a home when first and last sighting agree.

    A guest's nights point to their host's door as clearly as a resident's to their own. What tells them apart is how
    many there are: `edges` names no home for who left votes in less than `min_presence` of the nights between the
    first and the last of anybody. Records that begin late or come seldom therefore stay without a home.

    Who works at night, sleeps away or passes a camera only by car is found wrongly or not at all: compare
    `score_places` by schedule before believing it.

    Parameters
    ----------
    visits_or_stays : pandas.DataFrame
        `subject_id, place_id, arrived_at, left_at`, as from `find_visits`; or `subject_id, location_id, started_at,
        finished_at`, stays as from `find_locations` (those at no location are left out).
    tz : str
        IANA name of the clock that people live by, such as "Etc/GMT-8"; it need not be the official one.
    method : {"edges", "nights", "count", "duration", "osna"}
    min_confidence : float
        Below it, no role is named.
    keep_uncertain : bool
        Name the best candidate all the same (its confidence shows how little is known).
    min_gap : str or pandas.Timedelta
        Shortest gap that counts as a night, for "edges".
    prior_votes : float
        Weight of the population's habit against a subject's own evidence, from 0.
    min_presence : float
        Share of all nights, from 0 to 1, on which a subject must have voted to have a home, for "edges".

    Returns
    -------
    pandas.DataFrame
        The `places` table, one row for each subject and place seen: `subject_id, place_id, role` ("home", "work",
        "other")`, nights` (distinct nights that speak for the place: voting nights for "edges", else nights with
        presence; in the row of work the distinct days on which the evidence for work arose)`, share, confidence` (both
        of the evidence for work in the row of work, of that for home elsewhere).

    Raises
    ------
    InputError
        A column is missing or there twice, times are naive, an id is a list, the zone or method is unknown,
        `min_confidence`, `min_presence` or `prior_votes` is out of range, or stays have no location yet.

    References
    ----------
    Efstathiades, H., Antoniades, D., Pallis, G., Dikaiakos, M. D. (2015). Identification of key locations based on
    online social network activity. ASONAM 2015. doi:10.1145/2808797.2808877

    >>> times = pd.to_datetime(["2031-03-12T07:30Z", "2031-03-12T12:30Z", "2031-03-12T21:00Z"])
    >>> seen = pd.DataFrame({"subject_id": "p_1", "place_id": ["gate", "office", "gate"], "arrived_at": times,
    ...                      "left_at": times})
    >>> infer_places(seen, tz="UTC").query("role == 'home'")["place_id"].tolist()
    ['gate']
    """
    present = _as_visits(visits_or_stays)
    _check(present, tz, method, min_confidence, prior_votes, min_presence)
    gap_us = length_us(min_gap, "min_gap")
    subject, subjects = encode_ids(present["subject_id"])
    place, places = encode_ids(present["place_id"])
    if len(subject) == 0:
        return tables.empty("places")
    visits = _in_order(subject, *(_local_us(present[c], tz) for c in ("arrived_at", "left_at")), place, len(subjects))
    pairs, voted = _pairs(*visits, METHODS.index(method), gap_us)
    lives_here = np.ones(len(pairs.subject), bool)
    if method == "edges" and not keep_uncertain:
        lives_here = voted >= min_presence
    return _frame(pairs, subjects, places, prior_votes, 0 if keep_uncertain else min_confidence, lives_here)


def score_places(places, truth):
    """Compare named homes and work places with the truth.

    Parameters
    ----------
    places : pandas.DataFrame
        From `infer_places`.
    truth : pandas.DataFrame
        `subject_id, role, place_id`, one or more right places for a subject's role; `schedule` if known (such as "day",
        "night"): rows are then given by schedule too. Only subjects in `places` are scored.

    Returns
    -------
    pandas.DataFrame
        `role, group, measure, estimate, low, high, n, eligible, population` (Wilson, 95 %). `measure` is "right among
        named" (n: people named), "named rightly" or "abstained" (n: eligible people, named or not), or "right
        among all named" (n: everybody named, also those whose true place the truth does not hold, such as guests);
        `group` is "all" or a schedule; `eligible`: people with a true place in that role who were seen;
        `population`: people with such a place in the truth, of the group.

    Raises
    ------
    InputError
        Either is no table or lacks a column.

    >>> named = pd.DataFrame({"subject_id": ["x", "y"], "place_id": ["a", "b"], "role": ["home", "other"]})
    >>> truth = pd.DataFrame({"subject_id": ["x", "y"], "role": "home", "place_id": ["a", "b"]})
    >>> score_places(named, truth)[["measure", "estimate", "n"]].values.tolist()
    [['right among named', 1.0, 1], ['named rightly', 0.5, 2], ['abstained', 0.5, 2], ['right among all named', 1.0, 1]]
    """
    for name, frame, columns in (("places", places, ["subject_id", "place_id", "role"]),
                                 ("truth", truth, ["subject_id", "place_id", "role"])):
        if not isinstance(frame, pd.DataFrame):
            raise InputError(f"The {name} to score must be a pandas DataFrame, but it is a {type(frame).__name__}.")
        missing = [c for c in columns if c not in frame.columns]
        if missing:
            raise InputError(f"The {name} to score lack the column {', '.join(missing)}; add it.")
    text = {name: frame.astype({"subject_id": "str", "place_id": "str", "role": "str"})
            for name, frame in (("places", places), ("truth", truth))}
    rows = []
    for role in ("home", "work"):
        truly = text["truth"][text["truth"]["role"] == role].drop_duplicates("subject_id")
        people = _verdicts(text["places"], text["truth"][text["truth"]["role"] == role], role)
        population = len(truly)
        groups = [("all", people, population)]
        if "schedule" in people:
            groups += [(str(g), part, int((truly["schedule"] == g).sum()))
                       for g, part in people.groupby("schedule", observed=True)]
        if len(people):
            rows += [row for group in groups for row in _scores(role, *group)]
            everybody = text["places"].loc[text["places"]["role"] == role, "subject_id"].nunique()
            rows.append(_share(role, "all", "right among all named", people["right"].sum(), everybody, len(people),
                               population))
    columns = ["role", "group", "measure", "estimate", "low", "high", "n", "eligible", "population"]
    return pd.DataFrame(rows, columns=columns)


@dataclass
class _Pairs:
    """Evidence by (subject, place), sorted; one array entry a pair."""

    subject: np.ndarray
    place: np.ndarray
    home: np.ndarray
    work: np.ndarray
    nights: np.ndarray
    days: np.ndarray
    seen: np.ndarray


def _as_visits(visits_or_stays):
    """Stays at a location are visits of a place."""
    if not isinstance(visits_or_stays, pd.DataFrame) or "stay_id" not in visits_or_stays.columns:
        return visits_or_stays
    if "location_id" not in visits_or_stays.columns:
        raise InputError("Stays have positions, not places; group them by find_locations first.")
    return visits_or_stays.dropna(subset="location_id").rename(
        columns={"location_id": "place_id", "started_at": "arrived_at", "finished_at": "left_at"})


def _check(visits, tz, method, min_confidence, prior_votes, min_presence):
    check_table(visits, "visits", ["subject_id", "place_id", "arrived_at", "left_at"])
    if method not in METHODS:
        raise InputError(f"method must be one of {', '.join(METHODS)}, but it is {method!r}.")
    for name, share in (("min_confidence", min_confidence), ("min_presence", min_presence)):
        if not _is_number(share) or not 0 <= share <= 1:
            raise InputError(f"{name} must lie between 0 and 1, but it is {share!r}.")
    if not _is_number(prior_votes) or not 0 <= prior_votes < np.inf:
        raise InputError(f"prior_votes must be a number of votes from 0, but it is {prior_votes!r}.")
    for column in ("subject_id", "place_id", "arrived_at", "left_at"):
        missing = int(visits[column].isna().sum())
        if missing:
            raise InputError(f"{counted(missing, 'visit')} no {column}; remove or repair them.")
    backwards = int((visits["left_at"] < visits["arrived_at"]).sum())
    if backwards:
        raise InputError(f"{counted(backwards, 'visit', 'ends before it begins', 'end before they begin')}; "
                         "check arrived_at and left_at.")
    need_zone(tz)


def _is_number(value):
    return isinstance(value, numbers.Real)


def _local_us(times, tz):
    """Microseconds on the wall clock of a zone."""
    return tables.utc(times).dt.tz_convert(tz).dt.tz_localize(None).array.asi8


def _in_order(subject, arrived, left, place, n_subjects):
    """Subject, arrival, place and departure by subject and arrival; visits from `find_visits` are so already."""
    if _is_in_order(subject, arrived, place, left):
        return subject, arrived, place, left
    return order.by_subject(subject, arrived, place, left, n_subjects)


@njit(cache=True, nogil=True)
def _is_in_order(subject, arrived, place, left):
    for i in range(1, len(subject)):
        if subject[i] != subject[i - 1]:
            if subject[i] < subject[i - 1]:
                return False
        elif arrived[i] < arrived[i - 1] or (arrived[i] == arrived[i - 1] and (
                place[i] < place[i - 1] or (place[i] == place[i - 1] and left[i] < left[i - 1]))):
            return False
    return True


def _pairs(subject, arrived, place, left, method, min_gap_us):
    """Add up the evidence by subject and place; and each pair's share of all nights on which its subject voted."""
    spans, n = order.subject_spans(subject, 8 * parallel.cores()), len(subject)
    out = (np.empty(n, np.int32), np.empty(n, np.int32), np.empty((2, n)), np.empty((5, n), np.int32),
           np.empty(n, np.int32))
    found = parallel.run(_tally, [(subject, arrived, place, left, method, min_gap_us, *span, *out) for span in spans])
    filled = [slice(span[0], end) for span, (end, _, _) in zip(spans, found, strict=True)]
    owner, spot, weights, counts, votes = (np.concatenate([column[..., part] for part in filled], axis=-1)
                                           for column in out)
    first, last = min(one for _, one, _ in found), max(one for _, _, one in found)
    home = counts[_NIGHT].astype(float) if method == _NIGHTS else weights[0]
    work = weights[1] if method in (_DURATION, _OSNA) else counts[_WORK].astype(float)
    if method == _COUNT:
        home = np.where(np.bincount(owner, home)[owner] > 0, home, counts[_SEEN])
    pairs = _Pairs(owner, spot, home, work, counts[_NIGHT], counts[_DAYS], counts[_SEEN])
    return pairs, votes / max(last - first + 1, 1)


@njit(cache=True, nogil=True)
def _tally(subject, arrived, place, left, method, min_gap_us, start, stop, owner, spot, weights, counts, votes):
    """Pairs of the subjects from `start` to `stop`, written from `start` on: (end, first night, last night)."""
    at, first_night, last_night = start, 1 << 40, -(1 << 40)
    key, weight = np.empty(64, np.int64), np.empty(64)
    while start < stop:
        end = start + 1
        while end < stop and subject[end] == subject[start]:
            end += 1
        most = _most_rows(arrived[start:end], left[start:end])
        if most > len(key):
            key, weight = np.empty(2 * most, np.int64), np.empty(2 * most)
        n, nights, first, last = _collect(arrived[start:end], place[start:end], left[start:end], method, min_gap_us,
                                          key, weight)
        first_night, last_night = min(first_night, first), max(last_night, last)
        _sort(key, weight, n)
        after = _add_up(key[:n], weight[:n], at, spot, weights, counts)
        owner[at:after], votes[at:after] = subject[start], nights
        at, start = after, end
    return at, first_night, last_night


@njit(cache=True, nogil=True)
def _most_rows(arrived, left):
    """No method makes more rows of evidence of a subject's visits than this."""
    rows = 0
    for i in range(len(arrived)):
        rows += 8 + 4 * (left[i] // DAY_US - arrived[i] // DAY_US) + left[i] // HOUR_US - arrived[i] // HOUR_US
    return rows


@njit(cache=True, nogil=True)
def _collect(arrived, place, left, method, min_gap_us, key, weight):
    """One subject's evidence: (rows, nights voted, the first, the last of them)."""
    n, nights, first, last = 0, 0, 1 << 40, -(1 << 40)
    if method == _EDGES:
        n = _add_votes(arrived, place, left, min_gap_us, key, weight)
        for i in range(0, n, 2):
            night = (key[i] & 0xFFFFFFFF) - _UNIT_OFFSET
            nights += i == 0 or key[i] & 0xFFFFFFFF != key[i - 2] & 0xFFFFFFFF
            first, last = min(first, night), max(last, night)
    for i in range(len(arrived)):
        n = _add(key, weight, n, place[i], _SEEN, 0, 1.0)
        if method != _EDGES:
            for night in range((arrived[i] - 6 * HOUR_US) // DAY_US, (left[i] - 19 * HOUR_US) // DAY_US + 1):
                n = _add(key, weight, n, place[i], _NIGHT, night, 1.0)
        if method in (_DURATION, _OSNA):
            n = _add_hours(key, weight, n, place[i], arrived[i], left[i], method)
            continue
        if method == _COUNT and (arrived[i] % DAY_US >= 22 * HOUR_US or arrived[i] % DAY_US <= 7 * HOUR_US):
            n = _add(key, weight, n, place[i], _HOME, 0, 1.0)
        for hour in range(arrived[i] // HOUR_US, left[i] // HOUR_US + 1):
            if 9 <= hour % 24 < 17 and _is_weekday(hour // 24):
                n = _add(key, weight, n, place[i], _WORK, hour, 1.0)
    return n, nights, first, last


@njit(cache=True, nogil=True)
def _add_hours(key, weight, n, place, arrived, left, method):
    """Hours there: all of them, or by the frame in which the middle falls."""
    hours = (left - arrived) / HOUR_US
    if method == _DURATION:
        n = _add(key, weight, n, place, _HOME, arrived // HOUR_US, hours)
        return _add(key, weight, n, place, _WORK, arrived // HOUR_US, hours)
    unit = (arrived + (left - arrived) // 2) // HOUR_US
    hour = unit % 24
    if not _is_weekday(unit // 24):
        return n
    if 8 <= hour < 19:
        return _add(key, weight, n, place, _WORK, unit, hours)
    return _add(key, weight, n, place, _HOME, unit, (0.739 if 2 <= hour < 8 else 0.358) * hours)


@njit(cache=True, nogil=True)
def _add(key, weight, n, place, kind, unit, how_much):
    key[n] = np.int64(place) << 34 | np.int64(kind) << 32 | (unit + _UNIT_OFFSET)
    weight[n] = how_much
    return n + 1


@njit(cache=True, nogil=True)
def _is_weekday(day):
    return (day + 3) % 7 < 5  # 1 January 1970 was a Thursday


@njit(cache=True, nogil=True)
def _add_votes(arrived, place, left, min_gap_us, key, weight):
    """The places at both ends of each night's longest gap, once as nights and once as votes for home."""
    n, noon = 0, DAY_US // 2
    night, longest, seen_until, before, after, latest = 0, 0, 0, -1, -1, -1
    for i in range(len(arrived) + 1):
        over = i == len(arrived)
        first = night + 1 if over else (arrived[i] - noon) // DAY_US
        last = first if over else (left[i] - noon) // DAY_US
        for window in range(first, last + 1):
            start = window * DAY_US + noon
            if window != night or latest < 0:
                if latest >= 0:
                    rest = (night + 1) * DAY_US + noon - seen_until
                    if rest > longest:
                        longest, before, after = rest, latest, -1
                    if longest >= min_gap_us:
                        for end in (before, after):
                            if end >= 0:
                                n = _add(key, weight, n, place[end], _NIGHT, night, 1.0)
                                n = _add(key, weight, n, place[end], _HOME, night, 1.0)
                night, longest, seen_until, before, after, latest = window, 0, start, -1, -1, -1
            if over:
                break
            gap = max(arrived[i], start) - seen_until
            if gap > longest:
                longest, before, after = gap, latest, i
            seen_until, latest = max(seen_until, min(left[i], start + DAY_US)), i
    return n


@njit(cache=True, nogil=True)
def _sort(key, weight, n):
    """By key, rows of one key as they came; most subjects have few."""
    if n > 64:
        by_key = np.argsort(key[:n], kind="mergesort")
        key[:n], weight[:n] = key[:n][by_key], weight[:n][by_key]
        return
    for i in range(1, n):
        k, w, j = key[i], weight[i], i
        while j > 0 and k < key[j - 1]:
            key[j], weight[j] = key[j - 1], weight[j - 1]
            j -= 1
        key[j], weight[j] = k, w


@njit(cache=True, nogil=True)
def _add_up(key, weight, at, place, weights, counts):
    """Weights for home and work; by kind the number of distinct units (of visits, rows); last the distinct days."""
    at -= 1
    for i in range(len(key)):
        kind, unit = key[i] >> 32 & 3, key[i] & 0xFFFFFFFF
        new_pair = i == 0 or key[i] >> 34 != key[i - 1] >> 34
        if new_pair:
            at += 1
            place[at] = key[i] >> 34
            weights[:, at], counts[:, at] = 0.0, 0
        new_kind = new_pair or kind != key[i - 1] >> 32 & 3
        if kind >= 2:
            weights[kind - 2, at] += weight[i]
        counts[kind, at] += kind == 0 or new_kind or key[i] != key[i - 1]
        if kind == 3:
            counts[4, at] += new_kind or unit // 24 != (key[i - 1] & 0xFFFFFFFF) // 24
    return at + 1


def _candidates(pairs):
    """Which pairs are the best candidates for home and for work, and the evidence for work elsewhere than at home."""
    is_home = _best(pairs.subject, pairs.home, pairs.seen)
    elsewhere = np.where(is_home, 0.0, pairs.work)
    return is_home, _best(pairs.subject, elsewhere, pairs.seen), elsewhere


@njit(cache=True, nogil=True)
def _best(subject, evidence, seen):
    """Mark each subject's pair with the most evidence, ties by visits, then the first place. Without any: none."""
    marked = np.zeros(len(subject), np.bool_)
    best = -1
    for i in range(len(subject)):
        if best >= 0 and subject[i] != subject[best]:
            marked[best] = evidence[best] > 0
            best = -1
        if best < 0 or evidence[i] > evidence[best] or (evidence[i] == evidence[best] and seen[i] > seen[best]):
            best = i
    if best >= 0:
        marked[best] = evidence[best] > 0
    return marked


def _posterior(pairs, evidence, n_places, prior_votes):
    """Share of the evidence, and posterior mean share with everybody's habit as prior."""
    habit = np.bincount(pairs.place, evidence, minlength=n_places)
    habit /= max(habit.sum(), 1e-300)
    share, confidence = np.empty(len(evidence)), np.empty(len(evidence))
    spans = order.subject_spans(pairs.subject, 8 * parallel.cores())
    parallel.run(_shares, [(pairs.subject, pairs.place, evidence, habit, float(prior_votes), *span, share, confidence)
                           for span in spans])
    return share, confidence


@njit(cache=True, nogil=True)
def _shares(subject, place, evidence, habit, prior_votes, start, stop, share, confidence):
    while start < stop:
        end, total = start, 0.0
        while end < stop and subject[end] == subject[start]:
            total += evidence[end]
            end += 1
        weight = total + prior_votes
        for i in range(start, end):
            share[i] = evidence[i] / total if total > 0 else 0.0
            posterior = (evidence[i] + prior_votes * habit[place[i]]) / weight if weight > 0 else 0.0
            confidence[i] = min(max(posterior, 0.0), 1.0)
        start = end


def _frame(pairs, subjects, places, prior_votes, min_confidence, lives_here):
    is_home, is_work, elsewhere = _candidates(pairs)
    share, confidence = _posterior(pairs, pairs.home, len(places), prior_votes)
    work_share, work_confidence = _posterior(pairs, elsewhere, len(places), prior_votes)
    is_home &= (confidence >= min_confidence) & lives_here
    is_work &= work_confidence >= min_confidence
    nights = pairs.nights.astype(np.int64)
    for column, at_work in ((nights, pairs.days), (share, work_share), (confidence, work_confidence)):
        np.copyto(column, at_work, where=is_work)
    role = np.where(is_home, np.int8(0), np.where(is_work, np.int8(2), np.int8(1)))
    return pd.DataFrame({
        "subject_id": codes.decode(pairs.subject, subjects),
        "place_id": codes.decode(pairs.place, places),
        "role": codes.decode(role, pd.Index(["home", "other", "work"], dtype="str")),
        "nights": nights, "share": share, "confidence": confidence,
    }, copy=False)


def _verdicts(places, truth, role):
    """One row for each seen subject of the truth: named or not, right or not, and the schedule."""
    people = truth.drop_duplicates("subject_id").drop(columns=["place_id", "role"])
    people = people[people["subject_id"].isin(places["subject_id"])]
    named = places[places["role"] == role]
    right = named.merge(truth[["subject_id", "place_id"]].drop_duplicates(), on=["subject_id", "place_id"])
    return people.assign(named=people["subject_id"].isin(named["subject_id"]),
                         right=people["subject_id"].isin(right["subject_id"]))


def _scores(role, group, people, population):
    named, right, n = int(people["named"].sum()), int(people["right"].sum()), len(people)
    for measure, successes, trials in (("right among named", right, named), ("named rightly", right, n),
                                       ("abstained", n - named, n)):
        yield _share(role, group, measure, successes, trials, n, population)


def _share(role, group, measure, successes, trials, eligible, population):
    low, high = (float(x) for x in wilson(successes, trials))
    return {"role": role, "group": group, "measure": measure, "estimate": successes / trials if trials else np.nan,
            "low": low, "high": high, "n": trials, "eligible": eligible, "population": population}
