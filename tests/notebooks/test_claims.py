"""What the notebooks say in words about the samples, asserted from the samples."""

import ast
from pathlib import Path

import nbformat
import pandas as pd
import pytest

import kit
from kit import geo, movement, reidentify
from kit.city.rotation import rotate_pseudonyms

NOTEBOOKS = Path(__file__).resolve().parents[2] / "notebooks"


def knobs(name):
    """The constants of a notebook's second code cell."""
    code = [c for c in nbformat.read(NOTEBOOKS / name, as_version=4).cells if c.cell_type == "code"]
    return {n.targets[0].id: ast.literal_eval(n.value) for n in ast.parse(code[1].source).body}


@pytest.fixture(scope="module")
def register():
    return kit.open_exposure("register")


@pytest.fixture(scope="module")
def community():
    return kit.open_exposure("community")


@pytest.fixture(scope="module")
def faces(community):
    return community.sightings.query("source == 'face'")


def test_01_most_people_have_fewer_than_four_records_and_many_have_none(register):
    people = (register.subjects["kind"] == "person").sum()
    records = register.sightings["subject_id"].value_counts()
    assert (records >= 4).sum() / people < 1 / 3
    assert (records >= 1).sum() / people < 0.8


def test_00_hardly_any_camera_misses_nobody_and_some_miss_a_third(register):
    rates = register.truth()["sensors"]["detection_rate"]
    assert rates.between(0.6, 0.95).all()
    assert (rates < 2 / 3).any()


def test_03_one_way_stands_out_is_far_from_certain_and_no_camera_between_saw_the_person(register):
    given = knobs("03_one_day.ipynb")
    town = register.sightings[~register.sightings["duplicate"]]
    trips = movement.make_trips(movement.find_visits(town, register.sensors))
    left = trips["departed_at"].dt.tz_convert(register.tz).dt.strftime("%H:%M")
    trip = trips[(trips["subject_id"] == given["WALKER"]) & (left == given["LEFT_AT"])]
    rates = movement.detection_rates(town, trips, register.streets, register.sensors)
    first, second = movement.infer_routes(trip, town, register.streets, register.sensors, rates)["probability"][:2]
    assert len(trip) == 1 and 2 * second < first < 0.8
    theirs = town.loc[town["subject_id"] == given["WALKER"], "time"]
    assert not theirs.between(trip["departed_at"].iloc[0], trip["arrived_at"].iloc[0], inclusive="neither").any()


def test_03_every_wrong_clock_is_named_no_other_and_each_to_the_second(community, faces):
    mended, clocks = movement.repair_clocks(faces, community.sensors)
    truth = clocks.merge(community.truth()["sensors"], on="sensor_id", suffixes=("", "_true"))
    wrong = truth["clock_offset_s"].abs() > 1
    assert wrong.sum() >= 3
    assert (((truth["low"] > 0) | (truth["high"] < 0)) == wrong).all()
    assert (truth["offset_s"] - truth["clock_offset_s"])[wrong].abs().max() < 1
    assert 0 < (truth["component"] < 0).sum() < len(truth) / 2
    assert (mended["time"] - faces["time"]).abs().dt.total_seconds().max() > 60


@pytest.fixture(scope="module")
def day(community, faces):
    given = knobs("03_one_day.ipynb")
    local = faces["time"].dt.tz_convert(community.tz).dt.strftime("%Y-%m-%d")
    return faces[(faces["subject_id"] == given["PERSON"]) & (local == given["DAY"]) & ~faces["duplicate"]]


def test_03_one_sighting_of_the_day_is_in_the_other_estate_and_it_is_the_false_one(community, day):
    wrong = community.truth()["sightings"].query("why == 'false_match'")["sighting_id"]
    false = day[day["sighting_id"].isin(wrong)]
    usual = day["sensor_id"].mode()[0]
    at = community.sensors.set_index("sensor_id").geometry
    away = day["sensor_id"].astype(object).map(lambda s: float(geo.haversine_m(at[s].x, at[s].y, at[usual].x,
                                                                               at[usual].y)))
    assert 9 <= len(day) <= 15  # "a dozen lines"
    assert len(false) == 1
    assert (away > 1_000).sum() == 1
    assert away[false.index[0]] > 1_000
    assert away.drop(false.index).max() < 500


