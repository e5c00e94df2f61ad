"""Intake of a campaign: from a request and a file to a scheduled campaign with its list."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from os import fstat
from typing import BinaryIO

import structlog

from campaign_api.campaigns.campaign_requests import CreateCampaign
from campaign_api.errors import CsvRefused, PathRefused
from campaign_api.lists.csv_root import open_below
from campaign_api.lists.importer.line_reader import sha256_of
from campaign_api.lists.importer.recipient_list import CsvImporter
from campaign_api.lists.importer.slots import ImportSlots, is_small
from campaign_api.lists.private_files import private_files
from campaign_api.lists.settled_file import SettledFile
from campaign_common.database import Cursor, Database, named_lock
from campaign_common.domain.content.campaign_content import CompiledContent, TextContent
from campaign_common.domain.template import SUBJECT
from campaign_common.errors import LockBusy, TemplateInvalid
from campaign_common.planning.errors import CampaignBusy
from campaign_common.planning.numbered_campaigns import NumberedCampaigns, Planned
from campaign_common.planning.stored_plans import require_not_started
from campaign_common.planning.unsubscribe_links import require_columns
from campaign_common.settings import Settings
from campaign_common.store.campaigns.plans import StoredCampaignRequest, read_request
from campaign_common.store.recipients.recipient_lists import RecipientList

log = structlog.get_logger(__name__)


class CampaignIntake:
    """Intake of campaigns: creates them, changes those not started, and recognises repeats."""

    def __init__(
        self, database: Database, settings: Settings, slots: ImportSlots, importer: CsvImporter
    ) -> None:
        self._database = database
        self._settings = settings
        self._campaigns = NumberedCampaigns(settings)
        self._slots = slots
        self._importer = importer

    def accept(self, request: CreateCampaign, actor: str, traceparent: str) -> Planned:
        """Carry `request` out in the name of `actor`, once however often it is repeated.

        Return when list and campaign are stored. They become visible in one transaction, so a
        crash before it leaves nothing that a repeated request would find. The campaign belongs to
        the trace of `traceparent`.

        Raises:
            TemplateInvalid: the template is malformed, too long, or names an unknown column, or a
                link to unsubscribe that the configuration has no URL for.
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
        content = CompiledContent(TextContent(request.message_template))
        with self._lock(request):
            return self._accept(request, content, actor, traceparent)

    @contextmanager
    def _lock(self, request: CreateCampaign) -> Iterator[None]:
        """Keep a large file from being imported twice by two requests; `take_in` decides."""
        if self._is_small(request):
            yield
            return
        name = f"campaign {request.campaign_id}"
        try:
            with named_lock(self._database, name, wait=self._settings.timeout):
                yield
        except LockBusy as error:
            raise CampaignBusy(f"{name} is still being imported by another request") from error

    def _is_small(self, request: CreateCampaign) -> bool:
        try:
            with self._open(request) as file:
                return is_small(size_of(file))
        except (CsvRefused, PathRefused):
            return True  # nothing is imported

    def _accept(
        self, request: CreateCampaign, content: CompiledContent, actor: str, traceparent: str
    ) -> Planned:
        with self._database.reading() as cursor:
            stored = read_request(cursor, request.campaign_id)
        if stored is not None:
            if self._is_repeat(request, stored):
                return Planned.UNCHANGED
            require_not_started(request.campaign_id, stored.state)
        wanted = request.numbered()
        self._campaigns.require_fit(wanted)

        def take_in(cursor: Cursor, imported: RecipientList) -> Planned:
            return self._campaigns.take_in(cursor, wanted, imported, actor, traceparent)

        imported, outcome = self._import(request, content, take_in)
        log.info(
            "campaign imported",
            campaign=wanted.id,
            outcome=outcome.value,
            list_id=imported.id,
            **imported.totals._asdict(),
        )
        return outcome

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

    def _import(
        self,
        request: CreateCampaign,
        content: CompiledContent,
        take_in: Callable[[Cursor, RecipientList], Planned],
    ) -> tuple[RecipientList, Planned]:
        def require(columns: Iterable[str]) -> None:
            require_columns(self._settings, content, columns)

        try:
            with self._open(request) as file, self._slots.file(size_of(file)):
                settled = SettledFile(file)
                name = request.campaign_name
                return self._importer.run_into(settled, name, take_in, require)
        except CsvRefused as error:
            raise CsvRefused(f"csv_file_path {request.csv_file_path!r}: {error}") from error


def size_of(file: BinaryIO) -> int:
    """Return the present size of an open file, in bytes."""
    return fstat(file.fileno()).st_size


def _is_not_written(_: int) -> bool:
    return False
