"""The places that matter to somebody: where they sleep, where they work, and how sure that is.

Five definitions of home side by side, since the literature has no single one. A place is named home or work only when
the evidence is clear; otherwise nobody is told where anybody lives.
"""

import numbers
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numba import njit

from kit import codes, tables
from kit.errors import InputError
from kit.estimates import wilson
from kit.movement import order
from kit.movement.visits import check_table, counted, encode_ids, length_us, need_zone

HOUR_US = 3_600_000_000
DAY_US = 24 * HOUR_US
METHODS = ("edges", "nights", "count", "duration", "osna")
_SEEN, _NIGHT, _HOME, _WORK, _DAYS = range(5)
_UNIT_OFFSET = 24 << 26  # of whole days, so that hours counted from it fall into the same days
_WEIGHS_HOURS = ("duration", "osna")


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
    arrived, left = (_local_us(present[c], tz) for c in ("arrived_at", "left_at"))
    visits = order.by_subject(subject, arrived, place, left, len(subjects))
    evidence = _evidence(*visits, method, gap_us)
    lives_here = np.ones(len(subjects), bool)
    if method == "edges" and not keep_uncertain:
        lives_here = _presence(*evidence[:2], len(subjects)) >= min_presence
    return _frame(_tally(evidence, method, len(subjects)), subjects, places, prior_votes,
                  0 if keep_uncertain else min_confidence, lives_here)


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


def _presence(subject, key, n_subjects):
    """Share of all nights, from the first to the last of anybody, that have a vote of each subject."""
    at_night = (key >> 32 & 3) == _NIGHT
    subject, night = subject[at_night], key[at_night] & 0xFFFFFFFF  # by subject, then night
    if not len(night):
        return np.zeros(n_subjects)
    new = np.r_[True, (subject[1:] != subject[:-1]) | (night[1:] != night[:-1])]
    return np.bincount(subject[new], minlength=n_subjects) / (night.max() - night.min() + 1)


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


