"""Text as training data: corpora, a byte-level BPE tokenizer, and token files mapped into memory."""

from __future__ import annotations

from sims.data.text.corpora import CORPORA, Corpus, find_corpus
from sims.data.text.tokenizer import train_tokenizer
from sims.data.text.tokens import TokenFiles, tokenize

__all__ = ["CORPORA", "Corpus", "TokenFiles", "find_corpus", "tokenize", "train_tokenizer"]
