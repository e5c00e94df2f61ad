"""The effect of `seccompProfile: RuntimeDefault`: the profile of Debian's container engines."""

import json
import platform
from collections.abc import Mapping
from pathlib import Path
from typing import Any

PROFILE = Path("/usr/share/containers/seccomp.json")
"""File of golang-github-containers-common, a dependency of buildah."""

_MACHINES = {"x86_64": ("amd64", "SCMP_ARCH_X86_64"), "aarch64": ("arm64", "SCMP_ARCH_AARCH64")}

Rule = Mapping[str, Any]


def runtime_default() -> Mapping[str, Any]:
    """Return it in the form of the OCI runtime specification, without capabilities."""
    profile = json.loads(PROFILE.read_text())
    machine, architecture = _MACHINES[platform.machine()]
    return {
        "defaultAction": profile["defaultAction"],
        "defaultErrnoRet": profile["defaultErrnoRet"],
        "architectures": [architecture],
        "syscalls": [
            {
                "names": rule["names"],
                "action": rule["action"],
                "args": rule["args"] or [],
                **({"errnoRet": rule["errnoRet"]} if "errnoRet" in rule else {}),
            }
            for rule in profile["syscalls"]
            if _applies(rule, machine)
        ],
    }


def _applies(rule: Rule, machine: str) -> bool:
    included, excluded = rule["includes"], rule["excludes"]
    if included.get("caps") or machine in excluded.get("arches", []):
        return False
    return machine in included.get("arches", [machine])
