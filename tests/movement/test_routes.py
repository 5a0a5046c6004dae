import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kit import movement
from kit.errors import InputError
from kit.movement.network import build_network, find_ways

# A square of about 1,113 m a side at the equator: from a (south-west) to b (north-east) by the north-west or the
# south-east corner, equally far. Camera n stands on the north side, s on the south side.
SQUARE = ["LINESTRING (0 0, 0 0.01)", "LINESTRING (0 0.01, 0.01 0.01)", "LINESTRING (0 0, 0.01 0)",
          "LINESTRING (0.01 0, 0.01 0.01)"]
SPOTS = {"a": (0, 0), "b": (0.01, 0.01), "n": (0.004, 0.01), "s": (0.004, 0)}
SIDE_M = 1_113


def lines(wkt=SQUARE, **columns):
    return gpd.GeoDataFrame(columns, geometry=gpd.GeoSeries.from_wkt(wkt), crs="EPSG:4326")


def sensors(**spots):
    spots = spots or SPOTS
    x, y = zip(*spots.values(), strict=True)
    return gpd.GeoDataFrame({"sensor_id": list(spots)}, geometry=gpd.points_from_xy(x, y), crs="EPSG:4326")


def at(minutes):
    return pd.Timestamp("2031-03-12T08:00Z").as_unit("us") + pd.to_timedelta(minutes, "min")


def one_trip(minutes=20, origin="a", destination="b", trip_id=5):
    return pd.DataFrame({"trip_id": [trip_id], "subject_id": ["p"], "origin_place_id": [origin],
                         "destination_place_id": [destination], "departed_at": [at(0)], "arrived_at": [at(minutes)]})


def seen(*rows):
    frame = pd.DataFrame(rows, columns=["subject_id", "sensor_id", "minutes"])
    return frame.assign(time=pd.DatetimeIndex([at(m) for m in frame.pop("minutes")]).tz_convert("UTC").as_unit("us"))


NOBODY = seen(("other", "a", 1))


def rates(**estimates):
    return pd.DataFrame({"sensor_id": list(estimates), "estimate": list(estimates.values())})


def infer(trips=None, sightings=NOBODY, streets=None, d=None, **more):
    return movement.infer_routes(one_trip() if trips is None else trips, sightings,
                                 lines() if streets is None else streets, sensors(),
                                 rates(**(d or {"n": 0.001, "s": 0.001, "a": 0.5, "b": 0.5})), **more)


def by_side(ways):
    """Probability of the way by the north-west and of that by the south-east corner."""
    north = ways.geometry.map(lambda line: (0.0, 0.01) in [tuple(np.round(p, 6)) for p in line.coords])
    return ways[north]["probability"].sum(), ways[~north]["probability"].sum()


def test_two_ways_as_far_and_as_fast_are_even_odds_without_habit():
    ways = infer(habit=0)
    assert ways["rank"].tolist() == [1, 2]
    assert ways["probability"].to_numpy() == pytest.approx([0.5, 0.5], abs=0.01)
    assert ways["length_m"].to_numpy() == pytest.approx([2 * SIDE_M] * 2, rel=0.01)


def test_a_good_camera_that_stayed_silent_speaks_against_its_way():
    # North 1 x (1 - 0.9), south 1 x (1 - 0.5): odds 0.1 to 0.5; a little is spread for a stop between.
    ways = infer(habit=0, d={"n": 0.9, "s": 0.5})
    north, south = by_side(ways)
    direct = ways["direct"].iloc[0]
    assert north == pytest.approx(direct * 0.1 / 0.6 + (1 - direct) / 2, abs=0.01)
    assert south == pytest.approx(1 - north)


def test_a_camera_that_saw_them_speaks_for_its_way():
    # North: d / one mistake (0.02) and the other silent: 0.9 x 0.5 to 0.02 x 0.1 x 0.5.
    ways = infer(sightings=seen(("p", "n", 8)), habit=0, d={"n": 0.9, "s": 0.5})
    direct = ways["direct"].iloc[0]
    assert by_side(ways)[0] == pytest.approx(direct * 0.45 / (0.45 + 0.5 * 0.02 * 0.1) + (1 - direct) / 2, abs=0.01)


