"""Functions of a Gaussian vector, with fresh samples at each step: the paper's two synthetic settings."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Sequence
from functools import cached_property

import torch
from jaxtyping import Bool, Float
from scipy.stats import chi2
from torch import Tensor
from torch.nn import functional as F

from sims.seeding import generator
from sims.settings.tasks import BallIndicatorConfig, MultiIndexConfig
from sims.tasks.base import EVALUATION_BATCH, Batch, Task

VALIDATION_SEED = 0  # the validation set belongs to the task, not to a run
CHUNK = 16  # steps drawn at once: fewer calls, for the host's sake


class GaussianTask(Task):
    """y = f(x) of x ~ N(0, scale^2 I), one output, fresh samples at each step."""

    outputs = 1

    def __init__(
        self,
        d: int,
        scale: float,
        validation_size: int,
        *,
        device: torch.device | str = "cpu",
        dtype: torch.dtype = torch.float32,
    ) -> None:
        super().__init__(device, dtype)
        self.inputs, self.scale, self.validation_size = d, scale, validation_size
        self._chunk: tuple[tuple[int, int, tuple[int, ...]], Batch] | None = None

    @abstractmethod
    def target(self, x: Float[Tensor, "*batch d"]) -> Float[Tensor, "*batch"]:
        """The label of each example."""

    def batch(self, step: int, seeds: Sequence[int], size: int) -> Batch:
        """Examples drawn on the device, ``CHUNK`` steps at once, from a stream for each seed and chunk.

        On a GPU one seed draws other examples than on a CPU: its runs there are as those of another seed.
        """
        chunk, row = divmod(step, CHUNK)
        key = (chunk, size, tuple(seeds))
        if self._chunk is None or self._chunk[0] != key:
            x = torch.empty(CHUNK, len(seeds), size, self.inputs, dtype=self.dtype, device=self.device)
            for place, seed in enumerate(seeds):
                drawn = self._draw(self.device, CHUNK * size, seed, "samples", size, chunk)
                x[:, place] = drawn.view(CHUNK, size, self.inputs)
            self._chunk = (key, Batch(x, self.target(x)))
        x, y = self._chunk[1]
        return Batch(x[row], y[row])

    def validation(self) -> list[Batch]:
        """``validation_size`` examples of a stream of their own, the same on every device."""
        return self._validation

    @cached_property
    def _validation(self) -> list[Batch]:
        cpu = torch.device("cpu")  # so that runs of a GPU and of a CPU are judged on the same examples
        x = self._draw(cpu, self.validation_size, VALIDATION_SEED, "validation").to(self.device)
        return [Batch(some[None], self.target(some)[None]) for some in x.split(EVALUATION_BATCH)]

    def _draw(
        self, device: torch.device, examples: int, seed: int, *purpose: str | int
    ) -> Float[Tensor, "examples d"]:
        stream = generator(seed, type(self).__name__, *purpose, device=device)
        x = torch.randn(examples, self.inputs, generator=stream, device=device)
        return x.to(self.dtype).mul_(self.scale)


class MultiIndex(GaussianTask):
    """y = d/(4k) * (x_1^2 + ... + x_k^2) of x ~ N(0, (4/d) I), under the squared loss.

    So y is chi-square of k degrees over k: its mean is 1 and its variance 2/k, the loss of the best constant.

    Source: paper, App. D.1 (the prefactor printed as d/4k, the scale as sqrt(4/d)).

    >>> task = MultiIndex(MultiIndexConfig(d=64, k=15))
    >>> y = torch.cat([chunk.y for chunk in task.validation()], dim=1)
    >>> abs(y.mean().item() - 1) < 0.02, abs(y.var().item() - 2 / 15) < 0.02
    (True, True)
    """

    def __init__(
        self,
        config: MultiIndexConfig,
        *,
        device: torch.device | str = "cpu",
        dtype: torch.dtype = torch.float32,
    ) -> None:
        super().__init__(
            config.d, math.sqrt(4 / config.d), config.validation_size, device=device, dtype=dtype
        )
        self.k = config.k

    def target(self, x: Float[Tensor, "*batch d"]) -> Float[Tensor, "*batch"]:
        """The mean of the first k squared coordinates, in units of their variance."""
        return x[..., : self.k].square().sum(-1) * (self.inputs / (4 * self.k))

    def losses(
        self, outputs: Float[Tensor, "member batch 1"], y: Float[Tensor, "member batch"]
    ) -> Float[Tensor, "member batch"]:
        """(f(x) - y)^2."""
        return (outputs.squeeze(-1) - y).square()

    def losses_and_slopes(
        self, outputs: Float[Tensor, "member batch 1"], y: Float[Tensor, "member batch"]
    ) -> tuple[Float[Tensor, " member"], Float[Tensor, "member batch 1"]]:
        """The mean of (f(x) - y)^2, and 2 (f(x) - y) / batch."""
        difference = outputs.squeeze(-1) - y
        return difference.square().mean(1), difference.mul_(2 / y.shape[1]).unsqueeze(-1)


class BallIndicator(GaussianTask):
    """y = 1 where |x|^2 exceeds the median of chi-square(d), x ~ N(0, I), under binary cross-entropy.

    Source: paper, Sec. 3.2 (slow transfer) and Fig. 5. The classes are exactly balanced.

    >>> task = BallIndicator(BallIndicatorConfig())
    >>> y = torch.cat([chunk.y for chunk in task.validation()], dim=1)
    >>> abs(y.mean().item() - 0.5) < 5 * 0.5 / math.sqrt(y.numel())
    True
    """

    def __init__(
        self,
        config: BallIndicatorConfig,
        *,
        device: torch.device | str = "cpu",
        dtype: torch.dtype = torch.float32,
    ) -> None:
        super().__init__(config.d, 1.0, config.validation_size, device=device, dtype=dtype)
        self.threshold = float(chi2(config.d).median())

    def target(self, x: Float[Tensor, "*batch d"]) -> Float[Tensor, "*batch"]:
        """1 outside the ball, 0 inside."""
        return (x.square().sum(-1) > self.threshold).to(x.dtype)

    def losses(
        self, outputs: Float[Tensor, "member batch 1"], y: Float[Tensor, "member batch"]
    ) -> Float[Tensor, "member batch"]:
        """Binary cross-entropy of the logit, in nats."""
        return F.binary_cross_entropy_with_logits(outputs.squeeze(-1), y, reduction="none")

    def hits(
        self, outputs: Float[Tensor, "member batch 1"], y: Float[Tensor, "member batch"]
    ) -> Bool[Tensor, "member batch"]:
        """Whether the logit has the sign of the label."""
        return (outputs.squeeze(-1) > 0) == (y > 0.5)
