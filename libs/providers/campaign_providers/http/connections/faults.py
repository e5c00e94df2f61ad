"""Log of faults of the program that a message brought to light."""

from pathlib import Path
from traceback import extract_tb

import structlog

log = structlog.get_logger()


class FaultLog:
    """Log of each fault once: by its type and place, as its text may hold a part of a message."""

    def __init__(self, provider: str) -> None:
        self._provider = provider
        self._logged: set[str] = set()

    def log(self, event: str, error: Exception) -> None:
        """Log a fault that was caught."""
        place = extract_tb(error.__traceback__)[-1]
        fault = f"{type(error).__name__} in {Path(place.filename).name}:{place.lineno}"
        if fault not in self._logged:
            self._logged.add(fault)
            log.error(event, provider=self._provider, fault=fault)
