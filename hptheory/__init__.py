"""hptheory: theory and simulation of hyperparameter transfer (after arXiv 2512.22768 and 2512.05620).

Importing this package is light: neither torch, jax nor matplotlib is loaded. Each subpackage holds one theme:
``random_features`` (exact theory), ``transfer`` (gaps, rates, analysis of sweeps), ``figures``.
"""

__version__ = "0.1.0"
