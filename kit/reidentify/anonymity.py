"""Anonymity as it is usually counted: how many people share a pair of places, a favourite trio, a row of a register.

A register can pass such a count with ease while the passages that belong to it single almost everybody out;
`passes_yet_singled_out` puts the two side by side.
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from kit import codes
from kit.errors import InputError
from kit.estimates import wilson
from kit.movement.visits import check_table, counted, encode_ids
from kit.reidentify.unicity import is_whole, unicity

_NEVER = ("system_label", "ethnic", "religio", "nationality", "race")


def anonymity_sets(places, roles=("home", "work"), zones=None):
    """How many people share each person's home and work, or other roles, by place or by zone.

    Parameters
    ----------
    places : pandas.DataFrame
        The `places` table: `subject_id, place_id, role`.
    roles : iterable of str
        What is known. Who lacks one of them is left out: say how many of your people that is.
    zones : mapping or pandas.Series, optional
        From place_id to the zone it lies in; default is the place itself.

    Returns
    -------
    pandas.DataFrame
        `subject_id, size`: people with the same zone for every role, the person included.

    Raises
    ------
    InputError
        A column is missing, a person has a role twice, a place has no zone, or no role is named.

    References
    ----------
    Golle, P., Partridge, K. (2009). On the anonymity of home/work location pairs. Pervasive Computing, LNCS 5538,
    390-397. doi:10.1007/978-3-642-01516-8_26

    >>> rows = [("x", "a", "home"), ("x", "b", "work"), ("y", "a", "home"), ("y", "b", "work"), ("z", "a", "home")]
    >>> anonymity_sets(pd.DataFrame(rows, columns=["subject_id", "place_id", "role"])).values.tolist()
    [['x', 2], ['y', 2]]
    """
    check_table(places, "places", ["subject_id", "place_id", "role"])
    roles = [roles] if isinstance(roles, str) else list(dict.fromkeys(roles)) if np.iterable(roles) else []
    if not roles:
        raise InputError("roles must name at least one role, such as ('home', 'work').")
    subject, subjects = encode_ids(places["subject_id"])
    zone = _zones(places["place_id"], zones)
    at = np.full((len(subjects), len(roles)), -1, np.int64)
    for j, role in enumerate(roles):
        rows = np.flatnonzero((places["role"] == role).to_numpy(bool) & (subject >= 0) & (zone >= 0))
        twice = np.bincount(subject[rows], minlength=len(subjects)) > 1
        if twice.any():
            raise InputError(f"{counted(int(twice.sum()), 'subject')} the role {role} more than once; keep one place "
                             "each.")
        at[subject[rows], j] = zone[rows]
    known = np.flatnonzero((at >= 0).all(axis=1))
    return pd.DataFrame({"subject_id": codes.decode(known.astype(np.int32), subjects), "size": _same_rows(at[known])})


def summarise_sets(sets, k=(1, 5, 10)):
    """Share of people whose set is of at most k, and the set of the person in the middle.

    Parameters
    ----------
    sets : pandas.DataFrame
        With a `size` a person, as `anonymity_sets` and `top_places` give it.
    k : int or iterable of int
        Sizes asked about.

    Returns
    -------
    pandas.DataFrame
        `k, estimate, low, high` (Wilson, 95 %)`, n, median`: n people; half of them are in sets of at most the median.

    Raises
    ------
    InputError
        There is nobody, no `size`, or k is no whole number of at least 1.

    >>> summarise_sets(pd.DataFrame({"size": [1, 2, 2]}), k=1)[["estimate", "n", "median"]].values.tolist()
    [[0.3333333333333333, 3.0, 2.0]]
    """
    if not isinstance(sets, pd.DataFrame) or "size" not in sets.columns or not len(sets):
        raise InputError("summarise_sets needs sets of at least one person, with a column size; it was given none.")
    k = list(k) if np.iterable(k) and not isinstance(k, str) else [k]
    if not k or not all(is_whole(size, 1) for size in k):
        raise InputError(f"k must be whole numbers of at least 1, such as (1, 5, 10), but it is {k!r}.")
    size = sets["size"].to_numpy()
    within = np.array([(size <= most).sum() for most in k])
    low, high = wilson(within, len(size))
    return pd.DataFrame({"k": k, "estimate": within / len(size), "low": low, "high": high, "n": len(size),
                         "median": int(np.sort(size)[(len(size) - 1) // 2])})


def top_places(visits, n=3, ordered=True):
    """How many people share each person's n most visited places.

    Parameters
    ----------
    visits : pandas.DataFrame
        `subject_id, place_id`, a row a visit.
    n : int
        How many places are known. Who has fewer is known by those, and shares them with such people only.
    ordered : bool
        Whether it is known which comes first. Places visited equally often are taken in the order of their ids;
        `tied` says whose key that decided.

    Returns
    -------
    pandas.DataFrame
        `subject_id, key` (a tuple of places, the most visited first if `ordered`, else in the order of ids)`, size`
        (people with the same key, the person included)`, tied`.

    Raises
    ------
    InputError
        A column is missing, a place is missing, or n is no whole number of at least 1.

    References
    ----------
    Zang, H., Bolot, J. (2011). Anonymization of location data does not work: a large-scale measurement study.
    MobiCom, 145-156. doi:10.1145/2030613.2030630

    >>> seen = pd.DataFrame({"subject_id": list("xxxyyy"), "place_id": list("aababb")})
    >>> top_places(seen, 2)["size"].tolist(), top_places(seen, 2, ordered=False)["size"].tolist()
    ([1, 1], [2, 2])
    """
    check_table(visits, "visits", ["subject_id", "place_id"])
    if not is_whole(n, 1):
        raise InputError(f"n must be a whole number of at least 1, but it is {n!r}.")
    subject, subjects = encode_ids(visits["subject_id"])
    place, names = encode_ids(visits["place_id"])
    if len(place) and place.min() < 0:
        raise InputError(f"{counted(int((place < 0).sum()), 'visit')} no place_id; remove them or find their place.")
    subject, subjects = codes.only_used(subject, subjects)
    place = place[subject >= 0]
    pair, count = np.unique(subject[subject >= 0].astype(np.int64) * max(len(names), 1) + place, return_counts=True)
    subject, place = np.divmod(pair, max(len(names), 1))
    order = np.lexsort((place, -count, subject))
    subject, place, count = subject[order], place[order], count[order]
    rank = np.arange(len(subject)) - np.searchsorted(subject, subject)
    n = min(int(n), int(rank.max(initial=0)) + 1)
    top, tied = np.full((len(subjects), n), -1, np.int64), np.zeros(len(subjects), bool)
    top[subject[rank < n], rank[rank < n]] = place[rank < n]
    equal = 1 + np.flatnonzero((rank[1:] > 0) & (count[1:] == count[:-1]))
    decided = (rank[equal] <= n) if ordered else (rank[equal] == n)
    tied[subject[equal[decided]]] = True
    if not ordered:
        top = np.sort(top, axis=1)
    names = np.asarray(names, dtype=object)
    keys = pd.Series([tuple(names[row[row >= 0]]) for row in top], dtype=object)
    return pd.DataFrame({"subject_id": codes.decode(np.arange(len(subjects), dtype=np.int32), subjects), "key": keys,
                         "size": _same_rows(top), "tied": tied})


def k_anonymity(subjects, quasi):
    """The number of people in the smallest class of those who agree in all the columns `quasi`.

    Parameters
    ----------
    subjects : pandas.DataFrame
        A row a person.
    quasi : str or iterable of str
        Columns that an outsider may know. A missing value is a value like any other.

    Returns
    -------
    int

    Raises
    ------
    InputError
        There are no people, a column is missing or holds lists, or is a label put on people.

    References
    ----------
    Sweeney, L. (2002). k-anonymity: a model for protecting privacy. International Journal of Uncertainty, Fuzziness
    and Knowledge-Based Systems 10(5), 557-570. doi:10.1142/S0218488502001648

    >>> k_anonymity(pd.DataFrame({"age_band": ["20-29", "20-29", "30-39"]}), "age_band")
    1
    """
    return int(np.bincount(_classes(subjects, _columns(quasi, "quasi"))).min())


def l_diversity(subjects, quasi, sensitive, kind="distinct", c=1.0):
    """How diverse the values of a sensitive column are in the class where they are least so.

    Parameters
    ----------
    subjects, quasi
        As `k_anonymity` takes them.
    sensitive : str
        The column not to be learned; never one of labels put on people.
    kind : {"distinct", "entropy", "recursive"}
        distinct: number of values. entropy: e to the entropy of their shares, so two equally common values give 2 and
        unequal ones less. recursive: the largest l for which the most common value is rarer than `c` times all values
        from the l-th most common on together; 0 if there is none.
    c : float
        Of "recursive", above 0.

    Returns
    -------
    float
        The least over all classes.

    Raises
    ------
    InputError
        As `k_anonymity`; or a sensitive value is missing, or kind or c is none.

    References
    ----------
    Machanavajjhala, A., Kifer, D., Gehrke, J., Venkitasubramaniam, M. (2007). l-diversity: privacy beyond k-anonymity.
    ACM Transactions on Knowledge Discovery from Data 1(1), 3. doi:10.1145/1217299.1217302

    >>> people = pd.DataFrame({"age_band": ["20-29"] * 3, "kwh_band": ["low", "low", "high"]})
    >>> [round(l_diversity(people, "age_band", "kwh_band", kind), 2) for kind in ("distinct", "entropy", "recursive")]
    [2.0, 1.89, 1.0]
    """
    if kind not in ("distinct", "entropy", "recursive"):
        raise InputError(f"kind must be distinct, entropy or recursive, but it is {kind!r}.")
    if isinstance(c, bool) or not isinstance(c, (int, float, np.number)) or not 0 < c < np.inf:
        raise InputError(f"c must be a number above 0, but it is {c!r}.")
    counts, _ = _tally(subjects, quasi, sensitive, ordered=False)
    if kind == "distinct":
        return float((counts > 0).sum(axis=1).min())
    if kind == "entropy":
        share = counts / counts.sum(axis=1, keepdims=True)
        return float(np.exp(-(share * np.log(np.where(share > 0, share, 1))).sum(axis=1)).min())
    falling = -np.sort(-counts, axis=1)
    from_here_on = falling[:, ::-1].cumsum(axis=1)[:, ::-1]
    return float((falling[:, :1] < c * from_here_on).sum(axis=1).min())


def t_closeness(subjects, quasi, sensitive, ordered=False):
    """How far a class's shares of a sensitive column are from everybody's, where they are farthest.

    Parameters
    ----------
    subjects, quasi, sensitive
        As `l_diversity` takes them.
    ordered : bool
        Whether values have an order (that of an ordered category, else their own): moving a share between neighbours
        then costs 1 / (values - 1), between any two values otherwise 1.

    Returns
    -------
    float
        The largest earth mover's distance, 0 to 1: t.

    Raises
    ------
    InputError
        As `l_diversity`.

    References
    ----------
    Li, N., Li, T., Venkatasubramanian, S. (2007). t-closeness: privacy beyond k-anonymity and l-diversity. ICDE,
    106-115. doi:10.1109/ICDE.2007.367856

    >>> people = pd.DataFrame({"age_band": ["20-29", "20-29", "30-39", "30-39"], "trips": [1, 2, 2, 3]})
    >>> t_closeness(people, "age_band", "trips"), t_closeness(people, "age_band", "trips", ordered=True)
    (0.25, 0.25)
    """
    counts, n_values = _tally(subjects, quasi, sensitive, ordered)
    gap = counts / counts.sum(axis=1, keepdims=True) - counts.sum(axis=0) / counts.sum()
    if not ordered:
        return float(np.abs(gap).sum(axis=1).max() / 2)
    return float(np.abs(gap.cumsum(axis=1)[:, :-1]).sum(axis=1).max() / max(n_values - 1, 1))


def release_risk(subjects, quasi, population=None, threshold=0.1):
    """Chance that somebody's row is found, for three kinds of outsider.

    prosecutor
        Knows that the person is in the release: 1 over the people of the release who agree with them.
    journalist
        Knows it of nobody, and holds the register the release was drawn from: 1 over the people of that who agree.
        Without a `population` there is no such row.
    marketer
        Matches everyone and minds only the average: the share of the release that is matched rightly, with the
        register if it is given.

    Parameters
    ----------
    subjects, quasi
        As `k_anonymity` takes them: the release.
    population : pandas.DataFrame, optional
        Everybody, those of the release among them, with the same columns.
    threshold : float
        Between 0 and 1.

    Returns
    -------
    pandas.DataFrame
        `scenario, highest, average, share_above` (share of people whose chance is above the threshold)`, n, classes`.
        No intervals: everybody of the release was counted. For the marketer only the average means anything, and the
        other two are those of the outsider it is computed from.

    Raises
    ------
    InputError
        As `k_anonymity`; or the release holds people whom the population lacks.

    References
    ----------
    El Emam, K., Dankar, F. K. (2008). Protecting privacy using k-anonymity. Journal of the American Medical
    Informatics Association 15(5), 627-637. doi:10.1197/jamia.M2716

    >>> release_risk(pd.DataFrame({"age_band": ["20-29", "20-29", "30-39"]}), "age_band")["highest"].tolist()
    [1.0, 1.0]
    """
    if isinstance(threshold, bool) or not isinstance(threshold, (int, float)) or not 0 <= threshold <= 1:
        raise InputError(f"threshold must lie between 0 and 1, but it is {threshold!r}.")
    columns = _columns(quasi, "quasi")
    code = _classes(subjects, columns)
    size = np.bincount(code)
    rows = [("prosecutor", 1 / size[code])]
    if population is not None:
        _classes(population, columns)
        both = _classes(pd.concat([subjects[columns].astype(object), population[columns].astype(object)]), columns)
        everybody = np.bincount(both[len(code):], minlength=both.max() + 1)
        short = everybody[both[:len(code)]] < size[code]
        if short.any():
            raise InputError(f"In the release {counted(int(short.sum()), 'subject', 'is', 'are')} of a class with "
                             "fewer people in the population, so it was not drawn from it; give the whole population.")
        rows.append(("journalist", 1 / everybody[both[:len(code)]]))
    rows.append(("marketer", rows[-1][1]))
    return pd.DataFrame([{"scenario": name, "highest": float(chance.max()), "average": float(chance.mean()),
                          "share_above": float((chance > threshold).mean()), "n": len(code), "classes": len(size)}
                         for name, chance in rows])


def passes_yet_singled_out(subjects, points, quasi=("kind", "age_band"), k=10, known=(1, 2, 3, 4), people=4000,
                           seed=0):
    """The same people twice: how few the columns of the register tell apart, how many their passages do.

    Parameters
    ----------
    subjects : pandas.DataFrame
        The register.
    points : Points
        Its people's passages, from `make_points`.
    quasi, k
        Columns of the register that an outsider may know, and the crowd asked for in each class.
    known, people, seed
        As `unicity` takes them.

    Returns
    -------
    pandas.DataFrame
        `knows, passes, estimate, low, high, n, eligible, population`. First row: what the register tells; `passes`
        says whether every class has `k` people, the estimate is the share of people in smaller ones. Then a row for
        each number of known passages: `passes` says whether nobody is unique, the estimate is the share who are.

    Raises
    ------
    InputError
        As `k_anonymity` and `unicity`, or k is no whole number of at least 1.

    >>> from kit.reidentify import make_points
    >>> register = pd.DataFrame({"subject_id": list("xy"), "kind": "person", "age_band": "20-29"})
    >>> seen = pd.DataFrame({"subject_id": list("xy"), "sensor_id": list("ab")})
    >>> passes_yet_singled_out(register, make_points(seen, time=None), k=2, known=1)["estimate"].tolist()
    [0.0, 1.0]
    """
    if not is_whole(k, 1):
        raise InputError(f"k must be a whole number of at least 1, but it is {k!r}.")
    code = _classes(subjects, _columns(quasi, "quasi"))
    size = np.bincount(code)[code]
    few = int((size < k).sum())
    low, high = wilson(few, len(size))
    first = {"knows": ", ".join(_columns(quasi, "quasi")), "passes": few == 0, "estimate": few / len(size),
             "low": float(low), "high": float(high), "n": len(size), "eligible": len(size), "population": len(size)}
    table = unicity(points, known, people, seed=seed)
    words = [f"{n} passage{'' if n == 1 else 's'}" for n in table["known"]]
    rest = table.assign(knows=words, passes=table["estimate"] == 0)
    return pd.concat([pd.DataFrame([first]), rest[list(first)]], ignore_index=True)


def _zones(place_id, zones):
    place, names = encode_ids(place_id)
    if zones is None:
        return place
    if not isinstance(zones, (Mapping, pd.Series)):
        raise InputError("zones must map each place_id to a zone, as a dictionary or a series does.")
    zones = pd.Series(zones, dtype=object) if not isinstance(zones, pd.Series) else zones
    if not zones.index.is_unique:
        raise InputError("The mapping from place to zone names a place twice; keep one zone each.")
    place, names = codes.only_used(place, names)
    zone, _ = encode_ids(zones.reset_index(drop=True).rename("of zones in the mapping"))
    zone = np.append(zone, np.int32(-1))[zones.index.get_indexer(names)]
    if (zone < 0).any():
        raise InputError(f"{counted(int((zone < 0).sum()), 'place')} no zone in the mapping, for example "
                         f"{names[zone < 0][0]!r}; add them or leave out their rows.")
    return np.append(zone, np.int32(-1))[place]


def _same_rows(table):
    if not len(table):
        return np.zeros(0, np.int64)
    _, code, size = np.unique(table, axis=0, return_inverse=True, return_counts=True)
    return size[code.ravel()]


def _columns(names, what):
    names = [names] if isinstance(names, str) else list(dict.fromkeys(names)) if np.iterable(names) else []
    if not names:
        raise InputError(f"{what} must name at least one column.")
    labels = [name for name in names if any(word in str(name).lower() for word in _NEVER)]
    if labels:
        raise InputError(f"The column {labels[0]} holds labels put on people; nothing is measured by them here except "
                         "what they do to people (audit_labels).")
    return names


def _classes(subjects, columns):
    """Each person's class: who agrees in all the columns has one code."""
    if not isinstance(subjects, pd.DataFrame) or not len(subjects):
        raise InputError("There are no people to count: give a table with a row a person.")
    missing = [name for name in columns if name not in subjects.columns]
    if missing:
        raise InputError(f"The table of people lacks the column {missing[0]}; it has "
                         f"{', '.join(map(str, subjects.columns))}.")
    try:
        return subjects.groupby(columns, dropna=False, observed=True, sort=False).ngroup().to_numpy()
    except TypeError:
        raise InputError(f"The columns {', '.join(map(str, columns))} must hold single values, but one holds lists."
                         ) from None


