"""Containers as the manifests have them run: read-only, without root, without capabilities.

crun starts them on what buildah has built; they share the network of this machine, so that the
servers of the test run are where their configuration says.
"""

import json
import os
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex
from typing import Any

from tests.images.seccomp import runtime_default

USER = 10001
SHARED = "/srv/lists"
"""Read-only mount point of the folder that a container is given."""

WRITABLE = "/tmp"  # noqa: S108 - in the container

SHELLS = ("/usr/bin/dash", "/usr/bin/bash")
"""Taken away from every container, since none needs one."""

# crun looks for a cgroup v2 tree of its own and fails where a machine has only parts of one.
_START = 'umount /sys/fs/cgroup/unified 2>/dev/null; exec crun "$@"'


@dataclass(frozen=True)
class Image:
    """An image in buildah's storage, with its root mounted."""

    name: str
    root: Path
    settings: Mapping[str, Any]
    """The image's configuration: Entrypoint, Cmd, Env, User, Labels, Healthcheck."""
    size: int
    """Bytes of all layers."""

    @property
    def health_check(self) -> list[str]:
        """The command of HEALTHCHECK."""
        kind, *command = self.settings["Healthcheck"]["Test"]
        assert kind == "CMD"
        return command


class Container:
    """A running container."""

    def __init__(self, root: Path, name: str, process: "subprocess.Popen[str]") -> None:
        self._crun = ["crun", "--root", str(root), "--cgroup-manager=disabled"]
        self._name = name
        self._process = process

    @property
    def exit_code(self) -> int | None:
        return self._process.poll()

    def execute(self, command: Sequence[str]) -> "subprocess.CompletedProcess[str]":
        """Run a command inside."""
        return subprocess.run(
            [*self._crun, "exec", self._name, *command],
            capture_output=True,
            text=True,
            check=False,
            timeout=30,
        )

    def stop(self, grace: float) -> int:
        """Send SIGTERM and answer the exit code, which must come within `grace` seconds."""
        subprocess.run([*self._crun, "kill", self._name, "TERM"], check=True)
        return self._process.wait(grace)

    def remove(self) -> None:
        """End what still runs."""
        subprocess.run(
            [*self._crun, "delete", "--force", self._name], capture_output=True, check=False
        )
        self._process.wait(30)


@contextmanager
def run(
    image: Image,
    shared: Path,
    log: Path,
    *,
    command: Sequence[str] = (),
    environment: Mapping[str, str] | None = None,
) -> Iterator[Container]:
    """Run an image, or another command in it; what it prints goes to `log`."""
    name = f"camp-{token_hex(4)}"
    bundle = log.with_suffix(".bundle")
    bundle.mkdir()
    (bundle / "config.json").write_text(
        json.dumps(_specification(image, bundle, shared, command, environment or {}))
    )
    state = bundle / "state"
    arguments = ["--root", str(state), "--cgroup-manager=disabled", "run", "-b", str(bundle), name]
    with log.open("w") as output:
        process = subprocess.Popen(
            ["unshare", "-m", "--propagation", "private", "sh", "-c", _START, "sh", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            text=True,
        )
    container = Container(state, name, process)
    try:
        yield container
    finally:
        container.remove()


def _specification(
    image: Image,
    bundle: Path,
    shared: Path,
    command: Sequence[str],
    environment: Mapping[str, str],
) -> dict[str, Any]:
    subprocess.run(["crun", "spec"], cwd=bundle, check=True)
    specification: dict[str, Any] = json.loads((bundle / "config.json").read_text())
    own = [*(image.settings.get("Entrypoint") or []), *(image.settings.get("Cmd") or [])]
    specification["process"] |= {
        "terminal": False,
        "user": {"uid": USER, "gid": USER},
        "args": list(command) or own,
        "env": [*image.settings["Env"], *(f"{key}={value}" for key, value in environment.items())],
        "cwd": image.settings["WorkingDir"],
        "capabilities": {},
        "noNewPrivileges": True,
    }
    specification["root"] = {"path": str(image.root), "readonly": True}
    specification["mounts"] = [
        mount for mount in specification["mounts"] if not mount["destination"].startswith("/sys")
    ] + [
        {
            "destination": WRITABLE,
            "type": "tmpfs",
            "source": "tmpfs",
            "options": ["nosuid", "nodev", "noexec", "mode=1777", "size=64m"],
        },
        {
            "destination": SHARED,
            "type": "bind",
            "source": str(shared),
            "options": ["bind", "ro"],
        },
    ]
    linux = specification["linux"]
    linux["namespaces"] = [
        space for space in linux["namespaces"] if space["type"] not in {"network", "cgroup"}
    ]
    linux.pop("resources", None)
    linux["seccomp"] = runtime_default()
    linux["maskedPaths"] = [*linux.get("maskedPaths", []), *SHELLS]
    return specification


@contextmanager
def mounted(name: str) -> Iterator[Image]:
    """Mount an image of buildah's storage."""
    described = json.loads(_buildah("inspect", "--type", "image", name))
    listed = json.loads(_buildah("images", "--json", name))
    working = _buildah("from", "--pull-never", name)
    try:
        yield Image(
            name=name,
            root=Path(_buildah("mount", working)),
            settings=described["Docker"]["config"],
            size=_bytes(listed[0]["size"]),
        )
    finally:
        _buildah("rm", working)


def _bytes(shown: str) -> int:
    number, unit = shown.split()
    return round(float(number) * {"KB": 1_000, "MB": 1_000_000, "GB": 1_000_000_000}[unit])


def _buildah(*arguments: str) -> str:
    return subprocess.run(
        ["buildah", *arguments], stdout=subprocess.PIPE, text=True, check=True, env=os.environ
    ).stdout.strip()