def test_03_the_false_record_scores_low_but_no_lower_than_thousands_of_true_ones(community, faces, day):
    wrong = community.truth()["sightings"].query("why == 'false_match'")["sighting_id"]
    score = day.loc[day["sighting_id"].isin(wrong), "score"].iloc[0]
    true = faces[faces["subject_id"].notna() & ~faces["sighting_id"].isin(wrong)]
    assert score < true["score"].median()
    assert (true["score"] < score).sum() > 2_000


def test_03_no_pair_of_sightings_lies_between_ten_seconds_and_three_minutes(faces):
    counts = [len(movement.find_visits(faces, max_gap=gap)) for gap in ("10s", "1min", "3min")]
    assert (counts[0] - counts[-1]) / counts[0] < 0.005


def test_03_whose_records_are_few_are_wrong_more_often(community, faces):
    wrong = community.truth()["sightings"].query("why == 'false_match'")["sighting_id"]
    people = faces.dropna(subset="subject_id").assign(wrong=faces["sighting_id"].isin(wrong))
    people = people.groupby("subject_id", observed=True)["wrong"].agg(["size", "sum"])
    few, many = people[people["size"] <= 10], people[people["size"] > 100]
    assert few["sum"].sum() / few["size"].sum() > 0.5
    assert many["sum"].sum() / many["size"].sum() < 0.03


@pytest.fixture(scope="module")
def doors(community, faces):
    """Sightings at building entrances, as notebook 04 takes them."""
    zone = faces["sensor_id"].map(community.sensors.set_index("sensor_id")["zone_id"]).astype(str)
    return faces[zone.str.len() == 4]


def home_scores(community, sightings, method="edges", **options):
    visits = movement.find_visits(sightings, community.sensors, place="zone")
    places = movement.infer_places(visits, community.tz, method=method, **{"min_presence": 0, **options})
    table = movement.score_places(places, community.truth()["places"])
    return table.query("role == 'home' and group == 'all'").set_index("measure")["estimate"]


def test_04_three_methods_find_nearly_every_door_and_two_fail(community, doors):
    found = {m: home_scores(community, doors, m)["named rightly"] for m in ("edges", "nights", "count", "duration",
                                                                              "osna")}
    assert min(found[m] for m in ("edges", "nights", "count")) > 0.85
    assert max(found[m] for m in ("duration", "osna")) < 0.5


def test_04_guests_are_given_homes_and_more_nights_asked_for_leave_fewer(community, doors):
    visits = movement.find_visits(doors, community.sensors, place="zone")
    places = movement.infer_places(visits, community.tz, min_presence=0)
    truth = community.truth()["places"]
    assert (places["role"] == "home").sum() > truth["subject_id"].nunique()
    shares = [movement.score_places(places[(places["role"] != "home") | (places["nights"] >= nights)], truth)
              .query("measure == 'right among all named'")["estimate"].iloc[0] for nights in (1, 7, 14, 30)]
    assert shares == sorted(shares)
    assert shares[0] < 0.6
    assert 0.7 < shares[-1] < 1


def test_04_half_of_all_nights_leaves_residents_and_few_guests(community, doors):
    by_default = home_scores(community, doors, min_presence=0.5)
    assert by_default["named rightly"] > 0.95
    assert by_default["right among all named"] > 0.9


def test_04_residents_are_found_within_days_and_more_days_add_false_homes(community, doors):
    first = doors["time"].min()
    scores = {days: home_scores(community, doors[doors["time"] < first + pd.Timedelta(days=days)])
              for days in (1, 7, 90)}
    assert 0.5 < scores[1]["named rightly"] < 0.8
    assert scores[7]["named rightly"] > 0.95
    assert scores[1]["right among all named"] > scores[90]["right among all named"]


def test_04_lanes_stand_in_for_lifts(community, doors):
    spot = doors["sensor_id"].map(community.sensors.set_index("sensor_id")["place_class"]).astype(str)
    assert home_scores(community, doors[spot == "lane"])["named rightly"] > 0.8


def test_04_the_resident_of_the_week_strip_is_hardly_seen_in_working_hours(community, faces):
    person = knobs("04_home_and_routine.ipynb")["PERSON"]
    local = faces.loc[faces["subject_id"] == person, "time"].dt.tz_convert(community.tz)
    weekday = local[local.dt.day_of_week < 5].dt.hour
    assert weekday.between(10, 16).mean() < 0.1
    assert weekday.isin([8, 9, 18, 19]).mean() > 0.5


