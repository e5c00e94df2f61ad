"""The cost of requests as templates: the fixed body, and a template of the same, in turns.

First the writing of a request alone is timed, beside that of a function written by hand for the
fixed body, as 0.2.0 had it, and with a signed reference in a callback URL.
"""

import time
from collections.abc import Callable

import click
import msgspec

from benchmarks.alternation import Send, alternated
from benchmarks.measuring import Case, Measuring, Show
from benchmarks.options import measuring_options
from benchmarks.results import Run
from benchmarks.scenarios.sending import Sending, counted, send_warm
from benchmarks.sink_process import CONNECTIONS, SinkProcess, running_sink
from benchmarks.site import Site
from campaign_common.domain.campaign import CampaignEpoch, CampaignId
from campaign_common.domain.message import MessageKey
from campaign_common.domain.message_record import MessageRecord
from campaign_common.domain.receipts.callback_url import callback_url
from campaign_common.domain.shard import Epoch
from campaign_common.settings import HttpProviderSettings, HttpSettings
from campaign_common.settings.sections.providers.map import ProviderMap
from campaign_providers.callbacks.message_references import SignedReferences
from campaign_providers.callbacks.references import ReferenceSigner
from campaign_providers.http.requests.fixed_body import BODY, as_templates
from campaign_providers.http.requests.writer import RequestWriter
from campaign_sender.message import Message

BATCH, ROUNDS = 1_000, 401
URL = "http://127.0.0.1:8089/messages"
MESSAGE = 66_000.0
"""Nanoseconds of processor time that a message costs a sender over HTTP."""

Write = Callable[[Message], bytes]


@click.command("template-cost")
@click.option("--rows", default=300_000, show_default=True)
@click.option("--senders", default=1, show_default=True)
@click.option("--latency", multiple=True, default=(0.0, 0.05), show_default=True, help="Seconds.")
@measuring_options
def template_cost(
    measuring: Measuring, rows: int, senders: int, latency: tuple[float, ...]
) -> None:
    """Send the fixed body, and the same as a template, in turns; time the writing of each."""
    for name, nanoseconds in writing().items():
        share = nanoseconds / MESSAGE
        click.echo(f"writing a request, {name}: {nanoseconds:.0f} ns, {share:.1%} of a message")
    measuring.measure("template-cost", [case(rows, senders, each) for each in latency])


def case(rows: int, senders: int, latency: float) -> Case:
    """Make the case of one latency of the sink."""
    label = f"{rows:,} rows, {counted(senders, 'sender')}, answers after {1000 * latency:g} ms"
    connections = 4 * CONNECTIONS if latency else CONNECTIONS

    def sending(by_template: bool) -> Send:  # noqa: FBT001 - one of two
        def send(site: Site, show: Show) -> Run:
            with running_sink(latency) as sink:
                settings = SinkProcess.template if by_template else SinkProcess.settings
                what = Sending(rows, senders, settings(sink, connections), sink.pid)
                return send_warm(site, what, show)

        return send

    parameters = {"rows": rows, "senders": senders, "latency": latency}
    ways = (("fixed", sending(False)), ("template", sending(True)))  # noqa: FBT003
    return alternated(label, *ways, parameters)


# --- writing alone --------------------------------------------------------------------------


class FixedBody(msgspec.Struct):
    """The fixed body, in the order of its keys."""

    message_id: str
    campaign_id: int
    seq: int
    phone: str
    body: str


class FixedWriter:
    """Writer of the fixed body, by hand."""

    def __init__(self) -> None:
        lines = [
            "POST /messages HTTP/1.1",
            "Host: 127.0.0.1:8089",
            "User-Agent: camp-mgr",
            "Accept: application/json",
            "Content-Type: application/json",
            "Idempotency-Key: ",
        ]
        self._head = "\r\n".join(lines).encode("ascii")
        self._encode = msgspec.json.Encoder().encode

    def write(self, message: Message) -> bytes:
        """Return the bytes of the request."""
        record, key = message.record, message.idempotency_key
        body = self._encode(
            FixedBody(key, record.campaign_id, record.seq, record.phone, record.body)
        )
        return b"%b%b\r\nContent-Length: %d\r\n\r\n%b" % (
            self._head,
            key.encode("ascii"),
            len(body),
            body,
        )


def writers() -> dict[str, Write]:
    """Make the writers that are compared."""
    keys = {
        "Kind": "http",
        "Url": URL,
        "Headers": {"Idempotency-Key": "{key}"},
        "Body": {"Type": "json", "Json": dict(BODY)},
    }
    loaded = ProviderMap().deserialize({"gateway": keys})
    settings = loaded["gateway"] if loaded else None
    if not isinstance(settings, HttpProviderSettings):
        raise TypeError("the provider is none over HTTP")
    return {
        "by hand": FixedWriter().write,
        "fixed body": RequestWriter(as_templates(HttpSettings(url=URL)), {}).write,
        "template": RequestWriter(settings, {}).write,
    }


def writers_of_callbacks() -> dict[str, Write]:
    """Make the writers of a form without a callback URL, and with one."""
    form = {"To": "{phone}", "Body": "{body}", "StatusCallback": "{callback_url}"}
    keys = {"Kind": "http", "Url": URL, "Body": {"Type": "form", "Form": form}}
    loaded = ProviderMap().deserialize({"gateway": keys})
    settings = loaded["gateway"] if loaded else None
    if not isinstance(settings, HttpProviderSettings):
        raise TypeError("the provider is none over HTTP")
    signer = ReferenceSigner("gateway", [b"secret of references"])
    before = callback_url("https://campaigns.example.com", "gateway", "")
    return {
        "form": RequestWriter(settings, {}).write,
        "form with a reference": RequestWriter(
            settings, {}, SignedReferences(signer, before)
        ).write,
    }


def writing() -> dict[str, float]:
    """Return the nanoseconds of processor time of each writer, the median of many turns."""
    messages = [message(n) for n in range(BATCH)]
    compared = writers()
    requests = {write(messages[0]) for write in compared.values()}
    if len(requests) != 1:
        raise RuntimeError("the writers differ in what they write")
    compared |= writers_of_callbacks()
    spent: dict[str, list[float]] = {name: [] for name in compared}
    for _ in range(ROUNDS):
        for name, write in compared.items():
            began = time.process_time_ns()
            for each in messages:
                write(each)
            spent[name].append((time.process_time_ns() - began) / BATCH)
    return {name: sorted(each)[ROUNDS // 2] for name, each in spent.items()}


def message(n: int) -> Message:
    """Make a message."""
    record = MessageRecord(
        1,
        CampaignId(1),
        n,
        n % 8,
        CampaignEpoch(1),
        1,
        str(13900000000 + n),
        f"hi user{n}, this is a test message.",
    )
    return Message(record, MessageKey(CampaignId(1), n), 0, n, Epoch(1), None)
