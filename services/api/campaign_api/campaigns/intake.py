"""Intake of a campaign: from a request and a file to a scheduled campaign with its list."""

from enum import StrEnum
from typing import BinaryIO

import structlog

from campaign_api.campaigns.campaign_requests import CreateCampaign
from campaign_api.errors import (
    CampaignBusy,
    CampaignStarted,
    CsvRefused,
    ImportAbandoned,
    PathRefused,
)
from campaign_api.lists.csv_root import open_below
from campaign_api.lists.importer.line_reader import sha256_of
from campaign_api.lists.importer.recipient_list import CsvImporter
from campaign_api.lists.importer.slots import ImportSlots
from campaign_api.lists.private_files import private_files
from campaign_api.lists.settled_file import SettledFile
from campaign_api.metrics import ImportMetrics
from campaign_api.retrying_transactions import RetryingTransactions
from campaign_common.database import Cursor, Database, named_lock
from campaign_common.domain.campaign import NOT_STARTED, CampaignState, Transition, apply
from campaign_common.domain.template import Template
from campaign_common.errors import LockBusy, TemplateInvalid
from campaign_common.settings import Settings
from campaign_common.store.campaigns.intake import (
    IntendedCampaign,
    StoredCampaign,
    insert_campaign,
    lock_stored,
    read_stored,
    replace_campaign,
)
from campaign_common.store.core.events import append_event
from campaign_common.store.recipients.recipient_lists import (
    RecipientList,
    complete_list,
    discard_list,
)

log = structlog.get_logger(__name__)


class IntakeResult(StrEnum):
    """The effect of a request."""

    CREATED = "created"
    CHANGED = "changed"
    UNCHANGED = "unchanged"


class CampaignIntake:
    """Creates campaigns, changes those that have not started, and recognises repeats."""

    def __init__(
        self, database: Database, settings: Settings, slots: ImportSlots, metrics: ImportMetrics
    ) -> None:
        self._database = database
        self._settings = settings
        self._slots = slots
        # One campaign's requests wait for each other; they must not hold every thread.
        self._transactions = RetryingTransactions(database, settings.timeout)
        self._importer = CsvImporter(self._transactions, settings.import_, metrics)

    def accept(self, request: CreateCampaign, actor: str, traceparent: str) -> IntakeResult:
        """Carry `request` out in the name of `actor`, once however often it is repeated.

        Return when list and campaign are stored. They become visible in one transaction, so a
        crash before it leaves nothing that a repeated request would find. The campaign belongs to
        the trace of `traceparent`.

        Raises:
            TemplateInvalid: the template is malformed, too long, or names an unknown column.
            PathRefused, CsvRefused: the file cannot be opened, or is no recipient list.
            CampaignStarted: the campaign has started and the request differs from it.
            TooManyRequests: this process runs as many imports as it may.
            CampaignBusy: another request for it did not end within Timeout.
            ImportAbandoned: the import stood still for too long.
            RetryLater: the database is unavailable.
        """
        longest = self._settings.api.max_template_length
        if len(request.message_template) > longest:
            raise TemplateInvalid(f"message_template must have 1 to {longest} characters")
        template = Template.compile(request.message_template)
        # The lock only avoids importing twice for two requests at once; `_store` decides.
        lock = named_lock(
            self._database, f"campaign {request.campaign_id}", wait=self._settings.timeout
        )
        try:
            with lock:
                return self._accept(request, template, actor, traceparent)
        except LockBusy as error:
            raise CampaignBusy(
                f"campaign {request.campaign_id} is still being imported by another request"
            ) from error

    def _accept(
        self, request: CreateCampaign, template: Template, actor: str, traceparent: str
    ) -> IntakeResult:
        with self._database.reading() as cursor:
            stored = read_stored(cursor, request.campaign_id)
        if stored is not None:
            if self._is_repeat(request, stored):
                return IntakeResult.UNCHANGED
            _require_not_started(request.campaign_id, stored.state)
        imported = self._import(request, template)
        intended = IntendedCampaign(
            id=request.campaign_id,
            name=request.campaign_name,
            template=request.message_template,
            scheduled_at=request.scheduled_at,
            request_digest=request.digest(),
            delivery=self._settings.delivery,
            provider=self._settings.provider,
            traceparent=traceparent,
        )
        return self._commit(intended, imported, actor)

    def _is_repeat(self, request: CreateCampaign, stored: StoredCampaign) -> bool:
        if stored.request_digest != request.digest():
            return False
        try:
            with self._open(request) as file:
                # It may be open for writing here, but a file that changes is no repetition.
                return (
                    sha256_of(SettledFile(file, is_written=_is_not_written)) == stored.list_sha256
                )
        except CsvRefused:
            return False
        except PathRefused:
            # The file is gone; the fields alone decide.
            return True

    def _open(self, request: CreateCampaign) -> BinaryIO:
        settings = self._settings
        return open_below(settings.csv_root, request.csv_file_path, private_files(settings))

    def _import(self, request: CreateCampaign, template: Template) -> RecipientList:
        try:
            with self._slots.file(), self._open(request) as file:
                settled = SettledFile(file)
                return self._importer.run(settled, request.campaign_name, template.require)
        except CsvRefused as error:
            raise CsvRefused(f"csv_file_path {request.csv_file_path!r}: {error}") from error

    def _commit(
        self, intended: IntendedCampaign, imported: RecipientList, actor: str
    ) -> IntakeResult:
        try:
            outcome = self._transactions.run(
                lambda cursor: _store(cursor, intended, imported, actor)
            )
        except BaseException:
            self._importer.discard(imported.id)
            raise
        log.info(
            "campaign imported",
            campaign=intended.id,
            outcome=outcome.value,
            list_id=imported.id,
            **imported.totals._asdict(),
        )
        return outcome


