from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kit.errors import InputError
from kit.estimates import wilson
from kit.reidentify import make_points, unicity, unicity_grid


def traces(people):
    """{subject: sensors} as records without time."""
    rows = [(subject, sensor) for subject, sensors in people.items() for sensor in sensors]
    return pd.DataFrame(rows, columns=["subject_id", "sensor_id"])


def points_of(people):
    return make_points(traces(people), time=None)


# x: a b c, y: a b, z: a. One point: only c is unique (x: 1 of 3). Two: ab is shared by x and y; ac and bc are x's own.
THREE = {"x": "abc", "y": "ab", "z": "a"}


def test_all_subsets_by_hand():
    table = unicity(points_of(THREE), known=(1, 2, 3), draws="all")
    assert table["estimate"].tolist() == pytest.approx([(1 / 3 + 0 + 0) / 3, (2 / 3 + 0) / 2, 1])
    assert table["eligible"].tolist() == [3, 2, 1]
    assert table["n"].tolist() == [3, 2, 1]
    assert table["population"].tolist() == [3, 3, 3]
    assert table["low"].equals(table["estimate"])
    assert table["high"].equals(table["estimate"])


def test_nobody_with_so_many_points_is_said_plainly():
    table = unicity(points_of(THREE), known=(3, 4))
    assert table["eligible"].tolist() == [1, 0]
    assert table["n"].tolist() == [1, 0]
    assert table["estimate"].isna().tolist() == [False, True]


def test_everyone_alike_is_nobody_unique_and_one_person_always_is():
    assert unicity(points_of({"x": "abc", "y": "abc"}), known=(1, 3))["estimate"].tolist() == [0, 0]
    assert unicity(points_of({"x": "abc"}), known=(1, 3))["estimate"].tolist() == [1, 1]


def test_one_draw_has_wilsons_interval():
    row = unicity(points_of({c: [c] for c in "abcde"} | {"f": "a"}), known=1, people=None).iloc[0]
    # b, c, d, e are alone at their sensors; a and f share one.
    assert row["estimate"] == pytest.approx(4 / 6)
    assert (row["low"], row["high"]) == pytest.approx([float(x) for x in wilson(4, 6)])


PEOPLE = st.dictionaries(st.integers(0, 30), st.sets(st.sampled_from("abcdefg"), min_size=1), min_size=1, max_size=12)


def by_definition(people, k):
    """Mean over eligible people of the share of their k-subsets that no one else has."""
    shares = []
    for who, own in people.items():
        subsets = list(combinations(sorted(own), k))
        others = [o for other, o in people.items() if other != who]
        if subsets:
            shares.append(np.mean([not any(set(s) <= o for o in others) for s in subsets]))
    return np.mean(shares) if shares else np.nan


@given(PEOPLE, st.integers(1, 5))
def test_all_subsets_agree_with_the_definition(people, k):
    found = unicity(points_of(people), known=k, people=None, draws="all")["estimate"].iloc[0]
    assert found == pytest.approx(by_definition(people, k), abs=1e-12, nan_ok=True)


@settings(max_examples=25)
@given(PEOPLE, st.integers(1, 4), st.integers(0, 5))
def test_many_draws_approach_all_subsets(people, k, seed):
    table = unicity(points_of(people), known=k, people=None, draws=4000, seed=seed)
    # Twelve people, 4,000 draws each: standard error under 0.008 for one person.
    assert table["estimate"].iloc[0] == pytest.approx(by_definition(people, k), abs=0.05, nan_ok=True)


@given(PEOPLE)
def test_one_known_point_is_unique_when_its_place_has_one_visitor(people):
    visitors = traces(people)["sensor_id"].value_counts()
    shares = [np.mean([visitors[place] == 1 for place in own]) for own in people.values()]
    found = unicity(points_of(people), known=1, people=None, draws="all")["estimate"].iloc[0]
    assert found == pytest.approx(np.mean(shares), abs=1e-12)


def crowd(rng, people=400, sensors=60, points=6):
    return {f"p{i:03}": {f"s{s}" for s in (rng.random(points) ** 2 * sensors).astype(int)} for i in range(people)}


