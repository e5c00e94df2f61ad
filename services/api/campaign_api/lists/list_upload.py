"""Import of a recipient list from the body of a request."""

import hashlib
from collections.abc import Callable

import structlog

from campaign_api.lists.importer.csv_format import CsvFormat
from campaign_api.lists.importer.line_reader import sha256_of
from campaign_api.lists.importer.recipient_list import CsvImporter
from campaign_api.lists.upload_form import UploadedFile
from campaign_api.retrying_transactions import RetryingTransactions
from campaign_api.web.idempotency.idempotent_requests import IdempotentRequest
from campaign_common.database import Cursor, Database
from campaign_common.domain.recipient import ListId
from campaign_common.planning.errors import ImportAbandoned
from campaign_common.settings import Settings
from campaign_common.store.recipients.erased_people import note_reconsented
from campaign_common.store.recipients.ready_lists import make_ready
from campaign_common.store.recipients.recipient_lists import RecipientList

log = structlog.get_logger(__name__)


class ListUploads:
    """Uploads of files, of which recipient lists are made."""

    def __init__(self, database: Database, settings: Settings, importer: CsvImporter) -> None:
        self._most_rows = settings.api.max_upload_rows
        self._shards = settings.msg_table_sharding_size
        self._transactions = RetryingTransactions(database, settings.timeout)
        self._importer = importer

    def import_file(
        self,
        open_file: Callable[[], UploadedFile],
        form: CsvFormat,
        request: IdempotentRequest,
        reconsented_by: str | None = None,
    ) -> ListId:
        """Import the file; returns the id of the list, which is ready.

        `reconsented_by` says that its people have consented again, which is noted with the list.

        Under an Idempotency-Key whose list is there already nothing is imported: the file is
        only read, to see that it is the same. The list becomes ready when the whole body has
        arrived, in the transaction that notes the key; until then a failure discards it, and
        the sweep does where the process dies.

        Raises:
            UserError: the file, the form around it, or its arrival was refused.
            ImportAbandoned: the import stood still for too long.
            ErasureKeyMissing: people were erased with a key that is not configured here.
            RetryLater: the database is unavailable.
        """
        file = open_file()
        if request.carried_out:
            content = sha256_of(file)
            request.confirm(_digest(content, file.finish(), reconsented_by))
            return ListId(int(request.result))
        imported = self._importer.run(
            file,
            file.name or "",
            csv_format=form,
            most_rows=self._most_rows,
            reconsented=reconsented_by is not None,
        )
        try:
            named = imported._replace(name=file.finish())
            list_id = request.run_once(
                self._transactions,
                lambda cursor: self._complete(cursor, named, reconsented_by),
                content=_digest(str(named.sha256), named.name, reconsented_by),
            )
        except BaseException:
            self._importer.discard(imported.id)
            raise
        if list_id != named.id:
            # The key's first request was done after all; only its answer had been lost.
            self._importer.discard(named.id)
        log.info("recipient list imported", list_id=list_id, **named.totals._asdict())
        if reconsented_by is not None:
            log.info("recipients reconsented", list_id=list_id, key=reconsented_by)
        return ListId(int(list_id))

    def _complete(self, cursor: Cursor, imported: RecipientList, reconsented_by: str | None) -> int:
        if not make_ready(cursor, imported, self._shards):
            raise ImportAbandoned("the import stood still for too long; send it again")
        if reconsented_by is not None:
            note_reconsented(cursor, imported.id, reconsented_by)
        return imported.id


def _digest(content_sha256: str, name: str, reconsented_by: str | None) -> bytes:
    """Return the digest of a request; without consent as earlier versions have stored it."""
    consent = "" if reconsented_by is None else "\0reconsented"
    return hashlib.sha256(f"{content_sha256} {name}{consent}".encode()).digest()
