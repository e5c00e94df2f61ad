"""The transcript of a rehearsal in Markdown: commands, their output, and the checks."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TextIO

_FOLDED = 16
"""Number of output lines from which only the first and last are shown."""

_FIRST, _LAST = 8, 3
_LONG, _BEGINNING, _END = 300, 220, 60
_UNCHANGED = (" unchanged", " unchanged (server dry run)")


@dataclass(frozen=True)
class Transcript:
    """A transcript, written line by line as the rehearsal goes on."""

    stream: TextIO

    @contextmanager
    def part(self, title: str) -> Iterator[None]:
        """Show the block's commands under a heading."""
        self._write(f"\n## {title}\n\n```console")
        yield
        self._write("```")

    def remark(self, text: str) -> None:
        """Show a remark about the next commands."""
        self._write(f"# {text}")

    def command(self, text: str) -> None:
        """Show a command as it is typed."""
        self._write(f"$ {text}")

    def output(self, text: str) -> None:
        """Show a command's output, folded if it is long."""
        for line in folded(text.rstrip().splitlines()):
            self._write(line)

    def output_about(self, text: str, words: Sequence[str]) -> None:
        """Show the lines that contain any of `words`, and the number of the others."""
        lines = text.rstrip().splitlines()
        told = [line for line in lines if any(word in line for word in words)]
        for line in folded(told):
            self._write(line)
        if len(told) < len(lines):
            self._write(_more(len(lines) - len(told)))

    def confirmed(self, text: str) -> None:
        """Show a check that succeeded."""
        self._write(f"ok: {text}")

    def _write(self, line: str) -> None:
        self.stream.write(f"{line}\n")
        self.stream.flush()


def folded(lines: Sequence[str]) -> list[str]:
    """Replace unchanged lines, and the middle of long output, by their number."""
    lines = [_cut(line) for line in lines]
    unchanged = [line for line in lines if line.endswith(_UNCHANGED)]
    if unchanged:
        others = [line for line in lines if not line.endswith(_UNCHANGED)]
        return [*folded(others), f"... {len(unchanged)} unchanged ..."]
    if len(lines) < _FOLDED:
        return list(lines)
    return [*lines[:_FIRST], _more(len(lines) - _FIRST - _LAST), *lines[-_LAST:]]


def _more(count: int) -> str:
    return f"... {count} more line{'s' if count > 1 else ''} ..."


def _cut(line: str) -> str:
    return line if len(line) < _LONG else f"{line[:_BEGINNING]} ... {line[-_END:]}"
