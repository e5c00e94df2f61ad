"""Reports of gateways are stored when they are told so, at either port."""

import json

import pytest
import requests

from campaign_common.domain.receipts.receipt_rank import ReceiptRank
from campaign_common.settings import CallbacksSettings, ReferenceSecretSettings
from campaign_providers.callbacks.references import ReferencePurpose
from campaign_providers.unsubscribe.current_links import UnsubscribeLinks
from tests.e2e.callbacks.gateways import (
    BOUNCE,
    BY_REFERENCE,
    PASSWORD,
    SECRET,
    SIGNED,
    USER,
    WITH_PASSWORD,
    Callback,
    Sent,
    infobip,
    kannel,
    reference,
    result,
    signed,
)
from tests.e2e.callbacks.scene import CallbackScene
from tests.e2e.raw_http import RawConnection

DELIVERED, UNDELIVERED = ReceiptRank.DELIVERED, ReceiptRank.UNDELIVERED


@pytest.mark.parametrize("at_own_port", [False, True], ids=["Port", "CallbackPort"])
def test_a_report_is_stored_once_it_is_answered(scene: CallbackScene, at_own_port: bool) -> None:
    sent = scene.sent[0]
    url = scene.callback_url if at_own_port else scene.api.url
    answer = kannel(sent).send(url)
    assert (answer.status_code, answer.content) == (200, b"")
    assert scene.stored() == {(sent.campaign, sent.seq): DELIVERED}
    assert scene.counted() == {DELIVERED: 1}


def test_reports_that_are_repeated_change_nothing(scene: CallbackScene) -> None:
    with requests.Session() as session:
        for status in ("1", "1", "2", "8"):
            assert kannel(scene.sent[1], status).send(scene.api.url, session).status_code == 200
    assert scene.counted() == {DELIVERED: 1}


def test_a_hard_bounce_is_listed_for_the_schedulers(scene: CallbackScene) -> None:
    for sent, code in zip(scene.sent[:3], ("NACK/busy", BOUNCE, ""), strict=True):
        assert kannel(sent, "2", answer=code).send(scene.api.url).status_code == 200
    assert scene.bounced() == [(scene.sent[1].campaign, scene.sent[1].seq)]


def test_all_reports_of_a_request_are_stored(scene: CallbackScene) -> None:
    """Those of another provider than the one that sent the message are counted, and no more."""
    others = scene.metric("campaign_receipts_written_total", result="other_provider")
    answer = infobip(result(sent) for sent in scene.sent[:90]).send(scene.api.url)
    assert answer.status_code == 200
    assert scene.stored() == {}
    after = scene.metric("campaign_receipts_written_total", result="other_provider")
    assert after == others + 90


def test_large_bodies_are_read_to_their_end(scene: CallbackScene) -> None:
    received = scene.metric("campaign_callback_receipts_total", provider=SIGNED, rank="delivered")
    reports = infobip([result(scene.sent[0])] * 800)
    assert 200_000 < len(reports.body) < 262_144
    assert reports.send(scene.api.url).status_code == 200
    after = scene.metric("campaign_callback_receipts_total", provider=SIGNED, rank="delivered")
    assert after == received + 800


def test_bodies_in_chunks_are_taken(scene: CallbackScene) -> None:
    reports = infobip([result(scene.sent[0])])
    pieces = (reports.body[start : start + 7] for start in range(0, len(reports.body), 7))
    answer = requests.post(
        scene.api.url + reports.path, data=pieces, headers=dict(reports.headers), timeout=60
    )
    assert answer.status_code == 200


def test_a_body_is_asked_for_once_there_is_a_place(scene: CallbackScene) -> None:
    """`Expect: 100-continue`: asked for where it will be read, and not where nothing knows it."""
    reports = infobip([result(scene.sent[0])])
    head, _, body = reports.raw("Expect: 100-continue").partition(b"\r\n\r\n")
    connection = RawConnection(scene.api.url)
    connection.send(head + b"\r\n\r\n")
    connection.send(body)
    connection.end()
    said = connection.exchange(b"")
    assert said.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n")
    connection.close()
    stranger = RawConnection(scene.api.url)
    unknown = head.replace(SIGNED.encode(), b"nobody") + b"\r\n\r\n"
    assert stranger.exchange(unknown).startswith(b"HTTP/1.1 404 ")
    stranger.close()


