"""From movement to who it must be: points, and how few of them single somebody out.

>>> from kit import reidentify
>>> "unicity" in reidentify.__all__
True
"""

from kit.reidentify.crowd import crowd
from kit.reidentify.points import Points, make_points
from kit.reidentify.scaling import Scaling, convexity_bound, fit_scaling, independence, subsample_curve
from kit.reidentify.unicity import unicity, unicity_grid

__all__ = [
    "Points",
    "Scaling",
    "convexity_bound",
    "crowd",
    "fit_scaling",
    "independence",
    "make_points",
    "subsample_curve",
    "unicity",
    "unicity_grid",
]
