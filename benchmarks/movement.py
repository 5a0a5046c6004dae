"""What movement costs, beside DuckDB and pandas doing the same, in one run.

    python benchmarks/movement.py [--rows 6700000] [--repeats 3] [--many 81000000]

Prints times and ratios; the answers of all three are compared first, column by column. `--many` times find_visits
alone instead, on so many sightings of 100,000 people over 90 days: memory, and whether time grows as the rows do.
"""

import argparse
import re
import time
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import psutil
import pyarrow as pa
from _data import PEOPLE, ROWS, register_sightings

from kit import codes, movement
from kit.movement import order, visits

TZ = "Etc/GMT-8"
GAP_US = 15 * 60 * 1_000_000

# The fastest of four ways tried: window functions find the rows that start a visit and carry what ended the one before,
# so that no aggregation and no join is needed; the time last seen elsewhere is a running maximum over changes of place.
DUCKDB_VISITS = f"""
WITH lagged AS (
    SELECT subject, place, us, sighting_id, row_number() OVER past AS n_seen, count(*) OVER all_of_them AS n_all,
           lag(place) OVER past AS place_before, lag(us) OVER past AS us_before,
           lag(sighting_id) OVER past AS id_before,
           last_value(us) OVER all_of_them AS us_last, last_value(sighting_id) OVER all_of_them AS id_last
    FROM seen WHERE subject >= 0
    WINDOW past AS (PARTITION BY subject ORDER BY us, place, sighting_id),
           all_of_them AS (PARTITION BY subject ORDER BY us, place, sighting_id
                           ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING)
), starts AS (
    SELECT * FROM lagged WHERE place_before IS NULL OR place_before <> place OR us - us_before > {GAP_US}
), visits AS (
    SELECT subject, place, n_seen, us AS arrived, sighting_id AS first_id,
           coalesce(lead(us_before) OVER visit, us_last) AS left_us,
           coalesce(lead(id_before) OVER visit, id_last) AS last_id,
           coalesce(lead(n_seen) OVER visit, n_all + 1) - n_seen AS n_sightings,
           max(CASE WHEN place_before <> place THEN us_before END) OVER
               (PARTITION BY subject ORDER BY n_seen ROWS UNBOUNDED PRECEDING) AS came_from,
           CASE WHEN lead(place) OVER visit <> place THEN lead(us) OVER visit END AS went_to
    FROM starts WINDOW visit AS (PARTITION BY subject ORDER BY n_seen)
)
SELECT subject, place, arrived, left_us, (left_us - arrived) / 1e6 AS dwell_min_s,
       (min(went_to) OVER (PARTITION BY subject ORDER BY n_seen ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING)
        - came_from) / 1e6 AS dwell_max_s,
       n_sightings, first_id, last_id
FROM visits ORDER BY subject, n_seen
"""

# No visit here lasts a night, so the night of its arrival or of its departure is every night it touches.
DUCKDB_HOMES = """
WITH nights AS (
    SELECT subject, place, unnest([us, left_us]) + 8 * 3600000000 AS local_us FROM visits
), counted AS (
    SELECT subject, place, count(DISTINCT CASE WHEN (local_us + 5 * 3600000000) % 86400000000 <= 11 * 3600000000
                                          THEN (local_us + 5 * 3600000000) // 86400000000 END) AS nights,
           count(*) AS seen
    FROM nights GROUP BY subject, place
)
SELECT subject, arg_min(place, (-nights, -seen, place)) AS place FROM counted WHERE nights > 0
GROUP BY subject ORDER BY subject
"""


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=ROWS)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--many", type=int, default=0)
    options = parser.parse_args()
    if options.many:
        time_many(options.many)
        return
    seen = register_sightings(people=min(PEOPLE, options.rows), rows=options.rows)
    print(f"{len(seen):,} sightings of {seen['subject_id'].nunique():,} people")
    visits_table = time_find_visits(seen, options.repeats)
    time_infer_places(visits_table, options.repeats)


def time_find_visits(seen, repeats):
    movement.find_visits(seen.head(1000))
    subject, subjects = codes.encode(seen["subject_id"])
    place, _ = codes.encode(seen["sensor_id"])
    coded = pd.DataFrame({"subject": subject, "place": place, "us": seen["time"].array.asi8,
                          "sighting_id": seen["sighting_id"]})
    columns = [coded[c].to_numpy() for c in ("subject", "us", "place", "sighting_id")]

    ours, call_s = best(lambda: movement.find_visits(seen), repeats)
    _, kernel_s = best(lambda: visits._visits(*order.by_subject(*columns, len(subjects)), GAP_US), repeats)
    arrow = pa.Table.from_pandas(coded)
    duck, duck_s = best(lambda: with_duckdb(arrow), repeats)
    frame, pandas_s = best(lambda: with_pandas(coded), 1)
    compare(ours, duck.to_pandas(), "DuckDB")
    compare(ours, frame, "pandas")
    print(f"find_visits: {len(ours):,} visits, answers equal in all three")
    report("call, frame in, contract columns out", call_s, {"DuckDB": duck_s, "pandas": pandas_s})
    report("kernel, arrays in and out", kernel_s, {"DuckDB": duck_s, "pandas": pandas_s})
    return ours


