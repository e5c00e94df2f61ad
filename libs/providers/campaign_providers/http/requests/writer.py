"""Writer of complete requests: compiled from the configuration, and rendered for each message."""

from base64 import b64encode
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import NamedTuple

from campaign_common.domain.content.campaign_content import ContentKind
from campaign_common.settings import HttpRequestSettings
from campaign_common.settings.fields.templates import TextTemplate
from campaign_providers.contract import MessageReferences, OutboundMessage
from campaign_providers.http.requests.bodies import CONTENT_TYPES, body_of, fields_of
from campaign_providers.http.requests.callback_fields import (
    with_callback_urls,
    without_callback_urls,
)
from campaign_providers.http.requests.compiling import CompiledText, Piece, pieces_of
from campaign_providers.http.requests.escaping import (
    as_text,
    in_header,
    in_path,
    in_url,
    in_url_again,
)
from campaign_providers.http.requests.signature import AwsSigner, SignedRequest, amz_date
from campaign_providers.http.requests.target import Target
from campaign_providers.http.requests.values import Unsendable, Values
from campaign_providers.secret_files import SecretUnreadable

END = b"\r\n\r\n"


class HeaderTemplate(NamedTuple):
    """One header with its compiled value."""

    name: str
    value: CompiledText


class RequestWriter:
    """Serializer of the complete request of a message, the same in every try.

    With `Sign` the time of the signature differs, and so do `{expires_in}` and `{now}`.
    """

    def __init__(
        self,
        settings: HttpRequestSettings,
        secrets: Mapping[str, str],
        references: MessageReferences | None = None,
    ) -> None:
        """Compile the templates; `secrets` has the value of each secret by its name.

        `references`: those of the provider's callbacks; None: it has none.

        Raises:
            SecretUnreadable: the user of `Basic` contains a colon, which a secret brings in.
        """
        if references is not None and references.url_before is not None:
            settings = with_callback_urls(settings, references.url_before)
        else:
            settings = without_callback_urls(settings)
        self._settings = settings
        self.target = Target(settings.url.origin)
        self._values = Values(settings, secrets, references)
        self._path = CompiledText(self._path_pieces())
        self._query = self._query_function()
        self._body = body_of(settings, self._values)
        self._headers = self._header_templates()
        self._signer = self._aws_signer()
        self._longest = settings.max_length
        self._has_templates = ContentKind.TEMPLATE in settings.content_support.kinds
        self._most_parts = settings.most_parts
        self._head = self._compiled_head()
        self._is_plain = self._longest is None and not self._has_templates and self._signer is None

    def write(self, message: OutboundMessage) -> bytes:
        """Return the bytes of the request.

        Raises:
            Unsendable: the message is too long, or a value has no form in its place.
        """
        if self._is_plain and self._body is not None:
            body = self._body(message)
            return b"%b%d\r\n\r\n%b" % (self._head.render(message), len(body), body)
        if self._longest is not None and len(message.body) > self._longest:
            raise Unsendable("too_long")
        if self._has_templates and len(message.parts) > self._most_parts:
            raise Unsendable("too_many_parts")
        if self._signer is not None:
            return self._signed(self._signer, message)
        head = self._head.render(message)
        if self._body is None:
            return head + END if self._settings.method == "GET" else head + b"0" + END
        body = self._body(message)
        return b"%b%d\r\n\r\n%b" % (head, len(body), body)

    # --- compiling --------------------------------------------------------------------------

    def _path_pieces(self) -> list[Piece]:
        pieces: list[Piece] = []
        for segment in self._settings.url.segments:
            pieces.append(b"/")
            pieces += pieces_of(segment, self._values, in_path, as_text)
        return pieces

    def _query_function(self) -> Callable[[OutboundMessage], bytes] | None:
        # A signature is of one form alone; without one a URL goes out as it was written.
        literal = as_text if self._settings.sign.type == "none" else in_url_again
        written: list[Piece] = []
        for n, (name, value) in enumerate(self._settings.url.query):
            written.append(b"&" * (n > 0) + literal(name))
            if value is not None:
                written.append(b"=")
                written += pieces_of(value, self._values, in_url, literal)
        given = CompiledText(written).render if written else None
        if self._settings.body.type != "query":
            return given
        added = fields_of(self._settings.body.query, self._values)
        if given is None:
            return added
        before = given
        return lambda message: b"&".join(filter(None, (before(message), added(message))))

    def _header_templates(self) -> list[HeaderTemplate]:
        settings = self._settings
        headers = {"User-Agent": "camp-mgr", "Accept": "application/json"}
        if self._body is not None:
            headers["Content-Type"] = CONTENT_TYPES[settings.body.type]
        given = {name.lower() for name in settings.headers}
        templates = [
            HeaderTemplate(name, CompiledText([value.encode()]))
            for name, value in headers.items()
            if name.lower() not in given
        ]
        if settings.basic is not None:
            user, password = map(self._constant, (settings.basic.user, settings.basic.password))
            if ":" in user:
                raise SecretUnreadable("Basic.User: expected a user without a colon")
            encoded = b64encode(f"{user}:{password}".encode())
            templates.append(HeaderTemplate("Authorization", CompiledText([b"Basic ", encoded])))
        for name, text in settings.headers.items():
            pieces = pieces_of(text, self._values, in_header, as_text)
            templates.append(HeaderTemplate(name, CompiledText(pieces)))
        return templates

    def _compiled_head(self) -> CompiledText:
        pieces: list[Piece] = [f"{self._settings.method} ".encode(), *self._path.pieces]
        if self._query is not None:
            pieces += [b"?", self._query]
        pieces.append(f" HTTP/1.1\r\nHost: {self.target.host_header}".encode())
        for name, value in self._headers:
            pieces += [f"\r\n{name}: ".encode(), *value.pieces]
        if self._settings.method != "GET":
            pieces.append(b"\r\nContent-Length: ")
        return CompiledText(pieces)

    def _constant(self, text: TextTemplate) -> str:
        """Return a text whose placeholders are all secrets."""
        return "".join(
            piece if isinstance(piece, str) else self._values.constant(piece) or ""
            for piece in text.pieces
        )

    # --- signing ----------------------------------------------------------------------------

    def _aws_signer(self) -> AwsSigner | None:
        sign = self._settings.sign
        if sign.type == "none" or sign.access_key is None or sign.secret_key is None:
            return None
        return AwsSigner(
            self._constant(sign.access_key),
            self._constant(sign.secret_key),
            sign.region or "",
            sign.service or "",
        )

    def _signed(self, signer: AwsSigner, message: OutboundMessage) -> bytes:
        now = datetime.now(UTC)
        body = self._body(message) if self._body is not None else b""
        path = self._path.render(message).decode()
        query = self._query(message).decode() if self._query is not None else ""
        headers = {name: value.render(message).decode() for name, value in self._headers}
        headers = {"Host": self.target.host_header, **headers, "X-Amz-Date": amz_date(now)}
        lowered = {name.lower(): value for name, value in headers.items()}
        lowered.pop("user-agent", None)  # which proxies change, so that no signer of AWS signs it
        request = SignedRequest(self._settings.method, path, query, lowered, body)
        headers["Authorization"] = signer.authorization(request, now)
        if self._settings.method != "GET":
            headers["Content-Length"] = str(len(body))
        lines = [f"{request.method} {path}{'?' + query if query else ''} HTTP/1.1"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        return "\r\n".join(lines).encode() + END + body
