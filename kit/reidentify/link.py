"""Link two tables that share no key: who on the left is who on the right, judged by where and when they were seen."""

import numbers
import warnings

import numpy as np
import pandas as pd

from kit import tables
from kit.errors import InputError
from kit.reidentify.link_bins import Counted, pairing_of
from kit.reidentify.link_choice import alone, exchange_margin, least_cost_matching, probability_of_same
from kit.reidentify.link_evidence import beats_chance
from kit.reidentify.link_near import count_alibis, near_scores
from kit.reidentify.link_null import null_clone
from kit.reidentify.link_offset import find_clock_offset
from kit.reidentify.link_tables import check_records, length_of, seconds_within, subjects_of, tracks_of
from kit.reidentify.points import make_points
from kit.reidentify.topn import top_pairs

METHODS = ("poisson", "idf", "histogram", "transition")
FEWEST_KEPT, ALL_PAIRS = 50, 4_000_000


def link(left, right, method="poisson", place="0.01deg", time=None, one_to_one=False, top=10, *, within=None,
         sensors=None, max_speed_kmh=None, slack_m=0.0, alibi_share=0.0, clock_offset="0s", open_world=False,
         prior=None, seed=0):
    """Rank, for each subject of one table, the subjects of another that may be the same person.

    Ids are never compared, only where and when. Pairs that share no bin are no candidates. A high score says that two
    records resemble each other more than chance lets strangers do; people who live and work together do so too, and a
    clock or a sensor that errs makes the guilty out of the absent. Look at `margin` before `score`, and at
    `score_links` on an invented city before either.

    Measured in three fresh cities (seeds 401 to 403, benchmarks/linkage.py): phones to vehicles within 30 minutes,
    the true one ranked first for 80 to 87 %, recall at precision 0.95 of 0.50 to 0.61 (one to one 0.46 to 0.67, of an
    oracle's 0.48 to 0.70); phones to cards, one to one, 62 to 66 % right, 0.16 to 0.33 at that precision; faces under
    weekly pseudonyms, week to week, 34 % right. In shuffled clones all are at chance.

    Parameters
    ----------
    left, right : pandas.DataFrame
        `subject_id`, `time` (unless `time` is None and nothing below asks for it), and `sensor_id` or `lon, lat`.
    method : {"poisson", "idf", "histogram", "transition"}
        "poisson": log odds of one person against two. With time bins, a bin that both were in counts the more the
        fewer were (Riederer); without, hours spent at a place, and at which hour of day, follow rates of each person's
        own (Poisson with a gamma prior fitted to both tables). "idf": cosine of rare bins. "histogram": the divergence
        of two histograms from their mean (Naini). "transition": chains of places, one against two (after Gambs, who
        compares distances).
    place, time
        As `make_points` takes them. Time None compares habits, as two periods need; a width such as "1h" compares
        meetings, which asks that the two tables cover the same days.
    one_to_one : bool
        Each subject in one pair at most, so that the sum of scores is greatest.
    top : int
        Candidates for each left subject.
    within : str or pandas.Timedelta, optional
        Tolerance, for method "poisson" where sensors stand at other places or tick at other times: records so near in
        time are compared by distance. Place and time are then not binned. It need not be known well: too narrow
        misses meetings where records are sparse, too wide blurs them.
    sensors : geopandas.GeoDataFrame, optional
        Where sensors stand, for grids, tolerance and alibis.
    max_speed_kmh, slack_m, alibi_share : float, optional
        A pair is excluded when more than this share of its successive records of two tables would need more than
        that speed, after taking off the slack in metres.
    clock_offset : str or pandas.Timedelta or "estimate"
        By how much the right table's clock is ahead of the left's. "estimate", with tolerance only, takes the best of
        `find_clock_offset` within six hours.
    open_world : bool
        One row for each left subject: the best candidate and the `probability` that it is the same person, or, where
        that is below a half, no right_id at all. It is fitted against a shuffled clone of the right table, in which
        nobody is anybody: strangers who share a home are not in that null, so it is too sure of those.
    prior : float, optional
        Share of left subjects that are on the right at all; default: as the excess over the clone says.
    seed : int
        Of the shuffled clone.

    Returns
    -------
    pandas.DataFrame
        `left_id, right_id, score, rank, margin` and, in an open world, `probability`; sorted by left_id and rank.
        Margin is the score less the best rival's, for either of the two; one to one, what the whole matching would
        lose by giving the pair up; where there is no rival, the score less that of a pair that shares nothing. Equal
        scores are ranked by right_id and have margin 0. Left subjects without a candidate have no row.

    Warns
    -----
    UserWarning
        With tolerance, where pairs that choose each other fit hardly better than the same tuning finds in shuffled
        records, of ten subjects or more in either table.

    Raises
    ------
    InputError
        Columns are missing or an argument is none of those above, the tables share no time bin, or what
        `make_points` refuses.

    References
    ----------
    Riederer, C., Kim, Y., Chaintreau, A., Korula, N., Lattanzi, S. (2016). Linking users across domains with location
    data. WWW, 707-719. doi:10.1145/2872427.2883002
    Naini, F. M., Unnikrishnan, J., Thiran, P., Vetterli, M. (2016). Where you are is who you are: user identification
    by matching statistics. IEEE TIFS 11, 358-372. doi:10.1109/TIFS.2015.2498131
    Gambs, S., Killijian, M.-O., Nunez del Prado Cortez, M. (2014). De-anonymization attack on geolocated data. JCSS
    80, 1597-1614. doi:10.1016/j.jcss.2014.04.024
    Wang, H., Gao, C., Li, Y., Wang, G., Jin, D., Sun, J. (2018). De-anonymization of mobility trajectories: dissecting
    the gaps between theory and practice. NDSS. doi:10.14722/ndss.2018.23211
    Cecaj, A., Mamei, M., Zambonelli, F. (2016). Re-identification and information fusion between anonymized CDR and
    social network data. JAIHC 7, 83-96. doi:10.1007/s12652-015-0303-x

    >>> when = pd.to_datetime(["2031-03-12T08:00Z", "2031-03-12T12:00Z"] * 2)
    >>> one = pd.DataFrame({"subject_id": ["x", "x", "y", "y"], "sensor_id": list("abac"), "time": when})
    >>> two = one.assign(subject_id=["q", "q", "r", "r"])
    >>> link(one, two, place="sensor", top=1)[["left_id", "right_id"]].values.tolist()
    [['x', 'q'], ['y', 'r']]
    """
    job = _Job(method, place, time, one_to_one, top, within, sensors, max_speed_kmh, slack_m, alibi_share, open_world,
               prior)
    _check(left, right, job)
    if isinstance(clock_offset, str) and clock_offset == "estimate":
        clock_offset = pd.Timedelta(find_clock_offset(left, right, within, sensors=sensors)["offset_s"].iloc[0], "s")
    right = _shifted(right, clock_offset)
    ids = subjects_of(left), subjects_of(right)
    if not len(ids[0][1]) or not len(ids[1][1]):
        return _frame(np.empty(0, int), np.empty(0, int), np.empty(0), np.empty(0), ids, job)
    pairs, tuned, of_nothing = _candidates(left, right, ids, job)
    if not open_world:
        return _ranked(*pairs, of_nothing, ids, job)
    shuffled = null_clone(right, seed)
    chance, _, of_chance = _candidates(left, shuffled, (ids[0], subjects_of(shuffled)), job, tuned)
    return _judged((*pairs, of_nothing), (*chance, of_chance), ids, job)