def time_many(rows):
    """Whole tables in memory: a tenth of the people, then all; the memory is the most during a call, data included."""
    took = []
    for share in (10, 1):
        seen = register_sightings(people=100_000 // share, rows=rows // share, days=90)
        before_gb = psutil.Process().memory_info().rss / 1e9
        visits, most_gb = most_memory(lambda seen=seen: len(movement.find_visits(seen)))
        took.append(best(lambda seen=seen: len(movement.find_visits(seen)), 2)[1])
        print(f"{len(seen):,} sightings, {visits:,} visits: call {took[-1]:.2f} s; {before_gb:.1f} GB before it, "
              f"{most_gb:.1f} GB of memory at most during it")
    print(f"10 times the sightings take {took[1] / took[0]:.1f} times as long")


def most_memory(call):
    """What a call returns, and the most memory in GB that this process held meanwhile (Linux)."""
    Path("/proc/self/clear_refs").write_text("5")  # forgets what was most before
    result = call()
    held = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    return result, int(held[1]) / 1e6


def with_duckdb(seen):
    """Codes in as an Arrow table, the same columns out as one: what costs DuckDB least. It leaves out `visit_id`."""
    connection = duckdb.connect()
    connection.register("seen", seen)
    return connection.sql(DUCKDB_VISITS).to_arrow_table()


def with_pandas(seen):
    """The same in vectorised pandas and numpy: a sort, shifts, reductions over runs; no group is looped over."""
    seen = seen[seen["subject"] >= 0].sort_values(["subject", "us", "place", "sighting_id"], ignore_index=True)
    new_subject = seen["subject"] != seen["subject"].shift()
    moved = seen["place"] != seen["place"].shift()
    starts = new_subject | moved | (seen["us"].diff() > GAP_US)
    groups = seen.groupby(starts.cumsum(), sort=False)
    runs = groups.agg(subject=("subject", "first"), place=("place", "first"), arrived=("us", "first"),
                      left_us=("us", "last"), n_sightings=("us", "size"), first_id=("sighting_id", "first"),
                      last_id=("sighting_id", "last")).reset_index(drop=True)
    same_before = runs["subject"] == runs["subject"].shift()
    change = runs["place"] != runs["place"].shift()
    came_from = runs["left_us"].shift().where(change & same_before).where(same_before, np.inf).ffill()
    went_to = runs["arrived"].where(change & same_before).where(same_before, np.inf).shift(-1).bfill()
    bounded = np.isfinite(came_from) & np.isfinite(went_to)
    runs["dwell_min_s"] = (runs["left_us"] - runs["arrived"]) / 1e6
    runs["dwell_max_s"] = ((went_to - came_from) / 1e6).where(bounded)
    runs["visit_id"] = np.arange(len(runs))
    return runs


def compare(ours, theirs, who):
    """Stop when any column differs."""
    pairs = {"subject": ours["subject_id"].cat.codes, "place": ours["place_id"].cat.codes,
             "arrived": ours["arrived_at"].array.asi8, "left_us": ours["left_at"].array.asi8,
             "dwell_min_s": ours["dwell_min_s"], "dwell_max_s": ours["dwell_max_s"],
             "n_sightings": ours["n_sightings"], "first_id": ours["first_sighting_id"],
             "last_id": ours["last_sighting_id"]}
    for name, mine in pairs.items():
        if not np.array_equal(np.asarray(mine, float), np.asarray(theirs[name], float), equal_nan=True):
            raise SystemExit(f"{who} differs from find_visits in {name}: no benchmark.")


def time_infer_places(found, repeats):
    """Homes by distinct nights, ties by visits, then place: a DuckDB aggregation answers the same question."""
    movement.infer_places(found.head(1000), tz=TZ, method="nights")
    nights, nights_s = best(lambda: movement.infer_places(found, tz=TZ, method="nights", keep_uncertain=True), repeats)
    _, edges_s = best(lambda: movement.infer_places(found, tz=TZ, method="edges"), repeats)
    coded = pa.table({"subject": found["subject_id"].cat.codes, "place": found["place_id"].cat.codes,
                      "us": found["arrived_at"].array.asi8, "left_us": found["left_at"].array.asi8})
    homes, duck_s = best(lambda: homes_with_duckdb(coded), repeats)
    ours = nights[nights["role"] == "home"]
    if not (np.array_equal(ours["subject_id"].cat.codes, homes["subject"])
            and np.array_equal(ours["place_id"].cat.codes, homes["place"])):
        raise SystemExit("DuckDB finds other homes: no benchmark.")
    print(f"infer_places: {len(ours):,} homes by nights, the same in both (DuckDB names homes only; the call also "
          "gives work, and share and confidence of every place)")
    report("call, nights", nights_s, {"DuckDB": duck_s})
    report("call, edges", edges_s, {"DuckDB's nights": duck_s})


def homes_with_duckdb(visits_table):
    connection = duckdb.connect()
    connection.register("visits", visits_table)
    return connection.sql(DUCKDB_HOMES).to_arrow_table().to_pandas()


def best(job, repeats):
    """Result and shortest wall time of some runs."""
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        result = job()
        times.append(time.perf_counter() - start)
    return result, min(times)


def report(what, ours_s, others):
    ratios = ", ".join(f"{seconds / ours_s:.1f} times {name} ({seconds:.2f} s)" for name, seconds in others.items())
    print(f"  {what}: {ours_s:.3f} s = {ratios}")


if __name__ == "__main__":
    main()
