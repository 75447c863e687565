"""Matrix optimizers on 27 members at once, against a loop over the members, interleaved in one run.

On the CPU batching must not cost anything (within 5 %); on a GPU it must pay (5 times faster). The peers of
whole steps are 27 optimizers of ``torch.optim`` or of this package, one a member, as a plain sweep has them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

import torch
from torch import Tensor, nn

from benchmarks.harness import Row, in_turns
from sims.optim import SOAP, Dion, Muon, Shampoo
from sims.optim.orthogonal import orthogonalized

MEMBERS, SIZES, LAYERS = 27, (64, 128), 8
CPU_GOAL, GPU_GOAL = 1 / 1.05, 5.0


def rows(device: str | None = None) -> Iterator[Row]:
    """The kernels, then whole steps; on the GPU if there is one, single-threaded on the CPU else."""
    device = device or ("cuda" if torch.cuda.is_available() else "cpu")
    threads = torch.get_num_threads()
    if device == "cpu":
        torch.set_num_threads(1)
    try:
        for size in SIZES:
            yield from kernels(size, device)
        for size in SIZES:
            yield from whole_steps(size, device)
    finally:
        torch.set_num_threads(threads)


def kernels(size: int, device: str) -> Iterator[Row]:
    """Newton-Schulz, QR and eigendecomposition of 27 matrices."""
    matrices = torch.randn(MEMBERS, size, size, generator=torch.Generator().manual_seed(0)).to(device)
    grams = matrices @ matrices.mT
    for name, function, batch in (
        ("Newton-Schulz, 5 steps", orthogonalized, matrices),
        ("QR", lambda x: torch.linalg.qr(x).Q, matrices),
        ("eigh", lambda x: torch.linalg.eigh(x)[1], grams),
    ):
        batched = partial(function, batch)
        yield row(
            f"{name}, {MEMBERS} of {size} x {size}", batched, partial(one_by_one, function, batch), device
        )


def one_by_one(function: Callable[[Tensor], Tensor], batch: Tensor) -> list[Tensor]:
    """The peer: a loop over the members."""
    return [function(matrix) for matrix in batch]


def whole_steps(size: int, device: str) -> Iterator[Row]:
    """A step on 27 members of 8 layers, against an optimizer for each member."""
    for name, stacked, plain in step_pairs():
        together = stepper(stacked, [(MEMBERS, size, size)] * LAYERS, device)
        alone = [stepper(plain, [(size, size)] * LAYERS, device) for _ in range(MEMBERS)]
        yield row(
            f"{name}: 10 steps, {MEMBERS} x {LAYERS} of {size} x {size}",
            together,
            lambda alone=alone: [step() for step in alone],
            device,
            repeats=3,
        )


def step_pairs() -> list[tuple[str, Callable, Callable]]:
    """The stacked optimizers and their peers, which do the same to a square matrix."""
    torchs_way = partial(Muon, nesterov=True, bfloat16=True)
    peer = partial(torch.optim.Muon, weight_decay=0.0) if hasattr(torch.optim, "Muon") else torchs_way
    return [
        ("Muon as torch.optim.Muon, against it", torchs_way, peer),
        ("Muon", Muon, Muon),
        ("Dion, rank n/2", partial(Dion, rank_fraction=0.5), partial(Dion, rank_fraction=0.5)),
        ("Shampoo, each 10 steps", partial(Shampoo, interval=10), partial(Shampoo, interval=10)),
        ("SOAP, each 10 steps", SOAP, SOAP),
    ]


def stepper(make: Callable, shapes: list[tuple[int, ...]], device: str) -> Callable[[], None]:
    """Ten steps of an optimizer on weights of these shapes."""
    stream = torch.Generator().manual_seed(0)
    params = [nn.Parameter(torch.zeros(shape, device=device)) for shape in shapes]
    for p in params:
        p.grad = torch.randn(p.shape, generator=stream).to(device)
    optimizer = make(params, lr=1e-3)

    def ten_steps() -> None:
        for _ in range(10):
            optimizer.step()

    return ten_steps


def row(
    name: str, ours: Callable[[], object], theirs: Callable[[], object], device: str, repeats: int = 9
) -> Row:
    """Both timed in turn, against the goal of the device."""
    our, their, ratio = in_turns(ours, theirs, device, repeats)
    goal = CPU_GOAL if device == "cpu" else GPU_GOAL
    return Row(
        name,
        f"{our * 1e3:.2f} ms",
        f"one by one: {their * 1e3:.2f} ms",
        f"{ratio:.2f}x",
        f">= {goal:.2f}x",
        ratio >= goal,
    )
