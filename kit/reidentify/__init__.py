"""From movement to who it must be: points, how few of them single somebody out, and what counts, labels and rules do.

>>> from kit import reidentify
>>> "unicity" in reidentify.__all__
True
"""

from kit.reidentify.aggregates import difference_releases, recover_tracks, score_tracks
from kit.reidentify.crowd import crowd
from kit.reidentify.false_matches import (
    certainty_by_rarity,
    false_matches,
    precision_by_rarity,
    track_decay,
    tracks_without_false,
)
from kit.reidentify.labels import audit_labels, label_errors
from kit.reidentify.membership import membership
from kit.reidentify.points import Points, make_points
from kit.reidentify.rules import base_rates, count_flags, flag_rules
from kit.reidentify.unicity import unicity, unicity_grid

__all__ = [
    "Points",
    "audit_labels",
    "base_rates",
    "certainty_by_rarity",
    "count_flags",
    "crowd",
    "difference_releases",
    "false_matches",
    "flag_rules",
    "label_errors",
    "make_points",
    "membership",
    "precision_by_rarity",
    "recover_tracks",
    "score_tracks",
    "track_decay",
    "tracks_without_false",
    "unicity",
    "unicity_grid",
]
