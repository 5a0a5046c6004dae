"""What ingest costs, beside DuckDB's bare `read_json` of the same lines, in one run.

    python benchmarks/ingest.py [--people 2565724] [--dump FOLDER]

Without a dump the city writes one of the register's form. DuckDB only parses the passages, under the same explicit
schema, and accounts for nothing; ingest reads all files, hashes, pseudonymises, flags, tallies, writes and reports.
"""

import argparse
import resource
import tempfile
import time
from pathlib import Path

import duckdb

from kit import ingest
from kit.city.leaks import write_dump


def main():
    ask = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    ask.add_argument("--people", type=int, default=2_565_724)
    ask.add_argument("--dump", type=Path)
    given = ask.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        dump = given.dump or Path(folder) / "dump"
        if not given.dump:
            start = time.perf_counter()
            write_dump("register", people=given.people, out=dump)
            print(f"{'city writes the dump':<34} {time.perf_counter() - start:8.2f} s")
        stages = Stages()
        report = ingest.sanitize(dump, "register", ingest.DEMO_KEY, Path(folder) / "out", progress=stages)
        seconds = stages.close()
        bare = bare_read(dump / "passages.jsonl")
    size = sum(i["bytes"] for i in report.inputs) / 1e9
    print(f"{'ingest in all':<34} {seconds:8.2f} s   {size:.2f} GB, {report.rows_in:,} records, "
          f"{report.rows_quarantined} in quarantine, peak {peak_gb():.1f} GB")
    print(f"{'DuckDB read_json of the passages':<34} {bare:8.2f} s   ingest reads and cleans them in "
          f"{stages.seconds['passages.jsonl'] / bare:.1f} times that")


class Stages:
    """Prints each stage's time as the next one begins."""

    def __init__(self):
        self.start = self.last = time.perf_counter()
        self.stage, self.seconds = None, {}

    def __call__(self, stage, done, total):
        if stage != self.stage:
            self._end()
            self.stage = stage

    def close(self):
        self._end()
        return time.perf_counter() - self.start

    def _end(self):
        now = time.perf_counter()
        if self.stage:
            self.seconds[self.stage] = now - self.last
            print(f"  {self.stage:<32} {now - self.last:8.2f} s")
        self.last = now


def bare_read(path):
    con = duckdb.connect(config={"threads": 2})
    start = time.perf_counter()
    con.sql("select * from read_json($path, format = 'newline_delimited', ignore_errors = true, columns = {"
            "id_no: 'VARCHAR', tracker_id: 'VARCHAR', ts: 'VARCHAR', score: 'VARCHAR'})",
            params={"path": str(path)}).to_arrow_table()
    return time.perf_counter() - start


def peak_gb():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


if __name__ == "__main__":
    main()
