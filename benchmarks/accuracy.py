"""How right movement is, against the truth of fresh cities.

    python benchmarks/accuracy.py [--seeds 201 202 203] [--only routes homes work day]

Cities are made in memory from seeds that nothing was chosen on. What is printed is what the docstrings may claim.
"""

import argparse

import geopandas as gpd
import numpy as np
import pandas as pd
from _city import COMMUNITY_DAY, TZ, community, community_places, register, truth_between
from scipy.spatial import cKDTree

import kit
from kit import movement
from kit.movement.network import build_network

BINS = 10


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, nargs="+", default=[201, 202, 203])
    parser.add_argument("--only", nargs="+", default=["routes", "homes", "work", "day"])
    options = parser.parse_args()
    for seed in options.seeds:
        if "routes" in options.only:
            judge_routes(seed)
        if "homes" in options.only:
            judge_homes(seed)
        if "work" in options.only:
            judge_work(seed)
        if "day" in options.only:
            judge_day(seed)


def judge_routes(seed):
    city = register(seed)
    sensors, streets = _positions(city["sensors"]), kit.open_exposure("register").streets
    trips = trips_of(city["sightings"])
    rates = movement.detection_rates(city["sightings"], trips, streets, sensors)
    _print_rates(seed, rates, city["faults"]["detection_rate"].to_numpy())
    routes = movement.infer_routes(trips, city["sightings"], streets, sensors, rates)
    verdict = true_ways(city, trips, routes, streets, sensors)
    for name, rows in (("street cameras, no stop between", verdict[verdict["plain"]]),
                       ("every trip whose ends are true", verdict)):
        _print_routes(seed, name, rows)


def trips_of(sightings):
    """Trips between visits in a row at different sensors; a clock that runs ahead can end one before it began."""
    visits = movement.find_visits(sightings)
    after = visits.shift(-1)
    one = (visits["subject_id"].astype(object) == after["subject_id"].astype(object)) & (
        after["arrived_at"] >= visits["left_at"])
    one &= visits["place_id"].astype(object) != after["place_id"].astype(object)
    return pd.DataFrame({
        "trip_id": np.arange(one.sum()), "subject_id": visits["subject_id"][one].array,
        "origin_id": visits["visit_id"][one].array, "destination_id": after["visit_id"][one].astype(int).array,
        "departed_at": visits["left_at"][one].array, "arrived_at": after["arrived_at"][one].array,
        "origin_place_id": visits["place_id"][one].array, "destination_place_id": after["place_id"][one].array,
        "last": visits["last_sighting_id"][one].array, "first": after["first_sighting_id"][one].astype(int).array})


def true_ways(city, trips, routes, streets, sensors):
    """For each candidate way whether it is the junctions truly passed; trips with a false match at an end left out.

    `plain`: both ends on the street (a gate's street is not known) and no stop between.
    """
    network = build_network(streets, sensors)
    n = len(network.x_m) - len(sensors)
    beside = _junctions_beside(network, n)
    row = pd.Series(np.arange(len(sensors)), sensors["sensor_id"].astype(object))
    ends = {c: row[trips[f"{c}_place_id"].astype(object)].to_numpy() for c in ("origin", "destination")}
    node_of = _junctions(network, city["plan"].streets, n)
    spot = {tuple(p): i for i, p in enumerate(np.round(np.column_stack(
        network.plane.to_degrees(network.x_m[:n], network.y_m[:n])), 6).tolist())}
    truth = truth_between(city, trips)
    rows = []
    for trip, ways in routes.groupby("trip_id", sort=False):
        if trip not in truth:
            continue
        nodes, stopped = truth[trip]
        a, b = ends["origin"][trip], ends["destination"][trip]
        true = _trim(node_of[nodes], beside[a], beside[b])
        plain = not stopped and network.on_street[a] and network.on_street[b]
        for line, p, rank, length in zip(ways.geometry, ways["probability"], ways["rank"], ways["length_m"],
                                         strict=True):
            found = [spot.get(tuple(q), -1) for q in np.round(np.array(line.coords), 6).tolist()]
            right = not stopped and _trim([q for q in found if q >= 0], beside[a], beside[b]) == true
            rows.append((trip, rank, p, length, right, plain))
    return pd.DataFrame(rows, columns=["trip", "rank", "p", "length_m", "right", "plain"])


