"""Target: the server that requests go to."""

from urllib.parse import SplitResult, urlsplit

DEFAULT_PORTS = {"http": 80, "https": 443}


class Target:
    """Parsed origin of a URL: `host` and `port` to connect to, with TLS or without."""

    def __init__(self, origin: str) -> None:
        parts = urlsplit(origin)
        self.scheme = parts.scheme
        self.tls = parts.scheme == "https"
        self.host = parts.hostname or ""
        self.port = parts.port or DEFAULT_PORTS[parts.scheme]
        self.host_header = _host_header(parts)

    def __str__(self) -> str:
        """Name the server only: a path may hold a secret."""
        return f"{self.host}:{self.port}"


def _host_header(parts: SplitResult) -> str:
    host = parts.hostname or ""
    bracketed = f"[{host}]" if ":" in host else host
    if parts.port is None or parts.port == DEFAULT_PORTS[parts.scheme]:
        return bracketed
    return f"{bracketed}:{parts.port}"
