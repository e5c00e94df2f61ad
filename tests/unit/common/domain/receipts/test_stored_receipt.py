"""Effects of reports on what is stored."""

import pytest

from campaign_common.domain.message import LedgerEntry, Status
from campaign_common.domain.receipts.receipt_rank import ReceiptRank
from campaign_common.domain.receipts.stored_receipt import (
    ReceiptState,
    StoredReceipt,
    look_again,
    proves_send,
)

OPEN = StoredReceipt(1, ReceiptRank.DELIVERED, ReceiptState.OPEN, "alpha", "0")
SENT = OPEN._replace(state=ReceiptState.SENT)
OTHERWISE = OPEN._replace(state=ReceiptState.OTHERWISE)


def entry(status: Status, generation: int = 1, provider: str | None = None) -> LedgerEntry:
    return LedgerEntry(status, generation, 1, 1, 0, provider)


LOOKED_AT = {
    "nothing is recorded": (None, OPEN, OPEN),
    "an older generation": (entry(Status.SENT, 0), OPEN, OPEN),
    "a later generation": (entry(Status.WAITING, 2), StoredReceipt.none(2), StoredReceipt.none(2)),
    "sent": (entry(Status.SENT), SENT, SENT),
    "sent by the provider of a route": (entry(Status.SENT, 1, "alpha"), SENT, SENT),
    "sent by another one": (
        entry(Status.SENT, 1, "beta"),
        StoredReceipt.none(1),
        StoredReceipt.none(1),
    ),
    "failed": (entry(Status.FAILED), OPEN, OTHERWISE),
    "cancelled": (entry(Status.CANCELLED), OPEN, OTHERWISE),
    "waiting": (entry(Status.WAITING), OPEN, OPEN),
    "unknown": (entry(Status.UNKNOWN), OPEN, OPEN),
}
"""The ledger's row, the receipt after a look of any process, and after one of the owner."""


@pytest.mark.parametrize(("recorded", "anybody", "owner"), LOOKED_AT.values(), ids=LOOKED_AT)
def test_a_look_closes_what_the_ledger_decides(
    recorded: LedgerEntry | None, anybody: StoredReceipt, owner: StoredReceipt
) -> None:
    assert look_again(OPEN, recorded, "alpha") == anybody
    assert look_again(OPEN, recorded, "alpha", is_owner=True) == owner


PROOFS = {
    "nothing is recorded": (None, False, False),
    "possibly sent, nothing is recorded": (None, True, True),
    "unknown": (entry(Status.UNKNOWN), False, True),
    "unknown, of another generation": (entry(Status.UNKNOWN, 2), False, False),
    "waits in doubt": (entry(Status.WAITING), True, True),
    "waits after a refusal": (entry(Status.WAITING), False, False),
    "failed": (entry(Status.FAILED), True, False),
    "sent": (entry(Status.SENT), True, False),
}


@pytest.mark.parametrize(("recorded", "in_doubt", "proves"), PROOFS.values(), ids=PROOFS)
def test_a_receipt_proves_what_is_in_doubt(
    recorded: LedgerEntry | None, in_doubt: bool, proves: bool
) -> None:
    assert proves_send(OPEN, recorded, in_doubt=in_doubt) is proves
