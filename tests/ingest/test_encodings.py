import codecs

import pytest

from kit.errors import InputError
from kit.ingest import encodings

ROWS = "who,where\n北京的张,甲\n上海的李,乙\n,丙\n"


@pytest.fixture
def csv(forms):
    return forms.source("csv", "who", "where")


@pytest.mark.parametrize(("encoding", "bom"), [
    ("utf-8", b""), ("utf-8", codecs.BOM_UTF8), ("utf-16-le", codecs.BOM_UTF16_LE), ("utf-16-be", codecs.BOM_UTF16_BE),
    ("gb18030", b""), ("gb18030", b"\x84\x31\x95\x33")])
@pytest.mark.parametrize("block_bytes", [7, 16, 1 << 20])
def test_the_same_rows_in_any_encoding_each_at_its_byte(forms, csv, tmp_path, encoding, bom, block_bytes):
    (tmp_path / "a.csv").write_bytes(bom + ROWS.encode(encoding))
    stated = forms.source("csv", "who", "where", encoding=encoding) if block_bytes < 1000 else csv
    got = forms.read(tmp_path / "a.csv", stated, block_bytes)
    assert got.texts == {"who": ["北京的张", "上海的李", None], "where": ["甲", "乙", "丙"]}
    lines = ROWS.splitlines(keepends=True)
    starts = [len(bom) + len("".join(lines[:i]).encode(encoding)) for i in (1, 2, 3)]
    assert got.places == [(2, starts[0]), (3, starts[1]), (4, starts[2])]
    assert got.broken == []


def test_utf16_without_a_mark_is_told_by_its_zeros(forms, csv, tmp_path):
    text = "who,where\nalice,one\nbob,two\n"
    for encoding in ("utf-16-le", "utf-16-be"):
        (tmp_path / "a.csv").write_bytes(text.encode(encoding))
        assert forms.read(tmp_path / "a.csv", csv).texts["who"] == ["alice", "bob"]


def test_one_line_in_no_encoding_is_broken_and_the_rest_is_read(forms, csv, tmp_path):
    good, bad = "who,where\n北京,甲\n", b"\xff\xff,1\n"
    for encoding, name in (("utf-8", "UTF-8"), ("gb18030", "GB18030")):
        data = good.encode(encoding) + bad + "上海,乙\n".encode(encoding)
        (tmp_path / "a.csv").write_bytes(data)
        got = forms.read(tmp_path / "a.csv", csv)
        assert got.texts["who"] == ["北京", "上海"]
        assert got.broken == [(3, len(good.encode(encoding)), f"not {name}")]


def test_half_a_letter_at_the_end_of_utf16_is_broken(forms, csv, tmp_path):
    (tmp_path / "a.csv").write_bytes("who,where\na,b\nc,d".encode("utf-16") + b"\x41")
    got = forms.read(tmp_path / "a.csv", csv)
    assert (got.texts["who"], got.broken) == (["a"], [(3, 30, "not UTF-16-LE")])


def test_chinese_letters_far_below_the_head_are_still_told(forms, csv, tmp_path):
    data = b"who,where\n" + b"a,b\n" * 40_000 + "北京的人,甲地\n上海的人,乙地\n".encode("gb18030")
    (tmp_path / "a.csv").write_bytes(data)
    got = forms.read(tmp_path / "a.csv", csv, 1 << 16)
    assert got.texts["who"][-2:] == ["北京的人", "上海的人"]
    assert got.count == 40_002


def test_western_letters_are_not_taken_for_chinese(forms, csv, tmp_path):
    (tmp_path / "a.csv").write_bytes("who,where\nAndré,Zürich\nJosé,Köln\n".encode("latin-1"))
    assert [reason for *_, reason in forms.read(tmp_path / "a.csv", csv).broken] == ["not UTF-8", "not UTF-8"]
    stated = forms.source("csv", "who", "where", encoding="latin-1")
    assert forms.read(tmp_path / "a.csv", stated).texts["who"] == ["André", "José"]


def test_mojibake_is_counted_by_lines(forms, csv, tmp_path):
    garbled = "北京".encode().decode("latin-1")
    rows = ["who,where", f"{garbled},{garbled}", "北京,x", "锟斤拷,x", "Ã©tÃ©,x", "été,x", "\ufffd,x"]
    (tmp_path / "a.csv").write_text("\n".join(rows), encoding="utf-8")
    assert forms.read(tmp_path / "a.csv", csv).notes == {encodings._MOJIBAKE_NOTE: 4}


def test_what_is_not_read_is_refused():
    with pytest.raises(InputError, match="in UTF-32"):
        encodings.detect("who,where".encode("utf-32"))
    with pytest.raises(InputError, match="is in klingon; known are utf-16, utf-8"):
        encodings.detect(b"", "klingon", "a.csv")


def test_a_json_array_in_another_encoding_is_read(forms, csv, tmp_path):
    for encoding in ("utf-16", "gb18030"):
        (tmp_path / "a.json").write_bytes('[{"who":"北京的人"},{"who":"上海的人, ]"}]'.encode(encoding))
        got = forms.read(tmp_path / "a.json", forms.source("ndjson", "who"))
        assert got.texts["who"] == ["北京的人", "上海的人, ]"]
