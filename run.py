#!/usr/bin/env python3
"""The one door to Retrace. It needs Python 3.11 or later, and nothing else.

    python3 run.py                 set up, execute the notebooks, write out/index.html
    python3 run.py test [--quick]  set up, run the tests (--quick: without the slow ones and without a browser)
    python3 run.py lab             open the notebooks in JupyterLab (--no-browser: print the address instead)
    python3 run.py bench [NAME]    run the benchmarks, or the one that is named
    python3 run.py kit ...         the kit's own command line; `python3 run.py kit --help` lists it

More arguments are passed on to the command. `--wheels DIR` sets up without any network, from a folder of wheels that
README.md tells how to fill. Everything is installed into .venv beside this file. A stamp, written last, says what it
was made from: a set-up that was interrupted, moved or outdated is made anew, and a good one costs nothing.
"""

import contextlib
import errno
import hashlib
import importlib.util
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

WINDOWS = os.name == "nt"
ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
PYTHON = VENV / ("Scripts/python.exe" if WINDOWS else "bin/python")
STAMP, LOG = VENV / "retrace-stamp.txt", VENV / "setup.log"
EXTRAS = ("test", "bench", "peers")

# What installers print when they fail, and what to tell the person; the first that matches is said.
FAILURES = (
    ("full", r"No space left on device|Disk quota exceeded|not enough space on the disk|os error (28|112|122)\b",
     "the disk is full: free some space for {venv} and the package cache, then run the same command again."),
    ("untrusted", r"CERTIFICATE_VERIFY_FAILED|invalid peer certificate",
     "the package index shows a certificate that is not trusted here: if your network inspects traffic, set PIP_CERT "
     "to the file of its certificate, then run the same command again."),
    ("cut", r"error sending request|dns error|error decoding response body|operation timed out|Max retries exceeded|"
     r"Connection ?(was |reset|refused|aborted|timeout|broken|timed out)|(Connect|Read) ?Timeout|IncompleteRead|"
     r"ProxyError|Network is unreachable|name resolution|Name or service not known|getaddrinfo failed",
     "the connection to the package index failed: check the network, or use --wheels as README.md shows, then run the "
     "same command again."),
    ("lacking", r"[^\n]*(No matching distribution|not found in the provided package|requested \(constraint\))[^\n]*",
     "a package for this system and Python {python} is missing ({match}): fill the --wheels folder on a computer of "
     "the same kind, or look at the package index that pip is set to use."),
    ("other", r"[^\n]*(?=\s*\Z)", "set-up stopped while {what} ({match}): {log} holds the whole story."),
)  # fmt: skip


class Problem(Exception):  # noqa: N818 - it is nobody's error yet
    """Something the person at the keyboard can mend: its text says how, in one sentence."""

    def __init__(self, sentence, kind="other"):
        super().__init__(sentence)
        self.kind = kind


def main(arguments):
    """Do what the command line asks and return the exit code."""
    try:
        if sys.version_info < (3, 11):
            raise Problem(
                "Retrace needs Python 3.11 or later and this is {}.{}: install a newer one from your system or from "
                "python.org and run it by its name, for example `python3.11 run.py`.".format(*sys.version_info)
            )
        command, rest, wheels = read_arguments(arguments)
        if command == "help":
            print(__doc__.strip())
            return 0
        signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
        set_up(wheels)
        return COMMANDS[command](rest)
    except Problem as problem:
        print(f"run.py: {problem}", file=sys.stderr)
    except OSError as error:
        print(f"run.py: {explain_os_error(error)}", file=sys.stderr)
    except KeyboardInterrupt:
        print("\nrun.py: stopped; the same command takes it up again.", file=sys.stderr)
        return 130
    return 2


def read_arguments(arguments):
    """Split the command line into the command, what is passed on to it, and the folder of wheels (or None)."""
    words, rest, wheels = list(arguments), [], None
    while words:
        word = words.pop(0)
        if rest[:1] != ["kit"] and word.split("=")[0] == "--wheels":
            wheels = Path(word.partition("=")[2] or (words.pop(0) if words else ".")).resolve()
            if not any(wheels.glob("*.whl")):
                raise Problem(f"--wheels: no .whl file lies in {wheels}: README.md tells how to fill such a folder.")
        else:
            rest.append(word)
    command = rest.pop(0) if rest else "walk"
    if command in ("-h", "--help", "help"):
        command = "help"
    elif command not in COMMANDS:
        raise Problem(f"'{command}' is no command: use {', '.join(COMMANDS)}, and put a command's options after it.")
    return command, rest, wheels


