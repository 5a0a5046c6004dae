"""The case's key: made once, kept in the case's private folder, readable by its owner alone, and nowhere else.

Who has the key can make the pseudonym of anybody they know and find them in the data, so it must not travel with the
data: not into a repository, not into a folder that others may read, not into a report. Losing it costs the link between
an old ingest and a new one, and no more.
"""

import os
import secrets
import stat
import subprocess
from pathlib import Path

from kit.errors import InputError
from kit.ingest.identifiers import check_key

KEY_FILE = "pseudonym.key"
_BYTES = 32


def case_key(folder):
    """The key of a case, made on first use.

    The file `pseudonym.key` in the folder holds 32 random bytes as 64 hexadecimal digits and a line end; the digits, as
    they stand, are the key. Only its owner may read it (mode 0600), and a new folder is made 0700.

    Parameters
    ----------
    folder : str or Path
        The case's private folder, outside any repository or ignored by it.

    Returns
    -------
    bytes
        64 of them, for `sanitize`.

    Raises
    ------
    InputError
        If Git would take the folder's files in; if others on this computer may read the folder or the file, where the
        system can tell; if the file holds no whole key.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     first, again = case_key(folder), case_key(folder)
    >>> len(first), first == again
    (64, True)
    """
    folder = Path(folder)
    _check_private_folder(folder)
    file = folder / KEY_FILE
    if not os.path.lexists(file):
        _make(file)
    return _read(file)


def _check_private_folder(folder):
    if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
        raise InputError(f"{folder} is no folder of its own; give the case's private folder.")
    _check_git(folder)
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        mode = folder.stat().st_mode
    except OSError as error:
        raise InputError(f"The folder {folder} cannot be used ({error.strerror}); choose another.") from None
    if os.name == "posix" and mode & (stat.S_IROTH | stat.S_IXOTH):
        raise InputError(f"Others on this computer may look into {folder}, so no key is kept there; "
                         f"run chmod 700 on it first.")


def _check_git(folder):
    """Refuse a folder inside a repository unless Git ignores the key file there."""
    real = folder.resolve()
    inside = next((p for p in (real, *real.parents) if (p / ".git").exists()), None)
    if inside is None:
        return
    at = os.path.relpath(real / KEY_FILE, inside)
    if _git(inside, "check-ignore", "--quiet", "--", at) == 0 and _git(inside, "ls-files", "--error-unmatch", "--", at):
        return
    raise InputError(f"The folder {folder} lies in a Git repository that does not ignore it, so the key could be "
                     "published with it; choose a folder outside, or add it to .gitignore.")


def _git(folder, *words):
    """Git's exit code; no Git, no leave."""
    try:
        return subprocess.run(["git", "-c", "core.fsmonitor=false", "-C", str(folder), *words], capture_output=True,
                              stdin=subprocess.DEVNULL, check=False).returncode
    except OSError:
        return 128


def _make(file):
    try:
        handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return
    except OSError as error:
        raise InputError(f"No key could be made in {file.parent} ({error.strerror}); choose another folder.") from None
    with os.fdopen(handle, "wb") as stream:
        stream.write(secrets.token_hex(_BYTES).encode())
        stream.flush()
        os.fsync(stream.fileno())


def _read(file):
    try:
        handle = os.open(file, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0))
        with os.fdopen(handle, "rb") as stream:
            mode = os.fstat(stream.fileno()).st_mode
            key = stream.read(4096).strip()
    except OSError as error:
        raise InputError(f"The key file {file} cannot be read ({error.strerror}); it must be a file of your "
                         "own.") from None
    if os.name == "posix" and mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise InputError(f"Others on this computer may read {file}; run chmod 600 on it, and make a new key if "
                         "somebody may have seen it.")
    if len(key) != 2 * _BYTES:
        raise InputError(f"The key file {file} holds no whole key; if it was never used, delete it, and a new one is "
                         "made.")
    check_key(key)
    return key
