from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from local_stack.distributions import debian, maven
from local_stack.errors import ProgramMissingError
from local_stack.servers import kafka, mariadb
from tests.support.servers import smsc

_POM = Path(maven.__file__).parents[1] / "pom.xml"
_NAMESPACE = {"m": "http://maven.apache.org/POM/4.0.0"}


def _profiles() -> dict[str, set[str]]:
    """Versions by profile, of what the profile is named after."""
    root = ET.parse(_POM).getroot()  # noqa: S314  (the project's own file)
    return {
        profile.findtext("m:id", "", _NAMESPACE): {
            dependency.findtext("m:version", "", _NAMESPACE)
            for dependency in profile.iterfind(".//m:dependency", _NAMESPACE)
            if "log4j" not in dependency.findtext("m:artifactId", "", _NAMESPACE)
        }
        for profile in root.iterfind(".//m:profile", _NAMESPACE)
    }


def test_every_server_the_code_names_is_pinned_in_the_pom() -> None:
    expected = {
        f"kafka-{kafka.KAFKA}": {kafka.KAFKA},
        f"kafka-{kafka.CLASSIC_KAFKA}": {kafka.CLASSIC_KAFKA},
        **{
            f"mariadb-{mariadb.VERSION}-{platform}": {mariadb.VERSION}
            for platform in mariadb.PUBLISHED_FOR
        },
        smsc.PROFILE: {smsc.VERSION},
    }
    assert _profiles() == expected


def test_missing_maven_is_named_with_the_way_to_get_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ProgramMissingError, match=r"Maven is missing.*make setup") as raised:
        maven.fetch("kafka-4.3.1", tmp_path)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("sources.list", "deb [signed-by=/k.gpg] https://mirror.example/debian bookworm main\n"),
        ("sources.list.d/x.sources", "Types: deb\nURIs: https://mirror.example/debian\n"),
    ],
)
def test_debian_mirror_is_the_systems_own(tmp_path: Path, name: str, text: str) -> None:
    file = tmp_path / name
    file.parent.mkdir(exist_ok=True)
    file.write_text(f"# deb http://commented.example/debian bookworm main\n{text}")
    assert debian.mirror(tmp_path) == "https://mirror.example/debian"


def test_a_system_that_names_no_debian_mirror_is_told_so(tmp_path: Path) -> None:
    (tmp_path / "sources.list").write_text("deb http://security.example/debian-security x main\n")
    with pytest.raises(ProgramMissingError, match="a Debian mirror is needed"):
        debian.mirror(tmp_path)
