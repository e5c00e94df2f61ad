"""Sign-ins that a browser has begun: what it keeps until the provider sends it back.

Its cookie has random values that no other browser knows: `state` binds the answer to the browser
(RFC 6749, section 10.12), `nonce` the ID token, and `verifier` the code (RFC 7636). So any process
can go on with a sign-in, and no table has those that are never finished.
"""

from hmac import compare_digest
from secrets import token_urlsafe
from typing import NamedTuple, Self
from urllib.parse import quote, unquote

RANDOM_BYTES = 32

SECONDS = 600
"""In which a person has signed in at the provider."""

LONGEST = 3_000
"""Characters of the cookie."""


class BegunSignIn(NamedTuple):
    """A sign-in on its way to the provider."""

    state: str
    nonce: str
    verifier: str
    onward: str
    """The path that was asked for."""

    @classmethod
    def new(cls, onward: str) -> Self:
        """Begin a sign-in."""
        state, nonce, verifier = (token_urlsafe(RANDOM_BYTES) for _ in range(3))
        begun = cls(state, nonce, verifier, onward)
        return begun if len(begun.cookie) <= LONGEST else begun._replace(onward="/")

    @classmethod
    def of_cookie(cls, cookie: str) -> Self | None:
        """Return the sign-in that a browser has begun; None: that is none."""
        parts = cookie.split(".", 3)
        if len(parts) < 4 or not all(parts) or len(cookie) > LONGEST:
            return None
        state, nonce, verifier, onward = parts
        return cls(state, nonce, verifier, unquote(onward))

    @property
    def cookie(self) -> str:
        """The text that the browser keeps."""
        return ".".join((self.state, self.nonce, self.verifier, quote(self.onward, safe="/")))

    def is_answered_by(self, state: str) -> bool:
        """Return whether an answer of the provider is to this sign-in."""
        return compare_digest(self.state.encode(), state.encode("utf-8", "replace"))
