"""A campaign played through without sending anything: what its messages will be and cost."""

import threading
import time
from collections import Counter
from collections.abc import Mapping
from typing import Any

from campaign_api.campaigns.duplicates import DAYS, RecentRecipients
from campaign_api.campaigns.preview import Draft, attributes_of, read_draft, renderer
from campaign_api.refusals import TooMany
from campaign_common.database import Database
from campaign_common.recipient import NAME, PHONE
from campaign_common.segments import Encoding, segmentation
from campaign_common.store.dry_runs import best_rate, read_slice
from campaign_common.store.fanout import RecipientRow
from campaign_common.template import Template

AT_ONCE = 2
"""Dry runs that one process works on; each takes a share of its processor time."""

ROWS_AT_ONCE = 1_000
"""Rows read at a time: megabytes even where rows are as wide as they may be."""

LONGEST_RUN = 100.0
"""Seconds after which a dry run answers with what it has seen."""

BUCKET = 20
"""Characters: the width of a step of the distribution of lengths."""

LONGEST_BUCKET = 2_000
"""Characters from which on all lengths are counted together."""

MOST_CHARACTERS = 10_000
"""Different characters that are counted."""

SHOWN_CHARACTERS = 20

LATEST_CAMPAIGNS = 20
"""Finished campaigns whose rates are compared."""


class Tally:
    """What is counted of the messages, row by row."""

    def __init__(self, template: Template) -> None:
        self.rows = 0
        self.shortest = 0
        self.longest = 0
        self.characters = 0
        self.most_segments = 0
        self.lengths: Counter[int] = Counter()
        self.messages: Counter[Encoding] = Counter()
        self.segments: Counter[Encoding] = Counter()
        self.forced_by: Counter[str] = Counter()
        self.missing: Counter[str] = Counter()
        self._render = renderer(template)
        self._columns = sorted(template.placeholders - {NAME, PHONE})
        self._names = NAME in template.placeholders

    def add(self, row: RecipientRow) -> None:
        """Count one recipient's message."""
        characters, encoding, segments, forced_by = segmentation(self._render(row))
        self.shortest = min(self.shortest, characters) if self.rows else characters
        self.longest = max(self.longest, characters)
        self.rows += 1
        self.characters += characters
        self.lengths[min(characters, LONGEST_BUCKET) // BUCKET] += 1
        self.messages[encoding] += 1
        self.segments[encoding] += segments
        self.most_segments = max(self.most_segments, segments)
        if forced_by and (forced_by in self.forced_by or len(self.forced_by) < MOST_CHARACTERS):
            self.forced_by[forced_by] += 1
        if self._names and not row[2]:
            self.missing[NAME] += 1
        if self._columns:
            self._count_missing(attributes_of(row))

    def _count_missing(self, attributes: Mapping[str, str]) -> None:
        for column in self._columns:
            if not attributes.get(column):
                self.missing[column] += 1


class DryRuns:
    """Runs a few at a time; holds a slice of the list in memory, and no transaction."""

    def __init__(self, database: Database, clock: Any = time.monotonic) -> None:  # noqa: ANN401
        self._database = database
        self._clock = clock
        self._free = threading.BoundedSemaphore(AT_ONCE)

    def run(self, campaign_id: int) -> dict[str, Any]:
        """Play a campaign through.

        Raises:
            CampaignUnknown: there is no such campaign.
            ListGone: its recipient list has been deleted.
            TooMany: others are being played through.
            RetryLater: the database is unavailable.
        """
        if not self._free.acquire(blocking=False):
            raise TooMany(f"{AT_ONCE} dry runs are under way; try again when one has ended")
        try:
            return self._run(campaign_id)
        finally:
            self._free.release()

    def _run(self, campaign_id: int) -> dict[str, Any]:
        with self._database.reading() as cursor:
            draft = read_draft(cursor, campaign_id)
            recent = RecentRecipients.read(cursor, draft.campaign.list_id, campaign_id)
            rate = best_rate(cursor, draft.campaign.provider, days=DAYS, latest=LATEST_CAMPAIGNS)
        tally = Tally(draft.template)
        duplicates = after_seq = 0
        give_up_at = self._clock() + LONGEST_RUN
        complete = False
        while not complete and self._clock() < give_up_at:
            with self._database.reading() as cursor:
                rows = read_slice(
                    cursor, draft.campaign.list_id, after_seq=after_seq, limit=ROWS_AT_ONCE
                )
                duplicates += recent.count(cursor, rows) if rows else 0
            for row in rows:
                tally.add(row)
            complete = len(rows) < ROWS_AT_ONCE
            after_seq = rows[-1][0] if rows else after_seq
        return describe(draft, tally, duplicates, rate, complete=complete)


def describe(
    draft: Draft, tally: Tally, duplicates: int, rate: float | None, *, complete: bool
) -> dict[str, Any]:
    """Describe what was counted; `rate` in messages per second."""
    recipients = draft.campaign.accepted
    return {
        "rows": tally.rows,
        "complete": complete,
        "characters": {
            "shortest": tally.shortest,
            "longest": tally.longest,
            "mean": round(tally.characters / tally.rows, 1) if tally.rows else 0.0,
            "distribution": [_bucket(step, n) for step, n in sorted(tally.lengths.items())],
        },
        "segments": sum(tally.segments.values()),
        "most_segments": tally.most_segments,
        "encodings": {
            encoding.value: {
                "messages": tally.messages[encoding],
                "segments": tally.segments[encoding],
            }
            for encoding in Encoding
        },
        "forced_by": [
            {"character": character, "code_point": f"U+{ord(character):04X}", "messages": n}
            for character, n in tally.forced_by.most_common(SHOWN_CHARACTERS)
        ],
        "missing": [
            {"placeholder": name, "messages": tally.missing[name]}
            for name in sorted(draft.template.placeholders)
            if name != PHONE
        ],
        "duplicates": {"recipients": duplicates, "days": DAYS},
        "rate": None if rate is None else round(rate, 1),
        "estimated_seconds": round(recipients / rate, 1) if rate else None,
    }


def _bucket(step: int, messages: int) -> dict[str, Any]:
    first = step * BUCKET
    last = None if first >= LONGEST_BUCKET else first + BUCKET - 1
    return {"from": first, "to": last, "messages": messages}
