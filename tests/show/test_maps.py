"""Maps ask for nothing, say what they show, and take text out of records as text."""

import json
import re
import types

import folium
import geopandas as gpd
import pytest
import shapely

from kit.errors import InputError, MissingAsset
from kit.show import maps

HOSTILE = "<script>alert(1)</script>`${alert(2)}\\x3cb\\x3e{{7*7}}{%x%}\u202e"


@pytest.fixture
def exposure(sensors):
    return types.SimpleNamespace(name="register", synthetic=True, sensors=sensors, tz="Etc/GMT-8", manifest={})


@pytest.fixture
def zones():
    return gpd.GeoDataFrame({"zone_id": ["west", "east", "south"], "people": [0, 40, None]}, crs="EPSG:4326", geometry=[
        shapely.box(-123.41, -48.91, -123.38, -48.86), shapely.box(-123.38, -48.91, -123.35, -48.86),
        shapely.box(-123.41, -48.93, -123.35, -48.91)])


@pytest.fixture
def every_map(exposure, basemap, visits, zones):
    return {
        "base": lambda w: maps.map_base(exposure, basemap, **w),
        "sensors": lambda w: maps.map_sensors(exposure, basemap, **w),
        "day": lambda w: maps.map_person_day(exposure, visits, basemap, day="2031-03-12", **w),
        "zones": lambda w: maps.map_zones(zones, "people", basemap, **w),
    }


def page(m):
    return m.get_root().render()


def layers(html):
    """The GeoJSON collections of a page, as Leaflet reads them."""
    return [json.loads(data) for data in re.findall(r"_add\((\{.*\})\);", html)]


def properties(html):
    return [f["properties"] for layer in layers(html) for f in layer["features"]]


def test_no_map_holds_an_address_that_loads(every_map, words):
    for name, make in every_map.items():
        html = page(make(words))
        assert not re.search(r"""(src|href)\s*=\s*["']?(https?:)?//""", html), name
        assert "Content-Security-Policy" in html
        assert not re.search(r"url\((?!data:|#)", html), name


def test_every_map_needs_its_words(every_map, words):
    for make in every_map.values():
        for missing in words:
            with pytest.raises(InputError, match=f"needs {missing}="):
                make({**words, missing: ""})


def test_every_map_says_its_words_once_and_has_an_alternative(every_map, words):
    for make in every_map.values():
        html = page(make({**words, "subtitle": "Of four people"}))
        assert html.count(f"<h1>{words['title']}</h1>") == 1
        assert "<p>Of four people</p>" in html
        assert f'role="region" aria-label="{words["alt"]}"' in html
        assert f'<div class="rt-source">{words["source"]}' in html
        assert '<html lang="en">' in html


def test_every_map_gives_the_same_bytes_twice_and_when_shown_again(every_map, words):
    for make in every_map.values():
        one, other = make(words), make(words)
        assert page(one) == page(other) == page(one)
        assert one._repr_html_() == other._repr_html_()


def test_maps_stay_small(every_map, words):
    assert all(len(page(make(words))) < 400_000 for make in every_map.values())


def test_a_map_in_a_notebook_is_one_named_frame(every_map, words):
    for make in every_map.values():
        shown = make(words)._repr_html_()
        assert shown.count("<iframe") == 1
        assert f'title="{words["alt"]}"' in shown


def test_lights_grow_with_passages_and_speak_of_invented_sensors_only(exposure, basemap, words):
    passages = {"s1": 400, "s2": 100}
    lights = [p for p in properties(page(maps.map_sensors(exposure, basemap, passages=passages, **words))) if "r" in p]
    assert [p["r"] for p in lights] == [8, 5, 2, 2]      # 2 + 6 times the root of the share
    assert lights[0]["tip"] == "s1: clinic, 400 passages"
    exposure.synthetic = False
    assert all("tip" not in p for p in properties(page(maps.map_sensors(exposure, basemap, **words))) if "r" in p)


def test_a_day_is_numbered_dashed_and_told_as_text(exposure, basemap, visits, words):
    html = page(maps.map_person_day(exposure, visits, basemap, day="2031-03-12", names={"s2": "station"}, **words))
    shown = properties(html)
    assert [p["label"] for p in shown if "tip" in p and "label" in p] == ["1, 5", "2–3", "4"]
    assert any(p.get("style", {}).get("dashArray") for p in shown)
    assert "<li>2.  09:00 to 12:00, station</li>" in html


def test_a_real_person_s_day_is_never_mapped(exposure, basemap, visits, words):
    exposure.synthetic = False
    with pytest.raises(InputError, match="draws invented people only"):
        maps.map_person_day(exposure, visits, basemap, day="2031-03-12", **words)


def test_too_few_is_hatched_and_zero_is_not(zones, basemap, words):
    html = page(maps.map_zones(zones, "people", basemap, **words))
    told = {p["tip"]: p["style"]["fillColor"] for p in properties(html) if p.get("tip")}
    assert set(told) == {"west: 0 people", "east: 40 people", "south: too few to show"}
    assert told["south: too few to show"] == "url(#rt-hatch)"
    assert told["west: 0 people"].startswith("#")
    assert told["west: 0 people"] != told["east: 40 people"]
    assert '<pattern id="rt-hatch"' in html
    assert "too few to show</span>" in html


