"""Counted anonymity, against tables worked by hand and against the definitions spelled out the slow way."""

from collections import Counter
from math import exp, log

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kit.errors import InputError
from kit.reidentify import (
    anonymity_sets,
    k_anonymity,
    l_diversity,
    make_points,
    passes_yet_singled_out,
    release_risk,
    summarise_sets,
    t_closeness,
    top_places,
)


def places_of(people):
    """{subject: (home, work)} as the places table; None where there is none."""
    rows = [(who, place, role) for who, pair in people.items()
            for role, place in zip(("home", "work"), pair, strict=True) if place]
    return pd.DataFrame(rows, columns=["subject_id", "place_id", "role"])


def visits_of(people):
    rows = [(who, place) for who, places in people.items() for place in places]
    return pd.DataFrame(rows, columns=["subject_id", "place_id"])


def by_subject(table, column="size"):
    return dict(zip(table["subject_id"], table[column].tolist(), strict=True))


# u and v share home and work; w has them the other way round; x lives with them and works elsewhere; y has no work.
TOWN = {"u": ("a", "b"), "v": ("a", "b"), "w": ("b", "a"), "x": ("a", "c"), "y": ("a", None)}


def test_home_and_work_pairs_by_hand():
    assert by_subject(anonymity_sets(places_of(TOWN))) == {"u": 2, "v": 2, "w": 1, "x": 1}
    assert by_subject(anonymity_sets(places_of(TOWN), roles="home")) == {"u": 4, "v": 4, "w": 1, "x": 4, "y": 4}


def test_larger_zones_make_larger_sets():
    zones = {"a": "west", "b": "east", "c": "east"}
    assert by_subject(anonymity_sets(places_of(TOWN), zones=zones)) == {"u": 3, "v": 3, "w": 1, "x": 3}
    assert set(by_subject(anonymity_sets(places_of(TOWN), zones=dict.fromkeys("abc", "all"))).values()) == {4}


def test_sets_in_one_table():
    sets = anonymity_sets(places_of(TOWN))
    table = summarise_sets(sets, k=(1, 2))
    assert table["estimate"].tolist() == [0.5, 1]
    assert table["median"].tolist() == [1, 1]
    assert (table["low"] < table["estimate"]).all()


def test_nobody_with_both_roles_is_an_empty_answer():
    assert len(anonymity_sets(places_of({"x": ("a", None)}))) == 0
    assert len(anonymity_sets(places_of(TOWN).iloc[:0])) == 0


# Visits: u a3 b2 c1; v b3 a2 c1; w a1 b1; x a2.
ROUNDS = {"u": "aaabbc", "v": "bbbaac", "w": "ab", "x": "aa"}


def test_top_places_in_order_and_not():
    ordered, free = (top_places(visits_of(ROUNDS), 2, ordered) for ordered in (True, False))
    assert by_subject(ordered, "key") == {"u": ("a", "b"), "v": ("b", "a"), "w": ("a", "b"), "x": ("a",)}
    assert by_subject(ordered) == {"u": 2, "v": 1, "w": 2, "x": 1}
    assert by_subject(free) == {"u": 3, "v": 3, "w": 3, "x": 1}
    # w was at a and b once each: the order between them is decided by their ids, the pair is not.
    assert by_subject(ordered, "tied") == {"u": False, "v": False, "w": True, "x": False}
    assert not free["tied"].any()


def test_a_tie_at_the_end_of_the_key_is_told():
    assert top_places(visits_of({"x": "aabc"}), 2, ordered=False)["tied"].tolist() == [True]


def test_more_places_than_anybody_has():
    assert by_subject(top_places(visits_of(ROUNDS), 99)) == {"u": 1, "v": 1, "w": 1, "x": 1}
    assert len(top_places(visits_of({}), 3)) == 0


@given(st.dictionaries(st.sampled_from("uvwxyz"), st.text("abcd", min_size=1, max_size=9), min_size=1),
       st.integers(1, 4), st.booleans(), st.integers(0, 9))
