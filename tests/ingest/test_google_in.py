import json

import pytest

from kit.errors import InputError
from kit.ingest import json_points

FIELDS = ("lon", "lat", "time", "end", "accuracy_m", "kind", "device", "person", "file")
START, END = "2031-03-12T07:41:09.000-07:00", "2031-03-12T08:41:09.000-07:00"
VISIT = {"topCandidate": {"placeId": "x", "semanticType": "HOME", "placeLocation": {"latLng": "-48.88°, -123.39°"}}}
RECORDS = {"locations": [
    {"latitudeE7": -488800000, "longitudeE7": -1233900000, "accuracy": 20, "timestampMs": "1931067669120",
     "deviceTag": -5, "activity": [{"timestampMs": "1"}]},
    {"latitudeE7": 5, "longitudeE7": -50, "timestamp": "2031-03-12T07:41:09.120Z"},
    {"latitudeE7": 0, "longitudeE7": (1 << 32) - 1233900000, "timestampMs": "2"},
    {"timestampMs": "3"}, {"latitudeE7": 1.5, "longitudeE7": 2}, {"latitudeE7": 1}]}
MONTH = {"timelineObjects": [
    {"placeVisit": {"location": {"latitudeE7": 10000000, "longitudeE7": 20000000, "name": "Home"},
                    "duration": {"startTimestamp": START, "endTimestamp": END},
                    "simplifiedRawPath": {"points": [{"latE7": 30000000, "lngE7": 40000000, "timestampMs": "7",
                                                      "accuracyMeters": 9}]},
                    "childVisits": [{"location": {"latitudeE7": 50000000, "longitudeE7": 60000000},
                                     "duration": {"startTimestampMs": "8", "endTimestampMs": "9"}}]}},
    {"activitySegment": {"startLocation": {"latitudeE7": 10000000, "longitudeE7": 20000000},
                         "endLocation": {}, "duration": {"startTimestamp": START, "endTimestamp": END},
                         "waypointPath": {"waypoints": [{"latE7": 1, "lngE7": 2}] * 3}}}]}
PHONE = {"semanticSegments": [
    {"startTime": START, "endTime": END, "timelinePath": [
        {"point": "geo:-48.88,-123.39", "durationMinutesOffsetFromStartTime": "30"},
        {"point": "-48.89°, -123.4°", "time": "2031-03-12T07:50:00Z"},
        {"point": "nowhere", "time": "t"}, {"point": "1,2", "durationMinutesOffsetFromStartTime": "soon"}]},
    {"startTime": START, "endTime": END, "visit": VISIT},
    {"startTime": START, "endTime": END, "activity": {"start": {"latLng": "1.0°, 2.0°"}, "end": {"latLng": "3°, 4°"}}},
    {"startTime": START, "endTime": END, "timelineMemory": {"trip": {}}}],
    "rawSignals": [{"position": {"LatLng": "1.5°, 2.5°", "accuracyMeters": 13, "timestamp": START}},
                   {"wifiScan": {"deliveryTime": END, "devicesRecords": [{"mac": 1}]}}, 5],
    "userLocationProfile": {"frequentPlaces": [{"label": "HOME"}]}}
IOS = [{"startTime": START, "endTime": END, "visit": {"topCandidate": {"placeLocation": "geo:-48.88,-123.39"}}},
       {"startTime": START, "endTime": END, "activity": {"start": "geo:1,2", "end": "geo:3,4"}}]


def history(tmp_path, value, **layout):
    (tmp_path / "anna").mkdir(exist_ok=True)
    path = tmp_path / "anna" / "Records.json"
    path.write_bytes(value if isinstance(value, bytes) else json.dumps(value, ensure_ascii=False, **layout).encode())
    return path


def rows(got, *names):
    return list(zip(*(got.texts[name] for name in names), strict=True))


@pytest.mark.parametrize("size", [7, 1 << 20])
@pytest.mark.parametrize("layout", [{}, {"indent": 1}])
def test_records_have_their_place_to_the_last_digit(forms, tmp_path, size, layout):
    got = forms.read(history(tmp_path, RECORDS, **layout), forms.source("google", *FIELDS), size)
    assert rows(got, "lon", "lat", "time", "accuracy_m", "device") == [
        ("-123.3900000", "-48.8800000", "1931067669120", "20", "-5"),
        ("-0.0000050", "0.0000005", "2031-03-12T07:41:09.120Z", None, None),
        ("-123.3900000", "0.0000000", "2", None, None), (None, None, "3", None, None)]
    assert [why for *_, why in got.broken] == ["a place that is no latitude and longitude"] * 2
    assert (set(got.texts["kind"]), set(got.texts["person"]), set(got.texts["file"])) == (
        {"location"}, {"anna"}, {"Records"})
    assert got.notes == {"a coordinate that had overflowed, put right": 1}
    assert got.keys == {*FIELDS, "activity"}


