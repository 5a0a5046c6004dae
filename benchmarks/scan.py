"""How well `kit scan` tells identifiers from everything else: measures it and writes docs/identifiers.md.

    python benchmarks/scan.py [--check] [--seed 0]

The labelled cells are made in memory and never written: many of them are valid identifiers of nobody in particular.
"""

import argparse
import base64
import json
import time
import uuid
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import phonenumbers
from phonenumbers import PhoneNumberFormat, PhoneNumberType
from stdnum import luhn
from stdnum.cn import ric

from kit.estimates import wilson
from kit.ingest.scan import scan_cells

PAGE = Path(__file__).resolve().parent.parent / "docs" / "identifiers.md"
EACH, NEGATIVES = 300, 4_000
KINDS = ("resident_id", "imei", "bank_card", "imsi", "mac", "email", "phone", "ip", "plate", "passport", "image_url",
         "image_data", "face_template", "address", "name")
SENTENCES = ("{}", "{}", "{}", "seen {} at the gate", "note: {}, call back", "登记：{}，已核实", "来电显示 {} 请回复",
             '{{"v":"{}"}}')


def main():
    ask = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    ask.add_argument("--check", action="store_true", help="write nothing; say whether the page still holds")
    ask.add_argument("--seed", type=int, default=0)
    given = ask.parse_args()
    figures, mistaken = measure(labelled(given.seed))
    text = as_markdown(figures, mistaken)
    print(text)
    start = time.perf_counter()
    mixed = mixed_cells(1_000_000, given.seed)
    made = time.perf_counter()
    scan_cells(mixed)
    print(f"1,000,000 mixed cells, all distinct: {time.perf_counter() - made:.1f} s (making them {made - start:.1f} s)")
    if given.check:
        same = PAGE.read_text(encoding="utf-8") == text
        print("docs/identifiers.md holds." if same else "docs/identifiers.md differs: run without --check.")
        raise SystemExit(not same)
    PAGE.write_text(text, encoding="utf-8", newline="\n")
    print(f"Written: docs/{PAGE.name}")


def labelled(seed=0):
    """Cells with what they hold: a frame of text, kind ("" for none) and what it is made of (`form`)."""
    rng = np.random.default_rng(seed)
    rows = []
    for kind in KINDS:
        for i in range(EACH):
            form, text = POSITIVES[kind](rng)
            whole = kind in ("face_template", "image_data") or form.endswith("alone")
            rows.append((text if whole else SENTENCES[i % len(SENTENCES)].format(text), kind, form))
    makers = list(HARD.items())
    for i in range(NEGATIVES):
        form, make = makers[i % len(makers)]
        rows.append((make(rng), "", form))
    return pd.DataFrame(rows, columns=["text", "kind", "form"])


def measure(cells):
    """Precision and recall of each kind, and what the mistakes were made of.

    A place a cell, so that the report of `scan_cells` says of each cell what was found in it, and no column helps.
    """
    places = [f"c{number}" for number in range(len(cells))]  # too short and plain to hint at anything
    size, found = 4_000, []
    for start in range(0, len(cells), size):
        found.append(scan_cells(zip(places[start : start + size], cells["text"][start : start + size], strict=True)))
    found = pd.concat(found)
    found["cell"] = found["place"].str.removesuffix("[]").str[1:].astype(int)
    rows, mistakes = [], []
    for kind in KINDS:
        said = set(found.loc[found["kind"] == kind, "cell"])
        true = set(np.flatnonzero(cells["kind"] == kind))
        right = len(said & true)
        sure = set(found.loc[(found["kind"] == kind) & (found["grade"] == "valid"), "cell"])
        rows.append({"kind": kind, "cells": len(true), "right": right, "said": len(said), "sure": len(sure),
                     "sure_right": len(sure & true)})
        mistakes += [("missed", kind, cells["form"][c]) for c in true - said]
        mistakes += [("wrong", kind, cells["form"][c]) for c in said - true]
    counted = pd.Series(mistakes).value_counts().sort_index() if mistakes else pd.Series(dtype=int)
    return rows, counted


