"""Pairs in cells: the sort by digits, and cells of more records than fit one bucket."""

import numpy as np
import pandas as pd
import pytest

from kit.movement import pairs


@pytest.mark.parametrize("bits", [1, 9, 10, 18, 44, 64])
def test_numbers_of_any_width_are_sorted(bits):
    most = (1 << bits) - 1
    chance = np.random.default_rng(bits)
    numbers = chance.integers(0, most, pairs._FEW + 7, dtype=np.uint64, endpoint=True)
    numbers[::3] = numbers[0]  # one value that fills a bucket of its own
    assert pairs._sorted(numbers.copy(), most).tolist() == sorted(numbers.tolist())


def test_many_records_fall_into_the_same_cells_as_in_a_table():
    chance = np.random.default_rng(0)
    n = 2 * pairs._FEW
    subject, sensor = chance.integers(-1, 900, n, dtype=np.int32), chance.integers(0, 30, n, dtype=np.int32)
    window = chance.integers(6_000_000, 6_000_040, n)
    who, edges, spot, when = pairs.cells(subject, sensor, window, 900)
    table = pd.DataFrame({"sensor": sensor, "window": window, "subject": subject})
    table = table[table["subject"] >= 0].drop_duplicates().sort_values(["sensor", "window", "subject"])
    assert who.tolist() == table["subject"].tolist()
    size = table.groupby(["sensor", "window"]).size()
    assert np.diff(edges).tolist() == size.tolist()
    assert list(zip(spot.tolist(), when.tolist(), strict=True)) == size.index.tolist()


def test_pairs_of_many_cells_are_counted_once_a_cell():
    n_cells = pairs._FEW  # each holds the pairs (0, 1), (0, 2) and (1, 2)
    who, edges = np.tile(np.arange(3, dtype=np.int32), n_cells), np.arange(0, 3 * n_cells + 1, 3)
    first, second, n, days = pairs.tally(who, edges, np.arange(n_cells) % 5, 3, 5)
    assert list(zip(first.tolist(), second.tolist(), strict=True)) == [(0, 1), (0, 2), (1, 2)]
    assert n.tolist() == [n_cells] * 3
    assert days.tolist() == [5] * 3
