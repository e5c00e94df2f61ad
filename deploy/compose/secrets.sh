#!/bin/sh
# Makes the passwords and the first API key that deploy/compose.yaml hands to its containers; those that are there stay.
set -eu
cd "$(dirname "$0")"

# Containers run as other users and see single files; on this machine the folder guards them.
mkdir -p secrets
chmod 700 secrets

random() { od -An -N24 -tx1 /dev/urandom | tr -d ' \n'; }
keep() { [ -s "secrets/$1" ] || printf '%s' "$2" >"secrets/$1"; }

keep mysql-root-password "$(random)"
keep mysql-password "$(random)"
keep dsn "camp:$(cat secrets/mysql-password)@tcp(mysql:3306)/camp"
# What campaign-db key create would print: 8 bytes, a dot, 32 bytes as base64url.
keep first-key "$(od -An -N8 -tx1 /dev/urandom | tr -d ' \n').$(head -c 32 /dev/urandom | base64 | tr '+/' '-_' | tr -d '=\n')"
chmod 444 secrets/*
