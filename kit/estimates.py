"""An estimate is never a bare number: shares get a Wilson interval, everything else a bootstrap by person."""

import numpy as np
import pandas as pd
from scipy.special import ndtri

from kit.errors import InputError

MOST_DRAWS = 10**7


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
        Text instead of numbers, more successes than trials, negative counts, or a level outside 0..1.

    References
    ----------
    Wilson, E. B. (1927). Probable inference, the law of succession, and statistical inference. JASA 22, 209-212.
    doi:10.1080/01621459.1927.10502953

    >>> [round(float(x), 4) for x in wilson(8, 10)]
    [0.4902, 0.9433]
    """
    successes, n = np.broadcast_arrays(_numbers(successes, "successes"), _numbers(n, "n"))
    _need_level(level)
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
        Bootstrap replicates, from 1 to 10 million.
    level : float
        Coverage, between 0 and 1.
    seed : int
        From 0.

    Returns
    -------
    estimate, low, high : float
        The mean over records and its interval; NaN when there are no values. With a handful of people the interval is
        coarse, and where all values are equal it has no width: it knows no other values than those it was given.

    Raises
    ------
    InputError
        Values or persons are missing or differ in number, or draws, level or seed are out of range.

    References
    ----------
    Efron, B. (1979). Bootstrap methods: another look at the jackknife. Annals of Statistics 7, 1-26.
    doi:10.1214/aos/1176344552

    >>> bootstrap_by_person([1.0, 1.0, 1.0])
    (1.0, 1.0, 1.0)
    """
    values = _numbers(values, "values")
    if values.ndim != 1:
        raise InputError(f"values must be one list of numbers, but it has {values.ndim} dimensions.")
    _need_whole(draws, "draws", 1, MOST_DRAWS)
    _need_level(level)
    _need_whole(seed, "seed", 0)
    if np.isnan(values).any():
        n = int(np.isnan(values).sum())
        raise InputError(f"{n} {'value is' if n == 1 else 'values are'} missing; leave those records out and say so.")
    code = np.arange(len(values)) if person is None else _codes_of(person, len(values))
    if len(values) == 0:
        return np.nan, np.nan, np.nan
    sums, counts = np.bincount(code, values), np.bincount(code)
    kinds, people = np.unique(np.column_stack([sums, counts]), axis=0, return_counts=True)
    means = _replicates(kinds, people, draws, seed)
    low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2])
    return float(values.mean()), float(low), float(high)


def _codes_of(person, n):
    person = person if isinstance(person, pd.Series) else np.asarray(person)
    if np.ndim(person) != 1 or len(person) != n:
        persons = len(person) if np.ndim(person) else 1
        raise InputError(f"Values and persons differ in number ({n} and {persons}); give one person for each value.")
    missing = pd.isna(person)
    if missing.any():
        raise InputError(f"The person is missing for {int(missing.sum())} of {n} values, first in row "
                         f"{int(np.argmax(missing))}; leave those records out and say so.")
    return pd.factorize(person)[0]


def _numbers(values, name):
    try:
        return np.asarray(values, float)
    except (ValueError, TypeError):
        raise InputError(f"{name} must be numbers, but something among them is not; convert it or leave it out."
                         ) from None


def _need_level(level):
    if not isinstance(level, (int, float, np.number)) or not 0 < level < 1:
        raise InputError(f"level must lie between 0 and 1, but it is {level!r}.")


def _need_whole(value, name, least, most=None):
    if (not isinstance(value, (int, np.integer)) or isinstance(value, bool) or value < least
            or (most is not None and value > most)):
        span = f"of at least {least}" if most is None else f"from {least} to {most:,}"
        raise InputError(f"{name} must be a whole number {span}, but it is {value!r}.")


def _replicates(kinds, people, draws, seed):
    """People with equal sums and counts are interchangeable, so a replicate is one multinomial draw of kinds."""
    rng = np.random.default_rng(seed)
    n, share = people.sum(), people / people.sum()
    means = np.empty(draws)
    for i in range(draws):
        total, records = rng.multinomial(n, share) @ kinds
        means[i] = total / records
    return means
