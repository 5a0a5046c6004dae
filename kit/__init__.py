"""Retrace: how people in a leaked camera log are re-identified, and what would have prevented it.

    dump -> ingest -> Exposure -> movement -> reidentify -> protect -> publish

Open an exposure, then ask the rooms, each an import of its own (`from kit import movement, reidentify, show`):

>>> import kit
>>> community = kit.open_exposure("community")
>>> community.tz
'Etc/GMT-8'
"""

from kit.errors import KitError
from kit.exposure import Exposure, open_exposure, overview, port_nemo, sample_folder

__all__ = ["Exposure", "KitError", "__version__", "open_exposure", "overview", "port_nemo", "sample_folder"]
__version__ = "0.1.0"
