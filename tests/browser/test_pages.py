"""Every page of the walk, opened from disk with the network cut off."""

from pathlib import Path

import pytest

from kit.walk import walk

pytestmark = [pytest.mark.browser, pytest.mark.slow]
ROOT = Path(__file__).resolve().parents[2]
NAMES = ["index", *sorted(p.stem for p in (ROOT / "notebooks").glob("[0-9]*.ipynb"))]


@pytest.fixture(scope="module")
def out(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pages") / "out"
    walk(ROOT / "notebooks", folder)
    return folder


@pytest.mark.parametrize("name", NAMES)
def test_a_page_opens_from_disk_and_shows_its_figures_and_maps(out, tab, name):
    tab.page.goto((out / f"{name}.html").as_uri())
    tab.page.wait_for_load_state("load")
    images = tab.page.eval_on_selector_all("img", "all => all.map(i => [i.naturalWidth, i.alt.length])")
    assert images and all(width > 100 and alt > 20 for width, alt in images)
    for frame in tab.page.query_selector_all("iframe"):
        frame.scroll_into_view_if_needed()
        frame.content_frame().wait_for_selector("path.leaflet-interactive", state="attached")
    assert tab.beyond == []
    assert tab.errors == []


def test_the_index_leads_to_every_page(out, tab):
    tab.page.goto((out / "index.html").as_uri())
    links = tab.page.eval_on_selector_all("a.card", "all => all.map(a => a.getAttribute('href'))")
    assert links == [f"{name}.html" for name in NAMES[1:]]
    tab.page.click("a.card")
    assert tab.page.url.endswith(links[0])


def test_no_page_is_wider_than_a_small_laptop_or_a_phone(out, tab):
    for width in (1100, 390):
        tab.page.set_viewport_size({"width": width, "height": 800})
        for name in NAMES:
            tab.page.goto((out / f"{name}.html").as_uri())
            assert tab.page.evaluate("document.documentElement.scrollWidth") <= width, (name, width)
