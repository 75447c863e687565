"""The named errors of the trainer."""

from __future__ import annotations

from hptheory.errors import HPTheoryError


class RunDirectoryError(HPTheoryError):
    """A directory holds no sweep that can be read; the message names it and says what to give."""


class CorruptRecordError(HPTheoryError):
    """A stored record is not what was written; the message names the file and what to delete."""
