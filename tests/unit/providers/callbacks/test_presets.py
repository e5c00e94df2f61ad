"""Requests as the gateways document them, and what the presets' mappings make of them."""

import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
import yaml

from campaign_common.domain.receipts.receipt_rank import ReceiptRank
from campaign_providers.callbacks.facts import (
    Accepted,
    CallbackPurpose,
    CallbackReply,
    CallbackRequest,
    Unreadable,
)
from campaign_providers.callbacks.mappings.documents import mapped_presets, preset_mapping
from campaign_providers.callbacks.provider_callbacks import ProviderCallbacks
from tests.support.providers.pages import FOLDER, table
from tests.unit.providers.callbacks.requests import (
    PACKAGE,
    REFERENCE,
    REFERENCES,
    VERIFIER,
    accepted,
    request,
)

PRESETS = mapped_presets()
PAGE = (FOLDER / "callbacks.md").read_text()
EXAMPLES = {
    preset: yaml.safe_load((Path(__file__).parent / "examples" / f"{preset}.yaml").read_text())
    for preset in PRESETS
}
CASES = [
    pytest.param(preset, status, rank, id=f"{preset}-{status}")
    for preset in PRESETS
    for written, rank, *_ in table(PAGE.partition(f"\n### {preset}\n")[2], "Status")
    for status in re.findall(r"`([^`]+)`", written)
]
REPLIES = {"twilio", "plivo", "jasmin"}
"""Presets that answer with more than nothing."""

ADDRESSES = {"recipient", "originator"}
WITH_ADDRESSES = [one for one in PRESETS if ADDRESSES & EXAMPLES[one]["receipt"]["expect"].keys()]

of_each_preset = pytest.mark.parametrize("preset", PRESETS)


def filled(value: Any, reference: str, status: str) -> Any:  # noqa: ANN401 - what YAML can hold
    """Put reference and status where the example has their names."""
    if isinstance(value, dict):
        return {name: filled(each, reference, status) for name, each in value.items()}
    if isinstance(value, list):
        return [filled(each, reference, status) for each in value]
    if isinstance(value, str):
        return value.replace("{reference}", reference).replace("{status}", status)
    return value


def example_request(
    example: dict[str, Any], status: str = "", reference: str = REFERENCE
) -> CallbackRequest:
    """Make the request of an example."""
    example = {
        key: filled(each, reference, status) for key, each in example.items() if key != "expect"
    }
    query = example.get("query", "")
    body, content_type = b"", ""
    if "form" in example:
        body = urlencode(example["form"]).encode()
        content_type = "application/x-www-form-urlencoded"
    elif "json" in example:
        document = json.dumps(example["json"])
        if "envelope" in example:
            document = json.dumps({**example["envelope"], "Message": document})
        body, content_type = document.encode(), "application/json"
    return request(
        body,
        query if isinstance(query, str) else urlencode(query),
        example.get("method", "POST"),
        example.get("type", content_type),
    )


def answer(preset: str, request: CallbackRequest, purpose: CallbackPurpose) -> Accepted:
    provider = ProviderCallbacks(preset_mapping(preset), VERIFIER, REFERENCES)
    return accepted(provider, request, purpose)


@pytest.mark.parametrize(("preset", "status", "rank"), CASES)
def test_a_documented_receipt_ends_in_its_rank(preset: str, status: str, rank: str) -> None:
    example = EXAMPLES[preset]["receipt"]
    found = answer(preset, example_request(example, status), CallbackPurpose.RECEIPTS)
    assert found.unknown == {}
    assert found.inbound == ()
    if rank == "none":
        assert found.receipts == ()
        return
    (receipt,) = found.receipts
    expected = dict(example["expect"])
    if status in expected.pop("code_unless", ()):
        expected["code"] = None
    facts = {name: getattr(receipt, name) for name in expected}
    expected |= dict.fromkeys(ADDRESSES & expected.keys())
    if receipt.at is not None:
        facts["at"] = receipt.at.isoformat()
    assert facts == expected
    assert receipt.rank is ReceiptRank.named(rank)
    assert receipt.word == status
    assert receipt.reference == REFERENCES.read(REFERENCE)


