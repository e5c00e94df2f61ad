"""Outcomes of messages that take a route, by what rests at the time."""

from collections.abc import Mapping

import pytest

from campaign_common.domain.message import Status
from campaign_common.domain.routing.route import Route
from campaign_common.domain.routing.routes import Routes
from campaign_common.settings import RetrySettings
from campaign_providers.contract import SendResult, SendStatus
from campaign_sender.admission.provider_choice import ProviderChoice
from campaign_sender.recording.outcome import LedgerOutcome
from campaign_sender.recording.outcome_policy import OutcomePolicy
from tests.unit.sender.messages import message, version

ROUTES = Routes({"pair": Route((("main", 1),), ("spare",))})


ANY = float("inf")


def outcome(
    status: SendStatus,
    rests: Mapping[str, float],
    *,
    try_number: int = 1,
    retry_after: float = 7.0,
    provider: str = "pair",
    in_doubt: bool = False,
    idempotent_for: float = 0.0,
) -> LedgerOutcome:
    """Return the outcome at `main`, while providers rest for so many seconds."""
    choice = ProviderChoice(
        ROUTES,
        lambda name: rests.get(name, 0.0) > 0,
        lambda _: 0.0,
        rests_for=lambda name: rests.get(name, 0.0),
    )
    policy = OutcomePolicy(RetrySettings(), choice, lambda _: idempotent_for, {"main"})
    one = message(try_number=try_number)
    one.provider = one.ledger_provider = "main"
    one.in_doubt = in_doubt
    result = SendResult(one, status, retry_after=retry_after)
    return policy.outcome(result, version()._replace(provider=provider))


@pytest.mark.parametrize(
    ("rests", "wait"), [({}, 7.0), ({"main": 900.0}, 0.5)], ids=["at its rate", "day used up"]
)
def test_what_waits_at_a_limited_rate_stays_there(rests: Mapping[str, float], wait: float) -> None:
    """A rate is no failure; in place of a day that is used up another provider is taken soon."""
    found = outcome(SendStatus.LIMITED, rests)
    assert (found.row.provider, found.row.attempts) == (None, 0)
    assert found.retry_in is not None
    assert wait <= found.retry_in <= max(wait, 1.0)


@pytest.mark.parametrize("status", [SendStatus.LIMITED, SendStatus.CIRCUIT_OPEN])
@pytest.mark.parametrize(
    ("rests", "try_number", "provider", "in_doubt", "wait"),
    [
        ({"main": 9e3, "spare": 9e3}, 1, "pair", False, 15.0),
        ({"main": 9e3, "spare": 9e3}, 4, "pair", False, 32.0),
        ({"main": 9e3, "spare": 9e3}, 400, "pair", False, 240.0),
        ({"main": 9e3, "spare": ANY}, 400, "pair", False, 240.0),
        ({"main": 9e3, "spare": 60.0}, 400, "pair", False, 60.0),
        ({"main": 9e3}, 400, "main", False, 240.0),
        ({"main": 9e3}, 400, "pair", True, 240.0),
    ],
    ids=[
        "first try",
        "doubled",
        "at most 4 minutes",
        "another without a known end",
        "until the first rest ends",
        "a provider of its own",
        "in doubt",
    ],
)
def test_a_message_waits_long_where_all_it_may_take_rest(
    status: SendStatus,
    rests: Mapping[str, float],
    try_number: int,
    provider: str,
    in_doubt: bool,
    wait: float,
) -> None:
    found = outcome(
        status,
        rests,
        try_number=try_number,
        retry_after=15.0,
        provider=provider,
        in_doubt=in_doubt,
    )
    assert found.retry_in == wait


@pytest.mark.parametrize(
    ("status", "idempotent_for", "waits"),
    [
        (SendStatus.AMBIGUOUS, 0.0, True),
        (SendStatus.AMBIGUOUS, ANY, False),
        (SendStatus.RETRYABLE, 0.0, False),
    ],
    ids=["in doubt", "repeated under a key that is known", "proof"],
)
def test_only_a_repetition_of_a_doubt_waits_for_a_receipt(
    status: SendStatus, idempotent_for: float, waits: bool
) -> None:
    found = outcome(status, {}, retry_after=0.0, provider="main", idempotent_for=idempotent_for)
    assert found.row.status is Status.WAITING
    assert (found.retry_in == RetrySettings().receipt_wait) is waits
