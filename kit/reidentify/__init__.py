"""From movement to who it must be: points, and how few of them single somebody out.

>>> from kit import reidentify
>>> "unicity" in reidentify.__all__
True
"""

from kit.reidentify.crowd import crowd
from kit.reidentify.points import Points, make_points
from kit.reidentify.risk import risk
from kit.reidentify.unicity import unicity, unicity_grid

__all__ = [
    "Points",
    "crowd",
    "make_points",
    "risk",
    "unicity",
    "unicity_grid",
]
