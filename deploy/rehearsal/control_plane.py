"""A complete control plane with simulated nodes, on ports and in a folder of its own."""

import json
import os
import secrets
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from local_stack.ports import free_port, is_free
from local_stack.process import ChildProcess, Command
from rehearsal.building import Programs

NODES = Path(__file__).with_name("nodes.yaml")

_HOST = "127.0.0.1"
_START_SECONDS = 60.0


class ControlPlane:
    """A cluster with simulated nodes; a context manager that starts and stops it."""

    def __init__(self, folder: Path, programs: Programs) -> None:
        self._folder = folder
        self._programs = programs
        self._processes: list[ChildProcess] = []
        self._kubeconfig = folder / "kubeconfig"
        self._service_account_key = folder / "service-account.key"
        self._certificates = folder / "certificates"

    def __enter__(self) -> Self:
        try:
            self._start()
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop()

    @property
    def environment(self) -> Mapping[str, str]:
        """Environment of a shell whose kubectl uses this cluster and no other."""
        return {
            "PATH": f"{self._programs.folder}{os.pathsep}{os.environ['PATH']}",
            "HOME": str(self._folder / "home"),
            "KUBECONFIG": str(self._kubeconfig),
        }

    def copy_certificate(self, certificate: Path, key: Path) -> None:
        """Copy the API server's certificate and key, where a valid pair is needed."""
        shutil.copyfile(self._certificates / "apiserver.crt", certificate)
        shutil.copyfile(self._certificates / "apiserver.key", key)

    def check(self) -> None:
        """Check that every process runs.

        Raises:
            ProcessDiedError: one of the processes ended.
        """
        for process in self._processes:
            process.check()

    def _start(self) -> None:
        for folder in (self._folder / "home", self._certificates):
            folder.mkdir(parents=True)
        etcd, peer, api = free_port(), free_port(), free_port()
        token = secrets.token_urlsafe(32)
        _write_secret(self._service_account_key, _private_key())
        _write_secret(self._folder / "tokens.csv", f'{token},rehearsal,1,"system:masters"\n')
        _write_secret(self._kubeconfig, self._access(api, token))
        self._run("etcd", self._etcd(etcd, peer)).wait_until(
            lambda: not is_free(etcd), _START_SECONDS
        )
        server = self._run("kube-apiserver", self._api_server(etcd, api))
        server.wait_until(lambda: self._kubectl("get", "--raw", "/readyz"), _START_SECONDS)
        self._run("kube-controller-manager", self._controller_manager())
        self._run("kube-scheduler", self._scheduler())
        self._run("kwok", self._kwok())
        server.wait_until(lambda: self._kubectl("apply", "-f", str(NODES)), _START_SECONDS)
        ready = ("wait", "--for=condition=Ready", "node", "--all", "--timeout=1s")
        server.wait_until(lambda: self._kubectl(*ready), _START_SECONDS)

    def _stop(self) -> None:
        for process in reversed(self._processes):
            process.stop()
        self._processes.clear()

    def _run(self, program: str, arguments: Sequence[str]) -> ChildProcess:
        process = ChildProcess(
            Command(
                name=program,
                arguments=[str(self._programs.path(program)), *arguments],
                log_file=self._folder / f"{program}.log",
                folder=self._folder,
                environment=self.environment,
                grace_seconds=5,
            )
        )
        self._processes.append(process)
        return process

    def _kubectl(self, *arguments: str) -> bool:
        completed = subprocess.run(
            [self._programs.path("kubectl"), *arguments],
            env=dict(self.environment),
            capture_output=True,
            check=False,
        )
        return completed.returncode == 0

    def _access(self, api: int, token: str) -> str:
        # The API server makes this certificate for itself when it starts.
        cluster = {
            "server": f"https://{_HOST}:{api}",
            "certificate-authority": str(self._certificates / "apiserver.crt"),
        }
        return json.dumps(
            {
                "apiVersion": "v1",
                "kind": "Config",
                "clusters": [{"name": "rehearsal", "cluster": cluster}],
                "users": [{"name": "rehearsal", "user": {"token": token}}],
                "contexts": [
                    {"name": "rehearsal", "context": {"cluster": "rehearsal", "user": "rehearsal"}}
                ],
                "current-context": "rehearsal",
            }
        )

    def _etcd(self, port: int, peer: int) -> list[str]:
        return [
            f"--data-dir={self._folder / 'etcd'}",
            f"--listen-client-urls=http://{_HOST}:{port}",
            f"--advertise-client-urls=http://{_HOST}:{port}",
            f"--listen-peer-urls=http://{_HOST}:{peer}",
            f"--initial-advertise-peer-urls=http://{_HOST}:{peer}",
            f"--initial-cluster=default=http://{_HOST}:{peer}",
            "--unsafe-no-fsync",  # nothing here outlives the rehearsal
        ]

    def _api_server(self, etcd: int, port: int) -> list[str]:
        return [
            f"--etcd-servers=http://{_HOST}:{etcd}",
            f"--bind-address={_HOST}",
            f"--secure-port={port}",
            f"--cert-dir={self._certificates}",
            f"--token-auth-file={self._folder / 'tokens.csv'}",
            "--anonymous-auth=false",
            "--allow-privileged",  # or it refuses such pods itself, before pod security does
            "--authorization-mode=RBAC",
            "--endpoint-reconciler-type=none",  # it refuses a loopback address
            "--service-cluster-ip-range=10.96.0.0/16",
            "--service-account-issuer=https://kubernetes.default.svc",
            f"--service-account-key-file={self._service_account_key}",
            f"--service-account-signing-key-file={self._service_account_key}",
        ]

    def _controller_manager(self) -> list[str]:
        return [
            *self._as_a_client(),
            f"--service-account-private-key-file={self._service_account_key}",
            f"--root-ca-file={self._certificates / 'apiserver.crt'}",
            # 15 s by default: an autoscaler's bounds are then seen that much later.
            "--horizontal-pod-autoscaler-sync-period=1s",
        ]

    def _scheduler(self) -> list[str]:
        return self._as_a_client()

    def _as_a_client(self) -> list[str]:
        return [f"--kubeconfig={self._kubeconfig}", "--secure-port=0", "--leader-elect=false"]

    def _kwok(self) -> list[str]:
        return [
            f"--kubeconfig={self._kubeconfig}",
            f"--config={self._programs.stages}",
            "--manage-all-nodes=true",
        ]


def _private_key() -> str:
    return (
        rsa.generate_private_key(public_exponent=65537, key_size=2048)
        .private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        .decode()
    )


def _write_secret(file: Path, content: str) -> None:
    file.touch(mode=0o600)
    file.write_text(content)
