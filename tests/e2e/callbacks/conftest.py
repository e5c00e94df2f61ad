"""An API that takes in callbacks of three providers, on one flavour of database."""

from collections.abc import Iterator

import pytest

from tests.e2e.callbacks.scene import CallbackScene, callback_scene
from tests.support.servers.databases import DatabaseServers, fresh_schema


@pytest.fixture(scope="package")
def shared_scene(
    tmp_path_factory: pytest.TempPathFactory, database_servers: DatabaseServers
) -> Iterator[CallbackScene]:
    """One flavour: what is stored by each is a matter of the writer of receipts."""
    with (
        fresh_schema(database_servers.get("mariadb").dsn) as dsn,
        callback_scene(tmp_path_factory.mktemp("callbacks"), dsn) as scene,
    ):
        yield scene


@pytest.fixture
def scene(shared_scene: CallbackScene) -> CallbackScene:
    """The same API for all tests, without receipts."""
    shared_scene.forget()
    return shared_scene
