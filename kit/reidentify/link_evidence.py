"""Whether pairs that choose each other fit better than chance lets them: the same tuning, on shuffled records."""

import numpy as np

from kit.reidentify.link_near import Track, mutual_evidence, near_scores

MOST_CHECKED, FEWEST_CHECKED, SPANS, DAY_S = 200, 10, 8, 86_400.0


def beats_chance(left, right, within_s, scores, seed=0):
    """True where the evidence exceeds that in shuffled records by its standard error, or too few are there to tell.

    Of the table with fewer records at most 200 subjects are shuffled, and tuned to anew.

    Parameters
    ----------
    left, right : Track
    within_s : float
    scores : numpy.ndarray
        As `near_scores` gives them for these.
    seed : int
    """
    if min(left.n, right.n) < FEWEST_CHECKED:
        return True
    turned = len(left.time_s) < len(right.time_s)
    tracks, events, scores = (right, left, scores.T) if turned else (left, right, scores)
    some = np.unique(np.linspace(0, events.n - 1, MOST_CHECKED).astype(int))
    chance = near_scores(tracks, shuffled(_only(events, some), seed), within_s)[0]
    found, by_chance = mutual_evidence(scores[:, some]), mutual_evidence(chance)
    return found.sum() - by_chance.sum() > np.sqrt((found**2).sum() + (by_chance**2).sum())


def shuffled(records, seed):
    """In each span of a day, or an eighth of the whole if that is less, those seen exchange all their records."""
    who, rng = records.subject(), np.random.default_rng(seed)
    since_s = records.time_s - records.time_s.min()
    span = np.floor(since_s / min(DAY_S, (since_s.max() + 1) / SPANS)).astype(int)
    block = np.append(True, (np.diff(who) != 0) | (np.diff(span) != 0))
    owner, when = who[block], span[block]
    in_time = np.lexsort((owner, when))
    given = np.empty(len(owner), int)
    given[in_time] = owner[np.lexsort((rng.random(len(owner)), when))]
    who = given[np.cumsum(block) - 1]
    order = np.lexsort((records.y_m, records.x_m, records.time_s, who))
    first = np.append(0, np.cumsum(np.bincount(who, minlength=records.n)))
    return Track(first, records.time_s[order], records.x_m[order], records.y_m[order])


def _only(records, some):
    keep = np.isin(records.subject(), some)
    first = np.append(0, np.cumsum(np.diff(records.first)[some]))
    return Track(first, records.time_s[keep], records.x_m[keep], records.y_m[keep])
