"""What an identifier looks like: one small recogniser a kind, each with a cheap pattern that says where to look.

A recogniser takes a text and yields spans with a grade: "valid" where the real rule passes (a check digit, a numbering
plan, an address that routes), "shape" where only the form is right. A span belongs to one kind: the better grade
first, then the order of `KINDS`. What stands in a place called phone or 护照 is believed on less, which is all that the
name of a place does. No recogniser prints, raises or keeps what it reads.
"""

import base64
import binascii
import ipaddress
import math
import re
import struct
import unicodedata
from bisect import bisect
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from functools import cache, lru_cache
from pathlib import Path

import phonenumbers
from stdnum import imsi, luhn, mac
from stdnum.cn import ric

GRADES = ("valid", "shape", "behaves")
FAILED = "failed"
_ORDER = (*GRADES, FAILED)
VECTOR_LENGTHS = range(64, 4097)

# Digits that no letter, digit or decimal point touches. A Han character may: the text of a form has no blanks.
_BEFORE, _AFTER = r"(?<![A-Za-z0-9])(?<!\d[.,])", r"(?![A-Za-z0-9])(?![.,]\d)"
_LIST = Path(__file__).parent / "names"
# What prints nothing, to nothing; full-width digits, letters and + - . @ ( ) to the plain ones. A full-width colon or
# comma stays: it parts words where a plain one might belong to an address.
_PLAIN = dict.fromkeys([0xAD, *range(0x200B, 0x2010), *range(0x202A, 0x202F), *range(0x2060, 0x206A), 0xFEFF])
_PLAIN |= {0xFEE0 + code: code for code in range(33, 127) if chr(code).isalnum() or chr(code) in "+-.@()"}
_PLAIN |= dict.fromkeys([0x2010, 0x2011, 0x2013, 0x2212], 0x2D) | dict.fromkeys([0xA0, 0x2007, 0x202F, 0x3000], 0x20)


@dataclass(frozen=True)
class Kind:
    """A kind of identifier: `look` (RE2, over whole columns) says where it might be, `find` where it is.

    `hinted` is `look` for places whose name speaks of the kind (`hint`), where less will do.
    """

    name: str
    look: str
    find: Callable
    hint: str = ""
    hinted: str = ""


def find(text, place="", region="CN", kinds=None):
    """The kinds of identifier in a text, each with its best grade.

    Parameters
    ----------
    text : str
    place : str
        Name of the column or path it stands in; only what it hints at is used.
    region : str
        Two letters, whose telephone numbers may lack their country code.
    kinds : iterable of int, optional
        Which of `KINDS` to look for; default is all.

    Returns
    -------
    dict of str to str
        Name of the kind to "valid" or "shape".

    >>> find("seen at 12 Null Street with 02-AA-BB-CC-DD-01")
    {'mac': 'shape', 'address': 'shape'}
    """
    return {kind: grade for kind, grade in judge(text, place, region, kinds).items() if grade != FAILED}


def judge(text, place="", region="CN", kinds=None):
    """As `find`; a kind of which only a check digit was tried, and failed, is there too, as "failed"."""
    plain, hints, spans = normal(text), hints_of(place), []
    for number in range(len(KINDS)) if kinds is None else kinds:
        kind = KINDS[number]
        for start, end, grade in kind.find(plain, kind.name in hints, region):
            spans.append((_ORDER.index(grade), number, start - end, start, end))
    taken, best = [], {}
    for grade, number, _, start, end in sorted(spans):
        place = bisect(taken, (start, end))
        if (not place or taken[place - 1][1] <= start) and (place == len(taken) or end <= taken[place][0]):
            taken.insert(place, (start, end))
            best.setdefault(number, grade)
    return {KINDS[number].name: _ORDER[best[number]] for number in sorted(best)}


def normal(text):
    """The text as a person reads it: full-width and other digits as 0 to 9, marks that print nothing gone."""
    if text.isascii():
        return text
    text = text.translate(_PLAIN)
    return "".join(str(unicodedata.decimal(c)) if c.isdecimal() and c > "9" else c for c in text)


