"""Risk against an example worked by hand, and against the definitions spelled out the slow way."""

from collections import Counter
from fractions import Fraction
from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kit.errors import InputError
from kit.reidentify import risk
from kit.reidentify.risk import ATTACKS

START = pd.Timestamp("2031-03-12T00:00Z")


def records_of(people):
    """{subject: places, one an hour from midnight} as records."""
    rows = [(who, place, START + pd.Timedelta(hour, unit="h"))
            for who, places in people.items() for hour, place in enumerate(places)]
    return pd.DataFrame(rows, columns=["subject_id", "sensor_id", "time"]).astype({"time": "datetime64[us, UTC]"})


def fractions_of(people, attack, known=2, **more):
    table = risk(records_of(people), attack, known, place="sensor", **more)
    assert table["exact"].all()
    assert (table["risk"] == 1 / table["matches"]).all()
    return dict(zip(table["subject_id"], table["matches"].tolist(), strict=True))


# Visits, one an hour: u and v go round a, b, a, c and a, a, b, c; w has a, b; x has b, a; y has a, a; z has c.
TOWN = {"u": "abac", "v": "aabc", "w": "ab", "x": "ba", "y": "aa", "z": "c"}


@pytest.mark.parametrize(("attack", "matches"), [
    # Worst of u: c with anything, shared with v. w knows ab: u v w x. y knows aa: u v y. z knows c: u v z.
    ("location", {"u": 2, "v": 2, "w": 4, "x": 4, "y": 3, "z": 3}),
    # u: ba, also v? v = aabc has no b before a: u and x. ac, bc: u, v. v: ac, bc, so u and v. w: ab is in u, v, w.
    ("sequence", {"u": 2, "v": 2, "w": 3, "x": 2, "y": 3, "z": 3}),
    # Hours: u a0 b1 a2 c3; v a0 a1 b2 c3; w a0 b1; x b0 a1; y a0 a1; z c0. u: a2 is u's alone; v: b2 is v's alone.
    # w: a0 b1 also u. x: b0 alone. y: a0 a1 also v. z: c0 alone.
    ("location_time", {"u": 1, "v": 1, "w": 2, "x": 1, "y": 2, "z": 1}),
    # Sets: u abc, v abc, w ab, x ab, y a, z c. u: c with a or b is u, v. w: ab is u v w x. y: a is all but z.
    ("unique_location", {"u": 2, "v": 2, "w": 4, "x": 4, "y": 5, "z": 3}),
    # Counts: u and v a2 b1 c1; w and x a1 b1; y a2; z c1. y: a2 is u v y. z: c1 is u v z. w: a1 b1 is w x.
    ("frequency", {"u": 2, "v": 2, "w": 2, "x": 2, "y": 3, "z": 3}),
    # Shares: u and v a 1/2, b 1/4, c 1/4; w and x a 1/2, b 1/2; y a 1; z c 1.
    ("probability", {"u": 2, "v": 2, "w": 2, "x": 2, "y": 1, "z": 1}),
    # Over the largest known: u and v know bc as 1:1 (u, v), ab as 2:1 (u, v). w: 1:1 (w, x). y: a alone is 1, as for
    # all who were there.
    ("proportion", {"u": 2, "v": 2, "w": 2, "x": 2, "y": 5, "z": 3}),
    # Two most visited, a tie by id: ab for u, v, w, x. y knows a, which is among the two of all but z.
    ("home_work", {"u": 4, "v": 4, "w": 4, "x": 4, "y": 5, "z": 1}),
])
def test_an_example_worked_by_hand(attack, matches):
    assert fractions_of(TOWN, attack) == matches


def test_the_tolerance_is_a_share_of_the_candidates_own_value():
    # x has 3 records at a, y 4. A quarter of 4 reaches down to 3, so x matches y; a quarter of 3 reaches 3.75 only.
    people = {"x": "aaa", "y": "aaaa"}
    assert fractions_of(people, "frequency", 1) == {"x": 1, "y": 1}
    assert fractions_of(people, "frequency", 1, tolerance=0.25) == {"x": 2, "y": 1}
    assert fractions_of(people, "frequency", 1, tolerance=0.34) == {"x": 2, "y": 2}


def test_a_tolerance_means_the_number_that_is_written():
    # 71 differs from 100 by 29, which is 0.29 of 100; as binary numbers 0.29 * 100 falls short of 29.
    assert fractions_of({"x": "a" * 71, "y": "a" * 100}, "frequency", 1, tolerance=0.29) == {"x": 2, "y": 1}


