import os
import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.support.servers.databases import DatabaseServers, SchemaServer

PROGRAM = "chromium-headless-shell"


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """Debian's browser; where it is not installed the tests are skipped, but never in CI.

    It ends with this package: as long as Playwright runs, no other test of the process can run an
    event loop.
    """
    program = shutil.which(PROGRAM)
    if program is None:
        if os.environ.get("CI"):
            pytest.fail(f"{PROGRAM} is not installed; make setup installs it as root")
        pytest.skip(f"{PROGRAM} is not installed; make test installs it as root on Debian")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def database_server(database_servers: DatabaseServers) -> SchemaServer:
    """One flavour: what a page shows does not depend on it."""
    return database_servers.get("mariadb")
