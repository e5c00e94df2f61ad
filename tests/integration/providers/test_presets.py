"""Presets against doubles of their gateways: what is sent, and what answers mean."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

import pytest

from campaign_common.settings.presets import preset_names
from campaign_providers.contract import SendResult, SendStatus
from tests.integration.providers.sending import Sending, Text, sending_by
from tests.support.providers.pages import NO_ANSWER, read_page
from tests.support.providers.vendors.telnyx import RESET_SECONDS
from tests.support.providers.vendors.vendor import SILENCE, Scripted

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
WITHOUT_CODES = {"kannel", "jasmin", "plivo"}
WITHOUT_IDS = {"kannel", "jasmin"}
LONGEST_CODE = 32

TEXTS = {
    "gsm": "5 € {body} [to] \\ ~ ^ | ñ @ & + % = ? # \" ' <b>&amp;</b>\r\n\tend",
    "ucs2": '😀 𐀀 مرحبا \u200f שלום 札幌 e\u0301 \u2028 ` {{to}} %41 "}],',
}


class Case(NamedTuple):
    """A row of a page, and one answer of it."""

    word: str
    scripted: Scripted

    def name(self) -> str:
        return f"{self.scripted.status} {self.scripted.code}"


@pytest.fixture(scope="module", params=PRESETS)
def sending(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Sending]:
    """A provider made of the example of the preset's page, and a double of the gateway."""
    with sending_by(request.param, tmp_path_factory.mktemp(request.param)) as sending:
        yield sending


def meaning(result: SendResult[Text]) -> str:
    return WORDS[result.status] + (", suppress" if result.suppress else "")


def code_of(preset: str, case: Case) -> str:
    """The error code that the message gets."""
    status, code = case.scripted
    if not code or preset in WITHOUT_CODES:
        return "answer_unreadable" if status == 200 and not code else f"http_{status}"
    if preset == "aws_sms":
        kind, _, detail = code.partition(" ")
        return (detail or f"http_{status}")[:LONGEST_CODE] if detail or kind else ""
    return code.partition(",")[0][:LONGEST_CODE]


def test_each_answer_means_what_the_page_says(sending: Sending) -> None:
    cases = [
        Case(row.word, scripted)
        for row in read_page(sending.preset).rows
        for scripted in row.answers()
        if row.word != "success"
    ]
    texts = [Text(str(FIRST_PHONE + n), "hello") for n in range(len(cases))]
    for case, text in zip(cases, texts, strict=True):
        sending.server.script(text.phone, case.scripted)
    results = sending.send(*texts)
    assert sending.server.wrong == []
    assert {
        case.name(): (meaning(result), result.error_code)
        for case, result in zip(cases, results, strict=True)
    } == {case.name(): (case.word, code_of(sending.preset, case)) for case in cases}


def test_messages_are_accepted_bit_for_bit(sending: Sending) -> None:
    """The double checks each request as strictly as the gateway's documents do."""
    texts = [Text(str(FIRST_PHONE + 500 + n), text) for n, text in enumerate(TEXTS.values())]
    results = sending.send(*texts)
    assert [result.status for result in results] == [SendStatus.ACCEPTED] * len(texts), (
        sending.server.wrong
    )
    ids = [result.provider_message_id for result in results]
    assert len(set(ids)) == (1 if sending.preset in WITHOUT_IDS else len(texts))
    received = {message.phone: message for message in sending.server.sent}
    for text in texts:
        assert received[text.phone].text == text.body


def test_silence_is_ambiguous_everywhere(tmp_path: Path) -> None:
    """All at the same time: each waits for the time limit."""
    with ExitStack() as stack:
        sendings = []
        for preset in PRESETS:
            folder = tmp_path / preset
            folder.mkdir()
            sendings.append(stack.enter_context(sending_by(preset, folder, Timeout="500ms")))
        for sending in sendings:
            text = Text(str(FIRST_PHONE), "hello")
            sending.server.script(text.phone, SILENCE)
            sending.start(text)
        for sending in sendings:
            (result,) = sending.wait(1)
            assert (result.status, result.error_code) == (SendStatus.AMBIGUOUS, "timeout")
            assert [
                row.word for row in read_page(sending.preset).rows if row.answer == NO_ANSWER
            ] == ["ambiguous"]


@pytest.mark.parametrize("preset", PRESETS)
def test_wrong_secrets_are_the_accounts_fault(preset: str, tmp_path: Path) -> None:
    secrets = {name: {"Value": "wrong"} for name in read_page(preset).keys["Secrets"]}
    with sending_by(preset, tmp_path, Secrets=secrets) as sending:
        (result,) = sending.send(Text(str(FIRST_PHONE), "hello"))
        assert len(sending.server.wrong) == 1
    assert result.status is SendStatus.ACCOUNT


def test_telnyx_answers_a_known_key_as_it_did(tmp_path: Path) -> None:
    """The same request twice is one message; another body under the key leaves a doubt."""
    with sending_by("telnyx", tmp_path) as sending:
        first = Text(str(FIRST_PHONE), "hello")
        (accepted,) = sending.send(first)
        (repeated,) = sending.send(first)
        first.body = "something else"
        (other,) = sending.send(first)
    assert accepted.status is repeated.status is SendStatus.ACCEPTED
    assert accepted.provider_message_id == repeated.provider_message_id
    assert other.status is SendStatus.AMBIGUOUS


def test_telnyx_says_how_long_to_wait(tmp_path: Path) -> None:
    with sending_by("telnyx", tmp_path) as sending:
        text = Text(str(FIRST_PHONE), "hello")
        sending.server.script(text.phone, Scripted(429, "10011"))
        (result,) = sending.send(text)
    assert result.retry_after == RESET_SECONDS
