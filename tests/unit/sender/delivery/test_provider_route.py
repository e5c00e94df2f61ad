"""The circuit breaker of a provider whose account is refused, here and in other senders."""

from collections.abc import Sequence
from typing import Any

import pytest
import structlog

from campaign_common.store.messages.provider_breakers import OpenBreaker
from campaign_providers.contract import SendResult, SendStatus
from campaign_sender.delivery.circuit_breaker import BreakerPolicy, BreakerState, CircuitBreaker
from campaign_sender.delivery.provider_route import ProviderRoute
from campaign_sender.message import Message
from tests.unit.sender.messages import message


class Guard:
    """Lets every message pass."""

    def check_before_send(self, messages: Sequence[Message]) -> list[SendStatus | None]:
        return [None] * len(messages)

    def version_of(self, _: int) -> None:
        return None


class Account:
    """A provider that does nothing but hold a secret."""

    account_digest: str | None = "digest of the old one"


class Scene:
    def __init__(self) -> None:
        self.now = 0.0
        self.reported: list[SendResult[Message]] = []
        self.provider: Any = Account()
        breaker = CircuitBreaker(BreakerPolicy(), lambda: self.now)
        self.route = ProviderRoute(
            "gateway", breaker, Guard(), self.reported.extend, lambda *_: self.provider
        )

    def refuse(self) -> None:
        self.route.on_results([SendResult(message(), SendStatus.ACCOUNT, None, "http_401")])

    @property
    def state(self) -> BreakerState:
        return self.route.breaker.state


@pytest.fixture
def scene() -> Scene:
    return Scene()


def test_a_refused_account_is_told_once_and_holds_messages(scene: Scene) -> None:
    with structlog.testing.capture_logs() as logs:
        scene.refuse()
        scene.refuse()
    assert [(entry["event"], entry["error"]) for entry in logs] == [
        ("provider refuses the account, sends stopped", "http_401")
    ]
    assert scene.route.take_opened() == OpenBreaker(4.0, "digest of the old one")
    assert scene.route.take_opened() is None
    assert [result.retry_after for result in scene.reported] == [4.0, 4.0]
    assert scene.route.check_before_send([message()]) == [SendStatus.CIRCUIT_OPEN]


@pytest.mark.parametrize(
    ("account", "state"),
    [
        (None, BreakerState.OPEN),
        ("digest of the old one", BreakerState.OPEN),
        ("digest of another one", BreakerState.CLOSED),
    ],
)
def test_the_breaker_of_an_account_holds_its_senders(
    scene: Scene, account: str | None, state: BreakerState
) -> None:
    scene.route.follow(OpenBreaker(3.0, account))
    assert scene.state is state


def test_a_success_ends_it_for_all(scene: Scene) -> None:
    scene.refuse()
    scene.now = 4.0
    assert not scene.route.take_account_ended()
    scene.route.on_results([SendResult(message(), SendStatus.ACCEPTED)])
    assert (scene.state, scene.route.take_account_ended()) == (BreakerState.CLOSED, True)
    assert not scene.route.take_account_ended()


def test_another_secret_ends_it_for_all(scene: Scene) -> None:
    scene.refuse()
    scene.provider.account_digest = "digest of the new one"
    assert (scene.route.take_account_ended(), scene.state) == (True, BreakerState.HALF_OPEN)
    assert not scene.route.take_account_ended()


def test_its_end_in_another_sender_is_followed(scene: Scene) -> None:
    scene.route.follow(OpenBreaker(3.0, "digest of the old one"))
    scene.route.follow(None)
    assert scene.state is BreakerState.HALF_OPEN


def test_the_breaker_of_failures_ends_by_its_own_time(scene: Scene) -> None:
    scene.route.follow(OpenBreaker(3.0))
    scene.route.follow(None)
    assert scene.state is BreakerState.OPEN
