"""Classes of a Java program in one file, which the JVM maps into memory at a start.

Where the file does not fit, as for another build of Java, the JVM loads the classes as ever.
"""

import hashlib
import subprocess
from pathlib import Path

from local_stack.distributions.cache import Cache

_FILE = "classes.jsa"


def cache_name(program: str, java: str) -> str:
    """Return the name in the cache of the classes of a program, as one Java has loaded them."""
    said = subprocess.run([java, "-version"], capture_output=True, check=False).stderr
    return f"{program}-classes-{hashlib.sha256(said).hexdigest()[:16]}"


def mapping(cache: Cache, program: str, java: str) -> tuple[str, ...]:
    """Return the option that maps the recorded classes of a program; none where none are there."""
    file = cache.folder / cache_name(program, java) / _FILE
    return (f"-XX:SharedArchiveFile={file}",) if file.exists() else ()


def recording(folder: Path) -> tuple[str, ...]:
    """Return the options that write the classes into a folder when the program ends in order."""
    return ("-XX:+IgnoreUnrecognizedVMOptions", f"-XX:ArchiveClassesAtExit={folder / _FILE}")
