"""Kannel's sendsms interface: User's Guide 1.4.5, tables 7-16 and 7-17.

The real gateway is asked the same in tests/integration/providers/test_kannel.py.
"""

from urllib.parse import quote

from campaign_common.domain.sms_segments import Encoding, segmentation
from tests.support.providers.vendors.vendor import (
    SECRETS,
    Answer,
    Reported,
    Request,
    Scripted,
    Sent,
    Vendor,
    first_wrong,
)

FIELDS = {"username", "password", "from", "to", "text", "charset", "coding"}
CODINGS = {Encoding.GSM7: "0", Encoding.UCS2: "2"}


class KannelDouble(Vendor):
    path = "/cgi-bin/sendsms"

    def wrong(self, request: Request) -> Answer | None:
        query = request.query()
        signed_in = (query.get("username"), query.get("password"))
        text = query.get("text", "")
        return first_wrong(
            (request.method == "GET", Answer(400, "Unsupported content-type, rejected")),
            (request.path == self.path, Answer(404, "Unknown request.")),
            (
                signed_in == (SECRETS["username"], SECRETS["password"]),
                Answer(403, "Authorization failed for sendsms"),
            ),
            (bool(query.get("to")), Answer(400, "Missing receiver number, rejected")),
            (
                bool(query.get("from")),
                Answer(400, "Sender missing and no global set, rejected"),
            ),
            (
                set(query) == FIELDS | self.of_callbacks("dlr-mask", "dlr-url"),
                Answer(400, "Unknown field, rejected"),
            ),
            (
                query.get("coding") == CODINGS[segmentation(text).encoding],
                Answer(400, "Coding field misformed, rejected"),
            ),
            (query.get("charset") == "UTF-8", Answer(400, "Charset or body misformed, rejected")),
            (len(text) <= 670, Answer(400, "Text would be cut off, rejected")),
        )

    def reported(self, request: Request) -> Reported:
        """Return the URL with its escapes replaced, as Kannel does it."""
        url = request.query()["dlr-url"]
        for escape, value in (("%d", "8"), ("%F", "id-1"), ("%A", "NACK/…"), ("%T", "1764486000")):
            url = url.replace(escape, quote(value, safe=""))
        return Reported(url)

    def read(self, request: Request) -> Sent:
        query = request.query()
        return Sent(query["to"], query["text"], query["from"])

    def accept(self, *_: object) -> Answer:
        return Answer(202, "0: Accepted for delivery")

    def refuse(self, scripted: Scripted) -> Answer:
        return Answer(scripted.status, scripted.code or None)
