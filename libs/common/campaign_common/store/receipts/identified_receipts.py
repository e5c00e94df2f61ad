"""Writing of receipts that name their message by the provider's id."""

from collections import Counter
from collections.abc import Mapping, Sequence
from functools import partial
from typing import NamedTuple

from campaign_common.database import Databases
from campaign_common.domain.receipts.identified_receipt import IdentifiedReceipt
from campaign_common.domain.receipts.message_receipt import MessageReceipt
from campaign_common.store.receipts.early_receipts import (
    due_early,
    forget_early,
    keep_early,
    look_later,
)
from campaign_common.store.receipts.provider_ids import IdentifiedMessage, find_messages
from campaign_common.store.receipts.receipt_writer import ReceiptWriter, WrittenReceipts

AMBIGUOUS_ID = "ambiguous_id"
"""A report whose id several messages have."""


class _FoundMessages(NamedTuple):
    receipts: list[MessageReceipt]
    reported: list[IdentifiedReceipt]
    """The reports that they are of."""
    ambiguous: list[IdentifiedReceipt]
    left: list[IdentifiedReceipt]
    """The reports that no message has."""


class WrittenIdentified(NamedTuple):
    """Numbers of reports by id."""

    written: WrittenReceipts
    early: int
    """Reports that no message has yet, which are kept."""


class IdentifiedReceiptWriter:
    """Writer of receipts whose messages it finds by the provider's id, on all servers."""

    def __init__(self, databases: Databases, writer: ReceiptWriter, days: int) -> None:
        """Write with `writer`, and look as far back as `days` before today."""
        self._databases = databases
        self._days = days
        self._writer = writer

    def write(self, reports: Sequence[IdentifiedReceipt]) -> WrittenIdentified:
        """Store the receipts of the messages that are found, and keep the other reports.

        May be repeated as a whole after any error.

        Raises:
            RetryLater: a database is away, or its answer to COMMIT was lost.
        """
        if not reports:
            return WrittenIdentified(WrittenReceipts(), 0)
        found = self._find(reports)
        written = self._write(found)
        if found.left:
            self._databases.main.run(partial(keep_early, receipts=found.left))
        return WrittenIdentified(written, len(found.left))

    def write_early(self, limit: int) -> int:
        """Look again for the messages of some reports that are kept; return how many were due.

        Raises:
            RetryLater: a database is away.
        """
        main = self._databases.main
        with main.reading() as cursor:
            due = due_early(cursor, limit)
        if not due:
            return 0
        found = self._find(due)
        self._write(found)
        ended = [*found.reported, *found.ambiguous]
        if ended:
            main.run(partial(forget_early, receipts=ended))
        hashes = sorted({one.id_hash for one in found.left})
        main.run(partial(look_later, hashes=hashes))
        return len(due)

    def _write(self, found: _FoundMessages) -> WrittenReceipts:
        written = self._writer.write(found.receipts)
        if not found.ambiguous:
            return written
        unmatched = Counter(written.unmatched) + Counter({AMBIGUOUS_ID: len(found.ambiguous)})
        return written._replace(unmatched=dict(unmatched))

    def _find(self, reports: Sequence[IdentifiedReceipt]) -> _FoundMessages:
        messages = self._messages_of({report.id_hash for report in reports})
        found = _FoundMessages([], [], [], [])
        for report in reports:
            of_id = messages.get(report.id_hash, [])
            if not of_id:
                found.left.append(report)
            elif len({one[1:4] for one in of_id}) > 1:
                found.ambiguous.append(report)
            else:
                found.reported.append(report)
                found.receipts.append(_receipt(report, max(of_id, key=_generation_of)))
        return found

    def _messages_of(self, hashes: set[bytes]) -> Mapping[bytes, list[IdentifiedMessage]]:
        messages: dict[bytes, list[IdentifiedMessage]] = {}
        for database in self._databases.all:
            with database.reading() as cursor:
                for id_hash, found in find_messages(cursor, hashes, self._days).items():
                    messages.setdefault(id_hash, []).extend(found)
        return messages


def _generation_of(message: IdentifiedMessage) -> int:
    return message.generation


def _receipt(report: IdentifiedReceipt, message: IdentifiedMessage) -> MessageReceipt:
    return MessageReceipt(
        message.campaign_id,
        message.seq,
        message.generation,
        message.shard,
        report.provider,
        report.rank,
        report.code,
        report.at,
    )
