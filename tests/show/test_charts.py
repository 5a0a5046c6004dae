"""Each chart draws what its frame says, under a title, an alternative and a source."""

import numpy as np
import pandas as pd
import pytest

from kit.errors import InputError
from kit.show import charts

CELLS = pd.DataFrame({"identity": ["name, number"], "place": ["1,000 trackers"]}, index=["register"])
SHARES = pd.DataFrame({"label": ["edges", "nights"], "estimate": [0.8, 0.5], "low": [0.7, 0.4], "high": [0.9, 0.6],
                       "n": [100, 1200]})
FEW = pd.DataFrame({"series": ["hour"] * 2 + ["day"] * 2, "known": [1, 2, 1, 2], "estimate": [0.2, 0.9, 0.1, 0.3],
                    "low": [0.1, 0.8, 0.0, 0.2], "high": [0.3, 1.0, 0.2, 0.4], "eligible": [100, 60, 100, 50],
                    "population": 100})
GRID = pd.DataFrame([(place, time, known, share) for known, shares in {2: (0.9, 0.4, 0.6, 0.1), 4: (1, 0.9, 0.8, 0.5)}
                     .items() for (place, time), share in zip(
                         [("sensor", "1h"), ("sensor", "1D"), ("1km", "1h"), ("1km", "1D")], shares, strict=True)],
                    columns=["place", "time", "known", "estimate"])
STEPS = pd.DataFrame({"label": ["everyone", "seen at eight", "and at nine"], "people": [10_000, 120, 1]})
LINES = pd.DataFrame({"series": ["kept", "kept"], "x": [0, 1], "y": [5.0, 4.0], "low": [4, 3], "high": [6, 5]})
CROWDS = pd.DataFrame({"size": [1000, 10_000] * 2, "known": [2, 2, 4, 4], "estimate": [0.6, 0.3, 0.95, 0.9],
                       "low": [0.55, 0.25, 0.94, 0.89], "high": [0.65, 0.35, 0.96, 0.91]})


def texts(figure):
    axes = [t.get_text() for a in figure.axes for t in [*a.texts, a.title, a.xaxis.label, a.yaxis.label,
                                                        *a.get_xticklabels(), *a.get_yticklabels()]]
    return [t.get_text() for t in figure.texts] + axes


def seen_twice():
    times = pd.Timestamp("2031-03-12", tz="UTC") + pd.to_timedelta([0, 60, 1000, 1030, 5000], unit="s")
    return pd.DataFrame({"subject_id": ["p1", "p1", "p1", "p1", None], "sensor_id": ["a", "a", "a", "b", "a"],
                         "time": times})


ALL = [(charts.chart_matrix, CELLS), (charts.chart_estimates, SHARES), (charts.chart_lines, LINES),
       (charts.chart_how_few_points, FEW), (charts.chart_unicity_surface, GRID), (charts.chart_crowd_shrinks, STEPS),
       (charts.chart_gap_histogram, seen_twice()), (charts.chart_unicity_by_crowd, CROWDS)]
IDS = [chart.__name__ for chart, _ in ALL]


@pytest.mark.parametrize(("chart", "frame"), ALL, ids=IDS)
def test_every_chart_needs_its_words(chart, frame, words):
    for missing in words:
        with pytest.raises(InputError, match=f"needs {missing}="):
            chart(frame, **{**words, missing: ""})


@pytest.mark.parametrize(("chart", "frame"), ALL, ids=IDS)
def test_every_chart_shows_its_words_and_leaves_its_frame_alone(chart, frame, words):
    before = frame.copy(deep=True)
    figure = chart(frame, **words, subtitle="Measured on four people")
    assert figure.alt == words["alt"]
    assert {words["title"], "Measured on four people", words["source"]} <= set(texts(figure))
    pd.testing.assert_frame_equal(frame, before)


@pytest.mark.parametrize(("chart", "frame"), ALL, ids=IDS)
def test_every_chart_gives_the_same_bytes_twice(chart, frame, words):
    assert chart(frame, **words).svg() == chart(frame, **words).svg()


