"""The truth beside a dump: who people are, how good each sensor is, which records are wrong, and where people were.

Written as Parquet for scoring functions; code that plays the analyst never reads it. Sensors and people carry the
names of the raw form.
"""

import numpy as np
import pandas as pd

from kit.city import ids
from kit.city.detect import CLOCK_DAY, WHY, outages
from kit.city.estate import friend_group
from kit.city.people import ESTATE_RESIDENTS, LABELS, SCHEDULES


def write_truth(plan, exposure, made, n_days, seed, folder, first_day):
    """Write people, sensors, outages, sightings, episodes and (with devices) devices as Parquet tables."""
    folder.mkdir()
    tables = {
        "people": people_table(plan, exposure, made["people"], seed),
        "sensors": sensors_table(exposure, made["faults"], first_day),
        "outages": _raw_sensor_ids(exposure, outages(made["sensors"], seed, first_day, n_days)),
        "sightings": sightings_table(made["records"]),
        "episodes": episodes_table(plan, exposure, made["people"], _kept_episodes(exposure, made)),
    }
    if "devices" in made:
        tables["devices"] = made["devices"]
    for name, table in tables.items():
        table.to_parquet(folder / f"{name}.parquet", index=False, compression="zstd")


def people_table(plan, exposure, people, seed):
    """A row a person: raw identifiers, household, home, work, schedule, label and habits."""
    p, places = people["person_no"].astype(np.int64), plan.places
    zone, entrance = _zones(plan, exposure), places["entrance"].astype(str).to_numpy()
    numbers = ids.scramble(p, seed, "register")
    frame = pd.DataFrame({"person_no": people["person_no"], "id_no": ids.register_strings(numbers)})
    if exposure == "community":
        frame["person_id"] = ids.person_ids(p, seed)
    if exposure == "fusion":
        frame["did"] = np.where(people["n_devices"] > 0, ids.device_ids(p * 3, seed), None)
        frame["plate"] = np.where(people["has_vehicle"], ids.plates(p), None)
        frame["household_id"] = ids.household_ids(people["household_no"].astype(np.int64), seed)
    frame["household_no"], frame["household_size"] = people["household_no"], people["household_size"]
    home, work = people["home"], people["anchor"]
    for name, place in (("home", home), ("work", work)):
        known = place >= 0
        frame[f"{name}_place"] = pd.array(np.where(known, place, 0), dtype="Int32")
        frame.loc[~known, f"{name}_place"] = pd.NA
        frame[f"{name}_zone"] = pd.Categorical(np.where(known, zone[place], None))
        for axis in ("lon", "lat"):
            frame[f"{name}_{axis}"] = np.where(known, places[axis].to_numpy()[place].round(6), np.nan)
    frame["home_entrance"] = pd.Categorical(np.where(entrance[home] != "", entrance[home], None))
    frame["age"] = people["age"]
    frame["schedule"] = pd.Categorical.from_codes(people["schedule"], SCHEDULES)
    frame["system_label"] = pd.Categorical.from_codes(people["system_label"], LABELS)
    for name in ("has_vehicle", "n_devices", "rotates"):
        frame[name] = people[name]
    if exposure == "community":
        resident = people["person_no"] < ESTATE_RESIDENTS
        frame["friend_group"] = np.where(resident, friend_group(p, seed), -1).astype(np.int32)
        frame["host_entrance"] = np.where(people["host"] >= 0, entrance[people["host"]], None)
    return frame


def sensors_table(exposure, faults, first_day):
    """A row a sensor: detection rate, clock offset at the first midnight of the dump, drift."""
    frame = faults.copy()
    frame["clock_offset_s"] = (frame["clock_offset_s"] + frame["drift_s_per_day"] * (first_day - CLOCK_DAY)).round(3)
    return _raw_sensor_ids(exposure, frame)


def sightings_table(records):
    """Records whose recorded identity is wrong or missing, and duplicates; `records` by sighting file.

    Columns: sighting_id, person_no (who it truly was), recorded_person_no (null when unmatched), why, duplicate_of
    (the record that this one repeats), true_time.
    """
    parts, first = [], 0
    for file in sorted(records):
        rows = records[file]
        original = _originals(rows)
        odd = np.flatnonzero((rows["why"] != 0) | (rows["copy"] > 0))
        parts.append(pd.DataFrame({
            "sighting_id": odd + first, "person_no": rows["true_no"][odd], "recorded_person_no": rows["recorded"][odd],
            "why": rows["why"][odd], "duplicate_of": np.where(original[odd] >= 0, original[odd] + first, -1),
            "true_time": rows["true_time_ms"][odd]}))
        first += len(rows)
    whole = pd.concat(parts, ignore_index=True)
    whole["why"] = pd.Categorical.from_codes(whole["why"], WHY)
    for column in ("recorded_person_no", "duplicate_of"):
        whole[column] = whole[column].astype("Int64").mask(whole[column] < 0)
    return whole.assign(true_time=_utc(whole["true_time"]))


def _kept_episodes(exposure, made):
    """Whose days are told: all of them, but in the community the residents' only."""
    episodes = made["movement"].episodes
    if exposure != "community":
        return episodes
    return episodes[made["people"]["person_no"][episodes["who"]] < ESTATE_RESIDENTS]


def episodes_table(plan, exposure, people, episodes):
    """Who was where, from when to when, by the true clock; nights at home run through midnight.

    Columns: person_no, place_id (-1 out of town), zone, arrived_at, left_at.
    """
    e = episodes
    same = (e["who"][1:] == e["who"][:-1]) & (e["place"][1:] == e["place"][:-1])
    same &= e["arrive_ms"][1:] == e["leave_ms"][:-1]
    first = np.flatnonzero(np.r_[True, ~same][:e.size])
    last = np.r_[first[1:] - 1, e.size - 1][:first.size]
    zone, place = _zones(plan, exposure), e["place"][first]
    return pd.DataFrame({
        "person_no": people["person_no"][e["who"][first]], "place_id": place,
        "zone": pd.Categorical(np.where(place >= 0, zone[place], None)),
        "arrived_at": _utc(e["arrive_ms"][first]), "left_at": _utc(e["leave_ms"][last])})


def _zones(plan, exposure):
    """The zone of each place as the exposure's own sensors name zones: only `community` tells entrances apart."""
    district, entrance = (plan.places[column].astype(str).to_numpy() for column in ("district", "entrance"))
    return np.where(entrance != "", entrance, district) if exposure == "community" else district


def _originals(rows):
    """For each record, the row of the record that it repeats, or -1."""
    copies = np.flatnonzero(rows["copy"] > 0)
    out = np.full(len(rows), -1, np.int64)
    if copies.size:
        keys = ["who", "sensor", "true_time_ms", "device"]
        keys = [k for k in keys if k in rows.dtype.names]
        near = np.flatnonzero(np.isin(rows["true_time_ms"], rows["true_time_ms"][copies]) & (rows["copy"] == 0))
        firsts = pd.DataFrame({k: rows[k][near] for k in keys}).assign(original=near).drop_duplicates(keys)
        again = pd.DataFrame({k: rows[k][copies] for k in keys}).merge(firsts, on=keys, how="left")
        out[copies] = again["original"].fillna(-1).to_numpy(np.int64)
    return out


def _raw_sensor_ids(exposure, frame):
    if exposure == "register":
        frame = frame.assign(sensor_id=[str(int(s[1:])) for s in frame["sensor_id"].astype(str)])
    return frame


def _utc(ms):
    return pd.to_datetime(np.asarray(ms, np.int64), unit="ms", utc=True).astype("datetime64[us, UTC]")
