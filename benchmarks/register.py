"""The main job at full size: a register of 2,565,724 people leaks, and the raw dump is walked to unicity.

Two processes, so that each has a peak memory of its own: the city generates and writes the raw dump; then the dump
becomes a sanitised exposure, visits, homes and unicity of 10,000 people at 1 to 4 known points. `--people N` runs it
smaller, `--keep DIR` keeps (and reuses) the folders.
"""

import argparse
import json
import multiprocessing
import resource
import sys
import tempfile
import time
from pathlib import Path

PEOPLE = 2_565_724
LIMITS = {"generate": (180, 8.0), "walk": (90, 5.0)}


def main():
    """Run both jobs and print each stage beside the limit that the project sets."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--people", type=int, default=PEOPLE)
    arguments.add_argument("--keep", type=Path)
    given = arguments.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = given.keep or Path(temporary)
        _run("generate", _generate, folder, given.people)
        _run("walk", _walk, folder, given.people)


def _run(job, work, folder, people):
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_measured, args=(work, folder, people, theirs))
    process.start()
    theirs.close()
    try:
        stages, facts, peak_gb = ours.recv()
    except EOFError:
        sys.exit(f"The job {job} ended before it was done; its message stands above.")
    process.join()
    seconds = sum(stages.values())
    most_s, most_gb = LIMITS[job]
    print(f"\n{job}: {people:,} people")
    for stage, took in stages.items():
        print(f"  {stage:<34}{took:8.1f} s")
    print(f"  {'all':<34}{seconds:8.1f} s   (limit {most_s} s at full size)")
    print(f"  {'peak memory':<34}{peak_gb:8.2f} GB  (limit {most_gb:.0f} GB at full size)")
    print("\n".join(f"  {line}" for line in facts), flush=True)


def _measured(work, folder, people, pipe):
    stages, facts = {}, []
    clock = time.perf_counter()

    def done(stage):
        nonlocal clock
        stages[stage] = time.perf_counter() - clock
        clock = time.perf_counter()

    work(folder, people, done, facts.append)
    unit = 1 if sys.platform == "darwin" else 1024
    pipe.send((stages, facts, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e9))


def _generate(folder, people, done, say):
    if (folder / "raw").exists():
        say("the raw dump was there already")
        return
    from kit.city import leaks

    done("import")
    counts = leaks.write_dump("register", people=people, days=1, seed=0, out=folder / "raw")
    done("population, days, detection, writing")
    size_gb = sum(f.stat().st_size for f in (folder / "raw").glob("*.jsonl")) / 1e9
    say(f"{counts['passages.jsonl']:,} passages, {counts['passages.jsonl'] / people:.3f} a person; "
        f"{size_gb:.2f} GB of extended JSON")


def _walk(folder, people, done, say):
    import kit
    from kit import ingest, movement, reidentify

    done("import")
    report = ingest.sanitize(folder / "raw", "register", ingest.DEMO_KEY, folder / f"clean-{time.time_ns()}")
    done("raw dump to sanitised exposure")
    exposure = kit.open_exposure(max(folder.glob("clean-*")))
    sightings, sensors = exposure.sightings, exposure.sensors
    done("open, hashes and values checked")
    visits = movement.find_visits(sightings, sensors, place="zone")
    done("visits")
    places = movement.infer_places(visits, exposure.tz)
    done("homes")
    points = reidentify.make_points(sightings, place="sensor", time="1h")
    done("points")
    shares = reidentify.unicity(points, known=(1, 2, 3, 4), people=10_000)
    done("unicity, 10,000 people, 4 numbers")
    say(f"rows in {report.rows_in:,} = kept {report.rows_kept:,} + quarantined {report.rows_quarantined:,}")
    say(f"{len(visits):,} visits, {int((places['role'] == 'home').sum()):,} homes named, {len(points):,} points")
    say(json.dumps(shares[["known", "estimate", "n", "eligible", "population"]].round(4).to_dict("records")))


if __name__ == "__main__":
    main()
