"""Providers made of presets as their pages say, and the doubles that they send to."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from campaign_common.settings.presets import preset_document
from tests.support.providers.pages import Page
from tests.support.providers.vendors.aws_sms import AwsSms
from tests.support.providers.vendors.bandwidth import Bandwidth
from tests.support.providers.vendors.infobip import Infobip
from tests.support.providers.vendors.jasmin import Jasmin
from tests.support.providers.vendors.kannel import KannelDouble
from tests.support.providers.vendors.messagebird import MessageBird
from tests.support.providers.vendors.plivo import Plivo
from tests.support.providers.vendors.sinch import Sinch
from tests.support.providers.vendors.telnyx import Telnyx
from tests.support.providers.vendors.twilio import Twilio
from tests.support.providers.vendors.vendor import SECRETS, Vendor
from tests.support.providers.vendors.vonage import Vonage
from tests.support.providers.vendors.whatsapp_cloud import WhatsAppCloud

DOUBLES: Mapping[str, Callable[[], Vendor]] = {
    "aws_sms": AwsSms,
    "bandwidth": Bandwidth,
    "infobip": Infobip,
    "jasmin": Jasmin,
    "kannel": KannelDouble,
    "messagebird": MessageBird,
    "plivo": Plivo,
    "sinch": Sinch,
    "telnyx": Telnyx,
    "twilio": Twilio,
    "vonage": Vonage,
    "whatsapp_cloud": WhatsAppCloud,
}


def entered(
    page: Page, origin: str, folder: Path, *, receipts: bool = False, **more: object
) -> dict[str, Any]:
    """Return the keys of a page's example, with the double in place of the gateway.

    Secrets are those of the doubles: in files where the example has files.
    """
    keys = page.keys_with_receipts if receipts else page.keys
    url = urlsplit(keys.get("Url") or preset_document(page.preset)["Url"])
    return {
        **keys,
        "Url": f"{origin}{url.path}",
        "AllowedNetworks": ["127.0.0.0/8"],
        "Secrets": {name: _secret(name, given, folder) for name, given in keys["Secrets"].items()},
        **more,
    }


def _secret(name: str, given: Mapping[str, str], folder: Path) -> dict[str, str]:
    if "Value" in given:
        return {"Value": SECRETS[name]}
    file = folder / Path(given["File"]).name
    file.write_text(f"{SECRETS[name]}\n")
    return {"File": str(file)}
