"""Lookup of a Java that can run the broker."""

import os
import re
import subprocess
from collections.abc import Iterator

from local_stack.errors import ProgramMissingError

_LEAST_VERSION = 17
_VERSION = re.compile(r'version "(\d+)')
# Homebrew links its Java nowhere on PATH.
_HOMEBREW = ("/opt/homebrew/opt/openjdk/bin/java", "/usr/local/opt/openjdk/bin/java")


def find_java() -> str:
    """Find the first Java of version 17 or newer.

    Raises:
        ProgramMissingError: there is none.
    """
    for java in _candidates():
        if _major_version(java) >= _LEAST_VERSION:
            return java
    raise ProgramMissingError(
        f"Java {_LEAST_VERSION} or newer is missing: 'make setup' installs it, or: "
        "apt install openjdk-17-jre-headless, brew install openjdk"
    )


def _candidates() -> Iterator[str]:
    if home := os.environ.get("JAVA_HOME"):
        yield f"{home}/bin/java"
    yield "java"
    yield from _HOMEBREW


def _major_version(java: str) -> int:
    try:
        completed = subprocess.run([java, "-version"], capture_output=True, text=True, check=False)
    except OSError:  # not there, or not a program
        return 0
    found = _VERSION.search(completed.stderr)
    return int(found[1]) if found and completed.returncode == 0 else 0
