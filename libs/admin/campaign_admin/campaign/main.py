"""The command `campaign`, which imports a verb when it is called."""

from importlib import import_module

import click

from campaign_admin.connecting.options import standard_parameters

PACKAGE = "campaign_admin.campaign."
COMMANDS = "campaign_admin.commands."

VERBS: dict[str, tuple[str, str]] = {
    "api": (f"{PACKAGE}raw", "Send a request to any path of the API."),
    "cancel": (f"{PACKAGE}actions", "Cancel a campaign."),
    "check": (f"{PACKAGE}creating", "Show segments, missing values and cost of a campaign."),
    "clone": (f"{PACKAGE}actions", "Make a draft like a campaign."),
    "completion": (f"{PACKAGE}raw", "Print the completion of a shell."),
    "create": (f"{PACKAGE}creating", "Create a campaign."),
    "delete": (f"{PACKAGE}actions", "Delete a campaign that has not started or is over."),
    "doctor": (f"{COMMANDS}doctor", "Check an installation; change nothing."),
    "events": (f"{PACKAGE}following", "Show the events of a campaign."),
    "export": (f"{PACKAGE}messages", "Write the messages of a campaign as CSV."),
    "keys": (f"{PACKAGE}installation.keys", "List, create and revoke API keys."),
    "list": (f"{PACKAGE}campaigns", "List campaigns, the newest first."),
    "lists": (f"{PACKAGE}lists", "Upload, show and delete recipient lists."),
    "login": (f"{PACKAGE}access", "Check a key, say whose it is, and keep it in a profile."),
    "messages": (f"{PACKAGE}messages", "Show the messages of a campaign."),
    "pause": (f"{PACKAGE}actions", "Pause a running campaign."),
    "person": (f"{PACKAGE}people", "Show, suppress or erase a person."),
    "preview": (f"{PACKAGE}creating", "Show the first messages of a campaign or a template."),
    "profile": (f"{PACKAGE}access", "List, choose and remove profiles."),
    "providers": (f"{COMMANDS}providers.listing", "Show all providers, or check one."),
    "resume": (f"{PACKAGE}actions", "Resume a paused campaign."),
    "retry": (f"{PACKAGE}retrying", "Send messages that have ended once more."),
    "routes": (f"{COMMANDS}providers.routes", "Show all routes and the weights that hold."),
    "schedule": (f"{PACKAGE}actions", "Set the time at which a campaign starts."),
    "show": (f"{PACKAGE}campaigns", "Show a campaign."),
    "start": (f"{PACKAGE}actions", "Start a scheduled campaign now."),
    "status": (f"{PACKAGE}campaigns", "Show the progress of a campaign as a table."),
    "suppressions": (f"{PACKAGE}people", "List, add, import, remove and export suppressions."),
    "test": (f"{PACKAGE}creating", "Send one message of a campaign to a phone."),
    "watch": (f"{PACKAGE}following", "Follow campaigns until they end."),
    "webhooks": (
        f"{PACKAGE}installation.webhooks",
        "List, add, change, test and remove webhooks, and see their deliveries.",
    ),
}
"""Each verb with its module and its line in `campaign --help`."""


class _LateGroup(click.Group):
    """A group that imports a verb when it is called, and no verb for its own help."""

    def list_commands(self, _: click.Context) -> list[str]:
        """Return the names of the verbs."""
        return list(VERBS)

    def get_command(self, _: click.Context, name: str) -> click.Command | None:
        """Import a verb."""
        if name not in VERBS:
            return None
        found: click.Command = getattr(import_module(VERBS[name][0]), f"{name}_")
        return found

    def format_commands(self, _: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of the verbs."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in VERBS.items()])


@click.group(cls=_LateGroup, params=standard_parameters())
@click.version_option(package_name="camp-mgr", prog_name="campaign")
def main() -> None:
    """Create campaigns and follow them.

    The API is named by --url, $CAMP_URL, a profile, or Host and Port of -c FILE; the key by
    $CAMP_API_KEY, $CAMP_API_KEY_FILE, or the profile of the API.
    """
