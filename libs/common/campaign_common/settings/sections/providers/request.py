"""Requests of a provider over HTTP as templates: what each message becomes."""

from collections.abc import Iterator, Mapping
from typing import Literal

from campaign_common.domain.content.campaign_content import ContentKind, ContentSupport
from campaign_common.settings.declaration import (
    Conflict,
    KeyPath,
    NamedSections,
    Section,
    key,
    section_class,
)
from campaign_common.settings.fields.callbacks import VerifyWay
from campaign_common.settings.fields.http import AwsName
from campaign_common.settings.fields.idempotency import IdempotentFor
from campaign_common.settings.fields.plain import Ascii, Choice, Int, Plain
from campaign_common.settings.fields.templates import (
    CALLBACK_URL,
    OF_CALLBACKS,
    OPTIONAL,
    VARYING,
    AnyTemplate,
    ConstantText,
    JsonTemplate,
    JsonTree,
    Placeholder,
    RequestHeaders,
    RequestUrl,
    TextMap,
    TextTemplate,
    UrlTemplate,
    placeholders_of,
)
from campaign_common.settings.fields.xml import XmlDocument
from campaign_common.settings.sections.providers.answers import AnswerRules, Answers
from campaign_common.settings.sections.providers.callbacks import ProviderCallbackSettings
from campaign_common.settings.sections.providers.http import HttpConnectionSettings
from campaign_common.settings.sections.providers.named import ProviderSettings
from campaign_common.settings.sections.providers.secrets import BasicSettings, SecretSettings

MOST_CHARACTERS = 16_000

SAME_REQUEST = "beside Idempotent: under one key every try is the same, byte for byte"


@section_class
class SignatureSettings:
    """The signature of requests."""

    type: Literal["none", "aws-sigv4"] = key("Type", Choice("none", "aws-sigv4"), default="none")
    """`aws-sigv4`: Signature Version 4 of AWS."""
    service: str | None = key("Service", AwsName(), default=None)
    """The service that the signature is for, such as `sms-voice`."""
    region: str | None = key("Region", AwsName(), default=None)
    """The region, such as `eu-central-1`."""
    access_key: TextTemplate | None = key("AccessKey", ConstantText(null=True), default=None)
    """The access key id, best as `{secret.NAME}`."""
    secret_key: TextTemplate | None = key("SecretKey", ConstantText(null=True), default=None)
    """The secret access key, as `{secret.NAME}`."""

    def conflicts(self) -> Iterator[Conflict]:
        """Yield keys that the signature needs."""
        if self.type == "aws-sigv4":
            needed = {
                "Service": self.service,
                "Region": self.region,
                "AccessKey": self.access_key,
                "SecretKey": self.secret_key,
            }
            for name, value in needed.items():
                if value is None:
                    yield (name,), "the key is missing; aws-sigv4 needs it"


@section_class
class BodySettings:
    """The body of a request, or the query that stands in place of one."""

    type: Literal["json", "form", "query", "xml", "none"] = key(
        "Type", Choice("json", "form", "query", "xml", "none"), default="none"
    )
    """`json`, `form` and `xml` are bodies; `query` puts the values of `Query` into the URL."""
    json: JsonTemplate = key("Json", JsonTree(), default=None)
    """The tree of a `json` body. A text that is one placeholder and nothing else takes the value in
    its own type."""
    form: Mapping[str, TextTemplate] = key("Form", TextMap(), default={})
    """The fields of a `form` body (application/x-www-form-urlencoded)."""
    query: Mapping[str, TextTemplate] = key("Query", TextMap(), default={})
    """The values that `query` adds to the URL."""
    xml: TextTemplate | None = key("Xml", XmlDocument(null=True), default=None)
    """The document of an `xml` body; values are escaped, and stand for text or for a value in
    quotes."""

    def conflicts(self) -> Iterator[Conflict]:
        """Yield contents that the type does not use, and the one that it misses."""
        contents = {
            "Json": self.json is not None,
            "Form": bool(self.form),
            "Query": bool(self.query),
            "Xml": self.xml is not None,
        }
        for name, given in contents.items():
            if given and name.lower() != self.type:
                yield (name,), f"expected Type: {name.lower()} with it"
        if self.type != "none" and not contents[self.type.capitalize()]:
            yield (self.type.capitalize(),), f"the key is missing; Type {self.type} needs it"


