"""Options of every verb, before or after it, and the failures of a verb as exit codes."""

import json
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from campaign_admin.connecting.exit_codes import ExitCode
from campaign_admin.connecting.profiles import Profiles
from campaign_common.errors import CampaignError, SettingsError, UserError
from campaign_common.runtime.command_line import (
    configuration_named,
    configuration_option,
    settings_or_exit,
)

if TYPE_CHECKING:
    from campaign_client import Client, ClientError

DEFAULT_URL = "http://localhost:10001"
PATIENCE = 60
"""Seconds."""
EVERYWHERE = frozenset({"0.0.0.0", "::", ""})  # noqa: S104 - recognised, not listened on

FORMATS = ("text", "json", "jsonl")
DOCUMENTS = frozenset({"json", "jsonl"})
"""Forms in which a problem is printed as its document."""

_META = "campaign_admin.connecting."


def given(context: click.Context, name: str) -> Any:  # noqa: ANN401 - of any option
    """Return the value of an option of every verb, None where it was not given."""
    return context.meta.get(_META + name)


def _remembering(name: str) -> Callable[[click.Context, click.Parameter, Any], None]:
    def remember(context: click.Context, _: click.Parameter, value: Any) -> None:  # noqa: ANN401
        if value not in {None, False}:
            context.meta[_META + name] = value  # shared by the groups and the verb

    return remember


def standard_parameters(formats: Sequence[str] = FORMATS) -> list[click.Parameter]:
    """Return the options of every verb; `formats` are the forms that its output may have."""

    def option(name: str, *declarations: str, **more: Any) -> click.Option:  # noqa: ANN401
        return click.Option(
            [*declarations, name], expose_value=False, callback=_remembering(name), **more
        )

    @configuration_option
    def holder() -> None:
        """Carry -c."""

    configuration: list[click.Parameter] = holder.__click_params__  # type: ignore[attr-defined]
    return [
        option("url", "--url", metavar="URL", help="The API (default: $CAMP_URL, or the profile)."),
        option("profile", "--profile", metavar="NAME", help="Profile (default: $CAMP_PROFILE)."),
        *configuration,
        option("output", "-o", "--output", type=click.Choice(formats), help="Form of the output."),
        option(
            "patience",
            "--patience",
            type=click.IntRange(min=1),
            metavar="SECONDS",
            help="Time for which an API that is busy or away is asked again (default: 60).",
        ),
        option("quiet", "-q", "--quiet", is_flag=True, help="Print no progress and no hints."),
    ]


class Verb(click.Command):
    """A command with the options of every verb, whose failures end in documented exit codes."""

    formats: Sequence[str] = FORMATS

    def __init__(self, *arguments: Any, **options: Any) -> None:  # noqa: ANN401 - click's
        super().__init__(*arguments, **options)
        self.params += standard_parameters(self.formats)

    def invoke(self, context: click.Context) -> Any:  # noqa: ANN401 - click's
        """Run the verb; end the process with one line and an exit code where it fails."""
        with failures_as_exit_codes(context):
            return super().invoke(context)


class Noun(click.Group):
    """A group of verbs."""

    command_class = Verb

    def __init__(self, *arguments: Any, **options: Any) -> None:  # noqa: ANN401 - click's
        super().__init__(*arguments, **options)
        self.params += standard_parameters()


@contextmanager
def failures_as_exit_codes(context: click.Context) -> Iterator[None]:
    """End the process where the block fails: one line, or the problem document of `-o json`."""
    from campaign_client.errors import ClientError  # noqa: PLC0415 - no part of --help

    try:
        yield
    except ClientError as error:
        problem = getattr(error, "problem", None)
        if problem is not None and output_of(context) in DOCUMENTS:
            click.echo(json.dumps(problem), err=True)
        else:
            click.echo(f"{_name_of(context)}: {error}{_further(problem)}", err=True)
        sys.exit(exit_code_of(error))
    except CampaignError as error:
        click.echo(f"{_name_of(context)}: {error}", err=True)
        sys.exit(_exit_code_of(error))
    except KeyboardInterrupt:
        sys.exit(ExitCode.INTERRUPTED)
    except BrokenPipeError:
        # Somebody reads no further, as head does; nothing is to be flushed at the end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(ExitCode.DONE)