def _store(
    cursor: Cursor, intended: IntendedCampaign, imported: RecipientList, actor: str
) -> IntakeResult:
    """Make list and campaign visible together; idempotent, for a lost answer to COMMIT."""
    stored = lock_stored(cursor, intended.id)
    if stored is None:
        _complete(cursor, imported)
        if insert_campaign(cursor, intended, imported.id):
            _append_event(cursor, intended, None, actor)
            return IntakeResult.CREATED
        # Another request inserted it between the look above and now.
        stored = lock_stored(cursor, intended.id)
        if stored is None:
            raise CampaignBusy(f"campaign {intended.id} is changing; send the request again")
    if stored.list_id == imported.id:
        return IntakeResult.CREATED
    if stored.request_digest == intended.request_digest and stored.list_sha256 == imported.sha256:
        discard_list(cursor, imported.id)
        return IntakeResult.UNCHANGED
    _require_not_started(intended.id, stored.state)
    apply(Transition.SCHEDULE, stored.state)
    _complete(cursor, imported)
    if not replace_campaign(cursor, intended, imported.id, stored.state):
        raise CampaignStarted(f"campaign {intended.id} has just started and cannot be changed")
    _append_event(cursor, intended, stored.state, actor)
    discard_list(cursor, stored.list_id)
    return IntakeResult.CHANGED


def _complete(cursor: Cursor, imported: RecipientList) -> None:
    if not complete_list(cursor, imported):
        raise ImportAbandoned("the import stood still for too long; send the request again")


def _append_event(
    cursor: Cursor, intended: IntendedCampaign, before: CampaignState | None, actor: str
) -> None:
    append_event(
        cursor,
        intended.id,
        actor,
        from_state=before,
        to_state=CampaignState.SCHEDULED,
        reason="created" if before is None else "changed by a new request",
    )


def _is_not_written(_: int) -> bool:
    return False


def _require_not_started(campaign_id: int, state: CampaignState) -> None:
    if state not in NOT_STARTED:
        raise CampaignStarted(
            f"campaign {campaign_id} is {state.value} and can no longer be changed"
        )
