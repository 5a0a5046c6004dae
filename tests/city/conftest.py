"""One plan, one town and three small dumps for all tests of the city."""

import pytest

from kit.city import leaks
from kit.city.people import lay_town
from kit.city.plan import make_plan

SEED = 5


@pytest.fixture(scope="session")
def plan():
    return make_plan()


@pytest.fixture(scope="session")
def town(plan):
    return lay_town(plan)


@pytest.fixture(scope="session")
def seed():
    return SEED


@pytest.fixture(scope="session")
def dumps(tmp_path_factory):
    """Small dumps by exposure: (folder, records by file)."""
    made = {}
    for exposure, people, days in (("register", 4_000, 1), ("community", 240, 35), ("fusion", 60, 3)):
        out = tmp_path_factory.mktemp("dumps") / exposure
        made[exposure] = (out, leaks.write_dump(exposure, people, days, SEED, out))
    return made
