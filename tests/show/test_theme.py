"""A figure has its words, the same bytes every time, and colours that can be told from paper."""

import itertools
import re
import types
from xml.etree import ElementTree

import matplotlib
import matplotlib.pyplot as plt
import pandas as pd
import pytest

from kit.errors import InputError
from kit.show import theme


def figure(**more):
    made = theme.new_figure("People are few", "A line that climbs from zero", "Port Nemo, invented", **more)
    with theme.style():
        made.add_subplot().plot([0, 1, 4])
    return made


def test_the_figure_carries_its_words():
    made = figure(subtitle="Share of people, register")
    assert (made.title_text, made.alt, made.source) == (
        "People are few", "A line that climbs from zero", "Port Nemo, invented")
    drawn = [text.get_text() for text in made.texts]
    assert drawn == ["People are few", "Share of people, register", "Port Nemo, invented"]


@pytest.mark.parametrize("missing", ["title", "alt", "source"])
@pytest.mark.parametrize("value", ["", "  ", None, 3])
def test_missing_words_are_asked_for_by_name(missing, value):
    words = {"title": "t", "alt": "a picture", "source": "s", missing: value}
    with pytest.raises(InputError, match=rf"needs {missing}=\.\.\."):
        theme.new_figure(**words)


@pytest.mark.parametrize("alt", ["figure.png", "my_map.HTML", " chart-1.svg "])
def test_a_file_name_is_no_text_alternative(alt):
    with pytest.raises(InputError, match="is a file name"):
        theme.new_figure("t", alt, "s")


def test_an_unknown_size_is_refused():
    with pytest.raises(InputError, match="no figure size 'poster'"):
        theme.new_figure("t", "a picture", "s", size="poster")


def test_sizes_differ_in_width_and_dots():
    assert (figure(size="screen").get_size_inches()[0], figure(size="screen").png_dpi) == (7.0, 200)
    assert (figure(size="print").get_size_inches()[0], figure(size="print").png_dpi) == (6.7, 300)


def test_a_long_title_makes_the_figure_taller_and_leaves_the_space_for_axes_alone():
    short, long = figure(), theme.new_figure("many words " * 20, "a picture", "s")
    assert long.get_size_inches()[1] > short.get_size_inches()[1]


@pytest.mark.parametrize("kind", ["png", "svg"])
def test_the_same_figure_gives_the_same_bytes(kind):
    one, other = figure(), figure()
    assert getattr(one, kind)() == getattr(one, kind)() == getattr(other, kind)()


def test_saved_files_are_the_same_bytes_and_hold_no_date(tmp_path):
    for name in ("a.svg", "b.svg", "a.png", "b.png", "a.pdf", "b.pdf"):
        figure().savefig(tmp_path / name)
    for kind in ("svg", "png", "pdf"):
        content = (tmp_path / f"a.{kind}").read_bytes()
        assert content == (tmp_path / f"b.{kind}").read_bytes()
        assert b"<dc:date>" not in content
        assert b"CreationDate" not in content
        assert matplotlib.__version__.encode() not in content


def test_svg_speaks_to_a_screen_reader_and_asks_for_nothing():
    root = ElementTree.fromstring(figure().svg())
    assert (root.get("role"), root.get("aria-label")) == ("img", "A line that climbs from zero")
    assert not re.search(r'(src|href)="http', figure().svg())


def test_hostile_words_stay_words():
    made = theme.new_figure("<script>alert(1)</script> $x^2$ {{7*7}}", 'quote " and <b>', "s\u202e\x00ource")
    root = ElementTree.fromstring(made.svg())
    assert root.get("aria-label") == 'quote " and <b>'
    assert not root.findall(".//{*}script")
    assert made.source == "source"
    html = made._repr_mimebundle_()[0]["text/html"]
    assert html.startswith('<img alt="quote &quot; and &lt;b&gt;"')


def test_the_bundle_holds_one_picture_with_its_alternative():
    data, metadata = figure()._repr_mimebundle_()
    assert data["text/html"].count("<img") == 1
    assert 'alt="A line that climbs from zero"' in data["text/html"]
    assert metadata["image/png"]["alt"] == "A line that climbs from zero"


def test_a_figure_leaves_no_global_state():
    before = dict(plt.rcParams)
    figure().png()
    assert plt.get_fignums() == []
    assert dict(plt.rcParams) == before


def test_lines_and_text_stand_out_from_paper():
    # WCAG 2.2: 4.5 to 1 for text, 3 to 1 for marks; the series colours also colour their labels, in bold.
    for colour in (theme.INK, theme.MUTED):
        assert theme.contrast(colour, theme.PAPER) >= 4.5
    for colour in theme.SERIES:
        assert theme.contrast(colour, theme.PAPER) >= 3
    for palette in (theme.DAY, theme.NIGHT):
        assert theme.contrast(palette["muted"], palette["ground"]) >= 4.5


def test_contrast_of_a_known_pair():
    # #767676 on white is the well-known darkest grey that just passes 4.5 to 1.
    assert theme.contrast("#767676", "#FFFFFF") == pytest.approx(4.54, abs=0.005)


def test_series_colours_differ_from_each_other():
    for one, other in itertools.combinations(theme.SERIES, 2):
        assert one != other


@pytest.mark.parametrize(("raw", "shown"), [
    ("gate\u202etxt", "gatetxt"), ("a\nb\tc", "a b c"), ("门 7", "□ 7"), ("zero\u200bwidth", "zerowidth"),
    ("é–°", "é–°"),
])
def test_clean_keeps_what_can_be_drawn(raw, shown):
    assert theme.clean(raw) == shown


def test_clean_cuts_what_is_too_long():
    assert theme.clean("x" * 500, 10) == "x" * 9 + "…"


def test_wrap_keeps_every_word_and_the_width():
    text = "one two three four five six seven eight nine ten"
    for balance in (False, True):
        lines = theme.wrap(text, 1.2, balance=balance)
        assert " ".join(lines) == text
        assert all(theme.text_width_in(line) <= 1.2 for line in lines)


def test_the_source_line_says_what_is_invented():
    invented = types.SimpleNamespace(name="register", synthetic=True, manifest={"seed": 7})
    real = types.SimpleNamespace(name="dump", synthetic=False, manifest={})
    assert "invented" in theme.source_line(invented)
    assert "seed 7" in theme.source_line(invented)
    assert "invented" not in theme.source_line(real)
    assert theme.source_line(real, "March").endswith("March.")


def test_a_frame_without_columns_or_rows_is_refused():
    with pytest.raises(InputError, match="chart_x needs a frame with the columns a, b; b not found in a"):
        theme.need_columns(pd.DataFrame({"a": [1]}), ["a", "b"], "chart_x")
    with pytest.raises(InputError, match="without a row"):
        theme.need_columns(pd.DataFrame({"a": []}), ["a"], "chart_x")
