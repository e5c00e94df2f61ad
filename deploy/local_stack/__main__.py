"""The local stack's command line: python -m local_stack up, run or demo."""

import argparse
import os
import sys
from collections.abc import Callable
from pathlib import Path

from local_stack.demo.main import demo
from local_stack.distributions.cache import Cache
from local_stack.errors import StackError
from local_stack.run import run
from local_stack.signals import StopSignal, unwind_on_sigterm
from local_stack.stack import Stack

_EXIT_FAILED = 1
_EXIT_INTERRUPTED = 130  # as a shell reports Ctrl-C


def main(arguments: list[str] | None = None) -> int:
    """Run one command and return its exit code."""
    options = _parser().parse_args(arguments)
    unwind_on_sigterm()
    # Data, logs and sockets are of the user who starts them alone.
    os.umask(0o077)
    try:
        if options.command == "up":
            _up(options)
        elif options.command == "run":
            run(port=options.port, senders=options.senders)
        else:
            demo(recipients=options.recipients, port=options.port, senders=options.senders)
    except StackError as error:
        print("\n".join([f"local stack: {error}", *_notes(error)]), file=sys.stderr)
        return _EXIT_FAILED
    except KeyboardInterrupt:
        return _EXIT_INTERRUPTED
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="local_stack", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    up = commands.add_parser("up", help="Kafka and a database alone, until Ctrl-C")
    up.add_argument("--database", choices=("mariadb", "mysql"), default="mariadb")
    up.add_argument("--folder", type=Path, required=True, help="data, logs and stack.json")
    up.add_argument("--keep", action="store_true", help="keep the folder afterwards")
    run_ = commands.add_parser("run", help="stack and services, until Ctrl-C")
    run_.add_argument("--port", type=_port, default=10001, help="of the API (default 10001)")
    run_.add_argument("--senders", type=_count_from(0), default=1, help="default 1")
    demo_ = commands.add_parser("demo", help="one campaign, accounted for to the last recipient")
    demo_.add_argument("--recipients", type=_count_from(1), default=100_000)
    demo_.add_argument("--port", type=_port, default=0, help="of the API (default: a free one)")
    demo_.add_argument("--senders", type=_count_from(1), default=1, help="default 1")
    return parser


def _port(text: str) -> int:
    number = int(text)
    if not 0 <= number <= 65535:
        raise argparse.ArgumentTypeError(f"{text} is not a port: expected 0 to 65535")
    return number


def _count_from(least: int) -> Callable[[str], int]:
    def count(text: str) -> int:
        number = int(text)
        if number < least:
            raise argparse.ArgumentTypeError(f"{text} is too few: expected {least} or more")
        return number

    return count


def _up(options: argparse.Namespace) -> None:
    stop = StopSignal()
    cache = Cache.from_environment()
    with Stack(options.folder, cache, flavour=options.database, keep=options.keep) as stack:
        print((stack.folder / "stack.json").read_text(), flush=True)
        while not stop.wait(1):
            stack.check()


def _notes(error: BaseException) -> list[str]:
    return getattr(error, "__notes__", [])


if __name__ == "__main__":
    sys.exit(main())
