"""From records to movement: visits, and the places that matter.

>>> from kit import movement
>>> sorted(name for name in movement.__all__ if name.startswith("find"))
['find_visits']
"""

from kit.movement.absence import absence
from kit.movement.detection import detection_rates
from kit.movement.places import infer_places, score_places
from kit.movement.routes import edge_probabilities, infer_routes, prism, route_entropy
from kit.movement.visits import account_for, find_visits

__all__ = ["absence", "account_for", "detection_rates", "edge_probabilities", "find_visits", "infer_places",
           "infer_routes", "prism", "route_entropy", "score_places"]
