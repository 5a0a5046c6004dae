"""What unicity costs, beside DuckDB and pyroaring answering the same question, in one run.

    python benchmarks/unicity.py [--rows 6700000] [--people 10000] [--known 3] [--repeats 3]
    python benchmarks/unicity.py --growth 6700000 20000000 81000000

10,000 people, three points each, the whole register as crowd. Who is unique is compared person by person. Also: what
the index costs beside one sort of the same keys, what it holds in memory, and how far the walk is from the floor, one
random look into memory for each list entry that has to be read. `--growth` measures whole runs at several sizes (a day
for each 6.7 million rows), each in a process of its own: seconds, most memory resident, growth exponent.
pyroaring is compared when it is installed (`pip install pyroaring`); the kit does not need it.
"""

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import psutil
import pyarrow as pa
from _data import PEOPLE, ROWS, register_sightings
from numba import njit

from kit import parallel, reidentify
from kit.reidentify.unicity import _drawn, _leap, build_index, drawn_cells


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=ROWS)
    parser.add_argument("--people", type=int, default=10_000)
    parser.add_argument("--known", type=int, default=3)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--growth", type=int, nargs="+", metavar="ROWS")
    parser.add_argument("--one", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        run_one(options.one)
        return
    if options.growth:
        measure_growth(options.growth)
        return
    seen = register_sightings(people=min(PEOPLE, options.rows), rows=options.rows)
    warm = reidentify.make_points(seen.head(1000))
    reidentify.unicity(warm, known=(1,))

    points, points_s = best(lambda: reidentify.make_points(seen, time="1h"), options.repeats)
    print(f"{points!r}, made in {points_s:.2f} s")
    index = time_index(points, options.repeats)
    compare_engines(index, options)
    time_everyone(points, index, options.repeats)


def time_index(points, repeats):
    before = psutil.Process().memory_info().rss
    index, index_s = best(lambda: build_index(points), 1)
    held = (psutil.Process().memory_info().rss - before) / 2**20
    index, index_s = best(lambda: build_index(points), repeats)
    keys = np.random.default_rng(0).permutation(
        index.cells.astype(np.int64) << 32 | points.subject.astype(np.int64))
    _, sort_s = best(lambda: np.sort(keys), repeats)
    arrays = sum(a.nbytes for a in (index.first_cell, index.cells, index.first_subject, index.subjects)) / 2**20
    print(f"index: {index_s:.3f} s = {index_s / sort_s:.2f} times one numpy sort of the same keys ({sort_s:.3f} s); "
          f"{arrays:.0f} MB of arrays, {held:.0f} MB more resident")
    return index


def compare_engines(index, options):
    k = options.known
    eligible = np.flatnonzero(index.sizes >= k).astype(np.int32)
    rng = np.random.default_rng(0)
    chosen = np.sort(rng.choice(eligible, min(options.people, len(eligible)), replace=False))
    cells = drawn_cells(index, chosen, k, 0)
    ours, ours_s = best(lambda: _drawn(index, chosen, k, 1, 0), options.repeats)
    print(f"unicity, {len(chosen):,} people, {k} points: {ours.mean():.4f} unique in {ours_s:.4f} s")
    n_probes = probes(chosen, cells, index.first_subject, index.subjects)
    where = rng.integers(0, len(index.subjects), n_probes)
    random_looks(index.subjects, where[:1])
    _, floor_s = best(lambda: random_looks(index.subjects, where), options.repeats)
    print(f"  {ours_s / floor_s:.1f} times the floor of {n_probes:,} random looks into that memory ({floor_s:.4f} s)")
    sizes = np.diff(index.first_subject)[cells]
    rarest_first = np.take_along_axis(cells, np.argsort(sizes, axis=1, kind="stable"), axis=1)
    for how, columns in (("points as drawn", cells), ("rarest point first", rarest_first)):
        duck, duck_s = best(duckdb_job(index, chosen, columns), options.repeats)
        if not np.array_equal(chosen[ours == 1], duck):
            raise SystemExit("DuckDB names other people as unique: no benchmark.")
        print(f"  {duck_s / ours_s:.1f} times a DuckDB join, {how} ({duck_s:.2f} s), same people")
    against_roaring(index, chosen, cells, ours, ours_s, options.repeats)


def duckdb_job(index, chosen, cells):
    """One join a known point, on cell and subject, then who is alone. (Joining all points at once and counting them
    by person and subject takes DuckDB several times longer.)"""
    connection = duckdb.connect()
    subject = np.repeat(np.arange(len(index.sizes), dtype=np.int32), index.sizes)
    connection.register("arrow", pa.table({"subject": subject, "cell": index.cells}))
    connection.sql("CREATE TABLE points AS SELECT * FROM arrow ORDER BY cell, subject")
    drawn = {f"cell{j}": cells[:, j] for j in range(cells.shape[1])}
    connection.register("drawn", pa.table({"person": chosen, **drawn}))
    connection.sql("CREATE TABLE known AS SELECT * FROM drawn")
    joins = "JOIN points p0 ON p0.cell = cell0" + "".join(
        f" JOIN points p{j} ON p{j}.cell = cell{j} AND p{j}.subject = p0.subject" for j in range(1, cells.shape[1]))
    query = f"SELECT person FROM known {joins} GROUP BY person HAVING count(*) = 1 ORDER BY person"
    return lambda: connection.sql(query).fetchnumpy()["person"]


def against_roaring(index, chosen, cells, ours, ours_s, repeats):
    try:
        from pyroaring import BitMap
    except ImportError:
        print("  pyroaring is not installed: not compared")
        return
    first, subjects = index.first_subject, index.subjects
    bitmaps = {c: BitMap(subjects[first[c]:first[c + 1]]) for c in np.unique(cells)}
    rows = [[bitmaps[c] for c in row] for row in cells]
    sizes, roaring_s = best(lambda: [len(BitMap.intersection(*row)) for row in rows], repeats)
    if not np.array_equal(np.array(sizes) == 1, ours == 1):
        raise SystemExit("pyroaring names other people as unique: no benchmark.")
    print(f"  {roaring_s / ours_s:.1f} times pyroaring ({roaring_s:.3f} s, its bitmaps made beforehand)")


def time_everyone(points, index, repeats):
    _, index_s = best(lambda: build_index(points), repeats)
    everyone = np.flatnonzero(index.sizes >= 2).astype(np.int32)
    _, alone_s = best(lambda: _drawn(index, everyone, 2, 1, 0), repeats)
    cpu_s = min(cpu_seconds(lambda: _drawn(index, everyone, 2, 1, 0)) for _ in range(repeats))
    index_cpu_s = min(cpu_seconds(lambda: build_index(points)) for _ in range(repeats))
    table, seconds = best(lambda: reidentify.unicity(points, known=(2,), people=None), repeats)
    n, population, estimate = (table[c].iloc[0] for c in ("n", "population", "estimate"))
    print(f"everyone with two points, one draw each: {alone_s:.2f} s = {alone_s / index_s:.1f} times the index build "
          f"({index_s:.3f} s); index and table included {seconds:.2f} s = {seconds / index_s:.1f} times; {n:,} of "
          f"{population:,} people, unique {estimate:.4f}")
    print(f"  seconds of all processors together: {cpu_s:.3f} against {index_cpu_s:.3f} = {cpu_s / index_cpu_s:.1f} "
          f"times (the index is built by one, the draws by {parallel.cores()})")


def measure_growth(sizes):
    """Points from records, index, everyone's two points and a sample's four, at each size."""
    found = []
    for rows in sizes:
        with tempfile.TemporaryDirectory() as folder:
            make = [sys.executable, __file__, "--one", folder]
            store(Path(folder), rows)
            done = subprocess.run(make, capture_output=True, text=True, check=True).stdout
        seconds, peak_mb = (float(x) for x in done.splitlines()[-1].split())
        print(*done.splitlines()[:-1], f"{rows:,} sightings: {seconds:.1f} s, at most {peak_mb:,.0f} MB resident",
              sep="\n", flush=True)
        found.append((rows, seconds))
    if len(found) > 1:
        slope = np.polyfit(*np.log(np.array(found)).T, 1)[0]
        print(f"growth exponent of seconds in sightings: {slope:.2f}")


def store(folder, rows):
    """A register of so many rows, made one day at a time, as three plain arrays."""
    days = max(1, round(rows / ROWS))
    parts = {"subject": np.int32, "sensor": np.int16, "time": np.int64}
    out = {name: np.lib.format.open_memmap(folder / f"{name}.npy", "w+", kind, (rows,)) for name, kind in parts.items()}
    edges = [rows * day // days for day in range(days + 1)]
    for day in range(days):
        seen = register_sightings(people=min(PEOPLE, rows), rows=edges[day + 1] - edges[day], seed=day)
        at = slice(edges[day], edges[day + 1])
        out["subject"][at] = seen["subject_id"].cat.codes
        out["sensor"][at] = seen["sensor_id"].cat.codes
        out["time"][at] = seen["time"].array.asi8 + day * 86_400_000_000


def run_one(folder):
    subject, sensor, when = (np.load(folder / f"{name}.npy") for name in ("subject", "sensor", "time"))
    seen = pd.DataFrame({
        "subject_id": pd.Categorical.from_codes(subject, categories=pd.RangeIndex(int(subject.max()) + 1)),
        "sensor_id": pd.Categorical.from_codes(sensor, categories=pd.RangeIndex(int(sensor.max()) + 1)),
        "time": pd.Series(when.view("datetime64[us]")).dt.tz_localize("UTC")})
    reidentify.unicity(reidentify.make_points(seen.head(1000)), known=(1, 2))
    del subject, sensor, when
    start = time.perf_counter()
    points = reidentify.make_points(seen, time="1h")
    table = pd.concat([reidentify.unicity(points, known=2, people=None), reidentify.unicity(points, known=4)])
    seconds = time.perf_counter() - start
    print(table.to_string(index=False))
    print(seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10)


@njit
def probes(chosen, cells, first_subject, subjects):
    """List entries that the walk must read: each other of the shortest list, and its place in each next list."""
    n = 0
    for i in range(len(chosen)):
        lists = cells[i, np.argsort(first_subject[cells[i] + 1] - first_subject[cells[i]])]
        at = first_subject[lists].copy()
        found = False
        for position in range(at[0], first_subject[lists[0] + 1]):
            other = subjects[position]
            if other == chosen[i]:
                continue
            there = True
            for j in range(1, len(lists)):
                n += 1
                at[j] = _leap(subjects, at[j], first_subject[lists[j] + 1], other)
                if at[j] == first_subject[lists[j] + 1] or subjects[at[j]] != other:
                    there = False
                    break
            if there:
                found = True
                break
        n += 1 + int(found)
    return n


@njit
def random_looks(memory, where):
    total = 0
    for i in where:
        total += memory[i]
    return total


def cpu_seconds(job):
    start = time.process_time()
    job()
    return time.process_time() - start


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
