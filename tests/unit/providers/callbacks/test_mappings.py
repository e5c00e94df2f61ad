"""Mappings as they are written, and what they find."""

from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

import pytest

from campaign_common.domain.receipts.receipt_rank import ReceiptRank
from campaign_common.errors import SettingsError
from campaign_common.settings.presets import preset_names
from campaign_providers.callbacks.facts import (
    CallbackPurpose,
    CallbackReply,
    Receipt,
    Unreadable,
)
from campaign_providers.callbacks.mappings.documents import mapped_presets, read_mapping
from campaign_providers.callbacks.mappings.times import checked_form, utc_time
from campaign_providers.callbacks.provider_callbacks import ProviderCallbacks
from campaign_providers.callbacks.references import ReferencePurpose, ReferenceSigner
from campaign_providers.callbacks.signatures.reference import ReferenceVerifier
from tests.unit.providers.callbacks.requests import (
    REFERENCE,
    REFERENCES,
    accepted,
    callbacks_of,
    request,
)

RECEIPTS: dict[str, Any] = {
    "Body": "json",
    "Each": "reports.*",
    "Id": "id",
    "Reference": "ref",
    "Status": "state",
    "Words": {"sent": ["SENT"], "delivered": ["OK", "1"], "none": ["LATER"]},
    "Code": {"Path": "code", "When": {"state": "SENT"}},
}


def receipts(reports: bytes, **keys: object) -> tuple[list[Receipt], dict[Unreadable, int]]:
    found = accepted(callbacks_of({"Receipts": {**RECEIPTS, **keys}}), request(reports))
    return list(found.receipts), dict(found.unknown)


def test_every_item_of_the_list_is_a_receipt() -> None:
    body = b'{"reports": [{"id": "a", "state": "sent", "code": 7}, {"id": "b", "state": 1}]}'
    found, unknown = receipts(body)
    assert [(each.provider_message_id, each.rank) for each in found] == [
        ("a", ReceiptRank.SENT),
        ("b", ReceiptRank.DELIVERED),
    ]
    assert [each.word for each in found] == ["sent", "1"]
    assert unknown == {}


@pytest.mark.parametrize(
    ("reports", "kind"),
    [
        pytest.param('{"id": "a", "state": "NEW"}', Unreadable.STATUS, id="an unknown word"),
        pytest.param('{"id": "a"}', Unreadable.REPORT, id="no status"),
        pytest.param('{"id": "a", "state": {}}', Unreadable.REPORT, id="a status that is no text"),
        pytest.param('{"state": "OK"}', Unreadable.REPORT, id="names no message"),
        pytest.param('{"id": "é", "state": "OK"}', Unreadable.REPORT, id="an id that is none"),
        pytest.param('{"ref": "7-5-0", "state": "OK"}', Unreadable.REFERENCE, id="not ours"),
        pytest.param(
            f'{{"ref": "{ReferenceSigner("other", [b"k" * 32]).make(ReferencePurpose.RECEIPT, 7)}",'
            ' "id": "a", "state": "OK"}',
            Unreadable.REFERENCE,
            id="of another provider",
        ),
        pytest.param(
            f'{{"ref": "{REFERENCES.make(ReferencePurpose.UNSUBSCRIBE, 7)}", "state": "OK"}}',
            Unreadable.REFERENCE,
            id="of another purpose",
        ),
    ],
)
def test_what_is_not_understood_is_counted(reports: str, kind: Unreadable) -> None:
    good = f'{{"ref": "{REFERENCE}", "state": "OK"}}'
    found, unknown = receipts(f'{{"reports": [{reports}, {good}]}}'.encode())
    assert len(found) == 1
    assert unknown == {kind: 1}


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        pytest.param(b"", Unreadable.BODY, id="empty"),
        pytest.param(b"<xml/>", Unreadable.BODY, id="another form"),
        pytest.param(b'{"reports": [{"id": "\xff"}]}', Unreadable.BODY, id="another charset"),
        pytest.param(b"\x1f\x8b\x08\x00", Unreadable.BODY, id="compressed"),
        pytest.param(b'{"a":' * 33 + b"1" + b"}" * 33, Unreadable.BODY, id="too deep"),
        pytest.param(b"[" * 200_000, Unreadable.BODY, id="far too deep"),
        pytest.param(b'"' + b'\\"' * 100_000, Unreadable.BODY, id="a string without an end"),
        pytest.param(b"[" + b"9" * 200_000 + b"]", Unreadable.BODY, id="a long number"),
        pytest.param(b"null", Unreadable.BODY, id="null"),
        pytest.param(b"{}", Unreadable.REPORT, id="no list"),
        pytest.param(b'{"reports": {"id": "a"}}', Unreadable.REPORT, id="no list but an object"),
        pytest.param(b'{"reports": []}', Unreadable.REPORT, id="an empty list"),
        pytest.param(b'{"reports": [1, "a", null]}', Unreadable.REPORT, id="items that are none"),
    ],
)
def test_a_body_without_reports_is_counted_once(body: bytes, kind: Unreadable) -> None:
    assert receipts(body) == ([], {kind: 1})


