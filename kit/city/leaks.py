"""Let one exposure leak: its raw form with its dirt, a manifest, and the truth beside it.

`write_dump` fills a folder exactly as an analyst would find it; `truth/` in it is for scoring and is never ingested.
The folder appears under its name only when it is complete.
"""

import datetime as dt
import json
import shutil
from pathlib import Path

import numpy as np

import kit
from kit.city.leak_community import write_community
from kit.city.leak_fusion import write_fusion
from kit.city.leak_register import write_register
from kit.city.people import check_seed
from kit.city.plan import make_plan
from kit.city.truth import write_truth
from kit.errors import InputError

GENERATOR, TZ = "retrace-kit city", "Etc/GMT-8"
# writer, first local day, people, days, fewest and most people
EXPOSURES = {"register": (write_register, "2031-03-12", 20_000, 1, (2, 3_000_000)),
             "community": (write_community, "2031-02-01", 2_000, 90, (8, 2_000)),
             "fusion": (write_fusion, "2031-03-03", 400, 14, (2, 9_000))}


def write_dump(exposure, people=None, days=None, seed=0, out=None, first_day=None, progress=None):
    """Write the raw dump of one exposure of Port Nemo.

    Parameters
    ----------
    exposure : str
        "register", "community" or "fusion".
    people : int, optional
        How many people; 20,000, 2,000 (a quarter of them residents, at most 500) or 400 unless given.
    days : int, optional
        How many days; 1, 90 or 14 unless given.
    seed : int
        Another seed is another population with other sensor faults; the streets stay.
    out : str or Path
        A new or empty folder.
    first_day : str or datetime.date, optional
        First local day (Etc/GMT-8); 2031-03-12, 2031-02-01 or 2031-03-03 unless given.
    progress : callable, optional
        Called as `progress(stage, done, total)`.

    Returns
    -------
    dict
        Records by file, in the order of their names. A broken line counts, a CSV header does not.

    Raises
    ------
    InputError
        For an unknown exposure, a number out of range, or a folder that is not empty; nothing is written then.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     counts = write_dump("fusion", people=20, days=1, out=f"{folder}/dump")
    >>> list(counts)[:3]
    ['checkpoint.csv', 'datadoor.csv', 'fuel.csv']
    """
    if exposure not in EXPOSURES:
        raise InputError(f"There is no exposure {exposure!r}; choose register, community or fusion.")
    write, usual_day, usual_people, usual_days, (fewest, most) = EXPOSURES[exposure]
    people = _whole("people", usual_people if people is None else people, fewest, most)
    days = _whole("days", usual_days if days is None else days, 1, 366)
    seed, first_day, out = check_seed(seed), _day(first_day or usual_day), _free_folder(out)
    partial = out.with_name(f".{out.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    try:
        number = (first_day - dt.date(1970, 1, 1)).days
        made = write(make_plan(), people, days, seed, partial, number, progress or _silent)
        (progress or _silent)("truth", 0, 1)
        write_truth(make_plan(), exposure, made, days, seed, partial / "truth", number)
        _write_manifest(partial / "manifest.json", exposure, people, days, seed, first_day)
        (progress or _silent)("truth", 1, 1)
        if out.exists():
            out.rmdir()
        partial.rename(out)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise
    return dict(sorted(made["rows"].items()))


def excerpt(dump, out, lines=40):
    """Copy a few representative raw lines of each file of a dump, the broken line and every date form among them.

    Parameters
    ----------
    dump : str or Path
        A folder that `write_dump` made.
    out : str or Path
        A new or empty folder.
    lines : int
        At most so many records a file; at least 12.

    Returns
    -------
    dict
        Records by file.
    """
    dump, out = Path(dump), _free_folder(out)
    if not (dump / "manifest.json").is_file():
        raise InputError(f"{dump} is no dump of the city: it has no manifest.json; make one with `kit city`.")
    lines = _whole("lines", lines, 12, 10_000)
    out.mkdir(parents=True, exist_ok=True)
    counts = {}
    for file in sorted(p for p in dump.iterdir() if p.is_file()):
        if file.name == "manifest.json":
            shutil.copyfile(file, out / file.name)
            continue
        kept = _representative(file, lines)
        (out / file.name).write_bytes(b"".join(kept))
        counts[file.name] = len(kept) - (file.suffix == ".csv")
    return counts


def _representative(file, lines):
    """The first lines, then lines that look unlike those, then the line that breaks the form, in file order."""
    kept, looks, broken = {}, {}, None
    with open(file, "rb") as stream:
        header = stream.readline() if file.suffix == ".csv" else None
        fields = None if header is None else header.count(b",")
        for i, line in enumerate(stream):
            if (header is None and not line.rstrip().endswith(b"}")) or (header and line.count(b",") < fields):
                broken = (i, line)
            elif i < lines // 2:
                kept[i] = line
            else:
                looks.setdefault(_look(line), (i, line))
    for i, line in list(looks.values())[:lines - len(kept) - 1]:
        kept[i] = line
    for i, line in [broken] if broken else []:
        kept[i] = line
    ordered = [kept[i] for i in sorted(kept)]
    return ordered if header is None else [header, *ordered]


def _look(line):
    """A line with its letters and digits blurred, so that lines of one spelling look alike."""
    blurred = line.translate(_BLUR)
    while b"00" in blurred:
        blurred = blurred.replace(b"00", b"0")
    return blurred


_BLUR = bytes(48 if chr(b).isalnum() or chr(b) == "." else b for b in range(256))


def _write_manifest(path, exposure, people, days, seed, first_day):
    path.write_text(json.dumps({
        "synthetic": True, "generator": GENERATOR, "version": kit.__version__, "exposure": exposure, "seed": seed,
        "tz": TZ, "people": people, "days": days, "first_day": first_day.isoformat()}, indent=1) + "\n",
        encoding="utf-8", newline="\n")


def _whole(name, value, low, high):
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or not low <= value <= high:
        raise InputError(f"The number of {name} must be a whole number from {low:,} to {high:,}, but got {value!r}.")
    return int(value)


def _day(value):
    try:
        day = dt.date.fromisoformat(str(value)[:10])
    except ValueError:
        raise InputError(f"The first day must be a date such as 2031-03-12, but got {value!r}.") from None
    if day.year != 2031:
        raise InputError(f"Port Nemo's records are of the year 2031, but the first day given is {day}; choose one.")
    return day


def _free_folder(out):
    if out is None or not str(out):
        raise InputError("No output folder was given; name a new or empty one.")
    out = Path(out)
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise InputError(f"The output folder {out} is not empty; name a new or empty one.")
    return out


def _silent(stage, done, total):
    pass
