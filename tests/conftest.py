"""Settings for all tests."""

from hypothesis import settings

# The first example of a property may compile a kernel; that is no reason to fail it.
settings.register_profile("retrace", deadline=None)
settings.load_profile("retrace")