@lru_cache(maxsize=20_000)
def hints_of(place):
    """Names of the kinds that the name of a column or path speaks of."""
    last = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", re.sub(r"(\[\])+$", "", place).rpartition(".")[2]).lower()
    return frozenset(kind.name for kind in KINDS if kind.hint and re.search(kind.hint, last))


def _before(match, word):
    """Whether a word stands just before what was matched."""
    return word.search(match.string[max(0, match.start() - 40) : match.start()])


# --- numbers that a state or an operator gives -----------------------------------------------------------------------

_RIC = re.compile(rf"{_BEFORE}(?:\d{{17}}[\dXx]|\d{{15}}){_AFTER}")


def _resident_ids(text, hinted, region):
    for match in _RIC.finditer(text):
        number = match[0].upper()
        if len(number) == 18:
            born = _day(number[6:10], number[10:12], number[12:14])
            if born and _region_known(number[:6], born.year) and ric.calc_check_digit(number) == number[17]:
                yield *match.span(), "valid"
            elif born and born.year > 1880 and "11" <= number[:2] <= "91":
                yield *match.span(), "shape"
        elif _is_old_resident_id(number):
            yield *match.span(), "shape"


def _is_old_resident_id(number):
    """15 digits, as given until 1999: a region and a date, and no check digit."""
    return bool(_known_first_six(number[:6]) and _day("19" + number[6:8], number[8:10], number[10:12]))


def _day(year, month, day):
    try:
        return date(int(year), int(month), int(day))
    except ValueError:
        return None


@lru_cache(maxsize=100_000)
def _region_known(six, year):
    try:
        ric.get_birth_place(f"{six}{year}0101")
    except (ric.ValidationError, KeyError):  # python-stdnum 2.2 trips over codes of provinces and prefectures
        return False
    return True


@lru_cache(maxsize=100_000)
def _known_first_six(six):
    return any(_region_known(six, year) for year in (1985, 1995))


_PASSPORT = re.compile(
    r"(?<![A-Za-z0-9-])(?:[EGDSPHM]\d{8}|[EK][A-HJ-NP-Z]\d{7}|[A-Z]{2}\d{7}|[A-Z]\d{7}|\d{2}[A-Z]{2}\d{5}"
    r"|[A-Z]{3}\d{6}|[CFGHJK][CFGHJKLMNPRTVWXYZ0-9]{7}\d)(?![A-Za-z0-9-])")
_PASSPORT_WORD = re.compile(r"(?:passport|护照|passeport|pasaporte|reisepass)\D{0,24}$", re.IGNORECASE)
_NINE = re.compile(rf"{_BEFORE}\d{{8,9}}{_AFTER}")
_MRZ_2 = re.compile(r"[A-Z0-9<]{9}\d[A-Z<]{3}\d{7}[MFX<]\d{7}[A-Z0-9<]{14}[\d<]\d")
_MRZ_1 = re.compile(r"(?<![A-Z0-9<])P[A-Z<][A-Z<]{3}[A-Z]+<[A-Z<]{20,38}")


def _passports(text, hinted, region):
    for match in _MRZ_2.finditer(text):
        line = match[0]
        checked = ((line[:9], line[9]), (line[13:19], line[19]), (line[21:27], line[27]),
                   (line[:10] + line[13:20] + line[21:43], line[43]))
        yield *match.span(), "valid" if all(_mrz_digit(part) == int(digit) for part, digit in checked) else "shape"
    for match in _MRZ_1.finditer(text):
        yield *match.span(), "shape"
    for match in _PASSPORT.finditer(text):
        yield *match.span(), "shape"
    for match in _NINE.finditer(text):
        if hinted or _before(match, _PASSPORT_WORD):
            yield *match.span(), "shape"


def _mrz_digit(part):
    """Check digit of machine-readable travel documents (ICAO 9303, part 3, 4.9)."""
    values = (0 if c == "<" else int(c, 36) for c in part)
    return sum(value * weight for value, weight in zip(values, (7, 3, 1) * 15, strict=False)) % 10


