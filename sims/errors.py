"""The named errors of the trainer."""

from __future__ import annotations

from hptheory.errors import HPTheoryError


class RunDirectoryError(HPTheoryError):
    """A run directory cannot be made, written or read; the message names the path and the remedy."""


class CorruptRecordError(HPTheoryError):
    """A stored record is not what was written; the message names the file and what to delete."""
