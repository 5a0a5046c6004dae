"""A real browser, with everything beyond loopback cut off and counted."""

import os
import shutil

import pytest

FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync"]


def find_browser():
    return next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome", "chrome"))), None)


@pytest.fixture(scope="module")
def browser():
    """Chromium by Playwright; a laptop without one skips, an automatic run must have it."""
    path = find_browser()
    if path is None:
        if os.environ.get("RETRACE_REQUIRE_BROWSER") or os.environ.get("CI"):
            pytest.fail("The browser tests need Chromium; install it (Debian: apt install chromium).")
        pytest.skip("no Chromium on this machine")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:
        running = play.chromium.launch(executable_path=path, args=FLAGS)
        yield running
        running.close()


class Tab:
    """A page that refuses whatever lies beyond loopback, and remembers what was asked for and what went wrong."""

    def __init__(self, browser, ignore=()):
        self.page = browser.new_page(viewport={"width": 1100, "height": 900})
        self.beyond, self.errors = [], []
        self.page.route("**/*", self._gate)
        self.page.on("console", lambda m: self.errors.append(m.text) if m.type == "error" and not any(
            i in m.text for i in ignore) else None)
        self.page.on("pageerror", lambda e: self.errors.append(str(e)))

    def _gate(self, route):
        url = route.request.url
        if url.startswith(("file:", "data:", "blob:", "http://127.0.0.1", "ws://127.0.0.1", "about:")):
            route.continue_()
        else:
            self.beyond.append(url)
            route.abort()


@pytest.fixture
def tab(browser):
    opened = Tab(browser)
    yield opened
    opened.page.close()