_PHONE = re.compile(r"(?<![A-Za-z0-9.+/-])(?<!\d[ ,])(?:\+|\()?\d(?:[ ()-]{0,2}\d){6,16}(?![A-Za-z0-9])(?![./:, -]\d)")
_CN_MOBILE = re.compile(r"(?<![A-Za-z0-9.+-])1[3-9]\d{9}(?![A-Za-z0-9])(?![.-]\d)")
_DATE = re.compile(r"(?:19|20)\d\d[-/ ]\d\d?[-/ ]\d\d?|\d\d?[-/]\d\d?[-/](?:19|20)\d\d")


def _phones(text, hinted, region):
    for match in [*(_CN_MOBILE.finditer(text) if region == "CN" else ()), *_PHONE.finditer(text)]:
        number = match[0]
        digits = re.sub(r"\D", "", number)
        if not 7 <= len(digits) <= 15 or _DATE.match(number):
            continue
        if _phone_is_valid(number, digits, hinted, region):
            yield *match.span(), "valid"
        elif number[0] == "+" or hinted or (region == "CN" and _CN_MOBILE.fullmatch(number)):
            yield *match.span(), "shape"


def _phone_is_valid(number, digits, hinted, region):
    """Whether the numbering plan assigns it; one without "+" must be written as people of the region write it."""
    rules = phonenumbers.PhoneMetadata.metadata_for_region(region)
    mobile = re.compile(rules.mobile.national_number_pattern or "(?!)")
    if region == "CN" and mobile.fullmatch(digits):
        return True
    home = digits.removeprefix(str(rules.country_code))
    grouped = len(re.findall(r"\d+", number)) >= 3 or (number[0] == "(" and ")" in number)
    as_written_there = (digits[0] == "0" or (home != digits and mobile.fullmatch(home))
                        or (grouped and rules.national_prefix != "0"))
    if not (hinted or number[0] == "+" or as_written_there):
        return False
    try:
        return phonenumbers.is_valid_number(phonenumbers.parse(number, region))
    except phonenumbers.NumberParseException:
        return False


_FIFTEEN = re.compile(rf"{_BEFORE}(?:\d{{15}}|\d{{2}}-?\d{{6}}-\d{{6}}-\d){_AFTER}")
# Bodies that allocate type codes (GSMA TS.06); 00 is for test devices, so it identifies none.
_IMEI_BODIES = frozenset(("01", "35", "44", "45", "49", "50", "51", "52", "53", "54", "86", "91", "98", "99"))
_IMEI_WORD = re.compile(r"imei\W{0,6}$", re.IGNORECASE)


def _imeis(text, hinted, region):
    for match in _FIFTEEN.finditer(text):
        number = match[0].replace("-", "")
        if number[:2] in _IMEI_BODIES and luhn.is_valid(number):
            yield *match.span(), "valid"
        elif number[:2] in _IMEI_BODIES and (hinted or _before(match, _IMEI_WORD)):
            yield *match.span(), "shape"


_IMSI = re.compile(rf"{_BEFORE}[2-7]\d{{14}}{_AFTER}")


def _imsis(text, hinted, region):
    for match in _IMSI.finditer(text):
        known = _network_levels(match[0][:6])
        if known:
            sure = known == 2 and not _is_old_resident_id(match[0])
            yield *match.span(), "valid" if sure else "shape"


@lru_cache(maxsize=100_000)
def _network_levels(six):
    """2 where country and network are assigned, 1 where only the country is."""
    return min(2, len(imsi.split(six + "000000000")) - 1)


_CARD = re.compile(rf"{_BEFORE}(?<!\d[ -])(?<!\+)(?:\d{{13,19}}|\d{{4}}(?:[ -]\d{{4}}){{3}}(?:[ -]\d{{1,3}})?"
                   r"|3\d{3}[ -]\d{6}[ -]\d{5})(?![A-Za-z0-9])(?![.,]\d)(?![ -]\d)")
_ISSUERS = re.compile(
    r"4(?:\d{12}|\d{15}|\d{18})|5[1-5]\d{14}|2(?:22[1-9]|2[3-9]\d|[3-6]\d\d|7[01]\d|720)\d{12}|3[47]\d{13}"
    r"|3(?:0[0-5]|[68]\d)\d{11}|35(?:2[89]|[3-8]\d)\d{12}|62\d{14,17}|(?:6011|64[4-9]\d|65\d\d)\d{12}"
    r"|(?:50|5[6-8]|6[0137])\d{14,17}|(?:220[0-4]|9792|8[12]\d\d)\d{12}")
