"""Running CSV text through the importer's parser, without a database."""

import io
from typing import NamedTuple

from campaign_api.lists.importer.columns import Columns, read_columns
from campaign_api.lists.importer.csv_format import PLAIN, CsvFormat
from campaign_api.lists.importer.line_reader import HashedFile, LineSource, TextLine, read_lines
from campaign_api.lists.importer.row_parser import RowParser
from campaign_common.settings import ImportSettings
from campaign_common.store.recipients.recipients import NewRecipient
from campaign_common.store.recipients.rejects import Reject

LIMITS = ImportSettings()


class Parsed(NamedTuple):
    columns: Columns
    accepted: list[NewRecipient]
    rejects: list[Reject]

    @property
    def names(self) -> list[str]:
        return [row.name for row in self.accepted]

    @property
    def reasons(self) -> dict[int, str]:
        return {reject.line: reject.reason for reject in self.rejects}


def lines_of(data: bytes, longest: int = LIMITS.max_line_bytes) -> list[TextLine]:
    return list(read_lines(HashedFile(io.BytesIO(data)), longest))


def parse(
    data: bytes | str, limits: ImportSettings = LIMITS, csv_format: CsvFormat = PLAIN
) -> Parsed:
    raw = data.encode(csv_format.encoding) if isinstance(data, str) else data
    file = HashedFile(io.BytesIO(raw))
    source = LineSource(read_lines(file, limits.max_line_bytes, csv_format.encoding))
    columns = read_columns(source, limits.max_columns, csv_format)
    parser = RowParser(columns, limits.max_field_length, limits.max_line_bytes, csv_format)
    rows = list(parser.rows(source))
    return Parsed(
        columns,
        [row for row in rows if isinstance(row, NewRecipient)],
        [row for row in rows if isinstance(row, Reject)],
    )
