"""A recipe tried on a sample: what it says of each field, and that no value shows in it."""

import pytest

from kit.errors import InputError
from kit.exposure import sample_folder
from kit.ingest import check, sanitize

RECIPE = """
name = "tried"
time_zone = "UTC"
[[source]]
name = "fixes"
files = "fixes.csv"
form = "csv"
makes = "fixes"
[source.fields]
who = { is = "identifier", do = "pseudonymise", as = "subject_id", kind = "device" }
at = { is = "time", do = "keep", as = "time" }
lon = { is = "place", do = "keep", as = "lon" }
lat = { is = "place", do = "keep", as = "lat" }
faith = { is = "label", do = "tally" }
note = { is = "identifier", do = "drop" }
face = { is = "identifier", do = "refuse", why = "a picture" }
"""
ROWS = """who,at,lon,lat,faith,note,face,extra
SECRET1,2031-03-04T07:00:00Z,-123.391,-48.881,QUIETFAITH,a SECRET2 note,SECRETFACE,SECRETMORE
SECRET1,not a SECRET3,-123.392,-48.882,,,,
SECRET1,2031-03-04T07:02:00Z,QUIET4,-48.883,,,,
,2031-03-04T07:03:00Z,-123.394,-48.884,,,,
"""


@pytest.fixture
def dump(tmp_path):
    folder = tmp_path / "dump"
    folder.mkdir()
    (folder / "fixes.csv").write_text(ROWS)
    (tmp_path / "tried.toml").write_text(RECIPE)
    return folder


def test_each_field_has_its_shape_before_and_after(dump, tmp_path):
    tried = check(dump, tmp_path / "tried.toml").set_index("field")
    assert tried.loc["who", ["before", "after", "read", "unreadable"]].tolist() == ["xxxxxx0", "device_…", 3, 0]
    assert tried.loc["at", ["before", "after", "read", "unreadable"]].tolist() == [
        "0000-00-00x00:00:00x", "0000-00-00 00:00:00 UTC", 3, 1]
    assert tried.loc["lon", ["read", "unreadable"]].tolist() == [3, 1]
    assert tried.loc["faith", "after"] == "counted, then gone"
    assert tried.loc["note", "after"] == "gone"
    assert tried.loc["face", "after"] == "stops the run"
    assert tried.loc["extra", "do"] == "not named"


def test_the_quarantine_is_told_by_reason(dump, tmp_path):
    tried = check(dump, tmp_path / "tried.toml")
    assert tried.attrs["quarantine"] == {"fixes": {"records": 4, "reasons": {
        "a position that cannot be read": 1, "a time that cannot be read": 1, "no identifier": 1}}}
    assert tried.attrs["refused"] == ["fixes: face"]


def test_no_value_is_shown(dump, tmp_path):
    tried = check(dump, tmp_path / "tried.toml")
    shown = tried.to_csv() + repr(tried.attrs)
    assert not [word for word in ("SECRET", "QUIET", "123.39", "48.88", "2031") if word in shown]


@pytest.mark.parametrize("name", ["register", "community", "fusion"])
def test_the_samples_read_as_they_do_in_a_run(name, tmp_path):
    tried = check(sample_folder(name) / "raw", name, rows=10**6)
    report = sanitize(sample_folder(name) / "raw", name, b"a key for tests, of no other use", tmp_path / "out")
    for source in report.sources:
        found = tried.attrs["quarantine"][source.name]
        assert (found["records"], found["reasons"]) == (source.rows_in, source.reasons)


def test_it_reads_a_sample_only(tmp_path, dump):
    (dump / "fixes.csv").write_text("who,at,lon,lat\n" + "a,2031-03-04T07:00:00Z,-123.39,-48.88\n" * 100_000)
    assert check(dump, tmp_path / "tried.toml", rows=500).attrs["quarantine"]["fixes"]["records"] < 10_000


def test_a_clock_is_asked_for(dump, tmp_path):
    (tmp_path / "tried.toml").write_text(RECIPE.replace('"UTC"', '"manifest"', 1))
    with pytest.raises(InputError, match="which clock"):
        check(dump, tmp_path / "tried.toml")
    assert len(check(dump, tmp_path / "tried.toml", tz="Etc/GMT-8"))


@pytest.mark.parametrize("rows", [0, -1, 2.5])
def test_rows_must_be_a_number(dump, tmp_path, rows):
    with pytest.raises(InputError, match="whole number"):
        check(dump, tmp_path / "tried.toml", rows=rows)
