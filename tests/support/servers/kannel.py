"""A real gateway: Kannel from Debian's packages, unpacked and not installed.

It takes messages over HTTP and hands them to a message centre over SMPP.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

import requests

from local_stack.distributions import debian
from local_stack.distributions.cache import Cache
from local_stack.ports import free_port, is_free
from local_stack.process import ChildProcess, Command
from tests.support.servers.smpp_relay import SmppRelay
from tests.support.servers.smsc import PASSWORD as SMSC_PASSWORD
from tests.support.servers.smsc import SYSTEM_ID, MessageCentre

USER = "camp"
PASSWORD = "kannel-pw"
REFUSED_PREFIX = "999"
"""No message centre takes numbers that begin with it."""

_SUITE = "bookworm"
_PACKAGE = "kannel"
_PROGRAMS = ("usr/sbin/bearerbox", "usr/sbin/smsbox")
_CACHE_NAME = "kannel-debian-bookworm"
_START_SECONDS = 60
_GRACE = 0.5
"""Seconds that it has to stop, for which it would take ten; it keeps nothing."""
_ADMIN_PASSWORD = "kannel-admin-pw"
_CENTRE = "centre"

_CONFIGURATION = f"""\
group = core
admin-port = {{admin}}
admin-interface = 127.0.0.1
admin-password = {_ADMIN_PASSWORD}
admin-allow-ip = 127.0.0.1
smsbox-port = {{boxes}}
smsbox-interface = 127.0.0.1
box-allow-ip = 127.0.0.1
log-level = 2
dlr-storage = internal
sms-outgoing-queue-limit = {{queue_limit}}

group = smsc
smsc = smpp
smsc-id = {_CENTRE}
host = 127.0.0.1
port = {{centre}}
transceiver-mode = true
interface-version = 34
smsc-username = {SYSTEM_ID}
smsc-password = {SMSC_PASSWORD}
system-type = ""
max-pending-submits = 100
reconnect-delay = 1
denied-prefix = {REFUSED_PREFIX}
# The simulator answers with hexadecimal ids, and reports decimal ones.
msg-id-type = 0x01

group = smsbox
bearerbox-host = 127.0.0.1
sendsms-port = {{sendsms}}
sendsms-interface = 127.0.0.1
log-level = 2

group = sendsms-user
username = {USER}
password = {PASSWORD}
max-messages = 10
concatenation = true

group = sms-service
keyword = default
{{service}}
max-messages = 0
"""


class Ports(NamedTuple):
    """The ports that one gateway listens on."""

    admin: int
    boxes: int
    sendsms: int


class Kannel:
    """One running gateway: a bearerbox, which talks to the message centre, and a smsbox."""

    def __init__(self, ports: Ports, boxes: tuple[ChildProcess, ChildProcess]) -> None:
        self.port = ports.sendsms
        self.url = f"http://127.0.0.1:{ports.sendsms}/cgi-bin/sendsms"
        self._admin = f"http://127.0.0.1:{ports.admin}"
        self.bearerbox, self.smsbox = boxes

    def is_ready(self) -> bool:
        """Return whether it is bound to the message centre and takes messages."""
        return "(online" in self.status() and self.takes_messages()

    def takes_messages(self) -> bool:
        """Return whether the smsbox listens."""
        return not is_free(self.port)

    def status(self) -> str:
        """Return the status page, or nothing while the gateway starts."""
        try:
            answer = requests.get(
                f"{self._admin}/status.txt", params={"password": _ADMIN_PASSWORD}, timeout=5
            )
        except (requests.ConnectionError, requests.Timeout):
            return ""
        return answer.text

    def stop_message_centre(self) -> None:
        """Take the message centre out of service, as an operator does."""
        answer = requests.get(
            f"{self._admin}/stop-smsc",
            params={"password": _ADMIN_PASSWORD, "smsc": _CENTRE},
            timeout=10,
        )
        assert answer.ok, answer.text


def programs(cache: Cache) -> Path:
    """Return the folder of the unpacked programs.

    Raises:
        ProgramMissingError: this is not a Debian system.
        DownloadError: the package could not be fetched.
    """
    return cache.provide(
        _CACHE_NAME, lambda part: debian.fetch_programs(_PACKAGE, _SUITE, _PROGRAMS, part)
    )


@contextmanager
def running_kannel(
    root: Path,
    folder: Path,
    centre: MessageCentre | SmppRelay | None,
    *,
    queue_limit: int = 1_000_000,
    inbound_url: str | None = None,
) -> Iterator[Kannel]:
    """Run a gateway in front of `centre` while the block runs; None: it finds none.

    Its queue takes `queue_limit` messages and a few more. What people write goes to `inbound_url`.
    """
    ports = Ports(free_port(), free_port(), free_port())
    port = free_port() if centre is None else centre.port
    configuration = folder / "kannel.conf"
    service = 'text = ""' if inbound_url is None else f'get-url = "{inbound_url}"'
    configuration.write_text(
        _CONFIGURATION.format(
            centre=port, queue_limit=queue_limit, service=service, **ports._asdict()
        )
    )

    def start(program: str) -> ChildProcess:
        arguments = [*debian.command(root, program), str(configuration)]
        box = ChildProcess(
            Command(program, arguments, folder / f"{program}.log", folder, grace_seconds=_GRACE)
        )
        stack.callback(box.stop)
        return box

    with ExitStack() as stack:
        bearerbox = start("bearerbox")
        bearerbox.wait_until(lambda: not is_free(ports.boxes), _START_SECONDS)
        gateway = Kannel(ports, (bearerbox, start("smsbox")))
        is_ready = gateway.takes_messages if centre is None else gateway.is_ready
        gateway.smsbox.wait_until(is_ready, _START_SECONDS)
        yield gateway
