"""Where people open the dashboard: whose forms are taken, and where they may sign in.

A browser says in Sec-Fetch-Site from where a form came. Over plain http, except on the machine
itself, it neither says so nor stores a Secure cookie.
"""

from urllib.parse import urlsplit

from flask import Request

from campaign_api.web.auth.local_client import is_loopback

SAME_ORIGIN = "same-origin"


class DashboardOrigin:
    """The URL at which people open the dashboard, or this machine where there is none."""

    def __init__(self, public_url: str | None) -> None:
        self._public_url = public_url
        self._public_host = None if public_url is None else urlsplit(public_url).netloc

    @property
    def is_secure(self) -> bool:
        """Return whether people come by https."""
        return self._public_url is not None and self._public_url.startswith("https:")

    def is_foreign(self, request: Request) -> bool:
        """Return whether a form came from elsewhere, or does not say from where."""
        site = request.headers.get("Sec-Fetch-Site")
        if site is not None:
            return site != SAME_ORIGIN
        origin = request.headers.get("Origin")
        own = f"{request.scheme}://{request.host}"
        return origin is None or origin not in (self._public_url, own)

    def public_address(self, request: Request, path: str) -> str | None:
        """Return where a path is at the configured URL, if the request came by another host."""
        if self._public_url is None or request.host == self._public_host:
            return None
        return f"{self._public_url}{path}"

    def sign_in_url(self, request: Request) -> str | None:
        """Return None where people may sign in, else where they can; empty: nowhere yet."""
        if request.host == self._public_host or _is_this_machine(request):
            return None
        return self._public_url or ""


def _is_this_machine(request: Request) -> bool:
    try:
        name = urlsplit(f"//{request.host}").hostname or ""
    except ValueError:
        return False
    return name == "localhost" or is_loopback(name)
