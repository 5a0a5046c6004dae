"""Which records repeat another: found group by group, with no more than some million records in memory.

Records are dealt out to files by subject and sensor, so that whatever could repeat another lies in the file with it.
"""

import numpy as np
from numba import njit

BURST_S = 2
AT_ONCE = 1 << 22
_RECORD = np.dtype([("row", "<i8"), ("group", "<i8"), ("time", "<i8")])
_MIX = np.uint64(0x9E3779B97F4A7C15)


class Repeats:
    """Records as they come, and in the end a flag for each.

    Parameters
    ----------
    rows : int
        How many there will be.
    scratch : Path
        A folder for those that are not in memory; nothing is kept there of what is `AT_ONCE` or fewer.
    at_once : int
        About how many to look at together.
    """

    def __init__(self, rows, scratch, at_once=None):
        self._rows = rows
        self._files = -(-rows // (at_once or AT_ONCE))
        self._held = []
        self._paths = [scratch / f"repeats-{i}" for i in range(self._files)] if self._files > 1 else []
        self._streams = [open(path, "wb") for path in self._paths]  # noqa: SIM115 - closed by flags()

    def add(self, first_row, subject, sensor, time_us):
        """Take in consecutive records; subject -1 is nobody, and nobody is never a repeat."""
        known = np.flatnonzero(subject >= 0)
        records = np.empty(len(known), _RECORD)
        records["row"], records["time"] = known + first_row, time_us[known]
        records["group"] = subject[known].astype(np.int64) << 32 | sensor[known]
        if not self._streams:
            self._held.append(records)
            return
        file = ((records["group"].astype(np.uint64) * _MIX) >> np.uint64(33)) % np.uint64(self._files)
        order = np.argsort(file, kind="stable")
        ends = np.searchsorted(file[order], np.arange(self._files + 1, dtype=np.uint64))
        for stream, start, end in zip(self._streams, ends[:-1], ends[1:], strict=True):
            stream.write(records[order[start:end]].tobytes())

    def flags(self):
        """A flag for each record, True where it repeats one; what was written is let go."""
        flags = np.zeros(self._rows, np.bool_)
        for records in self._each():
            group, time = records["group"], records["time"]
            order = _order(group, time)
            flags[records["row"][order]] = _repeats(group[order], time[order], BURST_S * 1_000_000)
        return flags

    def _each(self):
        if self._held:
            held, self._held = np.concatenate(self._held), []
            yield held
        for stream in self._streams:
            stream.close()
        for path in self._paths:
            yield np.frombuffer(path.read_bytes(), _RECORD)
            path.unlink()


def flag_duplicates(subject, sensor, time_us):
    """Flag records that repeat the last unflagged one of the same subject and sensor, up to and with 2 s later.

    Of records at the same instant the first in the dump stays unflagged. Records of nobody are never flagged: two
    unmatched faces need not be the same one.

    >>> flag_duplicates(np.array([0, 0, 0, 0, -1, -1]), np.zeros(6, int), np.array([0, 1, 2, 3, 0, 0]) * 1_000_000)
    array([False,  True,  True, False, False, False])
    """
    repeats = Repeats(len(subject), None, max(1, len(subject)))
    repeats.add(0, subject, sensor, time_us)
    return repeats.flags()


def _order(group, time):
    """Places of records by group, then time, then as they came.

    Group and place fit into one number nearly always, and numbers sort several times as fast as pairs. Most groups
    come in the order of their times then; the others are put in it one by one.
    """
    subject, sensor = group >> 32, group & 0xFFFF_FFFF
    width, places = int(sensor.max(initial=0)) + 1, max(1, int(len(group) - 1).bit_length())
    if (int(subject.max(initial=0)) + 1) * width >= 1 << 63 - places:
        return np.lexsort((time, group))
    packed = np.sort(subject * width + sensor << places | np.arange(len(group)))
    order = packed & (1 << places) - 1
    _by_time(order, group, time)
    return order


@njit(cache=True, nogil=True)
def _by_time(order, group, time):
    """Put the records of each group, which lie together, in the order of their times."""
    start, rising = 0, True
    for i in range(1, order.size + 1):
        if i == order.size or group[order[i]] != group[order[start]]:
            if not rising:
                mine = order[start:i].copy()
                order[start:i] = mine[np.argsort(time[mine], kind="mergesort")]
            start, rising = i, True
        elif time[order[i]] < time[order[i - 1]]:
            rising = False


@njit(cache=True, nogil=True)
def _repeats(group, time_us, burst_us):
    flags = np.zeros(group.size, np.bool_)
    kept = 0
    for i in range(1, group.size):
        if group[i] == group[kept] and time_us[i] - time_us[kept] <= burst_us:
            flags[i] = True
        else:
            kept = i
    return flags
