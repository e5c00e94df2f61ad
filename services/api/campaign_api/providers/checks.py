"""Checks of a provider: asked for here, made by a sender."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

import msgspec

from campaign_api.errors import InvalidField, NoSender, NotFound, RequestInvalid
from campaign_api.providers.senders import knowing, why_unknown
from campaign_common.database import Cursor, Database
from campaign_common.domain.content.campaign_content import (
    CampaignContent,
    CompiledContent,
    Content,
    ContentKind,
    TextContent,
)
from campaign_common.domain.recipient import PHONE
from campaign_common.planning.provider_fit import require_length, require_support
from campaign_common.settings import Settings
from campaign_common.store.limits.live_limits import CHECKED, append_provider_event
from campaign_common.store.maintenance.statistics import RecentHeartbeat, recent_heartbeats
from campaign_common.store.messages.provider_checks import (
    WANTED_FOR,
    CheckContent,
    CheckState,
    NewCheck,
    StoredCheck,
    insert_check,
    read_check,
)

EXAMPLE_PHONE = "12025550123"
"""Number of a dry run that names none; of those that are kept for fiction."""


class WantedCheck(NamedTuple):
    """Check as a request asks for it; without `content` a text, without `phone` an example."""

    provider: str
    phone: str | None
    content: Content | None
    originator: str | None
    dry_run: bool


def store_check(cursor: Cursor, settings: Settings, wanted: WantedCheck, actor: str) -> int:
    """Store a check for a sender, with an event of the provider; return its id.

    Raises:
        NotFound: the provider is not configured.
        PlanInvalid: it does not take the content.
        RequestInvalid: a field is missing.
        NoSender: no sender that runs knows the provider; says what to do.
    """
    name = wanted.provider
    _require(settings, name)
    if wanted.phone is None and not wanted.dry_run:
        raise RequestInvalid([InvalidField("phone", "is missing; only a dry run goes without")])
    phone = wanted.phone or EXAMPLE_PHONE
    content = _content(settings, wanted, phone)
    senders = recent_heartbeats(cursor)
    if not knowing(senders, name):
        raise NoSender(why_unknown(senders, name))
    check_id = insert_check(cursor, NewCheck(name, phone, content, wanted.dry_run, actor))
    details = {"check": check_id, "dry_run": wanted.dry_run}
    append_provider_event(cursor, name, actor, CHECKED, details)
    return check_id


def find_check(
    database: Database, settings: Settings, provider: str, check_id: int
) -> Mapping[str, Any]:
    """Read a check as responses describe it.

    Raises:
        NotFound: there is none, or none any more.
        RetryLater: the database is down.
    """
    _require(settings, provider)

    def read(cursor: Cursor) -> tuple[StoredCheck | None, list[RecentHeartbeat]]:
        check = read_check(cursor, provider, check_id)
        is_expired = check is not None and check.state is CheckState.EXPIRED
        return check, recent_heartbeats(cursor) if is_expired else []

    check, senders = database.run(read)
    if check is None:
        raise NotFound(f"provider {provider} has no check {check_id}, or none any more")
    return _described(check, senders)


def _require(settings: Settings, provider: str) -> None:
    if provider not in settings.configured_providers:
        raise NotFound(f"there is no provider {provider}")


def _content(settings: Settings, wanted: WantedCheck, phone: str) -> CheckContent:
    name = wanted.provider
    content = wanted.content
    if content is None:
        support = settings.configured_providers[name].content_support
        if ContentKind.TEXT not in support.kinds:
            message = f"is missing; {name} takes no text, so name a template that it holds"
            raise RequestInvalid([InvalidField("content", message)])
        content = TextContent(f"Check of provider {name}")
    require_support(settings, name, CampaignContent(content, wanted.originator))
    compiled = CompiledContent(content)
    require_length(settings, name, compiled)
    if missing := sorted(compiled.required - {PHONE}):
        message = f"has {{{missing[0]}}}; a check has no columns, so write the value"
        raise RequestInvalid([InvalidField("content", message)])
    rendered = compiled.render("", phone, {})
    return CheckContent(rendered.body, rendered.template, wanted.originator)


def _described(check: StoredCheck, senders: list[RecentHeartbeat]) -> Mapping[str, Any]:
    report = {} if check.result is None else msgspec.json.decode(check.result)
    exchange = report.get("exchange") or {}
    return {
        "id": check.id,
        "provider": check.provider,
        "phone": check.phone,
        "dry_run": check.dry_run,
        "state": check.state.value,
        "requested_at": _utc(check.requested_at),
        "ended_at": None if check.ended_at is None else _utc(check.ended_at),
        "sender": check.taken_by,
        "problem": _problem(check, senders),
        "note": report.get("note"),
        "request": report.get("request"),
        "answer": exchange.get("answer"),
        "reading": exchange.get("reading"),
    }


def _problem(check: StoredCheck, senders: list[RecentHeartbeat]) -> str | None:
    if check.state is CheckState.UNKNOWN:
        reason = check.problem or f"sender {check.taken_by} took the check and has not reported"
        may = "" if check.dry_run else "; the message may have been sent, and is not sent again"
        return reason + may
    if check.state is CheckState.EXPIRED:
        known = knowing(senders, check.provider)
        if not known:
            return why_unknown(senders, check.provider)
        names = ", ".join(sender.name for sender in known)
        return (
            f"no sender took the check within {WANTED_FOR} s, and none will: {names} may be busy"
            " with others, stopped, or cut off from the database; check again"
        )
    return check.problem


def _utc(at: datetime) -> datetime:
    return at.replace(tzinfo=UTC)
