import re
import socket
import subprocess

import pytest

from local_stack.__main__ import main
from local_stack.distributions.cache import REPOSITORY


def test_taken_port_is_one_line_that_says_what_to_do(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as other_program:
        other_program.bind(("127.0.0.1", 0))
        other_program.listen()
        port = other_program.getsockname()[1]
        assert main(["run", "--port", str(port)]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert f"port {port} is taken" in line
    assert f"PORT={port + 1} make run" in line


@pytest.mark.parametrize("options", [["--senders", "-1"], ["--port", "70000"]])
def test_senseless_numbers_are_refused(options: list[str]) -> None:
    with pytest.raises(SystemExit) as raised:
        main(["run", *options])
    assert raised.value.code == 2


def test_make_alone_lists_every_target() -> None:
    listed = subprocess.run(
        ["make", "-s"], cwd=REPOSITORY, capture_output=True, text=True, check=True
    ).stdout
    targets = {line.split()[0] for line in listed.splitlines() if line.startswith("  ")}
    described = re.findall(
        r"^([a-z0-9-]+):.*## ", (REPOSITORY / "Makefile").read_text(), re.MULTILINE
    )
    assert targets == set(described)
    assert {"demo", "run", "test", "lint"} <= targets
