"""What is vendored is what the table says, and nothing else gets in."""

import base64
import hashlib
import json
import re

import folium
import pytest
from folium import plugins

from kit.errors import MissingAsset
from kit.show import assets


def test_every_vendored_file_has_the_hash_of_the_table():
    for file, row in assets.table().items():
        assert hashlib.sha256((assets.FOLDER / file).read_bytes()).hexdigest() == row["sha256"], file


def test_the_table_lists_every_file_with_version_and_licence():
    there = {p.relative_to(assets.FOLDER).as_posix() for p in assets.FOLDER.rglob("*") if p.is_file()}
    assert there - {"assets.json", "NOTICE", ".gitattributes"} == set(assets.table())
    assert all(row["version"] and row["licence"] for row in assets.table().values())
    notice = (assets.FOLDER / "NOTICE").read_text(encoding="utf-8")
    assert all(f"{row['package']} {row['version']}" in notice for row in assets.table().values())


def test_the_table_answers_every_address_of_the_maps_the_kit_supports():
    wanted = [*folium.Map.default_js, *folium.Map.default_css, *plugins.HeatMap.default_js,
              *plugins.MarkerCluster.default_js, *plugins.MarkerCluster.default_css]
    for _, address in wanted:
        assets.inline(f'<head></head><script src="{address}"></script>')


@pytest.mark.parametrize("tag", [
    '<script src="https://cdn.example/leaflet@1.9.4/dist/leaflet.js"></script>',
    '<link rel="stylesheet" href="https://cdn.example/other.css"/>',
    '<script async src="https://cdn.example/x.js"> </script>',
])
def test_an_unknown_address_raises_and_is_named(tag):
    with pytest.raises(MissingAsset, match=r"https://cdn\.example/"):
        assets.inline(f"<head>{tag}</head>")


def test_a_script_cannot_end_early():
    page = assets.inline('<head><script src="https://x/jquery-3.7.1.min.js"></script></head>')
    assert page.count("</script>") == 1
    assert page.endswith("</script></head>")


def test_images_of_style_sheets_become_data_and_none_is_left_outside():
    page = assets.inline('<head><link rel="stylesheet" href="https://x/leaflet@1.9.3/dist/leaflet.css"/></head>')
    addresses = re.findall(r"url\(([^)]*)\)", page)
    assert len(addresses) == 4
    assert all(a.startswith("data:image/png;base64,") or a == "#default#VML" for a in addresses)
    layers = next(a for a in addresses if a.startswith("data:"))
    assert base64.b64decode(layers.partition(",")[2]) == (assets.FOLDER / "images/layers.png").read_bytes()


def test_leaflet_finds_its_marker_images_without_a_path():
    page = assets.inline('<head><script src="https://x/leaflet@1.9.3/dist/leaflet.js"></script></head>')
    options = json.loads(re.findall(r"mergeOptions\((\{.*?\})\)", page)[-1])
    assert set(options) == {"iconUrl", "iconRetinaUrl", "shadowUrl"}
    assert all(value.startswith("data:image/png") for value in options.values())


def test_the_policy_allows_the_page_s_own_scripts_and_no_others():
    page = assets.inline("<head></head><script>var a = 1;</script>")
    policy = re.search(r'content="(default-src[^"]*)"', page)[1]
    digest = base64.b64encode(hashlib.sha256(b"var a = 1;").digest()).decode()
    assert f"script-src 'sha256-{digest}';" in policy
    assert policy.startswith("default-src 'none';")
    assert "unsafe-eval" not in policy
    assert "http" not in policy
