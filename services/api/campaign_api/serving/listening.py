"""The socket that requests come in through."""

import errno
import os
import socket

from campaign_common.errors import CampaignError

BACKLOG = 1024


class AddressUnusable(CampaignError):
    """Host and Port name no address that this process can listen on."""


def listen(host: str, port: int, key: str = "Port") -> socket.socket:
    """Listen on `host`:`port`, which the configuration names by `key`; port 0 is any free one.

    Raises:
        AddressUnusable: the port is taken, or the address is not one of this machine.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server(
            (host, port),
            family=family,
            backlog=BACKLOG,
            dualstack_ipv6=host == "::" and socket.has_dualstack_ipv6(),
        )
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise AddressUnusable(
                f"port {port} is taken: end what listens there, or choose another one with {key}"
                f" in the configuration or CAMP__{key.upper()}={port + 1}"
            ) from error
        reason = os.strerror(error.errno) if error.errno else str(error)
        raise AddressUnusable(f"cannot listen on {host}:{port}: {reason}") from error
