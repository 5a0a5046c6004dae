"""What counting pairs costs beside a DuckDB self-join, and how often co-presence speaks when there is nothing to say.

    python benchmarks/copresence.py                  pairs tallied beside DuckDB, all pairs counted
    python benchmarks/copresence.py --calibration    cities of other seeds: findings with no companions, and with some

For the second, each person of a city is moved by a number of whole weeks of their own (round the end to the beginning),
never the same in one household or one circle of friends: every habit and building stays, and nobody goes with anybody.
Then some are given companions:
on some days another resident's records are replaced by those of the first, each kept or missed for itself, with a few
seconds between them.
"""

import argparse
import json
import tempfile
import time
import warnings
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
from _data import PEOPLE, ROWS, register_sightings

from kit import codes, movement
from kit.city.leaks import write_dump
from kit.movement import pairs

WINDOW_US, TZ, WEEK = 300_000_000, "Etc/GMT-8", pd.Timedelta(days=7)
COMPANIONS, SHARED_DAYS, SEEN_TOO = 10, 0.35, 0.75

SELF_JOIN = """
WITH once AS (SELECT DISTINCT subject, sensor, us // 300000000 AS bin FROM seen),
     kept AS (SELECT *, count(*) OVER (PARTITION BY sensor, bin) AS size FROM once)
SELECT a.subject AS first, b.subject AS second, count(*) AS n
FROM kept a JOIN kept b ON a.sensor = b.sensor AND a.bin = b.bin AND a.subject < b.subject
WHERE a.size <= {crowd} AND b.size <= {crowd}
GROUP BY ALL
"""


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=ROWS)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--crowd", type=int, default=20)
    parser.add_argument("--calibration", action="store_true")
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--cities", type=int, default=2, help="cities made; seeds are dealt over them")
    parser.add_argument("--days", type=int, default=84)
    parser.add_argument("--people", type=int, default=800)
    options = parser.parse_args()
    if options.calibration:
        calibrate(options)
    else:
        time_counting(options)


def time_counting(options):
    seen = register_sightings(people=min(PEOPLE, options.rows), rows=options.rows)
    subject, subjects = codes.encode(seen["subject_id"])
    sensor, _ = codes.encode(seen["sensor_id"])
    us = seen["time"].array.asi8
    print(f"{len(seen):,} sightings of {len(subjects):,} people")
    tally(subject[:9], sensor[:9], us[:9], len(subjects), options.crowd)
    ours, ours_s = best(lambda: tally(subject, sensor, us, len(subjects), options.crowd), options.repeats)
    arrow = pa.table({"subject": subject, "sensor": sensor, "us": us})
    theirs, duck_s = best(lambda: with_duckdb(arrow, options.crowd), options.repeats)
    theirs = theirs.to_pandas().sort_values(["first", "second"])
    for name, mine in zip(("first", "second", "n"), ours, strict=False):
        if not np.array_equal(mine, theirs[name]):
            raise SystemExit(f"DuckDB differs in {name}: no benchmark.")
    print(f"bins of up to {options.crowd}: {int(ours[2].sum()):,} pairs in bins, {len(ours[0]):,} distinct, answers "
          f"equal: {ours_s:.3f} s = {duck_s / ours_s:.1f} times DuckDB ({duck_s:.2f} s)")
    total, count_s = best(lambda: movement.count_pairs(seen), options.repeats)
    print(f"count_pairs: {total:,} pairs in all bins of the register, none listed: {count_s:.3f} s")
    print(movement.account_for_crowds(seen, crowd=options.crowd).to_string(index=False))