def as_markdown(rows, mistaken):
    """The page."""
    lines = [f"| {r['kind']} | {r['cells']} | {share(r['right'], r['cells'])} | {r['said']} | "
             f"{share(r['right'], r['said'])} | {r['sure']} | {share(r['sure_right'], r['sure'])} |" for r in rows]
    wrong = [f"| {what} | {kind} | {form} | {n} |" for (what, kind, form), n in mistaken.items()]
    return PAGE_TEXT.format(each=EACH, n=f"{len(rows) * EACH + NEGATIVES:,}", negatives=f"{NEGATIVES:,}",
                            rows="\n".join(lines), wrong="\n".join(wrong))


def share(right, n):
    """A share with its interval, as text."""
    low, high = wilson(right, n)
    return f"{right / n:.3f} ({low:.3f} to {high:.3f})" if n else "none"


def mixed_cells(n, seed=0):
    """Cells of a table as a dump has them, all distinct: times, numbers, words, and one in ten an identifier."""
    rng = np.random.default_rng(seed)
    base = 1_900_000_000_000
    plain = [lambda i: ("ts", str(base + i * 977)), lambda i: ("lon", f"{-123 - i / 7e6:.6f}"),
             lambda i: ("camera", f"CAM-{i:07d}"), lambda i: ("iso", f"2031-03-12T07:41:{i % 60:02d}.{i:06d}Z"),
             lambda i: ("note", f"form number {i} filled in at the door"), lambda i: ("score", f"0.{i:07d}"),
             lambda i: ("hash", f"{i * 2654435761 % 2**64:032x}"), lambda i: ("zone", f"district {i}"),
             lambda i: ("name", f"Sample Person {i}")]
    for i in range(n):
        if i % 10 < 9:
            yield plain[i % 10](i)
        elif i % 20 == 9:
            yield "mobile", f"138{int(rng.integers(0, 10**8)):08d}"
        else:
            yield "mac", "02-" + "-".join(f"{i * 7919 % 2**40:010X}"[j : j + 2] for j in range(0, 10, 2))


# --- what is an identifier -------------------------------------------------------------------------------------------


def digits(rng, n):
    return "".join(map(str, rng.integers(0, 10, n)))


def pick(rng, words):
    return words[int(rng.integers(len(words)))]


def resident_id(rng):
    region = pick(rng, ["110101", "310101", "440106", "510104", "610102", "650102", "330106", "420106", "230102"])
    born = date(1945, 1, 1) + timedelta(days=int(rng.integers(0, 25_000)))
    if rng.random() < 0.2:
        return "15 digits", region + f"{born:%y%m%d}" + digits(rng, 3)
    body = f"{region}{born:%Y%m%d}{digits(rng, 3)}"
    check = ric.calc_check_digit(body + "0")
    if rng.random() < 0.2:
        return "18 digits, wrong check digit", body + ("0" if check != "0" else "1")
    return "18 digits", body + check


def imei(rng):
    body = pick(rng, ["35", "86", "01", "99"]) + digits(rng, 12)
    return "device number", body + luhn.calc_check_digit(body)


def bank_card(rng):
    body = pick(rng, ["622202", "621700", "623052", "625912", "400000", "453201", "510510", "555555", "222300"])
    body += digits(rng, (18 if body[0] == "6" and rng.random() < 0.5 else 15) - len(body))
    number = body + luhn.calc_check_digit(body)
    if rng.random() < 0.4:
        return "in groups", " ".join(number[i : i + 4] for i in range(0, len(number), 4))
    return "in one", number


def imsi(rng):
    number = pick(rng, ["46000", "46001", "46011", "26201", "23415", "25001", "40445", "310260"])
    return "subscriber number", number + digits(rng, 15 - len(number))


def mac(rng):
    maker = pick(rng, ["001B44", "3C5AB4", "F0D1A9", "A4C361", "00E04C"])
    local = rng.random() < 0.4
    plain = f"{int(rng.integers(0, 64)) * 4 + 2:02X}{int(rng.integers(0, 2**16)):04X}" if local else maker
    plain += f"{int(rng.integers(0, 2**24)):06X}"
    mark = pick(rng, [":", "-"])
    text = mark.join(plain[i : i + 2] for i in range(0, 12, 2))
    if rng.random() < 0.15:
        text = ".".join(plain[i : i + 4] for i in range(0, 12, 4))
    return "locally administered" if local else "of a maker", text if rng.random() < 0.5 else text.lower()


