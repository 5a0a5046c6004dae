"""Port Nemo holds together: one connected city, a river that only bridges cross, the sensors each exposure needs."""

import json
from itertools import pairwise
from pathlib import Path

import geopandas as gpd
import networkx as nx
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from kit.city import ground, plan, sites, streets
from kit.city.noding import AVENUE, BRIDGE, STREET_KINDS

COMMITTED = Path(__file__).parents[2] / "sample_data" / "port_nemo"
FILES = ("streets", "blocks", "districts", "water")
REAL_PLACES = {
    "africa", "america", "asia", "australia", "bangkok", "beijing", "berlin", "brazil", "cairo", "canada", "chicago",
    "china", "delhi", "dubai", "europe", "france", "guangzhou", "hong", "hotan", "india", "istanbul", "japan",
    "karachi", "kashgar", "kong", "korea", "lagos", "liangmaqiao", "london", "madrid", "melbourne", "mexico", "moscow",
    "mumbai", "new", "osaka", "paris", "rome", "russia", "seoul", "shanghai", "shenzhen", "singapore", "sydney",
    "taipei", "taiwan", "tibet", "tokyo", "turkey", "urumqi", "vienna", "xinjiang", "york", "zurich"}


@pytest.fixture(scope="module")
def city():
    return plan.make_plan()


@pytest.fixture(scope="module")
def graph(city):
    s = city.streets
    seconds = s.length_m.astype(float) / s.speed_ms
    return nx.Graph((int(u), int(v), {"edge": e, "s": seconds[e]})
                    for e, (u, v) in enumerate(zip(s.u, s.v, strict=True)))


def lines_of(s):
    return shapely.linestrings(np.stack([np.c_[s.x_m[s.u], s.y_m[s.u]], np.c_[s.x_m[s.v], s.y_m[s.v]]], axis=1))


def wet():
    return shapely.union_all(list(ground.water().values()))


class TestStreets:
    def test_has_a_city_of_junctions_all_inside_the_square(self, city):
        s = city.streets
        assert 6_000 <= len(s.x_m) <= 10_000
        for values in (s.x_m, s.y_m, city.places["x_m"], city.places["y_m"], city.sensors["x_m"], city.sensors["y_m"]):
            assert values.min() >= 0
            assert values.max() <= 20_000

    def test_lies_around_the_place_where_nobody_lives(self, city):
        for thing in (city.streets, city.places, city.sensors):
            assert np.abs(np.asarray(thing.lon) + 123.39).max() < 0.15
            assert np.abs(np.asarray(thing.lat) + 48.88).max() < 0.10

    def test_lists_each_edge_once_with_the_length_of_its_line(self, city):
        s = city.streets
        assert (s.u < s.v).all()
        assert len({*zip(s.u.tolist(), s.v.tolist(), strict=True)}) == len(s.u)
        assert s.length_m.min() > 5
        np.testing.assert_allclose(s.length_m, shapely.length(lines_of(s)), atol=0.02)

    def test_every_junction_reaches_every_other_and_carries_every_place(self, city, graph):
        assert nx.is_connected(graph)
        assert len(graph) == len(city.streets.x_m)
        assert city.places["node"].between(0, len(graph) - 1).all()

    def test_no_street_but_a_bridge_touches_water(self, city):
        s = city.streets
        assert set(s.kind[shapely.intersects(lines_of(s), wet())].tolist()) == {BRIDGE}

    def test_without_bridges_the_city_falls_into_two_banks_and_an_island(self, city, graph):
        s = city.streets
        dry = graph.copy()
        dry.remove_edges_from([(int(s.u[e]), int(s.v[e])) for e in np.flatnonzero(s.kind == BRIDGE)])
        sizes = sorted((len(part) for part in nx.connected_components(dry)), reverse=True)
        assert sizes[1] > 1_000
        assert sum(size > 5 for size in sizes) == 3

    def test_traffic_moves_at_city_speeds_and_on_foot_in_the_estates(self, city):
        s = city.streets
        assert set(np.unique(np.round(s.speed_ms * 3.6).astype(int))) >= {5, 14, 38}
        assert s.speed_ms.max() < 14
        assert s.speed_ms[s.kind == AVENUE].mean() > s.speed_ms[s.kind == STREET_KINDS.index("lane")].mean()


