"""Next-token prediction on a corpus: which text, which tokens, how long a window."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from sims.settings.checks import check_count, check_known


@dataclass(frozen=True)
class LanguageConfig:
    """A corpus by name, tokenized; windows of ``context`` tokens.

    ``vocabulary`` is the size of a byte-level BPE trained on the corpus, or ``"gpt2"`` for GPT-2's own.
    ``validation_windows`` are evaluated, 0 for all of the validation part. ``max_tokens`` cuts the training
    part of a stream.
    """

    corpus: str
    vocabulary: int | str
    context: int
    validation_windows: int = 0
    max_tokens: int | None = None
    name: Literal["language"] = "language"

    def __post_init__(self) -> None:
        check_count("context", self.context)
        if isinstance(self.vocabulary, int):
            check_count("vocabulary", self.vocabulary)
        else:
            check_known("vocabulary", self.vocabulary, ["gpt2"])
        if self.validation_windows:
            check_count("validation_windows", self.validation_windows)
        if self.max_tokens is not None:
            check_count("max_tokens", self.max_tokens)