def _evidence(subject, arrived, place, left, method, min_gap_us):
    """Rows of evidence: (subject, key of place, kind and unit, weight), unsorted."""
    def rows(kind, visit, unit, weight=1.0):
        return subject[visit], _key(place[visit], kind, unit), np.broadcast_to(weight, visit.shape)

    every, hours = np.arange(len(subject)), (left - arrived) / HOUR_US
    parts = [rows(_SEEN, every, 0)]
    if method == "edges":
        voter, night = _edge_votes(subject, arrived, left, min_gap_us)
        parts += [rows(_NIGHT, voter, night), rows(_HOME, voter, night)]
    else:
        parts.append(rows(_NIGHT, *_spells(arrived, left, 19 * HOUR_US, 11 * HOUR_US)))
    if method == "count":
        parts.append(rows(_HOME, np.flatnonzero(_began_at_night(arrived)), 0))
    elif method == "duration":
        parts += [rows(kind, every, arrived // HOUR_US, hours) for kind in (_HOME, _WORK)]
    elif method == "osna":
        middle = arrived + (left - arrived) // 2
        parts += [rows(kind, visit, middle[visit] // HOUR_US, weight * hours[visit])
                  for kind, visit, weight in _osna_frames(middle)]
    if method not in _WEIGHS_HOURS:
        parts.append(rows(_WORK, *_work_hours(arrived, left)))
    return tuple(np.concatenate(column) for column in zip(*parts, strict=True))


def _key(place, kind, unit):
    return place.astype(np.int64) << 34 | kind << 32 | (unit + _UNIT_OFFSET)


def _spells(arrived, left, starts_us, length_us):
    """Which visit was present in which daily spell: (visit, day on which the spell begins)."""
    return _spread((arrived - starts_us - length_us) // DAY_US + 1, (left - starts_us) // DAY_US)


def _spread(first, last):
    """Every whole number from first to last, with whose it is."""
    count = np.maximum(last - first + 1, 0)
    whose = np.repeat(np.arange(len(first)), count)
    return whose, first[whose] + np.arange(len(whose)) - (np.cumsum(count) - count)[whose]


def _work_hours(arrived, left):
    """Which visit was present in which hour from 9:00 to 17:00, Monday to Friday: (visit, hour since 1970)."""
    visit, hour = _spread(arrived // HOUR_US, left // HOUR_US)
    at_work = (hour % 24 >= 9) & (hour % 24 < 17) & _is_weekday(hour // 24)
    return visit[at_work], hour[at_work]


def _began_at_night(arrived):
    return (arrived % DAY_US >= 22 * HOUR_US) | (arrived % DAY_US <= 7 * HOUR_US)


def _is_weekday(day):
    return (day + 3) % 7 < 5  # 1 January 1970 was a Thursday


def _osna_frames(middle):
    hour, weekday = middle % DAY_US // HOUR_US, _is_weekday(middle // DAY_US)
    rest, work = (hour >= 2) & (hour < 8), (hour >= 8) & (hour < 19)
    return [(_HOME, np.flatnonzero(weekday & rest), 0.739), (_HOME, np.flatnonzero(weekday & ~rest & ~work), 0.358),
            (_WORK, np.flatnonzero(weekday & work), 1.0)]


def _edge_votes(subject, arrived, left, min_gap_us):
    """The visits at both ends of each night's longest gap: (visit, night)."""
    first, last = ((t - DAY_US // 2) // DAY_US for t in (arrived, left))
    most = 2 * int(np.sum(last - first + 1))
    visit, night = np.empty(most, np.int64), np.empty(most, np.int64)
    n = _fill_votes(subject, arrived, left, min_gap_us, visit, night)
    return visit[:n], night[:n]


@njit(cache=True, nogil=True)
def _fill_votes(subject, arrived, left, min_gap_us, visit_out, night_out):
    day, noon = 86_400_000_000, 43_200_000_000
    n, person, night = 0, -1, 0
    longest, seen_until, before, after, latest = 0, 0, -1, -1, -1
    for i in range(len(subject) + 1):
        first = (arrived[i] - noon) // day if i < len(subject) else 0
        last = (left[i] - noon) // day if i < len(subject) else 0
        for window in range(first, last + 1):
            ended = i == len(subject) or subject[i] != person or window != night
            if ended and latest >= 0:
                if (night + 1) * day + noon - seen_until > longest:
                    longest, before, after = (night + 1) * day + noon - seen_until, latest, -1
                if longest >= min_gap_us:
                    for end in (before, after):
                        if end >= 0:
                            visit_out[n], night_out[n] = end, night
                            n += 1
            if i == len(subject):
                break
            start = window * day + noon
            if ended:
                person, night, longest, seen_until, before, after, latest = subject[i], window, 0, start, -1, -1, -1
            gap = max(arrived[i], start) - seen_until
            if gap > longest:
                longest, before, after = gap, latest, i
            seen_until, latest = max(seen_until, min(left[i], start + day)), i
    return n


def _tally(evidence, method, n_subjects):
    """Add up the evidence by subject and place."""
    subject, key, weight = evidence
    subject, key, _, row = order.by_subject(subject, key, np.zeros(len(key), np.int32), np.arange(len(key)), n_subjects)
    n = _n_pairs(subject, key)
    owner, place = np.empty(n, np.int32), np.empty(n, np.int32)
    weights, counts = np.zeros((2, n)), np.zeros((5, n), np.int32)
    _add_up(subject, key, weight[row], owner, place, weights, counts)
    home = counts[_NIGHT].astype(float) if method == "nights" else weights[0]
    work = weights[1] if method in _WEIGHS_HOURS else counts[_WORK].astype(float)
    seen = counts[_SEEN]
    if method == "count":
        home = np.where(np.bincount(owner, home)[owner] > 0, home, seen)
    return _Pairs(owner, place, home, work, counts[_NIGHT], counts[_DAYS], seen)


@njit(cache=True, nogil=True)
def _n_pairs(subject, key):
    n = 0
    for i in range(len(subject)):
        n += i == 0 or subject[i] != subject[i - 1] or key[i] >> 34 != key[i - 1] >> 34
    return n


@njit(cache=True, nogil=True)
def _add_up(subject, key, weight, owner, place, weights, counts):
    """Weights for home and work; by kind the number of distinct units (of visits, rows); last the distinct days."""
    at = -1
    for i in range(len(subject)):
        kind, unit = key[i] >> 32 & 3, key[i] & 0xFFFFFFFF
        new_pair = i == 0 or subject[i] != subject[i - 1] or key[i] >> 34 != key[i - 1] >> 34
        if new_pair:
            at += 1
            owner[at], place[at] = subject[i], key[i] >> 34
        new_kind = new_pair or kind != key[i - 1] >> 32 & 3
        if kind >= 2:
            weights[kind - 2, at] += weight[i]
        counts[kind, at] += kind == 0 or new_kind or key[i] != key[i - 1]
        if kind == 3:
            counts[4, at] += new_kind or unit // 24 != (key[i - 1] & 0xFFFFFFFF) // 24


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
    total = np.bincount(pairs.subject, evidence)[pairs.subject]
    share = np.divide(evidence, total, out=np.zeros(len(total)), where=total > 0)
    weight = total + prior_votes
    confidence = np.divide(evidence + prior_votes * habit[pairs.place], weight, out=np.zeros(len(total)),
                           where=weight > 0)
    return share, np.clip(confidence, 0, 1)


def _frame(pairs, subjects, places, prior_votes, min_confidence, lives_here):
    is_home, is_work, elsewhere = _candidates(pairs)
    share, confidence = _posterior(pairs, pairs.home, len(places), prior_votes)
    work_share, work_confidence = _posterior(pairs, elsewhere, len(places), prior_votes)
    is_home &= (confidence >= min_confidence) & lives_here[pairs.subject]
    is_work &= work_confidence >= min_confidence
    role = np.where(is_home, 0, np.where(is_work, 2, 1))
    return pd.DataFrame({
        "subject_id": codes.decode(pairs.subject, subjects),
        "place_id": codes.decode(pairs.place, places),
        "role": codes.decode(role, pd.Index(["home", "other", "work"], dtype="str")),
        "nights": np.where(is_work, pairs.days, pairs.nights).astype(np.int64),
        "share": np.where(is_work, work_share, share),
        "confidence": np.where(is_work, work_confidence, confidence),
    })


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
