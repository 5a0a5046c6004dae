"""The report of an ingest as a page for reading and printing: one file, no script, nothing from the network.

Whatever came from data is escaped, and marks that would turn or hide text are written out as what they are.
"""

import html
import re
import unicodedata

MOST_NAMES = 200
_UNSEEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


def render(report):
    """An IngestReport as an HTML page.

    Parameters
    ----------
    report : kit.ingest.report.IngestReport

    Returns
    -------
    str
        The same report gives the same text. Counts are records unless a table says otherwise.

    >>> from kit.ingest.report import IngestReport, SourceReport
    >>> seen = SourceReport("seen <1>", ["sightings"], ["a.csv"], rows_in=3, rows_kept=2, rows_quarantined=1)
    >>> page = render(IngestReport("r", "0" * 64, True, "demo", "Etc/UTC", [seen], [], [], {}, {}, {}))
    >>> "seen &lt;1&gt;" in page, "<script" in page
    (True, False)
    """
    body = [_opening(report), _inputs(report), _account(report), *map(_source, report.sources), _outputs(report),
            _making(report)]
    title = f"Ingest report: {visible(report.recipe)}"
    return (f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>{title}</title>\n'
            "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
            '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
            f"<style>{_CSS}</style></head>\n<body><main>\n" + "\n".join(part for part in body if part)
            + "\n</main></body></html>\n")


def visible(text):
    """Text made safe for a page: markup escaped, marks that nobody would see (bidi, zero width, control) written out.

    >>> visible("<b>\\u202egnp.exe")
    '&lt;b&gt;[U+202E]gnp.exe'
    """
    return "".join(f"[U+{ord(c):04X}]" if unicodedata.category(c) in _UNSEEN else html.escape(c) for c in str(text))


def _data(text):
    """A text that came with the dump, kept apart from the direction of what stands around it."""
    return f"<bdi>{visible(text)}</bdi>"


def _code(text):
    return f"<code>{_data(text)}</code>"


def _hash(text):
    return f'<code class="hash">{visible(text)}</code>'


def _opening(report):
    invented = ("The dump says that it is invented: no record is of a person." if report.synthetic
                else "The records are of real people or may be.")
    key = ("The pseudonyms are made with the demo key, which everybody knows." if report.key == "demo"
           else "The pseudonyms are made with a key of its own, which is in no file here.")
    return (f"<h1>Ingest report: {_data(report.recipe)}</h1>\n"
            f'<p class="sum"><b>{report.rows_in:,}</b> records in <span>=</span> <b>{report.rows_kept:,}</b> kept '
            f"<span>+</span> <b>{report.rows_quarantined:,}</b> quarantined</p>\n<p>{invented} {key} "
            "Each quarantined record has a line in <code>quarantine.jsonl</code> with its file, its place and a masked "
            "excerpt.</p>")


def _inputs(report):
    rows = [(f"{_code(i['file'])}<br>{_hash(i['sha256'])}", _data(i["source"]), f"{i['bytes']:,}")
            for i in report.inputs]
    left = [f"<p>Not read, as no source of the recipe claims them: {_names(report.files_not_read)}</p>"
            ] if report.files_not_read else []
    table = _table(("file, and its SHA-256", "source", "bytes"), rows, "ttn")
    return "\n".join(["<h2>What went in</h2>", table, *left])


def _account(report):
    rows = [(_data(s.name), f"{s.rows_in:,}", f"{s.rows_kept:,}", f"{s.rows_quarantined:,}",
             _share(s.rows_quarantined, s.rows_in)) for s in report.sources]
    rows.append(("all", f"{report.rows_in:,}", f"{report.rows_kept:,}", f"{report.rows_quarantined:,}",
                 _share(report.rows_quarantined, report.rows_in)))
    return ("<h2>Where each record went</h2>\n"
            + _table(("source", "in", "kept", "quarantined", "share quarantined"), rows, "tnnnn", summed=True))


def _source(s):
    facts = [("files", _names(s.files)), ("makes", ", ".join(map(visible, s.makes))),
             ("time span", _span(s)), ("coverage", _coverage(s)),
             ("flagged as duplicates", _of_kept(s.duplicates_flagged, s)),
             ("matched to nobody", _of_kept(s.unmatched, s)),
             ("by a sensor not described", _of_kept(s.unknown_sensor, s)),
             ("fields dropped by the recipe", _names(s.dropped_fields)),
             ("fields not in the recipe, dropped", _names(s.fields_not_in_recipe))]
    listed = "\n".join(f"<dt>{name}</dt><dd>{value}</dd>" for name, value in facts if value)
    return "\n".join(part for part in (
        f"<section><h3>Source: {_data(s.name)}</h3>\n<dl>{listed}</dl>",
        _counted("quarantined because", s.reasons, s.rows_in, "share of records in"),
        _counted("noticed", s.notes, s.rows_kept, None),
        *(_tallied(name, found) for name, found in sorted(s.tallies.items())), "</section>") if part)


def _span(s):
    if s.first_time is None:
        return ""
    zone = " (UTC)" if "T" in s.first_time else ""
    return f"{_instant(s.first_time)} to {_instant(s.last_time)}{zone}"


def _instant(text):
    return visible(re.sub(r"(\+00:00)$", "", text).replace("T", " "))


def _coverage(s):
    if s.days_in_span is None:
        return ""
    days = "day" if s.days_in_span == 1 else "days"
    return (f"records on {s.days_with_records:,} of {s.days_in_span:,} {days} from the first to the last "
            f"({_share(s.days_with_records, s.days_in_span)})")


