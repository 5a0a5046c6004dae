"""Fresh cities in memory, with their truth: the same people and sensors as a dump of that seed, without its files.

Ingest is left out on purpose, since what is measured is movement; names of people are their numbers.
"""

import numpy as np
import pandas as pd

from kit.city import days, detect
from kit.city.leak_register import register_faults
from kit.city.people import ESTATE_RESIDENTS, lay_town, people_of, visitor_numbers
from kit.city.plan import make_plan
from kit.city.truth import people_table

TZ, REGISTER_DAY, COMMUNITY_DAY = "Etc/GMT-8", 22_350, 22_311


def register(seed, people=8_000, n_days=1):
    """Sightings of the register with, for each, who and when it truly was, and the junctions that everybody passed.

    Returns
    -------
    dict
        sightings (`kit.tables`, with `true_no, true_us`), sensors, people, faults, streets, tracks.
    """
    plan = make_plan()
    town, sensors = lay_town(plan), days.sensors_of(plan, "register")
    who = people_of(town, np.arange(people), seed)
    faults = register_faults(plan, seed)
    moved = days.simulate(plan, town, who, REGISTER_DAY, n_days, seed, tracks_of=people, episodes_of=people)
    records = detect.detect(moved.passes, who, np.arange(people, dtype=np.int32), faults, seed)
    return {"sightings": sightings_of(records, sensors), "sensors": sensors, "faults": faults, "plan": plan,
            "people": people_table(plan, "register", who, seed), "passes": moved.passes, "tracks": moved.tracks,
            "episodes": moved.episodes}


def sightings_of(records, sensors):
    """Records as a table of sightings, unmatched ones with no subject."""
    recorded = records["recorded"]
    subject = np.where(recorded >= 0, np.char.add("p_", recorded.astype(str)), None)
    frame = pd.DataFrame({
        "sighting_id": np.arange(len(records)),
        "subject_id": pd.Categorical(subject),
        "sensor_id": pd.Categorical(sensors["sensor_id"].to_numpy()[records["sensor"]]),
        "time": _utc(records["time_ms"]), "source": pd.Categorical(["face"] * len(records)),
        "score": (records["score"] / 100).astype(np.float32),
        "true_no": records["true_no"], "true_ms": records["true_time_ms"]})
    return frame


def community(seed, n_days=90):
    """Faces of the community: 500 residents and 1,500 visitors; as `register`, without tracks."""
    plan = make_plan()
    town, sensors = lay_town(plan), days.sensors_of(plan, "community")
    who = people_of(town, np.r_[np.arange(ESTATE_RESIDENTS), visitor_numbers()], seed)
    moved = days.simulate(plan, town, who, COMMUNITY_DAY, n_days, seed, "community", episodes_of=ESTATE_RESIDENTS)
    faults = detect.make_faults(sensors, seed)
    camera = (sensors["kind"] == "camera").to_numpy()
    records = detect.detect(moved.passes[camera[moved.passes["sensor"]]], who, who["person_no"], faults, seed)
    return {"sightings": sightings_of(records, sensors), "sensors": sensors, "faults": faults, "plan": plan,
            "people": people_table(plan, "community", who, seed), "episodes": moved.episodes}


def community_places(city):
    """Where the residents sleep, as `score_places` asks for it."""
    people = city["people"].dropna(subset=["home_entrance"])
    return pd.DataFrame({"subject_id": "p_" + people["person_no"].astype(str), "role": "home",
                         "place_id": people["home_entrance"].astype(str), "schedule": people["schedule"].astype(str)})


def truth_between(city, trips):
    """By `trip_id`, of trips whose ends are true matches: (junctions truly passed in between, whether they stopped).

    A gate notes people four seconds after they left a place and before they arrive.
    """
    gate_ms = 4_001
    truly = city["sightings"].set_index("sighting_id")
    tracks, episodes = (_by_person(city[t], len(city["people"])) for t in ("tracks", "episodes"))
    found = {}
    for trip, subject, last, first in trips[["trip_id", "subject_id", "last", "first"]].itertuples(index=False):
        person = int(subject[2:])
        if truly.at[last, "true_no"] != person or truly.at[first, "true_no"] != person:
            continue
        start, stop = truly.at[last, "true_ms"], truly.at[first, "true_ms"]
        track, spells = tracks(person), episodes(person)
        on_way = (track["time_ms"] >= start - gate_ms) & (track["time_ms"] <= stop + gate_ms)
        arrived = spells["arrive_ms"]
        found[trip] = (track["node"][on_way], bool(((arrived > start + gate_ms) & (arrived < stop - gate_ms)).any()))
    return found


def _by_person(rows, n):
    rows = rows[np.argsort(rows["who"], kind="stable")]
    first = np.searchsorted(rows["who"], np.arange(n + 1))
    return lambda person: rows[first[person]:first[person + 1]]


def _utc(ms):
    return pd.to_datetime(np.asarray(ms, np.int64), unit="ms", utc=True).astype("datetime64[us, UTC]")
