"""Options that name the API service, and the client that they name."""

from collections.abc import Callable
from typing import Any, TypeVar

import click

from campaign_admin.commands.api_client import ApiClient
from campaign_admin.connecting.options import address_of, standard_parameters

F = TypeVar("F", bound=Callable[..., Any])


def connection_options(command: F) -> F:
    """Add the options of every verb to a command; `client_of` reads them."""
    given: list[click.Parameter] = getattr(command, "__click_params__", [])
    command.__click_params__ = [*given, *reversed(standard_parameters())]  # type: ignore[attr-defined]
    return command


def client_of(context: click.Context) -> ApiClient:
    """Return a client of the API service that the options name."""
    return ApiClient(*address_of(context))
