"""Compiled code kept on disk must not outlive the source it was made from.

Numba keeps compiled functions beside their module and looks only at that module when it decides whether they are
still good. A function that calls one of another module goes on running the old one after that has changed.
"""

import hashlib
from pathlib import Path


def forget_stale(package_file):
    """Drop a package's compiled functions when any of its modules changed since they were made.

    Parameters
    ----------
    package_file : str
        The package's `__file__`. Where the folder cannot be written to, nothing is kept there either.

    Returns
    -------
    bool
        Whether anything had changed.
    """
    folder = Path(package_file).parent
    kept, stamp = folder / "__pycache__", _stamp(folder)
    note = kept / "kernels.stamp"
    try:
        if note.exists() and note.read_text() == stamp:
            return False
        for file in [*kept.glob("*.nbi"), *kept.glob("*.nbc")]:
            file.unlink(missing_ok=True)
        kept.mkdir(exist_ok=True)
        note.write_text(stamp)
    except OSError:  # no right to write here, or a file system without any
        return False
    return True


def _stamp(folder):
    modules = sorted((file.name, file.stat().st_size, file.stat().st_mtime_ns) for file in folder.glob("*.py"))
    return hashlib.sha256(repr(modules).encode()).hexdigest()
