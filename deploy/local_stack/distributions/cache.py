"""A folder of downloads: each complete or absent, also with several processes at once."""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[3]
CACHE_VARIABLE = "CAMP_CACHE"


@dataclass(frozen=True)
class Cache:
    """The downloads of this machine; a deleted folder is downloaded again."""

    folder: Path

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> "Cache":
        """Use the folder named by CAMP_CACHE, else .local/cache in the repository."""
        named = environment.get(CACHE_VARIABLE)
        return cls(Path(named).absolute() if named else REPOSITORY / ".local" / "cache")

    def provide(self, name: str, fill: Callable[[Path], None]) -> Path:
        """Return the folder of one download, filled first if it is absent.

        ``fill`` works in a temporary folder that takes its name only when complete, so that an
        interrupted download is never taken for a finished one.
        """
        target = self.folder / name
        if target.is_dir():
            return target
        self.folder.mkdir(parents=True, exist_ok=True)
        with self._lock(name):
            if target.is_dir():  # another process filled it while this one waited
                return target
            for abandoned in self.folder.glob(f".{name}.*.part"):
                shutil.rmtree(abandoned)
            part = Path(tempfile.mkdtemp(dir=self.folder, prefix=f".{name}.", suffix=".part"))
            part.chmod(0o755)
            try:
                fill(part)
                part.rename(target)
            finally:
                shutil.rmtree(part, ignore_errors=True)
        return target

    @contextmanager
    def _lock(self, name: str) -> Iterator[None]:
        # The system releases the lock with the process, so a killed one blocks no other.
        with (self.folder / f".{name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
