"""Token files: a corpus encoded once, cached by the hash of its content, mapped into memory.

An entry of the cache is a folder ``<key>`` with ``train.bin`` and ``validation.bin`` (little-endian uint16,
uint32 for more than 65,536 tokens), ``tokenizer.json`` and ``tokens.json``, which describes them and is
written last: a folder without it is unfinished, and is made again.
"""

from __future__ import annotations

import hashlib
import json
import secrets
import shutil
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hptheory.files import OutputError, output_folder
from sims.data.places import cache_folder
from sims.data.text.corpora import Corpus, Documents
from sims.data.text.errors import CorpusError, TokenCacheError
from sims.data.text.tokenizer import GPT2_TOKENS, SEPARATOR, gpt2_tokenizer, train_tokenizer

if TYPE_CHECKING:
    from tokenizers import Tokenizer

FORMAT = 2  # raise it when the same corpus and vocabulary give other tokens
BATCH = 1_000  # documents (or lines) encoded at once
TOKENIZER_CHARACTERS = 100_000_000  # of a stream, merges are counted on its head


@dataclass(frozen=True)
class Description:
    """What ``tokens.json`` says of a cached corpus.

    ``corpus`` is the name that the text was first read by: the same text by another name is the same entry.
    """

    corpus: str
    fingerprint: str
    vocabulary: int
    dtype: str
    train_tokens: int
    validation_tokens: int
    train_bytes: int
    validation_bytes: int


@dataclass(frozen=True)
class TokenFiles:
    """A tokenized corpus: two read-only arrays mapped from disk, and what they are.

    ``validation_bytes`` is the size of the text behind the validation tokens: with it a loss in nats a token
    becomes bits a byte, which can be compared between vocabularies.
    """

    train: np.ndarray
    validation: np.ndarray
    description: Description
    folder: Path


def tokenize(
    corpus: Corpus,
    vocabulary: int | str,
    *,
    max_tokens: int | None = None,
    cache: Path | None = None,
) -> TokenFiles:
    """The corpus as tokens: from the cache, or trained, encoded and cached now.

    ``vocabulary`` is the size of a BPE trained on the training part, or ``"gpt2"``. ``max_tokens`` ends the
    training part of a stream.

    Domain: as for ``train_tokenizer``; a cache that does not match its own description, or is of another text
    or vocabulary, is a ``TokenCacheError``; one that cannot be written, an ``OutputError``.

    *Laws*: a second call reads what the first wrote; another text, vocabulary or length is another entry;
    tokens decode to the text.
    """
    key = _key(corpus, vocabulary, max_tokens)
    home = output_folder(cache or cache_folder() / "tokens")
    folder = home / key
    if not (folder / "tokens.json").exists():
        _make(corpus, vocabulary, max_tokens, folder)
    return _open(folder, corpus, vocabulary)


def _key(corpus: Corpus, vocabulary: int | str, max_tokens: int | None) -> str:
    name = json.dumps([FORMAT, corpus.fingerprint, corpus.separated, vocabulary, max_tokens])
    return hashlib.sha256(name.encode()).hexdigest()[:24]


