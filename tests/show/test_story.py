"""The city and one person's day: what is drawn, and what is left unsaid."""

import pandas as pd
import pytest

from kit.errors import InputError
from kit.show import days, ground, story
from kit.show.theme import CONTRAST, SUBJECT

TZ, DAY = "Etc/GMT-8", "2031-03-12"


def texts(figure):
    return [t.get_text() for a in figure.axes for t in [*a.texts, a.title, *a.get_yticklabels()]]


def city(sensors, basemap, words, **more):
    return story.chart_city_at_night(sensors, basemap, **words, **more)


def ribbon(visits, sightings, words, **more):
    return story.chart_day_ribbon(visits, sightings, tz=TZ, day=DAY, **words, **more)


def way(visits, sensors, basemap, words, **more):
    return story.chart_way_map(visits, sensors, basemap, tz=TZ, day=DAY, **words, **more)


def strips(words, visits):
    mine = days.week_table(visits, TZ, "p_one")
    return story.chart_week_strip(mine, days.week_table(visits, TZ), **words)


def test_all_need_their_words(sensors, basemap, visits, sightings, words):
    for missing in words:
        wanting = {**words, missing: ""}
        for draw in (lambda w: city(sensors, basemap, w), lambda w: ribbon(visits, sightings, w),
                     lambda w: way(visits, sensors, basemap, w), lambda w: strips(w, visits)):
            with pytest.raises(InputError, match=f"needs {missing}="):
                draw(wanting)


def test_all_give_the_same_bytes_twice(sensors, basemap, visits, sightings, words):
    for draw in (lambda: city(sensors, basemap, words), lambda: ribbon(visits, sightings, words),
                 lambda: way(visits, sensors, basemap, words), lambda: strips(words, visits)):
        assert draw().svg() == draw().svg()


def test_every_sensor_is_a_light_and_the_largest_has_most_passages(sensors, basemap, words):
    passages = pd.Series({"s1": 100, "s2": 10, "s3": 1})
    figure = city(sensors, basemap, words, passages=passages)
    cores = [line for line in figure.axes[0].lines if line.get_alpha() == 0.95]
    sizes = {x: line.get_markersize() for line in cores for x in line.get_xdata()}
    assert len(sizes) == 4
    assert max(sizes, key=sizes.get) == -123.40
    assert {"sensors: 4", "100 passages"} <= set(texts(figure))


def test_groups_are_named_with_their_number(sensors, basemap, words):
    shown = texts(city(sensors, basemap, words, classes={"clinics": ["clinic"], "stations": ["transit"]}))
    assert {"elsewhere: 1", "clinics: 1", "stations: 2"} <= set(shown)


def test_too_many_groups_are_refused(sensors, basemap, words):
    with pytest.raises(InputError, match="at most 3 groups, and 4 were given"):
        city(sensors, basemap, words, classes={n: [n] for n in "abcd"})


def test_estates_are_outlined_and_named(sensors, basemap, words):
    estates = ground.outlines(sensors, ["NULLVALE-A", None, None, "NULLVALE-B"])
    bare, named = city(sensors, basemap, words), city(sensors, basemap, words, estates=estates)
    assert {"NULLVALE-A", "NULLVALE-B"} <= set(texts(named))
    assert len(named.axes[0].patches) == len(bare.axes[0].patches) + 2


def test_a_city_without_any_base_map_still_shines(sensors, words):
    assert "sensors: 4" in texts(city(sensors, {}, words))


def test_solid_is_only_what_is_sure(visits, sightings, words):
    axes = ribbon(visits, sightings, words).axes[0]
    solid = [(p.get_x(), round(p.get_width(), 3)) for p in axes.patches if p.get_facecolor()[:3] == pytest.approx(
        (0, 0x72 / 255, 0xB2 / 255))]
    # s2 from 9 to 12 is three hours; every single sighting is a sliver, not an hour.
    assert (9.0, 3.0) in solid
    assert all(width <= 0.03 for start, width in solid if start != 9.0)


def test_the_unseen_is_hatched_and_written_out(visits, sightings, words):
    figure = ribbon(visits, sightings, words)
    assert "not seen: 21 h 00 min" in texts(figure)
    assert any(c.get_hatch() for c in figure.axes[0].collections)


def test_each_sighting_of_the_day_is_a_tick(visits, sightings, words):
    axes = ribbon(visits, sightings, words).axes[0]
    ticks = [seg for c in axes.collections if hasattr(c, "get_segments") for seg in c.get_segments()]
    assert sorted({round(seg[0][0], 3) for seg in ticks}) == [8, 9, 10.5, 12, 13, 15, 20]