_CARD_WORD = re.compile(r"(?:card|卡号|银行卡|carte|tarjeta|karte)\D{0,16}$", re.IGNORECASE)


def _cards(text, hinted, region):
    for match in _CARD.finditer(text):
        number = re.sub(r"[ -]", "", match[0])
        if not _ISSUERS.fullmatch(number):
            continue
        if luhn.is_valid(number):
            yield *match.span(), "valid"
        else:
            said = hinted or len(number) < len(match[0]) or _before(match, _CARD_WORD)
            yield *match.span(), "shape" if said else FAILED


# --- addresses of machines, mail and places --------------------------------------------------------------------------

_MAIL = re.compile(r"[A-Za-z0-9][\w.+%'-]{0,63}@(?:[A-Za-z0-9-]{1,63}\.){1,6}[A-Za-z]{2,24}(?![A-Za-z0-9])",
                   re.ASCII)
_NOBODYS_MAIL = re.compile(r"\.(?:test|example|invalid|localhost)$|@(?:[\w.-]+\.)?example\.(?:com|org|net)$"
                           r"|\.noreply\.", re.IGNORECASE)


def _mails(text, hinted, region):
    for match in _MAIL.finditer(text):
        yield *match.span(), "shape" if _NOBODYS_MAIL.search(match[0]) else "valid"


_MAC = re.compile(r"(?<![0-9A-Za-z:-])[0-9A-Fa-f]{2}([:-])(?:[0-9A-Fa-f]{2}\1){4}[0-9A-Fa-f]{2}(?![0-9A-Za-z:-])"
                  r"|(?<![0-9A-Za-z.])(?:[0-9A-Fa-f]{4}\.){2}[0-9A-Fa-f]{4}(?![0-9A-Za-z.])")
_BARE_MAC = re.compile(r"(?<![0-9A-Za-z])[0-9A-Fa-f]{12}(?![0-9A-Za-z])")


def _macs(text, hinted, region):
    for match in [*_MAC.finditer(text), *(_BARE_MAC.finditer(text) if hinted else ())]:
        plain = re.sub(r"[:.-]", "", match[0]).lower()
        if plain in ("0" * 12, "f" * 12):
            continue
        yield *match.span(), "valid" if _has_maker(plain[:9]) else "shape"


@lru_cache(maxsize=100_000)
def _has_maker(nine):
    """Whether a manufacturer owns the block, so that the address is a device's own and for life."""
    if int(nine[:2], 16) & 3:
        return False
    return mac.is_valid(":".join(f"{nine}000"[i : i + 2] for i in range(0, 12, 2)), validate_manufacturer=True)


_IPV4 = re.compile(r"(?<![A-Za-z0-9_.])(?<![A-Za-z0-9_]/)(?:\d{1,3}\.){3}\d{1,3}(?!\.?[A-Za-z0-9])")
_IPV6 = re.compile(r"(?<![A-Za-z0-9_:.])(?:[0-9A-Fa-f]{1,4}:){1,7}"
                   r"(?:[0-9A-Fa-f]{0,4}(?::[0-9A-Fa-f]{1,4}){0,6}|:)(?![\w:])")
_VERSION = re.compile(r"(?:\bv\.? ?|(?:version|firmware|release|build|ver\.?|版本号?)\W{0,4})$", re.IGNORECASE)


def _ips(text, hinted, region):
    for match in [*_IPV4.finditer(text), *_IPV6.finditer(text)]:
        if _before(match, _VERSION):
            continue
        try:
            address = ipaddress.ip_address(match[0])
        except ValueError:
            continue
        if address.is_global and not address.is_multicast:
            small = address.version == 4 and max(address.packed) < 32 and not hinted
            yield *match.span(), "shape" if small else "valid"


