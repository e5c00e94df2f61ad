"""Dispatch of claimed messages, to the provider of their campaign or back."""

import time
from collections.abc import Sequence
from typing import Any

import pytest
import structlog
from msgspec.structs import replace

from campaign_common.domain.content.campaign_content import ANY_CONTENT, TEXT_ONLY, ContentSupport
from campaign_common.domain.content.price import Price
from campaign_common.domain.message_record import MessageTemplate
from campaign_common.metrics.distribution import SECONDS, BatchHistogram
from campaign_common.settings.fields.answers import NOTHING_SENT
from campaign_common.store.core.campaigns import CampaignVersion
from campaign_providers.contract import REACHED_PROVIDER, SendResult, SendStatus
from campaign_providers.http.answers.mapper import ResponseMapper
from campaign_providers.http.answers.reader import HttpResponse
from campaign_sender.delivery.circuit_breaker import BreakerPolicy, CircuitBreaker
from campaign_sender.delivery.dispatcher import UNREADY_PAUSE, Dispatcher, ProviderUnready
from campaign_sender.in_flight.funds import Reserved
from campaign_sender.message import Message
from tests.unit.providers.gateways import gateway
from tests.unit.sender.messages import message, version
from tests.unit.sender.two_groups import TwoGroups


class Holder:
    """Holds everything, for one campaign that runs."""

    def __init__(self) -> None:
        self.results: list[SendResult] = []

    def still_held(self, messages: Sequence[Message]) -> list[Message]:
        return list(messages)

    def add_results(self, results: Sequence[SendResult]) -> None:
        self.results += results

    def check_before_send(self, messages: Sequence[Message]) -> list[SendStatus | None]:
        return [None] * len(messages)

    def version_of(self, _: int) -> CampaignVersion:
        return version()


class Taking:
    """Provider that keeps what is submitted."""

    name = "simulated"
    alive = True
    account_digest = None
    problem = None
    price: Price | None = None

    def __init__(self, support: ContentSupport) -> None:
        self.support = support
        self.durations = BatchHistogram(SECONDS)
        self.submitted: list[Message] = []

    def submit(self, messages: Sequence[Message], *, first: bool = False) -> None:  # noqa: ARG002
        self.submitted += messages

    def close(self) -> None:
        pass


@pytest.mark.parametrize(
    ("support", "is_sent"), [(ANY_CONTENT, True), (TEXT_ONLY, False)], ids=["taken", "not-taken"]
)
def test_content_goes_to_a_provider_that_takes_it(support: ContentSupport, is_sent: bool) -> None:
    """A sender that knows the provider otherwise than the API does has it wait, unharmed."""
    holder, provider = Holder(), Taking(support)
    dispatcher = Dispatcher()
    dispatcher.connect(holder)
    breaker = CircuitBreaker(BreakerPolicy(), time.monotonic)
    dispatcher.add("simulated", breaker, lambda *_: provider)
    held = message()
    held.record = replace(held.record, template=MessageTemplate("order_1", "de", ()))
    dispatcher.dispatch([held])
    assert provider.submitted == ([held] if is_sent else [])
    refused = [SendResult(held, SendStatus.UNCONFIGURED, None, "content_not_taken", UNREADY_PAUSE)]
    assert holder.results == ([] if is_sent else refused)


def test_deferred_messages_are_dispatched_after_a_refresh() -> None:
    """Shards on two servers: they are dispatched again when the view of their server is fresh."""
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


class Money:
    """Notes what is given back."""

    def __init__(self) -> None:
        self.given_back: list[int] = []

    def reserve(self, messages: list[Message]) -> Reserved:
        return Reserved(messages, ())

    def give_back(self, messages: Sequence[Message]) -> None:
        self.given_back += [one.key.seq for one in messages]


def test_money_of_what_was_not_sent_is_given_back() -> None:
    """Whatever a provider may have met costs, refused or not; what it has not, costs nothing."""
    money = Money()
    dispatcher = Dispatcher(funds=money)
    dispatcher.connect(Holder())
    statuses = [*SendStatus, SendStatus.RETRYABLE, SendStatus.AMBIGUOUS]
    unsent = [*[False] * len(SendStatus), True, False]
    dispatcher.on_results(
        [
            SendResult(message(seq), status, nothing_sent=nothing_sent)
            for seq, (status, nothing_sent) in enumerate(zip(statuses, unsent, strict=True))
        ]
    )
    kept = [status for seq, status in enumerate(statuses) if seq not in money.given_back]
    assert kept == [
        *(status for status in SendStatus if status in {*REACHED_PROVIDER, SendStatus.DEFERRED}),
        SendStatus.AMBIGUOUS,
    ]


@pytest.mark.parametrize("code", sorted(NOTHING_SENT))
def test_an_answer_can_not_say_that_nothing_was_sent(code: str) -> None:
    """It may name any error code, also that of a connection that was not made."""
    money = Money()
    dispatcher = Dispatcher(funds=money)
    dispatcher.connect(Holder())
    rules = [{"Status": 503, "Then": "retryable", "Code": "code"}, {"Then": "success"}]
    mapper = ResponseMapper(gateway(Answers=rules).answers)
    body = b'{"code": "%s"}' % code.encode()
    answered = mapper.to_result(message(1), HttpResponse(503, {}, body, reusable=True))
    unanswered = mapper.without_response(message(2), code)
    assert {answered.error_code, unanswered.error_code} == {code}
    dispatcher.on_results([answered, unanswered])
    assert money.given_back == [2]
