"""The program that renders kustomizations: an installed one, or else a downloaded one."""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from local_stack.distributions import debian
from local_stack.distributions.cache import Cache
from local_stack.distributions.platforms import current
from local_stack.errors import DownloadError, ProgramMissingError

VERSION = "5.7.1"
"""Version of kustomize to build if none is installed; all from OLDEST on render the same."""

OLDEST = 5

_MODULE = f"sigs.k8s.io/kustomize/kustomize/v5@v{VERSION}"
_MAJOR = re.compile(r"v?(\d+)\.")


@dataclass(frozen=True)
class Kustomize:
    """A command that takes a folder and prints its kustomization, rendered."""

    command: tuple[str, ...]

    def render(self, folder: Path) -> str:
        """Render the kustomization in `folder` as YAML documents.

        Raises:
            subprocess.CalledProcessError: it is invalid; the reason is on standard error.
        """
        return subprocess.run(
            [*self.command, str(folder)], stdout=subprocess.PIPE, text=True, check=True
        ).stdout


def find_kustomize(cache: Cache) -> Kustomize:
    """Find kustomize or kubectl on this machine, or get one into the cache.

    Debian's package is unpacked into the cache (10 s); elsewhere Go builds it (a minute or two).

    Raises:
        ProgramMissingError: neither is installed, and this machine cannot get one.
        DownloadError: the download or the build failed.
    """
    installed = _installed()
    if installed is not None:
        return installed
    try:
        unpacked = cache.provide(
            "kubectl-debian-sid", lambda part: debian.fetch("kubernetes-client", "sid", part)
        )
        return Kustomize((str(unpacked / "usr" / "bin" / "kubectl"), "kustomize"))
    except ProgramMissingError as no_debian:
        if shutil.which("go") is None:
            raise ProgramMissingError(
                f"kustomize {OLDEST} or newer, kubectl 1.27 or newer, or Go is needed: {no_debian}"
            ) from no_debian
    built = cache.provide(f"kustomize-{VERSION}-{current()}", _build)
    return Kustomize((str(built / "kustomize"), "build"))


def _installed() -> Kustomize | None:
    if _major(["kustomize", "version"]) >= OLDEST:
        return Kustomize(("kustomize", "build"))
    if _major(["kubectl", "version", "--client", "-o", "json"]) >= OLDEST:
        return Kustomize(("kubectl", "kustomize"))
    return None


def _major(command: Sequence[str]) -> int:
    """Return the major version of a program's kustomize; 0 if it has none."""
    if shutil.which(command[0]) is None:
        return 0
    answer = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    if answer.startswith("{"):
        answer = json.loads(answer).get("kustomizeVersion", "")
    found = _MAJOR.match(answer)
    return int(found[1]) if found else 0


def _build(into: Path) -> None:
    completed = subprocess.run(
        ["go", "install", "-trimpath", _MODULE],
        env={**os.environ, "GOBIN": str(into), "CGO_ENABLED": "0", "GOFLAGS": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    if completed.returncode:
        reason = completed.stderr.strip().splitlines()[-1:]
        raise DownloadError(f"{_MODULE} could not be built: {' '.join(reason)}")
