"""What two subjects share, bin by bin: the four scores of `link` that need no tolerance.

Each is a sum over shared bins and a constant of either subject, so that `topn` finds the best pairs without visiting
the rest.
"""

from dataclasses import dataclass

import numpy as np
from scipy import sparse
from scipy.special import gammaln

from kit.reidentify.topn import GAMMA, POOLED, Pairing, top_pairs

FIRST_RATE, LOWEST_RATE, HIGHEST_RATE, ROUNDS = 0.5, 0.01, 0.95, 3
CONCENTRATIONS = 2.0 ** np.arange(-3, 13)


@dataclass(frozen=True, eq=False)
class Counted:
    """Points of both tables as codes: left subjects are 0..n_left-1, right ones follow; sorted by subject."""

    subject: np.ndarray
    place: np.ndarray
    bin: np.ndarray
    n_left: int
    n_right: int
    n_places: int
    timed: bool
    hour: np.ndarray | None = None

    def counts(self):
        """Two tables, subject by bin: presence where time counts, else how many time-bins a subject spent there."""
        columns = self.place.astype(np.int64)
        if self.timed:
            columns = columns * (int(self.bin.max(initial=0)) + 1) + self.bin
        return self.split(*np.unique(columns, return_inverse=True))

    def split(self, names, column, subject=None):
        shape = (self.n_left + self.n_right, len(names))
        subject = self.subject if subject is None else subject
        whole = sparse.coo_array((np.ones(len(column)), (subject, column)), shape=shape).tocsr()
        whole.sum_duplicates()
        return whole[:self.n_left], whole[self.n_left:]


def pairing_of(points, method):
    """The sparse tables of one method of `link`."""
    if method == "poisson":
        return meetings(*points.counts()) if points.timed else same_rates(points)
    if method == "idf":
        return cosine(*points.counts())
    if method == "histogram":
        return histograms(*points.counts())
    return chains(points)


def meetings(left, right):
    """Riederer's score; what each table catches of a person's events is tuned on pairs that choose each other."""
    rates = FIRST_RATE, FIRST_RATE
    for _ in range(ROUNDS):
        found = mutual_best(riederer(left, right, *rates))
        shared = np.asarray(left[found[0]].multiply(right[found[1]]).sum())
        theirs = max(right[found[1]].sum(), 1.0), max(left[found[0]].sum(), 1.0)
        rates = tuple(float(np.clip(shared / n, LOWEST_RATE, HIGHEST_RATE)) for n in theirs)
    return riederer(left, right, *rates)


def riederer(left, right, p_left, p_right):
    """Presence in bins as thinned Poisson events: log odds of one person's events against two people's.

    With l events a person in a bin, each caught with p_left and p_right and q = (1 - p_left)(1 - p_right), a bin with
    both counts log(1/l + q), one with left alone log(1 - p_right), with right alone log(1 - p_left); and all bins
    together l p_left p_right.
    """
    n_left, n_right = left.shape[0], right.shape[0]
    events = (left.sum(axis=0) + right.sum(axis=0)) / max(n_left * p_left + n_right * p_right, 1e-300)
    q = (1 - p_left) * (1 - p_right)
    weight = np.log(1 / events + q) - np.log(q)
    return Pairing(left, (right * weight).tocsr(),
                   left_constant=left.sum(axis=1) * np.log(1 - p_right) + events.sum() * p_left * p_right,
                   right_constant=right.sum(axis=1) * np.log(1 - p_left))


def mutual_best(pairing):
    """Pairs of rows that are each other's best: (left rows, right rows)."""
    best, score = (a[:, 0] for a in top_pairs(pairing, 1))
    row = np.flatnonzero(best >= 0)
    order = row[np.lexsort((row, -score[row], best[row]))]
    first = np.append(True, best[order][1:] != best[order][:-1])[:len(order)]
    return order[first], best[order][first]


