"""The door, tried on a toy project of the same shape: its one dependency is a wheel written here, so no network."""

import ast
import errno
import importlib.util
import os
import shutil
import signal
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

PYPROJECT = """
[build-system]
requires = []
build-backend = "backend"
backend-path = ["."]
[project]
name = "toy"
version = "1.0"
dependencies = ["tools>=1"]
[project.optional-dependencies]
test = []
bench = []
peers = []
"""
BACKEND = """
import zipfile
def build_editable(folder, config_settings=None, metadata_directory=None):
    import os
    with zipfile.ZipFile(os.path.join(folder, "toy-1.0-py3-none-any.whl"), "w") as wheel:
        wheel.writestr("toy.pth", os.getcwd())
        wheel.writestr("toy-1.0.dist-info/METADATA", "Metadata-Version: 2.1\\nName: toy\\nVersion: 1.0\\n")
        wheel.writestr("toy-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
        wheel.writestr("toy-1.0.dist-info/RECORD", "")
    return "toy-1.0-py3-none-any.whl"
"""
ECHO = "import os, sys\nprint('{name}', *sys.argv[1:])\nprint(os.getcwd())\nsys.exit({code})\n"


@pytest.fixture(scope="module")
def wheels(tmp_path_factory):
    """A folder with one wheel: stand-ins for pytest and jupyter that print what they are given."""
    folder = tmp_path_factory.mktemp("wheel house")
    with zipfile.ZipFile(folder / "tools-1.0-py3-none-any.whl", "w") as wheel:
        wheel.writestr("pytest/__main__.py", ECHO.format(name="pytest", code=3))
        wheel.writestr("jupyter/__main__.py", ECHO.format(name="jupyter", code=0))
        wheel.writestr("tools-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: tools\nVersion: 1.0\n")
        wheel.writestr("tools-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr("tools-1.0.dist-info/RECORD", "")
    return folder


def make_toy(folder):
    """Lay a toy project round a copy of run.py."""
    for name in ("kit", "benchmarks", "notebooks"):
        (folder / name).mkdir(parents=True)
    shutil.copy(ROOT / "run.py", folder)
    (folder / "pyproject.toml").write_text(PYPROJECT)
    (folder / "backend.py").write_text(BACKEND)
    (folder / "constraints.txt").write_text("tools==1.0\nuv==0.1\n")
    (folder / "kit/__init__.py").write_text("")
    (folder / "kit/__main__.py").write_text(ECHO.format(name="kit", code=0))
    (folder / "benchmarks/speed.py").write_text(ECHO.format(name="speed", code=1))
    (folder / "benchmarks/unicity.py").write_text(ECHO.format(name="unicity", code=0))
    (folder / "benchmarks/_data.py").write_text("raise SystemExit('a helper was run as a benchmark')")
    (folder / "notebooks/00_first.ipynb").write_text("{}")
    return folder


@pytest.fixture(scope="module")
def toy(tmp_path_factory, wheels):
    """A toy that is set up, in a folder whose name holds spaces and letters beyond ASCII."""
    folder = make_toy(tmp_path_factory.mktemp("toy") / "Ünï cödé 城")
    done = call(folder, "kit", "--wheels", str(wheels), wheels=wheels)
    assert done.returncode == 0, done.stderr
    return folder


def call(folder, *words, wheels=None, cwd=None, **settings):
    """Run the toy's run.py as a person would, with none of this computer's package indexes in reach."""
    before = ["--wheels", str(wheels)] if wheels else []
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PIP_", "UV_"))}
    env = kept | {"PIP_CONFIG_FILE": os.devnull, "PIP_RETRIES": "1", "PIP_INDEX_URL": "http://127.0.0.1:9/"} | settings
    command = [sys.executable, str(folder / "run.py"), *before, *words]
    return subprocess.run(command, cwd=cwd or folder, env=env, capture_output=True, text=True, encoding="utf-8",
                          check=False)  # fmt: skip


def load(folder):
    """Import run.py of a folder."""
    spec = importlib.util.spec_from_file_location("run", folder / "run.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


# --- the file itself -------------------------------------------------------------------------------------------------


def test_an_old_python_can_read_it_and_it_needs_nothing_beside_python():
    tree = ast.parse((ROOT / "run.py").read_text(encoding="utf-8"), feature_version=(3, 6))
    imported = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    imported |= {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert {name.split(".")[0] for name in imported} <= sys.stdlib_module_names


def test_an_old_python_hears_which_one_is_needed(tmp_path, monkeypatch, capsys):
    run = load(make_toy(tmp_path / "toy"))
    monkeypatch.setattr(sys, "version_info", (3, 9, 2))
    assert run.main(["test"]) == 2
    assert "needs Python 3.11 or later and this is 3.9" in capsys.readouterr().err


def test_a_python_without_ensurepip_hears_what_to_install(tmp_path, monkeypatch, capsys):
    run = load(make_toy(tmp_path / "toy"))
    monkeypatch.setitem(sys.modules, "ensurepip", None)
    assert run.main(["kit"]) == 2
    assert "apt install python3-venv" in capsys.readouterr().err
    assert not (tmp_path / "toy/.venv").exists()


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["frobnicate"], "'frobnicate' is no command: use walk, test, lab, bench, kit"),
        (["--quick"], "'--quick' is no command"),
        (["--wheels", "nowhere"], "no .whl file lies in"),
        (["test", "--wheels=."], "no .whl file lies in"),
    ],
)
def test_a_mistyped_command_is_one_sentence_and_sets_nothing_up(tmp_path, words, says):
    done = call(make_toy(tmp_path / "toy"), *words)
    assert done.returncode == 2
    assert says in done.stderr
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / "toy/.venv").exists()


