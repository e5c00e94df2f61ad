"""Name of this machine's platform, as in the folder names of the download cache."""

import platform


def current() -> str:
    """Return the platform's name, such as linux-x86_64 or macos-arm64."""
    system = {"Darwin": "macos"}.get(platform.system(), platform.system().lower())
    machine = platform.machine().lower()
    machine = {"amd64": "x86_64", "aarch64": "arm64"}.get(machine, machine)
    return f"{system}-{machine}"
