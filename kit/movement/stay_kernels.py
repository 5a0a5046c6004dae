"""The loops behind `find_stays`: sorted fixes in, the first, the last and the finishing fix of each stay out.

Each takes the records `start` to `stop` of sorted arrays, whole subjects only, writes what it finds from `start` on
into the output arrays (a stay holds at least one fix, so there is room) and returns how many stays that were.
"""

import math

import numpy as np
from numba import njit

from kit.geo import EARTH_RADIUS_M

_M_PER_DEGREE = EARTH_RADIUS_M * math.pi / 180
_NEAR = 0.001  # within this share of the radius the plane does not decide


@njit(cache=True, nogil=True)
def by_anchor(subject, time_us, lon, lat, start, stop, rule, radius_m, first, last, finish):
    """A stay lasts while fixes lie within the radius of its first one."""
    shortest_us, longest_gap_us, edge_belongs, first_outside, keep_open, keep_at_gap = rule
    n, anchor, planar, per_lon = start, start, False, 0.0
    inner, outer = (radius_m * (1 - _NEAR)) ** 2, (radius_m * (1 + _NEAR)) ** 2
    for i in range(start, stop + 1):
        new_anchor = i == start
        if not new_anchor:
            over = i == stop or subject[i] != subject[anchor]
            gap = not over and time_us[i] - time_us[i - 1] > longest_gap_us
            if over or gap:
                end, keep = i - 1, keep_open if over else keep_at_gap
            else:
                east, north = (lon[i] - lon[anchor]) * per_lon, (lat[i] - lat[anchor]) * _M_PER_DEGREE
                square = east * east + north * north
                if planar and square < inner and abs(lon[i] - lon[anchor]) < 180:
                    continue
                unsure = not planar or square <= outer or abs(lon[i] - lon[anchor]) >= 180
                if unsure and _is_inside(distance_m(lon[anchor], lat[anchor], lon[i], lat[i]), radius_m, edge_belongs):
                    continue
                end, keep = i if first_outside else i - 1, True
            if keep and time_us[end] - time_us[anchor] >= shortest_us:
                first[n], last[n], finish[n] = anchor, i - 1, end
                n += 1
        if i < stop:
            anchor = i
            planar, per_lon = _plane(lat[i], radius_m)
    return n - start


@njit(cache=True, nogil=True)
def by_median(subject, time_us, lon, lat, start, stop, rule, radius_m, first, last, finish):
    """A stay lasts while each next fix lies within the radius of the median of those before."""
    shortest_us, longest_gap_us, edge_belongs, first_outside, keep_open, keep_at_gap = rule
    n, anchor = start, start
    heaps = np.empty((4, stop - start + 1))
    sizes = np.zeros(4, np.int64)
    for i in range(start, stop + 1):
        if i > start:
            over = i == stop or subject[i] != subject[anchor]
            gap = not over and time_us[i] - time_us[i - 1] > longest_gap_us
            if over or gap:
                end, keep = i - 1, keep_open if over else keep_at_gap
            else:
                away_m = distance_m(_median(heaps, sizes, 0), _median(heaps, sizes, 2), lon[i], lat[i])
                if _is_inside(away_m, radius_m, edge_belongs):
                    _add(heaps, sizes, 0, unwrapped(lon[i], lon[anchor]))
                    _add(heaps, sizes, 2, lat[i])
                    continue
                end, keep = i if first_outside else i - 1, True
            if keep and time_us[end] - time_us[anchor] >= shortest_us:
                first[n], last[n], finish[n] = anchor, i - 1, end
                n += 1
        if i < stop:
            anchor = i
            sizes[:] = 0
            _add(heaps, sizes, 0, lon[i])
            _add(heaps, sizes, 2, lat[i])
    return n - start


@njit(cache=True, nogil=True)
def middles(lon, lat, first, last, start, stop, median, lon_out, lat_out):
    """Mean or median position of each stay; degrees are counted from its first fix, so 180 degrees is no edge."""
    for stay in range(start, stop):
        a, b = first[stay], last[stay] + 1
        if median:
            lon_out[stay] = _wrapped(np.median(np.array([unwrapped(lon[i], lon[a]) for i in range(a, b)])))
            lat_out[stay] = np.median(lat[a:b])
            continue
        east, north, polar = 0.0, 0.0, False
        for i in range(a, b):
            east += unwrapped(lon[i], lon[a]) - lon[a]
            north += lat[i] - lat[a]
            polar |= abs(lat[i]) > 89
        lon_out[stay], lat_out[stay] = _wrapped(lon[a] + east / (b - a)), lat[a] + north / (b - a)
        if polar:
            lon_out[stay], lat_out[stay] = _mean_on_sphere(lon[a:b], lat[a:b])


