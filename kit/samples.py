"""The committed samples, made again from their seed: the city leaks, ingest cleans, and the truth is laid beside.

The truth speaks of raw identifiers; here it learns the pseudonyms, so that it can score what an analyst finds.
"""

import json
import shutil
import tempfile
from pathlib import Path

import pandas as pd

import kit
from kit import ingest
from kit.city import leaks
from kit.city.plan import make_plan, write_geography
from kit.errors import InputError
from kit.exposure import MANIFEST, SAMPLES, file_hash, open_exposure, write_exposure

# Raw identifiers in the truth: what they name, and the column that takes the pseudonym.
_RAW_IDS = {"did": ("device", "device_id"), "mac": ("device", "device_id"), "plate": ("vehicle", "vehicle_id"),
            "household_id": ("household", "household_id")}
_OWN_ID = {"register": "id_no", "community": "person_id", "fusion": "id_no"}
# The samples stay small: whose true whereabouts they keep (person numbers below), to the second.
_EPISODES_OF = {"register": 5_000, "community": 500, "fusion": 9_000}
_TABLES = ("sensors", "sightings", "fixes", "readings", "subjects")


def build_samples(out, seed=0, progress=None):
    """Make the three sample exposures and Port Nemo's geography.

    Parameters
    ----------
    out : Path
        Folder that holds, or will hold, `register/ community/ fusion/ port_nemo/`; samples there are replaced, one
        after the other and each only when it is whole.
    seed : int, default 0
        The committed samples have seed 0.
    progress : callable(str, int, int), optional

    Raises
    ------
    InputError
        If a folder of one of these names holds something that is no sample.
    """
    out = Path(out)
    for name in (*SAMPLES, "port_nemo"):
        _check_replaceable(out / name)
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out, prefix=".making-") as temporary:
        for name in SAMPLES:
            _build_exposure(name, seed, Path(temporary), progress)
            _replace(Path(temporary) / name, out / name)
        _build_geography(Path(temporary) / "port_nemo")
        _replace(Path(temporary) / "port_nemo", out / "port_nemo")


def _build_exposure(name, seed, temporary, progress):
    dump, clean, final = temporary / f"{name}-raw", temporary / f"{name}-clean", temporary / name
    leaks.write_dump(name, seed=seed, out=dump, progress=progress)
    ingest.sanitize(dump, name, ingest.DEMO_KEY, clean, progress=progress)
    exposure = open_exposure(clean)
    leaks.excerpt(dump, final / "raw")
    for file in ("report.json", "quarantine.jsonl"):
        shutil.copyfile(clean / file, final / file)
    facts = json.loads((dump / "manifest.json").read_text(encoding="utf-8"))
    write_exposure(final, {table: getattr(exposure, table) for table in _TABLES}, name=name, tz=exposure.tz,
                   synthetic=True, truth=_pseudonymous_truth(name, dump / "truth"),
                   extra={"key": "demo", **{k: facts[k] for k in ("generator", "version", "seed", "people", "days",
                                                                 "first_day")}})


def _pseudonymous_truth(name, folder):
    truth = {file.stem: pd.read_parquet(file) for file in sorted(folder.glob("*.parquet"))}
    key = ingest.demo_key(name)
    people = truth["people"].rename(columns={_OWN_ID[name]: "subject_id"})
    if "id_no" in people:
        people["register_id"] = _pseudonyms(people.pop("id_no"), "person", ingest.demo_key("register"))
    elif name != "register":
        people["register_id"] = _pseudonyms(people["subject_id"], "person", ingest.demo_key("register"))
    people["subject_id"] = _pseudonyms(people["subject_id"], "person", key)
    positions = [c for c in people if c.endswith(("_lon", "_lat"))]
    truth["people"] = people.drop(columns=positions) if name == "register" else people
    truth["places"] = _true_places(name, people)
    episodes = truth["episodes"].query(f"person_no < {_EPISODES_OF[name]}")
    truth["episodes"] = episodes.assign(**{c: episodes[c].dt.floor("s") for c in ("arrived_at", "left_at")})
    return {table: _without_raw_ids(frame, key) for table, frame in truth.items()}


def _true_places(name, people):
    """Where each person sleeps and works, by the zones of the exposure's sensors: what `score_places` asks for.

    In `community` only the entrances of the estates are places; visitors live, and everybody works, out of its sight.
    """
    roles = {"home": "home_entrance"} if name == "community" else {"home": "home_zone", "work": "work_zone"}
    parts = [people[["subject_id", "schedule"]].assign(role=role, place_id=people[column].astype(object))
             for role, column in roles.items()]
    return pd.concat(parts, ignore_index=True).dropna(subset="place_id").astype({"role": "category",
                                                                                "place_id": "category"})


def _without_raw_ids(frame, key):
    frame = frame.drop(columns="imei", errors="ignore")
    for raw, (kind, column) in _RAW_IDS.items():
        if raw in frame:
            frame[column] = _pseudonyms(frame.pop(raw), kind, key)
    return frame


def _pseudonyms(raw, kind, key):
    known = raw.dropna().astype(str).drop_duplicates()
    names = [name.decode() for name in ingest.pseudonyms(known.tolist(), kind, key)]
    return raw.map(dict(zip(known, names, strict=True))).astype("category")


def _build_geography(folder):
    folder.mkdir()
    write_geography(folder, make_plan())
    resources = [{"name": file.stem, "path": file.name, "bytes": file.stat().st_size, "hash": file_hash(file)}
                 for file in sorted(folder.glob("*.geojson"))]
    manifest = {"profile": "data-package", "name": "port_nemo", "synthetic": True, "tz": leaks.TZ,
                "generator": leaks.GENERATOR, "version": kit.__version__, "resources": resources}
    (folder / MANIFEST).write_text(json.dumps(manifest, indent=1) + "\n", encoding="utf-8", newline="\n")


def _check_replaceable(folder):
    if folder.exists() and any(folder.iterdir()) and not (folder / MANIFEST).exists() and not any(
            folder.glob("*.geojson")):
        raise InputError(f"The folder {folder} is not empty and holds no sample; move it away or name another --out.")


def _replace(made, final):
    shutil.rmtree(final, ignore_errors=True)
    shutil.move(made, final)
