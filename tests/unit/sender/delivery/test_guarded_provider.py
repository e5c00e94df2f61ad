"""The circuit breaker of a provider whose account is refused, here and in other senders."""

from collections.abc import Sequence
from datetime import date
from math import inf
from typing import Any

import msgspec
import pytest
import structlog

from campaign_common.domain.limits.provider_limits import ProviderLimits
from campaign_common.runtime.boot_time import boot_time
from campaign_common.store.messages.provider_account_breakers import AccountBreaker
from campaign_common.store.messages.provider_breakers import OpenBreaker
from campaign_providers.contract import SendResult, SendStatus
from campaign_sender.delivery.circuit_breaker import BreakerPolicy, BreakerState, CircuitBreaker
from campaign_sender.delivery.guarded_provider import GuardedProvider
from campaign_sender.message import Grant, Message
from tests.unit.sender.messages import message

OLD = "digest of the old one"
NEW = "digest of the new one"


class Guard:
    """Lets every message pass."""

    def check_before_send(self, messages: Sequence[Message]) -> list[SendStatus | None]:
        return [None] * len(messages)

    def version_of(self, _: int) -> None:
        return None


class Account:
    """A provider that does nothing but hold a secret."""

    account_digest: str | None = OLD
    connections: int | None = None
    problem: str | None = None

    def __init__(self) -> None:
        self.submitted: list[Message] = []

    def submit(self, messages: Sequence[Message], *, first: bool = False) -> None:  # noqa: ARG002
        self.submitted += messages


class Limiter:
    """Limits of a day, of which one grant is left."""

    limits = ProviderLimits(per_day=5)
    needs_grants = is_fresh = True
    connections = None
    day_used_up_for = 0.0

    def due(self) -> int:
        return 1

    def claimable(self, _: float, waiting: int) -> int:
        return 1 - waiting


class Paces:
    """The campaigns with a rate that a test names."""

    def __init__(self) -> None:
        self.rates: dict[int, object] = {}


def granted() -> Message:
    one = message()
    one.grant = Grant(inf, date(2027, 1, 1), 1)
    return one


class Scene:
    def __init__(self) -> None:
        self.paces: Any = Paces()
        self.now = 0.0
        self.reported: list[SendResult[Message]] = []
        self.provider: Any = Account()
        self.limiter: Any = Limiter()
        breaker = CircuitBreaker(BreakerPolicy(), lambda: self.now)
        self.guarded = GuardedProvider(
            "gateway",
            breaker,
            Guard(),
            self.reported.extend,
            lambda *_: self.provider,
            self.limiter,
            self.paces,
        )

    def refuse(self) -> None:
        self.guarded.on_results([SendResult(message(), SendStatus.ACCOUNT, None, "http_401")])

    @property
    def state(self) -> BreakerState:
        return self.guarded.breaker.state


@pytest.fixture
def scene() -> Scene:
    return Scene()


@pytest.mark.parametrize(
    ("of_recipient", "opened", "check"),
    [(False, [OpenBreaker(6.0, is_asked=True)], SendStatus.CIRCUIT_OPEN), (True, [], None)],
    ids=["of the provider", "of a recipient"],
)
def test_a_limit_of_one_recipient_does_not_rest_the_provider(
    scene: Scene, of_recipient: bool, opened: list[OpenBreaker], check: SendStatus | None
) -> None:
    throttled = SendResult(message(), SendStatus.THROTTLED, None, "131056", retry_after=6.0)
    scene.guarded.on_results([msgspec.structs.replace(throttled, of_recipient=of_recipient)])
    assert scene.guarded.take_opened() == opened
    assert scene.guarded.check_before_send([granted()]) == [check]


def test_a_refused_account_is_told_once_and_holds_messages(scene: Scene) -> None:
    with structlog.testing.capture_logs() as logs:
        scene.refuse()
        scene.refuse()
    assert [(entry["event"], entry["error"]) for entry in logs] == [
        ("provider refuses the account, sends stopped", "http_401")
    ]
    assert scene.guarded.take_opened() == [OpenBreaker(4.0, OLD)]
    assert scene.guarded.take_opened() == []
    assert [result.retry_after for result in scene.reported] == [4.0, 4.0]
    assert scene.guarded.check_before_send([granted()]) == [SendStatus.CIRCUIT_OPEN]