@njit(cache=True, nogil=True)
def distance_m(lon1, lat1, lon2, lat2):
    """As `geo.haversine_m`, for single numbers."""
    phi1, phi2 = math.radians(lat1), math.radians(lat2)
    half_lat, half_lon = math.sin((phi2 - phi1) / 2), math.sin(math.radians(lon2 - lon1) / 2)
    chord = half_lat * half_lat + math.cos(phi1) * math.cos(phi2) * half_lon * half_lon
    return 2 * EARTH_RADIUS_M * math.asin(math.sqrt(min(chord, 1.0)))


@njit(cache=True, nogil=True)
def unwrapped(lon, lon0):
    """The longitude within half a turn of another."""
    if lon - lon0 > 180:
        return lon - 360
    return lon + 360 if lon - lon0 < -180 else lon


@njit(cache=True, nogil=True)
def _wrapped(lon):
    if lon > 180:
        return lon - 360
    return lon + 360 if lon < -180 else lon


@njit(cache=True, nogil=True)
def _is_inside(away_m, radius_m, edge_belongs):
    return away_m < radius_m or (edge_belongs and away_m == radius_m)


@njit(cache=True, nogil=True)
def _plane(lat0, radius_m):
    """Whether a plane at this latitude is within `_NEAR` of the sphere at the radius, and its metres a degree east.

    The plane errs by about tan(lat) / 2 times the radius in Earth radii, and by the square of that share.
    """
    share, phi = radius_m / EARTH_RADIUS_M, math.radians(lat0)
    flat = share < 0.01 and share * abs(math.sin(phi)) < 0.0005 * math.cos(phi)
    return flat, _M_PER_DEGREE * math.cos(phi)


@njit(cache=True, nogil=True)
def _mean_on_sphere(lon, lat):
    x, y, z = 0.0, 0.0, 0.0
    for i in range(len(lon)):
        phi, turn = math.radians(lat[i]), math.radians(lon[i])
        x += math.cos(phi) * math.cos(turn)
        y += math.cos(phi) * math.sin(turn)
        z += math.sin(phi)
    return math.degrees(math.atan2(y, x)), math.degrees(math.atan2(z, math.hypot(x, y)))


# A running median keeps the smaller half of the numbers in one heap, its largest on top (so they are stored negated),
# and the larger half in the next, its smallest on top.


@njit(cache=True, nogil=True)
def _median(heaps, sizes, low):
    if sizes[low] > sizes[low + 1]:
        return -heaps[low, 0]
    return (heaps[low + 1, 0] - heaps[low, 0]) / 2


@njit(cache=True, nogil=True)
def _add(heaps, sizes, low, value):
    if sizes[low] == 0 or value <= -heaps[low, 0]:
        _push(heaps, sizes, low, -value)
    else:
        _push(heaps, sizes, low + 1, value)
    if sizes[low] > sizes[low + 1] + 1:
        _push(heaps, sizes, low + 1, -_pop(heaps, sizes, low))
    elif sizes[low] < sizes[low + 1]:
        _push(heaps, sizes, low, -_pop(heaps, sizes, low + 1))


@njit(cache=True, nogil=True)
def _push(heaps, sizes, which, value):
    heap, at = heaps[which], sizes[which]
    sizes[which] += 1
    while at > 0 and heap[(at - 1) // 2] > value:
        heap[at] = heap[(at - 1) // 2]
        at = (at - 1) // 2
    heap[at] = value


@njit(cache=True, nogil=True)
def _pop(heaps, sizes, which):
    heap = heaps[which]
    top, sizes[which] = heap[0], sizes[which] - 1
    n, at = sizes[which], 0
    value = heap[n]
    while 2 * at + 1 < n:
        child = 2 * at + 1
        if child + 1 < n and heap[child + 1] < heap[child]:
            child += 1
        if heap[child] >= value:
            break
        heap[at] = heap[child]
        at = child
    heap[at] = value
    return top
