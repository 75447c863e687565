"""Corpora by name: where their text lies, read as documents.

WikiText and novels lie in the folder that ``--data-dir`` or ``HPTHEORY_DATA`` names, in their public layout.
Where no folder is named, WikiText comes from its public home through ``datasets``; FineWeb always does, as a
stream. ``folder:PATH`` is any folder of plain text. ``pydoc`` is English text that ships with Python, for
smoke tests on a machine with nothing: no result is reported on it.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from hptheory.errors import UnknownNameError
from sims.data.text.errors import CorpusError

Documents = Callable[[], Iterator[str]]

HELD_OUT = 20  # of a folder of texts, every twentieth file is held out; of a single text, its last twentieth
PIECE = 1_000  # characters: of a longer line, at least so many are encoded at once
SINGLE_SPACE = re.compile(r"(?<=\S) (?=\S)")
FINEWEB_VALIDATION = 2_000  # documents taken off the head of the stream, before the training part


@dataclass(frozen=True)
class Corpus:
    """A text in two parts, each a function that starts an iteration over its documents.

    ``fingerprint`` changes with the content (files), or names the corpus (its public home, whose revision is
    not pinned).
    ``separated``: whether a separator token belongs between documents. WikiText is one stream of articles,
    with headings of its own, and has none.
    """

    name: str
    train: Documents
    validation: Documents
    fingerprint: str
    separated: bool


def find_corpus(name: str, data_dir: Path | None = None) -> Corpus:
    """The corpus of that name, from the folder ``data_dir``; from its public home if that is None.

    Domain: an unknown name is an ``UnknownNameError``; text that is not there, or too little of it, a
    ``CorpusError`` that says where it was looked for. A folder that is named and lacks the text is such an
    error, too: nothing is downloaded in its place.

    *Laws*: the fingerprint depends on the text alone, not on the folder it lies in; the two parts share no
    document.

    >>> corpus = find_corpus("pydoc")
    >>> sum(map(len, corpus.train())) > 15 * sum(map(len, corpus.validation())) > 0
    True
    """
    if name.startswith("folder:"):
        return folder(Path(name.removeprefix("folder:")).expanduser())
    if name not in CORPORA:
        raise UnknownNameError("corpus", name, [*CORPORA, "folder:PATH"])
    return CORPORA[name](data_dir)


def wikitext(size: str, data_dir: Path | None) -> Corpus:
    """WikiText-2 or WikiText-103, word level: ``wikitext-N/wiki.{train,valid}.tokens``.

    Source: Merity et al., arXiv 1609.07843.
    """
    name = f"wikitext-{size}"
    if data_dir is None:
        dataset = partial(_hub_texts, "Salesforce/wikitext", f"{name}-v1")
        return Corpus(
            name, partial(dataset, "train"), partial(dataset, "validation"), f"hub {name}", separated=False
        )
    train, valid = (data_dir / name / f"wiki.{part}.tokens" for part in ("train", "valid"))
    for path in (train, valid):
        if not path.is_file():
            raise CorpusError(
                f"the corpus '{name}' is not in the data folder {data_dir}: there is no {path}; name the "
                f"folder that holds {name} by --data-dir or HPTHEORY_DATA, or none at all, to download it"
            )
    return Corpus(
        name, partial(_lines, train), partial(_lines, valid), _digest([train, valid]), separated=False
    )


def fineweb(data_dir: Path | None) -> Corpus:
    """FineWeb, ``sample-10BT``, streamed; the first documents are the validation part.

    Source: Penedo et al., arXiv 2406.17557.
    """
    stream = partial(_hub_texts, "HuggingFaceFW/fineweb", "sample-10BT", "train", streaming=True)
    return Corpus(
        "fineweb",
        partial(_skip, stream, FINEWEB_VALIDATION),
        partial(_head, stream, FINEWEB_VALIDATION),
        "hub fineweb sample-10BT",
        separated=True,
    )


def novels(data_dir: Path | None) -> Corpus:
    """A folder ``english_novels`` of plain text in the data folder."""
    if data_dir is None or not (data_dir / "english_novels").is_dir():
        raise CorpusError(
            "the corpus 'novels' is a folder english_novels of text files in the data folder "
            f"({data_dir or 'none is named'}); name the folder above it with --data-dir or HPTHEORY_DATA"
        )
    return folder(data_dir / "english_novels")


def folder(path: Path) -> Corpus:
    """All ``*.txt`` of a folder, a document each; every twentieth file is held out.

    Of a single file the last twentieth is held out.
    """
    files = sorted(path.glob("*.txt")) if path.is_dir() else [path] if path.is_file() else []
    if not files:
        raise CorpusError(f"{path} holds no text: give a folder of *.txt files, or one file")
    name = f"folder:{path.name}"
    if len(files) < HELD_OUT:
        text = "\n".join(_read(file) for file in files)
        return _split(name, text)
    held_out = set(files[HELD_OUT - 1 :: HELD_OUT])
    kept = [file for file in files if file not in held_out]
    train, validation = partial(_texts, kept), partial(_texts, sorted(held_out))
    return Corpus(name, train, validation, _digest(files), separated=True)


def pydoc(data_dir: Path | None) -> Corpus:
    """The help texts of Python's ``pydoc``: 465,000 characters, for smoke tests only."""
    from pydoc_data.topics import topics

    return _split("pydoc", "\n".join(topics[key] for key in sorted(topics)))