# --- the commands ----------------------------------------------------------------------------------------------------


def walk(rest):
    """Execute the notebooks and write the pages."""
    return hand_over(["-m", "kit", "walk", *rest])


def test(rest):
    """Run the tests in two processes; pytest's own exit code tells how they went."""
    quick = ["-m", "not slow and not browser"] if "--quick" in rest else []
    rest = [word for word in rest if word != "--quick"]
    return hand_over(["-m", "pytest", "-n", "2", "--dist", "loadfile", *quick, *rest])


def lab(rest):
    """Open JupyterLab on the first notebook, for this computer only."""
    notebooks = sorted(path.relative_to(ROOT).as_posix() for path in ROOT.glob("notebooks/[0-9][0-9]_*.ipynb"))
    if not notebooks:
        raise Problem(f"there is no notebook in {ROOT / 'notebooks'}: this copy is incomplete, clone it again.")
    subprocess.call([str(PYTHON), "-m", "jupyter", "trust", *notebooks], cwd=str(ROOT), env=environment())
    options = ["--ip=127.0.0.1", f"--ServerApp.root_dir={ROOT}", f"--LabApp.default_url=/lab/tree/{notebooks[0]}"]
    options.append("--LabApp.extension_manager=readonly")  # the other kind lists what the package index has
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        options.append("--allow-root")
    return hand_over(["-m", "jupyter", "lab", *options, *rest])


def bench(rest):
    """Run the benchmarks one after the other, or the one whose name is given."""
    scripts = sorted(ROOT.glob("benchmarks/[!_]*.py"))
    chosen = scripts
    if rest and not rest[0].startswith("-"):
        name, rest = rest[0], rest[1:]
        chosen = [path for path in scripts if path.stem == name] or [path for path in scripts if name in path.stem]
    if not chosen:
        raise Problem(f"no benchmark has that name; there are: {', '.join(path.stem for path in scripts) or 'none'}.")
    return max(subprocess.call([str(PYTHON), str(path), *rest], cwd=str(ROOT), env=environment()) for path in chosen)


def kit(rest):
    """Pass on to the kit's command line, in the folder where the person stands, so that relative paths hold."""
    return hand_over(["-P", "-m", "kit", *rest], folder=os.curdir)


COMMANDS = {"walk": walk, "test": test, "lab": lab, "bench": bench, "kit": kit}


def hand_over(arguments, folder=ROOT):
    """Become the command where the system can, so that signals and the exit code are the command's own."""
    os.chdir(str(folder))
    if WINDOWS:
        return subprocess.call([str(PYTHON), *arguments], env=environment())
    return os.execve(str(PYTHON), [str(PYTHON), *arguments], environment())


def environment():
    """What commands inherit: the person's settings, without those that would let other installations in."""
    outside = ("PYTHONHOME", "PYTHONPATH", "PIP_TARGET", "PIP_PREFIX", "__PYVENV_LAUNCHER__")
    kept = {name: value for name, value in os.environ.items() if name not in outside}
    kept.update(VIRTUAL_ENV=str(VENV), PATH=str(PYTHON.parent) + os.pathsep + kept.get("PATH", os.defpath))
    kept.update(PYTHONUTF8="1", PYTHONNOUSERSITE="1", JUPYTER_PREFER_ENV_PATH="1")
    kept.update(PIP_USER="0", PIP_NO_INPUT="1", PIP_DISABLE_PIP_VERSION_CHECK="1")
    return kept


# --- setting up ------------------------------------------------------------------------------------------------------


