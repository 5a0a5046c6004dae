"""Whether true dwell lies inside its bounds, on fresh communities; and what the dwell distribution costs.

    python benchmarks/dwell.py [--seeds 501 502 503] [--people 2000] [--days 90] [--visits 100000]

True dwell at a place is the time from the first to the last true pass there, seen or missed, of a run of true passes
without one elsewhere. Visits that contain a false match, or whose bounds come from one, are told apart; so are visits
without an upper bound. Clocks are mended first, as an analyst would.
"""

import argparse
import time

import numpy as np
import pandas as pd
from _community import community

from kit import movement


def main():
    ask = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    ask.add_argument("--seeds", type=int, nargs="+", default=[501, 502, 503])
    ask.add_argument("--people", type=int, default=2_000)
    ask.add_argument("--days", type=int, default=90)
    ask.add_argument("--visits", type=int, default=100_000)
    given = ask.parse_args()
    for seed in given.seeds:
        city = community(seed, given.people, given.days)
        seen, _ = movement.repair_clocks(city["sightings"], city["sensors"])
        faces = seen[(seen["source"] == "face") & seen["subject_id"].notna()].reset_index(drop=True)
        gap = movement.choose_gap(faces, city["sensors"], place="zone", draws=20)
        print(f"seed {seed}: choose_gap by zone: " + ", ".join(
            f"{row.choice} {row.max_gap} gives {row.n_visits:,} visits" for row in gap.itertuples()))
        for place, walk_kmh in (("sensor", None), ("sensor", 20.0), ("zone", None)):
            judge(city, faces, place, walk_kmh)
        time_distribution(movement.find_visits(faces, city["sensors"], "zone"), given.visits)


def judge(city, faces, place, walk_kmh):
    visits = movement.find_visits(faces, city["sensors"], place, walk_kmh=walk_kmh)
    true = _true_dwell(city, faces, visits, place)
    clean = ~_touched(faces, visits)
    bounded = visits["dwell_max_s"].notna() & true.notna()
    slack_s = 1.0  # times of the bursts of a pass differ by that
    inside = (visits["dwell_min_s"] <= true + slack_s) & (true <= visits["dwell_max_s"] + slack_s)
    width = visits["dwell_max_s"] - visits["dwell_min_s"]
    speed = "" if walk_kmh is None else f", walk of {walk_kmh:.0f} km/h taken off"
    print(f"  by {place}{speed}: {len(visits):,} visits, {int(bounded.sum()):,} with both bounds; free of false "
          f"matches {int((bounded & clean).sum()):,}: inside {inside[bounded & clean].mean():.2%}, median width "
          f"{width[bounded & clean].median() / 60:.1f} min; the others {inside[bounded & ~clean].mean():.2%}")


def _true_dwell(city, faces, visits, place):
    """Seconds of the run of true passes that each visit's first sighting belongs to; missing for a false match."""
    zone = city["sensors"].set_index("sensor_id")["zone_id"].astype(object)
    passes = city["passes"]
    spot = passes["sensor_id"] if place == "sensor" else passes["sensor_id"].map(zone)
    passes = passes.assign(spot=spot).sort_values(["subject_id", "time", "spot"], ignore_index=True)
    new = (passes["subject_id"] != passes["subject_id"].shift()) | (passes["spot"] != passes["spot"].shift())
    time_of = passes["time"].groupby(new.cumsum())
    passes["dwell_s"] = (time_of.transform("max") - time_of.transform("min")).dt.total_seconds()
    key = passes.drop_duplicates(["subject_id", "sensor_id", "time"]).set_index(["subject_id", "sensor_id", "time"])
    first = faces.set_index("sighting_id").loc[visits["first_sighting_id"]]
    asked = pd.MultiIndex.from_arrays([first["subject_id"], first["sensor_id"], first["true_time"]])
    return pd.Series(key["dwell_s"].reindex(asked).to_numpy(), index=visits.index)


def _touched(faces, visits):
    """Visits that hold a false match, or that lie beside one which may bound them: rather too many than too few."""
    false = faces[faces["false_match"]]
    times = {who: np.sort(rows.array.asi8) for who, rows in false.groupby("subject_id")["time"]}
    longest_us = (visits["dwell_max_s"].fillna(0) * 1e6).astype(np.int64)
    lower, upper = visits["left_at"].array.asi8 - longest_us, visits["arrived_at"].array.asi8 + longest_us
    out = np.zeros(len(visits), bool)
    for i, (who, a, b) in enumerate(zip(visits["subject_id"], lower, upper, strict=True)):
        if who in times:
            at = np.searchsorted(times[who], a)
            out[i] = at < len(times[who]) and times[who][at] <= b
    return out


def time_distribution(visits, n):
    some = visits.sample(min(n, len(visits)), random_state=0).reset_index(drop=True)
    start = time.perf_counter()
    found = movement.dwell_distribution(some, draws=20)
    took = time.perf_counter() - start
    at = found[(found["estimate"] <= 0.5)].iloc[0]
    print(f"  dwell_distribution of {len(some):,} visits, 20 draws: {took:.1f} s, {len(found)} spans; half last longer "
          f"than {at['from_s'] / 60:.0f} to {at['to_s'] / 60:.0f} min")


if __name__ == "__main__":
    main()
