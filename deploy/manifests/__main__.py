"""Command line that writes k8s/rendered: `python -m manifests`, or `make manifests`."""

import sys

from local_stack.distributions.cache import Cache
from local_stack.errors import StackError
from manifests.kustomize import find_kustomize
from manifests.rendering import REPOSITORY, write_all


def main() -> int:
    """Render every overlay and return the exit code."""
    try:
        kustomize = find_kustomize(Cache.from_environment())
    except StackError as error:
        print(f"manifests: {error}", file=sys.stderr)
        return 1
    for file in write_all(kustomize):
        print(file.relative_to(REPOSITORY))
    return 0


if __name__ == "__main__":
    sys.exit(main())
