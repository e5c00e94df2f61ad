from typing import Any

from benchmarks.alternation import alternated
from benchmarks.measuring import Show
from benchmarks.results import Run
from benchmarks.scenarios.template_cost import message, writers
from benchmarks.site import Site

ANYWHERE: Any = None


def test_two_ways_are_compared_in_turns() -> None:
    """Each repeat has both, another one first, and the ratio of the second to the first."""
    sent: list[str] = []

    def way(name: str, rate: float) -> Any:  # noqa: ANN401 - a function
        def send(_: Site, __: Show) -> Run:
            sent.append(name)
            run = Run()
            run.note("rate", rate, "msg/s")
            return run

        return send

    case = alternated("a case", ("plain", way("plain", 200.0)), ("new", way("new", 150.0)), {})
    runs = [case.measure(ANYWHERE, ANYWHERE) for _ in range(3)]
    assert sent == ["plain", "new", "new", "plain", "plain", "new"]
    for run in runs:
        assert {name: figure.value for name, figure in run.figures.items()} == {
            "rate, plain": 200.0,
            "rate, new": 150.0,
            "rate, new / plain": 0.75,
        }


def test_writers_that_are_compared_write_the_same() -> None:
    requests = {write(message(7)) for write in writers().values()}
    assert len(requests) == 1
    assert b"Idempotency-Key: 1-7-0\r\n" in requests.pop()
