"""The Python modules of the product and of its tests, parsed."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]

MOST_WORDS_OF_A_NAME = 2
"""A string of more words is a text."""

PACKAGES = ("libs/*/*", "services/*/*", "deploy/*")
"""Patterns of the folders that are counted, where they are packages."""


@dataclass(frozen=True)
class Docstring:
    """The documentation of a module, a class, a function or an attribute."""

    line: int
    text: str

    @property
    def first_word(self) -> str:
        """The word that it begins with, without punctuation."""
        return self._word(0)

    @property
    def second_word(self) -> str:
        """The word after that."""
        return self._word(1)

    def _word(self, place: int) -> str:
        words = self.text.split(maxsplit=place + 1)
        return words[place].strip("`\"'.,:;") if len(words) > place else ""


@dataclass(frozen=True)
class SourceModule:
    """One parsed file."""

    path: Path
    """Relative to the repository."""
    package: str
    lines: int
    tree: ast.Module

    def docstrings(self) -> Iterator[Docstring]:
        """Yield every string that stands alone, which is how Python documents things."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
                value = node.value.value
                if isinstance(value, str):
                    yield Docstring(node.lineno, value)

    def class_docstrings(self) -> Iterator[Docstring]:
        """Yield the docstrings of all classes."""
        return self._docstrings_of(ast.ClassDef)

    def function_docstrings(self) -> Iterator[Docstring]:
        """Yield the docstrings of all functions and methods."""
        return self._docstrings_of(ast.FunctionDef, ast.AsyncFunctionDef)

    def _docstrings_of(
        self, *kinds: type[ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef]
    ) -> Iterator[Docstring]:
        for node in ast.walk(self.tree):
            if isinstance(node, kinds) and (text := ast.get_docstring(node)) is not None:
                yield Docstring(node.body[0].lineno, text)

    def texts(self) -> Iterator[Docstring]:
        """Yield every string of several words: docstrings, errors, lines of logs and of pages."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                text = Docstring(node.lineno, node.value)
                if len(text.text.split()) > MOST_WORDS_OF_A_NAME:
                    yield text

    def function_names(self) -> Iterator[str]:
        """Yield the names of all functions and methods."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield node.name

    def type_names(self) -> Iterator[str]:
        """Yield the names of the classes and type aliases that stand at the top of the module.

        Private names are left out: they mean nothing outside of their module.
        """
        for node in self.tree.body:
            if isinstance(node, ast.ClassDef):
                name = node.name
            elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
                name = node.targets[0].id
                if not _is_type_name(name) or not isinstance(node.value, _TYPE_VALUES):
                    continue
            else:
                continue
            if not name.startswith("_"):
                yield name


_TYPE_VALUES = (ast.Subscript, ast.BinOp, ast.Call)


def _is_type_name(name: str) -> bool:
    """Return whether a name is written as those of classes are, and is no type variable."""
    return len(name) > 1 and name[0].isupper() and not name.isupper()


def read_modules(repository: Path = REPOSITORY) -> list[SourceModule]:
    """Parse every module of the product, in the order of their paths.

    Raises:
        SyntaxError: a file is no Python.
    """
    folders = [
        folder
        for pattern in PACKAGES
        for folder in repository.glob(pattern)
        if (folder / "__init__.py").exists()
    ]
    return [
        _read(repository, folder, file) for folder in sorted(folders) for file in _files(folder)
    ]


def read_tests(repository: Path = REPOSITORY) -> list[SourceModule]:
    """Parse every module below tests/ and benchmarks/, in the order of their paths.

    Raises:
        SyntaxError: a file is no Python.
    """
    folders = [repository / name for name in ("tests", "benchmarks")]
    return [_read(repository, folder, file) for folder in folders for file in _files(folder)]


def _files(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*.py"))


def _read(repository: Path, folder: Path, file: Path) -> SourceModule:
    text = file.read_text(encoding="utf-8")
    return SourceModule(
        file.relative_to(repository), folder.name, len(text.splitlines()), ast.parse(text, file)
    )
