"""A terminal: its commands and their output go to the transcript, and must end as expected."""

import os
import signal
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from rehearsal.errors import RehearsalError
from rehearsal.transcript import Transcript


@dataclass(frozen=True)
class Terminal:
    """A shell in a folder."""

    folder: Path
    environment: Mapping[str, str]
    transcript: Transcript
    patience: float = 180
    """Seconds for one command."""

    def type(self, command: str) -> str:
        """Run a command that has to succeed, and return its output.

        Raises:
            RehearsalError: it failed; the message has all of its output.
        """
        code, printed = self._run(command)
        if code:
            raise RehearsalError(
                f"{command}\nshould have succeeded, and ended with {code}:\n{printed}"
            )
        self.transcript.output(printed)
        return printed

    def type_refused(self, command: str, *reasons: str) -> str:
        """Run a command that has to be refused for these reasons, and return its output.

        Raises:
            RehearsalError: it succeeded, or failed without naming one of them.
        """
        code, printed = self._run(command)
        if not code:
            raise RehearsalError(f"{command}\nshould have been refused, and was not:\n{printed}")
        for reason in reasons:
            if reason not in printed:
                raise RehearsalError(
                    f"{command}\nwas refused, but not because of {reason!r}:\n{printed}"
                )
        self.transcript.output_about(printed, reasons)
        return printed

    def _run(self, command: str) -> tuple[int, str]:
        self.transcript.command(command)
        shell = subprocess.Popen(
            ["sh", "-c", command],
            cwd=self.folder,
            env=dict(self.environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,  # what it starts ends with it
        )
        try:
            printed, _ = shell.communicate(timeout=self.patience)
        except subprocess.TimeoutExpired as silent:
            raise RehearsalError(f"{command}\ndid not end in {self.patience:.0f} s") from silent
        finally:
            _end(shell)
        return shell.returncode, printed


def _end(shell: "subprocess.Popen[str]") -> None:
    if shell.poll() is None:
        os.killpg(shell.pid, signal.SIGKILL)
    shell.communicate()
