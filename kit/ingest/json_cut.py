"""JSON lines to columns in one pass over their bytes: what a line of the plain kind holds, compiled.

A parser for all of JSON builds every value of every record, and is asked a second time for the members' names. Dumps
are lines of the same shape, of which a recipe wants a few members: here the others are only checked. Whatever is not
plain (an escape, an exponent or a lone surrogate where it matters, a member twice, a mistake) is left to that parser,
line by line, so that it alone says what such a line means.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pyarrow as pa
from numba import njit

from kit import kernels
from kit.ingest.lanes import WIDTH, copy_lanes, first_no_figure, first_stop, first_unlike

kernels.forget_stale(__file__)

_MOST_NAMES, _SLOTS = 1024, 4096
_NOWHERE = np.int32(-1)
_DEEPEST = 60


@dataclass(frozen=True)
class Wanted:
    """The wanted paths as a tree of objects; node 0 is the line itself.

    `edges` has a row for each member that leads on: its node, where its name starts and ends in `names`, the number of
    the field it is (or -1) and the node it opens (or -1). `told` says which nodes' members are reported by name.
    """

    names: np.ndarray
    edges: np.ndarray
    root: int
    told: dict[int, str]


@lru_cache(maxsize=64)
def want(fields, root):
    """Prepare for the paths `fields`, within the member `root` (or "", the line itself).

    Returns
    -------
    Wanted or None
        None where one path goes through another, or there are too many for this.
    """
    nodes, names, edges, leaves = {(): 0}, b"", [], set()
    above = (root,) if root else ()
    for number, path in enumerate(fields):
        parts = (*above, *path.split("."))
        for depth, name in enumerate(parts):
            here, there = parts[:depth], parts[: depth + 1]
            if depth + 1 < len(parts) and there in nodes:
                continue
            leaf = depth + 1 == len(parts)
            leaves |= {there} if leaf else set()
            node = -1 if leaf else nodes.setdefault(there, len(nodes))
            edges.append((nodes[here], len(names), len(names) + len(name.encode()), number if leaf else -1, node))
            names += name.encode()
    if root and above not in nodes:
        nodes[above] = len(nodes)
        edges.append((0, len(names), len(names) + len(root.encode()), -1, nodes[above]))
        names += root.encode()
    if leaves & set(nodes) or len(leaves) < len(fields) or len(edges) + len(nodes) > _MOST_NAMES // 2:
        return None
    told = {nodes[above]: ""}
    told |= {nodes[parts[:-1]]: "".join(f"{name}." for name in parts[len(above) : -1]) for parts in leaves}
    return Wanted(np.frombuffer(names or b" ", np.uint8), np.array(edges, np.int32).reshape(-1, 5), nodes[above], told)


def cut(block, rows, wanted, n_fields):
    """Cut the wanted values out of a block's lines.

    Parameters
    ----------
    block : cutters.Block
    rows : numpy.ndarray of int64
        The lines to look at: valid UTF-8 that begins with a brace.
    wanted : Wanted
    n_fields : int

    Returns
    -------
    (numpy.ndarray of bool, list of pyarrow.StringArray, set of str)
        Which lines were plain; of these the text of each field, as the parser would give it; and the names of their
        members, at the top of the records and beside fields further down.
    """
    starts, stops = np.empty((n_fields, len(rows)), np.int32), np.empty((n_fields, len(rows)), np.int32)
    plain, found = np.zeros(len(rows), np.bool_), np.empty((_MOST_NAMES, 3), np.int32)
    n = _cut_lines(block.data, block.starts, rows, wanted.names, wanted.edges, wanted.root, starts, stops, plain, found)
    names = {wanted.told[node] + block.data[start:stop].tobytes().decode("utf-8")
             for node, start, stop in found[:n].tolist() if node in wanted.told}
    if not plain.all():
        starts, stops = starts[:, plain], stops[:, plain]
    return plain, [_column(block.data, starts[i], stops[i]) for i in range(n_fields)], names


def _column(data, starts, stops):
    there, room = _measure(starts, stops)
    if not there:
        return pa.nulls(len(starts), pa.string())
    ends, letters = np.empty(len(starts) + 1, np.int32), np.empty(room + WIDTH, np.uint8)
    _gather(data, starts, stops, ends, letters)
    nulls = len(starts) - there
    valid = pa.py_buffer(np.packbits(stops >= 0, bitorder="little")) if nulls else None
    return pa.StringArray.from_buffers(len(starts), pa.py_buffer(ends), pa.py_buffer(letters[:room]), valid, nulls)


@njit(cache=True, nogil=True)
def _measure(starts, stops):
    """How many values there are, and room for all of them."""
    there, room = 0, 0
    for row in range(starts.size):
        if stops[row] >= 0:
            there += 1
            room += stops[row] - (starts[row] if starts[row] >= 0 else ~starts[row])
    return there, room


@njit(cache=True, nogil=True)
def _gather(data, starts, stops, ends, letters):
    """Copy values to one place, where there is room to spare; an object or array, whose start comes complemented,
    without its blanks."""
    at, wide = 0, data.size - WIDTH
    ends[0] = 0
    for row in range(starts.size):
        start, stop = starts[row], stops[row]
        if start >= 0:
            i, past = np.int64(start), at - start
            while i < stop:
                if i <= wide:
                    copy_lanes(data, i, letters, i + past)
                    i += WIDTH
                else:
                    letters[i + past] = data[i]
                    i += 1
            at += max(0, stop - start)
        else:
            quoted = False
            for i in range(~start, stop):
                quoted ^= data[i] == 34
                if quoted or data[i] > 32:
                    letters[at] = data[i]
                    at += 1
        ends[row + 1] = at


@njit(cache=True, nogil=True)
def _cut_lines(data, bounds, rows, names, edges, root, starts, stops, plain, found):
    """Fill in where the values of each line start and stop; returns how many names plain lines have, put in `found`."""
    n_nodes = edges[:, 4].max() + 1 if edges.shape[0] else 1
    # A member is known by a number; those below `n_nodes` stand for the opening of an object, before its first member.
    known = np.zeros((_MOST_NAMES, 3), np.int32)  # node, and where in the data the name lies
    goals = np.full((_MOST_NAMES, 2), _NOWHERE)  # the field it is, the node it opens
    after, seen = np.full(_MOST_NAMES, _NOWHERE), np.full(_MOST_NAMES, _NOWHERE)
    slots, used = np.full(_SLOTS, _NOWHERE), np.zeros(_MOST_NAMES, np.bool_)
    size = np.array([max(1, n_nodes)])
    node, last, new = np.zeros(_DEEPEST, np.int32), np.zeros(_DEEPEST, np.int32), np.zeros(_MOST_NAMES, np.int32)
    stops[:] = -1
    starts[:] = 0
    for at in range(rows.size):
        i, end = bounds[rows[at]], bounds[rows[at] + 1] - 1
        n_new, depth, behind, rooted = 0, 0, False, root == 0
        node[0] = last[0] = 0
        if end <= i or data[i] != 123 or (data[end] != 10 and data[end] != 13):
            continue
        i += 1
        while i > 0:
            i = _blank(data, i, end)
            if data[i] == 125:
                depth -= 1
                i += 1
                behind = True
                if depth < 0:
                    plain[at] = rooted and _blank(data, i, end) == end
                    break
                continue
            if behind:
                if data[i] != 44:
                    break
                i = _blank(data, i + 1, end)
            if data[i] != 34:
                break
            name = _known(data, i + 1, node[depth], after[last[depth]], known)
            if name < 0:
                name = _look_up(data, i + 1, node[depth], known, slots, size, goals, names, edges)
                if name < 0:
                    break
                after[last[depth]] = name
            if seen[name] == at:
                break
            seen[name], last[depth] = at, name
            if not used[name] and n_new < _MOST_NAMES:
                new[n_new] = name
                n_new += 1
            i = _blank(data, known[name, 2] - known[name, 1] + i + 2, end)
            if data[i] != 58:
                break
            i = _blank(data, i + 1, end)
            field, opens = goals[name, 0], goals[name, 1]
            if opens >= 0 and data[i] == 123 and depth + 1 < _DEEPEST:
                rooted = rooted or opens == root
                depth += 1
                node[depth] = last[depth] = opens
                behind = False
                i += 1
                continue
            start, i = i, _value(data, i, end, field >= 0)
            behind = True
            if field >= 0 and i > 0 and data[start] != 110:
                quoted, nested = data[start] == 34, data[start] == 123 or data[start] == 91
                starts[field, at] = ~start if nested else start + quoted
                stops[field, at] = i - quoted if quoted or nested else _without_zeros(data, start, i)
        if plain[at]:
            for k in range(n_new):
                used[new[k]] = True
    n = 0
    for name in range(size[0]):
        if used[name]:
            found[n] = known[name]
            n += 1
    return n


@njit(cache=True, nogil=True)
def _known(data, i, node, guess, known):
    """The number of the name at `i`, if it is the guessed one of this node; else -1."""
    if guess < 0 or known[guess, 0] != node:
        return -1
    start, stop = known[guess, 1], known[guess, 2]
    if i <= data.size - WIDTH and stop - start < WIDTH:
        return guess if first_unlike(data, i, data, start) > stop - start else -1
    for k in range(stop - start):
        if data[i + k] != data[start + k]:
            return -1
    return guess if data[i + stop - start] == 34 else -1


@njit(cache=True, nogil=True)
def _look_up(data, i, node, known, slots, size, goals, names, edges):
    """The number of the name at `i`, a new one if need be; -1 if it is not plain, or there are too many."""
    mixed, stop = np.uint64(node + 1), i
    while data[stop] != 34:
        if data[stop] < 32 or data[stop] == 92:
            return -1
        mixed = (mixed ^ np.uint64(data[stop])) * np.uint64(0x100000001B3)
        stop += 1
    slot = np.int64((mixed ^ (mixed >> np.uint64(29))) % np.uint64(_SLOTS))
    while slots[slot] >= 0:
        if known[slots[slot], 2] - known[slots[slot], 1] == stop - i and _known(data, i, node, slots[slot], known) >= 0:
            return slots[slot]
        slot = (slot + 1) % _SLOTS
    name = size[0]
    if name == _MOST_NAMES:
        return -1
    size[0] += 1
    slots[slot] = name
    known[name, 0], known[name, 1], known[name, 2] = node, i, stop
    for edge in range(edges.shape[0]):
        start = edges[edge, 1]
        same = edges[edge, 0] == node and edges[edge, 2] - start == stop - i
        for k in range(stop - i if same else 0):
            same = same and names[start + k] == data[i + k]
        if same:
            goals[name, 0], goals[name, 1] = edges[edge, 3], edges[edge, 4]
    return name


@njit(cache=True, nogil=True)
def _value(data, i, end, exact):
    """Where the value at `i` ends; -1 if it is wrong or, where its text is wanted (`exact`), the parser writes another.
    """
    kinds, depth = np.uint64(0), 0
    while True:
        letter = data[i]
        if letter == 34:
            i = _string(data, i, exact)
        elif letter == 123 or letter == 91:
            i = _blank(data, i + 1, end)
            if data[i] != letter + 2:
                depth += 1
                kinds = kinds << np.uint64(1) | np.uint64(letter == 123)
                i = _name(data, i, end, exact) if letter == 123 else i
                if i < 0 or depth > _DEEPEST:
                    return -1
                continue
            i += 1
        elif letter == 45 or 48 <= letter <= 57:
            i = _number(data, i, exact, depth == 0)
        else:
            i = _word(data, i)
        while depth > 0 and i > 0:
            i = _blank(data, i, end)
            is_object = kinds & np.uint64(1)
            if data[i] == 44:
                i = _blank(data, i + 1, end)
                i = _name(data, i, end, exact) if is_object else i
                break
            i = i + 1 if data[i] == (125 if is_object else 93) else -1
            depth -= 1
            kinds >>= np.uint64(1)
        if i < 0 or depth == 0:
            return i


@njit(cache=True, nogil=True)
def _name(data, i, end, exact):
    """Where the value after a name and its colon starts, or -1."""
    i = _blank(data, _string(data, i, exact), end) if data[i] == 34 else -1
    return _blank(data, i + 1, end) if i > 0 and data[i] == 58 else -1


@njit(cache=True, nogil=True)
def _blank(data, i, end):
    while 0 <= i < end and data[i] <= 32 and (data[i] == 32 or data[i] == 10 or data[i] == 13 or data[i] == 9):
        i += 1
    return i


@njit(cache=True, nogil=True)
def _string(data, i, exact):
    """Where the string whose mark is at `i` ends; a control letter, such as the end of the line, stops it: -1."""
    i, wide = i + 1, data.size - WIDTH
    while i <= wide:
        plain = first_stop(data, i)
        i += plain
        if plain < WIDTH:
            break
    while data[i] != 34:
        if data[i] < 32:
            return -1
        if data[i] == 92:
            letter = data[i + 1]
            if exact or not _may_follow(letter) or (letter == 117 and not _is_letter(data, i + 2)):
                return -1
            i += 1
        i += 1
    return i + 1


@njit(cache=True, nogil=True)
def _may_follow(letter):
    """Whether a letter makes an escape after a backslash."""
    return letter in (34, 92, 47, 98, 102, 110, 114, 116, 117)


@njit(cache=True, nogil=True)
def _is_letter(data, i):
    r"""Whether four figures of base 16 follow, as after \u, and they are no half of a pair."""
    for k in range(i, i + 4):
        if not (48 <= data[k] <= 57 or 65 <= data[k] <= 70 or 97 <= data[k] <= 102):
            return False
    return not ((data[i] == 68 or data[i] == 100) and data[i + 1] >= 56)


@njit(cache=True, nogil=True)
def _word(data, i):
    if data[i] == 116 and data[i + 1] == 114 and data[i + 2] == 117 and data[i + 3] == 101:
        return i + 4
    if data[i] == 110 and data[i + 1] == 117 and data[i + 2] == 108 and data[i + 3] == 108:
        return i + 4
    if data[i] == 102 and data[i + 1] == 97 and data[i + 2] == 108 and data[i + 3] == 115 and data[i + 4] == 101:
        return i + 5
    return -1


@njit(cache=True, nogil=True)
def _number(data, i, exact, alone):
    """Where a number ends. The parser writes whole numbers and short decimals as they stand, others in its own way.

    Zeros at the end of decimals are let pass where the number is `alone`, for `_without_zeros` to take off.
    """
    below = data[i] == 45
    first = i + below
    i = _figures(data, first)
    whole, decimals = i - first, 0
    if whole == 0 or (whole > 1 and data[first] == 48):
        return -1
    if data[i] == 46:
        i = _figures(data, i + 1)
        decimals = i - first - whole - 1
        if decimals == 0:
            return -1
    if data[i] == 101 or data[i] == 69:
        i += 1
        i += data[i] == 43 or data[i] == 45
        stop = _figures(data, i)
        return stop if stop > i and not exact else -1
    if not exact:
        return i
    significant = _without_zeros(data, first, i)
    if significant < i and not alone:
        return -1
    decimals -= i - significant
    if data[first] == 48:  # none below zero, and nothing so small that it is written with an exponent
        zero = decimals == 0 or (decimals == 1 and data[first + 2] == 48)
        if (zero and below) or (decimals > 5 and data[first + 2] == 48):
            return -1
    return i if whole + decimals <= (15 if decimals else 18) else -1


@njit(cache=True, nogil=True)
def _without_zeros(data, start, stop):
    """Where a number ends without the zeros that end its decimals, of which one stays."""
    end, point = stop, start
    if data[stop - 1] == 48:
        while point < stop and data[point] != 46:
            point += 1
        while end > point + 2 and data[end - 1] == 48:
            end -= 1
    return end


@njit(cache=True, nogil=True)
def _figures(data, i):
    if i <= data.size - WIDTH:
        i += first_no_figure(data, i)
    while 48 <= data[i] <= 57:
        i += 1
    return i
