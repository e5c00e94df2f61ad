"""Receipts: what is kept of them beside the campaigns."""

from campaign_common.settings.declaration import key, section_class
from campaign_common.settings.fields.plain import Duration


@section_class
class ReceiptsSettings:
    """The time for which messages can be found by the id that their provider gave them."""

    keep_for: float = key("KeepFor", Duration("1h", "2160h"), default="72h")
    """For providers whose callbacks carry no reference: the time after a send for which receipts
    find their message, and up to a day more. See
    [receipts without a reference](../providers/callbacks.md#receipts-without-a-reference)."""
