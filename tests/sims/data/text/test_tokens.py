"""Tokenizer and token files: text in, the same text out; a cache that knows what it holds."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer

from hptheory.errors import DomainError
from hptheory.files import OutputError
from sims.data.places import data_folder
from sims.data.text import Corpus, find_corpus, tokenize, train_tokenizer
from sims.data.text.errors import CorpusError, TokenCacheError
from sims.data.text.tokenizer import SEPARATOR
from tests.sims.small import needs_data

SENTENCES = [
    f"the {animal} {verb} on the {place}\n"
    for animal in ("cat", "rat", "horse", "lobster")
    for verb in ("sat", "slept", "danced")
    for place in ("mat", "hat", "carpet")
] * 3


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return train_tokenizer(SENTENCES, 270)


def small(**changes: object) -> Corpus:
    corpus = Corpus("small", lambda: iter(SENTENCES), lambda: iter(SENTENCES[:2]), "1", separated=True)
    return replace(corpus, **changes)


@given(text=st.text(st.characters(exclude_categories=("Cs",)), max_size=40))
def test_law_decoding_gives_the_text_back(tokenizer: Tokenizer, text: str) -> None:
    ids = tokenizer.encode(text).ids
    assert tokenizer.decode(ids) == text
    assert all(token < tokenizer.get_vocab_size() for token in ids)


def test_law_decoding_gives_back_a_separator_that_stands_in_the_text(tokenizer: Tokenizer) -> None:
    text = f"a {SEPARATOR} b"
    assert tokenizer.decode(tokenizer.encode(text).ids) == text


def test_law_the_same_text_gives_the_same_tokenizer(tokenizer: Tokenizer) -> None:
    assert train_tokenizer(SENTENCES, 270).to_str() == tokenizer.to_str()


def test_a_vocabulary_of_bytes_only_or_beyond_the_text_is_refused() -> None:
    with pytest.raises(DomainError, match="more than 256"):
        train_tokenizer(SENTENCES, 256)
    with pytest.raises(CorpusError, match="ask for a smaller vocabulary"):
        train_tokenizer(SENTENCES, 5_000)


def test_tokens_decode_to_the_text(tmp_path: Path) -> None:
    files = tokenize(small(), 270, cache=tmp_path)
    tokenizer = Tokenizer.from_file(str(files.folder / "tokenizer.json"))
    text = tokenizer.decode(files.train.tolist(), skip_special_tokens=False)
    assert text == "".join(sentence + SEPARATOR for sentence in SENTENCES)
    assert files.description.train_bytes == sum(map(len, SENTENCES))
    joined = tokenize(small(separated=False), 270, cache=tmp_path)
    assert tokenizer.decode(joined.validation.tolist()) == "".join(SENTENCES[:2])


def test_law_a_second_call_reads_what_the_first_wrote(tmp_path: Path) -> None:
    first = tokenize(small(), 270, cache=tmp_path)

    def explode() -> None:
        raise AssertionError("the corpus was read again")

    again = tokenize(small(train=explode, validation=explode), 270, cache=tmp_path)
    assert np.array_equal(first.train, again.train)
    again.train[0] += 1  # on a private copy
    assert np.array_equal(first.train, tokenize(small(), 270, cache=tmp_path).train)


@pytest.mark.parametrize("change", [{"fingerprint": "2"}, {"separated": False}])
def test_law_another_text_is_another_entry(tmp_path: Path, change: dict[str, object]) -> None:
    entries = {tokenize(corpus, 270, cache=tmp_path).folder for corpus in (small(), small(**change))}
    entries |= {tokenize(small(), 271, cache=tmp_path).folder}
    entries |= {tokenize(small(), 270, max_tokens=200, cache=tmp_path).folder}
    assert len(entries) == 4


def test_a_stream_ends_where_it_is_told_to(tmp_path: Path) -> None:
    whole, short = (tokenize(small(), 258, max_tokens=count, cache=tmp_path) for count in (None, 50))
    assert len(short.train) == 50
    assert np.array_equal(short.train, whole.train[:50])


@pytest.mark.parametrize("damage", ["short", "vocabulary", "description"])
def test_a_damaged_cache_is_one_sentence_with_the_remedy(tmp_path: Path, damage: str) -> None:
    files = tokenize(small(), 270, cache=tmp_path)
    path = files.folder / "tokens.json"
    if damage == "short":
        (files.folder / "train.bin").write_bytes(b"\0\0")
    elif damage == "vocabulary":
        path.write_text(json.dumps(json.loads(path.read_text()) | {"vocabulary": 100}))
    else:
        path.write_text("{")
    with pytest.raises(TokenCacheError, match="delete it, and it is made again"):
        tokenize(small(), 270, cache=tmp_path)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"vocabulary": 400}, "its vocabulary is 400, not 270"),
        ({"vocabulary": "270"}, "is damaged"),
        ({"fingerprint": "2"}, "its fingerprint is '2', not '1'"),
        ({"dtype": "banana"}, "its dtype is 'banana', not '<u2'"),
        ({"dtype": "<f2"}, "its dtype is '<f2', not '<u2'"),
        ({"train_tokens": None}, "is damaged"),
    ],
)
def test_a_cache_of_something_else_is_named(tmp_path: Path, change: dict[str, object], words: str) -> None:
    path = tokenize(small(), 270, cache=tmp_path).folder / "tokens.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(TokenCacheError, match=words):
        tokenize(small(), 270, cache=tmp_path)


def test_an_entry_of_another_vocabulary_under_this_ones_key_is_named(tmp_path: Path) -> None:
    asked, other = (tokenize(small(), size, cache=tmp_path).folder for size in (271, 270))
    shutil.rmtree(asked)
    shutil.copytree(other, asked)
    with pytest.raises(TokenCacheError, match="its vocabulary is 270, not 271"):
        tokenize(small(), 271, cache=tmp_path)


def test_law_the_same_text_by_another_name_is_the_same_entry(tmp_path: Path) -> None:
    one, other = (tokenize(small(name=name), 270, cache=tmp_path) for name in ("small", "copy"))
    assert one.folder == other.folder


def test_an_unfinished_entry_leaves_nothing_behind(tmp_path: Path) -> None:
    def cut_short() -> object:
        yield SENTENCES[0]
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        tokenize(small(validation=cut_short), 258, cache=tmp_path)
    assert list(tmp_path.iterdir()) == []
    assert len(tokenize(small(), 258, cache=tmp_path).validation) > 0


def test_an_entry_without_its_description_is_made_again(tmp_path: Path) -> None:
    files = tokenize(small(), 270, cache=tmp_path)
    (files.folder / "tokens.json").unlink()
    assert np.array_equal(tokenize(small(), 270, cache=tmp_path).train, files.train)


def test_a_source_that_fails_on_the_way_is_not_the_caches_fault(tmp_path: Path) -> None:
    def cut_short() -> Iterator[str]:
        yield SENTENCES[0]
        raise ConnectionResetError("reset by peer")

    with pytest.raises(CorpusError, match="reading small failed on the way"):
        tokenize(small(validation=cut_short), 258, cache=tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_law_a_separator_in_the_text_is_text(tmp_path: Path) -> None:
    text = f"a {SEPARATOR} b\n"
    files = tokenize(small(validation=lambda: iter([text])), 270, cache=tmp_path)
    tokenizer = Tokenizer.from_file(str(files.folder / "tokenizer.json"))
    separator = tokenizer.token_to_id(SEPARATOR)
    assert tokenizer.decode(files.validation[:-1].tolist()) == text
    assert (files.validation == separator).nonzero()[0].tolist() == [len(files.validation) - 1]


def test_a_cache_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="cannot write"):
        tokenize(small(), 270, cache=tmp_path / "file" / "cache")


def test_text_that_comes_with_python_serves_a_smoke_test(tmp_path: Path) -> None:
    files = tokenize(find_corpus("pydoc"), 300, cache=tmp_path)
    assert files.train.dtype == np.dtype("<u2")
    assert len(files.train) > 10 * len(files.validation) > 1_000


@pytest.mark.data
@needs_data("wikitext-2")
def test_wikitext_2_is_the_published_one() -> None:
    corpus = find_corpus("wikitext-2", data_folder())
    words = sum(len(line.split()) + 1 for line in corpus.train())
    assert words == 2_088_628  # Merity et al., Table 1, counting the end of each line
