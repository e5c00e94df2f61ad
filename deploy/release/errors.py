"""Error of a release."""


class ReleaseError(Exception):
    """A release that cannot be made; the message is for the person who makes it."""
