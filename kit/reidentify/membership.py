"""Was this person among those who were counted? Membership inference on counts by place and time."""

import numpy as np
import pandas as pd
from scipy import sparse
from scipy.stats import rankdata

from kit.errors import InputError
from kit.estimates import bootstrap_by_person
from kit.reidentify.points import Points

# A cell without anybody speaks against the person more loudly than any full one for them.
EMPTY_CELL = 20.0
# How strongly the learned weights are held near zero, as a share of the mean square of what they weigh.
RIDGE = 0.3
ATTACKS = ("learned", "auxiliary", "no_auxiliary", "null")


def membership(aggregate, records, groups, seed=0, *, people=40, rounds=20, known_share=1.0):
    """How well counts of a group tell whether somebody was in it, with and without other data, and with no knowledge.

    Half the people are the attacker's reference, the other half fills the groups that are attacked; nobody is in both.
    For each of some people of the second half, groups are drawn with and without them and released. The attacker knows
    the person's points and scores each release by how far the counts there lie above expectation, each cell weighed by
    one over its variance, against groups of the reference half ("auxiliary"); by weights that ridge regression learns
    from twice as many groups of the reference half with and without the person ("learned"); or by whether those cells
    hold anybody, and how unlikely that was by the release's own sums by place and by time ("no_auxiliary"). "null"
    scores by the points of somebody in the reference half, who was in no group: it tells nothing, and its area must be
    near one half. None of these is the strongest attack there is.

    Parameters
    ----------
    aggregate : callable or None
        What is done to counts before they are released: takes and returns an array (groups, cells). None: nothing.
    records : Points
        As `make_points` gives it.
    groups : int or sequence of int
        People in a group; each from 2 to half of the people.
    seed : int
    people : int, default 40
        Of how many people membership is inferred.
    rounds : int, default 20
        Groups with, and groups without, each of them.
    known_share : float, default 1.0
        Share of a person's points that the attacker knows, 0 to 1.

    Returns
    -------
    pandas.DataFrame
        group, attack, estimate (area under the curve, mean over people; 0.5 is a coin), low, high (bootstrap by
        person), n (releases scored), eligible (people inferred), population.

    Raises
    ------
    InputError
        Too few people for a group, no points, or an argument out of range.

    References
    ----------
    Pyrgelis, A. et al. (2018). Knock knock, who's there? NDSS. doi:10.14722/ndss.2018.23183. It depends on the prior,
    the group's size and the time covered; there as here the person is drawn from those who have points at all.
    Guan, V. et al. (2024), arXiv:2406.18671: no auxiliary data are needed.

    >>> from kit.reidentify.points import make_points
    >>> seen = pd.DataFrame({"subject_id": [f"p{i}" for i in range(8)], "sensor_id": [f"s{i}" for i in range(8)],
    ...                      "time": pd.to_datetime(["2031-03-12T01:00Z"] * 8)})
    >>> membership(None, make_points(seen), 2)["attack"].tolist()
    ['learned', 'auxiliary', 'no_auxiliary', 'null']
    """
    has, place, time = _matrix(records)
    sizes = np.atleast_1d(groups)
    _check(aggregate, sizes, has.shape[0], seed, people, rounds, known_share)
    rng = np.random.default_rng(seed)
    order = rng.permutation(has.shape[0])
    reference, pool = np.array_split(order, 2)
    chosen = pool[:people]
    world = (has, place, time, reference, pool, aggregate or (lambda counts: counts))
    rows = []
    for size in sizes:
        areas = np.array([_one_person(who, int(size), world, rng, rounds, known_share) for who in chosen])
        for i, attack in enumerate(ATTACKS):
            estimate, low, high = bootstrap_by_person(areas[:, i], seed=seed)
            rows.append({"group": int(size), "attack": attack, "estimate": estimate, "low": low, "high": high,
                         "n": 2 * rounds * len(chosen), "eligible": len(chosen), "population": has.shape[0]})
    return pd.DataFrame(rows)


def _one_person(who, size, world, rng, rounds, known_share):
    has, place, time, reference, pool, release = world
    others = pool[pool != who]
    within = _groups(others, size - 1, rounds, has.shape[0], rng, who)
    without = _groups(others, size, rounds, has.shape[0], rng)
    counts = release((sparse.vstack([within, without]) @ has).toarray())
    known = _known(has, who, known_share, rng)
    strange = _known(has, rng.choice(reference), known_share, rng)
    train = release((_groups(reference, size, rounds, has.shape[0], rng) @ has).toarray())
    mean, variance = train.mean(axis=0), train.var(axis=0)
    expected = (counts[:, known] - mean[known]) / (variance[known] + 1 / rounds)
    scores = [_learned(counts, known, who, size, world, rng.spawn(1)[0], 2 * rounds),
              expected.sum(axis=1), _without_auxiliary(counts, known, place, time),
              ((counts[:, strange] - mean[strange]) / (variance[strange] + 1 / rounds)).sum(axis=1)]
    return [_area(score, rounds) for score in scores]