def test_04_the_surest_hour_of_absence_is_most_weeks_and_no_night(community, faces):
    person = knobs("04_home_and_routine.ipynb")["PERSON"]
    visits = movement.find_visits(faces, community.sensors, place="zone")
    gates = {zone for zone in visits["place_id"].astype(str) if zone.endswith("gate")}
    away = movement.absence(visits, community.tz, through=gates)
    mine = away[away["subject_id"] == person]
    assert mine["estimate"].max() > 0.5
    assert mine.query("hour < 6")["estimate"].max() < 0.1


def test_04_all_night_workers_are_found_and_as_many_guests_taken_for_one(community, faces, doors):
    truth = community.truth()["places"].drop_duplicates("subject_id").set_index("subject_id")["schedule"].astype(str)
    visits = movement.find_visits(faces, community.sensors, place="zone")
    gates = {zone for zone in visits["place_id"].astype(str) if zone.endswith("gate")}
    away = movement.absence(visits, community.tz, through=gates).query("weekday < 5")
    homes = movement.infer_places(movement.find_visits(doors, community.sensors, place="zone"), community.tz)
    away = away[away["subject_id"].isin(homes.query("role == 'home'")["subject_id"])]
    night = away.query("hour < 5").groupby("subject_id", observed=True)["estimate"].mean()
    day = away.query("10 <= hour < 16").groupby("subject_id", observed=True)["estimate"].mean()
    named = set(night.index[(night > day.reindex(night.index)) & (night > 0.05)].astype(str))
    workers = set(truth.index[truth == "night worker"])
    assert workers <= named
    assert 0.5 * len(workers) < len(named - workers) < 2 * len(workers)
    assert not (named - workers) & set(truth.index)


def test_04_ones_own_last_step_foretells_more_than_ones_hours_and_these_more_than_the_crowd(community, faces):
    foretold = movement.predict_next(movement.find_visits(faces), community.tz)
    share = foretold.query("on == 'moves' and measure == 'top_1'").set_index("method")
    assert share.loc["markov", "low"] > share.loc["hour", "high"]
    assert share.loc["hour", "low"] > share.loc["population", "high"]


def test_04_phones_lead_to_the_door_also_without_their_nights_but_not_when_rounded():
    phones = kit.open_exposure("fusion")
    fixes, hour = phones.fixes, phones.fixes["time"].dt.tz_convert(phones.tz).dt.hour
    owners = phones.truth()["people"].dropna(subset="device_id").astype({"device_id": "str"}).set_index("device_id")

    def share_near(part, method="nights"):
        stays, spots = movement.find_locations(movement.find_stays(part, max_gap="4h"))
        homes = movement.infer_places(stays, phones.tz, method, min_confidence=0.3).query("role == 'home'")
        spot = spots.set_index(["subject_id", "location_id"]).loc[list(zip(homes["subject_id"], homes["place_id"],
                                                                           strict=True))]
        lives = owners.loc[homes["subject_id"].astype(str)]
        metres = geo.haversine_m(spot["lon"].to_numpy(), spot["lat"].to_numpy(), lives["home_lon"].to_numpy(),
                                 lives["home_lat"].to_numpy())
        return (metres < 100).sum() / fixes["subject_id"].nunique()

    assert share_near(fixes) > 0.8
    assert 0.4 < share_near(fixes[hour.between(8, 18)], "edges") < 0.8
    assert share_near(fixes.assign(lon=fixes["lon"].round(2), lat=fixes["lat"].round(2))) < 0.1


def test_05_sampling_people_raises_unicity(faces):
    everyone = reidentify.unicity(reidentify.make_points(faces), known=2, people=None)
    some = faces["subject_id"].cat.categories[::10]
    tenth = reidentify.unicity(reidentify.make_points(faces[faces["subject_id"].isin(some)]), known=2, people=None)
    assert tenth["low"][0] > everyone["high"][0]


def test_05_each_further_point_undoes_a_step_of_coarsening(register):
    def share(place, time, known):
        points = reidentify.make_points(register.sightings, place, time, sensors=register.sensors)
        return reidentify.unicity(points, known=known, people=None)["estimate"][0]
    assert share("sensor", "1h", 3) > share("sensor", "5min", 2) - 0.1
    assert share("1km", "4h", 4) > share("sensor", "1h", 3) - 0.1