def _positions(sensors):
    return gpd.GeoDataFrame(sensors[["sensor_id", "kind", "place_class"]].copy(),
                            geometry=gpd.points_from_xy(sensors["lon"], sensors["lat"]), crs="EPSG:4326")


def _junctions(network, streets, n):
    """The network's junction for each of the city's."""
    xy = np.column_stack(network.plane.to_plane(streets.lon, streets.lat))
    return cKDTree(np.c_[network.x_m, network.y_m][:n]).query(xy)[1]


def _junctions_beside(network, n):
    """The junctions at both ends of each sensor's street, past other sensors on it."""
    near = [[] for _ in range(len(network.x_m))]
    for a, b in zip(network.u, network.v, strict=True):
        near[a].append(b)
        near[b].append(a)
    found = []
    for start in network.sensor_node:
        met, waiting = {start}, [start]
        while waiting:
            for node in near[waiting.pop()]:
                if node not in met:
                    met.add(node)
                    waiting += [node] if node >= n else []
        found.append({node for node in met if node < n})
    return found


def _trim(nodes, first, last):
    """Junctions in a row, without the sensor's own stretch of street at either end."""
    nodes = [q for i, q in enumerate(nodes) if i == 0 or q != nodes[i - 1]]
    while len(nodes) > 1 and {nodes[0], nodes[1]} <= first:
        nodes = nodes[1:]
    while len(nodes) > 1 and {nodes[-1], nodes[-2]} <= last:
        nodes = nodes[:-1]
    return tuple(nodes)


def _print_rates(seed, rates, true):
    for least in (5, 10, 20):
        known = (rates["n"] >= least).to_numpy()
        miss = np.abs(rates["estimate"] - true)[known]
        inside = ((rates["low"] <= true) & (true <= rates["high"]))[known]
        print(f"seed {seed}: detection rates of {known.sum()} sensors with at least {least} passes: median absolute "
              f"error {miss.median():.3f}, inside the interval {inside.mean():.2f}")


def _print_routes(seed, name, rows):
    """Expected calibration error of the first way and of all ways, and log-loss where the true way is among them."""
    first = rows[rows["rank"] == 1]
    listed = rows[rows["right"]].drop_duplicates("trip")
    shortest = rows.sort_values("length_m", kind="stable").drop_duplicates("trip")
    covered = shortest[shortest["trip"].isin(listed["trip"])]["right"].mean()
    others = rows[rows["trip"].isin(listed["trip"])].groupby("trip").size().mean() - 1
    # the kindest reading of a lone shortest path: its own hit rate as probability, the rest even
    lone = -(covered * np.log(covered) + (1 - covered) * np.log((1 - covered) / others))
    print(f"seed {seed}: routes, {name}: {len(first):,} trips, true way listed {len(listed) / len(first):.3f}, first "
          f"way right {first['right'].mean():.3f} (shortest {shortest['right'].mean():.3f}), calibration error first "
          f"{_calibration(first):.3f}, all ways {_calibration(rows):.3f}, log-loss "
          f"{-np.log(listed['p']).mean():.3f} (shortest {lone:.3f})")


def _calibration(rows):
    part = rows.groupby(np.minimum((rows["p"] * BINS).astype(int), BINS - 1))
    return float((part.size() / len(rows) * (part["p"].mean() - part["right"].mean()).abs()).sum())


