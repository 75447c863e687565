"""A check that the packages of an extra (by default ``sims``) are there, before anything imports them."""

from __future__ import annotations

from importlib.util import find_spec

from hptheory.errors import MissingExtraError


def require(purpose: str, *packages: str, extra: str = "sims") -> None:
    """Nothing, if every package can be imported.

    Domain: an absent package raises ``MissingExtraError``, which says what to install.

    >>> require("this example", "json", "math")
    >>> require("training", "json", "no_such_package")
    Traceback (most recent call last):
        ...
    hptheory.errors.MissingExtraError: training needs no_such_package, which is not installed; run: pip
    install 'hptheory[sims]'
    """
    for package in packages:
        if find_spec(package) is None:
            raise MissingExtraError(package, extra, purpose)
