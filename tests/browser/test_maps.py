"""A map and a figure in Chromium, from disk, with the network cut off."""

import types

import geopandas as gpd
import pandas as pd
import pytest
import shapely

from kit import show

pytestmark = pytest.mark.browser
WORDS = {"title": "Three cameras see everybody", "alt": "A map of three lights on dark ground",
         "source": "Invented; a test"}
HOSTILE = "<img src=x onerror=\"window.pwned=1\"><script>window.pwned=1</script>`${window.pwned=1}"
BASEMAP = {"streets": gpd.GeoDataFrame({"kind": ["avenue"]}, crs="EPSG:4326", geometry=[
    shapely.LineString([(-123.41, -48.89), (-123.35, -48.89)])])}


@pytest.fixture(scope="module")
def exposure():
    spots = [(-123.40, -48.90), (-123.39, -48.88), (-123.37, -48.89)]
    sensors = gpd.GeoDataFrame({"sensor_id": ["s1", "s2", "s3"], "kind": "camera", "place_class": HOSTILE,
                                "zone_id": "z"}, geometry=[shapely.Point(s) for s in spots], crs="EPSG:4326")
    return types.SimpleNamespace(name="test", synthetic=True, sensors=sensors, tz="Etc/GMT-8")


def opened(tab, tmp_path, m):
    file = tmp_path / "map.html"
    m.save(file)
    tab.page.goto(file.as_uri())
    return tab.page


def test_the_map_draws_its_ground_and_lights(tab, tmp_path, exposure):
    page = opened(tab, tmp_path, show.map_sensors(exposure, BASEMAP, **WORDS))
    page.wait_for_selector("path.leaflet-interactive", state="attached")
    assert page.locator("path.leaflet-interactive").count() == 3
    assert page.locator(".leaflet-overlay-pane path").count() == 4
    assert page.locator("h1").inner_text() == WORDS["title"]
    assert page.get_by_role("region", name=WORDS["alt"]).bounding_box()["height"] > 500
    assert (tab.beyond, tab.errors) == ([], [])


def test_hostile_text_is_shown_and_does_nothing(tab, tmp_path, exposure):
    page = opened(tab, tmp_path, show.map_sensors(exposure, BASEMAP, **{**WORDS, "title": HOSTILE}))
    page.locator("path.leaflet-interactive").first.hover()
    assert "onerror" in page.locator(".leaflet-tooltip").inner_text()
    assert page.locator(".leaflet-tooltip img, h1 img").count() == 0
    assert page.evaluate("window.pwned") is None
    assert (tab.beyond, tab.errors) == ([], [])


def test_markup_in_somebody_else_s_tooltip_finds_the_page_closed(tab, tmp_path):
    import folium

    m = folium.Map(location=[0, 0], tiles=None, zoom_start=3)
    folium.CircleMarker([0, 0], fill=True, tooltip='<img src="https://beyond.example/x.png" onerror="window.pwned = 1">'
                        ).add_to(m)
    page = opened(tab, tmp_path, show.offline(m))
    page.locator("path.leaflet-interactive").first.hover()
    page.wait_for_selector(".leaflet-tooltip img", state="attached")
    page.wait_for_timeout(200)
    assert page.evaluate("window.pwned") is None
    assert tab.beyond == []


def test_a_day_shows_its_numbers_and_its_text(tab, tmp_path, exposure):
    at = pd.to_datetime(["2031-03-12T00:00Z", "2031-03-12T04:00Z"]).as_unit("us")
    visits = pd.DataFrame({"visit_id": [0, 1], "subject_id": "p", "place_id": ["s1", "s2"], "arrived_at": at,
                           "left_at": at})
    page = opened(tab, tmp_path, show.map_person_day(exposure, visits, BASEMAP, day="2031-03-12", **WORDS))
    page.wait_for_selector("path.leaflet-interactive", state="attached")
    assert page.locator(".rt-number").all_inner_texts() == ["1", "2"]
    page.locator("summary").click()
    assert page.locator(".rt-list li").all_inner_texts() == ["1. 08:00 to 08:00, s1", "2. 12:00 to 12:00, s2"]
    assert (tab.beyond, tab.errors) == ([], [])


def test_a_page_with_a_figure_and_a_map_as_a_notebook_gives_them(tab, tmp_path, exposure):
    lines = pd.DataFrame({"series": "people", "x": [0, 1], "y": [0, 2]})
    figure = show.chart_lines(lines, **{**WORDS, "alt": "A line that climbs from zero to two"})
    m = show.map_sensors(exposure, BASEMAP, **WORDS)
    file = tmp_path / "page.html"
    file.write_text(f"<!DOCTYPE html><html lang=en><title>t</title><body>{figure._repr_mimebundle_()[0]['text/html']}"
                    f"{m._repr_html_()}{figure.svg().partition('?>')[2]}</body></html>", encoding="utf-8")
    tab.page.goto(file.as_uri())
    frame = tab.page.wait_for_selector("iframe").content_frame()
    frame.wait_for_selector("path.leaflet-interactive", state="attached")
    widths = tab.page.eval_on_selector_all("img", "all => all.map(i => [i.naturalWidth, i.width])")
    assert widths == [[1400, 700]]
    assert tab.page.get_by_role("img", name="A line that climbs from zero to two").count() == 2
    assert (tab.beyond, tab.errors) == ([], [])
