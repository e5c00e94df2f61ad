"""Callbacks that no gateway has sent: none changes anything, and none fails the service."""

import gzip
import json
import random
from collections.abc import Iterator

import psutil
import pytest

from benchmarks.sampling import MEGABYTE
from campaign_providers.callbacks.references import ReferencePurpose
from tests.e2e.callbacks.gateways import (
    BY_REFERENCE,
    SIGNED,
    WITH_PASSWORD,
    Callback,
    inbound_infobip,
    inbound_kannel,
    inbound_result,
    infobip,
    kannel,
    reference,
    result,
    signed,
)
from tests.e2e.callbacks.scene import CallbackScene
from tests.e2e.raw_http import RawConnection, exchange

INBOUND = ReferencePurpose.INBOUND
MUTATIONS = 600
LARGEST = 262_144
SEED = 20
MOST_GROWTH = 40 * MEGABYTE


@pytest.fixture(autouse=True)
def unharmed(scene: CallbackScene) -> Iterator[None]:
    """Nothing is stored, no worker dies or grows, and the log tells of no failure."""
    workers = [(each.pid, each.create_time()) for each in scene.api.workers()]
    held = max(each.memory_info().rss for each in scene.api.workers())
    logged = scene.api.log.stat().st_size
    yield
    assert (scene.stored(), scene.inbound()) == ({}, [])
    assert [(each.pid, each.create_time()) for each in scene.api.workers()] == workers
    now = max(psutil.Process(pid).memory_info().rss for pid, _ in workers)
    assert now < held + MOST_GROWTH
    with scene.api.log.open("rb") as log:
        log.seek(logged)
        lines = [json.loads(line) for line in log]
    assert {line["level"] for line in lines} <= {"info", "warning"}
    said = ("13961467500", "callbackData", "4917612345678", "STOP")
    assert not [line for line in lines if any(part in str(line) for part in said)]


def test_requests_without_a_valid_proof_are_refused(scene: CallbackScene) -> None:
    sent = scene.sent[0]
    reports = infobip([result(sent)])
    inbound = inbound_infobip([inbound_result("1")])
    by_reference = kannel(sent)
    mixed = reference(BY_REFERENCE, sent)[:-16] + reference(BY_REFERENCE, scene.sent[1])[-16:]
    cases = {
        "no signature": reports._replace(headers={"Content-Type": "application/json"}),
        "another secret": infobip([result(sent)], "another secret of a gateway"),
        "another body": reports._replace(body=reports.body.replace(b"DELIVERED", b"delivered")),
        "a body cut off": reports._replace(body=reports.body[:-1]),
        "no reference": Callback("GET", f"/v1/callbacks/{BY_REFERENCE}?status=1"),
        "another provider's reference": kannel(sent, m=reference(SIGNED, sent)),
        "a reference changed": by_reference._replace(path=by_reference.path.replace("m=A", "m=B")),
        "a reference of another message": kannel(sent, m=mixed),
        "another provider's endpoint": reports._replace(path=f"/v1/callbacks/{BY_REFERENCE}"),
        "a message without a signature": inbound._replace(headers={}),
        "a message by another secret": inbound_infobip([inbound_result("1")], "another secret"),
        "another message": inbound._replace(body=inbound.body.replace(b"STOP", b"stop")),
        "a message without a reference": inbound_kannel(m=""),
        "a reference of a receipt": inbound_kannel(m=reference(BY_REFERENCE, sent)),
        "a message of another provider": inbound_kannel(m=reference(SIGNED, sent, INBOUND)),
    }
    for name, callback in cases.items():
        answer = callback.send(scene.api.url)
        assert answer.status_code == 403, name
    for path in (f"/v1/callbacks/{WITH_PASSWORD}", f"/v1/inbound/{WITH_PASSWORD}"):
        assert reports._replace(path=path).send(scene.api.url).status_code == 401


def test_a_replayed_callback_changes_nothing_more(scene: CallbackScene) -> None:
    for _ in range(3):
        assert kannel(scene.sent[0]).send(scene.api.url).status_code == 200
    assert len(scene.stored()) == 1
    scene.forget()


@pytest.mark.parametrize(
    "path",
    [
        "/v1/callbacks/nobody",
        "/v1/callbacks/simulated",
        "/v1/callbacks/",
        f"/v1/callbacks/{SIGNED}/",
        f"/v1/callbacks/{SIGNED}/../{SIGNED}",
        "/v1/callbacks/%69nfobip",
        f"/v1//callbacks/{SIGNED}",
        f"//v1/callbacks/{SIGNED}",
        "/v1/inbound/nobody",
        "/v1/inbound/",
        "/v1/%69nbound/infobip",
        f"/v1/inbound/../callbacks/{SIGNED}",
    ],
)
def test_unknown_providers_are_refused_without_their_body(scene: CallbackScene, path: str) -> None:
    """The answer is there before a byte of the body is."""
    head = f"POST {path} HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n"
    connection = RawConnection(scene.callback_url)
    connection.send(head.encode())
    assert connection.answer().status == 404
    connection.close()


