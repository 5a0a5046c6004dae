import gzip
import zipfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kit.errors import InputError, KitError

FIELDS = ("lon", "lat", "ele", "time", "kind", "track", "segment", "extensions.x.hr", "person", "file")
GPX = b"""<?xml version="1.0" encoding="UTF-8"?>
<gpx version="1.1" creator="t" xmlns="http://www.topografix.com/GPX/1/1" xmlns:n="urn:n">
<metadata><name>no track</name><time>2031-03-12T00:00:00Z</time></metadata>
<wpt lat="-48.1" lon="-123.1"><name>a &amp; b</name></wpt>
<trk><name>morning</name><trkseg>
<trkpt lat="-48.2" lon="-123.2"><ele> 5.5 </ele><time>2031-03-12T07:41:09Z</time></trkpt>
<n:trkpt lon="-123.3" lat="-48.3"><extensions><n:x><n:hr>61</n:hr></n:x></extensions></n:trkpt>
</trkseg><trkseg>
<trkpt lat="-48.4" lon="-123.4"/>
</trkseg></trk>
<trk><trkseg><trkpt lat="-48.5"/></trkseg></trk>
<rte><name>plan</name><rtept lat="-48.6" lon="-123.6"></rtept></rte>
</gpx>
"""
POINTS = 6


def gpx(tmp_path, data=GPX, name="7.gpx"):
    (tmp_path / "anna").mkdir(exist_ok=True)
    (tmp_path / "anna" / name).write_bytes(data)
    return tmp_path / "anna" / name


@pytest.mark.parametrize("size", [1, 50, 1 << 20])
def test_each_point_is_a_record(forms, tmp_path, size):
    got = forms.read(gpx(tmp_path), forms.source("gpx", *FIELDS), size)
    assert got.texts == {
        "lon": ["-123.1", "-123.2", "-123.3", "-123.4", None, "-123.6"],
        "lat": ["-48.1", "-48.2", "-48.3", "-48.4", "-48.5", "-48.6"],
        "ele": [None, "5.5", None, None, None, None],
        "time": [None, "2031-03-12T07:41:09Z", None, None, None, None],
        "kind": ["wpt", "trkpt", "trkpt", "trkpt", "trkpt", "rtept"],
        "track": [None, "morning", "morning", "morning", None, "plan"],
        "segment": [None, "1", "1", "2", "3", None],
        "extensions.x.hr": [None, None, "61", None, None, None],
        "person": ["anna"] * POINTS, "file": ["7"] * POINTS}
    assert got.places == [(line, GPX.index(mark)) for line, mark in (
        (4, b"<wpt"), (6, b'<trkpt lat="-48.2'), (7, b"<n:trkpt"), (9, b'<trkpt lat="-48.4'),
        (11, b'<trkpt lat="-48.5'), (12, b"<rtept"))]
    assert got.broken == []
    assert got.keys == {"lon", "lat", "ele", "time", "name", "kind", "track", "segment", "person", "file",
                        "extensions.x.hr"}


def test_a_name_of_a_point_is_its_text_whole(forms, tmp_path):
    assert forms.read(gpx(tmp_path), forms.source("gpx", "name")).texts["name"] == ["a & b", *[None] * 5]


@pytest.mark.parametrize("encoding", ["UTF-16", "GB2312", "ISO-8859-1"])
def test_the_encoding_that_a_file_declares_is_believed(forms, tmp_path, encoding):
    word = "Zürich" if encoding == "ISO-8859-1" else "北京"
    text = GPX.decode().replace("UTF-8", encoding).replace("a &amp; b", word)
    got = forms.read(gpx(tmp_path, text.encode(encoding)), forms.source("gpx", "name"))
    assert (got.texts["name"][0], got.count) == (word, POINTS)


def test_whose_it_is_shows_in_folders_of_an_archive(forms, tmp_path):
    with zipfile.ZipFile(tmp_path / "g.zip", "w") as archive:
        archive.writestr("a/ben/1.gpx", GPX)
        archive.writestr("a/carl/2.gpx", GPX)
    got = forms.read(tmp_path / "g.zip", forms.source("gpx", "person", "file"))
    assert got.texts == {"person": ["ben"] * POINTS + ["carl"] * POINTS, "file": ["1"] * POINTS + ["2"] * POINTS}


@pytest.mark.parametrize("size", [1, 1 << 20])
def test_what_is_cut_short_keeps_the_points_that_are_whole(forms, tmp_path, size):
    at = GPX.index(b"</trkseg>")
    got = forms.read(gpx(tmp_path, GPX[:at]), forms.source("gpx", "lat"), size)
    assert got.texts["lat"] == ["-48.1", "-48.2", "-48.3"]
    assert got.broken == [(8, at, "the document breaks off here")]
    packed = gzip.compress(GPX * 1, mtime=0)
    got = forms.read(gpx(tmp_path, packed[:-8]), forms.source("gpx", "lat"), size)
    assert (len(got.places), [why for *_, why in got.broken]) == (POINTS, ["the gz file breaks off here"])


@pytest.mark.parametrize("size", [1, 1 << 20])
def test_what_is_no_xml_in_the_middle_is_one_record_that_says_how_much_is_lost(forms, tmp_path, size):
    bad = GPX.replace(b"<ele>", b"<ele <")
    at = bad.index(b"<ele <") + 5
    got = forms.read(gpx(tmp_path, bad), forms.source("gpx", "lat"), size)
    assert got.texts["lat"] == ["-48.1"]
    assert got.broken == [(6, at, f"no XML from here on: the {len(bad) - at} bytes from here on were not read")]


