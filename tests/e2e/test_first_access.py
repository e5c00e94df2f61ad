"""Access to the real server while no key exists: programs of its own user, and no others."""

import os
import pwd
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests
import yaml

from campaign_common.database import Database
from campaign_common.dsn import parse_dsn
from campaign_common.settings import MysqlSettings
from local_stack.distributions.cache import Cache
from local_stack.errors import DownloadError, ProgramMissingError
from local_stack.ports import free_port
from tests.conftest import skip_unless_ci
from tests.support.sample import SAMPLE
from tests.support.servers import nginx
from tests.support.servers.databases import DatabaseServers, fresh_schema
from tests.support.servers.schemas import make_current
from tests.support.services.api_service import ApiService, running_api

root_only = pytest.mark.skipif(os.geteuid() != 0, reason="only root can be another user")

PROXYS_USER = "www-data"
ANOTHER_USER = 12_345

CLIENT = """
import encodings.idna, http.client, os, sys
client = http.client.HTTPConnection("127.0.0.1", int(sys.argv[2]), timeout=20)
os.setuid(int(sys.argv[1]))
client.request("GET", "/v1/campaigns", headers={"Host": "localhost"})
print(client.getresponse().status)
"""


@pytest.fixture(scope="module")
def api(
    database_servers: DatabaseServers, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ApiService]:
    """The service with the original system's file, and no key. One flavour is enough."""
    folder: Path = tmp_path_factory.mktemp("first-access")
    with fresh_schema(database_servers.get("mariadb").dsn) as dsn:
        address = parse_dsn(dsn)
        pool = Database(MysqlSettings(dsn=address))
        make_current(pool, 8)
        pool.close()
        configuration = folder / "campmgr.yaml"
        document = yaml.safe_load(SAMPLE)
        document["Port"] = free_port()
        document["Mysql"] |= {"Addr": address.address, "DSN": dsn}
        configuration.write_text(yaml.safe_dump(document))
        (folder / "recipients.csv").write_text("Ann,13961467500\n")
        with running_api(configuration, folder=folder) as service:
            yield service


@pytest.fixture(scope="module")
def program(cache: Cache) -> tuple[str, ...]:
    try:
        return nginx.command(cache)
    except (ProgramMissingError, DownloadError) as error:
        skip_unless_ci(str(error))


def test_the_original_example_needs_no_key(api: ApiService) -> None:
    """The request of the original system's README, by curl, of the user who runs the API."""
    body = (
        '{"campaign_name": "game0", "campaign_id": 1000000000, "message_template": "hi {name}",'
        ' "scheduled_time": 1727351999, "csv_file_path": "recipients.csv"}'
    )
    url = f"{api.url.replace('127.0.0.1', 'localhost')}/v1/camp/create"
    completed = subprocess.run(
        ["curl", "-sS", "-X", "POST", url, "-H", "Content-Type: application/json", "-d", body],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert completed.stdout.strip() == '{"code":0,"msg":"success"}'


@root_only
@pytest.mark.parametrize(
    "directives",
    [
        'proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header Host localhost;',
        "proxy_http_version 1.0; proxy_set_header Host localhost;",
        "proxy_http_version 1.1; proxy_set_header Host 127.0.0.1:{port};",
        "",
    ],
    ids=["1.1, as from 1.29.7 on", "1.0", "1.1, own address", "as it comes"],
)
def test_a_real_nginx_is_no_program(
    api: ApiService, program: tuple[str, ...], directives: str
) -> None:
    """Whatever it sends on: its workers are another user's."""
    upstream = urlsplit(api.url)
    said = directives.format(port=upstream.port)
    with nginx.nginx_before(api.url, said, program=program, user=PROXYS_USER) as url:
        answer = requests.get(f"{url}/v1/campaigns", timeout=20)
        assert answer.status_code == 401
        assert "campaign-db key create" in answer.json()["detail"]
        assert requests.get(f"{url}/healthz", timeout=20).status_code == 200
    assert requests.get(f"{api.url}/v1/campaigns", timeout=20).status_code == 200


@root_only
def test_a_proxy_of_the_own_user_cannot_be_told(api: ApiService, program: tuple[str, ...]) -> None:
    """docs/guides/access.md: by 1.1 and without any trace it is let in, by 1.0 it is not."""
    own = pwd.getpwuid(os.geteuid()).pw_name
    bare = 'proxy_set_header Connection ""; proxy_set_header Host localhost;'
    for version, status in (("1.1", 200), ("1.0", 401)):
        directives = f"proxy_http_version {version}; {bare}"
        with nginx.nginx_before(api.url, directives, program=program, user=own) as url:
            assert requests.get(f"{url}/v1/campaigns", timeout=20).status_code == status


@root_only
@pytest.mark.parametrize(("user", "status"), [(0, 200), (ANOTHER_USER, 401)])
def test_the_user_of_a_program_decides(api: ApiService, user: int, status: int) -> None:
    port = urlsplit(api.url).port
    completed = subprocess.run(
        [sys.executable, "-I", "-S", "-c", CLIENT, str(user), str(port)],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert int(completed.stdout) == status
