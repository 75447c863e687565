"""``python -m hptheory`` is the command ``hptheory``."""

import sys

from hptheory.cli import main

if __name__ == "__main__":
    sys.exit(main())
