import ast
from pathlib import Path

import pytest

from census.counts import LARGEST_FOLDER, LONGEST_TEST_NAME, take_census
from census.sources import SourceModule, read_modules


def module(path: str, text: str = "") -> SourceModule:
    return SourceModule(Path(path), Path(path).parts[0], len(text.splitlines()), ast.parse(text))


def test_types_of_one_name_in_two_modules_are_homonyms() -> None:
    census = take_census(
        [module("a/one.py", "class Claim: ..."), module("b/two.py", "Claim = dict[str, int]")]
    )
    assert census.homonyms == ["Claim: a/one.py, b/two.py"]


@pytest.mark.parametrize(
    "text",
    [
        "class _Claim: ...",
        "CLAIM = dict[str, int]",
        "T = TypeVar('T')",
        "claim = 1",
        "def Claim(): ...",
    ],
)
def test_what_is_no_public_type_has_no_homonym(text: str) -> None:
    assert take_census([module("a/one.py", text), module("b/two.py", text)]).homonyms == []


def test_a_folder_is_large_by_its_own_modules() -> None:
    modules = [module(f"a/m{n}.py") for n in range(LARGEST_FOLDER + 1)]
    assert take_census(modules).large_folders == [f"a: {LARGEST_FOLDER + 1} modules"]
    others = [module("a/__init__.py"), module("a/b/m.py")]
    assert take_census([*modules[:-1], *others]).large_folders == []


@pytest.mark.parametrize(
    "text",
    [
        '"""What it does."""',
        'def f():\n    """Tell whether."""',
        'N = 1\n"""How many there are."""',
    ],
)
def test_openings_that_ask_are_counted(text: str) -> None:
    assert len(take_census([module("a/m.py", text)]).question_openings) == 1
    assert len(take_census([], [module("tests/test_m.py", text)]).question_openings) == 1


@pytest.mark.parametrize(
    ("docstring", "counted"),
    [
        pytest.param("Reads rows.", True, id="verb"),
        pytest.param("Carries steps out.", True, id="verb in -ies"),
        pytest.param("Publishes for each campaign.", True, id="verb in -es"),
        pytest.param("Counts the rows.", True, id="word that is read as a verb"),
        pytest.param("Counts of rows.", False, id="word that is read as a noun"),
        pytest.param("Rows of a list.", False, id="noun of no function"),
        pytest.param("Reader of rows.", False, id="noun phrase"),
        pytest.param("Where a list stands.", True, id="clause"),
        pytest.param("From where to where.", True, id="clause that begins with from"),
    ],
)
def test_classes_are_described_by_noun_phrases(docstring: str, counted: bool) -> None:
    """Verbs are those with which docstrings of functions begin."""
    verbs = ("Read", "Carry", "Publish", "Count")
    functions = "\n".join(f'def f{n}():\n    """{verb} it."""' for n, verb in enumerate(verbs))
    text = f'{functions}\nclass C:\n    """{docstring}"""\n'
    found = take_census([module("a/m.py", text)]).class_openings
    opening = " ".join(docstring.strip(".").split()[:2])
    assert found == ([f"a/m.py:{len(text.splitlines())}: {opening}"] if counted else [])


def test_words_to_avoid_are_named_with_their_line() -> None:
    text = (
        '"""Reads.\n\nWhoever reads."""\n\ndef f():\n    """Begin anew, and mend it."""\n'
        '    raise E(f"{x}: nobody reads it")\n    return "nobody"\n'
    )
    found = take_census([module("a/m.py", text)]).avoided_words
    assert found == [
        "a/m.py:1: Whoever",
        "a/m.py:6: anew",
        "a/m.py:6: mend",
        "a/m.py:7: nobody",
    ]


@pytest.mark.parametrize(
    ("name", "counted"),
    [
        pytest.param("test_" + "x" * (LONGEST_TEST_NAME - 5), False, id="longest"),
        pytest.param("test_" + "x" * (LONGEST_TEST_NAME - 4), True, id="too long"),
        pytest.param("make_" + "x" * LONGEST_TEST_NAME, False, id="no test"),
    ],
)
def test_names_of_tests_are_limited(name: str, counted: bool) -> None:
    tests = [module("tests/test_a.py", f"class TestA:\n    def {name}(self): ...")]
    found = take_census([], tests).long_test_names
    assert found == ([f"tests/test_a.py: {name}"] if counted else [])


def test_modules_of_the_product_are_not_named_as_tests() -> None:
    modules = [module("a/test_sends.py"), module("a/sends.py")]
    assert take_census(modules).product_test_modules == ["a/test_sends.py"]


def test_every_package_of_the_product_is_read() -> None:
    packages = {each.package for each in read_modules()}
    assert {"campaign_common", "campaign_api", "campaign_scheduler", "campaign_sender"} <= packages
