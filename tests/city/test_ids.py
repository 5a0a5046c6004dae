"""No identifier of the city is one that the real rules accept."""

import re

import numpy as np
import phonenumbers
import pytest
from stdnum import imei, imsi, luhn
from stdnum.cn import ric
from stdnum.iso7064 import mod_11_2

from kit.city import ids

PEOPLE = np.arange(3_000, dtype=np.int64)


@pytest.fixture(scope="module")
def written():
    return {"id_no": ids.id_numbers(PEOPLE, 1), "person": ids.person_ids(PEOPLE, 1), "did": ids.device_ids(PEOPLE, 1),
            "household": ids.household_ids(PEOPLE, 1), "imei": ids.imei_numbers(PEOPLE, 1),
            "imsi": ids.imsi_numbers(PEOPLE, 1), "plate": ids.plates(PEOPLE),
            "mac": ids.mac_addresses(PEOPLE, np.zeros_like(PEOPLE), 1)}


@pytest.mark.parametrize("kind", ["id_no", "person", "did", "household", "imei", "imsi", "plate", "mac"])
def test_one_identifier_a_person(written, kind):
    assert len(set(written[kind])) == len(PEOPLE)


@pytest.mark.parametrize("kind", ["id_no", "person", "did", "household", "imei", "imsi", "plate"])
def test_no_rule_for_numbers_accepts_one(written, kind):
    for text in written[kind]:
        digits = re.sub(r"\D", "", text)
        for form in (text, digits, digits + "X"):
            assert not ric.is_valid(form)
            assert not imei.is_valid(form)
            assert not imsi.is_valid(form)


@pytest.mark.parametrize("kind", ["id_no", "imei", "imsi"])
def test_check_digits_are_wrong(written, kind):
    for text in written[kind]:
        digits = re.sub(r"\D", "", text)
        assert len(digits) == 15
        assert not luhn.is_valid(digits)
        assert not mod_11_2.is_valid(digits + "X")


@pytest.mark.parametrize("region", ["CN", "GB", None])
def test_none_reads_as_a_telephone_number(written, region):
    for kind in ("id_no", "person", "did", "household", "imei", "imsi"):
        for text in written[kind][:300]:
            assert not list(phonenumbers.PhoneNumberMatcher(text, region, leniency=phonenumbers.Leniency.VALID))


def test_radio_addresses_are_locally_administered_and_no_group_address(written):
    for address in written["mac"]:
        assert re.fullmatch(r"02(-[0-9A-F]{2}){5}", address)
        assert int(address[:2], 16) & 0b11 == 0b10


def test_plates_end_in_a_glyph_that_no_plate_has(written):
    assert all(re.fullmatch(r"ZZ-\d{4}~", plate) for plate in written["plate"])


def test_numbers_show_no_order():
    scrambled = ids.scramble(np.arange(20_000), 1, "register")
    assert np.unique(scrambled).size == 20_000
    assert scrambled.min() >= 0
    assert scrambled.max() < 10_000_000
    assert abs(np.corrcoef(np.arange(20_000), scrambled)[0, 1]) < 0.03


def test_kinds_and_seeds_scramble_differently():
    numbers = np.arange(1_000)
    made = [ids.scramble(numbers, seed, kind) for seed in (1, 2) for kind in ("register", "person", "device")]
    for i, one in enumerate(made):
        for other in made[i + 1:]:
            assert (one == other).mean() < 0.01


def test_strings_made_at_once_are_those_made_one_by_one():
    numbers = ids.scramble(PEOPLE, 1, "register")
    assert ids.register_strings(numbers).tolist() == ids.id_numbers(PEOPLE, 1).tolist()


def test_a_rotating_device_shows_another_address_each_day():
    device = np.array([12, 12, 12])
    assert len(set(ids.mac_addresses(device, np.array([100, 101, 102]), 1))) == 3
    assert len(set(ids.mac_addresses(device, np.array([0, 0, 0]), 1))) == 1
