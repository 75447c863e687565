"""``python -m proofs_check.checker FILE ...`` checks certificates: exit code 0 if all are right, else 1."""

from __future__ import annotations

import sys
from pathlib import Path

from proofs_check.checker import CertificateError, check, read


def main(paths: list[str]) -> int:
    """Print a line for each file; the exit code comes back."""
    wrong = 0
    for path in paths:
        try:
            print(f"{path}: {check(read(Path(path)))}")
        except (CertificateError, OSError) as error:
            wrong += 1
            # What is damaged may hold characters that no terminal takes.
            print(f"{path}: REJECTED: {str(error).encode('ascii', 'backslashreplace').decode()}")
    if not paths:
        print("usage: python -m proofs_check.checker FILE ...", file=sys.stderr)
        return 2
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
