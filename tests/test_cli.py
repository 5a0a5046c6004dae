"""The command line as a user meets it: what it writes, and one sentence with exit code 2 for each mistake."""

import json
import sys

import pytest

import kit
from kit import cli
from kit.exposure import sample_folder


@pytest.fixture
def run(monkeypatch, capsys):
    """Call `kit` with arguments; returns exit code, standard output and standard error."""
    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["kit", *map(str, arguments)])
        try:
            cli.main()
            code = 0
        except SystemExit as end:
            code = end.code or 0
        out, err = capsys.readouterr()
        return code, out, err
    return call


def is_one_sentence(text):
    lines = [line for line in text.splitlines() if line.strip() and "\u2501" not in line]
    return len(lines) == 1 and lines[0].rstrip().endswith((".", "!"))


def test_from_a_city_to_an_exposure_in_two_commands(run, tmp_path):
    code, out, _ = run("city", "--exposure", "register", "--people", 300, "--days", 1, "--seed", 5, "--out",
                       tmp_path / "raw")
    assert code == 0
    assert "persons.jsonl: 300 records" in out
    code, out, _ = run("ingest", "run", tmp_path / "raw", "--recipe", "register", "--out", tmp_path / "clean")
    assert code == 0
    assert "quarantined" in out
    report = json.loads((tmp_path / "clean" / "report.json").read_text())
    assert report["rows_in"] == report["rows_kept"] + report["rows_quarantined"]
    assert (tmp_path / "clean" / "datapackage.json").exists()


@pytest.mark.parametrize(("arguments", "says"), [
    (["city", "--exposure", "registre", "--out", "new"], "register, community or fusion"),
    (["city", "--exposure", "register", "--people", "1", "--out", "new"], "from 2 to"),
    (["city", "--exposure", "register", "--days", "0", "--out", "new"], "from 1 to"),
    (["city", "--exposure", "register", "--seed", "-3", "--out", "new"], "seed"),
    (["city", "--exposure", "register", "--out", "full"], "not empty"),
    (["ingest", "run", "nowhere", "--recipe", "register", "--out", "new"], "nowhere"),
    (["ingest", "run", "empty", "--recipe", "register", "--out", "new"], "empty"),
    (["ingest", "run", "full", "--recipe", "registre", "--out", "new"], "register"),
    (["ingest", "run", "full", "--recipe", "register", "--out", "full"], "not empty"),
    (["ingest", "run", "full", "--recipe", "register", "--key", "no.key", "--out", "new"], "key file"),
    (["walk", "--notebooks", "empty", "--out", "new"], "no notebook"),
    (["walk", "--notebooks", "empty", "--out", "full"], "holds no earlier walk"),
])
def test_a_mistake_is_one_sentence_and_writes_nothing(run, tmp_path, monkeypatch, arguments, says):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "letter.txt").write_text("keep me")
    code, _, err = run(*arguments)
    assert code == 2
    assert is_one_sentence(err), err
    assert says in err
    assert sorted(p.name for p in tmp_path.iterdir()) == ["empty", "full"]
    assert [p.name for p in (tmp_path / "full").iterdir()] == ["letter.txt"]


@pytest.mark.parametrize("arguments", [["city", "--exposure", "register", "--seed", "x", "--out", "new"], ["fly"],
                                       ["city", "--exposure", "register"]])
def test_words_that_are_no_command_end_with_code_2(run, tmp_path, monkeypatch, arguments):
    monkeypatch.chdir(tmp_path)
    code, _, err = run(*arguments)
    assert code == 2
    assert "Error" in err
    assert list(tmp_path.iterdir()) == []


def test_an_empty_file_in_a_dump_is_named(run, tmp_path):
    run("city", "--exposure", "register", "--people", 50, "--out", tmp_path / "raw")
    (tmp_path / "raw" / "passages.jsonl").write_text("")
    code, _, err = run("ingest", "run", tmp_path / "raw", "--recipe", "register", "--out", tmp_path / "clean")
    assert code == 2
    assert "passages.jsonl" in err
    assert not (tmp_path / "clean").exists()


def test_the_demo_key_is_refused_for_a_dump_that_is_not_marked_invented(run, tmp_path):
    run("city", "--exposure", "register", "--people", 50, "--out", tmp_path / "raw")
    (tmp_path / "raw" / "manifest.json").unlink()
    code, _, err = run("ingest", "run", tmp_path / "raw", "--recipe", "register", "--out", tmp_path / "clean")
    assert code == 2
    assert "demo key" in err