def email(rng):
    user = pick(rng, ["info", "a.b", "x_y", "dept-7", "n.n+tag", "q"]) + digits(rng, int(rng.integers(0, 5)))
    return "address", user + "@" + pick(rng, ["mail", "post.office", "firma-7", "163", "uni"]) + pick(
        rng, [".com", ".cn", ".org.uk", ".de", ".museum"])


def phone(rng):
    region = pick(rng, ["CN", "CN", "CN", "GB", "DE", "US", "FR", "RU", "KZ", "TR", "IN", "JP", "BR", "HK", "IT"])
    form = pick(rng, [PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE])
    example = phonenumbers.example_number_for_type(region, form)
    for _ in range(200):
        number = phonenumbers.PhoneNumber()
        number.merge_from(example)
        size = len(str(example.national_number))
        number.national_number = int(str(example.national_number)[: size - 5] + digits(rng, 5))
        if phonenumbers.is_valid_number(number):
            break
    if region == "CN":
        style = pick(rng, [PhoneNumberFormat.NATIONAL, PhoneNumberFormat.INTERNATIONAL, PhoneNumberFormat.E164])
        text = phonenumbers.format_number(number, style)
        if form == PhoneNumberType.MOBILE and style == PhoneNumberFormat.NATIONAL and rng.random() < 0.6:
            text = text.replace(" ", "")
        return "Chinese", text
    return "of another country, with +", phonenumbers.format_number(
        number, pick(rng, [PhoneNumberFormat.INTERNATIONAL, PhoneNumberFormat.E164]))


def ip(rng):
    if rng.random() < 0.3:
        return "version 6", pick(rng, ["2001:4860", "240e:3a1", "2a02:810d"]) + "".join(
            f":{int(rng.integers(1, 65536)):x}" for _ in range(6))
    return "version 4", f"{pick(rng, [36, 58, 81, 101, 116, 185, 203, 221])}." + ".".join(
        str(int(x)) for x in rng.integers(1, 112, 3))


def plate(rng):
    letters = "ABCDEFGHJKLMNPQRSTVWXYZ"
    if rng.random() < 0.25:
        return "of another country", pick(rng, [
            f"{pick(rng, letters)}{pick(rng, letters)}-{digits(rng, 3)}-{pick(rng, letters)}{pick(rng, 'ABCDEFGH')}",
            f"B-{pick(rng, letters)}{pick(rng, letters)} {int(rng.integers(1, 9999))}"])
    head = pick(rng, "京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼") + pick(rng, letters)
    head += pick(rng, ["", "", "·", " "])
    if rng.random() < 0.3:
        return "Chinese, new energy", head + pick(rng, "DF") + digits(rng, 5)
    return "Chinese", head + pick(rng, letters) + digits(rng, 4)


def passport(rng):
    if rng.random() < 0.2:
        return "machine-readable lines, alone", mrz(rng)
    return "number", pick(rng, [
        "E" + digits(rng, 8), "EB" + digits(rng, 7), digits(rng, 2) + "AB" + digits(rng, 5), "K" + digits(rng, 7),
        "TK" + digits(rng, 7), "C01X" + digits(rng, 5)])


def mrz(rng):
    def check(part):
        return str(sum((0 if c == "<" else int(c, 36)) * (7, 3, 1)[i % 3] for i, c in enumerate(part)) % 10)

    number, born, until, own = "E" + digits(rng, 8), "740812", "330415", "<" * 14
    first = number + check(number)
    dates = born + check(born), until + check(until)
    line = first + "UTO" + dates[0] + "F" + dates[1] + own + "<"
    return line + check(first + dates[0] + dates[1] + own + "<")


def image_url(rng):
    name = f"{int(rng.integers(10**6)):06d}.{pick(rng, ['jpg', 'png', 'JPEG', 'webp'])}"
    return pick(rng, [("on the web", f"http://cam.invalid/faces/{name}?t=1"), ("in a bucket", f"s3://snap/2031/{name}"),
                      ("a path", f"/data/capture/03/{name}"), ("a path", f"faces/{name}")])


def image_data(rng):
    start = pick(rng, [b"\xff\xd8\xff\xe0", b"\x89PNG\r\n\x1a\n"])
    return "base64", base64.b64encode(start + rng.bytes(900)).decode()


