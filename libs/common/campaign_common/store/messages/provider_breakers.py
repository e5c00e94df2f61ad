"""provider_breakers: whose circuit breaker is open, and until when by the database's clock."""

from datetime import datetime
from typing import NamedTuple

from pymysql.cursors import Cursor

from campaign_common.domain.campaign import CampaignId
from campaign_common.domain.limits.rest import RestReason
from campaign_common.domain.routing.routes import Routes
from campaign_common.store.core.open_circuits import OPEN_CIRCUITS
from campaign_common.store.messages.provider_account_breakers import open_account_breaker

OPEN = """
INSERT INTO provider_breakers (provider, open_until, opened_at, opened_by, reason, reason_until)
VALUES (%s, NOW(6) + INTERVAL %s MICROSECOND, NOW(6), %s, %s, open_until)
ON DUPLICATE KEY UPDATE reason = IF(VALUES(open_until) >= open_until, VALUES(reason), reason),
  reason_until = IF(VALUES(open_until) >= open_until, VALUES(open_until), reason_until),
  open_until = GREATEST(open_until, VALUES(open_until)),
  opened_at = VALUES(opened_at), opened_by = VALUES(opened_by), times_opened = times_opened + 1
"""

SELECT_OPEN = """
SELECT provider, TIMESTAMPDIFF(MICROSECOND, NOW(6), open_until) / 1000000.0
FROM provider_breakers WHERE open_until > NOW(6)
"""

SELECT_OF_OPEN_CIRCUITS = f"""
SELECT c.id FROM ({OPEN_CIRCUITS}) b JOIN campaigns c ON c.provider = b.provider
WHERE c.state = 'running' AND c.lease_owner = %s
"""

SELECT_PROVIDERS = f"SELECT provider FROM ({OPEN_CIRCUITS}) b"

SELECT_ON_ROUTES = """
SELECT id FROM campaigns WHERE state = 'running' AND lease_owner = %s AND provider IN %s
"""

# A row of an account that was only ever accepted has not opened.
SELECT_CIRCUITS = """
SELECT provider, open_until, opened_at, times_opened, 0, open_until > NOW(6)
FROM provider_breakers WHERE opened_at > NOW(6) - INTERVAL 30 DAY
UNION ALL
SELECT provider, open_until, opened_at, times_opened, 1, open_until > NOW(6)
FROM provider_account_breakers
WHERE times_opened > 0 AND opened_at > NOW(6) - INTERVAL 30 DAY
"""


class OpenBreaker(NamedTuple):
    """Circuit breaker that is open for some more seconds.

    `account`: digest of the account that it refuses; None: the breaker holds for all senders.
    `is_asked`: an answer of the provider asked to wait.
    """

    seconds: float
    account: str | None = None
    is_asked: bool = False


def open_breaker(cursor: Cursor, provider: str, breaker: OpenBreaker, opened_by: str) -> None:
    """Open the breaker of `provider` for all senders, or those of an account; a later end stays."""
    if breaker.account is not None:
        open_account_breaker(cursor, provider, breaker.account, breaker.seconds, opened_by)
        return
    reason = RestReason.RETRY_AFTER if breaker.is_asked else None
    cursor.execute(OPEN, (provider, round(breaker.seconds * 1_000_000), opened_by, reason))


def campaigns_with_open_circuit(
    cursor: Cursor, owner: str, routes: Routes | None = None
) -> frozenset[CampaignId]:
    """Read which running campaigns leased by `owner` have a provider whose circuit breaker is open.

    Of those that take one of `routes`, the ones of which all providers have one.
    """
    cursor.execute(SELECT_OF_OPEN_CIRCUITS, (owner,))
    found = [campaign_id for (campaign_id,) in cursor.fetchall()]
    if unavailable := routes_with_open_circuits(cursor, routes):
        cursor.execute(SELECT_ON_ROUTES, (owner, unavailable))
        found += [campaign_id for (campaign_id,) in cursor.fetchall()]
    return frozenset(found)


def routes_with_open_circuits(cursor: Cursor, routes: Routes | None) -> list[str]:
    """Read the routes of which all providers have an open circuit breaker."""
    if not routes:
        return []
    cursor.execute(SELECT_PROVIDERS)
    return routes.within([provider for (provider,) in cursor.fetchall()])


def read_open_breakers(cursor: Cursor) -> dict[str, OpenBreaker]:
    """Read which providers have a circuit breaker that is open for all senders."""
    cursor.execute(SELECT_OPEN)
    return {provider: OpenBreaker(float(seconds)) for provider, seconds in cursor.fetchall()}


class Circuit(NamedTuple):
    """Latest opening of a provider's breaker; times are UTC, naive.

    `of_account`: the provider refuses the account, and accepts no other one. `is_open`: now.
    """

    open_until: datetime
    opened_at: datetime
    times_opened: int
    of_account: bool
    is_open: bool


def read_circuits(cursor: Cursor) -> dict[str, Circuit]:
    """Read, by provider, the breaker that is open for longest, or was open last."""
    cursor.execute(SELECT_PROVIDERS)
    open_for_all = {provider for (provider,) in cursor.fetchall()}
    cursor.execute(SELECT_CIRCUITS)
    found: dict[str, Circuit] = {}
    for provider, open_until, opened_at, times, of_account, is_open in cursor.fetchall():
        circuit = Circuit(open_until, opened_at, int(times), bool(of_account), bool(is_open))
        if circuit.of_account and circuit.is_open and provider not in open_for_all:
            circuit = circuit._replace(is_open=False)  # another account is accepted
        if provider not in found or _rank(circuit) > _rank(found[provider]):
            found[provider] = circuit
    return found


def _rank(circuit: Circuit) -> tuple[bool, datetime]:
    return circuit.is_open, circuit.open_until
