"""The verifier of a provider's requests, and what all of them share."""

import hmac
from abc import ABC, abstractmethod
from collections.abc import Sequence

from campaign_providers.callbacks.facts import (
    CallbackPurpose,
    CallbackReply,
    CallbackRequest,
    RefusalReason,
)


class Verifier(ABC):
    """Verifier of a request as the provider's, over its raw bytes and before it is read.

    Nothing raises for what a request contains. Where a verifier has several secrets, such as
    during a rotation, each of them counts.
    """

    asks_for_password = False
    """A refusal has to say that a password is expected."""

    @abstractmethod
    def verify(self, request: CallbackRequest, purpose: CallbackPurpose) -> RefusalReason | None:
        """Return why the request is not believed; None: it is the provider's."""

    def handshake(self, request: CallbackRequest) -> CallbackReply | RefusalReason | None:
        """Return the answer to a request that only sets the webhook up; None: it is none."""
        del request
        return None


def equals_any(given: str, expected: Sequence[bytes]) -> bool:
    """Return whether a header's value is one of those that are expected, in constant time.

    All of them are compared, so that the time says nothing of which one it was.
    """
    value = given.encode("utf-8", "surrogatepass")
    found = [hmac.compare_digest(value, each) for each in expected]
    return any(found)


def secret_bytes(secrets: Sequence[str]) -> tuple[bytes, ...]:
    """Return secrets as keys.

    Raises:
        ValueError: there is none, or one is empty: anybody could sign with it.
    """
    if not secrets or not all(secrets):
        raise ValueError("expected at least one secret, and none that is empty")
    return tuple(secret.encode("utf-8") for secret in secrets)
