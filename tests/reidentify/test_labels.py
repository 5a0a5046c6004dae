"""What the label does: a table by hand, and the unequal errors that the city plants."""

import numpy as np
import pandas as pd
import pytest

import kit
from kit.city.detect import FALSE_MATCH_SHARE, UNMATCHED_SHARE
from kit.errors import InputError
from kit.estimates import wilson
from kit.exposure import write_exposure
from kit.reidentify.labels import audit_labels, label_errors


def records(**wrong):
    """20 people a label, one record each, so many of them false."""
    return pd.concat([pd.DataFrame({"person": [f"{label}{i}" for i in range(20)], "system_label": label,
                                    "why": ["false_match"] * n + ["true_match"] * (20 - n)})
                      for label, n in wrong.items()])


def test_rates_and_their_difference_by_hand():
    found = label_errors(records(amber=8, teal=2))
    found = found[found["error"] == "false_match"]
    assert found["estimate"].to_numpy() == pytest.approx([0.4, 0.1, 0.3])
    (low_a, low_t), (high_a, high_t) = wilson([8, 2], [20, 20])
    assert found["low"].iloc[2] == pytest.approx(0.3 - np.sqrt((0.4 - low_a)**2 + (high_t - 0.1)**2))
    assert found["high"].iloc[2] == pytest.approx(0.3 + np.sqrt((high_a - 0.4)**2 + (0.1 - low_t)**2))


def test_a_group_of_few_people_is_withheld_with_its_differences():
    found = label_errors(pd.concat([records(teal=2), records(amber=9).head(9)]))
    assert found.loc[found["withheld"], "estimate"].isna().all()
    assert found["withheld"].tolist() == [True, False] * 2 + [True] * 2
    assert found.loc[found["withheld"], "n"].isna().all()


def test_one_label_alone_has_no_difference():
    assert label_errors(records(teal=1))["against"].isna().all()


@pytest.mark.parametrize("name", ["register", "community"])
def test_the_city_s_planted_errors_are_found(name):
    found = audit_labels(kit.open_exposure(name))
    planted = {"false_match": FALSE_MATCH_SHARE, "unmatched": UNMATCHED_SHARE}
    for row in found[found["against"].isna()].itertuples():
        assert row.estimate == pytest.approx(planted[row.error][row.label], rel=0.15)
    gaps = found[found["against"].notna()]
    assert (gaps["low"] > 0).all()
    assert gaps["label"].tolist() == ["amber"] * 2


def test_a_real_exposure_is_refused_before_anything_is_read(tmp_path):
    write_exposure(tmp_path / "case", {}, name="case", tz="UTC", synthetic=False)
    (tmp_path / "case" / "purpose.toml").write_text('reason = "x"\napproved_by = "y"\nretain_until = 9999-01-01\n')
    real = kit.open_exposure(tmp_path / "case")
    with pytest.raises(InputError, match="case is real: its labels were counted, then dropped"):
        audit_labels(real)


def test_an_exposure_without_labels_and_broken_records():
    with pytest.raises(InputError, match="keeps no label"):
        audit_labels(kit.open_exposure("fusion"))
    with pytest.raises(InputError, match="must say why"):
        label_errors(records(teal=1).assign(why=None))
    with pytest.raises(InputError, match="at least 5"):
        label_errors(records(teal=1), k=2)
