"""From records to movement: visits, and the places that matter.

>>> from kit import movement
>>> sorted(name for name in movement.__all__ if name.startswith("find"))
['find_visits']
"""

from kit.movement.clocks import repair_clocks
from kit.movement.dwell import choose_gap, dwell_distribution, gap_histogram
from kit.movement.next_place import predict_next
from kit.movement.periodicity import periodicity
from kit.movement.places import infer_places, score_places
from kit.movement.rhythm import rhythm, week_profile
from kit.movement.visits import account_for, find_visits

__all__ = ["account_for", "choose_gap", "dwell_distribution", "find_visits", "gap_histogram", "infer_places",
           "periodicity", "predict_next", "repair_clocks", "rhythm", "score_places", "week_profile"]
