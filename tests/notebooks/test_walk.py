"""The walk executes every notebook cold, and what it leaves needs no network and names no machine."""

import re
from pathlib import Path

import nbformat
import pytest

from kit.errors import InputError, KitError
from kit.exposure import write_exposure
from kit.walk import execute_notebooks, walk, write_pages

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def executed():
    return execute_notebooks(ROOT / "notebooks")


@pytest.fixture(scope="module")
def pages(executed, tmp_path_factory):
    out = tmp_path_factory.mktemp("walk") / "out"
    write_pages(executed, out)
    return out


def outputs(notebook):
    return [o for c in notebook.cells for o in c.get("outputs", ())]


@pytest.mark.slow
def test_every_code_cell_ran_in_order_without_errors_or_warnings(executed):
    for name, notebook in executed.items():
        counts = [c.execution_count for c in notebook.cells if c.cell_type == "code"]
        assert counts == list(range(1, len(counts) + 1)), name
        assert not [o for o in outputs(notebook) if o.output_type == "error" or o.get("name") == "stderr"], name


@pytest.mark.slow
def test_every_figure_has_an_alternative_text_and_is_stamped(executed):
    figures = 0
    for notebook in executed.values():
        for output in outputs(notebook):
            if "image/png" in output.get("data", {}):
                figures += 1
                assert len(output.metadata["image/png"]["alt"]) > 20
                assert "image/svg+xml" in output.data
    assert figures >= 10


@pytest.mark.slow
def test_pages_load_nothing_and_name_no_machine(pages):
    for page in pages.glob("*.html"):
        text = page.read_text(encoding="utf-8")
        assert not re.findall(r"""<(?:script|link|img|iframe)[^>]+(?:src|href)=["']?(?:https?:)?//""", text), page.name
        assert str(Path.home()) not in text and str(ROOT) not in text, page.name


@pytest.mark.slow
def test_figures_lie_beside_the_pages_as_png_and_svg(pages):
    pngs = {p.stem for p in (pages / "figures").glob("*.png")}
    assert pngs and pngs == {p.stem for p in (pages / "figures").glob("*.svg")}


@pytest.mark.slow
def test_every_link_of_a_page_leads_somewhere(pages):
    for page in pages.glob("*.html"):
        for link in re.findall(r'<a[^>]* href="([^"#]+)', page.read_text(encoding="utf-8")):
            assert (pages / link).exists(), f"{page.name}: {link}"


def small_notebook(folder, *sources):
    folder.mkdir()
    cells = [nbformat.v4.new_markdown_cell("# Does it run?\n"), *map(nbformat.v4.new_code_cell, sources)]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), folder / "00_small.ipynb")
    return folder


def test_a_failing_cell_is_one_sentence_and_leaves_no_page(tmp_path):
    folder = small_notebook(tmp_path / "nb", "1 + 1", "raise ValueError('no such street')")
    with pytest.raises(KitError, match=r"00_small\.ipynb stopped: ValueError: no such street"):
        walk(folder, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_real_records_never_get_into_a_page(tmp_path):
    write_exposure(tmp_path / "case", {}, name="case", tz="UTC", synthetic=False)
    (tmp_path / "case" / "purpose.toml").write_text('reason = "x"\napproved_by = "y"\nretain_until = 9999-01-01\n')
    folder = small_notebook(tmp_path / "nb", "import kit", "kit.open_exposure('../case')")
    with pytest.raises(KitError, match=r"PurposeError: .*live notebook"):
        walk(folder, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_no_notebook_and_a_foreign_folder_are_refused(tmp_path):
    with pytest.raises(InputError, match="There is no notebook"):
        walk(tmp_path, tmp_path / "out")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("keep me")
    with pytest.raises(InputError, match="not empty"):
        write_pages({}, tmp_path / "mine")
    assert (tmp_path / "mine" / "letter.txt").exists()


def test_a_page_is_made_and_a_second_walk_replaces_it(tmp_path):
    folder = small_notebook(tmp_path / "nb", "6 * 7")
    index = walk(folder, tmp_path / "out")
    assert "Does it run?" in index.read_text(encoding="utf-8")
    (tmp_path / "out" / "old.html").write_text("old")
    walk(folder, tmp_path / "out")
    assert "42" in (tmp_path / "out" / "00_small.html").read_text(encoding="utf-8")
    assert not (tmp_path / "out" / "old.html").exists()
