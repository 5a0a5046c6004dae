"""A drafted recipe: right on files nobody described, steady on broken ones, and silent about values."""

import random
import string
from fnmatch import fnmatch

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kit.errors import InputError
from kit.exposure import sample_folder
from kit.ingest import draft_recipe, load_recipe, sanitize
from kit.ingest.guesses import guess

KEY = b"a key for tests, of no other use"
SAMPLES = ("register", "community", "fusion")


def drafted(tmp_path, **files):
    """The draft of a folder with these files; `name__csv` is name.csv."""
    folder = tmp_path / "dump"
    folder.mkdir()
    for name, text in files.items():
        data = text if isinstance(text, bytes) else text.encode()
        (folder / name.replace("__", ".")).write_bytes(data)
    return draft_recipe(folder)


def said(source):
    return {f.path: f"{f.what} {f.do}" for f in source.fields}


def test_nine_fields_in_ten_are_right_on_the_samples():
    right = in_all = 0
    for name in SAMPLES:
        draft = draft_recipe(sample_folder(name) / "raw")
        for source in load_recipe(name).sources:
            files = sorted(p.name for p in (sample_folder(name) / "raw").iterdir())
            file = next(file for file in files if fnmatch(file, source.files))
            found = said(next(s for s in draft.sources if fnmatch(file, s.files)))
            compared = [f for f in source.fields if f.path in found]
            in_all += len(compared)
            right += sum(found[f.path] == f"{f.what} {f.do}" for f in compared)
    assert in_all > 100
    assert right >= 0.9 * in_all


@pytest.mark.parametrize("name", SAMPLES)
def test_a_draft_can_be_used_as_it_is(tmp_path, name):
    recipe = draft_recipe(sample_folder(name) / "raw")
    report = sanitize(sample_folder(name) / "raw", recipe, KEY, tmp_path / "out")
    by_hand = sanitize(sample_folder(name) / "raw", name, KEY, tmp_path / "by_hand")
    assert report.rows_in == by_hand.rows_in
    assert report.rows_kept == by_hand.rows_kept


def test_a_saved_draft_is_the_draft(tmp_path):
    recipe = draft_recipe(sample_folder("community") / "raw")
    (tmp_path / "draft.toml").write_text(recipe.text, encoding="utf-8", newline="\n")
    assert load_recipe(tmp_path / "draft.toml") == recipe
    assert draft_recipe(sample_folder("community") / "raw").text == recipe.text


CLOCKS = "user_id,time,lon,lat\n" + "".join(f"u{i % 9},2031-03-04 07:{i:02}:00,-123.39{i},-48.88{i}\n"
                                            for i in range(10, 60))


def test_a_clock_without_a_zone_is_asked_for(tmp_path):
    recipe = drafted(tmp_path, fixes__csv=CLOCKS)
    assert recipe.time_zone == "manifest"
    with pytest.raises(InputError, match="which clock"):
        sanitize(tmp_path / "dump", recipe, KEY, tmp_path / "out")
    report = sanitize(tmp_path / "dump", recipe, KEY, tmp_path / "out", tz="Etc/GMT-8")
    assert report.rows_kept == 50


def test_times_with_a_zone_need_no_answer(tmp_path):
    recipe = drafted(tmp_path, fixes__csv=CLOCKS.replace(":00,", ":00Z,"))
    assert recipe.time_zone == "UTC"


def test_swapped_axes_are_noticed(tmp_path):
    rows = "".join(f"u{i % 9},2031-03-04T07:{i:02}:00Z,-48.88{i},-123.39{i}\n" for i in range(10, 60))
    [source] = drafted(tmp_path, fixes__csv="user_id,time,lon,lat\n" + rows).sources
    assert source.axes == "lat lon"


def test_which_number_is_the_day_is_said_only_if_the_dates_tell(tmp_path):
    rows = "".join(f"u{i % 9},{{}}/2031 07:{i:02},-123.39{i},-48.88{i}\n" for i in range(10, 60))
    head = "user_id,time,lon,lat\n"
    sure = drafted(tmp_path, fixes__csv=head + rows.replace("{}", "25/03")).sources[0]
    assert sure.field_of("time").form == "DD/MM/YYYY"
    (tmp_path / "dump" / "fixes.csv").write_text(head + rows.replace("{}", "04/03"))
    [unsure] = draft_recipe(tmp_path / "dump").sources
    assert unsure.field_of("time").form is None
    assert "day or month" in unsure.field_of("time").why


