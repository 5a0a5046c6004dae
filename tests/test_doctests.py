"""Every example in a docstring of the kit runs and prints what it says."""

import doctest
import importlib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
MODULES = sorted(
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
    for path in (ROOT / "kit").rglob("*.py")
    if path.name != "__main__.py" and "assets" not in path.parts
)


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_of(name, monkeypatch):
    monkeypatch.chdir(ROOT)
    module = importlib.import_module(name)
    options = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS
    assert doctest.testmod(module, optionflags=options).failed == 0


def test_there_are_examples_to_run():
    finder = doctest.DocTestFinder()
    examples = [test for name in MODULES for test in finder.find(importlib.import_module(name)) if test.examples]
    assert len(examples) >= 10
