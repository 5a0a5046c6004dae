"""The house rules for notebooks, each one a test."""

import ast
import re
from itertools import pairwise
from pathlib import Path
from statistics import median

import nbformat
import pytest

ROOT = Path(__file__).resolve().parents[2]
PATHS = sorted((ROOT / "notebooks").glob("*.ipynb"))
FIRST_CELL = ("**You will be able to**", "**Before you start**", "**Time**", "**Data**", "**May not be used for**")
LAST_CELL = ("**Three points to keep**", "**What it does not show**", "**What would have prevented it**",
             "**Where next**")

every_notebook = pytest.mark.parametrize("path", PATHS, ids=lambda p: p.stem)


def cells(path, kind):
    return [c for c in nbformat.read(path, as_version=4).cells if c.cell_type == kind]


def test_there_are_notebooks():
    assert len(PATHS) >= 5


@every_notebook
def test_committed_without_outputs_and_counts(path):
    notebook = nbformat.read(path, as_version=4)
    assert all(not c.outputs and c.execution_count is None for c in notebook.cells if c.cell_type == "code")
    assert notebook.metadata.kernelspec.name == "python3"
    assert len({c.id for c in notebook.cells}) == len(notebook.cells)
    assert path.stat().st_size < 200_000


@every_notebook
def test_first_cell_says_what_one_needs_to_know(path):
    first = cells(path, "markdown")[0].source
    assert re.match(r"# .+\?\n", first), "the title is a question"
    for line in FIRST_CELL:
        assert line in first
    assert "00_ground_rules.ipynb" in first or path.stem.startswith("00")
    assert nbformat.read(path, as_version=4).metadata["retrace"]["lead"]


@every_notebook
def test_last_cell_closes_with_points_limits_protection_and_next(path):
    last = nbformat.read(path, as_version=4).cells[-1]
    for line in LAST_CELL:
        assert line in last.source


@every_notebook
def test_code_cells_are_short_and_the_work_is_in_the_kit(path):
    """At most fifteen lines, and mostly three statements or fewer: a figure's words need lines, its making does not."""
    lengths = [len([x for x in c.source.splitlines() if x.strip()]) for c in cells(path, "code")]
    assert max(lengths) <= 15
    assert median(len(ast.parse(c.source).body) for c in cells(path, "code")) <= 3


@every_notebook
def test_prose_and_code_keep_step(path):
    prose, code = len(cells(path, "markdown")), len(cells(path, "code"))
    assert 0.7 <= prose / code <= 2.5


@every_notebook
def test_one_heading_of_the_first_level_and_none_skipped(path):
    text = "\n".join(c.source for c in cells(path, "markdown"))
    levels = [len(m) for m in re.findall(r"^(#+) ", text, re.MULTILINE)]
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))


@every_notebook
def test_second_code_cell_holds_the_knobs(path):
    imports, config = cells(path, "code")[:2]
    assert "parameters" in config.metadata.tags
    assert all(isinstance(n, ast.Import | ast.ImportFrom) for n in ast.parse(imports.source).body)
    names = [t.id for n in ast.parse(config.source).body for t in n.targets]
    assert names and all(n == n.upper() for n in names)


@every_notebook
def test_imports_stand_in_the_first_code_cell_only(path):
    for cell in cells(path, "code")[1:]:
        assert not any(isinstance(n, ast.Import | ast.ImportFrom) for n in ast.walk(ast.parse(cell.source)))
    source = "\n".join(c.source for c in cells(path, "code"))
    assert "sys.path" not in source and "import *" not in source and not re.search(r"^\s*[%!]", source, re.MULTILINE)


@every_notebook
def test_no_person_level_table_is_shown_by_head(path):
    assert ".head(" not in "\n".join(c.source for c in cells(path, "code"))


@every_notebook
def test_every_figure_is_read_and_doubted(path):
    """After each cell that draws, the next prose says what we see and what it does not show."""
    all_cells = nbformat.read(path, as_version=4).cells
    draws = [i for i, c in enumerate(all_cells) if c.cell_type == "code" and re.search(r"show\.(chart|map)_", c.source)]
    assert draws
    for i in draws:
        prose = next(c.source for c in all_cells[i + 1:] if c.cell_type == "markdown")
        assert "**What we see.**" in prose, all_cells[i].source
        assert "**What it does not show.**" in prose, all_cells[i].source


@every_notebook
def test_figures_carry_title_alt_and_source(path):
    for cell in cells(path, "code"):
        for call in (n for n in ast.walk(ast.parse(cell.source)) if isinstance(n, ast.Call)):
            name = getattr(call.func, "attr", "")
            if name.startswith(("chart_", "map_")):
                given = {k.arg for k in call.keywords}
                assert {"title", "alt", "source"} <= given, name


@every_notebook
def test_there_is_an_exercise_with_a_folded_solution(path):
    text = "\n".join(c.source for c in cells(path, "markdown"))
    exercises = len(re.findall(r"^## Exercise|^### Exercise", text, re.MULTILINE))
    assert exercises >= 1
    assert text.count("<details>") >= exercises
    assert text.count("<details>") == text.count("</details>")


@every_notebook
def test_numbers_in_prose_are_few_and_none_is_a_result(path):
    """Results come from cells, so prose holds no percentage and no large count that its metadata does not name."""
    allowed = set(nbformat.read(path, as_version=4).metadata["retrace"].get("quoted", []))
    text = "\n".join(c.source for c in cells(path, "markdown"))
    found = set(re.findall(r"\d[\d,.]*\s?%|\b\d{1,3}(?:,\d{3})+\b", text))
    assert found <= allowed, f"quote a source for it in the notebook's metadata, or compute it: {found - allowed}"


ATTACKS = ("02", "03", "04", "05", "06", "07", "08")


@pytest.mark.parametrize("path", [p for p in PATHS if p.stem[:2] in ATTACKS], ids=lambda p: p.stem)
def test_each_attack_is_followed_by_a_measured_remedy(path):
    headings = [h for c in cells(path, "markdown") for h in re.findall(r"^## (.+)$", c.source, re.MULTILINE)]
    assert any(h.startswith("What would have prevented it") for h in headings)
