"""Coordinate checks of a small Llama in width and depth, for every optimizer: slopes, errors, verdicts.

`python -m benchmarks.coordinate_checks` measures them (about ten minutes of one core) and writes
`docs/_static/coordinate_checks.csv`, from which a page of the documentation is made. The text is the one that
comes with Python: nothing is learned here, sizes are compared.
"""

from __future__ import annotations

import csv
import platform
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import torch

from sims.coordinate_check import Axis, coordinate_check
from sims.settings import AdamConfig, OptimizerConfig, Setting, SGDConfig, get_setting
from sims.settings.optimizers import AdaMuonConfig, DionConfig, MuonConfig, ShampooConfig, SOAPConfig

FILE = Path(__file__).parents[1] / "docs" / "_static" / "coordinate_checks.csv"
SCALES: dict[Axis, tuple[int, ...]] = {"width": (64, 128, 256), "depth": (8, 16, 32)}
SEEDS, STEPS, RATE, BASE_WIDTH, LAYERS, BLOCK = 8, 3, 2.0**-10, 32, 2, 16
COLUMNS = ("optimizer", "steps", "axis", "layer", "quantity", "slope", "standard_error", "mup", "verdict")

ADAM = AdamConfig()
OPTIMIZERS: dict[str, OptimizerConfig] = {
    "SGD": SGDConfig(),
    "Adam": ADAM,
    "Muon": MuonConfig(),
    "AdaMuon": AdaMuonConfig(),
    "Dion, rank n/2": DionConfig(),
    "Dion, rank 16": DionConfig(max_rank=16),
    "Shampoo": ShampooConfig(),
    "Shampoo, blocks of 16": ShampooConfig(block=BLOCK),
    "Shampoo, Adam's norm": ShampooConfig(graft=ADAM),
    "SOAP": SOAPConfig(),
    "SOAP, blocks of 16": SOAPConfig(block=BLOCK),
    "SOAP, spectral norm": SOAPConfig(spectral_norm=True),
}


FIRST_STEP = ("SOAP",)
"""Checked after one step too: there each gradient meets its own eigenbasis."""


def setting(optimizer: OptimizerConfig) -> Setting:
    """Llama on text that comes with Python, with this optimizer."""
    smoke = get_setting("llama_adam", "smoke")
    training = smoke.training
    model = replace(training.model, layers=LAYERS)
    changed = replace(training, optimizer=optimizer, base_width=BASE_WIDTH, model=model)
    return replace(smoke, training=changed)


def measured(name: str, steps: int, axis: Axis) -> Iterator[tuple[Any, ...]]:
    """The rows of one optimizer."""
    options: dict[str, Any] = {"seeds": range(SEEDS), "steps": steps, "lr": RATE}
    found = coordinate_check(setting(OPTIMIZERS[name]), axis=axis, scales=SCALES[axis], **options)
    for each in found.exponents:
        slope, error = (
            "" if value is None else f"{value:.3f}" for value in (each.slope, each.standard_error)
        )
        yield name, steps, axis, each.layer, each.quantity, slope, error, f"{each.wanted:g}", each.verdict


def main() -> int:
    """Measure, and write the file."""
    torch.set_num_threads(1)
    start, rows = time.process_time(), []
    cases = [(name, STEPS) for name in OPTIMIZERS] + [(name, 1) for name in FIRST_STEP]
    for (name, steps), axis in product(cases, SCALES):
        some = list(measured(name, steps, axis))
        rows += some
        verdicts = [row[-1] for row in some]
        counts = ", ".join(f"{verdicts.count(word)} {word}" for word in ("ok", "unclear", "FAILS"))
        print(f"{name:24} {steps} steps {axis:6} {counts}", flush=True)
    took = f"{time.process_time() - start:.0f} s of one core"
    machine = f"{platform.machine()} CPU, {platform.system()}, torch {torch.__version__}"
    with FILE.open("w", encoding="utf-8", newline="") as stream:
        grid = ", ".join(f"{axis}s {' '.join(map(str, scales))}" for axis, scales in SCALES.items())
        stream.write(f"# python -m benchmarks.coordinate_checks; {SEEDS} seeds; {grid}; {machine}; {took}\n")
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows(rows)
    return 0


if __name__ == "__main__":
    sys.exit(main())
