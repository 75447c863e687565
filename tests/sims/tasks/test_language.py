"""Language modelling: windows of text by seed and step, the loss a token, validation, named errors."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch

from hptheory.errors import DomainError
from sims.data.text import tokenize
from sims.data.text.errors import TooLittleTextError
from sims.data.text.tokens import Description, TokenFiles
from sims.settings.language import LanguageConfig
from sims.tasks import language as language_task
from sims.tasks.language import LanguageTask
from tests.sims.data.text.test_tokens import small

CONFIG = LanguageConfig(corpus="numbers", vocabulary=257, context=4, validation_windows=0)


def counting(train: int, validation: int, dtype: str = "<u2", vocabulary: int = 60_000) -> TokenFiles:
    """Token i is i: what a window holds says where it lies."""
    parts = (np.arange(count, dtype=dtype) for count in (train, validation))
    description = Description("numbers", "", vocabulary, dtype, train, validation, train, validation)
    return TokenFiles(*parts, description, Path("nowhere"))


def task(train: int = 101, validation: int = 43, **changes: object) -> LanguageTask:
    return LanguageTask(replace(CONFIG, **changes), files=counting(train, validation))


def test_a_window_predicts_the_token_after_each_of_its_own() -> None:
    batch = task().batch(0, seeds=[0, 1], size=5)
    assert batch.x.shape == batch.y.shape == (2, 5, 4)
    assert torch.equal(batch.y, batch.x + 1)
    assert torch.equal(batch.x[..., 0] % 4, torch.zeros(2, 5, dtype=torch.int64))


def test_law_no_window_twice_in_an_epoch_and_another_order_in_the_next() -> None:
    language = task()
    assert language.steps_per_epoch(5) == 5
    first, second = (
        torch.cat([language.batch(step, [7], 5).x[0, :, 0] for step in range(5 * epoch, 5 * epoch + 5)])
        for epoch in (0, 1)
    )
    assert first.unique().numel() == second.unique().numel() == 25
    assert not torch.equal(first, second)


def test_law_a_batch_is_a_pure_function_of_seed_and_step() -> None:
    whole = task()
    expected = [whole.batch(step, [3, 8], 5) for step in range(12)]
    for step in (11, 2, 7):
        alone = task().batch(step, [8], 5)
        assert torch.equal(alone.x[0], expected[step].x[1])


def test_tokens_beyond_the_signed_range_come_back_as_they_are() -> None:
    language = LanguageTask(CONFIG, files=counting(60_000, 43))
    largest = max(int(language.batch(step, [0], 1_000).y.max()) for step in range(14))
    assert 59_000 < largest < 60_000
    wide = LanguageTask(CONFIG, files=counting(70_001, 43, dtype="<u4", vocabulary=70_001))
    assert max(int(wide.batch(step, [0], 17_500).y.max()) for step in range(1)) == 70_000


def test_the_loss_is_the_mean_cross_entropy_of_a_window() -> None:
    language = task()
    logits = torch.randn(2, 3, 4, 50, generator=torch.Generator().manual_seed(0))
    y = torch.randint(50, (2, 3, 4), generator=torch.Generator().manual_seed(1))
    by_hand = -logits.log_softmax(-1).gather(-1, y[..., None]).squeeze(-1)
    assert torch.allclose(language.token_losses(logits, y), by_hand, atol=1e-6)
    assert torch.allclose(language.losses(logits, y), by_hand.mean(-1), atol=1e-6)
    assert torch.allclose(language.losses(torch.zeros_like(logits), y), torch.tensor(math.log(50)))


def test_validation_is_the_head_of_its_part_in_order() -> None:
    whole, some = task().validation(), task(validation_windows=3).validation()
    assert torch.equal(torch.cat([chunk.x.flatten() for chunk in whole]), torch.arange(40))
    assert torch.equal(torch.cat([chunk.y.flatten() for chunk in some]), torch.arange(1, 13))
    assert {chunk.x.shape[0] for chunk in whole} == {1}


def test_a_large_vocabulary_is_evaluated_in_smaller_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """The logits of a part are bounded, down to one window; the windows are the same."""
    monkeypatch.setattr(language_task, "EVALUATION_LOGITS", 8 * 60_000)
    parts = task().validation()
    assert [batch.y.shape for batch in parts] == [(1, 2, 4)] * 5
    monkeypatch.setattr(language_task, "EVALUATION_LOGITS", 1)
    single = task().validation()
    assert [batch.y.shape for batch in single] == [(1, 1, 4)] * 10
    assert torch.cat([b.x for b in parts], 1).equal(torch.cat([b.x for b in single], 1))


@pytest.mark.parametrize(("train", "validation"), [(20, 43), (101, 4)])
def test_too_little_text_is_one_sentence(train: int, validation: int) -> None:
    language = task(train, validation)
    ask = language.validation if train > 100 else partial(language.steps_per_epoch, 5)
    with pytest.raises(TooLittleTextError, match=r"holds \d+ tokens, and \d+ are needed"):
        ask()


def test_a_batch_of_nothing_is_refused() -> None:
    with pytest.raises(DomainError, match="batch_size"):
        task().steps_per_epoch(0)


def test_a_corpus_goes_from_text_to_batches(tmp_path: Path) -> None:
    files = tokenize(small(), 270, cache=tmp_path)
    language = LanguageTask(CONFIG, files=files)
    assert language.outputs == 270
    stream = torch.from_numpy(files.train.astype(np.int64))
    x = language.batch(0, [0], 2).x[0]
    found = stream.unfold(0, 4, 4)
    assert all((found == window).all(-1).any() for window in x)
