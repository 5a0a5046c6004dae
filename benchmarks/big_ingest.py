"""What a large ingest costs: seconds, seconds beside DuckDB's bare `read_json` in the same run, and peak memory.

    python benchmarks/big_ingest.py [--gb 1] [--days 90] [--documents 2000000] [--folder FOLDER] [--only plain gz bson]

The city leaks its community once, 90 days of Elasticsearch hits; the same again a year later, and a year later still,
until the size is reached: the same people over a longer time. It is ingested plain and as gz, each in a process of its
own. DuckDB reads the same files under the same schema, the fields the recipe looks at as text, and accounts for
nothing. MongoDB's documents are compared with `bson.decode_file_iter`, which only decodes them.
"""

import argparse
import datetime as dt
import gzip
import json
import re
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import bson
import duckdb

from kit import ingest
from kit.city.leaks import write_dump
from kit.ingest.recipe import load_recipe

_YEAR_MS = 365 * 86_400_000
_TIME = re.compile(rb'("capture_time":|"ts":)("?)(\d{13}|\d{10}(?=")|\d{4}(?=-))')
_BSON_RECIPE = """
name = "passages"
time_zone = "Etc/GMT-8"
[[source]]
name = "passages"
files = "passages.bson"
form = "bson"
makes = "sightings"
[source.set]
source = "face"
[source.fields]
id_no = { is = "identifier", do = "pseudonymise", as = "subject_id", kind = "person" }
tracker_id = { is = "sensor", do = "keep", as = "sensor_id" }
ts = { is = "time", do = "keep", as = "time" }
score = { is = "measurement", do = "keep", as = "score" }
"""


def main():
    if sys.argv[1:2] == ["--child"]:
        return CHILDREN[sys.argv[2]](*map(Path, sys.argv[3:]))
    ask = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    ask.add_argument("--gb", type=float, default=1)
    ask.add_argument("--days", type=int, default=90, help="of the city's own, before they are repeated")
    ask.add_argument("--documents", type=int, default=2_000_000)
    ask.add_argument("--folder", type=Path, help="where dump and outcome lie meanwhile; three times the size of room")
    ask.add_argument("--only", nargs="+", choices=("plain", "gz", "bson"), default=("plain", "gz", "bson"))
    given = ask.parse_args()
    with tempfile.TemporaryDirectory(dir=given.folder) as folder:
        if {"plain", "gz"} & set(given.only):
            print_hits(Path(folder), given.gb, given.days, given.only)
        if "bson" in given.only:
            print_documents(Path(folder), given.documents)
    return None


def print_hits(folder, gb, days, only):
    """Elasticsearch hits, plain and then compressed."""
    dump = folder / "dump"
    start = time.perf_counter()
    size = write_hits(dump, gb * 1e9, days)
    print(f"the city writes {size / 1e9:.2f} GB{time.perf_counter() - start:12.1f} s", flush=True)
    for way in ("plain", "gz"):
        if way == "gz":
            compress(dump)
        if way in only:
            bare, whole = child("bare", dump), child("ingest", dump, folder / f"out-{way}")
            print(f"{way:<6} read_json {bare['seconds']:8.1f} s  peak {bare['peak_gb']:.2f} GB\n"
                  f"{way:<6} ingest    {whole['seconds']:8.1f} s  peak {whole['peak_gb']:.2f} GB   "
                  f"{whole['seconds'] / bare['seconds']:.1f} times read_json, {whole['rows']:,} records, "
                  f"{size / whole['seconds'] / 1e6:.0f} MB/s", flush=True)


def print_documents(folder, documents):
    """MongoDB's documents."""
    dump = folder / "mongo"
    dump.mkdir()
    write_documents(dump / "passages.bson", documents)
    (folder / "passages.toml").write_text(_BSON_RECIPE, encoding="utf-8")
    bare = child("decode", dump / "passages.bson")
    whole = child("ingest", dump, folder / "out-bson", folder / "passages.toml")
    for name, cost in (("bson alone", bare), ("ingest", whole)):
        print(f"bson   {name:<10}{cost['seconds']:8.1f} s  peak {cost['peak_gb']:.2f} GB   "
              f"{documents / cost['seconds']:,.0f} documents/s", flush=True)