def test_help_lists_the_commands_and_sets_nothing_up(tmp_path):
    done = call(make_toy(tmp_path / "toy"), "--help")
    assert done.returncode == 0
    assert all(f"run.py {command}" in done.stdout for command in ("test", "lab", "bench", "kit"))
    assert not (tmp_path / "toy/.venv").exists()


def test_options_before_and_after_a_command(wheels):
    run = load(ROOT)
    assert run.read_arguments([]) == ("walk", [], None)
    assert run.read_arguments(["test", "--quick", "-x"]) == ("test", ["--quick", "-x"], None)
    assert run.read_arguments(["--wheels", str(wheels)]) == ("walk", [], wheels)
    assert run.read_arguments(["test", f"--wheels={wheels}", "-x"]) == ("test", ["-x"], wheels)
    assert run.read_arguments(["kit", "pack", "--wheels", "x"]) == ("kit", ["pack", "--wheels", "x"], None)


# --- the commands, in a toy that is set up ---------------------------------------------------------------------------


def test_a_warm_start_leaves_everything_as_it_is(toy):
    stamp = (toy / ".venv/retrace-stamp.txt").stat().st_mtime_ns
    done = call(toy)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[0] == "kit walk"
    assert (toy / ".venv/retrace-stamp.txt").stat().st_mtime_ns == stamp


def test_kit_runs_where_the_person_stands(toy, tmp_path):
    done = call(toy, "kit", "scan", "a b", "--wheels", "x", cwd=tmp_path)
    assert done.stdout.splitlines() == ["kit scan a b --wheels x", str(tmp_path)]


def test_test_hands_over_to_pytest_and_its_exit_code(toy, tmp_path):
    done = call(toy, "test", "--quick", "tests/test_geo.py", cwd=tmp_path)
    given, where = done.stdout.splitlines()
    assert given == "pytest -n 2 --dist loadfile -m not slow and not browser tests/test_geo.py"
    assert (where, done.returncode) == (str(toy), 3)
    assert "-m" not in call(toy, "test").stdout


def test_lab_trusts_the_notebooks_and_opens_the_first_on_this_computer_only(toy):
    lines = call(toy, "lab", "--no-browser").stdout.splitlines()
    assert lines[0] == "jupyter trust notebooks/00_first.ipynb"
    assert lines[2].startswith(f"jupyter lab --ip=127.0.0.1 --ServerApp.root_dir={toy} ")
    assert "--LabApp.default_url=/lab/tree/notebooks/00_first.ipynb" in lines[2]
    assert lines[2].endswith("--no-browser")
    assert "fetchNews" in (toy / ".venv/share/jupyter/lab/settings/overrides.json").read_text()


def test_bench_runs_the_named_one_or_all_and_keeps_the_worst_code(toy):
    one = call(toy, "bench", "unicity", "--small")
    assert (one.returncode, one.stdout.splitlines()[0]) == (0, "unicity --small")
    both = call(toy, "bench")
    assert (both.returncode, both.stdout.splitlines()[::2]) == (1, ["speed", "unicity"])
    unknown = call(toy, "bench", "nosuch")
    assert (unknown.returncode, "there are: speed, unicity" in unknown.stderr) == (2, True)


def test_what_was_installed_by_hand_elsewhere_stays_outside(toy, tmp_path):
    (tmp_path / "pytest").mkdir()
    (tmp_path / "pytest/__main__.py").write_text("raise SystemExit('the wrong pytest')")
    assert call(toy, "test", PYTHONPATH=str(tmp_path)).returncode == 3


# --- setting up ------------------------------------------------------------------------------------------------------