@section_class
class EncodingSettings:
    """The form of texts."""

    text: Literal["utf8"] = key("Text", Choice("utf8"), default="utf8")
    """The encoding of the request."""
    ucs2_as: Literal["text", "hex", "separate"] = key(
        "Ucs2As", Choice("text", "hex", "separate"), default="text"
    )
    """The form of a message that SMS carries as UCS-2: `text`, the same `{body}` as of any other;
    `hex`, where `{body}` is hexadecimal digits of UTF-16, most significant byte first; `separate`,
    where `{hex_ucs2}` stands for these digits and `{body}` has no value, and the reverse in every
    other message."""


@section_class
class CodingSettings:
    """The values of `{coding}`."""

    gsm7: str = key("gsm7", Ascii(longest=32), default="gsm7")
    """The value for a message of the GSM 7-bit alphabet."""
    ucs2: str = key("ucs2", Ascii(longest=32), default="ucs2")
    """The value for every other message, which SMS carries as UCS-2."""


@section_class
class HttpRequestSettings(ProviderSettings):
    """The requests of a provider over HTTP, as templates."""

    kind: Literal["http"] = key("Kind", Choice("http"))
    """The protocol: `http`, or `simulated`, whose keys are those of `Simulated`."""
    method: Literal["POST", "PUT", "GET"] = key(
        "Method", Choice("POST", "PUT", "GET"), default="POST"
    )
    """The method of requests."""
    url: UrlTemplate = key("Url", RequestUrl())
    """The URL of requests. Placeholders stand in segments of its path and in values of its query,
    and for no text that people wrote in the path. Not logged beyond host and port; a check shows it
    with its secrets masked."""
    headers: Mapping[str, TextTemplate] = key("Headers", RequestHeaders(), default={})
    """Headers by name; their values contain no text that people wrote."""
    basic: BasicSettings | None = key("Basic", Section(BasicSettings, null=True), default=None)
    secrets: Mapping[str, SecretSettings] = key(
        "Secrets", NamedSections({"": SecretSettings}, "secrets"), default={}
    )
    """Secrets by name, each `{File: path}` or `{Value: text}`: `{secret.NAME}` stands for it in the
    URL, in headers and in the body. A file is read again when it changes."""
    sign: SignatureSettings = key("Sign", Section(SignatureSettings), default={})
    body: BodySettings = key("Body", Section(BodySettings), default={})
    from_: str | None = key("From", Plain(longest=64, null=True), default=None)
    """The originator, which `{from}` stands for where the campaign gives none of its own."""
    encoding: EncodingSettings = key("Encoding", Section(EncodingSettings), default={})
    coding: CodingSettings = key("Coding", Section(CodingSettings), default={})
    max_length: int | None = key("MaxLength", Int(1, MOST_CHARACTERS, null=True), default=None)
    """The longest text in characters. A longer one is not sent and ends as `failed`."""
    callbacks: ProviderCallbackSettings | None = key(
        "Callbacks", Section(ProviderCallbackSettings, null=True), default=None
    )

    def names(self, name: str) -> bool:
        """Return whether a placeholder stands anywhere."""
        return any(placeholder.name == name for placeholder in self.placeholders())

    @property
    def most_parts(self) -> int:
        """The number of parts that a message may have; 0 where none stands anywhere."""
        parts = [placeholder.part for placeholder in self.placeholders()]
        return max((part + 1 for part in parts if part is not None), default=0)

    @property
    def content_support(self) -> ContentSupport:
        """The content that its templates have a place for.

        Where they have one for a text, a template has none without its name.
        """
        names = {placeholder.name for placeholder in self.placeholders()}
        kinds = set[ContentKind]()
        if names & {"body", "hex_ucs2"}:
            kinds.add(ContentKind.TEXT)
        if "template.name" in names or (self.most_parts and not kinds):
            kinds.add(ContentKind.TEMPLATE)
        return ContentSupport(
            frozenset(kinds),
            originator="from" in names,
            most_parts=self.most_parts,
            longest=self.max_length,
        )

    def is_optional(self, placeholder: Placeholder) -> bool:
        """Return whether some messages have no value for a placeholder."""
        match placeholder.name:
            case "from":
                return self.from_ is None
            case "body" | "hex_ucs2":
                return self.encoding.ucs2_as == "separate" or self.names("template.name")
        return placeholder.name in OPTIONAL | OF_CALLBACKS or placeholder.part is not None

    @property
    def has_callback_url(self) -> bool:
        """Return whether its templates have a callback URL, where it has callbacks.

        A URL is none without its password, which a gateway is to know from its own configuration.
        """
        is_verified = self.callbacks is not None and self.callbacks.verify is not VerifyWay.BASIC
        return is_verified and self.names(CALLBACK_URL)

    @property
    def secrets_of_requests(self) -> Mapping[str, SecretSettings]:
        """Secrets without those that callbacks alone need."""
        needed = {placeholder.secret for placeholder in self.placeholders()}
        of_callbacks = set[str | None]()
        if self.callbacks is not None:
            of_callbacks = {each.secret for each in self.callbacks.placeholders} - needed
        return {name: each for name, each in self.secrets.items() if name not in of_callbacks}

    def placeholders(self) -> Iterator[Placeholder]:
        """Yield the placeholders of all templates."""
        for _, template in self.templates():
            yield from placeholders_of(template)

    def templates(self) -> Iterator[tuple[KeyPath, AnyTemplate]]:
        """Yield every template with the path of its key."""
        yield ("Url",), self.url
        for name, text in self.headers.items():
            yield ("Headers", name), text
        if self.basic is not None:
            yield ("Basic", "User"), self.basic.user
            yield ("Basic", "Password"), self.basic.password
        yield ("Sign", "AccessKey"), self.sign.access_key
        yield ("Sign", "SecretKey"), self.sign.secret_key
        yield ("Body", "Json"), self.body.json
        yield ("Body", "Xml"), self.body.xml
        for name, text in self.body.form.items():
            yield ("Body", "Form", name), text
        for name, text in self.body.query.items():
            yield ("Body", "Query", name), text


