"""The reference in a link names a message, and no other text does."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from campaign_providers.callbacks.references import ReferencePurpose, ReferenceSigner
from campaign_providers.unsubscribe.link_references import (
    LinkReference,
    LinkSigner,
    sample_reference,
)

OLD, NEW = b"old secret of 32 bytes".ljust(32), b"new secret of 32 bytes".ljust(32)
SIGNER = LinkSigner([NEW, OLD], [0, 0])
BY_API = 2**40 + 10**13
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

campaigns = st.integers(0, 2**64 - 1)
seqs = st.integers(0, 2**32 - 1)


@settings(deadline=None)
@given(campaigns, seqs)
def test_a_reference_comes_back_as_it_was_made(campaign_id: int, seq: int) -> None:
    text = SIGNER.of_campaign(campaign_id)(seq)
    assert SIGNER.read(text) == LinkReference(campaign_id, seq)
    assert 22 <= len(text) <= 31
    assert set(text) <= set(ALPHABET)
    assert text[-1].isalnum()


@settings(deadline=None)
@given(campaigns, seqs)
def test_a_sample_is_as_long_and_no_reference(campaign_id: int, seq: int) -> None:
    sample = sample_reference(campaign_id, seq)
    assert len(sample) == len(SIGNER.of_campaign(campaign_id)(seq))
    assert SIGNER.read(sample) is None


@settings(deadline=None)
@given(campaigns)
def test_that_of_a_test_message_is_as_long_and_says_so(campaign_id: int) -> None:
    text = SIGNER.of_test(campaign_id)
    assert SIGNER.read(text) == LinkReference(campaign_id, 0, is_test=True)
    assert len(text) == len(SIGNER.of_campaign(campaign_id)(1))


@pytest.mark.parametrize(
    ("campaign_id", "seq", "length"),
    [
        pytest.param(7, 1, 22, id="small"),
        pytest.param(BY_API, 1, 27, id="id of the API"),
        pytest.param(BY_API, 2**24 - 1, 27, id="last short seq"),
        pytest.param(BY_API, 2**24, 30, id="first long seq"),
        pytest.param(2**64 - 1, 2**32 - 1, 31, id="largest"),
    ],
)
def test_a_link_is_short(campaign_id: int, seq: int, length: int) -> None:
    """The characters of a reference cost segments; that of a receipt has up to 40."""
    assert len(SIGNER.of_campaign(campaign_id)(seq)) == length


@pytest.mark.parametrize("campaign_id", [1, 1_000_000_001, BY_API])
def test_every_change_of_one_character_is_refused(campaign_id: int) -> None:
    """All characters in each place: also those that differ in bits which base64 leaves out."""
    text = SIGNER.of_campaign(campaign_id)(17)
    changed = {
        text[:place] + other + text[place + 1 :]
        for place in range(len(text))
        for other in ALPHABET + "=+/ é\n%٣"
    } - {text}
    assert len(changed) == (64 + 8 - 1) * len(text)
    assert not [each for each in changed if SIGNER.read(each) is not None]


@settings(deadline=None)
@given(campaigns, seqs, st.integers(1, 31), st.sampled_from(["cut", "longer", "in front"]))
def test_a_longer_or_shorter_text_is_refused(
    campaign_id: int, seq: int, count: int, way: str
) -> None:
    text = SIGNER.of_campaign(campaign_id)(seq)
    other = {"cut": text[:-count], "longer": text + text[:count], "in front": text[:count] + text}
    assert SIGNER.read(other[way]) is None


@settings(deadline=None, max_examples=50)
@given(st.text() | st.text(ALPHABET, min_size=20, max_size=32))
def test_any_other_text_is_none(text: str) -> None:
    assert SIGNER.read(text) is None


def test_a_reference_of_another_secret_or_use_is_none() -> None:
    theirs = LinkSigner([b"another secret of 32 bytes".ljust(32)], [0])
    assert SIGNER.read(theirs.of_campaign(7)(1)) is None
    receipts = ReferenceSigner("twilio", [NEW])
    for purpose in ReferencePurpose:
        assert SIGNER.read(receipts.make(purpose, 7, 1)) is None
    assert receipts.read(SIGNER.of_campaign(BY_API)(1)) is None


def test_links_of_before_a_rotation_are_read_after_it() -> None:
    before = LinkSigner([OLD], [0]).of_campaign(7)(1)
    assert SIGNER.read(before) == LinkReference(7, 1)
    assert SIGNER.of_campaign(7)(1) != before


@pytest.mark.parametrize(("campaign_id", "first"), [(99, OLD), (100, NEW), (101, NEW)])
def test_the_campaign_says_which_secret_makes_its_links(campaign_id: int, first: bytes) -> None:
    rotating = LinkSigner([NEW, OLD], [100, 0])
    alone = LinkSigner([first], [0])
    assert rotating.of_campaign(campaign_id)(5) == alone.of_campaign(campaign_id)(5)
    assert rotating.of_test(campaign_id) == alone.of_test(campaign_id)


def test_campaigns_before_the_first_have_the_last_secret() -> None:
    late, old = LinkSigner([NEW, OLD], [100, 50]), LinkSigner([OLD], [0])
    assert late.of_campaign(7)(1) == old.of_campaign(7)(1)


def test_an_id_that_has_no_room_is_an_error() -> None:
    with pytest.raises(OverflowError):
        SIGNER.of_campaign(2**64)
    with pytest.raises(OverflowError):
        SIGNER.of_campaign(1)(2**32)
