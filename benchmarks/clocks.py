"""How right mended clocks are, against the truth of fresh cities, beside doing nothing.

    python benchmarks/clocks.py [--seeds 501 502 503] [--people 2000] [--days 90] [--register-people 300000]

Three months of the community and one day of the register, for each seed.

Errors are at the middle of the records, with the median of each group of sensors taken off; a pair is two sensors of
one group with at least 100 ways each way within 10 minutes.
"""

import argparse

import numpy as np
import pandas as pd
from _community import community, register

from kit import movement

ENOUGH, WRONG_S, DAMAGE_S = 100, 20.0, 5.0


def main():
    ask = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    ask.add_argument("--seeds", type=int, nargs="+", default=[501, 502, 503])
    ask.add_argument("--people", type=int, default=2_000)
    ask.add_argument("--days", type=int, default=90)
    ask.add_argument("--register-people", type=int, default=300_000)
    given = ask.parse_args()
    for name, make, days in (("community", lambda seed: community(seed, given.people, given.days), given.days),
                             ("register", lambda seed: register(seed, given.register_people), 1)):
        judged = [judge(make(seed), days, f"{name}, seed {seed}") for seed in given.seeds]
        report(f"{name}, all seeds", *(pd.concat(parts, ignore_index=True) for parts in zip(*judged, strict=True)))


def judge(city, days, name):
    """Clocks and pairs of one city with what is left of their error."""
    _, clocks = movement.repair_clocks(city["sightings"], city["sensors"])
    clocks = clocks.merge(city["faults"], on="sensor_id", suffixes=("", "_true"))
    tied, middle = clocks["component"] >= 0, days / 2
    true = clocks["clock_offset_s"] + clocks["drift_s_per_day_true"] * middle
    found = (clocks["offset_s"] + clocks["drift_s_per_day"] * middle).fillna(0)
    off = clocks["mended"].to_numpy()
    group = clocks["component"].where(tied, -1 - np.arange(len(clocks)))
    clocks = clocks.assign(true=true, left=true - found.where(off, 0), tied=tied, group=group, off=off,
                           wrong=true.abs() >= WRONG_S)
    clocks["covered"] = (clocks["low"] <= clocks["clock_offset_s"]) & (clocks["clock_offset_s"] <= clocks["high"])
    pairs = _pairs(city["sightings"], clocks)
    report(name, clocks, pairs)
    return clocks, pairs


def _pairs(sightings, clocks):
    """Pairs with enough ways by the true clock: |error| of the difference of the two clocks, before and after."""
    seen = sightings[sightings["subject_id"].notna()].sort_values(["subject_id", "true_time"], kind="stable")
    same = (seen["subject_id"] == seen["subject_id"].shift()) & (seen["sensor_id"] != seen["sensor_id"].shift())
    soon = seen["true_time"].diff() <= pd.Timedelta("10min")
    ways = pd.DataFrame({"a": seen["sensor_id"].shift(), "b": seen["sensor_id"]})[same & soon].value_counts()
    by_id = clocks.set_index("sensor_id")
    rows = []
    for (a, b), n in ways.items():
        if a < b and n >= ENOUGH and ways.get((b, a), 0) >= ENOUGH:
            one, other = by_id.loc[a], by_id.loc[b]
            rows.append((abs(other["true"] - one["true"]), abs(other["left"] - one["left"]),
                         one["group"] == other["group"], one["wrong"] or other["wrong"]))
    return pd.DataFrame(rows, columns=["before", "after", "one_group", "wrong"])


def report(name, clocks, pairs):
    """What the clocks were before and are after, in words."""
    wrong, good = clocks[clocks["wrong"]], clocks[~clocks["wrong"]]
    tied = clocks[clocks["tied"]]
    print(f"{name}: {len(clocks)} sensors, {int((~clocks['tied']).sum())} not tied and left alone")
    print(f"  wrong clocks within {DAMAGE_S:.0f} s: {int((wrong['left'].abs() < DAMAGE_S).sum())} of {len(wrong)} "
          f"({int((wrong['true'].abs() < DAMAGE_S).sum())} by doing nothing); tied ones: "
          f"{int((wrong[wrong['tied']]['left'].abs() < DAMAGE_S).sum())} of {int(wrong['tied'].sum())}")
    print(f"  good clocks damaged by more than {DAMAGE_S:.0f} s: {int((good['left'].abs() > DAMAGE_S).sum())} of "
          f"{len(good)}; touched at all: {int(good['off'].sum())}")
    print(f"  95 % intervals that hold the truth: {int(tied['covered'].sum())} of {len(tied)}; drifts reported "
          f"{int((tied['drift_s_per_day'] != 0).sum())}, of them false "
          f"{int(((tied['drift_s_per_day'] != 0) & (tied['drift_s_per_day_true'] == 0)).sum())}, true ones missed "
          f"{int(((tied['drift_s_per_day'] == 0) & (tied['drift_s_per_day_true'] != 0)).sum())}")
    for which, rows in (("all pairs", pairs), ("pairs with a wrong clock", pairs[pairs["wrong"]])):
        print(f"  {which} ({len(rows)}, {int(rows['one_group'].sum())} tied): median error "
              f"{rows['after'].median():.2f} s, doing nothing {rows['before'].median():.2f} s; under {DAMAGE_S:.0f} s "
              f"{(rows['after'] < DAMAGE_S).mean():.1%}, doing nothing {(rows['before'] < DAMAGE_S).mean():.1%}")


if __name__ == "__main__":
    main()
