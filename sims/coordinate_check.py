"""Coordinate checks: how a network's activations, and what a few steps do to them, depend on width or depth.

Source: arXiv 2203.03466, App. D.1. Under muP each layer's update moves its output by the same order at every
width, and with residual branches scaled by 1/L at every depth. A parameterization that fails here cannot
transfer. What is measured: ``sims.layer_sizes``; what is predicted:
``hptheory.parameterization.coordinates``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch

from hptheory.errors import DomainError
from hptheory.parameterization import (
    PARAMETERIZATIONS,
    CoordinateExponents,
    Dynamics,
    abcd_preset,
    classify,
    coordinate_exponents,
)
from sims.exponents import Exponent, Quantity, check_slopes, exponent, exponents_text, long_table
from sims.layer_sizes import Sizes, layer_sizes, small_batches
from sims.models.build import rule_of_role
from sims.settings import MLPConfig, Setting, Training
from sims.settings.base import Parameterization
from sims.settings.checks import check_known, check_positive
from sims.settings.transformers import TransformerConfig
from sims.tasks import load_task

Axis = Literal["width", "depth"]
DEPTHS = (4, 8, 16, 32)  # a block's input has moved by a share 1 - 1/depth of all blocks' sum: 0.11 in slope
NARROWEST = 64  # below, corrections of order n^(-1/2) bend the line


@dataclass(frozen=True)
class CoordinateCheck:
    """The measured exponents of a setting under a parameterization, and all that they were fitted to.

    ``sizes``: root mean squares [scale, seed] by (layer, quantity). ``passed``: every exponent is known to be
    muP's. ``prediction`` is the classifier's for the parameterization, where it has one (SGD and Adam).
    """

    setting: str
    parameterization: str
    optimizer: str
    axis: Axis
    scales: tuple[int, ...]
    steps: int
    lr: float
    seeds: tuple[int, ...]
    sizes: Sizes
    exponents: tuple[Exponent, ...]
    prediction: Dynamics | None

    @property
    def passed(self) -> bool:
        """Whether every layer starts and moves by muP's order at every scale."""
        return all(found.passes for found in self.exponents)

    def __str__(self) -> str:
        """A heading, the table of exponents, the verdict."""
        scales = ", ".join(map(str, self.scales))
        heading = (
            f"{self.setting}, {self.parameterization}, {self.optimizer}: exponents in {self.axis} ({scales}) "
            f"after {self.steps} steps at rate {self.lr:.3g}, {len(self.seeds)} seeds"
        )
        if self.prediction is not None:
            heading += f"\npredicted regime: {self.prediction.regime} ({self.prediction.reason})"
        return exponents_text(self.exponents, heading, self.passed)

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers and text, for JSON."""
        names = ("setting", "parameterization", "optimizer", "axis", "scales", "steps", "lr", "seeds")
        return {
            **{name: getattr(self, name) for name in names},
            "regime": None if self.prediction is None else self.prediction.regime,
            "exponents": [{**asdict(found), "passes": found.passes} for found in self.exponents],
            "passed": self.passed,
        }

    def table(self) -> dict[str, list[Any]]:
        """The sizes as columns, for a figure or a file."""
        return long_table(self.axis, self.scales, self.sizes)


def coordinate_check(
    setting: Setting,
    *,
    parameterization: Parameterization | None = None,
    axis: Axis = "width",
    scales: Sequence[int] | None = None,
    seeds: Sequence[int] = tuple(range(8)),
    steps: int = 4,
    lr: float | None = None,
    data_dir: Path | None = None,
) -> CoordinateCheck:
    """Exponents, in width or depth, of every layer's output, of what its update adds, and of its change.

    Trained in double precision at a constant rate ``lr``, by default the lowest of the setting, on small
    batches (``small_batches``), and compared on their examples; blocks are averaged over. ``scales`` are
    widths, by default the setting's from 64 on, or depths at its base width. ``parameterization`` is
    ``mup``, ``standard`` or ``ntk``, by default the setting's. A transformer starts from larger weights than
    the setting's, see ``_started``.

    Measured exponents are compared with muP's, which ``coordinate_exponents`` derives: 0, but -1/2 for a
    readout's start, and, in the first steps of optimizers that answer to a gradient's size, for what the
    updates of queries and keys add. In depth all are 0. Nothing is wanted to grow: where these updates are
    expected to (an optimizer of negative degree, as Shampoo with exponents (1/2, 1/2)), that fails.

    Domain: three or more different scales, two or more seeds, one or more steps, lr positive and finite, else
    ``DomainError``; depth is that of a transformer.

    *Laws*: muP passes with every optimizer; standard and NTK parameterizations fail, with the exponents of
    ``hptheory.parameterization.coordinate_exponents`` after one small step.
    """
    training = small_batches(_started(setting.training))
    if parameterization is not None:
        check_known("parameterization", parameterization, PARAMETERIZATIONS)
        training = replace(training, parameterization=parameterization)
    chosen = tuple(scales or (width for width in setting.widths if width >= NARROWEST))
    if axis == "depth":
        if not isinstance(training.model, TransformerConfig):
            raise DomainError("axis", axis, f"width for the model {training.model.name}, which has no blocks")
        chosen = tuple(scales or DEPTHS)
    if steps < 1:
        raise DomainError("steps", steps, "an integer >= 1")
    rate = min(setting.lrs) if lr is None else lr
    check_positive("lr", rate)
    check_slopes(chosen, len(seeds))
    task = load_task(training.task, dtype=torch.float64, data_dir=data_dir)
    scaled = [_at(training, axis, scale) for scale in chosen]
    rows = [layer_sizes(*each, task, tuple(seeds), steps, rate) for each in scaled]
    sizes: Sizes = {key: np.array([row[key] for row in rows]) for key in rows[0]}
    mup = _predicted(replace(training, parameterization="mup"))
    own = _predicted(training) if axis == "width" else None
    exponents = tuple(
        exponent(
            layer,
            quantity,
            chosen,
            table,
            wanted=min(_of(mup, layer, quantity), 0.0) if mup and axis == "width" else 0.0,
            expected=_of(own, layer, quantity) if own else None,
        )
        for (layer, quantity), table in sizes.items()
    )
    return CoordinateCheck(
        setting=setting.name,
        parameterization=training.parameterization,
        optimizer=training.optimizer.name,
        axis=axis,
        scales=chosen,
        steps=steps,
        lr=rate,
        seeds=tuple(seeds),
        sizes=sizes,
        exponents=exponents,
        prediction=_regime(training) if axis == "width" else None,
    )


def _started(training: Training) -> Training:
    """The training with a transformer's initial scales large enough to measure at: no zeros among them.

    Behind matrices that start at zero, gradients are zero at first, and optimizers that divide by their
    size answer to rounding errors; and before embeddings much smaller than a branch, the first normalisation
    sees the sum of branches, whose size is another at every depth. What is checked is how sizes scale once
    these transients are over.
    """
    if not isinstance(training.model, TransformerConfig):
        return training
    # A readout's start carries on what the layers below did as a random sum, n^(-1/2) of it, which a gain of
    # order one would put above what its update adds; so small, it leaves gradients their direction alone.
    started = replace(training.model, embedding_std=1.0, out_gain=1.0, readout_gain=1 / 64)
    return replace(training, model=started)


def _at(training: Training, axis: Axis, scale: int) -> tuple[Training, int]:
    """The training and the width at one scale."""
    if axis == "width":
        return training, scale
    assert isinstance(training.model, TransformerConfig)
    return replace(training, model=replace(training.model, layers=scale)), training.base_width


def _regime(training: Training) -> Dynamics | None:
    """What the classifier says of the parameterization as a whole, under SGD or Adam."""
    optimizer: Literal["sgd", "adam"]
    match training.optimizer.name:
        case "sgd":
            optimizer = "sgd"
        case "adam":
            optimizer = "adam"
        case _:
            return None
    layers = 1 if isinstance(training.model, MLPConfig) else 2
    return classify(abcd_preset(training.parameterization, optimizer), layers)


def _predicted(training: Training) -> Mapping[str, CoordinateExponents] | None:
    """The exponents in width of every kind of layer."""
    base = training.base_width
    degree = rule_of_role(training, "hidden")(base, base, base_d_in=base, base_d_out=base).degree
    layers = 1 if isinstance(training.model, MLPConfig) else 2
    name = training.optimizer.name
    return coordinate_exponents(training.parameterization, name, hidden_layers=layers, degree=degree)


def _of(predicted: Mapping[str, CoordinateExponents], layer: str, quantity: Quantity) -> float:
    """The exponent of a layer by its name in the network."""
    kinds = {"query": "scores", "key": "scores", "embedding": "input", "positions": "input"}
    last = layer.rsplit(".", 1)[-1]
    default = "hidden" if "hidden" in predicted else "input"
    kind = last if last in predicted and last != "hidden" else kinds.get(last, default)
    return float(getattr(predicted[kind], quantity))
