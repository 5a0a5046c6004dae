"""Containers: what lies in a file, be it plain, compressed or an archive, as parts that are read as streams.

Nothing is ever extracted to disk: a member's name is only a label. Archives that smell of an attack (names that lead
out, links, absurd compression) are refused with a sentence. A stream that breaks off gives all that was whole, and
then says what is wrong in its `fault`; it raises nothing, so that the reader can account for the rest.
"""

import bz2
import io
import lzma
import os
import stat
import tarfile
import zipfile
import zlib
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path, PurePosixPath

import pyarrow as pa

from kit.errors import InputError

COMPRESSED = (".gz", ".bz2", ".xz", ".zst")
TARS = (".tar", ".tgz", ".tar.gz", ".tar.bz2", ".tar.xz", ".tar.zst")
MAX_MEMBERS = 100_000
MAX_RATIO = 300
RATIO_COUNTS_FROM = 64 << 20  # bytes that came out; below that a high ratio does no harm
_PIECE = 1 << 20
_MAGIC = {b"\x1f\x8b": ".gz", b"BZh": ".bz2", b"\xfd7zXZ\x00": ".xz", b"\x28\xb5\x2f\xfd": ".zst"}


@dataclass(frozen=True)
class Part:
    """Something that can be read: the file it lies in, its name for messages, and the size where it is known.

    `name` is the file's name (with the folders of the dump that it lies in), or "dump.zip/faces-1.csv" for a member;
    `label` is what a recipe's file pattern is held against: the last name, without the ending of a compression.
    `owner` is whose it is by where it lies, where that was told before its name was hidden; see `rows.owner_of`.
    """

    path: Path
    name: str
    label: str
    size: int | None
    opener: object
    owner: tuple = ()

    def open(self):
        """A stream with `read(n)` and `fault`: None, or what is wrong with the data from here on."""
        return self.opener()


def open_parts(path):
    """List what can be read in a file.

    Parameters
    ----------
    path : str or Path
        A plain file, one compressed as gz, bz2, xz or zst, or a zip or tar archive (itself compressed or not). What it
        is shows in its first bytes, not in its name.

    Returns
    -------
    list of Part
        One for a plain or compressed file; else one for each member that is a file, in order of name.

    Raises
    ------
    InputError
        An archive that is empty, damaged at its index, locked, holds a name that leads out or a link, or has more
        than 100,000 members.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = (Path(folder) / "a.csv").write_text("who,where")
    ...     [part] = open_parts(f"{folder}/a.csv")
    >>> part.name, part.label, part.size
    ('a.csv', 'a.csv', 9)
    """
    path = Path(path)
    with open(path, "rb") as stream:
        head = stream.read(512)
    if head.startswith(b"PK\x03\x04") or head.startswith(b"PK\x05\x06"):
        if path.suffix.lower() in (".xlsx", ".xlsm", ".ods"):
            return [_plain(path)]
        return _zip_parts(path)
    packing = next((ending for magic, ending in _MAGIC.items() if head.startswith(magic)), None)
    inner = Path(path.name).stem if packing and path.suffix.lower() in (*COMPRESSED, ".tgz") else path.name
    if packing:
        with _Unpacked(path, packing) as stream:
            head = stream.read(512)
    if head[257:262] == b"ustar" or path.name.lower().endswith(TARS):
        return _tar_parts(path, packing)
    if packing:
        return [Part(path, path.name, inner, None, lambda: _Unpacked(path, packing))]
    return [_plain(path)]


def file_digest(path):
    """SHA-256 of a file as it lies on disk."""
    digest = sha256()
    with open(path, "rb") as stream:
        while piece := stream.read(_PIECE):
            digest.update(piece)
    return digest


def fingerprint(path):
    """What changes when somebody writes to a file: size, time of the last change, and which file it is."""
    about = os.stat(path)
    return about.st_size, about.st_mtime_ns, about.st_ino


def is_plain(part):
    """Whether a part is a whole file as it lies on disk, so that hashing what is read hashes the file."""
    return isinstance(part.opener, _PlainOpener)


@dataclass(frozen=True)
class _PlainOpener:
    path: Path

    def __call__(self):
        return _Plain(self.path)


class _Stream:
    """What all streams here share: closing, and no fault until there is one."""

    fault = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        """Nothing to close."""


class _Plain(_Stream):
    def __init__(self, path):
        self._file = open(path, "rb")  # noqa: SIM115 - closed by close()

    def read(self, n):
        return self._file.read(n)

    def close(self):
        self._file.close()


