import io
import zipfile
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kit.errors import InputError, KitError
from kit.ingest import excel_in, opening

MAIN = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
LINKS = 'xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"'
RELATIONS = "http://schemas.openxmlformats.org/package/2006/relationships"
STYLES = (f'<styleSheet {MAIN}><numFmts><numFmt numFmtId="164" formatCode="yyyy\\-mm\\-dd\\ hh:mm"/></numFmts>'
          '<cellStyleXfs><xf numFmtId="14"/></cellStyleXfs>'
          '<cellXfs><xf numFmtId="0"/><xf numFmtId="164"/><xf numFmtId="22"/></cellXfs></styleSheet>')
TEXTS = f'<sst {MAIN}><si><t>who</t></si><si><r><t>北</t></r><r><t>京</t></r><rPh><t>no</t></rPh></si></sst>'
ROWS = ('<row r="2"><c r="A2" t="inlineStr"><is><t>A list</t></is></c></row>'
        '<row r="4"><c r="A4" t="s"><v>0</v></c><c r="B4" t="str"><v>at</v></c><c r="D4" t="str"><v>n</v></c></row>'
        '<row r="5"><c r="A5" t="s"><v>1</v></c><c r="B5" s="1"><v>45992.320243055560</v></c>'
        '<c r="D5"><f>1+1</f><v>2</v></c></row>'
        '<row r="6"/>'
        '<row r="7"><c r="A7" t="b"><v>1</v></c><c r="B7" s="2"><v>45992</v></c><c r="D7"><f>NOW()</f></c>'
        '<c r="F7"><v>9</v></c></row>'
        '<row><c><v>1.28E+10</v></c><c t="e"><v>#DIV/0!</v></c><c/><c><v>123456789012345680</v></c></row>')


def workbook(*sheets, texts=TEXTS, styles=STYLES, about="", **more):
    """The bytes of a workbook whose sheets have these rows."""
    names = range(1, len(sheets) + 1)
    members = {
        "xl/workbook.xml": f"<workbook {MAIN} {LINKS}>{about}<sheets>"
                           + "".join(f'<sheet name="S{n}" sheetId="{n}" r:id="r{n}"/>' for n in names)
                           + "</sheets></workbook>",
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{RELATIONS}">'
                                      + "".join(f'<Relationship Id="r{n}" Target="worksheets/sheet{n}.xml"/>'
                                                for n in names) + "</Relationships>",
        "xl/styles.xml": styles, "xl/sharedStrings.xml": texts,
        **{f"xl/worksheets/sheet{n}.xml": f"<worksheet {MAIN}><sheetData>{rows}</sheetData></worksheet>"
           for n, rows in zip(names, sheets, strict=True)}, **more}
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in members.items():
            if text is not None:
                archive.writestr(name, text)
    return made.getvalue()


def written(tmp_path, data, name="a.xlsx"):
    (tmp_path / name).write_bytes(data)
    return tmp_path / name


def needing(forms, *paths, **options):
    source = forms.source("excel", *paths, **options)
    return replace(source, fields=tuple(replace(f, column="subject_id") for f in source.fields))


@pytest.mark.parametrize("name", ["a.xlsx", "a", "a.zip"])
def test_cells_are_their_values_and_formulas_what_was_stored(forms, tmp_path, name):
    got = forms.read(written(tmp_path, workbook(ROWS), name), needing(forms, "who", "at", "n"))
    assert got.texts == {"who": ["北京", "true", "12800000000"], "at": ["45992.32024305556", "45992", None],
                         "n": ["2", None, "123456789012345680"]}
    assert (got.places, got.broken) == ([(5, None), (7, None), (8, None)], [])
    assert got.keys == {"who", "at", "n", "column_6", "person", "file"}
    assert got.notes == {
        "a row above the header": 1, 'a date as Excel\'s number in at: unit = "excel" reads it': 2,
        "a formula without its value in n": 1, "an error instead of a value in at": 1,
        "a number of more than 15 digits in n, of which Excel keeps 15": 1}


def test_the_year_from_which_old_macs_count_is_said(forms, tmp_path):
    path = written(tmp_path, workbook(ROWS, about='<workbookPr date1904="1"/>'))
    assert forms.read(path, needing(forms, "at")).notes['a date as Excel\'s number in at: unit = "excel1904" reads it']


def test_a_header_can_be_given_or_be_none(forms, tmp_path):
    path = written(tmp_path, workbook('<row><c><v>1</v></c><c><v>2</v></c></row>'))
    assert forms.read(path, forms.source("excel", "b", header=("a", "b"))).texts == {"b": ["2"]}
    assert forms.read(path, forms.source("excel", "column_2", header=False)).texts == {"column_2": ["2"]}


def test_it_must_be_plain_which_sheet_is_meant(forms, tmp_path):
    other = '<row><c t="str"><v>x</v></c></row>'
    got = forms.read(written(tmp_path, workbook(other, ROWS, "")), needing(forms, "who"))
    assert (len(got.places), got.notes["another sheet of the workbook, not read"]) == (3, 1)
    for sheets, count in (((ROWS, ROWS), 2), ((other,), 0)):
        with pytest.raises(InputError, match=f"a.xlsx has {count} sheets with the columns who in their first rows"):
            forms.read(written(tmp_path, workbook(*sheets)), needing(forms, "who"))
    twice = '<row><c t="str"><v>x</v></c><c t="str"><v> x </v></c></row>'
    with pytest.raises(InputError, match=r"^A sheet of a.xlsx has two columns of one name"):
        forms.read(written(tmp_path, workbook(twice)), needing(forms, "x"))


