"""The store of a sweep: what is finished, in one directory."""

from __future__ import annotations

from sims.store.records import (
    TRAINER_VERSION,
    Record,
    Run,
    Store,
    load,
    provenance,
    run_key,
    runs_of,
)

__all__ = ["TRAINER_VERSION", "Record", "Run", "Store", "load", "provenance", "run_key", "runs_of"]
