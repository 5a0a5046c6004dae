"""From movement to who it must be: points, and how few of them single somebody out.

>>> from kit import reidentify
>>> "unicity" in reidentify.__all__
True
"""

from kit.reidentify.aggregates import difference_releases, recover_tracks, score_tracks
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
from kit.reidentify.false_matches import (
    certainty_by_rarity,
    false_matches,
    precision_by_rarity,
    track_decay,
    tracks_without_false,
)
from kit.reidentify.households import hours_at_home, link_households
from kit.reidentify.labels import audit_labels, label_errors
from kit.reidentify.link import link
from kit.reidentify.link_null import null_clone
from kit.reidentify.link_offset import find_clock_offset
from kit.reidentify.link_quality import LinkQuality, score_links
from kit.reidentify.membership import membership
from kit.reidentify.points import Points, make_points
from kit.reidentify.risk import risk
from kit.reidentify.rules import base_rates, count_flags, flag_rules
from kit.reidentify.scaling import Scaling, convexity_bound, fit_scaling, independence, subsample_curve
from kit.reidentify.unicity import unicity, unicity_grid

__all__ = [
    "LinkQuality",
    "Points",
    "Scaling",
    "anonymity_sets",
    "audit_labels",
    "base_rates",
    "certainty_by_rarity",
    "convexity_bound",
    "count_flags",
    "crowd",
    "difference_releases",
    "false_matches",
    "find_clock_offset",
    "fit_scaling",
    "flag_rules",
    "hours_at_home",
    "independence",
    "k_anonymity",
    "l_diversity",
    "label_errors",
    "link",
    "link_households",
    "make_points",
    "membership",
    "null_clone",
    "passes_yet_singled_out",
    "precision_by_rarity",
    "recover_tracks",
    "release_risk",
    "risk",
    "score_links",
    "score_tracks",
    "subsample_curve",
    "summarise_sets",
    "t_closeness",
    "top_places",
    "track_decay",
    "tracks_without_false",
    "unicity",
    "unicity_grid",
]
