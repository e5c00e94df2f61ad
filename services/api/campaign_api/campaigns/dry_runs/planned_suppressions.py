"""Recipients of a campaign who are suppressed before its start, by scope and reason."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from campaign_api.campaigns.previews.preview import Draft
from campaign_common.database import Cursor
from campaign_common.domain.campaign import CampaignId
from campaign_common.domain.message import idempotency_key
from campaign_common.domain.routing.routes import Routes
from campaign_common.domain.suppressions.suppression_scope import applies
from campaign_common.settings import Settings
from campaign_common.store.campaigns.fanout import RecipientRow
from campaign_common.store.suppressions.lookup import look_up_reasons

SHOWN_REASONS = 20


class PlannedSuppressions:
    """Count of the suppressed recipients of slices of a list, each person once.

    A route chooses by the keys that its messages will have, as if no provider rested.
    """

    def __init__(
        self, settings: Settings, routes: Routes, draft: Draft, campaign_id: CampaignId
    ) -> None:
        self._settings = settings
        self._routes = routes
        self._draft = draft
        self._campaign_id = campaign_id
        self._counts: Counter[tuple[str, str]] = Counter()

    def count(self, cursor: Cursor, rows: Sequence[RecipientRow]) -> None:
        """Count the recipients of a slice.

        Raises:
            RetryLater: the database is unavailable.
        """
        seqs = {phone: seq for seq, phone, *_ in rows}
        for phone, reasons in look_up_reasons(cursor, seqs).items():
            for scope, reason in sorted(reasons.items()):
                if self._applies(scope, seqs[phone], phone):
                    self._counts[scope, reason] += 1
                    break

    def described(self, erased: int) -> dict[str, Any]:
        """Describe what was counted, the most frequent reasons first, and who was `erased`."""
        return {
            "recipients": self._counts.total(),
            "erased": erased,
            "by_reason": [
                {"scope": scope, "reason": reason, "recipients": n}
                for (scope, reason), n in self._counts.most_common(SHOWN_REASONS)
            ],
        }

    def _applies(self, scope: str, seq: int, phone: str) -> bool:
        campaign = self._draft.campaign
        key = idempotency_key(self._campaign_id, seq, 0)
        provider = self._routes.of(campaign.provider, phone).first(key, lambda _: False)
        originator = self._draft.originator or self._settings.originator_of(provider)
        return applies((scope,), provider, originator, campaign.topic)
