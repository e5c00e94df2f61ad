"""URL at which a provider reports what became of one message."""

CALLBACKS_PATH = "/v1/callbacks/"
"""Path of callbacks; the name of the provider follows."""

REFERENCE_PARAMETER = "m"
"""Parameter of the query with the reference."""

LONGEST_REFERENCE = 40
"""Characters of the longest reference."""


def callback_url(base_url: str, provider: str, reference: str) -> str:
    """Return the URL of a provider's callbacks about the message that a reference names."""
    return f"{base_url}{CALLBACKS_PATH}{provider}?{REFERENCE_PARAMETER}={reference}"
