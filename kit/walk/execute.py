"""Execute notebooks cold, each in a kernel of its own, two at a time."""

import asyncio
import os

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

from kit.errors import InputError, KitError
from kit.exposure import WRITES_PAGES

AT_ONCE = 2
CELL_TIMEOUT_S = 300


def execute_notebooks(folder, progress=None):
    """Execute all notebooks of a folder; returns a dict of name to executed notebook, in the order of the names."""
    paths = sorted(folder.glob("[0-9][0-9]_*.ipynb"))
    if not paths:
        raise InputError(f"There is no notebook in {folder}; run from the project's folder or name another one.")
    return asyncio.run(_execute_all(paths, progress or (lambda *_: None)))


async def _execute_all(paths, progress):
    turn = asyncio.Semaphore(AT_ONCE)

    async def one(path):
        async with turn:
            return path.stem, await _execute(path, progress)

    tasks = [asyncio.create_task(one(path)) for path in paths]
    try:
        return dict(await asyncio.gather(*tasks))
    except BaseException:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        raise


async def _execute(path, progress):
    notebook = nbformat.read(path, as_version=4)
    cells = len(notebook.cells)
    client = NotebookClient(
        notebook, timeout=CELL_TIMEOUT_S, kernel_name="python3", resources={"metadata": {"path": str(path.parent)}},
        extra_arguments=["--log-level=40"],  # the kernel's advice on encryption does not concern loopback
        on_cell_executed=lambda cell_index, **_: progress(path.stem, cell_index + 1, cells))
    progress(path.stem, 0, cells)
    try:
        await client.async_execute(env={**os.environ, WRITES_PAGES: "1"})
    except CellExecutionError as error:
        raise KitError(f"The notebook {path.name} stopped: {error.ename}: {error.evalue}. Open it with "
                       "`python3 run.py lab` and run it to that cell.") from None
    except (CellTimeoutError, DeadKernelError) as error:
        raise KitError(f"The notebook {path.name} did not finish ({type(error).__name__}); free some memory or time "
                       "and run again.") from None
    progress(path.stem, cells, cells)
    return notebook
