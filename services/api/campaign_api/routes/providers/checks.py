"""POST /v1/providers/{name}/checks, and GET of one: what goes out, and what comes back."""

from collections.abc import Mapping
from functools import partial
from typing import Any

import structlog

from campaign_api.providers.checks import WantedCheck, find_check, store_check
from campaign_api.retrying_transactions import RetryingTransactions
from campaign_api.schemas.provider_check import CheckRequest, ProviderCheckSchema
from campaign_api.web.caller import caller
from campaign_api.web.idempotency.idempotent_requests import idempotent_request
from campaign_api.web.limits.trial_limit import TrialLimit
from campaign_api.web.routing.resource import Resource
from campaign_common.database import Database
from campaign_common.domain.api_key import Scope
from campaign_common.settings import Settings

ONCE = 0.0
"""Seconds for which storing a check is retried: one whose COMMIT got no response may be stored."""

log = structlog.get_logger(__name__)


def resource(database: Database, settings: Settings, limit: TrialLimit) -> Resource:
    """Build the routes; checks have a part in the limit of test messages."""
    transactions = RetryingTransactions(database, ONCE)
    routes = Resource(
        "provider checks",
        __name__,
        url_prefix="/v1/providers/<provider>/checks",
        description="The request of a provider as it goes out, and how its answer is read.",
    )

    @routes.post("")
    @routes.requires(Scope.ADMIN)
    @routes.idempotent_unstored
    @routes.arguments(CheckRequest)
    @routes.response(202, ProviderCheckSchema)
    @routes.problems(400, 404, 409, 413, 415, 422)
    def check(wanted: dict[str, Any], provider: str) -> Mapping[str, Any]:
        """Ask a sender to make the request of a message, and to send it once unless `dry_run`.

        The sender reads the secrets again, makes the request as for a message of a campaign, and
        sends it within 10 s or not at all, under the idempotency key `check-{id}`. It counts for
        the day of the provider's limits, and for nothing else; an open circuit breaker does not
        hold it back. If it is accepted, the refusal of the account ends for all senders.

        The response has the id. The result follows within seconds; it is kept for ten minutes.
        """
        asked = WantedCheck(
            provider,
            wanted.get("phone"),
            wanted.get("content"),
            wanted.get("from"),
            wanted["dry_run"],
        )
        limit.count()
        store = partial(store_check, settings=settings, wanted=asked, actor=caller().name)
        is_first = not idempotent_request().carried_out
        check_id = idempotent_request().run_once(transactions, store)
        if is_first:
            log.info(
                "provider check requested",
                provider=provider,
                check=check_id,
                dry_run=asked.dry_run,
                key=caller().name,
            )
        return find_check(database, settings, provider, check_id)

    @routes.get("/<int:check_id>")
    @routes.requires(Scope.ADMIN)
    @routes.response(200, ProviderCheckSchema)
    @routes.problems(404)
    def read(provider: str, check_id: int) -> Mapping[str, Any]:
        """Return a check: until it ends, `state` is `waiting` or `running`.

        Secrets are replaced by MASKED, also those that an answer repeats, and the number by
        asterisks but for its last two digits. Bodies are cut after 16 KiB.
        """
        return find_check(database, settings, provider, check_id)

    return routes
