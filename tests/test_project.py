"""The project's own papers agree with one another: pins, the conda door, licences, citation, links, layout."""

import asyncio
import json
import os
import re
import sys
import tomllib
from pathlib import Path

import pytest
import rattler
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from rattler.exceptions import SolverError

import kit
from kit.disclosure import K_DEFAULT, K_FLOOR

ROOT = Path(__file__).resolve().parents[1]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PROJECT = PYPROJECT["project"]
ENVIRONMENT = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
CONDA_NAMES = {"duckdb": "python-duckdb"}
NOT_FROM_PYPI = {"python", "pip"}


def text(name):
    return (ROOT / name).read_text(encoding="utf-8")


def pins():
    return [Requirement(line) for line in text("constraints.txt").splitlines() if not line.startswith("#")]


# --- the pins --------------------------------------------------------------------------------------------------------


def test_constraints_name_versions_and_no_place():
    constraints = text("constraints.txt")
    assert not re.search(r"://|@|file:|--(extra-)?index|--find-links|(^|\s)(/|[A-Z]:\\)", constraints)
    assert all(re.fullmatch(r"==[^*]+", str(pin.specifier)) for pin in pins())


def test_every_requirement_is_pinned_within_its_bounds():
    wanted = [*PROJECT["dependencies"], *PYPROJECT["build-system"]["requires"]]
    wanted += [name for extra in PROJECT["optional-dependencies"].values() for name in extra]
    wanted += PYPROJECT["dependency-groups"]["setup"]
    for requirement in map(Requirement, wanted):
        versions = [pin.specifier for pin in pins() if pin.name == requirement.name]
        assert versions, f"{requirement.name} is not pinned"
        for version in versions:
            assert requirement.specifier.contains(str(version).removeprefix("==")), requirement


def test_each_direct_dependency_has_a_lower_and_an_upper_bound():
    for requirement in map(Requirement, PROJECT["dependencies"]):
        assert {spec.operator for spec in requirement.specifier} == {">=", "<"}, requirement


# --- conda and Binder ------------------------------------------------------------------------------------------------


def test_environment_has_the_keys_and_channels_it_should():
    assert set(ENVIRONMENT) == {"name", "channels", "dependencies"}
    assert ENVIRONMENT["channels"] == ["conda-forge", "nodefaults"]
    assert re.search(r"last compared with pyproject\.toml on \d{4}-\d\d-\d\d", text("environment.yml"))


def test_binder_can_read_which_python():
    """repo2docker takes the version from a line of this form and no other."""
    (line,) = re.findall(r"^\s*- (python\s*=+\s*\d+\.\d+)$", text("environment.yml"), re.MULTILINE)
    version = line.split("=")[-1]
    assert SpecifierSet(PROJECT["requires-python"]).contains(version)


def conda_specs():
    """Name and bounds of every line, as a real conda parser reads them."""
    specs = [rattler.MatchSpec(line) for line in ENVIRONMENT["dependencies"]]
    return {spec.name.normalized: str(spec.version or "") for spec in specs}


def test_environment_has_the_same_names_and_bounds_as_the_project():
    ours = {CONDA_NAMES.get(r.name, r.name): r.specifier for r in map(Requirement, PROJECT["dependencies"])}
    theirs = {name: SpecifierSet(v) for name, v in conda_specs().items() if name not in NOT_FROM_PYPI}
    assert theirs == ours


@pytest.fixture
def channel(tmp_path):
    """A conda channel that holds one build of everything, at the pinned versions, and nothing else."""
    conda = {CONDA_NAMES.get(pin.name, pin.name): str(pin.specifier).removeprefix("==") for pin in pins()}
    packages = {"python": "3.11.9", "pip": "26.0"} | {name: v for name, v in conda.items() if name in conda_specs()}
    records = {
        f"{name}-{version}-0.conda": {
            "name": name, "version": version, "build": "0", "build_number": 0, "depends": [], "subdir": "noarch",
            "sha256": f"{number:064x}", "md5": f"{number:032x}", "size": 1, "timestamp": 1,
        }
        for number, (name, version) in enumerate(packages.items())
    }  # fmt: skip
    folder = tmp_path / "channel/noarch"
    folder.mkdir(parents=True)
    repodata = {"info": {"subdir": "noarch"}, "packages": {}, "packages.conda": records}
    (folder / "repodata.json").write_text(json.dumps(repodata))
    return rattler.Channel(folder.parent.as_uri())