HEAD = '<row><c t="str"><v>a</v></c></row>'
FAULTS = {
    '<row r="7"><c r="A7" t="s"><v>99</v></c></row>': "a text that the workbook lacks",
    '<row r="7"><c r="A7"><v>1</v></c><c r="A7"><v>2</v></c></row>': "one cell twice, so which is meant is unknown",
    '<row r="7"><c r="ZZZ7"><v>1</v></c></row>': "a cell beyond the last column that Excel has, the 16,384th",
}


@pytest.mark.parametrize("bad", FAULTS)
def test_rows_that_cannot_be(forms, tmp_path, bad):
    got = forms.read(written(tmp_path, workbook(HEAD + bad + "<row><c><v>3</v></c></row>")), needing(forms, "a"))
    assert (got.texts, got.broken) == ({"a": ["3"]}, [(7, None, FAULTS[bad])])


ROW = "<row><c><v>3</v></c></row>"
BREAKS = {"cut": (HEAD + ROW + "<row></sheetData", "no XML from here on"),
          "deep": (HEAD + ROW + "<a>" * 10_000, "nested more than 100 deep")}


@pytest.mark.parametrize("name", BREAKS)
def test_a_sheet_that_breaks_off_keeps_the_rows_before(forms, tmp_path, name):
    rows, reason = BREAKS[name]
    got = forms.read(written(tmp_path, workbook(rows)), needing(forms, "a"))
    assert got.texts == {"a": ["3"]}
    assert got.broken == [(3 - (name == "deep"), None, f"{reason}, so the rows of the sheet from here on were not "
                                                       "read")] or got.broken[0][2].startswith(reason)


def test_entities_in_any_part_are_refused(forms, tmp_path):
    bomb = '<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;&a;">]><sst><si><t>&b;</t></si></sst>'
    for path in ({"texts": bomb}, {"styles": bomb}, {"xl/worksheets/sheet1.xml": bomb}):
        with pytest.raises(InputError, match=r"^The file a.xlsx declares a document type"):
            forms.read(written(tmp_path, workbook(HEAD, **path)), needing(forms, "a"))


def test_macros_old_files_and_other_zips_are_refused(forms, tmp_path):
    plain, other = io.BytesIO(), workbook(HEAD)
    with zipfile.ZipFile(plain, "w") as archive:
        archive.writestr("a.csv", "a,b")
    refused = {workbook(HEAD, **{"xl/vbaProject.bin": "x"}): "a.xlsx holds macros",
               b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600): "a.xlsx is an Excel file of the old kind",
               plain.getvalue(): "a.xlsx is no Excel workbook", b"a,b\n1,2\n": "a.xlsx has no readable index",
               other[:200]: "a.xlsx has no readable index",
               workbook(HEAD, **{"xl/_rels/workbook.xml.rels": None}): "a.xlsx cannot be read as Excel",
               workbook(HEAD, **{"../x": "y"}): "a.xlsx holds a file whose name leads out"}
    for data, sentence in refused.items():
        with pytest.raises(InputError, match=sentence):
            forms.read(written(tmp_path, data), needing(forms, "a"))


def test_a_workbook_that_is_a_bomb_is_refused(forms, tmp_path, monkeypatch):
    monkeypatch.setattr(opening, "RATIO_COUNTS_FROM", 1 << 20)
    path = written(tmp_path, workbook(HEAD + " " * (8 << 20)))
    with pytest.raises(InputError, match=r"^The file a.xlsx grows more than 300 times when unpacked"):
        forms.read(path, needing(forms, "a"))


def test_more_text_than_a_workbook_has_is_refused(forms, tmp_path, monkeypatch):
    monkeypatch.setattr(excel_in, "MAX_TEXT_LETTERS", 3)
    with pytest.raises(InputError, match=r"^The file a.xlsx holds more than 0 million letters of text"):
        forms.read(written(tmp_path, workbook(HEAD)), needing(forms, "a"))


def test_no_bytes_crash_the_reader_and_none_are_unaccounted(forms, tmp_path_factory):
    folder, source = tmp_path_factory.mktemp("junk"), needing(forms, "who")
    whole = ROWS.encode()
    pieces = st.sampled_from(["<row>", "</row>", "<c>", "</c>", '<c t="s">', "<v>", "</v>", "1", "<f/>", "&x;", "\0"])

    @settings(max_examples=2000, derandomize=True, deadline=None, database=None)
    @given(st.booleans(), st.lists(st.tuples(st.integers(0), st.integers(0, 255)), max_size=3), st.lists(pieces))
    def holds(inside, bites, junk):
        rows = whole + "".join(junk).encode()
        data = bytearray(rows if inside else workbook(ROWS))
        for at, byte in bites:
            data[at % len(data)] = byte
        if inside:
            sheet = b"<worksheet><sheetData>" + bytes(data) + b"</sheetData></worksheet>"
            data = workbook("", **{"xl/worksheets/sheet1.xml": sheet})
        try:
            got = forms.read(written(folder, bytes(data)), source)
        except KitError:
            return
        assert got.count == len(got.places) + len(got.broken) > 0

    holds()
