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
from kit.reidentify.link import find_clock_offset, link
from kit.reidentify.link_null import null_clone
from kit.reidentify.link_quality import LinkQuality, score_links
from kit.reidentify.points import Points, make_points
from kit.reidentify.risk import risk
from kit.reidentify.scaling import Scaling, convexity_bound, fit_scaling, independence, subsample_curve
from kit.reidentify.unicity import unicity, unicity_grid

__all__ = [
    "LinkQuality",
    "Points",
    "Scaling",
    "anonymity_sets",
    "convexity_bound",
    "crowd",
    "find_clock_offset",
    "fit_scaling",
    "independence",
    "k_anonymity",
    "l_diversity",
    "link",
    "make_points",
    "null_clone",
    "passes_yet_singled_out",
    "release_risk",
    "risk",
    "score_links",
    "subsample_curve",
    "summarise_sets",
    "t_closeness",
    "top_places",
    "unicity",
    "unicity_grid",
]