@pytest.mark.parametrize(
    ("elsewhere", "accounts", "state"),
    [
        (OpenBreaker(3.0), {}, BreakerState.OPEN),
        (None, {OLD: AccountBreaker(3.0)}, BreakerState.OPEN),
        (None, {NEW: AccountBreaker(3.0)}, BreakerState.CLOSED),
        (None, {OLD: AccountBreaker(-1.0, 2.0)}, BreakerState.CLOSED),
    ],
    ids=["of all", "of this account", "of another account", "ended"],
)
def test_the_breaker_of_an_account_holds_its_senders(
    scene: Scene,
    elsewhere: OpenBreaker | None,
    accounts: dict[str, AccountBreaker],
    state: BreakerState,
) -> None:
    scene.guarded.follow(elsewhere, accounts)
    assert scene.state is state


@pytest.mark.parametrize(
    ("answer", "ended", "state"),
    [
        (SendStatus.ACCEPTED, OLD, BreakerState.CLOSED),
        (SendStatus.THROTTLED, None, BreakerState.HALF_OPEN),
        (SendStatus.PERMANENT, None, BreakerState.HALF_OPEN),
        (SendStatus.RETRYABLE, None, BreakerState.OPEN),
        (SendStatus.ACCOUNT, None, BreakerState.OPEN),
    ],
)
def test_only_an_accepted_message_ends_it_for_all(
    scene: Scene, answer: SendStatus, ended: str | None, state: BreakerState
) -> None:
    scene.refuse()
    scene.now = 4.0
    assert scene.guarded.take_account_ended() is None
    scene.guarded.on_results([SendResult(message(), answer)])
    assert (scene.state, scene.guarded.take_account_ended()) == (state, ended)
    assert scene.guarded.breaker.account_refused is (ended is None)
    assert scene.guarded.take_account_ended() is None


def test_a_probe_that_fails_holds_senders_of_the_account_only(scene: Scene) -> None:
    scene.refuse()
    scene.guarded.take_opened()
    scene.now = 4.0
    scene.guarded.on_results([SendResult(message(), SendStatus.RETRYABLE)])
    assert scene.guarded.take_opened() == [OpenBreaker(10.0, OLD)]


def test_another_secret_may_be_tried_at_once(scene: Scene) -> None:
    scene.refuse()
    scene.provider.account_digest = NEW
    scene.guarded.follow(None, {OLD: AccountBreaker(4.0)})
    assert scene.state is BreakerState.HALF_OPEN
    scene.refuse()
    scene.guarded.follow(None, {OLD: AccountBreaker(4.0)})
    assert scene.state is BreakerState.OPEN, "this secret is refused too"


def test_its_end_in_another_sender_is_followed(scene: Scene) -> None:
    scene.guarded.follow(None, {OLD: AccountBreaker(3.0)})
    scene.guarded.follow(None, {NEW: AccountBreaker(3.0)})
    assert scene.state is BreakerState.HALF_OPEN


def test_a_refusal_stays_while_its_row_is_not_written(scene: Scene) -> None:
    """A row that was read before the refusal here, or ended before it, ends nothing."""
    scene.guarded.follow(None, {OLD: AccountBreaker(3.0)})
    scene.now = 3.0
    scene.refuse()
    scene.guarded.follow(None, {})
    assert scene.state is BreakerState.OPEN


@pytest.mark.parametrize("account_first", [False, True])
def test_failures_and_the_account_end_by_their_own_times(scene: Scene, account_first: bool) -> None:
    """A short breaker of the account neither shortens a general one nor ends it early."""
    of_all: tuple[Any, ...] = (OpenBreaker(60.0), {})
    of_account: tuple[Any, ...] = (None, {OLD: AccountBreaker(4.0)})
    for each in (of_account, of_all) if account_first else (of_all, of_account):
        scene.guarded.follow(*each)
    scene.guarded.follow(None, {})
    assert scene.guarded.breaker.remaining == 60.0


def test_both_kinds_of_opening_are_passed_on(scene: Scene) -> None:
    scene.refuse()
    scene.now = 4.0
    scene.guarded.on_results([SendResult(message(), SendStatus.ACCEPTED)])
    scene.guarded.on_results([SendResult(message(), SendStatus.RETRYABLE)] * 50)
    assert scene.guarded.take_opened() == [OpenBreaker(4.0, OLD), OpenBreaker(5.0)]


