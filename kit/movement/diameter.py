"""The loop behind `find_stays(closes_on="diameter")`: the smallest rectangle round all fixes of a window.

The rectangle is the one of least area, turned as it may, in degrees; its size is the length of the diagonal that
movingpandas measures, on the ellipsoid. The convex hull is kept from fix to fix, so a fix within it costs little.
"""

import math

import numpy as np
from numba import njit

from kit.movement.stay_kernels import distance_m, unwrapped

_AXIS_M, _SQUARED_ECCENTRICITY = 6_378_137.0, 0.00669437999014  # WGS 84
_PREFILTER = 1.5  # a rectangle of diagonal d fits into an upright one of diagonal 1.42 d


@njit(cache=True, nogil=True)
def by_diameter(subject, time_us, lon, lat, start, stop, rule, most_m, first, last, finish):
    """A stay lasts while the rectangle round all its fixes stays small; `stay_kernels` tells of the arguments."""
    shortest_us, longest_gap_us, edge_belongs, first_outside, keep_open, keep_at_gap = rule
    n, window, stopped = start, start, False
    hull, size = np.empty((2, stop - start + 3)), 0
    for i in range(start, stop + 1):
        over = i == stop or subject[i] != subject[window]
        gap = not over and i > window and time_us[i] - time_us[i - 1] > longest_gap_us
        if over or gap:
            if stopped and (keep_open if over else keep_at_gap) and time_us[i - 1] - time_us[window] >= shortest_us:
                first[n], last[n], finish[n] = window, i - 1, i - 1
                n += 1
            window, stopped = i, False
        if i in (stop, window):
            continue
        was_stopped = stopped
        if was_stopped:
            size, grown = _add(hull, size, unwrapped(lon[i], lon[window]), lat[i])
            stopped = not grown or _is_small(_diagonal_m(hull, size), most_m, edge_belongs)
        else:
            while i - window > 1 and time_us[i] - time_us[window] >= shortest_us:
                window += 1
            stopped = _upright_m(lon, lat, window, i) < _PREFILTER * most_m
            if stopped:
                size = 0
                for k in range(window, i + 1):
                    size, grown = _add(hull, size, unwrapped(lon[k], lon[window]), lat[k])
                stopped = _is_small(_diagonal_m(hull, size), most_m, edge_belongs)
        end = i if first_outside else i - 1
        if was_stopped and not stopped and time_us[end] - time_us[window] >= shortest_us:
            first[n], last[n], finish[n] = window, i - 1, end
            n += 1
            window = i
    return n - start


@njit(cache=True, nogil=True)
def _is_small(diagonal_m, most_m, edge_belongs):
    return diagonal_m < most_m or (edge_belongs and diagonal_m == most_m)


@njit(cache=True, nogil=True)
def _upright_m(lon, lat, start, last):
    """Diagonal of the upright rectangle round some fixes."""
    west = east = lon[start]
    south = north = lat[start]
    for k in range(start + 1, last + 1):
        x = unwrapped(lon[k], lon[start])
        west, east = min(west, x), max(east, x)
        south, north = min(south, lat[k]), max(north, lat[k])
    return _short_distance_m(west, south, east, north)


@njit(cache=True, nogil=True)
def _diagonal_m(hull, size):
    """The diagonal, from the end of the side the rectangle rests on, of the rectangle of least area round a hull.

    Often two sides of a hull give rectangles of one area (round a triangle of acute angles, all three do), and then
    rounding decides. So sides are taken clockwise from the lowest point and areas reckoned foot by foot, as GEOS does.
    """
    if size < 3:
        return _short_distance_m(hull[0, 0], hull[1, 0], hull[0, size - 1], hull[1, size - 1])
    lowest = 0
    for v in range(1, size):
        if (hull[1, v], hull[0, v]) < (hull[1, lowest], hull[0, lowest]):
            lowest = v
    least, base = np.inf, 0
    for k in range(size):
        area = _area(hull, size, (lowest - k) % size, (lowest - k - 1) % size)
        if area < least:
            least, base = area, (lowest - k) % size
    return _from_corner_to_corner_m(hull, size, base, (base - 1) % size)


