"""Profiles: URLs and keys by name in ~/.config/camp-mgr/config.toml, which only its owner reads."""

import json
import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

import click

DEFAULT = "default"

Profile = dict[str, str]
"""The keys `url` and `key`, where they are known."""


def profiles_file(environ: Mapping[str, str] = os.environ) -> Path:
    """Return the file of the profiles, there or not (XDG Base Directory)."""
    base = environ.get("XDG_CONFIG_HOME") or str(Path.home() / ".config")
    return Path(base) / "camp-mgr" / "config.toml"


class Profiles:
    """The profiles of a user, and the name of the one in use."""

    def __init__(self, path: Path | None = None) -> None:
        """Read the file, where there is one.

        Raises:
            click.UsageError: it is not what this command writes.
        """
        self._path = path or profiles_file()
        self.current = DEFAULT
        self.by_name: dict[str, Profile] = {}
        try:
            found = tomllib.loads(self._path.read_text(encoding="utf-8"))
            self.current = str(found.get("current", DEFAULT))
            profiles: dict[str, dict[str, Any]] = found.get("profiles", {})
            self.by_name = {
                name: {key: str(value) for key, value in profile.items()}
                for name, profile in profiles.items()
            }
        except FileNotFoundError:
            return
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, AttributeError) as error:
            raise click.UsageError(f"{self._path} cannot be read: {error}") from error

    def chosen(self, name: str | None) -> Profile:
        """Return the profile of a name, or the one in use; empty where none was made.

        Raises:
            click.UsageError: there is none of that name.
        """
        if name is not None and name not in self.by_name:
            raise click.UsageError(f"there is no profile {name!r}; see: campaign profile list")
        return self.by_name.get(self.current if name is None else name, {})

    def write(self) -> None:
        """Replace the file, in one step, with mode 0600."""
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # A JSON string is a basic string of TOML where it holds no surrogates.
        lines = [f"current = {_quoted(self.current)}"]
        for name, profile in sorted(self.by_name.items()):
            lines += ["", f"[profiles.{_quoted(name)}]"]
            lines += [f"{key} = {_quoted(value)}" for key, value in sorted(profile.items())]
        with NamedTemporaryFile(
            "w", dir=self._path.parent, prefix=".config", delete=False, encoding="utf-8"
        ) as file:  # made with mode 0600
            file.write("\n".join([*lines, ""]))
        Path(file.name).replace(self._path)


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
