#!/bin/sh
# Runs tests with emmett installed from its wheel: `sh tools/test_pythons.sh [pytest's arguments]` on every CPython >=
# 3.11 of this machine. The environments are in .pythons, and are made again when what they depend on has changed.
#
# MODE=wheel     on the Python engine, with a wheel that has no other (the default)
# MODE=native    on the native engine, which needs a C compiler
# MODE=sanitize  so, too, but compiled with AddressSanitizer and UndefinedBehaviorSanitizer, which end a test that errs
# MODE=coverage  measures, and fails where less is covered than before
# MODE=list      only prints the versions found
# MODE=paths     prints them with their interpreters, each on a line
# VERSIONS="3.12 3.13" leaves other versions out.
set -eu

unset PYTHONHOME PYTHONPATH PYTHONDONTWRITEBYTECODE VIRTUAL_ENV || true
cd "$(dirname "$0")/.."
folder=.pythons
mode=${MODE:-wheel}

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

find_versions() {
    for version in ${VERSIONS:-3.11 3.12 3.13 3.14}; do
        find_python "$version" >/dev/null && printf '%s ' "$version"
    done
    return 0
}

# What an environment depends on besides the wheel, which is put in each time.
dependencies() { sed -n '/^dependencies/,/^\[project.scripts\]/p' pyproject.toml; }
wanted() { printf '%s\n' "$1 $(pwd -P) $(dependencies | cksum)"; }

pip_install() { # environment, what to install...
    environment=$1
    shift
    if have_uv; then
        uv pip install --quiet --python "$environment/bin/python" "$@"
    else
        "$environment/bin/python" -m pip install --quiet --disable-pip-version-check "$@"
    fi
}

# Prints the path of the wheel of a copy, in which nothing is left of other builds.
build_wheel() { # environment
    copy=$(mktemp -d)
    cp -R src tools pyproject.toml .gitignore README.md LICENSE "$copy"
    rm -rf "$1/wheel"
    case $mode in
        native | sanitize) export EMMETT_BUILD=$mode ;;
        *) export EMMETT_BUILD=python ;;
    esac
    if have_uv; then
        uv build --quiet --wheel --python "$1/bin/python" --out-dir "$1/wheel" "$copy" >&2
    else
        "$1/bin/python" -m pip wheel --quiet --disable-pip-version-check --no-deps --wheel-dir "$1/wheel" "$copy" >&2
    fi
    rm -rf "$copy"
    echo "$1"/wheel/emmett-*.whl
}

# Makes or mends the environment of a version and puts the wheel in.
prepare() { # version
    environment=$folder/$1
    python=$(find_python "$1")
    is_new=
    if [ "$(cat "$environment/emmett-setup" 2>/dev/null)" != "$(wanted "$python")" ]; then
        say "Making $environment with $python"
        rm -rf "$environment"
        mkdir -p "$folder"
        if have_uv; then uv venv --quiet --python "$python" "$environment"; else "$python" -m venv "$environment"; fi
        is_new=1
    fi
    wheel=$(build_wheel "$environment")
    if [ -n "$is_new" ]; then
        pip_install "$environment" "$wheel[test]"
        wanted "$python" >"$environment/emmett-setup"
    else
        pip_install "$environment" --force-reinstall --no-deps "$wheel"
    fi
}

measure() { # version, pytest's arguments...
    python=$folder/$1/bin/python
    shift
    rm -rf .coverage
    "$python" -m coverage run -m pytest "$@" && "$python" -m coverage combine --quiet &&
        "$python" -m coverage report && "$python" -m coverage report --include '*/emmett/wire/*' --fail-under 100
}

# The sanitizers have to be loaded before Python, and see only memory that comes from malloc. Python itself frees little
# at its end, so leaks are looked for by tests/engine/test_leaks.py instead.
sanitized() { # version, arguments of python...
    python=$folder/$1/bin/python
    shift
    LD_PRELOAD="$(cc -print-file-name=libasan.so) $(cc -print-file-name=libubsan.so)" ASAN_OPTIONS=detect_leaks=0 \
        UBSAN_OPTIONS=print_stacktrace=1 PYTHONMALLOC=malloc EMMETT_ENGINE=native "$python" "$@"
}

# Runs the tests, and random streams against the Python engine: `make test-asan`.
sanitize() { # version, pytest's arguments...
    version=$1
    shift
    sanitized "$version" -m pytest "$@" && sanitized "$version" -m fuzzing.random_streams --seconds "${FUZZ_SECONDS:-20}"
}

versions=$(find_versions)
if [ "$mode" = list ]; then
    echo "$versions"
    exit
fi
if [ "$mode" = paths ]; then
    for version in $versions; do echo "$version $(find_python "$version")"; done
    exit
fi
[ -n "$versions" ] || { say "found no CPython ${VERSIONS:->= 3.11}"; exit 1; }

failed=
for version in $versions; do
    prepare "$version"
    say "== CPython $version, emmett from its wheel, $mode"
    case $mode in
        wheel) "$folder/$version/bin/python" -m pytest "$@" || failed="$failed $version" ;;
        native) EMMETT_ENGINE=native "$folder/$version/bin/python" -m pytest "$@" || failed="$failed $version" ;;
        sanitize) sanitize "$version" "$@" || failed="$failed $version" ;;
        coverage) measure "$version" "$@" || failed="$failed $version" ;;
        *) say "unknown mode '$mode'; it is wheel, native, sanitize, coverage, list or paths"; exit 2 ;;
    esac
done
[ -z "$failed" ] || { say "FAILED on CPython$failed"; exit 1; }
