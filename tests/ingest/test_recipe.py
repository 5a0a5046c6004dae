from dataclasses import replace

import pytest

from kit.errors import InputError
from kit.ingest import formats
from kit.ingest.recipe import FORMS, Recipe, load_recipe

SMALL = """
name = "gate"
time_zone = "Asia/Shanghai"
[[source]]
name = "log"
files = "log*.csv"
form = "csv"
makes = "sightings"
[source.set]
source = "face"
[source.fields]
who = { is = "identifier", do = "pseudonymise", as = "subject_id", kind = "person" }
gate = { is = "sensor", do = "keep", as = "sensor_id" }
at = { is = "time", do = "keep", as = "time" }
note = { is = "identifier", do = "drop", why = "free text" }
"""


def written(folder, text):
    path = folder / "gate.toml"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("name", ["register", "community", "fusion"])
def test_the_three_recipes_are_sound_and_named_as_they_are_called(name):
    assert load_recipe(name).name == name
    assert len(load_recipe(name).sha256) == 64


def test_no_built_in_recipe_keeps_an_identifier_or_a_label():
    for name in ("register", "community", "fusion"):
        fields = [f for s in load_recipe(name).sources for f in s.fields]
        assert {f.do for f in fields if f.what == "identifier"} <= {"pseudonymise", "drop", "refuse"}
        assert {f.do for f in fields if f.what == "label"} <= {"tally", "drop", "refuse"}


def test_a_recipe_of_ones_own_is_read_from_its_file_and_handed_back_if_already_read(tmp_path):
    recipe = load_recipe(written(tmp_path, SMALL))
    source = recipe.sources[0]
    assert (recipe.name, recipe.time_zone, source.makes) == ("gate", "Asia/Shanghai", ("sightings",))
    assert source.field_of("time").path == "at"
    assert [f.path for f in source.read] == ["who", "gate", "at"]
    assert load_recipe(recipe) is recipe
    assert isinstance(replace(recipe, name="other"), Recipe)


@pytest.mark.parametrize(("old", "new", "says"), [
    ('do = "pseudonymise", as = "subject_id", kind = "person"', 'do = "keep", as = "subject_id"',
     "which is identifier, cannot be treated as 'keep'"),
    ('kind = "person"', 'kind = "pet"', "'pet'; choose from person"),
    ('is = "sensor"', 'is = "gadget"', "'gadget'; choose from identifier"),
    ('at = { is = "time", do = "keep", as = "time" }', "", "no field becomes time"),
    ('do = "keep", as = "sensor_id"', 'do = "keep"', "which column it becomes"),
    ('as = "sensor_id"', 'as = "household"', "cannot become household"),
    ('form = "csv"', 'form = "xml"', "'xml'; choose from"),
    ('makes = "sightings"', 'makes = "trouble"', "'trouble'; choose from"),
    ('source = "face"', 'source = "gossip"', "'gossip'; choose from face"),
    ('do = "drop", why', 'do = "drop", as = "score", why', "is not kept"),
    ('files = "log*.csv"', 'files = "log*.csv"\ncolour = 3', "says colour"),
    ('at = { is = "time", do = "keep", as = "time" }', 'at = { is = "time", do = "keep", as = "time" }\n'
     'at2 = { is = "time", do = "keep", as = "time" }', "one column from two fields"),
    ('source = "face"', 'source = "face"\nshoe_size = "9"', "sets the column 'shoe_size'"),
    ('do = "keep", as = "time"', 'do = "keep", as = "time", form = "D/M/Y"', "'D/M/Y'; choose from YYYYMMDD"),
    ('do = "keep", as = "time"', 'do = "keep", as = "time", unit = "days"', "'days'; choose from s, ms, us, ns, excel"),
    ('do = "keep", as = "time"', 'do = "keep", as = "time", zone = "Mars/Base"', "unknown zone 'Mars/Base'"),
    ('do = "keep", as = "time"', 'do = "keep", as = "time", zone = "../etc/passwd"', "unknown zone"),
    ('do = "keep", as = "time"', 'do = "keep", as = "time", stamps = "end"', "needs both"),
    ('do = "keep", as = "time"', 'do = "keep", as = "time", lasting = "5min"', "needs both"),
    ('do = "keep", as = "time"', 'do = "keep", as = "time", stamps = "end", lasting = "5 cats"', "no length of time"),
    ('do = "keep", as = "time"', 'do = "keep", as = "time", stamps = "end", lasting = 5', "no length of time"),
    ('do = "keep", as = "time"', 'do = "keep", as = "time", stamps = "end", lasting = "-1h"', "no length of time"),
    ('do = "keep", as = "sensor_id"', 'do = "keep", as = "sensor_id", unit = "s"', "cannot have unit"),
    ('form = "csv"', 'form = "csv"\ncrs = "EPSG:0"', "'EPSG:0', which is none"),
    ('form = "csv"', 'form = "csv"\naxes = "y x"', "'y x'; choose from lon lat, lat lon"),
    ('name = "gate"', "", "needs a name"),
    ('"gate"', '"gate', "not readable TOML"),
])
def test_a_recipe_that_cannot_be_says_where_and_what_is_allowed(tmp_path, old, new, says):
    with pytest.raises(InputError) as told:
        load_recipe(written(tmp_path, SMALL.replace(old, new, 1)))
    assert says in str(told.value)
    assert "\n" not in str(told.value).replace("\\n", "")