_PROVINCES = "京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼"
_PLATE = re.compile(rf"[{_PROVINCES}][A-HJ-NP-Z][ ·•・-]?(?:[A-HJ-NP-Z0-9]{{4}}[A-HJ-NP-Z0-9挂学警港澳]"
                    r"|[A-HJK]\d{5}|[A-HJK][A-HJ-NP-Z]\d{4}|\d{5}[A-HJK])(?![A-Za-z0-9])"
                    r"|(?<![A-Za-z0-9-])(?:[A-HJ-NP-TV-Z]{2}-\d{3}-[A-HJ-NP-TV-Z]{2}|[A-Z]{2}\d{2} [A-Z]{3}"
                    r"|[A-ZÄÖÜ]{1,3}-[A-Z]{1,2} [1-9]\d{0,3}[EH]?)(?![A-Za-z0-9-])")
_ANY_PLATE = re.compile(r"(?<![A-Za-z0-9])(?=[A-Z0-9 -]*\d)(?=[A-Z0-9 -]*[A-Z])[A-Z0-9]{1,4}(?:[ -]?[A-Z0-9]{1,5}){1,2}"
                        r"(?![A-Za-z0-9~])")


def _plates(text, hinted, region):
    for match in _PLATE.finditer(text):
        yield *match.span(), "shape"
    if hinted and 5 <= len(text) <= 10 and (match := _ANY_PLATE.fullmatch(text)):
        yield *match.span(), "shape"


_HAN_ADDRESS = re.compile(
    r"[一-鿿][一-鿿A-Z0-9]{0,30}?(?:大街|大道|路|街|巷|弄|胡同|村|里|小区|花园|苑)"
    r"[一-鿿]{0,6}\d{1,5}(?:[-之]\d{1,4})?(?:号|弄|栋|幢|座|单元|室|組|组)"
    r"|[一-鿿]{2,8}(?:省|自治区|市)[一-鿿]{2,8}(?:市|区|县|旗)[一-鿿0-9]{2,16}(?:路|街|巷|弄|胡同|村|镇|乡|小区)"
    r"|(?<!\d)\d{1,4}(?:栋|幢|号楼|座)\d{0,2}(?:单元)?\d{1,5}(?:室|号|户)")
_STREET = (r"(?:Street|Str?|Road|Rd|Avenue|Ave|Lane|Ln|Drive|Dr|Boulevard|Blvd|Way|Court|Ct|Place|Pl|Square|Sq|Terrace"
           r"|Crescent|Close|Row|Alley|Quay|Parade|Highway|Hwy)")
_LATIN_ADDRESS = re.compile(
    rf"(?<![\w.])\d{{1,5}}[A-Za-z]?,? (?:[A-Z0-9][\w'’.-]*\s){{1,4}}{_STREET}(?![\w])"
    r"|(?<!\w)[A-ZÄÖÜ][\wäöüß-]{1,40}(?:straße|strasse|str\.|weg|gasse|platz|allee|straat|laan|gatan|vägen)"
    r" \d{1,4}[a-z]?(?!\w)"
    r"|(?<![\w.])\d{1,4}(?: bis| ter)?,? (?:rue|avenue|boulevard|place|allée|chemin|impasse|quai)"
    r" (?:de |du |des |d'|la |le |les ){0,2}\w[\w'’ -]{2,40}"
    r"|(?<!\w)(?:Calle|Avenida|Avda\.|Plaza|Paseo|Rua|Via|Viale|Piazza|Corso)"
    r" (?:[\w.'’]{1,20} ){0,4}[\w.'’]{2,20},? (?:n[.º°]? ?)?\d{1,4}(?!\w)")


def _addresses(text, hinted, region):
    for pattern in (_HAN_ADDRESS, _LATIN_ADDRESS):
        for match in pattern.finditer(text):
            yield *match.span(), "shape"


# --- names -----------------------------------------------------------------------------------------------------------


@cache
def _words(name):
    text = (_LIST / f"{name}.txt").read_text(encoding="utf-8")
    return frozenset(text.split())


@cache
def _han():
    """Surnames of one character and of two, characters of given names, and words that only look like a name."""
    surnames = _words("han_surnames")
    double = frozenset(w for w in surnames if len(w) == 2)
    return frozenset("".join(surnames - double)), double, frozenset("".join(_words("han_given"))), _words("han_words")


