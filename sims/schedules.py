"""Learning-rate schedules: the factor on the peak rate at each step, as pure functions."""

from __future__ import annotations

import math
from collections.abc import Callable

from hptheory.errors import DomainError, UnknownNameError

# After the warmup: a function of the steps that are left, of all steps after the warmup, and of the
# cooldown's steps.
SCHEDULES: dict[str, Callable[[float, float, float], float]] = {
    "constant": lambda left, stretch, cooldown: 1.0,
    "wsd": lambda left, stretch, cooldown: min(1.0, left / cooldown) if cooldown else 1.0,
    "linear": lambda left, stretch, cooldown: left / stretch,
    "cosine": lambda left, stretch, cooldown: (1 - math.cos(math.pi * left / stretch)) / 2,
}


def schedule_factor(name: str, step: int, total: int, *, warmup: float = 0.0, cooldown: float = 0.0) -> float:
    """The factor on the peak learning rate at step ``step`` of ``total`` (counted from 0).

    Warmup rises linearly, (step + 1) / (warmup * total). Then ``constant`` stays at 1; ``wsd`` (warmup,
    stable, decay) stays at 1 and falls linearly over the last ``cooldown * total`` steps; ``linear`` falls
    linearly, and ``cosine`` like half a wave, from the end of the warmup on. A fall reaches 0 only after
    the last step.

    Source: paper, App. D.2 to D.5 (WSD with 4 % warmup and 20 % cooldown).

    Domain: 0 <= step < total; warmup and cooldown are fractions of all steps with sum at most 1, else
    ``DomainError``; an unknown name is an ``UnknownNameError``. Only ``wsd`` uses ``cooldown``.

    *Laws*: in (0, 1]; rises, then falls, never the reverse.

    >>> [schedule_factor("wsd", step, 10, warmup=0.2, cooldown=0.4) for step in (0, 1, 5, 7, 8, 9)]
    [0.5, 1.0, 1.0, 0.75, 0.5, 0.25]
    """
    if name not in SCHEDULES:
        raise UnknownNameError("schedule", name, sorted(SCHEDULES))
    check_shares(warmup, cooldown)
    if not 0 <= step < total:
        raise DomainError("step", step, f"in [0, {total})")
    if step < warmup * total:
        return min(1.0, (step + 1) / (warmup * total))
    return SCHEDULES[name](total - step, (1 - warmup) * total, cooldown * total)


def check_shares(warmup: float, cooldown: float) -> None:
    """Nothing, if warmup and cooldown are fractions of a run that fit into it; else ``DomainError``."""
    shares = {"warmup": warmup, "cooldown": cooldown, "warmup + cooldown": warmup + cooldown}
    for name, share in shares.items():
        if not 0 <= share <= 1:
            raise DomainError(name, share, "in [0, 1], a fraction of all steps")
