"""Messages of people are stored once, when their gateway is told so, at either port."""

import json
from typing import Any
from urllib.parse import urlencode

import pytest
import requests

from campaign_common.domain.receipts.receipt_rank import ReceiptRank
from campaign_providers.callbacks.references import ReferencePurpose
from tests.e2e.callbacks.gateways import (
    BY_REFERENCE,
    PASSWORD,
    SIGNED,
    USER,
    WITH_PASSWORD,
    inbound_infobip,
    inbound_kannel,
    inbound_result,
    kannel,
    reference,
    signed,
)
from tests.e2e.callbacks.scene import CallbackScene

PERSON, OURS, TEXT = "4917612345678", "49800555", "please stop, Grüße"


def listed(scene: CallbackScene, **filters: str) -> list[dict[str, Any]]:
    answer = scene.get(f"/v1/inbound?{urlencode(filters)}")
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["inbound"]
    return found


@pytest.mark.parametrize("at_own_port", [False, True], ids=["Port", "CallbackPort"])
def test_a_message_is_stored_once_it_is_answered(scene: CallbackScene, at_own_port: bool) -> None:
    """Repeated by its gateway, it stays one message."""
    url = scene.callback_url if at_own_port else scene.api.url
    stored = scene.metric("campaign_inbound_messages_total", provider=BY_REFERENCE, keyword="stop")
    for _ in range(3):
        answer = inbound_kannel(text="STOP", **{"from": f"+{PERSON}"}).send(url)
        assert (answer.status_code, answer.content) == (200, b"")
    (found,) = listed(scene, phone=PERSON, keyword="stop", provider=BY_REFERENCE)
    assert (found["text"], found["recipient"], found["unsure"]) == ("STOP", OURS, False)
    assert found["reported_at"] == "2023-11-14T22:13:20.000Z"
    again = scene.metric("campaign_inbound_messages_total", provider=BY_REFERENCE, keyword="stop")
    assert again == stored + 1


def test_messages_of_a_request_are_stored_together(scene: CallbackScene) -> None:
    texts = [TEXT, "STOP please", "hello", "\U0001f600 \u0000 'quoted\""]
    results = [inbound_result(str(n), text=text) for n, text in enumerate(texts)]
    answer = inbound_infobip([*results, {"messageId": "9"}]).send(scene.api.url)
    assert (answer.status_code, answer.content) == (200, b"")
    found = {each["provider_message_id"]: each for each in listed(scene)}
    assert [found[str(n)]["text"] for n in range(3)] == texts[:3]
    words = [(found[str(n)]["keyword"], found[str(n)]["unsure"]) for n in range(4)]
    assert words == [("stop", True), ("stop", False), (None, False), (None, False)]
    assert [each["text"] for each in listed(scene, unsure="true")] == [TEXT]


def test_one_webhook_may_bring_receipts_and_messages(scene: CallbackScene) -> None:
    """A gateway that has one URL for both is answered when both are stored."""
    message = {"id": "b1", "from": f"+{PERSON}", "text": "help"}
    events = [
        {"type": "message-received", "to": OURS, "message": message},
        {"type": "message-delivered", "to": PERSON, "message": {"id": "b2", "tag": "x"}},
    ]
    for path in (f"/v1/callbacks/{WITH_PASSWORD}", f"/v1/inbound/{WITH_PASSWORD}"):
        before = scene.metric("campaign_callback_unknown_total", provider=WITH_PASSWORD)
        answer = requests.post(scene.api.url + path, json=events, auth=(USER, PASSWORD), timeout=60)
        assert answer.status_code == 200
        unknown = scene.metric("campaign_callback_unknown_total", provider=WITH_PASSWORD)
        assert unknown == before + 1, "the receipt, whose reference is not ours"
    (found,) = listed(scene)
    assert (found["phone"], found["keyword"], found["provider"]) == (PERSON, "help", WITH_PASSWORD)


def test_numbers_and_texts_are_in_no_log(scene: CallbackScene) -> None:
    """Of requests that are taken, refused, repeated, not understood, and of those of readers."""
    before = scene.api.log.stat().st_size
    message = [inbound_result("1", text=TEXT)]
    body = json.dumps({"results": message}).encode()
    path = f"/v1/inbound/{SIGNED}"
    said = [
        inbound_infobip(message).send(scene.api.url).status_code,
        inbound_infobip(message, "no secret").send(scene.api.url).status_code,
        inbound_kannel(text=TEXT, m="a" * 40).send(scene.api.url).status_code,
        signed(body[:-2])._replace(path=path).send(scene.api.url).status_code,
        scene.get(f"/v1/inbound?phone={PERSON}").status_code,
        scene.get(f"/v1/inbound?phone={PERSON}&text={TEXT}").status_code,
        requests.get(f"{scene.api.url}/v1/inbound/nobody?from={PERSON}", timeout=60).status_code,
    ]
    assert said == [200, 403, 403, 200, 200, 422, 404]
    with scene.api.log.open(encoding="utf-8") as log:
        log.seek(before)
        lines = log.read()
    assert "callback not taken" in lines
    assert not [part for part in (PERSON, OURS, "please stop", "please+stop") if part in lines]


def test_a_reference_of_a_receipt_proves_no_message(scene: CallbackScene) -> None:
    """Whoever has seen the callback URL of a message cannot write in the name of people."""
    of_receipt = reference(BY_REFERENCE, scene.sent[0])
    of_inbound = reference(BY_REFERENCE, scene.sent[0], ReferencePurpose.INBOUND)
    assert inbound_kannel(m=of_receipt).send(scene.api.url).status_code == 403
    assert kannel(scene.sent[0], m=of_inbound).send(scene.api.url).status_code == 403
    assert listed(scene) == []
    assert scene.counted() == dict[ReceiptRank, int]()