def tally(subject, sensor, us, n_subjects, crowd):
    who, edges, _, _ = pairs.cells(subject, sensor, us // WINDOW_US, n_subjects)
    who, edges = pairs.keep_cells(who, edges, np.diff(edges) <= crowd)
    return pairs.tally(who, edges, np.zeros(len(edges) - 1, np.int64), n_subjects, 1)


def with_duckdb(seen, crowd):
    connection = duckdb.connect()
    connection.register("seen", seen)
    return connection.sql(SELF_JOIN.format(crowd=crowd)).to_arrow_table()


def calibrate(options):
    cities = [city_sightings(100 + i, options.people, options.days) for i in range(options.cities)]
    rows = []
    for seed in range(options.seeds):
        chance = np.random.default_rng(seed)
        alone = alone_again(cities[seed % len(cities)], options.days, chance)
        joined, planted = with_companions(alone, chance)
        for null in ("profile", "shift"):
            rows.append({"null": null, **findings(alone, null), **power(joined, planted, null)})
    table = pd.DataFrame(rows)
    print(f"{options.seeds} seeds over {options.cities} cities, {options.days} days; {COMPANIONS} companions on "
          f"{SHARED_DAYS:.0%} of their days")
    for null, part in table.groupby("null"):
        fdp, error = part["fdp"], 2 * np.sqrt(0.05 * 0.95 / len(part))
        print(f"{null}: any finding without companions in {part['any'].mean():.1%} of runs (5 % +- {error:.1%}), "
              f"{part['tests'].mean():,.0f} pairs in bins; p <= 0.01: {part['below_1'].mean():.3%}, "
              f"p <= 0.001: {part['below_01'].mean():.4%} of pairs with a bin; with companions mean false discovery "
              f"proportion {fdp.mean():.3f} (SE {fdp.sem():.3f}), recall {part['recall'].mean():.2f}")


def city_sightings(seed, people, days):
    """Face records of an invented community, false matches among them, and the truth about its people."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "dump"
        write_dump("community", people=people, days=days, seed=seed, out=out)
        return face_records(out), pd.read_parquet(out / "truth" / "people.parquet")


def alone_again(city, days, chance):
    """Everybody moved by whole weeks, other ones than their household and their circle are moved by."""
    seen, people = city
    weeks, start = days // 7, seen["time"].min().tz_convert(TZ).normalize()
    taken, shift = {}, {}
    for one in people.itertuples():
        ties = [("household", one.household_no), *([("circle", one.friend_group)] if one.friend_group >= 0 else [])]
        free = sorted(set(range(weeks)).difference(*(taken.get(tie, ()) for tie in ties)))
        if not free:
            raise SystemExit(f"{weeks} weeks are too few to keep a household and a circle apart; make more days.")
        shift[one.person_id] = int(chance.choice(free))
        for tie in ties:
            taken.setdefault(tie, set()).add(shift[one.person_id])
    moved = seen["time"] - start + pd.to_timedelta(seen["subject_id"].map(shift) * 7, unit="D")
    return seen.assign(time=start + moved % (weeks * WEEK))


def with_companions(seen, chance):
    """On some days a second person's records give way to copies of the first one's."""
    counts = seen["subject_id"].value_counts()
    chosen = chance.choice(counts.index[counts > counts.quantile(0.8)].to_numpy(), (COMPANIONS, 2), replace=False)
    day = seen["time"].dt.tz_convert(TZ).dt.normalize()
    parts, drop = [], np.zeros(len(seen), bool)
    for one, other in chosen:
        days = day[seen["subject_id"] == one].unique()
        shared = day.isin(days[chance.random(len(days)) < SHARED_DAYS])
        drop |= ((seen["subject_id"] == other) & shared).to_numpy()
        copy = seen[((seen["subject_id"] == one) & shared).to_numpy()]
        copy = copy[chance.random(len(copy)) < SEEN_TOO]
        late = pd.to_timedelta(chance.normal(0, 8, len(copy)), unit="s").round("ms")
        parts.append(copy.assign(subject_id=other, time=copy["time"] + late))
    whole = pd.concat([seen[~drop], *parts], ignore_index=True)
    return whole.assign(time=whole["time"].astype("datetime64[us, UTC]")), {tuple(sorted(pair)) for pair in chosen}


def found_pairs(seen, null):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        return movement.find_copresence(seen, null=null, tz=TZ)


def findings(seen, null):
    found = found_pairs(seen, null)
    return {"any": found["more_than_chance"].any(), "tests": len(found),
            "below_1": (found["p_value"] <= 0.01).mean(), "below_01": (found["p_value"] <= 0.001).mean()}


def power(seen, planted, null):
    found = found_pairs(seen, null)
    found = found[found["more_than_chance"]]
    named = set(zip(found["subject_a"], found["subject_b"], strict=True))
    return {"fdp": len(named - planted) / max(len(named), 1), "recall": len(named & planted) / len(planted)}


def face_records(dump):
    """Who the system says it saw, straight from the raw lines: a benchmark needs no ingest."""
    rows = []
    for path in sorted(dump.glob("face*")):
        for line in path.read_text(encoding="utf-8").splitlines():
            try:
                source = json.loads(line)["_source"]
            except ValueError:
                continue
            if source.get("person_id"):
                rows.append((source["person_id"], source["camera_id"], source["capture_time"]))
    frame = pd.DataFrame(rows, columns=["subject_id", "sensor_id", "time"])
    frame["time"] = frame["time"].map(instant).astype("datetime64[us, UTC]")
    return frame


def instant(value):
    """The three spellings of a time in that dump."""
    if isinstance(value, str) and not value.isdigit():
        return pd.Timestamp(value).tz_convert("UTC")
    return pd.Timestamp(int(value), unit="s" if isinstance(value, str) else "ms", tz="UTC")


def best(job, repeats):
    """Result and shortest wall time of some runs."""
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        result = job()
        times.append(time.perf_counter() - start)
    return result, min(times)


if __name__ == "__main__":
    main()
