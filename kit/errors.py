"""What the kit raises when a person has to act: one sentence each, saying what is wrong, where, and what to do.

Everything a user can cause is a `KitError`; the command line prints its sentence and ends with exit code 2.
Anything else that escapes is a bug of ours.
"""


class KitError(Exception):
    """A mistake or a state that the user can mend; its text is the whole message."""


class InputError(KitError):
    """An argument, a file or a table is not what the function needs."""


class IntegrityError(KitError):
    """A manifest is missing or does not match the files beside it."""


class PurposeError(KitError):
    """A real exposure has no valid `purpose.toml` beside it."""


class MissingAsset(KitError):  # noqa: N818 - named for what is wrong
    """A page asks for a script or style sheet that the kit does not carry, so it would need the network."""
