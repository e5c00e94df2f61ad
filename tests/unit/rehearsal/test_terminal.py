"""Commands are shown with what they print, and have to end as expected."""

import io
import os
from pathlib import Path

import pytest

from rehearsal.errors import RehearsalError
from rehearsal.stage import Stage
from rehearsal.terminal import Terminal
from rehearsal.transcript import Transcript, folded


@pytest.fixture
def shown() -> io.StringIO:
    return io.StringIO()


@pytest.fixture
def terminal(tmp_path: Path, shown: io.StringIO) -> Terminal:
    environment = {"PATH": os.environ["PATH"], "NAME": "rehearsal"}
    return Terminal(tmp_path, environment, Transcript(shown))


def test_a_command_is_shown_with_what_it_prints(terminal: Terminal, shown: io.StringIO) -> None:
    assert terminal.type("echo $NAME; ls >&2") == "rehearsal\n"
    assert shown.getvalue() == "$ echo $NAME; ls >&2\nrehearsal\n"


def test_a_command_that_fails_ends_the_rehearsal(terminal: Terminal) -> None:
    with pytest.raises(RehearsalError, match="should have succeeded, and ended with 3:\nno way"):
        terminal.type("echo no way; exit 3")


def test_a_refusal_is_shown_like_any_answer(terminal: Terminal, shown: io.StringIO) -> None:
    terminal.type_refused("echo 'it violates PodSecurity'; exit 1", "violates", "PodSecurity")
    assert "\nit violates PodSecurity\n" in shown.getvalue()


def test_of_a_refusal_the_reason_is_shown(terminal: Terminal, shown: io.StringIO) -> None:
    terminal.type_refused("seq 40; echo 'the last one stays'; exit 1", "stays")
    assert shown.getvalue().splitlines()[1:] == ["the last one stays", "... 40 more lines ..."]


def test_what_should_be_refused_must_not_succeed(terminal: Terminal) -> None:
    with pytest.raises(RehearsalError, match="should have been refused, and was not:\ncreated"):
        terminal.type_refused("echo created", "created")


def test_a_refusal_for_another_reason_does_not_count(terminal: Terminal) -> None:
    with pytest.raises(RehearsalError, match="not because of 'PodSecurity':\nno connection"):
        terminal.type_refused("echo no connection; exit 1", "PodSecurity")


def test_a_command_that_does_not_end_is_ended(tmp_path: Path) -> None:
    terminal = Terminal(tmp_path, os.environ, Transcript(io.StringIO()), patience=0.2)
    with pytest.raises(RehearsalError, match=r"did not end in 0 s"):
        terminal.type("sleep 600 | cat")


def test_long_output_is_folded_in_the_middle() -> None:
    assert folded(["a", "b"]) == ["a", "b"]
    lines = folded([str(number) for number in range(100)])
    assert lines == [*"01234567", "... 89 more lines ...", "97", "98", "99"]


def test_long_lines_are_cut_in_the_middle() -> None:
    (line,) = folded(["begin" + "x" * 6000 + "end"])
    assert line.startswith("begin")
    assert line.endswith("x ... " + "x" * 57 + "end")


def test_what_is_unchanged_is_only_counted() -> None:
    lines = ["job.batch/a unchanged", "deployment.apps/b configured", "service/c unchanged"]
    assert folded(lines) == ["deployment.apps/b configured", "... 2 unchanged ..."]


@pytest.fixture
def stage(terminal: Terminal) -> Stage:
    return Stage(terminal, cluster=None, cache=None, patience=0.3)  # type: ignore[arg-type]


def test_what_comes_to_be_as_expected_is_confirmed(stage: Stage, shown: io.StringIO) -> None:
    numbers = iter([1, 2, 3, 3])
    stage.expect("3 are ready", lambda: next(numbers), 3)
    assert shown.getvalue() == "ok: 3 are ready\n"


def test_what_does_not_is_said_with_what_was_seen(stage: Stage, shown: io.StringIO) -> None:
    with pytest.raises(RehearsalError, match="not so: 3 are ready\nexpected 3\nfound    2"):
        stage.expect("3 are ready", lambda: 2, 3)
    assert not shown.getvalue()
