import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaign_common.domain.sms_segments import DEFAULT_ALPHABET, EXTENSION, Encoding, segmentation

GSM = st.text(alphabet=DEFAULT_ALPHABET + EXTENSION, max_size=700)
ANY = st.text(max_size=300)


def test_the_alphabet_is_the_one_of_ts_23_038() -> None:
    assert len(set(DEFAULT_ALPHABET)) == len(DEFAULT_ALPHABET) == 127
    assert len(set(EXTENSION)) == len(EXTENSION) == 10
    assert not set(DEFAULT_ALPHABET) & set(EXTENSION)
    codes = {0x00: "@", 0x0A: "\n", 0x10: "Δ", 0x1A: "Ξ"}
    assert {code: DEFAULT_ALPHABET[code] for code in codes} == codes
    after_the_escape = {0x1C: "Æ", 0x24: "¤", 0x40: "¡", 0x5F: "§", 0x60: "¿", 0x7F: "à"}
    assert {code: DEFAULT_ALPHABET[code - 1] for code in after_the_escape} == after_the_escape


@pytest.mark.parametrize(
    ("text", "encoding", "segments", "forced_by"),
    [
        ("", "gsm7", 1, None),
        ("a" * 160, "gsm7", 1, None),
        ("a" * 161, "gsm7", 2, None),
        ("a" * 306, "gsm7", 2, None),
        ("a" * 307, "gsm7", 3, None),
        ("€" * 80, "gsm7", 1, None),
        ("€" * 81, "gsm7", 2, None),
        # 76 pairs fill 152 of 153 septets: the 77th is not divided.
        ("€" * 152, "gsm7", 2, None),
        ("€" * 153, "gsm7", 3, None),
        # A pair would straddle the end of the first segment, and pushes one septet on.
        ("a" * 152 + "€" + "a" * 151, "gsm7", 2, None),
        ("a" * 152 + "€" + "a" * 152, "gsm7", 3, None),
        ("ç", "ucs2", 1, "ç"),
        ("Ç", "gsm7", 1, None),
        ("\t", "ucs2", 1, "\t"),
        ("\x1b", "ucs2", 1, "\x1b"),
        ("a`" * 35, "ucs2", 1, "`"),
        ("你" * 70, "ucs2", 1, "你"),
        ("你" * 71, "ucs2", 2, "你"),
        ("你" * 134, "ucs2", 2, "你"),
        ("你" * 135, "ucs2", 3, "你"),
        ("😀" * 35, "ucs2", 1, "😀"),
        ("😀" * 36, "ucs2", 2, "😀"),
        # 33 pairs fill 66 of 67 code units.
        ("😀" * 66, "ucs2", 2, "😀"),
        ("😀" * 67, "ucs2", 3, "😀"),
        ("你" * 66 + "😀" + "你" * 65, "ucs2", 2, "你"),
        ("你" * 66 + "😀" + "你" * 66, "ucs2", 3, "你"),
    ],
)
def test_known_texts(text: str, encoding: str, segments: int, forced_by: str | None) -> None:
    assert segmentation(text) == (len(text), encoding, segments, forced_by)


def one_by_one(text: str, encoding: Encoding) -> int:
    """Fill segments character by character, as the standards describe it."""
    alone, room = (160, 153) if encoding is Encoding.GSM7 else (70, 67)

    def width(character: str) -> int:
        if encoding is Encoding.GSM7:
            return 2 if character in EXTENSION else 1
        return len(character.encode("utf-16-le")) // 2

    if sum(map(width, text)) <= alone:
        return 1
    segments, used = 1, 0
    for character in text:
        if used + width(character) > room:
            segments, used = segments + 1, 0
        used += width(character)
    return segments


@given(GSM)
def test_gsm_texts_are_filled_as_if_one_by_one(text: str) -> None:
    found = segmentation(text)
    assert (found.encoding, found.forced_by) == (Encoding.GSM7, None)
    assert found.segments == one_by_one(text, Encoding.GSM7)


@given(ANY)
def test_any_text_is_filled_as_if_one_by_one(text: str) -> None:
    found = segmentation(text)
    foreign = [c for c in text if c not in DEFAULT_ALPHABET + EXTENSION]
    assert found.forced_by == (foreign[0] if foreign else None)
    assert found.encoding is (Encoding.UCS2 if foreign else Encoding.GSM7)
    assert found.segments == one_by_one(text, found.encoding)
