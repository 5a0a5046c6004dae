"""What the eight attacks cost a person, beside scikit-mobility, and what they cost for many people.

    python benchmarks/risk.py [--skmob PYTHON] [--people 1000] [--asked 5] [--many 100000] [--write]

scikit-mobility needs pandas below 2, so it runs in an environment of its own: make one with

    python3.10 -m venv skmob && skmob/bin/pip install "scikit-mobility==1.3.1" "pandas<2" "shapely<2" "geopandas<0.13"

and name its Python. It is asked about some people only, in the crowd of all; their risks are compared wherever it
follows the definition (docs/risk.md). Without it only the kit is timed.
"""

import argparse
import json
import subprocess
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
from _data import register_sightings

from kit import reidentify
from kit.reidentify.risk import ATTACKS

WRONG = {"home_work": "it takes the two least visited places"}
RECORDS_EACH, DAYS, CELL_DEG = 9, 9, 0.001
PAGE, MARK = Path(__file__).parents[1] / "docs" / "risk.md", "## What it costs"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--skmob", type=Path, help="a Python that has scikit-mobility")
    parser.add_argument("--people", type=int, default=1000)
    parser.add_argument("--asked", type=int, default=5)
    parser.add_argument("--known", type=int, default=2)
    parser.add_argument("--many", type=int, default=100_000)
    parser.add_argument("--write", action="store_true", help="write the table into docs/risk.md")
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    seen = fixes(options.people, sensors=100)
    for attack in ATTACKS:
        ours(seen.head(100), attack, options.known)
    rows = beside_skmob(seen, options)
    many = fixes(options.many, sensors=1000)
    for attack, row in zip(ATTACKS, rows, strict=True):
        table, seconds = best(lambda attack=attack: ours(many, attack, options.known), 1)
        row += [f"{seconds:.1f} s", f"{(table['risk'] == 1).mean():.1%}", f"{table['exact'].mean():.1%}"]
    words = page(rows, options)
    print(words)
    if options.write:
        text = PAGE.read_text(encoding="utf-8")
        PAGE.write_text(text[:text.index(MARK)] + MARK + "\n\n" + words, encoding="utf-8")


def page(rows, options):
    head = ["attack", f"{options.people:,} people: one person", "scikit-mobility, one person", "ratio", "risks",
            f"{options.many:,} people: all", "at risk 1", "exact"]
    lines = [head, ["---"] * len(head), *rows]
    return (f"{options.known} things known; invented records of the register's kind, {RECORDS_EACH} a person over "
            f"{DAYS} days, at 100 places for {options.people:,} people and at 1,000 for {options.many:,}; "
            f"scikit-mobility asked about {options.asked} people in the same crowd. Wall time of the kit on "
            "all cores, processor time of the other. Shares at risk belong to these records alone.\n\n"
            + "".join(f"| {' | '.join(line)} |\n" for line in lines))


def fixes(people, sensors):
    """Records of the register's kind over nine days, each sensor in the middle of a cell of its own."""
    seen = register_sightings(people, people * RECORDS_EACH, sensors, days=DAYS)
    subject, sensor = seen["subject_id"].cat.codes.to_numpy(), seen["sensor_id"].cat.codes.to_numpy()
    return pd.DataFrame({"subject_id": subject.astype(np.int64), "time": seen["time"],
                         "lon": (sensor % 10 + 0.5) * CELL_DEG, "lat": (sensor // 10 + 0.5) * CELL_DEG})


def ours(seen, attack, known):
    return reidentify.risk(seen, attack, known, place=f"{CELL_DEG}deg", time="1D")


def beside_skmob(seen, options):
    asked = np.sort(np.random.default_rng(0).choice(options.people, options.asked, replace=False))
    theirs = with_skmob(seen, options, asked) if options.skmob else {}
    rows = []
    for attack in ATTACKS:
        table, seconds = best(lambda attack=attack: ours(seen, attack, options.known), options.repeats)
        each_us = seconds / options.people * 1e6
        beside = against(theirs[attack], table, asked, attack, each_us) if attack in theirs else ["not run"] * 3
        rows.append([attack, f"{each_us:.1f} us", *beside])
        print(*rows[-1], sep=", ", flush=True)
    return rows


def with_skmob(seen, options, asked):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "seen.csv"
        seen.rename(columns={"subject_id": "uid", "lon": "lng"}).assign(
            datetime=seen["time"].dt.tz_localize(None)).drop(columns="time").to_csv(path, index=False)
        script = Path(__file__).with_name("_skmob_risk.py")
        done = subprocess.run([options.skmob, script, path, str(options.known), ",".join(map(str, asked))],
                              capture_output=True, text=True, check=True)
    return {row["attack"]: row for row in map(json.loads, done.stdout.splitlines())}


def against(theirs, table, asked, attack, each_us):
    mine = table.set_index("subject_id")["risk"]
    same = np.allclose([theirs["risks"][str(who)] for who in asked], mine.loc[asked], rtol=1e-12)
    if not same and attack not in WRONG:
        raise SystemExit(f"\n{attack}: scikit-mobility gives other risks: no benchmark.")
    note = f"differ: {WRONG[attack]}" if attack in WRONG else "equal"
    return [f"{theirs['seconds']:.2f} s", f"{theirs['seconds'] * 1e6 / each_us:,.0f}", note]


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
