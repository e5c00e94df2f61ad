"""campaign login and profile: URL and key of an API, kept for the next command."""

import os
import sys

import click

from campaign_admin.connecting.options import DEFAULT_URL, Noun, Verb, given, output_of
from campaign_admin.connecting.output import hint, printable_value, show, show_rows
from campaign_admin.connecting.profiles import Profile, Profiles


@click.command("login", cls=Verb)
@click.pass_context
def login_(context: click.Context) -> None:
    """Check a key, say whose it is, and keep it in a profile.

    The key is asked for on a terminal, and read from stdin elsewhere. Nothing is kept unless the
    API takes it.
    """
    from campaign_client import Client  # noqa: PLC0415 - no part of --help
    from campaign_client.address import checked_key, checked_url  # noqa: PLC0415 - the same

    profiles = Profiles()
    name = given(context, "profile") or os.environ.get("CAMP_PROFILE") or profiles.current
    known = profiles.by_name.get(name, {})
    url = given(context, "url") or os.environ.get("CAMP_URL") or known.get("url") or DEFAULT_URL
    on_terminal = sys.stdin.isatty()
    text = click.prompt("API key", hide_input=True, err=True) if on_terminal else sys.stdin.read()
    key = checked_key(text)
    if key is None:
        raise click.UsageError("the API key is empty")
    who = Client(url, key).whoami()
    profiles.by_name[name] = {"url": checked_url(url), "key": key}
    profiles.current = name
    profiles.write()
    if output_of(context) != "text":
        show(context, who)
        return
    who_asks = f"you are {printable_value(who['name'])}, with the scope {who['scope']}"
    hint(context, f"{who_asks}; profile {name} is in use, for {url}")


@click.group("profile", cls=Noun)
def profile_() -> None:
    """List, choose and remove profiles."""


@profile_.command("list")
@click.pass_context
def list_profiles(context: click.Context) -> None:
    """List the profiles; keys are not shown."""
    profiles = Profiles()
    rows = [
        {"name": name, "url": profile.get("url"), "in_use": name == profiles.current}
        for name, profile in sorted(profiles.by_name.items())
    ]
    show_rows(context, rows, ("name", "url", "in_use"))


@profile_.command("show")
@click.argument("name", required=False)
@click.pass_context
def show_profile(context: click.Context, name: str | None) -> None:
    """Show a profile (default: the one in use); its key is not shown."""
    profiles = Profiles()
    profile: Profile = profiles.chosen(name)
    show(
        context,
        {
            "name": name or profiles.current,
            "url": profile.get("url"),
            "has_key": "key" in profile,
        },
    )


@profile_.command("use")
@click.argument("name")
@click.pass_context
def use(context: click.Context, name: str) -> None:
    """Use a profile from now on."""
    profiles = Profiles()
    profiles.chosen(name)
    profiles.current = name
    profiles.write()
    hint(context, f"profile {name} is in use")


@profile_.command("remove")
@click.argument("name")
@click.pass_context
def remove_profile(context: click.Context, name: str) -> None:
    """Remove a profile and its key."""
    profiles = Profiles()
    profiles.chosen(name)
    del profiles.by_name[name]
    profiles.write()
    hint(context, f"profile {name} is removed")