def test_05_more_days_mean_more_people_with_four_points_and_rarer_points(faces):
    day = (faces["time"] - faces["time"].min()).dt.days
    kept = pd.concat([reidentify.unicity(reidentify.make_points(faces[day < days]), known=4, people=None)
                      for days in (1, 90)])
    assert kept["eligible"].is_monotonic_increasing
    assert kept["estimate"].is_monotonic_increasing


def test_07_the_rule_names_mostly_others_the_test_only_circles_and_a_month_is_too_little(community):
    given = knobs("07_near_or_by_chance.ipynb")
    faces = community.sightings.query("source == 'face' and not duplicate")
    found = movement.find_copresence(faces, given["WINDOW"], fdr=given["ACCEPTED"], tz=community.tz)
    relation = movement.relate_pairs(found, community.truth()["people"])
    ruled = relation[found["n_days"] >= given["RULE"]]
    assert 0.85 < (~ruled.isin(["household", "circle"])).mean() < 0.95
    assert ruled.isin(["neighbour", "stranger"]).sum() == (~ruled.isin(["household", "circle"])).sum()
    assert set(relation[found["more_than_chance"]]) == {"circle"} and found["more_than_chance"].sum() >= 3
    month = faces[faces["time"] < faces["time"].min() + pd.Timedelta(days=30)]
    assert not movement.find_copresence(month, given["WINDOW"], fdr=given["ACCEPTED"], tz=community.tz)[
        "more_than_chance"].any()
    crowded = movement.account_for_crowds(faces, given["WINDOW"], crowd=10).set_index("what")
    assert crowded.loc["pairs in a bin", "left_out"] < 0.01 * crowded.loc["pairs in a bin", "all"]


def test_05_the_table_passes_and_passages_leave_people_alone(register):
    points = reidentify.make_points(register.sightings)
    lesson = reidentify.passes_yet_singled_out(register.subjects.query("kind == 'person'"), points)
    assert lesson["passes"].tolist() == [True, False, False, False, False]
    assert lesson["estimate"].iloc[0] == 0 and lesson["estimate"].iloc[3] > 0.9


def test_05_a_larger_crowd_dilutes_two_points_and_hardly_four_and_nothing_follows_for_millions(register):
    curve = reidentify.subsample_curve(reidentify.make_points(register.sightings), known=(2, 4))
    two, four = (curve.query("known == @known")["estimate"] for known in (2, 4))
    assert two.is_monotonic_decreasing and two.iloc[0] - two.iloc[-1] > 0.15
    assert abs(four.iloc[0] - four.iloc[-1]) < 0.03
    assert curve["size"].max() / curve["size"].min() == pytest.approx(8, rel=0.01)
    assert reidentify.convexity_bound(curve, 2_565_724)["bound"].max() < 0.01


def test_05_hours_beat_places_two_places_single_out_a_third_and_coarse_bins_help(register):
    seen = register.sightings.query("not duplicate").dropna(subset="subject_id")

    def alone(attack, place="sensor", time="1h"):
        risks = reidentify.risk(seen, attack, place=place, time=time, sensors=register.sensors)
        assert risks["exact"].all()
        return (risks["matches"] == 1).mean()

    timeless = [alone(a) for a in ("location", "unique_location", "frequency", "proportion", "home_work")]
    assert 0.28 < timeless[0] < 0.38
    assert alone("location_time") > max(timeless) + 0.1
    assert alone("location_time", "4000m", "4h") < 0.1


def test_07_the_rare_record_is_the_likeliest_mistake_and_hardly_a_track_is_clean(community):
    faces = community.sightings.query("source == 'face' and not duplicate")
    wrong = community.truth()["sightings"].query("why == 'false_match'")["sighting_id"]
    right = reidentify.precision_by_rarity(faces, wrong)["estimate"]
    assert right.is_monotonic_increasing and right.iloc[0] < 0.25 and right.iloc[-1] > 0.99
    assert reidentify.tracks_without_false(faces, wrong)["estimate"].max() < 0.1
    named = faces.dropna(subset="subject_id")
    often = named.groupby(["subject_id", "sensor_id"], observed=True)["sighting_id"].transform("size") >= 5
    false = named["sighting_id"].isin(wrong)
    assert false[often].mean() < false.mean() / 4
    assert 1 - often[~false].mean() < 0.03


