#!/bin/sh
# Makes .compiled: an environment for the tests with the optional compiled modules. `make test-compiled` calls it.
set -eu

cd "$(dirname "$0")/.."
.venv/bin/python -m venv --clear .compiled
# The build leaves its modules beside the sources, where .venv would find them: so it works on a copy.
copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
cp -R src pyproject.toml README.md LICENSE "$copy"
HATCH_BUILD_HOOKS_ENABLE=1 .compiled/bin/python -m pip install --quiet --disable-pip-version-check "$copy[test]"
