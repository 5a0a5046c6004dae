"""Risk: what the worst few things that could be known of a person would leave of their anonymity.

Unicity asks what some points drawn at random give away; risk asks for the worst of all that could be known. Eight
kinds of knowledge, each defined by what is known and by who matches it. Where a known library answers otherwise than
the definitions, `docs/risk.md` says so.
"""

import threading
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import pandas as pd

from kit import codes, parallel
from kit.errors import InputError
from kit.movement.visits import encode_ids
from kit.reidentify import points as binning
from kit.reidentify import risk_kernels as kernels
from kit.reidentify.risk_sequence import index_of_visits, worst_sequences
from kit.reidentify.unicity import is_whole, need_seed

ATTACKS = ("location", "sequence", "location_time", "unique_location", "frequency", "probability", "proportion",
           "home_work")
MOST_KNOWN = 100
_RULES = {"frequency": kernels.FREQUENCY, "probability": kernels.PROBABILITY, "proportion": kernels.PROPORTION}
_TIMED = ("sequence", "location_time")


def risk(records, attack, known=2, place="0.001deg", time="1h", tolerance=0.0, sensors=None, most_subsets=100_000,
         draws=10_000, seed=0, progress=None):
    """Each person's risk: one over the number of people who match the worst `known` things known of them.

    Of a person's records an outsider knows `known`; whoever fits what is known matches, the person included. The risk
    is the largest 1/matches over *all* choices of what is known. A person with less than that is known entirely.

    location
        Places of `known` records, without order. A match was at each place at least as often as it is known.
    sequence
        The same in the order of time (at one instant, in the order of places). A match has them in that order, others
        in between or not.
    location_time
        Distinct pairs of a place and a time bin. A match has them all.
    unique_location
        Distinct places. A match was at them all.
    frequency
        Distinct places, each with the number of records there; a match's own number differs by no more than
        `tolerance` times that number of theirs.
    probability
        The same with the number's share of all of a person's records.
    proportion
        The same with the number over the largest number among the known places.
    home_work
        The two places with most records (ties: by latitude, then longitude, of grid cells; else by id), without order;
        `known` plays no part. A match has them among their own two.

    It is the worst case: who could know the two rarest places of a life is another question. It is 1 for almost
    everyone where records are fine and many, so it tells coarse releases apart better than fine ones.

    Parameters
    ----------
    records : pandas.DataFrame
        `subject_id`, where (`sensor_id`, or `lon`, `lat` in degrees), and `time` for sequence and location_time.
        Records of no known subject, or outside every zone, are left out.
    attack : str
        One of the eight.
    known : int
        How many things are known.
    place, time, sensors
        As `make_points` takes them; `time` matters to location_time alone.
    tolerance : float
        From 0 to 1; matters to frequency, probability and proportion.
    most_subsets : int
        Subsets looked at for one person before random ones are drawn instead. The risk is then a lower bound.
    draws : int
        Random subsets for one such person.
    seed : int
        Decides them.
    progress : callable, optional
        Called as `progress("risk", people done, people in all)`.

    Returns
    -------
    pandas.DataFrame
        `subject_id, risk, exact, matches, at_most, known`, by subject. Where `exact` is False, `risk` is a lower bound
        and `at_most` an upper one (whoever has everything that the person has matches any part of it; with a tolerance
        in proportion that does not hold, and it is 1). `known`: things known of this person, fewer where they have
        fewer.

    Raises
    ------
    InputError
        No records of anybody, an attack that is none, a number out of range, or what `make_points` refuses.

    References
    ----------
    Pellungrini, R., Pappalardo, L., Pratesi, F., Monreale, A. (2017). A data mining approach to assess privacy risk in
    human mobility data. ACM Transactions on Intelligent Systems and Technology 9(3), 31. doi:10.1145/3106774

    >>> seen = pd.DataFrame({"subject_id": list("xxxyyz"), "sensor_id": list("aababa")})
    >>> risk(seen, "location", place="sensor")[["subject_id", "risk"]].values.tolist()
    [['x', 1.0], ['y', 0.5], ['z', 0.3333333333333333]]
    """
    _check(attack, known, tolerance, most_subsets, draws, seed)
    coded = _coded(records, attack, place, time, sensors)
    if attack == "home_work":
        return _frame(coded, *_home_work(coded))
    known = min(int(known), int(np.bincount(coded.subject).max()))
    if known > MOST_KNOWN:
        raise InputError(f"known may be at most {MOST_KNOWN} where somebody has more than that, but it is {known:,}; "
                         "know less.")
    limits = (int(most_subsets), int(draws), int(seed))
    n = len(coded.subjects)
    chosen = [np.arange(a, b) for a, b in parallel.spans(n, max(8 * parallel.cores(), n // 2000))]
    if attack == "sequence":
        kernel, arrays = worst_sequences, _visits(coded)
        tasks = [(*arrays, who, known, *limits) for who in chosen]
    else:
        kernel, arrays = kernels.worst_sets, _tokens(coded, attack)
        rule = (_RULES.get(attack, kernels.PLAIN), *_as_fraction(tolerance, int(arrays[4].max())))
        tasks = [(*arrays, who, known, *rule, *limits) for who in chosen]
    found = np.concatenate(parallel.run(_telling(kernel, progress, n), tasks), axis=1)
    return _frame(coded, *found, np.minimum(known, np.diff(arrays[0])))


@dataclass(frozen=True, eq=False)
class Coded:
    """Records as codes, by subject, then time, then place."""

    subject: np.ndarray
    place: np.ndarray
    bin: np.ndarray
    subjects: pd.Index
    places: pd.Index


def _check(attack, known, tolerance, most_subsets, draws, seed):
    if not isinstance(attack, str) or attack not in ATTACKS:
        raise InputError(f"attack must be one of {', '.join(ATTACKS)}, but it is {attack!r}.")
    for name, value in (("known", known), ("most_subsets", most_subsets), ("draws", draws)):
        if not is_whole(value, 1) or value >= 2**31:
            raise InputError(f"{name} must be a whole number of at least 1, but it is {value!r}.")
    if isinstance(tolerance, bool) or not isinstance(tolerance, (int, float, np.number)) or not 0 <= tolerance <= 1:
        raise InputError(f"tolerance must lie between 0 and 1, a share of the candidate's value, but it is "
                         f"{tolerance!r}.")
    need_seed(seed)


def _coded(records, attack, place, time, sensors):
    binning._check(records, time if attack in _TIMED else None)
    subject, subjects = encode_ids(records["subject_id"])
    where, places, _ = binning._places(records, place, sensors, None)
    when, us = np.zeros(len(where), np.int32), np.zeros(len(where), np.int64)
    if attack in _TIMED:
        when, _ = binning._bins(records, time if attack == "location_time" else "1us")
        us = when
    keep = np.flatnonzero((subject >= 0) & (where >= 0))
    if not len(keep):
        raise InputError("There are no records of anybody, so nobody is at risk; check that records have a subject_id "
                         "and lie in a zone.")
    keep = keep[np.lexsort((where[keep], us[keep], subject[keep]))]
    subject, subjects = codes.only_used(subject[keep], subjects)
    where, places = codes.only_used(where[keep], places)
    return Coded(subject, where, when[keep], subjects, places)


def _visits(coded):
    first = np.searchsorted(coded.subject, np.arange(len(coded.subjects) + 1))
    return first, coded.place, *index_of_visits(coded.subject, coded.place, len(coded.places))


def _tokens(coded, attack):
    """What may be known of each person, by person and by token; see `risk_kernels.worst_sets`."""
    subject, token = coded.subject.astype(np.int64), coded.place.astype(np.int64)
    if attack == "location_time":
        _, token = np.unique(token * (int(coded.bin.max()) + 1) + coded.bin, return_inverse=True)
    total = np.bincount(subject)
    order = np.lexsort((token, subject))
    subject, token = subject[order], token[order]
    head = np.flatnonzero(np.append(True, (np.diff(subject) != 0) | (np.diff(token) != 0)))
    count = np.diff(np.append(head, len(subject)))
    level = np.ones(len(head), np.int64)
    if attack == "location":
        level = np.arange(len(subject)) - np.repeat(head, count) + 1
        most = np.zeros(token.max() + 1, np.int64)
        np.maximum.at(most, token, level)
        token = (np.cumsum(most) - most)[token] + level - 1
        count = np.ones(len(level), np.int64)
    else:
        subject, token = subject[head], token[head]
    by_token = np.lexsort((subject, token))
    first = np.searchsorted(subject, np.arange(len(total) + 1))
    first_listed = np.searchsorted(token[by_token], np.arange(token.max() + 2))
    return (first, token, level, count, total, first_listed, subject[by_token].astype(np.int32), count[by_token])


def _as_fraction(tolerance, largest):
    """The tolerance as written, 0.1 being one tenth, in whole numbers small enough to multiply by counts."""
    finest = max(1, min(10**6, 2**62 // max(largest, 1)**2))
    fraction = Fraction(str(float(tolerance))).limit_denominator(finest)
    return fraction.numerator, fraction.denominator


def _telling(kernel, progress, n):
    """The kernel, saying how many people are done."""
    if progress is None:
        return kernel
    lock, done = threading.Lock(), [0]

    def work(*task):
        found = kernel(*task)
        with lock:
            done[0] += found.shape[1]
            progress("risk", done[0], n)
        return found

    return work


def _home_work(coded):
    """How many people have somebody's two places among their own two."""
    n, n_places = len(coded.subjects), len(coded.places)
    rank = np.argsort(_by_position(coded.places))
    pair, count = np.unique(coded.subject.astype(np.int64) * n_places + coded.place, return_counts=True)
    subject, place = pair // n_places, pair % n_places
    order = np.lexsort((rank[place], -count, subject))
    subject, place = subject[order], place[order]
    first = np.searchsorted(subject, np.arange(n + 1))
    two = np.diff(first) > 1
    home = place[first[:-1]]
    work = np.where(two, place[np.minimum(first[:-1] + 1, len(place) - 1)], home)
    key = np.minimum(home, work) * n_places + np.maximum(home, work)
    _, code, same = np.unique(key, return_inverse=True, return_counts=True)
    there = np.bincount(home, minlength=n_places) + np.bincount(work[two], minlength=n_places)
    matches = np.where(two, same[code], there[home])
    return matches, matches, np.ones(n, bool), np.where(two, 2, 1)


def _by_position(places):
    """Places in the order that breaks ties: cells of a grid by latitude, then longitude; others by id."""
    if isinstance(places, pd.MultiIndex):
        return np.lexsort((places.get_level_values("column"), places.get_level_values("row")))
    return np.arange(len(places))


def _frame(coded, matches, bound, exact, known):
    return pd.DataFrame({
        "subject_id": codes.decode(np.arange(len(coded.subjects), dtype=np.int32), coded.subjects),
        "risk": 1 / matches,
        "exact": np.asarray(exact, bool),
        "matches": matches.astype(np.int64),
        "at_most": np.where(exact, 1 / matches, 1 / bound),
        "known": known.astype(np.int64),
    })
