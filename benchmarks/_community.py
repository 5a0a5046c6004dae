"""Fresh cities in memory, with their truth: the people, sensors and records of a dump of that seed, without files.

Ingest is left out on purpose, since what is measured is movement. Subjects are faces' person numbers and radio
addresses, as in an exposure.
"""

import geopandas as gpd
import numpy as np
import pandas as pd

from kit.city import days, detect
from kit.city.leak_community import _detect_radios, mac_of
from kit.city.leak_register import register_faults
from kit.city.people import ESTATE_RESIDENTS, lay_town, people_of, visitor_numbers
from kit.city.plan import make_plan
from kit.city.truth import episodes_table

TZ, FIRST_DAY, REGISTER_DAY = "Etc/GMT-8", 22_311, 22_350


def community(seed, people=2_000, n_days=90):
    """Sightings (with who it truly was and whether the match was false), sensors, clocks and stays of one city.

    Returns
    -------
    dict
        sightings (`kit.tables`, and `true_no, true_time`), sensors, faults (`sensor_id, clock_offset_s` at the first
        midnight, `drift_s_per_day`), episodes (true stays of the residents), passes (`subject_id, sensor_id, time` of
        every true pass of a camera, seen or missed).
    """
    plan = make_plan()
    town, sensors = lay_town(plan), days.sensors_of(plan, "community")
    residents = min(ESTATE_RESIDENTS, max(1, people // 4))
    who = people_of(town, np.r_[np.arange(residents), visitor_numbers(people - residents)], seed)
    moved = days.simulate(plan, town, who, FIRST_DAY, n_days, seed, "community", episodes_of=residents)
    faults = detect.make_faults(sensors, seed)
    is_camera = (sensors["kind"] == "camera").to_numpy()[moved.passes["sensor"]]
    faces = detect.detect(moved.passes[is_camera], who, who["person_no"], faults, seed)
    radios = _detect_radios(moved.passes[~is_camera], who, faults, seed)
    sightings = pd.concat([_faces(faces, sensors), _radios(radios, who, sensors, seed)], ignore_index=True)
    faults["clock_offset_s"] += faults["drift_s_per_day"] * (FIRST_DAY - detect.CLOCK_DAY)
    return {"sightings": sightings.assign(sighting_id=np.arange(len(sightings))), "sensors": _positions(sensors),
            "faults": faults, "episodes": episodes_table(plan, "community", who, moved.episodes),
            "passes": _passes(moved.passes[is_camera], who, sensors)}


def register(seed, people=300_000):
    """Sightings of one day of the register, sensors and clocks, as `community`."""
    plan = make_plan()
    town, sensors = lay_town(plan), days.sensors_of(plan, "register")
    who, faults = people_of(town, np.arange(people), seed), register_faults(plan, seed)
    moved = days.simulate(plan, town, who, REGISTER_DAY, 1, seed)
    records = detect.detect(moved.passes, who, np.arange(people, dtype=np.int32), faults, seed)
    sensors = sensors.assign(spot="")
    offset = faults["clock_offset_s"] + faults["drift_s_per_day"] * (REGISTER_DAY - detect.CLOCK_DAY)
    return {"sightings": _faces(records, sensors), "sensors": _positions(sensors),
            "faults": faults.assign(clock_offset_s=offset)}


def _passes(passes, who, sensors):
    person = np.char.add("p_", who["person_no"][passes["who"]].astype(str)).astype(object)
    return pd.DataFrame({"subject_id": person, "sensor_id": sensors["sensor_id"].to_numpy()[passes["sensor"]],
                         "time": _utc(passes["time_ms"])})


def _faces(records, sensors):
    recorded = records["recorded"]
    return _sightings(records, sensors, np.where(recorded >= 0, np.char.add("p_", recorded.astype(str)), None), "face")


def _radios(records, who, sensors, seed):
    mac = mac_of(records["device"], records["true_time_ms"], who["rotates"][records["who"]], seed)
    return _sightings(records, sensors, np.char.add("d_", mac.astype(str)), "wifi")


def _sightings(records, sensors, subject, source):
    return pd.DataFrame({
        "subject_id": subject.astype(object), "sensor_id": sensors["sensor_id"].to_numpy()[records["sensor"]],
        "time": _utc(records["time_ms"]), "source": source, "true_no": records["true_no"],
        "false_match": records["why"] == detect.FALSE_MATCH, "true_time": _utc(records["true_time_ms"])})


def _positions(sensors):
    return gpd.GeoDataFrame(sensors[["sensor_id", "kind", "place_class", "zone_id", "spot"]].copy(),
                            geometry=gpd.points_from_xy(sensors["lon"], sensors["lat"]), crs="EPSG:4326")


def _utc(ms):
    return pd.to_datetime(np.asarray(ms, np.int64), unit="ms", utc=True).astype("datetime64[us, UTC]")
