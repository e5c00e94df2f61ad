"""Files of the command line: uploads with a bar, and exports that are whole or not there."""

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from shutil import copyfileobj
from tempfile import NamedTemporaryFile, TemporaryFile
from typing import BinaryIO

import click

from campaign_admin.connecting.options import given


@contextmanager
def opened(path: str) -> Iterator[BinaryIO]:
    """Open a file for an upload; `-` is stdin, which is stored first: it may be sent again.

    Raises:
        click.UsageError: it cannot be read.
    """
    if path == "-":
        with TemporaryFile() as spool:
            copyfileobj(sys.stdin.buffer, spool)
            yield spool
        return
    try:
        file = Path(path).open("rb")  # noqa: SIM115 - closed below
    except OSError as error:
        raise click.UsageError(f"{path} cannot be read: {error.strerror}") from error
    with file:
        yield file


@contextmanager
def bar(context: click.Context, label: str) -> Iterator[Callable[[int, int], None] | None]:
    """Show a bar of bytes on a terminal; yield what takes the bytes done and in all."""
    if given(context, "quiet") or not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console  # noqa: PLC0415 - no part of --help
    from rich.progress import (  # noqa: PLC0415 - no part of --help
        BarColumn,
        DownloadColumn,
        Progress,
        TextColumn,
        TransferSpeedColumn,
    )

    columns = (TextColumn(label), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task(label, total=None)
        yield lambda done, total: progress.update(task, completed=done, total=total or None)


def write_export(context: click.Context, blocks: Iterable[bytes], path: str) -> None:
    """Write an export to a file, which is there when it is complete, or to stdout."""
    if path == "-":
        for block in blocks:
            sys.stdout.buffer.write(block)
        sys.stdout.buffer.flush()
        return
    target = Path(path)
    try:
        file = NamedTemporaryFile(dir=target.parent, prefix=target.name, delete=False)  # noqa: SIM115
    except OSError as error:
        raise click.UsageError(f"{path} cannot be written: {error.strerror}") from error
    try:
        with file, bar(context, "export") as written:
            done = 0
            for block in blocks:
                file.write(block)
                done += len(block)
                if written is not None:
                    written(done, 0)
        Path(file.name).replace(target)
    except BaseException:
        with suppress(OSError):
            Path(file.name).unlink()
        raise
