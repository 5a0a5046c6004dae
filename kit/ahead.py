"""Work done ahead of whoever waits for it: the next pieces are made on a thread of their own."""

from collections import deque
from concurrent.futures import ThreadPoolExecutor


def make_ahead(pieces, most=2):
    """Go through an iterator on another thread, some pieces ahead of where they are taken.

    Parameters
    ----------
    pieces : iterator
        Gives no None. What it raises is raised here, in its turn.
    most : int
        How many pieces may lie ready.

    Yields
    ------
    object
        The pieces, in their order.

    >>> list(make_ahead(iter("abc")))
    ['a', 'b', 'c']
    """
    with ThreadPoolExecutor(1) as thread:
        ready = deque(thread.submit(next, pieces, None) for _ in range(most))
        while (piece := ready.popleft().result()) is not None:
            ready.append(thread.submit(next, pieces, None))
            yield piece