@pytest.mark.parametrize(("chart", "frame"), ALL, ids=IDS)
def test_every_chart_refuses_an_empty_frame(chart, frame, words):
    with pytest.raises(InputError, match="without a row"):
        chart(frame.iloc[:0], **words)


@pytest.mark.parametrize(("chart", "frame"), [pair for pair in ALL if pair[0] is not charts.chart_matrix],
                         ids=[i for i in IDS if i != "chart_matrix"])
def test_every_chart_names_a_missing_column(chart, frame, words):
    lost = "time" if "time" in frame else frame.columns[-1] if "people" in frame else frame.columns[1]
    with pytest.raises(InputError, match=f"{chart.__name__} needs .*{lost}"):
        chart(frame.drop(columns=lost), **words)


def test_the_matrix_holds_every_cell_and_shades_by_level(words):
    level = pd.DataFrame({"identity": [1.0], "place": [0.0]}, index=["register"])
    figure = charts.chart_matrix(CELLS, **words, level=level)
    shown = " ".join(texts(figure)).replace("\n", " ")
    for word in ("register", "identity", "name, number", "1,000 trackers"):
        assert word in shown
    revealing, nothing = (patch.get_facecolor() for patch in figure.axes[0].patches)
    assert sum(revealing[:3]) < sum(nothing[:3])


def test_the_matrix_refuses_levels_of_another_shape(words):
    with pytest.raises(InputError, match=r"shape of the cells, \(1, 2\), not \(1, 1\)"):
        charts.chart_matrix(CELLS, **words, level=CELLS[["place"]])


def test_estimates_start_at_zero_and_write_interval_and_people(words):
    figure = charts.chart_estimates(SHARES, **words, strong="edges")
    axes = figure.axes[0]
    assert axes.get_xlim() == (0, 1)
    assert "80%  (70% to 90%), n = 100" in texts(figure)
    assert [(bar.get_x(), round(bar.get_width(), 9)) for bar in axes.patches] == [(0.7, 0.2), (0.4, 0.2)]


def test_lines_are_named_where_they_end_and_start_at_zero(words):
    two = pd.concat([LINES, LINES.assign(series="deleted", y=[2, 1], low=[1, 0], high=[3, 2])])
    figure = charts.chart_lines(two, **words, y_label="people")
    axes = figure.axes[0]
    assert axes.get_legend() is None
    assert {"kept", "deleted"} <= set(texts(figure))
    assert axes.get_ylim()[0] == 0
    assert len(axes.collections) == 2      # two bands


def test_a_single_line_is_named_by_its_axis(words):
    figure = charts.chart_lines(LINES, **words, y_label="people")
    assert "people" in texts(figure)
    assert "kept" not in texts(figure)


def test_a_log_axis_is_labelled_in_plain_numbers(words):
    lines = pd.DataFrame({"series": "a", "x": [1, 7, 90], "y": [1, 2, 3]})
    figure = charts.chart_lines(lines, **words, log_x=True)
    figure.svg()
    assert [t.get_text() for t in figure.axes[0].get_xticklabels()] == ["1", "7", "90"]
    many = pd.DataFrame({"series": "a", "x": range(1, 200), "y": 1.0})
    assert [t.get_text() for t in charts.chart_lines(many, **words, log_x=True).axes[0].get_xticklabels()] == [
        "1", "10", "100", "1,000"]


def test_no_label_is_left_in_typesetting_code(words):
    for chart, frame in ALL:
        figure = chart(frame, **words)
        figure.svg()
        assert not [t for t in texts(figure) if "$" in t or "mathdefault" in t]


def test_more_than_six_lines_are_refused(words):
    many = pd.concat([LINES.assign(series=f"s{n}") for n in range(7)])
    with pytest.raises(InputError, match="at most 6 series, and 7 were given"):
        charts.chart_lines(many, **words)


