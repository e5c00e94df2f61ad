"""Secrets that deliveries to webhooks are signed with, and their encryption for the database.

A secret that signs can not be hashed. It is encrypted by Fernet (AES-128-CBC and HMAC-SHA256) under
a key that stands in the configuration and not in the database: who reads the database alone, or a
backup of it, can not sign.
"""

from base64 import b64encode, urlsafe_b64encode
from hashlib import sha256
from secrets import token_bytes

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from campaign_common.settings import WebhooksSettings
from campaign_common.settings.sections.webhooks import SHORTEST_KEY
from campaign_providers.secret_files import SecretFiles, SecretUnreadable

SECRET_BYTES = 32
"""Random bytes of a secret; the standard asks for 24 to 64."""

PREFIX = "whsec_"

NAME = "Webhooks.Keys.{}"


class SecretKeyMissing(Exception):
    """No key is configured, one can not be read, or a secret was encrypted with another one."""


class WebhookSecrets:
    """Encryption of secrets with the first configured key, and decryption with all of them."""

    def __init__(self, settings: WebhooksSettings) -> None:
        self._count = len(settings.keys)
        self._files = SecretFiles({NAME.format(n): each for n, each in enumerate(settings.keys)})

    def encrypt(self, secret: str) -> str:
        """Encrypt a secret, as it is stored.

        Raises:
            SecretKeyMissing: no key is configured, or one can not be read.
        """
        return self._keys().encrypt(secret.encode("ascii")).decode("ascii")

    def decrypt(self, stored: str) -> str:
        """Decrypt a stored secret.

        Raises:
            SecretKeyMissing: none of the keys is the one that it was encrypted with.
        """
        try:
            return self._keys().decrypt(stored.encode("ascii")).decode("ascii")
        except InvalidToken:
            raise SecretKeyMissing(
                "the secret was encrypted with a key that is none of Webhooks.Keys here"
            ) from None

    def _keys(self) -> MultiFernet:
        if not self._count:
            raise SecretKeyMissing("Webhooks.Keys has no key")
        try:
            texts = self._files.read()
        except SecretUnreadable as error:
            raise SecretKeyMissing(str(error)) from error
        if any(len(text) < SHORTEST_KEY for text in texts.values()):
            raise SecretKeyMissing(
                f"a key of Webhooks.Keys has fewer than {SHORTEST_KEY} characters"
            )
        return MultiFernet([_fernet(texts[NAME.format(n)]) for n in range(self._count)])


def new_secret() -> str:
    """Return a new secret, as receivers are given it."""
    return PREFIX + b64encode(token_bytes(SECRET_BYTES)).decode("ascii")


def _fernet(text: str) -> Fernet:
    return Fernet(urlsafe_b64encode(sha256(text.encode()).digest()))
