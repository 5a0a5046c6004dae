"""What the exact ten best of 100,000 x 100,000 subjects cost, beside sparse_dot_topn, in one run.

    python benchmarks/topn.py [--people 100000] [--top 10] [--repeats 3]

Two weeks of the same people by sensor, rare sensors weighing more, both libraries given the same two tables and two
threads. Scores are compared row by row before anything is timed.
"""

import argparse
import time

import numpy as np
import pandas as pd
import psutil
from _data import register_sightings
from scipy import sparse

from kit import parallel
from kit.reidentify.link_bins import cosine
from kit.reidentify.topn import top_pairs

A_DAY = 2.6


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--people", type=int, default=100_000)
    parser.add_argument("--top", type=int, default=10)
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    pairing = cosine(*two_weeks(options.people))
    left, right = pairing.left, pairing.right
    products = int(np.diff(left.tocsc().indptr).astype(np.int64) @ np.diff(right.tocsc().indptr))
    print(f"{options.people:,} x {options.people:,} subjects, {left.nnz:,} and {right.nnz:,} entries, "
          f"{products:,} products, top {options.top}, {parallel.cores()} threads")
    top_pairs(cosine(left[:100], right[:100]), options.top)
    before = psutil.Process().memory_info().rss
    (best, score), ours_s = fastest(lambda: top_pairs(pairing, options.top), options.repeats)
    process = psutil.Process().memory_info()
    print(f"kit: {ours_s:.2f} s, {(process.rss - before) / 2**20:.0f} MB more held, "
          f"{peak_mb():.0f} MB at most in this process so far")
    against_sparse_dot_topn(left, right, best, score, ours_s, options)


def against_sparse_dot_topn(left, right, best, score, ours_s, options):
    try:
        from sparse_dot_topn import sp_matmul_topn
    except ImportError:
        print("  sparse_dot_topn is not installed: not compared")
        return
    a, b = sparse.csr_matrix(left), sparse.csr_matrix(right.T)
    theirs, theirs_s = fastest(lambda: sp_matmul_topn(a, b, top_n=options.top, sort=True, n_threads=parallel.cores()),
                               options.repeats)
    for row in range(len(score)):
        found = theirs.data[theirs.indptr[row]:theirs.indptr[row + 1]]
        if not np.allclose(found, score[row][:len(found)], rtol=1e-9) or len(found) != np.isfinite(score[row]).sum():
            raise SystemExit(f"sparse_dot_topn has other scores in row {row}: no benchmark.")
    print(f"  {theirs_s / ours_s:.2f} times sparse_dot_topn ({theirs_s:.2f} s, its transposed table made beforehand), "
          "same scores in every row")


def two_weeks(people):
    """Subject by sensor counts of the first and the second week."""
    seen = register_sightings(people=people, rows=int(people * A_DAY * 14), days=14)
    week = ((seen["time"] - seen["time"].min()) // pd.Timedelta("7D")).clip(0, 1).to_numpy()
    who, sensor = (seen[c].cat.codes.to_numpy() for c in ("subject_id", "sensor_id"))
    shape = people, len(seen["sensor_id"].cat.categories)
    return [sparse.coo_array((np.ones((week == w).sum()), (who[week == w], sensor[week == w])), shape=shape).tocsr()
            for w in (0, 1)]


def peak_mb():
    """The most memory this process has held."""
    try:
        import resource
    except ImportError:
        return psutil.Process().memory_info().peak_wset / 2**20
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def fastest(job, repeats):
    """Result and shortest wall time of some runs."""
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        result = job()
        times.append(time.perf_counter() - start)
    return result, min(times)


if __name__ == "__main__":
    main()
