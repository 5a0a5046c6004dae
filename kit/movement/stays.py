"""From fixes to stays: where somebody with a GPS device stopped, and for how long.

The libraries of the field disagree on three points, so these are arguments here: what closes a stay, which fix ends
it, and what a silence does.
"""

import math

import numpy as np
import pandas as pd
from numba import njit

from kit import codes, parallel, tables
from kit.errors import InputError
from kit.movement import diameter, order, stay_kernels
from kit.movement.visits import (
    check_table,
    counted,
    encode_ids,
    length_us,
    refuse_missing,
    row_numbers,
    utc_column,
)

_NAT = np.iinfo(np.int64).min
_FOREVER = np.iinfo(np.int64).max
_LOOPS = {"anchor": stay_kernels.by_anchor, "median": stay_kernels.by_median,
          "diameter": diameter.by_diameter}


def find_stays(fixes, radius_m=100, min_duration="5min", max_gap="15min", closes_on="anchor",
               ends_at="first_outside", include_last=False, edge_belongs=False, longer_only=False, at_gap="discard",
               middle=None):
    """Find where each subject stopped.

    Fixes are taken in order of time, at one instant by `fix_id`, so the order of the rows never matters; a fix that
    repeats another of the same subject, time and position is left out. What closes a stay:

    anchor, median
        A stay begins with a fix and lasts while the next ones lie within `radius_m` of its first fix, or of the median
        longitude and latitude of its fixes so far. The first fix outside begins what may be the next stay.
    diameter
        A window of fixes, up to `min_duration` long, slides along until the smallest turned rectangle round it has a
        diagonal below `radius_m`; the stay lasts while that holds for all its fixes.

    It counts as a stay when it lasted `min_duration`, measured between the two times that are reported. The semantics
    of other libraries, each one setting:

    ============ ============= =============== ================ =============
    argument     trackintel    scikit-mobility infostop, step 1 movingpandas
    ============ ============= =============== ================ =============
    closes_on    anchor        anchor          median           diameter
    radius_m     dist_thresh.  spatial_radius  r1               max_diameter
    edge_belongs False         True            True             False
    longer_only  False         True            False            False
    ends_at      first_outside first_outside   last_inside      last_inside
    max_gap      15min         None            1D               None
    at_gap       discard       (no gap rule)   close            (no gap rule)
    include_last False         True            True             True
    middle       mean          median          median           median
    ============ ============= =============== ================ =============

    Subjects, begins and ends are then theirs; two positions differ:
    trackintel averages each distinct position of a stay once, this function every fix once; scikit-mobility leaves
    the very last fix of a subject out of the median. movingpandas drops all but the first fix of an instant; drop them
    before, where there are any.

    Parameters
    ----------
    fixes : pandas.DataFrame
        `fix_id, subject_id, time, lon, lat`, in any order; see `kit.tables`.
    radius_m : float
        Metres on a sphere of radius 6,371,000 m; for "diameter" on the ellipsoid WGS 84.
    min_duration : str or pandas.Timedelta
        Shortest stay; exactly that long suffices, unless `longer_only`.
    max_gap : str, pandas.Timedelta or None
        Longest silence between two fixes of a stay; None for any.
    closes_on : {"anchor", "median", "diameter"}
    ends_at : {"first_outside", "last_inside"}
        Which fix gives `finished_at`. The first assumes that nobody left before they were seen elsewhere.
    include_last : bool
        Keep the stay that is open when a subject's fixes end; it finishes with the last of them.
    edge_belongs : bool
        Whether a fix at exactly `radius_m` still belongs.
    longer_only : bool
        Whether a stay must last longer than `min_duration`.
    at_gap : {"discard", "close"}
        What a longer silence does to an open stay; "close" ends it with the last fix before.
    middle : {"mean", "median"}, optional
        How `lon` and `lat` are made from the fixes inside: for "anchor" the mean, else the median. Both see across
        180 degrees; next to a pole only the mean means something.

    Returns
    -------
    pandas.DataFrame
        The `stays` table, by `subject_id`, then time: `stay_id` (from 0 in that order)`, subject_id, started_at,
        finished_at, lon, lat, n_fixes` (those inside; never the one outside)`, first_fix_id, last_fix_id`.

    Raises
    ------
    InputError
        A column is missing or there twice; times are naive; a time, id or coordinate is missing or cannot be; an
        argument is none of those above.

    References
    ----------
    Li, Zheng, Xie, Chen, Liu and Ma (2008), Mining user similarity based on location history, ACM GIS,
    doi:10.1145/1463434.1463477.

    >>> times = pd.to_datetime(["2031-03-12T08:00Z", "2031-03-12T08:05Z", "2031-03-12T08:06Z"])
    >>> fixes = pd.DataFrame({"fix_id": [0, 1, 2], "subject_id": "d_1", "time": times,
    ...                       "lon": -123.39, "lat": [-48.88, -48.88, -48.87]})
    >>> stays = find_stays(fixes)
    >>> (stays["finished_at"] - stays["started_at"]).tolist(), stays["n_fixes"].tolist()
    ([Timedelta('0 days 00:06:00')], [2])
    """
    rule = _rule(min_duration, max_gap, ends_at, include_last, edge_belongs, longer_only, at_gap)
    loop, radius_m, middle = _loop(closes_on), radius(radius_m), _middle(middle, closes_on)
    check_table(fixes, "fixes", ["fix_id", "subject_id", "time", "lon", "lat"])
    subject, subjects, time_us, lon, lat, number = _sorted(fixes)
    columns = _stays(subject, time_us, lon, lat, loop, rule, radius_m, middle == "median")
    return _frame(columns, subject, subjects, time_us, number)


