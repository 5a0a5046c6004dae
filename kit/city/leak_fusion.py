"""The fusion as it could leak: eight sources, each keyed by something else, and the list of sites.

Nothing in the files says which identity card, phone, plate and meter belong together; that is for `truth/`.
"""

import json

import numpy as np
import pandas as pd
from scipy.spatial import cKDTree

from kit.city import days, detect, ground, ids
from kit.city.chance import units
from kit.city.leak_community import DEVICES_A_PERSON, carried_devices, day_numbers, mac_of
from kit.city.passes import BY_CAR, FORWARD
from kit.city.people import lay_town, people_of

FIRST_PERSON, GPS_PEOPLE = 300, 40
RULES = 36
COLOURS = ("grey", "white", "black", "blue", "red", "green")
DOOR_SALT, PHONE_SALT = 0xD00, 0xF0E
HOUR_MS, MINUTE_MS, OFFSET_MS, DAY_MS = 3_600_000, 60_000, 28_800_000, 86_400_000
_ROW, _PHONE, _GPS, _METER, _TASK, _FORM, _CAR_COLOUR = 71, 72, 73, 74, 75, 76, 77
PHONE = np.dtype([*detect.RECORD.descr, ("x_m", "f8"), ("y_m", "f8"), ("accuracy_m", "f8")])


def write_fusion(plan, n, n_days, seed, out, first_day, progress):
    """Write the eight sources and sites.csv of the people 300 .. 299+n.

    Returns
    -------
    dict
        As `leak_register.write_register`, and `devices`.
    """
    town, sensors = lay_town(plan), days.sensors_of(plan, "fusion")
    people = people_of(town, np.arange(FIRST_PERSON, FIRST_PERSON + n), seed)
    movement = days.simulate(plan, town, people, first_day, n_days, seed, "fusion", episodes_of=n, tracks_of=n,
                             progress=progress)
    faults = detect.make_faults(sensors, seed)
    kind = sensors["kind"].astype(str).to_numpy()
    passes = movement.passes
    at = kind[passes["sensor"]]
    car, arriving = (passes["flag"] & BY_CAR) > 0, (passes["flag"] & FORWARD) > 0
    gallery = people["person_no"]
    drivers = gallery[people["has_vehicle"]]
    records = {
        "checkpoint.csv": detect.detect(passes[at == "checkpoint"], people, gallery, faults, seed),
        "datadoor.csv": _detect_doors(passes[at == "checkpoint"], people, faults, seed),
        "fuel.csv": detect.detect(passes[(at == "pump") & car & arriving], people, drivers, faults, seed),
        "phone_sighting.ndjson": _detect_phones(plan, sensors, people, movement, first_day, n_days, faults, seed),
        "plate_read.csv": detect.detect(passes[(at == "plate_reader") & car], people, drivers, faults, seed)}
    writers = {"checkpoint.csv": _checkpoint, "datadoor.csv": _datadoor, "fuel.csv": _fuel,
               "phone_sighting.ndjson": _phones, "plate_read.csv": _plates}
    rows, broken = {}, {}
    for name, part in records.items():
        progress(name, 0, len(part))
        header, lines = writers[name](part, people, sensors, seed)
        if name == "plate_read.csv" and lines:
            broken[name] = len(lines) // 2
            lines[broken[name]] = ",".join(lines[broken[name]].split(",")[:3])
        rows[name] = _write_lines(out / name, header, lines)
        progress(name, len(part), len(part))
    home_hours = _home_hours(people, movement.episodes, first_day, n_days)
    for name, (header, lines) in {"meter.csv": _meter(people, home_hours, first_day, n_days, seed),
                                  "task.csv": _tasks(n, n_days, first_day, seed),
                                  "visit_form.ndjson": _forms(people, n_days, first_day, seed),
                                  "sites.csv": _sites(sensors)}.items():
        rows[name] = _write_lines(out / name, header, lines)
    return {"rows": rows, "people": people, "town": town, "sensors": sensors, "movement": movement, "faults": faults,
            "records": records, "broken": broken, "devices": _devices(people, first_day, n_days, seed)}


