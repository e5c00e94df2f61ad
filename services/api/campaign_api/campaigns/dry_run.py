"""Dry run of a campaign: lengths, SMS segments and duplicates of its messages, unsent."""

import time
from collections import Counter
from collections.abc import Callable
from decimal import Decimal
from typing import Any, NamedTuple

from campaign_api.campaigns.dry_runs.duplicates import DAYS, RecentRecipients
from campaign_api.campaigns.dry_runs.planned_prices import PlannedPrices
from campaign_api.campaigns.dry_runs.planned_suppressions import PlannedSuppressions
from campaign_api.campaigns.dry_runs.unsubscribing import describe_unsubscribing, require_links
from campaign_api.campaigns.previews.preview import (
    Draft,
    attributes_of,
    read_draft,
    size_of,
    with_link,
)
from campaign_common.database import Databases
from campaign_common.domain.campaign import CampaignId
from campaign_common.domain.content.budget import Budget
from campaign_common.domain.content.campaign_content import CampaignContent, CompiledContent
from campaign_common.domain.content.price import Rate
from campaign_common.domain.content.unsubscribe_link import UNSUBSCRIBE_URL, MakeLink
from campaign_common.domain.recipient import NAME, PHONE, trimmed
from campaign_common.domain.sms_segments import Encoding
from campaign_common.planning.errors import PlanInvalid
from campaign_common.planning.provider_fit import longest_text, require_length, require_support
from campaign_common.settings import Settings
from campaign_common.store.campaigns.dry_runs import best_rate, count_erased, read_slice
from campaign_common.store.campaigns.fanout import RecipientRow
from campaign_common.store.campaigns.progress import CampaignProgress
from campaign_common.store.limits.live_weights import follow_live_weights

ROWS_AT_ONCE = 1_000
"""Rows read at a time: megabytes even where rows are as wide as they may be."""

LONGEST_RUN = 100.0
"""Seconds after which a dry run returns an incomplete result."""

BUCKET = 20
"""Characters: the width of a step of the distribution of lengths."""

LONGEST_BUCKET = 2_000
"""Characters from which on all lengths are counted together."""

MOST_CHARACTERS = 10_000
"""Different characters that are counted."""

SHOWN_CHARACTERS = 20

LOST_BUDGET = "the budget was lost in a roll-back, so that nothing is sent until it is given again"

LATEST_CAMPAIGNS = 20
"""Finished campaigns whose rates are compared."""


class Shape(NamedTuple):
    """The length of a message; there are only as many shapes as there are lengths."""

    characters: int
    segments: int
    encoding: Encoding | None


class DryRunCounts:
    """Counts over the messages of a campaign, row by row."""

    def __init__(
        self, content: CompiledContent, prices: PlannedPrices, link: MakeLink | None = None
    ) -> None:
        """Count messages, which have a `link` to unsubscribe unless it is None."""
        self.rows = 0
        self.shapes: Counter[Shape] = Counter()
        self.forced_by: Counter[str] = Counter()
        self.missing: Counter[str] = Counter()
        self._link = link
        of_ours: set[str] = set() if link is None else {UNSUBSCRIBE_URL}
        self.placeholders = content.placeholders - of_ours
        """Placeholders that are columns of the list."""
        self.columns = sorted(self.placeholders - {NAME, PHONE})
        """Columns that are read from the attributes."""
        self.segments_by_rate: Counter[Rate] = Counter()
        self.messages_by_rate: Counter[Rate] = Counter()
        self.prices = prices
        self._content = content
        self._names = NAME in content.placeholders

    def add(self, row: RecipientRow) -> None:
        """Count one recipient's message."""
        seq, phone, name, _ = row
        attributes = attributes_of(row) if self.columns else None
        values = attributes
        if self._link is not None:
            values = with_link(attributes or {}, row, self._link)
        rendered = self._content.render(name, phone, values)
        characters, encoding, segments, forced_by = size_of(rendered)
        self.rows += 1
        self.shapes[Shape(characters, segments, encoding)] += 1
        if self.prices.currency is not None:
            rate = self.prices.rate_of(seq, phone)
            self.messages_by_rate[rate] += 1
            self.segments_by_rate[rate] += segments
        if forced_by and (forced_by in self.forced_by or len(self.forced_by) < MOST_CHARACTERS):
            self.forced_by[forced_by] += 1
        if self._names and not trimmed(name):
            self.missing[NAME] += 1
        if attributes is not None:
            for column in self.columns:
                if not trimmed(attributes.get(column, "")):
                    self.missing[column] += 1


