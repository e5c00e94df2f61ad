"""Options that name the API service, shared by the commands that talk to it."""

from collections.abc import Callable
from typing import Any, TypeVar

import click

from campaign_admin.commands.api_client import ApiClient
from campaign_common.runtime.command_line import (
    configuration_named,
    configuration_option,
    settings_or_exit,
)

DEFAULT_URL = "http://localhost:10001"
EVERYWHERE = frozenset({"0.0.0.0", "::", ""})  # noqa: S104 - recognised, not listened on

_META_KEY = "campaign_admin.url"

F = TypeVar("F", bound=Callable[..., Any])


def connection_options(command: F) -> F:
    """Add `--url` and `-c FILE` to a command or group; `client_of` reads them."""
    url = click.option(
        "--url",
        help=f"The API service (default: Host and Port of -c FILE, else {DEFAULT_URL}).",
        expose_value=False,
        callback=_remember_url,
    )
    return configuration_option(url(command))


def client_of(context: click.Context) -> ApiClient:
    """Return a client of the API service that the options name."""
    url = context.meta.get(_META_KEY)
    if url is None and configuration_named(context):
        settings = settings_or_exit(context)
        host = "localhost" if settings.host in EVERYWHERE else settings.host
        url = (
            f"http://[{host}]:{settings.port}" if ":" in host else f"http://{host}:{settings.port}"
        )
    return ApiClient(url or DEFAULT_URL)


def _remember_url(context: click.Context, _: click.Parameter, value: str | None) -> None:
    if value is not None:
        context.meta[_META_KEY] = value  # shared by the group and its subcommands
