"""How well two tables without a common key are linked, against the truth of fresh cities.

    python benchmarks/linkage.py [--seeds 401 402 403] [--only vehicles cards weeks]

Cities are made in memory from seeds that nothing was chosen on, at the project's fixed difficulty. Beside each result
stand an oracle, which knows what the linker has to guess, and a shuffled clone, in which there is nobody to find. What
is printed is what the docstrings may claim.
"""

import argparse

import numpy as np
import pandas as pd
from _community import community
from _fusion import fusion, truth_between

from kit.city.rotation import rotate_pseudonyms
from kit.reidentify import link, null_clone, score_links
from kit.reidentify.link_choice import exchange_margin, least_cost_matching
from kit.reidentify.link_near import near_scores, true_rates
from kit.reidentify.link_tables import subjects_of, tracks_of

WITHIN, WITHIN_S, LEAST_SIGHTINGS = "30min", 1_800.0, 20
CURVE = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, nargs="+", default=[401, 402, 403])
    parser.add_argument("--only", nargs="+", default=["vehicles", "cards", "weeks"])
    options = parser.parse_args()
    for seed in options.seeds:
        if {"vehicles", "cards"} & set(options.only):
            city = fusion(seed)
            for other in ("vehicles", "cards"):
                if other in options.only:
                    judge_source(seed, city, other)
        if "weeks" in options.only:
            judge_weeks(seed)


def judge_source(seed, city, other):
    """Phones, heard at cells, to what was seen at other sensors."""
    phones, seen, sensors = city["phones"], city[other].dropna(subset=["subject_id"]), city["sensors"]
    truth = truth_between(phones, seen)
    options = {"within": WITHIN, "sensors": sensors}
    report(f"seed {seed}, phone to {other}, one to one", link(phones, seen, one_to_one=True, **options), truth,
           oracle(phones, seen, truth, sensors))
    report(f"seed {seed}, phone to {other}, ranked", link(phones, seen, **options), truth)
    clone = null_clone(seen, seed, tz="Etc/GMT-8")
    report(f"seed {seed}, phone to {other}, shuffled clone, chance is 1 in {seen['subject_id'].nunique()}",
           link(phones, clone, **options), truth)
    judge_probability(f"seed {seed}, phone to {other}", link(phones, seen, one_to_one=True, open_world=True, **options),
                      truth)


def oracle(left, right, truth, sensors):
    """The links of somebody who knows how often each answer comes from the same person."""
    ids = subjects_of(left), subjects_of(right)
    tracks = tracks_of(left, right, ids, sensors)
    known = [ids[i][1].get_indexer(truth[c]) for i, c in enumerate(("left_id", "right_id"))]
    rates = true_rates(*tracks, WITHIN_S, *known)
    return one_to_one(near_scores(*tracks, WITHIN_S, rates)[0].astype(float), ids[0][1], ids[1][1])


def one_to_one(scores, left_ids, right_ids):
    """The matching of greatest total score of a full table, as links."""
    row, column = np.indices(scores.shape).reshape(2, -1)
    flat, sizes = scores.ravel(), scores.shape
    chosen = least_cost_matching(row, column, flat, *sizes)
    margin = exchange_margin(row, column, flat, chosen, *sizes, lambda u, v: np.zeros(len(u)))
    return pd.DataFrame({"left_id": left_ids[row[chosen]], "right_id": right_ids[column[chosen]],
                         "score": flat[chosen], "rank": 1, "margin": margin})


