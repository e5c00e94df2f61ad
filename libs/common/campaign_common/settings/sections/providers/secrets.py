"""Secrets, and users with passwords."""

from collections.abc import Iterator
from pathlib import Path

from campaign_common.settings.declaration import Conflict, key, section_class
from campaign_common.settings.fields.http import HeaderValue
from campaign_common.settings.fields.plain import FilePath
from campaign_common.settings.fields.templates import ConstantText, TextTemplate


@section_class
class SecretSettings:
    """A secret, which only its placeholder stands for."""

    file: Path | None = key("File", FilePath("file", null=True), default=None)
    """The file that holds it; a line break at its end is left out."""
    value: str | None = key("Value", HeaderValue(), default=None)
    """The secret itself. Best given as a file."""

    def conflicts(self) -> Iterator[Conflict]:
        """Yield that there is not exactly one of them."""
        if (self.file is None) == (self.value is None):
            yield (), "expected either File or Value"


@section_class
class BasicSettings:
    """User and password of HTTP Basic (RFC 7617)."""

    user: TextTemplate = key("User", ConstantText())
    """The user, without a colon."""
    password: TextTemplate = key("Password", ConstantText())
    """The password, best as `{secret.NAME}`."""

    def conflicts(self) -> Iterator[Conflict]:
        """Yield that the user has a colon: what stands behind it would be of the password."""
        if any(isinstance(piece, str) and ":" in piece for piece in self.user.pieces):
            yield ("User",), "expected a user without a colon"