def set_up(wheels=None):
    """Leave a .venv that holds what pyproject.toml and constraints.txt say; do nothing if it is there already."""
    if is_ready():
        return
    with alone() as lock:
        if is_ready():
            return
        if Path(sys.prefix).resolve() == VENV:
            raise Problem("this Python is in .venv, which has to be renewed: use another one, `python3 run.py`.")
        if importlib.util.find_spec("ensurepip") is None or importlib.util.find_spec("venv") is None:
            raise Problem(
                "this Python cannot make a virtual environment: on Debian and Ubuntu `sudo apt install python3-venv` "
                "mends that, elsewhere install Python from python.org, then run the same command again."
            )
        say = Progress(lock)
        if VENV.exists():
            say.line("taking away the .venv that is no longer right")
        remove_old()
        VENV.mkdir()
        say.run("making .venv", [sys.executable, "-m", "venv", "--without-pip", VENV])
        say.run("putting pip into it", [PYTHON, "-m", "ensurepip", "--default-pip"])
        install(say, wheels)
        quiet_lab()
        STAMP.write_text(fingerprint(), encoding="utf-8")
        say.line("ready")


def is_ready():
    """Whether .venv was finished, for this folder, this Python and these requirements."""
    return PYTHON.exists() and STAMP.exists() and STAMP.read_bytes() == fingerprint().encode()


def fingerprint():
    """What a finished .venv depends on, in one line."""
    parts = [(ROOT / name).read_bytes() for name in ("pyproject.toml", "constraints.txt")]
    parts.append(repr((sys.version_info[:3], sys.platform, str(ROOT), EXTRAS)).encode())
    return hashlib.sha256(b"".join(hashlib.sha256(part).digest() for part in parts)).hexdigest()


def remove_old():
    """Take away what an earlier set-up left."""
    if VENV.is_symlink() or VENV.is_file():
        raise Problem(f"{VENV} is not the folder that set-up makes: move it away, then run the same command again.")
    try:
        if VENV.exists():
            shutil.rmtree(str(VENV))
    except OSError as error:
        reason = f"{VENV} cannot be renewed ({error.strerror}): close the programs that use it, then try again."
        raise Problem(reason) from error


def install(say, wheels):
    """Install the pinned requirements and the project itself: by uv, which is fast, or else by pip."""
    uv_pin = re.search(r"^uv==\S+", (ROOT / "constraints.txt").read_text(encoding="utf-8"), re.MULTILINE)[0]
    packages = ["-c", "constraints.txt", *requirements()]
    pip = [PYTHON, "-m", "pip", "install"]
    uv = [PYTHON, "-m", "uv", "pip", "install", "--python", PYTHON]
    if wheels:
        say.env.pop("PIP_FIND_LINKS", None)
        say.env["PIP_CONFIG_FILE"] = os.devnull
        pip += ["--no-index", "--find-links", wheels]
        uv += ["--no-index", "--find-links", wheels, "--offline", "--no-config"]
    installer = uv
    try:
        say.run("fetching uv", [*pip, uv_pin])
        if not wheels:
            told = subprocess.check_output([str(PYTHON), "-m", "pip", "config", "list"], env=say.env)
            say.env.update(uv_settings(told.decode("utf-8", "replace"), say.env))
        say.run("installing the packages by uv", [*uv, *packages])
    except Problem as problem:
        if problem.kind == "full" or (problem.kind == "cut" and say.what == "fetching uv"):
            raise
        say.line("that did not work; going on without uv")
        installer = pip
        say.run("installing the packages by pip", [*pip, *packages])
    say.run("installing the kit itself", [*installer, "--no-deps", "--no-build-isolation", "-e", "."])


def requirements():
    """What the project, its tests, its benchmarks and its build ask for, from pyproject.toml."""
    import tomllib  # here, because an old Python has to come as far as the sentence that it is too old

    data = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    wanted = [*data["build-system"]["requires"], *data["project"]["dependencies"]]
    return wanted + [name for extra in EXTRAS for name in data["project"]["optional-dependencies"][extra]]