class _Unpacked(_Stream):
    """A decompressed file. Several compressed streams end to end are read as one, as gzip itself does."""

    def __init__(self, path, packing):
        self.path, self.packing = path, packing
        self._file = open(path, "rb")  # noqa: SIM115 - closed by close()
        self._pull = _pull_zst(self._file) if packing == ".zst" else _pull(self._file, packing)
        self._spare, self._out = b"", 0

    def read(self, n):
        pieces, have = [self._spare], len(self._spare)
        while have < n and self.fault is None and self._pull is not None:
            try:
                piece = next(self._pull)
            except StopIteration:
                self._pull = None
            except EOFError:
                self.fault = f"the {self.packing[1:]} file breaks off here"
            except (OSError, zlib.error, lzma.LZMAError, ValueError):
                self.fault = f"the {self.packing[1:]} file is damaged from here on"
            else:
                pieces.append(piece)
                have += len(piece)
                self._out += len(piece)
                self._refuse_bomb()
        whole = b"".join(pieces)
        self._spare = whole[n:]
        return whole[:n]

    def _refuse_bomb(self):
        if self._out > RATIO_COUNTS_FROM and self._out > MAX_RATIO * max(self._file.tell(), 1):
            raise _bomb(self.path.name)

    def close(self):
        self._file.close()


def _pull(file, packing):
    """Decompressed pieces of at most a mebibyte; EOFError where the file ends too soon."""
    while True:
        decompressor = _Decompressor(packing)
        while not decompressor.eof:
            if decompressor.hungry:
                data = file.read(_PIECE >> 3)
                if not data:
                    raise EOFError
            else:
                data = b""
            piece = decompressor.decompress(data)
            if piece:
                yield piece
        left = decompressor.unused.lstrip(b"\0")
        if not left:
            left = file.read(_PIECE >> 3).lstrip(b"\0")
        if not left:
            return
        file.seek(file.tell() - len(left))


class _Decompressor:
    """zlib, bz2 and lzma behind one face, never giving more than a mebibyte at once."""

    def __init__(self, packing):
        self._zlib = packing == ".gz"
        make = {".gz": lambda: zlib.decompressobj(31), ".bz2": bz2.BZ2Decompressor,
                ".xz": lambda: lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=256 << 20)}
        self._inner = make[packing]()

    @property
    def eof(self):
        return self._inner.eof

    @property
    def hungry(self):
        return not self._inner.unconsumed_tail if self._zlib else self._inner.needs_input

    @property
    def unused(self):
        return self._inner.unused_data

    def decompress(self, data):
        return self._inner.decompress(self._inner.unconsumed_tail + data if self._zlib else data, _PIECE)


def _pull_zst(file):
    stream = pa.CompressedInputStream(pa.PythonFile(file, "r"), "zstd")
    while True:
        piece = stream.read(_PIECE)
        if not piece:
            return
        yield piece


class _Member(_Stream):
    """A zip member; the archive is opened once for all of them, since its index may be long."""

    def __init__(self, path, info, archive):
        self._info, self._path = info, path
        self._spare, self._out, self._member = b"", 0, None
        try:
            self._member = archive().open(info)
        except NotImplementedError:
            raise InputError(f"The archive {path.name} is packed in a way that cannot be read here; unpack it and "
                             "give the folder.") from None
        except (zipfile.BadZipFile, EOFError, OSError, ValueError):
            self.fault = "the archive is damaged here"

    def read(self, n):
        pieces, have = [self._spare], len(self._spare)
        while have < n and self.fault is None:
            try:
                piece = self._member.read1(_PIECE)
            except EOFError:
                self.fault = "the archive breaks off here"
                break
            except (zipfile.BadZipFile, zlib.error, lzma.LZMAError, OSError, ValueError):
                self.fault = "the archive is damaged from here on"
                break
            if not piece:
                if self._out < self._info.file_size:
                    self.fault = "the archive holds less than it says of this file"
                break
            pieces.append(piece)
            have += len(piece)
            self._out += len(piece)
            if self._out > RATIO_COUNTS_FROM and self._out > MAX_RATIO * max(self._info.compress_size, 1):
                raise _bomb(self._path.name)
        whole = b"".join(pieces)
        self._spare = whole[n:]
        return whole[:n]

    def close(self):
        if self._member is not None:
            self._member.close()


def _zip_parts(path):
    try:
        with zipfile.ZipFile(path) as archive:
            infos = archive.infolist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, EOFError):
        raise InputError(f"The archive {path.name} has no readable index, so it is damaged or cut short; get a whole "
                         "copy.") from None
    files = [info for info in infos if not info.filename.endswith("/")]  # is_dir() fails where there is no name
    if any(info.filename == "xl/workbook.xml" for info in files):
        return [_plain(path)]
    _check_infos(path, files)
    archive = cache(lambda: zipfile.ZipFile(path))
    return _members(path, [(i.filename, i.file_size, lambda i=i: _Member(path, i, archive)) for i in files])


def zip_members(part, stream):
    """The files in a zip that is no archive of a dump but one file of it, as a workbook is, by name.

    Parameters
    ----------
    part : Part
        For its name.
    stream : binary file that can be sought in
        The zip, open as long as the members are read.

    Returns
    -------
    dict of str to Part

    Raises
    ------
    InputError
        As for an archive: damaged, locked, a bomb, more than 100,000 members.
    """
    path = part.path.with_name(PurePosixPath(part.name).name)
    try:
        archive = zipfile.ZipFile(stream)
        infos = [info for info in archive.infolist() if not info.filename.endswith("/")]
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, EOFError):
        raise InputError(f"The file {part.name} has no readable index, so it is damaged or cut short; get a whole "
                         "copy.") from None
    _check_infos(path, infos)
    return {info.filename: Part(path, f"{part.name}/{info.filename}", info.filename, info.file_size,
                                lambda info=info: _Member(path, info, lambda: archive)) for info in infos}


