#!/bin/sh
# Makes or mends .venv: `sh tools/setup.sh run` for what the framework itself needs, `... test` for the tests as well,
# `... fuzz` for the fuzzing, too.
# Does nothing, quickly, when .venv is already right. `make` calls it.
set -eu

# Modules from elsewhere have no place in our environment.
unset PYTHONHOME PYTHONPATH VIRTUAL_ENV || true

cd "$(dirname "$0")/.."
level=${1:?usage: sh tools/setup.sh run|test|fuzz}
venv=.venv
python=$venv/bin/python
stamp=$venv/emmett-setup
candidates="python3.14 python3.13 python3.12 python3.11 python3 python"

say() { printf '%s\n' "$*" >&2; }
have_uv() { command -v uv >/dev/null 2>&1; }
recent_enough() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; }

# What .venv must have been made from to be right; a moved or copied checkout has another folder.
wanted() {
    printf '%s\n%s\n' "$(pwd -P)" "$(cat pyproject.toml tools/setup.sh tools/build_native.py src/emmett/engine/_native/* | cksum)"
}
# Tells whether .venv has at least that level; each has all that the ones before it have.
has_level() {
    case "$(sed -n 's/^level //p' "$stamp" 2>/dev/null) $1" in
        "run run" | "test run" | "test test" | "fuzz run" | "fuzz test" | "fuzz fuzz") return 0 ;;
    esac
    return 1
}
is_current() { [ -f "$stamp" ] && [ "$(sed '/^level /d' "$stamp")" = "$(wanted)" ] && [ -x $venv/bin/emmett ]; }
is_moved() { [ -f "$stamp" ] && [ "$(head -n 1 "$stamp")" != "$(pwd -P)" ]; }
can_install() { have_uv || "$python" -m pip --version >/dev/null 2>&1; }

# Prints the first Python >= 3.11 that can make an environment.
find_python() {
    lacking=
    for name in $candidates; do
        recent_enough "$name" || continue
        if have_uv || "$name" -c 'import ensurepip, venv' >/dev/null 2>&1; then
            # Not the name: an activated .venv stands first on the PATH, and is about to be removed.
            "$name" -c 'import sys; print(getattr(sys, "_base_executable", sys.executable))'
            return
        fi
        lacking=${lacking:-$name}
    done
    if have_uv && uv python find --no-python-downloads '>=3.11' 2>/dev/null; then
        return
    fi
    if [ -n "$lacking" ]; then
        version=$("$lacking" -c 'import sys; print("python%d.%d" % sys.version_info[:2])')
        say "$(command -v "$lacking") cannot make virtual environments: its modules venv and ensurepip are missing."
        say "On Debian and Ubuntu: apt install $version-venv"
        say "Or install uv (https://docs.astral.sh/uv), which needs neither."
    else
        say "No Python 3.11 or newer was found. Looked on the PATH for: $candidates."
        say "On Debian and Ubuntu: apt install python3 python3-venv; on macOS: brew install python."
        say "With uv: uv python install"
    fi
    return 1
}

make_venv() {
    base=$(find_python) || exit 1
    say "Making $venv with $base ($("$base" -c 'import platform; print(platform.python_version())'))"
    rm -rf $venv
    if have_uv; then
        uv venv --quiet --python "$base" $venv
    else
        "$base" -m venv $venv
    fi
}

install() {
    case $level in
        run) target='.[templates]' ;;
        test) target='.[test]' ;;
        fuzz) target='.[test,fuzz]' ;;
        *) say "unknown level '$level'; it is run, test or fuzz"; exit 2 ;;
    esac
    say "Installing emmett and what it needs to $level into $venv"
    if have_uv; then
        uv pip install --quiet --python $python --editable "$target"
    else
        "$python" -m pip install --quiet --disable-pip-version-check --editable "$target"
    fi
}

if ! recent_enough $python || is_moved; then
    make_venv
elif is_current && has_level "$level"; then
    exit 0
elif ! can_install; then
    make_venv
elif has_level "$level"; then
    # What is there for more stays.
    level=$(sed -n 's/^level //p' "$stamp")
fi
rm -f "$stamp"
install
# pip shows nothing of what the build says.
suffix=$("$python" -c 'import sysconfig; print(sysconfig.get_config_var("EXT_SUFFIX"))')
if [ ! -f "src/emmett/_native$suffix" ]; then
    say "emmett runs on its Python engine: the native one needs a C compiler and the headers of Python."
    say "On Debian and Ubuntu: apt install gcc python3-dev; then remove $stamp and start again."
fi
{ wanted; echo "level $level"; } >"$stamp"
