from collections.abc import Callable

import pytest

from campaign_providers.contract import SendStatus
from campaign_sender.delivery.circuit_breaker import BreakerPolicy, BreakerState, CircuitBreaker

POLICY = BreakerPolicy(
    window=10, min_samples=5, failure_share=0.8, open_seconds=5.0, max_open_seconds=12.0, probes=2
)


class Scene:
    def __init__(self) -> None:
        self.now = 0.0
        self.breaker = CircuitBreaker(POLICY, lambda: self.now)

    def record(self, status: SendStatus, times: int = 1) -> list[bool]:
        return [self.breaker.record([status]) for _ in range(times)]


@pytest.fixture
def scene() -> Scene:
    return Scene()


def test_it_opens_when_most_recent_sends_failed(scene: Scene) -> None:
    assert scene.record(SendStatus.RETRYABLE, 5) == [False] * 4 + [True]
    assert scene.breaker.state is BreakerState.OPEN
    assert not scene.breaker.allows_send()
    assert scene.breaker.remaining == 5.0


def test_few_sends_do_not_open_it(scene: Scene) -> None:
    assert not any(scene.record(SendStatus.AMBIGUOUS, 4))
    assert scene.breaker.allows_send()


@pytest.mark.parametrize("answer", [SendStatus.PERMANENT, SendStatus.THROTTLED])
def test_refusals_and_throttling_do_not_open_it(scene: Scene, answer: SendStatus) -> None:
    assert not any(scene.record(answer, 50))


def test_some_failures_among_successes_do_not_open_it(scene: Scene) -> None:
    for _ in range(20):
        scene.record(SendStatus.RETRYABLE)
        scene.record(SendStatus.ACCEPTED)
    assert scene.breaker.state is BreakerState.CLOSED


def test_results_without_a_send_do_not_count(scene: Scene) -> None:
    assert not any(scene.record(SendStatus.STALE, 50))


def test_half_open_it_allows_probes_and_one_success_closes_it(scene: Scene) -> None:
    scene.record(SendStatus.RETRYABLE, 5)
    scene.now = 5.0
    assert scene.breaker.state is BreakerState.HALF_OPEN
    assert [scene.breaker.allows_send() for _ in range(3)] == [True, True, False]
    scene.record(SendStatus.ACCEPTED)
    assert scene.breaker.state is BreakerState.CLOSED
    assert scene.breaker.allows_send()


def test_tries_that_fail_double_the_cool_down_up_to_its_bound(scene: Scene) -> None:
    scene.record(SendStatus.RETRYABLE, 5)
    cool_downs = []
    for _ in range(3):
        scene.now += scene.breaker.remaining
        assert scene.breaker.allows_send()
        assert scene.record(SendStatus.AMBIGUOUS) == [True]
        cool_downs.append(scene.breaker.remaining)
    assert cool_downs == [10.0, 12.0, 12.0]


def test_tries_that_never_come_back_are_made_again(scene: Scene) -> None:
    scene.record(SendStatus.RETRYABLE, 5)
    scene.now = 5.0
    assert [scene.breaker.allows_send() for _ in range(3)] == [True, True, False]
    scene.now = 10.0
    assert scene.breaker.allows_send()


def test_a_send_from_before_it_opened_changes_nothing(scene: Scene) -> None:
    scene.record(SendStatus.RETRYABLE, 5)
    scene.now = 3.0
    scene.record(SendStatus.ACCEPTED)
    assert scene.record(SendStatus.RETRYABLE) == [False]
    assert (scene.breaker.state, scene.breaker.remaining) == (BreakerState.OPEN, 2.0)


def test_another_sender_opens_it_too(scene: Scene) -> None:
    scene.breaker.open_for(4.0)
    scene.breaker.open_for(1.0)
    assert scene.breaker.remaining == 4.0
    scene.breaker.open_for(0.0)
    assert not scene.breaker.allows_send()


def test_failures_among_other_answers_open_it_all_the_same(scene: Scene) -> None:
    statuses = [SendStatus.ACCEPTED, *[SendStatus.RETRYABLE] * 8, SendStatus.STALE]
    assert scene.breaker.record(statuses)
    assert scene.breaker.state is BreakerState.OPEN


def test_a_batch_of_clear_results_outweighs_failures(scene: Scene) -> None:
    """A batch of clear answers outweighs the failures before it."""
    scene.record(SendStatus.RETRYABLE, 4)
    assert not scene.breaker.record([SendStatus.ACCEPTED] * 10)
    assert not any(scene.record(SendStatus.RETRYABLE, 7))
    assert scene.record(SendStatus.RETRYABLE) == [True]


@pytest.mark.parametrize("ask", [lambda breaker: breaker.state, lambda breaker: breaker.remaining])
def test_it_may_be_closed_by_another_thread_while_it_is_asked(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, ask: Callable[[CircuitBreaker], object]
) -> None:
    scene.record(SendStatus.RETRYABLE, 5)
    scene.now = 5.0

    def clock() -> float:
        monkeypatch.setattr(scene.breaker, "_clock", lambda: scene.now)
        scene.record(SendStatus.ACCEPTED)
        return scene.now

    monkeypatch.setattr(scene.breaker, "_clock", clock)
    assert ask(scene.breaker) in (BreakerState.HALF_OPEN, 0.0)
    assert scene.breaker.state is BreakerState.CLOSED


def test_a_refused_account_opens_it_at_once_and_repeatedly(scene: Scene) -> None:
    scene.record(SendStatus.ACCEPTED, 10)
    assert scene.record(SendStatus.ACCOUNT, 3) == [True, False, False]
    assert scene.breaker.account_refused
    assert scene.breaker.remaining == POLICY.account_seconds
    for _ in range(4):
        scene.now += POLICY.account_seconds
        assert scene.breaker.state is BreakerState.HALF_OPEN
        assert scene.breaker.allows_send()
        assert scene.record(SendStatus.ACCOUNT) == [True]
        assert scene.breaker.remaining == POLICY.account_seconds
    scene.now += POLICY.account_seconds
    scene.record(SendStatus.ACCEPTED)
    assert scene.breaker.state is BreakerState.CLOSED
    assert not scene.breaker.account_refused


def test_another_secret_may_be_tried_at_once(scene: Scene) -> None:
    scene.record(SendStatus.ACCOUNT)
    scene.breaker.probe_account()
    assert scene.breaker.state is BreakerState.HALF_OPEN
    scene.record(SendStatus.RETRYABLE)
    scene.breaker.probe_account()
    assert scene.breaker.state is BreakerState.OPEN, "that one is open for another reason"
