"""Keywords of inbound messages."""

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from campaign_common.domain.inbound.keyword_kind import KeywordKind
from campaign_providers.callbacks.keywords.keywords import KeywordMatch, Keywords
from tests.unit.providers.callbacks.requests import PACKAGE

KEYWORDS = Keywords()
STOP, START, HELP = (KeywordMatch(kind) for kind in KeywordKind)
UNSURE_STOP = KeywordMatch(KeywordKind.STOP, is_unsure=True)
FILE = yaml.safe_load((PACKAGE / "keywords" / "keywords.yaml").read_text())


@pytest.mark.parametrize(
    ("text", "match"),
    [
        pytest.param("STOP", STOP, id="as it is"),
        pytest.param(" stop.\n", STOP, id="case, blank and full stop"),
        pytest.param("\uff33\uff34\uff2f\uff30", STOP, id="full-width letters"),
        pytest.param("S.T.O.P.", STOP, id="full stops between"),
        pytest.param("„Stopp“!!", STOP, id="quotes"),
        pytest.param("STOP ✋\ufe0f", STOP, id="an emoji with its selector"),
        pytest.param("STOP 👋🏽", STOP, id="an emoji with a skin tone"),
        pytest.param("STOP\u200b", STOP, id="a blank without width"),
        pytest.param("opt-out", STOP, id="a hyphen"),
        pytest.param("Opt Out", STOP, id="two words"),
        pytest.param("Stop  all", STOP, id="two blanks"),
        pytest.param("Stop, please", STOP, id="a first word"),
        pytest.param("stop all messages", STOP, id="a first word of two"),
        pytest.param("ARRE\u0302T", STOP, id="a letter in two characters"),
        pytest.param("İPTAL", STOP, id="the dotted capital of Turkish"),
        pytest.param("IPTAL", STOP, id="the dotless one"),
        pytest.param("退订", STOP, id="Chinese"),
        pytest.param("إيقاف", STOP, id="Arabic"),
        pytest.param("end", STOP, id="END alone"),
        pytest.param("start", START, id="START"),
        pytest.param("HELP?", HELP, id="HELP"),
        pytest.param("please stop", UNSURE_STOP, id="contained"),
        pytest.param("cancel my appointment", UNSURE_STOP, id="CANCEL first"),
        pytest.param("see you at the end", UNSURE_STOP, id="END last"),
        pytest.param("请退订谢谢", UNSURE_STOP, id="contained without blanks"),
        pytest.param("help, how do I stop this", UNSURE_STOP, id="of two kinds STOP counts"),
        pytest.param(
            "more info please", KeywordMatch(KeywordKind.HELP, is_unsure=True), id="HELP contained"
        ),
        pytest.param("nonstop weekend", None, id="a part of a word"),
        pytest.param("YES", None, id="YES, which answers a question"),
        pytest.param("thanks!", None, id="another text"),
        pytest.param("", None, id="nothing"),
        pytest.param("?! 👍", None, id="no letters"),
    ],
)
def test_what_a_text_says(text: str, match: KeywordMatch | None) -> None:
    assert KEYWORDS.match(text) == match


@pytest.mark.parametrize("language", FILE["languages"])
def test_every_word_of_a_language_is_found(language: str) -> None:
    for kind, words in FILE["languages"][language].items():
        for word in words:
            for written in (word, word.upper(), f"  {word.title()}!"):
                assert KEYWORDS.match(written) == KeywordMatch(KeywordKind(kind)), written


def test_there_are_14_languages_of_all_kinds() -> None:
    assert len(FILE["languages"]) == 14
    assert all(set(each) == set(KeywordKind) for each in FILE["languages"].values())


@pytest.mark.parametrize("word", FILE["first"])
def test_a_first_word_decides(word: str) -> None:
    assert KEYWORDS.match(f"{word.upper()}, 12 thanks") == STOP


def test_configuration_adds_words() -> None:
    more = Keywords({KeywordKind.STOP: ["Lopeta"], KeywordKind.HELP: ["apua"]}, ["lopeta"])
    assert more.match("LOPETA.") == STOP
    assert more.match("lopeta kiitos") == STOP
    assert more.match("apua") == HELP
    assert KEYWORDS.match("lopeta") is None


@pytest.mark.parametrize(
    ("more", "first"),
    [
        pytest.param({KeywordKind.START: ["Stop!"]}, [], id="two meanings"),
        pytest.param({KeywordKind.STOP: ["!!"]}, [], id="no letters"),
        pytest.param({}, ["hello"], id="a first word that is none"),
    ],
)
def test_words_that_can_not_be_added(more: dict[KeywordKind, list[str]], first: list[str]) -> None:
    with pytest.raises(ValueError, match="word"):
        Keywords(more, first)


@settings(deadline=None)
@given(st.text())
def test_any_text_has_an_answer(text: str) -> None:
    match = KEYWORDS.match(text)
    assert match is None or match.kind in KeywordKind