CORPORA: dict[str, Callable[[Path | None], Corpus]] = {
    "wikitext-2": partial(wikitext, "2"),
    "wikitext-103": partial(wikitext, "103"),
    "fineweb": fineweb,
    "novels": novels,
    "pydoc": pydoc,
}


def _split(name: str, text: str) -> Corpus:
    """One text, its last twentieth held out: from the next line on, or word or letter where there is none."""
    start = len(text) - len(text) // HELD_OUT
    ends = (text.find(mark, start, len(text) - 1) + 1 for mark in "\n ")
    cut = next(filter(None, ends), start)
    if cut == len(text):
        raise CorpusError(f"the text of {name} is too short to hold a part of it out")
    parts = partial(_pieces, text[:cut]), partial(_pieces, text[cut:])
    return Corpus(name, *parts, hashlib.sha256(text.encode()).hexdigest(), separated=False)


def _pieces(text: str) -> Iterator[str]:
    """The lines; a long one in pieces, since encoding a piece takes hundreds of times its own memory.

    Cut before single spaces, where no token reaches across: the tokens are those of the whole line.
    """
    for line in text.splitlines(keepends=True):
        start = 0
        while cut := SINGLE_SPACE.search(line, start + PIECE):
            yield line[start : cut.start()]
            start = cut.start()
        yield line[start:]


def _lines(path: Path) -> Iterator[str]:
    """The lines of a file with their ends: pieces of one document."""
    try:
        with path.open(encoding="utf-8", newline="\n") as stream:
            yield from stream
    except UnicodeDecodeError as error:
        raise _not_utf8(path) from error


def _texts(files: Sequence[Path]) -> Iterator[str]:
    for file in files:
        yield _read(file)


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise _not_utf8(file, f" (byte {error.start})") from error


def _not_utf8(file: Path, place: str = "") -> CorpusError:
    return CorpusError(f"{file} is not UTF-8 text{place}; convert it or leave it out")


def _digest(files: Sequence[Path]) -> str:
    """A hash of the files' names and contents, wherever they lie."""
    whole = hashlib.sha256()
    for file in files:
        whole.update(f"{file.name}\0".encode())
        with file.open("rb") as stream:
            whole.update(hashlib.file_digest(stream, "sha256").digest())
    return whole.hexdigest()


def _hub_texts(path: str, name: str, split: str, streaming: bool = False) -> Iterator[str]:
    """The texts of a published data set, through ``datasets``."""
    from sims.data.text.hub import published_texts

    yield from published_texts(path, name, split, streaming=streaming)


def _head(stream: Documents, count: int) -> Iterator[str]:
    for text, _ in zip(stream(), range(count), strict=False):
        yield text


def _skip(stream: Documents, count: int) -> Iterator[str]:
    for index, text in enumerate(stream()):
        if index >= count:
            yield text
