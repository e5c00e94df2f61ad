"""Name under which the commands of operators note their changes."""

import socket

from campaign_common.domain.api_key import LONGEST_NAME


def command_actor() -> str:
    """Return the name of campaign-db on this machine, as events show it."""
    return f"campaign-db@{socket.gethostname()}"[:LONGEST_NAME]
