"""Prometheus and promtool: Debian's packages, unpacked and not installed."""

import platform
import shutil
import tempfile
from pathlib import Path

from local_stack.distributions import debian
from local_stack.distributions.cache import Cache

_SUITE = "bookworm"
_PACKAGE = "prometheus"
_CACHE_NAME = "prometheus-debian-bookworm"
_PROGRAMS = ("prometheus", "promtool")


def command(program: str, cache: Cache) -> tuple[str, ...]:
    """Return the beginning of a command that runs `prometheus` or `promtool`.

    Raises:
        ProgramMissingError: it is not installed, and this is not a Debian system.
        DownloadError: the package could not be fetched.
    """
    installed = shutil.which(program)
    if installed is not None:
        return (installed,)
    root = cache.provide(_CACHE_NAME, _unpack)
    # Run through the C library that came with it.
    return str(root / "lib" / "ld.so"), "--library-path", str(root / "lib"), str(root / program)


def _unpack(into: Path) -> None:
    """Keep the two programs and the C library: the rest of the package's closure is large."""
    with tempfile.TemporaryDirectory(dir=into) as everything:
        root = Path(everything)
        debian.fetch(_PACKAGE, _SUITE, root)
        libraries = root / "lib" / f"{platform.machine()}-linux-gnu"
        (into / "lib").mkdir()
        for library in libraries.glob("*.so*"):
            shutil.copy2(library, into / "lib" / library.name)
        (loader,) = libraries.glob("ld-linux-*.so.*")
        shutil.copy2(loader, into / "lib" / "ld.so")
        for program in _PROGRAMS:
            shutil.copy2(root / "usr" / "bin" / program, into / program)
