"""Contracts: what is refused, in which words, and what canonical frames look like."""

from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit import tables
from kit.errors import InputError


def sightings(**columns):
    """Two good sightings, with columns replaced."""
    frame = pd.DataFrame({
        "sighting_id": [0, 1],
        "subject_id": ["p_a", None],
        "sensor_id": ["T1", "T2"],
        "time": pd.to_datetime(["2031-03-12T00:00Z", "2031-03-12T00:05Z"]),
        "source": ["face", "face"],
        "score": [0.9, np.nan],
    })
    return frame.assign(**columns)


def test_a_good_table_passes_and_keeps_its_null_subject():
    tidy = tables.validate(sightings(), "sightings", where="here")
    assert tidy["subject_id"].isna().tolist() == [False, True]
    assert str(tidy["time"].dtype) == "datetime64[us, UTC]"
    assert tidy["subject_id"].cat.categories.tolist() == ["p_a"]


def test_missing_columns_are_named_together_with_what_was_found():
    with pytest.raises(InputError, match=r"lacks the columns sensor_id, time; it has sighting_id"):
        tables.check(sightings()[["sighting_id", "subject_id", "source", "score"]], "sightings")


def test_only_the_columns_a_function_needs_are_asked_for():
    assert tables.check(sightings()[["subject_id"]], "sightings", ["subject_id"]) is None


def test_a_naive_time_is_refused_with_the_cure():
    naive = sightings(time=pd.to_datetime(["2031-03-12", "2031-03-13"]))
    with pytest.raises(InputError, match=r"without a zone.*tz_localize"):
        tables.check(naive, "sightings")


@pytest.mark.parametrize("zone", ["Asia/Shanghai", "Etc/GMT-8", "America/New_York"])
def test_any_zone_becomes_utc(zone):
    local = sightings(time=pd.to_datetime(["2031-03-12T00:00Z", "2031-03-12T00:05Z"]).tz_convert(zone))
    assert tables.canonical(local, "sightings")["time"].equals(tables.canonical(sightings(), "sightings")["time"])


def test_all_bad_values_are_reported_at_once_with_their_first_row():
    bad = sightings(score=[0.5, 7.0], source=["face", "hearsay"], sighting_id=[3, 3])
    with pytest.raises(InputError) as failure:
        tables.validate(bad, "sightings", where="a.parquet")
    message = str(failure.value)
    assert "In a.parquet" in message
    assert "score" in message and "first in row 1" in message
    assert "source" in message
    assert "sighting_id" in message


def test_swapped_or_impossible_positions_are_refused():
    sensors = gpd.GeoDataFrame(
        {"sensor_id": ["T1"], "kind": ["camera"], "place_class": ["clinic"], "zone_id": ["z"]},
        geometry=gpd.points_from_xy([-48.88], [-123.39]), crs="EPSG:4326")
    with pytest.raises(InputError, match="swapped"):
        tables.validate(sensors, "sensors", where="sensors.geojson")


def test_an_ibis_table_is_sent_to_the_room_that_takes_it():
    class Ibis:
        def execute(self): ...
        def schema(self): ...

    with pytest.raises(InputError, match=r"kit\.scale"):
        tables.check(Ibis(), "sightings")


@pytest.mark.parametrize("table", sorted(tables.CONTRACTS))
def test_every_empty_table_passes_its_own_contract(table):
    nothing = tables.empty(table)
    assert len(nothing) == 0
    tables.validate(nothing, table, where="nowhere")


@given(st.lists(st.one_of(st.integers(0, 2**64 - 1), st.text(min_size=1)), min_size=2, max_size=2))
def test_ids_of_any_kind_become_text_and_codes_sort_as_names(ids):
    tidy = tables.canonical(sightings(subject_id=pd.Series(ids, dtype=object)), "sightings")["subject_id"]
    assert tidy.astype(object).tolist() == [str(i) for i in ids]
    assert tidy.cat.categories.is_monotonic_increasing


def test_the_given_frame_is_left_as_it_was():
    frame = sightings()
    before = frame.copy(deep=True)
    tables.validate(frame, "sightings", where="here")
    pd.testing.assert_frame_equal(frame, before)


def test_the_data_dictionary_says_what_the_contracts_say():
    page = Path(__file__).resolve().parents[1] / "docs" / "data-dictionary.md"
    assert page.read_text(encoding="utf-8") == tables.as_markdown(), "write it anew from kit.tables.as_markdown()"
