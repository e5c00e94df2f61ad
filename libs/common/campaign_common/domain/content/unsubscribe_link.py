"""The link in a message by which its recipient unsubscribes."""

from collections.abc import Callable

UNSUBSCRIBE_URL = "unsubscribe_url"
"""The placeholder of the link, for lists that have no column of this name."""

LINKS_PATH = "/u/"
"""Path of the page; the reference of the message follows. Its characters cost segments."""

MakeLink = Callable[[int], str]
"""Returns the link in the message to the recipient of a number of the list."""


def unsubscribe_link(base_url: str, reference: str) -> str:
    """Return the link with the reference of a message."""
    return f"{base_url}{LINKS_PATH}{reference}"
