"""The committed samples are what their seed makes, small, listed to the last file, and consistent with their truth."""

import json

import pandas as pd
import pytest

import kit
from kit.exposure import MANIFEST, SAMPLES, sample_folder
from kit.samples import build_samples

ALLOWED = {".parquet", ".geojson", ".json", ".jsonl", ".ndjson", ".csv"}
every_sample = pytest.mark.parametrize("name", SAMPLES)


def manifest(folder):
    return json.loads((folder / MANIFEST).read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def again(tmp_path_factory):
    out = tmp_path_factory.mktemp("samples")
    build_samples(out, seed=0)
    return out


@pytest.mark.slow
@pytest.mark.parametrize("name", [*SAMPLES, "port_nemo"])
def test_the_seed_makes_the_committed_sample_again(again, name):
    committed, made = manifest(sample_folder(name)), manifest(again / name)
    assert [r.get("logical_hash") for r in made["resources"]] == [r.get("logical_hash") for r in committed["resources"]]
    assert made == committed, "the bytes differ although the content does not: are the pinned constraints installed?"


def test_together_they_stay_under_twelve_megabytes():
    folder = sample_folder("register").parent
    assert sum(f.stat().st_size for f in folder.rglob("*") if f.is_file()) < 12_000_000


@pytest.mark.parametrize("name", [*SAMPLES, "port_nemo"])
def test_every_file_is_listed_and_of_an_allowed_kind(name):
    folder = sample_folder(name)
    listed = {r["path"] for r in manifest(folder)["resources"]} | {MANIFEST}
    there = {f.relative_to(folder).as_posix() for f in folder.rglob("*") if f.is_file()}
    assert there == listed
    assert {f.suffix for f in folder.rglob("*") if f.is_file()} <= ALLOWED


@every_sample
def test_the_manifest_says_what_the_tables_hold(name):
    exposure = kit.open_exposure(name)
    assert exposure.synthetic
    assert exposure.manifest["seed"] == 0
    for resource in exposure.manifest["resources"]:
        if resource["name"] in ("sensors", "sightings", "fixes", "readings", "subjects"):
            table = getattr(exposure, resource["name"])
            assert resource["rows"] == len(table)
            assert [f["name"] for f in resource["fields"]] == list(table.columns)


@every_sample
def test_the_truth_points_at_the_right_records(name):
    exposure = kit.open_exposure(name)
    truth = exposure.truth()
    sightings = exposure.sightings.set_index("sighting_id")
    wrong = truth["sightings"][truth["sightings"]["sighting_id"].isin(sightings.index)].set_index("sighting_id")
    unmatched = wrong.index[wrong["why"] == "unmatched"]
    assert sightings.loc[unmatched, "subject_id"].isna().all()
    assert set(sightings.index[sightings["subject_id"].isna()]) == set(unmatched)


@pytest.mark.parametrize("name", ["register", "community"])
def test_a_false_match_names_somebody_else_and_a_true_one_does_not(name):
    exposure = kit.open_exposure(name)
    truth = exposure.truth()
    number = truth["people"].set_index("subject_id")["person_no"]
    faces = exposure.sightings[exposure.sightings["source"] == "face"].dropna(subset="subject_id")
    recorded = faces["subject_id"].astype(object).map(number)
    false = truth["sightings"].query("why == 'false_match'").set_index("sighting_id")
    told = recorded.set_axis(faces["sighting_id"]).reindex(false.index).dropna()
    assert (told.to_numpy() == false.loc[told.index, "recorded_person_no"].to_numpy()).all()
    assert (told.to_numpy() != false.loc[told.index, "person_no"].to_numpy()).all()


def test_the_same_people_are_in_all_three_and_no_pseudonym_is_shared():
    people = {name: kit.open_exposure(name).truth()["people"] for name in SAMPLES}
    register = set(people["register"]["subject_id"].astype(str))
    for name in ("community", "fusion"):
        assert set(people[name]["register_id"].astype(str)) <= register
        assert not set(people[name]["subject_id"].astype(str)) & register
    both = pd.merge(people["community"], people["fusion"], on="person_no")
    assert len(both) >= 200
    assert (both["register_id_x"].astype(str) == both["register_id_y"].astype(str)).all()
