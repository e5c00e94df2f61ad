"""Keywords, and what an inbound text says by them."""

import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from functools import cache, lru_cache
from importlib.resources import files
from typing import NamedTuple

import msgspec
import yaml

from campaign_common.domain.inbound.keyword_kind import KeywordKind

LONGEST_KEYWORD_TEXT = 1_000
"""Characters of a text that are looked at."""

REMEMBERED_FORMS = 4_096
"""Characters whose forms are remembered: looking one up takes ten times as long."""


class KeywordMatch(NamedTuple):
    """A keyword in a text."""

    kind: KeywordKind
    is_unsure: bool = False
    """The text has other words, too, so that a person has to read it."""


class _KeywordFile(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    first: list[str]
    languages: dict[str, dict[KeywordKind, list[str]]]


class Keywords:
    """The keywords of all languages, and those of the configuration."""

    def __init__(
        self,
        more: Mapping[KeywordKind, Iterable[str]] | None = None,
        more_first: Iterable[str] = (),
    ) -> None:
        """Take words beside those that are known, and words that count as a text's first, too.

        Raises:
            ValueError: a word is nothing but punctuation, has two meanings, or counts as the first
                of a text and is no keyword.
        """
        known = _known()
        self._kinds: dict[str, KeywordKind] = {}
        for kind in KeywordKind:
            of_languages = (words.get(kind, ()) for words in known.languages.values())
            for words in (*of_languages, (more or {}).get(kind, ())):
                self._add(kind, words)
        self._first = self._first_words((*known.first, *more_first))
        self._joined = [(word, kind) for word, kind in self._kinds.items() if _has_no_spaces(word)]
        self._lengths: dict[str, int] = {}
        """Words of the longest keyword that begins with a word."""
        for keyword in self._kinds:
            first, *others = keyword.split()
            self._lengths[first] = max(1 + len(others), self._lengths.get(first, 1))

    def match(self, text: str) -> KeywordMatch | None:
        """Return the keyword that a text is, begins with or contains; None where it has none."""
        spaced, joined = _forms(text[:LONGEST_KEYWORD_TEXT])
        exact = self._kinds.get(spaced) or self._kinds.get(joined)
        if exact is None:
            exact = self._first.get(spaced.partition(" ")[0])
        if exact is not None:
            return KeywordMatch(exact)
        contained = set(self._contained(spaced))
        for kind in KeywordKind:
            if kind in contained:
                return KeywordMatch(kind, is_unsure=True)
        return None

    def _contained(self, spaced: str) -> Iterator[KeywordKind]:
        words = spaced.split(" ")
        for start, word in enumerate(words):
            for length in range(1, self._lengths.get(word, 0) + 1):
                kind = self._kinds.get(" ".join(words[start : start + length]))
                if kind is not None:
                    yield kind
        for word, kind in self._joined:
            if word in spaced:
                yield kind

    def _add(self, kind: KeywordKind, words: Iterable[str]) -> None:
        for word in words:
            for form in _forms(word):
                if not form or self._kinds.setdefault(form, kind) is not kind:
                    raise ValueError(f"keyword {word!r}: no letters, or two meanings")

    def _first_words(self, words: Iterable[str]) -> dict[str, KeywordKind]:
        first: dict[str, KeywordKind] = {}
        for word in words:
            form = _forms(word)[0]
            if form not in self._kinds:
                raise ValueError(f"first word {word!r}: no keyword")
            first[form] = self._kinds[form]
        return first


@cache
def _known() -> _KeywordFile:
    text = (files(__package__) / "keywords.yaml").read_text(encoding="utf-8")
    return msgspec.convert(yaml.safe_load(text), _KeywordFile)


def _forms(text: str) -> tuple[str, str]:
    """Return a text without case and punctuation: with a space in place of it, and with nothing.

    The second form is for words such as opt-out and S.T.O.P.
    """
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    spaced = "".join(map(_spaced, folded))
    joined = "".join(map(_joined, folded))
    return " ".join(spaced.split()), " ".join(joined.split())


@lru_cache(REMEMBERED_FORMS)
def _spaced(character: str) -> str:
    if _is_kept(character):
        return character
    # Parts of an emoji or of a letter, and no borders of words.
    return "" if unicodedata.category(character) in {"Cf", "Me", "Mn"} else " "


@lru_cache(REMEMBERED_FORMS)
def _joined(character: str) -> str:
    return character if _is_kept(character) or character.isspace() else ""


def _is_kept(character: str) -> bool:
    """Return whether a character is a letter, a digit or a mark of one."""
    category = unicodedata.category(character)
    return category[0] in "LN" or (category in {"Mn", "Mc"} and not _selects_variation(character))


def _selects_variation(character: str) -> bool:
    return "\ufe00" <= character <= "\ufe0f" or "\U000e0100" <= character <= "\U000e01ef"


def _has_no_spaces(word: str) -> bool:
    """Return whether a word is of a script that joins words, or prefixes to them."""
    return any(unicodedata.category(character) == "Lo" for character in word)
