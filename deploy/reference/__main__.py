"""Writes the tables of the configuration and deploy/campmgr.yaml, or compares them."""

import argparse
import sys
from pathlib import Path

from reference.entries import entries_of
from reference.example import example_file
from reference.page import generated_page

REPOSITORY = Path(__file__).resolve().parents[2]
PAGE = REPOSITORY / "docs" / "reference" / "configuration.md"
EXAMPLE = REPOSITORY / "deploy" / "campmgr.yaml"


def main() -> int:
    """Generate, and return the exit code: 1 where `--check` finds a file that differs."""
    parser = argparse.ArgumentParser(prog="reference", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing, fail on a difference")
    only_check = parser.parse_args().check
    entries = list(entries_of())
    page = PAGE.read_text(encoding="utf-8")
    generated = {PAGE: generated_page(page, entries), EXAMPLE: example_file(entries)}
    different = {
        file: text for file, text in generated.items() if file.read_text(encoding="utf-8") != text
    }
    for file, text in different.items():
        if only_check:
            print(f"{file.relative_to(REPOSITORY)} differs from the declarations: make reference")
        else:
            file.write_text(text, encoding="utf-8")
            print(file.relative_to(REPOSITORY))
    return 1 if different and only_check else 0


if __name__ == "__main__":
    sys.exit(main())
