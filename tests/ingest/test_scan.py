"""The scan: what it reads, what it counts, and that it never says what it found.

Valid identifiers are computed in memory; the few files with them lie in the test's own temporary folder.
"""

import base64
import gzip
import importlib.util
import json
import zipfile
from pathlib import Path

import bson
import numpy as np
import pandas as pd
import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st
from stdnum.cn import ric

from kit.errors import InputError
from kit.exposure import sample_folder
from kit.ingest.scan import scan, scan_cells

ROOT = Path(__file__).resolve().parents[2]


def bench():
    """The benchmark that makes the labelled cells, as a module."""
    spec = importlib.util.spec_from_file_location("bench_scan", ROOT / "benchmarks" / "scan.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def resident(n=123):
    body = f"11010119900307{n:03d}"
    return body + ric.calc_check_digit(body + "0")


def mobile(n=0):
    start = phonenumbers.example_number_for_type("CN", phonenumbers.PhoneNumberType.MOBILE).national_number
    return str(start + n)


def rows(frame):
    return [tuple(row) for row in frame.itertuples(index=False)]


# --- what the report says --------------------------------------------------------------------------------------------


def test_cells_are_counted_by_place_kind_and_grade():
    cells = [("a", resident()), ("a", resident()), ("a", "110101199003070000"),
             ("b", f"call {mobile()} or {mobile(1)}"), ("b", "nothing"), ("b", None), ("c", 17)]
    assert rows(scan_cells(cells)) == [("", "a", "resident_id", "shape", 1), ("", "a", "resident_id", "valid", 2),
                                       ("", "b", "phone", "valid", 1)]


def test_an_empty_report_has_its_columns_and_types():
    frame = scan_cells([])
    assert list(frame.columns) == ["file", "place", "kind", "grade", "count"]
    assert frame["count"].dtype == "int64"
    assert scan_cells([("x", "nothing")]).dtypes.equals(scan_cells([("x", mobile())]).dtypes)


def test_a_place_that_is_nearly_unique_behaves_like_an_identifier():
    keys = [("k", f"key-{n * 7919 % 10007:05x}!") for n in range(60)]
    assert rows(scan_cells(keys)) == [("", "k", "near_unique", "behaves", 60)]
    assert rows(scan_cells(keys[:49])) == []
    assert rows(scan_cells(keys[:55] + keys[:5])) == []  # 55 of 60 differ: 0.917


@pytest.mark.parametrize("make", [
    lambda n: str(n), lambda n: str(1_931_067_669_000 + 977 * n), lambda n: f"2031-03-12 07:{n // 60:02d}:{n % 60:02d}",
    lambda n: f"0.{n:06d}", lambda n: f"{n % 40} words in a row that differ", lambda n: ["teal", "amber"][n % 2]])
def test_counters_times_measurements_words_and_labels_do_not(make):
    assert rows(scan_cells(("x", make(n)) for n in range(600))) == []


def test_more_values_than_the_sketch_holds():
    many = (("k", f"u{n * 2654435761 % 2**32:08x}") for n in range(30_000))
    assert rows(scan_cells(many)) == [("", "k", "near_unique", "behaves", 30_000)]
    few = (("k", f"u{n % 15_000 * 2654435761 % 2**32:08x}") for n in range(30_000))
    assert rows(scan_cells(few)) == []


def test_a_place_whose_values_stand_in_another_file_joins_them(tmp_path):
    people = [f"u{n * 7919 % 10007:04x}z" for n in range(60)]
    pd.DataFrame({"who": people * 3, "hour": [7] * 180}).to_csv(tmp_path / "a.csv", index=False)
    pd.DataFrame({"user": people[:50] * 4, "hour": [7] * 200}).to_csv(tmp_path / "b.csv", index=False)
    assert rows(scan(tmp_path)) == [("a.csv", "who", "joins_files", "behaves", 180),
                                    ("b.csv", "user", "joins_files", "behaves", 200)]


def test_a_check_digit_that_passes_as_often_as_chance_confirms_nothing():
    numbers = [("order", f"4{n * 7919 % 10**4:04d}00000000{n:03d}") for n in range(300)]
    grades = scan_cells(numbers)
    assert "valid" not in set(grades["grade"])
    alone = [c for c in numbers if len(scan_cells([c]).query("grade == 'valid'"))]
    assert 10 < len(alone) < 60  # the rule alone would have been fooled


# --- what is read ----------------------------------------------------------------------------------------------------


def test_every_form_of_file_is_read(tmp_path):
    number = resident()
    (tmp_path / "a.csv").write_text(f"who,note\nx,{number}\n", encoding="utf-8")
    (tmp_path / "b.ndjson").write_text(json.dumps({"_source": {"deep": [{"id": number}]}}) + "\n{broken\n")
    (tmp_path / "c.json").write_text(json.dumps([{"id": number}], indent=1))
    pd.DataFrame({"id": [number], "n": [1.5]}).to_parquet(tmp_path / "d.parquet")
    (tmp_path / "e.bin").write_bytes(b"\x00\x01\x02" + number.encode() + b"\x00\x07")
    (tmp_path / "f.html").write_text(f"<p title='{number}'>x</p>")
    (tmp_path / "g.csv.gz").write_bytes(gzip.compress(f"id\n{number}\n".encode()))
    (tmp_path / "h.txt").write_bytes(f"号码 {number}".encode("gb18030"))
    (tmp_path / "i.txt").write_text(f"号码 {number}\n", encoding="utf-16")
    with zipfile.ZipFile(tmp_path / "j.zip", "w") as archive:
        archive.writestr("in/a.csv", f"id\n{number}\n")
    notebook = {"cells": [{"source": ["x"], "outputs": [{"text": [f"out {number}"]}]}]}
    (tmp_path / "k.ipynb").write_text(json.dumps(notebook))
    found = scan(tmp_path)
    valid = found[found["grade"] == "valid"]
    assert sorted(zip(valid["file"], valid["place"], strict=True)) == [
        ("a.csv", "note"), ("b.ndjson", "_source.deep[].id"), ("c.json", "[].id"), ("d.parquet", "id"),
        ("e.bin", "text"), ("f.html", "text"), ("g.csv.gz", "id"), ("h.txt", "text"), ("i.txt", "text"),
        ("j.zip/in/a.csv", "id"), ("k.ipynb", "cells[].outputs[].text[]")]
    assert set(valid["kind"]) == {"resident_id"}
    assert set(valid["count"]) == {1}


def test_numbers_and_vectors_in_columns_that_are_no_text(tmp_path):
    vectors = np.random.default_rng(0).normal(size=(3, 128))
    pd.DataFrame({"tel": np.array([int(mobile(n)) for n in range(3)], dtype=float), "v": list(vectors),
                  "x": [0.5, 1.5, 2.5]}).to_parquet(tmp_path / "a.parquet")
    assert rows(scan(tmp_path / "a.parquet")) == [("a.parquet", "tel", "phone", "valid", 3),
                                                  ("a.parquet", "v[]", "face_template", "shape", 3)]


def test_documents_of_a_mongodump_and_what_follows_a_broken_one(tmp_path):
    vector = np.random.default_rng(0).normal(size=128).astype("<f4").tobytes()
    whole = bson.encode({"_id": bson.ObjectId(b"0" * 12), "tel": bson.Int64(mobile()), "deep": {"v": vector}})
    (tmp_path / "faces.bson").write_bytes(whole * 3)
    (tmp_path / "broken.bson").write_bytes(whole + b"\xff\xff\xff\x7f" + f"who {resident()}\0".encode())
    assert rows(scan(tmp_path)) == [
        ("broken.bson", "deep.v", "face_template", "shape", 1), ("broken.bson", "tel", "phone", "valid", 1),
        ("broken.bson", "text", "resident_id", "valid", 1), ("faces.bson", "deep.v", "face_template", "shape", 3),
        ("faces.bson", "tel", "phone", "valid", 3)]


def test_rows_that_do_not_fit_and_files_without_a_header_are_read_too(tmp_path):
    (tmp_path / "a.csv").write_text(f"who,when\nx,1,{mobile()}\n")
    (tmp_path / "b.csv").write_text(f"{mobile()},x\n{mobile(1)},y\n")
    assert rows(scan(tmp_path)) == [("a.csv", "text", "phone", "valid", 1), ("b.csv", "column 1", "phone", "valid", 2)]


def test_what_cannot_be_read_is_listed_and_pictures_are_pictures(tmp_path):
    (tmp_path / "a.pdf").write_bytes(b"%PDF-1.7 ...")
    (tmp_path / "b.csv.gz").write_bytes(gzip.compress(f"tel\n{mobile()}\n".encode() * 50)[:-12])
    (tmp_path / "c.dat").write_bytes(b"\xff\xd8\xff\xe0" + bytes(100))
    (tmp_path / "d.parquet").write_bytes(b"PAR1 and no more")
    found = {(f, k) for f, _, k, _, _ in rows(scan(tmp_path))}
    assert {("a.pdf", "unread"), ("b.csv.gz", "unread"), ("c.dat", "image_data"), ("d.parquet", "unread")} <= found


def test_links_are_not_followed(tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "secret.txt").write_text(mobile())
    (tmp_path / "in" / "link.txt").symlink_to(tmp_path / "secret.txt")
    (tmp_path / "in" / "up").symlink_to(tmp_path)
    assert rows(scan(tmp_path / "in")) == []


def test_hostile_nesting_and_long_lines(tmp_path):
    (tmp_path / "deep.json").write_text("[" * 100_000 + f'"{mobile()}"')
    (tmp_path / "nested.ndjson").write_text('{"a":' * 200 + f'"{mobile()}"' + "}" * 200)
    (tmp_path / "long.txt").write_text("x" * 300_000 + " " + mobile() + " " + "x" * 300_000)
    found = scan(tmp_path)
    assert set(found.loc[found["kind"] == "phone", "file"]) == {"deep.json", "nested.ndjson", "long.txt"}


def test_the_samples_hold_nothing_that_a_real_rule_passes():
    for name in ("register", "community", "fusion"):
        found = scan(sample_folder(name))
        assert found[found["grade"].isin(["valid", "unread"])].to_dict("records") == []
        assert (found["kind"] == "pseudonym").any()
    assert "valid" not in set(scan(sample_folder("register").parent / "port_nemo")["grade"])


# --- that it keeps silent --------------------------------------------------------------------------------------------


def test_names_of_files_columns_and_members_are_masked_where_they_could_be_somebodys(tmp_path):
    number = mobile()
    (tmp_path / f"faces_{number}.csv").write_text(f"who,{resident()}\na,b\n")
    (tmp_path / "b.ndjson").write_text(json.dumps({"by": {number: 1, "王伟": 2}, "ok": 3}))
    found = scan(tmp_path)
    said = found.to_csv() + repr(found)
    assert number not in said
    assert resident() not in said
    assert "王伟" not in said
    assert {("phone", "valid"), ("name", "shape"), ("resident_id", "valid")} <= set(zip(found["kind"], found["grade"],
                                                                                       strict=True))


secrets = st.one_of(
    st.integers(0, 999).map(resident), st.integers(0, 9999).map(mobile),
    st.integers(0, 9999).map(lambda n: "+86" + mobile(n)),
    st.text("abcdefgh0123456789", min_size=6, max_size=12).map(lambda s: s + "@" + "mail.de"),
    st.binary(min_size=200, max_size=300).map(lambda b: base64.b64encode(b).decode()))


forms = st.sampled_from(["{}", "seen {}", "as a key", "{},x\n{}", "\ud800{}", "{}\u202e"])


@given(st.lists(st.tuples(secrets, forms), min_size=1, max_size=8),
       st.sampled_from([".csv", ".ndjson", ".json", ".txt", ".bin", ""]))
def test_no_value_is_ever_said(tmp_path_factory, planted, suffix):
    texts = [json.dumps({secret: 1}) if form == "as a key" else form.replace("{}", secret) for secret, form in planted]
    folder = tmp_path_factory.mktemp("s")
    (folder / f"dump{suffix}").write_bytes("\n".join(texts).encode("utf-8", "surrogatepass"))
    reports = [scan(folder), scan_cells(("place", text) for text in texts),
               scan_cells((secret, "8.8.4.4") for secret, _ in planted)]
    said = "".join(frame.to_csv() + repr(frame) + frame.to_string() for frame in reports)
    assert [secret for secret, _ in planted if secret in said] == []
    if any(len(secret) < 40 for secret, _ in planted):
        assert len(reports[0]) and len(reports[1]) and len(reports[2])


@pytest.mark.parametrize(("path", "region", "says"), [("nowhere", "CN", "no file or folder"), (".", "C N", "region")])
def test_a_mistake_is_one_sentence(tmp_path, monkeypatch, path, region, says):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=says) as error:
        scan(path, region)
    assert str(error.value).count(".") == 1


# --- how well it does ------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_the_page_of_figures_is_the_one_that_the_labelled_cells_give():
    module = bench()
    cells = module.labelled(0)
    assert len(cells) >= 5_000
    figures, mistaken = module.measure(cells)
    assert module.PAGE.read_text(encoding="utf-8") == module.as_markdown(figures, mistaken)


def test_recall_and_precision_on_cells_that_the_page_has_not_seen():
    module = bench()
    figures, _ = module.measure(module.labelled(1))
    for row in figures:
        least_recall, least_precision = {"name": (0.8, 0.8), "passport": (0.95, 0.7)}.get(row["kind"], (0.97, 0.95))
        assert row["right"] / row["cells"] >= least_recall, row
        assert row["right"] / row["said"] >= least_precision, row