@pytest.mark.parametrize("preset", WITH_ADDRESSES)
def test_a_receipt_without_a_reference_has_addresses(preset: str) -> None:
    """They may help to find the message; where a reference names it, they are not read."""
    example = EXAMPLES[preset]["receipt"]
    status = next(
        s for of, s, rank in (case.values for case in CASES) if (of, rank) == (preset, "delivered")
    )
    found = answer(preset, example_request(example, status, reference=""), CallbackPurpose.RECEIPTS)
    (receipt,) = found.receipts
    expected = {name: example["expect"][name] for name in ADDRESSES & example["expect"].keys()}
    assert {name: getattr(receipt, name) for name in expected} == expected
    assert receipt.reference is None


@of_each_preset
def test_the_page_has_every_word_of_the_mapping(preset: str) -> None:
    receipts = preset_mapping(preset).receipts
    assert receipts is not None
    mapped = {(word, rank) for rank, words in receipts.words.items() for word in words}
    assert {case.values[1:] for case in CASES if case.values[0] == preset} == mapped


@of_each_preset
def test_an_undocumented_status_is_counted(preset: str) -> None:
    example = EXAMPLES[preset]["receipt"]
    found = answer(preset, example_request(example, "new_word"), CallbackPurpose.RECEIPTS)
    # Of Bandwidth the status is the kind of the item, too.
    kind = Unreadable.REPORT if preset == "bandwidth" else Unreadable.STATUS
    assert (found.receipts, found.unknown) == ((), {kind: 1})


@of_each_preset
def test_a_documented_inbound_message_is_read(preset: str) -> None:
    example = EXAMPLES[preset]["inbound"]
    found = answer(preset, example_request(example), CallbackPurpose.INBOUND)
    (message,) = found.inbound
    facts = {name: getattr(message, name) for name in example["expect"]}
    if message.at is not None:
        facts["at"] = message.at.isoformat()
    assert facts == example["expect"]
    assert (found.receipts, found.unknown) == ((), {})


@of_each_preset
def test_a_webhook_for_both_reads_both(preset: str) -> None:
    """At the endpoint of the other kind it is read where there is one webhook, else counted."""
    example = EXAMPLES[preset]["inbound"]
    found = answer(preset, example_request(example), CallbackPurpose.RECEIPTS)
    if preset_mapping(preset).same_webhook:
        assert (len(found.inbound), found.unknown) == (1, {})
    else:
        assert (found.inbound, found.receipts) == ((), ())
        assert sum(found.unknown.values()) == 1


@of_each_preset
def test_the_gateway_gets_the_answer_that_it_expects(preset: str) -> None:
    kinds = {"receipt": CallbackPurpose.RECEIPTS, "inbound": CallbackPurpose.INBOUND}
    replies = set()
    for kind, purpose in kinds.items():
        example = EXAMPLES[preset][kind]
        media_type, text = example.get("reply", ["text/plain", ""])
        reply = answer(preset, example_request(example, "x"), purpose).reply
        assert reply == CallbackReply(text.encode(), media_type)
        replies.add(text)
    assert (replies != {""}) == (preset in REPLIES)


@of_each_preset
def test_a_mapping_names_its_sources_and_its_page(preset: str) -> None:
    file = PACKAGE / "mappings" / "presets" / f"{preset}.yaml"
    head = "\n".join(line for line in file.read_text().splitlines() if line.startswith("#"))
    assert "docs/providers/callbacks.md" in head
    assert re.search(r"https://|User's Guide|facebook/openapi", head)


def test_many_reports_of_a_request_are_all_read() -> None:
    example = filled(EXAMPLES["infobip"]["receipt"]["json"], REFERENCE, "DELIVERED")
    body = json.dumps({"results": example["results"] * 100}).encode()
    found = answer("infobip", request(body), CallbackPurpose.RECEIPTS)
    assert len(found.receipts) == 100


def test_statuses_and_messages_of_one_webhook_are_both_read() -> None:
    status = filled(EXAMPLES["whatsapp_cloud"]["receipt"]["json"], REFERENCE, "read")
    message = EXAMPLES["whatsapp_cloud"]["inbound"]["json"]
    account = {"changes": [{"field": "account_update", "value": {"event": "x"}}]}
    body = json.dumps({"entry": [*status["entry"], account, *message["entry"]]}).encode()
    found = answer("whatsapp_cloud", request(body), CallbackPurpose.RECEIPTS)
    assert (len(found.receipts), len(found.inbound), found.unknown) == (1, 1, {})
