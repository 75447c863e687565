"""The named errors of the decomposition: one sentence that says what, where, and what to do."""

from __future__ import annotations

from hptheory.errors import HPTheoryError


class ShapeMismatchError(HPTheoryError):
    """Arrays that belong together do not fit; the message holds both shapes."""

    def __init__(self, first: str, first_shape: object, second: str, second_shape: object, rule: str) -> None:
        super().__init__(f"{first} has shape {first_shape}, {second} {second_shape}: {rule}")


class NonFiniteError(HPTheoryError):
    """An array holds NaN or an infinite value; the message names it and the first place."""

    def __init__(self, name: str, count: int, index: tuple[int, ...], advice: str) -> None:
        self.name, self.count, self.index = name, count, index
        place = f"the first at {list(index)}" if index else "a scalar"
        super().__init__(f"{name} holds {count} value(s) that are not finite, {place}; {advice}")


class TooFewHPsError(HPTheoryError):
    """A sweep has too few hyperparameter values for slopes or for curvature."""

    def __init__(self, found: int, needed: int, purpose: str) -> None:
        super().__init__(
            f"{found} hyperparameter value(s), but {purpose} needs {needed}; sweep more values of it"
        )


class MissingProxyError(HPTheoryError):
    """There is no wider model that could stand for infinite width."""

    def __init__(self, widths: object, problem: str) -> None:
        super().__init__(
            f"widths {widths}: {problem}; the widest model stands for infinite width, "
            "so give profiles of at least one wider model"
        )
