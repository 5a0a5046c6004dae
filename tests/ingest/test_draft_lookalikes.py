"""Drafts of invented files in the layouts of public mobility data, against what a person would say of each field."""

import importlib.util
import sys
from pathlib import Path

import pytest

from kit.ingest import sanitize

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"


def _layouts():
    spec = importlib.util.spec_from_file_location("_layouts", BENCHMARKS / "_layouts.py")
    sys.modules["_layouts"] = module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


layouts = _layouts()


@pytest.mark.parametrize("make", layouts.MAKERS + layouts.HELD_OUT, ids=lambda make: make.__name__)
def test_nine_fields_in_ten_are_right_and_nothing_is_lost(tmp_path, make):
    dump = tmp_path / "dump"
    dump.mkdir()
    recipe, right, wrong = layouts.judged(dump, make)
    assert len(recipe.sources) == (2 if make is layouts.calls_and_towers else 1)
    assert right >= 9 * len(wrong), wrong
    if set(recipe.sources[0].makes) & {"fixes", "sightings"}:
        report = sanitize(dump, recipe, bytes(range(32)), tmp_path / "out", tz="Etc/GMT-8")
        assert report.rows_in == report.rows_kept
        assert report.rows_in >= 240
