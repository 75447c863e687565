"""What can go wrong while a trajectory is watched: named errors, and the warnings that stand for them in a
run that goes on."""

from __future__ import annotations

from hptheory.errors import HPTheoryError


class ObserverError(HPTheoryError):
    """An observer is used in an order that has no meaning: attached twice, or stepped before ``prepare``."""


class ParameterChangedError(HPTheoryError):
    """A parameter has vanished, come or changed its shape, so that the trajectory ends here."""


class NonFiniteError(HPTheoryError):
    """The gradient or the update of an observation is not finite."""


class ObservationWarning(UserWarning):
    """An observation could not be made; the run goes on, and the result says where the trajectory ends."""


class LinearisationWarning(UserWarning):
    """The linearised loss change does not follow the measured one, so that its decomposition means little."""
