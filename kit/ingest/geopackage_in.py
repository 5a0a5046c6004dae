"""GeoPackage: a table of features in a SQLite file, each feature's point as `lon` and `lat`.

A geometry is a short head, which says where it ends, and then well-known binary; only points are read out of it.
"""

import math
import sqlite3
import struct
from collections import Counter
from functools import partial

import numpy as np
import pyarrow as pa

from kit.errors import InputError
from kit.ingest import tables_in
from kit.ingest.recipe import Source
from kit.ingest.tables_in import BATCH_ROWS, Batch, binary_text, quoted

OTHERS = ("sqlite_", "gpkg_", "rtree_")
WGS84 = 4326
NO_POINT = "a geometry that is no point"
_UNDEFINED = (0, -1)
_ENVELOPES = (0, 32, 48, 48, 64)
_HEAD = struct.Struct("<2sBB")
_LONGEST_POINT = 8 + 64 + 5 + 4 * 8


def read_geopackage(part, source, digest, block_bytes, records_of):
    """Rows of the one table of a GeoPackage that has all columns the recipe makes something of.

    Fields are the table's columns, but for its geometry, and in place of that `lon` and `lat`: null where there is no
    geometry or one that is no point, which a note counts. A table in another reference system than WGS 84 is refused,
    unless the recipe says which it is (`crs`).
    """
    names = [f.path for f in source.read]
    needed = {f.path for f in source.fields if f.column}
    damaged = InputError(f"The file {part.name} cannot be read as GeoPackage, so it is damaged or cut short; get a "
                         "whole copy.")
    con = tables_in.open_sqlite(part)
    try:
        tables, geometries = layout(con)
        table, keys = tables_in.table_with(tables, needed, part.name)
        geometry, system = geometries.get(table, (None, None))
        if geometry is not None and {"lon", "lat"} & set(names):
            _check_system(con, system, source, part.name)
        plain = [name for name in names if name in keys and (geometry is None or name not in ("lon", "lat"))]
        for rows, batch, blobs in _batches(con, table, plain, names, geometry):
            yield Batch(batch, rows + 1), partial(_parse, batch, blobs, system, names, keys, records_of)
    except (sqlite3.Error, UnicodeError):  # a name in a damaged schema may be no text
        raise damaged from None
    finally:
        con.close()


def layout(con):
    """The fields of each table that holds data, and of those with a geometry (its column, its reference system)."""
    tables, geometries = tables_in.columns_of(con, OTHERS), {}
    named = {(table.lower(), column.lower()): (table, column) for table, columns in tables.items()
             for column in columns}
    for table, column, system in con.execute("select table_name, column_name, srs_id from gpkg_geometry_columns"):
        found = named.get((str(table).lower(), str(column).lower()))
        if found:
            geometries[found[0]] = found[1], system
    for table, (geometry, _) in geometries.items():
        tables[table] = [c for c in tables[table] if c not in (geometry, "lon", "lat")] + ["lon", "lat"]
    return tables, geometries


def point_of(blob, system=WGS84):
    """Longitude and latitude of a geometry, as texts.

    Parameters
    ----------
    blob : bytes
        As a GeoPackage has it; of a geometry that is no point its first hundred bytes are enough.
    system : int
        The reference system that its table has; 0 and -1 for one that is not defined.

    Returns
    -------
    (str or None, str or None, bool)
        None twice where there is no point in it; and whether it is another kind of geometry.

    Raises
    ------
    ValueError
        Says what is wrong with it.

    >>> point_of(b"GP" + struct.pack("<BBiBIdd", 0, 1, 4326, 1, 1, -123.39, -48.88))
    ('-123.39', '-48.88', False)
    """
    if not isinstance(blob, bytes) or len(blob) < 8:
        raise ValueError("no geometry where one belongs")
    magic, version, flags = _HEAD.unpack_from(blob)
    envelope = flags >> 1 & 7
    if magic != b"GP" or version or envelope >= len(_ENVELOPES):
        raise ValueError("no geometry where one belongs")
    own = struct.unpack_from("<i" if flags & 1 else ">i", blob, 4)[0]
    if own != system and own not in _UNDEFINED and system not in _UNDEFINED:
        raise ValueError("a geometry in another reference system than its table")
    if flags & 32:  # of a kind that only its maker knows
        return None, None, True
    return _from_wkb(blob, 8 + _ENVELOPES[envelope])


