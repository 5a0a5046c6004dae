"""Figures and maps: the finding as title, a text alternative, a source, and nothing fetched from the network.

Every function returns an object and writes nothing. Charts are matplotlib figures, maps are folium maps.
"""

from kit.show.charts import (
    chart_crowd_shrinks,
    chart_estimates,
    chart_gap_histogram,
    chart_how_few_points,
    chart_lines,
    chart_matrix,
    chart_unicity_by_crowd,
    chart_unicity_surface,
)
from kit.show.crowds import chart_risk
from kit.show.days import week_table
from kit.show.doubt import chart_flags, chart_membership, chart_recovery, chart_track_decay
from kit.show.flow import chart_field_flow
from kit.show.ground import outlines
from kit.show.linked import chart_precision_recall
from kit.show.maps import map_base, map_person_day, map_sensors, map_zones, offline
from kit.show.near import chart_near_or_chance
from kit.show.story import (
    chart_city_at_night,
    chart_day_ribbon,
    chart_way_map,
    chart_week_strip,
)
from kit.show.theme import Figure, new_figure, source_line
from kit.show.ways import chart_route_map

__all__ = [
    "Figure",
    "chart_city_at_night",
    "chart_crowd_shrinks",
    "chart_day_ribbon",
    "chart_estimates",
    "chart_field_flow",
    "chart_flags",
    "chart_gap_histogram",
    "chart_how_few_points",
    "chart_lines",
    "chart_matrix",
    "chart_membership",
    "chart_near_or_chance",
    "chart_precision_recall",
    "chart_recovery",
    "chart_risk",
    "chart_route_map",
    "chart_track_decay",
    "chart_unicity_by_crowd",
    "chart_unicity_surface",
    "chart_way_map",
    "chart_week_strip",
    "map_base",
    "map_person_day",
    "map_sensors",
    "map_zones",
    "new_figure",
    "offline",
    "outlines",
    "source_line",
    "week_table",
]
