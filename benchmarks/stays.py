"""What stays cost, beside trackintel (and infostop, where it installs) doing the same, in one run.

    python benchmarks/stays.py [--rows 1000000] [--many 20000000] [--repeats 3] [--infostop PYTHON]

Prints times and ratios; subjects, begins and ends of trackintel's stays are compared first. infostop labels places and
no stays, so only its time stands beside ours. trackintel: `pip install -c constraints.txt -e .[peers]`. infostop 0.1.9
builds against older tools than the kit's, so it takes an environment of its own and is named by its Python:

    python3.11 -m venv istop
    istop/bin/pip install "setuptools<80" wheel "pybind11<2.12" "numpy<2" scipy
    istop/bin/pip install --no-build-isolation infostop
    python benchmarks/stays.py --infostop istop/bin/python
"""

import argparse
import importlib.util
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path

import numpy as np
import pandas as pd

from kit import codes, geo, movement
from kit.movement import interchange, stay_kernels, stays

FIXES_A_SUBJECT = 5_000
MINUTE_US = 60_000_000
RULE = (5 * MINUTE_US, 15 * MINUTE_US, False, True, False, False)  # what find_stays makes of its defaults

INFOSTOP = """
import sys, time, numpy, infostop
tracks = numpy.split(numpy.load(sys.argv[1]), [int(at) for at in sys.argv[2].split(",") if at])
start = time.perf_counter()
infostop.Infostop(r1=100, r2=100).fit_predict(tracks)
print(time.perf_counter() - start)
"""


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--many", type=int, default=20_000_000)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--infostop", default=sys.executable, help="the Python of an environment that has infostop")
    options = parser.parse_args()
    movement.find_stays(gps_fixes(10_000))
    fixes = gps_fixes(options.rows)
    found, call_s = best(lambda: movement.find_stays(fixes), options.repeats)
    kernel_s = time_kernel(fixes, options.repeats)
    print(f"{len(fixes):,} fixes, {len(found):,} stays: call {call_s:.3f} s, kernel {kernel_s:.4f} s")
    time_trackintel(fixes, found, call_s, kernel_s)
    time_infostop(fixes, kernel_s, options.infostop)
    if options.many:
        time_many(options.many, len(fixes), call_s, kernel_s, options.repeats)


def time_kernel(fixes, repeats):
    """Sorted arrays in, arrays of stays with their positions out."""
    subject, _, time_us, lon, lat, _ = stays._sorted(fixes)
    return best(lambda: stays._stays(subject, time_us, lon, lat, stay_kernels.by_anchor, RULE, 100.0, False),
                repeats)[1]


def time_trackintel(fixes, found, call_s, kernel_s):
    if importlib.util.find_spec("trackintel") is None:
        print("trackintel is not installed")
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import trackintel

        theirs = trackintel.Positionfixes(interchange.to_trackintel(fixes))
        (_, staypoints), seconds = best(lambda: trackintel.preprocessing.generate_staypoints(theirs), 1)
    staypoints = staypoints.sort_values(["user_id", "started_at"])
    pairs = ((found["subject_id"].astype("str"), staypoints["user_id"].astype("str")),
             (found["started_at"], staypoints["started_at"]), (found["finished_at"], staypoints["finished_at"]))
    if not all(mine.tolist() == other.tolist() for mine, other in pairs):
        raise SystemExit("trackintel finds other stays: no benchmark.")
    print(f"  trackintel: the same stays in {seconds:.2f} s = {seconds / call_s:,.0f} times the call, "
          f"{seconds / kernel_s:,.0f} times the kernel")


def time_infostop(fixes, kernel_s, python):
    """infostop in its own environment, which times itself: its tools are older than the kit's."""
    with tempfile.TemporaryDirectory() as folder:
        tracks, per_subject = Path(folder) / "tracks.npy", fixes.groupby("subject_id", observed=True).size()
        np.save(tracks, np.column_stack([fixes["lat"], fixes["lon"], fixes["time"].array.asi8 // 1_000_000]))
        ends = ",".join(map(str, per_subject.cumsum()[:-1]))
        try:
            run = subprocess.run([python, "-c", INFOSTOP, tracks, ends], capture_output=True, text=True, check=False)
        except OSError as error:
            raise SystemExit(f"--infostop: {python} cannot be started ({error.strerror}).") from None
    if run.returncode:
        print(f"  infostop is not there: {run.stderr.strip().splitlines()[-1]} (see the head of this file)")
        return
    seconds = float(run.stdout.split()[-1])
    print(f"  infostop: {seconds:.2f} s = {seconds / kernel_s:,.0f} times the kernel")


def time_many(rows, few, call_s, kernel_s, repeats):
    fixes = gps_fixes(rows)
    found, many_call_s = best(lambda: movement.find_stays(fixes), repeats)
    many_kernel_s = time_kernel(fixes, repeats)
    print(f"{rows:,} fixes, {len(found):,} stays: call {many_call_s:.3f} s, kernel {many_kernel_s:.4f} s; "
          f"{rows / few:.1f} times the fixes take {many_call_s / call_s:.1f} times the call and "
          f"{many_kernel_s / kernel_s:.1f} times the kernel")


def gps_fixes(rows, seed=0):
    """People who stop and go, a fix about every minute, 10 m of noise; rows by subject, then time."""
    rng = np.random.default_rng(seed)
    subject = np.arange(rows) // FIXES_A_SUBJECT
    moves = rng.random(rows) < np.repeat(rng.random(rows // 50 + 1) < 0.4, 50)[:rows]
    east_m, north_m = (np.cumsum(rng.normal(0, 250, rows) * moves) + rng.normal(0, 10, rows) for _ in range(2))
    east_m, north_m = (20_000 * np.sin(a / 20_000) for a in (east_m, north_m))
    seconds = np.cumsum(np.where(rng.random(rows) < 0.005, 1800, rng.integers(40, 80, rows)))
    per_degree_m = geo.EARTH_RADIUS_M * np.pi / 180
    lon0, lat0 = geo.NEMO
    ids = pd.CategoricalDtype(pd.Index([f"d_{i:06d}" for i in range(subject[-1] + 1)], dtype="str"))
    return pd.DataFrame({
        "fix_id": np.arange(rows),
        "subject_id": codes.decode(subject.astype(np.int32), ids.categories),
        "time": pd.Series(np.datetime64("2031-03-12", "us") + (seconds * 1_000_000).astype("timedelta64[us]"))
                .dt.tz_localize("UTC"),
        "lon": lon0 + east_m / per_degree_m / np.cos(np.radians(lat0)),
        "lat": lat0 + north_m / per_degree_m,
    })


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
