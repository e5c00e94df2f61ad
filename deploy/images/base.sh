#!/bin/sh
# Makes a base image where no registry can be reached: Debian's own Python, by debootstrap and
# buildah, as root. Prints nothing but what goes wrong; again does nothing.
#
#   deploy/images/base.sh NAME [MIRROR]      such as localhost/python-base:3.11
set -eu

name=$1
mirror=${2:-}
suite=bookworm

if buildah inspect --type image "$name" >/dev/null 2>&1; then
    exit 0
fi
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
debootstrap --variant=minbase --include=python3,python3-venv,ca-certificates \
    "$suite" "$root" $mirror >"$root.log" 2>&1 || { tail -n 20 "$root.log" >&2; exit 1; }
rm -rf "$root.log" "$root"/var/cache/apt/archives/*.deb "$root"/var/lib/apt/lists/*
container=$(buildah from scratch)
buildah copy -q "$container" "$root" / >/dev/null
buildah config --env PATH=/usr/local/bin:/usr/bin:/bin "$container"
buildah commit -q --rm "$container" "$name" >/dev/null
