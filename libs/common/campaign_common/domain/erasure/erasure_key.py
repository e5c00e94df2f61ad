"""The keyed hash that an erasure leaves of a person's number."""

import hmac
import sys
from collections.abc import Sequence

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

SHORTEST_KEY = 32
"""Characters; 64 hexadecimal digits of 32 random bytes are meant."""

HASH_BYTES = 8
"""64 bits: one of 10**9 imported numbers agrees by chance with one of 10**6 erased people with a
probability of 5 in 100,000."""

_BLOCK_BYTES = 16
"""Of AES; a number has 15 digits at most."""

_PADDED = f"%-{_BLOCK_BYTES}s"

_HASH_PURPOSE = b"camp-mgr erased people: hash"
_ID_PURPOSE = b"camp-mgr erased people: key id"


class ErasureKey:
    """A key by which numbers of erased people are hashed, and its id, which tells nothing of it.

    A hash is the first 8 bytes of AES-256 over one block, the digits of the number filled up with
    blanks, as an integer in this machine's order of bytes. To those without the key it is a
    pseudo-random function of the number; with the key numbers can be tested. It takes a thirtieth
    of the time of an HMAC, and every row of an import is hashed
    (docs/decisions/0020-hash-of-erased-people.md).
    """

    def __init__(self, secret: str) -> None:
        """Derive the key and its id from the text that the configuration has.

        Raises:
            ValueError: the text is shorter than `SHORTEST_KEY`.
        """
        if len(secret) < SHORTEST_KEY:
            raise ValueError(f"expected {SHORTEST_KEY} characters or more")
        key = hmac.digest(secret.encode(), _HASH_PURPOSE, "sha256")
        # Every block is a message of its own: nothing is chained, and nothing is decrypted.
        self._cipher = Cipher(algorithms.AES256(key), modes.ECB())  # noqa: S305
        self.id = hmac.digest(secret.encode(), _ID_PURPOSE, "sha256")[:8].hex()

    def hashes(self, phones: Sequence[str]) -> list[int]:
        """Return the hash of each number; a number is up to 15 ASCII digits.

        Raises:
            ValueError: a number is longer than a block, or not ASCII.
        """
        blocks = ((_PADDED * len(phones)) % tuple(phones)).encode("ascii")
        if len(blocks) != _BLOCK_BYTES * len(phones):
            raise ValueError("a number that is to be hashed has more than 15 digits")
        return unpacked(self._cipher.encryptor().update(blocks))[::2]

    def __repr__(self) -> str:
        return f"ErasureKey({self.id!r})"


def packed(person_hash: int) -> bytes:
    """Return the bytes of a hash, which are the same on every machine."""
    return person_hash.to_bytes(HASH_BYTES, sys.byteorder)


def unpacked(together: bytes) -> list[int]:
    """Return the hashes whose bytes stand one after the other.

    Raises:
        TypeError: these are no whole hashes.
    """
    return memoryview(together).cast("Q").tolist()
