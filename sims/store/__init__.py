"""The store of a sweep, in one directory: what is finished, what failed, who trains what, and how far."""

from __future__ import annotations

from sims.store.records import (
    TRAINER_VERSION,
    FailedRun,
    Record,
    Run,
    Store,
    load,
    provenance,
    run_key,
    runs_of,
)

__all__ = [
    "TRAINER_VERSION",
    "FailedRun",
    "Record",
    "Run",
    "Store",
    "load",
    "provenance",
    "run_key",
    "runs_of",
]
