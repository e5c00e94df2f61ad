"""Requests of gateways for the tests of mappings, and callbacks that believe all of them."""

from pathlib import Path

from campaign_providers import callbacks
from campaign_providers.callbacks.facts import Accepted, CallbackPurpose, CallbackRequest
from campaign_providers.callbacks.mappings.documents import read_mapping
from campaign_providers.callbacks.provider_callbacks import ProviderCallbacks
from campaign_providers.callbacks.references import ReferencePurpose, ReferenceSigner
from campaign_providers.callbacks.signatures.basic import BasicVerifier

PACKAGE = Path(callbacks.__file__).parent
BASE = "https://camp.example.com/v1/callbacks/gateway"
SIGNED = {"authorization": "Basic dXNlcjpwYXNz"}
VERIFIER = BasicVerifier([("user", "pass")])
REFERENCES = ReferenceSigner("gateway", [b"k" * 32])
REFERENCE = REFERENCES.make(ReferencePurpose.RECEIPT, 1_000_000_001, 17, 0, 5)


def request(
    body: bytes = b"", query: str = "", method: str = "POST", content_type: str = ""
) -> CallbackRequest:
    """Make a request with the gateway's password."""
    url = f"{BASE}?{query}" if query else BASE
    return CallbackRequest(method, url, {**SIGNED, "content-type": content_type}, body)


def callbacks_of(mapping: object) -> ProviderCallbacks:
    """Compile a mapping as YAML has it."""
    return ProviderCallbacks(read_mapping(mapping), VERIFIER, REFERENCES)


def accepted(
    provider: ProviderCallbacks,
    request: CallbackRequest,
    purpose: CallbackPurpose = CallbackPurpose.RECEIPTS,
) -> Accepted:
    """Return the facts of a request that is believed."""
    answer = provider.accept(request, purpose)
    assert isinstance(answer, Accepted)
    return answer
