"""How few is too few: thresholds on distinct people, in one place for everything that leaves the kit.

A count of people below `k` is withheld, and with it others, until no withheld count can be worked out from the total by
somebody who knows this very rule.
"""

import numpy as np

from kit.errors import InputError

K_DEFAULT = 10
K_FLOOR = 5


def withhold_small(counts, k=K_DEFAULT):
    """Withhold every count of people from 1 to k - 1, and further cells until the total gives none of them away.

    Parameters
    ----------
    counts : pandas.Series of int
        Distinct people in each cell of one list whose total is known.
    k : int, default 10
        Smallest count that may be shown; below 5 is refused.

    Returns
    -------
    pandas.Series of Int64
        Same index; a withheld count is missing (`<NA>`). If every count together would still give one away, all are.

    Raises
    ------
    InputError
        If k is under the floor of 5.

    >>> import pandas as pd
    >>> withhold_small(pd.Series({"teal": 480, "amber": 17, "grey": 3})).isna().tolist()
    [False, True, True]
    """
    check_k(k)
    small = counts.between(1, k - 1).to_numpy()
    withheld = small.copy()
    rest = [i for i in counts.reset_index(drop=True).sort_values(kind="stable").index if counts.iloc[i] >= k]
    while withheld.any() and rest and _can_be_told(counts.to_numpy(), small, withheld, k):
        withheld[rest.pop(0)] = True
    return counts.astype("Int64").mask(withheld)


def _can_be_told(counts, small, withheld, k):
    """Whether the total of the withheld cells leaves only one value for any of them.

    The reader is taken to know the rule, and which cells are below k: those lie in 1 to k - 1, the others from k up.
    """
    total, low = counts[withheld].sum(), np.where(small[withheld], 1, k)
    high = np.where(small[withheld], k - 1, total)
    least = np.maximum(low, total - (high.sum() - high))
    most = np.minimum(high, total - (low.sum() - low))
    return bool((least >= most).any())


def check_k(k):
    """Refuse a threshold below the floor."""
    if not isinstance(k, int | np.integer) or k < K_FLOOR:
        raise InputError(f"The smallest count that may be shown must be a whole number of at least {K_FLOOR}, "
                         f"but got {k!r}.")
