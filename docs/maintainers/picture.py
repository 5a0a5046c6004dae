"""Take the README's picture: the first page of the walk as Chromium shows it.

    python3 run.py && .venv/bin/python docs/maintainers/picture.py

Needs Chromium on the machine. Writes docs/images/walk.png.
"""

import shutil
from pathlib import Path

from playwright.sync_api import sync_playwright

ROOT = Path(__file__).resolve().parents[2]
FLAGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]

with sync_playwright() as play:
    browser = play.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
    page = browser.new_page(viewport={"width": 900, "height": 1000})
    page.goto((ROOT / "out" / "index.html").as_uri())
    page.wait_for_load_state("load")
    page.screenshot(path=ROOT / "docs" / "images" / "walk.png", full_page=True)
    browser.close()