_HAN_CELL = re.compile(r"[一-鿿]{2,4}|[一-鿿]{2,8}[·•‧・][一-鿿]{2,8}")
_HAN_CONTEXT = re.compile(
    r"(?:姓名|名字|联系人|户主|业主|居民|当事人|被访人|申请人|嫌疑人|患者|学生|司机|我叫|名叫|叫做)"
    r"(?:是|为)?[:： ]{0,2}"
    r"([一-鿿]{2,4}?)(?=[^一-鿿]|$|同志|先生|女士|住|电话|身份|于|在|来|的|和|与)"
    r"|(?<![一-鿿])([一-鿿]{2,4}?)(?:先生|女士|同志|师傅)")
_LATIN_NAME = re.compile(r"(?<![\w@/])([A-ZÀ-Þ][a-zß-ÿ'’]{1,20}|[A-ZÀ-Þ]{3,20})(?:-[A-ZÀ-Þ][a-zß-ÿ]{1,20})?"
                         r"(?: [A-Z]\.?| (?:de|da|dos|del|la|von|van|der|den|bin|ibn|al|el|bint|ter|di|van der|de la))?"
                         r" ((?:Mc|Mac|O['’]|al-|El-)?[A-ZÀ-Þ][a-zß-ÿ'’]{1,24}(?:-[A-ZÀ-Þ][a-zß-ÿ]{1,24})?"
                         r"|[A-ZÀ-Þ]{2,24})(?![\w@])")
_SURNAME_FIRST = re.compile(r"(?<!\w)([A-ZÀ-Þ][A-Za-zÀ-ÿ'’-]{1,24}), "
                            r"([A-ZÀ-Þ][A-Za-zÀ-ÿ'’]{1,20})(?: [A-Z]\.?)?(?!\w)")
_TWO_WORDS = re.compile(r"[^\W\d_]{2,24}(?:(?: |\. |['’-])[^\W\d_]{1,24}){1,3}")


def _names(text, hinted, region):
    yield from _han_names(text, hinted)
    given, no_surname = _words("latin_given"), _words("latin_no_surname")
    for match in _LATIN_NAME.finditer(text):
        first, last = _fold(match[1]), _fold(match[2])
        if last not in no_surname and (first in given or _is_pinyin_name(first, last)):
            yield *match.span(), "shape"
    for match in _SURNAME_FIRST.finditer(text):
        if _fold(match[2]) in given and _fold(match[1]) not in no_surname:
            yield *match.span(), "shape"
    if match := _TWO_WORDS.fullmatch(text):
        words = [_fold(w) for w in re.split(r"[ .-]+", text) if w]
        if not set(words) & no_surname and (hinted or (text.islower() and words[0] in given)):
            yield *match.span(), "shape"


def _han_names(text, hinted):
    cell = text.strip()
    if _HAN_CELL.fullmatch(cell) and ("·" in cell or hinted or _is_han_name(cell)):
        yield 0, len(text), "shape"
        return
    for match in _HAN_CONTEXT.finditer(text):
        group = 1 if match[1] else 2
        if _is_han_name(match[group], sure=group == 1):
            yield *match.span(group), "shape"


def _is_han_name(word, sure=False):
    single, double, given, common = _han()
    if word in common or len(word) < 2:
        return False
    size = 2 if word[:2] in double and len(word) > 2 else 1
    if size == 1 and (word[0] not in single or len(word) > 3):
        return False
    return sure or any(c in given for c in word[size:])


_SYLLABLE = r"(?:[bpmfdtnlgkhjqxrzcsyw]|zh|ch|sh)?"
_SYLLABLE += r"(?:[aeiou]|ai|ei|ao|ou|an|en|in|un|ang|eng|ing|ong|ia|ie|iu|ian|iang|iao|iong|ua|uo|ui|uai|uan|uang|ue)"
_PINYIN = re.compile(rf"(?:{_SYLLABLE}){{1,2}}")


def _is_pinyin_name(first, last):
    surnames = _words("pinyin_surnames")
    return (first in surnames and _PINYIN.fullmatch(last) is not None) or (
        last in surnames and _PINYIN.fullmatch(first) is not None)


def _fold(word):
    plain = unicodedata.normalize("NFD", word.lower())
    return "".join(c for c in plain if not unicodedata.combining(c) and c not in "'’")


# --- pictures and templates ------------------------------------------------------------------------------------------

