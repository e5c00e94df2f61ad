"""Reports that name their message by the provider's own id of it."""

from datetime import datetime
from hashlib import blake2b
from typing import NamedTuple

from campaign_common.domain.receipts.receipt_rank import ReceiptRank

ID_HASH_BYTES = 8
"""Of 30,000,000 ids, the most of three days, two share a hash with a chance of 1 in 40,000."""

_CONTEXT = b"provider id 1"


class IdentifiedReceipt(NamedTuple):
    """A report of a provider whose callbacks carry no reference."""

    provider: str
    id_hash: bytes
    rank: ReceiptRank
    """Never `NONE`."""
    code: str | None = None
    """The provider's word for the reason, ASCII, up to 32 characters."""
    at: datetime | None = None
    """The provider's time, UTC."""


def hash_of_id(provider: str, provider_message_id: str) -> bytes:
    """Return the hash by which a message is found: of the provider's name and its id."""
    named = f"{provider}\0{provider_message_id}".encode()
    return blake2b(named, digest_size=ID_HASH_BYTES, person=_CONTEXT).digest()
