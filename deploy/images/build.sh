#!/bin/sh
# Builds the images of all targets, or of those given: deploy/images/build.sh [api|scheduler|sender|tools]...
# They are named campaign-TARGET:VERSION, VERSION being the project's.
#
#   ENGINE   docker, podman or buildah (default: the first of them that works here)
#   BASE     another base image with Python 3.11 or newer (default: the one pinned in the Dockerfile)
#   PREFIX   goes before the names, such as registry.example.com/camp-mgr/
#   PIP_CERTIFICATES  authorities that pip has to trust during the build, as PEM; not for docker
set -eu
cd "$(dirname "$0")/../.."

say() { printf 'images: %s\n' "$*" >&2; }

engine() {
    for candidate in docker podman buildah; do
        case $candidate in
        docker) docker info ;;
        *) command -v "$candidate" ;;
        esac >/dev/null 2>&1 && { echo "$candidate"; return; }
    done
    say "needs docker, podman or buildah (apt install buildah)"
    return 1
}

engine=${ENGINE:-$(engine)}
version=$(sed -n 's/^version = "\(.*\)"/\1/p' pyproject.toml)
revision=$(git rev-parse HEAD 2>/dev/null || echo unknown)

build() {
    set -- --file deploy/Dockerfile --target "$1" --tag "${PREFIX:-}campaign-$1:$version" \
        --build-arg "VERSION=$version" --build-arg "REVISION=$revision" \
        ${BASE:+--build-arg "BASE=$BASE"}
    case $engine in
    docker) docker build "$@" . ;;
    # HEALTHCHECK is not in the OCI format. Chroot isolation needs no namespaces of its own.
    podman | buildah)
        if [ -n "${PIP_CERTIFICATES:-}" ]; then
            set -- "$@" --volume "$PIP_CERTIFICATES:/run/pip.pem:ro" \
                --volume "$PWD/deploy/images/pip.conf:/etc/pip.conf:ro"
        fi
        "$engine" build --format docker --layers --isolation chroot "$@" . ;;
    esac
}

[ $# -gt 0 ] || set -- api scheduler sender tools
for target; do
    say "$target with $engine"
    build "$target"
done
