"""Packages that a release contains or needs, read from the metadata of Python and Debian."""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from email import message_from_string
from email.message import Message

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

_CLASSIFIER = "License :: OSI Approved :: "
_LONGEST_LICENSE_NAME = 80
_INSTALLED = "install ok installed"


@dataclass(frozen=True)
class Package:
    """A package in one version."""

    name: str
    version: str
    kind: str = "pypi"
    """The type of a package URL: `pypi`, `deb` or `generic`."""
    license: str | None = None
    requires: tuple[str, ...] = ()
    """Names of packages of the same kind; those that are absent are optional there."""
    architecture: str | None = None


def python_package(metadata: str) -> Package:
    """Return the package that a METADATA file describes."""
    fields = message_from_string(metadata)
    return Package(
        canonicalize_name(fields["Name"]),
        fields["Version"],
        license=_license(fields),
        requires=tuple(
            dict.fromkeys(canonicalize_name(each.name) for each in _requirements(fields))
        ),
    )


def debian_packages(status: str) -> Iterator[Package]:
    """Yield the installed packages of a dpkg status file."""
    for paragraph in re.split(r"\n\n+", status.strip()):
        fields = message_from_string(paragraph)
        if fields["Status"] == _INSTALLED:
            yield Package(
                fields["Package"],
                fields["Version"],
                kind="deb",
                requires=tuple(_debian_names(f"{fields['Pre-Depends']}, {fields['Depends']}")),
                architecture=fields["Architecture"],
            )


def with_dependencies(
    metadata: str, extras: Iterable[str], metadata_of: Callable[[str], str]
) -> list[Package]:
    """Return what a package needs with these extras on this machine, the package left out.

    `metadata_of` returns the METADATA file of an installed package.
    """
    found: dict[str, Package] = {}
    seen: set[tuple[str, str]] = set()
    wanted = [(message_from_string(metadata), extra) for extra in ["", *extras]]
    while wanted:
        fields, extra = wanted.pop()
        for requirement in _requirements(fields):
            if requirement.marker and not requirement.marker.evaluate({"extra": extra}):
                continue
            name = canonicalize_name(requirement.name)
            for needed in ["", *requirement.extras]:
                if (name, needed) not in seen:
                    seen.add((name, needed))
                    text = metadata_of(name)
                    found[name] = python_package(text)
                    wanted.append((message_from_string(text), needed))
    return sorted(found.values(), key=lambda package: package.name)


def extras_of(metadata: str) -> list[str]:
    """Return the names of a package's extras."""
    return message_from_string(metadata).get_all("Provides-Extra", [])


def _requirements(fields: Message) -> Iterator[Requirement]:
    return map(Requirement, fields.get_all("Requires-Dist", []))


def _license(fields: Message) -> str | None:
    """Return an SPDX expression where there is one, or else a name; no whole text."""
    short = fields["License-Expression"] or fields["License"]
    if short and "\n" not in short and len(short) <= _LONGEST_LICENSE_NAME:
        return str(short)
    names = (
        each.removeprefix(_CLASSIFIER)
        for each in fields.get_all("Classifier", [])
        if each.startswith(_CLASSIFIER)
    )
    return next(names, None)


def _debian_names(relations: str) -> Iterator[str]:
    """Yield the names of a list of relations, alternatives included."""
    names = (re.split(r"[ :(]", each.strip())[0] for each in re.split(r"[,|]", relations))
    return iter(dict.fromkeys(name for name in names if name not in {"", "None"}))
