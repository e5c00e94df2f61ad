"""Checks of the URL and of the key, made before anything is sent."""

from urllib.parse import urlsplit

from campaign_client.errors import ClientMisconfigured


def checked_url(url: str) -> str:
    """Return a base URL without a slash at its end.

    Raises:
        ClientMisconfigured: it is no http or https URL with a host alone.
    """
    text = url.strip()
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError as error:
        raise ClientMisconfigured(f"{url!r} is no URL: {error}") from error
    if parts.scheme not in {"http", "https"}:
        raise ClientMisconfigured(
            f"{url!r} is no URL of the API: it begins with http:// or https://"
        )
    if not parts.hostname or port == 0 or any(char.isspace() for char in text):
        raise ClientMisconfigured(f"{url!r} is no URL of the API: its host or port is missing")
    if parts.username is not None or parts.password is not None:
        raise ClientMisconfigured("a URL of the API holds no user and no password; give a key")
    if parts.query or parts.fragment:
        raise ClientMisconfigured(f"{url!r} is no URL of the API: it ends with ? or #")
    return text.rstrip("/")


def checked_key(key: str | None) -> str | None:
    """Return a key without the white space around it, as files of secrets have; None without one.

    Raises:
        ClientMisconfigured: it has characters that no header holds. Its text is not shown.
    """
    if key is None or not (text := key.strip()):
        return None
    if not text.isascii() or not text.isprintable() or " " in text:
        raise ClientMisconfigured("the API key holds white space or other than ASCII characters")
    return text
