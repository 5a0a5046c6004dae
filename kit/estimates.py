"""An estimate is never a bare number: shares get a Wilson interval, everything else a bootstrap by person."""

import numpy as np
import pandas as pd
from scipy.special import ndtri

from kit.errors import InputError


def wilson(successes, n, level=0.95):
    """Wilson's score interval for a share; arrays broadcast.

    Unlike estimate ± 1.96 standard errors it never leaves 0..1 and stays honest at shares near 0 or 1 and at small n.

    Parameters
    ----------
    successes, n : array_like
        Counts; 0 <= successes <= n.
    level : float
        Coverage, between 0 and 1.

    Returns
    -------
    low, high : numpy.ndarray
        NaN where n is 0: nothing was measured.

    Raises
    ------
    InputError
        More successes than trials, negative counts, or a level outside 0..1.

    References
    ----------
    Wilson, E. B. (1927). Probable inference, the law of succession, and statistical inference. JASA 22, 209-212.
    doi:10.1080/01621459.1927.10502953

    >>> [round(float(x), 4) for x in wilson(8, 10)]
    [0.4902, 0.9433]
    """
    successes, n = np.broadcast_arrays(np.asarray(successes, float), np.asarray(n, float))
    if not 0 < level < 1:
        raise InputError(f"level must lie between 0 and 1, but it is {level!r}.")
    if ((successes < 0) | (successes > n)).any():
        raise InputError("A share needs 0 <= successes <= n; check which count is which.")
    z = ndtri((1 + level) / 2)
    trials = np.where(n > 0, n, np.nan)
    share = successes / trials
    middle = share + z**2 / (2 * trials)
    half = z * np.sqrt(share * (1 - share) / trials + z**2 / (4 * trials**2))
    low, high = ((middle - half) / (1 + z**2 / trials), (middle + half) / (1 + z**2 / trials))
    return np.where(successes == 0, 0 * low, low), np.where(successes == n, 0 * high + 1, high)


def bootstrap_by_person(values, person=None, draws=1000, level=0.95, seed=0):
    """Percentile interval for a mean, by drawing people again, not records.

    Records of one person resemble each other, so drawing records would pretend to more evidence than there is.

    Parameters
    ----------
    values : array_like of float
        One value a record.
    person : array_like, optional
        Whose record it is; default: each value is another person's.
    draws : int
        Bootstrap replicates.
    level : float
        Coverage, between 0 and 1.
    seed : int

    Returns
    -------
    estimate, low, high : float
        The mean over records and its interval; NaN when there are no values.

    References
    ----------
    Efron, B. (1979). Bootstrap methods: another look at the jackknife. Annals of Statistics 7, 1-26.
    doi:10.1214/aos/1176344552

    >>> bootstrap_by_person([1.0, 1.0, 1.0])
    (1.0, 1.0, 1.0)
    """
    values = np.asarray(values, float)
    if np.isnan(values).any():
        raise InputError(f"{int(np.isnan(values).sum())} values are missing; leave those records out and say so.")
    if len(values) == 0:
        return np.nan, np.nan, np.nan
    code = np.arange(len(values)) if person is None else pd.factorize(np.asarray(person))[0]
    if len(code) != len(values):
        raise InputError(f"There are {len(values)} values but {len(code)} persons; give one person for each value.")
    sums, counts = np.bincount(code, values), np.bincount(code)
    kinds, people = np.unique(np.column_stack([sums, counts]), axis=0, return_counts=True)
    means = _replicates(kinds, people, draws, seed)
    low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2])
    return float(values.mean()), float(low), float(high)


def _replicates(kinds, people, draws, seed):
    """People with equal sums and counts are interchangeable, so a replicate is one multinomial draw of kinds."""
    rng = np.random.default_rng(seed)
    n, share = people.sum(), people / people.sum()
    means = np.empty(draws)
    for i in range(draws):
        total, records = rng.multinomial(n, share) @ kinds
        means[i] = total / records
    return means
