"""An obstacle is told when it begins, when it changes and when it ends, and not between."""

import pytest

from campaign_common.runtime.obstacle import REPEAT_AFTER, Obstacle


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.mark.parametrize(
    ("failures", "told"),
    [
        pytest.param(["a", "a", "a"], ["a"], id="the same is told once"),
        pytest.param(["a", "b", "b"], ["a", "b"], id="another one is told, too"),
        pytest.param(["a", "b", "a", "b"], ["a", "b"], id="two that take turns"),
        pytest.param(["port 1", "port 27"], ["port 1"], id="a number is no difference"),
    ],
)
def test_a_failure_is_told_when_it_changes(failures: list[str], told: list[str]) -> None:
    obstacle = Obstacle(Clock())
    assert [failure for failure in failures if obstacle.met(failure)] == told


def test_what_comes_back_after_a_minute_is_told_again() -> None:
    clock = Clock()
    obstacle = Obstacle(clock)
    assert obstacle.met("a")
    assert obstacle.met("b")
    clock.now = REPEAT_AFTER
    assert obstacle.met("a")


def test_the_end_is_told_once_with_its_seconds() -> None:
    clock = Clock()
    obstacle = Obstacle(clock)
    obstacle.met("a")
    clock.now = 3.0
    obstacle.met("b")
    assert obstacle.overcome() == 3.0
    assert obstacle.overcome() is None


def test_the_same_obstacle_is_told_again_after_its_end() -> None:
    obstacle = Obstacle(Clock())
    assert obstacle.met("a")
    obstacle.overcome()
    assert obstacle.met("a")