def _write_lines(path, header, lines):
    path.write_text("\n".join([*([header] if header else []), *lines]) + "\n", encoding="utf-8", newline="\n")
    return len(lines)


def _detect_doors(passes, people, faults, seed):
    """Data doors beside the checkpoints read the devices that people carry through."""
    near, device = carried_devices(passes, people)
    parts = []
    for which in (0, 1):
        one = detect.detect(near[device % DEVICES_A_PERSON == which], people, people["person_no"], faults,
                            seed ^ (DOOR_SALT + which), matches=np.zeros(len(faults), bool))
        one["flag"] = which
        parts.append(one)
    whole = np.concatenate(parts)
    return whole[np.lexsort((whole["flag"], whole["time_ms"]))]


def _detect_phones(plan, sensors, people, movement, first_day, n_days, faults, seed):
    """A cell's sighting about twice an hour; for 40 people a GPS position every five minutes while out."""
    path = _paths(plan, people, movement)
    carriers = np.flatnonzero(people["n_devices"] > 0)
    begin, span = first_day * DAY_MS - OFFSET_MS, n_days * DAY_MS
    usual = _ticks(people, carriers, begin, span, 30 * MINUTE_MS, seed, _PHONE)
    tracked = carriers[:GPS_PEOPLE]
    fine = _ticks(people, tracked, begin, span, 5 * MINUTE_MS, seed, _GPS)
    home_x, home_y = (plan.places[a].to_numpy(np.float64)[people["home"]] for a in ("x_m", "y_m"))
    rows = []
    for ticks, gps in ((usual, False), (fine, True)):
        x, y = _whereabouts(path, ticks)
        known = ~np.isnan(x)
        out = np.hypot(x - home_x[ticks["who"]], y - home_y[ticks["who"]]) > 60
        turn = np.arange(len(ticks)) % (12 if gps else 3)
        rows.append(_phone_records(ticks[known & (out | (turn == 0))], x[known & (out | (turn == 0))],
                                   y[known & (out | (turn == 0))], gps, sensors, people, faults, seed))
    whole = np.concatenate(rows)
    return whole[np.lexsort((whole["who"], whole["time_ms"]))]


def _ticks(people, rows, begin, span, step, seed, purpose):
    """Jittered times, one a step, for each of some people: an array with who and time_ms."""
    n = span // step
    out = np.zeros(len(rows) * n, np.dtype([("who", "i4"), ("time_ms", "i8")]))
    out["who"] = np.repeat(rows, n)
    slot = np.tile(np.arange(n), len(rows))
    jitter = units(seed, purpose, people["person_no"][out["who"]].astype(np.int64) * 100_000 + begin // step % 50_021
                   + slot, 1)[:, 0]
    out["time_ms"] = begin + slot * step + (jitter * step * 0.9).astype(np.int64)
    return out


def _paths(plan, people, movement):
    """Where everybody was at every junction and at the start and end of every stay: (key, x_m, y_m), sorted by key."""
    tracks, episodes = movement.tracks, movement.episodes
    px, py = (np.append(plan.places[a].to_numpy(np.float64), np.nan) for a in ("x_m", "y_m"))
    parts = [(tracks["who"], tracks["time_ms"], plan.streets.x_m[tracks["node"]], plan.streets.y_m[tracks["node"]])]
    parts += [(episodes["who"], episodes[when] + shift, px[episodes["place"]], py[episodes["place"]])
              for when, shift in (("arrive_ms", 1), ("leave_ms", -1))]
    who, when, x, y = (np.concatenate(column) for column in zip(*parts, strict=True))
    key = _path_key(who, when)
    order = np.argsort(key, kind="stable")
    return key[order], x[order], y[order]