_IMAGE_URL = re.compile(r"(?:(?:https?|s3|oss|ftp|minio|hdfs|file)://[^\s\"'<>]{1,2000}?"
                        r"|(?<![\w/])[\w./\\-]{0,300}?[/\\][^\s\"'<>/\\]{1,200}?)"
                        r"\.(?:jpe?g|png|gif|webp|bmp|heic|tiff?)(?![A-Za-z0-9])", re.IGNORECASE)


def _image_urls(text, hinted, region):
    for match in _IMAGE_URL.finditer(text):
        yield *match.span(), "shape"


_BASE64 = re.compile(r"(?<![A-Za-z0-9+/_=-])[A-Za-z0-9+/_-]{170,}={0,2}(?![A-Za-z0-9+/=])")
_MAGIC = (b"\xff\xd8\xff", b"\x89PNG", b"GIF8", b"RIFF", b"BM", b"II*\0", b"MM\0*")


def _pictures(text, hinted, region):
    for match, data in _decoded(text):
        if data.startswith(_MAGIC):
            yield *match.span(), "shape"


_NUMBER = r"-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?"
_VECTOR = re.compile(rf"\[?\s*{_NUMBER}(?:[,; ]\s*{_NUMBER}){{63,4095}}\s*\]?")


def _templates(text, hinted, region):
    for match in _VECTOR.finditer(text):
        numbers = [float(n) for n in re.findall(_NUMBER, match[0])]
        if is_template(numbers):
            yield *match.span(), "shape"
    for match, data in _decoded(text):
        if not data.startswith(_MAGIC) and _is_packed_vector(data):
            yield *match.span(), "shape"


def is_template(numbers):
    """Whether a row of numbers looks like the vector that a face recogniser compares, not like measurements.

    Of 64 to 4,096 numbers: fractions of both signs or of length one; or bytes, in a multiple of 32.

    >>> is_template([0.125, -0.125] * 32), is_template([0.5, 1.5] * 48)
    (True, False)
    """
    if len(numbers) not in VECTOR_LENGTHS or not all(math.isfinite(n) for n in numbers) or len(set(numbers)) < 2:
        return False
    if all(n == int(n) for n in numbers):
        return len(numbers) % 32 == 0 and all(-128 <= n <= 255 for n in numbers) and len(set(numbers)) > 16
    negative = sum(n < 0 for n in numbers) / len(numbers)
    length = math.sqrt(sum(n * n for n in numbers))
    return max(map(abs, numbers)) < 100 and (0.1 <= negative <= 0.9 or 0.98 <= length <= 1.02)


