"""The named errors of the trainer."""

from __future__ import annotations

from hptheory.errors import HPTheoryError


class RunDirectoryError(HPTheoryError):
    """A directory holds no sweep that can be read; the message names it and says what to give."""


class CorruptRecordError(HPTheoryError):
    """A stored record is not what was written; the message names the file and what to delete."""


class ClaimsLostError(HPTheoryError):
    """This process was held up for so long that others have taken over its runs."""

    def __init__(self, directory: object) -> None:
        super().__init__(
            f"this process stood still for so long that another has taken over its runs in {directory}; "
            "what is stored stays, and the same command goes on with what is left"
        )


class CheckpointError(HPTheoryError):
    """A checkpoint cannot be read or belongs to another pack; the message names it and says what follows."""
