"""A reference names a message, and no other text does."""

import base64
import hmac
import struct

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from campaign_providers.callbacks.references import (
    LONGEST_REFERENCE,
    OF_RECEIPTS,
    REMEMBERED,
    MessageReference,
    ReferencePurpose,
    ReferenceSigner,
)

OLD, NEW = b"old secret of 32 bytes".ljust(32), b"new secret of 32 bytes".ljust(32)
SIGNER = ReferenceSigner("twilio", [NEW, OLD])
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

references = st.builds(
    MessageReference,
    st.sampled_from(ReferencePurpose),
    st.integers(0, 2**64 - 1),
    st.integers(0, 2**32 - 1),
    st.integers(0, 2**16 - 1),
    st.integers(0, 2**16 - 1),
)


def made(reference: MessageReference, signer: ReferenceSigner = SIGNER) -> str:
    return signer.make(
        reference.purpose,
        reference.campaign_id,
        reference.seq,
        reference.generation,
        reference.shard,
    )


@settings(deadline=None)
@given(references)
def test_a_reference_comes_back_as_it_was_made(reference: MessageReference) -> None:
    text = made(reference)
    assert SIGNER.read(text) == reference
    assert 31 <= len(text) <= LONGEST_REFERENCE
    assert set(text) <= set(ALPHABET)


@settings(deadline=None)
@given(references, st.data())
def test_any_changed_character_is_refused(reference: MessageReference, data: st.DataObject) -> None:
    text = made(reference)
    place = data.draw(st.integers(0, len(text) - 1))
    other = data.draw(st.sampled_from(ALPHABET + "=+/ é\n%").filter(lambda c: c != text[place]))
    assert SIGNER.read(text[:place] + other + text[place + 1 :]) is None


def test_every_change_of_one_character_is_refused() -> None:
    """All 64 characters in each place: also those that differ in bits which base64 leaves out."""
    for campaign_id in (1, 1_000_000_001, 2**40):
        text = SIGNER.make(ReferencePurpose.RECEIPT, campaign_id, 17, 1, 5)
        changed = {
            text[:place] + other + text[place + 1 :]
            for place in range(len(text))
            for other in ALPHABET
        } - {text}
        assert len(changed) == 63 * len(text)
        assert not [each for each in changed if SIGNER.read(each) is not None]


@settings(deadline=None)
@given(references, st.integers(1, 40), st.sampled_from(["cut", "longer", "in front"]))
def test_a_longer_or_shorter_text_is_refused(
    reference: MessageReference, count: int, way: str
) -> None:
    text = made(reference)
    changed = {"cut": text[:-count], "longer": text + "A" * count, "in front": "A" * count + text}
    assert SIGNER.read(changed[way]) is None


@settings(deadline=None)
@given(st.one_of(st.text(), st.text(ALPHABET, min_size=30, max_size=41), st.text("é=\udcff\x00")))
@example("A" * 33)
@example("_" * 40)
@example("\n" + "A" * 35)
@example("A" * 35 + "\n")
@example("А" * 35)  # noqa: RUF001 - of another alphabet
def test_hostile_texts_are_refused_without_noise(text: str) -> None:
    assert SIGNER.read(text) is None


@pytest.mark.parametrize(
    "signer",
    [
        pytest.param(ReferenceSigner("vonage", [NEW, OLD]), id="another provider"),
        pytest.param(ReferenceSigner("twilio", [OLD]), id="another secret"),
        pytest.param(ReferenceSigner("twilio", [NEW + b"x"]), id="a longer secret"),
    ],
)
def test_a_reference_of_others_is_none(signer: ReferenceSigner) -> None:
    assert signer.read(SIGNER.make(ReferencePurpose.RECEIPT, 7, 5)) is None


def test_the_first_secret_makes_and_all_check() -> None:
    before = ReferenceSigner("twilio", [OLD])
    assert SIGNER.read(before.make(ReferencePurpose.RECEIPT, 7, 5)) is not None
    assert before.read(SIGNER.make(ReferencePurpose.RECEIPT, 7, 5)) is None
    after = ReferenceSigner("twilio", [NEW])
    assert after.read(SIGNER.make(ReferencePurpose.RECEIPT, 7, 5)) is not None