def write_hits(dump, size, days):
    """The community's dump, and the same again in later years until it has the size; returns the size it has."""
    write_dump("community", days=days, out=dump)
    files = sorted([*dump.glob("face-*.ndjson"), *dump.glob("wifi-*.ndjson")])
    written, year = sum(file.stat().st_size for file in files), 0
    while written < size:
        year += 1
        for file in files:
            if written < size:
                later = _TIME.sub(lambda found, year=year: _later(found, year), file.read_bytes())
                (dump / file.name.replace("2031", str(2031 + year))).write_bytes(later)
                written += len(later)
    return written


def _later(found, years):
    """A time some years later, in the spelling it has."""
    digits = int(found[3])
    step = {4: 1, 10: _YEAR_MS // 1000, 13: _YEAR_MS}[len(found[3])]
    return found[1] + found[2] + str(digits + years * step).encode()


def compress(dump):
    """Each file as gz, as a server would pack it, and no longer plain."""
    for file in dump.glob("*.ndjson"):
        with gzip.open(f"{file}.gz", "wb", compresslevel=6) as packed:
            packed.write(file.read_bytes())
        file.unlink()


def write_documents(path, documents):
    """Passages as mongodump writes them; one in twenty has no identity, one in a hundred is of nobody's score."""
    with open(path, "wb") as out:
        for n in range(documents):
            who = n * 7919 % 400_000
            out.write(bson.encode({
                "_id": bson.ObjectId(f"{n:024x}"), "id_no": f"SYN{who:015d}X" if n % 20 else None,
                "tracker_id": 1 + n * 31 % 1000, "score": 0.5 + n % 50 / 100 if n % 100 else None,
                "ts": dt.datetime(2031, 3, 11, 16, tzinfo=dt.UTC) + dt.timedelta(milliseconds=n * 40),
                "snap_ref": f"REMOVED-{n:09d}"}))


def child(*words):
    """Run one thing in a process of its own and return what it cost."""
    done = subprocess.run([sys.executable, __file__, "--child", *map(str, words)], stdout=subprocess.PIPE, check=True)
    return json.loads(done.stdout)


def _told(seconds, **more):
    print(json.dumps({"seconds": seconds, "peak_gb": _peak_gb(), **more}))


def _peak_gb():
    """Most memory of this process; on Linux getrusage counts in what the parent had when it started this one."""
    try:
        return int(re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())[1]) / 2**20
    except OSError:
        most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return most / (2**30 if sys.platform == "darwin" else 2**20)


def _ingest(dump, out, recipe=None):
    start = time.perf_counter()
    key = b"a key for a benchmark and for nothing else"
    report = ingest.sanitize(dump, recipe or "community", key, out)
    _told(time.perf_counter() - start, rows=report.rows_in)


def _bare(dump):
    con = duckdb.connect(config={"threads": 2})
    seconds = 0
    for source in load_recipe("community").sources:
        if source.name == "cameras":
            continue
        fields = ", ".join(f'"{field.path}" VARCHAR' for field in source.read)
        for file in sorted(dump.glob(f"{source.files}*")):
            start = time.perf_counter()
            con.sql(f"select * from read_json($path, format = 'newline_delimited', ignore_errors = true, "
                    f"columns = {{_source: 'STRUCT({fields})'}})", params={"path": str(file)}).to_arrow_table()
            seconds += time.perf_counter() - start
    _told(seconds)


def _decode(file):
    start = time.perf_counter()
    with open(file, "rb") as stream:
        for _ in bson.decode_file_iter(stream):
            pass
    _told(time.perf_counter() - start)


CHILDREN = {"ingest": _ingest, "bare": _bare, "decode": _decode}

if __name__ == "__main__":
    main()
