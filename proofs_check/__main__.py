"""``python -m proofs_check [CLAIM ...]`` is ``hptheory check [CLAIM ...]``."""

from __future__ import annotations

import sys

from hptheory.cli import main

if __name__ == "__main__":
    sys.exit(main(["check", *sys.argv[1:]]))