def test_requests_may_follow_each_other_at_once(scene: CallbackScene) -> None:
    """A client that does not wait for answers gets them in the order of its requests."""
    connection = RawConnection(scene.callback_url)
    asked = [kannel(sent).raw() for sent in scene.sent[:20]]
    asked += [b"GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"]
    said = connection.exchange(b"".join(asked))
    statuses = [line[9:12] for line in said.split(b"\r\n") if line.startswith(b"HTTP/1.1 ")]
    assert statuses == [b"200"] * 20 + [b"404"]
    assert scene.counted() == {DELIVERED: 20}


def test_the_configured_url_decides_and_no_header(scene: CallbackScene) -> None:
    """A proof over the URL that the client claims would be one of the client's choice."""
    headers = {"Host": "evil.example", "X-Forwarded-Host": "evil.example"}
    answer = kannel(scene.sent[2])._replace(headers=headers).send(scene.api.url)
    assert answer.status_code == 200


def test_a_password_is_asked_for(scene: CallbackScene) -> None:
    body = json.dumps([{"type": "message-delivered", "message": {"id": "1"}}]).encode()
    path = f"/v1/callbacks/{WITH_PASSWORD}"
    without = Callback("POST", path, {"Content-Type": "application/json"}, body)
    refused = without.send(scene.api.url)
    assert refused.status_code == 401
    assert refused.headers["WWW-Authenticate"].startswith("Basic realm=")
    answer = requests.post(
        scene.api.url + path,
        data=body,
        auth=(USER, PASSWORD),
        headers=dict(without.headers),
        timeout=60,
    )
    assert answer.status_code == 200


def test_nothing_but_callbacks_is_answered_at_their_port(scene: CallbackScene) -> None:
    for path in ("/healthz", "/readyz", "/v1/campaigns", "/docs", "/v1/callbacks"):
        answer = requests.get(scene.callback_url + path, timeout=60)
        assert answer.status_code == 404
        assert answer.json()["detail"] == "nothing but callbacks is answered here"
    assert requests.get(f"{scene.api.url}/healthz", timeout=60).ok


@pytest.mark.parametrize("at_own_port", [False, True], ids=["Port", "CallbackPort"])
def test_the_page_to_unsubscribe_is_at_either_port(scene: CallbackScene, at_own_port: bool) -> None:
    """Without a key; a body that comes late, or is large, is not waited for."""
    url = scene.callback_url if at_own_port else scene.api.url
    secrets = (ReferenceSecretSettings(value=SECRET),)
    links = UnsubscribeLinks(CallbacksSettings(base_url=url, secrets=secrets))
    link = links.of_campaign(url, scene.sent[0].campaign)(scene.sent[0].seq)
    page = requests.get(link, headers={"Accept-Language": "de"}, timeout=60)
    assert (page.status_code, page.headers["Content-Language"]) == (200, "de")
    assert requests.head(link, timeout=60).status_code == 200
    one_click = {"List-Unsubscribe": "One-Click"}
    assert requests.post(link, data=one_click, timeout=60).status_code == 200
    assert requests.post(link, data=iter([b"x" * 100, b"y"]), timeout=60).status_code == 200
    assert requests.post(link[:-1], timeout=60).status_code == 404
    log = scene.api.log.read_text()
    assert link.rpartition("/")[2] not in log
    assert "recipient unsubscribed" in log


@pytest.mark.parametrize("method", ["PUT", "DELETE", "HEAD", "OPTIONS"])
def test_other_methods_are_refused(scene: CallbackScene, method: str) -> None:
    answer = kannel(scene.sent[0])._replace(method=method).send(scene.api.url)
    assert answer.status_code == 405
    assert answer.headers["Allow"] == "GET, POST"


def test_what_is_not_understood_is_counted_and_acknowledged(scene: CallbackScene) -> None:
    """A gateway would repeat for days what it gets no 200 for."""
    cases = {
        ("body", SIGNED): signed(b"<xml/>"),
        ("report", SIGNED): infobip([{"to": "13961467500"}]),
        ("status", SIGNED): infobip([result(scene.sent[0], "NEW_WORD")]),
        ("reference", SIGNED): infobip([result(scene.sent[0], callbackData="a" * 40)]),
        ("no_reference", SIGNED): infobip([result(scene.sent[0], callbackData="")]),
        ("other_purpose", BY_REFERENCE): kannel(
            scene.sent[0], m=reference(BY_REFERENCE, Sent(0, 5), ReferencePurpose.TEST)
        ),
    }
    for (kind, provider), callback in cases.items():
        labels = {"provider": provider, "kind": kind}
        before = scene.metric("campaign_callback_unknown_total", **labels)
        assert callback.send(scene.api.url).status_code == 200, kind
        assert scene.metric("campaign_callback_unknown_total", **labels) == before + 1, kind
    assert scene.stored() == {}
