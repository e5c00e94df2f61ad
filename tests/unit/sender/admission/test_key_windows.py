"""First use of the key of a message in doubt: what is noted of it, and what stands for the rest."""

from math import inf

import pytest

from campaign_common.domain.message import LedgerEntry, Status
from campaign_common.runtime.boot_time import boot_time
from campaign_common.store.messages.first_sends import FirstSend
from campaign_sender.admission.key_windows import KeyUse, first_use
from tests.unit.sender.messages import message

HOUR = 3_600.0
DAY = 24 * HOUR
RUNNING = 3 * DAY
NOTHING_KNOWN = KeyUse(0, inf)


def at(hours: float) -> int:
    """Return the moment of so many hours ago."""
    return round((10_000 - hours) * HOUR * 1_000_000)


def claim(hours: float) -> FirstSend:
    return FirstSend(at(hours), hours * HOUR, is_claim=True)


def tries(hours: float) -> FirstSend:
    return FirstSend(at(hours), hours * HOUR, is_claim=False)


OLD_CLAIM = FirstSend(0, inf, is_claim=True)
OLD_TRIES = FirstSend(0, inf, is_claim=False)
DOUBTED = LedgerEntry(Status.WAITING, 0, 1, 1, 1)
ATTEMPTED = LedgerEntry(Status.WAITING, 0, 1, 1, 0)
NOT_SENT = LedgerEntry(Status.WAITING, 0, 1, 0, 0)

CASES = {
    "a claim": ([claim(2)], None, KeyUse(at(2), 2 * HOUR)),
    "several claims": ([claim(2), claim(5)], None, KeyUse(at(5), 5 * HOUR)),
    "recorded tries": ([tries(2)], DOUBTED, KeyUse(at(2), 2 * HOUR)),
    "a claim after recorded tries": (
        [claim(1), tries(2)],
        ATTEMPTED,
        KeyUse(at(2), 2 * HOUR),
    ),
    "a claim after a rest": ([claim(1), OLD_TRIES], NOT_SENT, KeyUse(at(1), HOUR)),
    "a claim of an older sender": ([OLD_CLAIM], None, KeyUse(0, RUNNING)),
    "claims of an older sender and of this version": (
        [OLD_CLAIM, claim(1)],
        None,
        KeyUse(0, RUNNING),
    ),
    "a doubt that an older sender has recorded": ([OLD_TRIES], DOUBTED, KeyUse(0, RUNNING)),
    "an attempt that an older sender has recorded": (
        [OLD_TRIES, claim(1)],
        ATTEMPTED,
        KeyUse(0, RUNNING),
    ),
    "a recorded doubt without a row of its retry": ([claim(1)], DOUBTED, KeyUse(0, RUNNING)),
    "nothing noted": ([], None, KeyUse(0, RUNNING)),
    "a moment before the campaign was started again": (
        [claim(200), OLD_CLAIM],
        None,
        KeyUse(0, 200 * HOUR),
    ),
    "a clock that was set back": ([claim(-1), tries(2)], DOUBTED, NOTHING_KNOWN),
}


@pytest.mark.parametrize(("noted", "entry", "use"), CASES.values(), ids=CASES.keys())
def test_first_use_of_a_key(noted: list[FirstSend], entry: LedgerEntry | None, use: KeyUse) -> None:
    assert first_use(noted, entry, RUNNING) == use


@pytest.mark.parametrize("running", [inf, -HOUR], ids=["not known", "a clock that was set back"])
def test_a_start_of_which_nothing_is_known(running: float) -> None:
    assert first_use([OLD_CLAIM], None, running) == NOTHING_KNOWN


@pytest.mark.parametrize(
    ("in_doubt", "left", "repeats"),
    [(True, 60.0, False), (True, -1.0, True), (False, -1.0, False)],
    ids=["the key is known", "it was known", "no doubt"],
)
def test_a_key_is_forgotten_while_its_message_is_held(
    in_doubt: bool, left: float, repeats: bool
) -> None:
    """The moment counts at which the outcome is recorded."""
    one = message()
    one.in_doubt = in_doubt
    one.key_known_until = boot_time() + left
    assert one.repeats is repeats
