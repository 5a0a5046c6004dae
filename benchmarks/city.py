"""What the invented city costs at the register's full size, stage by stage, written raw.

    python benchmarks/city.py [--people 2565724] [--days 1] [--seed 0] [--keep FOLDER]
"""

import argparse
import resource
import tempfile
import time
from pathlib import Path

from kit.city.leaks import write_dump
from kit.city.plan import make_plan


def main():
    ask = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    ask.add_argument("--people", type=int, default=2_565_724)
    ask.add_argument("--days", type=int, default=1)
    ask.add_argument("--seed", type=int, default=0)
    ask.add_argument("--keep", type=Path, help="a new or empty folder for the dump")
    given = ask.parse_args()
    start = time.perf_counter()
    make_plan()
    report("plan of the city", time.perf_counter() - start)
    warm_up(given.seed)
    with tempfile.TemporaryDirectory() as folder:
        out = given.keep or Path(folder) / "dump"
        stages = Stages()
        start = time.perf_counter()
        counts = write_dump("register", given.people, given.days, given.seed, out, progress=stages)
        stages.end()
        seconds = time.perf_counter() - start
        size = sum(f.stat().st_size for f in out.rglob("*") if f.is_file()) / 1e9
    report("dump in all", seconds)
    passages = counts["passages.jsonl"]
    print(f"{given.people:,} people, {passages:,} passages ({passages / given.people / given.days:.3f} a person-day), "
          f"{size:.2f} GB")


def warm_up(seed):
    """Compile, or load what was compiled before, so that the stages show the work alone."""
    start = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        write_dump("register", 100, 1, seed, Path(folder) / "dump")
    report("compiled code, calibration", time.perf_counter() - start)


class Stages:
    """Prints time and peak memory of each stage as the next one begins."""

    def __init__(self):
        self.stage, self.last = None, time.perf_counter()

    def __call__(self, stage, done, total):
        if stage != self.stage:
            self.end()
            self.stage = stage

    def end(self):
        now = time.perf_counter()
        if self.stage:
            report(f"  {self.stage}", now - self.last)
        self.last = now


def report(what, seconds):
    peak_gb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(f"{what:<30} {seconds:8.2f} s   peak {peak_gb:5.2f} GB", flush=True)


if __name__ == "__main__":
    main()
