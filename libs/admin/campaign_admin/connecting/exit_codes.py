"""Exit codes of the command `campaign`, as docs/reference/commands.md lists them."""

from enum import IntEnum


class ExitCode(IntEnum):
    """The end of a command."""

    DONE = 0
    OUTSIDE = 1
    """The API cannot be reached, fails, or refuses for too long with 429."""
    USAGE = 2
    """The command line, the configuration, the URL or the key is wrong."""
    ENDED_OTHERWISE = 3
    """A campaign has ended in another state than the one waited for."""
    NOT_ALLOWED = 4
    """No key, a wrong one, or a scope that does not suffice."""
    REFUSED = 5
    """The rules of the API refuse it."""
    NOT_FOUND = 6
    INTERRUPTED = 130
    """Ctrl-C."""
