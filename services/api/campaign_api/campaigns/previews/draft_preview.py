"""Preview of content that is no campaign's yet, for recipients of a list or for sample values."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import msgspec

from campaign_api.campaigns.previews.preview import (
    MOST_CHARACTERS,
    attributes_of,
    describe_message,
    renderer,
    size_of,
)
from campaign_common.database import Cursor, Database
from campaign_common.domain.content.campaign_content import (
    CompiledContent,
    Content,
    Rendered,
    field_of,
    length_of,
    subject_of,
)
from campaign_common.domain.content.unsubscribe_link import UNSUBSCRIBE_URL
from campaign_common.domain.recipient import NAME, PHONE, ListId, column_name, trimmed
from campaign_common.domain.sms_segments import characters_outside_gsm7
from campaign_common.errors import TemplateInvalid
from campaign_common.planning.errors import PlanInvalid, TemplateUnfit
from campaign_common.planning.unsubscribe_links import names_link
from campaign_common.settings import Settings
from campaign_common.store.campaigns.dry_runs import read_slice
from campaign_common.store.campaigns.fanout import RecipientRow
from campaign_common.store.campaigns.plans import free_id
from campaign_common.store.recipients.recipient_lists import ListState, read_list
from campaign_providers.unsubscribe.current_links import sample_links

SHOWN_CHARACTERS = 20
"""Characters outside of GSM 7-bit that are named of a message."""


class SampleValues(NamedTuple):
    """Values in place of a recipient of a list; `attributes` are by column, name among them."""

    phone: str
    attributes: Mapping[str, str]


class SlicedList(NamedTuple):
    """Up to `limit` recipients of a list, from the number `from_seq` on."""

    list_id: ListId
    from_seq: int
    limit: int


class _Recipients(NamedTuple):
    columns: tuple[str, ...]
    rows: list[RecipientRow]


def preview_draft(
    database: Database, settings: Settings, content: Content, source: SlicedList | SampleValues
) -> dict[str, Any]:
    """Render messages of content that is no campaign's yet; describe them and its placeholders.

    Only the rows that are shown are read, however long the list is. A placeholder that is no
    column is not refused: it renders as empty, and is named. In place of the link to unsubscribe
    messages have a text as long as that of a new campaign.

    Raises:
        PlanInvalid: the content is too long, or there is no such list.
        TemplateUnfit: a template is malformed.
        RetryLater: the database is unavailable.
    """
    longest = settings.api.max_template_length
    if length_of(content) > longest:
        raise PlanInvalid(subject_of(content), f"must have at most {longest} characters")
    try:
        compiled = CompiledContent(content)
    except TemplateInvalid as error:
        raise TemplateUnfit(field_of(error), error.reason) from error
    with database.reading() as cursor:
        found = _of_sample(source) if isinstance(source, SampleValues) else _of_list(cursor, source)
        campaign_id = free_id(cursor)
    base_url = settings.callbacks.base_url if names_link(compiled, found.columns) else None
    link = None if base_url is None else sample_links(base_url, campaign_id)
    known = {column_name(column) for column in found.columns}
    of_ours = set() if link is None else {UNSUBSCRIBE_URL}
    named = compiled.placeholders - of_ours
    render = renderer(compiled, link)
    messages: list[dict[str, Any]] = []
    room = MOST_CHARACTERS
    for row in found.rows:
        rendered = render(row)
        size = size_of(rendered)
        room -= size.characters
        if room < 0 and messages:
            break
        described = describe_message(row, rendered, size)
        described["ucs2_characters"] = _ucs2_characters(rendered)
        described["missing_values"] = _missing(row, named & known)
        messages.append(described)
    return {
        "messages": messages,
        "columns": list(found.columns),
        "unknown_columns": sorted(named - known),
        "unsubscribe_link": link is not None,
    }


def _of_list(cursor: Cursor, wanted: SlicedList) -> _Recipients:
    recipients = read_list(cursor, wanted.list_id)
    if recipients is None or recipients.state is not ListState.READY:
        raise PlanInvalid("recipient_list_id", f"there is no list {wanted.list_id} that is ready")
    after = wanted.from_seq - 1
    rows = read_slice(cursor, wanted.list_id, after_seq=after, limit=wanted.limit)
    return _Recipients(recipients.columns, rows)


def _of_sample(sample: SampleValues) -> _Recipients:
    values = {column_name(name): trimmed(value) for name, value in sample.attributes.items()}
    name = values.get(NAME, "")
    attributes = {column: value for column, value in values.items() if column not in (NAME, PHONE)}
    row = (1, sample.phone, name, msgspec.json.encode(attributes).decode())
    return _Recipients((PHONE, *(column for column in values if column != PHONE)), [row])


def _ucs2_characters(rendered: Rendered) -> list[dict[str, str]]:
    """Name the characters that force a text into UCS-2; a provider's template has no encoding."""
    if rendered.template is not None:
        return []
    found = characters_outside_gsm7(rendered.body)[:SHOWN_CHARACTERS]
    return [{"character": one, "code_point": f"U+{ord(one):04X}"} for one in found]


def _missing(row: RecipientRow, columns: frozenset[str]) -> list[str]:
    """Return the columns that a recipient has no value of, so that the default stands there."""
    _, phone, name, _ = row
    values = {**attributes_of(row), NAME: name, PHONE: phone}
    return sorted(column for column in columns if not trimmed(values.get(column, "")))
