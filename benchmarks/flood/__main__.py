"""A flood as a process: python -m benchmarks.flood HOST PORT NICENESS, with scripts as its input.

It prints `begun` when its clients have connected, `sent` when they have sent everything that they
send once, and its outcome so far as JSON, repeatedly until its input ends.
"""

import asyncio
import os
import resource
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import msgspec

from benchmarks.flood.script import Outcome, Script
from benchmarks.flood.swarm import Address, Swarm

AUTOGROUP = Path("/proc/self/autogroup")
"""The session's niceness: Linux weighs sessions before the processes in them (sched(7))."""

TELL = 0.1
"""Seconds between two outcomes."""

LONGEST = 300.0
"""Seconds after which a flood ends even if its input does not."""


def main() -> None:
    """Flood until the input ends."""
    _, host, port, niceness = sys.argv
    os.nice(int(niceness))
    with suppress(OSError):  # a system without that feature goes by nice alone
        AUTOGROUP.write_text(niceness)
    _, most_files = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most_files, most_files))
    scripts = msgspec.json.decode(sys.stdin.readline(), type=list[Script])
    asyncio.run(_flood((host, int(port)), scripts))


async def _flood(address: Address, scripts: Sequence[Script]) -> None:
    swarm = Swarm(address, scripts)
    told_to_end = asyncio.create_task(asyncio.to_thread(sys.stdin.readline))
    flooding = asyncio.create_task(swarm.run(lambda: _say("begun"), lambda: _say("sent")))
    until = time.monotonic() + LONGEST
    while not told_to_end.done() and time.monotonic() < until:
        await asyncio.wait({told_to_end}, timeout=TELL)
        _tell(swarm.outcome)
    flooding.cancel()
    await asyncio.gather(flooding, return_exceptions=True)
    _tell(swarm.outcome)


def _tell(outcome: Outcome) -> None:
    outcome.processor = time.process_time()
    _say(msgspec.json.encode(outcome).decode())


def _say(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    main()