@settings(max_examples=60, deadline=None)
def test_top_places_agree_with_counting(people, n, ordered, seed):
    keys = {}
    for who, places in people.items():
        count = Counter(places)
        best = sorted(count, key=lambda place, count=count: (-count[place], place))[:n]
        keys[who] = tuple(best if ordered else sorted(best))
    size = Counter(keys.values())
    table = top_places(visits_of(people).sample(frac=1, random_state=seed), n, ordered)
    assert by_subject(table, "key") == keys
    assert by_subject(table) == {who: size[key] for who, key in keys.items()}


# Two classes: four young people (low, low, high, high) and five old (low, low, low, low, middle).
REGISTER = pd.DataFrame({
    "age_band": ["young"] * 4 + ["old"] * 5,
    "use": ["low", "low", "high", "high", "low", "low", "low", "low", "middle"],
})


def test_k_is_the_smallest_class():
    assert k_anonymity(REGISTER, "age_band") == 4
    assert k_anonymity(REGISTER, ["age_band", "use"]) == 1


def test_a_missing_value_is_a_class_of_its_own():
    assert k_anonymity(pd.DataFrame({"age_band": ["young", "young", None]}), "age_band") == 1


def test_diversity_by_hand():
    assert l_diversity(REGISTER, "age_band", "use") == 2
    # The old: shares 4/5 and 1/5.
    assert l_diversity(REGISTER, "age_band", "use", "entropy") == pytest.approx(
        exp(-(0.8 * log(0.8) + 0.2 * log(0.2))))
    # The old: 4 < c (4 + 1) for l = 1 where c > 0.8; 4 < c 1 for l = 2 where c > 4.
    assert l_diversity(REGISTER, "age_band", "use", "recursive", c=0.8) == 0
    assert l_diversity(REGISTER, "age_band", "use", "recursive", c=0.9) == 1
    assert l_diversity(REGISTER, "age_band", "use", "recursive", c=4.1) == 2


@pytest.mark.parametrize("values", [2, 4, 8])
def test_equally_common_values_count_fully(values):
    people = pd.DataFrame({"age_band": "young", "use": range(values)})
    assert l_diversity(people, "age_band", "use", "entropy") == pytest.approx(values)


def test_closeness_by_hand():
    # Everybody: low 6/9, high 2/9, middle 1/9. The young: 1/2, 1/2, 0; gaps -1/6, 5/18, -1/9, so 5/18. The old: 4/5, 0,
    # 1/5; gaps 2/15, -2/9, 4/45, so 2/9.
    assert t_closeness(REGISTER, "age_band", "use") == pytest.approx(5 / 18)
    # In order low, middle, high the young have lost 1/6 by low and 1/6 + 1/9 by middle: 4/9 steps of 1/2 each.
    use = pd.Categorical(REGISTER["use"], ["low", "middle", "high"], ordered=True)
    assert t_closeness(REGISTER.assign(use=use), "age_band", "use", ordered=True) == pytest.approx(2 / 9)


def test_the_incomes_of_the_paper_on_closeness():
    # Li, Li and Venkatasubramanian 2007, section 5: nine incomes; 3, 4, 5 lie 0.375 from all, and 6, 8, 11 lie 0.167.
    people = pd.DataFrame({"income": [3, 4, 5, 6, 7, 8, 9, 10, 11]})
    for some, distance in (({3, 4, 5}, 0.375), ({6, 8, 11}, 1 / 6)):
        group = people.assign(group=people["income"].isin(some))
        assert t_closeness(group, "group", "income", ordered=True) == pytest.approx(distance)


def test_all_alike_is_close_and_not_diverse():
    people = pd.DataFrame({"age_band": ["young", "old"], "use": "low"})
    assert t_closeness(people, "age_band", "use", ordered=True) == 0
    assert l_diversity(people, "age_band", "use", "entropy") == 1


