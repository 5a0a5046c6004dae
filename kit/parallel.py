"""Kernels on every core: plain threads, since a compiled kernel lets go of Python while it works."""

import os
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise


def cores():
    """How many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def run(kernel, tasks):
    """Call `kernel(*task)` for each task, as many at a time as there are cores; results in the order of the tasks.

    >>> run(max, [(1, 2), (5, 3)])
    [2, 5]
    """
    tasks = list(tasks)
    if len(tasks) < 2 or cores() < 2:
        return [kernel(*task) for task in tasks]
    with ThreadPoolExecutor(min(cores(), len(tasks))) as pool:
        return list(pool.map(lambda task: kernel(*task), tasks))


def spans(n, parts):
    """Cut 0..n into at most `parts` spans of about equal length: [(start, stop), ...].

    >>> spans(5, 2)
    [(0, 2), (2, 5)]
    """
    parts = max(1, min(parts, n))
    edges = [n * i // parts for i in range(parts + 1)]
    return list(pairwise(edges))
