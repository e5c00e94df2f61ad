"""Results without proof, of messages that a receipt proves to be sent (protocol rule 14)."""

from collections.abc import Iterable

from campaign_common.database import Database, Proof
from campaign_common.store.receipts.receipt_rows import read_receipts
from campaign_providers.contract import SendResult, SendStatus
from campaign_sender.admission.rules import is_reported, place_of
from campaign_sender.message import Message
from campaign_sender.recording.outcome import NEVER_IN_DOUBT


def mark_reported(database: Database, results: Iterable[SendResult[Message]]) -> None:
    """Note in messages in doubt which provider has reported about them.

    A receipt that is stored later is looked at when it has been open for a second. Nearly all
    results are accepted, and cost no more than a comparison.

    Raises:
        RetryLater: the database is down.
    """
    doubted = [
        result
        for result in results
        if result.status is not SendStatus.ACCEPTED and _is_in_doubt(result)
    ]
    if not doubted:
        return
    with database.reading(proof=Proof.NOW) as cursor:
        receipts = read_receipts(cursor, [place_of(one.message) for one in doubted], {})
    for result in doubted:
        message, is_ambiguous = result.message, result.status is SendStatus.AMBIGUOUS
        if is_reported(message, receipts, is_ambiguous=is_ambiguous):
            message.reported_by = receipts[place_of(message)].provider


def _is_in_doubt(result: SendResult[Message]) -> bool:
    is_doubted = result.message.in_doubt and result.status not in NEVER_IN_DOUBT
    return is_doubted or result.status is SendStatus.AMBIGUOUS
