"""Check of a provider over HTTP: a request of its own, made and read as those of campaigns."""

from dataclasses import replace
from functools import partial

import msgspec

from campaign_common.domain.content.campaign_content import ContentKind
from campaign_common.errors import SettingsError
from campaign_common.settings import AnswerRule, HttpProviderSettings
from campaign_providers.check import (
    CHECK_WORDS,
    LONGEST_CONNECT,
    LONGEST_TIMEOUT,
    CheckImpossible,
    Exchange,
    PreparedCheck,
    Reading,
    ShownAnswer,
    ShownHeader,
)
from campaign_providers.contract import MakeReferences, OutboundMessage, SendResult
from campaign_providers.http.answers.mapper import ResponseMapper
from campaign_providers.http.answers.reader import HttpResponse
from campaign_providers.http.checking.credentials import MaskedSettings, credential_values
from campaign_providers.http.checking.redaction import Redaction
from campaign_providers.http.checking.rules import described
from campaign_providers.http.checking.shown_request import cut, shown_request, signature_of
from campaign_providers.http.checking.single_exchange import SingleExchange
from campaign_providers.http.connections.dialer import Dialer
from campaign_providers.http.requests.current_writer import WriterSource, account_digest
from campaign_providers.http.requests.target import Target
from campaign_providers.http.requests.values import Unsendable
from campaign_providers.secret_files import SecretUnreadable

HEADERS_OF_USE = frozenset(
    {
        "content-type",
        "date",
        "location",
        "ratelimit",
        "ratelimit-limit",
        "ratelimit-policy",
        "ratelimit-remaining",
        "ratelimit-reset",
        "request-id",
        "retry-after",
        "server",
        "twilio-concurrent-requests",
        "twilio-request-id",
        "via",
        "www-authenticate",
        "x-amzn-errortype",
        "x-amzn-requestid",
        "x-app-usage",
        "x-business-use-case-usage",
        "x-correlation-id",
        "x-fb-request-id",
        "x-fb-trace-id",
        "x-rate-limit-limit",
        "x-rate-limit-remaining",
        "x-rate-limit-reset",
        "x-ratelimit-limit",
        "x-ratelimit-remaining",
        "x-ratelimit-reset",
        "x-request-id",
    }
)
"""Names, in lower case, of the headers of an answer that are shown, besides those that rules read.

Others, such as cookies, may hold what must not be shown.
"""


class HttpCheck:
    """Check of one provider; a send has a connection of its own, which no other message uses."""

    def __init__(
        self,
        name: str,
        settings: HttpProviderSettings,
        digest_key: bytes = b"",
        references: MakeReferences | None = None,
    ) -> None:
        self.name = name
        self._settings = replace(
            settings,
            connect_timeout=min(settings.connect_timeout, LONGEST_CONNECT),
            timeout=min(settings.timeout, LONGEST_TIMEOUT),
        )
        self._digest_key = digest_key
        self._references = references
        self._masked = MaskedSettings(settings)

    @property
    def longest(self) -> float:
        """Seconds to connect, and to wait for the answer."""
        return self._settings.connect_timeout + self._settings.timeout

    def prepare(self, message: OutboundMessage) -> PreparedCheck:
        """Make the request of a message, with the secrets as they are now."""
        settings = self._settings
        self._require_support(message)
        try:
            writer, secrets, references = WriterSource(settings, self._references).read()
            request = writer.write(message)
            hidden = {
                *credential_values(settings, secrets, self._masked.constants),
                signature_of(request) or "",
            }
            redact = Redaction(hidden, message.phone)
            shown = shown_request(self._masked, message, redact, request, references)
        except SecretUnreadable as error:
            raise CheckImpossible(str(error)) from error
        except Unsendable as error:
            raise CheckImpossible(
                f"the message has no form in this provider's request: {error.code}"
            ) from error
        account = account_digest(settings, secrets, self._digest_key)
        return PreparedCheck(shown, None, account, partial(self._send, message, request, redact))

    def _require_support(self, message: OutboundMessage) -> None:
        """Refuse content that the configuration of this process has no place for."""
        support = self._settings.content_support
        is_text = message.template_name is None
        kind = ContentKind.TEXT if is_text else ContentKind.TEMPLATE
        if kind not in support.kinds or (message.originator and not support.originator):
            raise CheckImpossible(
                "the provider takes no such content in the configuration of the sender, which"
                " differs from that of the API; restart one of the two"
            )

    def _send(self, message: OutboundMessage, request: bytes, redact: Redaction) -> Exchange:
        mapper = ResponseMapper(self._settings.answers)
        try:
            dialer = Dialer(self._settings, Target(self._settings.url.origin))
        except SettingsError as error:
            raise CheckImpossible(str(error)) from error
        exchange = SingleExchange[OutboundMessage](
            dialer, HEADERS_OF_USE | mapper.kept_headers, self._settings.timeout
        )
        response, seconds, failure = exchange.run(message, request)
        if response is None:
            result = mapper.without_response(message, failure)
            return Exchange(None, self._reading(result, mapper.rule_for(failure), redact))
        rule = mapper.match(response).rule
        body = redact(response.body.decode("utf-8", "replace"))
        result = _as_shown(mapper, message, response, body)
        answer = _shown(response, seconds, redact, body)
        return Exchange(answer, self._reading(result, rule, redact))

    def _reading(
        self, result: SendResult[OutboundMessage], rule: AnswerRule | None, redact: Redaction
    ) -> Reading:
        rules, preset = self._settings.answers, self._settings.preset
        return Reading(
            CHECK_WORDS[result.status],
            None if rule is None else described(rule, rules, preset),
            result.provider_message_id and redact(result.provider_message_id),
            result.error_code and redact(result.error_code),
            result.retry_after,
            result.suppress,
        )


def _as_shown(
    mapper: ResponseMapper, message: OutboundMessage, response: HttpResponse, body: str
) -> SendResult[OutboundMessage]:
    """Return the result of an answer, with the id and the code that its masked `body` has.

    A code is cut, and a secret in it would not be found any more.
    """
    result = mapper.to_result(message, response)
    masked = mapper.to_result(message, response._replace(body=body.encode()))
    if masked.status is not result.status:
        return msgspec.structs.replace(result, provider_message_id=None, error_code=None)
    return msgspec.structs.replace(
        result, provider_message_id=masked.provider_message_id, error_code=masked.error_code
    )


def _shown(response: HttpResponse, seconds: float, redact: Redaction, body: str) -> ShownAnswer:
    headers = [ShownHeader(name, cut(redact(value))[0]) for name, value in response.headers.items()]
    shown, is_cut = cut(body) if response.is_whole else (None, False)
    return ShownAnswer(response.status, headers, shown, is_cut, round(seconds, 4))