def _rule(min_duration, max_gap, ends_at, include_last, edge_belongs, longer_only, at_gap):
    for name, value, known in (("ends_at", ends_at, ("first_outside", "last_inside")),
                               ("at_gap", at_gap, ("discard", "close"))):
        if value not in known:
            raise InputError(f"{name} must be '{known[0]}' or '{known[1]}', but it is {value!r}.")
    longest_gap_us = _FOREVER if max_gap is None else length_us(max_gap, "max_gap")
    shortest_us = length_us(min_duration, "min_duration") + bool(longer_only)
    return (shortest_us, longest_gap_us, bool(edge_belongs), ends_at == "first_outside", bool(include_last),
            at_gap == "close")


def _loop(closes_on):
    if closes_on not in _LOOPS:
        raise InputError(f"closes_on must be one of {', '.join(map(repr, _LOOPS))}, but it is {closes_on!r}.")
    return _LOOPS[closes_on]


def radius(radius_m):
    """A length in metres above zero, as a float."""
    is_length = isinstance(radius_m, (int, float, np.number)) and not isinstance(radius_m, bool)
    if not (is_length and 0 < radius_m < math.inf):
        raise InputError(f"radius_m must be a number of metres above zero, but it is {radius_m!r}.")
    return float(radius_m)


def _middle(middle, closes_on):
    if middle not in (None, "mean", "median"):
        raise InputError(f"middle must be 'mean' or 'median', but it is {middle!r}.")
    return middle or ("mean" if closes_on == "anchor" else "median")


def _sorted(fixes):
    """The columns in order of subject, time and number, repeats left out."""
    subject, subjects = encode_ids(fixes["subject_id"])
    refuse_missing(subject < 0, fixes, "subject_id")
    time_us = tables.utc(fixes["time"]).array.asi8
    refuse_missing(time_us == _NAT, fixes, "time")
    number = row_numbers(fixes, "fix_id")
    lon, lat = positions(fixes, "fixes")
    subject, time_us, row = order.rows_by_subject(subject, time_us, _ranks(number, lon, lat), len(subjects))
    lon, lat, number = lon[row], lat[row], number[row]
    keep = _not_repeated(subject, time_us, lon, lat)
    if keep is not None:
        subject, time_us, lon, lat, number = (a[keep] for a in (subject, time_us, lon, lat, number))
    return subject, subjects, time_us, lon, lat, number