def test_secrets_with_the_same_key_id_both_check() -> None:
    """A key id is one byte: of 300 secrets some share theirs."""
    secrets = [b"%032d" % number for number in range(300)]
    together = ReferenceSigner("twilio", secrets)
    for secret in secrets:
        text = ReferenceSigner("twilio", [secret]).make(ReferencePurpose.RECEIPT, 7, 5)
        assert together.read(text) is not None


@pytest.mark.parametrize("purpose", ReferencePurpose)
def test_a_reference_is_read_for_its_purpose_alone(purpose: ReferencePurpose) -> None:
    text = SIGNER.make(purpose, 7, 5)
    assert (SIGNER.read_any(text, OF_RECEIPTS) is not None) == (purpose in OF_RECEIPTS)
    assert SIGNER.read_any(text, {purpose}) is not None


@pytest.mark.parametrize("secrets", [[], [b""], [NEW, b"short"]])
def test_a_short_secret_is_a_mistake(secrets: list[bytes]) -> None:
    with pytest.raises(ValueError, match="at least 16 bytes"):
        ReferenceSigner("twilio", secrets)


@pytest.mark.parametrize(
    "numbers", [(-1, 5), (2**64, 5), (7, -1), (7, 2**32), (7, 5, 2**16), (7, 5, 0, 2**16)]
)
def test_numbers_that_do_not_fit_are_a_mistake(numbers: tuple[int, ...]) -> None:
    with pytest.raises((struct.error, OverflowError)):
        SIGNER.make(ReferencePurpose.RECEIPT, *numbers)


def test_what_was_made_before_is_still_read() -> None:
    """References are on their way for days: the form must not change."""
    signer = ReferenceSigner("vonage", [b"k" * 32])
    text = "AAQAAAARAAAABTuaygFIgCwXtbK6pzh_2MY"
    assert signer.make(ReferencePurpose.RECEIPT, 1_000_000_001, 17, 0, 5) == text
    assert signer.read(text) == (
        MessageReference(ReferencePurpose.RECEIPT, 1_000_000_001, 17, 0, 5)  # type: ignore[arg-type]
    )


def test_the_signature_is_hmac_sha_256() -> None:
    """Of everything in front of it, under a key of provider and purpose, cut to 96 bits."""
    text = SIGNER.make(ReferencePurpose.TEST, 258, 17, 1, 5)
    data = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    key = hmac.digest(NEW, b"camp-mgr reference 1 1 twilio", "sha256")
    assert data[-12:] == hmac.digest(key, data[:-12], "sha256")[:12]
    assert data[2:-12].hex() == "00000011" + "0001" + "0005" + "0102"


@pytest.mark.parametrize(
    ("bounds", "campaign_id", "secret"),
    [
        pytest.param((), 1, NEW, id="the first makes all"),
        pytest.param((0, 0), 1, NEW, id="the first of all campaigns"),
        pytest.param((10, 0), 9, OLD, id="an earlier campaign"),
        pytest.param((10, 0), 10, NEW, id="the first campaign"),
        pytest.param((10, 0), 2**40, NEW, id="a later campaign"),
        pytest.param((10, 0), 0, NEW, id="no campaign"),
        pytest.param((10, 5), 4, OLD, id="before all of them"),
        pytest.param((10, 5), 5, OLD, id="between"),
    ],
)
def test_the_campaign_says_which_secret_makes(
    bounds: tuple[int, ...], campaign_id: int, secret: bytes
) -> None:
    """In every try, whatever was made before."""
    signer = ReferenceSigner("twilio", [NEW, OLD], bounds)
    expected = ReferenceSigner("twilio", [secret]).make(ReferencePurpose.RECEIPT, campaign_id, 5)
    for other in (1, 10, campaign_id):
        signer.make(ReferencePurpose.RECEIPT, other, 5)
    made = signer.make(ReferencePurpose.RECEIPT, campaign_id, 5)
    assert made == expected
    assert signer.read(made) is not None


def test_campaigns_are_remembered_within_bounds() -> None:
    for campaign_id in range(1, 3 * REMEMBERED):
        text = SIGNER.make(ReferencePurpose.RECEIPT, campaign_id, 5)
        found = SIGNER.read(text)
        assert found is not None
        assert found.campaign_id == campaign_id
