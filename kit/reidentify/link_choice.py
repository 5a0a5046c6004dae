"""From candidate pairs to answers: rivals, a matching in which each subject stands once, and how sure one may be."""

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import min_weight_full_bipartite_matching
from sklearn.isotonic import IsotonicRegression


def alone(row, column, score, of_nothing):
    """Each pair's score less the best rival's, among the other pairs of its row and of its column.

    Where there is none the rival is a pair that shares nothing: `of_nothing(rows, columns)` gives its score.
    """
    rival = np.maximum(_best_other(row, score), _best_other(column, score))
    return np.where(np.isfinite(rival), score - rival, score - of_nothing(row, column))


def _best_other(group, score):
    """For each pair the highest score of the others in its group; -inf where it stands alone."""
    order = np.lexsort((-score, group))
    first = np.append(True, group[order][1:] != group[order][:-1])[:len(order)]
    start = np.flatnonzero(first)
    size = np.diff(np.append(start, len(order)))
    top = np.repeat(score[order][start], size)
    second = np.repeat(np.where(size > 1, score[order][np.minimum(start + 1, len(order) - 1)], -np.inf), size)
    out = np.empty(len(order))
    out[order] = np.where(first, second, top)
    return out


def least_cost_matching(row, column, score, n_left, n_right):
    """Which pairs stand in the matching of greatest total score, most subjects matched first; in order of left row.

    >>> least_cost_matching(np.array([0, 0, 1]), np.array([0, 1, 0]), np.array([3.0, 2.5, 2.0]), 2, 2).tolist()
    [1, 2]
    """
    if not len(row):
        return np.empty(0, int)
    cost = score.max() - score + 1.0
    nobody = 2 * cost.max() * (min(n_left, n_right) + 1)  # dearer than any chain of exchanges could save
    left = np.concatenate([row, np.arange(n_left)])
    right = np.concatenate([column, n_right + np.arange(n_left)])
    table = sparse.csr_array((np.concatenate([cost, np.full(n_left, nobody)]), (left, right)),
                             shape=(n_left, n_right + n_left))
    matched_row, matched_column = min_weight_full_bipartite_matching(table)
    real = matched_column < n_right
    wanted = matched_row[real].astype(np.int64) * n_right + matched_column[real]
    key = row.astype(np.int64) * n_right + column
    order = np.argsort(key, kind="stable")
    return order[np.searchsorted(key[order], np.sort(wanted))]


def exchange_margin(row, column, score, chosen, n_left, n_right, of_nothing):
    """What the matching would lose by the best exchange that gives up a pair, for each chosen pair.

    Two pairs exchange partners, or one partner is exchanged for somebody who stands alone. A rival who is surely
    somebody else's is none. Pairs that are no candidates share nothing, and score as `of_nothing` says.

    >>> row, column, score = np.array([0, 0, 1, 1]), np.array([0, 1, 0, 1]), np.array([3.0, 2.5, 2.0, 0.0])
    >>> exchange_margin(row, column, score, np.array([1, 2]), 2, 2, lambda u, v: np.zeros(len(u))).tolist()
    [1.5, 1.5]
    """
    partner, mate = np.full(n_left, -1), np.full(n_right, -1)
    partner[row[chosen]], mate[column[chosen]] = column[chosen], row[chosen]
    own = np.zeros(n_left)
    own[row[chosen]] = score[chosen]
    key = row.astype(np.int64) * n_right + column
    order = np.argsort(key, kind="stable")
    loss = np.full(n_left, np.inf)
    here = np.flatnonzero((partner[row] >= 0) & (partner[row] != column))
    u, other = row[here], mate[column[here]]
    back = _looked_up(key[order], score[order], other * n_right + partner[u])
    back = np.where(np.isfinite(back), back, of_nothing(np.maximum(other, 0), partner[u]))
    back = np.where(other < 0, 0.0, back)
    theirs = np.where(other < 0, 0.0, own[other])
    lost = own[u] + theirs - score[here] - back
    np.minimum.at(loss, u, lost)
    swapped = other >= 0
    np.minimum.at(loss, other[swapped], lost[swapped])
    free = np.flatnonzero((partner[row] < 0) & (mate[column] >= 0))
    np.minimum.at(loss, mate[column[free]], own[mate[column[free]]] - score[free])
    loss = loss[row[chosen]]
    return np.where(np.isfinite(loss), loss, score[chosen] - of_nothing(row[chosen], column[chosen]))


def _looked_up(keys, values, wanted):
    """The value of each wanted key, -inf where there is none."""
    at = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    return np.where(keys[at] == wanted, values[at], -np.inf)


def probability_of_same(observed, chance, prior=None):
    """That a pair is no chance: one less the local false discovery rate, monotone in what was observed.

    Both samples are the best pair of each subject. Where the density of chance is the same as what was observed, the
    probability is 0; the share of chance among the observed is 1 - `prior`, or else twice the share that lies
    below the median of chance, which is too much rather than too little.

    References
    ----------
    Efron, B., Tibshirani, R., Storey, J. D., Tusher, V. (2001). Empirical Bayes analysis of a microarray experiment.
    JASA 96, 1151-1160. doi:10.1198/016214501753382129
    """
    observed, chance = np.asarray(observed, float), np.asarray(chance, float)
    if not len(observed) or not len(chance):
        return np.zeros(len(observed))
    null_share = 1 - prior if prior is not None else min(1.0, 2 * np.mean(observed <= np.median(chance)))
    x = np.concatenate([observed, chance])
    is_seen = np.concatenate([np.ones(len(observed)), np.zeros(len(chance))])
    weight = np.concatenate([np.full(len(observed), 1 / len(observed)), np.full(len(chance), 1 / len(chance))])
    share = IsotonicRegression(y_min=0, y_max=1, out_of_bounds="clip").fit(x, is_seen, weight).predict(observed)
    floor = 1 / (2 * len(chance) + 2)  # no clone so large that it excludes chance
    ratio = np.maximum((1 - share) / np.maximum(share, 1e-12), floor)
    return np.clip(1 - null_share * ratio, 0.0, 1.0)