def judge_homes(seed):
    city = community(seed)
    faces = city["sightings"]
    visits = movement.find_visits(faces, city["sensors"], place="zone")
    truth = community_places(city)
    entrances = set(city["people"]["home_entrance"].dropna().astype(str))
    for method in ("edges", "nights", "count", "duration", "osna"):
        score = movement.score_places(movement.infer_places(visits, tz=TZ, method=method), truth)
        wanted = score["group"].isin(["all", "night worker", "late worker"] if method == "edges" else ["all"])
        print(f"seed {seed}: homes by {method}")
        print(score[wanted][["group", "measure", "estimate", "low", "high", "n"]].round(3).to_string(index=False))
    for name, guess in (baselines(visits, entrances) | {"nearest gate": nearest_gate(city)}).items():
        right = truth.set_index("subject_id")["place_id"].reindex(guess.index) == guess
        known = guess.index.isin(truth["subject_id"])
        print(f"seed {seed}: baseline {name}: right {right[known].mean():.3f} of {known.sum()} residents")


def baselines(visits, entrances):
    """The zone seen most often, and the entrance seen most often: what one would guess without thinking of nights."""
    def most(rows):
        n = rows.groupby(["subject_id", "place_id"], observed=True).size().sort_values(kind="stable")
        best = n.reset_index().drop_duplicates("subject_id", keep="last")
        return best.astype(str).set_index("subject_id")["place_id"]
    return {"majority zone": most(visits), "majority entrance": most(visits[visits["place_id"].isin(entrances)])}



def nearest_gate(city):
    """The entrance that lies nearest to the estate's gate at which somebody is seen most often."""
    stand = city["sensors"].astype({"spot": str, "zone_id": str}).set_index("sensor_id")
    gates, doors = stand[stand["spot"] == "gate"], city["people"]["home_entrance"].dropna().astype(str).unique()
    door_m = stand[stand["zone_id"].isin(doors) & (stand["spot"] != "gate")].groupby("zone_id")[["x_m", "y_m"]].mean()
    nearest = door_m.index[cKDTree(door_m).query(gates[["x_m", "y_m"]])[1]]
    seen = city["sightings"][["subject_id", "sensor_id"]].astype(object).dropna()
    n = seen[seen["sensor_id"].isin(gates.index)].value_counts().sort_values(kind="stable").reset_index()
    most = n.drop_duplicates("subject_id", keep="last").set_index("subject_id")["sensor_id"]
    return most.map(dict(zip(gates.index, nearest, strict=True)))


def judge_work(seed):
    """Work zones of one day of the register: right, abstained, and whether the confidence is what it says."""
    city = register(seed, people=30_000)
    visits = movement.find_visits(city["sightings"], city["sensors"], place="zone")
    people = city["people"].dropna(subset=["work_zone"])
    truth = pd.DataFrame({"subject_id": "p_" + people["person_no"].astype(str), "role": "work",
                          "place_id": people["work_zone"].astype(str), "schedule": people["schedule"].astype(str)})
    for method in ("edges", "duration"):
        score = movement.score_places(movement.infer_places(visits, tz=TZ, method=method), truth)
        score = score[(score["role"] == "work") & score["group"].isin(["all", "day worker", "night worker"])]
        print(f"seed {seed}: work zones of one day of the register, by {method}")
        print(score[["group", "measure", "estimate", "low", "high", "n"]].round(3).to_string(index=False))
        every = movement.infer_places(visits, tz=TZ, method=method, keep_uncertain=True)
        work = every[every["role"] == "work"].astype({"subject_id": str, "place_id": str})
        work = work.merge(truth, on="subject_id", suffixes=("", "_true"))
        work = work.assign(p=work["confidence"], right=work["place_id"] == work["place_id_true"])
        tenth = work.groupby(np.minimum((work["p"] * BINS).astype(int), BINS - 1))
        print(f"seed {seed}: work by {method}, best candidates of {len(work):,} people, calibration error "
              f"{_calibration(work):.3f}; by confidence: " + ", ".join(
                  f"{k / BINS:.1f}+: {part['right'].mean():.2f} of {len(part):,}" for k, part in tenth))



