"""The named errors of text data."""

from __future__ import annotations

from hptheory.errors import HPTheoryError


class CorpusError(HPTheoryError):
    """A corpus is not where it was looked for, or is no text; the message says what to give."""


class TokenCacheError(HPTheoryError):
    """A cached token file is not what its description says; the message names what to delete."""


class TooLittleTextError(HPTheoryError):
    """A text holds fewer tokens than one batch needs; the message says how many there are."""
