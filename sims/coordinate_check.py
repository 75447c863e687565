"""Coordinate checks: how a network's activations, and what a few steps do to them, depend on width or depth.

Source: arXiv 2203.03466, App. D.1. Under muP each layer's output moves by the same order at every width, and
with residual branches scaled by 1/L at every depth. A parameterization that fails here cannot transfer.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from hptheory.errors import DomainError
from hptheory.parameterization import PARAMETERIZATIONS, Dynamics, abcd_preset, classify
from sims.exponents import Exponent, Quantity, exponent, exponents_text, long_table
from sims.members import Member
from sims.models import build_model
from sims.models.embedding import StackedEmbedding
from sims.models.linear import StackedLinear
from sims.optim.build import build_optimizer
from sims.settings import MLPConfig, Setting, Training
from sims.settings.base import Parameterization
from sims.settings.checks import check_known
from sims.settings.transformers import TransformerConfig
from sims.tasks import Batch, Task, load_task
from sims.train import train_step

Axis = Literal["width", "depth"]
Sizes = dict[tuple[str, Quantity], NDArray[np.float64]]
DEPTHS = (4, 8, 16, 32)  # a block's input has moved by a share 1 - 1/depth of all blocks' sum: 0.11 in slope
NARROWEST = 64  # below, corrections of order n^(-1/2) bend the line
EXAMPLES = 64  # on which outputs are compared


@dataclass(frozen=True)
class CoordinateCheck:
    """The measured exponents of a setting under a parameterization, and all that they were fitted to.

    ``sizes``: root mean squares [scale, seed] by (layer, quantity). ``passed``: every exponent does.
    ``prediction`` is the classifier's, where it knows the network (an MLP under SGD or Adam).
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
        """Whether every layer starts and moves by the same order at every scale."""
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
            "exponents": [asdict(found) for found in self.exponents],
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
    """Exponents, in width or depth, of every layer's output before training and of its change in a few steps.

    Trained in double precision at a constant rate ``lr``, by default the lowest of the setting. Outputs are
    compared on the same validation examples; blocks are averaged over. ``scales`` are widths, by default the
    setting's from 64 on, or depths at its base width. ``parameterization`` is ``mup``, ``standard`` or
    ``ntk``, by default the setting's. A transformer starts from larger weights than the setting's, see
    ``_started``.

    Domain: three or more scales, two or more seeds, one or more steps, else ``DomainError``; depth is that of
    a transformer.

    *Laws*: muP passes with every optimizer; standard and NTK parameterizations fail, with the exponents of
    ``hptheory.parameterization.classify`` after one small step.
    """
    training = _started(setting.training)
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
    task = load_task(training.task, dtype=torch.float64, data_dir=data_dir)
    rows = [_sizes(_at(training, axis, scale), task, seeds, steps, rate) for scale in chosen]
    sizes: Sizes = {key: np.array([row[key] for row in rows]) for key in rows[0]}
    prediction = _prediction(training) if axis == "width" else None
    expected = {} if prediction is None else _expected(prediction)
    exponents = tuple(
        exponent(
            layer,
            quantity,
            chosen,
            table,
            is_output=layer == "readout",
            expected=expected.get((layer, quantity)),
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
        prediction=prediction,
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
    # A readout of gain 1 would move by its random part, of order n^(-1/2), at the narrow widths of a check.
    started = replace(training.model, embedding_std=1.0, out_gain=1.0, readout_gain=0.25)
    return replace(training, model=started)


def _at(training: Training, axis: Axis, scale: int) -> tuple[Training, int]:
    """The training and the width at one scale."""
    if axis == "width":
        return training, scale
    assert isinstance(training.model, TransformerConfig)
    return replace(training, model=replace(training.model, layers=scale)), training.base_width


def _sizes(scaled: tuple[Training, int], task: Task, seeds: Sequence[int], steps: int, lr: float) -> Sizes:
    """Root mean squares of every layer's output before training and of its change, one a seed."""
    training, width = scaled
    # A batched product of one matrix takes another route, with other rounding; there are two seeds or more.
    model = build_model(training, width, list(seeds), task)
    optimizer = build_optimizer(training, model, [Member(lr, seed) for seed in seeds])
    chunk = task.validation()[0]
    examples = Batch(chunk.x[:, :EXAMPLES], chunk.y[:, :EXAMPLES]).x
    before = _outputs(model, examples)
    for step in range(steps):
        train_step(model, optimizer, task, task.batch(step, seeds, training.batch_size))
    after = _outputs(model, examples)
    change = {name: [b - a for a, b in zip(before[name], after[name], strict=True)] for name in before}
    found: Sizes = {}
    for name in before:
        found[name, "start"] = np.mean([_rms(output) for output in before[name]], axis=0)
        found[name, "change"] = np.mean([_rms(output) for output in change[name]], axis=0)
    return found


def _outputs(model: nn.Module, x: Tensor) -> dict[str, list[Tensor]]:
    """What every layer with a matrix puts out; layers of one kind in different blocks together."""
    found: dict[str, list[Tensor]] = {}
    handles = []
    for name, module in model.named_modules():
        if isinstance(module, StackedLinear | StackedEmbedding):
            kind = re.sub(r"\.\d+\.", ".*.", name)

            def keep(_: nn.Module, __: Any, output: Tensor, kind: str = kind) -> None:
                found.setdefault(kind, []).append(output.detach())

            handles.append(module.register_forward_hook(keep))
    with torch.no_grad():
        model(x)
    for handle in handles:
        handle.remove()
    return found


def _rms(output: Tensor) -> NDArray[np.float64]:
    """The root mean square of each member's output."""
    return output.double().flatten(1).square().mean(1).sqrt().cpu().numpy()


def _prediction(training: Training) -> Dynamics | None:
    """The classifier's prediction for the two-layer network."""
    if not isinstance(training.model, MLPConfig) or training.optimizer.name not in ("sgd", "adam"):
        return None
    optimizer: Literal["sgd", "adam"] = "sgd" if training.optimizer.name == "sgd" else "adam"
    return classify(abcd_preset(training.parameterization, optimizer), hidden_layers=1)


def _expected(prediction: Dynamics) -> dict[tuple[str, str], float]:
    """The predicted exponents by the names of layers."""
    return {
        ("hidden", "start"): float(prediction.preactivations[0]),
        ("hidden", "change"): float(prediction.first_changes[0]),
        ("readout", "start"): float(prediction.output),
        ("readout", "change"): float(prediction.first_output_change),
    }
