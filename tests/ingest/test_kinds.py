"""Each recogniser by hand: what is found, at which grade, and what only looks like it.

Valid identifiers are computed here and nowhere written; those in the texts below are invalid by construction.
"""

import base64
import json

import numpy as np
import phonenumbers
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from stdnum import luhn
from stdnum.cn import ric
from stdnum.exceptions import ValidationError

from kit.ingest import kinds
from kit.ingest.kinds import KINDS, find, is_template


def resident(body="110101" + "19900307" + "123"):
    return body + ric.calc_check_digit(body + "0")


def with_luhn(body):
    return body + luhn.calc_check_digit(body)


def mobile():
    return str(phonenumbers.example_number_for_type("CN", phonenumbers.PhoneNumberType.MOBILE).national_number)


def mail(domain="firma.de"):
    return "some.one" + "@" + domain


def of_a_maker(mark=":"):
    return mark.join(["00", "1B", "44", "11", "3A", "B7"])


def travel_line():
    """The second line of a passport, its check digits by ICAO 9303: weights 7, 3, 1, letters from A = 10, < = 0."""
    def check(part):
        return str(sum((0 if c == "<" else int(c, 36)) * (7, 3, 1)[i % 3] for i, c in enumerate(part)) % 10)

    number, born, until, own = "L898902C3", "740812", "120415", "ZE184226B<<<<<"
    line = number + check(number) + "UTO" + born + check(born) + "F" + until + check(until) + own + check(own)
    return line + check(line[:10] + line[13:20] + line[21:43])


@pytest.mark.parametrize(("make", "kind"), [
    (resident, "resident_id"),
    (lambda: resident().lower() + "。", "resident_id"),
    (lambda: with_luhn("35" + "686800" + "004141"), "imei"),
    (lambda: with_luhn("622202" + "123456789"), "bank_card"),
    (lambda: " ".join([with_luhn("400000" + "123456789")[i : i + 4] for i in (0, 4, 8, 12)]), "bank_card"),
    (lambda: "460" + "00" + "1234567890", "imsi"),
    (of_a_maker, "mac"),
    (lambda: "001b.4411." + "3ab7", "mac"),
    (mail, "email"),
    (mobile, "phone"),
    (lambda: "+86 " + mobile(), "phone"),
    (lambda: "010-6234" + "5678", "phone"),
    (lambda: "+44 20 7946 " + "0958", "phone"),
    (lambda: "93.184." + "216.34", "ip"),
    (lambda: "2001:4860:4860::" + "8888", "ip"),
    (travel_line, "passport"),
])
@pytest.mark.parametrize("around", ["{}", "seen {} at noon", "登记：{}，已核实", "号码{}", '{{"x":"{}"}}'])
def test_what_the_real_rule_passes_is_valid_alone_and_in_a_sentence(make, kind, around):
    assert find(around.format(make())) == {kind: "valid"}


@pytest.mark.parametrize(("text", "kind"), [
    ("110101199003070000", "resident_id"),  # a date and a region, a wrong check digit
    ("02-AA-BB-CC-DD-01", "mac"),  # locally administered
    ("someone@nowhere.example", "email"),
    ("passport no. 123456780", "passport"),
    ("E00000000", "passport"),
    ("P<UTONOBODY<<NEMO<<<<<<<<<<<<<<<<<<<<<<<<<<<", "passport"),
    ("card 4000 0000 0000 0000", "bank_card"),
    ("+999 " + "123 4567", "phone"),
    ("8.8.4.4", "ip"),  # as likely a version
    ("京A·12345", "plate"),
    ("粤BD12345", "plate"),
    ("AB-123-CD", "plate"),
    ("http://cam.invalid/faces/17.jpg?t=1", "image_url"),
    ("/data/faces/17.jpeg", "image_url"),
    ("12 Null Street, Block 7", "address"),
    ("北京市朝阳区无名路12号", "address"),
    ("Leerestraße 12", "address"),
    ("12 rue de la Mer", "address"),
    ("Calle Nadie 4", "address"),
    ("王伟", "name"),
    ("欧阳明华", "name"),
    ("阿卜杜拉·买买提", "name"),
    ("户主：张丽，已登记", "name"),
    ("Maria Nobody", "name"),
    ("NOBODY, Maria", "name"),
    ("Wang Xiaoming", "name"),
    ("p_n5gyobevuqu7", "pseudonym"),
])
def test_what_has_the_form_alone_is_no_more_than_that(text, kind):
    assert find(text) == {kind: "behaves" if kind == "pseudonym" else "shape"}


