"""Readability counts: homonyms, large folders, docstring openings, words, names of tests."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields

from census.sources import Docstring, SourceModule

LARGEST_FOLDER = 12
"""Modules side by side that a newcomer can still keep apart; `__init__` not counted."""

LONGEST_TEST_NAME = 60
"""Characters of a name that is still read at a glance; the sentence belongs into the docstring."""

TEST = "test_"

OPENINGS = frozenset({"How", "Tell", "Tells", "What", "Which", "Whether", "Who", "Whose"})
"""Words that begin a question or an order to tell, and not the name of a thing."""

CLAUSE_OPENINGS = frozenset({"From", "When", "Where", "Why"})
"""Words with which a class is described by a clause."""

NOUNS = frozenset(
    {"Amounts", "Changes", "Counts", "Limits", "Lists", "Results", "Sums", "Texts", "Waits"}
)
"""Words that are verbs in the third person, and plural nouns too."""

AFTER_NOUNS = frozenset({"by", "for", "from", "in", "on", "over", "set", "that", "to", "with"})
"""Words after which such a word is read as a noun; any other one is so before `of`."""

AVOIDED_WORDS = (
    *("anew", "by itself", "for ever", "lately", "mend", "mended", "mending", "mends"),
    *("nobody", "of these", "whoever"),
)
AVOIDED = re.compile(rf"\b({'|'.join(AVOIDED_WORDS)})\b", re.IGNORECASE)


@dataclass(frozen=True)
class Census:
    """Places where the code is hard to read, each as a line that names it."""

    homonyms: list[str]
    """Types of the same name in several modules."""
    large_folders: list[str]
    question_openings: list[str]
    class_openings: list[str]
    """Classes whose docstrings begin with a verb or a clause, and not with a noun phrase."""
    avoided_words: list[str]
    long_test_names: list[str]
    product_test_modules: list[str]
    """Modules of the product whose names are those of tests."""

    def totals(self) -> Mapping[str, int]:
        """Return how many places there are of each kind."""
        return {field.name: len(getattr(self, field.name)) for field in fields(self)}


def take_census(modules: Iterable[SourceModule], tests: Iterable[SourceModule] = ()) -> Census:
    """Count in all modules of the product; names and openings in its tests and benchmarks too."""
    modules, tests = list(modules), list(tests)
    return Census(
        homonyms=_homonyms(modules),
        large_folders=_large_folders(modules),
        question_openings=[
            f"{module.path}:{docstring.line}: {docstring.first_word}"
            for module in [*modules, *tests]
            for docstring in module.docstrings()
            if docstring.first_word in OPENINGS
        ],
        class_openings=_class_openings(modules),
        avoided_words=[
            f"{module.path}:{text.line}: {found[0]}"
            for module in modules
            for text in module.texts()
            for found in AVOIDED.finditer(text.text)
        ],
        long_test_names=[
            f"{test.path}: {name}"
            for test in tests
            for name in test.function_names()
            if name.startswith(TEST) and len(name) > LONGEST_TEST_NAME
        ],
        product_test_modules=[
            str(module.path) for module in modules if module.path.name.startswith(TEST)
        ],
    )


def lines_by_package(modules: Iterable[SourceModule]) -> Mapping[str, tuple[int, int]]:
    """Return files and lines of each package."""
    files, lines = Counter[str](), Counter[str]()
    for module in modules:
        files[module.package] += 1
        lines[module.package] += module.lines
    return {package: (files[package], lines[package]) for package in files}


def _homonyms(modules: Iterable[SourceModule]) -> list[str]:
    places = defaultdict[str, list[str]](list)
    for module in modules:
        for name in module.type_names():
            places[name].append(str(module.path))
    return [
        f"{name}: {', '.join(where)}" for name, where in sorted(places.items()) if len(where) > 1
    ]


def _class_openings(modules: Iterable[SourceModule]) -> list[str]:
    modules = list(modules)
    verbs = {
        _third_person(docstring.first_word)
        for module in modules
        for docstring in module.function_docstrings()
    }
    return [
        f"{module.path}:{docstring.line}: {docstring.first_word} {docstring.second_word}"
        for module in modules
        for docstring in module.class_docstrings()
        if docstring.first_word in CLAUSE_OPENINGS
        or (docstring.first_word in verbs and not _is_noun(docstring))
    ]


def _is_noun(docstring: Docstring) -> bool:
    return docstring.second_word == "of" or (
        docstring.first_word in NOUNS and docstring.second_word in AFTER_NOUNS
    )


def _third_person(imperative: str) -> str:
    """Return the form with which a class is said to do what a function is told to do."""
    if imperative.endswith(("ch", "o", "s", "sh", "x", "z")):
        return f"{imperative}es"
    if imperative.endswith("y") and not imperative.endswith(("ay", "ey", "oy", "uy")):
        return f"{imperative[:-1]}ies"
    return f"{imperative}s"


def _large_folders(modules: Iterable[SourceModule]) -> list[str]:
    sizes = Counter(module.path.parent for module in modules if module.path.name != "__init__.py")
    return [
        f"{folder}: {size} modules"
        for folder, size in sorted(sizes.items())
        if size > LARGEST_FOLDER
    ]