def _path_key(who, time_ms):
    return who * 1e11 + (np.asarray(time_ms, np.float64) - 1.92e12)


def _whereabouts(path, ticks):
    key = _path_key(ticks["who"].astype(np.float64), ticks["time_ms"])
    return np.interp(key, path[0], path[1]), np.interp(key, path[0], path[2])


def _phone_records(ticks, x, y, gps, sensors, people, faults, seed):
    """Records of phones: the nearest mast, give or take; exact identity, now and then a duplicate."""
    salt = people["person_no"][ticks["who"]].astype(np.int64) * 100_003 + ticks["time_ms"] // 1_000 % 100_003
    u = units(seed ^ PHONE_SALT, _ROW + gps, salt, 10)
    masts = np.flatnonzero((sensors["kind"] == "cell").to_numpy())
    wobble_m = 500 * (u[:, 0:2] + u[:, 2:4] - 1)
    seen_at = np.round(np.column_stack([x, y]) + wobble_m, 1)
    mast = masts[cKDTree(sensors[["x_m", "y_m"]].to_numpy(np.float64)[masts]).query(seen_at)[1]]
    out = np.zeros(len(ticks), PHONE)
    out["sensor"], out["who"], out["true_no"] = mast, ticks["who"], people["person_no"][ticks["who"]]
    out["recorded"], out["true_time_ms"], out["score"] = out["true_no"], ticks["time_ms"], -1
    offset, drift, rate = (faults[c].to_numpy()[mast] for c in ("clock_offset_s", "drift_s_per_day", "detection_rate"))
    days_on = (ticks["time_ms"] + OFFSET_MS) / DAY_MS - detect.CLOCK_DAY
    out["time_ms"] = ticks["time_ms"] + ((offset + drift * days_on) * 1_000).astype(np.int64)
    accuracy_m = np.round(5 + 35 * u[:, 4] * u[:, 4], 1)
    error_m = (u[:, 5:7] + u[:, 7:9] - 1) * accuracy_m[:, None] * 1.6
    out["accuracy_m"] = accuracy_m if gps else 0
    out["x_m"], out["y_m"] = x + error_m[:, 0], y + error_m[:, 1]
    out = out[u[:, 9] < rate]
    again = out[units(seed ^ PHONE_SALT, _ROW + 2 + gps, salt[u[:, 9] < rate], 1)[:, 0] < 0.018]
    again["copy"] = 1
    again["time_ms"] += 1_000
    return np.concatenate([out, again])