def test_brackets_in_texts_are_no_depth() -> None:
    text = b"[{" * 100 + rb"\"" + b"]" * 50
    body = b'\xef\xbb\xbf{"reports": [{"id": "a", "state": "OK", "text": "' + text + b'"}]}'
    assert len(receipts(body)[0]) == 1


def test_a_word_of_rank_none_changes_nothing() -> None:
    assert receipts(b'{"reports": [{"id": "a", "state": "LATER"}]}') == ([], {})


def test_long_and_odd_values_are_left_out_or_cut() -> None:
    odd = b'"id": "a", "state": "SENT", "code": "%s"' % (b"x" * 33)
    (receipt,), _ = receipts(b'{"reports": [{%s}]}' % odd)
    assert receipt.code is None
    (receipt,), _ = receipts(
        b'{"reports": [{"id": "a", "state": "SENT", "to": "%s"}]}' % (b"b" * 100), To="to"
    )
    assert receipt.recipient == "b" * 64


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("+4915112345678", "4915112345678"),
        ("004915112345678", "4915112345678"),
        ("4915112345678", "4915112345678"),
        ("whatsapp:+4915112345678", "4915112345678"),
        ("12345", "12345"),
        ("Shop", "Shop"),
        ("0151 2345678", "0151 2345678"),
        ("a\x00b\x1b[0m", "ab[0m"),
    ],
)
def test_numbers_are_the_digits_of_a_recipient(written: str, read: str) -> None:
    mapping = {"Inbound": {"Body": "form", "From": "from", "Text": "text"}}
    body = urlencode({"from": written, "text": "hi"}).encode()
    (message,) = accepted(callbacks_of(mapping), request(body), CallbackPurpose.INBOUND).inbound
    assert message.phone == read


@pytest.mark.parametrize(
    ("method", "content_type", "body", "query"),
    [
        pytest.param("GET", "", b"", "id=a&state=OK", id="query of a GET"),
        pytest.param("POST", "", b"", "id=a&state=OK", id="query of a POST without body"),
        pytest.param("POST", "application/json", b'{"id":"a","state":"OK"}', "", id="JSON"),
        pytest.param(
            "POST", "application/x-www-form-urlencoded", b"id=a&state=OK", "id=b", id="form"
        ),
        pytest.param("POST", "", b"id=a&id=b&state=OK", "", id="form without a content type"),
    ],
)
def test_method_and_type_say_which_form_it_is(
    method: str, content_type: str, body: bytes, query: str
) -> None:
    keys = {"Body": ["json", "form", "query"], "Each": None, "Code": None}
    provider = callbacks_of({"Receipts": {**RECEIPTS, **keys}})
    found = accepted(provider, request(body, query, method, content_type))
    assert [each.provider_message_id for each in found.receipts] == ["a"]


def test_a_form_of_too_many_fields_is_not_read() -> None:
    provider = callbacks_of({"Receipts": {**RECEIPTS, "Body": "form", "Each": None}})
    found = accepted(provider, request(b"id=a&state=OK" + b"&a=1" * 1_000))
    assert (found.receipts, found.unknown) == ((), {Unreadable.BODY: 1})