@njit(cache=True, nogil=True)
def _area(hull, size, a, b):
    """Area of the rectangle that rests on the side from vertex a to b."""
    far, far_away = a, -1.0
    for v in range(size):
        away = abs(_off_line(hull[0, a], hull[1, a], hull[0, b], hull[1, b], hull[0, v], hull[1, v]))
        if away > far_away:
            far, far_away = v, away
    x, y = hull[0, far], hull[1, far]
    dx, dy = hull[0, b] - hull[0, a], hull[1, b] - hull[1, a]
    share = ((x - hull[0, a]) * dx + (y - hull[1, a]) * dy) / (dx * dx + dy * dy)
    foot_x, foot_y = hull[0, a] + share * dx, hull[1, a] + share * dy
    left, right = 0.0, 0.0
    for v in range(size):
        off = _off_line(foot_x, foot_y, x, y, hull[0, v], hull[1, v])
        left, right = max(left, off), min(right, off)
    return math.sqrt((foot_x - x) ** 2 + (foot_y - y) ** 2) * (left - right)


@njit(cache=True, nogil=True)
def _off_line(ax, ay, bx, by, x, y):
    square = (bx - ax) * (bx - ax) + (by - ay) * (by - ay)
    return ((ay - y) * (bx - ax) - (ax - x) * (by - ay)) / square * math.sqrt(square)


@njit(cache=True, nogil=True)
def _from_corner_to_corner_m(hull, size, a, b):
    x, y = hull[0], hull[1]
    dx, dy = x[b] - x[a], y[b] - y[a]
    length = math.hypot(dx, dy)
    dx, dy = dx / length, dy / length
    low, high, depth = 0.0, 0.0, 0.0
    for v in range(size):
        along = (x[v] - x[a]) * dx + (y[v] - y[a]) * dy
        low, high = min(low, along), max(high, along)
        depth = max(depth, (x[v] - x[a]) * dy - (y[v] - y[a]) * dx)
    return _short_distance_m(x[a] + low * dx, y[a] + low * dy,
                             x[a] + high * dx + depth * dy, y[a] + high * dy - depth * dx)


@njit(cache=True, nogil=True)
def _short_distance_m(lon1, lat1, lon2, lat2):
    """Distance on the ellipsoid by its curvature half way; to a millimetre within ten kilometres, but for poles."""
    if abs(lat1) > 89 or abs(lat2) > 89:
        return distance_m(lon1, lat1, lon2, lat2)
    phi = math.radians((lat1 + lat2) / 2)
    bend = 1 - _SQUARED_ECCENTRICITY * math.sin(phi) ** 2
    east = math.radians(lon2 - lon1) * math.cos(phi) * _AXIS_M / math.sqrt(bend)
    north = math.radians(lat2 - lat1) * _AXIS_M * (1 - _SQUARED_ECCENTRICITY) / bend**1.5
    return math.hypot(east, north)


@njit(cache=True, nogil=True)
def _add(hull, size, x, y):
    """Add a point to a convex hull (anticlockwise); its new size, and whether it grew."""
    if size < 3:
        return _add_to_few(hull, size, x, y)
    from_vertex, to_vertex = -1, -1  # the sides that the point lies outside of go from one to the other
    before = _outside(hull, size - 1, 0, x, y)
    for k in range(size):
        now = _outside(hull, k, (k + 1) % size, x, y)
        if now and not before:
            from_vertex = k
        if before and not now:
            to_vertex = k
        before = now
    if from_vertex < 0 or to_vertex < 0:
        return size, False
    kept = (from_vertex - to_vertex) % size + 1
    was = hull[:, :size].copy()
    for k in range(kept):
        hull[0, k], hull[1, k] = was[0, (to_vertex + k) % size], was[1, (to_vertex + k) % size]
    hull[0, kept], hull[1, kept] = x, y
    return kept + 1, True


@njit(cache=True, nogil=True)
def _add_to_few(hull, size, x, y):
    """The same for a hull of two points or fewer, where points may be equal or in line."""
    for k in range(size):
        if hull[0, k] == x and hull[1, k] == y:
            return size, False
    hull[0, size], hull[1, size] = x, y
    if size < 2:
        return size + 1, True
    dx, dy = hull[0, 1] - hull[0, 0], hull[1, 1] - hull[1, 0]
    turn = dx * (y - hull[1, 0]) - dy * (x - hull[0, 0])
    if turn == 0:
        along = (dx * (x - hull[0, 0]) + dy * (y - hull[1, 0])) / (dx * dx + dy * dy)
        if 0 <= along <= 1:
            return 2, False
        moved = 0 if along < 0 else 1
        hull[0, moved], hull[1, moved] = x, y
        return 2, True
    if turn < 0:
        hull[0, 2], hull[1, 2] = hull[0, 1], hull[1, 1]
        hull[0, 1], hull[1, 1] = x, y
    return 3, True


@njit(cache=True, nogil=True)
def _outside(hull, a, b, x, y):
    return (hull[0, b] - hull[0, a]) * (y - hull[1, a]) - (hull[1, b] - hull[1, a]) * (x - hull[0, a]) < 0
