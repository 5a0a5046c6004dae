"""What became of each field: every field has its thread, every end its number."""

import pandas as pd
import pytest
from matplotlib.patches import PathPatch

from kit.errors import InputError
from kit.show import flow

FIELDS = pd.DataFrame([("ts", "time", "keep"), ("photo", "identifier", "drop"), ("id_no", "identifier", "pseudonymise"),
                       ("nation", "label", "tally"), ("birthday", "time", "coarsen"), ("name", "identifier", "drop")],
                      columns=["field", "is", "do"])


def words_of(figure):
    return [t.get_text() for t in figure.axes[0].texts]


def test_each_field_has_a_thread_and_each_end_its_number(words):
    figure = flow.chart_field_flow(FIELDS, **words)
    assert sum(isinstance(p, PathPatch) for p in figure.axes[0].patches) == len(FIELDS)
    assert {"kept: 1 field", "dropped: 2 fields", "keyed pseudonym: 1 field", "counted, then gone: 1 field",
            "made coarser: 1 field"} <= set(words_of(figure))


def test_fields_stand_by_what_they_are_and_then_by_what_becomes_of_them(words):
    shown = [t for t in words_of(flow.chart_field_flow(FIELDS, **words)) if t in set(FIELDS["field"])]
    assert shown == ["id_no", "name", "photo", "nation", "ts", "birthday"]


def test_a_field_s_name_is_data_and_drawn_as_plain_text(words):
    hostile = FIELDS.assign(field=["$x^2$", "a\u202eb", "c\nd", "<b>", "{{ 7 }}", "e"])
    shown = words_of(flow.chart_field_flow(hostile, **words))
    assert {"$x^2$", "ab", "c d", "<b>", "{{ 7 }}"} <= set(shown)


def test_order_of_rows_does_not_matter(words):
    assert flow.chart_field_flow(FIELDS, **words).svg() == flow.chart_field_flow(FIELDS.iloc[::-1], **words).svg()


@pytest.mark.parametrize(("frame", "said"), [
    (FIELDS.drop(columns="do"), "do not found"), (FIELDS.iloc[:0], "without a row"),
    (FIELDS.assign(do="sell"), "not sell"), (FIELDS.assign(**{"is": "face"}), "not face")])
def test_what_no_recipe_says_is_refused(frame, said, words):
    with pytest.raises(InputError, match=said):
        flow.chart_field_flow(frame, **words)
