"""What must hold for any bytes: each module has a `check`, which raises when it does not, and its `seeds`."""
