"""From records to movement: visits and stays, the places that matter, the ways between, and who was near whom.

>>> from kit import movement
>>> sorted(name for name in movement.__all__ if name.startswith("find"))
['find_copresence', 'find_locations', 'find_stays', 'find_visits']
"""

from kit.movement.absence import absence
from kit.movement.clocks import repair_clocks
from kit.movement.contacts import merge_contacts
from kit.movement.copresence import account_for_crowds, count_pairs, find_copresence, relate_pairs, score_copresence
from kit.movement.day import infer_day
from kit.movement.detection import detection_rates
from kit.movement.dwell import choose_gap, dwell_distribution, gap_histogram
from kit.movement.locations import find_locations
from kit.movement.next_place import predict_next
from kit.movement.periodicity import periodicity
from kit.movement.places import infer_places, score_places
from kit.movement.rhythm import rhythm, week_profile
from kit.movement.routes import edge_probabilities, infer_routes, prism, route_entropy
from kit.movement.stays import find_stays
from kit.movement.trips import make_trips
from kit.movement.visits import account_for, find_visits

__all__ = [
    "absence",
    "account_for",
    "account_for_crowds",
    "choose_gap",
    "count_pairs",
    "detection_rates",
    "dwell_distribution",
    "edge_probabilities",
    "find_copresence",
    "find_locations",
    "find_stays",
    "find_visits",
    "gap_histogram",
    "infer_day",
    "infer_places",
    "infer_routes",
    "make_trips",
    "merge_contacts",
    "periodicity",
    "predict_next",
    "prism",
    "relate_pairs",
    "repair_clocks",
    "rhythm",
    "route_entropy",
    "score_copresence",
    "score_places",
    "week_profile",
]
