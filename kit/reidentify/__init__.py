"""From movement to who it must be: points, and how few of them single somebody out.

>>> from kit import reidentify
>>> "unicity" in reidentify.__all__
True
"""

from kit.reidentify.anonymity import (
    anonymity_sets,
    k_anonymity,
    l_diversity,
    passes_yet_singled_out,
    release_risk,
    summarise_sets,
    t_closeness,
    top_places,
)
from kit.reidentify.crowd import crowd
from kit.reidentify.points import Points, make_points
from kit.reidentify.risk import risk
from kit.reidentify.unicity import unicity, unicity_grid

__all__ = [
    "Points",
    "anonymity_sets",
    "crowd",
    "k_anonymity",
    "l_diversity",
    "make_points",
    "passes_yet_singled_out",
    "release_risk",
    "risk",
    "summarise_sets",
    "t_closeness",
    "top_places",
    "unicity",
    "unicity_grid",
]
