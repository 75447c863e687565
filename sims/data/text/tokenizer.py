"""A byte-level BPE tokenizer, trained offline on the training part of a corpus.

Source: Sennrich et al., arXiv 1508.07909; byte level as in GPT-2. The work is done by ``tokenizers``.
"""

from __future__ import annotations

from collections.abc import Iterable
from importlib.util import find_spec
from typing import TYPE_CHECKING

from hptheory.errors import DomainError, MissingExtraError
from sims.data.text.errors import CorpusError

if TYPE_CHECKING:
    from tokenizers import Tokenizer

SEPARATOR = "<|endoftext|>"
BYTES = 256  # every byte is a token: any text can be encoded, and decoded again
GPT2_TOKENS = 50_257


def train_tokenizer(texts: Iterable[str], vocabulary: int) -> Tokenizer:
    """A byte-level BPE tokenizer with that many tokens, the separator ``<|endoftext|>`` included.

    Domain: vocabulary > 256 (every byte and the separator), else ``DomainError``; a text too small for that
    many merges is a ``CorpusError``; without the package, ``MissingExtraError``.

    *Laws*: decoding what was encoded gives the text back, whatever its characters; token numbers are below
    the vocabulary's size; the same text gives the same tokenizer.

    >>> tokenizer = train_tokenizer(["the cat sat on the mat, the rat sat on the cat\\n"] * 10, 270)
    >>> encoded = tokenizer.encode("the café")
    >>> tokenizer.decode(encoded.ids), len(encoded.ids) < len("the café".encode())
    ('the café', True)
    """
    if vocabulary <= BYTES:
        raise DomainError("vocabulary", vocabulary, f"more than {BYTES}, one token for every byte")
    _require()
    from tokenizers import ByteLevelBPETokenizer, Tokenizer

    trained = ByteLevelBPETokenizer()
    trained.train_from_iterator(
        texts, vocab_size=vocabulary, min_frequency=2, show_progress=False, special_tokens=[SEPARATOR]
    )
    if trained.get_vocab_size() < vocabulary:
        raise CorpusError(
            f"the text is too small for a vocabulary of {vocabulary}: it gives {trained.get_vocab_size()}; "
            "ask for a smaller vocabulary"
        )
    return _reading_all(Tokenizer.from_str(trained.to_str()))


def gpt2_tokenizer() -> Tokenizer:
    """GPT-2's own tokenizer (50,257 tokens), from its public home.

    Domain: a home that does not answer is a ``CorpusError``.
    """
    _require()
    from tokenizers import Tokenizer

    try:
        return _reading_all(Tokenizer.from_pretrained("openai-community/gpt2"))
    except (OSError, ConnectionError, RuntimeError) as error:
        raise CorpusError(
            f"GPT-2's tokenizer cannot be reached ({type(error).__name__}); "
            "train one instead by giving a vocabulary's size"
        ) from error


def _reading_all(tokenizer: Tokenizer) -> Tokenizer:
    """The tokenizer, for which a separator that stands in the text is text."""
    tokenizer.encode_special_tokens = True
    return tokenizer


def _require() -> None:
    if find_spec("tokenizers") is None:
        raise MissingExtraError("tokenizers", "text", "a tokenizer")
