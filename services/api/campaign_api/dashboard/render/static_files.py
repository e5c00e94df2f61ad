"""Static files of the dashboard, in memory, each under a path that has a digest of its content."""

import mimetypes
from hashlib import sha256
from importlib import resources
from importlib.resources.abc import Traversable
from typing import NamedTuple

from flask import Response

FOREVER = "public, max-age=31536000, immutable"
"""For a browser to keep: another content has another path."""

DIGITS = 16
"""Of the digest in a path."""

SUFFIXES = frozenset({".css", ".js", ".svg"})
"""Files that are served; licences and lists are not."""

PREFIX = "/static/"


class StaticFile(NamedTuple):
    """A file as it is served."""

    content: bytes
    media_type: str
    digest: str


class StaticFiles:
    """Static files of a package's folder."""

    def __init__(self, package: str = "campaign_api.dashboard", folder: str = "static") -> None:
        self._files: dict[str, StaticFile] = {}
        self._add(resources.files(package).joinpath(folder), "")

    def path_of(self, name: str) -> str:
        """Return the path of a file, such as `vendor/htmx.min.js`."""
        return f"{PREFIX}{self._files[name].digest}/{name}"

    def respond(self, digest: str, name: str) -> Response | None:
        """Return a file; None: there is none.

        One of another digest is of another version, which runs beside this one while services are
        upgraded: its page gets what there is, and does not keep it.
        """
        file = self._files.get(name)
        if file is None:
            return None
        response = Response(file.content, content_type=file.media_type)
        response.headers["Cache-Control"] = FOREVER if digest == file.digest else "no-cache"
        return response

    def _add(self, folder: Traversable, prefix: str) -> None:
        for entry in folder.iterdir():
            name = f"{prefix}{entry.name}"
            if entry.is_dir():
                self._add(entry, f"{name}/")
            elif any(name.endswith(suffix) for suffix in SUFFIXES):
                content = entry.read_bytes()
                media_type = mimetypes.guess_type(name)[0] or "application/octet-stream"
                if media_type.startswith("text/"):
                    media_type += "; charset=utf-8"
                digest = sha256(content).hexdigest()[:DIGITS]
                self._files[name] = StaticFile(content, media_type, digest)
