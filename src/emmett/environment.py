"""The environment variables through which the processes of one application exchange information."""

from __future__ import annotations

# The number of worker processes. With more than one, shared state cannot be in a worker's memory.
WORKERS = "EMMETT_WORKERS"
# Set while `emmett develop` runs: the import string of the application.
DEVELOP = "EMMETT_DEVELOP"
# The engine to run: `native` or `python`. By default the native one, where it is built.
ENGINE = "EMMETT_ENGINE"
# The format of the log: `text`, the default, or `json`.
LOG_FORMAT = "EMMETT_LOG_FORMAT"
# A folder that all worker processes of one server share while it runs.
RUN_DIR = "EMMETT_RUN_DIR"
