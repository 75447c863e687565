"""README: its example prints what it says, it is short, and its links lead somewhere."""

from __future__ import annotations

import contextlib
import io
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def example(page: str) -> tuple[str, str]:
    """The first python block of a page and the text block after it: code and its printed output."""
    found = re.search(r"^```python\n(.*?)^```\n\s*^```text\n(.*?)^```", page, re.S | re.M)
    assert found is not None
    return found[1], found[2]


def printed(code: str) -> str:
    """What the code prints."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        exec(compile(code, "README.md", "exec"), {"__name__": "readme"})
    return out.getvalue()


def test_the_example_prints_what_readme_says() -> None:
    code, output = example(README)
    assert printed(code) == output
    assert len(code.splitlines()) <= 10


def test_an_example_with_a_wrong_output_is_noticed() -> None:
    code, output = example("```python\nprint(1 + 1)\n```\n\n```text\n3\n```\n")
    assert printed(code) != output


def test_readme_is_short() -> None:
    assert len(README.splitlines()) < 120


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md"])
def test_links_lead_to_files_of_the_project(page: str) -> None:
    targets = re.findall(r"\]\((?!https?://)([^)#]+)", (ROOT / page).read_text(encoding="utf-8"))
    assert targets
    assert [target for target in targets if not (ROOT / target).exists()] == []
