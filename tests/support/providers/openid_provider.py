"""An OpenID provider as a process of its own: oidc-provider-mock."""

import json
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import requests

from local_stack.ports import free_port
from local_stack.process import ChildProcess, Command

START_SECONDS = 60


class OpenIdProviderProcess:
    """A provider at `issuer`; `people` have claims by their subject."""

    def __init__(self, folder: Path, people: Mapping[str, Mapping[str, object]]) -> None:
        port = free_port()
        self.issuer = f"http://127.0.0.1:{port}"
        claims = [json.dumps({"sub": sub, **others}) for sub, others in people.items()]
        given = [part for each in claims for part in ("--user-claims", each)]
        program = (sys.executable, "-m", "oidc_provider_mock", "--port", str(port))
        command = Command(
            "openid-provider",
            [*program, "--require-nonce", "true", *given],
            folder / "openid.log",
            folder,
        )
        self._process = ChildProcess(command)

    def wait(self) -> None:
        self._process.wait_until(self._answers, START_SECONDS)

    def stop(self) -> None:
        self._process.stop()

    def sign_in(self, url: str, subject: str) -> str:
        """Sign a person in on the provider's page, and return where it sends the browser."""
        answer = requests.post(url, data={"sub": subject}, allow_redirects=False, timeout=30)
        return answer.headers["Location"]

    def refuse(self, url: str) -> str:
        """Press Deny on the provider's page, and return where it sends the browser."""
        answer = requests.post(url, data={"action": "deny"}, allow_redirects=False, timeout=30)
        return answer.headers["Location"]

    def _answers(self) -> bool:
        try:
            return requests.get(f"{self.issuer}/jwks", timeout=5).status_code == 200
        except requests.RequestException:
            return False


@contextmanager
def openid_provider(
    folder: Path, people: Mapping[str, Mapping[str, object]]
) -> Iterator[OpenIdProviderProcess]:
    """Run a provider for a block."""
    provider = OpenIdProviderProcess(folder, people)
    try:
        provider.wait()
        yield provider
    finally:
        provider.stop()
