"""Every notebook in JupyterLab, in a real browser: Run All ends, figures and maps show, nothing leaves the machine."""

import os
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

pytestmark = [pytest.mark.browser, pytest.mark.slow]
ROOT = Path(__file__).resolve().parents[2]
NAMES = sorted(p.stem for p in (ROOT / "notebooks").glob("[0-9]*.ipynb"))
TOKEN = "loopback-only"

RUN_ALL = """async () => {
  const app = window.jupyterapp; await app.restored;
  const widget = app.shell.currentWidget;
  await widget.context.ready; await widget.sessionContext.ready;
  await app.commands.execute('notebook:run-all-cells');
}"""


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """One JupyterLab server for the module, with settings and runtime files in a folder of its own."""
    home = tmp_path_factory.mktemp("lab")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    places = ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "JUPYTERLAB_SETTINGS_DIR",
              "JUPYTERLAB_WORKSPACES_DIR", "IPYTHONDIR")
    env = os.environ | {name: str(home / name.lower()) for name in places}
    log = open(home / "log.txt", "w")  # noqa: SIM115 - closed after the server
    server = subprocess.Popen(
        [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", "--ip=127.0.0.1", f"--port={port}",
         f"--IdentityProvider.token={TOKEN}", f"--ServerApp.root_dir={ROOT}", "--LabApp.expose_app_in_browser=True",
         "--LabApp.news_url=None"], env=env, stdout=log, stderr=log)
    try:
        yield _when_up(f"http://127.0.0.1:{port}", server, home / "log.txt")
    finally:
        server.terminate()
        server.wait(20)
        log.close()


def _when_up(address, server, log):
    for _ in range(240):
        try:
            urllib.request.urlopen(f"{address}/api?token={TOKEN}", timeout=2).close()
            return address
        except OSError:
            assert server.poll() is None, log.read_text()
            time.sleep(0.25)
    pytest.fail(log.read_text())


@pytest.mark.parametrize("name", NAMES)
def test_run_all_in_the_browser(lab, tab, name):
    page = tab.page
    page.set_default_timeout(120_000)
    page.goto(f"{lab}/lab/tree/notebooks/{name}.ipynb?token={TOKEN}&reset")
    page.wait_for_function("window.jupyterapp && document.querySelector('.jp-Notebook-ExecutionIndicator')")
    page.evaluate(RUN_ALL)
    cells = page.evaluate(CELLS)
    assert cells["code"] and not cells["unrun"]
    assert cells["errors"] == []
    assert cells["figures"] > 0
    assert page.query_selector(".jp-OutputArea-output img")
    for frame in page.query_selector_all(".jp-OutputArea-output iframe"):
        frame.content_frame().wait_for_selector("path.leaflet-interactive", state="attached")
    assert tab.beyond == []
    assert tab.errors == []


# The model, not the page: JupyterLab may leave far-off cells out of the document.
CELLS = """() => {
  const cells = Array.from(window.jupyterapp.shell.currentWidget.content.model.cells);
  const code = cells.filter(c => c.type === 'code');
  const outputs = code.flatMap(c => c.sharedModel.getOutputs());
  return {
    code: code.length,
    unrun: code.filter(c => c.executionCount === null).length,
    errors: outputs.filter(o => o.output_type === 'error').map(o => o.ename + ': ' + o.evalue),
    figures: outputs.filter(o => o.data && o.data['image/png']).length,
  };
}"""
