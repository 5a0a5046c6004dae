"""Folders within a dump, and files that tell only by their names whose they are."""

import pandas as pd
import pytest

from kit import ingest
from kit.errors import InputError
from kit.ingest import draft_recipe

KEY = bytes(range(32))
RECIPE = """
name = "places"
time_zone = "UTC"
[[source]]
name = "cabs"
files = "{files}"
form = "csv"
makes = "fixes"
delimiter = " "
header = ["lat", "lon", "time"]
[source.fields]
"{place}" = {{ is = "identifier", do = "pseudonymise", as = "subject_id", kind = "vehicle" }}
lat = {{ is = "place", do = "keep", as = "lat" }}
lon = {{ is = "place", do = "keep", as = "lon" }}
time = {{ is = "time", do = "keep", as = "time" }}
"""
ROWS = "-48.8812 -123.3941 1931067669\n-48.8713 -123.3842 1931067729\n"


@pytest.fixture
def read(tmp_path):
    """Ingest files by their paths in the dump; the report, the fixes, and all that was written as one."""
    def run(files, place="<file>", pattern="*.txt"):
        lay_out(tmp_path / "dump", files)
        (tmp_path / "recipe.toml").write_text(RECIPE.format(place=place, files=pattern), encoding="utf-8")
        report = ingest.sanitize(tmp_path / "dump", tmp_path / "recipe.toml", KEY, tmp_path / "out")
        written = b"".join(p.read_bytes() for p in sorted((tmp_path / "out").rglob("*")) if p.is_file())
        return report, pd.read_parquet(tmp_path / "out" / "fixes.parquet"), written
    return run


def lay_out(folder, files):
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    return folder


def test_a_file_is_somebodys_by_its_name_which_stands_nowhere(read):
    report, fixes, written = read({"new_abboip.txt": ROWS, "new_efghij.txt": ROWS + "1 2\n"})
    assert (report.rows_in, report.rows_kept, report.rows_quarantined) == (5, 4, 1)
    assert fixes["subject_id"].value_counts().tolist() == [2, 2]
    assert [one["file"] for one in report.inputs] == ["cabs file 1", "cabs file 2"]
    assert b"abboip" not in written
    assert b"efghij" not in written


def test_a_folder_is_somebodys(read):
    _, fixes, written = read({"tarn/1.txt": ROWS, "tarn/2.txt": ROWS, "moss/1.txt": ROWS}, "<folder>")
    assert sorted(fixes["subject_id"].value_counts()) == [2, 4]
    assert b"tarn" not in written


def test_a_pattern_may_name_a_folder(read):
    report, _, _ = read({"cabs/1.txt": ROWS, "notes/1.txt": "none of it\n"}, "<file>", "cabs/*.txt")
    assert (report.rows_in, report.files_not_read) == (2, ["notes/1.txt"])


def test_what_is_hidden_and_what_was_written_before_is_passed_over(read):
    written = {"before/datapackage.json": "{}", "before/x.txt": ROWS, ".git/y.txt": ROWS, "__MACOSX/z.txt": ROWS}
    report, _, _ = read({"a.txt": ROWS} | written)
    assert (report.rows_in, report.files_not_read) == (2, [])


@pytest.mark.parametrize("is_folder", [True, False])
def test_a_link_within_is_refused(read, tmp_path, is_folder):
    outside = lay_out(tmp_path / "elsewhere", {"b.txt": ROWS})
    (tmp_path / "dump" / "in").mkdir(parents=True)
    (tmp_path / "dump" / "in" / "link.txt").symlink_to(outside if is_folder else outside / "b.txt")
    with pytest.raises(InputError, match=r"link.txt .*is a link"):
        read({"a.txt": ROWS})


def test_a_draft_says_so_where_nothing_else_names_anybody(tmp_path):
    files = {"new_abboip.txt": ROWS * 9, "new_efghij.txt": ROWS * 9}
    [source] = draft_recipe(lay_out(tmp_path / "one", files)).sources
    assert source.field_of("subject_id").path == "<file>"
    files = {f"{name}/{i}.txt": ROWS * 9 for name in ("tarn", "moss") for i in range(2)}
    [source] = draft_recipe(lay_out(tmp_path / "two", files)).sources
    assert source.field_of("subject_id").path == "<folder>"


def test_files_of_one_name_and_two_shapes_are_two_sources(tmp_path):
    people = "user_id,lon,lat,time\n" + "".join(f"u{i % 3},-123.39,-48.8{i},{1931067669 + i}\n" for i in range(9))
    recipe = draft_recipe(lay_out(tmp_path / "dump", {"a/seen.csv": ROWS * 9, "b/seen.csv": people}))
    assert sorted(source.files for source in recipe.sources) == ["a/seen.csv", "b/seen.csv"]