def _decoded(text):
    for match in _BASE64.finditer(text):
        letters = match[0].rstrip("=").replace("-", "+").replace("_", "/")
        try:
            if re.fullmatch(r"[0-9A-Fa-f]+", letters):
                yield match, bytes.fromhex(letters[: len(letters) // 2 * 2])
            else:
                yield match, base64.b64decode(letters[: len(letters) // 4 * 4])
        except (binascii.Error, ValueError):
            continue


def _is_packed_vector(data):
    """Floats of 4 or 8 bytes that pass for a template, or 128 to 4,096 bytes that are no text."""
    for size, letter in ((4, "f"), (8, "d")):
        whole, rest = divmod(len(data), size)
        numbers = struct.unpack(f"<{whole}{letter}", data[: whole * size])
        if rest < 3 and is_template(numbers):
            return True
    printable = sum(32 <= byte < 127 or byte in b"\t\n\r" for byte in data) / len(data)
    return 126 <= len(data) <= 4096 and printable < 0.7 and len(data) % 32 in (0, 31, 30)


_OWN = re.compile(r"(?<![A-Za-z0-9_])[pdvh]_[a-z2-7]{12}(?![A-Za-z0-9_])")


def _pseudonyms(text, hinted, region):
    for match in _OWN.finditer(text):
        yield *match.span(), "behaves"


KINDS = (
    Kind("resident_id", r"\d{15}", _resident_ids, r"id_?(no|num|card)|身份证|证件"),
    Kind("imei", r"\d{15}|\d{6}-\d{6}-\d", _imeis, r"imei|meid"),
    Kind("bank_card", r"\d{13}|\d{4}[ -]\d{4}[ -]\d{4}|3\d{3}[ -]\d{6}", _cards, r"card|卡号|iban|pan$"),
    Kind("imsi", r"[2-7]\d{14}", _imsis, r"imsi"),
    Kind("mac", r"[0-9A-Fa-f]{2}[:-][0-9A-Fa-f]{2}[:-][0-9A-Fa-f]{2}[:-]|[0-9A-Fa-f]{4}\.[0-9A-Fa-f]{4}\.", _macs,
         r"\bmac|_mac|bssid|wifi", r"[0-9A-Fa-f]{12}"),
    Kind("email", r"@[A-Za-z0-9-]+\.", _mails),
    Kind("phone", r"\+[( ]?\d|\b0\d{1,3}[ )-]*\d{3}|1[3-9]\d{9}|\(\d{2,4}\) ?\d|\d{3}-\d{3}-\d{4}"
                  r"|\d{3} \d{3,4} \d{4}|\d{4} \d{3} \d{3}|1[3-9]\d[ -]\d{4}[ -]\d{4}",
         _phones, r"phone|mobile|tel\b|tel_|手机|电话|cell_?no|msisdn", r"\d[ ()\d-]{5,}\d"),
    Kind("ip", r"\d\.\d{1,3}\.\d{1,3}\.\d|[0-9A-Fa-f]{1,4}:[0-9A-Fa-f]{0,4}:[0-9A-Fa-f]{0,4}", _ips,
         r"\bip|_ip|addr4|remote"),
    Kind("plate", rf"[{_PROVINCES}][A-HJ-NP-Z]|[A-Z]{{2}}-\d{{3}}-|[A-Z]{{2}}\d{{2}} [A-Z]{{3}}"
                  r"|[A-ZÄÖÜ]{1,3}-[A-Z]{1,2} \d",
         _plates, r"plate|licen[cs]e|车牌|vehicle_?no|hphm", r"\d"),
    Kind("passport", r"[A-Z<]{2}\d{7}|[A-Z]\d{7}|\d{2}[A-Z]{2}\d{5}|[A-Z]{3}\d{6}|[CFGHJK][0-9A-Z]{7}\d"
                     r"|P[A-Z<][A-Z<]{3}[A-Z]+<|\d<|(?i:passport|护照|passeport|pasaporte|reisepass)",
         _passports, r"passport|护照|travel_?doc", r"\d{8}"),
    Kind("image_url", r"(?i)\.(jpe?g|png|gif|webp|bmp|heic|tiff?)", _image_urls),
    Kind("image_data", r"[A-Za-z0-9+/_-]{170}", _pictures),
    Kind("face_template", r"[A-Za-z0-9+/_-]{170}|(-?\d[\d.eE+-]*[,; ]\s*){40}", _templates),
    Kind("address", r"[路街巷弄村里区苑同道园栋幢座楼].{0,8}\d|\d[栋幢座号]"
                    r"|[省市区].{0,12}[市区县旗].{0,20}[路街巷弄村镇乡区同]"
                    rf"|(?i)\d.{{1,80}}\b{_STREET}\b"
                    r"|(straße|strasse|str\.|weg|gasse|platz|allee|straat|laan|gatan|vägen) \d"
                    r"|\d.{0,6} (rue|avenue|boulevard|place|allée|chemin|impasse|quai) "
                    r"|(calle|avenida|avda\.|plaza|paseo|rua|via|viale|piazza|corso) .{1,80}\d",
         _addresses, r"addr|地址|住址"),
    Kind("name", r"^\s*[一-鿿·•‧・]{2,16}\s*$|姓名|名字|联系人|户主|业主|居民|当事人|被访人|申请人|嫌疑人|患者|学生"
                 r"|司机|叫|先生|女士|同志|师傅|\p{Lu}\p{L}[\p{L}'’.-]*,? .{0,12}\p{Lu}\p{L}|^\p{Ll}{2,} \p{Ll}{2,}",
         _names, r"^(full_?|given_?|first_?|last_?|sur|family_?|person_?|real_?|user_?|nick_?)?name$|姓名|户主|联系人"
                 r"|nombre$|^nom$|owner", r"\p{L}{2}"),
    Kind("pseudonym", r"[pdvh]_[a-z2-7]{12}", _pseudonyms),
)
