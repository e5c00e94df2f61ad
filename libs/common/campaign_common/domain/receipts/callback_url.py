"""URLs at which a provider reports what became of a message, and what people write."""

CALLBACKS_PATH = "/v1/callbacks/"
"""Path of callbacks; the name of the provider follows."""

INBOUND_PATH = "/v1/inbound/"
"""Path of inbound messages; the name of the provider follows."""

REFERENCE_PARAMETER = "m"
"""Parameter of the query with the reference."""

LONGEST_REFERENCE = 40
"""Characters of the longest reference."""


def callback_url(base_url: str, provider: str, reference: str) -> str:
    """Return the URL of a provider's callbacks about the message that a reference names."""
    return f"{base_url}{CALLBACKS_PATH}{provider}?{REFERENCE_PARAMETER}={reference}"


def inbound_url(base_url: str, provider: str, reference: str | None) -> str:
    """Return the URL of a provider's inbound messages; None: their proof is not in the URL."""
    url = f"{base_url}{INBOUND_PATH}{provider}"
    return url if reference is None else f"{url}?{REFERENCE_PARAMETER}={reference}"
