"""Requests with a user and a password (RFC 7617), as gateways send them of a URL that has both."""

import base64
import re
from collections.abc import Sequence

from campaign_providers.callbacks.facts import CallbackPurpose, CallbackRequest, RefusalReason
from campaign_providers.callbacks.signatures.verifier import Verifier, equals_any

_BASIC = re.compile(r"basic +", re.IGNORECASE | re.ASCII)


class BasicVerifier(Verifier):
    """Verifier of user and password, which say nothing of whose the body is."""

    asks_for_password = True

    def __init__(self, credentials: Sequence[tuple[str, str]]) -> None:
        """Take pairs of user and password.

        Raises:
            ValueError: there is none, a password is empty, or a user has a colon.
        """
        if not credentials or not all(password for _, password in credentials):
            raise ValueError("expected at least one user, and no empty password")
        if any(":" in user for user, _ in credentials):
            raise ValueError("expected users without a colon")
        self._expected = [
            base64.b64encode(f"{user}:{password}".encode()) for user, password in credentials
        ]

    def verify(self, request: CallbackRequest, purpose: CallbackPurpose) -> RefusalReason | None:
        """Return why the request is not believed."""
        del purpose
        header = request.header("authorization")
        scheme = _BASIC.match(header)
        if scheme is None:
            return RefusalReason.UNSIGNED
        is_known = equals_any(header[scheme.end() :].strip(), self._expected)
        return None if is_known else RefusalReason.FORGED