def _name_of(context: click.Context) -> str:
    """Return the command as it is called, whatever its program is named."""
    names: list[str] = []
    at: click.Context | None = context
    while at is not None and at.parent is not None:
        names.insert(0, str(at.info_name))
        at = at.parent
    return " ".join(["campaign", *names])


def _exit_code_of(error: CampaignError) -> ExitCode:
    from campaign_client.errors import ClientError  # noqa: PLC0415 - no part of --help

    if isinstance(error.__cause__, ClientError):
        return exit_code_of(error.__cause__)
    return ExitCode.USAGE if isinstance(error, UserError) else ExitCode.OUTSIDE


def _further(problem: dict[str, Any] | None) -> str:
    """Return the errors of a problem after the first, which its detail says."""
    errors = (problem or {}).get("errors") or []
    return "".join(f"; {one.get('field', '')}: {one.get('message', '')}" for one in errors[1:])


def exit_code_of(error: "ClientError") -> ExitCode:
    """Return the exit code of a failure of the client."""
    from campaign_client import errors  # noqa: PLC0415 - no part of --help

    codes: dict[type[ClientError], ExitCode] = {
        errors.ClientMisconfigured: ExitCode.USAGE,
        errors.NotTheApi: ExitCode.USAGE,
        errors.WaitedTooLong: ExitCode.ENDED_OTHERWISE,
        errors.ProblemNotAllowed: ExitCode.NOT_ALLOWED,
        errors.ProblemNotFound: ExitCode.NOT_FOUND,
        errors.ProblemRefused: ExitCode.REFUSED,
    }
    return codes.get(type(error), ExitCode.OUTSIDE)


def output_of(context: click.Context) -> str:
    """Return the form of the output."""
    return given(context, "output") or "text"


def client_of(context: click.Context) -> "Client":
    """Return a client of the API as `address_of` finds it.

    Raises:
        ClientMisconfigured: the URL or the key is not one.
    """
    from campaign_client import Client  # noqa: PLC0415 - no part of --help

    url, key = address_of(context)
    return Client(
        url,
        key,
        given(context, "patience") or PATIENCE,
        on_wait=None if given(context, "quiet") else partial(_warn, context),
    )


def _warn(context: click.Context, text: str) -> None:
    click.echo(f"{_name_of(context)}: {text}", err=True)


def address_of(context: click.Context) -> tuple[str, str | None]:
    """Return URL and key that the options, the environment, a profile or `-c FILE` name."""
    flag = given(context, "profile")
    profile = Profiles().chosen(flag or os.environ.get("CAMP_PROFILE"))
    if flag is not None and given(context, "url") is None:  # an option precedes the environment
        return profile.get("url") or DEFAULT_URL, profile.get("key")
    url = given(context, "url") or os.environ.get("CAMP_URL")
    if url is None and configuration_named(context):
        url = _configured_url(context)
    # The key of a profile goes to no other URL than its own.
    own = url is None or url.rstrip("/") == profile.get("url", "").rstrip("/")
    key = _key_of_environment() or (profile.get("key") if own else None)
    return url or profile.get("url") or DEFAULT_URL, key


def _key_of_environment() -> str | None:
    if key := os.environ.get("CAMP_API_KEY"):
        return key
    if path := os.environ.get("CAMP_API_KEY_FILE"):
        try:
            return Path(path).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise SettingsError(f"CAMP_API_KEY_FILE {path} cannot be read: {error}") from error
    return None


def _configured_url(context: click.Context) -> str:
    settings = settings_or_exit(context)
    host = "localhost" if settings.host in EVERYWHERE else settings.host
    return f"http://[{host}]:{settings.port}" if ":" in host else f"http://{host}:{settings.port}"


def confirm(question: str, *, yes: bool) -> None:
    """Ask on a terminal; elsewhere `--yes` is required."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise click.UsageError("give --yes where there is no terminal to ask on")
    click.confirm(question, abort=True, err=True)