def _tally(subjects, quasi, sensitive, ordered):
    """People by class and sensitive value, values in their order; and how many values there are."""
    quasi = _columns(quasi, "quasi")
    name, *_ = _columns(sensitive, "sensitive")
    if not isinstance(sensitive, str) or name in quasi:
        raise InputError("sensitive must name one column that is not among the columns of quasi.")
    code = _classes(subjects, quasi)
    _classes(subjects, [name])
    values = subjects[name]
    if values.isna().any():
        raise InputError(f"{counted(int(values.isna().sum()), 'row')} no {name}; leave them out or give them a value "
                         "of their own.")
    if isinstance(values.dtype, pd.CategoricalDtype) and values.cat.ordered:
        value = values.cat.remove_unused_categories().cat.codes.to_numpy()
    else:
        value = _in_order(values, name) if ordered else pd.factorize(values)[0]
    n_values = int(value.max()) + 1
    counts = np.bincount(code * n_values + value, minlength=(code.max() + 1) * n_values)
    return counts.reshape(-1, n_values), n_values


def _in_order(values, name):
    values = values.astype(object)
    try:
        return pd.Index(sorted(values.unique()), dtype=object).get_indexer(values)
    except TypeError:
        raise InputError(f"The values of {name} have no common order; use ordered=False.") from None
