"""What the eight attacks cost a person, beside scikit-mobility, and what they cost for many people.

    python benchmarks/risk.py [--skmob PYTHON] [--people 1000] [--asked 5] [--known 2] [--many 100000]

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


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--skmob", type=Path, help="a Python that has scikit-mobility")
    parser.add_argument("--people", type=int, default=1000)
    parser.add_argument("--asked", type=int, default=5)
    parser.add_argument("--known", type=int, default=2)
    parser.add_argument("--many", type=int, default=100_000)
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    seen = fixes(options.people, sensors=100)
    for attack in ATTACKS:
        ours(seen.head(100), attack, options.known)
    beside_skmob(seen, options)
    many = fixes(options.many, sensors=1000)
    print(f"{options.many:,} people, {len(many):,} records, 1,000 places, {options.known} known")
    for attack in ATTACKS:
        table, seconds = best(lambda attack=attack: ours(many, attack, options.known), 1)
        print(f"  {attack}: {seconds:.1f} s; at risk 1: {(table['risk'] == 1).mean():.1%}; "
              f"exact: {table['exact'].mean():.1%}")


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
    if not options.skmob:
        print("scikit-mobility is not named (--skmob): only the kit is timed")
    for attack in ATTACKS:
        table, seconds = best(lambda attack=attack: ours(seen, attack, options.known), options.repeats)
        each_us = seconds / options.people * 1e6
        print(f"{attack}: {options.people:,} people, {each_us:.1f} us a person"
              + (against(theirs[attack], table, asked, attack, each_us) if attack in theirs else ""))


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
    note = f"other risks ({WRONG[attack]})" if attack in WRONG else f"the same risks for {len(asked)} people"
    return f" = 1/{theirs['seconds'] * 1e6 / each_us:,.0f} of scikit-mobility ({theirs['seconds']:.2f} s); {note}"


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
