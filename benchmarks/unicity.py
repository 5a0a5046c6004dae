"""What unicity costs, beside DuckDB and pyroaring answering the same question, in one run.

    python benchmarks/unicity.py [--rows 6700000] [--people 10000] [--known 3] [--repeats 3]

10,000 people, three points each, the whole register as crowd. Who is unique is compared person by person. Also: what
the index costs beside one sort of the same keys, and what it holds in memory.
"""

import argparse
import time

import duckdb
import numpy as np
import psutil
import pyarrow as pa
from _data import PEOPLE, ROWS, register_sightings
from numba import njit

from kit import reidentify
from kit.reidentify.unicity import _draw, _drawn, _first_state, build_index


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=ROWS)
    parser.add_argument("--people", type=int, default=10_000)
    parser.add_argument("--known", type=int, default=3)
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    seen = register_sightings(people=min(PEOPLE, options.rows), rows=options.rows)
    warm = reidentify.make_points(seen.head(1000))
    reidentify.unicity(warm, known=(1,))

    points, points_s = best(lambda: reidentify.make_points(seen, time="1h"), options.repeats)
    print(f"{points!r}, made in {points_s:.2f} s")
    index = time_index(points, options.repeats)
    compare_engines(index, options)
    time_everyone(points, options.repeats)


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
    cells = known_cells(index.first_cell, index.cells, chosen, k, 0)
    ours, ours_s = best(lambda: _drawn(index, chosen, k, 1, 0), options.repeats)
    print(f"unicity, {len(chosen):,} people, {k} points: {ours.mean():.4f} unique in {ours_s:.4f} s")
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


def time_everyone(points, repeats):
    table, seconds = best(lambda: reidentify.unicity(points, known=(2,), people=None), repeats)
    n, population, estimate = (table[c].iloc[0] for c in ("n", "population", "estimate"))
    print(f"everyone with two points, one draw each: {seconds:.2f} s for {n:,} of {population:,} people, "
          f"index included; unique {estimate:.4f}")


@njit
def known_cells(first_cell, cells, chosen, k, seed):
    """The very points that `unicity` draws."""
    out, drawn = np.empty((len(chosen), k), np.int32), np.empty(k, np.int64)
    for i, person in enumerate(chosen):
        _draw(_first_state(seed, k, person), first_cell[person + 1] - first_cell[person], drawn)
        for j in range(k):
            out[i, j] = cells[first_cell[person] + drawn[j]]
    return out


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
