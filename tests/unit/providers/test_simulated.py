"""The simulated provider's outcome: predictable, and a fresh draw for each idempotency key."""

from campaign_common.domain.message import idempotency_key
from campaign_providers.contract import SendStatus
from campaign_providers.simulated import simulated_status

RATES = {"permanent": 0.2, "retryable": 0.3}
MESSAGES = range(1, 4_001)


def refused(generation: int, seed: int = 7) -> set[int]:
    """The messages that are refused for good."""
    return {
        seq
        for seq in MESSAGES
        if simulated_status(idempotency_key(1, seq, generation), seed, RATES)
        is SendStatus.PERMANENT
    }


def test_an_outcome_follows_from_key_and_seed() -> None:
    assert refused(0) == refused(0)
    assert refused(0) != refused(0, seed=8)
    assert 0.17 < len(refused(0)) / len(MESSAGES) < 0.23


def test_refusals_are_refused_again() -> None:
    """Refused messages are refused again as often as others."""
    again = refused(0) & refused(1)
    assert 0.12 < len(again) / len(refused(0)) < 0.28
    third = again & refused(2)
    assert 0.05 < len(third) / len(again) < 0.35
