"""Drafts of invented files in the shapes of public mobility data, against what a person would say of each field.

Each file is (file name, text, answers): the answers give for each field what it is and what to do, as a recipe would.
"""

import hashlib
import json
import random
from datetime import UTC, datetime, timedelta

from kit.ingest import draft_recipe

KEEP_TIME, KEEP_PLACE, KEEP_SENSOR = "time keep", "place keep", "sensor keep"
WHO, ID, NUMBER, COUNTED, NOISE = "identifier pseudonymise", "identifier drop", "measurement drop", \
    "measurement tally", "noise drop"
DROP_TIME, DROP_PLACE, DROP_SENSOR = "time drop", "place drop", "sensor drop"
_START = datetime(2031, 3, 4, 6, tzinfo=UTC)


def test_nine_fields_in_ten_are_right(tmp_path):
    rng, right, wrong = random.Random(7), 0, []
    for make in MAKERS:
        name, text, answers = make(rng, 240)
        (tmp_path / make.__name__).mkdir()
        (tmp_path / make.__name__ / name).write_text(text, encoding="utf-8")
        [source] = draft_recipe(tmp_path / make.__name__).sources
        found = {f.path: f"{f.what} {f.do}" for f in source.fields}
        wrong += [(name, path, found.get(path), a) for path, a in answers.items() if found.get(path) != a]
        right += sum(found.get(path) == answer for path, answer in answers.items())
    assert right + len(wrong) > 190
    assert right >= 0.9 * (right + len(wrong)), wrong


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


MAKERS = [taxi_fixes, taxi_trips, taxi_trips_named, zone_trips, checkins, venue_checkins, bikes, old_bikes, animals,
          geolife, cab_polylines, vessels, buses, smart_cards, wifi_logs, mongo_tracks, calls, stations,
          chinese_captures, points]