@pytest.mark.parametrize(
    ("text", "form", "time"),
    [
        ("2026-11-30T13:00:00.5+0100", "iso", datetime(2026, 11, 30, 12, 0, 0, 500_000, UTC)),
        ("2026-11-30T12:00:00Z", "iso", datetime(2026, 11, 30, 12, tzinfo=UTC)),
        ("2026-11-30 12:00:00", "iso", datetime(2026, 11, 30, 12, tzinfo=UTC)),
        ("1796040000", "seconds", datetime(2026, 11, 30, 12, tzinfo=UTC)),
        ("1796040000000", "milliseconds", datetime(2026, 11, 30, 12, tzinfo=UTC)),
        ("2611301200", "%y%m%d%H%M", datetime(2026, 11, 30, 12, tzinfo=UTC)),
        ("0001-01-01T00:00:00+10:00", "iso", None),
        ("1e400", "seconds", None),
        ("nan", "seconds", None),
        ("-1e30", "milliseconds", None),
        ("yesterday", "iso", None),
        ("2611301260", "%y%m%d%H%M", None),
        ("1" * 100, "seconds", None),
    ],
)
def test_times_are_read_in_utc(text: str, form: str, time: datetime | None) -> None:
    assert utc_time(text, checked_form(form)) == time


def mapping_with(**keys: object) -> dict[str, object]:
    section = {name: each for name, each in {**RECEIPTS, **keys}.items() if each != "missing"}
    return {"Receipts": section}


@pytest.mark.parametrize(
    ("mapping", "text"),
    [
        pytest.param({"Receipt": {}}, "unknown field `Receipt`", id="unknown section"),
        pytest.param(mapping_with(State="a"), "unknown field `State`", id="unknown key"),
        pytest.param(mapping_with(Status="missing"), "`Status`", id="key is missing"),
        pytest.param(mapping_with(Body="xml"), "'xml'", id="unknown form"),
        pytest.param(mapping_with(Body=[]), "at least one form", id="no form"),
        pytest.param(mapping_with(Words={"gone": ["a"]}), "'gone'", id="unknown rank"),
        pytest.param(
            mapping_with(Words={"sent": ["A"], "read": ["a"]}), "'a' has two ranks", id="two ranks"
        ),
        pytest.param(mapping_with(Id="a..b"), "'a..b'", id="no path"),
        pytest.param(mapping_with(Id="?../a"), "'?../a'", id="a parameter outside"),
        pytest.param(mapping_with(Each="a.*b"), "'\\*b'", id="no list"),
        pytest.param(
            mapping_with(Id="missing", Reference="missing"), "neither Id nor", id="no message"
        ),
        pytest.param(mapping_with(At={"Path": "a", "Form": "%"}), "'%'", id="no time"),
        pytest.param(mapping_with(At={"Path": "a", "Form": "us"}), "'us'", id="no form of times"),
    ],
)
def test_a_wrong_mapping_is_refused_by_name(mapping: object, text: str) -> None:
    with pytest.raises(SettingsError, match="mapping of callbacks.*" + text):
        callbacks_of(mapping)


def test_a_reference_that_is_the_proof_is_that_of_the_receipt() -> None:
    """Otherwise who knows one reference could report about every id."""
    verifier = ReferenceVerifier(REFERENCES)
    for keys in ({}, {"Reference": ["ref", "?m"]}, {"Reference": None}, {"Reference": "?n"}):
        with pytest.raises(SettingsError, match="only proof"):
            ProviderCallbacks(read_mapping(mapping_with(**keys)), verifier, REFERENCES)
    for reference in ("?m", ["?m", "ref"]):
        mapping = read_mapping(mapping_with(Reference=reference))
        provider = ProviderCallbacks(mapping, verifier, REFERENCES)
        other = REFERENCES.make(ReferencePurpose.RECEIPT, 7, 6)
        body = f'{{"reports": [{{"id": "a", "ref": "{other}", "state": "OK"}}]}}'.encode()
        (receipt,) = accepted(provider, request(body, f"m={REFERENCE}")).receipts
        assert receipt.reference == REFERENCES.read(REFERENCE)


def test_the_reply_is_that_of_the_endpoint() -> None:
    mapping = mapping_with(Reply={"Type": "text/xml", "Text": "<Response/>"})
    found = accepted(callbacks_of(mapping), request(b"{}"))
    assert found.reply == CallbackReply(b"<Response/>", "text/xml")
    nothing = accepted(callbacks_of(mapping), request(b"{}"), CallbackPurpose.INBOUND)
    assert nothing.reply == CallbackReply(b"", "text/plain")
    assert nothing.unknown == {Unreadable.REPORT: 1}


def test_there_is_a_mapping_of_each_preset() -> None:
    assert mapped_presets() == preset_names()
