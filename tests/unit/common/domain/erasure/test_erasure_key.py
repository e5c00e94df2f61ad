"""The hash that stays of an erased person: a function of the number and the key alone."""

import pytest

from campaign_common.domain.erasure.erasure_key import SHORTEST_KEY, ErasureKey, packed, unpacked

SECRET = "0123456789abcdef0123456789abcdef"
OTHER = "f" * 64
PHONE = "4917612345678"


# The expected values were computed with Python's hmac and openssl enc -aes-256-ecb -nopad.
@pytest.mark.parametrize(
    ("secret", "key_id", "phone", "expected"),
    [
        (SECRET, "162ebe6ff2fb06fa", PHONE, "2edff07ed6c3f49e"),
        (SECRET, "162ebe6ff2fb06fa", "1234567", "7552fd6721c0c667"),
        (SECRET, "162ebe6ff2fb06fa", "123456789012345", "02a08ed075facda5"),
        (OTHER, "3052a7fe913298f9", PHONE, "37b790fe16b0a768"),
    ],
    ids=["13 digits", "7 digits", "15 digits", "another key"],
)
def test_hash_and_key_id(secret: str, key_id: str, phone: str, expected: str) -> None:
    """Hashes and ids never change: those in the table would match nobody any more."""
    key = ErasureKey(secret)
    assert (key.id, [packed(each).hex() for each in key.hashes([phone])]) == (key_id, [expected])


def test_hashes_of_many_are_those_of_each() -> None:
    key = ErasureKey(SECRET)
    phones = ["1234567", PHONE, "123456789012345", PHONE, "12345670"]
    together = key.hashes(phones)
    assert together == [key.hashes([phone])[0] for phone in phones]
    assert len(set(together)) == 4
    assert unpacked(b"".join(map(packed, together))) == together
    assert key.hashes([]) == []


@pytest.mark.parametrize(
    "phones",
    [["12345678901234567"], ["1234567", "12345678901234567"], ["\u0661234567"]],
    ids=["17 digits", "one of two", "no ASCII"],
)
def test_what_is_no_number_has_no_hash(phones: list[str]) -> None:
    with pytest.raises(ValueError, match=r"more than 15 digits|ascii"):
        ErasureKey(SECRET).hashes(phones)


def test_a_short_secret_is_no_key() -> None:
    with pytest.raises(ValueError, match=str(SHORTEST_KEY)):
        ErasureKey("x" * (SHORTEST_KEY - 1))


def test_a_key_shows_nothing_of_its_secret() -> None:
    assert SECRET not in repr(ErasureKey(SECRET))
