"""campaign providers inbound-urls: what to enter at gateways for inbound messages."""

import sys

import click

from campaign_common.errors import SettingsError
from campaign_common.runtime.command_line import (
    EXIT_CONFIGURATION,
    configuration_option,
    settings_or_exit,
)
from campaign_providers.callbacks.registry import inbound_urls_of


@click.command("inbound-urls")
@configuration_option
@click.pass_context
def inbound_urls(context: click.Context) -> None:
    """Print the URL that each provider is given for inbound messages.

    Reads the configuration and its secrets of references, and asks no service. A URL with a
    reference (?m=) is a secret: who knows it can send messages in the name of people.
    """
    try:
        urls = inbound_urls_of(settings_or_exit(context))
    except SettingsError as error:
        click.echo(str(error), err=True)
        sys.exit(EXIT_CONFIGURATION)
    for name, url in urls.items():
        click.echo(f"{name}  {url}")
    if not urls:
        click.echo("no provider has callbacks with inbound messages", err=True)
