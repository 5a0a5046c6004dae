"""Maps to move about in, on a base map of one's own, that ask for nothing over the network.

They are folium maps whose figure inlines every script (`assets.inline`), writes the finding above and the source
beneath, carries a text alternative, and renders to the same bytes every time. What comes out of records is shown as
text only.
"""

import html
import json
import re

import branca.element
import folium
import matplotlib as mpl
import numpy as np
import shapely
from folium.raster_layers import TileLayer, WmsTileLayer
from folium.utilities import JsCode

from kit.errors import InputError, MissingAsset
from kit.show import assets, days, story, theme
from kit.show import ground as base
from kit.show.theme import DAY, INK, MUTED, NIGHT, SUBJECT

GROUNDS = {"light": DAY, "dark": NIGHT}
_LIGHTS = ("#FFD98A", "#56B4E9", "#FF8A4C", "#5FD3A8")
_LARGEST_PX, _SMALLEST_PX = 8, 2
_CLASSES = 5

# Text goes in as text: nothing out of a record is ever parsed as HTML. branca runs what it has rendered as a template
# once more, so an opening brace travels as a private character (which `theme.plain` lets nobody else use).
_BRACE = "\ue07b"
_TEMPLATE = re.compile(r"\{[{%#]")
_BOX = r"""var box = document.createElement("div");
    box.textContent = (feature.properties.%s || "").replace(/\ue07b/g, String.fromCharCode(123));"""
_TIP = JsCode(f"""function (feature, layer) {{
    {_BOX % "tip"}
    if (feature.properties.tip) {{ layer.bindTooltip(box, {{sticky: true, className: "rt-tip"}}); }}
}}""")
_LIGHT = JsCode("""function (feature, at) {
    var p = feature.properties;
    return L.circleMarker(at, {radius: p.r, fillColor: p.c, fillOpacity: 0.9, color: p.c, opacity: 0.25, weight: p.r});
}""")
_NUMBER = JsCode(f"""function (feature, at) {{
    {_BOX % "label"}
    return L.marker(at, {{icon: L.divIcon({{className: "rt-number", iconSize: null, html: box}}), keyboard: false}});
}}""")
_NAME = JsCode(f"""function (feature, at) {{
    {_BOX % "label"}
    return L.marker(at, {{icon: L.divIcon({{className: "rt-name", iconSize: null, html: box}}), interactive: false,
                         keyboard: false}});
}}""")
_HATCH = """<svg width="0" height="0" style="position:absolute" aria-hidden="true"><defs>
<pattern id="rt-hatch" width="7" height="7" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">
<rect width="7" height="7" fill="#FFFFFF"/><line x1="0" y1="0" x2="0" y2="7" stroke="#777777" stroke-width="2"/>
</pattern></defs></svg>"""


class OfflineFigure(branca.element.Figure):
    """The page around a map: words above and below, every asset inlined, the same bytes every time."""

    def __init__(self, words=None, **options):
        super().__init__(**options)
        self.words = words or {}

    def render(self, **options):
        _refuse_tiles(self)
        _refuse_templates(self)
        parts = (self.header, self.html, self.script)
        before = [part._children.copy() for part in parts]
        page = _steady_ids(super().render(**options), self).replace("<html>", '<html lang="en">', 1)
        for part, children in zip(parts, before, strict=True):
            part._children = children        # folium adds to these each time, so a second page would differ
        if self.words:
            label = f'role="region" aria-label="{_escape(self.words["alt"])}"'
            page = page.replace('<div class="folium-map"', f'<div class="folium-map" {label}', 1)
        return assets.inline(page)

    def _repr_html_(self, **options):
        """The page in a frame, and a sentence that stays when an untrusted notebook takes the frame away."""
        alt = html.escape(self.words.get("alt", "An interactive map"))
        page = html.escape(self.render(**options))
        return (f'<div style="position:relative;width:{self.width};height:{self.height}">'
                f'<span style="position:absolute;color:{MUTED}">Map: {alt}. To load it, run this cell, or trust the '
                'notebook (File, Trust Notebook).</span>'
                f'<iframe title="{alt}" srcdoc="{page}" style="position:absolute;width:100%;height:100%;border:none;'
                'background:white"></iframe></div>')


