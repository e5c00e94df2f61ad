"""Effects of reports on what is stored."""

from itertools import permutations

import pytest

from campaign_common.domain.campaign import CampaignId
from campaign_common.domain.message import LedgerEntry, Status
from campaign_common.domain.receipts.message_receipt import MessageReceipt
from campaign_common.domain.receipts.receipt_rank import ReceiptRank
from campaign_common.domain.receipts.stored_receipt import (
    PossibleTakers,
    ReceiptState,
    StoredReceipt,
    is_contested,
    look_again,
    proves_send,
    report,
)
from campaign_common.domain.shard import Shard

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


LOW = OPEN._replace(rank=ReceiptRank.UNDELIVERED)
DOUBTED = entry(Status.WAITING, provider="alpha")._replace(in_doubt=1)
ENDED_IN_DOUBT = DOUBTED._replace(status=Status.UNKNOWN)

PROOFS = {
    "nothing is recorded": (None, (), False, False),
    "possibly sent, nothing is recorded": (None, ("alpha",), True, True),
    "possibly sent by another one": (None, ("beta",), False, True),
    "possibly sent by one that is not known": (None, ("beta", None), True, True),
    "unknown": (entry(Status.UNKNOWN), (), True, True),
    "unknown at its provider": (entry(Status.UNKNOWN, provider="alpha"), (), True, True),
    "unknown at another one": (entry(Status.UNKNOWN, provider="beta"), (), False, True),
    "unknown at one before": (entry(Status.UNKNOWN, 1, "beta"), ("alpha",), True, True),
    "unknown at one after": (entry(Status.UNKNOWN, 1, "alpha"), ("beta",), False, True),
    "unknown at both": (ENDED_IN_DOUBT, ("beta",), True, True),
    "unknown, of another generation": (entry(Status.UNKNOWN, 2), (), False, False),
    "waits in doubt": (DOUBTED, (), True, True),
    "waits in doubt at another one": (DOUBTED._replace(provider="beta"), (), False, True),
    "waits elsewhere, possibly sent": (entry(Status.WAITING, 1, "beta"), ("alpha",), True, True),
    "waits after a refusal": (entry(Status.WAITING), (), False, False),
    "failed": (entry(Status.FAILED)._replace(in_doubt=1), ("alpha",), False, False),
    "sent": (entry(Status.SENT), ("alpha",), False, False),
}
"""The ledger's row, the providers noted as possible beside it, and whether a receipt of `alpha`
proves the send: one that it was not delivered, and one that it was."""


@pytest.mark.parametrize(("recorded", "noted", "low", "delivered"), PROOFS.values(), ids=PROOFS)
def test_a_receipt_proves_what_its_provider_may_have_taken(
    recorded: LedgerEntry | None, noted: tuple[str | None, ...], low: bool, delivered: bool
) -> None:
    assert proves_send(LOW, recorded, noted) is low
    assert proves_send(OPEN, recorded, noted) is delivered


def reported(provider: str, rank: ReceiptRank) -> MessageReceipt:
    return MessageReceipt(CampaignId(1), 1, 1, Shard(0), provider, rank)


ACCEPTED, UNDELIVERED, DELIVERED = (
    reported("alpha", ReceiptRank.ACCEPTED),
    reported("beta", ReceiptRank.UNDELIVERED),
    reported("beta", ReceiptRank.DELIVERED),
)

KEPT = {
    "only the doubted one's": ((ACCEPTED, UNDELIVERED), ({"alpha"}, ()), ACCEPTED),
    "only the claimed one's": ((ACCEPTED, UNDELIVERED), ((), {"alpha"}), ACCEPTED),
    "the doubted one's before the claimed": (
        (ACCEPTED, UNDELIVERED),
        ({"alpha"}, {"beta"}),
        ACCEPTED,
    ),
    "the higher one of two in doubt": (
        (ACCEPTED, UNDELIVERED),
        ({"alpha", "beta"}, ()),
        UNDELIVERED,
    ),
    "the higher one where nobody knows": (
        (ACCEPTED, UNDELIVERED),
        ({"alpha", None}, ()),
        UNDELIVERED,
    ),
    "the higher one without a doubt": ((ACCEPTED, UNDELIVERED), ((), ()), UNDELIVERED),
    "one that was delivered": ((ACCEPTED, UNDELIVERED, DELIVERED), ({"alpha"}, ()), DELIVERED),
}
"""Reports about one message, the providers that may have taken it, those that it is claimed for,
and the report that counts."""


@pytest.mark.parametrize(("reports", "takers", "counts"), KEPT.values(), ids=KEPT)
def test_a_proof_is_kept_whatever_others_report(
    reports: tuple[MessageReceipt, ...],
    takers: tuple[set[str | None], set[str | None]],
    counts: MessageReceipt,
) -> None:
    for ordered in permutations(reports):
        stored = None
        for one in ordered:
            stored = report(stored, DOUBTED, "", one, PossibleTakers(*takers)).receipt
        assert stored is not None
        assert (stored.provider, stored.rank) == (counts.provider, counts.rank)


def test_two_providers_of_one_generation_are_contested() -> None:
    later = DELIVERED._replace(generation=2)
    assert is_contested(LOW, [UNDELIVERED])
    assert is_contested(None, [ACCEPTED, UNDELIVERED])
    assert not is_contested(LOW, [ACCEPTED])
    assert not is_contested(LOW, [later])
    assert not is_contested(StoredReceipt.none(1), [UNDELIVERED])