def positions(frame, table):
    """Longitude and latitude as floats; positions that cannot be are refused."""
    lon, lat = (np.ascontiguousarray(frame[c].to_numpy(dtype=np.float64, na_value=np.nan)) for c in ("lon", "lat"))
    n_lost, first_lost, n_outside, first_outside = _impossible(lon, lat)
    if n_lost:
        raise InputError(f"{counted(n_lost, 'row')} no position (lon or lat is missing) in the {table} table, first in "
                         f"row {first_lost}; remove or repair them.")
    if n_outside:
        raise InputError(f"{counted(n_outside, 'row')} a position outside longitude -180 to 180, latitude -90 to 90 in "
                         f"the {table} table, first in row {first_outside}; are longitude and latitude swapped?")
    return lon, lat


@njit(cache=True, nogil=True)
def _impossible(lon, lat):
    n_lost, first_lost, n_outside, first_outside = 0, -1, 0, -1
    for i in range(len(lon)):
        if np.isnan(lon[i]) or np.isnan(lat[i]):
            first_lost = i if n_lost == 0 else first_lost
            n_lost += 1
        elif abs(lon[i]) > 180 or abs(lat[i]) > 90:
            first_outside = i if n_outside == 0 else first_outside
            n_outside += 1
    return n_lost, first_lost, n_outside, first_outside


def _ranks(number, lon, lat):
    """What settles ties: the number, or where a number names several rows, its rank among numbers and positions."""
    if (number[1:] > number[:-1]).all():
        return number
    by = np.lexsort((lat, lon, number))
    if (np.diff(number[by]) > 0).all():
        return number
    ranks = np.empty(len(by), np.int64)
    ranks[by] = np.arange(len(by))
    return ranks


def _not_repeated(subject, time_us, lon, lat):
    """Which sorted fixes repeat no earlier one of the same subject, time and position; None when none does."""
    same = (time_us[1:] == time_us[:-1]) & (subject[1:] == subject[:-1])
    if not same.any():
        return None
    tied = np.flatnonzero(np.append(False, same) | np.append(same, False))
    instant = np.cumsum(~np.append(False, same))[tied]
    by = np.lexsort((tied, lat[tied], lon[tied], instant))
    a, b = by[:-1], by[1:]
    again = (instant[a] == instant[b]) & (lon[tied[a]] == lon[tied[b]]) & (lat[tied[a]] == lat[tied[b]])
    keep = np.ones(len(subject), bool)
    keep[tied[b[again]]] = False
    return None if keep.all() else keep


def _stays(subject, time_us, lon, lat, loop, rule, radius_m, median):
    """Sorted arrays in, arrays out: first, last and finishing fix and position, one entry a stay."""
    n = len(subject)
    found = tuple(np.empty(n, np.int64) for _ in range(3))
    spans = [span for span in order.subject_spans(subject, 8 * parallel.cores()) if span[0] < span[1]]
    counts = parallel.run(loop, [(subject, time_us, lon, lat, *span, rule, radius_m, *found) for span in spans])
    pieces = [slice(start, start + count) for (start, _), count in zip(spans, counts, strict=True)]
    first, last, finish = (np.concatenate([a[:0], *(a[piece] for piece in pieces)]) for a in found)
    middle = np.empty(len(first)), np.empty(len(first))
    parallel.run(stay_kernels.middles, [(lon, lat, first, last, *span, median, *middle)
                                        for span in parallel.spans(len(first), 8 * parallel.cores())])
    return first, last, finish, *middle


def _frame(columns, subject, subjects, time_us, number):
    first, last, finish, lon, lat = columns
    return pd.DataFrame({
        "stay_id": np.arange(len(first)),
        "subject_id": codes.decode(subject[first], subjects),
        "started_at": utc_column(time_us[first]),
        "finished_at": utc_column(time_us[finish]),
        "lon": lon,
        "lat": lat,
        "n_fixes": last - first + 1,
        "first_fix_id": number[first],
        "last_fix_id": number[last],
    }, copy=False)
