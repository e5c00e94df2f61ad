"""The keyed hash that an erasure leaves of a person's number."""

import hmac
from collections.abc import Sequence

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

SHORTEST_SECRET = 32
"""Characters; 64 hexadecimal digits of 32 random bytes are meant."""

HASH_BYTES = 12
"""96 bits: one of 10**12 imported numbers agrees by chance with one of 10**6 erased people with a
probability of 10**-10."""

_BLOCK_BYTES = 16
"""Of AES; a number has 15 digits at most."""

_HASH_PURPOSE = b"camp-mgr erased people: hash"
_ID_PURPOSE = b"camp-mgr erased people: key id"


class ErasureKey:
    """A key by which numbers of erased people are hashed, and its id, which tells nothing of it.

    A hash is the first 12 bytes of AES-256 over one block, the digits of the number filled up with
    zero bytes. To those without the key it is a pseudo-random function of the number; with the key
    numbers can be tested. It takes a tenth of the time of an HMAC, and every row of an import is
    hashed (docs/decisions/0020-hash-of-erased-people.md).
    """

    def __init__(self, secret: str) -> None:
        """Derive the key and its id from the text that the configuration has.

        Raises:
            ValueError: the text is shorter than `SHORTEST_SECRET`.
        """
        if len(secret) < SHORTEST_SECRET:
            raise ValueError(f"expected {SHORTEST_SECRET} characters or more")
        key = hmac.digest(secret.encode(), _HASH_PURPOSE, "sha256")
        # Every block is a message of its own: nothing is chained, and nothing is decrypted.
        self._cipher = Cipher(algorithms.AES256(key), modes.ECB())  # noqa: S305
        self.id = hmac.digest(secret.encode(), _ID_PURPOSE, "sha256")[:8].hex()

    def hashes(self, phones: Sequence[str]) -> list[bytes]:
        """Return the hash of each number; a number is up to 15 ASCII digits.

        Raises:
            ValueError: a number is longer, or not ASCII.
        """
        blocks = "".join([phone.ljust(_BLOCK_BYTES, "\0") for phone in phones]).encode("ascii")
        if any(len(phone) >= _BLOCK_BYTES for phone in phones):
            raise ValueError("a number that is to be hashed has more than 15 digits")
        hashed = self._cipher.encryptor().update(blocks)
        return [hashed[start : start + HASH_BYTES] for start in range(0, len(hashed), _BLOCK_BYTES)]

    def __repr__(self) -> str:
        return f"ErasureKey({self.id!r})"