def test_labels_of_lines_that_end_together_stand_apart():
    places = charts._spread([0.5, 0.5, 0.51, 1.0], 0.06)
    assert np.diff(np.sort(places)).min() >= 0.06 - 1e-12
    assert places[3] == 1.0
    crowded = charts._spread([0.98, 0.99, 1.0], 0.06)
    assert crowded.max() <= 1.0
    assert np.diff(np.sort(crowded)).min() >= 0.06 - 1e-12


def test_how_few_points_shows_how_many_people_have_them(words):
    figure = charts.chart_how_few_points(FEW, **words)
    lines, strip = figure.axes
    assert lines.get_ylim() == (0, 1)
    assert [bar.get_height() for bar in strip.patches] == [1.0, 0.6]
    assert {"100%", "50 to 60%", "hour", "day"} <= set(texts(figure))


def test_how_few_points_takes_unicity_as_it_comes(words):
    one = FEW[FEW["series"] == "hour"].drop(columns="series")
    assert "60%" in texts(charts.chart_how_few_points(one, **words))


def test_a_crowd_has_a_line_for_each_number_of_points_and_a_floor_beyond(words):
    bound = pd.DataFrame({"known": [4], "population": [100_000], "low": [0.37]})
    figure = charts.chart_unicity_by_crowd(CROWDS, bound=bound, **words)
    axes = figure.axes[0]
    assert axes.get_xscale() == "log"
    assert axes.get_ylim() == (0, 1)
    assert {"2 points known", "4 points known (at least 37%)", "100,000"} <= set(texts(figure))
    assert [100_000, 0.37] in [list(line.get_xydata()[-1]) for line in axes.lines]
    assert not any("at least" in text for text in texts(charts.chart_unicity_by_crowd(CROWDS, **words)))


def test_the_surface_has_one_scale_and_a_line_at_one_half(words):
    figure = charts.chart_unicity_surface(GRID, **words)
    two, four = figure.axes[:2]
    assert [panel.images[0].get_clim() for panel in (two, four)] == [(0, 1), (0, 1)]
    assert {"2 points known", "4 points known", "90", "40"} <= {t for p in (two, four) for t in
                                                                 [p.get_title(loc="left"), *texts(figure)]}
    # Of 0.9 0.4 / 0.6 0.1 the right column lies under one half: a border of two cells' height, between the columns.
    border = two.collections[0].get_segments()
    assert sorted(tuple(map(tuple, side)) for side in border) == [((0.5, -0.5), (0.5, 0.5)), ((0.5, 0.5), (0.5, 1.5))]
    assert four.collections[0].get_segments() == []


def test_the_crowd_is_counted_on_a_log_axis_from_one_person(words):
    figure = charts.chart_crowd_shrinks(STEPS, **words)
    axes = figure.axes[0]
    assert axes.get_xscale() == "log"
    assert axes.get_xlim()[0] == 1
    assert [(bar.get_x(), bar.get_width()) for bar in axes.patches] == [(1, 9999), (1, 119), (1, 0)]
    assert {"10,000 people", "120 people", "1 person"} <= set(texts(figure))


def test_a_crowd_of_nobody_is_refused(words):
    with pytest.raises(InputError, match="at least one person at each step"):
        charts.chart_crowd_shrinks(STEPS.assign(people=[3, 2, 0]), **words)


def test_gaps_count_only_pairs_of_one_person_at_one_sensor(words):
    # p1 at a: 0, 60, 1000 s, then b. Gaps at one sensor: 60 s and 940 s; the null and the change of sensor count not.
    figure = charts.chart_gap_histogram(seen_twice(), max_gap="15min", **words)
    histogram, below = figure.axes
    assert sum(bar.get_height() for bar in histogram.patches) == 2
    # Four matched sightings; at 7.5 and 15 min one pair joins, at 30 min both: 3, 3 and 2 visits.
    assert [t.get_text() for t in below.texts] == ["3 at 7.5 min", "3 at 15 min", "2 at 30 min"]


def test_gaps_need_somebody_seen_twice(words):
    with pytest.raises(InputError, match="nobody seen twice"):
        charts.chart_gap_histogram(seen_twice().iloc[[0, 3]], **words)
