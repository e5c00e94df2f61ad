"""Packages by the metadata of Python and Debian."""

import pytest

from release.packages import Package, debian_packages, python_package, with_dependencies

LONG = "Permission is hereby granted, free of charge, to any person who obtains a copy of this text"

STATUS = """\
Package: libc6
Status: install ok installed
Architecture: amd64
Version: 2.36-9+deb12u14
Pre-Depends: libgcc-s1
Depends: libcrypt1 (>= 1:4.4.10-10~) | libcrypt2, base-files:any
Description: shared libraries
 Contains the standard libraries.

Package: removed
Status: deinstall ok config-files
Architecture: amd64
Version: 1.0

Package: base-files
Status: install ok installed
Architecture: amd64
Version: 12.4
"""


def metadata(name: str, *fields: str, version: str = "1.0") -> str:
    return "\n".join(["Metadata-Version: 2.4", f"Name: {name}", f"Version: {version}", *fields])


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        pytest.param(["License-Expression: MIT", "License: x"], "MIT", id="expression"),
        pytest.param(["License: BSD"], "BSD", id="name"),
        pytest.param(
            [f"License: {LONG}", "Classifier: License :: OSI Approved :: MIT License"],
            "MIT License",
            id="whole text",
        ),
        pytest.param(["Classifier: Typing :: Typed"], None, id="none"),
    ],
)
def test_the_license_is_short(fields: list[str], expected: str | None) -> None:
    assert python_package(metadata("Thing.One", *fields)).license == expected


def test_python_names_are_normal() -> None:
    package = python_package(
        metadata("Thing.One", "Requires-Dist: Other_Thing>=2", 'Requires-Dist: x; extra == "y"')
    )
    assert package == Package("thing-one", "1.0", requires=("other-thing", "x"))


def test_debian_packages_are_those_installed() -> None:
    assert list(debian_packages(STATUS)) == [
        Package(
            "libc6",
            "2.36-9+deb12u14",
            kind="deb",
            requires=("libgcc-s1", "libcrypt1", "libcrypt2", "base-files"),
            architecture="amd64",
        ),
        Package("base-files", "12.4", kind="deb", architecture="amd64"),
    ]


INSTALLED = {
    "web": metadata("web", "Requires-Dist: sockets[fast]", 'Requires-Dist: docs; extra == "doc"'),
    "sockets": metadata("sockets", 'Requires-Dist: speed; extra == "fast"', "Requires-Dist: web"),
    "speed": metadata("speed"),
    "database": metadata("database", 'Requires-Dist: never; python_version < "3"'),
    "tests": metadata("tests"),
}
PROJECT = metadata(
    "project",
    "Requires-Dist: database",
    'Requires-Dist: web; extra == "api"',
    'Requires-Dist: tests; extra == "dev"',
)


@pytest.mark.parametrize(
    ("extras", "expected"),
    [
        pytest.param([], ["database"], id="no extra"),
        pytest.param(["api"], ["database", "sockets", "speed", "web"], id="an extra"),
        pytest.param(["dev"], ["database", "tests"], id="another"),
    ],
)
def test_extras_bring_their_dependencies(extras: list[str], expected: list[str]) -> None:
    """Those of dependencies, and of their extras, are followed; markers are obeyed."""
    needed = with_dependencies(PROJECT, extras, INSTALLED.__getitem__)
    assert [package.name for package in needed] == expected