class _Window(_Stream):
    """Some bytes in the middle of a tar archive."""

    def __init__(self, shared, start, size):
        self._shared, self._at, self._left = shared, start, size

    def read(self, n):
        n = min(n, self._left)
        data = self._shared.read_at(self._at, n) if n else b""
        self._at += len(data)
        self._left -= len(data)
        if len(data) < n:
            self.fault = self._shared.stream.fault or "the archive breaks off here"
            self._left = 0
        return data


class _Forward:
    """One stream for all members of a tar archive: read forward as long as they are asked for in their order."""

    def __init__(self, make):
        self._make, self.stream, self._at = make, None, 0

    def read_at(self, start, n):
        if self.stream is None or start < self._at:
            if self.stream is not None:
                self.stream.close()
            self.stream, self._at = self._make(), 0
        while self._at < start:
            skipped = len(self.stream.read(min(_PIECE, start - self._at)))
            self._at += skipped
            if not skipped:
                return b""
        data = self.stream.read(n)
        self._at += len(data)
        return data


def _tar_parts(path, packing):
    def make():
        return _Unpacked(path, packing) if packing else _Plain(path)

    found, links = [], False
    with make() as stream:
        try:
            with tarfile.open(fileobj=stream, mode="r|") as archive:
                for info in archive:
                    links = links or not (info.isfile() or info.isdir()) or info.issparse()
                    if info.isfile():
                        found.append((info.name, info.size, info.offset_data))
                    archive.members.clear()
                    if len(found) > MAX_MEMBERS:
                        break
        except (tarfile.TarError, EOFError, OSError, ValueError, OverflowError):
            pass  # what was found until here is read; the last of it then breaks off, and says so
    _check_members(path, [name for name, _, _ in found], links)
    shared = _Forward(make)
    order = sorted(found, key=lambda f: f[2])
    return _members(path, [(n, size, lambda at=at, size=size: _Window(shared, at, size)) for n, size, at in order],
                    keep_order=True)


def _members(path, members, keep_order=False):
    parts = [Part(path, f"{path.name}/{name}", PurePosixPath(name).name, size, opener)
             for name, size, opener in members if not PurePosixPath(name).name.startswith((".", "__MACOSX"))]
    if not parts:
        raise InputError(f"The archive {path.name} is empty; get a whole copy of the dump, or leave it out.")
    return parts if keep_order else sorted(parts, key=lambda part: part.name)


def _check_infos(path, infos):
    if any(info.flag_bits & 1 for info in infos):
        raise InputError(f"The archive {path.name} is locked with a password; unpack it and give the folder.")
    _check_members(path, [info.filename for info in infos],
                   any(stat.S_ISLNK(info.external_attr >> 16) for info in infos))
    if any(i.file_size > RATIO_COUNTS_FROM and i.file_size > MAX_RATIO * max(i.compress_size, 1) for i in infos):
        raise _bomb(path.name)


def _check_members(path, names, links):
    if len(names) > MAX_MEMBERS:
        raise InputError(f"The archive {path.name} holds more than {MAX_MEMBERS:,} files; unpack what you need of it "
                         "and give the folder.")
    if not all(names):
        raise InputError(f"The archive {path.name} holds a file without a name, as only a damaged or hostile one does; "
                         "nothing of it was read: get a whole copy.")
    if any(_leads_out(name) for name in names):
        raise InputError(f"The archive {path.name} holds a file whose name leads out of it (an absolute path, or ..), "
                         "as only a damaged or hostile one does; nothing of it was read.")
    if links:
        raise InputError(f"The archive {path.name} holds links or devices instead of plain files; nothing of it was "
                         "read: unpack it with care and give the folder.")


def _leads_out(name):
    name = name.replace("\\", "/")
    return name.startswith("/") or ".." in name.split("/") or name[1:2] == ":" or "\0" in name


def _plain(path):
    return Part(path, path.name, path.name, path.stat().st_size, _PlainOpener(path))


def _bomb(name):
    return InputError(f"The file {name} grows more than {MAX_RATIO} times when unpacked, as only a zip bomb does; "
                      "nothing was kept: unpack it yourself if you trust it, and give the folder.")


def seekable(part):
    """The part as something that can be sought in, for formats whose index lies at the end.

    A plain file is opened where it lies; anything else is unpacked into memory, and refused above 1 GiB.
    """
    if is_plain(part):
        return open(part.path, "rb")
    whole = io.BytesIO()
    with part.open() as stream:
        while piece := stream.read(_PIECE):
            whole.write(piece)
            if whole.tell() > 1 << 30:
                raise InputError(f"The file {part.name} is too large to be read inside its container; unpack it first.")
        if stream.fault:
            raise InputError(f"The file {part.name} cannot be read: {stream.fault}; get a whole copy.")
    whole.seek(0)
    return whole