def map_base(where, basemap, *, title="", alt="", source="", subtitle="", ground="light", height_px=560):
    """A map of the ground alone: water, avenues and streets, names of districts.

    Parameters
    ----------
    where : kit.Exposure, geopandas.GeoDataFrame or tuple
        What to show: an exposure's sensors, a frame's extent, or (west, south, east, north) in degrees.
    basemap : dict of str to geopandas.GeoDataFrame
        As `kit.port_nemo()` returns it, or a user's own: water, streets (kind), districts (district). Layers may be
        missing.
    title, alt, source, subtitle : str
        As for `theme.new_figure`: the finding, a text alternative, where the records come from.
    ground : {"light", "dark"}
    height_px : int, default 560
        Height in a notebook.

    Returns
    -------
    folium.Map

    Raises
    ------
    InputError
        If title, alt or source is missing or empty, the ground has no such name, or the extent is no extent.
    """
    theme.require_words(title, alt, source)
    if ground not in GROUNDS:
        raise InputError(f"There is no ground {ground!r}; use light or dark.")
    west, south, east, north = _extent(where)
    # A tenth of a zoom step, or the city would float in the middle of a map twice its size.
    m = folium.Map(location=[(south + north) / 2, (west + east) / 2], tiles=None, control_scale=True, zoom_snap=0.1,
                   attributionControl=False)
    m.options.update(minZoom=8, maxZoom=18)
    m.fit_bounds([[south, west], [north, east]], padding=(6, 6))
    offline(m, title=title, alt=alt, source=source, subtitle=subtitle, height_px=height_px, ground=ground)
    _add_ground(m, basemap, GROUNDS[ground])
    return m


def map_sensors(exposure, basemap, *, passages=None, classes=None, title="", alt="", source="", subtitle="",
                height_px=560):
    """Every sensor as a light on dark ground, as large as the passages it recorded.

    Parameters
    ----------
    exposure : kit.Exposure
        Its sensors are drawn. What a light says when pointed at is written for an invented exposure only.
    basemap : dict of str to geopandas.GeoDataFrame
    passages : pandas.Series of int, optional
        Passages by sensor_id, for example `exposure.sightings["sensor_id"].value_counts()`.
    classes : dict of str to list of str, optional
        Up to three named groups of place classes, each with a colour.
    title, alt, source, subtitle, height_px
        As for `map_base`.

    Returns
    -------
    folium.Map
    """
    sensors, classes = exposure.sensors, classes or {}
    theme.need_columns(sensors, ["sensor_id", "place_class", "geometry"], "map_sensors")
    if len(classes) > len(_LIGHTS) - 1:
        raise InputError(f"map_sensors colours at most {len(_LIGHTS) - 1} groups, and {len(classes)} were given; "
                         "leave the others to the first colour.")
    m = map_base(exposure, basemap, title=title, alt=alt, source=source, subtitle=subtitle, ground="dark",
                 height_px=height_px)
    groups = story.light_groups(sensors, classes)
    count = np.zeros(len(sensors)) if passages is None else \
        sensors["sensor_id"].map(passages).fillna(0).to_numpy(float)
    share = np.sqrt(count / max(count.max(), 1))
    features = []
    for sensor, group, part, n in zip(sensors.itertuples(), groups, share, count, strict=True):
        light = {"r": round(_SMALLEST_PX + (_LARGEST_PX - _SMALLEST_PX) * part, 1), "c": _LIGHTS[group]}
        if exposure.synthetic:
            seen = f", {n:,.0f} passages" if passages is not None else ""
            light["tip"] = theme.plain(f"{sensor.sensor_id}: {sensor.place_class}{seen}", 120)
        features.append(_feature(sensor.geometry, light))
    _add_points(m, features, _LIGHT)
    names = ["elsewhere" if classes else "sensors", *classes]
    _add_key(m, [(_LIGHTS[n], f"{name}: {np.count_nonzero(groups == n):,}") for n, name in enumerate(names)])
    return m


