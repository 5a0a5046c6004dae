"""What linkage finds where there is nothing to find: a clone of a table in which nobody is anybody."""

import numpy as np

from kit import tables
from kit.city.people import check_seed
from kit.movement.visits import check_table, encode_ids


def null_clone(records, seed=0, tz="UTC"):
    """Shuffle whose days are whose: on each day, the people seen that day exchange their whole records.

    How many were where and when stays to the last record, and so does how many days each subject was seen; what ties
    one day of a person to the next is cut. Linked with any table, it shows what scores chance reaches. Strangers of
    the clone have no home: it is a null for "no tie at all", not for "another person of the same house".

    Parameters
    ----------
    records : pandas.DataFrame
        `subject_id, time` and anything else.
    seed : int
    tz : str
        Whose midnight parts the days.

    Returns
    -------
    pandas.DataFrame
        The same records with other subject_ids; those of no subject keep none.

    References
    ----------
    Cecaj, A., Mamei, M., Zambonelli, F. (2016). Re-identification and information fusion between anonymized CDR and
    social network data. JAIHC 7, 83-96. doi:10.1007/s12652-015-0303-x

    >>> import pandas as pd
    >>> when = pd.to_datetime(["2031-03-12T08:00Z", "2031-03-12T09:00Z", "2031-03-13T08:00Z"])
    >>> seen = pd.DataFrame({"subject_id": ["x", "y", "x"], "sensor_id": ["a", "b", "a"], "time": when})
    >>> null_clone(seen, seed=2)["subject_id"].value_counts().to_dict()
    {'x': 2, 'y': 1}
    """
    check_table(records, "sightings", ["subject_id", "time"])
    rng = np.random.default_rng(check_seed(seed))
    code, ids = encode_ids(records["subject_id"])
    day = tables.utc(records["time"]).dt.tz_convert(tz).dt.floor("D").astype("int64").to_numpy()
    order = np.lexsort((code, day))
    order = order[code[order] >= 0]
    block = np.append(True, (code[order][1:] != code[order][:-1]) | (day[order][1:] != day[order][:-1]))[:len(order)]
    first = np.flatnonzero(block)
    owner, when = code[order][first], day[order][first]
    shuffled = owner[np.lexsort((rng.random(len(owner)), when))]
    out = code.copy()
    out[order] = shuffled[np.cumsum(block) - 1]
    names = np.append(np.asarray(ids, object), None)[out]
    return records.assign(subject_id=names)