def test_long_lists_agree_with_the_definition():
    people = crowd(np.random.default_rng(0), people=500, sensors=12, points=8)
    for k in (2, 3):
        found = unicity(points_of(people), known=k, people=None, draws="all")["estimate"].iloc[0]
        assert found == pytest.approx(by_definition(people, k), abs=1e-12)


def test_samples_repeat_by_seed_and_stand_near_the_whole():
    points = points_of(crowd(np.random.default_rng(1)))
    whole = unicity(points, known=3, people=None, draws="all")["estimate"].iloc[0]
    sample = unicity(points, known=3, people=200, draws="all", seed=3)
    again = unicity(points, known=(2, 3), people=200, draws="all", seed=3)
    assert sample.iloc[0].equals(again.iloc[1])
    assert sample["low"].iloc[0] <= whole <= sample["high"].iloc[0]
    assert sample["n"].iloc[0] == 200
    assert not unicity(points, known=3, people=200, seed=4).equals(unicity(points, known=3, people=200, seed=5))


def test_order_of_records_does_not_matter():
    records = traces(crowd(np.random.default_rng(2)))
    shuffled = records.sample(frac=1, random_state=0)
    pd.testing.assert_frame_equal(unicity(make_points(shuffled, time=None), people=100),
                                  unicity(make_points(records, time=None), people=100))


def test_each_subset_is_drawn_equally_often():
    # x alone has a; any pair with a is unique: 3 of 6 pairs of x's four points.
    share = unicity(points_of({"x": "abcd", "y": "bcd"}), known=2, people=None, draws=20_000)["estimate"].iloc[0]
    assert share == pytest.approx(np.mean([0.5, 0]), abs=0.01)


def test_a_grid_gets_coarser():
    times = pd.to_datetime(["2031-03-12T08:05Z", "2031-03-12T08:35Z"])
    seen = pd.DataFrame({"subject_id": ["x", "y"], "sensor_id": ["a", "a"], "time": times})
    table = unicity_grid(seen, ["sensor", {"a": "north"}], ["30min", "1h", None], known=1)
    assert table["estimate"].tolist() == [1, 0, 0, 1, 0, 0]
    assert table["place"].tolist() == ["sensor"] * 3 + ["zones 1"] * 3
    assert table["time"].isna().tolist() == [False, False, True] * 2


@pytest.mark.parametrize(("arguments", "message"), [
    ({"known": 0}, "known must be"),
    ({"known": (1, -2)}, "known must be"),
    ({"known": 1.5}, "known must be"),
    ({"known": ()}, "known must be"),
    ({"known": None}, r"known must be .* it is \[None\]"),
    ({"people": 0}, "people must be"),
    ({"draws": 2**70}, "draws must be a whole number from 1 to 1,000,000"),
    ({"seed": 2**64}, "seed must be"),
    ({"seed": None}, "seed must be"),
    ({"draws": 0}, "draws must be"),
    ({"draws": "some"}, "draws must be"),
    ({"seed": "x"}, "seed must be"),
    ({"seed": 2**63}, "seed must be"),
    ({"known": 15, "draws": "all"}, "155,117,520 subsets"),
])
def test_mistakes_are_named(arguments, message):
    with pytest.raises(InputError, match=message):
        unicity(points_of({"x": range(30), "y": "a"}), **arguments)


def test_no_points_and_no_index_are_refused():
    with pytest.raises(InputError, match="no points"):
        unicity(points_of({}))
    with pytest.raises(InputError, match="make_points"):
        unicity(traces(THREE))
    with pytest.raises(InputError, match="at least one place"):
        unicity_grid(traces(THREE), [], ["1h"])
    with pytest.raises(InputError, match=r"places must be a list such as .*, but it is None"):
        unicity_grid(traces(THREE), None, ["1h"])
    with pytest.raises(InputError, match=r"times must be a list such as .*, but it is None"):
        unicity_grid(traces(THREE), ["sensor"], None)


def test_a_grid_takes_several_draws_and_all():
    seen = traces(THREE).assign(time=pd.Timestamp("2031-03-12T08:00Z"))
    everything = unicity_grid(seen, "sensor", "1h", known=2, draws="all")
    assert everything["estimate"].tolist() == pytest.approx([(2 / 3 + 0) / 2])
    assert unicity_grid(seen, "sensor", "1h", known=2, draws=50)["draws"].tolist() == [50]