def test_07_one_label_is_named_wrongly_several_times_as_often_and_rules_add_up(community):
    audit = reidentify.audit_labels(community)
    by_label = audit[audit["against"].isna()].set_index(["error", "label"])["estimate"]
    assert by_label["false_match", "amber"] > 2.5 * by_label["false_match", "teal"]
    assert by_label["unmatched", "amber"] > by_label["unmatched", "teal"]
    faces = community.sightings.query("source == 'face' and not duplicate")
    counted = reidentify.count_flags(reidentify.flag_rules(faces, community.tz)).set_index("rule")["estimate"]
    assert counted.drop(["any", "any, if independent"]).max() <= 0.02 and (counted == 0).any()
    assert 0.2 < counted["any"] < 0.3
    given = knobs("07_near_or_by_chance.ipynb")
    rare = reidentify.base_rates(given["GALLERY"], [1e-3, 1e-4], sensitivity=0.8, false_flag_rate=counted["any"])
    assert rare["precision"].max() < 0.01


def test_07_the_reported_register_would_misplace_thousands_a_day():
    given = knobs("07_near_or_by_chance.ipynb")
    city = reidentify.false_matches(given["GALLERY"], given["FALSE_MATCH_RATE"], 0.9, [0.05, 0.3], given["PASSAGES"])
    assert city["precision"].min() > 0.97 and city["false_per_day"].min() > 5_000


@pytest.fixture(scope="module")
def fusion():
    return kit.open_exposure("fusion")


@pytest.fixture(scope="module")
def lists(fusion):
    """The three lists of notebook 06, by what carries their pseudonym."""
    seen = fusion.sightings.query("not duplicate").dropna(subset="subject_id")
    return {name: seen[seen["source"] == source] for name, source in {"phone": "phone", "car": "plate",
                                                                      "card": "checkpoint"}.items()}


def carried(fusion, lists, left, right):
    people = fusion.truth()["people"].rename(columns={"device_id": "phone", "vehicle_id": "car", "subject_id": "card"})
    pairs = people[[left, right]].dropna().astype("str").set_axis(["left_id", "right_id"], axis=1)
    return pairs[pairs["left_id"].isin(lists[left]["subject_id"]) & pairs["right_id"].isin(lists[right]["subject_id"])]


@pytest.fixture(scope="module")
def joined(fusion, lists):
    within = knobs("06_three_become_one.ipynb")["WITHIN"]
    return {pair: reidentify.link(*(lists[name] for name in pair), within=within[pair], sensors=fusion.sensors,
                                  one_to_one=True) for pair in within}


def joined_right(fusion, lists, links, left, right):
    return reidentify.score_links(links, carried(fusion, lists, left, right))


def test_06_cars_and_cards_meet_sharply_phones_less_and_four_in_ten_of_their_last_cards_are_strangers(fusion, lists,
                                                                                                      joined):
    quality = {pair: joined_right(fusion, lists, links, *pair) for pair, links in joined.items()}
    sure = {pair: found["recall at precision 0.95"] for pair, found in quality.items()}
    assert sure["car", "card"] > 0.75 > 0.65 > sure["phone", "car"] > 0.45 > 0.35 > sure["phone", "card"] > 0.15
    assert 0.58 < quality["phone", "card"].curve["precision"].iloc[-1] < 0.65
    assert all(found.curve["precision"].iloc[-1] > 0.58 for found in quality.values())


def test_06_in_shuffled_days_nobody_is_found(fusion, lists):
    nobody = reidentify.null_clone(lists["car"], tz=fusion.tz)
    with pytest.warns(UserWarning, match="hardly better than in shuffled records"):
        links = reidentify.link(lists["phone"], nobody, within="30min", sensors=fusion.sensors, one_to_one=True)
    assert joined_right(fusion, lists, links, "phone", "car")["recall at 1"] < 0.03


def test_06_where_the_circle_closes_chains_are_right_and_where_not_one_in_four(fusion, joined):
    given = knobs("06_three_become_one.ipynb")
    of = {pair: links.set_index("left_id")["right_id"] for pair, links in joined.items()}
    chains = pd.DataFrame({"car": of["phone", "car"], "other": of["phone", "card"]}).dropna()
    chains["card"] = chains["car"].map(of["car", "card"])
    people = fusion.truth()["people"].dropna(subset=["device_id", "vehicle_id"]).astype("str").set_index("device_id")
    own = people.reindex(chains.index)
    right = (own["vehicle_id"] == chains["car"]) & (own["subject_id"] == chains["card"])
    agree = chains["card"] == chains["other"]
    assert right[agree].mean() > 0.9
    assert 0.15 < right[~agree].mean() < 0.35
    assert (agree & right)[given["PERSON"]]


