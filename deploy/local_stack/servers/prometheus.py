"""Prometheus and promtool: Debian's packages, unpacked and not installed."""

import shutil

from local_stack.distributions import debian
from local_stack.distributions.cache import Cache

_SUITE = "bookworm"
_PACKAGE = "prometheus"
_CACHE_NAME = "prometheus-debian-bookworm"
_PROGRAMS = ("usr/bin/prometheus", "usr/bin/promtool")


def command(program: str, cache: Cache) -> tuple[str, ...]:
    """Return the beginning of a command that runs `prometheus` or `promtool`.

    Raises:
        ProgramMissingError: it is not installed, and this is not a Debian system.
        DownloadError: the package could not be fetched.
    """
    installed = shutil.which(program)
    if installed is not None:
        return (installed,)
    root = cache.provide(
        _CACHE_NAME, lambda part: debian.fetch_programs(_PACKAGE, _SUITE, _PROGRAMS, part)
    )
    return debian.command(root, program)
