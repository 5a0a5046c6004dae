"""Days are a function of (seed, person, day); people keep to streets and plausible speeds."""

import numpy as np
import pytest

from kit.city import agenda, days
from kit.city import people as folk
from kit.city.passes import BY_CAR

WEDNESDAY = 22_350  # 2031-03-12
DAY_MS = 86_400_000


@pytest.fixture(scope="module")
def crowd(town, seed):
    return folk.people_of(town, np.arange(2_000), seed)


@pytest.fixture(scope="module")
def fortnight(plan, town, crowd, seed):
    return days.simulate(plan, town, crowd, WEDNESDAY - 2, 14, seed, episodes_of=crowd.size, tracks_of=60)


def of(rows, who):
    return rows[rows["who"] == who]


def test_the_first_day_is_a_wednesday():
    assert np.datetime64("1970-01-01") + WEDNESDAY == np.datetime64("2031-03-12")
    assert (WEDNESDAY + 3) % 7 == 2


def test_a_day_is_the_same_in_samples_of_any_size(plan, town, crowd, fortnight, seed):
    few = days.simulate(plan, town, crowd[:37], WEDNESDAY - 2, 14, seed, episodes_of=37, tracks_of=37)
    for name in ("passes", "episodes", "tracks"):
        whole = getattr(fortnight, name)
        assert np.array_equal(getattr(few, name), whole[whole["who"] < 37])


def test_a_day_is_the_same_whenever_the_simulation_begins(plan, town, crowd, fortnight, seed):
    one = days.simulate(plan, town, crowd, WEDNESDAY, 1, seed, episodes_of=crowd.size)
    midnight = WEDNESDAY * DAY_MS - days.UTC_OFFSET_MS
    for rows, when in ((fortnight.passes, "time_ms"), (fortnight.episodes, "arrive_ms")):
        same_day = (rows[when] >= midnight) & (rows[when] < midnight + DAY_MS)
        assert np.array_equal(one.passes if when == "time_ms" else one.episodes, rows[same_day])


@pytest.mark.parametrize("exposure", ["community", "fusion"])
def test_a_day_is_the_same_in_every_exposure(plan, town, crowd, fortnight, exposure, seed):
    other = days.simulate(plan, town, crowd, WEDNESDAY - 2, 14, seed, exposure, episodes_of=crowd.size)
    assert np.array_equal(other.episodes, fortnight.episodes)
    assert len(other.passes) > 0


def test_the_label_moves_nobody(plan, town, crowd, fortnight, seed):
    swapped = crowd.copy()
    swapped["system_label"] = 1 - swapped["system_label"]
    other = days.simulate(plan, town, swapped, WEDNESDAY - 2, 14, seed, episodes_of=crowd.size)
    assert np.array_equal(other.passes, fortnight.passes)
    assert np.array_equal(other.episodes, fortnight.episodes)


def test_another_seed_is_another_week(plan, town, crowd, fortnight, seed):
    other = days.simulate(plan, town, crowd, WEDNESDAY - 2, 14, seed + 1, episodes_of=crowd.size)
    assert not np.array_equal(other.episodes["place"][:500], fortnight.episodes["place"][:500])


def test_a_day_runs_from_midnight_to_midnight_without_overlap(crowd, fortnight):
    e = fortnight.episodes
    assert (e["leave_ms"] >= e["arrive_ms"]).all()
    same = e["who"][1:] == e["who"][:-1]
    assert (e["arrive_ms"][1:][same] >= e["leave_ms"][:-1][same]).all()
    begins = np.r_[True, ~same]
    assert (e["arrive_ms"][begins] == (WEDNESDAY - 2) * DAY_MS - days.UTC_OFFSET_MS).all()
    assert (e["leave_ms"][np.r_[~same, True]] == (WEDNESDAY + 12) * DAY_MS - days.UTC_OFFSET_MS).all()
    assert begins.sum() == crowd.size


def test_midnight_finds_people_where_the_evening_left_them(fortnight):
    e = fortnight.episodes
    same = e["who"][1:] == e["who"][:-1]
    local = (e["arrive_ms"] + days.UTC_OFFSET_MS) % DAY_MS
    over = same & (local[1:] == 0)
    assert over.sum() > 20_000
    assert np.array_equal(e["place"][1:][over], e["place"][:-1][over])


def test_nobody_is_faster_than_traffic(town, fortnight):
    e = fortnight.episodes
    same = (e["who"][1:] == e["who"][:-1]) & (e["place"][1:] >= 0) & (e["place"][:-1] >= 0)
    same &= e["place"][1:] != e["place"][:-1]
    a, b = e["place"][:-1][same], e["place"][1:][same]
    far_m = np.hypot(town.place_x[a] - town.place_x[b], town.place_y[a] - town.place_y[b])
    took_s = (e["arrive_ms"][1:][same] - e["leave_ms"][:-1][same]) / 1_000
    speed_kmh = far_m[far_m > 500] / took_s[far_m > 500] * 3.6
    assert speed_kmh.max() < 90
    assert 3 < np.median(speed_kmh) < 30
    by_car = (e["flag"][1:][same][far_m > 500] & BY_CAR) > 0
    assert np.median(speed_kmh[by_car]) > np.median(speed_kmh[~by_car])


