"""The build of the native engine: what `pip install`, `make wheel` and `make wheels` run before they make a wheel.

Without a C compiler, or where the engine is not known to be safe, the wheel has the Python engine only, and says so.
`EMMETT_BUILD` decides otherwise: `python` never compiles, `native` fails when it cannot, `sanitize` compiles with
AddressSanitizer and UndefinedBehaviorSanitizer.
"""

from __future__ import annotations

import os
import sys
import sysconfig
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

SOURCES = Path("src", "emmett", "engine", "_native")
BUILT = Path("build", "native")
WARNINGS = ["-Wall", "-Wextra", "-Wno-missing-field-initializers", "-Wno-cast-function-type"]
# Unmasking takes a fifth of the time with vector instructions.
OPTIMIZED = ["-O3", "-fno-semantic-interposition"]
SANITIZED = ["-O1", "-g", "-fno-omit-frame-pointer", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"]


class NativeBuild(BuildHookInterface[Any]):
    """Compiles `emmett._native`."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile, and put the extension into the wheel, or beside the sources of an editable installation."""
        wanted = os.environ.get("EMMETT_BUILD", "")
        if wanted not in ("", "python", "native", "sanitize"):
            raise ValueError(f"EMMETT_BUILD={wanted!r} is not known; it is python, native or sanitize")
        reason = "EMMETT_BUILD=python" if wanted == "python" else find_obstacle()
        built = None
        if reason is None:
            try:
                built = compile_extension(Path(self.root), sanitized=wanted == "sanitize")
            except Exception as error:
                reason = f"it does not compile: {error}"
        if built is None:
            if wanted in ("native", "sanitize"):
                raise RuntimeError(f"EMMETT_BUILD={wanted}, but the native engine is not built: {reason}")
            self.app.display_warning(f"emmett is built without its native engine: {reason}")
            # One that was built before may be older than the sources.
            if version == "editable":
                remove_extensions(Path(self.root))
            return
        build_data["pure_python"] = False
        build_data["infer_tag"] = True
        if version == "editable":
            remove_extensions(Path(self.root))
            target = Path(self.root, "src", "emmett", built.name)
            target.write_bytes(built.read_bytes())
        else:
            build_data["force_include"][str(built)] = f"emmett/{built.name}"


def find_obstacle() -> str | None:
    """Return why this Python cannot have the native engine; None if nothing is known."""
    if sys.implementation.name != "cpython":
        return f"it needs CPython, not {sys.implementation.name}"
    if sysconfig.get_config_var("Py_GIL_DISABLED"):
        return "it is not known to be safe without the global interpreter lock"
    return None


def compile_extension(root: Path, *, sanitized: bool) -> Path:
    """Compile the extension, and return its path."""
    from setuptools import Distribution, Extension

    unix = os.name != "nt"
    flags = [*WARNINGS, *(SANITIZED if sanitized else OPTIMIZED)] if unix else []
    extension = Extension(
        "emmett._native",
        [str(path.relative_to(root)) for path in sorted((root / SOURCES).glob("*.c"))],
        depends=[str(path.relative_to(root)) for path in sorted((root / SOURCES).glob("*.h"))],
        extra_compile_args=flags,
        extra_link_args=["-fsanitize=address,undefined"] if sanitized and unix else [],
    )
    before = Path.cwd()
    os.chdir(root)
    try:
        distribution = Distribution({"name": "emmett", "ext_modules": [extension]})
        command = distribution.get_command_obj("build_ext")
        # One folder for each Python and each kind of build.
        folder = BUILT / f"{sys.implementation.cache_tag}{'-sanitized' if sanitized else ''}"
        command.build_lib, command.build_temp = str(folder), str(folder / "objects")
        command.ensure_finalized()
        command.run()
        return root / command.get_ext_fullpath("emmett._native")
    finally:
        os.chdir(before)


def remove_extensions(root: Path) -> None:
    """Remove what an earlier editable installation has put beside the sources for this Python."""
    suffix = sysconfig.get_config_var("EXT_SUFFIX")
    (root / "src" / "emmett" / f"_native{suffix}").unlink(missing_ok=True)
