#!/bin/sh
# Installs what this machine lacks (Python 3.11+ with venv, Java 17+, Maven, and MariaDB where no
# embedded one is published), then the project into .venv. A second run only looks at a stamp.
# PYTHON=path chooses the interpreter, also in place of the one that .venv has; without it the
# fastest one that fits is taken. `deploy/setup.sh --which [CANDIDATE ...]` only prints the choice.
set -eu
cd "$(dirname "$0")/.."

stamp=.venv/.setup-stamp
inputs="requirements.lock deploy/build-requirements.lock pyproject.toml deploy/setup.sh"

say() { printf 'setup: %s\n' "$*"; }
fail() { say "$*" >&2; exit 1; }
have() { command -v "$1" >/dev/null 2>&1; }

fingerprint() { cat $inputs | cksum; }

fits() {
    "$1" -c 'import sys, venv, ensurepip; assert sys.version_info >= (3, 11)' >/dev/null 2>&1
}

# How long an interpreter computes, in tenths of a millisecond: the least of five short tries.
loop_time() {
    "$1" -c '
from time import process_time
tries = []
for _ in range(5):
    began = process_time()
    counts = {}
    for number in range(200_000):
        counts[number % 1000] = counts.get(number % 1000, 0) + number
    tries.append(process_time() - began)
print(round(min(tries) * 10_000))'
}

# PYTHON where it is set; else the first that fits, unless a later one computes a tenth faster: a
# Python of pyenv is often built without optimisations, and the system has another one.
find_python() {
    if [ -n "${PYTHON:-}" ]; then
        fits "$PYTHON" || fail "PYTHON=$PYTHON is no Python 3.11 or newer with venv"
        echo "$PYTHON"
        return
    fi
    [ $# -gt 0 ] || set -- python3 /usr/bin/python3 python3.13 python3.12 python3.11 \
        /opt/homebrew/bin/python3.13 /usr/local/bin/python3.13
    chosen= least=
    for candidate; do
        fits "$candidate" || continue
        time=$(loop_time "$candidate")
        if [ -z "$chosen" ] || [ $((time * 10)) -lt $((least * 9)) ]; then
            chosen=$candidate least=$time
        fi
    done
    [ -n "$chosen" ] && echo "$chosen"
}

# The same places as deploy/local_stack/servers/java.py: Homebrew links its Java nowhere on PATH.
have_java() {
    for candidate in "${JAVA_HOME:-/nonexistent}/bin/java" java \
        /opt/homebrew/opt/openjdk/bin/java /usr/local/opt/openjdk/bin/java; do
        version=$("$candidate" -version 2>&1 | sed -n 's/.* version "\([0-9]*\).*/\1/p') || true
        if [ "${version:-0}" -ge 17 ]; then return; fi
    done
    return 1
}

have_database() {
    case "$(uname -s)-$(uname -m)" in Linux-x86_64 | Darwin-arm64) return ;; esac
    have mariadbd || have mysqld || [ -x /usr/sbin/mariadbd ] || [ -x /usr/sbin/mysqld ]
}

# For the tests of the dashboard (make test): Debian has one, and root may install it.
wants_browser() {
    [ -n "${WITH_BROWSER:-}" ] && grep -qs '^ID=debian' /etc/os-release && [ "$(id -u)" -eq 0 ] &&
        ! have chromium-headless-shell
}

missing() {
    find_python >/dev/null || echo python
    have_java || echo java
    have mvn || echo maven
    have_database || echo database
}

in_words() {
    for thing; do
        case $thing in
        python) echo "Python 3.11 or newer with venv" ;;
        java) echo "Java 17 or newer" ;;
        maven) echo "Maven (mvn)" ;;
        database) echo "MariaDB or MySQL (mariadbd or mysqld)" ;;
        esac
    done | paste -s -d ';' - | sed 's/;/, /g'
}

# The first package of a list that this release offers; for Python, in version 3.11 or newer.
first_offered() {
    for package; do
        offered=$(apt-cache policy "$package" 2>/dev/null | sed -n 's/^  Candidate: //p')
        case "$package:$offered" in
        *: | *:"(none)" | python3-venv:3.[0-9].* | python3-venv:3.10.*) ;;
        *) echo "$package"; return ;;
        esac
    done
    echo "$1"
}

apt_packages() {
    for thing; do
        case $thing in
        python) first_offered python3-venv python3.13-venv python3.12-venv python3.11-venv ;;
        java) first_offered openjdk-21-jre-headless openjdk-17-jre-headless \
            openjdk-25-jre-headless ;;
        maven) echo maven ;;
        database) echo mariadb-server-core ;;
        esac
    done
}

brew_packages() {
    for thing; do
        case $thing in
        python) echo python@3.13 ;;
        java) echo openjdk ;;
        maven) echo maven ;;
        database) echo mariadb ;;
        esac
    done
}

as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    elif have sudo; then
        sudo "$@"
    else
        fail "missing: $(in_words $absent); without sudo, let root run: $*"
    fi
}

install_missing() {
    absent=$(missing)
    [ -n "$absent" ] || return 0
    say "this machine lacks: $(in_words $absent)"
    if have apt-get; then
        as_root apt-get -q update
        as_root env DEBIAN_FRONTEND=noninteractive \
            apt-get -q -y install --no-install-recommends $(apt_packages $absent)
    elif have brew; then
        brew install $(brew_packages $absent)
    else
        fail "missing: $(in_words $absent); install it (neither apt-get nor brew is here)"
    fi
    absent=$(missing)
    [ -z "$absent" ] || fail "still missing after the installation: $(in_words $absent)"
}

install_browser() {
    wants_browser || return 0
    say "installing a browser for the tests"
    { apt-get -q update && DEBIAN_FRONTEND=noninteractive apt-get -q -y install \
        --no-install-recommends chromium-headless-shell fonts-liberation; } ||
        say "no browser could be installed: the tests that need one will say so"
}

# The program file itself, behind links and virtual environments.
program_of() {
    "$1" -c 'import os, sys; print(os.path.realpath(sys._base_executable))' 2>/dev/null
}

# Whether .venv is there, and is one of PYTHON where that is set.
venv_fits() {
    .venv/bin/python -c 'import sys; assert sys.version_info >= (3, 11)' 2>/dev/null || return 1
    [ -z "${PYTHON:-}" ] || [ "$(program_of "$PYTHON")" = "$(program_of .venv/bin/python)" ]
}

install_project() {
    if ! venv_fits; then
        python=$(find_python)
        say "creating .venv with $("$python" --version), $("$python" -c 'import sys; print(sys.executable)')"
        rm -rf .venv
        "$python" -m venv .venv
    else
        say "keeping .venv with $(.venv/bin/python --version), $(program_of .venv/bin/python)"
    fi
    say "installing the pinned packages"
    pip="env PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore .venv/bin/python -m pip -q"
    $pip install --require-hashes -r requirements.lock
    $pip install --require-hashes -r deploy/build-requirements.lock
    $pip install --no-deps --no-build-isolation -e .
}

if [ "${1:-}" = --which ]; then
    shift
    find_python "$@"
    exit
fi
install_browser
if [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$(fingerprint)" ] && have mvn && venv_fits; then
    exit 0
fi
install_missing
install_project
fingerprint >"$stamp"
say "ready"
