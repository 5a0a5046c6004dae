"""In a notebook a figure shows once, with its text alternative, whatever pyplot is set to; so does its HTML page."""

import re

import nbformat
import pytest
from nbclient import NotebookClient
from nbconvert import HTMLExporter

CELLS = [
    "%matplotlib inline\nimport matplotlib.pyplot as plt\nimport pandas as pd\nfrom kit import show",
    'frame = pd.DataFrame({"series": "a", "x": [0, 1], "y": [1, 2]})\n'
    'words = {"title": "It climbs", "alt": "A line that climbs", "source": "Invented"}\n'
    "show.chart_lines(frame, **words)",
    "figure = show.chart_lines(frame, **words)",
    "figure",
]


@pytest.fixture(scope="module")
def executed():
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(text) for text in CELLS])
    return NotebookClient(notebook, kernel_name="python3", timeout=120).execute()


def test_a_figure_shows_once_where_it_is_asked_for(executed):
    assert [len(cell.outputs) for cell in executed.cells] == [0, 1, 0, 1]
    for cell in (executed.cells[1], executed.cells[3]):
        data = cell.outputs[0].data
        assert data["text/html"].count("<img") == 1
        assert data["image/png"] in data["text/html"]


def test_the_page_holds_each_figure_once_with_its_alternative(executed):
    page, _ = HTMLExporter(mathjax_url="", require_js_url="").from_notebook_node(executed)
    pictures = [tag for tag in re.findall(r"<img\b[^>]*>", page) if "data:image" in tag]
    assert len(pictures) == 2
    assert all('alt="A line that climbs"' in tag for tag in pictures)