def _local_text(time_ms, u):
    """Local clock times without a zone: seven in ten as 2031-03-04 07:41:09, the rest with slashes."""
    stamps = (np.asarray(time_ms, np.int64) // 1_000 + OFFSET_MS // 1_000).astype("datetime64[s]").astype(str)
    return [s.replace("T", " ") if v < 0.7 else s.replace("T", " ").replace("-", "/")
            for s, v in zip(stamps.tolist(), u, strict=True)]


def _draws(part, seed, purpose):
    return units(seed, purpose, part["true_time_ms"] * 16 + part["copy"] + part["true_no"] * 1_000_003, 5)


def _names_of(numbers, make):
    """Identifiers of recorded people, empty for nobody; each is made once."""
    unique, back = np.unique(numbers, return_inverse=True)
    made = np.where(unique >= 0, make(np.maximum(unique, 0).astype(np.int64)), "")
    return made[back]


def _checkpoint(part, people, sensors, seed):
    u = _draws(part, seed, _ROW)
    who = _names_of(part["recorded"], lambda p: ids.id_numbers(p, seed))
    gate = sensors["sensor_id"].to_numpy()[part["sensor"]]
    way = np.where(part["flag"] & FORWARD, "in", "out")
    result = np.where(u[:, 1] < 0.004, "hold", "pass")
    columns = (who, gate, _local_text(part["time_ms"], u[:, 0]), way, result)
    return "id_no,gate_id,ts,direction,result", [",".join(row) for row in zip(*columns, strict=True)]


def _datadoor(part, people, sensors, seed):
    u = _draws(part, seed, _ROW)
    device = part["true_no"].astype(np.int64) * DEVICES_A_PERSON + part["flag"]
    mac = mac_of(device, part["true_time_ms"], people["rotates"][part["who"]], seed)
    imei = np.where(u[:, 1] < 0.85, _names_of(device, lambda d: ids.imei_numbers(d, seed)), "")
    gate = sensors["sensor_id"].to_numpy()[part["sensor"]]
    rssi = (-35 - 50 * u[:, 2]).astype(int).astype(str)
    columns = (mac, imei, gate, _local_text(part["time_ms"], u[:, 0]), rssi)
    return "mac,imei,gate_id,ts,rssi_dbm", [",".join(row) for row in zip(*columns, strict=True)]


def _plates(part, people, sensors, seed):
    u = _draws(part, seed, _ROW)
    plate = _names_of(part["recorded"], ids.plates)
    reader = sensors["sensor_id"].to_numpy()[part["sensor"]]
    colour = np.array(COLOURS)[(units(seed, _CAR_COLOUR, part["true_no"].astype(np.int64), 1)[:, 0] * 6).astype(int)]
    speed = (18 + 44 * u[:, 1]).astype(int).astype(str)
    columns = (plate, reader, _local_text(part["time_ms"], u[:, 0]), colour, speed)
    return "plate,cam_id,ts,colour,speed_kmh", [",".join(row) for row in zip(*columns, strict=True)]


def _fuel(part, people, sensors, seed):
    u = _draws(part, seed, _ROW)
    plate = _names_of(part["recorded"], ids.plates)
    card = np.where(u[:, 1] < 0.9, _names_of(part["true_no"], lambda p: ids.id_numbers(p, seed)), "")
    station = sensors["sensor_id"].to_numpy()[part["sensor"]]
    litres = [f"{value:.1f}" for value in 15 + 38 * u[:, 2]]
    columns = (plate, card, station, _local_text(part["time_ms"], u[:, 0]), litres)
    return "plate,id_no,station_id,ts,litres", [",".join(row) for row in zip(*columns, strict=True)]


def _phones(part, people, sensors, seed):
    u = _draws(part, seed, _ROW)
    did = _names_of(part["true_no"], lambda p: ids.device_ids(p * DEVICES_A_PERSON, seed))
    cell = sensors["sensor_id"].to_numpy()[part["sensor"]]
    lon, lat = ground.plane_to_degrees(part["x_m"], part["y_m"])
    lines = []
    for i in range(len(part)):
        gps = "null"
        if part["accuracy_m"][i] > 0:
            gps = f'{{"lon":{lon[i]:.6f},"lat":{lat[i]:.6f},"accuracy_m":{part["accuracy_m"][i]:.1f}}}'
        changed = "true" if u[i, 1] < 0.0004 else "false"
        lines.append(f'{{"did":"{did[i]}","cell_id":"{cell[i]}","ts":{part["time_ms"][i] // 1_000},'
                     f'"sim_changed":{changed},"gps":{gps}}}')
    return None, lines


def _home_hours(people, episodes, first_day, n_days):
    """Hours that each person spends at home on each day: array (people, days)."""
    hours = np.zeros((people.size, n_days))
    at_home = episodes[episodes["place"] == people["home"][episodes["who"]]]
    np.add.at(hours, (at_home["who"], day_numbers(at_home["arrive_ms"]) - first_day),
              (at_home["leave_ms"] - at_home["arrive_ms"]) / HOUR_MS)
    return hours


def _meter(people, home_hours, first_day, n_days, seed):
    """What a household's meter counts follows how many of its people are at home, for how long."""
    household, back = np.unique(people["household_no"], return_inverse=True)
    present = np.zeros((household.size, n_days))
    np.add.at(present, back, home_hours)
    day, names = np.arange(first_day, first_day + n_days), ids.household_ids(household.astype(np.int64), seed)
    lines = []
    for h in range(household.size):
        own = units(seed, _METER, household[h] * 1_000 + day % 1_000, 2)
        habit = 0.7 + 0.6 * units(seed, _METER + 10, household[h:h + 1].astype(np.int64), 1)[0, 0]
        kwh = (1.4 + 0.16 * habit * present[h]) * (0.9 + 0.2 * own[:, 0])
        dates = day.astype("datetime64[D]")
        lines += [f"{names[h]},{date},{value:.1f}" for date, value in zip(dates, kwh, strict=True)]
    return "household_no,date,kwh", lines


def _tasks(n, n_days, first_day, seed):
    """Tasks that neutral placeholder rules set off; no file says about whom."""
    count = max(1, n * n_days // 200)
    u = units(seed, _TASK, np.arange(count), 4)
    issued = first_day * DAY_MS - OFFSET_MS + (np.sort(u[:, 0]) * n_days * DAY_MS).astype(np.int64)
    closed = issued + ((1 + 70 * u[:, 1]) * HOUR_MS).astype(np.int64)
    rule = 1 + (RULES * u[:, 2]).astype(int)
    columns = (_local_text(issued, u[:, 3]), _local_text(closed, u[:, 3]))
    lines = [f"CASE-{i + 1:06d},R{rule[i]:02d},{a},{b}" for i, (a, b) in enumerate(zip(*columns, strict=True))]
    return "case_id,rule_id,issued_ts,closed_ts", lines


def _forms(people, n_days, first_day, seed):
    """Forms filled in at doors: free text, height, a blood type that does not exist."""
    count = max(1, people.size * n_days // 300)
    u = units(seed, _FORM, np.arange(count), 4)
    who = people["person_no"][(u[:, 0] * people.size).astype(int)].astype(np.int64)
    day = (first_day + np.floor(np.sort(u[:, 1]) * n_days)).astype(np.int64).astype("datetime64[D]")
    text = ("Nobody at home.", "Invented visit, nothing to report.", "Form filled in at the door, sample text.")
    lines = [json.dumps({"id_no": name, "date": str(date), "text": text[int(3 * v[2])],
                         "height_cm": 150 + int(45 * v[3]), "blood_type": "SYN"}, separators=(",", ":"))
             for name, date, v in zip(ids.id_numbers(who, seed), day, u, strict=True)]
    return None, lines


def _sites(sensors):
    lines = [f"{s.sensor_id},{s.kind},{s.lon:.6f},{s.lat:.6f},{s.x_m:.1f},{s.y_m:.1f},{s.place_class},{s.zone_id}"
             for s in sensors.itertuples()]
    return "site_id,kind,lon,lat,x_m,y_m,place_class,zone", lines


def _devices(people, first_day, n_days, seed):
    """Every device of every person, and the address it showed on each day (no day for one that keeps it)."""
    rows = []
    for one in people:
        for which in range(one["n_devices"]):
            device = int(one["person_no"]) * DEVICES_A_PERSON + which
            rows += [(int(one["person_no"]), device, bool(one["rotates"]), day)
                     for day in (range(first_day, first_day + n_days) if one["rotates"] else [0])]
    frame = pd.DataFrame(rows, columns=["person_no", "device_no", "rotates", "day"])
    device = frame["device_no"].to_numpy(np.int64)
    frame["mac"] = ids.mac_addresses(device, frame["day"].to_numpy(np.int64), seed)
    frame["imei"] = ids.imei_numbers(device, seed)
    frame["did"] = np.where(device % DEVICES_A_PERSON == 0, ids.device_ids(device, seed), None)
    return frame.drop(columns="day")
