"""Where somebody will be seen next: what simple rules, learnt from the past alone, get right in the future."""

import numpy as np
import pandas as pd
from scipy.sparse import csr_array

from kit.errors import InputError
from kit.estimates import bootstrap_by_person
from kit.movement.rhythm import HOURS_A_WEEK, _hour_of_week, _sorted_visits

_CELLS, _LEAST_STAY = 4_000_000, 0.51
_MEASURES = ("top_1", "top_3", "log_loss_bits")


def predict_next(visits, tz, test_share=0.3, prior=1.0, draws=1000, seed=0):
    """How often simple rules name the place of the next visit, trained on the past and tested on the future.

    One moment of the wall clock cuts all records: the earlier visits train, the last `test_share` of all visits are
    foretold, each from the visit before and from the hour at which it begins. The rules: `stay` (the same place again,
    as often as people did in the past, though in more than half of the cases), `hour` (the person's places in that hour
    of the week), `markov` (where the person went from the place before) and `population` (where people are seen,
    whoever it is). Each gives every place a probability: its counts, and `prior` counts dealt out as the rule behind it
    says: the person's own places, behind them everybody's, behind them any place alike.

    On `moves` only the tests count in which the place changes, and the rules know that it does: the place before is
    taken out. On `all` a rule may be right by saying that nothing changes. Subjects with no visit before the cut are
    tested too, and only everybody's counts speak for them. The hour of the next visit is given, so this is no forecast
    of when.

    Parameters
    ----------
    visits : pandas.DataFrame
        `subject_id, place_id, arrived_at`, in any order. Visits at one instant are taken by place.
    tz : str
        IANA name of the clock that people live by.
    test_share : float
        Share of the visits, between 0 and 1, that lies after the cut; visits at one instant are not parted.
    prior : float
        Counts, above 0, that the rule behind has in each rule.
    draws, seed : int
        Of the bootstrap by person.

    Returns
    -------
    pandas.DataFrame
        `method, on` ("all", "moves")`, measure` ("top_1", "top_3": share of tests with the true place among the first
        one, three; "log_loss_bits": mean -log2 of its probability)`, estimate, low, high` (95 %)`, n` (tests)`,
        eligible` (subjects with a test)`, population` (subjects). Estimates are missing where nothing is tested.

    Raises
    ------
    InputError
        As `rhythm`, and when `test_share`, `prior`, `draws` or `seed` is out of range.

    >>> times = pd.date_range("2031-03-03T08:00Z", periods=20, freq="12h")
    >>> seen = pd.DataFrame({"subject_id": "p_1", "place_id": list("ab" * 10), "arrived_at": times})
    >>> found = predict_next(seen, tz="UTC").set_index(["method", "on", "measure"])["estimate"]
    >>> float(found["stay", "all", "top_1"]), float(found["markov", "all", "top_1"])
    (0.0, 1.0)
    """
    if not isinstance(test_share, (float, np.floating)) or not 0 < test_share < 1:
        raise InputError(f"test_share must lie between 0 and 1, but it is {test_share!r}.")
    if not isinstance(prior, (int, float, np.number)) or isinstance(prior, bool) or not 0 < prior < np.inf:
        raise InputError(f"prior must be above 0, but it is {prior!r}.")
    subject, local, place, subjects, places = _sorted_visits(visits, tz)
    past = _before_cut(local, test_share)
    to = np.flatnonzero(np.r_[False, subject[1:] == subject[:-1]][:len(subject)])
    learnt, tests = to[past[to]], to[~past[to]]
    rules = _Rules(subject, place, _hour_of_week(local), past, learnt, len(subjects), len(places), prior)
    scores = {name: np.empty((len(tests), 2, 3)) for name in rules.names}
    step = max(1, _CELLS // max(len(places), 1))
    for start in range(0, len(tests), step):
        rows = tests[start:start + step]
        for name, chance in rules.foretell(rows):
            scores[name][start:start + step] = _score(chance, place[rows - 1], place[rows])
    moved = place[tests] != place[tests - 1]
    return _table(scores, subject[tests], moved, len(np.unique(subject)), draws, seed)


class _Rules:
    """Counts of the past, and the probabilities they give to every place for the visits to be foretold."""

    names = ("stay", "hour", "markov", "population")

    def __init__(self, subject, place, hour, past, learnt, n_subjects, n_places, prior):
        self.subject, self.place, self.prior, self.n_places = subject, place, prior, n_places
        everybody = np.bincount(place[past], minlength=n_places) + prior / max(n_places, 1)
        self.everybody = everybody / everybody.sum() if n_places else everybody
        before = np.r_[0, place[:-1]][:len(place)]
        self.keys = {"own": subject.astype(np.int64), "hour": subject.astype(np.int64) * HOURS_A_WEEK + hour,
                     "markov": subject.astype(np.int64) * max(n_places, 1) + before}
        trained = {"own": np.flatnonzero(past), "hour": np.flatnonzero(past), "markov": learnt}
        self.counts = {name: _count(key[trained[name]], place[trained[name]], n_places)
                       for name, key in self.keys.items()}
        stayed = (place[learnt] == place[learnt - 1]).sum()
        self.stay = (stayed + prior / 2) / (len(learnt) + prior)

    def foretell(self, rows):
        everybody = np.broadcast_to(self.everybody, (len(rows), self.n_places))
        own = self._behind("own", rows, everybody)
        here = np.arange(self.n_places) == self.place[rows - 1][:, None]
        elsewhere = np.where(here, 0, everybody)
        elsewhere = elsewhere / np.maximum(elsewhere.sum(axis=1, keepdims=True), 1e-300)
        stay = max(self.stay, _LEAST_STAY)  # or its first guess could be another place
        yield "stay", np.where(here, stay, (1 - stay) * elsewhere)
        yield "hour", self._behind("hour", rows, own)
        yield "markov", self._behind("markov", rows, own)
        yield "population", everybody

    def _behind(self, name, rows, other):
        keys, counts = self.counts[name]
        key = self.keys[name][rows]
        at = np.minimum(np.searchsorted(keys, key), len(keys) - 1)
        own = counts[at].toarray() * (keys[at] == key)[:, None]
        return (own + self.prior * other) / (own.sum(axis=1, keepdims=True) + self.prior)


def _before_cut(local, test_share):
    """Which visits train: those before the moment from which on the last share of all visits lies."""
    if len(local) == 0:
        return np.zeros(0, bool)
    in_time = np.sort(local)
    return local < in_time[int(np.floor(len(local) * (1 - test_share)))]


def _count(key, place, n_places):
    keys, row = np.unique(key, return_inverse=True)
    keys = keys if len(keys) else np.array([-1])
    return keys, csr_array((np.ones(len(key)), (row, place)), shape=(len(keys), max(n_places, 1)))


def _score(chance, before, true):
    """For each test, on all and as a move: right at once, among three, bits lost."""
    out, row = np.empty((len(true), 2, 3)), np.arange(len(true))
    for which in range(2):
        if which:
            chance = chance.copy()
            chance[row, before] = 0
            chance /= np.maximum(chance.sum(axis=1, keepdims=True), 1e-300)
        own = chance[row, true][:, None]
        first_of_equals = np.arange(chance.shape[1]) < true[:, None]
        ahead = ((chance > own) | ((chance == own) & first_of_equals)).sum(axis=1)
        out[:, which] = np.column_stack([ahead < 1, ahead < 3, -np.log2(np.maximum(own[:, 0], 1e-300))])
    return out


def _table(scores, person, moved, population, draws, seed):
    rows = []
    for name, score in scores.items():
        for which, (on, tested) in enumerate((("all", np.ones(len(moved), bool)), ("moves", moved))):
            for k, measure in enumerate(_MEASURES):
                found = bootstrap_by_person(score[tested, which, k], person[tested], draws=draws, seed=seed)
                rows.append((name, on, measure, *found, int(tested.sum()), len(np.unique(person[tested])), population))
    return pd.DataFrame(rows, columns=["method", "on", "measure", "estimate", "low", "high", "n", "eligible",
                                       "population"])
