"""Invented files in the layouts of public mobility data, and what a person would say of each field.

Each of `MAKERS` takes a random generator and a number of records and gives (file name, text, answers), or {file name:
text or bytes} in place of the first two: the answers say of each field what it is and what to do, as a recipe would.
Every value is made up here; only the layouts are like those of data that people are handed.
"""

import hashlib
import io
import json
import random
import sqlite3
import struct
import tempfile
import zipfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

KEEP_TIME, KEEP_PLACE, KEEP_SENSOR = "time keep", "place keep", "sensor keep"
WHO, ID, NUMBER, COUNTED, NOISE = "identifier pseudonymise", "identifier drop", "measurement drop", \
    "measurement tally", "noise drop"
DROP_TIME, DROP_PLACE, DROP_SENSOR = "time drop", "place drop", "sensor drop"
_START = datetime(2031, 3, 4, 6, tzinfo=UTC)



def _when(rng, i):
    return _START + timedelta(seconds=i * 47 + rng.randrange(30))


def _hex(text, n=32):
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()[:n]


def _csv(header, rows, mark=","):
    lines = [mark.join(header)] if header else []
    return "\n".join(lines + [mark.join(map(str, row)) for row in rows]) + "\n"


def _columns(*answers):
    return {f"column_{i}": a for i, a in enumerate(answers, 1)}


def taxi_fixes(rng, n):
    rows = [(300 + i % 9, _when(rng, i).strftime("%Y-%m-%d %H:%M:%S"), f"{-123.39 + rng.uniform(-.1, .1):.5f}",
             f"{-48.88 + rng.uniform(-.1, .1):.5f}") for i in range(n)]
    return "366.txt", _csv(None, rows), _columns(WHO, KEEP_TIME, KEEP_PLACE, KEEP_PLACE)


def taxi_trips(rng, n):
    rows = []
    for i in range(n):
        at = _when(rng, i)
        place = [f"{v + rng.uniform(-.1, .1):.6f}" for v in (-123.39, -48.88, -123.39, -48.88)]
        rows.append((_hex(f"cab{i % 20}").upper(), _hex(f"driver{i % 25}").upper(), f"{at:%Y-%m-%d %H:%M:%S}",
                     f"{at + timedelta(minutes=9):%Y-%m-%d %H:%M:%S}", 540 + i % 71, f"{rng.uniform(.5, 9):.2f}",
                     *place, rng.choice(("CSH", "CRD")), f"{rng.uniform(4, 40):.2f}", "0.50",
                     f"{rng.uniform(0, 5):.2f}"))
    return "sorted_data.csv", _csv(None, rows), _columns(
        WHO, ID, KEEP_TIME, DROP_TIME, NUMBER, NUMBER, KEEP_PLACE, KEEP_PLACE, DROP_PLACE, DROP_PLACE, COUNTED, NUMBER,
        NUMBER, NUMBER)


def taxi_trips_named(rng, n):
    header = ["medallion", "hack_license", "vendor_id", "rate_code", "store_and_fwd_flag", "pickup_datetime",
              "dropoff_datetime", "passenger_count", "trip_time_in_secs", "trip_distance", "pickup_longitude",
              "pickup_latitude", "dropoff_longitude", "dropoff_latitude"]
    rows = []
    for i in range(n):
        at = _when(rng, i)
        place = [f"{v + rng.uniform(-.1, .1):.6f}" for v in (-123.39, -48.88, -123.39, -48.88)]
        rows.append((_hex(f"c{i % 20}"), _hex(f"h{i % 25}"), rng.choice(("CMT", "VTS")), 1 + i % 2, rng.choice("YN"),
                     f"{at:%Y-%m-%d %H:%M:%S}", f"{at + timedelta(minutes=9):%Y-%m-%d %H:%M:%S}", 1 + i % 4, 540 + i,
                     f"{rng.uniform(.5, 9):.2f}", *place))
    answers = [ID, WHO, COUNTED, COUNTED, COUNTED, KEEP_TIME, DROP_TIME, NUMBER, NUMBER, NUMBER, KEEP_PLACE, KEEP_PLACE,
               DROP_PLACE, DROP_PLACE]
    return "trip_data_4.csv", _csv(header, rows), dict(zip(header, answers, strict=True))


def zone_trips(rng, n):
    header = ["VendorID", "tpep_pickup_datetime", "tpep_dropoff_datetime", "passenger_count", "trip_distance",
              "RatecodeID", "store_and_fwd_flag", "PULocationID", "DOLocationID", "payment_type", "fare_amount",
              "tip_amount", "total_amount", "congestion_surcharge"]
    rows = [(1 + i % 2, f"{_when(rng, i):%Y-%m-%d %H:%M:%S}", f"{_when(rng, i + 9):%Y-%m-%d %H:%M:%S}", 1 + i % 3,
             f"{rng.uniform(1, 9):.1f}", 1 + i % 2, rng.choice("NY"), rng.randrange(1, 260), rng.randrange(1, 260),
             1 + i % 4, f"{rng.uniform(4, 40):.1f}", "0.0", f"{rng.uniform(4, 50):.1f}", "2.5") for i in range(n)]
    answers = [COUNTED, DROP_TIME, DROP_TIME, NUMBER, NUMBER, COUNTED, COUNTED, DROP_SENSOR, DROP_SENSOR, COUNTED,
               NUMBER, NUMBER, NUMBER, NUMBER]
    return "yellow_tripdata.csv", _csv(header, rows), dict(zip(header, answers, strict=True))