@pytest.mark.parametrize("text", [
    "", " ", "REMOVED", "1931067669", "1931067669120", "1931067669120000", "2031-03-12 07:41:09", "20310312074109",
    "2031/03/12", "-48.880000, -123.390000", "0.87123456789012345", "1,234,567.50", "000000012345", "CAM-A-07",
    "Hotel gate N2", "ZZ-0123~", "SYN000000000000123X", "SYN-IMEI-000000000000011", "12:30:45", "192.168.0.17",
    "version 4.3.2.100", "Chrome/99.0.150.12", ":".join(["00"] * 6), "550e8400-e29b-41d4-a716-446655440000",
    "高度", "白色", "今天天气很好", "Victoria Station", "12 of 30 streets", "x@y", "Room 12-304",
    "1234 5678 9012 3456 7890",
])
def test_what_only_looks_like_one_is_let_be(text):
    assert find(text) == {}


@pytest.mark.parametrize(("text", "place", "kind"), [
    ("02aabbccdd01", "device.bssid", "mac"),
    ("123456780", "passport_no", "passport"),
    ("Thandeka Nobody", "fullName", "name"),
    ("砚砚", "姓名", "name"),
    ("5550100", "tel", "phone"),
    ("NMO 123", "licence_plate", "plate"),
])
def test_a_column_that_says_what_it_holds_is_believed_on_less(text, place, kind):
    assert find(text) == {}
    assert find(text, place) == {kind: "shape"}


def test_one_number_is_one_kind_and_the_surer_rule_wins():
    both = with_luhn("35" + "686800" + "004141")
    assert find(both) == {"imei": "valid"}
    assert find(f"{resident()} {mobile()}") == {"resident_id": "valid", "phone": "valid"}


def test_digits_of_other_scripts_and_marks_that_print_nothing_hide_nothing():
    wide = "".join(chr(ord(c) + 0xFEE0) for c in mobile())
    parted = "\u200b".join(mobile())
    arabic = "".join(chr(0x660 + int(c)) for c in mobile())
    for text in (wide, parted, arabic):
        assert find(text) == {"phone": "valid"}


def test_a_region_says_how_its_people_write_telephone_numbers():
    written = "(212) " + "555-0123"
    assert find(written, region="US") == {"phone": "valid"}
    assert find("020 7946 " + "0958", region="GB") == {"phone": "valid"}


def test_templates_of_faces_in_every_dress():
    vector = np.random.default_rng(1).normal(size=128)
    for text in (json.dumps(vector.tolist()), " ".join(f"{v:.4f}" for v in vector),
                 base64.b64encode(vector.astype("<f4").tobytes()).decode(), vector.astype("<f8").tobytes().hex()):
        assert find(text) == {"face_template": "shape"}


def test_rows_of_measurements_are_no_templates():
    half_hours = [0.12 + 0.01 * i for i in range(96)]
    assert not is_template(half_hours)
    assert not is_template([0.125] * 128)
    assert not is_template([0.1, -0.1] * 31)
    assert find(json.dumps(half_hours)) == {}


def test_a_picture_and_a_text_in_base64():
    assert find(base64.b64encode(b"\xff\xd8\xff\xe0" + bytes(300)).decode()) == {"image_data": "shape"}
    assert find(base64.b64encode(b"nothing to see here " * 12).decode()) == {}


@given(st.from_regex(r"[1-9]\d{5}(19|20)\d\d(0[1-9]|1[0-2])[0-3]\d\d{3}", fullmatch=True, alphabet="0123456789"))
@example("110101" + "20000229" + "123")
@example("110101" + "19000229" + "123")
@example("110000" + "19900101" + "123")
def test_resident_numbers_are_valid_exactly_where_python_stdnum_says_so(body):
    number = resident(body)
    try:
        theirs = ric.is_valid(number)
    except (KeyError, ValidationError):  # the code of a province alone
        theirs = False
    assert (find(number).get("resident_id") == "valid") == theirs


@given(st.from_regex(r"1\d{10}", fullmatch=True, alphabet="0123456789"))
def test_chinese_mobiles_are_valid_exactly_where_phonenumbers_says_so(number):
    try:
        parsed = phonenumbers.parse(number, "CN")
        theirs = phonenumbers.number_type(parsed) == phonenumbers.PhoneNumberType.MOBILE
    except phonenumbers.NumberParseException:
        theirs = False
    assert (find(number).get("phone") == "valid") == theirs


@given(st.text(max_size=300), st.sampled_from(["", "name", "phone", "plate"]))
def test_any_text_is_read_without_a_murmur(text, place):
    found = find(text, place)
    assert set(found) <= {kind.name for kind in KINDS}
    assert set(found.values()) <= set(kinds.GRADES)


@pytest.mark.parametrize("text", ["a" * 200_000, "1 " * 100_000, "[0.1, " * 30_000, "王" * 100_000, "A1-" * 60_000,
                                  "/" * 100_000, "a." * 100_000, "Ab " * 60_000, "12 Ab " * 30_000, "1:" * 100_000])
def test_a_long_row_of_anything_takes_no_for_an_answer(text):
    assert set(find(text)) <= {"name", "address", "face_template"}