def _of_kept(n, s):
    if n:
        return f"{n:,} of {s.rows_kept:,} kept ({_share(n, s.rows_kept)})"
    return "none" if "sightings" in s.makes else ""


def _counted(heading, counts, whole, share):
    rows = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    heads = (heading, "records", *([share] if share else []))
    return _table(heads, [(_data(reason), f"{n:,}", *([_share(n, whole)] if share else [])) for reason, n in rows],
                  "tnn"[: len(heads)]) if rows else ""


def _tallied(name, found):
    people = "fewer than ten" if found["people"] is None else f"{found['people']:,}"
    rows = [(_data(value), f"{n:,}") for value, n in found["people_by_value"].items()]
    hidden = found["values_withheld"]
    if hidden:
        rows.append((f"<i>{hidden:,} value{'s' if hidden > 1 else ''}, not named</i>", "<i>withheld</i>"))
    return (f'<p class="caption">Label {_code(name)}, tallied and dropped; people in all: {people}.</p>\n'
            + _table(("value", "people"), rows, "tn"))


def _outputs(report):
    tables = _table(("table", "rows"), [(_data(n), f"{rows:,}") for n, rows in sorted(report.tables.items())], "tn")
    subjects = _table(("subjects by kind", "number"), [(_data(k), f"{n:,}") for k, n in report.subjects.items()], "tn")
    return "\n".join(["<h2>What came out</h2>", '<div class="pair">', tables,
                      subjects if report.subjects else "", "</div>"])


def _making(report):
    facts = [("recipe", _data(report.recipe)), ("recipe SHA-256", _hash(report.recipe_sha256)),
             ("clock of the dump", visible(report.tz)), ("key", visible(report.key)),
             ("versions", ", ".join(f"{visible(n)} {visible(v)}" for n, v in sorted(report.versions.items())))]
    listed = "\n".join(f"<dt>{name}</dt><dd>{value}</dd>" for name, value in facts)
    return (f"<h2>How it was made</h2>\n<dl>{listed}</dl>\n<p class=\"foot\">The same files, recipe, key and versions "
            "give this page to the byte. The numbers stand in <code>report.json</code> too. Counts of people below "
            "ten are withheld, and others with them where they could be worked out.</p>")


def _names(names):
    """Names in a row; of very many, the first ones and how many more."""
    shown = ", ".join(_code(name) for name in names[:MOST_NAMES])
    more = len(names) - MOST_NAMES
    return f"{shown} and {more:,} more, listed in <code>report.json</code>" if more > 0 else shown


def _share(n, whole):
    """A share in percent; what is there but rounds to nothing, or to everything, says so."""
    if not whole:
        return "–"
    percent = 100 * n / whole
    if 0 < percent < 0.1:
        return "under 0.1 %"
    if 99.9 < percent < 100:
        return "over 99.9 %"
    return f"{percent:.1f} %"


def _table(heads, rows, kinds, summed=False):
    """A table of ready cells; `kinds` has a letter for each column: t for text, n for a number."""
    def line(cells, tag, kind=""):
        made = "".join(f'<{tag} class="{k}">{cell}</{tag}>' for cell, k in zip(cells, kinds, strict=True))
        return f"<tr{kind}>{made}</tr>"

    body = [line(cells, "td", ' class="all"' if summed and cells is rows[-1] else "") for cells in rows]
    return f"<table><thead>{line(heads, 'th')}</thead><tbody>\n" + "\n".join(body) + "\n</tbody></table>"


_CSS = """
body { margin: 0; background: #fcfcfa; color: #1c2430;
       font: 15px/1.5 system-ui, "Segoe UI", "DejaVu Sans", sans-serif; }
main { max-width: 760px; margin: 0 auto; padding: 8px 20px 40px; }
h1 { font-size: 1.7em; line-height: 1.25; margin: .8em 0 .5em; }
h2 { font-size: 1.25em; margin: 1.8em 0 .5em; }
h3 { font-size: 1.05em; margin: 0 0 .5em; }
.sum { font-size: 1.15em; padding: 10px 16px; background: #eef3f7; border-left: 4px solid #0072b2; }
.sum span { color: #5b6675; padding: 0 .2em; }
section { margin: 1.4em 0; padding: 14px 16px; background: #fff; border: 1px solid #d9dee5; border-radius: 6px; }
dl { display: grid; grid-template-columns: 11.5em 1fr; gap: 4px 14px; margin: 0; }
dt { color: #5b6675; }
dd { margin: 0; overflow-wrap: anywhere; }
table { border-collapse: collapse; width: 100%; margin: .8em 0 .2em; font-size: .94em; }
th, td { padding: 4px 12px 4px 0; border-bottom: 1px solid #d9dee5; vertical-align: top; text-align: left;
         overflow-wrap: anywhere; }
th { color: #5b6675; font-weight: 600; overflow-wrap: normal; }
.n { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
.n:last-child { padding-right: 0; }
.all td { font-weight: 600; border-bottom: 0; }
code { font: .9em ui-monospace, "DejaVu Sans Mono", Consolas, monospace; overflow-wrap: anywhere; }
.hash { font-size: .78em; color: #5b6675; }
.caption { margin: 1em 0 -.4em; }
.pair { display: grid; grid-template-columns: 1fr 1fr; gap: 32px; align-items: start; }
.foot { margin-top: 1.6em; color: #5b6675; font-size: .9em; }
@media (max-width: 560px) { dl, .pair { grid-template-columns: 1fr; } dd { margin-bottom: .5em; } }
@media print { body { background: #fff; font-size: 10pt; } main { max-width: none; padding: 0; }
  section, tr { break-inside: avoid; } h2, h3, .caption { break-after: avoid; } @page { margin: 18mm; } }
"""
