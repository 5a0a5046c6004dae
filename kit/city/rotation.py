"""An export that changes everybody's pseudonym every few days, as a remedy would, with the truth for scoring it."""

import numpy as np
import pandas as pd

from kit import codes
from kit.city.people import check_seed
from kit.errors import InputError


def rotate_pseudonyms(records, days=7, seed=0, tz="Etc/GMT-8"):
    """Give each subject a new pseudonym in each period of so many local days, drawn anew and tied to nothing.

    Periods count from the first local day of the records. Records of no subject keep none.

    Parameters
    ----------
    records : pandas.DataFrame
        `subject_id`, `time` and anything else.
    days : int
        From 1 up.
    seed : int
        Decides the pseudonyms.
    tz : str
        Whose midnight ends a day.

    Returns
    -------
    rotated : pandas.DataFrame
        The records with other subject_ids, `r_<period>_<number>`.
    truth : pandas.DataFrame
        `subject_id, period, pseudonym, n_records`.

    Raises
    ------
    InputError
        When `days` or `seed` is no usable whole number.

    >>> when = pd.to_datetime(["2031-03-03T00:00Z", "2031-03-12T00:00Z"])
    >>> rotated, truth = rotate_pseudonyms(pd.DataFrame({"subject_id": "p_1", "time": when}))
    >>> rotated["subject_id"].tolist()
    ['r_0_0', 'r_1_0']
    """
    if isinstance(days, bool) or not isinstance(days, int | np.integer) or days < 1:
        raise InputError(f"days must be a whole number from 1 up, but it is {days!r}; give 7, say.")
    rng = np.random.default_rng(check_seed(seed))
    subject, ids = codes.encode(records["subject_id"])
    known = subject >= 0
    local = records["time"].dt.tz_convert(tz).dt.tz_localize(None).dt.floor("D").astype("datetime64[s]")
    day = local.to_numpy().astype("int64") // 86_400
    period = (day - (day[known].min() if known.any() else 0)) // days
    pairs = pd.DataFrame({"period": period, "subject": subject})[known]
    truth = pairs.groupby(["period", "subject"]).size().rename("n_records").reset_index()
    turn = np.lexsort((rng.random(len(truth)), truth["period"]))
    number = np.empty(len(truth), np.int64)
    start = np.searchsorted(truth["period"].to_numpy(), truth["period"].to_numpy())
    number[turn] = np.arange(len(truth)) - start
    truth["pseudonym"] = "r_" + truth["period"].astype(str) + "_" + pd.Series(number).astype(str)
    row = truth.set_index(["period", "subject"])["pseudonym"].reindex(pd.MultiIndex.from_arrays([period, subject]))
    truth["subject_id"] = ids[truth["subject"]]
    return (records.assign(subject_id=row.astype(object).where(row.notna(), None).to_numpy()),
            truth[["subject_id", "period", "pseudonym", "n_records"]])
