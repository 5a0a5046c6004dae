"""How few is too few: thresholds on distinct people, in one place for everything that leaves the kit.

A count of people below `k` is withheld; so is a second one when a single gap could be filled in from the total.
"""

from kit.errors import InputError

K_DEFAULT = 10
K_FLOOR = 5


def withhold_small(counts, k=K_DEFAULT):
    """Withhold every count of people from 1 to k - 1, and a second cell where one alone could be told from the total.

    Parameters
    ----------
    counts : pandas.Series of int
        Distinct people in each cell of one list whose total is known.
    k : int, default 10
        Smallest count that may be shown; below 5 is refused.

    Returns
    -------
    pandas.Series of Int64
        Same index; a withheld count is missing (`<NA>`). What is withheld adds up to at least k wherever it can.

    Raises
    ------
    InputError
        If k is under the floor of 5.

    >>> import pandas as pd
    >>> withhold_small(pd.Series({"teal": 480, "amber": 17, "grey": 3})).isna().tolist()
    [False, True, True]
    """
    check_k(k)
    shown = counts.astype("Int64")
    small = counts.between(1, k - 1)
    withheld = small.copy()
    others = counts[counts >= k].sort_values(kind="stable")
    if withheld.any() and counts[withheld].sum() < k and len(others):
        withheld[others.index[0]] = True
    return shown.mask(withheld)


def check_k(k):
    """Refuse a threshold below the floor."""
    if not isinstance(k, int) or k < K_FLOOR:
        raise InputError(f"The smallest count that may be shown must be a whole number of at least {K_FLOOR}, "
                         f"but got {k!r}.")