def map_person_day(exposure, visits, basemap, *, day, names=None, title="", alt="", source="", subtitle="",
                   height_px=620):
    """The places where one invented person was seen on a day, numbered in order, with dashes for the unknown ways.

    Parameters
    ----------
    exposure : kit.Exposure
        An invented one: a real person's day is never put on a map.
    visits : pandas.DataFrame
        The visits table, of one person.
    basemap : dict of str to geopandas.GeoDataFrame
    day : str
        The local calendar day, on the exposure's clock.
    names : dict or pandas.Series, optional
        What to call a place; default is its place_id.
    title, alt, source, subtitle, height_px
        As for `map_base`.

    Returns
    -------
    folium.Map

    Raises
    ------
    InputError
        If the exposure is real, the visits are of several people, or none falls on that day.
    """
    if not exposure.synthetic:
        raise InputError("map_person_day draws invented people only, and this exposure holds real records; show counts "
                         "of many people with map_zones instead.")
    stops = days.place_stops(visits, exposure.sensors, tz=exposure.tz, day=day, what="map_person_day")
    box = base.bounds_around(base.extent_of(stops), 0.12, least=0.01)
    m = map_base(box, basemap, title=title, alt=alt, source=source, subtitle=subtitle, height_px=height_px)
    stops = days.near_together(stops, (box[3] - box[1]) * 0.03)
    told = {row.order: f"{row.order}.  {days.clock(row.arrived_h)} to {days.clock(row.left_h)}, "
                       f"{theme.plain(days.name_of(row.place_id, names), 60)}" for row in stops.itertuples()}
    if len(stops) > 1:
        way = _feature(_ways_once(stops[["lon", "lat"]].to_numpy()),
                       {"style": {"color": SUBJECT, "weight": 2.5, "dashArray": "7 6", "opacity": 0.9},
                        "tip": "Seen at both ends; nobody knows the way between."})
        _add_features(m, [way])
    spots = []
    for spot in days.numbered_spots(stops).itertuples():
        here = stops[(stops["lon"] == spot.lon) & (stops["lat"] == spot.lat)]["order"]
        spots.append(_feature(shapely.Point(spot.lon, spot.lat),
                              {"label": spot.label, "tip": "\n".join(told[n] for n in here)}))
    _add_points(m, spots, _NUMBER)
    _add_list(m, f"The {len(told)} visits in order, as text", list(told.values()))
    return m


def _ways_once(positions):
    """A line for each pair of places, drawn once: dashes there and back over each other would look like a solid way."""
    pairs = dict.fromkeys(tuple(sorted(map(tuple, pair))) for pair in zip(positions[:-1].tolist(),
                                                                          positions[1:].tolist(), strict=True))
    return shapely.multilinestrings([pair for pair in pairs if pair[0] != pair[1]])