class _Job:
    """What was asked for."""

    def __init__(self, *asked):
        (self.method, self.place, self.time, self.one_to_one, self.top, self.within, self.sensors, self.max_speed_kmh,
         self.slack_m, self.alibi_share, self.open_world, self.prior) = asked


def _check(left, right, job):
    if job.method not in METHODS:
        raise InputError(f"method must be one of {', '.join(METHODS)}, but it is {job.method!r}.")
    if isinstance(job.top, bool) or not isinstance(job.top, numbers.Integral) or job.top < 1:
        raise InputError(f"top must be a whole number from 1 up, but it is {job.top!r}.")
    if job.within is not None and job.method != "poisson":
        raise InputError(f"Tolerance (within) belongs to the method 'poisson'; leave it out with {job.method!r}.")
    if job.within is not None:
        seconds_within(job.within)
    if job.prior is not None and not (isinstance(job.prior, numbers.Real) and 0 <= job.prior <= 1):
        raise InputError(f"prior must be a share from 0 to 1, but it is {job.prior!r}.")
    if job.max_speed_kmh is not None and not (isinstance(job.max_speed_kmh, numbers.Real) and job.max_speed_kmh > 0):
        raise InputError(f"max_speed_kmh must be a speed above 0, but it is {job.max_speed_kmh!r}.")
    timed = (job.time, job.within, job.max_speed_kmh) != (None, None, None) or job.open_world
    check_records(left, right, timed)


def _shifted(right, clock_offset):
    offset = length_of(clock_offset, "clock_offset")
    return right if not offset else right.assign(time=tables.utc(right["time"]) - offset)