@pytest.mark.parametrize(("largest", "step"), [(1, 1), (5, 1), (6, 2), (40, 10), (1204, 250), (2210, 500),
                                               (26000, 10000)])
def test_classes_are_round_and_reach_the_largest_count(largest, step):
    edges = maps._round_edges(largest)
    assert edges.tolist() == [step * n for n in range(6)]
    assert edges[-1] >= largest


def test_negative_counts_are_refused(zones, basemap, words):
    with pytest.raises(InputError, match="counts of 0 or more"):
        maps.map_zones(zones.assign(people=[-1, 2, 3]), "people", basemap, **words)


def test_hostile_text_stays_text_everywhere(exposure, basemap, visits, zones, words):
    exposure.sensors = exposure.sensors.assign(place_class=HOSTILE)
    basemap["districts"]["district"] = HOSTILE
    hostile = {name: f"{text} {HOSTILE}" for name, text in words.items()}
    made = [maps.map_sensors(exposure, basemap, classes={HOSTILE: [HOSTILE]}, **hostile, subtitle=HOSTILE),
            maps.map_person_day(exposure, visits, basemap, day="2031-03-12", names={"s2": HOSTILE}, **hostile),
            maps.map_zones(zones.assign(zone_id=HOSTILE), "people", basemap, label=HOSTILE, **hostile)]
    for m in made:
        html = page(m)
        assert "<script>alert" not in html
        assert "\u202e" not in html
        assert "{{7*7}}" not in html
        assert "49" not in re.findall(r"<h1>(.*?)</h1>", html)[0]
        for data in re.findall(r"_add\(\{.*\}\);", html):
            assert "<" not in data
        # Outside JSON data no text of a record stands inside a script at all.
        for script in re.findall(r"<script>(.*?)</script>", html, re.DOTALL):
            assert "alert(2)" not in re.sub(r"_add\(\{.*\}\);", "", script)


@pytest.mark.parametrize("where", [(1, 2, 3), (5, 0, 1, 1), (0, 0, float("nan"), 1)])
def test_an_extent_that_is_none_is_refused(where, basemap, words):
    with pytest.raises(InputError, match="needs an extent"):
        maps.map_base(where, basemap, **words)


def test_an_unknown_ground_is_refused(exposure, basemap, words):
    with pytest.raises(InputError, match="no ground 'sepia'"):
        maps.map_base(exposure, basemap, **words, ground="sepia")


def test_a_base_map_may_be_missing_or_a_user_s_own(exposure, words):
    own = gpd.GeoDataFrame(geometry=[shapely.LineString([(-123.4, -48.9), (-123.3, -48.8)])], crs="EPSG:4326")
    assert len(layers(page(maps.map_base(exposure, {"streets": own.to_crs(3857)}, **words)))) == 1
    assert layers(page(maps.map_base(exposure, {}, **words))) == []


def test_lanes_are_left_out_and_positions_are_to_a_metre(exposure, basemap, words):
    html = page(maps.map_base(exposure, basemap, **words))
    ground, names = layers(html)
    assert len(ground["features"]) == 3            # water, street, avenue
    assert [f["properties"]["label"] for f in names["features"]] == ["West", "East"]
    assert not re.search(r"\d\.\d{6,}", json.dumps(ground))


def test_tiles_are_refused_with_the_reason(words):
    with pytest.raises(MissingAsset, match="tells its server where you look"):
        page(maps.offline(folium.Map(location=[0, 0])))


@pytest.mark.parametrize("text", ["{{ 7 * 7 }}", "{% set x = 1 %}", "a {# comment"])
def test_a_template_in_somebody_else_s_layer_is_refused_before_it_runs(text):
    m = folium.Map(location=[0, 0], tiles=None)
    point = {"type": "Feature", "properties": {"name": text}, "geometry": {"type": "Point", "coordinates": [0, 0]}}
    folium.GeoJson({"type": "FeatureCollection", "features": [point]}).add_to(m)
    with pytest.raises(InputError, match="holds double braces"):
        page(maps.offline(m))


def test_explore_can_be_cut_loose(zones, words):
    pytest.importorskip("mapclassify", reason="GeoDataFrame.explore needs it; the kit does not")
    html = page(maps.offline(zones.explore("people", tiles=None), **words))
    assert not re.search(r"""(src|href)\s*=\s*["']?(https?:)?//""", html)


def test_any_folium_map_can_be_cut_loose(words):
    m = folium.Map(location=[0, 0], tiles=None)
    folium.Marker([0, 0], tooltip="here").add_to(m)
    from folium.plugins import HeatMap, MarkerCluster

    HeatMap([[0, 0]]).add_to(m)
    MarkerCluster([[0, 0], [0, 1]]).add_to(m)
    assert maps.offline(m, **words) is m
    html = page(m)
    assert not re.search(r"""(src|href)\s*=\s*["']?(https?:)?//""", html)
    assert html == page(m)
    assert m.options["maxZoom"] == 18


def test_a_layer_that_needs_another_script_raises(words):
    from folium.plugins import AntPath

    m = folium.Map(location=[0, 0], tiles=None)
    AntPath([[0, 0], [1, 1]]).add_to(m)
    with pytest.raises(MissingAsset, match="ant-path"):
        page(maps.offline(m))


def test_offline_asks_for_all_words_or_none():
    with pytest.raises(InputError, match="needs alt="):
        maps.offline(folium.Map(tiles=None), title="only a title")
