"""The fuzzing of benchmarks/fuzz.py, 2,000 inputs of each reader: every form that a recipe may name is among them."""

import importlib.util
import sys
from pathlib import Path

import pytest

from kit.ingest import formats

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"


def load(name):
    spec = importlib.util.spec_from_file_location(name, BENCHMARKS / f"{name}.py")
    sys.modules[name] = module = importlib.util.module_from_spec(spec)  # dataclasses look there
    spec.loader.exec_module(module)
    return module


seeds, fuzz = load("_seeds"), load("fuzz")


def test_every_form_has_seeds():
    assert set(formats.READERS) <= set(seeds.READERS)


@pytest.mark.parametrize("reader", seeds.READERS)
def test_the_seeds_are_valid(reader, tmp_path):
    assert {seeds.READERS[reader].act(whole, tmp_path) for whole in seeds.READERS[reader].seeds()} == {"read"}


@pytest.mark.slow
@pytest.mark.parametrize("reader", seeds.READERS)
def test_no_input_crashes_a_reader_or_loses_a_record(reader):
    result = fuzz.fuzz(reader, 2_000, seed=1)
    assert (result.inputs, result.failures) == (2_000, {})


def test_the_same_seed_gives_the_same_inputs():
    one, two, other = (list(fuzz.mutations([b"who,where\n1,2\n"], seed, 50)) for seed in (3, 3, 4))
    assert one == two != other


@pytest.mark.parametrize("act", [lambda data, folder: 1 / (len(data) - 9), lambda data, folder: [].pop()])
def test_a_crash_is_told_with_its_input(monkeypatch, act):
    monkeypatch.setitem(fuzz.READERS, "broken", seeds.Reader(lambda: [], act))
    monkeypatch.setattr(fuzz, "mutations", lambda *_: [b"123456789"])
    result = fuzz.fuzz("broken", 1)
    assert [data for _, data in result.failures.values()] == [b"123456789"]
