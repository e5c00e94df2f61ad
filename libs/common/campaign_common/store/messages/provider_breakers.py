"""provider_breakers: which providers are being left alone, until when by the database's clock."""

from typing import NamedTuple

from pymysql.cursors import Cursor

from campaign_common.domain.campaign import CampaignId

# A breaker of another kind, or of another account, does not take over the end of the present one.
OPEN = """
INSERT INTO provider_breakers (provider, open_until, opened_at, opened_by, account)
VALUES (%s, NOW(6) + INTERVAL %s MICROSECOND, NOW(6), %s, %s)
ON DUPLICATE KEY UPDATE open_until = IF(account <=> VALUES(account),
    GREATEST(open_until, VALUES(open_until)), VALUES(open_until)),
  opened_at = VALUES(opened_at), opened_by = VALUES(opened_by), times_opened = times_opened + 1,
  account = VALUES(account)
"""

SELECT_OPEN = """
SELECT provider, TIMESTAMPDIFF(MICROSECOND, NOW(6), open_until) / 1000000.0, account
FROM provider_breakers WHERE open_until > NOW(6)
"""

END_ACCOUNT = """
UPDATE provider_breakers SET open_until = NOW(6)
WHERE provider = %s AND account IS NOT NULL AND open_until > NOW(6)
"""

SELECT_LEFT_ALONE = """
SELECT c.id FROM provider_breakers b JOIN campaigns c ON c.provider = b.provider
WHERE b.open_until > NOW(6) AND c.state = 'running' AND c.lease_owner = %s
"""


class OpenBreaker(NamedTuple):
    """A provider that is left alone for some more seconds.

    `account`: digest of the account that it refuses; None: the breaker holds for all senders.
    """

    seconds: float
    account: str | None = None


def open_breaker(cursor: Cursor, provider: str, breaker: OpenBreaker, opened_by: str) -> None:
    """Open the breaker of `provider` for all senders, or those of an account; a later end stays."""
    microseconds = round(breaker.seconds * 1_000_000)
    cursor.execute(OPEN, (provider, microseconds, opened_by, breaker.account))


def end_account_breaker(cursor: Cursor, provider: str) -> None:
    """End the breaker of `provider` if it is one of an account: one is accepted again."""
    cursor.execute(END_ACCOUNT, (provider,))


def campaigns_with_open_circuit(cursor: Cursor, owner: str) -> frozenset[CampaignId]:
    """Read which running campaigns leased by `owner` have a provider that is left alone."""
    cursor.execute(SELECT_LEFT_ALONE, (owner,))
    return frozenset(campaign_id for (campaign_id,) in cursor.fetchall())


def read_open_breakers(cursor: Cursor) -> dict[str, OpenBreaker]:
    """Read which providers are being left alone."""
    cursor.execute(SELECT_OPEN)
    return {
        provider: OpenBreaker(float(seconds), account)
        for provider, seconds, account in cursor.fetchall()
    }
