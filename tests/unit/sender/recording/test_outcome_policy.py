"""Outcomes of messages that take a route, by what rests at the time."""

import pytest

from campaign_common.domain.routing.route import Route
from campaign_common.domain.routing.routes import Routes
from campaign_common.settings import RetrySettings
from campaign_providers.contract import SendResult, SendStatus
from campaign_sender.admission.provider_choice import ProviderChoice
from campaign_sender.recording.outcome_policy import OutcomePolicy
from tests.unit.sender.messages import message, version

ROUTES = Routes({"pair": Route((("main", 1),), ("spare",))})


@pytest.mark.parametrize(("rests", "provider"), [(True, "spare"), (False, "main")])
def test_what_waits_at_a_limited_rate_stays_there(rests: bool, provider: str) -> None:
    """A rate is no failure; a day that is used up rests until it ends."""
    choice = ProviderChoice(ROUTES, lambda name: rests and name == "main", lambda _: 0.0)
    policy = OutcomePolicy(RetrySettings(), choice, lambda _: 0.0)
    one = message()
    one.provider = one.ledger_provider = "main"
    result = SendResult(one, SendStatus.RESTING, retry_after=7.0)
    outcome = policy.outcome(result, version()._replace(provider="pair"))
    assert outcome.row.provider == provider
    assert outcome.row.attempts == 0
