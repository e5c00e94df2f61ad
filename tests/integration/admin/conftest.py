"""The fixtures of the library's tests that these share."""

from tests.integration.common.conftest import dsn, make

__all__ = ["dsn", "make"]
