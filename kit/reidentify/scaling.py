"""How unicity grows and falls: with resolution, with the crowd, and beside what chance alone would give."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.optimize import minimize_scalar
from scipy.stats import t as student

from kit.errors import InputError
from kit.reidentify.points import Points
from kit.reidentify.unicity import build_index, check_arguments, choose_people, drawn_cells, is_whole, unicity


@dataclass(frozen=True, eq=False)
class Scaling:
    """What `fit_scaling` found: `curves`, one a number of points; `exponent`, their line; `cells`, with residuals."""

    curves: pd.DataFrame
    exponent: pd.DataFrame
    cells: pd.DataFrame

    def __repr__(self):
        worst = self.cells["residual"].abs().max()
        return f"<Scaling: {len(self.curves)} curves over {len(self.cells)} cells, largest residual {worst:.3f}>"


def fit_scaling(grid, place_sizes, form="power"):
    """Fit the law of de Montjoye et al. (2013): how unicity falls as places and times get coarser.

    Their law is e = alpha - x^beta, with x = v h, how many of the finest places and of hours one bin holds, and beta a
    line in the number of known points. Ask the residuals whether it holds here: it was found on telephone cells over
    15 months, and cannot hold where unicity is near 0 or 1 on a whole side of the grid.

    Parameters
    ----------
    grid : pandas.DataFrame
        As `unicity_grid` returns it. Rows without a time or an estimate are left out.
    place_sizes : mapping
        How many of the finest places a bin of each `place` holds, v, for example {"500m": 1, "1km": 4}.
    form : {"power", "log"}
        "power": e = alpha - (v h)^beta, by least squares. "log": e = alpha - beta log10(v h), a straight line, to see
        whether the data tell the two apart.

    Returns
    -------
    Scaling
        `.curves`: `known, alpha, beta, low, high` (95 % of beta, by Student's t; the cells share people, so it is too
        narrow rather than too wide)`, rmse, n_cells`.
        `.exponent`: `term` (intercept, slope)`, estimate, low, high` of beta = intercept + slope * known; no rows with
        fewer than three numbers of points. `.cells`: the grid with `size` (v h), `fitted` and `residual`.

    Raises
    ------
    InputError
        A column or the size of a place is missing, fewer than three different sizes for a number of points, or another
        form.

    References
    ----------
    de Montjoye, Y.-A. et al. (2013). Unique in the Crowd. Scientific Reports 3, 1376. doi:10.1038/srep01376

    >>> grid = pd.DataFrame({"place": "a", "time": ["1h", "4h", "16h"], "known": 4, "estimate": [0.9, 0.7, 0.5]})
    >>> fit_scaling(grid, {"a": 1}, form="log").curves[["alpha", "beta"]].round(3).values.tolist()
    [[0.9, 0.332]]
    """
    if form not in ("power", "log"):
        raise InputError(f"form must be 'power' or 'log', but it is {form!r}.")
    cells = _sized(grid, place_sizes)
    curves, fitted = [], np.empty(len(cells))
    for known, part in cells.groupby("known"):
        if part["size"].nunique() < 3:
            raise InputError(f"With {known} known points there are {part['size'].nunique()} different sizes of a bin; "
                             "a fit needs at least three.")
        curve, fit = _fit_curve(part["size"].to_numpy(float), part["estimate"].to_numpy(float), form)
        curves.append({"known": known, **curve})
        fitted[cells.index.get_indexer(part.index)] = fit
    curves = pd.DataFrame(curves)
    cells = cells.assign(fitted=fitted, residual=cells["estimate"] - fitted)
    return Scaling(curves, _line(curves["known"].to_numpy(float), curves["beta"].to_numpy()), cells)


def _sized(grid, place_sizes):
    missing = {"place", "time", "known", "estimate"} - set(getattr(grid, "columns", ()))
    if missing:
        raise InputError(f"fit_scaling takes the table of unicity_grid; {', '.join(sorted(missing))} is missing.")
    cells = grid[grid["time"].notna() & grid["estimate"].notna()].reset_index(drop=True)
    if not len(cells):
        raise InputError("No row of the grid has both a time and an estimate, so nothing can be fitted.")
    for place in cells["place"].unique():
        size = dict(place_sizes).get(place)
        if not isinstance(size, (int, float, np.number)) or not 0 < size < np.inf:
            raise InputError(f"place_sizes must say how many of the finest places {place!r} holds, a number above 0.")
    hours = pd.to_timedelta(cells["time"]) / pd.Timedelta("1h")
    return cells.assign(size=cells["place"].map(dict(place_sizes)).astype(float) * hours)


def _fit_curve(size, unicity_, form):
    """Least squares for alpha and beta: alpha is a mean once beta is known, so only beta is searched for."""
    def shape(beta):
        return size**beta if form == "power" else beta * np.log10(size)

    def loss(beta):
        rest = unicity_ + shape(beta)
        return ((rest - rest.mean()) ** 2).sum()

    beta = minimize_scalar(loss, bounds=(-3, 3), method="bounded", options={"xatol": 1e-10}).x
    alpha = (unicity_ + shape(beta)).mean()
    residual = unicity_ - (alpha - shape(beta))
    slope = np.log(size) * size**beta if form == "power" else np.log10(size)
    spread = ((slope - slope.mean()) ** 2).sum()
    free = len(size) - 2
    half = student.ppf(0.975, free) * np.sqrt((residual**2).sum() / free / spread)
    return {"alpha": alpha, "beta": beta, "low": beta - half, "high": beta + half,
            "rmse": np.sqrt((residual**2).mean()), "n_cells": len(size)}, alpha - shape(beta)


def _line(known, beta):
    """beta = intercept + slope * known, with 95 % intervals."""
    if len(known) < 3:
        return pd.DataFrame(columns=["term", "estimate", "low", "high"])
    design = np.column_stack([np.ones(len(known)), known])
    terms = np.linalg.lstsq(design, beta, rcond=None)[0]
    variance = ((beta - design @ terms) ** 2).sum() / (len(known) - 2) * np.linalg.inv(design.T @ design).diagonal()
    half = student.ppf(0.975, len(known) - 2) * np.sqrt(variance)
    return pd.DataFrame({"term": ["intercept", "slope"], "estimate": terms, "low": terms - half, "high": terms + half})


def subsample_curve(points, sizes=None, known=4, people=4000, draws=1, seed=0):
    """Unicity in crowds of fewer people: does leaving people out protect those who stay?

    Whole people are drawn, not records, and each crowd contains the smaller ones. Unicity falls as the crowd grows, so
    what a sample of people shows is more than the truth about all.

    Parameters
    ----------
    points : Points
    sizes : iterable of int, optional
        Crowds; default the whole population and its halves, down to a thousand people (or one crowd if fewer).
    known, people, draws, seed
        As `unicity` takes them; the seed also decides who stays.

    Returns
    -------
    pandas.DataFrame
        `size`, then the columns of `unicity` (whose `population` is the size).

    Raises
    ------
    InputError
        A size that is no whole number from 1 to the population, or what `unicity` refuses.

    References
    ----------
    Farzanehfar, A., Houssiau, F., de Montjoye, Y.-A. (2021). The risk of re-identification remains high even in
    country-scale location datasets. Patterns 2, 100204. doi:10.1016/j.patter.2021.100204

    >>> seen = pd.DataFrame({"subject_id": ["x", "y", "z"], "sensor_id": ["a", "b", "a"]})
    >>> from kit.reidentify import make_points
    >>> subsample_curve(make_points(seen, time=None), [1, 3], known=1, people=None)["estimate"].round(3).tolist()
    [1.0, 0.333]
    """
    known, people, draws, seed = check_arguments(points, known, people, draws, seed)
    sizes = _halves(points.n_subjects) if sizes is None else list(sizes) if np.iterable(sizes) else [sizes]
    for size in sizes:
        if not is_whole(size, 1) or size > points.n_subjects:
            raise InputError(f"sizes must be whole numbers from 1 to the population of {points.n_subjects:,}, but one "
                             f"is {size!r}.")
    order = np.random.default_rng([seed, 1]).permutation(points.n_subjects)
    tables = []
    for size in sorted(sizes):
        table = unicity(_of_people(points, order[:size]), known, people, draws, seed)
        table.insert(0, "size", size)
        tables.append(table)
    if not tables:
        raise InputError("sizes is empty; give at least one size of a crowd, or None.")
    return pd.concat(tables, ignore_index=True)


def _halves(population):
    sizes = [population]
    while sizes[-1] // 2 >= 1000:
        sizes.append(sizes[-1] // 2)
    return sizes


def _of_people(points, people):
    """The points of some people only, numbered anew."""
    stays = np.zeros(points.n_subjects, bool)
    stays[people] = True
    keep, code = stays[points.subject], np.cumsum(stays, dtype=np.int32) - 1
    return Points(code[points.subject[keep]], points.place[keep], points.bin[keep], points.subjects[stays],
                  points.places, points.bins, points.place_size, points.time_size, points.origin)


def convexity_bound(curve, population):
    """The least that unicity can be in a larger crowd, if it falls ever more slowly as the crowd grows.

    A convex curve lies above the line through two of its points, beyond them. So the two largest crowds measured give
    a floor at any larger one; whether the curve is convex there is the assumption, and `convex` says whether it was
    so as far as it was measured: whether no three neighbouring sizes bend the other way by more than their intervals
    explain.

    Parameters
    ----------
    curve : pandas.DataFrame
        As `subsample_curve` returns it, at least two sizes.
    population : int
        People in the larger crowd.

    Returns
    -------
    pandas.DataFrame
        `known, population, bound` (on the estimates)`, low` (on the least favourable ends of their 95 % intervals;
        this is the figure to quote)`, from_size, to_size, convex` (missing with two sizes: they cannot say).
        Neither goes below 0.

    Raises
    ------
    InputError
        Fewer than two sizes with an estimate, or a population under the largest size.

    References
    ----------
    Farzanehfar, A., Houssiau, F., de Montjoye, Y.-A. (2021). Patterns 2, 100204. doi:10.1016/j.patter.2021.100204

    >>> curve = pd.DataFrame({"size": [100, 200], "known": 4, "estimate": [0.9, 0.85], "low": [0.89, 0.84],
    ...                       "high": [0.91, 0.86]})
    >>> convexity_bound(curve, 400)[["bound", "low"]].round(3).values.tolist()
    [[0.75, 0.7]]
    """
    missing = {"size", "known", "estimate", "low", "high"} - set(getattr(curve, "columns", ()))
    if missing:
        raise InputError(f"convexity_bound takes the table of subsample_curve; {', '.join(sorted(missing))} is "
                         "missing.")
    rows = []
    for known, part in curve[curve["estimate"].notna()].sort_values("size").groupby("known"):
        if part["size"].nunique() < 2 or not part["size"].is_unique:
            raise InputError(f"With {known} known points the curve needs two sizes or more, each once.")
        if not is_whole(population, 1) or population < part["size"].iloc[-1]:
            raise InputError(f"population must be a whole number of at least the largest size measured, "
                             f"{part['size'].iloc[-1]:,}, but it is {population!r}.")
        rows.append({"known": known, "population": population, **_prolonged(part, population)})
    if not rows:
        raise InputError("The curve has no estimate to start from; know fewer points or measure larger crowds.")
    return pd.DataFrame(rows)


def _prolonged(part, population):
    size = part["size"].to_numpy(float)
    ahead = (population - size[-1]) / (size[-1] - size[-2])
    bound, low = (part[b].iloc[-1] - ahead * (part[a].iloc[-2] - part[b].iloc[-1])
                  for a, b in (("estimate", "estimate"), ("high", "low")))
    convex = _nowhere_bent(part, size) if len(size) > 2 else None
    return {"bound": max(0.0, bound), "low": max(0.0, low), "from_size": int(size[-2]), "to_size": int(size[-1]),
            "convex": convex}


def _nowhere_bent(part, size):
    """Whether no three neighbours bend the wrong way by more than chance explains (95 %, each three by itself)."""
    estimate, variance = part["estimate"].to_numpy(float), ((part["high"] - part["low"]) / 3.92).to_numpy(float) ** 2
    before, after = np.diff(size)[:-1], np.diff(size)[1:]
    bend = np.diff(np.diff(estimate) / np.diff(size))
    spread = variance[:-2] / before**2 + variance[1:-1] * (1 / before + 1 / after) ** 2 + variance[2:] / after**2
    return bool((bend >= -1.96 * np.sqrt(spread) - 1e-15).all())


def independence(points, known=(1, 2, 3, 4), people=4000, seed=0):
    """What unicity would be if everybody's points were independent, beside what it is, on the same draws.

    If others were in each bin by chance alone, each of the N - 1 others would match with probability q_1 q_2 ... q_k,
    q_i the share of the others who were in bin i. Then (N - 1) q_1 ... q_k others would match, and none with
    probability (1 - q_1 ... q_k)^(N - 1). People have homes, work and habits, so this is no estimate of anything: the
    distance to the truth shows how much routine hides.

    Parameters
    ----------
    points, known, people, seed
        As `unicity` takes them; one draw a person.

    Returns
    -------
    pandas.DataFrame
        `known, others_independent` (mean number of other people who would match)`, independent` (share unique by the
        formula), then `estimate, low, high, n, eligible, population` of the truth.

    Raises
    ------
    InputError
        What `unicity` refuses.

    >>> from kit.reidentify import make_points
    >>> seen = pd.DataFrame({"subject_id": ["x", "y", "z"], "sensor_id": ["a", "b", "a"]})
    >>> found = independence(make_points(seen, time=None), known=1, people=None)
    >>> found[["independent", "estimate"]].round(3).values.tolist()
    [[0.5, 0.333]]
    """
    known, people, _, seed = check_arguments(points, known, people, 1, seed)
    truth = unicity(points, known, people, seed=seed).drop(columns=["draws"])
    index = build_index(points)
    others = max(1, points.n_subjects - 1)
    share = (np.diff(index.first_subject) - 1) / others
    chances = []
    for k in known:
        chosen, _ = choose_people(index, k, people, seed)
        together = share[drawn_cells(index, chosen, k, seed)].prod(axis=1)
        alone = (1 - together) ** (points.n_subjects - 1)
        mean = (together.mean() * (points.n_subjects - 1), alone.mean()) if len(chosen) else (np.nan, np.nan)
        chances.append(mean)
    truth.insert(1, "others_independent", [mean for mean, _ in chances])
    truth.insert(2, "independent", [mean for _, mean in chances])
    return truth
