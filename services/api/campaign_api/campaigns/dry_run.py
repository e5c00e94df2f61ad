"""Dry run of a campaign: lengths, SMS segments and duplicates of its messages, unsent."""

import time
from collections import Counter
from collections.abc import Callable
from typing import Any, NamedTuple

from campaign_api.campaigns.duplicates import DAYS, RecentRecipients
from campaign_api.campaigns.preview import Draft, attributes_of, read_draft
from campaign_common.database import Databases
from campaign_common.domain.campaign import CampaignId
from campaign_common.domain.recipient import NAME, PHONE, trimmed
from campaign_common.domain.sms_segments import Encoding, segmentation
from campaign_common.domain.template import Template
from campaign_common.planning.errors import PlanInvalid
from campaign_common.planning.provider_fit import longest_text, require_provider
from campaign_common.settings import Settings
from campaign_common.store.campaigns.dry_runs import best_rate, read_slice
from campaign_common.store.campaigns.fanout import RecipientRow

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

LATEST_CAMPAIGNS = 20
"""Finished campaigns whose rates are compared."""


class Shape(NamedTuple):
    """The length of a message; there are only as many shapes as there are lengths."""

    characters: int
    segments: int
    is_ucs2: bool

    @property
    def encoding(self) -> Encoding:
        """The encoding that the message needs."""
        return Encoding.UCS2 if self.is_ucs2 else Encoding.GSM7


class DryRunCounts:
    """Counts over the messages of a campaign, row by row."""

    def __init__(self, template: Template) -> None:
        self.rows = 0
        self.shapes: Counter[Shape] = Counter()
        self.forced_by: Counter[str] = Counter()
        self.missing: Counter[str] = Counter()
        self.columns = sorted(template.placeholders - {NAME, PHONE})
        """Columns that are read from the attributes."""
        self._template = template
        self._names = NAME in template.placeholders

    def add(self, row: RecipientRow) -> None:
        """Count one recipient's message."""
        _, phone, name, _ = row
        attributes = attributes_of(row) if self.columns else None
        text = self._template.render(name, phone, attributes)
        characters, _, segments, forced_by = segmentation(text)
        self.rows += 1
        self.shapes[Shape(characters, segments, forced_by is not None)] += 1
        if forced_by and (forced_by in self.forced_by or len(self.forced_by) < MOST_CHARACTERS):
            self.forced_by[forced_by] += 1
        if self._names and not trimmed(name):
            self.missing[NAME] += 1
        if attributes is not None:
            for column in self.columns:
                if not trimmed(attributes.get(column, "")):
                    self.missing[column] += 1


class DryRuns:
    """Runs dry runs; holds a slice of the list in memory, and no transaction open."""

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
            RetryLater: a database is unavailable.
        """
        with self._databases.main.reading() as cursor:
            draft = read_draft(cursor, campaign_id)
            recent = RecentRecipients.read(cursor, draft.campaign.list_id, campaign_id)
            rate = best_rate(cursor, draft.campaign.provider, days=DAYS, latest=LATEST_CAMPAIGNS)
        counts = DryRunCounts(draft.template)
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
            for row in rows:
                counts.add(row)
            complete = len(rows) < ROWS_AT_ONCE
            after_seq = rows[-1][0] if rows else after_seq
        described = describe(draft, counts, duplicates, rate, complete=complete)
        fit = self._provider_fit(draft.campaign.provider, counts)
        return {**described, "provider": fit}

    def _provider_fit(self, name: str, counts: DryRunCounts) -> dict[str, Any]:
        """Describe what the provider would not take, by the configuration of this API."""
        longest = longest_text(self._settings, name)
        too_long, problem = 0, None
        if longest is not None:
            too_long = sum(n for shape, n in counts.shapes.items() if shape.characters > longest)
        try:
            require_provider(self._settings, name)
        except PlanInvalid as error:
            problem = error.message
        return {"name": name, "problem": problem, "max_length": longest, "too_long": too_long}


def describe(
    draft: Draft, counts: DryRunCounts, duplicates: int, rate: float | None, *, complete: bool
) -> dict[str, Any]:
    """Describe the counts; `rate` is in messages per second."""
    recipients = draft.campaign.accepted
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
            for name in sorted(draft.template.placeholders)
            if name != PHONE
        ],
        "recently_messaged": {"recipients": duplicates, "days": DAYS},
        "rate": None if rate is None else round(rate, 1),
        "estimated_seconds": round(recipients / rate, 1) if rate else None,
    }


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


def _bucket(step: int, messages: int) -> dict[str, Any]:
    first = step * BUCKET
    last = None if first >= LONGEST_BUCKET else first + BUCKET - 1
    return {"from": first, "to": last, "messages": messages}


def _cost(shapes: Counter[Shape], encoding: Encoding) -> dict[str, int]:
    of_it = Counter({shape: n for shape, n in shapes.items() if shape.encoding is encoding})
    return {"messages": of_it.total(), "segments": _segments(of_it)}


def _segments(shapes: Counter[Shape]) -> int:
    return sum(shape.segments * n for shape, n in shapes.items())