def _learned(counts, known, who, size, world, rng, rounds):
    """Score by weights learned on groups of the reference half, to half of which the person was added."""
    has, _, _, reference, _, release = world
    groups = sparse.vstack([_groups(reference, size - 1, rounds, has.shape[0], rng, who),
                            _groups(reference, size, rounds, has.shape[0], rng)])
    train = release((groups @ has).toarray())[:, known]
    middle, spread = train.mean(axis=0), train.std(axis=0) + 1 / rounds
    train = (train - middle) / spread
    alike = train @ train.T
    held = (RIDGE * np.trace(alike) / len(alike) + 1e-6) * np.eye(len(alike))
    weight = train.T @ np.linalg.solve(alike + held, np.repeat([1.0, -1.0], rounds))
    return (counts[:, known] - middle) / spread @ weight


def _without_auxiliary(counts, known, place, time):
    """How surprising it is that nobody is missing from the known cells, by the release's own sums by place and time."""
    total = counts.sum(axis=1, keepdims=True)
    by_place, by_time = (counts @ _indicator(codes) for codes in (place, time))
    expected = by_place[:, place[known]] * by_time[:, time[known]] / np.where(total > 0, total, 1)
    surprise = -np.log(-np.expm1(-np.clip(expected, 1e-6, None)))
    return np.where(counts[:, known] > 0, surprise, -EMPTY_CELL).sum(axis=1)


def _indicator(codes):
    return sparse.csr_matrix((np.ones(len(codes)), (np.arange(len(codes)), codes)))


def _groups(people, size, rounds, n, rng, always=None):
    """Rows of 0 and 1: who is in each group."""
    extra = [] if always is None else [always]
    members = [np.r_[rng.choice(people, size, replace=False), extra].astype(int) for _ in range(rounds)]
    rows = np.repeat(np.arange(rounds), size + len(extra))
    return sparse.csr_matrix((np.ones(len(rows)), (rows, np.concatenate(members))), shape=(rounds, n))


def _known(has, who, share, rng):
    cells = has.indices[has.indptr[who]:has.indptr[who + 1]]
    return rng.choice(cells, round(share * len(cells)), replace=False)


def _area(score, rounds):
    """Chance that a group with the person scores above one without; ties count half."""
    ranks = rankdata(score.round(9))
    return (ranks[:rounds].sum() - rounds * (rounds + 1) / 2) / rounds**2


def _matrix(points):
    """People by cells, 1 where the person has the point; and the place and time of each cell."""
    if not isinstance(points, Points):
        raise InputError("membership takes points as make_points gives them.")
    if not len(points):
        raise InputError("There are no points, so nobody can be counted.")
    cells, cell = np.unique(np.column_stack([points.place, points.bin]), axis=0, return_inverse=True)
    has = sparse.csr_matrix((np.ones(len(points)), (points.subject, cell.ravel())),
                            shape=(points.n_subjects, len(cells)))
    return has, *(np.unique(cells[:, i], return_inverse=True)[1] for i in (0, 1))


def _check(aggregate, sizes, n, seed, people, rounds, known_share):
    if aggregate is not None and not callable(aggregate):
        raise InputError("aggregate must be a function of counts, or None for counts as they are.")
    for name, value, least in (("seed", seed, 0), ("people", people, 1), ("rounds", rounds, 2)):
        if not isinstance(value, int | np.integer) or isinstance(value, bool) or value < least:
            raise InputError(f"{name} must be a whole number of at least {least}, but it is {value!r}.")
    if not isinstance(known_share, int | float | np.number) or not 0 <= known_share <= 1:
        raise InputError(f"known_share must lie between 0 and 1, but it is {known_share!r}.")
    most = n // 2 - 1
    if sizes.ndim != 1 or sizes.dtype.kind not in "iu" or not sizes.size or (sizes < 2).any() or (sizes > most).any():
        raise InputError(f"groups must be whole numbers from 2 to {most} (half of the {n} people, less the one whose "
                         f"membership is asked), but got {', '.join(str(x) for x in np.ravel(sizes)[:5]) or 'none'}.")
