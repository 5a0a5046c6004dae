"""What a large ingest costs: seconds, seconds beside DuckDB's bare `read_json` in the same run, and peak memory.

    python benchmarks/big_ingest.py [--gb 1] [--days 90] [--documents 2000000] [--folder FOLDER] [--only plain gz bson]
                                    [--joined]

The city leaks its community once, 90 days of Elasticsearch hits; the same again a year later, and a year later still,
until the size is reached: the same people over a longer time. It is ingested plain and as gz, each in a process of its
own. DuckDB reads the same files under the same schema, the fields the recipe looks at as text, and accounts for
nothing; it shares a file out to its threads only if that is long, so that `--joined`, which makes one file of faces and
one of devices, is where it is fastest. Seconds of processor time are told too, since other work on the same machine
lengthens the others. MongoDB's documents are compared with `bson.decode_file_iter`, which only decodes them.
"""

import argparse
import datetime as dt
import gzip
import json
import re
import resource
import shutil
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
    ask.add_argument("--joined", action="store_true", help="one file of faces and one of devices, not one a month")
    ask.add_argument("--only", nargs="+", choices=("plain", "gz", "bson"), default=("plain", "gz", "bson"))
    given = ask.parse_args()
    with tempfile.TemporaryDirectory(dir=given.folder) as folder:
        if {"plain", "gz"} & set(given.only):
            print_hits(Path(folder), given)
        if "bson" in given.only:
            print_documents(Path(folder), given.documents)
    return None


def print_hits(folder, given):
    """Elasticsearch hits, plain and then compressed."""
    dump = folder / "dump"
    start = time.perf_counter()
    size = write_hits(dump, given.gb * 1e9, given.days)
    if given.joined:
        join(dump)
    print(f"the city writes {size / 1e9:.2f} GB{time.perf_counter() - start:12.1f} s", flush=True)
    compile_kernels(folder)
    for way in ("plain", "gz"):
        if way == "gz" and way in given.only:
            compress(dump)
        if way in given.only:
            bare, whole = child("bare", dump), child("ingest", dump, folder / f"out-{way}")
            print(f"{way:<6} read_json {_cost(bare)}\n"
                  f"{way:<6} ingest    {_cost(whole)}   {whole['seconds'] / bare['seconds']:.1f} times read_json "
                  f"({whole['cpu'] / bare['cpu']:.1f} of processor time), {whole['rows']:,} records, "
                  f"{size / whole['seconds'] / 1e6:.0f} MB/s", flush=True)


def compile_kernels(folder):
    """One small ingest, so that a first run on this computer pays no compiler."""
    write_dump("community", people=100, days=1, out=folder / "small")
    child("ingest", folder / "small", folder / "out-small")


def _cost(one):
    return f"{one['seconds']:8.1f} s  processor {one['cpu']:8.1f} s  peak {one['peak_gb']:.2f} GB"


def print_documents(folder, documents):
    """MongoDB's documents."""
    dump = folder / "mongo"
    dump.mkdir()
    write_documents(dump / "passages.bson", documents)
    (folder / "passages.toml").write_text(_BSON_RECIPE, encoding="utf-8")
    bare = child("decode", dump / "passages.bson")
    whole = child("ingest", dump, folder / "out-bson", folder / "passages.toml")
    for name, cost in (("bson alone", bare), ("ingest", whole)):
        print(f"bson   {name:<10}{_cost(cost)}   "
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


def join(dump):
    """All files of one kind of record made one."""
    for kind in ("face", "wifi"):
        first, *others = sorted(dump.glob(f"{kind}-*.ndjson"))
        with open(first, "ab") as whole:
            for file in others:
                whole.write(file.read_bytes())
                file.unlink()


def compress(dump):
    """Each file as gz, as a server would pack it, and no longer plain."""
    for file in dump.glob("*.ndjson"):
        with open(file, "rb") as plain, gzip.open(f"{file}.gz", "wb", compresslevel=6) as packed:
            shutil.copyfileobj(plain, packed, 1 << 20)
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


def _told(begun, **more):
    """What it cost since `begun`, a pair of clocks."""
    seconds, cpu = (now - then for now, then in zip(_clocks(), begun, strict=True))
    print(json.dumps({"seconds": seconds, "cpu": cpu, "peak_gb": _peak_gb(), **more}))


def _clocks():
    """Seconds on the wall, and of processor time of all threads."""
    return time.perf_counter(), time.process_time()


def _peak_gb():
    """Most memory of this process; on Linux getrusage counts in what the parent had when it started this one."""
    try:
        return int(re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())[1]) / 2**20
    except OSError:
        most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return most / (2**30 if sys.platform == "darwin" else 2**20)


def _ingest(dump, out, recipe=None):
    begun = _clocks()
    key = b"a key for a benchmark and for nothing else"
    report = ingest.sanitize(dump, recipe or "community", key, out)
    _told(begun, rows=report.rows_in)


def _bare(dump):
    con = duckdb.connect(config={"threads": 2})
    sources = [source for source in load_recipe("community").sources if source.name != "cameras"]
    begun = _clocks()
    for source in sources:
        fields = ", ".join(f'"{field.path}" VARCHAR' for field in source.read)
        for file in sorted(dump.glob(f"{source.files}*")):
            con.sql(f"select * from read_json($path, format = 'newline_delimited', ignore_errors = true, "
                    f"columns = {{_source: 'STRUCT({fields})'}})", params={"path": str(file)}).to_arrow_table()
    _told(begun)


def _decode(file):
    begun = _clocks()
    with open(file, "rb") as stream:
        for _ in bson.decode_file_iter(stream):
            pass
    _told(begun)


CHILDREN = {"ingest": _ingest, "bare": _bare, "decode": _decode}

if __name__ == "__main__":
    main()