def test_points_within_points_and_members_twice_are_broken(forms, tmp_path):
    data = GPX.replace(b"<ele>", b"<ele>1</ele><ele>").replace(b"<extensions>", b'<wpt lat="1"/><extensions>')
    got = forms.read(gpx(tmp_path, data), forms.source("gpx", "ele"))
    assert [(line, why) for line, _, why in got.broken] == [
        (6, "one member twice, so which is meant is unknown"), (7, "a point within a point")]
    assert len(got.places) == POINTS - 2


BOMB = (b'<?xml version="1.0"?><!DOCTYPE gpx [<!ENTITY a "aaaaaaaaaa">'
        + b"".join(b'<!ENTITY %c "%s">' % (98 + i, b"&%c;" % (97 + i) * 10) for i in range(10))
        + b']><gpx><wpt lat="1" lon="2"><name>&k;</name></wpt></gpx>')
OUTSIDE = b'<!DOCTYPE gpx SYSTEM "file:///etc/passwd"><gpx/>'
READING = b'<!DOCTYPE gpx [<!ENTITY x SYSTEM "file:///etc/passwd">]><gpx><wpt><name>&x;</name></wpt></gpx>'


@pytest.mark.parametrize("data", [BOMB, OUTSIDE, READING, BOMB.decode().encode("utf-16")])
def test_a_document_type_is_refused(forms, tmp_path, data):
    with pytest.raises(InputError, match=r"^The file 7.gpx declares a document type, through which a small file can"):
        forms.read(gpx(tmp_path, data), forms.source("gpx", "name"))


def test_depth_has_a_bound(forms, tmp_path):
    deep = b'<gpx><wpt lat="1"/><wpt lat="2">' + b"<a>" * 10_000 + b"</a>" * 10_000 + b"</wpt></gpx>"
    got = forms.read(gpx(tmp_path, deep), forms.source("gpx", "lat"))
    at = len(b'<gpx><wpt lat="1"/><wpt lat="2">') + 98 * 3
    assert got.texts["lat"] == ["1"]
    assert got.broken == [(1, at, f"nested more than 100 deep: the {len(deep) - at} bytes from here on were not read")]


def test_a_point_and_a_mark_have_a_greatest_length(forms, tmp_path):
    long = b'<gpx><wpt lat="1"><name>' + b"x" * (2 << 20) + b'</name></wpt><wpt lat="2"/>'
    got = forms.read(gpx(tmp_path, long + b"</gpx>"), forms.source("gpx", "lat", "name"), 1 << 16)
    assert (got.texts, got.broken) == ({"lat": ["2"], "name": [None]}, [(1, 5, "a point of more than 1 MiB")])
    got = forms.read(gpx(tmp_path, long + b'<wpt lat="' + b"9" * (40 << 20)), forms.source("gpx", "lat"))
    assert got.texts["lat"] == ["2"]
    assert [why.split(":")[0] for *_, why in got.broken] == ["a point of more than 1 MiB", "a mark of more than 16 MiB"]


def test_another_kind_of_xml_is_refused(forms, tmp_path):
    with pytest.raises(InputError, match=r"^The file 7.gpx is XML but no GPX"):
        forms.read(gpx(tmp_path, b"<kml><wpt/></kml>"), forms.source("gpx", "lat"))


PIECES = [GPX, GPX[:200], b"<gpx>", b"</gpx>", b'<wpt lat="1" lon="2">', b"</wpt>", b"<trk>", b"</trk>", b"<trkseg>",
          b'<trkpt lat="3"/>', b"<ele>4</ele>", b"<ele>", b"<!--", b"-->", b"<![CDATA[", b"]]>", b"&amp;", b"&x;",
          b"<?x?>", b"<!DOCTYPE gpx>", b"\xff\xfe", b"\xef\xbb\xbf", b"\0", b"<a:b xmlns:a='u'>", b"\n",
          b'<?xml version="1.0" encoding="GBK"?>', b'<?xml version="1.0" encoding="x"?>', "北".encode()]
JUNK = st.lists(st.sampled_from(PIECES) | st.binary(max_size=4), max_size=12).map(b"".join)


def test_no_bytes_crash_the_reader_and_none_are_unaccounted(forms, tmp_path_factory):
    folder, source = tmp_path_factory.mktemp("junk"), forms.source("gpx", "lat", "ele")

    def outcome(data, size):
        try:
            got = forms.read(gpx(folder, data), source, size)
        except KitError as sentence:
            return str(sentence)
        return got.texts, got.places, got.broken

    @settings(max_examples=2000, derandomize=True, deadline=None, database=None)
    @given(JUNK, st.lists(st.tuples(st.integers(0), st.integers(0, 255)), max_size=2))
    def holds(data, bites):
        data = bytearray(data)
        for at, byte in bites:
            if data:
                data[at % len(data)] = byte
        got = outcome(bytes(data), 1 << 20)
        assert got == outcome(bytes(data), 61)
        if not isinstance(got, str) and data:
            assert got[1] or got[2] or data.strip().endswith((b"</gpx>", b"-->", b"?>", b"/>"))

    holds()