def test_files_of_one_shape_are_one_source(tmp_path):
    people = "".join(f"Sample Person {i},SYN{i:015}X,19{i}-01-02,U\n" for i in range(10, 60))
    recipe = drafted(tmp_path, march_1__csv=CLOCKS, march_2__csv=CLOCKS,
                     people__csv="name,id_no,birthday,sex\n" + people)
    assert {(s.files, s.makes) for s in recipe.sources} == {("march_*.csv", ("fixes",)), ("people.csv", ("subjects",))}


def test_parquet_is_drafted_like_text(tmp_path):
    folder = tmp_path / "dump"
    folder.mkdir()
    pq.write_table(pa.table({"bike_id": [f"b{i % 7}" for i in range(60)], "started_at": list(range(1_930_000_000,
        1_930_000_060)), "station_id": [f"S{i % 5}" for i in range(60)]}), folder / "rides.parquet")
    [source] = draft_recipe(folder).sources
    assert (source.form, source.makes) == ("parquet", ("sightings",))
    assert source.field_of("subject_id").kind == "vehicle"


@pytest.mark.parametrize(("name", "what", "do"), [
    ("religion", "label", "tally"), ("ethnicity", "label", "tally"), ("nation", "label", "tally"),
    ("politicalParty", "label", "tally"), ("feature_vec", "identifier", "drop"), ("img_url", "identifier", "drop"),
    ("remarks", "identifier", "drop"), ("full_name", "identifier", "drop"), ("email", "identifier", "drop"),
])
def test_what_is_delicate_is_never_kept(name, what, do):
    found = guess(name, pa.array(["some words of no meaning here", "other words, also of none"] * 20))
    assert (found.what, found.do) == (what, do)


def test_no_value_is_shown(tmp_path):
    rng = random.Random(3)
    secrets = ["".join(rng.choices(string.ascii_lowercase, k=12)) for _ in range(40)]
    table = "user_id,name,kind,religion,note,lon,lat,time\n" + "".join(
        f"{s},{s},{s},{s},{s} {s} {s} {s} {s},-123.3913{i},-48.8813{i},2031-03-04 07:{i:02}:00\n"
        for i, s in enumerate(secrets))
    keyed = "".join(f'{{"id":1,"8613{rng.randrange(10**9):09}":"{s}"}}\n' for s in secrets)
    recipe = drafted(tmp_path, a__csv=table, b__ndjson=keyed)
    assert not [s for s in secrets if s in recipe.text]
    assert "8613" not in recipe.text


@pytest.mark.parametrize("data", [
    b"", b"\0" * 5000, b"\xff\xfe", b"{", b"[" * 9000, b"PAR1 and no more", b"SQLite format 3\0 and no more",
    b"a,b\n" + b'"' * 999, b"ARROW1\0\0", b"\x1f\x8b\x08\0", b"\x10\0\0\0\x02", b'{"a":' * 3000, b"NaN,Infinity\n" * 50,
    ("\u202e,<script>\n" * 40).encode(), b",".join(b"c%d" % i for i in range(50_000)) + b"\n" + b"1," * 49_999 + b"1\n",
])
def test_a_broken_file_ends_no_draft(tmp_path, data):
    recipe = drafted(tmp_path, fixes__csv=CLOCKS, bad__dat=data)
    assert "fixes.csv" in {s.files for s in recipe.sources}


@settings(max_examples=150, deadline=None, derandomize=True,
          suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.one_of(st.binary(max_size=300), st.text(max_size=200).map(lambda t: t.encode("utf-8", "replace")),
                 st.lists(st.lists(st.text(max_size=9), min_size=2, max_size=4), min_size=1, max_size=6).map(
                     lambda rows: "\n".join(",".join(row) for row in rows).encode("utf-8", "replace"))))
def test_any_bytes_give_a_recipe_or_one_sentence(tmp_path, data):
    file = tmp_path / "any.csv"
    file.write_bytes(data)
    try:
        ends = draft_recipe(file).text
    except InputError as error:
        ends = str(error)
    assert ends.endswith((".", "}\n"))


def test_nothing_that_can_be_read_is_one_sentence(tmp_path):
    with pytest.raises(InputError, match="CSV or JSON lines"):
        drafted(tmp_path, a__txt="A letter, of some length, to nobody.\nIt goes on.\n", b__bin=b"\0\1\2" * 99)
