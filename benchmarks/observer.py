"""The cost of watching a run: the observer against the same run without it, the sample-wise decomposition
against a pass over the examples, and single tokens of a Llama against one directional derivative at a time.

The run is a two-layer network on CIFAR-sized inputs at width 1024 in a plain torch loop (batch 512, momentum
SGD, averaged weights), with random inputs: the time does not depend on them. The published cadence looks
1,179 times in 9,770 steps, once in 8.29; here a stretch is timed that looks as often.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator, Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from benchmarks.harness import Row
from sims.models import build_model
from sims.settings import get_setting
from sims.settings.schedules import EMAConfig
from sims.tasks import load_task
from sims.trajectory import SampleObserver, TrajectoryObserver, WeightAverage, directional

FEATURES, WIDTH, CLASSES, BATCH = 3072, 1024, 10, 512
TAU = 9770 / 1179
OBSERVATIONS, REPEATS = 5, 5
STEPS = round(OBSERVATIONS * TAU)
VALIDATION, SUBSET = 10_000, 1024
CADENCE = EMAConfig(0.98, 0.9995, tau_start=TAU, tau_end=TAU)


def network() -> nn.Sequential:
    torch.manual_seed(0)
    layers = nn.Linear(FEATURES, WIDTH, bias=False), nn.ReLU(), nn.Linear(WIDTH, CLASSES, bias=False)
    return nn.Sequential(*layers)


def examples(count: int, seed: int) -> tuple[Tensor, Tensor]:
    draw = torch.Generator().manual_seed(seed)
    return torch.randn(count, FEATURES, generator=draw), torch.randint(CLASSES, (count,), generator=draw)


class Given:
    """An objective whose gradient costs nothing: what is left is the decomposition itself."""

    def __init__(self, model: nn.Module) -> None:
        draw = torch.Generator().manual_seed(1)
        self.fixed = {
            name: torch.randn(w.shape, generator=draw) / 1000 for name, w in model.named_parameters()
        }

    def gradient(
        self, model: nn.Module, weights: Mapping[str, Tensor], wanted: object
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """A loss of zero and the gradient drawn at the start."""
        return torch.zeros(1, dtype=torch.float64), dict(self.fixed)


class Run:
    """A training that goes on from call to call, averaged and perhaps observed."""

    def __init__(self, subset: int | None = None, *, average: bool = True, free: bool = False) -> None:
        self.model, self.step = network(), 0
        self.optimizer = torch.optim.SGD(self.model.parameters(), lr=1e-3, momentum=0.9)
        self.x, self.y = examples(BATCH, seed=2)
        self.average = WeightAverage(CADENCE, self.model) if average else None
        self.observer: TrajectoryObserver | None = None
        if subset is not None:
            x, y = examples(subset, seed=3)
            batches = list(zip(x.split(SUBSET), y.split(SUBSET), strict=True))
            self.observer = TrajectoryObserver(losses, batches=batches, cadence=CADENCE)
            if free:
                self.observer.objective = Given(self.model)  # type: ignore[assignment]
            self.observer.prepare(self.model)

    def __call__(self) -> None:
        """Take the next steps."""
        for _ in range(STEPS):
            self.optimizer.zero_grad()
            F.cross_entropy(self.model(self.x), self.y).backward()
            self.optimizer.step()
            if self.average is not None:
                self.average.update(self.step)
                if self.observer is not None:
                    self.observer.step(self.average.weights, self.step)
            self.step += 1


def losses(model: nn.Module, x: Tensor, y: Tensor) -> Tensor:
    return F.cross_entropy(model(x), y, reduction="none")


def interleaved(runs: Mapping[str, Callable[[], object]]) -> dict[str, float]:
    """The median processor time of each, taken in turns so that a noisy machine disturbs all alike."""
    times: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(REPEATS):
        for name, run in runs.items():
            start = time.process_time()
            run()
            times[name].append(time.process_time() - start)
    return {name: statistics.median(each) for name, each in times.items()}


def rows() -> Iterator[Row]:
    """The cost of the observer, and of the mean component index."""
    torch.set_num_threads(1)
    yield from observer_rows()
    yield from sample_rows()
    yield from token_rows()


def observer_rows() -> Iterator[Row]:
    """A stretch of training with and without it; the full split is timed once, as it takes long."""
    seconds = interleaved(
        {
            "bare": Run(average=False),
            "without": Run(),
            "decomposition": Run(1, free=True),
            "subset": Run(SUBSET),
            "full": Run(VALIDATION),
        }
    )
    base = seconds["without"]
    peer = f"the run without: {base / STEPS * 1e3:.0f} ms a step"

    def row(text: str, name: str, goal: float | None) -> Row:
        share = seconds[name] / base - 1
        cost = f"{(seconds[name] - base) / OBSERVATIONS * 1e3:.0f} ms a look"
        reached = None if goal is None else share <= goal
        return Row(text, cost, peer, f"+{share:.0%}", "" if goal is None else f"<= +{goal:.0%}", reached)

    yield row("observer, width 1024, gradient given", "decomposition", 0.35)
    yield row("observer, gradient on 1,024 validation images", "subset", 0.55)
    yield row("observer, gradient on 10,000 validation images", "full", None)
    average = base / seconds["bare"] - 1
    yield Row("averaging the weights (in both)", "", "the run without average", f"+{average:.0%}")


def sample_rows() -> Iterator[Row]:
    """One observation of 10,000 examples, against forward, backward and one eigh a layer."""
    x, y = examples(VALIDATION, seed=4)
    batches = list(zip(x.split(SUBSET), y.split(SUBSET), strict=True))
    model = network()
    observer = SampleObserver(losses, batches=batches, cadence=CADENCE)
    observer.prepare(model)

    def look() -> None:
        with torch.no_grad():
            for weight in model.parameters():
                weight.mul_(0.999)
        observer.step()
        observer._observe()  # whatever the cadence says

    def plain() -> None:
        model.zero_grad()
        for some_x, some_y in batches:
            (losses(model, some_x, some_y).sum() / VALIDATION).backward()
        for _ in range(2):  # one n x n problem a layer
            matrix = torch.randn(WIDTH, WIDTH)
            torch.linalg.eigh(matrix + matrix.mT)

    seconds = interleaved({"look": look, "plain": plain})
    ratio = seconds["look"] / seconds["plain"]
    peer = f"pass + 2 eigh: {seconds['plain']:.2f} s"
    yield Row("psi and MCI of 10,000 examples, width 1024", f"{seconds['look']:.2f} s", peer, f"{ratio:.2f}x",
              "<= 2x", ratio <= 2)  # fmt: skip


def token_rows() -> Iterator[Row]:
    """One look at 96 single tokens of a small Llama: directional derivatives together, and one by one."""
    training = get_setting("llama_adam", "smoke").training
    task = load_task(training.task)
    x, y = (each[:, :6] for each in task.validation()[0])
    together = directional.TOGETHER
    for width in (32, 64):
        model = build_model(training, width, (0, 1), task)
        with torch.no_grad():
            for weight in model.parameters():  # readouts that start at zero would make all changes zero
                weight.add_(torch.randn(weight.shape, generator=torch.Generator().manual_seed(0)) / width)
        observer = SampleObserver(
            lambda model: task.token_losses(model(x), y.expand(2, -1, -1)).flatten(1),
            cadence=CADENCE, stacked=True, width=width, directional=True,
        )  # fmt: skip
        observer.prepare(model)

        def look(several: int, observer: SampleObserver = observer, model: nn.Module = model) -> None:
            directional.TOGETHER = several
            with torch.no_grad():
                for weight in model.parameters():
                    weight.mul_(0.999)
            observer.step()
            observer._observe()

        seconds = interleaved({"several": lambda: look(together), "one": lambda: look(1)})
        directional.TOGETHER = together
        ratio = seconds["one"] / seconds["several"]
        peer = f"one by one: {seconds['one']:.2f} s"
        yield Row(f"psi of 96 tokens, Llama of width {width}, two runs", f"{seconds['several']:.2f} s", peer,
                  f"{ratio:.2f}x")  # fmt: skip
