"""``python -m proofs_check.checker FILE ...`` checks certificates: exit code 0 if all are right, else 1."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from proofs_check.checker import CertificateError, check


def main(paths: list[str]) -> int:
    """Print a line for each file; the exit code comes back."""
    wrong = 0
    for path in paths:
        try:
            print(f"{path}: {check(json.loads(Path(path).read_text(encoding='utf-8')))}")
        except (CertificateError, OSError, json.JSONDecodeError) as error:
            wrong += 1
            print(f"{path}: REJECTED: {error}")
    if not paths:
        print("usage: python -m proofs_check.checker FILE ...", file=sys.stderr)
        return 2
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
