"""The paper's synthetic settings: two-layer ReLU networks under muP with Adam, on fresh Gaussian samples.

As printed (App. D.1, Sec. 3.2, Fig. 2, 5, 17): d = 64, k = 15, batch 256, squared loss or binary
cross-entropy, 2^14 steps, widths to 2^15 (multi-index) and 2^14 (ball indicator), hidden biases; the
layer-wise variant divides the second layer's rate by 50. What print leaves open was chosen so:

- muP base 1: weights of the second layer start at 1/n and move at rate lr/n, those of the first at rate lr,
  the mean-field convention of the literature that D.1 cites. With first-layer weights of N(0, 1) on inputs of
  norm 2, the optimum of multi-index lies at 2^-4 on a grid of octaves (widths 256 and 1024, 2^11 steps, one
  seed; at base 128 between 2^-7 and 2^-6). The base was chosen among three with the paper's "steadily
  approaches 10^-1" in view, so that an optimum near it is no evidence. The ball indicator takes the same
  base; at base 128 it reached lower losses (0.169 against 0.182 at width 2048).
- First layer N(0, 1) for multi-index (inputs N(0, 4/d)), N(0, 2/d) for the ball indicator (inputs N(0, 1)):
  preactivations of order one. Biases start at 0.
- A constant rate, Adam's usual constants: neither a schedule nor betas are printed for these settings.
- EMA: the schedule printed for Llama and the MLP; runs shorter than 2^14 steps shorten it in proportion.
- The grids of rates are read off the figures' axes only in order of magnitude; ours reach three octaves and
  more beyond both sides of the optimum.
- Validation: 2^14 samples (``paper``) or 2^12 of a stream of their own, the same for all runs.

``cpu`` keeps 1/8 of the published steps and widths to 2^12; see the page on the trainer's results for what
of the figures appears at that scale.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

from sims.settings.base import Setting, Training
from sims.settings.digits import powers_of_two
from sims.settings.models import MLPConfig
from sims.settings.optimizers import AdamConfig
from sims.settings.schedules import EMAConfig, ScheduleConfig
from sims.settings.tasks import BallIndicatorConfig, MultiIndexConfig

PUBLISHED_STEPS = 2**14
CONSTANT = ScheduleConfig("constant", warmup=0.0, cooldown=0.0)
SECOND_LAYER = (("readout", 1 / 50),)  # paper, App. D.1 and Fig. 17(b)
MULTI_INDEX_LRS = powers_of_two(-7.0, 1.0, count=9)
BALL_LRS = powers_of_two(-8.0, -2.0, count=9)


def multi_index_training(steps: int, validation_size: int, evaluations: int) -> Training:
    """The training of Fig. 2 with so many steps."""
    return Training(
        task=MultiIndexConfig(validation_size=validation_size),
        model=MLPConfig(bias=True, hidden_gain=math.sqrt(64)),
        optimizer=AdamConfig(),
        schedule=CONSTANT,
        base_width=1,
        batch_size=256,
        steps=steps,
        evaluations=evaluations,
        ema=EMAConfig().scaled(steps / PUBLISHED_STEPS),
    )


def ball_training(steps: int, validation_size: int, evaluations: int) -> Training:
    """The training of Fig. 5 with so many steps."""
    return Training(
        task=BallIndicatorConfig(validation_size=validation_size),
        model=MLPConfig(bias=True),
        optimizer=AdamConfig(),
        schedule=CONSTANT,
        base_width=1,
        batch_size=256,
        steps=steps,
        evaluations=evaluations,
        ema=EMAConfig().scaled(steps / PUBLISHED_STEPS),
    )


def presets(
    name: str,
    training: Callable[[int, int, int], Training],
    lrs: tuple[float, ...],
    paper_widths: tuple[int, ...],
) -> dict[str, Callable[[], Setting]]:
    """``smoke`` (seconds), ``cpu`` (widths 128 to 4096, nine rates, three seeds, 2^11 steps), ``paper``."""

    def smoke() -> Setting:
        few = (lrs[2], lrs[4], lrs[6])
        return Setting(name, "smoke", training(64, 512, 2), widths=(32, 64), lrs=few, seeds=(0, 1))

    def cpu() -> Setting:
        widths = (128, 256, 512, 1024, 2048, 4096)
        return Setting(name, "cpu", training(2**11, 2**12, 8), widths=widths, lrs=lrs, seeds=(0, 1, 2))

    def paper() -> Setting:
        chosen = training(PUBLISHED_STEPS, 2**14, 64)
        return Setting(name, "paper", chosen, widths=paper_widths, lrs=lrs, seeds=(0, 1, 2))

    return {"smoke": smoke, "cpu": cpu, "paper": paper}


def layerwise_training(steps: int, validation_size: int, evaluations: int) -> Training:
    """The training of Fig. 17(b): the second layer's rate is divided by 50."""
    return replace(multi_index_training(steps, validation_size, evaluations), lr_factors=SECOND_LAYER)


def octaves(first: int, last: int) -> tuple[int, ...]:
    """Widths 2^first to 2^last.

    >>> octaves(5, 7)
    (32, 64, 128)
    """
    return tuple(2**power for power in range(first, last + 1))


MULTI_INDEX = presets("multi_index", multi_index_training, MULTI_INDEX_LRS, octaves(7, 15))
MULTI_INDEX_LAYERWISE = presets(
    "multi_index_layerwise", layerwise_training, powers_of_two(-6.0, 2.0, count=9), octaves(7, 15)
)
BALL_INDICATOR = presets("ball_indicator", ball_training, BALL_LRS, octaves(7, 14))
