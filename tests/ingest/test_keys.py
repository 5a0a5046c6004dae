"""The case's key: made once, private, refused where it could get out."""

import os
import stat
import subprocess

import pytest

from kit import cli
from kit.errors import InputError
from kit.ingest import case_key, pseudonym
from kit.ingest.keys import KEY_FILE

posix = pytest.mark.skipif(os.name != "posix", reason="file modes mean nothing here")


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "case" / "private"


def test_it_is_made_once_and_is_the_same_ever_after(folder):
    first = case_key(folder)
    assert case_key(folder) == first
    assert (folder / KEY_FILE).read_bytes() == first
    assert [p.name for p in folder.iterdir()] == [KEY_FILE]
    assert len(bytes.fromhex(first.decode())) == 32


def test_two_cases_have_two_keys_and_share_no_pseudonym(tmp_path):
    here, there = case_key(tmp_path / "a"), case_key(tmp_path / "b")
    assert pseudonym("SYN-P-0000123", "person", here) == pseudonym("SYN-P-0000123", "person", case_key(tmp_path / "a"))
    assert pseudonym("SYN-P-0000123", "person", here) != pseudonym("SYN-P-0000123", "person", there)


@posix
def test_only_its_owner_may_read_it_whatever_the_umask(folder):
    before = os.umask(0)
    try:
        case_key(folder)
    finally:
        os.umask(before)
    assert stat.S_IMODE((folder / KEY_FILE).stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


@posix
def test_a_folder_or_a_key_that_others_may_read_is_refused(folder):
    folder.mkdir(parents=True)
    folder.chmod(0o755)
    with pytest.raises(InputError, match="chmod 700"):
        case_key(folder)
    assert list(folder.iterdir()) == []
    folder.chmod(0o700)
    case_key(folder)
    (folder / KEY_FILE).chmod(0o640)
    with pytest.raises(InputError, match="chmod 600"):
        case_key(folder)


def repository(folder, ignored=""):
    folder.mkdir(parents=True)
    subprocess.run(["git", "init", "--quiet", str(folder)], check=True)
    (folder / ".gitignore").write_text(ignored)
    return folder


def test_a_folder_that_git_would_publish_is_refused(tmp_path):
    inside = repository(tmp_path / "repo") / "private"
    with pytest.raises(InputError, match="Git repository"):
        case_key(inside)
    assert not inside.exists()


def test_a_folder_that_git_ignores_will_do_until_the_key_is_tracked_after_all(tmp_path):
    inside = repository(tmp_path / "repo", "private/\n") / "private"
    assert case_key(inside) == case_key(inside)
    subprocess.run(["git", "-C", str(tmp_path / "repo"), "add", "--force", f"private/{KEY_FILE}"], check=True)
    with pytest.raises(InputError, match="Git repository"):
        case_key(inside)


@pytest.mark.parametrize("text", ["", "0123456789abcdef\n"])
def test_half_a_key_is_no_key(folder, text):
    case_key(folder)
    (folder / KEY_FILE).write_text(text)
    with pytest.raises(InputError, match="no whole key"):
        case_key(folder)


@posix
def test_links_are_not_followed(tmp_path, folder):
    case_key(folder)
    (tmp_path / "other").mkdir(mode=0o700)
    (tmp_path / "other" / KEY_FILE).symlink_to(folder / KEY_FILE)
    (tmp_path / "link").symlink_to(folder)
    for place in (tmp_path / "other", tmp_path / "link"):
        with pytest.raises(InputError):
            case_key(place)


def test_the_command_line_makes_a_key_in_a_folder_but_none_for_a_file_that_is_missing(folder, tmp_path):
    folder.mkdir(parents=True, mode=0o700)
    folder.chmod(0o700)
    assert cli._read_key(folder) == case_key(folder) == cli._read_key(folder / KEY_FILE)
    with pytest.raises(InputError, match="key file"):
        cli._read_key(tmp_path / "no.key")
    assert not (tmp_path / "no.key").exists()
