"""Interrupted at any point and run again: the same bytes, nothing read twice, nothing raw on disk in between."""

import re
import signal
import subprocess
import sys

import pytest

from kit import ingest
from kit.errors import InputError

KEY = b"a private key of some length"
# Ends itself, or is ended, when it comes to a stage; prints what it comes to.
CHILD = """
import os, resource, signal as signals, sys
from kit import ingest
from kit.errors import KitError
dump, recipe, out, stage, signal, limit = sys.argv[1:]
signals.signal(signals.SIGINT, signals.default_int_handler)  # a test run in the background ignores it
if int(limit):
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(limit), int(limit)))
def progress(name, done, total):
    print(name, flush=True)
    if name == stage:
        os.kill(os.getpid(), int(signal))
try:
    ingest.sanitize(dump, recipe, b"a private key of some length", out, progress=progress)
except KitError as error:
    print("said:", error)
"""
RAW = [rb"SYN\d", rb"SYN-[PDH]-\d", rb"SYN-IM[ES]I-\d", rb"02-AA-BB", rb"ZZ-012", rb"Sample Person", rb"Null Street",
       rb"Fictional Mill", rb"1991-07-14", rb"REMOVED", rb"teal", rb"amber", rb"10000000000", KEY]


def run(dump, recipe, out, stage="", number=signal.SIGKILL, limit=0):
    done = subprocess.run([sys.executable, "-c", CHILD, dump, recipe, out, stage, str(int(number)), str(limit)],
                          capture_output=True, text=True, check=False)
    return done.returncode, list(dict.fromkeys(done.stdout.splitlines()))


def again(dump, recipe, out, **more):
    """Run in this process; returns the stages it came to."""
    stages = []
    ingest.sanitize(dump, recipe, KEY, out, progress=lambda name, done, total: stages.append(name), **more)
    return list(dict.fromkeys(stages))


def files_of(folder):
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


FILES = {"register": ["passages.jsonl", "persons.jsonl", "trackers.jsonl"],
         "community": ["camera.ndjson", "face-2031.02.ndjson", "face-2031.03.ndjson", "wifi-2031.02.ndjson"]}


@pytest.mark.parametrize(("recipe", "number"), [("register", signal.SIGINT), ("community", signal.SIGKILL)])
@pytest.mark.parametrize("stop", [1, 2, "pseudonyms", "tables"])
def test_what_was_finished_is_not_read_again_and_every_byte_is_the_same(recipe, number, stop, tmp_path, request):
    dump, out = request.getfixturevalue(recipe), tmp_path / "out"
    assert [p.name for p in sorted(dump.iterdir()) if p.name != "manifest.json"] == FILES[recipe]
    stage = stop if isinstance(stop, str) else FILES[recipe][stop]
    code, _ = run(dump, recipe, out, stage, number)
    assert code in ((-signal.SIGKILL,) if number == signal.SIGKILL else (-signal.SIGINT, 130))
    assert not out.exists()
    stages = again(dump, recipe, out)
    assert stages == ["read before", *([] if isinstance(stop, str) else FILES[recipe][stop:]), "pseudonyms", "tables"]
    again(dump, recipe, tmp_path / "never-interrupted")
    assert files_of(out) == files_of(tmp_path / "never-interrupted")
    assert sorted(p.name for p in tmp_path.iterdir() if p.name != dump.name) == ["never-interrupted", "out"]


def test_nothing_is_kept_of_an_interruption_before_the_first_file_was_read(register, tmp_path):
    code, _ = run(register, "register", tmp_path / "out", "passages.jsonl", signal.SIGINT)
    assert code
    assert [p.name for p in tmp_path.iterdir()] == ["register"]


@pytest.mark.parametrize("recipe", ["register", "community", "fusion"])
@pytest.mark.parametrize("last", [False, True])
def test_no_raw_identifier_and_no_label_lies_in_the_work_folder(recipe, last, tmp_path, request):
    dump = request.getfixturevalue(recipe)
    file = max(p for p in dump.iterdir() if p.name != "manifest.json" and p.suffix != ".csv")
    lines = file.read_text("utf-8").splitlines()
    file.write_text("\n".join([re.sub(r'\{"', '{"10000000000":1,"Sample Person 9":2,"', lines[0], count=1), *lines]))
    given = b"".join(p.read_bytes() for p in dump.iterdir())
    assert [bool(re.search(pattern, given)) for pattern in RAW].count(True) >= 4
    run(dump, recipe, tmp_path / "out", "tables" if last else file.name)
    left = files_of(tmp_path / ".out.partial")
    assert any(name.endswith(".rows") for name in left)
    assert [(name, pattern) for name, data in left.items() for pattern in RAW if re.search(pattern, data)] == []