def by_pandas(fixes, size_deg, width, k):
    """Unicity from scratch: floors, sets and a list of everybody's subsets, as the docstrings say."""
    cell = [np.floor(fixes[c] / size_deg).astype(int) for c in ("lon", "lat")]
    seconds = (fixes["time"] - pd.Timestamp("1970-01-01", tz="UTC")) // pd.Timedelta("1s")
    when = seconds // int(pd.Timedelta(width).total_seconds()) if width else 0 * seconds
    table = pd.DataFrame({"who": fixes["subject_id"], "column": cell[0], "row": cell[1], "when": when})
    own = {who: sorted(map(tuple, part[["column", "row", "when"]].drop_duplicates().to_numpy().tolist()))
           for who, part in table.groupby("who")}
    subsets = {who: list(combinations(points, k)) for who, points in own.items() if len(points) >= k}
    holders = pd.Series([s for found in subsets.values() for s in found], dtype=object).value_counts()
    return np.mean([np.mean([holders[s] == 1 for s in found]) for found in subsets.values()])


@pytest.mark.parametrize(("place", "size_deg"), [("0.01deg", 0.01), ("0.1deg", 0.1)])
@pytest.mark.parametrize("time", ["1h", "1D", None])
@pytest.mark.parametrize("k", [1, 2])
def test_anybody_can_get_the_same_number_with_pandas_alone(place, size_deg, time, k):
    rng = np.random.default_rng(3)
    n = 600
    fixes = pd.DataFrame({
        "subject_id": rng.integers(0, 60, n),
        "lon": rng.integers(-30, 30, n) / 100, "lat": rng.integers(-2000, 2000, n) / 10_000,
        "time": pd.Timestamp("1969-12-31T20:00Z") + pd.to_timedelta(rng.integers(0, 100_000, n), unit="s")})
    fixes = pd.concat([fixes, fixes.head(50)])  # what is there twice counts once
    found = unicity(make_points(fixes, place, time), known=k, people=None, draws="all")["estimate"].iloc[0]
    assert found == pytest.approx(by_pandas(fixes, size_deg, time, k), abs=1e-12)


def test_one_known_point_of_everybody_as_the_docstring_has_it():
    p = points_of(THREE).frame()
    alone = p.groupby(["place", "bin"])["subject"].transform("size") == 1
    found = unicity(points_of(THREE), known=1, people=None, draws="all")["estimate"].iloc[0]
    assert found == alone.groupby(p["subject"]).mean().mean() == pytest.approx(1 / 9)


def test_a_bin_that_holds_everyone_hides_everyone_at_one_point():
    people = {i: ["square", f"door {i}"] for i in range(2000)}
    table = unicity(points_of(people), known=(1, 2), people=None, draws="all")
    assert table["estimate"].tolist() == [0.5, 1]


def test_a_million_points_of_one_person_are_answered_or_refused_with_the_cost():
    records = pd.DataFrame({"subject_id": ["x"] * 1_000_000 + ["y"],
                            "sensor_id": np.append(np.arange(1_000_000), 0)})
    points = make_points(records, time=None)
    one = unicity(points, known=1, people=None, draws="all").iloc[0]
    assert one["estimate"] == pytest.approx((999_999 / 1_000_000 + 0) / 2)
    assert unicity(points, known=(2, 4))["estimate"].tolist() == [1, 1]
    with pytest.raises(InputError, match="499,999,500,000 subsets, above the limit of 100,000,000"):
        unicity(points, known=2, draws="all")


def test_known_beyond_anybody_with_all_subsets_is_missing_and_says_nobody():
    row = unicity(points_of(THREE), known=4, people=None, draws="all").iloc[0]
    assert (row["n"], row["eligible"], row["population"]) == (0, 0, 3)
    assert np.isnan(row["estimate"])


def test_one_place_and_one_time_need_no_list():
    seen = traces(THREE).assign(time=pd.Timestamp("2031-03-12T08:00Z"))
    listed = unicity_grid(seen, ["sensor"], ["1h"], known=1)
    pd.testing.assert_frame_equal(unicity_grid(seen, "sensor", "1h", known=1), listed)
