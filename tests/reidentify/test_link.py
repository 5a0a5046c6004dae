"""Linkage of two tables that share no key: small tables by hand, top-n by brute force, then the city."""

import math

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse
from scipy.special import gammaln

from kit.city.rotation import rotate_pseudonyms
from kit.errors import InputError
from kit.reidentify import find_clock_offset, link, null_clone, score_links
from kit.reidentify.link_bins import cosine, histograms, riederer
from kit.reidentify.link_choice import alone, exchange_margin, least_cost_matching, probability_of_same
from kit.reidentify.link_evidence import shuffled
from kit.reidentify.link_near import Track, _surprise
from kit.reidentify.topn import GAMMA, POOLED, PRODUCT, Pairing, top_pairs

DAY = pd.Timestamp("2031-03-12T00:00Z")


def seen(*rows):
    """Records of (subject, sensor, hour)."""
    frame = pd.DataFrame(rows, columns=["subject_id", "sensor_id", "hour"])
    return frame.assign(time=DAY + pd.to_timedelta(frame.pop("hour"), unit="h"))


def at(*rows):
    """Records of (subject, lon, lat, minute)."""
    frame = pd.DataFrame(rows, columns=["subject_id", "lon", "lat", "minute"])
    return frame.assign(time=DAY + pd.to_timedelta(frame.pop("minute"), unit="min"))


def dense(pairing, u, v):
    """A pair's score, column by column, as the docstring of Pairing has it."""
    x, y = (t.toarray()[i] for t, i in ((pairing.left, u), (pairing.right, v)))
    signs = np.ones(len(x)) if pairing.signs is None else pairing.signs
    total = sum(one(pairing.form, s, a, b) for s, a, b in zip(signs, x, y, strict=True) if a > 0 and b > 0)
    if pairing.of_totals:
        total -= one(pairing.form, pairing.of_totals, x.sum(), y.sum())
    constants = (pairing.left_constant, u), (pairing.right_constant, v)
    return total + sum(c[i] for c, i in constants if c is not None)


def one(form, sign, x, y):
    if form == PRODUCT:
        return x * y
    if form == POOLED:
        return math.copysign(1, sign) * ((x + y) * math.log(x + y) - x * math.log(x) - y * math.log(y))
    s = abs(sign)
    return math.copysign(1, sign) * (gammaln(s + x + y) + gammaln(s) - gammaln(s + x) - gammaln(s + y))


@given(st.integers(0, 10_000), st.sampled_from([PRODUCT, POOLED, GAMMA]), st.integers(1, 7), st.booleans())
def test_top_pairs_are_those_of_brute_force(seed, form, top, constants):
    rng = np.random.default_rng(seed)
    n, m, columns = rng.integers(1, 9), rng.integers(1, 9), rng.integers(1, 12)
    left, right = (sparse.csr_array(rng.integers(0, 3, (k, columns)).astype(float)) for k in (n, m))
    more = {"left_constant": rng.normal(size=n), "right_constant": rng.normal(size=m)} if constants else {}
    if form == GAMMA:
        more |= {"signs": rng.choice([-1, 1], columns) * rng.uniform(0.1, 3, columns), "of_totals": 1.5}
    pairing = Pairing(left, right, form, **more)
    best, score = top_pairs(pairing, top)
    for u in range(n):
        shares = [v for v in range(m) if (left[[u]].toarray() * right[[v]].toarray()).any()]
        wanted = sorted(shares, key=lambda v: -dense(pairing, u, v))[:top]
        found = best[u][best[u] >= 0]
        assert len(found) == len(wanted)
        np.testing.assert_allclose(score[u][:len(found)], [dense(pairing, u, v) for v in wanted], atol=1e-9)
        np.testing.assert_allclose([dense(pairing, u, v) for v in found], score[u][:len(found)], atol=1e-9)


@pytest.mark.parametrize("density", [0.001, 0.2])
def test_top_pairs_over_many_tiles_are_those_of_a_full_product(density):
    rng = np.random.default_rng(1)
    left, right = (sparse.random_array((k, 40), density=density, rng=rng, format="csr") for k in (30, 10_000))
    constant = rng.normal(size=10_000)
    full = (left @ right.T).toarray()
    full = np.where(full > 0, full + constant, -np.inf)
    _, score = top_pairs(Pairing(left, right, right_constant=constant), 10)
    np.testing.assert_allclose(score, -np.sort(-full, axis=1)[:, :10])


