"""What changes along a run: the learning rate, and the decay of the averaged weights."""

from __future__ import annotations

import math
from dataclasses import dataclass

from hptheory.errors import DomainError
from sims.schedules import SCHEDULES, check_shares
from sims.settings.checks import check_count, check_fraction, check_known


@dataclass(frozen=True)
class ScheduleConfig:
    """A learning-rate schedule by name; warmup and cooldown are fractions of all steps."""

    name: str = "wsd"
    warmup: float = 0.04
    cooldown: float = 0.2

    def __post_init__(self) -> None:
        check_known("schedule", self.name, SCHEDULES)
        check_shares(self.warmup, self.cooldown)


@dataclass(frozen=True)
class EMAConfig:
    """The average of the weights, ema <- alpha * ema + (1 - alpha) * w after each optimizer step.

    The window 1/(1 - alpha) grows linearly over ``warmup_steps`` steps, from the one of ``decay_start`` to
    the one of ``decay_end``; observers take a snapshot every tau steps, tau growing likewise.

    Source: paper, App. D.2 (the defaults: Llama and MLP) and App. D.4 (GPT-2: 0.995 to 0.996, tau 1 to 2).

    Domain: decays in [0, 1), tau >= 1, warmup_steps >= 1; the windows and tau do not shrink; else
    ``DomainError``.
    """

    decay_start: float = 0.98
    decay_end: float = 0.9995
    warmup_steps: int = 2000
    tau_start: float = 2.0
    tau_end: float = 10.0

    def __post_init__(self) -> None:
        check_fraction("decay_start", self.decay_start)
        check_fraction("decay_end", self.decay_end)
        check_count("warmup_steps", self.warmup_steps)
        if self.decay_end < self.decay_start:
            raise DomainError("decay_end", self.decay_end, f"at least decay_start = {self.decay_start}")
        if not 1 <= self.tau_start <= self.tau_end < math.inf:
            raise DomainError("(tau_start, tau_end)", (self.tau_start, self.tau_end), "1 <= start <= end")

    def decay(self, step: int) -> float:
        """alpha after optimizer step ``step`` (counted from 0): linear in the window.

        >>> ema = EMAConfig()
        >>> [round(1 / (1 - ema.decay(step))) for step in (0, 1000, 2000, 9999)]
        [50, 1025, 2000, 2000]
        """
        start, end = 1 / (1 - self.decay_start), 1 / (1 - self.decay_end)
        return 1 - 1 / (start + (end - start) * min(1.0, step / self.warmup_steps))

    def is_snapshot(self, step: int) -> bool:
        """Whether observers look after optimizer step ``step``: where the integral of 1/tau passes
        an integer.

        So the cadence is a pure function of the step, whatever tau is.

        >>> ema = EMAConfig(tau_start=2.0, tau_end=2.0)
        >>> [step for step in range(8) if ema.is_snapshot(step)]
        [1, 3, 5, 7]

        The published schedule looks about 2000 ln(5)/8 + 7770/10 = 1179 times in 9,770 steps:

        >>> sum(map(EMAConfig().is_snapshot, range(9770)))
        1179
        """
        return math.floor(self._snapshots(step + 1)) > math.floor(self._snapshots(step))

    def _snapshots(self, steps: int) -> float:
        """The integral of 1/tau over so many steps; tau is linear on the warmup, then constant."""
        warm, growth = min(steps, self.warmup_steps), (self.tau_end - self.tau_start) / self.warmup_steps
        during = math.log1p(growth * warm / self.tau_start) / growth if growth else warm / self.tau_start
        return during + (steps - warm) / self.tau_end

    def scaled(self, factor: float) -> EMAConfig:
        """The schedule of a run shorter by ``factor`` < 1: windows and warmup cover the same share of it.

        Windows and tau stop at one step.

        >>> EMAConfig().scaled(1 / 8)
        EMAConfig(decay_start=0.84, decay_end=0.996, warmup_steps=250, tau_start=1.0, tau_end=1.25)
        """
        if not 0 < factor <= 1:
            raise DomainError("factor", factor, "in (0, 1]")

        def decay(alpha: float) -> float:
            return round(1 - 1 / max(1.0, factor / (1 - alpha)), 12)

        return EMAConfig(
            decay(self.decay_start),
            decay(self.decay_end),
            max(1, round(self.warmup_steps * factor)),
            max(1.0, self.tau_start * factor),
            max(1.0, self.tau_end * factor),
        )