@section_class
class HttpProviderSettings(HttpConnectionSettings, HttpRequestSettings):
    """A provider over HTTP whose requests are templates."""

    idempotent_for: float = key("Idempotent", IdempotentFor(), default=False)
    """`true` where the gateway answers a `{key}` that it has seen as it did the first time, and
    `{For: 24h}` where it does so for a time, which counts from the first send of the message, rests
    and waits included. Otherwise, and later, a permanent answer to a repeated message is no proof
    that an earlier send was not taken, and the message ends as `unknown`; other repetitions count
    as `possible_duplicates`. With either, every request under one key is the same."""
    answers: AnswerRules = key("Answers", Answers(), default=[])
    """The meaning of answers: a list of rules, of which the first that matches decides, or a
    mapping of status codes to words. Rules of a preset follow, then those by status."""

    def conflicts(self) -> Iterator[Conflict]:
        """Yield what is wrong between keys."""
        if self.method == "GET" and self.body.type not in {"query", "none"}:
            yield ("Body", "Type"), "expected query or none with Method GET"
        whole = self.body.json.alone if isinstance(self.body.json, TextTemplate) else None
        if whole is not None and self.is_optional(whole):
            yield ("Body", "Json"), f"{{{whole.name}}} has no value in some messages"
        if self.basic is not None and "authorization" in map(str.lower, self.headers):
            yield ("Basic",), "expected no header Authorization beside it"
        if self.sign.type != "none":
            own = {"authorization", "x-amz-date", "x-amz-content-sha256"}
            if self.basic is not None or own.intersection(map(str.lower, self.headers)):
                yield ("Sign",), "expected neither Basic nor headers that the signature makes"
        for path, template in self.templates():
            for placeholder in placeholders_of(template):
                if placeholder.secret is not None and placeholder.secret not in self.secrets:
                    known = ", ".join(self.secrets) or "none"
                    message = f"{{{placeholder.name}}} is not among Secrets, which has {known}"
                    yield path, message
                if placeholder.name in VARYING and self.idempotent_for > 0:
                    yield path, f"expected no {{{placeholder.name}}} {SAME_REQUEST}"