def test_a_visit_over_midnight_shows_its_part_of_the_day(visits, sightings, words):
    over = visits.assign(arrived_at=visits["arrived_at"].where(visits["visit_id"] != 1, visits["arrived_at"][0]))
    axes = ribbon(over.iloc[1:], sightings, words).axes[0]
    assert (0.0, 8.0) in [(p.get_x(), p.get_width()) for p in axes.patches]
    ticks = [seg for c in axes.collections if hasattr(c, "get_segments") for seg in c.get_segments()]
    assert sorted({round(seg[0][0], 3) for seg in ticks}) == [8, 9, 10.5, 12, 13, 15, 20]


def test_a_false_match_is_an_outline_and_said(visits, sightings, words):
    plain, revealed = (ribbon(visits, sightings, words, false_sighting_ids=ids) for ids in ((), (6,)))
    assert "somebody else: a false match" in texts(revealed)
    assert "somebody else: a false match" not in texts(plain)
    outlined = [p for p in revealed.axes[0].patches if not p.get_fill()]
    assert len(outlined) == 1
    assert outlined[0].get_x() < 15 < outlined[0].get_x() + outlined[0].get_width()


def test_a_revealed_false_match_no_longer_bounds_the_time_elsewhere(visits, sightings, words):
    def reach(figure):
        """The furthest any fading bar of s2 goes."""
        lane = [t.get_text() for t in figure.axes[0].get_yticklabels()].index("s2")
        bars = [c for c in figure.axes[0].collections if not c.get_hatch() and not hasattr(c, "get_segments")]
        return max(path.vertices[:, 0].max() for c in bars for path in c.get_paths()
                   if abs(path.vertices[:, 1].mean() - lane) < 0.3)

    # Seen at s2 until 13:00, falsely at s4 at 15:00, at s1 at 20:00.
    assert reach(ribbon(visits, sightings, words)) == pytest.approx(15)
    assert reach(ribbon(visits, sightings, words, false_sighting_ids=[6])) == pytest.approx(20)


def test_a_sighting_belongs_to_the_visit_at_its_own_sensor(visits, sightings, words):
    # A second sensor sees the person at the very instant at which the visit to s2 ends.
    more = pd.concat([visits, visits.iloc[[4]].assign(visit_id=9, place_id="s3", arrived_at=visits["left_at"][2],
                                                      left_at=visits["left_at"][2])])
    seen = pd.concat([sightings, sightings.iloc[[4]].assign(sighting_id=99, sensor_id="s3")])
    figure = ribbon(more, seen, words)
    names = [t.get_text() for t in figure.axes[0].get_yticklabels()]
    ticks = [seg for c in figure.axes[0].collections if hasattr(c, "get_segments") for seg in c.get_segments()]
    assert sorted(names[round(seg[:, 1].mean())] for seg in ticks if seg[0][0] == pytest.approx(12)) == ["s2", "s3"]


def test_places_are_called_by_their_names(visits, sightings, words):
    assert "home door" in texts(ribbon(visits, sightings, words, names={"s1": "home door"}))


def test_a_day_of_too_many_places_points_to_zones(visits, sightings, words):
    many = pd.concat([visits.iloc[[2]].assign(visit_id=n, place_id=f"x{n}") for n in range(15)])
    with pytest.raises(InputError, match='at most 14 places, and the day has 15; find visits with place="zone"'):
        ribbon(many, sightings, words)


def test_the_way_is_dashed_and_the_stops_are_numbered(visits, sensors, basemap, words):
    figure = way(visits, sensors, basemap, words, names={"s2": "station"})
    dashed = [line for line in figure.axes[0].lines if line.is_dashed()]
    assert len(dashed) == 3             # s1 to s2, s2 to s4, s4 to s1; two visits to s2 make no way
    assert {line.get_color() for line in dashed} == {SUBJECT}
    assert {"1, 5", "2–3", "4"} <= set(texts(figure))
    assert {"station", "09:00", "15:00"} <= set(texts(figure))


def test_the_week_of_all_has_its_own_scale_from_zero(visits, words):
    figure = strips(words, visits)
    scales = [panel.images[0].get_clim() for panel in figure.axes if panel.images]
    assert all(low == 0 for low, _ in scales)
    assert scales[0] == (0, 1)
    assert "s1, this resident" in {a.get_title(loc="left") for a in figure.axes}


def test_the_contrast_colour_is_kept_for_what_is_false(visits, sightings, words):
    from matplotlib.colors import to_rgba

    plain = ribbon(visits, sightings, words)
    colours = {tuple(p.get_edgecolor()) for p in plain.axes[0].patches}
    assert to_rgba(CONTRAST) not in colours