def test_sightings_of_others_before_or_after_and_unmatched_ones_say_nothing():
    plain = infer(d={"n": 0.9, "s": 0.5})
    elsewhere = infer(sightings=seen(("q", "n", 8), ("p", "n", -1), ("p", "n", 21), (None, "n", 8)),
                      d={"n": 0.9, "s": 0.5})
    pd.testing.assert_frame_equal(pd.DataFrame(plain), pd.DataFrame(elsewhere))


def test_who_took_five_hours_had_a_stop_and_little_is_known():
    ways = infer(one_trip(300), habit=0, d={"n": 0.99, "s": 0.01})
    assert ways["direct"].iloc[0] < 0.05
    assert ways["probability"].max() < 0.55


def test_seconds_lost_count_by_speed():
    # South at 60 km/h, north at 30 km/h: a fifth of a kilometre more is nothing against twice the speed.
    fast = lines(speed_kmh=[30.0, 30.0, 60.0, 60.0])
    assert by_side(infer(streets=fast))[1] > 0.95


def test_a_way_half_as_long_again_is_the_longest_there_is():
    # Direct 1 side; round by the other corners 3 sides: no way.
    wkt = [*SQUARE, "LINESTRING (0 0, 0.01 0.01)"]
    ways = infer(streets=lines(wkt), d={"n": 0.001, "s": 0.001})
    assert ways["length_m"].to_numpy() == pytest.approx([SIDE_M * 2**0.5, SIDE_M * 2, SIDE_M * 2], rel=0.01)
    assert len(infer(one_trip(origin="a", destination="s"), d={"n": 0.001})) == 1


def test_lines_that_cross_without_a_vertex_in_common_do_not_meet():
    streets = lines(["LINESTRING (0 0, 0.01 0.01)", "LINESTRING (0 0.01, 0.01 0)"])
    stands = sensors(a=(0, 0), b=(0.01, 0))
    ways = movement.infer_routes(one_trip(), NOBODY, streets, stands, None)
    assert len(ways) == 0


def test_trips_to_where_they_began_and_none_at_all_have_no_rows():
    columns = ["trip_id", "rank", "probability", "length_m", "geometry", "direct"]
    for trips in (one_trip(origin="b"), one_trip().iloc[:0]):
        ways = infer(trips)
        assert len(ways) == 0 and ways.columns.tolist() == columns


def test_ranks_follow_probabilities_which_add_up():
    trips = pd.concat([one_trip(trip_id=9), one_trip(trip_id=3, origin="s"), one_trip(300, trip_id=4)])
    ways = infer(trips, d={"n": 0.6, "s": 0.7})
    assert ways["trip_id"].drop_duplicates().tolist() == [9, 3, 4]
    assert ways.groupby("trip_id")["probability"].sum().to_numpy() == pytest.approx(1.0)
    assert ways.groupby("trip_id")["probability"].is_monotonic_decreasing.all()


def test_two_cameras_on_one_pole():
    stands = sensors(a=(0, 0.002), twin=(0, 0.002), b=(0, 0.008))
    ways = movement.infer_routes(one_trip(origin="a"), NOBODY, lines(SQUARE[:1]), stands, None)
    assert ways["length_m"].tolist() == pytest.approx([0.6 * SIDE_M], rel=0.01)


def test_every_way_is_simple_and_joins_its_ends():
    rng = np.random.default_rng(0)
    n, step = 6, 0.002
    wkt = [f"LINESTRING ({i * step} {j * step}, {(i + di) * step} {(j + dj) * step})"
           for i in range(n) for j in range(n) for di, dj in ((1, 0), (0, 1)) if i + di < n and j + dj < n]
    spots = {f"s{i}": tuple(rng.uniform(0, (n - 1) * step, 2)) for i in range(8)}
    network = build_network(lines(wkt), sensors(**spots))
    a, b = (x.ravel() for x in np.meshgrid(network.sensor_node, network.sensor_node))
    a, b = a[a != b], b[a != b]
    ways = find_ways(network, a, b, 8)
    for pair in range(len(a)):
        runs = [ways.node[ways.ptr[w]:ways.ptr[w + 1]].tolist()
                for w in range(ways.of_pair[pair], ways.of_pair[pair + 1])]
        assert 1 <= len(runs) <= 8 and len({tuple(r) for r in runs}) == len(runs)
        assert all(r[0] == a[pair] and r[-1] == b[pair] and len(set(r)) == len(r) for r in runs)
    assert (ways.cost[ways.of_pair[:-1]] == np.minimum.reduceat(ways.cost, ways.of_pair[:-1])).all()