def test_a_month_of_visits_and_ways(forms, tmp_path):
    got = forms.read(history(tmp_path, MONTH), forms.source("google", *FIELDS))
    assert rows(got, "kind", "lon", "lat", "time", "end", "accuracy_m") == [
        ("visit", "2.0000000", "1.0000000", START, END, None), ("path", "4.0000000", "3.0000000", "7", None, "9"),
        ("visit", "6.0000000", "5.0000000", "8", "9", None), ("activity", "2.0000000", "1.0000000", START, None, None),
        ("activity", None, None, END, None, None)]
    assert (got.broken, got.notes) == ([], {"a point of a way that has no time of its own, not read": 3})


def test_what_a_phone_exports(forms, tmp_path):
    got = forms.read(history(tmp_path, PHONE), forms.source("google", *FIELDS))
    assert rows(got, "kind", "lon", "lat", "time", "end", "accuracy_m") == [
        ("path", "-123.39", "-48.88", "2031-03-12T08:11:09-07:00", None, None),
        ("path", "-123.4", "-48.89", "2031-03-12T07:50:00Z", None, None),
        ("visit", "-123.39", "-48.88", START, END, None),
        ("activity", "2.0", "1.0", START, None, None), ("activity", "4", "3", END, None, None),
        ("other", None, None, START, END, None),
        ("position", "2.5", "1.5", START, None, "13"), ("wifiScan", None, None, END, None, None)]
    assert [why for *_, why in got.broken] == [
        "a place that is no latitude and longitude", "a time that is no start and minutes after it", "no JSON object"]


def test_what_an_iphone_exports_is_an_array(forms, tmp_path):
    got = forms.read(history(tmp_path, IOS), forms.source("google", *FIELDS))
    assert rows(got, "kind", "lon", "lat", "time", "end") == [
        ("visit", "-123.39", "-48.88", START, END), ("activity", "2", "1", START, None),
        ("activity", "4", "3", END, None)]


BROKEN = {b'{"a":1,"a":2}': "one member twice, so which is meant is unknown", b'{"a":}': "not valid JSON",
          b'{"a":"\xff"}': "not UTF-8", b'{"a":' + b"[" * 2000 + b"]" * 2000 + b"}": "nested more than 1000 deep",
          b'{"latitudeE7":"x","longitudeE7":1}': "a place that is no latitude and longitude",
          b'{"latitudeE7":{},"longitudeE7":[]}': "a place that is no latitude and longitude"}


def test_a_member_that_is_no_record_is_broken_and_the_others_stay(forms, tmp_path):
    data = b'{"locations":[' + b",\n".join([*BROKEN, b'{"timestampMs":"1"}']) + b"]}"
    got = forms.read(history(tmp_path, data), forms.source("google", "time"))
    assert [(line, why) for line, _, why in got.broken] == list(enumerate(BROKEN.values(), 1))
    assert got.texts == {"time": ["1"]}


def test_more_values_than_memory_should_hold_are_refused_record_by_record(forms, tmp_path, monkeypatch):
    monkeypatch.setattr(json_points, "MAX_VALUES", 3_000_000)
    data = b'{"locations":[{"a":[' + b"1," * 3_000_000 + b'1]},{"timestampMs":"1"}]}'
    got = forms.read(history(tmp_path, data), forms.source("google", "time"))
    assert [why for *_, why in got.broken] == ["more than 3 million values in one record"]
    assert got.texts == {"time": ["1"]}


def test_a_document_cut_short_keeps_what_was_whole(forms, tmp_path):
    whole = json.dumps(PHONE, ensure_ascii=False).encode()
    got = forms.read(history(tmp_path, whole[: whole.index(b'{"startTime"', 100)]), forms.source("google", "kind"))
    assert got.texts["kind"] == ["path", "path"]
    assert got.broken[-1][2] == "the array breaks off here"


def test_another_kind_of_json_is_refused(forms, tmp_path):
    with pytest.raises(InputError, match=r"^The file Records.json holds nothing of a location history"):
        forms.read(history(tmp_path, {"profile": [1]}), forms.source("google", "lon"))
