"""The report as a page: all its numbers are there, nothing from a dump can act in it, and it needs nothing else."""

import re
from html.parser import HTMLParser

import pytest

from kit import ingest
from kit.ingest import DEMO_KEY
from kit.ingest.report import IngestReport, SourceReport

EVIL = '<script>alert(1)</script>"\'&\u202egnp.exe\u200b\x07'
ALLOWED = {"html", "head", "meta", "title", "style", "body", "main", "section", "h1", "h2", "h3", "p", "b", "i", "bdi",
           "span", "br", "code", "div", "dl", "dt", "dd", "table", "thead", "tbody", "tr", "th", "td"}


class Seen(HTMLParser):
    """The tags of a page, what their attributes say, and its text."""

    def __init__(self, page):
        super().__init__()
        self.tags, self.attributes, self.texts = [], [], []
        self.feed(page)
        self.text = re.sub(r"\s+", " ", " ".join(self.texts))

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [(tag, *attribute) for attribute in attrs]

    def handle_data(self, data):
        self.texts.append(data)


def hostile():
    """A report in which every text that a dump or its sender could choose is an attack, and those texts."""
    texts = []

    def evil():
        texts.append(f"{EVIL}{len(texts)}.")
        return texts[-1]

    source = SourceReport(evil(), [evil()], [evil()], 3, 2, 1, {evil(): 1}, notes={evil(): 1}, dropped_fields=[evil()],
                          fields_not_in_recipe=[evil()], first_time=evil(), last_time=evil(),
                          tallies={evil(): {"people_by_value": {evil(): 10}, "values_withheld": 2, "people": None}})
    report = IngestReport(evil(), evil(), False, evil(), evil(), [source],
                          [{"file": evil(), "bytes": 1, "sha256": evil(), "source": evil()}], [evil()], {evil(): 1},
                          {evil(): 1}, {evil(): evil()})
    return report.to_html(), texts


def test_no_text_of_a_dump_acts_or_hides():
    page, texts = hostile()
    seen = Seen(page)
    assert set(seen.tags) == ALLOWED
    assert {(tag, name) for tag, name, _ in seen.attributes} <= {
        ("html", "lang"), *(("meta", n) for n in ("charset", "name", "content", "http-equiv")),
        *((tag, "class") for tag in ("p", "code", "tr", "th", "td", "div"))}
    assert not re.search("[\u202a-\u202e\u2066-\u2069\u200b\x07]", page)
    shown = [t.replace("\u202e", "[U+202E]").replace("\u200b", "[U+200B]").replace("\x07", "[U+0007]") for t in texts]
    assert [t for t in shown if t not in seen.text] == []


def test_it_stands_alone():
    page, _ = hostile()
    assert "default-src 'none'" in page
    assert not re.search(r"url\(|@import|expression\(", page[page.index("<style>") : page.index("</style>")])


def test_the_numbers_of_a_dump_are_on_its_page(register, tmp_path):
    report = ingest.sanitize(register, "register", DEMO_KEY, tmp_path / "out")
    page = (tmp_path / "out" / "report.html").read_text("utf-8")
    assert page == report.to_html()
    text = Seen(page).text
    assert "17 records in = 14 kept + 3 quarantined" in text
    for expected in (*(i["sha256"] for i in report.inputs), report.recipe_sha256, "not valid JSON", "trackers.jsonl",
                     "2031-03-11 16:00:00.000 to 2031-03-12 09:00:00.000 (UTC)", "Etc/GMT-8",
                     "records on 1 of 1 day from the first to the last (100.0 %)"):
        assert expected in text


@pytest.mark.parametrize(("n", "whole", "said"), [
    (0, 3, "0.0 %"), (1, 3, "33.3 %"), (1, 100_000, "under 0.1 %"), (99_999, 100_000, "over 99.9 %"),
    (3, 3, "100.0 %")])
def test_a_share_never_rounds_something_to_nothing(n, whole, said):
    source = SourceReport("s", ["fixes"], [], whole, whole - n, n)
    assert said in IngestReport("r", "", True, "demo", "UTC", [source], [], [], {}, {}, {}).to_html()


def test_fifty_thousand_names_do_not_make_a_page_of_them():
    source = SourceReport("s", ["fixes"], fields_not_in_recipe=[f"f{i}" for i in range(50_000)])
    page = IngestReport("r", "", True, "demo", "UTC", [source], [], [], {}, {}, {}).to_html()
    assert "and 49,800 more, listed in" in Seen(page).text
    assert len(page) < 30_000


def test_coverage_counts_days_on_the_clock_of_the_dump(raw, tmp_path):
    passages = "\n".join(raw.passage(1, f'{{"$date":"2031-03-{when}Z"}}') for when in
                         ("12T15:59:59", "12T16:00:00", "15T15:00:00"))  # the 12th, the 13th and the 15th at UTC+8
    dump = raw.lay_out(tmp_path / "dump", {**raw.REGISTER, "passages.jsonl": passages})
    report = ingest.sanitize(dump, "register", DEMO_KEY, tmp_path / "out")
    source = report.source("passages")
    assert (source.days_in_span, source.days_with_records) == (4, 3)
    assert (report.source("trackers").days_in_span, report.source("trackers").days_with_records) == (None, None)


def test_coverage_of_dates(raw, tmp_path):
    days = "".join(f"SYN-H-0000001,2031-03-{day},7.44\n" for day in ("04", "06", "06"))
    dump = raw.lay_out(tmp_path / "dump", {**raw.FUSION, "meter.csv": "household_no,date,kwh\n" + days})
    report = ingest.sanitize(dump, "fusion", DEMO_KEY, tmp_path / "out")
    meters = next(s for s in report.sources if s.files == ["meter.csv"])
    assert (meters.days_in_span, meters.days_with_records) == (3, 2)
