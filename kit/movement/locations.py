"""From stays to locations: stays that lie close together, of one subject or of all, are at one location."""

from itertools import pairwise

import numpy as np
import pandas as pd

from kit import codes, geo, parallel, tables
from kit.errors import InputError
from kit.movement import order, stay_kernels
from kit.movement.stays import positions, radius
from kit.movement.visits import check_table, encode_ids, refuse_missing, row_numbers

_NAT = np.iinfo(np.int64).min


def find_locations(stays, radius_m=100, min_stays=1, shared=False):
    """Give stays that lie close together a location in common.

    Clusters by DBSCAN on great-circle distances: a stay with `min_stays` stays (itself counted) within `radius_m` makes
    a location, stays within `radius_m` of such a one belong to it, and chains of them are one location, which may so
    be wider than `radius_m`. With `min_stays=1` every stay has a location.

    trackintel's `generate_locations(epsilon=radius_m, num_samples=min_stays)` clusters in the same way, with
    `agg_level="dataset"` for `shared=True`; but its version 1.4.2 hands longitude to the distance where latitude
    belongs, so away from the line where the two are equal its radius is another one to the north than to the east.

    Parameters
    ----------
    stays : pandas.DataFrame
        `stay_id, subject_id, started_at, lon, lat`, in any order; see `kit.tables`.
    radius_m : float
        Metres on a sphere of radius 6,371,000 m.
    min_stays : int
        Fewest stays that make a location; those that belong to none have no `location_id`.
    shared : bool
        Whether subjects share locations; else each subject has their own.

    Returns
    -------
    stays : pandas.DataFrame
        The table given, in its order, with `location_id`.
    locations : pandas.DataFrame
        The `locations` table: `location_id` (from 0, by subject, then first stay; shared ones by first stay of the
        first subject)`, subject_id` (missing when shared)`, lon, lat` (mean of its stays)`, n_stays, n_subjects`.

    Raises
    ------
    InputError
        A column is missing or there twice; an id, time or position is missing or cannot be; an argument is none.

    References
    ----------
    Ester, Kriegel, Sander and Xu (1996), A density-based algorithm for discovering clusters, KDD-96, 226-231.

    >>> at = pd.to_datetime(["2031-03-12T08:00Z", "2031-03-12T09:00Z", "2031-03-12T10:00Z"])
    >>> stays = pd.DataFrame({"stay_id": [0, 1, 2], "subject_id": "d_1", "started_at": at,
    ...                       "lon": -123.39, "lat": [-48.88, -48.86, -48.8801]})
    >>> found, locations = find_locations(stays)
    >>> found["location_id"].tolist(), locations["n_stays"].tolist()
    ([0, 1, 0], [2, 1])
    """
    radius_m = radius(radius_m)
    if isinstance(min_stays, bool) or not isinstance(min_stays, (int, np.integer)) or min_stays < 1:
        raise InputError(f"min_stays must be a whole number from 1, but it is {min_stays!r}.")
    check_table(stays, "stays", ["stay_id", "subject_id", "started_at", "lon", "lat"])
    subject, subjects = encode_ids(stays["subject_id"])
    refuse_missing(subject < 0, stays, "subject_id")
    time_us = tables.utc(stays["started_at"], "started_at").array.asi8
    refuse_missing(time_us == _NAT, stays, "started_at")
    lon, lat = positions(stays, "stays")
    subject, _, row = order.rows_by_subject(subject, time_us, row_numbers(stays, "stay_id"), len(subjects))
    label = _labels(subject, lon[row], lat[row], radius_m, int(min_stays), shared)
    locations = _locations(label, subject, subjects, lon[row], lat[row], shared)
    as_given = np.empty(len(label), np.int32)
    as_given[row] = label
    return stays.assign(location_id=codes.decode(as_given, pd.RangeIndex(len(locations)))), locations


def _labels(subject, lon, lat, radius_m, min_stays, shared):
    """Location of each sorted stay, from 0; -1 for none."""
    from sklearn.cluster import DBSCAN  # takes a second to import, which most calls of the kit need not wait for

    clusters = DBSCAN(eps=radius_m / geo.EARTH_RADIUS_M, min_samples=min_stays, algorithm="ball_tree",
                      metric="haversine")
    points = np.radians(np.column_stack([lat, lon]))
    edges = [0, len(subject)] if shared else [0, *(np.flatnonzero(np.diff(subject)) + 1), len(subject)]
    label, n = np.full(len(subject), -1, np.int32), 0
    for start, stop in pairwise(edges):
        if start < stop:
            own = clusters.fit_predict(points[start:stop])
            label[start:stop] = np.where(own < 0, -1, own + n)
            n += own.max() + 1
    return label


def _locations(label, subject, subjects, lon, lat, shared):
    by = np.argsort(label, kind="stable")
    by = by[np.searchsorted(label[by], 0):]
    first = np.flatnonzero(np.diff(label[by], prepend=-1))
    last = np.append(first[1:], len(by))[: len(first)] - 1
    middle = np.empty(len(first)), np.empty(len(first))
    parallel.run(stay_kernels.middles, [(lon[by], lat[by], first, last, *span, False, *middle)
                                        for span in parallel.spans(len(first), 8 * parallel.cores())])
    pairs = np.unique(np.column_stack([label[by], subject[by]]), axis=0)[:, 0]
    return pd.DataFrame({
        "location_id": codes.decode(np.arange(len(first), dtype=np.int32), pd.RangeIndex(len(first))),
        "subject_id": codes.decode(np.full(len(first), -1, np.int32) if shared else subject[by][first], subjects),
        "lon": middle[0],
        "lat": middle[1],
        "n_stays": last - first + 1,
        "n_subjects": np.bincount(pairs, minlength=len(first)),
    }, copy=False)
