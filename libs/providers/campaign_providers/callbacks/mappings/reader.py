"""Readers of callbacks: a compiled mapping, and the facts that it finds in a request.

Nothing raises for what a request contains. What is not understood is counted.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import datetime

from campaign_common.domain.receipts.receipt_rank import ReceiptRank
from campaign_common.errors import SettingsError
from campaign_common.settings.fields.callbacks import LONGEST_CODE
from campaign_providers.callbacks.facts import (
    CallbackReply,
    InboundText,
    Receipt,
    Unreadable,
)
from campaign_providers.callbacks.mappings.bodies import DocumentSource
from campaign_providers.callbacks.mappings.documents import (
    InboundDocument,
    ReceiptsDocument,
    TimeDocument,
)
from campaign_providers.callbacks.mappings.places import (
    EVERY,
    ReportItem,
    ReportPath,
    ReportPlaces,
    WantedValues,
    items_in,
)
from campaign_providers.callbacks.mappings.times import checked_form, utc_time
from campaign_providers.callbacks.references import OF_RECEIPTS, ReferenceSigner

LONGEST_ID = 128
LONGEST_WORD = 64
LONGEST_ADDRESS = 64
LONGEST_INBOUND_TEXT = 4_096
"""Characters of an inbound text that are kept: more than any SMS or WhatsApp message has."""


class ReadingCounts:
    """Counts of one request, by all readers that looked at it."""

    def __init__(self) -> None:
        self.unknown: Counter[Unreadable] = Counter()
        self._found = 1
        self._wanted = 0

    def add_items(self, found: int, wanted: int) -> None:
        """Add the items that a reader found, and those of them that are of its kind."""
        self._found = max(self._found, found)
        self._wanted += wanted

    def finished(self) -> Counter[Unreadable]:
        """Return what was not understood; an item that one reader knows is understood."""
        if not self.unknown[Unreadable.BODY]:
            self.unknown[Unreadable.REPORT] += max(self._found - self._wanted, 0)
        return +self.unknown


_INTERNATIONAL = re.compile(r"(?:whatsapp:)?(?:\+|00)?([1-9][0-9]{6,14})", re.ASCII)


class ItemReader:
    """Items of one kind in the requests of a gateway."""

    def __init__(self, document: ReceiptsDocument | InboundDocument) -> None:
        """Compile a section of a mapping.

        Raises:
            SettingsError: a path, a time or a condition of it is none.
        """
        self.source = DocumentSource.of(document.body, document.nested)
        self._each = _each(document.each)
        self._wanted = WantedValues.of(document.when)
        self._time = None if document.at is None else _compiled_time(document.at)
        self.reply = CallbackReply(document.reply.text.encode(), document.reply.type)

    def items(
        self, document: object, parameters: Mapping[str, str], counts: ReadingCounts
    ) -> list[ReportItem]:
        """Return the items of a decoded request that are of this kind."""
        found = [ReportItem(trail, parameters) for trail in items_in(document, self._each)]
        wanted = [item for item in found if self._wanted.hold(item)]
        counts.add_items(len(found), len(wanted))
        return wanted

    def time_of(self, item: ReportItem) -> datetime | None:
        """Return the time of an item in UTC."""
        if self._time is None:
            return None
        path, form = self._time
        text = path.text_in(item)
        return utc_time(text, form) if text else None


class ReceiptReader(ItemReader):
    """Receipts in the requests of a provider."""

    def __init__(self, document: ReceiptsDocument, references: ReferenceSigner) -> None:
        """Compile the section of receipts, with the references of the provider.

        Raises:
            SettingsError: as `ItemReader`, or a word has two ranks.
        """
        super().__init__(document)
        self._references = references
        self._ranks = _ranks(document)
        self._status = ReportPlaces.of(document.status)
        self._id = ReportPlaces.of(document.id)
        self._reference = ReportPlaces.of(document.reference)
        self._code = ReportPlaces.of(document.code)
        self._to = ReportPlaces.of(document.to)
        self._from = ReportPlaces.of(document.from_)
        if document.id is None and document.reference is None:
            raise SettingsError("mapping of callbacks: receipts have neither Id nor Reference")

    @property
    def first_parameter(self) -> str | None:
        """The parameter of the URL where a reference is looked for before all other places."""
        for path, wanted, _ in self._reference.places[:1]:
            if path.is_parameter and not wanted.wanted:
                return path.steps[0]
        return None

    def read(
        self, document: object, parameters: Mapping[str, str], counts: ReadingCounts
    ) -> Iterator[Receipt]:
        """Yield the receipts of a decoded request; those that change nothing are left out."""
        for item in self.items(document, parameters, counts):
            receipt = self._receipt(item)
            if isinstance(receipt, Unreadable):
                counts.unknown[receipt] += 1
            elif receipt.rank > ReceiptRank.NONE:
                yield receipt

    def _receipt(self, item: ReportItem) -> Receipt | Unreadable:
        word = self._status.text_in(item)
        if word is None:
            return Unreadable.REPORT
        rank = self._ranks.get(_folded(word))
        if rank is None:
            return Unreadable.STATUS
        given = self._reference.text_in(item)
        reference = self._references.read_any(given, OF_RECEIPTS) if given else None
        if given and reference is None:
            return Unreadable.REFERENCE
        provider_message_id = _plain(self._id.text_in(item), LONGEST_ID)
        if reference is None and provider_message_id is None:
            return Unreadable.REPORT
        return Receipt(
            rank=rank,
            reference=reference,
            provider_message_id=provider_message_id,
            word=word[:LONGEST_WORD],
            code=_plain(self._code.text_in(item), LONGEST_CODE),
            at=self.time_of(item),
            recipient=_address(self._to.text_in(item)) if reference is None else None,
            originator=_address(self._from.text_in(item)) if reference is None else None,
        )


class InboundReader(ItemReader):
    """Inbound messages in the requests of a provider."""

    def __init__(self, document: InboundDocument) -> None:
        """Compile the section of inbound messages.

        Raises:
            SettingsError: as `ItemReader`.
        """
        super().__init__(document)
        self._from = ReportPlaces.of(document.from_)
        self._text = ReportPlaces.of(document.text)
        self._id = ReportPlaces.of(document.id)
        self._to = ReportPlaces.of(document.to)

    def read(
        self, document: object, parameters: Mapping[str, str], counts: ReadingCounts
    ) -> Iterator[InboundText]:
        """Yield the messages of a decoded request; a picture is one with an empty text."""
        for item in self.items(document, parameters, counts):
            phone = _address(self._from.text_in(item))
            if phone is None:
                counts.unknown[Unreadable.REPORT] += 1
                continue
            yield InboundText(
                provider_message_id=_plain(self._id.text_in(item), LONGEST_ID),
                phone=phone,
                recipient=_address(self._to.text_in(item)),
                text=_clean(self._text.text_in(item) or "")[:LONGEST_INBOUND_TEXT],
                at=self.time_of(item),
            )


def _each(written: str | None) -> tuple[str, ...]:
    if written is None:
        return ()
    steps = tuple(written.split("."))
    for step in steps:
        if step != EVERY:
            ReportPath.of(step)
    return steps


def _compiled_time(document: TimeDocument) -> tuple[ReportPath, str]:
    return ReportPath.of(document.path), checked_form(document.form)


def _ranks(document: ReceiptsDocument) -> dict[str, ReceiptRank]:
    ranks: dict[str, ReceiptRank] = {}
    for name, words in document.words.items():
        for word in words:
            if ranks.setdefault(_folded(word), ReceiptRank.named(name)).word != name:
                raise SettingsError(f"mapping of callbacks: {word!r} has two ranks")
    return ranks


def _folded(word: str) -> str:
    return word.strip().casefold()


def _plain(text: str | None, longest: int) -> str | None:
    """Return a text of printable ASCII that is not too long; None of any other one."""
    if text is None:
        return None
    text = text.strip()
    is_plain = 0 < len(text) <= longest and text.isascii() and text.isprintable()
    return text if is_plain else None


def _address(text: str | None) -> str | None:
    """Return the digits of an international number, or the address of another kind as it is."""
    if text is None:
        return None
    text = text.strip()
    found = _INTERNATIONAL.fullmatch(text)
    if found is not None:
        return found[1]
    return _clean(text)[:LONGEST_ADDRESS] or None


def _clean(text: str) -> str:
    """Return a text without characters that are no text: surrogates, and controls but line ends."""
    if text.isprintable():
        return text
    kept = (c for c in text if c in "\n\t" or unicodedata.category(c) not in {"Cc", "Cs"})
    return "".join(kept)
