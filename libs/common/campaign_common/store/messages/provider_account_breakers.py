"""provider_account_breakers: which accounts a provider refuses, by a digest of their secrets.

Senders of one secret follow its row and no other one. A row is opened by a refusal and ended by a
success. Beside a refused account, the account that is accepted is noted, so that campaigns go on.
"""

from collections.abc import Mapping
from typing import NamedTuple

from pymysql.cursors import Cursor

from campaign_common.store.core.open_circuits import ACCEPTED_FOR

NOTED_AGAIN_AFTER = 5.0
"""Seconds between two notes of one accepted account."""

OPEN = """
INSERT INTO provider_account_breakers (provider, account, open_until, opened_at, opened_by)
VALUES (%s, %s, NOW(6) + INTERVAL %s MICROSECOND, NOW(6), %s)
ON DUPLICATE KEY UPDATE open_until = GREATEST(open_until, VALUES(open_until)), accepted_at = NULL,
  opened_at = VALUES(opened_at), opened_by = VALUES(opened_by), times_opened = times_opened + 1
"""

FORGET = """
DELETE FROM provider_account_breakers
WHERE provider = %s AND opened_at < NOW(6) - INTERVAL 30 DAY AND open_until < NOW(6)
"""

END = """
UPDATE provider_account_breakers SET open_until = NOW(6)
WHERE provider = %s AND account = %s AND open_until > NOW(6)
"""

NOTE_ACCEPTED = """
INSERT INTO provider_account_breakers
  (provider, account, open_until, accepted_at, opened_at, opened_by, times_opened)
VALUES (%s, %s, NOW(6), NOW(6), NOW(6), %s, 0)
ON DUPLICATE KEY UPDATE accepted_at = IF(open_until > NOW(6), NULL, NOW(6))
"""

SELECT_CURRENT = f"""
SELECT provider, account, TIMESTAMPDIFF(MICROSECOND, NOW(6), open_until) / 1000000.0,
       TIMESTAMPDIFF(MICROSECOND, accepted_at, NOW(6)) / 1000000.0
FROM provider_account_breakers
WHERE open_until > NOW(6) OR accepted_at > NOW(6) - INTERVAL {ACCEPTED_FOR} SECOND
"""


class AccountBreaker(NamedTuple):
    """An account that a provider refuses for some more seconds, or accepts beside a refused one."""

    seconds: float
    """Until the end; 0 or less: it is not refused."""
    accepted_ago: float | None = None
    """Seconds since it was noted as accepted; None: it was not, or long ago."""

    @property
    def is_open(self) -> bool:
        """Return whether senders of this account leave the provider alone."""
        return self.seconds > 0


AccountBreakers = Mapping[str, AccountBreaker]
"""Accounts of one provider, by digest."""


def open_account_breaker(
    cursor: Cursor, provider: str, account: str, seconds: float, opened_by: str
) -> None:
    """Open the breaker of an account for all senders that have it; a later end stays."""
    cursor.execute(OPEN, (provider, account, round(seconds * 1_000_000), opened_by))
    cursor.execute(FORGET, (provider,))


def end_account_breaker(cursor: Cursor, provider: str, account: str) -> None:
    """End the breaker of an account: it is accepted."""
    cursor.execute(END, (provider, account))


def note_accepted_account(cursor: Cursor, provider: str, account: str, noted_by: str) -> None:
    """Note that an account is accepted while another one of the provider is refused."""
    cursor.execute(NOTE_ACCEPTED, (provider, account, noted_by))


def read_account_breakers(cursor: Cursor) -> dict[str, AccountBreakers]:
    """Read, by provider, the accounts that are refused, and those that are accepted beside them."""
    cursor.execute(SELECT_CURRENT)
    found: dict[str, dict[str, AccountBreaker]] = {}
    for provider, account, seconds, accepted_ago in cursor.fetchall():
        breaker = AccountBreaker(
            float(seconds), None if accepted_ago is None else float(accepted_ago)
        )
        found.setdefault(provider, {})[account] = breaker
    return dict(found)
