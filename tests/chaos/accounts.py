"""Three independent accounts of one campaign, compared: the CSV, the ledger, the provider's log."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from campaign_common.domain.message import FINAL, Status
from tests.support.providers.recording_provider import Call

TAKEN = "202"
DENYING = FINAL - {Status.SENT, Status.UNKNOWN}
"""Outcomes that the ledger must not have for a message that the provider accepted."""


@dataclass(frozen=True)
class Account:
    """Outcomes of all recipients of a campaign."""

    lost: int
    """In the CSV, and without a final state; or sent by the ledger, and never called."""
    duplicates: int
    """Calls beyond the first one of each message."""
    unknown: int
    repeated: frozenset[int]
    """The sequence numbers of the messages called more than once."""
    counts: Mapping[Status, int]


def compare(phones: Sequence[str], ledger: Mapping[str, int], calls: Iterable[Call]) -> Account:
    """Compare the accounts of one campaign; what no fault may ever cause is asserted here."""
    calls_of: dict[str, list[Call]] = defaultdict(list)
    for call in calls:
        calls_of[call.sent.phone].append(call)
    assert set(ledger) == set(phones), "the ledger is not about the people of the CSV"
    assert set(calls_of) <= set(phones), "somebody was called who is not in the CSV"
    for made in calls_of.values():
        assert len({call.key for call in made}) == 1, "one message under two idempotency keys"
        assert len({call.sent.body for call in made}) == 1
    keys = {made[0].key for made in calls_of.values()}
    assert len(keys) == len(calls_of), "two messages under one idempotency key"
    taken = {phone for phone, made in calls_of.items() if any(call.fate == TAKEN for call in made)}
    sent = {phone for phone, status in ledger.items() if status == Status.SENT}
    assert not any(ledger[phone] in DENYING for phone in taken), "taken, and the ledger denies it"
    open_ended = sum(status not in FINAL for status in ledger.values())
    repeated = [made for made in calls_of.values() if len(made) > 1]
    return Account(
        lost=open_ended + len(sent - taken),
        duplicates=sum(len(made) - 1 for made in repeated),
        unknown=sum(status == Status.UNKNOWN for status in ledger.values()),
        repeated=frozenset(made[0].sent.seq for made in repeated),
        counts={Status(number): n for number, n in Counter(ledger.values()).items()},
    )
