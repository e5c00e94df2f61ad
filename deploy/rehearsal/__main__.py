"""Rehearses overlays on a real control plane: `python -m rehearsal [OVERLAY ...]`."""

import argparse
import shutil
import sys
import time

from local_stack.distributions.cache import Cache
from local_stack.errors import StackError
from local_stack.scratch import scratch_folder
from local_stack.signals import unwind_on_sigterm
from manifests.rendering import REPOSITORY
from rehearsal.building import ETCD, KUBERNETES, KWOK, Programs, find_programs, versions
from rehearsal.cluster import Cluster
from rehearsal.control_plane import ControlPlane
from rehearsal.overlays import REHEARSALS
from rehearsal.stage import Stage
from rehearsal.terminal import Terminal
from rehearsal.transcript import Transcript

_EXIT_FAILED = 1
_EXIT_INTERRUPTED = 130  # as a shell reports Ctrl-C


def main(arguments: list[str] | None = None) -> int:
    """Rehearse the overlays given, or all of them, and return the exit code."""
    parser = argparse.ArgumentParser(prog="rehearsal", description=__doc__)
    parser.add_argument("overlays", nargs="*", type=_overlay, metavar="OVERLAY")
    overlays = parser.parse_args(arguments).overlays or list(REHEARSALS)
    unwind_on_sigterm()
    transcript = Transcript(sys.stdout)
    cache = Cache.from_environment()
    try:
        programs = _programs(cache)
        for overlay in overlays:
            with transcript.part(f"overlays/{overlay}"):
                begun = time.monotonic()
                _rehearse(overlay, programs, cache, transcript)
                transcript.confirmed(f"overlays/{overlay} in {time.monotonic() - begun:.0f} s")
    except StackError as error:
        print(f"\nk8s-rehearsal failed: {error}", file=sys.stderr)
        return _EXIT_FAILED
    except KeyboardInterrupt:
        return _EXIT_INTERRUPTED
    return 0


def _overlay(name: str) -> str:
    if name not in REHEARSALS:
        raise argparse.ArgumentTypeError(f"{name} is not one of {', '.join(REHEARSALS)}")
    return name


def _programs(cache: Cache) -> Programs:
    built = versions()
    print(
        f"Kubernetes {built[KUBERNETES]}, etcd {built[ETCD]}, nodes by kwok {built[KWOK]}"
        " (built the first time: 19 minutes of processor time)",
        flush=True,
    )
    return find_programs(cache)


def _rehearse(overlay: str, programs: Programs, cache: Cache, transcript: Transcript) -> None:
    with (
        scratch_folder("rehearsal") as folder,
        ControlPlane(folder / "cluster", programs) as control_plane,
    ):
        project = folder / "project"
        shutil.copytree(REPOSITORY / "k8s", project / "k8s")
        control_plane.copy_certificate(project / "tls.crt", project / "tls.key")
        stage = Stage(
            Terminal(project, control_plane.environment, transcript),
            Cluster(programs.path("kubectl"), control_plane.environment),
            cache,
        )
        stage.terminal.type("kubectl get nodes")
        for step in REHEARSALS[overlay]:
            step(stage)
            control_plane.check()


if __name__ == "__main__":
    sys.exit(main())
