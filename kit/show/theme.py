"""The look of every figure, and the Figure that says what it shows.

A figure is made with its finding as title, a text for those who cannot see it, and its source; without them it is not
made. It belongs to no global state, shows once in a notebook, and saves to the same bytes every time.
"""

import base64
import html
import io
import re
import unicodedata
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure as _Figure
from matplotlib.font_manager import FontProperties, findfont, get_font
from matplotlib.layout_engine import ConstrainedLayoutEngine

from kit.errors import InputError

# Okabe and Ito's colours, told apart under every common colour blindness; kept here as older matplotlib lacks them.
OKABE_ITO = {
    "black": "#000000", "orange": "#E69F00", "sky": "#56B4E9", "green": "#009E73",
    "yellow": "#F0E442", "blue": "#0072B2", "vermilion": "#D55E00", "purple": "#CC79A7",
}
SUBJECT = OKABE_ITO["blue"]           # the one strong colour: what the figure is about
DEEP = "#00457A"                      # the strong colour, darker: the far end of a ramp
CONTRAST = OKABE_ITO["vermilion"]     # the second: what it is held against
INK, MUTED, FAINT, PAPER = "#1A1A1A", "#595959", "#C8C8C8", "#FFFFFF"
# Green and purple darkened to be seen on white; in grey print markers and direct labels tell series apart.
SERIES = (SUBJECT, CONTRAST, "#007A59", "#A04878", INK, MUTED)
MARKERS = ("o", "s", "^", "D", "v", "P")
SEQUENTIAL = "cividis"
NIGHT = {"ground": "#10151F", "water": "#1D2C44", "street": "#3A4558", "ink": "#E8ECF2", "muted": "#AAB4C3"}
DAY = {"ground": "#F7F6F2", "water": "#CFDDE6", "street": "#D3D0C8", "ink": INK, "muted": MUTED}


@dataclass(frozen=True)
class Size:
    """Width of a figure in inches, and dots per inch of its PNG."""

    width_in: float
    dpi: int


SIZES = {"screen": Size(7.0, 200), "print": Size(6.7, 300)}
TITLE_PT, SUBTITLE_PT, TEXT_PT, SMALL_PT = 13, 9.5, 9, 8
_SIDE_IN, _LINE = 0.1, 1.3            # margin beside the text; line height in font sizes

_RC = {
    "font.family": "sans-serif", "font.sans-serif": ["DejaVu Sans"], "font.size": TEXT_PT,
    "text.parse_math": False, "text.color": INK, "axes.labelcolor": INK, "axes.edgecolor": MUTED,
    "axes.spines.top": False, "axes.spines.right": False, "axes.linewidth": 0.8, "axes.labelsize": TEXT_PT,
    "axes.axisbelow": True, "axes.grid": False, "grid.color": "#E4E4E4", "grid.linewidth": 0.8,
    "xtick.color": MUTED, "ytick.color": MUTED, "xtick.labelcolor": INK, "ytick.labelcolor": INK,
    "xtick.labelsize": SMALL_PT + 0.5, "ytick.labelsize": SMALL_PT + 0.5, "xtick.major.size": 3, "ytick.major.size": 3,
    "lines.linewidth": 2, "lines.markersize": 6, "patch.linewidth": 0, "hatch.linewidth": 0.6,
    "figure.facecolor": PAPER, "savefig.facecolor": PAPER, "image.cmap": SEQUENTIAL,
    # Glyphs as shapes: the page looks the same on a machine without the font, and hash salt fixes the ids.
    "svg.fonttype": "path", "svg.hashsalt": "retrace-kit", "pdf.fonttype": 42,
}