def face_template(rng):
    size = pick(rng, [128, 256, 512])
    vector = rng.normal(size=size)
    vector /= np.linalg.norm(vector)
    form = int(rng.integers(4))
    if form == 0:
        return "list of numbers", json.dumps([round(float(v), 6) for v in vector])
    if form == 1:
        return "numbers with commas", ",".join(f"{v:.5f}" for v in vector)
    if form == 2:
        return "floats in base64", base64.b64encode(vector.astype("<f4").tobytes()).decode()
    return "bytes in base64", base64.b64encode((vector * 127 * 8).astype("i1").tobytes()).decode()


def address(rng):
    n = int(rng.integers(1, 400))
    return pick(rng, [
        ("Chinese", f"{pick(rng, ['北京市朝阳区', '上海市浦东新区', '广东省深圳市南山区', ''])}"
                    f"{pick(rng, ['无名路', '空白大街', '中央大道', '长虹巷'])}{n}号"
                    f"{pick(rng, ['', '2单元301室', '5栋'])}"),
        ("Chinese, house only", f"{n % 30 + 1}栋{pick(rng, ['1单元', ''])}{n % 20 + 1}02室"),
        ("English", f"{n} {pick(rng, ['Null', 'Old Harbour', 'St. Nobody', 'North 5th'])} "
                    f"{pick(rng, ['Street', 'Road', 'Ave', 'Lane', 'Boulevard'])}"),
        ("German", f"{pick(rng, ['Leere', 'Nirgendwo', 'Insel'])}{pick(rng, ['straße', 'weg', 'gasse'])} {n}"),
        ("French", f"{n} rue {pick(rng, ['du Vide', 'de la Mer', 'Sans Nom'])}"),
        ("Spanish", f"Calle {pick(rng, ['del Vacío', 'Nadie', 'Mayor'])} {n}")])


SURNAMES = ("王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕苏卢"
            "蒋蔡贾丁魏薛叶阎余潘杜戴夏钟汪田任姜范方石姚谭廖邹熊金陆郝孔白崔康毛邱秦江史顾侯邵孟龙万")
OFTEN = "伟芳娜秀英敏静丽强磊军洋勇艳杰娟涛明超霞平刚桂兰玉萍红鹏飞辉建国华志文海波斌宇浩鑫丹婷雪梅琳"
SELDOM = "一乙卜之凡牧野苇砚渡榆稚樵砾蔓茵葵珞岑屿汀洛弦筝逸尧禹舜"
GIVEN = ["Anna", "James", "Maria", "Carlos", "Fatima", "Mohammed", "Pierre", "Ingrid", "Sergei", "Olga", "Priya",
         "Yusuf", "Chloe", "Hans", "Giulia", "Mateo", "Aisha", "Emma", "Thomas", "Elena"]
RARE = ["Oddvar", "Ximo", "Thandeka", "Wolfram", "Eluned", "Baptista", "Zdravko", "Iolanda", "Tamsin", "Perpetua"]
FAMILY = ["Smith", "Garcia", "Müller", "Rossi", "Dubois", "Ivanov", "Khan", "Nguyen", "Okafor", "Sato", "Andersson",
          "O'Brien", "Kowalski", "Haddad", "Yilmaz", "Silva", "Novak"]
WORDS = ["高度", "白色", "方向", "时间", "金额", "马路", "成功", "安全", "天气", "摄像头", "出口", "单元",
         "温度", "周一", "左侧", "电梯", "广场", "余量", "任意", "陆续", "简单",
         "江边", "贺词", "万物", "毛病", "连接", "路由", "常态", "曲折", "章鱼"]


