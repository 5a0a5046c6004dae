"""How the kit speaks: persons and records; what it cannot do, said in the same words everywhere; and no network."""

import ast
import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
NOTEBOOKS = sorted(ROOT.glob("notebooks/**/[!.]*.ipynb"))
CODE = sorted(path for path in ROOT.glob("kit/**/*") if path.suffix in (".py", ".toml") and "assets" not in path.parts)

# A person is nobody's aim. Elasticsearch calls its records hits, Excel a link's end "Target": raw names stay.
AIMED = re.compile(r"\b(targets?|targeted|targeting|hits?|hitting)\b", re.IGNORECASE)
RAW_FORM = re.compile(r"\bsearch hits?\b|\bes-hits\b|\bhits\.hits\b|\"hits\"|\"Target\"", re.IGNORECASE)

NETWORK = {
    "aiohttp", "asyncssh", "boto3", "ftplib", "http", "httpx", "imaplib", "nntplib",
    "paramiko", "pip", "poplib", "pycurl", "requests", "s3fs", "scrapy", "selenium", "smtplib", "socket",
    "socketserver", "ssl", "telnetlib", "tornado", "urllib.request", "urllib3", "websocket", "websockets", "xmlrpc",
}  # fmt: skip

LIMITS = re.compile(r"<!-- limits -->\n(.*?)<!-- /limits -->", re.DOTALL)


def prose(path):
    """What a person reads of a file; of a notebook all its cells."""
    text = path.read_text(encoding="utf-8")
    return "\n".join("".join(cell["source"]) for cell in json.loads(text)["cells"]) if path.suffix == ".ipynb" else text


def aimed_words(text):
    return [match[0] for match in AIMED.finditer(RAW_FORM.sub("", text))]


@pytest.mark.parametrize("path", [*DOCUMENTS, *NOTEBOOKS, *CODE], ids=lambda path: str(path.relative_to(ROOT)))
def test_a_person_is_called_a_person(path):
    assert aimed_words(prose(path)) == []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("The Target was seen; one hit.", ["Target", "hit"]),
        ("Elasticsearch search hits, one a line; white walls; list_hit", []),
    ],
)
def test_the_word_list_finds_what_it_should(text, found):
    assert aimed_words(text) == found


def limits(name):
    return " ".join(LIMITS.search((ROOT / name).read_text(encoding="utf-8"))[1].replace(">", " ").split())


def test_what_deidentification_cannot_do_is_said_and_said_alike():
    said = limits("README.md")
    for part in ("they are not anonymity", "cells of ten people or more", "still needs an editor", "legal advice"):
        assert part in said
    assert limits("docs/ethics.md") == said


def network_imports(source):
    """The imports, at whatever depth of the code, of modules that can open a connection."""
    names = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return sorted(name for name in names if any((name + ".").startswith(module + ".") for module in NETWORK))


@pytest.mark.parametrize("path", [p for p in CODE if p.suffix == ".py"], ids=lambda path: str(path.relative_to(ROOT)))
def test_no_module_imports_what_opens_connections(path):
    assert network_imports(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_no_notebook_imports_what_opens_connections(path):
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    sources = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    assert [name for source in sources for name in network_imports(source)] == []


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("def f():\n    import requests", ["requests"]),
        ("from urllib import request", ["urllib.request"]),
        ("from http.client import HTTPConnection", ["http.client", "http.client.HTTPConnection"]),
        ("from urllib.parse import quote\nimport httpretty_like_name", []),
    ],
)
def test_the_import_list_finds_what_it_should(source, found):
    assert network_imports(source) == found
