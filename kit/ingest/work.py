"""The work folder of an ingest: what is finished stays, so that an interrupted run goes on where it stopped.

`.NAME.partial` beside the exposure to be. Each file of the dump that has been read leaves its parts there and, once
they are whole, an entry in the journal. Parts hold no raw identifier: records come pseudonymised, and what is only
tallied in the end is sealed. The exposure itself is put together in `whole` and moved to its place in one step.
"""

import errno
import hashlib
import json
import os
import shutil
from contextlib import contextmanager
from pathlib import Path

from kit.errors import InputError

_FULL = {errno.ENOSPC, errno.EFBIG, getattr(errno, "EDQUOT", errno.ENOSPC)}
_BINDING, _LOCK = "binding.json", "lock"


@contextmanager
def open_work(out, binding):
    """A work folder bound to what is read and how; it becomes `out` if all goes well.

    Parameters
    ----------
    out : Path
        The exposure to be.
    binding : dict
        All that the outcome depends on, as JSON takes it. What another binding left behind is thrown away.

    Yields
    ------
    Work

    Raises
    ------
    InputError
        If the folder cannot be made, another run is at work in it, or its disk is full. Any other mistake (KitError)
        removes the folder, since to repeat the run would only repeat it; so does an interruption before any file was
        finished. Every other interruption leaves it.
    """
    out = Path(out).absolute()
    folder = out.parent / f".{out.name}.partial"
    lock = _locked(folder, out)
    work, keep = None, False
    try:
        work = Work(folder, binding)
        yield work
        if out.exists():
            out.rmdir()
        work.whole.rename(out)
    except OSError as error:
        keep = bool(work and work.journal)
        if error.errno not in _FULL:
            raise
        kept = f"free some room and run the same again, it goes on from what {folder} holds (or delete that folder)"
        raise InputError(f"The disk of {out.parent} is full, so {out.name} was not written; "
                         f"{kept if keep else 'free some room and run it again'}.") from None
    except (KeyboardInterrupt, SystemExit, MemoryError):
        keep = bool(work and work.journal)
        raise
    finally:
        if not keep:
            shutil.rmtree(folder, ignore_errors=True)
        os.close(lock)


class Work:
    """A locked work folder: the journal of finished files, and where their parts lie."""

    def __init__(self, folder, binding):
        self.folder, self.whole = folder, folder / "whole"
        self._binding = hashlib.sha256(json.dumps(binding, sort_keys=True).encode()).hexdigest()
        self.journal = self._finished()
        if not self.journal:
            self._begin()
        for left in (self.whole, folder / "scratch"):
            shutil.rmtree(left, ignore_errors=True)
            left.mkdir()

    @property
    def scratch(self):
        """A folder for what one run needs for itself."""
        return self.folder / "scratch"

    @contextmanager
    def part(self, name):
        """A new part of the file that is being read, to write into; on disk for good afterwards."""
        with open(self.path(len(self.journal), name), "wb") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())

    def path(self, number, name):
        """Where a part of a file of the dump lies; the files are numbered in the order they are read."""
        return self.folder / f"{number:06d}.{name}"

    def finish(self, entry):
        """The next file is read, and all its parts are written: an entry in the journal says so, in one step."""
        number = len(self.journal)
        parts = {p.name: _file_hash(p) for p in sorted(self.folder.glob(f"{number:06d}.*"))
                 if not p.name.endswith((".json", ".new"))}
        new, done = self.path(number, "new"), self.path(number, "json")
        with open(new, "w", encoding="utf-8", newline="\n") as stream:
            json.dump({"binding": self._binding, "parts": parts, "entry": entry}, stream)
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(new, done)
        self.journal.append(entry)

    def _finished(self):
        """The entries of a journal that is whole and bound as this run is; else none."""
        entries = []
        try:
            if json.loads((self.folder / _BINDING).read_text(encoding="utf-8")) != self._binding:
                return []
            while self.path(len(entries), "json").exists():
                one = json.loads(self.path(len(entries), "json").read_text(encoding="utf-8"))
                if one["binding"] != self._binding or any(
                        _file_hash(self.folder / name) != known for name, known in one["parts"].items()):
                    return []
                entries.append(one["entry"])
        except (OSError, ValueError, TypeError, KeyError, AttributeError):
            return []
        return entries

    def _begin(self):
        """Throw away whatever lies here, and say what this folder is bound to."""
        for left in self.folder.iterdir():
            if left.name != _LOCK:
                shutil.rmtree(left) if left.is_dir() and not left.is_symlink() else left.unlink()
        (self.folder / _BINDING).write_text(json.dumps(self._binding), encoding="utf-8")


def _locked(folder, out):
    """Make the folder, readable by its owner alone, and hold its lock; the handle is to be closed."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if folder.is_symlink():
            raise NotADirectoryError(errno.ENOTDIR, "it is a link")
        handle = os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise InputError(f"The folder {out.parent} cannot be written to ({error.strerror}); choose another.") from None
    try:
        _hold(handle)
        alone = os.fstat(handle).st_ino == os.stat(folder / _LOCK).st_ino
    except OSError:
        alone = False
    if not alone:
        os.close(handle)
        raise InputError(f"Another run is writing {out.name} in {folder} at this moment; wait for it to end, or choose "
                         "another folder.")
    return handle


def _hold(handle):
    """Lock an open file for this process; the system lets go when the process ends, however it ends."""
    if os.name == "nt":
        import msvcrt

        msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
    else:
        import fcntl

        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _file_hash(path):
    with open(path, "rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
