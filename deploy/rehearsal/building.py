"""The control plane's programs and KEDA's definitions, built once from Go modules into the cache.

`programs/go.mod` and `programs/go.sum` pin every module with its checksum.
"""

import hashlib
import json
import os
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from local_stack.distributions.cache import Cache
from local_stack.distributions.platforms import current
from local_stack.errors import DownloadError, ProgramMissingError

PROGRAMS = Path(__file__).with_name("programs")

KUBERNETES = "k8s.io/kubernetes"
ETCD = "go.etcd.io/etcd/server/v3"
KWOK = "sigs.k8s.io/kwok"
KEDA = "github.com/kedacore/keda/v2"

KEDA_SUMS = {
    "2.14.0": "h1:0vxF1cEbEcAVWwbSHzgmanA43Hnnz5oGZZPN9yC7/rg=",
    "2.21.0": "h1:R6z2HZvstK4RLUMxroNACzBj74xGxt3kG59b5Xc+Xps=",
}
"""Checksums of KEDA's module by version: the oldest that docs/operations/overview.md promises, and
a current one. go.mod does not require it, since only its files are used."""

_STAGES = ("node/fast", "node/heartbeat", "pod/fast", "volume/fast")
"""Folders of kwok's module that define the behaviour of simulated nodes, pods and volumes."""

_REQUIREMENT = re.compile(r"^\t(\S+) v(\S+)(?: // indirect)?$", re.MULTILINE)
_VERSION_VARIABLES = "k8s.io/component-base/version"


@dataclass(frozen=True)
class Programs:
    """A folder with etcd, kube-apiserver, …, kubectl and kwok, and kwok's configuration."""

    folder: Path

    @property
    def stages(self) -> Path:
        """The configuration of kwok."""
        return self.folder / "stages.yaml"

    def path(self, program: str) -> Path:
        """Return the path of a program."""
        return self.folder / program


def versions() -> Mapping[str, str]:
    """Return the version of every module that is built, without its "v"."""
    return dict(_REQUIREMENT.findall((PROGRAMS / "go.mod").read_text()))


def find_programs(cache: Cache) -> Programs:
    """Return the programs, built first if the cache lacks them (19 minutes of processor time).

    Raises:
        ProgramMissingError: Go is not installed.
        DownloadError: they could not be fetched or built.
    """
    return Programs(cache.provide(programs_name(), _build))


def programs_name() -> str:
    """Return the programs' name in the cache, which depends on the pinned modules."""
    pins = b"".join((PROGRAMS / name).read_bytes() for name in ("go.mod", "go.sum"))
    digest = hashlib.sha256(pins + repr(_STAGES).encode()).hexdigest()[:8]
    return f"control-plane-{versions()[KUBERNETES]}-{digest}-{current()}"


def find_keda_definitions(cache: Cache, version: str) -> Path:
    """Return a folder with KEDA's custom resource definitions.

    Raises:
        ProgramMissingError: Go is not installed.
        DownloadError: the module could not be fetched, or its checksum is not the pinned one.
    """

    def fetch(into: Path) -> None:
        module = f"{KEDA}@v{version}"
        # Outside of every module, so that Go checks its checksum database.
        found = json.loads(_go(["mod", "download", "-json", module], folder=into))
        if found["Sum"] != KEDA_SUMS[version]:
            raise DownloadError(f"{module} has the checksum {found['Sum']}, not the pinned one")
        for file in Path(found["Dir"], "config", "crd", "bases").glob("keda.sh_*.yaml"):
            shutil.copyfile(file, into / file.name)

    return cache.provide(f"keda-definitions-{version}", fetch)


def _build(into: Path) -> None:
    release = versions()[KUBERNETES]
    major, minor, _patch = release.split(".")
    variables = {"gitVersion": f"v{release}", "gitMajor": major, "gitMinor": minor}
    flags = [f"-X {_VERSION_VARIABLES}.{name}={value}" for name, value in variables.items()]
    _go(
        ["install", "-trimpath", "-ldflags", " ".join(["-s -w", *flags]), "tool"],
        folder=PROGRAMS,
        environment={"GOBIN": str(into), "CGO_ENABLED": "0", "GOFLAGS": ""},
    )
    (into / "server").rename(into / "etcd")
    kwok = Path(_go(["list", "-m", "-f", "{{.Dir}}", KWOK], folder=PROGRAMS).strip())
    (into / "stages.yaml").write_text(
        "\n---\n".join(
            file.read_text()
            for folder in _STAGES
            for file in sorted((kwok / "kustomize" / "stage" / folder).glob("*.yaml"))
            if "kind: Stage\n" in file.read_text()
        )
    )


def _go(
    arguments: Sequence[str], folder: Path, environment: Mapping[str, str] | None = None
) -> str:
    """Run Go and return what it prints.

    Raises:
        ProgramMissingError: it is not installed.
        DownloadError: it failed.
    """
    if shutil.which("go") is None:
        raise ProgramMissingError(
            "Go 1.26 or newer is needed to build a control plane: https://go.dev/dl/"
        )
    completed = subprocess.run(
        ["go", *arguments],
        cwd=folder,
        env={**os.environ, **(environment or {})},
        capture_output=True,
        text=True,
        check=False,
    )
    if completed.returncode:
        reason = (completed.stderr.strip().splitlines() or ["it gave no reason"])[-1]
        raise DownloadError(f"go {' '.join(arguments)} failed: {reason}")
    return completed.stdout
