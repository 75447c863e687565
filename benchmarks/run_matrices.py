"""Gradients and updates as they occur in runs, for benchmarks of the decomposition: SGD-, Adam-, Muon-like.

A four-layer ReLU network learns ten classes of synthetic inputs with a power-law covariance, which gives its
hidden n x n layers gradients with the decaying spectra of real data. What comes back is what an observer
sees: the gradient on held-out data at the averaged weights, and the step of the average. Under Muon the
spectrum of S decays slower than under SGD and Adam; with all of them many eigenvalues are positive.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Literal

import torch

Kind = Literal["sgd", "adam", "muon"]
KINDS: tuple[Kind, ...] = ("sgd", "adam", "muon")
INPUTS, CLASSES, BATCH, HELD_OUT = 768, 10, 512, 2048
EMA_DECAY = 0.98


def run_matrices(
    kind: Kind, n: int, observe_at: tuple[int, ...] = (30, 31, 100, 101), seed: int = 0
) -> Iterator[tuple[int, int, torch.Tensor, torch.Tensor]]:
    """(step, layer, gradient, update) of both hidden layers at the steps asked for, in single precision."""
    generator = torch.Generator().manual_seed(seed)
    draw = _Data(generator)
    sizes = [INPUTS, n, n, n, CLASSES]
    weights = [
        torch.randn(d_out, d_in, generator=generator) * (2 / d_in) ** 0.5 for d_in, d_out in pairwise(sizes)
    ]
    weights[-1] /= n**0.5  # the readout of muP starts at 1/n
    first, second = ([torch.zeros_like(w) for w in weights] for _ in range(2))
    average = [w.clone() for w in weights]
    held_out = draw(HELD_OUT)
    for step in range(max(observe_at) + 1):
        gradients = _gradients(weights, *draw(BATCH))
        for layer, (w, g, m, v) in enumerate(zip(weights, gradients, first, second, strict=True)):
            hidden = 0 < layer < len(weights) - 1
            w -= _sgd(g, m) if kind == "sgd" else _adam(g, m, v, step, muon=kind == "muon" and hidden)
        before = [w.clone() for w in average]
        for mean, w in zip(average, weights, strict=True):
            mean.lerp_(w, 1 - EMA_DECAY)
        if step in observe_at:
            gradients = _gradients(before, *held_out)
            for layer in (1, 2):
                yield step, layer, gradients[layer], average[layer] - before[layer]


class _Data:
    """Inputs with covariance eigenvalues 1/i, labelled by a random network of one hidden layer."""

    def __init__(self, generator: torch.Generator) -> None:
        self.generator = generator
        self.scale = torch.arange(1, INPUTS + 1, dtype=torch.float32) ** -0.5
        self.scale *= (INPUTS / self.scale.square().sum()) ** 0.5
        self.hidden = torch.randn(256, INPUTS, generator=generator) / INPUTS**0.5
        self.readout = torch.randn(CLASSES, 256, generator=generator)

    def __call__(self, count: int) -> tuple[torch.Tensor, torch.Tensor]:
        x = torch.randn(count, INPUTS, generator=self.generator) * self.scale
        return x, (torch.relu(x @ self.hidden.T) @ self.readout.T).argmax(dim=1)


def _gradients(
    weights: list[torch.Tensor], x: torch.Tensor, labels: torch.Tensor
) -> tuple[torch.Tensor, ...]:
    leaves = [w.detach().requires_grad_() for w in weights]
    h = x
    for w in leaves[:-1]:
        h = torch.relu(h @ w.T)
    return torch.autograd.grad(torch.nn.functional.cross_entropy(h @ leaves[-1].T, labels), leaves)


def _sgd(g: torch.Tensor, m: torch.Tensor) -> torch.Tensor:
    return 0.05 * m.mul_(0.9).add_(g)


def _adam(g: torch.Tensor, m: torch.Tensor, v: torch.Tensor, step: int, *, muon: bool) -> torch.Tensor:
    m.mul_(0.9).add_(g, alpha=0.1)
    if muon:
        return 0.005 * _orthogonalised(m)
    v.mul_(0.999).addcmul_(g, g, value=0.001)
    return 3e-4 * (m / (1 - 0.9 ** (step + 1))) / ((v / (1 - 0.999 ** (step + 1))).sqrt() + 1e-8)


def _orthogonalised(m: torch.Tensor) -> torch.Tensor:
    """Five Newton-Schulz steps with Muon's coefficients."""
    x = m / (m.norm() + 1e-7)
    for _ in range(5):
        a = x @ x.T
        x = 3.4445 * x + (-4.775 * a + 2.0315 * a @ a) @ x
    return x