def uv_settings(told, env):
    """Tell uv, which reads none of pip's settings, what `pip config list` says of the index and of certificates."""
    if any(name in env for name in ("UV_INDEX_URL", "UV_DEFAULT_INDEX", "UV_INDEX", "UV_EXTRA_INDEX_URL")):
        return {}
    names = {"index-url": "UV_DEFAULT_INDEX", "extra-index-url": "UV_INDEX", "cert": "SSL_CERT_FILE",
             "proxy": "ALL_PROXY", "trusted-host": "UV_INSECURE_HOST"}  # fmt: skip
    lines = re.findall(r"^(?:global|install|:env:)\.([\w-]+)='(.*)'\s*$", told, re.MULTILINE)
    found = {names[key]: " ".join(value.replace(r"\n", " ").split()) for key, value in lines if key in names}
    if "UV_INDEX" in found:
        found["UV_INDEX_STRATEGY"] = "unsafe-best-match"  # as pip does; every version is pinned
    return {name: value for name, value in found.items() if name not in env}


def quiet_lab():
    """Let JupyterLab ask nobody for news or updates, and keep every cell of a notebook on the page."""
    settings = {
        "@jupyterlab/apputils-extension:notification": {"fetchNews": "false", "checkForUpdates": False},
        "@jupyterlab/notebook-extension:tracker": {"windowingMode": "none"},
    }
    folder = VENV / "share" / "jupyter" / "lab" / "settings"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "overrides.json").write_text(json.dumps(settings, indent=2), encoding="utf-8")


@contextlib.contextmanager
def alone():
    """Hold the lock of this folder, after any other run.py that has it; it ends with its holder, however that ends."""
    with open(str(ROOT / ".venv.lock"), "a+b") as lock:
        if not take(lock):
            print("run.py: another run.py is setting up this folder; waiting until it is done.", file=sys.stderr)
            while not take(lock):
                time.sleep(0.2)
        yield lock


def take(lock):
    """Try to lock an open file; return whether it worked."""
    try:
        if WINDOWS:
            import msvcrt

            lock.seek(0)
            msvcrt.locking(lock.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno not in (errno.EACCES, errno.EAGAIN, errno.EDEADLK):
            raise
        return False
    return True


class Progress:
    """Runs the steps of set-up, tells the seconds since it began, and keeps what the steps print."""

    def __init__(self, lock):
        self.start, self.what, self.env = time.monotonic(), "", environment()
        # A step that outlives a killed run.py goes on holding the lock: the next set-up waits instead of colliding.
        self.apart = {} if WINDOWS else {"pass_fds": [lock.fileno()], "start_new_session": True}

    def line(self, text):
        print(f"[{time.monotonic() - self.start:4.0f} s] {text}", file=sys.stderr, flush=True)

    def run(self, what, command):
        """Run one step, with a sign of life every ten seconds; raise a `Problem` that explains its failure."""
        self.what = what
        self.line(what)
        with open(str(LOG), "ab") as log:
            begin = log.tell()
            step = subprocess.Popen([str(word) for word in command], cwd=str(ROOT), env=self.env, stdout=log,
                                    stdin=subprocess.DEVNULL, stderr=subprocess.STDOUT, **self.apart)  # fmt: skip
            try:
                while step.poll() is None:
                    with contextlib.suppress(subprocess.TimeoutExpired):
                        step.wait(timeout=10)
                        break
                    self.line(f"... still {what}")
            finally:
                if step.returncode is None:
                    step.kill() if WINDOWS else os.killpg(step.pid, signal.SIGKILL)
                    step.wait()
        if step.returncode:
            raise explain(LOG.read_bytes()[begin:].decode("utf-8", "replace"), what)


def explain(printed, what):
    """Make one sentence of what a failed step printed."""
    if shutil.disk_usage(str(ROOT)).free < 1_000_000:
        printed += "No space left on device"
    for kind, pattern, sentence in FAILURES:
        found = re.search(pattern, printed.rstrip(), re.IGNORECASE)
        if found:
            version = "{}.{}".format(*sys.version_info)
            return Problem(sentence.format(venv=VENV, log=LOG, what=what, python=version, match=found[0].strip()), kind)
    raise AssertionError("the last pattern matches anything")


def explain_os_error(error):
    """Make one sentence of what the operating system refused."""
    if error.errno == errno.ENOSPC:
        return FAILURES[0][2].format(venv=VENV)
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return f"this account may not write to {error.filename or ROOT}: put the folder where it may, then try again."
    return f"{error.strerror or error} ({error.filename or ROOT}): mend that, then run the same command again."


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
