#!/bin/sh
# Writes deploy/.env, which names the images of others by digest, as the registry has them now; to be run again to follow a tag.
set -eu
cd "$(dirname "$0")/.."

pinned() {
    digest=$(docker buildx imagetools inspect "$2" --format '{{.Manifest.Digest}}')
    case $digest in
        sha256:*) printf '%s=%s@%s\n' "$1" "$2" "$digest" ;;
        *) echo "pin.sh: the registry names no digest of $2" >&2; exit 1 ;;
    esac
}

{
    pinned MYSQL_IMAGE mysql:8.4
    pinned KAFKA_IMAGE apache/kafka:4.3.1
} >.env.part
mv .env.part .env
cat .env