def map_zones(zones, value, basemap, *, label="people", name="zone_id", title="", alt="", source="", subtitle="",
              height_px=560):
    """Counts by area, in five shades; an area with too few to show is hatched, which is not zero.

    Parameters
    ----------
    zones : geopandas.GeoDataFrame
        One area a row, with a count in the column `value`; a missing count means too few to show.
    value : str
        The column of counts, 0 or more.
    basemap : dict of str to geopandas.GeoDataFrame
    label : str, default "people"
        What is counted, with its unit.
    name : str, default "zone_id"
        The column that names an area.
    title, alt, source, subtitle, height_px
        As for `map_base`.

    Returns
    -------
    folium.Map
    """
    theme.need_columns(zones, [value, name, "geometry"], "map_zones")
    counts = zones[value].astype("Float64").to_numpy(float, na_value=np.nan)
    if np.nanmin(counts, initial=0) < 0:
        raise InputError(f"map_zones needs counts of 0 or more in {value}.")
    m = map_base(zones, basemap, title=title, alt=alt, source=source, subtitle=subtitle, height_px=height_px)
    edges = _round_edges(np.nanmax(counts, initial=1))
    ramp = mpl.colors.LinearSegmentedColormap.from_list("counts", ["#E9EEF2", theme.DEEP])
    shades = [mpl.colors.to_hex(ramp(n / (_CLASSES - 1))) for n in range(_CLASSES)]
    features = []
    for zone, count in zip(zones.to_crs(4326).itertuples(), counts, strict=True):
        few = np.isnan(count)
        fill = "url(#rt-hatch)" if few else shades[min(np.searchsorted(edges, count, side="right"), _CLASSES) - 1]
        told = "too few to show" if few else f"{count:,.0f} {label}"
        features.append(_feature(shapely.simplify(zone.geometry, 0.00003), {
            "style": {"fillColor": fill, "fillOpacity": 0.85, "color": "#FFFFFF", "weight": 1},
            "tip": theme.plain(f"{getattr(zone, name)}: {told}", 120)}))
    m.get_root().html.add_child(branca.element.Element(_HATCH), name="rt-hatch")
    _add_features(m, features)
    _add_names(m, basemap)
    key = [(shade, f"{edges[n]:,.0f} to {edges[n + 1] - 1:,.0f}") for n, shade in enumerate(shades)]
    key[-1] = (shades[-1], f"{edges[-2]:,.0f} and more {label}")
    _add_key(m, [*key, *([("hatch", "too few to show")] if np.isnan(counts).any() else [])])
    return m


def offline(m, *, title=None, alt=None, source=None, subtitle="", height_px=560, ground="light"):
    """Cut a folium map loose from the network, also one from `GeoDataFrame.explore(tiles=None)`.

    Parameters
    ----------
    m : folium.Map
        Made with `tiles=None`; changed in place.
    title, alt, source : str, optional
        Give all three, or none for a map that only you will see.
    subtitle, height_px, ground
        As for `map_base`.

    Returns
    -------
    folium.Map
        The same map; it raises `MissingAsset` when rendered if it still asks for something the kit does not carry.
    """
    words = {}
    if any(text is not None for text in (title, alt, source)):
        theme.require_words(title, alt, source)
        words = {"title": theme.plain(title), "alt": theme.plain(alt), "source": theme.plain(source),
                 "subtitle": theme.plain(subtitle)}
    old = m.get_root()
    figure = OfflineFigure(words, title=_escape(words.get("title", "Map")), height=f"{height_px}px")
    figure.header, figure.html, figure.script = old.header, old.html, old.script
    for part in (figure.header, figure.html, figure.script):
        part._parent = figure
    figure.add_child(m)
    m.options.setdefault("maxZoom", 18)      # without tiles, a marker cluster would not know where to end
    figure.html.add_child(branca.element.Element(_page_words(words, GROUNDS[ground])), name="rt-words")
    return m