def judge_weeks(seed):
    """Faces under a pseudonym that changes every week: residents seen often in both weeks, among everybody seen."""
    city = community(seed, n_days=14)
    faces = city["sightings"].query("source == 'face'")
    rotated, truth = rotate_pseudonyms(faces, days=7, seed=seed)
    first, second = (rotated[rotated["subject_id"].str.startswith(f"r_{w}_", na=False)] for w in (0, 1))
    weeks = [truth[truth["period"] == w].set_index("subject_id") for w in (0, 1)]
    both = weeks[0].merge(weeks[1], on="subject_id", suffixes=("_0", "_1"))
    resident = both.index.str[2:].astype(int) < 500
    often = (both["n_records_0"] >= LEAST_SIGHTINGS) & (both["n_records_1"] >= LEAST_SIGHTINGS)
    pairs = both[resident & often].rename(columns={"pseudonym_0": "left_id", "pseudonym_1": "right_id"})
    pairs = pairs.reset_index()[["left_id", "right_id"]]
    mine = first[first["subject_id"].isin(pairs["left_id"])]
    print(f"seed {seed}: {len(pairs)} residents with {LEAST_SIGHTINGS} sightings or more in both weeks, among "
          f"{second['subject_id'].nunique()} pseudonyms of the second week")
    for method in ("poisson", "transition", "idf", "histogram"):
        report(f"seed {seed}, week to week, {method}", link(mine, second, method, place="sensor", one_to_one=True),
               pairs, oracle_of_weeks(city, mine, second, truth) if method == "poisson" else None)
    report(f"seed {seed}, week to week, poisson, ranked", link(mine, second, place="sensor"), pairs)
    report(f"seed {seed}, week to week, shuffled clone", link(mine, null_clone(second, seed), place="sensor"), pairs)


def oracle_of_weeks(city, mine, second, truth):
    """The links of somebody who knows each person's rates at every camera over both weeks, by the true identities."""
    faces = city["sightings"].query("source == 'face'")
    true = faces.assign(hour=faces["true_time"].dt.floor("h"), who="p_" + faces["true_no"].astype(str))
    true = true.drop_duplicates(["who", "sensor_id", "hour"])
    table = pd.crosstab(true["who"], true["sensor_id"])
    crowd = (table.sum() / table.to_numpy().sum()).to_numpy()
    rates = (table.to_numpy() + crowd) / (table.sum(axis=1).to_numpy()[:, None] + 1)
    left = truth.set_index("pseudonym").loc[np.sort(mine["subject_id"].unique()), "subject_id"]
    seen = second.assign(hour=second["time"].dt.floor("h")).drop_duplicates(["subject_id", "sensor_id", "hour"])
    found = pd.crosstab(seen["subject_id"], seen["sensor_id"]).reindex(columns=table.columns, fill_value=0)
    odds = np.log(rates[table.index.get_indexer(left)]) - np.log(crowd)
    return one_to_one(odds @ found.to_numpy().T, left.index, found.index)


def report(name, links, truth, best=None):
    quality = score_links(links, truth)
    rows = quality.summary.set_index("measure")
    print(f"{name}: {len(truth)} true pairs")
    for measure in ("recall at 1", "recall at 10", "recall at precision 0.95"):
        one = rows.loc[measure]
        print(f"  {measure}: {one['estimate']:.3f} ({one['low']:.3f} to {one['high']:.3f})")
    curve = quality.curve
    points = [f"{least:g}: {curve.loc[curve['recall'] >= least, 'precision'].max():.2f}" for least in CURVE
              if (curve["recall"] >= least).any()]
    print(f"  precision where recall reaches {', '.join(points) or 'nothing'}")
    if best is not None:
        known = score_links(best, truth)
        for measure in ("recall at 1", "recall at precision 0.95"):
            share = quality[measure] / known[measure] if known[measure] else float("nan")
            print(f"  oracle's {measure}: {known[measure]:.3f}; of that {share:.2f}")


def judge_probability(name, links, truth):
    """How often pairs of a stated probability are right."""
    known = pd.MultiIndex.from_frame(truth.astype(object))
    named = links[links["right_id"].notna()]
    right = pd.MultiIndex.from_frame(named[["left_id", "right_id"]].astype(object)).isin(known)
    band = pd.cut(named["probability"], [0.5, 0.8, 0.95, 1.0], include_lowest=True)
    for one, rows in pd.DataFrame({"stated": named["probability"], "right": right}).groupby(band, observed=True):
        print(f"  stated {one}: {rows['stated'].mean():.2f}, right {rows['right'].mean():.2f} of {len(rows)}")


if __name__ == "__main__":
    main()