def test_06_the_persons_day_is_a_saturday_with_one_home_in_three_lists(fusion, lists, joined):
    given = knobs("06_three_become_one.ipynb")
    assert pd.Timestamp(given["DAY"]).day_name() == "Saturday"
    ids = {"phone": given["PERSON"]} | {name: joined["phone", name].set_index("left_id")["right_id"][given["PERSON"]]
                                        for name in ("car", "card")}
    zone = fusion.sensors.set_index("sensor_id")["zone_id"].astype(str)

    def districts(name):
        mine = lists[name][lists[name]["subject_id"] == ids[name]].sort_values("time")
        local = mine["time"].dt.tz_convert(fusion.tz)
        return mine["sensor_id"].astype(str).map(zone)[local.dt.strftime("%Y-%m-%d") == given["DAY"]].tolist()

    assert len(set(districts("card"))) == 3
    assert districts("phone")[0] == districts("phone")[-1]
    assert districts("phone")[0] not in districts("card") + districts("car")


def test_06_meters_name_no_district_and_by_rhythm_far_more_than_chance_yet_few(fusion, lists):
    assert fusion.readings["zone_id"].isna().all()
    presence = reidentify.hours_at_home(lists["phone"], fusion.tz)
    homes = fusion.truth()["people"][["device_id", "household_id"]].dropna().astype("str")
    homes = homes.set_axis(["left_id", "right_id"], axis=1)
    found = reidentify.score_links(reidentify.link_households(fusion.readings, presence), homes).summary
    found, chance = found.set_index("measure"), 1 / fusion.readings["household_id"].nunique()
    assert found.loc["recall at 1", "low"] > 5 * chance
    assert found.loc["recall at 1", "high"] < 0.2
    assert found.loc["recall at 10", "high"] < 0.4


def test_06_a_changing_address_hides_from_radio_alone_and_not_beside_a_camera(community):
    given = knobs("06_three_become_one.ipynb")
    log = community.sightings.query("not duplicate").dropna(subset="subject_id")
    log = log[log["time"] < log["time"].min() + pd.Timedelta(days=7)]
    owner = community.truth()["devices"].merge(community.truth()["people"][["person_no", "subject_id"]],
                                               on="person_no").query("rotates")
    owner = owner.astype({"device_id": "str", "subject_id": "str"})
    date = log["time"].dt.tz_convert(community.tz).dt.strftime("%Y-%m-%d")
    before, after = (log[(log["source"] == "wifi") & (date == day)] for day in given["RADIO_DAYS"])
    before = before[before["subject_id"].isin(owner["device_id"])]
    pairs = owner[owner["device_id"].isin(before["subject_id"])].merge(
        owner[owner["device_id"].isin(after["subject_id"])], on="device_no")
    assert not (pairs["device_id_x"] == pairs["device_id_y"]).any()
    pairs = pairs[["device_id_x", "device_id_y"]].set_axis(["left_id", "right_id"], axis=1)
    after = after[after["subject_id"].isin(owner["device_id"])]
    alone = reidentify.link(before, after, place="sensor", one_to_one=True)
    assert reidentify.score_links(alone, pairs)["recall at 1"] < 0.2
    often = log[log.groupby("subject_id", observed=True)["time"].transform("size") >= given["FEWEST"]]
    radio, faces = often[often["source"] == "wifi"], often[often["source"] == "face"]
    pairs = owner[["device_id", "subject_id"]].set_axis(["left_id", "right_id"], axis=1)
    pairs = pairs[pairs["left_id"].isin(radio["subject_id"]) & pairs["right_id"].isin(faces["subject_id"])]
    found = reidentify.link(radio, faces, within=given["NEAR"], sensors=community.sensors)
    assert reidentify.score_links(found, pairs)["recall at 1"] > 0.95


