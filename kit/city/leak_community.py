"""The community as it leaked: search results of faces and radio devices round two housing estates, one file a month."""

import json

import numpy as np
import pandas as pd

from kit.city import days, detect, ids
from kit.city.chance import units, words
from kit.city.people import ESTATE_RESIDENTS, LABELS, lay_town, people_of, visitor_numbers

ISO_SHARE, SECONDS_SHARE = 0.10, 0.10
LISTED_SHARE = 0.012  # of people, by chance alone
NAMED_SHARE = 0.40
DEVICES_A_PERSON = 3  # device number = 3 * person number + 0, 1
WIFI_SALT = 0x5EED
_ROW, _FACE, _NAMED, _RADIO, _DEVICE = 61, 62, 63, 64, 65
_OFFSET_MS = 28_800_000
RADIO = np.dtype([*detect.RECORD.descr, ("device", "i4")])


def write_community(plan, n, n_days, seed, out, first_day, progress):
    """Write camera.ndjson and the monthly face and wifi files of `n` people, a quarter of them residents.

    Returns
    -------
    dict
        As `leak_register.write_register`, and `devices`.
    """
    town, sensors = lay_town(plan), days.sensors_of(plan, "community")
    residents = min(ESTATE_RESIDENTS, max(1, n // 4))
    numbers = np.r_[np.arange(residents), visitor_numbers(n - residents)]
    people = people_of(town, numbers, seed)
    movement = days.simulate(plan, town, people, first_day, n_days, seed, "community", episodes_of=n,
                             progress=progress)
    faults = detect.make_faults(sensors, seed)
    is_camera = (sensors["kind"] == "camera").to_numpy()
    seen = is_camera[movement.passes["sensor"]]
    faces = detect.detect(movement.passes[seen], people, people["person_no"], faults, seed)
    radios = _detect_radios(movement.passes[~seen], people, faults, seed)
    rows = {"camera.ndjson": _write_cameras(sensors, out / "camera.ndjson")}
    records, broken = {}, {}
    for stem, whole, lines in (("face", faces, _face_lines), ("wifi", radios, _wifi_lines)):
        for month, part in _by_month(whole):
            name = f"{stem}-{month}.ndjson"
            records[name] = part
            progress(name, 0, len(part))
            written = lines(part, people, sensors, seed, f"{stem}-{month}", len(records))
            if stem == "face" and not broken:
                broken[name] = len(written) // 2
                written[broken[name]] = written[broken[name]][:len(written[broken[name]]) // 2]
            (out / name).write_text("\n".join(written) + "\n", encoding="utf-8", newline="\n")
            rows[name] = len(written)
            progress(name, len(part), len(part))
    return {"rows": rows, "people": people, "town": town, "sensors": sensors, "movement": movement, "faults": faults,
            "records": records, "broken": broken, "devices": _devices_seen(radios, people, seed)}


def day_numbers(time_ms):
    """Local days, counted from 1970-01-01, of UTC milliseconds."""
    return (np.asarray(time_ms, np.int64) + _OFFSET_MS) // 86_400_000


def carried_devices(passes, people):
    """One pass for each device that the passing person carries: (passes, device numbers)."""
    carried = people["n_devices"][passes["who"]]
    row = np.repeat(np.arange(passes.size), carried)
    which = np.arange(row.size) - np.repeat(np.cumsum(carried) - carried, carried)
    return passes[row], people["person_no"][passes["who"][row]].astype(np.int64) * DEVICES_A_PERSON + which


def mac_of(devices, time_ms, rotates, seed):
    """The address a device shows at a time; rotating ones take a new one every local day."""
    return ids.mac_addresses(devices, np.where(rotates, day_numbers(time_ms), 0), seed)


def _detect_radios(passes, people, faults, seed):
    """Each device carried past a sniffer is heard for itself, once or a few times while it is in range."""
    heard, device = carried_devices(passes, people)
    which = device % DEVICES_A_PERSON
    parts = []
    for w in (0, 1):
        one = detect.detect(heard[which == w], people, people["person_no"], faults, seed ^ (WIFI_SALT + w),
                            matches=np.zeros(len(faults), bool))
        parts.append(_repeat_probes(one, w, seed))
    whole = np.concatenate(parts)
    return whole[np.lexsort((whole["device"], whole["time_ms"]))]


def _repeat_probes(records, which, seed):
    """One to three probes a pass, seconds apart."""
    out = np.zeros(len(records), RADIO)
    for name in detect.RECORD.names:
        out[name] = records[name]
    out["device"] = records["true_no"].astype(np.int64) * DEVICES_A_PERSON + which
    u = units(seed, _RADIO + 10 * which, records["true_time_ms"] * 64 + records["sensor"] % 64 + records["true_no"], 4)
    extra = np.where(records["copy"] > 0, 0, (u[:, 0] < 0.28).astype(int) + (u[:, 0] < 0.06))
    again = out[np.repeat(np.arange(len(out)), extra)]
    turn = np.arange(len(again)) - np.repeat(np.cumsum(extra) - extra, extra)
    late = (3_000 + 9_000 * np.repeat(u[:, 1], extra) + 7_000 * turn).astype(np.int64)
    again["time_ms"] += late
    again["true_time_ms"] += late
    return np.concatenate([out, again])


def _by_month(records):
    """Records split by the local month they truly fell in, each part in the order of recorded times."""
    month = day_numbers(records["true_time_ms"]).astype("datetime64[D]").astype("datetime64[M]")
    for one in np.unique(month):
        part = records[month == one]
        yield str(one).replace("-", "."), part[np.argsort(part["time_ms"], kind="stable")]


def _write_cameras(sensors, path):
    lines = []
    for one in sensors.itertuples():
        source = {"camera_id": one.sensor_id, "community": f"NULLVALE-{one.sensor_id.split('-')[1]}",
                  "entrance": one.entrance or None, "lon": round(one.lon, 6), "lat": round(one.lat, 6),
                  "x_m": round(one.x_m, 1), "y_m": round(one.y_m, 1), "kind": one.spot, "indoor": bool(one.indoor)}
        lines.append(_document("camera", one.sensor_id, json.dumps(source, separators=(",", ":"))))
    path.write_text("\n".join(lines) + "\n", encoding="utf-8", newline="\n")
    return len(lines)


def _document(index, name, source):
    return f'{{"_index":"{index}","_id":"{name}","_source":{source}}}'


def _face_lines(part, people, sensors, seed, index, file_number):
    who = _enrolled(people, seed)
    numbers = np.arange(len(part)) + file_number * 10_000_000
    u, names = units(seed, _ROW, numbers, 4), words(seed, _ROW, numbers, 1)
    days_on = day_numbers(part["true_time_ms"])
    worn = units(seed, _FACE, part["true_no"].astype(np.int64) * 512 + days_on % 512, 2)
    row_of = dict(zip(people["person_no"].tolist(), range(len(people)), strict=True))
    guess = np.clip(people["age"][part["who"]] + np.round((u[:, 3] - 0.5) * 14), 4, 95).astype(int)
    camera = sensors["sensor_id"].to_numpy()
    lines = []
    for i, one in enumerate(part.tolist()):
        row = dict(zip(part.dtype.names, one, strict=True))
        person = who[row_of[row["recorded"]]] if row["recorded"] >= 0 else _NOBODY
        sensor = camera[row["sensor"]]
        score = "null" if row["score"] < 0 else f"0.{row['score']:02d}"
        lines.append(_document(index, f"{names[i]:016x}", (
            f'{{"capture_time":{_spell_time(row["time_ms"], u[i, 0])},"camera_id":"{sensor}",'
            f'"community":"NULLVALE-{sensor[4]}","person_id":{person[0]},"name":{person[1]},"id_no":{person[2]},'
            f'"match_score":{score},"list_hit":{person[3]},"age_est":{guess[i]},'
            f'"glasses":{_bool(worn[i, 0] < 0.3)},"mask":{_bool(worn[i, 1] < 0.08)},"system_label":{person[4]}}}')))
    return lines


_NOBODY = ("null", "null", "null", "false", "null")


def _enrolled(people, seed):
    """What the system holds on each person, as JSON values: person_id, name, id_no, list_hit, system_label."""
    p = people["person_no"].astype(np.int64)
    u = units(seed, _NAMED, p, 2)
    numbers = ids.scramble(p, seed, "register")
    return [(f'"{person}"', f'"Sample Person {number}"' if a < NAMED_SHARE else "null",
             f'"{id_no}"' if a < NAMED_SHARE else "null", _bool(b < LISTED_SHARE), f'"{LABELS[label]}"')
            for person, number, id_no, a, b, label in zip(ids.person_ids(p, seed), numbers, ids.id_numbers(p, seed),
                                                          u[:, 0], u[:, 1], people["system_label"], strict=True)]


def _spell_time(ms, u):
    """Mostly epoch milliseconds; some rows epoch seconds as text, some ISO with an offset."""
    if u < ISO_SHARE:
        stamp = np.datetime64(ms + _OFFSET_MS, "ms")
        return f'"{stamp}+08:00"'
    return f'"{ms // 1_000}"' if u < ISO_SHARE + SECONDS_SHARE else str(ms)


def _bool(value):
    return "true" if value else "false"


def _wifi_lines(part, people, sensors, seed, index, file_number):
    numbers = np.arange(len(part)) + file_number * 10_000_000
    u, names = units(seed, _ROW, numbers, 2), words(seed, _ROW, numbers, 1)
    rotates = people["rotates"][part["who"]]
    mac = mac_of(part["device"], part["true_time_ms"], rotates, seed)
    device, back = np.unique(part["device"], return_inverse=True)
    of_device = units(seed, _DEVICE, device.astype(np.int64), 4)
    imei, imsi = ids.imei_numbers(device, seed), ids.imsi_numbers(device, seed)
    home = people["household_no"][part["who"]]
    sniffer = sensors["sensor_id"].to_numpy()[part["sensor"]]
    rssi = -38 - (52 * u[:, 0]).astype(int)
    lines = []
    for i in range(len(part)):
        d = back[i]
        known = of_device[d, 0] < 0.10
        probes = [] if rotates[i] else _probes(of_device[d], int(home[i]))
        lines.append(_document(index, f"{names[i]:016x}", (
            f'{{"ts":{part["time_ms"][i]},"sniffer_id":"{sniffer[i]}","mac":"{mac[i]}",'
            f'"randomised":{_bool(rotates[i])},"rssi_dbm":{rssi[i]},"ssid_probe":{json.dumps(probes)},'
            f'"imei":{_text_or_null(imei[d], known)},"imsi":{_text_or_null(imsi[d], known)}}}')))
    return lines


def _text_or_null(text, known):
    return f'"{text}"' if known else "null"


def _probes(u, household):
    """The networks a device calls out for: its home's, perhaps one more."""
    found = [f"nullnet-{household * 7 % 9973:04d}"] if u[1] < 0.6 else []
    return [*found, ("Nemo Transit Free", "Cafe Nowhere", "Point Nemo Guest")[int(3 * u[3])]] if u[2] < 0.35 else found


def _devices_seen(radios, people, seed):
    """Which addresses belonged to whom: one row for each address that was heard."""
    rotates = people["rotates"][radios["who"]]
    frame = pd.DataFrame({"person_no": radios["true_no"], "device_no": radios["device"], "rotates": rotates,
                          "mac": mac_of(radios["device"], radios["true_time_ms"], rotates, seed)})
    return frame.drop_duplicates("mac").sort_values(["device_no", "mac"], ignore_index=True)
