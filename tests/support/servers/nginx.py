"""A real nginx in front of a server: Debian's package, unpacked and not installed."""

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from local_stack.distributions import debian
from local_stack.distributions.cache import Cache
from local_stack.ports import free_port, is_free
from tests.support.services.processes import stopped_in_order
from tests.support.waiting import wait_until

_SUITE = "bookworm"
_PACKAGE = "nginx"
_PROGRAM = "usr/sbin/nginx"
_CACHE_NAME = "nginx-debian-bookworm"

_CONFIGURATION = """\
daemon off;
user {user};
worker_processes 1;
pid {folder}/pid;
error_log {folder}/error.log;
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    server {{
        listen 127.0.0.1:{port};
        location / {{
            proxy_pass {upstream};
            {directives}
        }}
    }}
}}
"""


def command(cache: Cache) -> tuple[str, ...]:
    """The beginning of a command that runs nginx.

    Raises:
        ProgramMissingError: it is not installed, and this is not a Debian system.
        DownloadError: the package could not be fetched.
    """
    installed = shutil.which("nginx")
    if installed is not None:
        return (installed,)
    root = cache.provide(
        _CACHE_NAME, lambda part: debian.fetch_programs(_PACKAGE, _SUITE, [_PROGRAM], part)
    )
    return debian.command(root, "nginx")


@contextmanager
def nginx_before(
    upstream: str, directives: str, *, program: tuple[str, ...], user: str
) -> Iterator[str]:
    """Pass requests on to `upstream`; yields the proxy's own URL. To be run as root."""
    port = free_port()
    # Its workers, another user's, must get there.
    with tempfile.TemporaryDirectory(prefix="nginx-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        configuration = folder / "nginx.conf"
        configuration.write_text(
            _CONFIGURATION.format(
                user=user, folder=folder, port=port, upstream=upstream, directives=directives
            )
        )
        process = subprocess.Popen(
            [*program, "-p", name, "-e", str(folder / "error.log"), "-c", str(configuration)],
            stdout=sys.stderr,
        )
        with stopped_in_order(process):
            wait_until(lambda: process.poll() is not None or not is_free(port))
            assert process.poll() is None
            yield f"http://127.0.0.1:{port}"
