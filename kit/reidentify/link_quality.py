"""How right links are, against the truth of an invented city."""

import numpy as np
import pandas as pd

from kit.errors import InputError
from kit.estimates import wilson


def score_links(links, truth, by=None, at_precision=(0.9, 0.95, 0.99), ks=(1, 5, 10)):
    """Precision and recall of links over thresholds, and how often the true partner is among the first k.

    Parameters
    ----------
    links : pandas.DataFrame
        From `link`. A row without right_id says "none of these".
    truth : pandas.DataFrame
        `left_id, right_id`: the pairs that are the same person. A left id that is not in it has no partner. Ids may
        have several.
    by : str, optional
        Column whose threshold is moved; default "probability" if there, else "margin".
    at_precision : iterable of float
    ks : iterable of int

    Returns
    -------
    LinkQuality
        `.summary` (measure, estimate, low, high, n): recall at k and at each precision, Wilson at 95 %, n true pairs;
        "'none of these' is right", n left subjects without a link. `.recall_at_1`, `.recall_at_5` and so on are its
        estimates. `.curve` (threshold, precision, precision_low, precision_high, recall, recall_low, recall_high, n),
        from the surest pair down.

    Raises
    ------
    InputError
        Columns are missing, truth is empty or names a pair twice.

    >>> links = pd.DataFrame({"left_id": ["x", "y"], "right_id": ["q", "q"], "score": [3.0, 1.0], "rank": 1,
    ...                       "margin": [2.0, -2.0]})
    >>> found = score_links(links, pd.DataFrame({"left_id": ["x", "y"], "right_id": ["q", "r"]}))
    >>> found.curve[["precision", "recall"]].values.tolist(), found.recall_at_1
    ([[1.0, 0.5], [0.5, 0.5]], 0.5)
    """
    by = by or ("probability" if "probability" in links else "margin")
    _check(links, truth, by)
    pairs = truth[["left_id", "right_id"]].astype(object)
    named = links[links["right_id"].notna()]
    right = _is_true(named, pairs)
    firsts = named["rank"].to_numpy() == named.groupby("left_id", observed=True)["rank"].transform("min").to_numpy()
    curve = _curve(named[by].to_numpy(float)[firsts], right[firsts], len(pairs))
    rows = [_share(f"recall at {k}", int((right & (named["rank"].to_numpy() <= k)).sum()), len(pairs)) for k in ks]
    for least in at_precision:
        reached = curve.loc[curve["precision"] >= least, "n_right"]
        rows.append(_share(f"recall at precision {least:g}", int(reached.max()) if len(reached) else 0, len(pairs)))
    none = links.loc[links["right_id"].isna(), "left_id"].astype(object)
    if len(none):
        rows.append(_share("'none of these' is right", int((~none.isin(pairs["left_id"])).sum()), len(none)))
    return LinkQuality(pd.DataFrame(rows), curve)


class LinkQuality:
    """What `score_links` found: `.summary` and `.curve`."""

    def __init__(self, summary, curve):
        self.summary, self.curve = summary, curve

    def __repr__(self):
        return f"<LinkQuality: {len(self.curve)} thresholds>\n{self.summary.to_string(index=False)}"

    def __getitem__(self, measure):
        """The estimate of one measure, such as "recall at 1" or "recall_at_1"."""
        found = self.summary.loc[self.summary["measure"] == str(measure).replace("_", " "), "estimate"]
        if not len(found):
            raise InputError(f"There is no measure {measure!r}; there are {', '.join(self.summary['measure'])}.")
        return float(found.iloc[0])

    def __getattr__(self, name):
        """`recall_at_1`, and whatever else was measured at k."""
        if name.startswith("recall_at_") and (self.summary["measure"] == name.replace("_", " ")).any():
            return self[name]
        raise AttributeError(f"LinkQuality has no attribute {name!r}")


def _check(links, truth, by):
    for frame, name, columns in ((links, "links", ["left_id", "right_id", "rank", by]),
                                 (truth, "truth", ["left_id", "right_id"])):
        missing = [c for c in columns if c not in getattr(frame, "columns", ())]
        if missing:
            raise InputError(f"The {name} table lacks the column {', '.join(missing)}; score_links(links, truth) needs "
                             f"{', '.join(columns)}.")
    if not len(truth):
        raise InputError("The truth names no pair, so nothing can be right or wrong; give left_id and right_id.")
    if truth.duplicated(["left_id", "right_id"]).any():
        raise InputError("The truth names a pair twice; keep each once.")


def _is_true(links, pairs):
    known = pd.MultiIndex.from_frame(pairs)
    return pd.MultiIndex.from_frame(links[["left_id", "right_id"]].astype(object)).isin(known)


def _curve(value, right, n_pairs):
    """One row a distinct threshold: everything as sure or surer."""
    order = np.argsort(-value, kind="stable")
    last = np.flatnonzero(np.append(np.diff(value[order]) != 0, True))[:len(order)] if len(order) else np.empty(0, int)
    found, n = np.cumsum(right[order])[last], last + 1
    precision_low, precision_high = wilson(found, n)
    recall_low, recall_high = wilson(np.minimum(found, n_pairs), n_pairs)
    return pd.DataFrame({"threshold": value[order][last], "precision": found / n, "precision_low": precision_low,
                         "precision_high": precision_high, "recall": found / n_pairs, "recall_low": recall_low,
                         "recall_high": recall_high, "n": n, "n_right": found})


def _share(measure, found, n):
    low, high = wilson(found, n)
    return {"measure": measure, "estimate": found / n, "low": float(low), "high": float(high), "n": n}