@pytest.mark.parametrize(
    ("try_number", "wait"), [(1, 4.0), (2, 8.0), (6, 128.0), (7, 240.0), (9_000, 240.0)]
)
def test_what_a_refused_account_holds_back_waits_longer(
    scene: Scene, try_number: int, wait: float
) -> None:
    scene.refuse()
    held = message(try_number=try_number)
    scene.guarded.on_results([SendResult(held, SendStatus.CIRCUIT_OPEN)])
    assert scene.reported[-1].retry_after == wait


def test_a_refused_account_lets_what_waits_leave_the_claim(scene: Scene) -> None:
    scene.refuse()
    scene.reported.clear()
    scene.guarded.submit([message()])
    assert [r.status for r in scene.reported] == [SendStatus.NOT_GRANTED]


@pytest.mark.parametrize("day_used_up_for", [0.0, 60.0])
def test_a_provider_rests_while_its_day_is_used_up(scene: Scene, day_used_up_for: float) -> None:
    scene.limiter.day_used_up_for = day_used_up_for
    assert scene.guarded.is_resting is (day_used_up_for > 0)


ACCEPTED = [SendStatus.ACCEPTED]


@pytest.mark.parametrize(
    ("statuses", "accounts", "noted"),
    [
        (ACCEPTED, {NEW: AccountBreaker(3.0)}, OLD),
        (ACCEPTED, {NEW: AccountBreaker(3.0), OLD: AccountBreaker(-9.0, 6.0)}, OLD),
        (ACCEPTED, {NEW: AccountBreaker(3.0), OLD: AccountBreaker(-9.0, 4.0)}, None),
        (ACCEPTED, {NEW: AccountBreaker(-1.0, 3.0)}, None),
        (ACCEPTED, {}, None),
        ([], {NEW: AccountBreaker(3.0)}, None),
        ([SendStatus.PERMANENT], {NEW: AccountBreaker(3.0)}, None),
        ([*ACCEPTED, SendStatus.ACCOUNT], {NEW: AccountBreaker(3.0)}, None),
    ],
    ids=[
        "another is refused",
        "noted long ago",
        "noted already",
        "none is refused",
        "no rows",
        "nothing sent",
        "nothing accepted",
        "refused since",
    ],
)
def test_an_accepted_account_beside_a_refused_one_is_noted(
    scene: Scene,
    statuses: list[SendStatus],
    accounts: dict[str, AccountBreaker],
    noted: str | None,
) -> None:
    for status in statuses:
        scene.guarded.on_results([SendResult(message(), status)])
    assert scene.guarded.take_account_accepted(accounts) == noted
    assert scene.guarded.take_account_accepted(accounts) is None, "nothing was accepted since"


def test_an_accepted_check_ends_the_refusal_of_the_account(scene: Scene) -> None:
    """For all senders of the account: the row of the breaker ends with it."""
    scene.refuse()
    scene.guarded.take_opened()
    scene.guarded.note_accepted_check(OLD)
    assert scene.state is BreakerState.CLOSED
    assert scene.guarded.take_account_ended() == OLD
    assert not scene.guarded.breaker.account_refused


def test_a_check_of_another_account_changes_nothing(scene: Scene) -> None:
    scene.refuse()
    scene.guarded.note_accepted_check(NEW)
    assert scene.state is BreakerState.OPEN
    assert scene.guarded.take_account_ended() is None


def test_an_accepted_check_leaves_the_other_breakers_open(scene: Scene) -> None:
    """Failures, and a provider that asked to wait, have their own end."""
    scene.guarded.breaker.open_for(30.0)
    scene.guarded.note_accepted_check(OLD)
    assert scene.state is BreakerState.OPEN
    scene.now = 31.0
    scene.refuse()
    scene.guarded.breaker.open_for(30.0)
    scene.guarded.note_accepted_check(OLD)
    assert (scene.state, scene.guarded.breaker.remaining) == (BreakerState.OPEN, 30.0)


def test_a_message_without_a_grant_of_its_rate_is_not_sent(scene: Scene) -> None:
    """The check before a send has the last word, whatever has happened since the grant."""
    slow, missed, other = granted(), granted(), message(3, campaign_id=8)
    other.grant = slow.grant
    slow.rate_until = boot_time() + 60
    missed.rate_until = boot_time() - 0.001
    scene.paces.rates[slow.campaign_id] = object()
    assert scene.guarded.check_before_send([slow, missed, other]) == [
        None,
        SendStatus.NOT_GRANTED,
        None,
    ]