def judge_day(seed, people=40, n_days=30, day=14):
    """Where residents truly were in each minute of a day: log-loss of the posterior beside two rules of thumb."""
    city = community(seed, n_days)
    faces = city["sightings"]
    chosen = pd.Index(faces["subject_id"].dropna().astype(str).unique()).intersection(
        community_places(city)["subject_id"]).sort_values()
    chosen = chosen[np.random.default_rng(seed).permutation(len(chosen))[:people]]
    faces = faces[faces["subject_id"].isin(chosen)].astype({"subject_id": str, "sensor_id": str})
    first = pd.Timestamp(COMMUNITY_DAY + day, unit="D").tz_localize(TZ)
    found = movement.infer_day(faces, city["sensors"], first.date(), TZ)
    minutes = first.tz_convert("UTC") + pd.to_timedelta(np.arange(1440) + 0.5, unit="min")
    zone = city["sensors"].astype(str).set_index("sensor_id")["zone_id"]
    home = community_places(city).set_index("subject_id")["place_id"]
    rows = [_day_of(city, who, part, faces[faces["subject_id"] == who], zone, minutes, home[who])
            for who, part in found.astype({"subject_id": str, "place_id": str}).groupby("subject_id")]
    table = pd.concat(rows, ignore_index=True)
    print(f"seed {seed}: a day by the minute, {len(rows)} residents, {n_days} days of faces: log-loss of the true "
          f"place {-np.log(table['p'].clip(lower=1e-6)).mean():.3f}, likeliest right {table['right'].mean():.3f}")
    for rule in ("last place seen", "always at home"):
        print(f"  {rule}: right {table[rule].mean():.3f}, log-loss {_lone(table[rule], table['states']):.3f}")
    print("  truly " + ", ".join(f"{kind} {len(part) / len(table):.1%} of minutes, given {part['p'].mean():.3f}"
                                 for kind, part in table.groupby("kind")))
    cells = table[["all_p", "all_right"]].explode(["all_p", "all_right"]).astype(float)
    print(f"  calibration error of all probabilities "
          f"{_calibration(cells.rename(columns={'all_p': 'p', 'all_right': 'right'})):.3f}")


def _lone(right, states):
    """Log-loss of a rule that gives its answer its own share of right answers, the kindest reading; the rest even."""
    share = right.mean()
    return -(np.where(right, np.log(share), np.log((1 - share) / (states - 1)))).mean()


def _day_of(city, who, part, seen, zone, minutes, home):
    """One person's minutes: the probability of the true state, and whether each rule is right."""
    table = part.pivot(index="time", columns="place_id", values="probability")
    states, p = table.columns.to_numpy(), table.to_numpy()
    true = _true_state(city, int(who[2:]), minutes, states)
    seen = seen.sort_values("time")
    last = np.searchsorted(seen["time"].array.asi8, minutes.as_unit("us").asi8) - 1
    last_seen = np.where(last >= 0, zone[seen["sensor_id"]].to_numpy()[last.clip(0)], "unseen")
    here = states[None] == true[:, None]
    kind = np.where(true == home, "at home", np.where(np.isin(true, ["between", "unseen"]), true, "at another door"))
    return pd.DataFrame({"p": (p * here).sum(axis=1), "right": states[p.argmax(axis=1)] == true, "kind": kind,
                         "last place seen": last_seen == true, "always at home": true == home,
                         "states": len(states), "all_p": list(p), "all_right": list(here.astype(float))})


def _true_state(city, person, minutes, states):
    """The entrance they were behind; unseen elsewhere; between while on their way."""
    no = city["people"]["person_no"].to_numpy()
    spells = city["episodes"][no[city["episodes"]["who"]] == person]
    spells = spells[np.argsort(spells["arrive_ms"], kind="stable")]
    ms = minutes.as_unit("ms").asi8
    at = np.searchsorted(spells["arrive_ms"], ms, side="right") - 1
    inside = (at >= 0) & (ms < spells["leave_ms"][at.clip(0)])
    place = spells["place"][at.clip(0)]
    entrance = city["plan"].places["entrance"].astype(str).to_numpy()
    name = np.where(place >= 0, entrance[place], "")
    return np.where(~inside, "between", np.where(np.isin(name, states) & (name != ""), name, "unseen")).astype(object)


if __name__ == "__main__":
    main()