class TestRoutes:
    def test_hubs_are_few_and_none_is_walled_in(self, city):
        s, hubs = city.streets, city.routes.hub_node
        inside = np.unique(np.r_[s.u[s.speed_ms < 2], s.v[s.speed_ms < 2]])
        assert 200 <= len(hubs) <= 400
        assert not np.isin(hubs, inside).any()

    def test_access_walks_from_each_junction_to_its_hub(self, city):
        s, r = city.streets, city.routes
        for node in range(len(s.x_m)):
            assert walk(s, node, r.access_edge[r.access_ptr[node]:r.access_ptr[node + 1]]) \
                == r.hub_node[r.hub_of_node[node]]

    @given(st.data())
    @settings(max_examples=60, deadline=None)
    def test_a_route_is_a_walk_as_fast_as_any_and_its_own_reversal(self, city, graph, data):
        r, n = city.routes, len(city.routes.hub_node)
        a, b = (data.draw(st.integers(0, n - 1)) for _ in range(2))
        there, back = route(r, a, b), route(r, b, a)
        assert walk(city.streets, r.hub_node[a], there) == r.hub_node[b]
        assert there.tolist() == back.tolist()[::-1]
        fastest_s = nx.dijkstra_path_length(graph, int(r.hub_node[a]), int(r.hub_node[b]), weight="s")
        ours_s = (city.streets.length_m[there].astype(float) / city.streets.speed_ms[there]).sum()
        assert ours_s == pytest.approx(fastest_s, abs=0.2)  # times are rounded to a millisecond an edge

    def test_no_route_cuts_through_an_estate(self, city):
        used = np.unique(city.routes.route_edge)
        assert (city.streets.speed_ms[used] > 2).all()

    def test_fits_in_little_memory(self, city):
        r = city.routes
        assert sum(a.nbytes for a in (r.access_ptr, r.access_edge, r.route_ptr, r.route_edge)) < 100e6


def walk(s, node, edges):
    """Where a run of edges leads from a junction; fails when two of them do not meet."""
    for e in edges:
        assert node in (s.u[e], s.v[e])
        node = s.u[e] + s.v[e] - node
    return node


def route(r, a, b):
    i = a * len(r.hub_node) + b
    return r.route_edge[r.route_ptr[i]:r.route_ptr[i + 1]]


class TestPlaces:
    def test_counts_and_classes(self, city):
        p = city.places
        assert 25_000 <= len(p) <= 40_000
        assert (p["place_id"] == np.arange(len(p))).all()
        assert set(p["place_class"]) == set(sites.CLASSES)
        assert 19_000 <= (p["place_class"] == "residential").sum() <= 21_000
        assert (p["weight"] >= 1).all()

    def test_homes_are_enough_for_two_and_a_half_million_people(self, city):
        dwellings = city.places.loc[city.places["place_class"] == "residential", "weight"].sum()
        assert 2.0 < 2_565_724 / dwellings < 3.5

    def test_stand_on_dry_ground_beside_their_street(self, city):
        p, s = city.places, city.streets
        assert not shapely.intersects_xy(wet(), p["x_m"], p["y_m"]).any()
        far_m = np.hypot(p["x_m"] - s.x_m[p["node"]], p["y_m"] - s.y_m[p["node"]])
        assert far_m.max() < 400

    def test_centre_is_denser_than_the_edge(self, city):
        far_m = np.hypot(city.places["x_m"] - 10_000, city.places["y_m"] - 10_000)
        per_km2 = [((far_m > a) & (far_m < b)).sum() / (np.pi * (b**2 - a**2) / 1e6)
                   for a, b in ((0, 2_000), (4_000, 6_000), (7_000, 9_000))]
        assert per_km2[0] > 2 * per_km2[1] > 4 * per_km2[2] > 0

    def test_districts_hold_their_places(self, city):
        p = city.places
        x_m, y_m = p["x_m"].to_numpy(), p["y_m"].to_numpy()
        for row in city.districts.itertuples():
            area = shapely.transform(row.geometry, lambda xy: np.column_stack(ground.degrees_to_plane(*xy.T)))
            own = (p["district"] == row.district).to_numpy()
            assert shapely.intersects_xy(area.buffer(60), x_m[own], y_m[own]).mean() > 0.95, row.district


