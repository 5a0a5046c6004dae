"""From proximity records to contacts: badges that write down every few seconds whom they are near.

Such a record says "these two were near each other during the step that ended now". Studies speak of contacts and their
durations; this module makes the one from the other, and nothing more: no record is smoothed over or made up.
"""

import numpy as np
import pandas as pd

from kit import codes, tables
from kit.errors import InputError
from kit.movement.visits import check_table, counted, encode_ids, length_us

_NAT = np.iinfo(np.int64).min


def merge_contacts(contacts, step="20s"):
    """Join consecutive proximity records of a pair into contacts.

    Records of one pair exactly one `step` apart belong to one contact; any other distance starts a new one, so a single
    missed step divides a contact in two. A record's time is the end of its step: a contact begins one step before its
    first record and ends with its last one. Therefore

        finished_at - started_at == n_records * step

    and that is the duration which studies report; a contact of one record lasts one step, not zero.

    The awkward points: a pair is the same in either order, and comes back with the smaller id first. The order of the
    rows never matters. A record that is there twice (also once in each order) counts once. Records of a pair less than
    a step apart do not join, for they are not one step apart: a sign that `step` is not the data's own.
    Pairs may lie on different grids. Nobody is near themselves: such a record is refused.

    Parameters
    ----------
    contacts : pandas.DataFrame
        `subject_a, subject_b` (in either order)`, time` (with a zone; the end of the step).
    step : str or pandas.Timedelta
        How often the badges write; 20 s in the SocioPatterns studies.

    Returns
    -------
    pandas.DataFrame
        `subject_a, subject_b` (categories over all ids)`, started_at, finished_at, n_records`, by pair, then time.

    Raises
    ------
    InputError
        A column, an id or a time is missing; times are naive; somebody is paired with themselves; no usable step.

    References
    ----------
    Génois and Barrat 2018, EPJ Data Science 7:11, doi 10.1140/epjds/s13688-018-0140-1.

    >>> times = pd.to_datetime([40, 20, 100], unit="s", utc=True)
    >>> near = merge_contacts(pd.DataFrame({"subject_a": list("abb"), "subject_b": list("baa"), "time": times}))
    >>> near["n_records"].tolist(), (near["finished_at"] - near["started_at"]).dt.total_seconds().tolist()
    ([2, 1], [40.0, 20.0])
    """
    check_table(contacts, "proximity", ["subject_a", "subject_b", "time"])
    step_us = length_us(step, "step")
    if step_us == 0:
        raise InputError("step must be longer than nothing; give how often the badges write, such as '20s'.")
    first, second, ids = _pairs(contacts)
    time_us = tables.utc(contacts["time"]).array.asi8
    _refuse(time_us == _NAT, "no time")
    order = np.lexsort((time_us, second, first))
    first, second, time_us = first[order], second[order], time_us[order]
    other_pair = np.ones(len(order), bool)
    other_pair[1:] = (first[1:] != first[:-1]) | (second[1:] != second[:-1])
    apart = np.diff(time_us, prepend=0)
    kept = other_pair | (apart != 0)
    starts = np.flatnonzero((other_pair | (apart != step_us))[kept])
    first, second, time_us = first[kept], second[kept], time_us[kept]
    n_records = np.diff(np.append(starts, len(time_us)))
    return pd.DataFrame({
        "subject_a": codes.decode(first[starts], ids), "subject_b": codes.decode(second[starts], ids),
        "started_at": _utc(time_us[starts] - step_us), "finished_at": _utc(time_us[starts + n_records - 1]),
        "n_records": n_records.astype(np.int64)})


def _pairs(contacts):
    """Codes of the smaller and the larger id of each record, and the ids."""
    both = pd.concat([contacts["subject_a"], contacts["subject_b"]], ignore_index=True).rename("subject_a, subject_b")
    code, ids = codes.only_used(*encode_ids(both))
    a, b = code[:len(contacts)], code[len(contacts):]
    _refuse((a < 0) | (b < 0), "a subject missing")
    _refuse(a == b, "the same subject twice")
    return np.minimum(a, b), np.maximum(a, b), ids


def _refuse(bad, what):
    if bad.any():
        raise InputError(f"{counted(int(bad.sum()), 'proximity record')} {what}, first in row {int(np.argmax(bad))}; "
                         "remove or repair them.")


def _utc(time_us):
    return pd.Series(time_us.astype("datetime64[us]")).dt.tz_localize("UTC")