def _from_wkb(blob, at):
    if len(blob) < at + 5 or blob[at] > 1:
        raise ValueError("a geometry cut short" if len(blob) < at + 5 else "no geometry where one belongs")
    order = "<" if blob[at] else ">"
    kind = struct.unpack_from(f"{order}I", blob, at + 1)[0]
    dimensions, kind = 2 + (kind // 1000 + 1) // 2, kind % 1000 if kind < 4000 else 0
    if not 1 <= kind <= 17:
        raise ValueError("no geometry where one belongs")
    if kind > 1:
        return None, None, True
    if len(blob) != at + 5 + 8 * dimensions:
        raise ValueError("a point that is not as long as it says")
    lon, lat = struct.unpack_from(f"{order}dd", blob, at + 5)
    return (None, None, False) if math.isnan(lon) and math.isnan(lat) else (repr(lon), repr(lat), False)


def _check_system(con, system, source, name):
    """Refuse a reference system that the recipe does not know of; an undefined one of degrees is taken as WGS 84."""
    row = con.execute("select organization, organization_coordsys_id from gpkg_spatial_ref_sys where srs_id = ?",
                      (system,)).fetchone()
    is_wgs84 = system in (WGS84, 0) if row is None or system == 0 else (
        str(row[0]).upper() == "EPSG" and row[1] == WGS84)
    if not is_wgs84 and source.crs == Source.crs:
        known = f"EPSG:{row[1]}" if row and str(row[0]).upper() == "EPSG" and isinstance(row[1], int) else "EPSG:..."
        raise InputError(f"The file {name} has its points in another reference system than WGS 84; add "
                         f'crs = "{known}" to its source in the recipe.')


def _batches(con, table, plain, names, geometry):
    """How many rows came before, some rows as cells, and as much of their geometries as a point can be."""
    asked = [quoted(name) for name in plain]
    asked.append(f"substr({quoted(geometry)}, 1, {_LONGEST_POINT + 1})" if geometry else "null")
    cursor, rows = con.execute(f"select {', '.join(asked)} from {quoted(table)}"), 0
    while found := cursor.fetchmany(BATCH_ROWS):
        *columns, blobs = zip(*found, strict=True)
        cells = dict(zip(plain, columns, strict=True))
        yield rows, pa.record_batch({name: pa.array([binary_text(v) for v in cells.get(name, [None] * len(found))],
                                                    pa.binary()) for name in names}
                                    or {"": pa.nulls(len(found))}), blobs if geometry else None
        rows += len(found)


def _parse(batch, blobs, system, names, keys, records_of):
    records = tables_in.parse_cells(batch, names, keys, records_of)
    if blobs is None:
        return records
    points, broken, notes = {}, list(records.broken), Counter()
    for row in records.rows.tolist():
        try:
            lon, lat, other = (None, None, False) if blobs[row] is None else point_of(blobs[row], system)
        except ValueError as wrong:
            broken.append((row, str(wrong)))
        else:
            points[row] = lon, lat
            notes[NO_POINT] += other
    good = pa.array([row in points for row in records.rows.tolist()], pa.bool_())
    texts = {name: column.filter(good) for name, column in records.texts.items()}
    for axis, name in enumerate(("lon", "lat")):
        if name in names:
            texts[name] = pa.array([point[axis] for point in points.values()], pa.string())
    return records_of(np.array(list(points), np.int64), texts, records.count, sorted(broken), set(keys), +notes)
