"""Published data sets through Hugging Face's ``datasets``: here only, and nothing else needs the network."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec

from hptheory.errors import MissingExtraError
from sims.data.text.errors import CorpusError


def published_texts(path: str, name: str, split: str, *, streaming: bool) -> Iterator[str]:
    """The column ``text`` of a published data set, document by document.

    Domain: without the package, ``MissingExtraError``; a home that does not answer is a ``CorpusError``
    that says which folder would serve instead.
    """
    if find_spec("datasets") is None:
        raise MissingExtraError("datasets", "text", f"loading {path}")
    from datasets import load_dataset

    try:
        rows = iter(load_dataset(path, name, split=split, streaming=streaming))
    except (OSError, ConnectionError) as error:
        raise CorpusError(
            f"the data set {path} ({name}) cannot be reached ({type(error).__name__}); "
            "name a folder that holds it in its public layout with --data-dir or HPTHEORY_DATA"
        ) from error
    for row in rows:
        yield row["text"]
