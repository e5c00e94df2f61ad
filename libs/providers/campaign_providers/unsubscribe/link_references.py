"""References in links to unsubscribe: short texts that name a message, and that only we can make.

A link stands in a text of 160 characters, so that they are shorter than references of receipts:
what the page can look up is left out, and the key is found by trying all of them. Their bytes, in
base64url (RFC 4648, 5) without padding, 22 to 31 characters, 27 for a campaign whose id was given
by the API:

    form (1), campaign id (1 to 8), seq (3 or 4), MAC (10 or 11)

Numbers are big-endian, the campaign id without leading zeros; the form says how long they are, and
whether the link is that of a test message. The MAC is HMAC-SHA-256 of what stands before it, cut to
80 bits or more (RFC 2104, 5), under a key that is derived from a secret for this purpose. All
references of a campaign have one length, up to seq 2^24.

A reference ends with a letter or a digit: programs that look for links in texts leave out a minus
at the end of one. Two further bytes or one in the last group of three make it so.
"""

import binascii
import hmac
import re
from collections.abc import Callable, Sequence
from typing import NamedTuple

from campaign_common.domain.campaign import CampaignId
from campaign_common.domain.receipts.reference_purpose import ReferencePurpose
from campaign_providers.callbacks.references import LONGEST_CAMPAIGN

MAC_BYTES = 10

_HASH = "sha256"

_NARROW, _WIDE = 3, 4
"""Bytes of a seq."""

_FIRST_WIDE = 2 ** (8 * _NARROW)

_IS_WIDE, _IS_TEST = 1, 2
"""Bits of the form; those above them are the length of the campaign id."""

_CONTEXT = b"camp-mgr reference 1 %d " % ReferencePurpose.UNSUBSCRIBE
"""As of other references, for no provider."""

_TO_URL = bytes.maketrans(b"+/", b"-_")
_TEXT = re.compile(r"[A-Za-z0-9_-]{22,31}", re.ASCII)

MakeReference = Callable[[int], str]
"""Returns the reference of the message to the recipient of a number of the list."""


class LinkReference(NamedTuple):
    """A message as the reference in its link names it; `seq` is 0 of a test message."""

    campaign_id: CampaignId
    seq: int
    is_test: bool = False


class LinkSigner:
    """References in links, made and checked with some secrets."""

    def __init__(self, secrets: Sequence[bytes], from_campaigns: Sequence[int]) -> None:
        """Derive a key of each secret; all of them check.

        `from_campaigns`: for each secret the first campaign whose references it makes; those of
        earlier campaigns are made by the next one, or by the last.
        """
        derived = (hmac.digest(secret, _CONTEXT, _HASH) for secret in secrets)
        self._keys = tuple(zip(from_campaigns, derived, strict=True))

    def of_campaign(self, campaign_id: int) -> MakeReference:
        """Return a function that makes the references of a campaign, the same ones at any time.

        Raises:
            OverflowError: the id has more than 8 bytes, or a seq more than 4.
        """
        key = self._key_of(campaign_id)
        narrow, wide = (_Maker(key, _head(campaign_id, n)) for n in (_NARROW, _WIDE))
        make_narrow, make_wide = narrow.make, wide.make

        def make(seq: int) -> str:
            return make_narrow(seq) if seq < _FIRST_WIDE else make_wide(seq)

        return make

    def of_test(self, campaign_id: int) -> str:
        """Return the reference in a test message of a campaign, as long as those of the others."""
        head = _head(campaign_id, _NARROW, is_test=True)
        return _Maker(self._key_of(campaign_id), head).make(0)

    def read(self, text: str) -> LinkReference | None:
        """Return what a reference names; None: it is none of ours."""
        if not _TEXT.fullmatch(text) or len(text) % 4 == 1:
            return None
        standard = text.replace("-", "+").replace("_", "/")
        data = binascii.a2b_base64(standard + "=" * (-len(text) % 4))
        campaign_bytes, form = data[0] >> 2, data[0]
        seq_at = 1 + campaign_bytes
        mac_at = seq_at + (_WIDE if form & _IS_WIDE else _NARROW)
        if len(data) != mac_at + _mac_bytes(mac_at) or _text(data) != text:
            return None
        named, mac = data[:mac_at], data[mac_at:]
        # All keys are tried: how long that takes says nothing of the text.
        matching = [hmac.compare_digest(_mac(key, named), mac) for _, key in self._keys]
        if not any(matching):
            return None
        return LinkReference(
            CampaignId(int.from_bytes(named[1:seq_at], "big")),
            int.from_bytes(named[seq_at:], "big"),
            bool(form & _IS_TEST),
        )

    def _key_of(self, campaign_id: int) -> bytes:
        found = (key for since, key in self._keys if campaign_id >= since)
        return next(found, self._keys[-1][1])


class _Maker:
    """References that begin alike."""

    def __init__(self, key: bytes, head: bytes) -> None:
        self._head = head
        self._seq_bytes = _WIDE if head[0] & _IS_WIDE else _NARROW
        self._mac_bytes = _mac_bytes(len(head) + self._seq_bytes)
        # With a copy of it a MAC takes two thirds of the time.
        self._keyed = hmac.new(key, head, _HASH)

    def make(self, seq: int) -> str:
        """Return the reference of a seq."""
        tail = seq.to_bytes(self._seq_bytes, "big")
        keyed = self._keyed.copy()
        keyed.update(tail)
        return _text(self._head + tail + keyed.digest()[: self._mac_bytes])


def sample_reference(campaign_id: int, seq: int) -> str:
    """Return a text as long as the reference of a message, which is none."""
    named = _head(campaign_id, _NARROW if seq < _FIRST_WIDE else _WIDE)
    size = len(named) + (_WIDE if named[0] & _IS_WIDE else _NARROW)
    return _text(bytes(size + _mac_bytes(size)))


def _head(campaign_id: int, seq_bytes: int, *, is_test: bool = False) -> bytes:
    """Return the form and the campaign id."""
    length = (campaign_id.bit_length() + 7) // 8 or 1
    if length > LONGEST_CAMPAIGN:
        raise OverflowError(f"campaign id of more than {LONGEST_CAMPAIGN} bytes")
    form = length << 2 | _IS_WIDE * (seq_bytes == _WIDE) | _IS_TEST * is_test
    return bytes([form]) + campaign_id.to_bytes(length, "big")


def _mac_bytes(named: int) -> int:
    """Return the length of the MAC; three bytes as the last group could end with a minus."""
    return MAC_BYTES if (named + MAC_BYTES) % 3 else MAC_BYTES + 1


def _mac(key: bytes, named: bytes) -> bytes:
    return hmac.digest(key, named, _HASH)[: _mac_bytes(len(named))]


def _text(data: bytes) -> str:
    """Return the one text of some bytes; that of decoded bytes shows bits that were lost."""
    return binascii.b2a_base64(data, newline=False).translate(_TO_URL, b"=").decode("ascii")