def _page_words(words, palette):
    """Style, title and subtitle above the map, source beneath; the style stands in the body, after Leaflet's own."""
    halo = palette["ground"]
    style = f"""<style>
body {{ display: flex; flex-direction: column; background: white; color: {INK};
        font: 14px/1.35 "DejaVu Sans", Verdana, sans-serif; }}
.rt-words {{ order: 1; padding: 6px 10px 8px; }}
.rt-words h1 {{ font-size: 18px; line-height: 1.3; margin: 0 0 2px; }}
.rt-words p, .rt-key {{ margin: 2px 0 0; font-size: 13px; color: {MUTED}; }}
.rt-key {{ order: 2; padding: 0 10px 8px; display: flex; flex-wrap: wrap; gap: 4px 16px; color: {INK}; }}
.rt-key i {{ display: inline-block; width: 13px; height: 13px; margin-right: 5px; vertical-align: -2px;
             border: 1px solid {MUTED}; }}
.folium-map {{ order: 3; flex: 1 1 auto; height: auto !important; min-height: 0; }}
.rt-list {{ order: 4; padding: 6px 10px 0; font-size: 13px; max-height: 40%; overflow: auto; }}
.rt-list ol {{ margin: 4px 0; padding-left: 0; list-style: none; }}
.rt-source {{ order: 5; padding: 6px 10px; font-size: 11.5px; color: {MUTED}; }}
.leaflet-container {{ background: {palette["ground"]}; font: inherit; }}
.rt-name {{ color: {palette["muted"]}; font-size: 11px; letter-spacing: 0.04em; white-space: nowrap; }}
.rt-name div {{ position: absolute; transform: translate(-50%, -50%); }}
.rt-number div {{ position: absolute; transform: translate(-50%, -50%); min-width: 14px; padding: 3px 6px;
                   border-radius: 13px; background: {SUBJECT}; border: 2px solid white; color: white;
                   font-weight: bold; font-size: 12px; text-align: center; white-space: nowrap; }}
.rt-name div {{ text-shadow: 0 0 3px {halo}, 0 0 3px {halo}, 0 0 4px {halo}; }}
.rt-tip {{ white-space: pre; }}
.leaflet-control-scale-line:not(:first-child) {{ display: none; }}
</style>"""
    if not words:
        return style
    subtitle = f"<p>{_escape(words['subtitle'])}</p>" if words["subtitle"] else ""
    return (f'{style}<div class="rt-words"><h1>{_escape(words["title"])}</h1>{subtitle}</div>'
            f'<div class="rt-source">{_escape(words["source"])} Map drawn with Leaflet.</div>')


def _add_ground(m, basemap, palette):
    """Water, then streets, lanes left out: one feature for each kind, positions to about a metre."""
    still = []
    if basemap.get("water") is not None:
        still.append(_feature(_slim(base.water_beyond(basemap["water"].to_crs(4326))), {
            "style": {"fillColor": palette["water"], "fillOpacity": 1, "stroke": False}}))
    if basemap.get("streets") is not None:
        streets = basemap["streets"].to_crs(4326)
        kinds = streets["kind"].astype(str) if "kind" in streets else np.full(len(streets), "street")
        for kind in sorted(set(kinds) - {"lane"}, key=lambda k: base.STREET_WIDTH.get(k, 0.4)):
            lines = shapely.line_merge(shapely.multilinestrings(shapely.get_parts(streets[kinds == kind].geometry)))
            weight = round(2.6 * base.STREET_WIDTH.get(kind, 0.4), 2)
            still.append(_feature(_slim(lines), {
                "style": {"color": palette["street"], "weight": weight, "fill": False}}))
    if still:
        _add_features(m, still, interactive=False)
    _add_names(m, basemap)


def _add_names(m, basemap):
    """Districts by name; added again above areas, in place of the first time."""
    districts = basemap.get("districts")
    if districts is None:
        return
    names = districts["district" if "district" in districts else "name"]
    features = [_feature(point, {"label": theme.plain(name, 30)})
                for name, point in zip(names, districts.to_crs(4326).representative_point(), strict=True)]
    m._children.pop("rt-names", None)
    m.add_child(folium.GeoJson(_collection(features), control=False, point_to_layer=_NAME), name="rt-names")


def _add_features(m, features, interactive=True):
    folium.GeoJson(_collection(features), control=False, on_each_feature=_TIP, interactive=interactive,
                   smooth_factor=0.6).add_to(m)


def _add_points(m, features, point_to_layer):
    folium.GeoJson(_collection(features), control=False, on_each_feature=_TIP, point_to_layer=point_to_layer).add_to(m)


def _add_key(m, entries):
    rows = "".join(f'<span><i style="background:{_swatch(colour)}"></i>{_escape(theme.plain(text, 80))}</span>'
                   for colour, text in entries)
    m.get_root().html.add_child(branca.element.Element(f'<div class="rt-key">{rows}</div>'), name="rt-key")