def test_a_real_looking_dump_is_not_believed_to_be_invented(run, tmp_path):
    run("city", "--exposure", "register", "--people", 50, "--out", tmp_path / "raw")
    for file in ("persons.jsonl", "passages.jsonl"):
        path = tmp_path / "raw" / file
        path.write_text(path.read_text().replace("SYN0000000", "9900000000"))
    code, _, err = run("ingest", "run", tmp_path / "raw", "--recipe", "register", "--out", tmp_path / "clean")
    assert code == 2
    assert "none that the invented city makes" in err
    assert "99000" not in err
    assert not (tmp_path / "clean").exists()


def test_a_key_file_is_taken_to_the_byte(run, tmp_path):
    run("city", "--exposure", "register", "--people", 50, "--out", tmp_path / "raw")
    names = []
    for key in (b"0123456789abcdef", b"0123456789abcdef\n"):
        (tmp_path / "case.key").write_bytes(key)
        out = tmp_path / f"clean-{len(names)}"
        code, *_ = run("ingest", "run", tmp_path / "raw", "--recipe", "register", "--key", tmp_path / "case.key",
                       "--out", out)
        assert code == 0
        names.append(set(kit.open_exposure(out).subjects["subject_id"]))
    assert not names[0] & names[1]


@pytest.mark.parametrize("interrupted", [KeyboardInterrupt(), OSError(28, "No space left on device", "out/a.jsonl")])
def test_an_interruption_and_a_full_disk_are_one_sentence(run, tmp_path, monkeypatch, interrupted):
    def stops(*_, **__):
        raise interrupted

    monkeypatch.setattr("kit.city.leaks.make_plan", stops)
    code, _, err = run("city", "--exposure", "register", "--people", 50, "--out", tmp_path / "raw")
    assert code == (130 if isinstance(interrupted, KeyboardInterrupt) else 2)
    assert is_one_sentence(err) or err.startswith("Stopped. Nothing was left half written")
    assert list(tmp_path.iterdir()) == []


def test_scan_ends_as_linters_do(run, tmp_path):
    (tmp_path / "clean.csv").write_text("zone,n\nMole,3\n")
    assert run("scan", tmp_path)[:2] == (0, "Nothing that looks or behaves like an identifier.\n"
                                            "0 cells with identifiers of grade valid or surer.\n")
    (tmp_path / "invented.csv").write_text("mac,n\n02-AA-BB-CC-DD-01,3\n")
    assert run("scan", tmp_path)[0] == 0
    assert run("scan", tmp_path, "--fail-on", "shape")[0] == 1
    mail = "some.one" + "@" + "firma.de"
    (tmp_path / "found.csv").write_text(f"note,n\nwrite to {mail},3\n")
    code, out, err = run("scan", tmp_path)
    assert code == 1
    assert {"found.csv", "note", "email", "valid"} <= set(out.split())
    assert mail not in out + err
    assert run("scan", tmp_path, "--fail-on", "anything")[0] == run("scan", tmp_path / "nowhere")[0] == 2


def test_a_sample_folder_that_is_none_is_left_alone(run, tmp_path):
    (tmp_path / "register").mkdir()
    (tmp_path / "register" / "thesis.txt").write_text("three years of work")
    code, _, err = run("samples", "--out", tmp_path)
    assert code == 2
    assert "holds no sample" in err
    assert (tmp_path / "register" / "thesis.txt").exists()
    assert sample_folder("register") != tmp_path / "register"


def test_a_dump_is_drafted_checked_and_run(run, tmp_path):
    raw, recipe = sample_folder("fusion") / "raw", tmp_path / "mine.toml"
    code, printed, _ = run("ingest", "draft", raw)
    assert code == 0
    assert run("ingest", "draft", raw, "--out", recipe)[0] == 0
    assert recipe.read_text(encoding="utf-8") == printed
    code, out, err = run("ingest", "draft", raw, "--out", recipe)
    assert code == 2
    assert is_one_sentence(err)
    assert recipe.read_text(encoding="utf-8") == printed
    code, out, _ = run("ingest", "check", raw, "--recipe", recipe)
    assert code == 0
    assert "pseudonymise" in out
    assert "SYN" not in out