def solve(channel, specs):
    return asyncio.run(rattler.solve([channel], specs, platforms=["noarch"]))


def test_a_conda_solver_finds_the_pinned_versions_within_the_bounds(channel):
    """It shows that the file is solvable against versions that exist; whether conda-forge has them it cannot show."""
    solved = solve(channel, ENVIRONMENT["dependencies"])
    assert {record.name.normalized for record in solved} == set(conda_specs())


def test_the_solver_refuses_what_does_not_exist(channel):
    with pytest.raises(SolverError):
        solve(channel, ["pandas>=99"])


# --- scripts ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["postBuild", ".ci/run"])
def test_scripts_run_where_they_are_run(name):
    script = ROOT / name
    content = script.read_bytes()
    assert content.startswith(b"#!/bin/bash\n")
    assert b"\r" not in content
    assert os.name == "nt" or os.access(script, os.X_OK)


def test_the_automatic_run_calls_the_one_command_and_insists_on_a_browser():
    script = text(".ci/run")
    assert script.rstrip().endswith("\nexec python3 run.py test")
    assert "export RETRACE_REQUIRE_BROWSER=1" in script


# --- papers ----------------------------------------------------------------------------------------------------------


def test_there_is_one_version():
    citation = yaml.safe_load(text("CITATION.cff"))
    assert kit.__version__ == PROJECT["version"] == str(citation["version"])


def test_the_citation_has_what_the_format_requires():
    citation = yaml.safe_load(text("CITATION.cff"))
    assert citation["cff-version"] == "1.2.0"
    assert citation["type"] == "software"
    assert citation["license"] == PROJECT["license"] == "MIT"
    assert all(author.get("name") for author in citation["authors"])
    assert citation["title"]
    assert citation["message"]


@pytest.mark.parametrize(
    ("name", "title", "last"),
    [
        ("LICENSE", "MIT License", "SOFTWARE."),
        ("LICENSE-TEXT", "Attribution 4.0 International", "creativecommons.org."),
        ("LICENSE-DATA", "Creative Commons Legal Code\n\nCC0 1.0 Universal", "this CC0 or use of the Work."),
    ],
)
def test_each_licence_is_there_from_its_title_to_its_last_words(name, title, last):
    licence = text(name)
    assert licence.startswith(title)
    assert licence.rstrip().endswith(last)
    assert f"]({name})" in text("README.md")


DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_within_the_repository_lead_somewhere(path):
    for link in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", path.read_text(encoding="utf-8")):
        if "://" not in link:
            assert (path.parent / link).exists(), link


def test_what_the_readme_says_lies_where_it_says():
    block = re.search(r"## What lies where\n\n```\n(.*?)```", text("README.md"), re.DOTALL)[1]
    room = ""
    for line in block.splitlines():
        name = line.split()[0]
        room = "" if not line.startswith(" ") else room
        assert (ROOT / room / name).exists(), line
        room = name if not line.startswith(" ") else room


def test_the_readme_gives_the_two_commands_and_none_that_does_not_exist():
    sys.path.insert(0, str(ROOT))
    try:
        import run
    finally:
        sys.path.remove(str(ROOT))
    commands = re.findall(r"python3 run\.py ?(\w*)", text("README.md"))
    assert {"", "test"} <= set(commands) <= {"", *run.COMMANDS}


def test_the_threshold_in_words_is_the_one_in_code():
    assert (K_DEFAULT, K_FLOOR) == (10, 5)
    assert "at least ten distinct people, never fewer than five" in text("docs/threat-model.md")
    assert "counts of ten people or more" in text("README.md")
