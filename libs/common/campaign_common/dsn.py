"""The data source name of the Go MySQL driver: `user:password@protocol(address)/name?key=value`.

Source: https://github.com/go-sql-driver/mysql#dsn-data-source-name. As there, the last `/`
begins the database name and the last `@` before it ends the password, so both may stand
inside a password unescaped.
"""

import re
from dataclasses import dataclass, field, replace
from typing import Literal
from urllib.parse import unquote

from campaign_common.dsn_parameters import DsnParameters, read_parameters
from campaign_common.errors import DsnInvalid

DEFAULT_PORT = 3306
DEFAULT_SOCKET = "/tmp/mysql.sock"  # noqa: S108 - the default of the Go driver
MASK = "***"

_SECRET_IN_TEXT = re.compile(r"(?P<user>[^\s:/@'\"]*):(?P<secret>\S*)@(?=(?:tcp|unix)?[(/])")


@dataclass(frozen=True, kw_only=True)
class Dsn:
    """Address of the database and the credentials for it; shows no password when printed."""

    user: str
    password: str = field(repr=False)
    protocol: Literal["tcp", "unix"] = "tcp"
    host: str = "127.0.0.1"
    port: int = DEFAULT_PORT
    socket: str | None = None
    database: str = ""
    parameters: DsnParameters = field(default_factory=DsnParameters)

    @property
    def address(self) -> str:
        """`host:port`, or the path of the socket."""
        if self.socket is not None:
            return self.socket
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    def masked(self) -> str:
        """Return the name for logs and messages: complete but for the password."""
        secret = f":{MASK}" if self.password else ""
        return f"{self.user}{secret}@{self.protocol}({self.address})/{self.database}"

    def __str__(self) -> str:
        return self.masked()

    def without_database(self) -> "Dsn":
        """Return the same server, entered without choosing a database."""
        return replace(self, database="")

    def as_user(self, user: str, password: str) -> "Dsn":
        """Return the same server for another user, without choosing a database."""
        return replace(self, user=user, password=password, database="")


def parse_dsn(text: str) -> Dsn:
    """Read a DSN.

    Raises:
        DsnInvalid: says which part is wrong and what was expected there.
    """
    before, slash, after = text.rpartition("/")
    if not slash:
        raise DsnInvalid("expected user:password@tcp(host:3306)/database; there is no /")
    database, _, query = after.partition("?")
    credentials, at, place = before.rpartition("@")
    if "?" in place:
        raise DsnInvalid("a / in a parameter's value must be written %2F")
    user, _, password = credentials.partition(":") if at else ("", "", "")
    protocol, address = _protocol_and_address(place)
    dsn = Dsn(
        user=user,
        password=password,
        database=unquote(database),
        parameters=read_parameters(query),
    )
    if protocol == "unix":
        return replace(dsn, protocol="unix", socket=address or DEFAULT_SOCKET)
    if protocol == "tcp":
        host, port = _host_and_port(address)
        return replace(dsn, host=host, port=port)
    raise DsnInvalid(
        "expected user:password@tcp(host:port)/database or user:password@unix(/path)/database"
    )


def mask_secrets(text: str) -> str:
    """Replace the password of every DSN inside `text`."""
    return _SECRET_IN_TEXT.sub(rf"\g<user>:{MASK}@", text)


def _protocol_and_address(place: str) -> tuple[str, str]:
    if "(" not in place:
        return place or "tcp", ""
    protocol, _, address = place.partition("(")
    if not address.endswith(")"):
        raise DsnInvalid("the address has no closing parenthesis; expected tcp(host:port)")
    return protocol or "tcp", address[:-1]


def _host_and_port(address: str) -> tuple[str, int]:
    bracketed = re.fullmatch(r"\[([^\]]*)\](?::(.*))?", address)
    if bracketed:
        host, port = bracketed[1], bracketed[2]
    elif address.count(":") > 1:
        raise DsnInvalid("an IPv6 address stands in brackets: tcp([::1]:3306)")
    else:
        host, _, port = address.partition(":")
    if not port:
        return host or "127.0.0.1", DEFAULT_PORT
    if not re.fullmatch(r"[0-9]{1,5}", port) or not 0 < int(port) < 65536:
        raise DsnInvalid("expected a port from 1 to 65535 after the host")
    return host or "127.0.0.1", int(port)