def test_home_and_work_tie_by_latitude_then_longitude():
    # x has three cells, once each: the two southern ones count, west before east. y has exactly those, z the northern.
    spots = {"x": [(0.005, 0.015), (0.015, 0.005), (0.005, 0.005)], "y": [(0.005, 0.005), (0.015, 0.005)],
             "z": [(0.005, 0.015)]}
    rows = [(who, lon, lat) for who, cells in spots.items() for lon, lat in cells]
    fixes = pd.DataFrame(rows, columns=["subject_id", "lon", "lat"])
    assert risk(fixes, "home_work", place="0.01deg")["matches"].tolist() == [2, 2, 1]


def by_definition(people, attack, k, tolerance):
    """Matches in the worst case, by trying every subset on everybody."""
    hours = {who: list(enumerate(places)) for who, places in people.items()}
    return {who: min(sum(_fits(known, hours[other], attack, Fraction(str(tolerance))) for other in people)
                     for known in _knowable(hours[who], attack, k)) for who in people}


def _knowable(visits, attack, k):
    if attack in {"location", "sequence"}:
        things = [place for _, place in visits]
    elif attack == "location_time":
        things = visits
    elif attack == "home_work":
        things = _two(visits)
        k = len(things)
    else:
        things = sorted(_values(visits, attack).items())
    return [(subset, visits) for subset in combinations(things, min(k, len(things)))]


def _two(visits):
    count = Counter(place for _, place in visits)
    return sorted(count, key=lambda place: (-count[place], place))[:2]


def _values(visits, attack):
    count = Counter(place for _, place in visits)
    if attack == "probability":
        return {place: Fraction(n, len(visits)) for place, n in count.items()}
    return {place: Fraction(n) for place, n in count.items()}


def _fits(known, visits, attack, tolerance):
    known, _ = known
    places = [place for _, place in visits]
    if attack == "location":
        return not Counter(known) - Counter(places)
    if attack == "sequence":
        rest = iter(places)
        return all(place in rest for place in known)
    if attack == "location_time":
        return set(known) <= set(visits)
    if attack == "home_work":
        return set(known) <= set(_two(visits))
    theirs = _values(visits, attack)
    if not {place for place, _ in known} <= set(theirs):
        return False
    if attack == "unique_location":
        return True
    mine, theirs = dict(known), {place: theirs[place] for place, _ in known}
    if attack == "proportion":
        mine, theirs = ({p: value / max(v.values()) for p, value in v.items()} for v in (mine, theirs))
    return all(abs(mine[p] - theirs[p]) <= tolerance * theirs[p] for p in mine)


PEOPLE = st.dictionaries(st.sampled_from("uvwxyz"), st.text("abcd", min_size=1, max_size=7), min_size=1)


@pytest.mark.parametrize("attack", ATTACKS)
@settings(max_examples=60, deadline=None)
@given(people=PEOPLE, k=st.integers(1, 5), tolerance=st.sampled_from([0, 0.1, 0.25, 0.5, 1]))
def test_every_attack_agrees_with_its_definition(attack, people, k, tolerance):
    assert fractions_of(people, attack, k, tolerance=tolerance) == by_definition(people, attack, k, tolerance)


@pytest.mark.parametrize("attack", ATTACKS)
@settings(max_examples=15, deadline=None)
@given(people=PEOPLE, k=st.integers(1, 3), seed=st.integers(0, 100), days=st.integers(-400, 400))
def test_neither_the_order_of_rows_nor_whole_days_nor_the_kind_of_ids_matter(attack, people, k, seed, days):
    seen = records_of(people)
    before = risk(seen, attack, k, place="sensor")
    number = {who: 10**12 + i for i, who in enumerate(sorted(people))}
    moved = seen.sample(frac=1, random_state=seed).assign(
        time=lambda rows: rows["time"] + pd.Timedelta(days, unit="D"))
    columns = ["risk", "exact", "matches", "at_most", "known"]
    for ids in (moved["subject_id"].astype("category"), moved["subject_id"].map(number),
                moved["subject_id"].astype(object)):
        pd.testing.assert_frame_equal(
            risk(moved.assign(subject_id=ids), attack, k, place="sensor")[columns], before[columns])