def _make(corpus: Corpus, vocabulary: int | str, max_tokens: int | None, folder: Path) -> None:
    """Write a cache entry aside and rename it; whoever comes second with the same entry drops his."""
    if isinstance(vocabulary, int):
        tokenizer = train_tokenizer(_head(_read(corpus, corpus.train), TOKENIZER_CHARACTERS), vocabulary)
    else:
        tokenizer = gpt2_tokenizer()
    size = tokenizer.get_vocab_size()
    dtype = _dtype(size)
    draft = folder.with_name(f".{folder.name}.{secrets.token_hex(4)}")
    try:
        draft.mkdir()
        counts: dict[str, Any] = {}
        for part, documents, limit in (
            ("train", corpus.train, max_tokens),
            ("validation", corpus.validation, None),
        ):
            tokens, text = _encode(tokenizer, corpus, documents, draft / f"{part}.bin", dtype, limit)
            counts |= {f"{part}_tokens": tokens, f"{part}_bytes": text}
        description = Description(corpus.name, corpus.fingerprint, size, dtype, **counts)
        (draft / "tokenizer.json").write_text(tokenizer.to_str(), encoding="utf-8")
        (draft / "tokens.json").write_text(json.dumps(asdict(description), indent=2), encoding="utf-8")
        if folder.exists() and not (folder / "tokens.json").exists():
            shutil.rmtree(folder)
        with suppress(FileExistsError):
            draft.replace(folder)
    except OSError as error:
        if not (folder / "tokens.json").exists():
            raise OutputError(folder, error) from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _encode(
    tokenizer: Tokenizer, corpus: Corpus, documents: Documents, path: Path, dtype: str, limit: int | None
) -> tuple[int, int]:
    """Write the tokens of a part; how many they are, and how many bytes of text they stand for."""
    separator = [tokenizer.token_to_id(SEPARATOR)] if corpus.separated else []
    tokens = text = 0
    with path.open("wb") as stream:
        for batch in _batches(_read(corpus, documents)):
            for document, encoding in zip(batch, tokenizer.encode_batch(batch), strict=True):
                ids = [*encoding.ids, *separator]
                if limit is not None and tokens + len(ids) > limit:
                    ids = ids[: limit - tokens]
                stream.write(np.asarray(ids, dtype=dtype).tobytes())
                tokens, text = tokens + len(ids), text + len(document.encode())
                if tokens == limit:
                    return tokens, text
    return tokens, text


def _dtype(vocabulary: int) -> str:
    return "<u2" if vocabulary <= 2**16 else "<u4"


def _open(folder: Path, corpus: Corpus, vocabulary: int | str) -> TokenFiles:
    """Map a cache entry, after a look at whether it is whole, and of that text and vocabulary."""
    size = vocabulary if isinstance(vocabulary, int) else GPT2_TOKENS
    try:
        description = Description(**json.loads((folder / "tokens.json").read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise _damaged(folder, "its description cannot be read") from error
    asked = {"fingerprint": corpus.fingerprint, "vocabulary": size, "dtype": _dtype(size)}
    for name, value in asked.items():
        if getattr(description, name) != value:
            raise _damaged(folder, f"its {name} is {getattr(description, name)!r}, not {value!r}")
    counts = {"train": description.train_tokens, "validation": description.validation_tokens}
    train, validation = (_map(folder, part, count, description) for part, count in counts.items())
    return TokenFiles(train, validation, description, folder)


def _map(folder: Path, part: str, count: int, description: Description) -> np.ndarray:
    """One part's tokens, read-only; checked against what is said of them."""
    path, dtype = folder / f"{part}.bin", np.dtype(description.dtype)
    if not path.exists() or path.stat().st_size / dtype.itemsize != count:
        raise _damaged(folder, f"{path.name} should hold {count} tokens of {dtype.itemsize} bytes")
    if count == 0:
        return np.zeros(0, dtype)
    tokens = np.memmap(path, dtype=dtype, mode="c")  # whatever writes to it writes to a copy of its own
    if int(tokens.max()) >= description.vocabulary:
        what = f"{path.name} holds the token {tokens.max()} of a vocabulary of {description.vocabulary}"
        raise _damaged(folder, what)
    return tokens


def _damaged(folder: Path, what: str) -> TokenCacheError:
    return TokenCacheError(f"the token cache {folder} is damaged: {what}; delete it, and it is made again")


def _read(corpus: Corpus, documents: Documents) -> Iterator[str]:
    """The documents; a source that fails on the way is told as such."""
    try:
        yield from documents()
    except OSError as error:
        raise CorpusError(
            f"reading {corpus.name} failed on the way ({type(error).__name__}: {error}); try again, "
            "or give the text as a folder"
        ) from error


def _batches(documents: Iterable[str]) -> Iterator[list[str]]:
    rest = iter(documents)
    while batch := list(islice(rest, BATCH)):
        yield batch


def _head(documents: Iterable[str], characters: int) -> Iterator[str]:
    """The first documents, until they hold that many characters."""
    taken = 0
    for text in documents:
        yield text
        taken += len(text)
        if taken >= characters:
            return
