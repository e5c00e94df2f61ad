"""Shards on two servers: a message is dispatched again when the view of its server is fresh."""

from typing import Any

import pytest
import structlog

from campaign_providers.contract import SendResult, SendStatus
from campaign_sender.delivery.circuit_breaker import BreakerPolicy, CircuitBreaker
from campaign_sender.delivery.dispatcher import Dispatcher, ProviderUnready
from tests.unit.sender.two_groups import TwoGroups


def test_deferred_messages_are_dispatched_after_a_refresh() -> None:
    scene = TwoGroups()
    dispatcher = Dispatcher()
    dispatcher.connect(scene.groups)
    dispatcher.on_results(
        [SendResult(one, SendStatus.DEFERRED) for one in (scene.first, scene.other)]
    )
    dispatcher.retry_deferred(lambda one: one.record.shard == 0)
    # The campaign is not known here, so the message is deferred once more.
    assert [one.record.seq for one in dispatcher._deferred] == [2, 1]


class Unready:
    """A provider whose secret can not be read."""

    idempotent = False
    account_digest = None
    problem: str | None = "secret token, /run/token: No such file or directory"
    alive = True


def dispatcher_of(provider: Any) -> Dispatcher:  # noqa: ANN401
    dispatcher = Dispatcher()
    dispatcher.connect(TwoGroups().groups)
    breaker = CircuitBreaker(BreakerPolicy(), lambda: 0.0)
    dispatcher.add("gateway", breaker, lambda *_: provider)
    return dispatcher


def test_a_provider_is_ready_when_it_is_known_and_has_its_secret() -> None:
    provider = Unready()
    dispatcher = dispatcher_of(provider)
    assert dispatcher.unready("gateway") == "secret_unreadable"
    with pytest.raises(ProviderUnready, match="gateway: secret token, /run/token: No such"):
        dispatcher.require_ready()
    provider.problem = None
    assert dispatcher.unready("gateway") is None
    dispatcher.require_ready()
    assert dispatcher.problems() == {"gateway": None}


def test_an_unknown_provider_is_told_once_and_remembered() -> None:
    provider = Unready()
    provider.problem = None
    dispatcher = dispatcher_of(provider)
    with structlog.testing.capture_logs() as logs:
        codes = [dispatcher.unready("other") for _ in range(3)]
    assert codes == ["provider_not_configured"] * 3
    assert [(entry["event"], entry["provider"]) for entry in logs] == [
        ("provider unknown, its messages wait", "other")
    ]
    assert set(dispatcher.problems()) == {"gateway", "other"}
    with pytest.raises(ProviderUnready, match="other: not configured here"):
        dispatcher.require_ready()
