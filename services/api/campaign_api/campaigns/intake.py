"""Intake of a campaign: from a request and a file to a scheduled campaign with its list."""

from os import fstat
from typing import BinaryIO

import structlog

from campaign_api.campaigns.campaign_requests import CreateCampaign
from campaign_api.errors import CsvRefused, PathRefused
from campaign_api.lists.csv_root import open_below
from campaign_api.lists.importer.line_reader import sha256_of
from campaign_api.lists.importer.recipient_list import CsvImporter
from campaign_api.lists.importer.slots import ImportSlots
from campaign_api.lists.private_files import private_files
from campaign_api.lists.settled_file import SettledFile
from campaign_api.retrying_transactions import RetryingTransactions
from campaign_common.database import Database, named_lock
from campaign_common.domain.template import SUBJECT, Template
from campaign_common.errors import LockBusy, TemplateInvalid
from campaign_common.planning.errors import CampaignBusy
from campaign_common.planning.numbered_campaigns import NumberedCampaigns, Planned
from campaign_common.planning.requests import NumberedCampaign
from campaign_common.planning.stored_plans import require_not_started
from campaign_common.settings import Settings
from campaign_common.store.campaigns.plans import StoredCampaignRequest, read_request
from campaign_common.store.recipients.recipient_lists import RecipientList

log = structlog.get_logger(__name__)


class CampaignIntake:
    """Creates campaigns, changes those that have not started, and recognises repeats."""

    def __init__(
        self, database: Database, settings: Settings, slots: ImportSlots, importer: CsvImporter
    ) -> None:
        self._database = database
        self._settings = settings
        self._campaigns = NumberedCampaigns(settings)
        self._slots = slots
        # One campaign's requests wait for each other; they must not hold every thread.
        self._transactions = RetryingTransactions(database, settings.timeout)
        self._importer = importer

    def accept(self, request: CreateCampaign, actor: str, traceparent: str) -> Planned:
        """Carry `request` out in the name of `actor`, once however often it is repeated.

        Return when list and campaign are stored. They become visible in one transaction, so a
        crash before it leaves nothing that a repeated request would find. The campaign belongs to
        the trace of `traceparent`.

        Raises:
            TemplateInvalid: the template is malformed, too long, or names an unknown column.
            PlanInvalid: the provider does not take the campaign.
            PathRefused, CsvRefused: the file cannot be opened, or is no recipient list.
            CampaignStarted: the campaign has started and the request differs from it.
            TooManyRequests: this process runs as many imports as it may.
            CampaignBusy: another request for it did not end within Timeout.
            ImportAbandoned: the import stood still for too long.
            RetryLater: the database is unavailable.
        """
        longest = self._settings.api.max_template_length
        if len(request.message_template) > longest:
            raise TemplateInvalid(SUBJECT, f"must have 1 to {longest} characters")
        template = Template.compile(request.message_template)
        # The lock only avoids importing twice for two requests at once; `take_in` decides.
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
    ) -> Planned:
        with self._database.reading() as cursor:
            stored = read_request(cursor, request.campaign_id)
        if stored is not None:
            if self._is_repeat(request, stored):
                return Planned.UNCHANGED
            require_not_started(request.campaign_id, stored.state)
        wanted = request.numbered()
        self._campaigns.require_fit(wanted)
        imported = self._import(request, template)
        return self._commit(wanted, imported, actor, traceparent)

    def _is_repeat(self, request: CreateCampaign, stored: StoredCampaignRequest) -> bool:
        if stored.digest != request.digest():
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
            with self._open(request) as file, self._slots.file(fstat(file.fileno()).st_size):
                settled = SettledFile(file)
                return self._importer.run(settled, request.campaign_name, template.require)
        except CsvRefused as error:
            raise CsvRefused(f"csv_file_path {request.csv_file_path!r}: {error}") from error

    def _commit(
        self, wanted: NumberedCampaign, imported: RecipientList, actor: str, traceparent: str
    ) -> Planned:
        try:
            outcome = self._transactions.run(
                lambda cursor: self._campaigns.take_in(cursor, wanted, imported, actor, traceparent)
            )
        except BaseException:
            self._importer.discard(imported.id)
            raise
        log.info(
            "campaign imported",
            campaign=wanted.id,
            outcome=outcome.value,
            list_id=imported.id,
            **imported.totals._asdict(),
        )
        return outcome


def _is_not_written(_: int) -> bool:
    return False
