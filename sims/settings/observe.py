"""What is watched along a run: a part of what decides its stored results."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from hptheory.errors import DomainError
from sims.settings.checks import check_count


@dataclass(frozen=True)
class ObserveConfig:
    """The decomposition of the averaged trajectory, on a part of the validation set chosen once for all.

    ``subset`` is the number of validation examples (None, or more than there are: all of them), drawn with
    ``subset_seed``. ``samples`` follows single examples as well: psi and the mean component index. An example
    of a text is a window; "tokens" follows every token of the windows by itself, exactly, at the price of n
    forward passes an observation. When to look is a matter of the average (``EMAConfig.is_snapshot``). A
    linearisation further than ``tolerance`` from the loss is reported.

    Memory with ``samples``: what goes through every layer at every position, so take few windows.

    Source: paper, Sec. 4.1 and 4.2.3, which leaves text to future work; App. D.2 evaluates on the validation
    split.

    Domain: subset >= 1, tolerance > 0, samples True, False or "tokens", else ``DomainError``.
    """

    subset: int | None = 1024
    subset_seed: int = 0
    samples: bool | Literal["tokens"] = False
    tolerance: float = 0.1

    def __post_init__(self) -> None:
        if self.subset is not None:
            check_count("subset", self.subset)
        if self.samples not in (True, False, "tokens"):
            raise DomainError("samples", self.samples, "True, False or 'tokens'")
        if not self.tolerance > 0:
            raise DomainError("tolerance", self.tolerance, "positive")
