"""What this machine is, in the words of the cache's folder names."""

import platform


def current() -> str:
    """Such as linux-x86_64 or macos-arm64."""
    system = {"Darwin": "macos"}.get(platform.system(), platform.system().lower())
    machine = platform.machine().lower()
    machine = {"amd64": "x86_64", "aarch64": "arm64"}.get(machine, machine)
    return f"{system}-{machine}"
