"""A provider over HTTP under test, made of a preset, and the double that it sends to."""

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import yaml

from campaign_common.domain.receipts.reference_purpose import ReferencePurpose
from campaign_common.settings import HttpProviderSettings, Settings, load_settings
from campaign_providers.callbacks.message_references import references_of
from campaign_providers.contract import MakeReferences, SendResult, SendStatus
from campaign_providers.http import HttpProvider
from tests.support.providers.pages import read_page
from tests.support.providers.presets import DOUBLES, entered
from tests.support.providers.vendors.vendor import VendorServer

SECTIONS = {
    "Mysql": {"DSN": "user:password@tcp(127.0.0.1:3306)/camp"},
    "SyncClient": {"Topic": "topic", "Brokers": ["127.0.0.1:9092"]},
    "SendClient": {"Group": "group", "Brokers": ["127.0.0.1:9092"]},
}
"""Keys that a configuration needs beside its providers."""

TAKE_TEMPLATES = {"whatsapp_cloud"}
PART_END = "\n\n"
"""Text between the parameters of a template."""

_numbers = count(1)


class Text:
    """A message of a campaign, as a provider sees it."""

    originator: str | None = None
    template_name: str | None = None
    template_language: str | None = None
    parts: Sequence[str] = ()
    expires_in: float | None = None
    campaign_id = 7
    try_number = 1

    def __init__(self, phone: str, body: str) -> None:
        self.phone = phone
        self.body = body
        self.seq = next(_numbers)
        self.idempotency_key = f"{self.campaign_id}-{self.seq}-0"
        self.referenced = (ReferencePurpose.RECEIPT, self.campaign_id, self.seq, 0, 3)

    @classmethod
    def of(cls, preset: str, phone: str, body: str) -> "Text":
        """Make a message of the kind that a preset takes: a text, or a template with parameters."""
        text = cls(phone, body)
        if preset in TAKE_TEMPLATES:
            text.body, text.parts = "", body.split(PART_END)
            text.template_name, text.template_language = "order_1", "de"
        return text


class Sending:
    """Sends messages, and waits for their results."""

    def __init__(
        self,
        preset: str,
        settings: HttpProviderSettings,
        references: MakeReferences | None = None,
    ) -> None:
        self.preset = preset
        self._results: list[SendResult[Text]] = []
        self._changed = threading.Condition()
        self.provider = HttpProvider[Text](
            preset, settings, self._allow, self._keep, references=references
        )

    def send(self, *texts: Text) -> list[SendResult[Text]]:
        """Return the results of messages, in their order."""
        self.start(*texts)
        result_of = {result.message.seq: result for result in self.wait(len(texts))}
        return [result_of[text.seq] for text in texts]

    def start(self, *texts: Text) -> None:
        """Begin to send messages."""
        self.provider.submit(texts)

    def wait(self, number: int) -> list[SendResult[Text]]:
        """Wait for so many results, and take them."""
        with self._changed:
            complete = self._changed.wait_for(lambda: len(self._results) >= number, 20)
            assert complete, f"{len(self._results)} of {number} results"
            taken, self._results = self._results, []
        return taken

    @contextmanager
    def running(self) -> Iterator["Sending"]:
        """Close the provider at the end of the block."""
        try:
            yield self
        finally:
            self.provider.close()

    def _allow(self, messages: Sequence[Text]) -> list[SendStatus | None]:
        return [None] * len(messages)

    def _keep(self, results: Sequence[SendResult[Text]]) -> None:
        with self._changed:
            self._results += results
            self._changed.notify_all()


def provider_settings(keys: dict[str, object], folder: Path) -> HttpProviderSettings:
    """Read the settings of one provider from a file, as services do."""
    return provider_of(configuration(keys, folder))


def configuration(keys: dict[str, object], folder: Path, **sections: object) -> Settings:
    """Read a configuration with one provider from a file, as services do."""
    file = folder / "campmgr.yaml"
    file.write_text(yaml.safe_dump({**SECTIONS, "Providers": {"one": keys}, **sections}))
    return load_settings(file, {})


def provider_of(settings: Settings) -> HttpProviderSettings:
    """Return the one provider of a configuration."""
    provider = settings.providers["one"]
    assert isinstance(provider, HttpProviderSettings)
    return provider


class VendorSending(Sending):
    """Sends messages to a double."""

    def __init__(
        self,
        preset: str,
        settings: HttpProviderSettings,
        server: VendorServer,
        references: MakeReferences | None = None,
    ) -> None:
        super().__init__(preset, settings, references)
        self.server = server


@contextmanager
def sending_by(preset: str, folder: Path, **more: object) -> Iterator[VendorSending]:
    """Run a provider with the keys of the preset's page, and a double of its gateway."""
    with VendorServer(DOUBLES[preset]()).running() as server:
        keys = entered(read_page(preset), server.origin, folder, Connections=8, **more)
        sending = VendorSending(preset, provider_settings(keys, folder), server)
        with sending.running():
            yield sending


@contextmanager
def sending_with_callbacks(
    preset: str, folder: Path, callbacks: Mapping[str, object], **more: object
) -> Iterator[tuple[VendorSending, Settings]]:
    """Run a provider as `sending_by` does, with callbacks, and a double that demands them."""
    double = DOUBLES[preset]()
    double.takes_callbacks = True
    with VendorServer(double).running() as server:
        keys = entered(
            read_page(preset), server.origin, folder, receipts=True, Connections=8, **more
        )
        settings = configuration(keys, folder, Callbacks=callbacks)
        sending = VendorSending(
            preset, provider_of(settings), server, references_of(settings)["one"]
        )
        with sending.running():
            yield sending, settings