def test_06_one_day_without_a_key_names_fewer_than_half_and_hardly_any_surely(community, register):
    given = knobs("06_three_become_one.ipynb")
    span = register.sightings["time"].min(), register.sightings["time"].max()

    def often(records):
        records = records[records["time"].between(*span) & ~records["duplicate"] & records["subject_id"].notna()]
        return records[records.groupby("subject_id", observed=True)["time"].transform("size") >= given["FEWEST"]]

    estates, town = often(community.sightings.query("source == 'face'")), often(register.sightings)
    pairs = community.truth()["people"][["subject_id", "register_id"]].dropna().astype("str")
    pairs = pairs.set_axis(["left_id", "right_id"], axis=1)
    pairs = pairs[pairs["left_id"].isin(estates["subject_id"]) & pairs["right_id"].isin(town["subject_id"])]
    found = reidentify.score_links(reidentify.link(estates, town, within=given["NEAR"], sensors=pd.concat(
        [community.sensors, register.sensors])), pairs)
    assert len(pairs) < 0.15 * len(community.truth()["people"])
    assert 0.3 < found["recall at 1"] < 0.5 < found["recall at 10"] < 0.8
    assert found["recall at precision 0.95"] < 0.05


def test_06_each_cut_in_days_cuts_the_links_and_full_hours_spoil_their_certainty(fusion, lists, joined):
    start = lists["phone"]["time"].min().tz_convert(fusion.tz).normalize()
    as_it_was = joined_right(fusion, lists, joined["phone", "car"], "phone", "car")
    shares = [as_it_was["recall at 1"]]
    for days in knobs("06_three_become_one.ipynb")["DAYS_KEPT"]:
        part = [lists[name][lists[name]["time"] < start + pd.Timedelta(days=days)] for name in ("phone", "car")]
        links = reidentify.link(*part, within="30min", sensors=fusion.sensors, one_to_one=True)
        shares.append(joined_right(fusion, lists, links, "phone", "car")["recall at 1"])
    assert shares == sorted(shares, reverse=True)
    assert shares[-1] < 0.25
    hours = lists["car"].assign(time=lists["car"]["time"].dt.floor("h"))
    cut = joined_right(fusion, lists, reidentify.link(lists["phone"], hours, within="45min", clock_offset="-30min",
                                                      sensors=fusion.sensors, one_to_one=True), "phone", "car")
    assert cut["recall at 1"] > shares[2]
    assert cut["recall at precision 0.95"] < 0.3 * as_it_was["recall at precision 0.95"]


def test_06_a_third_of_the_residents_is_found_again_under_next_weeks_name(community, faces):
    faces = faces[~faces["duplicate"] & faces["subject_id"].notna()]
    faces = faces[faces["time"] < faces["time"].min() + pd.Timedelta(days=14)]
    rotated, names = rotate_pseudonyms(faces, days=7, tz=community.tz)
    weeks = names.pivot(index="subject_id", columns="period", values=["pseudonym", "n_records"])
    weeks = weeks[(weeks["n_records"][[0, 1]] >= 20).all(axis=1)]
    weeks = weeks[weeks.index.astype("str").isin(community.truth()["places"]["subject_id"].astype("str"))]
    truly = weeks["pseudonym"][[0, 1]].set_axis(["left_id", "right_id"], axis=1)
    links = reidentify.link(rotated[rotated["subject_id"].isin(truly["left_id"])],
                            rotated[rotated["subject_id"].str.startswith("r_1_")], place="sensor", one_to_one=True)
    assert 0.25 < reidentify.score_links(links, truly)["recall at 1"] < 0.42


def test_06_a_tolerance_too_wide_spoils_certainty_too_narrow_misses_phones_and_none_finds_nobody(fusion, lists, joined):
    def at(within, left, right):
        links = reidentify.link(lists[left], lists[right], within=within, sensors=fusion.sensors, one_to_one=True)
        return joined_right(fusion, lists, links, left, right)

    sharp, wide = joined_right(fusion, lists, joined["car", "card"], "car", "card"), at("2h", "car", "card")
    assert 0.4 < wide["recall at 1"] < sharp["recall at 1"]
    assert wide["recall at precision 0.95"] < sharp["recall at precision 0.95"] - 0.1
    usual, narrow = joined_right(fusion, lists, joined["phone", "car"], "phone", "car"), at("2min", "phone", "car")
    assert 0.3 < narrow["recall at 1"] < usual["recall at 1"] - 0.2
    assert narrow["recall at precision 0.95"] < usual["recall at precision 0.95"] - 0.3