def name(rng):
    form = rng.random()
    if form < 0.4:
        given = "".join(pick(rng, OFTEN) for _ in range(int(rng.integers(1, 3))))
        return "Chinese, alone", pick(rng, SURNAMES) + given
    if form < 0.45:
        return "Chinese, seldom character, alone", pick(rng, SURNAMES) + pick(rng, SELDOM)
    if form < 0.55:
        full = pick(rng, SURNAMES) + pick(rng, OFTEN) + pick(rng, OFTEN)
        sentence = pick(rng, ["昨日户主：{}，已登记", "联系人{}，电话已录", "访问居民：{}。"])
        return "Chinese in a sentence, alone", sentence.format(full)
    if form < 0.85:
        return "Latin", f"{pick(rng, GIVEN)} {pick(rng, FAMILY)}"
    if form < 0.92:
        return "Latin, given name not in the list", f"{pick(rng, RARE)} {pick(rng, FAMILY)}"
    family, given = pick(rng, ["Wang", "Zhang", "Liu", "Chen"]), pick(rng, ["Xiaoming", "Wei", "Lihua", "Jianguo"])
    return "pinyin", f"{family} {given}"


POSITIVES = {"resident_id": resident_id, "imei": imei, "bank_card": bank_card, "imsi": imsi, "mac": mac, "email": email,
             "phone": phone, "ip": ip, "plate": plate, "passport": passport, "image_url": image_url,
             "image_data": image_data, "face_template": face_template, "address": address, "name": name}


# --- what only looks like one ----------------------------------------------------------------------------------------


def isbn(rng):
    return "978" + digits(rng, 10)


HARD = {
    "epoch seconds": lambda rng: str(int(rng.integers(1_500_000_000, 1_999_999_999))),
    "epoch milliseconds": lambda rng: str(int(rng.integers(1_500_000_000_000, 1_999_999_999_999))),
    "epoch microseconds": lambda rng: str(int(rng.integers(15 * 10**14, 2 * 10**15))),
    "epoch nanoseconds": lambda rng: str(int(rng.integers(15 * 10**17, 2 * 10**18))),
    "date and time": lambda rng: f"2031-0{int(rng.integers(1, 9))}-12 07:{int(rng.integers(10, 60))}:09",
    "date, digits only": lambda rng: f"203103{int(rng.integers(10, 31))}{digits(rng, 6)}",
    "coordinates": lambda rng: f"-48.{digits(rng, 6)}, -123.{digits(rng, 6)}",
    "long decimal": lambda rng: "0." + digits(rng, 17),
    "amount of money": lambda rng: f"{int(rng.integers(1, 999))},{digits(rng, 3)},{digits(rng, 3)}.50",
    "order number, 16 digits": lambda rng: "2031" + digits(rng, 12),
    "order number, 16 digits, as cards begin": lambda rng: pick(rng, "4569") + digits(rng, 15),
    "snowflake number": lambda rng: "1" + digits(rng, 18),
    "18 digits with no date": lambda rng: "99" + digits(rng, 16),
    "15 digits": lambda rng: pick(rng, "189") + "00" + digits(rng, 12),
    "counter with zeros": lambda rng: f"{int(rng.integers(10**6)):012d}",
    "book number": isbn,
    "version": lambda rng: f"version {int(rng.integers(1, 9))}.{int(rng.integers(30))}.{int(rng.integers(40))}.7",
    "browser": lambda rng: f"Chrome/{int(rng.integers(80, 130))}.0.{int(rng.integers(100, 255))}.12 Safari/537.36",
    "private network address": lambda rng: f"192.168.{int(rng.integers(255))}.{int(rng.integers(255))}",
    "time of day": lambda rng: f"{int(rng.integers(24)):02d}:{int(rng.integers(60)):02d}:{int(rng.integers(60)):02d}",
    "random identifier": lambda rng: str(uuid.UUID(bytes=rng.bytes(16))),
    "hash": lambda rng: rng.bytes(32).hex(),
    "camera": lambda rng: f"CAM-A-{digits(rng, 2)}",
    "gate": lambda rng: f"Hotel gate N{digits(rng, 1)}",
    "product code": lambda rng: f"AB-{digits(rng, 4)}-X",
    "product code, as passports are": lambda rng: f"RX{digits(rng, 7)}",
    "invented plate": lambda rng: f"ZZ-{digits(rng, 4)}~",
    "invented resident number": lambda rng: f"SYN{digits(rng, 15)}X",
    "Chinese word": lambda rng: pick(rng, WORDS),
    "Chinese sentence": lambda rng: pick(rng, [
        "今天天气很好，没有异常。", "设备离线，请检修网络。", "金属门已关闭", "高速路段拥堵，方向东",
        "平均温度正常", "学生证遗失", "司机换班"]),
    "place": lambda rng: pick(rng, ["Victoria Station", "Florence Street", "Jordan River", "Main Entrance",
                                    "New Harbour", "Lower Mill Lane", "Martin Luther Church", "Santa Maria Bay",
                                    "San Diego Zoo"]),
    "words": lambda rng: pick(rng, ["Will Call Later", "May Day Parade", "Rose Garden", "Grace Period", "Red Line",
                                    "Frank Discussion", "Mark Complete", "System Restart", "Blue Car", "Art Deco"]),
    "street without a number": lambda rng: pick(rng, ["on Null Street", "near the old road", "长江路附近", "大街上"]),
    "half-hourly readings": lambda rng: json.dumps([round(float(v), 2) for v in rng.gamma(2, 0.3, 96)]),
    "polyline": lambda rng: json.dumps([[round(-123 + float(v), 5), -48.8] for v in rng.random(80)]),
    "text in base64": lambda rng: base64.b64encode(b"nothing to see here " * int(rng.integers(9, 20))).decode(),
    "page": lambda rng: f"https://site.invalid/doc/{digits(rng, 5)}.html",
    "social handle": lambda rng: f"@user{digits(rng, 3)} said hello",
    "room": lambda rng: f"Room {digits(rng, 2)}-{digits(rng, 3)}",
    "measurement": lambda rng: f"{digits(rng, 3)}/{digits(rng, 2)} mmHg, {digits(rng, 2)} kg",
}