def _add_list(m, summary, rows):
    items = "".join(f"<li>{_escape(row)}</li>" for row in rows)
    listed = f'<details class="rt-list"><summary>{_escape(summary)}</summary><ol>{items}</ol></details>'
    m.get_root().html.add_child(branca.element.Element(listed), name="rt-list")


def _escape(text):
    """Text for a page that is a template first: neither markup nor braces of a record act."""
    return html.escape(text).replace("{", "&#123;").replace("}", "&#125;")


def _swatch(colour):
    return f"repeating-linear-gradient(45deg,#fff 0 3px,{MUTED} 3px 5px)" if colour == "hatch" else colour


def _feature(geometry, properties):
    held = {name: value.replace("{", _BRACE) if isinstance(value, str) else value for name, value in properties.items()}
    return {"type": "Feature", "properties": held, "geometry": json.loads(shapely.to_geojson(_rounded(geometry)))}


def _collection(features):
    return {"type": "FeatureCollection", "features": features}


def _rounded(geometry):
    return shapely.transform(geometry, lambda xy: np.round(xy, 5))


def _slim(geometry):
    """Simplified to about three metres."""
    return shapely.simplify(geometry, 0.00003)


def _round_edges(largest):
    """Edges of five classes from zero, at a round step that covers the largest count."""
    step = max(largest / _CLASSES, 1)
    unit = 10 ** np.floor(np.log10(step))
    step = next(m * unit for m in (1, 2, 2.5, 5, 10) if m * unit >= step)
    return np.arange(_CLASSES + 1) * max(1, np.ceil(step))


def _extent(where):
    if isinstance(where, tuple):
        bounds = where
    else:
        frame = getattr(where, "sensors", where)
        bounds = tuple(frame.to_crs(4326).total_bounds) if len(frame) else (np.nan,) * 4
    if len(bounds) != 4 or not np.isfinite(bounds).all() or not (bounds[0] <= bounds[2] and bounds[1] <= bounds[3]):
        raise InputError(f"A map needs an extent (west, south, east, north) in degrees, not {bounds}; give an exposure "
                         "with sensors, a frame with rows, or four numbers.")
    return tuple(map(float, bounds))


def _refuse_tiles(figure):
    for element in _elements(figure):
        if isinstance(element, TileLayer | WmsTileLayer):
            raise MissingAsset("The map has a tile layer, which loads from the network and tells its server where you "
                               "look; make the map with tiles=None and give a base map of your own.")


def _refuse_templates(figure):
    """Values that branca would run as a template of its own, with all of Python within reach."""
    for element in _elements(figure):
        if element is figure:
            continue        # its words are set after folium is done
        held = [value for name, value in vars(element).items() if not name.startswith("_")]
        if _TEMPLATE.search(json.dumps(held, default=_text_of, ensure_ascii=False, skipkeys=True)):
            raise InputError("A text on the map holds double braces, which folium would run as a template; "
                             "take them out of the records first.")


def _text_of(thing):
    return thing.js_code if isinstance(thing, JsCode) else ""


def _steady_ids(page, figure):
    """Replace folium's random ids by running numbers in the order in which the page names them."""
    ids = {element._id for element in _elements(figure)}
    order = [found for found in dict.fromkeys(re.findall(r"[0-9a-f]{32}", page)) if found in ids]
    number = {found: f"{n:032x}" for n, found in enumerate(order)}
    return re.sub(r"[0-9a-f]{32}", lambda found: number.get(found[0], found[0]), page)


def _elements(figure):
    """Every element reachable from the figure, through attributes too: folium keeps some out of the tree."""
    seen, waiting = {}, [figure]
    while waiting:
        thing = waiting.pop()
        if isinstance(thing, branca.element.Element):
            if id(thing) not in seen:
                seen[id(thing)] = thing
                waiting.extend(vars(thing).values())
        elif isinstance(thing, dict):
            waiting.extend(thing.values())
        elif isinstance(thing, list | tuple):
            waiting.extend(thing)
    return seen.values()
