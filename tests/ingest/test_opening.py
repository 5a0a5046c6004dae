import bz2
import gzip
import io
import lzma
import tarfile
import zipfile

import pyarrow as pa
import pytest

from kit.errors import InputError
from kit.ingest import opening

TEXT = b"one\ntwo\nthree\n"


def written(tmp_path, name, data):
    (tmp_path / name).write_bytes(data)
    return tmp_path / name


def all_of(part, size=5):
    with part.open() as stream:
        pieces = list(iter(lambda: stream.read(size), b""))
        assert all(len(piece) == size for piece in pieces[:-1])
        return b"".join(pieces), stream.fault


def zst(data):
    return pa.compress(data, codec="zstd", asbytes=True)


def zipped(tmp_path, members, name="dump.zip"):
    with zipfile.ZipFile(tmp_path / name, "w", zipfile.ZIP_DEFLATED) as archive:
        for member, data in members.items():
            archive.writestr(member, data)
    return tmp_path / name


def tarred(tmp_path, members, name="dump.tar", mode="w"):
    with tarfile.open(tmp_path / name, mode) as archive:
        for member, data in members.items():
            info = tarfile.TarInfo(member)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return tmp_path / name


@pytest.mark.parametrize(("name", "pack"), [
    ("a.csv.gz", gzip.compress), ("a.csv.bz2", bz2.compress), ("a.csv.xz", lzma.compress), ("a.csv.zst", zst),
    ("a.csv", bytes)])
def test_one_file_is_one_part_whose_label_lacks_the_packing(tmp_path, name, pack):
    [part] = opening.open_parts(written(tmp_path, name, pack(TEXT)))
    assert (part.name, part.label) == (name, "a.csv")
    assert all_of(part) == (TEXT, None)


def test_a_packing_is_told_by_its_bytes_and_not_by_its_name(tmp_path):
    [part] = opening.open_parts(written(tmp_path, "faces.json", gzip.compress(TEXT)))
    assert (part.label, all_of(part)) == ("faces.json", (TEXT, None))
    [plain] = opening.open_parts(written(tmp_path, "plain.gz", TEXT))
    assert (plain.label, all_of(plain)) == ("plain.gz", (TEXT, None))


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress])
def test_packed_streams_end_to_end_are_one(tmp_path, pack):
    [part] = opening.open_parts(written(tmp_path, "a", pack(TEXT) + pack(b"four\n")))
    assert all_of(part) == (TEXT + b"four\n", None)


@pytest.mark.parametrize(("ending", "pack"), [("gz", gzip.compress), ("bz2", bz2.compress), ("xz", lzma.compress)])
def test_a_stream_cut_short_gives_what_was_whole_and_says_so(tmp_path, ending, pack):
    data = pack(bytes(range(256)) * 4000)
    [part] = opening.open_parts(written(tmp_path, "a", data[: len(data) - 6]))
    got, fault = all_of(part, 1000)
    assert fault == f"the {ending} file breaks off here"
    assert (bytes(range(256)) * 4000).startswith(got)


def test_a_damaged_stream_says_so(tmp_path):
    data = bytearray(gzip.compress(TEXT * 100))
    data[-5] ^= 255
    [part] = opening.open_parts(written(tmp_path, "a.gz", bytes(data)))
    assert all_of(part)[1] == "the gz file is damaged from here on"


def test_members_of_a_zip_come_in_order_of_name(tmp_path):
    parts = opening.open_parts(zipped(tmp_path, {"b/2.csv": TEXT, "a/1.csv": b"x", "a/": b"", "__MACOSX/._1": b"y"}))
    assert [(p.name, p.label, p.size) for p in parts] == [
        ("dump.zip/a/1.csv", "1.csv", 1), ("dump.zip/b/2.csv", "2.csv", len(TEXT))]
    assert [all_of(p) for p in parts] == [(b"x", None), (TEXT, None)]


@pytest.mark.parametrize(("name", "mode"), [
    ("d.tar", "w"), ("d.tar.gz", "w:gz"), ("d.tgz", "w:gz"), ("d.tar.xz", "w:xz")])
def test_members_of_a_tar_are_read_in_any_order(tmp_path, name, mode):
    long = "folder/" + "n" * 150 + ".csv"
    parts = opening.open_parts(tarred(tmp_path, {"a.csv": TEXT, long: b"x" * 2000, "c.csv": b""}, name, mode))
    assert [p.name for p in parts] == [f"{name}/a.csv", f"{name}/{long}", f"{name}/c.csv"]
    for order in (parts, parts[::-1]):
        assert {p.label: all_of(p) for p in order} == {
            "a.csv": (TEXT, None), long[7:]: (b"x" * 2000, None), "c.csv": (b"", None)}