def test_three_outsiders_by_hand():
    # Of the release two are young and one is old; of everybody four are young and five old.
    release = pd.DataFrame({"age_band": ["young", "young", "old"]})
    table = release_risk(release, "age_band", REGISTER, threshold=0.2).set_index("scenario")
    assert table["highest"].to_dict() == pytest.approx({"prosecutor": 1, "journalist": 1 / 4, "marketer": 1 / 4})
    assert table.loc["prosecutor", "average"] == pytest.approx(2 / 3)
    assert table.loc["marketer", "average"] == pytest.approx((1 / 4 + 1 / 4 + 1 / 5) / 3)
    assert table.loc["journalist", "share_above"] == pytest.approx(2 / 3)
    assert release_risk(release, "age_band")["scenario"].tolist() == ["prosecutor", "marketer"]


def test_the_register_passes_while_passages_single_out():
    # Twenty people of one age band, each at a camera of their own at nine.
    who = [f"p{i:02}" for i in range(20)]
    register = pd.DataFrame({"subject_id": who, "kind": "person", "age_band": "20-29"})
    seen = pd.DataFrame({"subject_id": who, "sensor_id": [f"s{i}" for i in range(20)]})
    table = passes_yet_singled_out(register, make_points(seen, time=None), k=10, known=1)
    assert table["passes"].tolist() == [True, False]
    assert table["estimate"].tolist() == [0, 1]
    assert table["knows"].tolist() == ["kind, age_band", "1 passage"]
    few = passes_yet_singled_out(register, make_points(seen, time=None), k=21, known=1)
    assert few["estimate"].tolist() == [1, 1]


@pytest.mark.parametrize(("call", "message"), [
    (lambda: anonymity_sets(places_of(TOWN).drop(columns="role")), "lacks the column role"),
    (lambda: anonymity_sets(places_of(TOWN), roles=()), "at least one role"),
    (lambda: anonymity_sets(places_of(TOWN), zones={"a": "west"}), "2 places have no zone"),
    (lambda: anonymity_sets(places_of(TOWN), zones=["west"]), "zones must map"),
    (lambda: anonymity_sets(pd.concat([places_of(TOWN)] * 2)), "5 subjects have the role home more than once"),
    (lambda: summarise_sets(pd.DataFrame({"size": []})), "at least one person"),
    (lambda: summarise_sets(pd.DataFrame({"size": [1]}), k=0), "k must be whole numbers"),
    (lambda: top_places(visits_of(ROUNDS), 0), "n must be a whole number"),
    (lambda: top_places(visits_of(ROUNDS).assign(place_id=None)), "no place_id"),
    (lambda: k_anonymity(REGISTER.iloc[:0], "age_band"), "no people to count"),
    (lambda: k_anonymity(REGISTER, "age"), "lacks the column age"),
    (lambda: k_anonymity(REGISTER, []), "at least one column"),
    (lambda: k_anonymity(pd.DataFrame({"a": [[1]]}), "a"), "holds lists"),
    (lambda: k_anonymity(REGISTER.assign(system_label="teal"), "system_label"), "labels put on people"),
    (lambda: l_diversity(REGISTER.assign(ethnic_group="x"), "age_band", "ethnic_group"), "labels put on people"),
    (lambda: l_diversity(REGISTER, "age_band", "age_band"), "not among the columns of quasi"),
    (lambda: l_diversity(REGISTER, "age_band", "use", "best"), "kind must be"),
    (lambda: l_diversity(REGISTER, "age_band", "use", "recursive", c=0), "c must be"),
    (lambda: l_diversity(REGISTER.assign(use=np.nan), "age_band", "use"), "9 rows have no use"),
    (lambda: t_closeness(REGISTER.assign(use=[1] * 8 + ["x"]), "age_band", "use", ordered=True), "no common order"),
    (lambda: release_risk(REGISTER, "age_band", REGISTER.iloc[:4]), "5 subjects are of a class"),
    (lambda: release_risk(REGISTER, "age_band", threshold=2), "threshold must lie"),
    (lambda: passes_yet_singled_out(REGISTER, None, "age_band", k=0), "k must be a whole number"),
    (lambda: passes_yet_singled_out(REGISTER, None, "age_band"), "takes points"),
])
def test_mistakes_are_named(call, message):
    with pytest.raises(InputError, match=message):
        call()
