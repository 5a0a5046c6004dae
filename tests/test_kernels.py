"""Compiled functions are dropped when, and only when, a module of their package changes."""

import errno
import os
from pathlib import Path

import pytest

from kit import kernels


@pytest.fixture
def package(tmp_path):
    for name in ("__init__", "one", "two"):
        (tmp_path / f"{name}.py").write_text("x = 1\n")
    (tmp_path / "__pycache__").mkdir()
    kernels.forget_stale(tmp_path / "__init__.py")
    (tmp_path / "__pycache__" / "one.f-1.py311.nbi").write_text("index")
    (tmp_path / "__pycache__" / "one.f-1.py311.1.nbc").write_text("code")
    return tmp_path


def kept(package):
    return {file.suffix for file in (package / "__pycache__").iterdir()} & {".nbi", ".nbc"}


def test_nothing_is_dropped_while_nothing_changes(package):
    assert not kernels.forget_stale(package / "__init__.py")
    assert kept(package) == {".nbi", ".nbc"}


def test_a_change_in_another_module_drops_what_was_compiled(package):
    (package / "two.py").write_text("x = 22\n")
    assert kernels.forget_stale(package / "__init__.py")
    assert kept(package) == set()
    assert not kernels.forget_stale(package / "__init__.py")


def test_a_changed_time_alone_counts_as_a_change(package):
    os.utime(package / "two.py", (1, 1))
    assert kernels.forget_stale(package / "__init__.py")
    assert kept(package) == set()


def test_a_package_that_was_never_run_is_no_problem(tmp_path):
    (tmp_path / "__init__.py").write_text("")
    assert kernels.forget_stale(tmp_path / "__init__.py")


def test_where_nothing_can_be_written_nothing_is_kept(package, monkeypatch):
    def refuse(*_, **__):
        raise OSError(errno.EROFS, "Read-only file system")

    (package / "two.py").write_text("x = 22\n")
    monkeypatch.setattr(Path, "write_text", refuse)
    assert not kernels.forget_stale(package / "__init__.py")