def test_a_tar_cut_short_gives_the_members_that_are_there(tmp_path):
    path = tarred(tmp_path, {"a.csv": TEXT, "b.csv": b"x" * 2000})
    path.write_bytes(path.read_bytes()[: 512 + 512 + 512 + 700])
    assert [all_of(p) for p in opening.open_parts(path)] == [(TEXT, None), (b"x" * 700, "the archive breaks off here")]


def test_a_damaged_member_gives_what_it_can(tmp_path):
    path = zipped(tmp_path, {"a.csv": TEXT})
    data = bytearray(path.read_bytes())
    data[data.index(b"a.csv") + 7] ^= 255
    path.write_bytes(bytes(data))
    [part] = opening.open_parts(path)
    assert all_of(part)[1] == "the archive is damaged from here on"


@pytest.mark.parametrize("name", ["../out.csv", "a/../../out.csv", "/etc/out.csv", "..\\out.csv", "C:\\out.csv"])
def test_names_that_lead_out_are_refused(tmp_path, name):
    for path in (zipped(tmp_path, {"a.csv": TEXT, name: b""}), tarred(tmp_path, {"a.csv": TEXT, name: b""})):
        with pytest.raises(InputError, match=f"The archive {path.name} holds a file whose name leads out of it"):
            opening.open_parts(path)


def test_links_in_archives_are_refused(tmp_path):
    with tarfile.open(tmp_path / "l.tar", "w") as archive:
        link = tarfile.TarInfo("a.csv")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link)
    info = zipfile.ZipInfo("a.csv")
    info.external_attr = 0o120777 << 16
    with zipfile.ZipFile(tmp_path / "l.zip", "w") as archive:
        archive.writestr(info, "/etc/passwd")
    for name in ("l.tar", "l.zip"):
        with pytest.raises(InputError, match=f"The archive {name} holds links or devices"):
            opening.open_parts(tmp_path / name)


def test_an_empty_archive_is_refused(tmp_path):
    for path in (zipped(tmp_path, {}), tarred(tmp_path, {}), tarred(tmp_path, {}, "e.tar.gz", "w:gz")):
        with pytest.raises(InputError, match=f"The archive {path.name} is empty"):
            opening.open_parts(path)


def test_a_zip_cut_short_has_no_index(tmp_path):
    path = zipped(tmp_path, {"a.csv": TEXT * 100})
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(InputError, match="no readable index"):
        opening.open_parts(path)


def test_bombs_are_refused_before_they_fill_anything(tmp_path, monkeypatch):
    monkeypatch.setattr(opening, "RATIO_COUNTS_FROM", 1 << 20)
    zeros = bytes(4 << 20)
    with pytest.raises(InputError, match=r"The file dump.zip grows more than 300 times .* zip bomb"):
        opening.open_parts(zipped(tmp_path, {"a.csv": zeros}))
    for name, pack in (("a.gz", gzip.compress), ("a.bz2", bz2.compress), ("a.xz", lzma.compress)):
        [part] = opening.open_parts(written(tmp_path, name, pack(zeros)))
        with pytest.raises(InputError, match=f"The file {name} grows more than 300 times"):
            all_of(part, 1 << 16)


def test_a_zip_that_hides_its_size_is_refused_while_it_grows(tmp_path, monkeypatch):
    monkeypatch.setattr(opening, "RATIO_COUNTS_FROM", 1 << 20)
    path = zipped(tmp_path, {"a.csv": bytes(4 << 20)})
    data = path.read_bytes().replace((4 << 20).to_bytes(4, "little"), (1 << 19).to_bytes(4, "little"))
    path.write_bytes(data)
    [part] = opening.open_parts(path)
    got, fault = all_of(part, 1 << 16)
    assert len(got) <= 1 << 19
    assert fault == "the archive is damaged from here on"


def test_too_many_members_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(opening, "MAX_MEMBERS", 2)
    for path in (zipped(tmp_path, dict.fromkeys("abc", b"")), tarred(tmp_path, dict.fromkeys("abc", b""))):
        with pytest.raises(InputError, match="holds more than 2 files"):
            opening.open_parts(path)


def test_a_file_is_hashed_as_it_lies_on_disk(tmp_path):
    path = written(tmp_path, "a.gz", b"abc")
    assert opening.file_digest(path).hexdigest().startswith("ba7816bf8f01cfea")
