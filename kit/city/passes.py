"""The shape of true movement, and the one way to add to it: passes of sensors, episodes at places, junctions."""

import numpy as np
from numba import njit

BY_CAR, FORWARD = 1, 2  # bits of a flag: came by car; from u to v along the street, or arriving at a gate

PASS = np.dtype([("who", "i4"), ("sensor", "i4"), ("time_ms", "i8"), ("flag", "i4")], align=True)
EPISODE = np.dtype([("who", "i4"), ("place", "i4"), ("arrive_ms", "i8"), ("leave_ms", "i8"), ("flag", "i4")],
                   align=True)
TRACK = np.dtype([("who", "i4"), ("node", "i4"), ("time_ms", "i8")], align=True)


@njit(cache=True, nogil=True)
def keep_pass(passes, used, i, sensor, time_ms, code):
    """Append one pass; beyond the buffer it is only counted, and the caller tries again with more room."""
    if used[0] < passes.size:
        one = passes[used[0]]
        one.who, one.sensor, one.time_ms, one.flag = i, sensor, time_ms, code
    used[0] += 1


@njit(cache=True, nogil=True)
def keep_episode(episodes, used, i, place, arrive_ms, leave_ms, code):
    """Append one episode, or only count it."""
    if used[1] < episodes.size:
        one = episodes[used[1]]
        one.who, one.place, one.arrive_ms, one.leave_ms, one.flag = i, place, arrive_ms, leave_ms, code
    used[1] += 1


@njit(cache=True, nogil=True)
def keep_track(tracks, used, i, node, time_ms):
    """Append one junction passed, or only count it."""
    if used[2] < tracks.size:
        one = tracks[used[2]]
        one.who, one.node, one.time_ms = i, node, time_ms
    used[2] += 1
