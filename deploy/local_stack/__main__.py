"""The command line: ``python -m local_stack up|run|demo``."""

import argparse
import sys
from pathlib import Path

from local_stack.distributions.cache import Cache
from local_stack.errors import StackError
from local_stack.signals import StopSignal
from local_stack.stack import Stack


def main(arguments: list[str] | None = None) -> int:
    """Run one command and answer its exit code."""
    options = _parser().parse_args(arguments)
    try:
        return _up(options)
    except StackError as error:
        print(f"local stack: {error}", file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="local_stack", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    up = commands.add_parser("up", help="Kafka and a database alone, until Ctrl-C")
    up.add_argument("--database", choices=("mariadb", "mysql"), default="mariadb")
    up.add_argument("--folder", type=Path, required=True, help="data, logs and stack.json")
    up.add_argument("--keep", action="store_true", help="keep the folder afterwards")
    return parser


def _up(options: argparse.Namespace) -> int:
    stop = StopSignal()
    cache = Cache.from_environment()
    with Stack(options.folder, cache, flavour=options.database, keep=options.keep) as stack:
        print((stack.folder / "stack.json").read_text(), flush=True)
        while not stop.wait(1):
            stack.check()
    return 0


if __name__ == "__main__":
    sys.exit(main())
