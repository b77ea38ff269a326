"""Properties that must hold for any bytes: each module has a `check`, which raises if they do not, and `seeds`."""
