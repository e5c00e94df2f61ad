"""Pages with a secret, which neither browsers nor proxies keep."""

from flask import Response


def shown_once(response: Response) -> Response:
    """Forbid that a page is stored, in the history of a browser too."""
    response.headers["Cache-Control"] = "no-store"
    return response
