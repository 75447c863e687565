"""Where data lie: a folder that the user names, and a cache for what is made from them."""

from __future__ import annotations

import os
from pathlib import Path

DATA_VARIABLE = "HPTHEORY_DATA"
CACHE_VARIABLE = "HPTHEORY_CACHE"


def data_folder(given: Path | None = None) -> Path | None:
    """The folder of data sets: the one given (``--data-dir``), else ``HPTHEORY_DATA``, else None."""
    named = os.environ.get(DATA_VARIABLE)
    return given or (Path(named) if named else None)


def cache_folder() -> Path:
    """The folder for what can be made again: ``HPTHEORY_CACHE``, else ``hptheory`` in the user's cache.

    >>> cache_folder().name in ("hptheory", Path(os.environ.get(CACHE_VARIABLE, "hptheory")).name)
    True
    """
    named = os.environ.get(CACHE_VARIABLE)
    if named:
        return Path(named)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "hptheory"