def test_equal_scores_are_in_order_of_row():
    ones = sparse.csr_array(np.ones((1, 1)))
    many = sparse.csr_array(np.ones((9_000, 1)))
    assert top_pairs(Pairing(ones, many), 3)[0].tolist() == [[0, 1, 2]]


def test_the_poisson_score_is_the_sum_over_hidden_events():
    """One bin, p = 0.5 and 0.25, everybody's mean l = 2 / (2 * 0.5 + 2 * 0.25): the sum over n of Riederer 2016."""
    left, right = (sparse.csr_array(np.array([[1.0], [0.0]])) for _ in range(2))
    p1, p2 = 0.5, 0.25
    mean = 2 / (2 * p1 + 2 * p2)

    def phi(a, b):
        def events(n):
            poisson = math.exp(-mean) * mean**n / math.factorial(n)
            caught = [math.comb(n, k) * p**k * (1 - p) ** (n - k) for k, p in ((a, p1), (b, p2))]
            return poisson * caught[0] * caught[1]
        alone = [math.exp(-mean * p) * (mean * p) ** k for k, p in ((a, p1), (b, p2))]
        return math.log(sum(events(n) for n in range(60))) - math.log(alone[0]) - math.log(alone[1])

    pairing = riederer(left, right, p1, p2)
    assert dense(pairing, 0, 0) == pytest.approx(phi(1, 1))
    assert dense(pairing, 0, 1) == pytest.approx(phi(1, 0))
    assert dense(pairing, 1, 0) == pytest.approx(phi(0, 1))
    assert dense(pairing, 1, 1) == pytest.approx(phi(0, 0))


def test_equal_histograms_score_one_and_halves_score_their_divergence():
    left, right = sparse.csr_array(np.array([[3.0, 1.0]])), sparse.csr_array(np.array([[6.0, 2.0], [4.0, 0.0]]))
    score = [dense(histograms(left, right), 0, v) for v in (0, 1)]
    mean = np.array([0.875, 0.125])  # of (3/4, 1/4) and (1, 0)
    apart = (0.75 * math.log(0.75 / mean[0]) + 0.25 * math.log(0.25 / mean[1]) + math.log(1 / mean[0])) / 2
    assert score == pytest.approx([1.0, 1 - apart / math.log(2)])


def test_the_cosine_of_a_rare_bin_outweighs_one_of_everybody():
    """x shares the common bin with q, and the common and the rare one with r."""
    left = sparse.csr_array(np.array([[1.0, 1.0]]))
    right = sparse.csr_array(np.array([[1.0, 0.0], [1.0, 1.0]]))
    pairing = cosine(left, right)
    rare, common = 1 + math.log(4 / 3), 1.0  # of three subjects two have it, all have it: 1 + log((1+3)/(1+n))
    assert dense(pairing, 0, 1) == pytest.approx(1.0)
    assert dense(pairing, 0, 0) == pytest.approx(common / math.hypot(rare, common))


def test_habits_tell_two_weeks_of_one_person_whatever_their_ids():
    one = seen(*[("x", "a", h) for h in range(9)], *[("y", "b", h) for h in range(9)], ("x", "c", 20), ("y", "c", 20))
    two = one.assign(subject_id=one["subject_id"].map({"x": "y", "y": "x"}), time=one["time"] + pd.Timedelta("7D"))
    for method in ("poisson", "idf", "histogram", "transition"):
        best = link(one, two, method, place="sensor", top=1)
        assert best["right_id"].tolist() == ["y", "x"], method
        assert (best["margin"] > 0).all()


def test_who_comes_at_the_same_hour_is_told_from_who_comes_at_another():
    """Everybody is at one place: only the hour of day differs, and it does so every day."""
    one = seen(*[(s, "gate", 24 * d + h) for s, h in (("x", 7), ("y", 15), ("z", 20)) for d in range(8)])
    two = one.assign(time=one["time"] + pd.Timedelta("14D"))
    best = link(one, two, place="sensor", top=1)
    assert best["right_id"].tolist() == ["x", "y", "z"]
    assert (best["margin"] > 1).all()


