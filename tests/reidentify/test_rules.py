"""36 abstract rules: who is outermost, how many that makes together, and what it would mean."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.errors import InputError
from kit.reidentify.rules import RULES, base_rates, count_flags, flag_rules


def seen(numbers):
    """Person i has numbers[i] records, ten minutes apart, all at one sensor."""
    rows = [(f"p{i:02}", "s", pd.Timestamp("2031-03-12T08:00Z") + pd.Timedelta(minutes=10 * j))
            for i, n in enumerate(numbers) for j in range(n)]
    return pd.DataFrame(rows, columns=["subject_id", "sensor_id", "time"]).astype({"time": "datetime64[us, UTC]"})


def test_the_outermost_are_flagged_at_either_end():
    flags = flag_rules(seen([*[5] * 18, 1, 9]), "Etc/GMT-8", rate=0.05)
    assert flags.columns.tolist() == list(RULES) == [f"R{i:02}" for i in range(1, 37)]
    assert flags.index[flags["R01"]].tolist() == ["p19"]
    assert flags.index[flags["R02"]].tolist() == ["p18"]


def test_people_who_are_alike_are_flagged_by_no_rule():
    assert not flag_rules(seen([4] * 30), "Etc/GMT-8").to_numpy().any()


@given(st.lists(st.integers(1, 6), min_size=1, max_size=12), st.floats(0.01, 0.45))
def test_no_rule_flags_more_than_its_share(numbers, rate):
    assert (flag_rules(seen(numbers), "Etc/GMT-8", rate=rate).mean() <= rate).all()


def test_the_union_is_counted_and_independence_computed():
    flags = pd.DataFrame({"A": [True] * 20 + [False] * 80, "B": [False] * 10 + [True] * 20 + [False] * 70,
                          "C": [True] * 3 + [False] * 97})
    found = count_flags(flags).set_index("rule")
    assert found["n"].drop("C").tolist() == [20, 20, 30, 38]
    assert found.loc["C", "withheld"]
    assert found.loc["C", ["n", "estimate", "low", "high"]].isna().all()


def test_base_rates_by_hand():
    row = base_rates(1000, 0.01, 0.5, 0.1).iloc[0]
    assert row["flagged"] == pytest.approx(104)
    assert row["flagged_wrongly"] == pytest.approx(99)
    assert row["precision"] == pytest.approx(5 / 104)
    assert np.isnan(base_rates(10, 0, 1, 0)["precision"].iloc[0])


def test_nobody_and_mistakes():
    assert flag_rules(seen([]), "Etc/GMT-8").shape == (0, 36)
    with pytest.raises(InputError, match="nobody is in"):
        count_flags(flag_rules(seen([]), "Etc/GMT-8"))
    with pytest.raises(InputError, match="True or False"):
        count_flags(pd.DataFrame({"R01": [1.0, np.nan]}))
    with pytest.raises(InputError, match="rate must lie"):
        flag_rules(seen([1]), "Etc/GMT-8", rate=0)
    with pytest.raises(InputError, match="Mars/Base"):
        flag_rules(seen([1]), "Mars/Base")
    with pytest.raises(InputError, match="missing sensor or time"):
        flag_rules(seen([1]).assign(sensor_id=None), "Etc/GMT-8")
    with pytest.raises(InputError, match="prevalence must lie"):
        base_rates(10, 2, 1, 1)
