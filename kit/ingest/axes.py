"""Which of two numbers in an array is the longitude: by their ranges, names, a type, or a position beside them."""

import re

import numpy as np

_POINTS = re.compile(r"(.+)\.([012])")
_LAT_FIRST, _LON_FIRST = re.compile(r"lat_?l(on|ng)", re.IGNORECASE), re.compile(r"l(on|ng)_?lat", re.IGNORECASE)


def name_axes(guesses):
    """Make longitudes and latitudes of the elements of arrays, where `glimpse` took some for positions.

    Parameters
    ----------
    guesses : list of guesses.Guess
        Of one source; those that are elements are changed. What is not sure says so, and is not `named`.
    """
    arrays = {}
    for g in guesses:
        if found := _POINTS.fullmatch(g.path):
            arrays.setdefault(found[1], {})[int(found[2])] = g
    arrays = {path: axes for path, axes in arrays.items() if {0, 1} <= axes.keys() and len(axes[0].seen.numbers)
              and len(axes[1].seen.numbers)}
    told = {path: _by_itself(path, axes, guesses) for path, axes in arrays.items()}
    for path, (lon_first, why) in told.items():
        if why and lon_first is not None:
            _say(arrays[path], lon_first, why)
        elif why:
            _no_degrees(arrays[path], why)
    for path, (_, why) in told.items():
        if not why:
            _say(arrays[path], *_beside_another(arrays[path], guesses), sure=False)


def is_pair(lon, lat):
    """Whether two paths are elements of one array."""
    first, second = _POINTS.fullmatch(lon), _POINTS.fullmatch(lat)
    return bool(first and second and first[1] == second[1])


def _by_itself(path, axes, guesses):
    """(whether longitude is first, the reason); without a reason where only what stands beside it may tell."""
    far = [np.abs(axes[i].seen.numbers).max() for i in (0, 1)]
    if max(far) > 180 or min(far) > 90:
        return None, "a position in another system"
    if max(far) > 90:
        return bool(far[0] > 90), "by its range"
    above, _, last = path.rpartition(".")
    if _LAT_FIRST.search(last) or _LON_FIRST.search(last):
        return _LAT_FIRST.search(last) is None, "by the name of the array"
    kind = next((g for g in guesses if g.path == f"{above}.type"), None)
    typed = above and kind is not None and {v.lower() for v in kind.seen.values} == {"point"}
    if typed and above.rpartition(".")[2] != "geo":  # of which some wrote the latitude first
        return True, "longitude first, as GeoJSON has it"
    return None, ""


def _beside_another(axes, guesses):
    """As the position beside it has the same numbers; else as is the custom."""
    lon = next((g for g in guesses if g.role == "lon" and len(g.seen.numbers)), None)
    lat = next((g for g in guesses if g.role == "lat" and len(g.seen.numbers)), None)
    if lon and lat:
        here, there = (np.array([np.median(g.seen.numbers) for g in pair]) for pair in ((axes[0], axes[1]), (lon, lat)))
        straight, swapped = np.abs(here - there).sum(), np.abs(here[::-1] - there).sum()
        if min(straight, swapped) < 0.2 * max(straight, swapped):
            return bool(straight < swapped), "by another position of the same records"
    return True, "longitude first is the custom in arrays, but the range fits both: please check"


def _say(axes, lon_first, why, sure=True):
    for i, g in axes.items():
        g.kind, g.tier, g.reading, g.why = "", 9, {}, why
        if i == 2:
            g.role, g.what, g.do, g.why = "number", "measurement", "drop", "how high, it seems"
        else:
            g.role, g.what, g.do, g.named = "lon" if (i == 0) == lon_first else "lat", "place", "keep", sure


def _no_degrees(axes, why):
    for g in axes.values():
        g.role, g.what, g.do, g.kind, g.tier, g.reading, g.why = "projected", "place", "drop", "", 9, {}, why
