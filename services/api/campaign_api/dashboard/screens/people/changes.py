"""Changes of suppressions by forms."""

import re
from collections.abc import Mapping

import structlog
from werkzeug.datastructures import MultiDict

from campaign_api.dashboard.pages import read_fields
from campaign_api.dashboard.screens.people.numbers import require_digits
from campaign_api.schemas.suppression import RemovalParameters, SuppressionBody
from campaign_api.suppressions.suppression_records import SuppressionRecords
from campaign_api.web.caller import Scope, caller, require_scope
from campaign_common.store.suppressions.suppressions import Suppression

SOURCE = "dashboard"
"""Source of a suppression that a person enters, unless the person says another one."""

_WITHOUT_ZONE = re.compile(r"(\d{4}-\d{2}-\d{2}T\d{2}:\d{2})(:\d{2})?")

log = structlog.get_logger(__name__)


def with_zone(text: str) -> str:
    """Return a time of an input, which has no zone and is in UTC, as RFC 3339; else the text."""
    found = _WITHOUT_ZONE.fullmatch(text)
    return f"{found[1]}{found[2] or ':00'}Z" if found else text


def suppress(records: SuppressionRecords, form: Mapping[str, str]) -> None:
    """Add the suppression of a form, as POST /v1/suppressions does.

    Raises:
        RequestInvalid: a field is wrong.
        InsufficientScope: it would end one earlier than before, and the visitor may not.
        RetryLater: the database is unavailable.
    """
    fields = MultiDict({"source": SOURCE, **{k: v for k, v in form.items() if v != ""}})
    if "until" in fields:
        fields["until"] = with_zone(fields["until"])
    suppression: Suppression = read_fields(SuppressionBody(), fields)
    may_shorten = caller().scope.allows(Scope.ADMIN)
    records.put(suppression, caller().name, may_shorten=may_shorten)
    log.info("suppression added", scope=suppression.scope, key=caller().name)


def lift(records: SuppressionRecords, form: Mapping[str, str]) -> None:
    """Remove the suppression of a form, as DELETE /v1/suppressions/{phone} does.

    Raises:
        RequestInvalid: a field is wrong.
        InsufficientScope: the visitor's scope is not admin.
        NotFound: there is no such suppression.
        RetryLater: the database is unavailable.
    """
    require_scope(Scope.ADMIN)
    scope = read_fields(RemovalParameters(), MultiDict(form))["scope"]
    records.remove(require_digits(form.get("phone", "")), scope, caller().name)
    log.info("suppression removed", scope=scope, key=caller().name)