PAGE_TEXT = """# Identifiers: what `kit scan` finds, and what it misses

`kit scan PATH` reads every cell of every file and says where identifiers are left: file, place, kind, grade and how
many cells; never the value. It is a net, not a proof. Silence means that no rule below applied.

- **valid**: the kind's real rule passes. Check digit, date and a region assigned in the year of birth for a resident
  number; the country's numbering plan for a telephone number; issuer and check digit for a card; type code and check
  digit for an IMEI; an assigned network for an IMSI; a maker's block for a MAC; an address that routes; mail to a
  domain that may exist; all check digits of a passport's machine-readable line.
- **shape**: the form is right and no rule confirms it. Invented ones and typing errors, and all names, addresses,
  plates, passport numbers, pictures and templates of faces.
- **behaves**: no form, but the place acts like a key. `near_unique`: at least 50 values, 95 of 100 different, neither a
  counter nor times. `joins_files`: half its values stand in another file too. `pseudonym`: this kit's own.

Ingest drops what its recipe does not name, whatever the grade; that only says how sure the scan is. The command ends
with 0 if nothing of grade valid is there, with 1 if something is (`--fail-on shape` or `behaves` asks for more), and
with 2 if it could not look. What could not be read (sealed archives, PDF) is listed as `unread`. Names of columns,
members and files that could be somebody's are masked, letters as x and digits as 0.

A check digit that nine in ten random numbers fail confirms little in a column of numbers: where at least 30 numbers in
a place begin as cards do and at most a fifth pass, those that pass are counted as shape.

## Measured

`python3 run.py bench scan` makes {n} labelled cells in memory, {negatives} of them hard negatives, and writes this
page; no figure in its tables is typed. No column name helps: each cell stands in a place of its own. A cell counts as
found if its kind is reported at any grade. Intervals: Wilson, 95 %. The cells are made by this project, so the figures
say how well rules and forms agree, not how often a real dump hides something else.

| kind | cells | recall | reported | precision | reported as valid | precision of valid |
|---|---|---|---|---|---|---|
{rows}

Precision depends on what else there is: here {each} of the {n} cells are of each kind. A card's digits are judged
without their column here, so the rule on chance, above, has no say.

## Where it is wrong

| what | kind | made of | cells |
|---|---|---|---|
{wrong}

Names are the weakest: a list of commonest surnames, given names and words, compiled by hand (`kit/ingest/names`). A
Chinese name inside a sentence is found only after a word such as 户主 or before 先生. Place names that are also given
names are taken for people. Numbers with 9 digits, MACs without marks and names of no list need a column whose name
speaks of them (passport, mac, name). Handles, licence numbers, health numbers, account numbers without a check digit
and pictures inside PDF are not looked for.
"""

if __name__ == "__main__":
    main()
