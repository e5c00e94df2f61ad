"""Downloads from Maven Central: one profile of pom.xml is one server."""

import shutil
import subprocess
from pathlib import Path

from local_stack.errors import DownloadError, ProgramMissingError

_POM = Path(__file__).parents[1] / "pom.xml"


def fetch(profile: str, into: Path) -> None:
    """Copy the jars of a profile into a folder.

    Raises:
        ProgramMissingError: Maven is not installed.
        DownloadError: Maven could not fetch one of them.
    """
    maven = shutil.which("mvn")
    if maven is None:
        raise ProgramMissingError(
            "Maven is missing (mvn): 'make setup' installs it, or: apt install maven, "
            "brew install maven"
        )
    completed = subprocess.run(
        [
            *(maven, "-q", "-B", "-f", str(_POM), "-P", profile),
            *("dependency:copy-dependencies", f"-DoutputDirectory={into}"),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    if completed.returncode:
        lines = (completed.stdout + completed.stderr).splitlines()
        reason = next((line for line in lines if "ERROR" in line), "mvn gave no reason")
        raise DownloadError(f"{profile} could not be fetched from Maven Central: {reason}")
    if not any(into.glob("*.jar")):
        raise DownloadError(f"pom.xml has no profile {profile}")
