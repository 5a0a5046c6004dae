"""People are a function of (seed, person number), and make households, schedules and distances of a city."""

import numpy as np
import pytest
from scipy import stats

from kit.city import people as folk
from kit.errors import InputError

N = 20_000


@pytest.fixture(scope="module")
def crowd(town, seed):
    return folk.people_of(town, np.arange(N), seed)


def test_a_person_is_the_same_in_samples_of_any_size(plan, crowd, seed):
    for n in (1, 49, 50, 51, 777):
        assert np.array_equal(folk.make_people(plan, n, seed), crowd[:n])


def test_a_person_is_the_same_alone_and_in_any_order(town, crowd, seed):
    numbers = np.array([19_999, 3, 512, 50, 49])
    assert np.array_equal(folk.people_of(town, numbers, seed), crowd[numbers])


def test_another_seed_is_another_population(town, crowd, seed):
    other = folk.people_of(town, np.arange(N), seed + 1)
    assert (other["home"] == crowd["home"]).mean() < 0.02
    assert (other["age"] == crowd["age"]).mean() < 0.05


def test_the_estates_hold_the_first_500_and_nobody_else(town, crowd):
    entrance = town.place_entrance[crowd["home"]]
    assert (entrance[:500] >= 0).all()
    assert set(entrance[:500]) == set(range(14))
    assert (entrance[500:] == -1).all()


def test_households_share_a_home_and_have_at_most_five_members(crowd):
    order = np.unique(crowd["household_no"], return_index=True, return_counts=True)
    _, first, members = order
    assert members.max() <= 5
    assert np.array_equal(members, crowd["household_size"][first])
    for name in ("home", "household_size"):
        assert np.array_equal(crowd[name], np.repeat(crowd[name][first], members))


def test_schedules_fit_ages(crowd):
    age, schedule = crowd["age"].astype(int), crowd["schedule"]
    assert (age[schedule == folk.PUPIL] < 18).all()
    assert (schedule[age < 18] == folk.PUPIL).all()
    assert (age[schedule == folk.RETIRED] >= 65).all()
    assert (age[schedule == folk.STUDENT] <= 23).all()
    assert age.min() >= 6
    assert (~crowd["has_vehicle"][age < 18]).all()
    assert set(schedule) == set(range(7))


def test_birthdays_fit_ages(crowd):
    years = (folk.FIRST_DAY_OF_YEAR - crowd["birth_day"]) / 365.25
    assert (np.floor(years + 0.003) >= crowd["age"]).all()
    assert (years <= crowd["age"] + 1.003).all()


def test_who_works_has_an_anchor_and_who_does_not_has_none(plan, crowd):
    works = np.isin(crowd["schedule"], (folk.DAY_WORKER, folk.LATE_WORKER, folk.NIGHT_WORKER))
    learns = np.isin(crowd["schedule"], (folk.PUPIL, folk.STUDENT))
    assert (crowd["anchor"][~works & ~learns] == -1).all()
    kind = plan.places["place_class"].astype(str).to_numpy()
    assert (kind[crowd["anchor"][works]] != "residential").all()
    assert (kind[crowd["anchor"][learns]] == "school").all()


def test_work_is_nearer_than_chance_would_have_it(town, crowd):
    works = crowd[crowd["schedule"] == folk.DAY_WORKER]
    far_m = np.hypot(town.place_x[works["home"]] - town.place_x[works["anchor"]],
                     town.place_y[works["home"]] - town.place_y[works["anchor"]])
    mixed = np.roll(works["anchor"], 1)
    mixed_m = np.hypot(town.place_x[works["home"]] - town.place_x[mixed],
                       town.place_y[works["home"]] - town.place_y[mixed])
    assert np.median(far_m) < 0.8 * np.median(mixed_m)


@pytest.mark.parametrize("trait", ["schedule", "household_size", "has_vehicle", "n_devices", "rotates"])
def test_the_label_goes_with_nothing_that_has_kinds(crowd, trait):
    table = np.array([[np.sum((crowd["system_label"] == label) & (crowd[trait] == value))
                       for value in np.unique(crowd[trait])] for label in (0, 1)])
    assert stats.chi2_contingency(table).pvalue > 0.001


@pytest.mark.parametrize("trait", ["age", "home", "anchor", "outgoing", "walk_ms", "person_no"])
def test_the_label_goes_with_nothing_that_is_measured(crowd, trait):
    amber = crowd["system_label"] == 1
    assert stats.ks_2samp(crowd[trait][amber], crowd[trait][~amber]).pvalue > 0.001


def test_three_in_ten_are_amber(crowd):
    assert stats.binomtest(int(crowd["system_label"].sum()), N, 0.30).pvalue > 0.001


def test_four_in_ten_devices_rotate(crowd):
    assert stats.binomtest(int(crowd["rotates"].sum()), N, 0.40).pvalue > 0.001


def test_visitors_have_a_host_in_the_estates(town, crowd):
    visitors = crowd[folk.visitor_numbers()]
    assert (visitors["host"] >= 0).all()
    assert (town.place_entrance[visitors["host"]] >= 0).all()
    assert (visitors["host_rate"] > 0).all()
    others = np.setdiff1d(np.arange(500, N), folk.visitor_numbers())
    assert (crowd["host"][others] == -1).all()


@pytest.mark.parametrize("n", [0, -5, 2.5, "many", None])
def test_a_bad_number_of_people_is_one_clear_sentence(plan, n):
    with pytest.raises(InputError, match="number of people"):
        folk.make_people(plan, n, 1)


@pytest.mark.parametrize("bad", [-1, 1.5, "one", None, True, 2**63])
def test_a_bad_seed_is_one_clear_sentence(plan, bad):
    with pytest.raises(InputError, match="seed"):
        folk.make_people(plan, 10, bad)