def checkins(rng, n):
    rows = [(i // 40, _when(rng, i).strftime("%Y-%m-%dT%H:%M:%SZ"), f"{-48.88 + rng.uniform(-.1, .1):.9f}",
             f"{-123.39 + rng.uniform(-.1, .1):.9f}", rng.randrange(20_000, 90_000)) for i in range(n)]
    return "totalCheckins.txt", _csv(None, rows, "\t"), _columns(WHO, KEEP_TIME, KEEP_PLACE, KEEP_PLACE, DROP_PLACE)


def venue_checkins(rng, n):
    kinds = ["Harbour Bar", "Tea Room", "Office", "Gym", "Ferry Terminal"]
    rows = []
    for i in range(n):
        kind = rng.randrange(5)
        rows.append((100 + i % 30, _hex(f"v{rng.randrange(70)}", 24), _hex(f"k{kind}", 24), kinds[kind],
                     f"{-48.88 + rng.uniform(-.1, .1):.8f}", f"{-123.39 + rng.uniform(-.1, .1):.8f}", 540,
                     _when(rng, i).strftime("%a %b %d %H:%M:%S +0000 %Y")))
    return "checkins_NEMO.txt", _csv(None, rows, "\t"), _columns(
        WHO, ID, ID, COUNTED, KEEP_PLACE, KEEP_PLACE, NUMBER, KEEP_TIME)


def bikes(rng, n):
    header = ["ride_id", "rideable_type", "started_at", "ended_at", "start_station_name", "start_station_id",
              "end_station_name", "end_station_id", "start_lat", "start_lng", "end_lat", "end_lng", "member_casual"]
    rows = []
    for i in range(n):
        at, (a, b) = _when(rng, i), (rng.randrange(30), rng.randrange(30))
        rows.append((_hex(f"r{i}", 16).upper(), rng.choice(("classic_bike", "electric_bike")),
                     f"{at:%Y-%m-%d %H:%M:%S}",
                     f"{at + timedelta(minutes=8):%Y-%m-%d %H:%M:%S}", f"Quay {a} & Mole St", f"S{a:03}",
                     f"Quay {b} & Mole St", f"S{b:03}", f"{-48.88 + a / 900:.6f}", f"{-123.39 + a / 700:.6f}",
                     f"{-48.88 + b / 900:.6f}", f"{-123.39 + b / 700:.6f}", rng.choice(("member", "casual"))))
    answers = [NOISE, COUNTED, DROP_TIME, DROP_TIME, DROP_PLACE, DROP_SENSOR, DROP_PLACE, DROP_SENSOR, DROP_PLACE,
               DROP_PLACE, DROP_PLACE, DROP_PLACE, COUNTED]
    return "tripdata-203103.csv", _csv(header, rows), dict(zip(header, answers, strict=True))


def old_bikes(rng, n):
    header = ["tripduration", "starttime", "stoptime", "start station id", "start station name",
              "start station latitude", "start station longitude", "end station id", "end station name",
              "end station latitude", "end station longitude", "bikeid", "usertype", "birth year", "gender"]
    rows = []
    for i in range(n):
        at, (a, b) = _when(rng, i), (rng.randrange(30), rng.randrange(30))
        rows.append((480 + i % 90, f"{at:%Y-%m-%d %H:%M:%S}.4460",
                     f"{at + timedelta(minutes=8):%Y-%m-%d %H:%M:%S}.1200",
                     100 + a, f"Quay {a} & Mole St", f"{-48.88 + a / 900:.6f}", f"{-123.39 + a / 700:.6f}", 100 + b,
                     f"Quay {b} & Mole St", f"{-48.88 + b / 900:.6f}", f"{-123.39 + b / 700:.6f}", 15_000 + i % 60,
                     rng.choice(("Subscriber", "Customer")), 1950 + i % 50, i % 3))
    answers = [NUMBER, KEEP_TIME, DROP_TIME, DROP_PLACE, DROP_PLACE, KEEP_PLACE, KEEP_PLACE, DROP_PLACE, DROP_PLACE,
               DROP_PLACE, DROP_PLACE, WHO, COUNTED, NUMBER, "label drop"]
    return "bike-tripdata.csv", _csv(header, rows), dict(zip(header, answers, strict=True))


