"""Published corpora without a network: a folder in the public layout, a home that ``datasets`` would be, and,
where the data sets are at hand, the real ones."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tokenizers import Tokenizer

from sims.data.places import data_folder
from sims.data.text import find_corpus, tokenize
from sims.data.text.corpora import FINEWEB_VALIDATION, HELD_OUT
from sims.data.text.errors import CorpusError
from sims.data.text.tokenizer import SEPARATOR
from sims.settings.language import LanguageConfig
from sims.tasks.language import LanguageTask
from tests.sims.small import needs_data

ARTICLE = " = Valkyria = \n \n the unk game was released in 2011 , and the sequel in 2012 . \n"


class Home:
    """What ``datasets`` would give: rows of text by (path, name, split); it notes what was asked for."""

    def __init__(self, rows: int = 40) -> None:
        self.rows, self.asked = rows, []

    def load_dataset(self, path: str, name: str, *, split: str, streaming: bool) -> list[dict[str, str]]:
        self.asked.append((path, name, split, streaming))
        return [{"text": f"{split} {number}:{ARTICLE}"} for number in range(self.rows)]


@pytest.fixture
def home(monkeypatch: pytest.MonkeyPatch) -> Home:
    found = Home()
    monkeypatch.setitem(sys.modules, "datasets", found)
    monkeypatch.setattr("sims.data.text.hub.find_spec", lambda name: object())
    return found


@pytest.mark.parametrize("size", ["2", "103"])
def test_wikitext_from_its_home_and_from_a_folder_is_one_text(home: Home, tmp_path: Path, size: str) -> None:
    published = find_corpus(f"wikitext-{size}")
    folder = tmp_path / f"wikitext-{size}"
    folder.mkdir()
    for part, documents in (("train", published.train), ("valid", published.validation)):
        (folder / f"wiki.{part}.tokens").write_text("".join(documents()), encoding="utf-8")
    home.asked.clear()
    local = find_corpus(f"wikitext-{size}", tmp_path)
    assert "".join(local.train()) == "".join(published.train())
    assert "".join(local.validation()) == "".join(published.validation())
    assert {(path, name) for path, name, *_ in home.asked} == {("Salesforce/wikitext", f"wikitext-{size}-v1")}
    assert published.fingerprint == f"hub wikitext-{size}"
    assert local.fingerprint != published.fingerprint


def test_a_folder_with_half_of_wikitext_103_is_not_taken_for_all_of_it(home: Home, tmp_path: Path) -> None:
    (tmp_path / "wikitext-103").mkdir()
    (tmp_path / "wikitext-103" / "wiki.train.tokens").write_text("text\n", encoding="utf-8")
    with pytest.raises(CorpusError, match=r"there is no .*wikitext-103/wiki\.valid\.tokens"):
        find_corpus("wikitext-103", tmp_path)
    assert not home.asked  # nothing is downloaded in its place


def test_fineweb_is_streamed_and_cut_after_so_many_tokens(home: Home, tmp_path: Path) -> None:
    """Validation documents come first in the stream, and never into training."""
    home.rows = FINEWEB_VALIDATION + 30
    config = LanguageConfig("fineweb", vocabulary=260, context=8, validation_windows=4, max_tokens=200)
    corpus = find_corpus(config.corpus)
    files = tokenize(corpus, config.vocabulary, max_tokens=config.max_tokens, cache=tmp_path)
    assert set(home.asked) == {("HuggingFaceFW/fineweb", "sample-10BT", "train", True)}
    assert len(files.train) == config.max_tokens
    tokenizer = Tokenizer.from_file(str(files.folder / "tokenizer.json"))
    text = tokenizer.decode(files.train.tolist(), skip_special_tokens=False)
    assert text.startswith(f"train {FINEWEB_VALIDATION}:")
    head = tokenizer.decode(files.validation[:200].tolist(), skip_special_tokens=False)
    assert head.startswith("train 0:")
    task = LanguageTask(config, files=files)
    assert task.batch(0, [0], 4).x.shape == (1, 4, 8)


def test_a_stream_is_read_once_and_not_again(home: Home, tmp_path: Path) -> None:
    corpus = find_corpus("wikitext-103")
    first = tokenize(corpus, 258, cache=tmp_path)
    home.asked.clear()
    again = tokenize(find_corpus("wikitext-103"), 258, cache=tmp_path)
    assert home.asked == []
    assert np.array_equal(first.train, again.train)


@pytest.mark.data
@needs_data("english_novels")
def test_the_novels_are_whole_documents_a_twentieth_of_them_held_out() -> None:
    folder = data_folder()
    assert folder is not None
    corpus = find_corpus("novels", folder)
    files = sorted((folder / "english_novels").glob("*.txt"))
    train, validation = list(corpus.train()), list(corpus.validation())
    assert len(validation) == len(files) // HELD_OUT
    assert len(train) + len(validation) == len(files)
    assert not {text[:2_000] for text in train} & {text[:2_000] for text in validation}
    # The public collection: 95 novels, 75 MB in all.
    assert len(files) == 95
    assert sum(len(text) for text in train + validation) > 60e6
    assert corpus.separated


@pytest.mark.data
@needs_data("english_novels")
def test_tokens_of_a_novel_give_the_text_back(tmp_path: Path) -> None:
    corpus = find_corpus("novels", data_folder())
    novel, end = next(corpus.train())[:200_000], next(corpus.validation())[:20_000]
    part = replace(corpus, train=lambda: iter([novel]), validation=lambda: iter([end]))
    files = tokenize(part, 1024, cache=tmp_path)
    tokenizer = Tokenizer.from_file(str(files.folder / "tokenizer.json"))
    text = tokenizer.decode(files.train.tolist(), skip_special_tokens=False)
    assert text == novel + SEPARATOR
    # Byte-level merges on English: between two and four characters a token.
    assert 2 < len(novel) / len(files.train) < 4