def test_a_label_cannot_be_kept_under_another_name(tmp_path):
    sly = SMALL + 'creed = { is = "label", do = "keep", as = "score" }\n'
    with pytest.raises(InputError, match="cannot be treated as 'keep'; choose from tally, drop, refuse"):
        load_recipe(written(tmp_path, sly))
    slyer = SMALL + 'creed = { is = "measurement", do = "keep", as = "system_label" }\n'
    with pytest.raises(InputError, match="a label becomes system_label or nothing"):
        load_recipe(written(tmp_path, slyer))


def test_an_unknown_name_lists_the_known_ones():
    with pytest.raises(InputError, match="community, fusion, register"):
        load_recipe("metro")


def test_how_files_are_laid_out_is_said_by_the_source(tmp_path):
    said = 'form = "csv"\ndelimiter = ";"\nheader = ["who", "gate", "at", "note"]\nencoding = "gb18030"'
    [source] = load_recipe(written(tmp_path, SMALL.replace('form = "csv"', said))).sources
    assert (source.delimiter, source.header, source.encoding) == (";", ("who", "gate", "at", "note"), "gb18030")
    [source] = load_recipe(written(tmp_path, SMALL)).sources
    assert (source.delimiter, source.header, source.encoding) == (None, True, None)


@pytest.mark.parametrize(("said", "says"), [
    ("delimiter = ''", "has the delimiter ''; give one or more characters"),
    ('delimiter = "\\n"', "give one or more characters"),
    ("delimiter = 7", "has the delimiter 7; give one or more characters"),
    ('header = ["a", "a"]', "has a header that is no list of distinct names"),
    ('header = "yes"', "has the header 'yes'; give a list of names, or false")])
def test_a_layout_that_cannot_be_is_refused(tmp_path, said, says):
    with pytest.raises(InputError, match=says.replace("(", r"\(")):
        load_recipe(written(tmp_path, SMALL.replace('form = "csv"', f'form = "csv"\n{said}')))


def test_every_form_has_a_reader():
    assert set(formats.READERS) == set(FORMS)


def test_brackets_without_end_are_one_sentence(tmp_path):
    for text in ("form = " + "[" * 5_000, 'x = ' + "{ a = " * 5_000):
        (tmp_path / "deep.toml").write_text(text)
        with pytest.raises(InputError, match=r"^The recipe deep.toml is nested deeper than any"):
            load_recipe(tmp_path / "deep.toml")
