"""What can go wrong while a trajectory is watched: named errors, and the warnings that stand for them in a
run that goes on."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from hptheory.errors import HPTheoryError


class ObserverError(HPTheoryError):
    """An observer is used in an order that has no meaning: attached twice, or stepped before ``prepare``."""


class ParameterChangedError(HPTheoryError):
    """A parameter has vanished, come, changed its shape or been unfrozen: the trajectory ends here."""


class NonFiniteError(HPTheoryError):
    """The gradient or the update of an observation is not finite."""


class ObservationWarning(UserWarning):
    """An observation could not be made; the run goes on, and the result says where the trajectory ends."""


class LinearisationWarning(UserWarning):
    """The linearised loss change does not follow the measured one, so that its decomposition means little."""


def check_same_parameters(
    state: Mapping[str, Tensor], own: Mapping[str, tuple[int, ...]], of: str, advice: str
) -> None:
    """``ObserverError`` where a state holds other parameters than those of these shapes."""
    given = {name: tuple(values.shape) for name, values in state.items()}
    if other := sorted(name for name, _ in given.items() ^ own.items()):
        raise ObserverError(
            f"the state holds other parameters than this {of}: {other[0]} is missing from one of the two or "
            f"has another shape; {advice}"
        )