class TestEstates:
    def test_fourteen_entrance_groups_in_two_eastern_districts(self, city):
        doors = city.places[city.places["entrance"] != ""]
        assert sorted(doors["entrance"]) == [f"A-{i:02d}" for i in range(1, 9)] + [f"B-{i:02d}" for i in range(1, 7)]
        assert (doors["place_class"] == "residential").all()
        assert doors["x_m"].min() > 11_000
        assert doors.groupby(doors["entrance"].str[0])["district"].nunique().tolist() == [1, 1]
        assert doors["district"].nunique() == 2

    def test_forty_cameras_and_fifteen_sniffers(self, city):
        c = city.sensors[city.sensors["exposure"] == "community"]
        spots = c[c["kind"] == "camera"]["spot"].value_counts().to_dict()
        assert spots == {"lift": 14, "lane": 14, "gate": 8, "playground": 4}
        assert (c["kind"] == "wifi").sum() == 15
        assert c["sensor_id"].str.match(r"(CAM|WIFI)-[AB]-\d\d$").all()

    def test_each_group_has_its_lift_and_its_lane(self, city):
        c = city.sensors[(city.sensors["exposure"] == "community") & (city.sensors["kind"] == "camera")]
        groups = sorted(city.places.loc[city.places["entrance"] != "", "entrance"])
        for spot in ("lift", "lane"):
            of_spot = c[c["spot"] == spot]
            assert sorted(of_spot["zone_id"]) == groups
            assert (of_spot["zone_id"] == of_spot["entrance"]).all()
        assert set(c.loc[c["spot"] == "lift", "place"]) == set(range(14))
        assert c[c["spot"] == "lane"]["edge"].is_unique

    def test_only_the_gates_lead_in(self, city, graph):
        _, layout = streets.make_streets()
        s, c = city.streets, city.sensors
        for estate in layout.estates:
            within = shapely.intersects_xy(estate.wall.buffer(-5), s.x_m, s.y_m)
            through = np.flatnonzero(within[s.u] != within[s.v])
            gates = c[(c["spot"] == "gate") & c["sensor_id"].str.startswith(f"CAM-{estate.name[-1]}")]
            assert set(gates["edge"]) == set(through.tolist())
            assert gates.groupby("gate").size().tolist() == [2, 2]


class TestSensors:
    def test_counts_of_each_exposure(self, city):
        counts = city.sensors.groupby(["exposure", "kind"]).size().to_dict()
        assert counts == {
            ("register", "camera"): 1_000, ("community", "camera"): 40, ("community", "wifi"): 15,
            ("fusion", "checkpoint"): 24, ("fusion", "plate_reader"): 60, ("fusion", "pump"): 20,
            ("fusion", "cell"): 40}
        assert city.sensors["sensor_id"].is_unique
        register = city.sensors.loc[city.sensors["exposure"] == "register", "sensor_id"]
        assert register.tolist() == [f"T{i:04d}" for i in range(1, 1_001)]

    def test_two_thirds_of_the_register_watch_streets(self, city):
        register = city.sensors[city.sensors["exposure"] == "register"]
        assert (register["edge"] >= 0).sum() == 650
        assert ((register["edge"] >= 0) ^ (register["place"] >= 0)).all()
        assert set(register["place_class"]) == {"transit", "retail", "hotel", "clinic", "worship", "office", "school",
                                                "residential", "police", "other"}
        assert set(register["zone_id"]) <= set(city.districts["district"])

    def test_stand_where_they_look(self, city):
        s, sensors = city.streets, city.sensors
        on_street = sensors[sensors["edge"] >= 0]
        off_m = shapely.distance(lines_of(s)[on_street["edge"]], shapely.points(on_street["x_m"], on_street["y_m"]))
        assert off_m.max() < 1
        at_place = sensors[sensors["place"] >= 0]
        place = city.places.iloc[at_place["place"]]
        assert np.hypot(at_place["x_m"].to_numpy() - place["x_m"], at_place["y_m"].to_numpy() - place["y_m"]).max() < 1

    def test_checkpoints_hold_the_bridges_and_plate_readers_the_avenues(self, city):
        s = city.streets
        checkpoints = city.sensors.loc[city.sensors["kind"] == "checkpoint", "edge"]
        assert (s.kind[checkpoints] == BRIDGE).sum() >= 5
        readers = city.sensors.loc[city.sensors["kind"] == "plate_reader", "edge"]
        assert set(s.kind[readers].tolist()) == {AVENUE}

    def test_a_trip_of_five_kilometres_passes_about_one_street_camera(self, city):
        passed = cameras_passed(city, 20_000)
        assert 0.6 < passed.mean() < 1.4
        assert (passed == 0).mean() > 0.2

    def test_popularity_falls_off_with_rank_to_the_power_of_about_minus_0_7(self, city):
        register, p = city.sensors[city.sensors["exposure"] == "register"], city.places
        start, end = sites.sample_trips(p, 40_000, np.random.default_rng(3))
        _, edge = sites.edges_of_trips(city.routes, p["node"].to_numpy()[start], p["node"].to_numpy()[end])
        on_street = np.bincount(edge, minlength=len(city.streets.u))[register["edge"]]
        at_gate = np.bincount(np.r_[start, end], minlength=len(p))[register["place"]]
        passages = np.sort(np.where(register["edge"] >= 0, on_street, at_gate))[::-1]
        slope = np.polyfit(np.log(np.arange(10, 701)), np.log(passages[9:700]), 1)[0]
        assert -0.85 < slope < -0.6


