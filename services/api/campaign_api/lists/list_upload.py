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
from campaign_common.store.recipients.recipient_lists import RecipientList, complete_list

log = structlog.get_logger(__name__)


class ListUploads:
    """Uploads of files, of which recipient lists are made."""

    def __init__(self, database: Database, settings: Settings, importer: CsvImporter) -> None:
        self._most_rows = settings.api.max_upload_rows
        self._transactions = RetryingTransactions(database, settings.timeout)
        self._importer = importer

    def import_file(
        self, open_file: Callable[[], UploadedFile], form: CsvFormat, request: IdempotentRequest
    ) -> ListId:
        """Import the file; returns the id of the list, which is ready.

        Under an Idempotency-Key whose list is there already nothing is imported: the file is
        only read, to see that it is the same. The list becomes ready when the whole body has
        arrived, in the transaction that notes the key; until then a failure discards it, and
        the sweep does where the process dies.

        Raises:
            UserError: the file, the form around it, or its arrival was refused.
            ImportAbandoned: the import stood still for too long.
            RetryLater: the database is unavailable.
        """
        file = open_file()
        if request.carried_out:
            content = sha256_of(file)
            request.confirm(_digest(content, file.finish()))
            return ListId(int(request.result))
        imported = self._importer.run(
            file, file.name or "", csv_format=form, most_rows=self._most_rows
        )
        try:
            named = imported._replace(name=file.finish())
            list_id = request.run_once(
                self._transactions,
                lambda cursor: _complete(cursor, named),
                content=_digest(str(named.sha256), named.name),
            )
        except BaseException:
            self._importer.discard(imported.id)
            raise
        if list_id != named.id:
            # The key's first request was done after all; only its answer had been lost.
            self._importer.discard(named.id)
        log.info("recipient list imported", list_id=list_id, **named.totals._asdict())
        return ListId(int(list_id))


def _complete(cursor: Cursor, imported: RecipientList) -> int:
    if not complete_list(cursor, imported):
        raise ImportAbandoned("the import stood still for too long; send it again")
    return imported.id


def _digest(content_sha256: str, name: str) -> bytes:
    return hashlib.sha256(f"{content_sha256} {name}".encode()).digest()
