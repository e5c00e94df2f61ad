"""provider_breakers: which providers are being left alone, until when by the database's clock."""

from pymysql.cursors import Cursor

from campaign_common.domain.campaign import CampaignId

OPEN = """
INSERT INTO provider_breakers (provider, open_until, opened_at, opened_by)
VALUES (%s, NOW(6) + INTERVAL %s MICROSECOND, NOW(6), %s)
ON DUPLICATE KEY UPDATE open_until = GREATEST(open_until, VALUES(open_until)),
  opened_at = VALUES(opened_at), opened_by = VALUES(opened_by), times_opened = times_opened + 1
"""

SELECT_OPEN = """
SELECT provider, TIMESTAMPDIFF(MICROSECOND, NOW(6), open_until) / 1000000.0
FROM provider_breakers WHERE open_until > NOW(6)
"""


SELECT_LEFT_ALONE = """
SELECT c.id FROM provider_breakers b JOIN campaigns c ON c.provider = b.provider
WHERE b.open_until > NOW(6) AND c.state = 'running' AND c.lease_owner = %s
"""


def open_breaker(cursor: Cursor, provider: str, seconds: float, opened_by: str) -> None:
    """Open the breaker of `provider` for all senders for `seconds`; a later end stays."""
    cursor.execute(OPEN, (provider, round(seconds * 1_000_000), opened_by))


def campaigns_with_open_circuit(cursor: Cursor, owner: str) -> frozenset[CampaignId]:
    """Read which running campaigns leased by `owner` have a provider that is left alone."""
    cursor.execute(SELECT_LEFT_ALONE, (owner,))
    return frozenset(campaign_id for (campaign_id,) in cursor.fetchall())


def read_open_breakers(cursor: Cursor) -> dict[str, float]:
    """Read which providers are being left alone, and for how many more seconds."""
    cursor.execute(SELECT_OPEN)
    return {provider: float(seconds) for provider, seconds in cursor.fetchall()}