def same_rates(points):
    """Habits of two periods: one person's rates against two people's, at each place and at each hour of day there.

    Counts are Poisson with rates of each person's own, gamma-distributed about the crowd's; given the sums, only how
    they are shared among places matters, and at a place how among hours. How much people resemble the crowd is fitted
    for each, so that hours which tell nothing count for nothing. (Rates integrated out leave gamma functions.)
    """
    places = points.split(np.arange(points.n_places), points.place)
    totals = [t.sum(axis=1) for t in places]
    share = _crowd_share(places)
    of_places = _concentration(places, share, totals)
    if points.hour is None:
        return Pairing(*places, GAMMA, signs=of_places * share, of_totals=of_places)
    names, column = np.unique(points.place.astype(np.int64) * 24 + points.hour, return_inverse=True)
    hours, here = points.split(names, column), names // 24
    found = sum(t.sum(axis=0) for t in hours)
    given_place = found / np.bincount(here, found, minlength=points.n_places)[here]
    of_hours = _concentration(hours, given_place, [t.data for t in places])
    signs = np.concatenate([of_places * share, of_hours * given_place, np.full(points.n_places, -of_hours)])
    left, right = (sparse.hstack([a, b, a], format="csr") for a, b in zip(places, hours, strict=True))
    return Pairing(left, right, GAMMA, signs=signs, of_totals=of_places, totals=totals)


def _crowd_share(tables):
    pooled = sum(t.sum(axis=0) for t in tables)
    return pooled / max(pooled.sum(), 1.0)


def _concentration(tables, share, totals):
    """How much people resemble the crowd, by maximum likelihood over a doubling grid; totals are what was shared out.
    """
    def likelihood(a):
        told = 0.0
        for table, total in zip(tables, totals, strict=True):
            weight = a * share[table.indices]
            told += (gammaln(weight + table.data) - gammaln(weight)).sum()
            told += (gammaln(a) - gammaln(a + total)).sum()
        return told
    return float(max(CONCENTRATIONS, key=likelihood))


def cosine(left, right):
    """Angle between two subjects' bins, rare ones weighing more; repeated counts by their logarithm."""
    present = np.diff(left.tocsc().indptr) + np.diff(right.tocsc().indptr)
    rarity = 1 + np.log((1 + left.shape[0] + right.shape[0]) / (1 + present))
    sides = []
    for table in (left, right):
        weighed = table.copy()
        weighed.data = (1 + np.log(weighed.data)) * rarity[weighed.indices]
        length = np.sqrt((weighed * weighed).sum(axis=1))
        weighed.data /= np.repeat(np.maximum(length, 1e-300), np.diff(weighed.indptr))
        sides.append(weighed)
    return Pairing(*sides)


def histograms(left, right):
    """Naini's divergence of two histograms from their mean, each counting as a whole: 1 where equal, 0 where apart.

    With as many records on both sides it orders pairs as Naini's weight does; where numbers differ, that weight would
    give everybody the partner with the fewest.
    """
    sides = []
    for table in (left, right):
        whole = table.copy()
        whole.data /= np.repeat(np.maximum(table.sum(axis=1), 1.0) * 2 * np.log(2), np.diff(table.indptr))
        sides.append(whole)
    return Pairing(*sides, POOLED)


def chains(points):
    """Two mobility Markov chains as one or as two: where somebody is, and where they go from there."""
    places, (origin, goal, who) = points.split(np.arange(points.n_places), points.place), _moves(points)
    share, totals = _crowd_share(places), [t.sum(axis=1) for t in places]
    concentration = _concentration(places, share, totals)
    names, column = np.unique(origin.astype(np.int64) * points.n_places + goal, return_inverse=True)
    moves, starts = (points.split(n, c, who) for n, c in ((names, column), (np.arange(points.n_places), origin)))
    from_here = sum(t.sum(axis=0) for t in starts)
    onward = sum(t.sum(axis=0) for t in moves) / np.maximum(from_here[names // points.n_places], 1.0)
    signs = np.concatenate([concentration * share, concentration * onward, np.full(points.n_places, -concentration)])
    left, right = (sparse.hstack([a, b, c], format="csr") for a, b, c in zip(places, moves, starts, strict=True))
    return Pairing(left, right, GAMMA, signs=signs, of_totals=concentration, totals=totals)


def _moves(points):
    """Successive places that differ: (origin, goal, subject)."""
    order = np.lexsort((points.place, points.bin, points.subject))
    who, place = points.subject[order], points.place[order]
    moved = np.flatnonzero((who[1:] == who[:-1]) & (place[1:] != place[:-1]))
    return place[moved], place[moved + 1], who[moved]