def test_meetings_in_a_rare_bin_beat_meetings_in_a_crowd():
    crowd = [(f"s{i}", "a", 8) for i in range(6)]
    left = seen(("x", "a", 8), ("x", "b", 9), *crowd)
    right = seen(*[(s.upper(), p, h) for s, p, h in crowd], ("R", "b", 9))
    best = link(left, right, place="sensor", time="1h")
    assert best[best["left_id"] == "x"]["right_id"].iloc[0] == "R"


@given(st.permutations(range(8)), st.sampled_from(["poisson", "idf", "histogram", "transition"]))
def test_neither_order_of_records_nor_names_change_a_score(order, method):
    left = seen(("x", "a", 1), ("x", "b", 2), ("x", "a", 3), ("y", "b", 1), ("y", "c", 4), ("z", "c", 2), ("z", "a", 9),
                ("y", "a", 7))
    right = left.assign(subject_id=left["subject_id"].map({"x": "q", "y": "r", "z": "s"}))
    named = {"q": "m", "r": "n", "s": "o"}
    plain = link(left, right, method, place="sensor")
    other = link(left.iloc[list(order)], right.assign(subject_id=right["subject_id"].map(named)), method,
                 place="sensor")
    pd.testing.assert_frame_equal(plain.assign(right_id=plain["right_id"].map(named)), other)


SPOTS = gpd.GeoDataFrame({"sensor_id": ["cell1", "cell2", "road1", "road2"]},
                         geometry=gpd.points_from_xy([0.0, 0.2, 0.005, 0.205], [0.0] * 4), crs="EPSG:4326")


