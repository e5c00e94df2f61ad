"""Messages that cannot be sent while the gateway cannot be reached."""

from pathlib import Path

from campaign_providers.contract import UNREADY_PAUSE, SendResult, SendStatus
from campaign_providers.http.provider import HttpProvider
from local_stack.ports import free_port
from tests.support.waiting import wait_until
from tests.unit.providers.gateways import Outbound, gateway


def test_without_a_secret_an_unreachable_gateway_costs_nothing(tmp_path: Path) -> None:
    """A message that lacks a secret waits, and has not failed because the gateway is down too."""
    settings = gateway(
        Url=f"http://127.0.0.1:{free_port()}/send",
        AllowedNetworks=["127.0.0.0/8"],
        Secrets={"token": {"File": str(tmp_path / "absent")}},
        Headers={"Authorization": "Bearer {secret.token}"},
    )
    results: list[SendResult[Outbound]] = []
    provider = HttpProvider[Outbound](
        "gateway", settings, lambda messages: [None] * len(messages), results.extend
    )
    try:
        provider.submit([Outbound()])
        wait_until(lambda: len(results) == 1)
    finally:
        provider.close()
    (result,) = results
    assert (result.status, result.error_code) == (SendStatus.UNCONFIGURED, "secret_unreadable")
    assert result.retry_after == UNREADY_PAUSE