@pytest.mark.parametrize("endpoint", ["callbacks", "inbound"])
@pytest.mark.parametrize("framing", ["Content-Length: 262145", "Transfer-Encoding: chunked"])
def test_huge_bodies_are_not_kept(scene: CallbackScene, framing: str, endpoint: str) -> None:
    head = f"POST /v1/{endpoint}/{SIGNED} HTTP/1.1\r\nHost: a\r\n{framing}\r\n\r\n".encode()
    chunk = b"10000\r\n" + b" " * 65_536 + b"\r\n"
    body = b"" if "Length" in framing else chunk * 100
    answer = exchange(scene.callback_url, [head, body])
    assert answer.status == 413


@pytest.mark.parametrize("endpoint", ["callbacks", "inbound"])
def test_signed_bodies_that_hold_no_reports_are_acknowledged(
    scene: CallbackScene, endpoint: str
) -> None:
    """A gateway would repeat for days what it gets no 200 for."""
    results = [result(scene.sent[0]), inbound_result("1")]
    reports = json.dumps({"results": results}).encode()
    bodies = {
        "deep": b"[" * (LARGEST - 1) + b"]",
        "deep objects": b'{"results":' * 20_000 + b"1" + b"}" * 20_000,
        "gzip": gzip.compress(reports),
        "a bomb": gzip.compress(b" " * 50_000_000),
        "UTF-16": reports.decode().encode("utf-16"),
        "not UTF-8": b'{"results": [{"to": "\xff\xfe"}]}',
        "nothing": b"",
        "many items": b'{"results":[' + b"{}," * 80_000 + b"{}]}",
        "surrogates": json.dumps({"results": [{"to": "\ud800"}]}).encode(),
        "large numbers": b'{"results":[{"to":' + b"9" * 200_000 + b"}]}",
        "many names": json.dumps({f"n{n}": n for n in range(15_000)}).encode(),
        "fields": b"&".join(b"a%d=%%41" % n for n in range(20_000)),
    }
    for name, body in bodies.items():
        callback = signed(body, **{"Content-Encoding": "gzip"})
        answer = callback._replace(path=f"/v1/{endpoint}/{SIGNED}").send(scene.api.url)
        assert (answer.status_code, answer.content) == (200, b""), name


def test_slow_bodies_end_after_their_time(scene: CallbackScene) -> None:
    """5 s from the header on, however steadily the bytes come."""
    reports = infobip([result(scene.sent[0])])
    head, _, body = reports.raw().partition(b"\r\n\r\n")
    connection = RawConnection(scene.callback_url)
    connection.send(head + b"\r\n\r\n" + body[:10])
    answer = connection.answer()
    connection.close()
    assert answer.status == 408


def test_mutated_requests_are_never_failures(scene: CallbackScene) -> None:
    """Bytes replaced, left out, doubled and moved, in the header and in the body."""
    chance = random.Random(SEED)  # noqa: S311 - it is to be the same in each run
    sources = [
        infobip([result(scene.sent[0])]).raw(),
        infobip([result(scene.sent[0])] * 40).raw("Content-Encoding: gzip"),
        kannel(scene.sent[0]).raw(),
        signed(b"{}").raw("Transfer-Encoding: chunked"),
        inbound_kannel().raw(),
        inbound_infobip([inbound_result(str(n)) for n in range(20)]).raw(),
    ]
    for _ in range(MUTATIONS):
        source = chance.choice(sources)
        status = exchange(scene.callback_url, [mutated(chance, source)]).status
        # 501: a transfer coding that is not known (RFC 9112, section 6.1)
        assert status < 500 or status == 501, source
    scene.forget()  # a change of what the reference does not cover is a valid callback


def mutated(chance: random.Random, source: bytes) -> bytes:
    """Return a request with some changes behind its request line's path."""
    content = bytearray(source)
    for _ in range(chance.randint(1, 6)):
        at = chance.randrange(content.index(b"/v1/") + 4, len(content))
        match chance.randrange(4):
            case 0:
                content[at] = chance.randrange(256)
            case 1:
                del content[at : at + chance.randint(1, 9)]
            case 2:
                content[at:at] = content[at : at + chance.randint(1, 40)]
            case _:
                content[at:at] = bytes(chance.choices(b'\0\r\n\t &=%"{}[]:,\xff', k=3))
    return bytes(content)
