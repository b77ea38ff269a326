"""The examples that Hypothesis draws: the same on every run, in every order and environment."""

from __future__ import annotations

from typing import Any

import hypothesis
from hypothesis.internal.conjecture import providers


def load_profiles() -> None:
    """Register the profiles and load `reproducible`; `pytest --hypothesis-profile=explore` looks for new examples."""
    hypothesis.settings.register_profile("reproducible", derandomize=True, deadline=None)
    hypothesis.settings.register_profile("explore", max_examples=2000, deadline=None)
    hypothesis.settings.load_profile("reproducible")
    _ignore_constants_of_modules()


def _ignore_constants_of_modules() -> None:
    """Keep Hypothesis from drawing the constants of the modules that are loaded, unless it looks for new examples.

    It reads them from every module outside site-packages. So the examples of a test would depend on the tests before
    it, on the worker, and on whether emmett is installed in editable mode. No setting turns this off.
    """
    read_constants = (
        providers._get_local_constants
    )  # an AttributeError here means that Hypothesis has changed, see above
    none = providers._local_constants
    if len(none):
        raise RuntimeError("Hypothesis has drawn an example before tests/conftest.py was loaded")

    def constants() -> Any:
        profile = hypothesis.settings.get_profile(hypothesis.settings.get_current_profile_name())
        return none if profile.derandomize else read_constants()

    providers._get_local_constants = constants