class Figure(_Figure):
    """A matplotlib figure that carries its finding, a text alternative and its source.

    Attributes
    ----------
    title_text, subtitle_text, alt, source : str
    """

    title_text = subtitle_text = alt = source = ""
    png_dpi = SIZES["screen"].dpi

    def png(self):
        """The figure as PNG bytes, at twice the size it is shown at."""
        return self._bytes("png")

    def svg(self):
        """The figure as SVG text, with its title and text alternative for a screen reader."""
        text = self._bytes("svg").decode("utf-8")
        label = f'role="img" aria-label="{html.escape(self.alt)}"'
        described = f"<desc>{html.escape(self.alt)}</desc>"
        return re.sub(r"<svg\b([^>]*>)", lambda tag: f"<svg {label}{tag[1]}{described}", text, count=1)

    def savefig(self, fname, **options):
        """Save as matplotlib does, without a date or a version in the file: the same figure gives the same bytes."""
        kind = str(options.get("format") or getattr(fname, "name", fname)).rpartition(".")[2].lower()
        options.setdefault("metadata", self._metadata(kind))
        options.setdefault("dpi", self.png_dpi)
        with style():
            self._settle()
            super().savefig(fname, **options)

    def _settle(self):
        """Lay out once and keep it: the solver's last bits vary from run to run, and a second layout moves on."""
        if isinstance(self.get_layout_engine(), ConstrainedLayoutEngine):
            self.draw_without_rendering()
            self.set_layout_engine("none")
            for axes in self.axes:
                axes.set_position(np.round(axes.get_position(original=True).bounds, 4))

    def _bytes(self, kind):
        buffer = io.BytesIO()
        self.savefig(buffer, format=kind)
        return buffer.getvalue()

    def _metadata(self, kind):
        if kind == "png":
            return {"Title": self.title_text, "Description": self.alt, "Source": self.source, "Software": None}
        if kind == "svg":
            return {"Title": self.title_text, "Description": self.alt, "Source": self.source,
                    "Date": None, "Creator": None}
        if kind == "pdf":
            return {"Title": self.title_text, "Subject": self.alt, "CreationDate": None, "Creator": None,
                    "Producer": None}
        return None

    def _repr_mimebundle_(self, include=None, exclude=None):
        """An image with its text alternative; front ends without HTML get the bare image.

        Neither JupyterLab nor nbconvert gives a bare `image/png` an alt attribute, so the picture goes as HTML.
        """
        png = base64.b64encode(self.png()).decode()
        width, height = (round(side * 100) for side in self.get_size_inches())
        shown = (f'<img alt="{html.escape(self.alt)}" width="{width}" height="{height}" '
                 f'style="max-width:100%;height:auto" src="data:image/png;base64,{png}">')
        return ({"text/html": shown, "image/png": png, "image/svg+xml": self.svg(), "text/plain": repr(self)},
                {"image/png": {"width": width, "height": height, "alt": self.alt}})

    def _ipython_display_(self):
        # Without this, the inline backend's own printer for figures would run too and replace the PNG.
        from IPython.display import display

        data, metadata = self._repr_mimebundle_()
        display(data, metadata=metadata, raw=True)

    def __repr__(self):
        return f"<Figure: {self.title_text}>"


def new_figure(title="", alt="", source="", *, subtitle="", height_in=4.0, size="screen"):
    """An empty figure with its words set: title, subtitle, source line; axes added to it stay clear of them.

    Parameters
    ----------
    title : str
        The finding, in one sentence.
    alt : str
        What the figure shows, for those who cannot see it.
    source : str
        Where the records come from; `source_line(exposure)` writes it.
    subtitle : str, optional
        What is measured, on which exposure, with how many people.
    height_in : float, default 4
        Height of the space for axes, in inches; the words come on top.
    size : {"screen", "print"}

    Returns
    -------
    Figure

    Raises
    ------
    InputError
        If title, alt or source is missing or empty, or the alt text is a file name.

    >>> new_figure("Four points are enough", "A line that climbs", "Port Nemo, invented")
    <Figure: Four points are enough>
    """
    title, alt, source = require_words(title, alt, source)
    if size not in SIZES:
        raise InputError(f"There is no figure size {size!r}; use one of {', '.join(SIZES)}.")
    width = SIZES[size].width_in
    subtitle = clean(subtitle)
    head, foot = [(title, TITLE_PT, "bold", INK), (subtitle, SUBTITLE_PT, "normal", MUTED)], \
        [(source, SMALL_PT, "normal", MUTED)]
    head_in = 0.1 + sum(_text_height(text, points, weight, width) for text, points, weight, _ in head) + 0.12
    foot_in = 0.1 + sum(_text_height(text, points, weight, width) for text, points, weight, _ in foot) + 0.08
    total = head_in + height_in + foot_in
    with style():
        figure = Figure(figsize=(width, total))
        figure.set_layout_engine("constrained", rect=(0.005, foot_in / total, 0.99, height_in / total),
                                 w_pad=0.03, h_pad=0.03)
        _write(figure, head, top_in=total - 0.1)
        _write(figure, foot, top_in=foot_in - 0.1)
    figure.title_text, figure.subtitle_text, figure.alt, figure.source = title, subtitle, alt, source
    figure.png_dpi = SIZES[size].dpi
    return figure


