"""The benchmarks' command line: python -m benchmarks SCENARIO."""

import click

from benchmarks.scenarios.send import send


@click.group()
def main() -> None:
    """Measure the system on this machine, as ratios to what its servers can do at all."""


main.add_command(send)


if __name__ == "__main__":
    main()
