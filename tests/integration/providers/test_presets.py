"""Presets against doubles of their gateways: what is sent, and what answers mean."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

import pytest

from campaign_common.settings import AnswerWord
from campaign_common.settings.presets import preset_document, preset_names
from campaign_providers.contract import SendResult, SendStatus
from campaign_providers.http.answers.mapper import ResponseMapper
from campaign_providers.http.answers.reader import HttpResponse
from tests.integration.providers.sending import Text, VendorSending, provider_settings, sending_by
from tests.support.providers.pages import NO_ANSWER, read_page
from tests.support.providers.presets import DOUBLES, entered
from tests.support.providers.vendors.infobip import TEMPORARY
from tests.support.providers.vendors.telnyx import RESET_SECONDS
from tests.support.providers.vendors.vendor import EMPTY, SILENCE, Scripted, scripted_answer

PRESETS = preset_names()
WORDS = {
    SendStatus.ACCEPTED: "success",
    SendStatus.PERMANENT: "permanent",
    SendStatus.RETRYABLE: "retryable",
    SendStatus.THROTTLED: "throttled",
    SendStatus.AMBIGUOUS: "ambiguous",
    SendStatus.ACCOUNT: "account",
}
FIRST_PHONE = 4915100000000
WITHOUT_IDS = {"kannel"}
WITHOUT_CODES = {"jasmin", "plivo"}
LONGEST_CODE = 32

TEXTS = (
    "5 € {body} [to] \\ ~ ^ | ñ @ & + % = ? # \" ' <b>&amp;</b>\r\n\nend",
    '😀 𐀀 مرحبا \u200f שלום 札幌 e\u0301 \u2028 ` {{to}} %41 "}],\t',
)
"""Of the GSM alphabet, and not."""


class Case(NamedTuple):
    """An answer, and its word on the page."""

    scripted: Scripted
    word: str


@pytest.fixture(scope="module", params=PRESETS)
def sending(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[VendorSending]:
    """A provider made of the example of the preset's page, and a double of the gateway."""
    with sending_by(request.param, tmp_path_factory.mktemp(request.param)) as sending:
        yield sending


def cases_of(preset: str) -> list[Case]:
    """Every answer that the page has a row for, and what the gateway does by itself."""
    rows = read_page(preset).rows
    return [
        Case(scripted, row.word)
        for row in rows
        for scripted in row.answers()
        if scripted.code or row.word != "success"
    ]


def meaning(result: SendResult[Text]) -> str:
    scope = ", recipient" if result.of_recipient else ""
    return WORDS[result.status] + (", suppress" if result.suppress else scope)


def recorded(result: SendResult[Text]) -> str | None:
    """Return the error code, that of a page in place of JSON as its status."""
    return "http_200" if result.error_code == "answer_unreadable" else result.error_code


def code_of(preset: str, case: Case) -> str | None:
    """Return the error code that the page promises."""
    status, code = case.scripted
    if case.word == "success":
        return None
    if not code or case.scripted == EMPTY or preset in WITHOUT_CODES:
        return f"http_{status}"
    if preset == "aws_sms":
        return code.partition(" ")[2][:LONGEST_CODE] or f"http_{status}"
    if preset == "infobip":
        code = code.removesuffix(TEMPORARY)
    return code[:LONGEST_CODE]


def test_each_answer_means_what_the_page_says(sending: VendorSending) -> None:
    cases = cases_of(sending.preset)
    texts = [Text.of(sending.preset, str(FIRST_PHONE + n), "hello") for n in range(len(cases))]
    for case, text in zip(cases, texts, strict=True):
        sending.server.script(text.phone, case.scripted)
    results = sending.send(*texts)
    assert sending.server.wrong == []
    assert {
        case.scripted: (meaning(result), recorded(result))
        for case, result in zip(cases, results, strict=True)
    } == {case.scripted: (case.word, code_of(sending.preset, case)) for case in cases}


