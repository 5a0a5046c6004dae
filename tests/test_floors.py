"""A room imports only from the floors below it; the contracts are in pyproject.toml."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
LINT = "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports(no_cache=True, no_logo=True))"


def lint(folder):
    return subprocess.run([sys.executable, "-c", LINT], cwd=folder, capture_output=True, text=True, check=False)


def test_the_house_stands():
    done = lint(ROOT)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture
def doll_house(tmp_path):
    """Empty rooms of the same names under the same contracts."""
    pyproject = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    (tmp_path / "pyproject.toml").write_text(pyproject[pyproject.index("[tool.importlinter]"):], encoding="utf-8")
    (tmp_path / "kit").mkdir()
    (tmp_path / "kit/__init__.py").touch()
    for room in re.findall(r"\w+", re.search(r"layers = \[(.*?)\]", pyproject, re.DOTALL)[1]):
        (tmp_path / f"kit/{room}.py").touch()
    return tmp_path


def test_a_house_of_empty_rooms_stands(doll_house):
    assert lint(doll_house).returncode == 0


@pytest.mark.parametrize(
    ("room", "imports"),
    [
        ("city", "movement"),
        ("city", "ingest"),
        ("ingest", "city"),
        ("movement", "reidentify"),
        ("movement", "scale"),
        ("tables", "exposure"),
        ("errors", "tables"),
        ("publish", "learn"),
        ("scale", "exposure"),
        ("samples", "movement"),
        ("exposure", "samples"),
        ("walk", "cli"),
    ],
)
def test_an_import_from_the_side_or_from_above_is_found(doll_house, room, imports):
    (doll_house / f"kit/{room}.py").write_text(f"import kit.{imports}\n")
    done = lint(doll_house)
    assert done.returncode == 1
    assert f"kit.{room} -> kit.{imports}" in done.stdout


def test_a_new_room_has_to_be_given_its_floor(doll_house):
    (doll_house / "kit/attic.py").touch()
    done = lint(doll_house)
    assert done.returncode == 1
    assert "attic" in done.stdout
