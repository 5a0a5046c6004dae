"""A fresh fusion in memory, with its truth: phones, identity cards and vehicles of one city, without files.

Subjects of each source are numbered by the person they belong to, so that the truth is in the name: `f_7` is the phone
of person 7, `c_7` their card, `v_7` their car.
"""

import geopandas as gpd
import numpy as np
import pandas as pd
from _city import TZ  # noqa: F401

from kit.city import days, detect
from kit.city.leak_fusion import FIRST_PERSON, _detect_phones
from kit.city.passes import BY_CAR
from kit.city.people import lay_town, people_of
from kit.city.plan import make_plan

FIRST_DAY = 22_341


def fusion(seed, people=400, n_days=14):
    """Sightings of phones (cells), cards (checkpoints) and vehicles (plate readers), sensors and who has what."""
    plan = make_plan()
    town, sensors = lay_town(plan), days.sensors_of(plan, "fusion")
    who = people_of(town, np.arange(FIRST_PERSON, FIRST_PERSON + people), seed)
    moved = days.simulate(plan, town, who, FIRST_DAY, n_days, seed, "fusion", episodes_of=people, tracks_of=people)
    faults = detect.make_faults(sensors, seed)
    kind = sensors["kind"].astype(str).to_numpy()[moved.passes["sensor"]]
    car = (moved.passes["flag"] & BY_CAR) > 0
    cards = detect.detect(moved.passes[kind == "checkpoint"], who, who["person_no"], faults, seed)
    plates = detect.detect(moved.passes[(kind == "plate_reader") & car], who, who["person_no"][who["has_vehicle"]],
                           faults, seed)
    phones = _detect_phones(plan, sensors, who, moved, FIRST_DAY, n_days, faults, seed)
    places = gpd.GeoDataFrame(sensors[["sensor_id", "kind"]].copy(),
                              geometry=gpd.points_from_xy(sensors["lon"], sensors["lat"]), crs="EPSG:4326")
    return {"phones": _sightings(phones, sensors, "f_"), "cards": _sightings(cards, sensors, "c_"),
            "vehicles": _sightings(plates, sensors, "v_"), "sensors": places}


def truth_between(left, right):
    """True pairs of two sources: the same person's number in both names."""
    numbers = [pd.Series(frame["subject_id"].dropna().unique(), dtype=object) for frame in (left, right)]
    both = [s.to_frame("id").assign(no=s.str.slice(2).astype(int)) for s in numbers]
    pairs = both[0].merge(both[1], on="no")
    return pd.DataFrame({"left_id": pairs["id_x"], "right_id": pairs["id_y"]})


def _sightings(records, sensors, prefix):
    recorded = records["recorded"]
    who = np.where(recorded >= 0, np.char.add(prefix, recorded.astype(str)), None)
    return pd.DataFrame({
        "subject_id": who.astype(object), "sensor_id": sensors["sensor_id"].to_numpy()[records["sensor"]],
        "time": pd.to_datetime(records["time_ms"].astype(np.int64), unit="ms", utc=True).astype("datetime64[us, UTC]")})