def commuters():
    """x and y change between two ends of town by turns; their cars pass other sensors, minutes later."""
    hours = range(0, 48, 2)
    ends = {"x": [h // 2 % 2 for h in hours], "y": [1 - h // 2 % 2 for h in hours]}
    ends["z"] = [h // 4 % 2 for h in hours]
    phones = seen(*[(s, f"cell{e + 1}", h) for s, way in ends.items() for h, e in zip(hours, way, strict=True)])
    cars = seen(*[(s.upper(), f"road{e + 1}", h + 0.1) for s, way in ends.items()
                  for h, e in list(zip(hours, way, strict=True))[::3]])
    return phones, cars


def test_tolerance_links_sensors_that_stand_elsewhere_and_tick_later():
    phones, cars = commuters()
    found = link(phones, cars, within="30min", sensors=SPOTS, one_to_one=True)
    assert found[["left_id", "right_id"]].values.tolist() == [["x", "X"], ["y", "Y"], ["z", "Z"]]
    turned = link(cars, phones, within="30min", sensors=SPOTS, one_to_one=True)
    np.testing.assert_allclose(turned["score"], found["score"])


def travellers(seed, n=30, trips=60, share=0.3):
    """People out by day; each of two kinds of sensor sees its share of their trips, a minute and a street apart."""
    rng = np.random.default_rng(seed)
    day, spot = rng.integers(0, 14, n * trips), rng.integers(0, 36, n * trips)
    minute = 1_440 * day + rng.normal(840, 150, n * trips).astype(int)
    rows = [(f"s{k // trips:02d}", 0.02 * (spot[k] % 6), 0.02 * (spot[k] // 6), minute[k]) for k in range(n * trips)]
    one = at(*[row for row in rows if rng.random() < share])
    two = at(*[(s, lon + 0.004, lat, t + 1) for s, lon, lat, t in rows if rng.random() < share])
    return one, two


@pytest.mark.parametrize("seed", [0, 1, 2])
@pytest.mark.parametrize("within", ["5min", "30min", "2h"])
def test_nobody_needs_to_know_the_tolerance(within, seed):
    """Where most records of a person have no partner, a first guess of how often one is near led to nobody."""
    found = link(*travellers(seed), within=within, one_to_one=True)
    assert (found["left_id"] == found["right_id"]).mean() > 0.9


@pytest.mark.parametrize("within", ["5min", "30min", "2h"])
def test_where_there_is_nobody_to_find_it_is_said(within):
    one, two = travellers(0)
    with pytest.warns(UserWarning, match="hardly better than in shuffled records"):
        link(one, null_clone(two), within=within)


def test_who_is_near_a_record_surprises_the_more_the_fewer_are():
    """Of one record's four: one in the nearest class, none in others, three with no answer; then all in the nearest."""
    usual = np.full((2, 36), 1e-12)
    usual[0, 0], usual[0, -1], usual[1, 0] = 0.25, 0.75, 1.0
    rare, common = _surprise(usual)
    mean = 0.25 * math.log(4)
    assert (rare[0], rare[-1]) == pytest.approx((math.log(4) - mean, -mean), abs=1e-9)
    assert common[0] == pytest.approx(0, abs=1e-9)


def test_shuffled_tracks_hold_the_same_records_and_nobody_keeps_a_life():
    who, hour = np.repeat(np.arange(20), 48), np.tile(np.arange(48), 20)
    track = Track(np.arange(0, 961, 48), 3_600.0 * hour, 1.0 * who, 0.0 * who)
    found = shuffled(track, seed=1)
    pairs = [sorted(zip(t.time_s, t.x_m, strict=True)) for t in (track, found)]
    assert pairs[0] == pairs[1]
    assert np.diff(found.first).tolist() == [48] * 20
    lives = [len(np.unique(found.x_m[a:b])) for a, b in zip(found.first[:-1], found.first[1:], strict=True)]
    assert min(lives) > 3


def test_a_clock_ahead_is_set_back():
    phones, cars = commuters()
    ahead = cars.assign(time=cars["time"] + pd.Timedelta("5h"))
    plain = link(phones, cars, within="30min", sensors=SPOTS)
    pd.testing.assert_frame_equal(link(phones, ahead, within="30min", sensors=SPOTS, clock_offset="5h"), plain)


@pytest.mark.parametrize("ahead", ["0min", "70min", "-2h"])
def test_a_clock_of_unknown_error_is_found(ahead):
    rng, n, hours = np.random.default_rng(0), 20, 48
    spot = rng.integers(0, 9, (n, hours)).ravel()
    one = at(*[(f"s{i // hours:02d}", 0.1 * (s % 3), 0.1 * (s // 3), 60 * (i % hours)) for i, s in enumerate(spot)])
    two = one[rng.random(len(one)) < 0.4]
    two = two.assign(time=two["time"] + pd.Timedelta(ahead))
    found = find_clock_offset(one, two, "30min", most="3h")
    assert abs(found["offset_s"].iloc[0] - pd.Timedelta(ahead).total_seconds()) <= 900
    linked = link(one, two, within="30min", clock_offset="estimate", one_to_one=True)
    assert (linked["left_id"] == linked["right_id"]).all()


def test_a_clock_that_cannot_be_compared_is_said():
    phones, cars = commuters()
    with pytest.raises(InputError, match="with tolerance only"):
        link(phones, cars, place="sensor", clock_offset="estimate")
    with pytest.raises(InputError, match="one has none"):
        find_clock_offset(phones, cars.head(0), "30min", sensors=SPOTS)
    with pytest.raises(InputError, match="at least within"):
        find_clock_offset(phones, cars, "30min", most="1min", sensors=SPOTS)


def test_who_cannot_have_been_there_is_excluded():
    left = at(("x", 0.0, 0.0, 0), ("x", 0.0, 0.0, 60))
    right = at(("q", 0.0, 0.0, 0), ("q", 0.5, 0.0, 61), ("r", 0.0, 0.0, 0), ("r", 0.01, 0.0, 61))
    assert set(link(left, right)["right_id"]) == {"q", "r"}
    assert set(link(left, right, max_speed_kmh=120)["right_id"]) == {"r"}
    assert set(link(left, right, max_speed_kmh=120, alibi_share=0.5)["right_id"]) == {"q", "r"}
    assert set(link(left, right, max_speed_kmh=120, slack_m=60_000)["right_id"]) == {"q", "r"}


def test_one_to_one_gives_the_second_best_to_whom_it_costs_least():
    row, column, score = np.array([0, 0, 1, 1]), np.array([0, 1, 0, 1]), np.array([3.0, 2.5, 2.0, 0.0])
    nothing = np.zeros(4).__getitem__
    chosen = least_cost_matching(row, column, score, 2, 2)
    assert list(zip(row[chosen], column[chosen], strict=True)) == [(0, 1), (1, 0)]
    assert exchange_margin(row, column, score, chosen, 2, 2, lambda u, v: nothing(u)).tolist() == [1.5, 1.5]
    assert alone(row, column, score, lambda u, v: nothing(u)).tolist() == [0.5, -0.5, -1.0, -2.5]


@given(st.integers(0, 10_000))
def test_one_to_one_is_the_best_of_all_assignments(seed):
    from scipy.optimize import linear_sum_assignment

    rng = np.random.default_rng(seed)
    n, m = rng.integers(1, 7, 2)
    scores = rng.normal(size=(n, m))
    row, column = np.indices((n, m)).reshape(2, -1)
    chosen = least_cost_matching(row, column, scores.ravel(), n, m)
    best = linear_sum_assignment(scores, maximize=True)
    assert scores.ravel()[chosen].sum() == pytest.approx(scores[best].sum())
    assert len(chosen) == min(n, m)


def test_probability_is_nought_where_all_is_chance_and_high_where_nothing_is():
    chance = np.random.default_rng(0).normal(size=400)
    assert probability_of_same(chance, chance).max() < 0.5
    far = np.concatenate([chance[:200], np.full(200, 50.0)])
    found = probability_of_same(far, chance)
    assert found[200:].min() > 0.95 > 0.5 > np.median(found[:200])
    assert probability_of_same(far, chance, prior=0.0)[200:].min() < 1.0
    assert (np.diff(probability_of_same(np.sort(far), chance)) >= 0).all()


def test_an_open_world_names_nobody_for_whom_there_is_nobody():
    rng = np.random.default_rng(3)
    rows = [(f"s{i:02d}", f"p{(7 * i + k) % 90}", 24 * d + h) for i in range(60) for d in range(6)
            for k, h in enumerate(rng.integers(0, 24, 3))]
    records = seen(*rows)
    left = records[records["subject_id"] < "s40"]
    right = records[records["subject_id"] >= "s20"].assign(time=records["time"] + pd.Timedelta("10D"))
    found = link(left, right, place="sensor", open_world=True)
    known = found["right_id"].notna()
    assert found["rank"].eq(1).all() and found["left_id"].is_unique
    assert (known == (found["probability"] >= 0.5)).all()
    both = found["left_id"] >= "s20"
    assert (found["right_id"] == found["left_id"])[both].mean() > 0.8
    assert known[~both].mean() < 0.5


def test_a_clone_keeps_every_margin_and_cuts_the_tie():
    records = seen(*[(f"s{i}", f"p{i}", 24 * d + 8) for i in range(30) for d in range(10)])
    clone = null_clone(records, seed=1)
    pd.testing.assert_frame_equal(clone.drop(columns="subject_id"), records.drop(columns="subject_id"))
    assert (clone["subject_id"].value_counts() == 10).all()
    assert clone.groupby("subject_id")["sensor_id"].nunique().min() > 3
    truth = pd.DataFrame({"left_id": records["subject_id"].unique(), "right_id": records["subject_id"].unique()})
    assert score_links(link(records, records, place="sensor"), truth)["recall at 1"] == 1.0
    assert score_links(link(records, clone, place="sensor"), truth)["recall at 1"] < 0.3


def test_pseudonyms_change_each_week_and_the_truth_knows_whose_they_are():
    records = seen(("x", "a", 0), ("y", "a", 1), (None, "a", 2), ("x", "a", 24 * 7), ("y", "b", 24 * 7))
    rotated, truth = rotate_pseudonyms(records, days=7, seed=4, tz="UTC")
    assert rotated["subject_id"].isna().tolist() == [False, False, True, False, False]
    assert rotated["subject_id"].nunique() == 4
    back = truth.set_index("pseudonym")["subject_id"]
    assert rotated["subject_id"].dropna().map(back).tolist() == ["x", "y", "x", "y"]
    with pytest.raises(InputError, match="days must be a whole number"):
        rotate_pseudonyms(records, days=0)


def test_quality_by_hand():
    links = pd.DataFrame({"left_id": ["a", "a", "b", "c", "d"], "right_id": ["A", "B", "C", None, "D"],
                          "score": 1.0, "rank": [1, 2, 1, 1, 1], "margin": [9.0, -9.0, 5.0, 0.0, 5.0]})
    truth = pd.DataFrame({"left_id": ["a", "b", "d", "e"], "right_id": ["A", "B", "D", "E"]})
    found = score_links(links, truth)
    assert found["recall at 1"] == 2 / 4
    assert found["recall at precision 0.95"] == 1 / 4
    assert found["'none of these' is right"] == 1.0
    assert found.curve[["threshold", "precision", "recall", "n"]].values.tolist() == [[9, 1, 0.25, 1], [5, 2 / 3, 0.5,
                                                                                                       3]]
    with pytest.raises(InputError, match="names no pair"):
        score_links(links, truth.head(0))
    with pytest.raises(InputError, match="lacks the column margin"):
        score_links(links.drop(columns="margin"), truth)
    with pytest.raises(InputError, match="a pair twice"):
        score_links(links, pd.concat([truth, truth]))
    with pytest.raises(InputError, match="no measure"):
        found["precision"]


@pytest.mark.parametrize("method", ["poisson", "idf", "histogram", "transition"])
def test_awkward_tables_get_an_answer_without_a_gap(method):
    everybody = seen(*[(s, "a", h) for s in "xyz" for h in (1, 2)])
    one = seen(("x", "a", 1), ("x", "b", 2))
    for left, right in ((everybody, everybody), (one, one), (one, everybody), (everybody, one)):
        found = link(left, right, method, place="sensor")
        assert len(found) and not found.isna().any().any()
        assert np.isfinite(found[["score", "margin"]].to_numpy()).all()
        again = link(left, right, method, place="sensor", one_to_one=True)
        assert again["right_id"].is_unique and np.isfinite(again["margin"]).all()
    same = link(everybody, everybody, method, place="sensor")
    assert (same["margin"] == 0).all()
    assert same.groupby("left_id")["right_id"].first().tolist() == ["x"] * 3


def test_empty_tables_give_empty_links():
    some = seen(("x", "a", 1))
    for left, right in ((some.head(0), some), (some, some.head(0)), (some, some.assign(subject_id=None))):
        for options in ({}, {"open_world": True}, {"one_to_one": True}):
            found = link(left, right, place="sensor", **options)
            assert len(found) == 0
            assert list(found.columns)[:5] == ["left_id", "right_id", "score", "rank", "margin"]


def test_nobody_who_shares_no_place_is_a_candidate():
    assert len(link(seen(("x", "a", 1)), seen(("q", "b", 1)), place="sensor")) == 0
    assert len(link(seen(("x", "a", 1)), seen(("q", "b", 1)), place="sensor", one_to_one=True)) == 0


def test_places_alone_need_no_time():
    left = pd.DataFrame({"subject_id": ["x", "y"], "sensor_id": ["a", "b"]})
    found = link(left, left, place="sensor")
    assert found[["left_id", "right_id"]].values.tolist() == [["x", "x"], ["y", "y"]]


@pytest.mark.parametrize(("options", "sentence"), [
    ({"method": "magic"}, "method must be one of"),
    ({"top": 0}, "top must be a whole number"),
    ({"prior": 2}, "prior must be a share"),
    ({"max_speed_kmh": -1}, "max_speed_kmh must be a speed"),
    ({"method": "idf", "within": "5min"}, "belongs to the method 'poisson'"),
    ({"within": "0s"}, "above 0"),
    ({"within": 5}, "within must be a length of time"),
    ({"clock_offset": "soon"}, "clock_offset must be a length of time"),
    ({"within": "5min"}, "table of sensors"),
    ({"place": "0.01deg"}, "table of sensors"),
])
def test_what_cannot_be_asked_is_said(options, sentence):
    records = seen(("x", "a", 1))
    with pytest.raises(InputError, match=sentence):
        link(records, records, **{"place": "sensor"} | options)


def test_no_overlap_in_time_is_said():
    left = seen(("x", "a", 1))
    with pytest.raises(InputError, match="share no time bin"):
        link(left, left.assign(time=left["time"] + pd.Timedelta("1D")), place="sensor", time="1h")


def test_a_missing_time_is_said():
    left = at(("x", 0.0, 0.0, 1))
    with pytest.raises(InputError, match="no time"):
        link(left, left.assign(time=pd.Series([pd.NaT], dtype="datetime64[us, UTC]")), within="5min")


def test_recall_at_k_is_an_attribute_too_and_nothing_else_is():
    links = pd.DataFrame({"left_id": ["x", "x"], "right_id": ["q", "r"], "score": [2.0, 1.0], "rank": [1, 2],
                          "margin": [1.0, -1.0]})
    found = score_links(links, pd.DataFrame({"left_id": ["x"], "right_id": ["r"]}))
    assert (found.recall_at_1, found.recall_at_5, found["recall_at_10"], found["recall at 1"]) == (0.0, 1.0, 1.0, 0.0)
    assert not hasattr(found, "recall_at_7")