class DryRuns:
    """Dry runs; each holds a slice of the list in memory, and no transaction open."""

    def __init__(
        self,
        databases: Databases,
        settings: Settings,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._databases = databases
        self._settings = settings
        self._clock = clock

    def run(self, campaign_id: CampaignId) -> dict[str, Any]:
        """Run a dry run of a campaign.

        Raises:
            CampaignUnknown: there is no such campaign.
            ListDeleted: its recipient list has been deleted.
            TemplateUnfit: links to unsubscribe can not be made.
            RetryLater: a database is unavailable.
        """
        routes = self._settings.routes
        with self._databases.main.reading() as cursor:
            draft = read_draft(cursor, campaign_id)
            require_links(self._settings, draft)
            erased = count_erased(cursor, draft.campaign.list_id)
            recent = RecentRecipients.read(cursor, draft.campaign.list_id, campaign_id)
            follow_live_weights(cursor, routes)
            rate = best_rate(cursor, draft.campaign.provider, days=DAYS, latest=LATEST_CAMPAIGNS)
        prices = PlannedPrices(self._settings, routes, draft.campaign.provider, campaign_id)
        counts = DryRunCounts(draft.content, prices, draft.link)
        suppressions = PlannedSuppressions(self._settings, routes, draft, campaign_id)
        duplicates = after_seq = 0
        give_up_at = self._clock() + LONGEST_RUN
        complete = False
        while not complete and self._clock() < give_up_at:
            with self._databases.reading() as cursors:
                rows = read_slice(
                    cursors.main,
                    draft.campaign.list_id,
                    after_seq=after_seq,
                    limit=ROWS_AT_ONCE,
                    with_attributes=bool(counts.columns),
                )
                duplicates += recent.count(cursors, rows) if rows else 0
                suppressions.count(cursors.main, rows)
            for row in rows:
                counts.add(row)
            complete = len(rows) < ROWS_AT_ONCE
            after_seq = rows[-1][0] if rows else after_seq
        described = describe(draft, counts, duplicates, rate, complete=complete)
        return {
            **described,
            "suppressed": suppressions.described(erased),
            "unsubscribe": describe_unsubscribing(self._settings, routes, draft),
            "provider": self._provider_fit(draft, counts),
        }

    def _provider_fit(self, draft: Draft, counts: DryRunCounts) -> dict[str, Any]:
        """Describe what the provider would not take, by the configuration of this API."""
        name = draft.campaign.provider
        longest = longest_text(self._settings, name)
        return {
            "name": name,
            "problem": self._problem(name, draft),
            "max_length": longest,
            "too_long": 0 if longest is None else _longer(counts.shapes, longest),
        }

    def _problem(self, name: str, draft: Draft) -> str | None:
        try:
            wanted = CampaignContent(draft.content.content, draft.originator)
            require_support(self._settings, name, wanted)
            require_length(self._settings, name, draft.content)
        except PlanInvalid as error:
            return error.message
        return None


def describe(
    draft: Draft, counts: DryRunCounts, duplicates: int, rate: float | None, *, complete: bool
) -> dict[str, Any]:
    """Describe the counts; `rate` is in messages per second."""
    shapes = counts.shapes
    return {
        "recipients": counts.rows,
        "complete": complete,
        "characters": _lengths(shapes),
        "segments": _segments(shapes),
        "max_segments": max((shape.segments for shape in shapes), default=0),
        "encodings": {encoding.value: _cost(shapes, encoding) for encoding in Encoding},
        "ucs2_characters": [
            {"character": character, "code_point": f"U+{ord(character):04X}", "messages": n}
            for character, n in counts.forced_by.most_common(SHOWN_CHARACTERS)
        ],
        "missing_values": [
            {"placeholder": name, "messages": counts.missing[name]}
            for name in sorted(counts.placeholders)
            if name != PHONE
        ],
        "cost": _cost_of(counts, draft),
        "recently_messaged": {"recipients": duplicates, "days": DAYS},
        "rate": None if rate is None else round(rate, 1),
        "estimated_seconds": _estimated_seconds(draft.campaign, rate),
    }


def _estimated_seconds(campaign: CampaignProgress, rate: float | None) -> float | None:
    """Estimate the duration by the provider's best rate and the campaign's own one."""
    rates = [rate, None if campaign.max_rate is None else float(campaign.max_rate)]
    slowest = min((one for one in rates if one), default=None)
    return None if slowest is None else round(campaign.accepted / slowest, 1)


def _lengths(shapes: Counter[Shape]) -> dict[str, Any]:
    lengths = [shape.characters for shape in shapes]
    steps: Counter[int] = Counter()
    for shape, n in shapes.items():
        steps[min(shape.characters, LONGEST_BUCKET) // BUCKET] += n
    characters = sum(shape.characters * n for shape, n in shapes.items())
    return {
        "shortest": min(lengths, default=0),
        "longest": max(lengths, default=0),
        "mean": round(characters / shapes.total(), 1) if shapes else 0.0,
        "distribution": [_bucket(step, n) for step, n in sorted(steps.items())],
    }


def _longer(shapes: Counter[Shape], longest: int) -> int:
    """Count the texts of more than `longest` characters; what has no encoding is no text."""
    return sum(n for shape, n in shapes.items() if shape.encoding and shape.characters > longest)


def _bucket(step: int, messages: int) -> dict[str, Any]:
    first = step * BUCKET
    last = None if first >= LONGEST_BUCKET else first + BUCKET - 1
    return {"from": first, "to": last, "messages": messages}


def _cost(shapes: Counter[Shape], encoding: Encoding) -> dict[str, int]:
    of_it = Counter({shape: n for shape, n in shapes.items() if shape.encoding is encoding})
    return {"messages": of_it.total(), "segments": _segments(of_it)}


def _cost_of(counts: DryRunCounts, draft: Draft) -> dict[str, Any] | None:
    currency = counts.prices.currency
    if currency is None:
        return None
    amounts = {rate: n * rate.amount for rate, n in counts.segments_by_rate.items()}
    amount = sum(amounts.values(), Decimal())
    budget = draft.budget
    warning = LOST_BUDGET if draft.has_lost_budget else _budget_warning(amount, currency, budget)
    return {
        "currency": currency,
        "amount": amount,
        "budget": None if budget is None else budget.amount,
        "warning": warning,
        "by_prefix": [
            {
                "prefix": rate.prefix or None,
                "per_segment": rate.amount,
                "messages": counts.messages_by_rate[rate],
                "segments": counts.segments_by_rate[rate],
                "amount": amounts[rate],
            }
            for rate in sorted(amounts)
        ],
    }


def _budget_warning(amount: Decimal, currency: str, budget: Budget | None) -> str | None:
    """Return a warning where the budget does not cover the cost of all messages."""
    if budget is None or (budget.currency == currency and amount <= budget.amount):
        return None
    if budget.currency != currency:
        return f"the budget is in {budget.currency}, the price of the provider in {currency}"
    missing = format((amount - budget.amount).normalize(), "f")
    return f"the budget lacks {missing} {currency}: the campaign is paused when it is used up"


def _segments(shapes: Counter[Shape]) -> int:
    return sum(shape.segments * n for shape, n in shapes.items())
