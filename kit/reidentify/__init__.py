"""From movement to who it must be: points, and how few of them single somebody out.

>>> from kit import reidentify
>>> "unicity" in reidentify.__all__
True
"""

from kit.reidentify.crowd import crowd
from kit.reidentify.households import hours_at_home, link_households
from kit.reidentify.link import find_clock_offset, link
from kit.reidentify.link_null import null_clone
from kit.reidentify.link_quality import LinkQuality, score_links
from kit.reidentify.points import Points, make_points
from kit.reidentify.unicity import unicity, unicity_grid

__all__ = [
    "LinkQuality",
    "Points",
    "crowd",
    "find_clock_offset",
    "hours_at_home",
    "link",
    "link_households",
    "make_points",
    "null_clone",
    "score_links",
    "unicity",
    "unicity_grid",
]