@pytest.fixture(scope="module")
def only_counts():
    """The names of notebook 08 after its cells, those that draw left out."""
    code = [c.source for c in nbformat.read(NOTEBOOKS / "08_only_counts.ipynb", as_version=4).cells
            if c.cell_type == "code" and "show.chart_" not in c.source]
    names = {}
    for source in code:
        exec(source, names)
    return names


def test_08_a_good_part_of_the_cells_holds_a_handful(only_counts):
    assert 0.25 < (only_counts["counts"]["n"] < 10).mean() < 0.5
    assert max(only_counts["GROUPS"]) <= only_counts["noon"]["subject_id"].nunique() / 4


def test_08_recovery_is_level_with_staying_put_in_all_steps_and_ahead_when_people_are_away(only_counts):
    scores = only_counts["scores"].set_index(["method", "steps"])
    for span in ("one day", "fortnight"):
        found, put, chance = (scores.loc[f"{how}, {span}"] for how in ("recovered", "stay_put", "random"))
        assert abs(found.loc["all", "estimate"] - put.loc["all", "estimate"]) < 0.05
        assert found.loc["away", "low"] > max(put.loc["away", "high"], chance.loc["away", "high"])
        assert 0.4 < found.loc["away", "estimate"] < 0.6
    assert scores.loc[("recovered, fortnight", "all"), "estimate"] < scores.loc[("stay_put, fortnight", "all"),
                                                                               "estimate"]


def test_08_small_groups_tell_their_members_large_ones_less_and_a_stranger_nothing(only_counts):
    area = only_counts["member"].set_index(["attack", "group"])
    groups = only_counts["GROUPS"]
    for attack in ("learned", "auxiliary", "no_auxiliary"):
        assert area.loc[attack]["estimate"].is_monotonic_decreasing
    assert all(area.loc[("no_auxiliary", g), "estimate"] > area.loc[("learned", g), "estimate"] for g in groups[:2])
    assert (area.loc["learned", "low"] > area.loc["auxiliary", "estimate"]).all()
    assert area.loc[("learned", groups[-1]), "low"] > area.loc[("no_auxiliary", groups[-1]), "high"]
    assert area.loc["null"]["estimate"].between(0.44, 0.56).all()


def test_08_withholding_takes_nearly_all_from_the_small_group_and_a_part_from_the_large_one(only_counts):
    better, (small, large) = only_counts["better"], only_counts["COMPARED"]
    area = {size: better.loc[[f"{size} people, {name}" for name in only_counts["RELEASES"]]] for size in (small, large)}
    assert area[small]["estimate"].iloc[0] > 0.85 and area[small]["estimate"].iloc[1] < 0.6
    assert area[small]["high"].iloc[2] < area[small]["low"].iloc[0]
    assert area[large]["high"].iloc[1] < area[large]["low"].iloc[0]
    assert area[large]["low"].min() > 0.55
    assert all(of["estimate"].iloc[2] > of["estimate"].iloc[1] for of in area.values())


def test_08_withholding_leaves_the_subtraction_and_rounding_no_count_of_one_but_some_difference(only_counts):
    told = only_counts["remedied"]
    assert (told.loc["as counted"] == 1).all()
    assert 0.85 < told.loc["below ten withheld", "counted by themselves"] < 1
    assert told.loc["rounded to tens", "counted by themselves"] == 0
    assert 0 < told.loc["rounded to tens", "two tables differ at all"] < 0.5


def test_08_counting_less_often_leaves_the_share_and_takes_what_lies_above_chance(only_counts):
    share = only_counts["coarser"].pivot(index="counted every", columns="method", values="estimate")
    share = share.loc[only_counts["COARSER"]]
    above = share["recover"] - share["shuffle"]
    assert share["recover"].max() - share["recover"].min() < 0.1
    assert above.is_monotonic_decreasing and 0 < above.iloc[-1] < above.iloc[0] / 2


def test_08_one_day_weakens_the_release_alone_and_leaves_those_with_data_on_others_far_above_a_coin(only_counts):
    (small, _), member = only_counts["COMPARED"], only_counts["member"].set_index(["attack", "group"])["estimate"]
    day = only_counts["day_member"].set_index(["attack", "group"])["estimate"]
    assert member["no_auxiliary", small] - day["no_auxiliary", small] > 0.1
    assert member["learned", small] > day["learned", small] > 0.65