def animals(rng, n):
    header = ["event-id", "visible", "timestamp", "location-long", "location-lat", "ground-speed", "heading",
              "height-above-ellipsoid", "sensor-type", "individual-taxon-canonical-name", "tag-local-identifier",
              "individual-local-identifier", "study-name"]
    rows = [(7_400_000_000 + i, "true", _when(rng, i).strftime("%Y-%m-%d %H:%M:%S.000"),
             f"{-123.39 + rng.uniform(-.5, .5):.5f}", f"{-48.88 + rng.uniform(-.5, .5):.5f}",
             f"{rng.uniform(0, 20):.2f}", rng.randrange(360), f"{rng.uniform(0, 90):.1f}", "gps", "Nullus inventus",
             4000 + i // 60, f"Bird-{i // 60}", "Birds of Point Nemo") for i in range(n)]
    answers = [NOISE, COUNTED, KEEP_TIME, KEEP_PLACE, KEEP_PLACE, NUMBER, NUMBER, NUMBER, COUNTED, COUNTED, ID, WHO,
               COUNTED]
    return "Birds of Nemo.csv", _csv(header, rows), dict(zip(header, answers, strict=True))


def geolife(rng, n):
    lines = ["Geolife trajectory", "WGS 84", "Altitude is in Feet", "Reserved 3", "0,2,255,My Track,0,0,2,8421376", "0"]
    for i in range(n):
        at = _when(rng, i)
        lines.append(f"{-48.88 + rng.uniform(-.1, .1):.6f},{-123.39 + rng.uniform(-.1, .1):.6f},0,{100 + i % 60},"
                     f"{47_900 + i / 1700:.10f},{at:%Y-%m-%d},{at:%H:%M:%S}")
    return "20310304060000.plt", "\r\n".join(lines) + "\r\n", {
        "lat": KEEP_PLACE, "lon": KEEP_PLACE, "zero": NUMBER, "altitude_ft": NUMBER, "days": DROP_TIME,
        "date": DROP_TIME, "clock": DROP_TIME, "time": KEEP_TIME, "person": WHO}


def cab_polylines(rng, n):
    header = ["TRIP_ID", "CALL_TYPE", "ORIGIN_CALL", "ORIGIN_STAND", "TAXI_ID", "TIMESTAMP", "DAY_TYPE",
              "MISSING_DATA", "POLYLINE"]
    rows = [(f"193{i:016d}", rng.choice("ABC"), "", rng.randrange(1, 60), 20_000_000 + i % 40,
             int(_when(rng, i).timestamp()), "A", "False",
             f"[[{-123.39 + i / 9e4:.6f},{-48.88:.6f}],[{-123.38:.6f},{-48.87:.6f}]]") for i in range(n)]
    quoted = [tuple(f'"{cell}"' for cell in row) for row in rows]
    answers = [NOISE, COUNTED, None, None, WHO, DROP_TIME, COUNTED, COUNTED, DROP_PLACE]
    return "train.csv", _csv(header, quoted), {h: a for h, a in zip(header, answers, strict=True) if a}


def vessels(rng, n):
    header = ["MMSI", "BaseDateTime", "LAT", "LON", "SOG", "COG", "Heading", "VesselName", "IMO", "CallSign",
              "VesselType", "Status", "Length", "Width", "Draft", "Cargo", "TransceiverClass"]
    rows = [(990_000_000 + i % 12, _when(rng, i).strftime("%Y-%m-%dT%H:%M:%S"), f"{-48.88 + rng.uniform(-1, 1):.5f}",
             f"{-123.39 + rng.uniform(-1, 1):.5f}", f"{rng.uniform(0, 20):.1f}", f"{rng.uniform(0, 360):.1f}",
             rng.randrange(360), f"NULL TRADER {i % 12}", f"IMO90000{i % 12:02}", f"ZZ{i % 12}AB", 70 + i % 3, i % 4,
             90 + i % 12, 15 + i % 5, f"{rng.uniform(3, 9):.1f}", 70 + i % 3, "A") for i in range(n)]
    answers = [WHO, KEEP_TIME, KEEP_PLACE, KEEP_PLACE, NUMBER, NUMBER, NUMBER, ID, ID, ID, COUNTED, COUNTED, NUMBER,
               NUMBER, NUMBER, COUNTED, COUNTED]
    return "AIS_2031_03_04.csv", _csv(header, rows), dict(zip(header, answers, strict=True))


def buses(rng, n):
    lines = [json.dumps({"VehicleId": f"B{i % 14:03}", "RouteId": f"R{i % 5}", "TripId": f"T{i % 30:05}",
                         "Timestamp": int(_when(rng, i).timestamp()), "Position": {
                             "Latitude": -48.88 + rng.uniform(-.1, .1), "Longitude": -123.39 + rng.uniform(-.1, .1),
                             "Bearing": rng.randrange(360), "Speed": rng.uniform(0, 14)},
                         "CurrentStatus": rng.choice(("IN_TRANSIT_TO", "STOPPED_AT")), "StopId": f"{9000 + i % 40}",
                         "OccupancyStatus": rng.choice(("FEW_SEATS", "FULL"))}) for i in range(n)]
    return "vehicle_positions.json", "[" + ",\n".join(lines) + "]", {
        "VehicleId": WHO, "RouteId": COUNTED, "TripId": NOISE, "Timestamp": KEEP_TIME, "Position.Latitude": KEEP_PLACE,
        "Position.Longitude": KEEP_PLACE, "Position.Bearing": NUMBER, "Position.Speed": NUMBER,
        "CurrentStatus": COUNTED, "StopId": DROP_PLACE, "OccupancyStatus": COUNTED}


def smart_cards(rng, n):
    header = ["card_no", "line", "station_id", "station_name", "deal_date", "deal_type", "deal_money", "equ_no"]
    rows = [(f"FHE{i % 50:05}XX", f"Line {1 + i % 3}", f"ST{i % 17:02}", f"Pier {i % 17}",
             f"{_when(rng, i):%Y-%m-%d %H:%M:%S}", rng.choice(("in", "out")), f"{rng.uniform(2, 9):.1f}",
             f"26{i % 90:07}") for i in range(n)]
    answers = [WHO, COUNTED, KEEP_SENSOR, DROP_PLACE, KEEP_TIME, COUNTED, NUMBER, None]
    return "afc-2031.csv", _csv(header, rows, ";"), {h: a for h, a in zip(header, answers, strict=True) if a}


def wifi_logs(rng, n):
    lines = [json.dumps({"_index": "assoc-2031.03", "_id": f"x{i}", "_source": {
        "@timestamp": _when(rng, i).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z",
        "client_mac": f"02:00:5e:00:00:{i % 40:02x}",
        "ap_name": f"AP-{i % 9}", "ssid": "Nemo Guest", "rssi": -50 - i % 30, "username": f"guest{i % 40}",
        "bytes_sent": i * 91, "event": rng.choice(("assoc", "deauth"))}}) for i in range(n)]
    return "assoc.json", "\n".join(lines) + "\n", {
        "@timestamp": KEEP_TIME, "client_mac": ID, "ap_name": KEEP_SENSOR, "ssid": ID, "rssi": NUMBER, "username": WHO,
        "bytes_sent": NUMBER, "event": COUNTED}


def mongo_tracks(rng, n):
    lines = [json.dumps({"_id": {"$oid": f"{i:024x}"}, "deviceId": f"SYN-D-{i % 21:05}", "createdAt": {"$date": {
        "$numberLong": str(int(_when(rng, i).timestamp() * 1000) + 500)}}, "gpsTime": {"$date": {
            "$numberLong": str(int(_when(rng, i).timestamp() * 1000))}}, "loc": {
                "lng": -123.39 + rng.uniform(-.1, .1), "lat": -48.88 + rng.uniform(-.1, .1), "accuracy": 5 + i % 30},
        "battery": i % 100, "ethnicity": rng.choice(("teal", "amber")), "__v": 0}) for i in range(n)]
    return "tracks.json", "\n".join(lines) + "\n", {
        "_id": NOISE, "deviceId": WHO, "createdAt": DROP_TIME, "gpsTime": KEEP_TIME, "loc.lng": KEEP_PLACE,
        "loc.lat": KEEP_PLACE, "loc.accuracy": "measurement keep", "battery": NUMBER, "ethnicity": "label tally",
        "__v": NOISE}


def calls(rng, n):
    header = ["msisdn", "imsi", "imei", "call_start", "duration_sec", "cell_id", "lac", "call_type", "other_party"]
    rows = [(f"SYN-T-{i % 40:06}", f"SYN-IMSI-{i % 40:09}", f"SYN-IMEI-{i % 40:09}", f"{_when(rng, i):%Y%m%d%H%M%S}",
             10 + i % 600, f"{40_000 + i % 31}", 700 + i % 3, rng.choice(("MOC", "MTC", "SMS")),
             f"SYN-T-{rng.randrange(10**6):06}") for i in range(n)]
    answers = [WHO, ID, ID, KEEP_TIME, NUMBER, KEEP_SENSOR, DROP_SENSOR, COUNTED, ID]
    return "cdr.psv", _csv(header, rows, "|"), dict(zip(header, answers, strict=True))


def stations(rng, n):
    header = ["stop_id", "stop_code", "stop_name", "stop_lat", "stop_lon", "zone_id", "location_type"]
    rows = [(f"{9000 + i}", f"N{i}", f"Pier {i}", f"{-48.88 + i / 900:.6f}", f"{-123.39 + i / 700:.6f}", f"Z{i % 4}",
             0) for i in range(40)]
    answers = [KEEP_SENSOR, DROP_SENSOR, DROP_SENSOR, KEEP_PLACE, KEEP_PLACE, KEEP_PLACE, DROP_SENSOR]
    return "stops.txt", _csv(header, rows), dict(zip(header, answers, strict=True))


def chinese_captures(rng, n):
    header = ["记录ID", "姓名", "身份证号", "抓拍时间", "摄像头编号", "经度", "纬度", "相似度", "民族", "照片地址"]
    rows = [(i + 1, f"样本{'甲乙丙丁'[i % 4]}", f"SYN{i % 60:015}X",
             f"{_when(rng, i):%Y/%m/%d %H:%M:%S}", f"C{i % 9:03}",
             f"{-123.39 + (i % 9) / 99:.5f}", f"{-48.88 + (i % 9) / 99:.5f}", f"{rng.uniform(.7, 1):.2f}",
             "青" if i % 3 else "橙", "REMOVED") for i in range(n)]
    answers = [NOISE, ID, WHO, KEEP_TIME, None, KEEP_PLACE, KEEP_PLACE, None, "label tally", ID]
    return "抓拍.csv", _csv(header, rows), {h: a for h, a in zip(header, answers, strict=True) if a}


def points(rng, n):
    features = [json.dumps({"type": "Feature", "geometry": {"type": "Point", "coordinates": [
        -123.39 + rng.uniform(-.1, .1), -48.88 + rng.uniform(-.1, .1)]}, "properties": {
            "user_id": f"u{i % 20}", "recorded_at": _when(rng, i).isoformat(), "speed": rng.uniform(0, 9),
            "activity": rng.choice(("walk", "bus"))}}) for i in range(n)]
    return "tracks.geojson", '{"type":"FeatureCollection","features":[' + ",".join(features) + "]}", {
        "user_id": WHO, "recorded_at": KEEP_TIME, "speed": NUMBER, "activity": COUNTED, "lon": KEEP_PLACE,
        "lat": KEEP_PLACE}


def two_places(rng):
    """A latitude and a longitude, as texts."""
    return f"{-48.88 + rng.uniform(-.1, .1):.5f}", f"{-123.39 + rng.uniform(-.1, .1):.5f}"


def _names(rng, n):
    return ["".join(rng.choices("abcdefghijklmnopqrstuvwxyz", k=6)) for _ in range(n)]


def cabs_a_file_each(rng, n):
    """A file a cab, named for it: latitude, longitude, occupied, seconds since 1970; no header, the latest first."""
    files = {f"new_{name}.txt": "".join(f"{' '.join(two_places(rng))} {rng.randrange(2)} "
                                        f"{int(_when(rng, i).timestamp())}\n" for i in range(n, 0, -1))
             for name in _names(rng, 5)}
    return files, {"column_1": KEEP_PLACE, "column_2": KEEP_PLACE, "column_3": COUNTED, "column_4": KEEP_TIME,
                   "<file>": WHO}


def taxis_a_file_each(rng, n):
    """A file a taxi: its number, a clock time without a zone, longitude, latitude; no header."""
    files = {f"{taxi}.txt": "".join(f"{taxi},{_when(rng, i):%Y-%m-%d %H:%M:%S},{','.join(two_places(rng)[::-1])}\n"
                                    for i in range(n)) for taxi in range(1, 9)}
    return files, _columns(WHO, KEEP_TIME, KEEP_PLACE, KEEP_PLACE)


def walkers_in_folders(rng, n):
    files, answers = {}, None
    for person in range(4):
        for day in range(2):
            _, text, answers = geolife(rng, n)
            files[f"Data/{person:03}/Trajectory/2031030{4 + day}060000.plt"] = text
    return files, answers | {"file": ID}


def hashed_checkins(rng, n):
    rows = [(i // 40, _when(rng, i).strftime("%Y-%m-%dT%H:%M:%SZ"), *two_places(rng), _hex(f"v{rng.randrange(70)}", 40))
            for i in range(n)]
    return {"Nemo_totalCheckins.txt": _csv(None, rows, "\t")}, _columns(
        WHO, KEEP_TIME, KEEP_PLACE, KEEP_PLACE, DROP_PLACE)


def latin_checkins(rng, n):
    """As `venue_checkins`, with names in Latin-1."""
    _, text, answers = venue_checkins(rng, n)
    return {"dataset_TSMC_Nemo.txt": text.replace("Tea Room", "Caf\u00e9").encode("latin-1")}, answers


def contacts(rng, n):
    """Who was near whom in twenty seconds, and the group of each."""
    group = [f"{1 + i % 5}{'AB'[i % 2]}" for i in range(40)]
    rows = [(31_220 + i // 3 * 20, a := rng.randrange(40), b := rng.randrange(40), group[a], group[b])
            for i in range(n)]
    return {"school.dat": _csv(None, [(t, 1400 + a, 1400 + b, *more) for t, a, b, *more in rows], "\t")}, _columns(
        DROP_TIME, WHO, ID, COUNTED, COUNTED)


def trips_in_parquet(rng, n):
    _, text, answers = taxi_trips_named(rng, n)
    header, *rows = [line.split(",") for line in text.splitlines()]
    columns = dict(zip(header, zip(*rows, strict=True), strict=True))
    for name in ("pickup_datetime", "dropoff_datetime"):
        columns[name] = pa.array([datetime.fromisoformat(t) for t in columns[name]], pa.timestamp("us"))
    for name in header[-7:]:
        columns[name] = [float(v) for v in columns[name]]
    made = io.BytesIO()
    pq.write_table(pa.table(columns), made)
    return {"trips_2031-03.parquet": made.getvalue()}, answers


FIXES = {"user_id": WHO, "seen_at": KEEP_TIME, "lon": KEEP_PLACE, "lat": KEEP_PLACE, "speed": NUMBER, "mode": COUNTED}


def _fixes(rng, n):
    return [(f"u{i % 20}", _when(rng, i).isoformat(), *map(float, two_places(rng)[::-1]), rng.uniform(0, 9),
             rng.choice(("walk", "bus"))) for i in range(n)]


def fixes_in_arrow(rng, n):
    table = pa.table(dict(zip(FIXES, map(list, zip(*_fixes(rng, n), strict=True)), strict=True)))
    made = io.BytesIO()
    with pa.ipc.new_file(made, table.schema) as writer:
        writer.write_table(table)
    return {"fixes.feather": made.getvalue()}, FIXES


def _database(*statements, rows=()):
    with tempfile.TemporaryDirectory() as folder:
        con = sqlite3.connect(Path(folder) / "made.db")
        con.executescript(";".join(statements[:-1]))
        con.executemany(statements[-1], rows)
        con.commit()
        con.close()
        return (Path(folder) / "made.db").read_bytes()


def fixes_in_sqlite(rng, n):
    return {"phone.db": _database(f"create table fixes ({', '.join(FIXES)})", "create table meta (k, v)",
                                  "insert into fixes values (?, ?, ?, ?, ?, ?)", rows=_fixes(rng, n))}, FIXES


def fixes_in_geopackage(rng, n):
    rows = [(who, at, speed, mode, b"GP" + struct.pack("<BBiBIdd", 0, 1, 4326, 1, 1, lon, lat))
            for who, at, lon, lat, speed, mode in _fixes(rng, n)]
    return {"fixes.gpkg": _database(
        "pragma application_id = 1196444487", "create table gpkg_spatial_ref_sys (srs_id, organization, "
        "organization_coordsys_id)", "create table gpkg_geometry_columns (table_name, column_name, srs_id)",
        "insert into gpkg_geometry_columns values ('fixes', 'geom', 4326)",
        "create table fixes (user_id, seen_at, speed, mode, geom)",
        "insert into fixes values (?, ?, ?, ?, ?)", rows=rows)}, FIXES


def fixes_in_excel(rng, n):
    def cell(value):
        return f"<c><v>{value}</v></c>" if isinstance(value, float) else \
            f'<c t="inlineStr"><is><t>{value}</t></is></c>'

    rows = "".join(f"<row>{''.join(map(cell, row))}</row>" for row in [tuple(FIXES), *_fixes(rng, n)])
    made, main = io.BytesIO(), "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    links = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr("xl/workbook.xml", f'<workbook xmlns="{main}" xmlns:r="{links}"><sheets><sheet name="S" '
                                            'sheetId="1" r:id="r1"/></sheets></workbook>')
        archive.writestr("xl/_rels/workbook.xml.rels",
                         '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
                         '<Relationship Id="r1" Target="worksheets/sheet1.xml"/></Relationships>')
        archive.writestr("xl/worksheets/sheet1.xml", f'<worksheet xmlns="{main}"><sheetData>{rows}</sheetData>'
                                                     "</worksheet>")
    return {"fixes.xlsx": made.getvalue()}, FIXES


def tracks_in_gpx(rng, n):
    def point(i):
        lat, lon = two_places(rng)
        return (f'<trkpt lat="{lat}" lon="{lon}"><ele>{rng.randrange(90)}</ele>'
                f"<time>{_when(rng, i):%Y-%m-%dT%H:%M:%SZ}</time></trkpt>")

    files = {f"{name}.gpx": '<?xml version="1.0"?><gpx version="1.1" xmlns="http://www.topografix.com/GPX/1/1"><trk>'
                            f"<trkseg>{''.join(map(point, range(n)))}</trkseg></trk></gpx>" for name in _names(rng, 3)}
    return files, {"lat": KEEP_PLACE, "lon": KEEP_PLACE, "time": KEEP_TIME, "ele": NUMBER, "kind": COUNTED,
                   "segment": NOISE, "person": ID, "file": WHO}


GOOGLE = {"lon": KEEP_PLACE, "lat": KEEP_PLACE, "time": KEEP_TIME, "accuracy_m": "measurement keep", "kind": COUNTED,
          "device": ID, "person": WHO, "file": ID}


def old_location_histories(rng, n):
    def location(i):
        lat, lon = two_places(rng)
        return {"latitudeE7": round(float(lat) * 1e7), "longitudeE7": round(float(lon) * 1e7), "accuracy": 5 + i % 90,
                "timestamp": _when(rng, i).strftime("%Y-%m-%dT%H:%M:%SZ"), "source": "WIFI", "deviceTag": 7 + i % 2}

    return {f"{name}/Records.json": json.dumps({"locations": [location(i) for i in range(n)]}, indent=1)
            for name in _names(rng, 3)}, GOOGLE


def new_location_histories(rng, n):
    def segment(i):
        at = _when(rng, i * 9)
        place = [", ".join(f"{p}°" for p in two_places(rng)) for _ in range(2)]
        about = {"startTime": at.isoformat(), "endTime": (at + timedelta(minutes=5)).isoformat()}
        return about | ({"visit": {"topCandidate": {"placeLocation": {"latLng": place[0]}}}} if i % 2 else {
            "timelinePath": [{"point": p, "time": at.isoformat()} for p in place]})

    return {f"{name}/Timeline.json": json.dumps({"semanticSegments": [segment(i) for i in range(n)], "rawSignals": []},
                                                ensure_ascii=False) for name in _names(rng, 2)}, {
        k: v for k, v in GOOGLE.items() if k not in ("accuracy_m", "device")} | {"end": DROP_TIME}


def moving_features(rng, n):
    def feature(ship):
        return {"type": "Feature", "id": f"ship-{ship}", "properties": {"draught": 3.5, "flag": "NX"},
                "temporalGeometry": {"type": "MovingPoint", "datetimes": [
                    _when(rng, i).strftime("%Y-%m-%dT%H:%M:%SZ") for i in range(n // 4)], "coordinates": [
                        [float(p) for p in two_places(rng)[::-1]] for _ in range(n // 4)]}}

    return {"moving.json": json.dumps({"type": "FeatureCollection", "features": [feature(s) for s in range(4)]})}, {
        "lon": KEEP_PLACE, "lat": KEEP_PLACE, "time": KEEP_TIME, "id": WHO, "draught": NUMBER, "flag": COUNTED}


def cab_requests(rng, n):
    """Trips of a city's cabs, with words in the header and clock times as they are spoken."""
    header = ["Trip ID", "Taxi ID", "Trip Start Timestamp", "Trip End Timestamp", "Trip Seconds", "Trip Miles",
              "Pickup Census Tract", "Dropoff Census Tract", "Fare", "Tips", "Payment Type", "Company",
              "Pickup Centroid Latitude", "Pickup Centroid Longitude", "Dropoff Centroid Latitude",
              "Dropoff Centroid Longitude"]
    rows = [(_hex(f"t{i}", 40), _hex(f"c{i % 20}", 128), f"{_when(rng, i * 400):%m/%d/%Y %I:%M:%S %p}",
             f"{_when(rng, i * 400 + 9):%m/%d/%Y %I:%M:%S %p}", 540 + i, f"{rng.uniform(1, 9):.1f}", "", "",
             f"{rng.uniform(4, 40):.2f}", "0.00", rng.choice(("Cash", "Card")), rng.choice(("Null Cabs", "Nemo Cabs")),
             *two_places(rng), *two_places(rng)) for i in range(n)]
    answers = [NOISE, WHO, KEEP_TIME, DROP_TIME, NUMBER, NUMBER, None, None, NUMBER, NUMBER, COUNTED, ID, KEEP_PLACE,
               KEEP_PLACE, DROP_PLACE, DROP_PLACE]
    return {"Taxi_Trips.csv": _csv(header, rows)}, {h: a for h, a in zip(header, answers, strict=True) if a}


def tweets(rng, n):
    records = []
    for i in range(n):
        at, lon, lat = _when(rng, i), round(-73.39 + rng.uniform(-.1, .1), 5), round(-48.88 + rng.uniform(-.1, .1), 5)
        records.append({"id": 10**18 + i, "user": {"id": i % 15, "screen_name": f"nemo{i % 15}"},
                        "created_at": f"{at:%Y-%m-%dT%H:%M:%S}.000Z",
                        "geo": {"type": "Point", "coordinates": [lat, lon]},
                        "coordinates": {"type": "Point", "coordinates": [lon, lat]}, "text": "good morning"})
    return "posts.json", json.dumps(records), {
        "id": NOISE, "user.id": WHO, "user.screen_name": ID, "created_at": KEEP_TIME, "geo.type": COUNTED,
        "geo.coordinates.0": DROP_PLACE, "geo.coordinates.1": DROP_PLACE, "coordinates.type": COUNTED,
        "coordinates.coordinates.0": KEEP_PLACE, "coordinates.coordinates.1": KEEP_PLACE, "text": ID}


def stays_at_places(rng, n):
    rows = []
    for i in range(n):
        at = _when(rng, i)
        rows.append((i % 10, rng.randrange(1, 50), "cafe", f"{at:%Y-%m-%d %H:%M}",
                     f"{at + timedelta(minutes=30):%Y-%m-%d %H:%M}"))
    header = ["user", "poi", "category", "arrival", "departure"]
    answers = [WHO, KEEP_SENSOR, DROP_SENSOR, KEEP_TIME, DROP_TIME]
    return "visits.csv", _csv(header, rows), dict(zip(header, answers, strict=True))


def beacons(rng, n):
    rows = [(int(_when(rng, i).timestamp() * 1000), f"02{rng.getrandbits(40):010x}", -rng.randrange(40, 99),
             f"B{i % 4}") for i in range(n)]
    header = ["ts", "mac", "rssi", "beacon"]
    answers = [KEEP_TIME, WHO, NUMBER, KEEP_SENSOR]
    return "scan.tsv", _csv(header, rows, "\t"), dict(zip(header, answers, strict=True))


def german_logs(rng, n):
    header = ["Zeitpunkt", "Gerät", "Standort", "Breite", "Länge", "Signal"]
    rows = [(f"{_when(rng, i):%d.%m.%Y %H:%M:%S}", f"02:00:00:00:{i % 7:02x}:01", f"AP{i % 5}",
             f"{-48.88 + rng.uniform(-.1, .1):.5f}".replace(".", ","),
             f"{-123.39 + rng.uniform(-.1, .1):.5f}".replace(".", ","), -rng.randrange(30, 90)) for i in range(n)]
    answers = [KEEP_TIME, WHO, DROP_PLACE, KEEP_PLACE, KEEP_PLACE, NUMBER]
    return "wlan.csv", _csv(header, rows, ";").encode("latin-1"), dict(zip(header, answers, strict=True))


def cab_trips_of_a_city(rng, n):
    header = ["Trip ID", "Taxi ID", "Trip Start Timestamp", "Trip End Timestamp", "Trip Seconds", "Trip Miles",
              "Pickup Community Area", "Dropoff Community Area", "Fare", "Tips", "Payment Type", "Company",
              "Pickup Centroid Latitude", "Pickup Centroid Longitude", "Dropoff Centroid Latitude",
              "Dropoff Centroid Longitude"]
    rows = []
    for i in range(n):
        at = _START + timedelta(minutes=17 * i)
        place = [f"{v + rng.uniform(-.1, .1):.9f}" for v in (-48.88, -123.39, -48.88, -123.39)]
        rows.append((_hex(f"trip{i}"), _hex(f"cab{i % 20}"), f"{at:%m/%d/%Y %I:%M:%S %p}",
                     f"{at + timedelta(minutes=15):%m/%d/%Y %I:%M:%S %p}", 900 + i % 60, f"{rng.uniform(.5, 9):.1f}",
                     rng.randrange(1, 77), rng.randrange(1, 77), f"{rng.uniform(4, 40):.2f}", "2.5", "Cash",
                     "Nemo Cab", *place))
    answers = [NOISE, WHO, KEEP_TIME, DROP_TIME, NUMBER, NUMBER, DROP_PLACE, DROP_PLACE, NUMBER, NUMBER, COUNTED, ID,
               KEEP_PLACE, KEEP_PLACE, DROP_PLACE, DROP_PLACE]
    return "taxi.csv", _csv(header, rows), dict(zip(header, answers, strict=True))


def plate_reads(rng, n):
    rows = [{"plate": f"ZZ-{i % 40:04}~", "camera": {"id": f"C{i % 6}", "lat": -48.88 + i % 6 / 900,
                                                     "lng": -123.39 + i % 6 / 700},
             "captured": int(_when(rng, i).timestamp()), "confidence": round(rng.random(), 2),
             "image_url": f"https://pictures.invalid/{i}.jpg"} for i in range(n)]
    return "reads.ndjson", "".join(json.dumps(row) + "\n" for row in rows), {
        "plate": WHO, "camera.id": DROP_PLACE, "camera.lat": KEEP_PLACE, "camera.lng": KEEP_PLACE,
        "captured": KEEP_TIME, "confidence": NUMBER, "image_url": ID}


def calls_and_towers(rng, n):
    calls = [(f"u{i % 30:04}", f"u{rng.randrange(30):04}", f"BTS{rng.randrange(1, 10):03}",
              int(_when(rng, i).timestamp()), rng.randrange(1, 600), "voice") for i in range(n)]
    towers = [(f"BTS{k:03}", f"{-48.88 + k / 900:.5f}", f"{-123.39 + k / 700:.5f}") for k in range(1, 10)]
    return {"calls.csv": _csv(["caller", "callee", "tower_id", "start_time", "duration_s", "type"], calls),
            "towers.csv": _csv(["tower_id", "lat", "lon"], towers)}, {
        "caller": WHO, "callee": ID, "tower_id": KEEP_SENSOR, "start_time": KEEP_TIME, "duration_s": NUMBER,
        "type": COUNTED, "lat": KEEP_PLACE, "lon": KEEP_PLACE}


def ships(rng, n):
    header = ["MMSI", "BaseDateTime", "LAT", "LON", "SOG", "COG", "Heading", "VesselName", "IMO", "CallSign",
              "VesselType", "Status", "Length", "Width", "Draft", "Cargo", "TransceiverClass"]
    rows = [(900_000_000 + i % 12, f"{_when(rng, i):%Y-%m-%dT%H:%M:%S}", f"{-48.88 + rng.uniform(-.1, .1):.5f}",
             f"{-123.39 + rng.uniform(-.1, .1):.5f}", f"{rng.uniform(0, 12):.1f}", f"{rng.uniform(0, 359):.1f}",
             rng.randrange(360), f"NOBOAT {i % 12}", "IMO0000000", f"XX{i % 12:02}", 70, 0, 120, 20, 6.5, 70, "A")
            for i in range(n)]
    answers = [WHO, KEEP_TIME, KEEP_PLACE, KEEP_PLACE, NUMBER, NUMBER, NUMBER, ID, ID, ID, COUNTED, COUNTED, NUMBER,
               NUMBER, NUMBER, COUNTED, COUNTED]
    return "ais.csv", _csv(header, rows), dict(zip(header, answers, strict=True))


def tagged_animals(rng, n):
    header = ["event-id", "visible", "timestamp", "location-long", "location-lat", "sensor-type",
              "individual-taxon-canonical-name", "tag-local-identifier", "individual-local-identifier", "study-name"]
    rows = [(10**9 + i, "true", f"{_when(rng, i):%Y-%m-%d %H:%M:%S}.000", f"{-123.39 + rng.uniform(-.1, .1):.6f}",
             f"{-48.88 + rng.uniform(-.1, .1):.6f}", "gps", "Nemo ficta", f"T{i % 9}", f"N{i % 9}", "Invented")
            for i in range(n)]
    answers = [NOISE, COUNTED, KEEP_TIME, KEEP_PLACE, KEEP_PLACE, COUNTED, COUNTED, ID, WHO, COUNTED]
    return "study.csv", _csv(header, rows), dict(zip(header, answers, strict=True))


def judged(folder, make, n=240):
    """Write a maker's files into a folder and draft a recipe of it.

    Returns
    -------
    (Recipe, int, list)
        Also how many of its fields are right, and those that are not: name, as drafted, as a person would say.
    """
    from kit.ingest import draft_recipe

    *files, answers = make(random.Random(7), n)
    for name, text in (files[0] if len(files) == 1 else {files[0]: files[1]}).items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    recipe = draft_recipe(folder)
    found = {f.path: f"{f.what} {f.do}" for source in recipe.sources for f in source.fields}
    wrong = [(path, found.get(path), answer) for path, answer in answers.items() if found.get(path) != answer]
    return recipe, len(answers) - len(wrong), wrong


MAKERS = [taxi_fixes, taxi_trips, taxi_trips_named, zone_trips, checkins, venue_checkins, bikes, old_bikes, animals,
          geolife, cab_polylines, vessels, buses, smart_cards, wifi_logs, mongo_tracks, calls, stations,
          chinese_captures, points, cabs_a_file_each, taxis_a_file_each, walkers_in_folders, hashed_checkins,
          latin_checkins, contacts, trips_in_parquet, fixes_in_arrow, fixes_in_sqlite, fixes_in_geopackage,
          fixes_in_excel, tracks_in_gpx, old_location_histories, new_location_histories, moving_features, cab_requests]
# Twins of a trial that the draft had not been written for.
HELD_OUT = [tweets, stays_at_places, beacons, german_logs, cab_trips_of_a_city, plate_reads, calls_and_towers, ships,
            tagged_animals]