def source_line(exposure, note=""):
    """The line at a figure's foot: which exposure, whether it is invented, its seed and the kit's version.

    Parameters
    ----------
    exposure : kit.Exposure
    note : str, optional
        Added at the end, for example a period or a threshold.

    Returns
    -------
    str

    >>> from types import SimpleNamespace
    >>> source_line(SimpleNamespace(name="register", synthetic=True, manifest={"seed": 7})).partition(";")[0]
    'Port Nemo, register: an invented city, invented people'
    """
    from kit import __version__

    parts = []
    if exposure.synthetic:
        parts.append(f"Port Nemo, {exposure.name}: an invented city, invented people")
        if exposure.manifest.get("seed") is not None:
            parts.append(f"seed {exposure.manifest['seed']}")
    else:
        parts.append(f"{exposure.name}: real records, not for publication as they stand")
    parts.append(f"kit {__version__}")
    return "; ".join([*parts, note] if note else parts) + "."


@contextmanager
def style():
    """The theme as matplotlib settings, for as long as the block lasts."""
    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(_RC)
        yield


def require_words(title, alt, source):
    """Title, alt and source, cleaned; a sentence that asks for the one that is missing."""
    asks = {"title": (title, "the finding in one sentence"),
            "alt": (alt, "what the picture shows, for those who cannot see it"),
            "source": (source, "where the records come from, for example show.source_line(exposure)")}
    for name, (text, meaning) in asks.items():
        if not isinstance(text, str) or not text.strip():
            raise InputError(f"A figure needs {name}=...: {meaning}.")
    if re.fullmatch(r"\s*\S+\.(png|svg|jpe?g|gif|webp|html?|pdf)\s*", alt, re.IGNORECASE):
        raise InputError(f"The alt text {alt.strip()!r} is a file name; say what the picture shows instead.")
    return clean(title), clean(alt), clean(source)


def need_columns(frame, columns, what):
    """Refuse a frame that lacks columns, or has no row, with one sentence."""
    missing = [c for c in columns if c not in getattr(frame, "columns", ())]
    if missing:
        found = ", ".join(map(str, getattr(frame, "columns", ()))) or type(frame).__name__
        raise InputError(f"{what} needs a frame with the columns {', '.join(columns)}; "
                         f"{', '.join(missing)} not found in {found}.")
    if len(frame) == 0:
        raise InputError(f"{what} was given a frame without a row, so there is nothing to draw; check the filter.")


def clean(text, longest=400):
    """Text safe to draw: plain, and a box for what the figures' font cannot show.

    >>> clean("gate\\u202etxt\\n7")
    'gatetxt 7'
    """
    return "".join(c if ord(c) in _glyphs() else "□" for c in plain(text, longest))


def plain(text, longest=400):
    """One line without control, direction or private-use characters, cut to a length."""
    line = " ".join(str(text).split())
    kept = "".join(c for c in line if unicodedata.category(c) not in ("Cc", "Cf", "Cs", "Co", "Cn"))
    return kept if len(kept) <= longest else kept[: longest - 1] + "…"


def wrap(text, width_in, points=TEXT_PT, weight="normal", balance=False):
    """Lines of at most a width, measured in the figure's own font; balanced ones are about equally long.

    >>> wrap("one two three", 0.7)
    ['one two', 'three']
    """
    lines = []
    for word in text.split():
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and text_width_in(longer, points, weight) <= width_in:
            lines[-1] = longer
        else:
            lines.append(word)
    if balance and len(lines) > 1:
        narrower = wrap(text, width_in * 0.96, points, weight)
        if len(narrower) == len(lines) and width_in > 0.3:
            return wrap(text, width_in * 0.96, points, weight, balance=True)
    return lines


def text_width_in(text, points=TEXT_PT, weight="normal"):
    """Width of one line of text in inches."""
    font = get_font(_font_file(weight))
    font.set_size(points, 72)
    font.set_text(text, 0)
    return font.get_width_height()[0] / 64 / 72


def contrast(one, other):
    """WCAG contrast ratio of two colours, 1 to 21.

    >>> round(contrast("#000000", "#FFFFFF"))
    21
    """
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def _luminance(colour):
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in mpl.colors.to_rgb(colour)]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _text_height(text, points, weight, width):
    lines = wrap(text, width - 2 * _SIDE_IN, points, weight, balance=True)
    return len(lines) * points * _LINE / 72 + (0.05 if text else 0)


def _write(figure, blocks, top_in):
    """Set blocks of text from a height downwards, each wrapped to the figure's width."""
    width, total = figure.get_size_inches()
    for text, points, weight, colour in blocks:
        for line in wrap(text, width - 2 * _SIDE_IN, points, weight, balance=True):
            figure.text(_SIDE_IN / width, top_in / total, line, fontsize=points, fontweight=weight, color=colour,
                        ha="left", va="top")
            top_in -= points * _LINE / 72
        top_in -= 0.05


@cache
def _font_file(weight):
    return findfont(FontProperties(family="DejaVu Sans", weight=weight), fallback_to_default=False)


@cache
def _glyphs():
    return frozenset(get_font(_font_file("normal")).get_charmap())