def test_a_full_disk_is_said_in_one_sentence_and_the_next_run_goes_on(raw, tmp_path):
    faces = "\n".join(raw.face(1931067669120 + 5000 * n, f"SYN-P-{n:07d}") for n in range(3000))
    dump = raw.lay_out(tmp_path / "dump", {**raw.COMMUNITY, "face-2031.02.ndjson": faces})
    _, said = run(dump, "community", tmp_path / "out", limit=20_000)
    assert said[:-1] == ["camera.ndjson", "face-2031.02.ndjson"]
    assert re.fullmatch(rf"said: The disk of {tmp_path} is full, so out was not written; free some room and run the "
                        rf"same again, it goes on from what {tmp_path}/\.out\.partial holds .*\.", said[-1])
    assert again(dump, "community", tmp_path / "out")[:2] == ["read before", "face-2031.02.ndjson"]
    again(dump, "community", tmp_path / "other")
    assert files_of(tmp_path / "out") == files_of(tmp_path / "other")


def interrupted(dump, out, recipe="register", stage="trackers.jsonl"):
    def stop(name, done, total):
        if name == stage:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        ingest.sanitize(dump, recipe, KEY, out, progress=stop)
    return out.parent / f".{out.name}.partial"


def truncate(file):
    file.write_bytes(file.read_bytes()[:-9])


def turn_a_bit(file):
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)


@pytest.mark.parametrize(("name", "spoil"), [
    ("000000.json", truncate), ("000001.json", turn_a_bit), ("000000.rows", turn_a_bit), ("000001.facts", truncate),
    ("000001.subjects", lambda file: file.unlink()), ("binding.json", truncate),
    ("000000.json", lambda file: file.write_text("[]"))])
def test_a_journal_or_part_that_is_damaged_is_not_trusted(name, spoil, register, tmp_path):
    folder = interrupted(register, tmp_path / "out")
    spoil(folder / name)
    assert again(register, "register", tmp_path / "out") == [*FILES["register"], "pseudonyms", "tables"]
    again(register, "register", tmp_path / "other")
    assert files_of(tmp_path / "out") == files_of(tmp_path / "other")


def test_another_key_clock_or_dump_starts_anew(register, tmp_path):
    out = tmp_path / "out"
    stages = []
    interrupted(register, out)
    with pytest.raises(KeyboardInterrupt):
        ingest.sanitize(register, "register", KEY + b"!", out, progress=lambda name, *_: watch(stages, name))
    assert stages == FILES["register"]
    stages.clear()
    with pytest.raises(KeyboardInterrupt):
        ingest.sanitize(register, "register", KEY, out, tz="UTC", progress=lambda name, *_: watch(stages, name))
    assert stages == FILES["register"]
    stages.clear()
    with open(register / "passages.jsonl", "a") as more:
        more.write("\n")
    assert again(register, "register", out, tz="UTC") == [*FILES["register"], "pseudonyms", "tables"]


def watch(stages, name):
    """Note a stage, and stop at the last file."""
    if name not in stages:
        stages.append(name)
    if name == "trackers.jsonl":
        raise KeyboardInterrupt


def test_two_runs_never_write_into_one_folder(register, tmp_path):
    told = []

    def meanwhile(name, done, total):
        with pytest.raises(InputError, match="Another run is writing out") as error:
            ingest.sanitize(register, "register", KEY, tmp_path / "out")
        told.append(error.value)

    ingest.sanitize(register, "register", KEY, tmp_path / "out", progress=meanwhile)
    assert told
    assert sorted(p.name for p in tmp_path.iterdir()) == ["out", "register"]


def test_a_mistake_removes_what_was_kept(raw, register, tmp_path):
    interrupted(register, tmp_path / "out")
    with open(register / "trackers.jsonl", "w") as none:
        none.write("")
    with pytest.raises(InputError, match="empty"):
        ingest.sanitize(register, "register", KEY, tmp_path / "out")
    assert [p.name for p in tmp_path.iterdir()] == ["register"]


def test_the_work_folder_is_for_its_owner_alone(register, tmp_path):
    folder = interrupted(register, tmp_path / "out")
    assert folder.stat().st_mode & 0o077 == 0


def test_a_link_in_place_of_the_work_folder_is_not_followed(register, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "thing").write_text("mine")
    (tmp_path / ".out.partial").symlink_to("elsewhere")
    with pytest.raises(InputError, match="it is a link"):
        ingest.sanitize(register, "register", KEY, tmp_path / "out")
    assert files_of(tmp_path / "elsewhere") == {"thing": b"mine"}