def _candidates(left, right, ids, job, tuned=None):
    """Candidate pairs (left row, right row, score), more than asked for, so that rivals are known; the tuning; and what
    a pair that shares nothing would score."""
    if job.within is not None:
        left, right = tracks_of(left, right, ids, job.sensors)
        scores, tuned = _near(left, right, job.within, tuned)
        row, column = np.indices(scores.shape).reshape(2, -1)
        pairs, of_nothing = (row, column, scores.ravel().astype(float)), _even_odds
    else:
        n, m = len(ids[0][1]), len(ids[1][1])
        speedy = job.max_speed_kmh is not None
        kept = m if speedy and n * m <= ALL_PAIRS else max(job.top + 1, FEWEST_KEPT, 10 * job.top * speedy)
        pairing = pairing_of(_counted(left, right, ids, job), job.method)
        of_nothing = pairing.of_nothing
        best, score = top_pairs(pairing, min(kept, m))
        row = np.repeat(np.arange(n), best.shape[1])[best.ravel() >= 0]
        pairs = row, best.ravel()[best.ravel() >= 0].astype(np.int64), score.ravel()[best.ravel() >= 0]
        left, right = tracks_of(left, right, ids, job.sensors) if speedy else (None, None)
    if job.max_speed_kmh is not None:
        found = count_alibis(left.first, left.time_s, left.x_m, left.y_m, right.first, right.time_s, right.x_m,
                             right.y_m, pairs[0], pairs[1], job.max_speed_kmh / 3.6, float(job.slack_m))
        possible = found[:, 0] <= job.alibi_share * found[:, 1]
        pairs = tuple(a[possible] for a in pairs)
    return pairs, tuned, of_nothing


def _near(left, right, within, tuned):
    """Scores with tolerance and their tuning, and a warning where a first tuning learned from chance."""
    within_s = seconds_within(within)
    scores, rates = near_scores(left, right, within_s, tuned)
    if tuned is None and not beats_chance(left, right, within_s, scores):
        warnings.warn(f"Within {within} the pairs that choose each other fit hardly better than in shuffled records: "
                      "take no link for a finding, and try another tolerance.", UserWarning, stacklevel=4)
    return scores, rates


def _even_odds(left, right):
    return np.zeros(len(left))


def _counted(left, right, ids, job):
    """Both tables' points on one grid."""
    n = len(ids[0][1])
    where = [c for c in ("sensor_id", "lon", "lat") if c in left.columns and c in right.columns]
    both = pd.concat([f[where].astype({c: object for c in where if c == "sensor_id"}) for f in (left, right)],
                     ignore_index=True)
    who = np.concatenate([ids[0][0], np.where(ids[1][0] >= 0, ids[1][0] + n, -1)])
    untimed = job.time is None and not ("time" in left.columns and "time" in right.columns)
    if untimed:
        both["time"] = pd.to_datetime(np.arange(len(both)), unit="h", utc=True).astype("datetime64[us, UTC]")
    else:
        both["time"] = pd.concat([tables.utc(left["time"]), tables.utc(right["time"])]).array
    both["subject_id"] = who
    points = make_points(both[who >= 0], job.place, job.time or "1h", sensors=job.sensors)
    counted = Counted(points.subjects.to_numpy()[points.subject], points.place, points.bin, n, len(ids[1][1]),
                      len(points.places), job.time is not None, None if untimed else _hours(points))
    if counted.timed:
        _need_shared_time(counted, job.time)
    return counted


def _hours(points):
    return points.bins.hour.to_numpy()[points.bin] if len(points) else points.bin


def _need_shared_time(counted, time):
    is_left = counted.subject < counted.n_left
    if len(is_left) and not len(np.intersect1d(counted.bin[is_left], counted.bin[~is_left])):
        raise InputError(f"The two tables share no time bin of {time}: nobody can meet. Compare habits instead with "
                         "time=None, or correct one clock with clock_offset.")


def _ranked(row, column, score, of_nothing, ids, job):
    if job.one_to_one:
        sizes = len(ids[0][1]), len(ids[1][1])
        chosen = least_cost_matching(row, column, score, *sizes)
        rank, margin = np.ones(len(chosen), int), exchange_margin(row, column, score, chosen, *sizes,
                                                                of_nothing)
    else:
        margin = alone(row, column, score, of_nothing)
        order = np.lexsort((column, -score, row))
        start = np.searchsorted(row[order], row[order])
        chosen = order[np.arange(len(order)) - start < job.top]
        rank = (np.arange(len(order)) - start)[np.arange(len(order)) - start < job.top] + 1
    return _frame(row[chosen], column[chosen], score[chosen], margin if job.one_to_one else margin[chosen], ids,
                  job, rank)


def _judged(pairs, chance, ids, job):
    """The best pair of each left subject with its probability, fitted against the best pairs by chance."""
    best = [_ranked(*p, ids, _best_only(job)) for p in (pairs, chance)]
    best[0]["probability"] = probability_of_same(best[0]["margin"], best[1]["margin"], job.prior)
    best[0]["right_id"] = best[0]["right_id"].where(best[0]["probability"] >= 0.5)
    return best[0]


def _best_only(job):
    asked = _Job(*(getattr(job, name) for name in (
        "method", "place", "time", "one_to_one", "top", "within", "sensors", "max_speed_kmh", "slack_m", "alibi_share",
        "open_world", "prior")))
    asked.top = 1
    return asked


def _frame(row, column, score, margin, ids, job, rank=()):
    frame = pd.DataFrame({"left_id": ids[0][1][row], "right_id": ids[1][1][column], "score": score,
                          "rank": np.asarray(rank, np.int64), "margin": margin})
    return frame.assign(probability=np.empty(0)) if job.open_world and not len(frame) else frame
