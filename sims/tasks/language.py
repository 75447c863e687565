"""Next-token prediction on a tokenized corpus: windows of text, under cross-entropy."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from hptheory.errors import DomainError
from sims.data.batches import epoch_batches
from sims.data.places import data_folder
from sims.data.text import TokenFiles, find_corpus, tokenize
from sims.data.text.errors import TooLittleTextError
from sims.settings.language import LanguageConfig
from sims.tasks.base import Batch, Task
from sims.tasks.cross_entropy import cross_entropy

EVALUATION_TOKENS, EVALUATION_LOGITS = 4096, 2**24  # of a member at once, for memory's sake


class LanguageTask(Task):
    """Windows of ``context`` tokens, each predicting the token after it; an epoch sees every window once.

    ``inputs`` and ``outputs`` are the size of the vocabulary. Training and validation tokens stay where they
    are mapped; on another device than the CPU they are copied there once.

    Shapes: x and y of a batch [seed, batch, context], y one token later.

    Domain: a corpus of fewer windows than a batch is a ``TooLittleTextError``.

    *Laws*: a batch is a pure function of (seed, step, size); no window twice in an epoch.
    """

    def __init__(
        self,
        config: LanguageConfig,
        *,
        device: torch.device | str = "cpu",
        dtype: torch.dtype = torch.float32,
        data_dir: Path | None = None,
        files: TokenFiles | None = None,
    ) -> None:
        super().__init__(device, dtype)
        if files is None:
            corpus = find_corpus(config.corpus, data_folder(data_dir))
            files = tokenize(corpus, config.vocabulary, max_tokens=config.max_tokens)
        self.config, self.files = config, files
        self.fingerprint = files.description.fingerprint
        self.inputs = self.outputs = files.description.vocabulary
        self.positions = config.context
        self._train = _tokens(files.train).to(self.device)
        self._mask = 2 ** (8 * files.train.dtype.itemsize) - 1
        self._epoch: tuple[tuple[int, int, tuple[int, ...]], Int[Tensor, "step seed batch"]] | None = None
        self.windows = max(0, (len(files.train) - 1) // config.context)

    def batch(self, step: int, seeds: Sequence[int], size: int) -> Batch:
        """The windows of this step, in an order of its own for each seed and epoch."""
        epoch, row = divmod(step, self.steps_per_epoch(size))
        return self._windows(self._train, self._order(epoch, tuple(seeds), size)[row])

    def losses(
        self,
        outputs: Float[Tensor, "member batch context vocabulary"],
        y: Int[Tensor, "member batch context"],
    ) -> Float[Tensor, "member batch"]:
        """The mean cross-entropy over a window's tokens, in nats a token."""
        return self.token_losses(outputs, y).mean(-1)

    def token_losses(
        self,
        outputs: Float[Tensor, "member batch context vocabulary"],
        y: Int[Tensor, "member batch context"],
    ) -> Float[Tensor, "member batch context"]:
        """The cross-entropy of every token, in nats."""
        return cross_entropy(outputs.flatten(0, 2), y.flatten()).view(y.shape)

    def validation(self) -> Sequence[Batch]:
        """The first windows of the validation part, ``validation_windows`` of them or all there are."""
        return self._validation

    @cached_property
    def _validation(self) -> list[Batch]:
        there = (len(self.files.validation) - 1) // self.config.context
        count = min(self.config.validation_windows or there, there)
        if count < 1:
            raise self._too_little("validation", len(self.files.validation), self.config.context + 1)
        tokens = _tokens(self.files.validation[: count * self.config.context + 1]).to(self.device)
        rows = torch.arange(count, device=self.device)
        at_once = min(EVALUATION_TOKENS, EVALUATION_LOGITS // self.files.description.vocabulary)
        chunk = max(1, at_once // self.config.context)
        return [self._windows(tokens, some[None]) for some in rows.split(chunk)]

    def steps_per_epoch(self, batch_size: int) -> int:
        """Whole batches in the training part."""
        if batch_size < 1:
            raise DomainError("batch_size", batch_size, "an integer >= 1")
        if self.windows < batch_size:
            raise self._too_little("training", len(self.files.train), batch_size * self.config.context + 1)
        return self.windows // batch_size

    def _order(self, epoch: int, seeds: tuple[int, ...], size: int) -> Int[Tensor, "step seed batch"]:
        """The epoch's batches as numbers of windows; the last epoch asked for is kept."""
        key = (epoch, size, seeds)
        if self._epoch is None or self._epoch[0] != key:
            self._epoch = (key, epoch_batches(seeds, epoch, self.windows, size).to(self.device))
        return self._epoch[1]

    def _windows(self, tokens: Tensor, rows: Int[Tensor, "seed batch"]) -> Batch:
        """The tokens of windows by number, and those one later."""
        start, context = rows[..., None] * self.config.context, self.config.context
        places = start + torch.arange(context + 1, device=self.device)
        window = tokens[places].long() & self._mask  # stored as signed integers: their bits are the token
        return Batch(window[..., :-1], window[..., 1:])

    def _too_little(self, part: str, there: int, needed: int) -> TooLittleTextError:
        return TooLittleTextError(
            f"the {part} part of {self.config.corpus} holds {there} tokens, and {needed} are needed; "
            "give more text, or a shorter context or a smaller batch"
        )


def _tokens(array: np.ndarray) -> Tensor:
    """The array as signed integers of its size (torch gathers no unsigned ones), without a copy."""
    return torch.from_numpy(np.asarray(array.view(f"<i{array.dtype.itemsize}")))