def test_texts_arrive_bit_for_bit(sending: VendorSending) -> None:
    """The double checks each request as strictly as the gateway's documents do."""
    texts = [
        Text.of(sending.preset, str(FIRST_PHONE + 500 + n), text) for n, text in enumerate(TEXTS)
    ]
    results = sending.send(*texts)
    assert sending.server.wrong == []
    assert [result.status for result in results] == [SendStatus.ACCEPTED] * len(texts)
    ids = {result.provider_message_id for result in results}
    assert ids == {None} if sending.preset in WITHOUT_IDS else len(ids) == len(texts)
    received = {message.phone: message.text for message in sending.server.sent}
    assert [received[text.phone] for text in texts] == list(TEXTS)


@pytest.mark.parametrize("preset", PRESETS)
def test_wrong_secrets_are_the_accounts_fault(preset: str, tmp_path: Path) -> None:
    secrets = {name: {"Value": "wrong"} for name in read_page(preset).keys["Secrets"]}
    with sending_by(preset, tmp_path, Secrets=secrets) as sending:
        (result,) = sending.send(Text.of(preset, str(FIRST_PHONE), "hello"))
        assert len(sending.server.wrong) == 1
    assert result.status is SendStatus.ACCOUNT


def test_silence_is_ambiguous_everywhere(tmp_path: Path) -> None:
    """All presets at the same time, as each waits for the time limit."""
    with ExitStack() as stack:
        sendings = []
        for preset in PRESETS:
            folder = tmp_path / preset
            folder.mkdir()
            sendings.append(stack.enter_context(sending_by(preset, folder, Timeout="500ms")))
        for sending in sendings:
            sending.server.script(str(FIRST_PHONE), SILENCE)
            sending.start(Text.of(sending.preset, str(FIRST_PHONE), "hello"))
        results = {sending.preset: sending.wait(1)[0] for sending in sendings}
    promised = {
        preset: row.word
        for preset in PRESETS
        for row in read_page(preset).rows
        if row.answer == NO_ANSWER
    }
    assert {preset: meaning(result) for preset, result in results.items()} == promised
    assert {result.error_code for result in results.values()} == {"timeout"}


def test_telnyx_answers_a_known_key_as_it_did(tmp_path: Path) -> None:
    """The same request twice is one message; another body under the key leaves a doubt."""
    with sending_by("telnyx", tmp_path) as sending:
        text = Text(str(FIRST_PHONE), "hello")
        (accepted,) = sending.send(text)
        (repeated,) = sending.send(text)
        text.body = "something else"
        (other,) = sending.send(text)
        assert len(sending.server.sent) == 1
    assert accepted.status is repeated.status is SendStatus.ACCEPTED
    assert accepted.provider_message_id == repeated.provider_message_id
    assert other.status is SendStatus.AMBIGUOUS


def test_telnyx_says_how_long_to_wait(tmp_path: Path) -> None:
    with sending_by("telnyx", tmp_path) as sending:
        sending.server.script(str(FIRST_PHONE), Scripted(429, "10011"))
        (result,) = sending.send(Text(str(FIRST_PHONE), "hello"))
    assert result.retry_after == RESET_SECONDS


@pytest.mark.parametrize("preset", PRESETS)
def test_no_rule_is_hidden_or_without_a_row(preset: str, tmp_path: Path) -> None:
    """For each rule that says no, the page has an answer that is read by it."""
    double = DOUBLES[preset]()
    keys = entered(read_page(preset), "http://127.0.0.1:1", tmp_path)
    rules = provider_settings(keys, tmp_path).answers
    mapper = ResponseMapper(rules)
    answers = [scripted_answer(double, case.scripted) for case in cases_of(preset)]
    used = {
        id(mapper.match(HttpResponse(answer.status, {}, answer.body(), reusable=True)).rule)
        for answer in answers
    }
    own = rules[: len(preset_document(preset)["Answers"])]
    unused = [rule for rule in own if id(rule) not in used]
    assert [rule for rule in unused if rule.then is not AnswerWord.SUCCESS] == []
