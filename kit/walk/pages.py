"""Executed notebooks become pages: one file each, nothing loaded from anywhere, figures as PNG and SVG beside them."""

import base64
import copy
import html
import re
import shutil
from importlib.resources import files
from pathlib import Path

from nbconvert import HTMLExporter
from pygments.formatters import HtmlFormatter

import kit
from kit.errors import InputError

STAMP = "Port Nemo is invented: nobody in its records is real."


def check_out(out):
    """Refuse a folder that is in use by something else than an earlier walk."""
    if out.exists() and any(out.iterdir()) and not (out / "index.html").exists():
        raise InputError(f"The folder {out} is not empty and holds no earlier walk; name a new one.")


def write_pages(executed, out):
    """Write a page for each executed notebook, its figures, and an index that leads through them.

    Parameters
    ----------
    executed : dict of str to notebook
        As `execute_notebooks` returns it.
    out : Path
        An absent or empty folder, or one that an earlier walk wrote.

    Returns
    -------
    Path
        `out/index.html`.
    """
    out = Path(out)
    _clear(out)
    exporter = HTMLExporter(template_name="basic", mathjax_url="", require_js_url="")
    names, covers = list(executed), {}
    for number, (name, notebook) in enumerate(executed.items()):
        covers[name] = _save_figures(name, notebook, out / "figures")
        body, _ = exporter.from_notebook_node(_lighter(notebook))
        before = names[number - 1] if number else None
        after = names[number + 1] if number + 1 < len(names) else None
        links = _links(before, after, executed)
        _write(out / f"{name}.html", _title(notebook), f"{links}<main>{_between_pages(body, executed)}</main>{links}")
    _write(out / "index.html", "Retrace: the walk", _index(executed, covers))
    return out / "index.html"


def _clear(out):
    check_out(out)
    if out.exists():
        shutil.rmtree(out)
    (out / "figures").mkdir(parents=True, exist_ok=True)


def _save_figures(name, notebook, folder):
    """Write each figure as PNG and SVG; returns the file of the one marked `cover`, else of the first."""
    cover, count = None, 0
    for cell in notebook.cells:
        for output in cell.get("outputs", ()):
            data = output.get("data", {})
            if "image/png" not in data:
                continue
            count += 1
            png = folder / f"{name}-{count}.png"
            png.write_bytes(base64.b64decode(data["image/png"]))
            if "image/svg+xml" in data:
                png.with_suffix(".svg").write_text(data["image/svg+xml"], encoding="utf-8", newline="\n")
            if cover is None or "cover" in cell.metadata.get("tags", ()):
                cover = (png.name, output.metadata.get("image/png", {}).get("alt", ""))
    return cover


def _lighter(notebook):
    """A copy that shows each figure once: the SVG lies beside the page, so the PNG is enough in it."""
    light = copy.deepcopy(notebook)
    for cell in light.cells:
        for output in cell.get("outputs", ()):
            if "image/png" in output.get("data", {}):
                output["data"].pop("image/svg+xml", None)
                output["data"].pop("text/html", None)
    return light


def _between_pages(body, executed):
    """Links from notebook to notebook become links from page to page."""
    return re.sub(r'href="(\w+)\.ipynb"', lambda m: f'href="{m[1]}.html"' if m[1] in executed else m[0], body)


def _title(notebook):
    heading = re.search(r"^# (.+)$", notebook.cells[0].source, re.MULTILINE)
    return heading.group(1) if heading else "Untitled"


def _links(before, after, executed):
    parts = ['<a href="index.html">All pages</a>']
    if before:
        parts.insert(0, f'<a href="{before}.html">← {html.escape(_title(executed[before]))}</a>')
    if after:
        parts.append(f'<a href="{after}.html">{html.escape(_title(executed[after]))} →</a>')
    return f'<nav aria-label="Pages">{"".join(parts)}</nav>'


def _index(executed, covers):
    cards = []
    for name, notebook in executed.items():
        picture = ""
        if covers[name]:
            file, alt = covers[name]
            picture = f'<img src="figures/{file}" alt="{html.escape(alt, quote=True)}">'
        lead = html.escape(notebook.metadata.get("retrace", {}).get("lead", ""))
        cards.append(f'<a class="card" href="{name}.html">{picture}<div><span class="number">{name[:2]}</span>'
                     f"<h2>{html.escape(_title(notebook))}</h2><p>{lead}</p></div></a>")
    return ('<header class="front"><h1>Retrace</h1><p>How people in a leaked camera log are re-identified, and what '
            'would have prevented it. Read in order, or alone.</p></header>'
            f'<main class="cards">{"".join(cards)}</main>')


def _write(path, title, body):
    css = files("kit.walk").joinpath("page.css").read_text(encoding="utf-8")
    css += HtmlFormatter(style="friendly").get_style_defs(".highlight")
    path.write_text(
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<link rel="icon" href="data:,">'
        f"<title>{html.escape(title)}</title><style>{css}</style></head>\n<body>{body}"
        f"<footer><p>{STAMP} Made by retrace-kit {kit.__version__}.</p></footer></body></html>\n",
        encoding="utf-8", newline="\n")