def flow_of_trips(city, n):
    """Trips between random homes and offices 4 to 6 km apart: (trip, edge) of every edge on their way."""
    rng, p = np.random.default_rng(12), city.places
    homes, offices = (p[p["place_class"] == c].sample(6 * n, replace=True, weights="weight", random_state=rng)
                      for c in ("residential", "office"))
    far_m = np.hypot(homes["x_m"].to_numpy() - offices["x_m"], homes["y_m"].to_numpy() - offices["y_m"])
    keep = np.flatnonzero(((far_m > 4_000) & (far_m < 6_000)).to_numpy())[:n]
    assert len(keep) > n / 2
    return sites.edges_of_trips(city.routes, homes["node"].to_numpy()[keep], offices["node"].to_numpy()[keep])


def cameras_passed(city, n):
    trip, edge = flow_of_trips(city, n)
    watched = city.sensors.query("exposure == 'register' and edge >= 0")["edge"]
    cameras = np.bincount(watched, minlength=len(city.streets.u))
    return np.bincount(trip, weights=cameras[edge])


class TestGeography:
    @given(st.floats(0, 20_000), st.floats(0, 20_000))
    def test_plane_to_degrees_and_back_within_a_centimetre(self, x_m, y_m):
        back = ground.degrees_to_plane(*ground.plane_to_degrees(x_m, y_m))
        assert np.hypot(back[0] - x_m, back[1] - y_m) < 0.01

    def test_names_no_real_place(self, city):
        names = {*city.districts["district"], *city.water["name"], *city.sensors["name"], *city.sensors["zone_id"]}
        words = {word for name in names for word in name.lower().replace("-", " ").split()}
        assert words.isdisjoint(REAL_PLACES)
        assert 10 <= len(city.districts) <= 14

    @pytest.mark.parametrize("name", FILES)
    def test_committed_file_is_valid_geojson_near_nemo(self, name):
        collection = json.loads((COMMITTED / f"{name}.geojson").read_text(encoding="utf-8"))
        assert collection["type"] == "FeatureCollection"
        for feature in collection["features"]:
            shape = shapely.geometry.shape(feature["geometry"])
            assert shape.is_valid
            assert all(ring.is_ccw for ring in shapely.get_exterior_ring(shapely.get_parts(shape)) if ring)
            lon, lat = shapely.get_coordinates(shape).T
            assert np.abs(lon + 123.39).max() < 0.15
            assert np.abs(lat + 48.88).max() < 0.10

    def test_committed_files_are_what_the_plan_writes(self, city, tmp_path):
        plan.write_geography(tmp_path, city)
        for name in FILES:
            assert (tmp_path / f"{name}.geojson").read_bytes() == (COMMITTED / f"{name}.geojson").read_bytes(), name
        assert sum((COMMITTED / f"{name}.geojson").stat().st_size for name in FILES) < 1_200_000

    def test_street_lines_rebuild_the_graph(self, city):
        s = city.streets
        lines = gpd.read_file(COMMITTED / "streets.geojson")
        edges, length_m = {}, 0.0
        for row in lines.itertuples():
            nodes = [int(n) for n in row.nodes.split()]
            assert (nodes[0], nodes[-1]) == (row.u, row.v)
            drawn, true = shapely.get_coordinates(row.geometry), np.c_[s.lon[nodes], s.lat[nodes]]
            np.testing.assert_allclose(drawn, true, rtol=0, atol=6e-7)
            edges |= {(min(a, b), max(a, b)): (row.kind, row.speed_kmh) for a, b in pairwise(nodes)}
            length_m += row.length_m
        kinds = [STREET_KINDS[k] for k in s.kind]
        assert edges == {(int(u), int(v)): (kind, round(float(speed) * 3.6, 1))
                         for u, v, kind, speed in zip(s.u, s.v, kinds, s.speed_ms, strict=True)}
        assert length_m == pytest.approx(s.length_m.sum(dtype=float), rel=1e-4)

    def test_drawn_afresh_it_is_the_same_city(self, city):
        for made in (plan.make_plan, streets.make_streets, ground.land, ground.water):
            made.cache_clear()
        again = plan.make_plan()
        assert again is not city
        for part in ("streets", "routes"):
            for name, values in vars(getattr(city, part)).items():
                np.testing.assert_array_equal(values, getattr(getattr(again, part), name), err_msg=name)
        for part in ("places", "sensors", "blocks", "districts", "water"):
            assert getattr(again, part).equals(getattr(city, part)), part
