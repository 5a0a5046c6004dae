"""The walk: execute the notebooks, and leave pages that open from disk with the network unplugged."""

from pathlib import Path

from kit.walk.execute import execute_notebooks
from kit.walk.pages import check_out, write_pages

__all__ = ["execute_notebooks", "walk", "write_pages"]


def walk(notebooks, out, progress=None):
    """Execute every notebook of a folder and write its page, its figures and an index.

    Parameters
    ----------
    notebooks : Path
        Folder of `NN_name.ipynb` files; they are read, never written.
    out : Path
        Where `index.html`, one page a notebook and `figures/` go; pages of an earlier walk are replaced.
    progress : callable(str, int, int), optional
        Called with a notebook's name, cells done and cells in all.

    Returns
    -------
    Path
        The index page.

    Raises
    ------
    KitError
        If there is no notebook, or a cell fails: names the notebook, the cell and the error.
    """
    check_out(Path(out))
    return write_pages(execute_notebooks(notebooks, progress), out)
