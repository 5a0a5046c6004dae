"""From records to movement: visits, stays and trips, and the places that matter.

>>> from kit import movement
>>> sorted(name for name in movement.__all__ if name.startswith("find"))
['find_locations', 'find_stays', 'find_visits']
"""

from kit.movement.locations import find_locations
from kit.movement.places import infer_places, score_places
from kit.movement.rhythm import rhythm, week_profile
from kit.movement.stays import find_stays
from kit.movement.trips import make_trips
from kit.movement.visits import account_for, find_visits

__all__ = ["account_for", "find_locations", "find_stays", "find_visits", "infer_places", "make_trips", "rhythm",
           "score_places", "week_profile"]
