"""Nothing in the repository could be anybody's: no identifier that a real rule accepts, no face, no real place.

The rules are those of python-stdnum and phonenumbers. What would pass them is computed here in memory, to show that
the search finds it, and never written.
"""

import re
import subprocess
from pathlib import Path

import numpy as np
import phonenumbers
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from stdnum import imei, luhn
from stdnum.cn import ric

import kit
from kit import geo

ROOT = Path(__file__).resolve().parents[1]
SKIPPED = ("kit/show/assets/", "constraints.txt", "LICENSE")
DATA_TYPES = {".parquet", ".geojson", ".json", ".jsonl", ".ndjson", ".csv"}
# Groups of digits may be parted by one blank or hyphen, as people write them; a longer row of groups is a list.
NUMBERS = re.compile(r"(?<![\w.+-])(?<!\d )\+?\d[\d -]{8,22}[\dXx](?![\w.])(?! \d)")
JUNCTIONS = re.compile(r'"nodes": ?"[\d ]+"')  # lists of a street's junctions, by number
MAC = re.compile(r"(?<![\w:-])(?:[0-9A-Fa-f]{2}[:-]){5}[0-9A-Fa-f]{2}(?![\w:-])")
MAIL = re.compile(r"[\w.+-]+@([\w-]+\.)+\w{2,}")
HARMLESS_MAIL = ("users.noreply", ".example", "example.", "git@")


def findings(text):
    """Kinds of real-looking identifiers in a text."""
    found = set()
    for match in NUMBERS.finditer(text):
        digits = re.sub(r"[ -]", "", match.group())
        if ric.is_valid(digits):
            found.add("resident identity number")
        if len(digits) == 15 and imei.is_valid(digits):
            found.add("device number")
        if 16 <= len(digits) <= 19 and digits[0] in "3456" and luhn.is_valid(digits):
            found.add("bank card")
        if digits.startswith("+") and phonenumbers.is_valid_number(phonenumbers.parse(digits)):
            found.add("phone number")
        if re.fullmatch(r"1[3-9]\d{9}", digits) and phonenumbers.is_valid_number(phonenumbers.parse(digits, "CN")):
            found.add("phone number")
    if any(not int(m.group()[:2], 16) & 2 for m in MAC.finditer(text)):
        found.add("device address of a manufacturer")
    if any(not any(h in m.group() for h in HARMLESS_MAIL) for m in MAIL.finditer(text)):
        found.add("e-mail address")
    return found


def tracked():
    listed = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True)
    files = listed.stdout.splitlines() if listed.returncode == 0 else [
        p.relative_to(ROOT).as_posix() for p in ROOT.rglob("*") if p.is_file() and ".venv" not in p.parts]
    return [ROOT / f for f in files if not f.startswith(SKIPPED) and (ROOT / f).is_file()]


def texts(file):
    if file.suffix == ".parquet":
        table = pq.read_table(file)
        for column in table.columns:
            column = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
            column = column.dictionary if pa.types.is_dictionary(column.type) else column
            if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
                yield "\n".join(str(v) for v in column.to_pylist())
    elif file.suffix not in {".png", ".woff2"}:
        yield JUNCTIONS.sub("", file.read_text(encoding="utf-8"))


def test_no_tracked_file_holds_a_valid_identifier():
    guilty = {f.relative_to(ROOT).as_posix(): kinds for f in tracked() for t in texts(f) if (kinds := findings(t))}
    assert guilty == {}


def resident_number():
    body = "110101" + "19900307" + "123"
    return body + ric.calc_check_digit(body + "0")


@pytest.mark.parametrize(("make", "kind"), [
    (resident_number, "resident identity number"),
    (lambda: "49015420323751" + luhn.calc_check_digit("49015420323751"), "device number"),
    (lambda: "622202123456789" + luhn.calc_check_digit("622202123456789"), "bank card"),
    (lambda: "138" + "0013" + "8000", "phone number"),
    (lambda: "-".join(["00", "1B", "44", "11", "3A", "B7"]), "device address of a manufacturer"),
    (lambda: "somebody" + "@" + "mail.test", "e-mail address"),
])
def test_a_planted_one_would_be_found(make, kind):
    assert kind in findings(f'{{"x": "{make()}"}}')
    assert kind in findings(f"call {make()} now")


def test_every_position_lies_in_the_middle_of_the_ocean():
    layers = [kit.open_exposure(name).sensors for name in ("register", "community", "fusion")]
    for layer in [*layers, *kit.port_nemo().values()]:
        west, south, east, north = layer.total_bounds
        for lon, lat in ((west, south), (east, north)):
            assert geo.haversine_m(lon, lat, *geo.NEMO) < 20_000
    fixes = kit.open_exposure("fusion").fixes
    assert np.max(geo.haversine_m(fixes["lon"], fixes["lat"], *geo.NEMO)) < 20_000


def test_sample_data_holds_tables_and_text_only():
    files = [f for f in (ROOT / "sample_data").rglob("*") if f.is_file()]
    assert {f.suffix for f in files} <= DATA_TYPES