@pytest.mark.parametrize("attack", ["location", "sequence", "location_time", "unique_location", "frequency"])
@settings(max_examples=40, deadline=None)
@given(people=PEOPLE, k=st.integers(1, 4), seed=st.integers(0, 5))
def test_a_search_cut_short_holds_the_truth_between_its_bounds(attack, people, k, seed):
    truth = by_definition(people, attack, k, 0)
    table = risk(records_of(people), attack, k, place="sensor", most_subsets=1, draws=1, seed=seed)
    worst = 1 / table["subject_id"].astype(str).map(truth).to_numpy()
    assert (table["risk"] <= worst).all()
    assert (table["at_most"] >= worst).all()
    assert (table["risk"] == worst)[table["exact"]].all()


def test_too_many_subsets_are_sampled_and_it_is_said():
    # Everybody misses one place of their own, so pairs leave 38 of 40 at least and no early end is in sight.
    places = [chr(200 + i) for i in range(40)]
    people = {f"p{i:02}": [p for j, p in enumerate(places) if j != i] for i in range(40)}
    table = risk(records_of(people), "unique_location", 2, place="sensor", most_subsets=5, draws=5)
    assert not table["exact"].any()
    assert (table["matches"] == 38).all()
    assert (table["at_most"] == 1).all()


def test_one_person_is_alone_and_everybody_alike_is_nobody_alone():
    for attack in ATTACKS:
        assert fractions_of({"x": "abca"}, attack) == {"x": 1}
        assert set(fractions_of(dict.fromkeys("uvwxy", "abca"), attack, 3).values()) == {5}


def test_more_known_than_anyone_has_is_everything_they_have():
    table = risk(records_of(TOWN), "location", 50, place="sensor")
    assert table["known"].tolist() == [4, 4, 2, 2, 2, 1]
    assert table["matches"].tolist() == [2, 2, 4, 4, 3, 3]


@pytest.mark.slow
@pytest.mark.parametrize("attack", ATTACKS)
def test_a_million_records_of_one_subject(attack):
    rng = np.random.default_rng(0)
    many = 1_000_000
    seen = pd.DataFrame({"subject_id": ["x"] * many + ["y", "z"],
                         "sensor_id": np.append(rng.integers(0, 500, many), [1, 2]),
                         "time": START + pd.to_timedelta(np.append(rng.integers(0, 10**7, many), [0, 0]), unit="s")})
    found = risk(seen, attack, 3, place="sensor").set_index("subject_id")
    assert found.loc["x", "risk"] == 1
    # x was everywhere, so y and z, seen once each, are never alone where a visit is all that is known.
    if attack in {"location", "sequence", "unique_location", "proportion"}:
        assert found["matches"].tolist() == [1, 2, 2]


@pytest.mark.parametrize(("arguments", "message"), [
    *(({"known": known}, "known must be a whole number") for known in (0, -1, 1.5, "a", None, True, np.nan)),
    *(({"tolerance": value}, "tolerance must lie between 0 and 1") for value in (-0.1, 2, np.nan, "a", None, True)),
    *(({"attack": value}, "attack must be one of location, sequence") for value in ("home", None, ["location"])),
    ({"most_subsets": 0}, "most_subsets must be"),
    ({"draws": 0}, "draws must be"),
    ({"seed": -1}, "seed must be"),
    ({"records": records_of(TOWN).iloc[:0]}, "no records of anybody"),
    ({"records": records_of(TOWN).assign(subject_id=None)}, "no records of anybody"),
    ({"records": records_of(TOWN).assign(sensor_id=None)}, "no sensor_id"),
    ({"records": records_of(TOWN).drop(columns="subject_id")}, "lacks the column subject_id"),
    ({"records": None}, "sightings"),
    ({"attack": "sequence", "records": records_of(TOWN).drop(columns="time")}, "lacks the column time"),
    ({"attack": "location_time", "records": records_of(TOWN).assign(time=pd.NaT)}, "time"),
    ({"records": records_of({"x": "ab" * 80}), "known": 101}, "known may be at most 100"),
])
def test_mistakes_are_named(arguments, message):
    with pytest.raises(InputError, match=message):
        risk(**{"records": records_of(TOWN), "attack": "location", "place": "sensor"} | arguments)


def test_progress_ends_with_everybody():
    told = []
    risk(records_of(TOWN), "location", place="sensor", progress=lambda *words: told.append(words))
    assert max(done for _, done, _ in told) == 6
    assert {(what, n) for what, _, n in told} == {("risk", 6)}


def test_records_of_no_known_subject_are_left_out():
    seen = pd.concat([records_of(TOWN), records_of({"n": "abc"}).assign(subject_id=None)])
    assert risk(seen, "location", place="sensor")["matches"].tolist() == [2, 2, 4, 4, 3, 3]
