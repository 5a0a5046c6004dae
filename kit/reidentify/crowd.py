"""The crowd that shrinks: how many people remain after each thing that is known about one of them."""

import numpy as np
import pandas as pd

from kit.errors import InputError
from kit.reidentify.unicity import build_index, is_whole, need_points, need_seed


def crowd(points, subject=None, known=4, seed=0):
    """Draw some of one subject's points and count, one point after the other, who matches all so far.

    Parameters
    ----------
    points : Points
        From `make_points`.
    subject : optional
        Whose points; default is a subject drawn at random among those with at least `known` points.
    known : int, default 4
        How many points are drawn, without replacement; they are taken in the order of time.
    seed : int, default 0
        From 0 to 2^63 - 1.

    Returns
    -------
    pandas.DataFrame
        `known` from 0, `place`, `bin` (missing in the first row), `people`: subjects that have every point so far, the
        one drawn among them, so never under 1.

    Raises
    ------
    InputError
        If nobody, or the subject named, has that many points, or an argument is not what it must be.

    >>> from kit.reidentify import make_points
    >>> times = pd.to_datetime(["2031-03-12T08:00Z"] * 2 + ["2031-03-12T12:00Z"])
    >>> seen = pd.DataFrame({"subject_id": ["x", "y", "x"], "sensor_id": ["a", "a", "b"], "time": times})
    >>> crowd(make_points(seen), "x", known=2)["people"].tolist()
    [2, 2, 1]
    """
    need_points(points, "crowd")
    need_seed(seed)
    if not is_whole(known, 1):
        raise InputError(f"known must be a whole number of at least 1, but it is {known!r}.")
    index = build_index(points)
    rng = np.random.default_rng(seed)
    own = index.first_cell[:-1]
    code = _drawn_subject(points, index, known, rng) if subject is None else _code_of(points, subject)
    size = index.sizes[code]
    if size < known:
        raise InputError(f"This subject has {size} distinct point{'' if size == 1 else 's'}, so {known} cannot be "
                         "drawn; know fewer.")
    rows = own[code] + rng.choice(index.sizes[code], known, replace=False)
    rows = rows[np.lexsort((points.place[rows], points.bin[rows]))]
    remaining, counts = np.arange(points.n_subjects), [points.n_subjects]
    for row in rows:
        cell = index.cells[row]
        there = index.subjects[index.first_subject[cell]:index.first_subject[cell + 1]]
        remaining = np.intersect1d(remaining, there, assume_unique=True)
        counts.append(len(remaining))
    return pd.DataFrame({
        "known": range(known + 1),
        "place": pd.Series([None, *points.places[points.place[rows]]], dtype=object),
        "bin": pd.Series([pd.NaT, *points.bins[points.bin[rows]]]),
        "people": counts,
    })


def _drawn_subject(points, index, known, rng):
    eligible = np.flatnonzero(index.sizes >= known)
    if not len(eligible):
        raise InputError(f"Nobody has {known} distinct point{'' if known == 1 else 's'}; the most anybody has is "
                         f"{index.sizes.max(initial=0)}.")
    return int(rng.choice(eligible))


def _code_of(points, subject):
    if not pd.api.types.is_hashable(subject) or subject not in points.subjects:
        raise InputError("The subject asked for has no points; pick one from points.subjects.")
    return points.subjects.get_loc(subject)
