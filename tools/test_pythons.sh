#!/bin/sh
# Runs tests from the wheel on every CPython >= 3.11 of this machine, each minor version once: `sh tools/test_pythons.sh
# [pytest's arguments]`. The environments are in .pythons, and are made again when what they depend on has changed.
# VERSIONS="3.12 3.13" chooses versions. `make test-pythons` calls it.
set -eu

unset PYTHONHOME PYTHONPATH PYTHONDONTWRITEBYTECODE VIRTUAL_ENV || true
cd "$(dirname "$0")/.."
folder=.pythons
versions=${VERSIONS:-3.11 3.12 3.13 3.14}

say() { printf '%s\n' "$*" >&2; }
have_uv() { command -v uv >/dev/null 2>&1; }

# Prints the path of a CPython of this minor version that can make environments.
find_python() {
    for python in "python$1" "${PYENV_ROOT:-$HOME/.pyenv}"/versions/"$1".*/bin/"python$1"; do
        if "$python" -c 'import ensurepip, sys, venv; sys.exit(sys.implementation.name != "cpython")' >/dev/null 2>&1; then
            # Not the name: a shim of pyenv, or the python of an environment, depends on where one is.
            "$python" -c 'import sys; print(getattr(sys, "_base_executable", sys.executable))'
            return
        fi
    done
    have_uv && uv python find --no-python-downloads "$1" 2>/dev/null
}

# What an environment depends on besides the wheel, which is put in each time.
wanted() { printf '%s\n' "$1 $(pwd -P) $(cat pyproject.toml tools/test_pythons.sh | cksum)"; }

install() { # environment, what to install...
    environment=$1
    shift
    if have_uv; then
        uv pip install --quiet --python "$environment/bin/python" "$@"
    else
        "$environment/bin/python" -m pip install --quiet --disable-pip-version-check "$@"
    fi
}

prepare() { # version, python
    environment=$folder/$1
    if [ "$(cat "$environment/emmett-setup" 2>/dev/null)" != "$(wanted "$2")" ]; then
        say "Making $environment with $2"
        rm -rf "$environment"
        if have_uv; then uv venv --quiet --python "$2" "$environment"; else "$2" -m venv "$environment"; fi
        install "$environment" "$wheel[test]"
        wanted "$2" >"$environment/emmett-setup"
    fi
    install "$environment" --force-reinstall --no-deps "$wheel"
}

found=
rm -rf "$folder/dist"
for version in $versions; do
    python=$(find_python "$version") || continue
    if [ -z "$found" ]; then
        mkdir -p "$folder"
        if have_uv; then
            uv build --quiet --wheel --python "$python" --out-dir "$folder/dist" .
        else
            .venv/bin/python -m pip wheel --quiet --disable-pip-version-check --no-deps --wheel-dir "$folder/dist" .
        fi
        wheel=$(echo "$folder"/dist/emmett-*.whl)
    fi
    found="$found $version"
    prepare "$version" "$python"
done
[ -n "$found" ] || { say "found none of CPython $versions"; exit 1; }

status=0
for version in $found; do
    say "== CPython $version, emmett from the wheel"
    "$folder/$version/bin/python" -m pytest "$@" || { status=1; say "FAILED on CPython $version"; }
done
say "ran on CPython$found"
exit $status
