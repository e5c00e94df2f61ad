"""Writes the present texts of the dashboard into the file of each language, or compares them."""

import argparse
import sys
from pathlib import Path

from messages.catalogues import read, texts_of, untranslated, updated

REPOSITORY = Path(__file__).resolve().parents[2]
DASHBOARD = REPOSITORY / "services" / "api" / "campaign_api" / "dashboard"


def main() -> int:
    """Update the files, and return the exit code: 1 where a text has no translation.

    With `--check` also where a file lacks a text, or has one that is no longer there.
    """
    parser = argparse.ArgumentParser(prog="messages", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing, fail on a difference")
    only_check = parser.parse_args().check
    texts = texts_of(DASHBOARD)
    problems = []
    for file in sorted((DASHBOARD / "locales").glob("*.po")):
        catalogue = read(file, file.stem)
        content = updated(catalogue, texts)
        name = file.relative_to(REPOSITORY)
        if content != file.read_bytes():
            if only_check:
                problems.append(f"{name} is not of the present texts: make messages")
            else:
                file.write_bytes(content)
        problems += [f"{name} has no translation: {text}" for text in untranslated(catalogue)]
    print("\n".join(problems), end="\n" if problems else "")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
