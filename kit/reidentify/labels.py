"""What a label does to the people under it: how often the system errs about them, group by group.

Only the invented label of the invented city is read, and it goes nowhere but into this table.
"""

import numpy as np
import pandas as pd

from kit.disclosure import K_DEFAULT, check_k
from kit.errors import InputError
from kit.estimates import wilson

ERRORS = ("false_match", "unmatched")
COLUMNS = ["error", "label", "against", "estimate", "low", "high", "n", "eligible", "population", "withheld"]


def audit_labels(exposure, k=K_DEFAULT):
    """Error rates of face records by the invented `system_label` of those who truly passed, and their differences.

    Parameters
    ----------
    exposure : Exposure
        An invented one with faces: "register" or "community". Truth is read: this scores, it infers nothing.
    k : int, default 10
        A group of fewer people is withheld, and so are its differences from others.

    Returns
    -------
    pandas.DataFrame
        error ("false_match": recorded as somebody else; "unmatched": as nobody), label, against (another label, then
        the estimate is the difference label - against; else missing), estimate, low, high (Wilson; Newcombe for a
        difference), n (records), eligible (people of the label on record), population, withheld. Withheld rows hold
        no numbers. Exact repeats of a record are left out.

    Raises
    ------
    InputError
        The exposure is real, keeps no label, or has no face records.

    References
    ----------
    Wilson 1927, doi:10.1080/01621459.1927.10502953. Newcombe, R. G. (1998), method 10,
    doi:10.1002/(SICI)1097-0258(19980430)17:8<873::AID-SIM779>3.0.CO;2-I. Grother, P. et al. (2019), NISTIR 8280,
    doi:10.6028/NIST.IR.8280: false positives differ between groups by factors of 10 to 100 in some algorithms. Records
    of one person resemble each other, so intervals by record are narrower than the truth; that this city errs
    unequally was planted.

    >>> import kit
    >>> audit_labels(kit.open_exposure("register"))["error"].nunique()
    2
    """
    check_k(k)
    if not exposure.synthetic:
        raise InputError(f"The exposure {exposure.name} is real: its labels were counted, then dropped.")
    truth = exposure.truth()
    records = _records(exposure, truth)
    return label_errors(records, k)


def label_errors(records, k=K_DEFAULT):
    """The table of `audit_labels`, from records of which the truth is known.

    Parameters
    ----------
    records : pandas.DataFrame
        person, system_label, why ("true_match", "false_match", "unmatched").
    k : int, default 10

    Returns
    -------
    pandas.DataFrame
        As `audit_labels`.

    Raises
    ------
    InputError
        Columns are missing or empty cells stand in them.

    >>> why = ["unmatched"] * 5 + ["true_match"] * 15
    >>> records = pd.DataFrame({"person": range(20), "system_label": "teal", "why": why})
    >>> label_errors(records)["estimate"].tolist()
    [0.0, 0.25]
    """
    check_k(k)
    for column in ("person", "system_label", "why"):
        if column not in getattr(records, "columns", ()) or records[column].isna().any():
            raise InputError(f"records must say {column} in every row.")
    population = records["person"].nunique()
    groups = dict(iter(records.groupby(records["system_label"].astype(str))))
    rows = [_share(error, label, of, k, population) for error in ERRORS for label, of in groups.items()]
    shares = {(row["error"], row["label"]): row for row in rows}
    labels = sorted(groups)
    rows += [_difference(shares[error, one], shares[error, other]) for error in ERRORS
             for i, other in enumerate(labels) for one in labels[:i]]
    return pd.DataFrame(rows, columns=COLUMNS)


def _records(exposure, truth):
    people, odd = truth["people"], truth["sightings"]
    if people["system_label"].isna().all() or exposure.subjects["system_label"].isna().all():
        raise InputError(f"The exposure {exposure.name} keeps no label, so there is nothing to audit.")
    seen = exposure.sightings
    seen = seen.loc[(seen["source"] == "face"), ["sighting_id", "subject_id"]]
    if seen.empty:
        raise InputError(f"The exposure {exposure.name} has no face records, so there is nothing to audit.")
    odd = odd.set_index("sighting_id").reindex(seen["sighting_id"])
    number = people.set_index("subject_id")["person_no"]
    person = pd.Series(odd["person_no"].to_numpy()).fillna(
        pd.Series(number.reindex(seen["subject_id"].astype(object)).to_numpy()))
    found = pd.DataFrame({"person": person.to_numpy(),
                          "why": odd["why"].astype(object).fillna("true_match").to_numpy()})
    found = found[odd["duplicate_of"].isna().to_numpy() & found["person"].notna()]
    label = people.set_index("person_no")["system_label"].astype(str)
    return found.assign(system_label=label.reindex(found["person"]).to_numpy())


def _share(error, label, of, k, population):
    n, people, wrong = len(of), of["person"].nunique(), int((of["why"] == error).sum())
    row = dict.fromkeys(COLUMNS, np.nan) | {"error": error, "label": label, "against": None, "population": population,
                                           "withheld": people < k}
    if people >= k:
        low, high = wilson(wrong, n)
        row |= {"estimate": wrong / n, "low": float(low), "high": float(high), "n": n, "eligible": people}
    return row


def _difference(one, other):
    """Newcombe's interval, from the two Wilson intervals; NaN where either is withheld."""
    gap = one["estimate"] - other["estimate"]
    below = np.hypot(one["estimate"] - one["low"], other["high"] - other["estimate"])
    above = np.hypot(one["high"] - one["estimate"], other["estimate"] - other["low"])
    return {**one, "against": other["label"], "estimate": gap, "low": gap - below, "high": gap + above,
            "n": one["n"] + other["n"], "eligible": one["eligible"] + other["eligible"],
            "withheld": one["withheld"] or other["withheld"]}