def test_ready_only_when_finished_here_with_these_requirements(toy, tmp_path):
    assert load(toy).is_ready()
    copy = tmp_path / "moved"
    shutil.copytree(toy, copy, symlinks=True)
    moved = load(copy)
    assert not moved.is_ready(), "made in another folder"
    moved.STAMP.write_text(moved.fingerprint())
    assert moved.is_ready()
    (copy / "constraints.txt").write_text("tools==1.1\n")
    assert not moved.is_ready(), "made from other versions"
    moved.STAMP.write_text(moved.fingerprint()[:20])
    assert not moved.is_ready(), "a stamp cut short"
    moved.STAMP.unlink()
    assert not moved.is_ready(), "never finished"
    moved.STAMP.write_text(moved.fingerprint())
    moved.PYTHON.unlink()
    assert not moved.is_ready(), "its Python is gone"


@pytest.mark.skipif(os.name == "nt", reason="there is no SIGKILL on Windows")
def test_a_killed_set_up_is_mended_and_two_at_once_do_not_collide(tmp_path, wheels):
    folder = make_toy(tmp_path / "toy")
    command = [sys.executable, str(folder / "run.py"), "--wheels", str(wheels), "kit"]
    killed = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    while "putting pip into it" not in killed.stderr.readline():
        pass
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    killed.stderr.close()
    both = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in "ab"]
    outcomes = [one.communicate(timeout=120) for one in both]
    assert [one.returncode for one in both] == [0, 0], outcomes
    assert all(out.startswith("kit") for out, _ in outcomes)
    assert sum("making .venv" in err for _, err in outcomes) == 1


def test_a_cut_connection_is_one_sentence_and_leaves_no_stamp(tmp_path):
    folder = make_toy(tmp_path / "toy")
    done = call(folder, "kit")
    assert done.returncode == 2
    assert "connection to the package index failed" in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr
    assert not load(folder).is_ready()


def test_a_link_in_the_place_of_the_folder_is_not_followed(tmp_path):
    folder = make_toy(tmp_path / "toy")
    (tmp_path / "precious").mkdir()
    (tmp_path / "precious/file").write_text("keep")
    (folder / ".venv").symlink_to(tmp_path / "precious")
    assert "move it away" in call(folder, "kit").stderr
    assert (tmp_path / "precious/file").read_text() == "keep"


PRINTED = {
    "full": [
        "ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device",
        "error: Failed to install: a.whl\n  cause: failed to copy\n  cause: No space left (os error 28)",
        "error: There is not enough space on the disk. (os error 112)",
    ],
    "untrusted": [
        "error: Failed to fetch: `x`\n  cause: error sending request\n  cause: invalid peer certificate: UnknownIssuer",
        "SSLError(SSLCertVerificationError(1, '[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed'))",
    ],
    "cut": [
        "WARNING: Retrying after connection broken by 'NewConnectionError': [Errno -3] Temporary failure in name "
        "resolution\nERROR: No matching distribution found for uv==0.1",
        "error: Failed to fetch: `https://x/`\n  cause: error sending request for url\n  cause: dns error",
        "pip._vendor.urllib3.exceptions.ReadTimeoutError: HTTPSConnectionPool(host='x', port=443): Read timed out.",
        "ConnectionResetError: [Errno 104] Connection reset by peer",
    ],
    "lacking": [
        "ERROR: No matching distribution found for pandas==3.1.1",
        "    The user requested (constraint) tqdm==4.70.1\n\nERROR: ResolutionImpossible: for help visit https://x/",
    ],
    "other": ["Traceback\nRuntimeError: something else\n", ""],
}


@pytest.mark.parametrize(("kind", "text"), [(kind, text) for kind, texts in PRINTED.items() for text in texts])
def test_what_installers_print_becomes_one_sentence(kind, text):
    problem = load(ROOT).explain(text, "installing")
    assert problem.kind == kind
    assert "\n" not in str(problem)
    assert "{" not in str(problem)


def test_the_missing_wheel_is_named():
    assert "tqdm==4.70.1" in str(load(ROOT).explain(PRINTED["lacking"][1], "installing"))


def test_what_the_system_refuses_becomes_one_sentence():
    run = load(ROOT)
    assert "disk is full" in run.explain_os_error(OSError(errno.ENOSPC, "No space left on device"))
    assert "may not write to /x" in run.explain_os_error(OSError(errno.EROFS, "Read-only file system", "/x"))


def test_uv_hears_what_pip_was_told():
    told = "global.extra-index-url='https://a/simple\\nhttps://b/simple'\n:env:.cert='/c.pem'\nglobal.timeout='9'\n"
    settings = load(ROOT).uv_settings(told, {})
    assert settings == {
        "UV_INDEX": "https://a/simple https://b/simple",
        "UV_INDEX_STRATEGY": "unsafe-best-match",
        "SSL_CERT_FILE": "/c.pem",
    }
    assert load(ROOT).uv_settings(told, {"UV_INDEX_URL": "https://mine/"}) == {}
    assert "SSL_CERT_FILE" not in load(ROOT).uv_settings(told, {"SSL_CERT_FILE": "/mine.pem"})
