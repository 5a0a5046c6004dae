"""What an ingest did, as numbers that add up: evidence that nothing was lost and nothing identifying was kept."""

import json
from dataclasses import asdict, dataclass, field

import pandas as pd

from kit.disclosure import K_DEFAULT, withhold_small
from kit.ingest import report_page

MOST_VALUES = 50


@dataclass
class SourceReport:
    """One source. `rows_in == rows_kept + rows_quarantined`, counted in raw records.

    A record is kept when all that its source's tables need could be read from it, also where the recipe makes no row
    of it. Blank lines and CSV headers are no records. The days of the span, and those of them that any kept record
    falls on, are counted on the exposure's clock.
    """

    name: str
    makes: list[str]
    files: list[str] = field(default_factory=list)
    rows_in: int = 0
    rows_kept: int = 0
    rows_quarantined: int = 0
    reasons: dict[str, int] = field(default_factory=dict)
    duplicates_flagged: int = 0
    unmatched: int = 0
    unknown_sensor: int = 0
    first_time: str | None = None
    last_time: str | None = None
    days_in_span: int | None = None
    days_with_records: int | None = None
    notes: dict[str, int] = field(default_factory=dict)
    dropped_fields: list[str] = field(default_factory=list)
    fields_not_in_recipe: list[str] = field(default_factory=list)
    tallies: dict[str, dict] = field(default_factory=dict)


@dataclass
class IngestReport:
    """The whole run: its inputs with their hashes, its sources, the tables it wrote."""

    recipe: str
    recipe_sha256: str
    synthetic: bool
    key: str
    tz: str
    sources: list[SourceReport]
    inputs: list[dict]
    files_not_read: list[str]
    tables: dict[str, int]
    subjects: dict[str, int]
    versions: dict[str, str]

    @property
    def rows_in(self):
        """Raw records of all sources."""
        return sum(source.rows_in for source in self.sources)

    @property
    def rows_kept(self):
        """Records of all sources that could be used."""
        return sum(source.rows_kept for source in self.sources)

    @property
    def rows_quarantined(self):
        """Records of all sources that could not, each one a line in quarantine.jsonl."""
        return sum(source.rows_quarantined for source in self.sources)

    def source(self, name):
        """The report of one source."""
        return next(s for s in self.sources if s.name == name)

    def to_json(self):
        """The report as JSON text; the same run gives the same text."""
        totals = {"rows_in": self.rows_in, "rows_kept": self.rows_kept, "rows_quarantined": self.rows_quarantined}
        return json.dumps({**totals, **asdict(self)}, indent=1, ensure_ascii=False, sort_keys=True) + "\n"

    def to_html(self):
        """The report as a page that one can read and print; the same run gives the same page."""
        return report_page.render(self)


def tally(counts, people):
    """How many people carry each value, as may be told.

    Parameters
    ----------
    counts : dict of str to int
        Distinct people a value was recorded of.
    people : int
        Distinct people in all.

    Returns
    -------
    dict
        `people_by_value` with each value of at least ten people; `values_withheld`, how many values had fewer (or had
        to go with those, so that no count can be told from the total), without naming them: a value that only
        one person has may be that person's name; and `people`, withheld below ten.
    """
    shown = withhold_small(pd.Series(counts, dtype="int64").sort_index(), K_DEFAULT).dropna()
    if len(shown) > MOST_VALUES:
        shown = shown.iloc[:0]
    return {"people_by_value": {str(value): int(n) for value, n in shown.items()},
            "values_withheld": len(counts) - len(shown), "people": people if people >= K_DEFAULT else None}
