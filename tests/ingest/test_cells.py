"""Tables are scanned by column: where an identifier stands is said by table and column, and none is missed."""

import io
import sqlite3
import zipfile

import pyarrow as pa
import pytest

from kit.ingest import scan

MAC = "02:00:5e:00:00:{:02x}"
MACS = [MAC.format(i) for i in range(20)]


def places(folder, kind="mac"):
    found = scan(folder)
    return dict(found[found["kind"] == kind][["place", "count"]].itertuples(index=False))


@pytest.mark.parametrize("make", [pa.ipc.new_file, pa.ipc.new_stream])
def test_arrow(tmp_path, make):
    table = pa.table({"when": list(range(20)), "who": MACS})
    with make(str(tmp_path / "seen.arrow"), table.schema) as writer:
        writer.write_table(table)
    assert places(tmp_path) == {"who": 20}


def database(path, *statements):
    con = sqlite3.connect(path)
    con.executescript(";".join(statements))
    return con


def test_sqlite_and_what_was_deleted_from_it(tmp_path):
    con = database(tmp_path / "seen.db", "pragma page_size = 512", "pragma secure_delete = off",
                   "create table seen (at, who)", "create table gone (note)")
    con.executemany("insert into seen values (?, ?)", enumerate(MACS))
    con.executemany("insert into gone values (?)", [(f"by {MAC.format(100 + i)} " + "-" * 90,) for i in range(40)])
    con.commit()
    con.execute("drop table gone")
    con.commit()
    con.close()
    found = places(tmp_path)
    assert found["seen.who"] == 20
    assert found["(deleted)"] > 0
    assert set(found) == {"seen.who", "(deleted)"}


def test_the_points_of_a_geopackage_are_no_identifiers(tmp_path):
    con = database(tmp_path / "seen.gpkg", "create table gpkg_geometry_columns (table_name, column_name, srs_id)",
                   "insert into gpkg_geometry_columns values ('seen', 'geom', 4326)", "create table seen (who, geom)")
    con.executemany("insert into seen values (?, ?)", [(mac, b"GP\0" + bytes(26)) for mac in MACS])
    con.execute("insert into seen values (null, ?)", (MAC.format(99).encode(),))
    con.commit()
    con.close()
    assert places(tmp_path) == {"seen.who": 20, "seen.geom": 1}


def test_a_damaged_table_is_unread_and_its_bytes_are_looked_at(tmp_path):
    table, made = pa.table({"who": [f"it is {mac} here " for mac in MACS]}), io.BytesIO()
    with pa.ipc.new_file(made, table.schema) as writer:
        writer.write_table(table)
    (tmp_path / "seen.arrow").write_bytes(made.getvalue()[:-40])
    found = scan(tmp_path)
    assert "unread" in set(found["kind"])
    assert "mac" in set(found["kind"])


def test_excel_by_sheet_and_column_and_the_words_beside(tmp_path):
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    links = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    rows = "".join(f'<row><c><v>{i}</v></c><c t="inlineStr"><is><t>{text}</t></is></c></row>'
                   for i, text in enumerate(MACS))
    head = "".join(f'<c t="inlineStr"><is><t>{text}</t></is></c>' for text in ("when", "who"))
    with zipfile.ZipFile(tmp_path / "seen.xlsx", "w") as book:
        book.writestr("xl/workbook.xml", f'<workbook xmlns="{main}" xmlns:r="{links}"><sheets><sheet name="Gate" '
                                         'sheetId="1" r:id="r1"/></sheets></workbook>')
        book.writestr("xl/_rels/workbook.xml.rels",
                      '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
                      '<Relationship Id="r1" Target="worksheets/sheet1.xml"/></Relationships>')
        book.writestr("xl/worksheets/sheet1.xml",
                      f'<worksheet xmlns="{main}"><sheetData><row>{head}</row>{rows}</sheetData></worksheet>')
        book.writestr("xl/comments1.xml", f"<comments><t>ask {MAC.format(77)}</t></comments>")
    assert places(tmp_path) == {"Gate.who": 20, "(comments)": 1}
