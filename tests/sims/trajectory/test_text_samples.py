"""psi of windows of text under language models, against gradients formed window by window."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sims.trajectory import ObservationWarning, SampleObserver
from sims.trajectory.observer import trainable
from tests.sims.models.test_transformer import GPT2, LLAMA, VOCABULARY, WIDTH, stacked, tokens
from tests.sims.trajectory.small import CADENCE

WINDOWS, CONTEXT = 5, 6
IDS, NEXT = (tokens(WINDOWS, CONTEXT, seed=seed) for seed in (1, 2))


Named = dict[str, Tensor]

pytestmark = pytest.mark.filterwarnings("ignore::sims.trajectory.LinearisationWarning")


def brute_force(gradients: list[Named], update: Named, rows: set[str]) -> Tensor:
    """u_j^T G_i^T dW u_j summed over the matrices, from the gradient of each window."""
    psi = torch.zeros(len(gradients), WIDTH, dtype=torch.float64)
    for name, d in update.items():
        g = torch.stack([each[name] for each in gradients])
        g, d = (g.mT, d.mT) if name in rows else (g, d)
        product = g.mean(0).T @ d
        eigenvalues, vectors = torch.linalg.eigh((product + product.T) / 2)
        u = vectors[:, eigenvalues.abs().argsort(descending=True)]
        psi += torch.einsum("nj,imn,mp,pj->ij", u, g, d, u)
    return psi


def one_by_one(losses: Tensor, model: nn.Module) -> list[Named]:
    """The gradient of each loss by a backward pass of its own."""
    weights = dict(model.named_parameters())
    return [
        dict(zip(weights, torch.autograd.grad(loss, list(weights.values()), retain_graph=True), strict=True))
        for loss in losses
    ]


def move(model: nn.Module) -> dict[str, Tensor]:
    """A step that is no gradient's; the update by name."""
    draw = torch.Generator().manual_seed(5)
    update = {}
    with torch.no_grad():
        for name, weight in model.named_parameters():
            update[name] = 0.01 * torch.randn(weight.shape, generator=draw, dtype=weight.dtype)
            weight += update[name]
    return update


def assert_psi(
    observer: SampleObserver, gradients: list[list[Named]], update: Named, names: list[str]
) -> None:
    """psi of every member is that of the brute force over the matrices of these names.

    ``gradients[member]`` holds one for each example, as ``one_by_one`` gives them for the whole stack.
    float64: rounding of 1e-15, which close eigenvalues magnify in u_j by about 1e3.
    """
    rows = {matrix.name for matrix in observer.parts.matrices if matrix.side == "rows"}
    for member, own in enumerate(gradients):
        expected = brute_force(
            [{name: each[name][member] for name in names} for each in own],
            {name: update[name][member] for name in names},
            rows,
        )
        torch.testing.assert_close(observer.psi[member], expected, rtol=1e-8, atol=1e-11)


def cross_entropies(model: nn.Module) -> Tensor:
    """[member, window, token]."""
    logits = model(IDS[None])
    targets = NEXT.expand(logits.shape[0], -1, -1)
    losses = F.cross_entropy(logits.flatten(0, 2), targets.flatten(), reduction="none")
    return losses.view(targets.shape)


@pytest.mark.parametrize("config", [LLAMA, GPT2], ids=["llama", "gpt2"])
def test_windows_under_a_stacked_transformer(config):
    """Every matrix is followed, the table of tokens too; not that of positions, which all windows share."""
    model = stacked(config, seeds=(3, 4)).double()
    observer = SampleObserver(cross_entropies, cadence=CADENCE, stacked=True, width=WIDTH)
    if config is LLAMA:
        observer.prepare(model)
    else:
        with pytest.warns(ObservationWarning, match=r"positions\.weight"):
            observer.prepare(model)
    matrices = {matrix.name for matrix in observer.parts.matrices}
    covered = [name for name in trainable(model) if name not in observer.uncovered]
    assert matrices - set(covered) == ({"positions.weight"} if config is GPT2 else set())
    gradients = [one_by_one(each, model) for each in cross_entropies(model).mean(-1)]
    update = move(model)
    observer.step()
    observer.results()
    assert_psi(observer, gradients, update, covered)


@pytest.mark.parametrize("config", [LLAMA, GPT2], ids=["llama", "gpt2"])
def test_single_tokens_under_a_stacked_transformer(config):
    """A token's loss depends on the rows of those before it; every matrix is followed, that of positions too.

    Only layers above the last attention have a row for each loss; the others take n directional derivatives.
    """
    model = stacked(config, seeds=(3, 4)).double()

    def token_losses(model: nn.Module) -> Tensor:
        return cross_entropies(model).flatten(1)

    observer = SampleObserver(token_losses, cadence=CADENCE, stacked=True, width=WIDTH, directional=True)
    observer.prepare(model)
    assert set(observer.uncovered) == {name for name in trainable(model) if name.endswith("gain")}
    gradients = [one_by_one(each, model) for each in token_losses(model)]
    update = move(model)
    observer.step()
    results = observer.results()
    assert_psi(observer, gradients, update, [matrix.name for matrix in observer.parts.matrices])
    for psi, result in zip(observer.psi, results, strict=True):
        np.testing.assert_allclose(psi.mean(0).cumsum(0).numpy(), result.top_k, rtol=1e-8, atol=1e-11)


class Doubled(torch.autograd.Function):
    """Twice its input, by an operation of one's own that says nothing of several directions at once."""

    @staticmethod
    def forward(x: Tensor) -> Tensor:
        return 2 * x

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
        pass

    @staticmethod
    def backward(ctx: Any, delta: Tensor) -> Tensor:
        return 2 * delta

    @staticmethod
    def jvp(ctx: Any, tangent: Tensor) -> Tensor:
        return 2 * tangent


def test_an_operation_that_cannot_be_taken_along_several_directions():
    """psi comes one direction after the other, and is that of the same losses by operations of torch."""
    model = stacked(LLAMA, seeds=(3, 4)).double()
    found = []
    for double in (lambda losses: 2 * losses, Doubled.apply):
        trained = copy.deepcopy(model)
        observer = SampleObserver(
            lambda model, double=double: double(cross_entropies(model).flatten(1)),
            cadence=CADENCE,
            stacked=True,
            width=WIDTH,
            directional=True,
        )
        observer.prepare(trained)
        move(trained)
        observer.step()
        observer.results()
        found.append(observer.psi)
    torch.testing.assert_close(found[0], found[1], rtol=1e-9, atol=1e-12)


class Tied(nn.Module):
    """Token by token: a table that is also the readout."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.table = nn.Embedding(VOCABULARY, WIDTH)
        self.hidden = nn.Linear(WIDTH, WIDTH, bias=False)
        self.readout = nn.Linear(WIDTH, VOCABULARY, bias=False)
        self.readout.weight = self.table.weight

    def forward(self, ids: Tensor) -> Tensor:
        h = torch.tanh(self.hidden(self.table(ids)))
        return self.readout(h.cumsum(1))  # a position sees those before it


def tied_losses(model: nn.Module) -> Tensor:
    return F.cross_entropy(model(IDS).mT, NEXT, reduction="none")


def test_a_table_tied_to_the_readout():
    model = Tied().double()
    observer = SampleObserver(tied_losses, cadence=CADENCE, width=WIDTH)
    observer.prepare(model)
    assert observer.uncovered == ()
    gradients = one_by_one(tied_losses(model).mean(1), model)
    update = move(model)
    observer.step()
    observer.result()
    torch.testing.assert_close(observer.psi[0], brute_force(gradients, update, set()), rtol=1e-8, atol=1e-11)
