"""API keys: `id.secret`, of which only the id and a digest of the secret are ever stored."""

import re
from enum import StrEnum
from hashlib import sha256
from secrets import token_hex, token_urlsafe
from typing import NamedTuple, Self

LONGEST_NAME = 64
"""Characters; campaign_events.actor and api_keys.name hold as many."""

SECRET_BYTES = 32

_ID = re.compile(r"[0-9a-f]{16}")
_TOKEN = re.compile(r"([0-9a-f]{16})\.([A-Za-z0-9_-]{43})")


def is_name(text: str) -> bool:
    """Return whether a key may have this name: 1 to 64 printable characters, no spaces around."""
    return 1 <= len(text) <= LONGEST_NAME and text.isprintable() and text == text.strip()


def is_key_id(text: str) -> bool:
    """Return whether a text can be the id of a key: 16 hexadecimal digits."""
    return _ID.fullmatch(text) is not None


class Scope(StrEnum):
    """The rights of an API key; each includes those of the one before."""

    READ = "read"
    WRITE = "write"
    ADMIN = "admin"

    def allows(self, needed: "Scope") -> bool:
        """Return whether a key of this scope may do what needs `needed`."""
        ranks = list(Scope)
        return ranks.index(self) >= ranks.index(needed)


class ApiKey(NamedTuple):
    """A key as its owner holds it: 16 hexadecimal digits, and 32 random bytes as base64url."""

    id: str
    secret: str

    @classmethod
    def generate(cls) -> Self:
        """Make a new key."""
        return cls(token_hex(8), token_urlsafe(SECRET_BYTES))

    @classmethod
    def parse(cls, token: str) -> Self | None:
        """Read `id.secret`; None for anything else."""
        found = _TOKEN.fullmatch(token)
        return cls(found[1], found[2]) if found else None

    @property
    def token(self) -> str:
        """The key as it is sent after `Authorization: Bearer`."""
        return f"{self.id}.{self.secret}"

    def digest(self) -> bytes:
        """Return the SHA-256 of the secret.

        A slow hash would add nothing: 32 random bytes cannot be guessed.
        """
        return sha256(self.secret.encode()).digest()

    def __repr__(self) -> str:
        return f"ApiKey({self.id!r})"