def test_tracks_run_along_streets(plan, fortnight):
    edges = set(zip(plan.streets.u.tolist(), plan.streets.v.tolist(), strict=True))
    edges |= {(b, a) for a, b in edges}
    away = fortnight.episodes["who"][fortnight.episodes["place"] == agenda.OUT_OF_TOWN]
    t = fortnight.tracks[~np.isin(fortnight.tracks["who"], away)]
    node, who = t["node"].tolist(), t["who"].tolist()
    steps = [(a, b) for a, b, p, q in zip(node[:-1], node[1:], who[:-1], who[1:], strict=True) if p == q and a != b]
    assert len(steps) > 10_000
    assert set(steps) <= edges


def test_passes_lie_on_the_way(plan, fortnight):
    """A street camera is passed between the two junctions of its street."""
    sensors = days.sensors_of(plan, "register")
    s, edge = plan.streets, sensors["edge"].to_numpy()
    for who in range(30):
        tracks, passes = of(fortnight.tracks, who), of(fortnight.passes, who)
        passes = passes[edge[passes["sensor"]] >= 0]
        after = np.searchsorted(tracks["time_ms"], passes["time_ms"], side="right")
        before = np.maximum(after - 1, 0)
        pair = np.sort(np.column_stack([tracks["node"][before], tracks["node"][np.minimum(after, tracks.size - 1)]]), 1)
        street = edge[passes["sensor"]]
        assert np.array_equal(pair, np.sort(np.column_stack([s.u[street], s.v[street]]), 1))


def test_people_keep_their_schedules_at_three_at_night(crowd, fortnight):
    where = np.full((crowd.size, 12), -9)
    for night in range(12):
        three = (WEDNESDAY - 1 + night) * DAY_MS - days.UTC_OFFSET_MS + 3 * 3_600_000
        now = (fortnight.episodes["arrive_ms"] <= three) & (three < fortnight.episodes["leave_ms"])
        where[fortnight.episodes["who"][now], night] = fortnight.episodes["place"][now]
    home = where == crowd["home"][:, None]
    work = where == crowd["anchor"][:, None]
    night_workers = crowd["schedule"] == folk.NIGHT_WORKER
    assert work[night_workers].mean() > 0.5
    assert home[~night_workers].mean() > 0.9
    assert work[~night_workers].mean() < 0.01
    assert 0.01 < (where == agenda.OUT_OF_TOWN).mean() < 0.10


def test_day_workers_are_at_work_at_eleven_on_a_wednesday_and_not_on_sunday(crowd, fortnight):
    workers = np.flatnonzero(crowd["schedule"] == folk.DAY_WORKER)
    share = {}
    for name, day in (("wednesday", WEDNESDAY), ("sunday", WEDNESDAY + 4)):
        eleven = day * DAY_MS - days.UTC_OFFSET_MS + 11 * 3_600_000
        e = fortnight.episodes
        now = e[(e["arrive_ms"] <= eleven) & (eleven < e["leave_ms"]) & np.isin(e["who"], workers)]
        share[name] = (now["place"] == crowd["anchor"][now["who"]]).sum() / workers.size
    assert share["wednesday"] > 0.65
    assert share["sunday"] < 0.20


def test_residents_pass_lift_lane_and_gate_on_their_way_out_in_that_order(plan, town, crowd, seed):
    movement = days.simulate(plan, town, crowd[:500], WEDNESDAY, 1, seed, "community", episodes_of=500)
    sensors = days.sensors_of(plan, "community")
    spot, entrance = sensors["spot"].astype(str).to_numpy(), sensors["entrance"].astype(str).to_numpy()
    labels = sorted(set(plan.places["entrance"].astype(str)) - {""})
    left = 0
    for who in range(200):
        e = of(movement.episodes, who)
        if e.size < 2 or e["place"][0] != crowd["home"][who] or town.place_entrance[e["place"][1]] >= 0:
            continue
        p = of(movement.passes, who)
        out = p[(p["time_ms"] <= e["leave_ms"][0]) & (p["time_ms"] > e["leave_ms"][0] - 300_000)]
        out = out[np.argsort(out["time_ms"], kind="stable")]
        faces = [s for s in spot[out["sensor"]] if s != "sniffer"]
        assert faces[-3:] == ["lift", "lane", "gate"]
        lift = [s for s in out["sensor"] if spot[s] == "lift"][-1]
        assert entrance[lift] == labels[town.place_entrance[crowd["home"][who]]]
        left += 1
    assert left > 80


def test_a_way_out_and_back_at_once_is_cut_from_a_route():
    """Junctions 0-1-2-3 in a row, hub at 1: from 2 to 3 the way to the hub and back along edge 1 is dropped."""
    net = days.Net(
        u=np.array([0, 1, 2], np.int32), v=np.array([1, 2, 3], np.int32), length_m=np.ones(3, np.float32),
        speed_ms=np.ones(3, np.float32), hub_of_node=np.zeros(4, np.int32), n_hubs=1,
        access_ptr=np.array([0, 1, 1, 2, 4], np.int64), access_edge=np.array([0, 1, 2, 1], np.int32),
        route_ptr=np.array([0, 0], np.int64), route_edge=np.zeros(0, np.int32), station=np.zeros(4, np.int32))
    path = np.empty(16, np.int32)
    routes = {(a, b): path[:days.route_edges(net, a, b, path)].tolist() for a in range(4) for b in range(4)}
    assert routes[2, 3] == [2]
    assert routes[3, 2] == [2]
    assert routes[0, 3] == [0, 1, 2]
    assert routes[3, 0] == [2, 1, 0]
    assert routes[1, 1] == []
    assert routes[3, 3] == []
