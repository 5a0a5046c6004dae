"""Ingest: a raw dump in, an Exposure out, and every line accounted for.

>>> from kit import ingest
>>> [source.name for source in ingest.load_recipe("community").sources]
['cameras', 'faces', 'devices']
"""

from kit.ingest.check import check
from kit.ingest.draft import draft_recipe
from kit.ingest.identifiers import DEMO_KEY, demo_key, pseudonym, pseudonyms
from kit.ingest.keys import case_key
from kit.ingest.recipe import Recipe, load_recipe
from kit.ingest.report import IngestReport
from kit.ingest.sanitize import sanitize
from kit.ingest.scan import scan, scan_cells

__all__ = ["DEMO_KEY", "IngestReport", "Recipe", "case_key", "check", "demo_key", "draft_recipe", "load_recipe",
           "pseudonym", "pseudonyms", "sanitize", "scan", "scan_cells"]