def test_edges_carry_the_probabilities_of_the_ways_that_use_them():
    ways = infer(habit=0, d={"n": 0.9, "s": 0.5})
    north, south = by_side(ways)
    edges = movement.edge_probabilities(ways, lines()).set_index("street")["expected"]
    assert edges.to_dict() == pytest.approx({0: north, 1: north, 2: south, 3: south})


def test_the_prism_is_the_ellipse_of_what_can_be_reached():
    ways = infer(habit=0)
    area = movement.prism(ways, one_trip(), sensors(), max_speed_kmh=12, min_entropy_bits=0.99)
    # 20 min at 12 km/h are 4,000 m: half axes 2,000 m and (2,000^2 - 787^2)^0.5 = 1,839 m about the middle.
    on_plane = area.to_crs("+proj=aeqd +lat_0=0.005 +lon_0=0.005 +datum=WGS84")
    assert on_plane.area.iloc[0] == pytest.approx(np.pi * 2_000 * 1_839, rel=0.01)
    assert area["entropy_bits"].iloc[0] == pytest.approx(1.0, abs=0.01)
    assert len(movement.prism(ways, one_trip(), sensors(), min_entropy_bits=1.5)) == 0
    assert movement.prism(ways, one_trip(), sensors(), max_speed_kmh=1, min_entropy_bits=0).geometry.is_empty.all()


def test_trips_made_from_visits_find_their_own_ends():
    sightings = seen(("p", "a", 0), ("p", "b", 20), ("q", "n", 0), ("q", "s", 30)).assign(sighting_id=range(4))
    trips = movement.make_trips(movement.find_visits(sightings))
    d = {"n": 0.3, "s": 0.4, "a": 0.5, "b": 0.5}
    named = trips.assign(origin_place_id=["a", "n"], destination_place_id=["b", "s"])
    found, told = (pd.DataFrame(infer(these, sightings, d=d)) for these in (trips, named))
    pd.testing.assert_frame_equal(found, told)
    with pytest.raises(InputError, match="2 trips have no sighting at departed_at"):
        infer(trips, sightings.iloc[:0], d=d)


def test_what_a_user_can_get_wrong():
    for change, words in (
        (lambda: infer(one_trip().drop(columns="origin_place_id")), "lack the column origin_place_id"),
        (lambda: infer(one_trip(-5)), "1 trip ends before the start"),
        (lambda: infer(one_trip(origin="nowhere")), "not in the sensors table"),
        (lambda: infer(d={"n": 1.5}), "between 0 and 1"),
        (lambda: infer(k=0), "whole number of ways"),
        (lambda: infer(habit=2), "habit must lie"),
        (lambda: infer(streets=lines(["POINT (0 0)"])), "must be lines"),
        (lambda: infer(streets=lines(speed_kmh=[30, 30, 0, 30])), "row 2"),
    ):
        with pytest.raises(InputError, match=words):
            change()


@settings(max_examples=15, deadline=None)
@given(st.permutations(range(4)), st.integers(-400, 400))
def test_neither_the_order_of_rows_nor_whole_days_matter(order, days):
    trips = pd.concat([one_trip(20 + i, trip_id=i) for i in range(4)], ignore_index=True)
    sightings = seen(("p", "n", 8), ("p", "s", 9), ("q", "s", 9), ("p", "n", 12))
    later = pd.Timedelta(days=days)
    moved = trips.iloc[order].assign(departed_at=trips["departed_at"] + later, arrived_at=trips["arrived_at"] + later)
    once = infer(trips, sightings, d={"n": 0.6, "s": 0.7})
    again = infer(moved, sightings.iloc[order].assign(time=sightings["time"] + later), d={"n": 0.6, "s": 0.7})
    for trip in range(4):
        assert (once[once["trip_id"] == trip]["probability"].tolist()
                == pytest.approx(again[again["trip_id"] == trip]["probability"].tolist()))
