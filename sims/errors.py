"""The named errors of the trainer."""

from __future__ import annotations

from hptheory.errors import HPTheoryError


class RunDirectoryError(HPTheoryError):
    """A directory holds no sweep that can be read; the message names it and says what to give."""


class CorruptRecordError(HPTheoryError):
    """A stored record is not what was written; the message names the file and what to delete."""


class SweepWarning(UserWarning):
    """Something was wrong in a run directory and has been put right; the message says what it costs."""


class ClaimsLostError(HPTheoryError):
    """This process was held up for so long that others have taken over its runs."""

    def __init__(self, directory: object) -> None:
        super().__init__(
            f"this process stood still for so long that another has taken over its runs in {directory}; "
            "what is stored stays, and the same command goes on with what is left"
        )


class OtherDataError(HPTheoryError):
    """The data are not those that the runs of a directory were trained on."""

    def __init__(self, name: str, directory: object, known: str, found: str) -> None:
        super().__init__(
            f"the data of '{name}' are not those that the runs in {directory} were trained on (fingerprint "
            f"{found[:16]}, theirs {known[:16]}); give another --out, or the data of before"
        )


class DeviceError(HPTheoryError):
    """A device that this machine does not have."""

    def __init__(self, name: str) -> None:
        super().__init__(f"there is no device '{name}' here; give cpu, cuda, cuda:N, mps or auto")


class CheckpointError(HPTheoryError):
    """A checkpoint cannot be read or belongs to another pack or optimizer; the message says what follows."""


class NotAMatrixError(HPTheoryError):
    """A matrix optimizer was given what it cannot train; the message names it and says what can."""

    def __init__(self, found: str) -> None:
        super().__init__(
            f"{found}; matrix optimizers are for hidden weight matrices, so give this one to Adam, in a"
            " group of its own"
        )


class FallbackWarning(UserWarning):
    """An eigendecomposition or a statistic was not finite, and the one before was kept."""

    def __init__(self, optimizer: str, count: int) -> None:
        super().__init__(
            f"{optimizer}: {count} preconditioner(s) so far were not finite and keep their last finite value;"
            " if this goes on, lower the learning rate or raise eps"
        )


class DataError(HPTheoryError):
    """A data set is absent or not what was published; the message names the file and what to do."""
