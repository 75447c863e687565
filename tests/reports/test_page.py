"""The page: one file that refers to nothing, is well formed, and shows hostile text as text."""

from __future__ import annotations

import base64
import csv
import io
from html.parser import HTMLParser
from pathlib import Path

import pytest
from matplotlib.figure import Figure

from hptheory.files import OutputError
from hptheory.reports import Picture, Section, page
from hptheory.reports.page import listing, paragraph, short, table

VOID = {"meta", "img", "br"}
REFERENCES = {"src", "href", "srcset", "action", "data", "poster", "background", "xlink:href"}


class Reading(HTMLParser):
    """What a browser would find: the tags left open, what is referred to, the text, and the tags used."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.references: list[str] = []
        self.tags: set[str] = set()
        self.text = ""
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.references += [value or "" for name, value in attrs if name in REFERENCES]
        assert not [name for name, _ in attrs if name.startswith("on")]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data

    @property
    def external(self) -> list[str]:
        """References that are not data in the page; style sheets count by their urls."""
        styles = [part for part in ("url(", "@import") if part in self.text]
        return [value for value in self.references if not value.startswith("data:")] + styles


def decoded(reference: str) -> bytes:
    return base64.b64decode(reference.partition("base64,")[2])


@pytest.fixture
def picture() -> Picture:
    figure = Figure()
    figure.add_subplot().plot([1, 2], [3, 4])
    return Picture.drawn("line", (figure, {"x": [1, 2], "y": [0.1, None]}), "A line: 1 < 2.")


def test_a_page_is_well_formed_and_refers_to_nothing(picture: Picture) -> None:
    found = Reading(page("Title", paragraph("lead"), [Section("More", (picture.html(), listing(["one"])))]))
    assert found.external == []
    assert "script" not in found.tags
    assert "A line: 1 < 2." in found.text


@pytest.mark.parametrize(
    "block",
    ['<img src="http://example.org/x.png">', '<a href="other.html">x</a>', "<style>@import 'x.css';</style>"],
)
def test_a_reference_to_elsewhere_is_noticed(block: str) -> None:
    assert Reading(page("Title", block, [])).external != []


def test_a_tag_left_open_is_noticed() -> None:
    with pytest.raises(AssertionError):
        Reading(page("Title", "<div>", []))


def test_pictures_and_numbers_survive(picture: Picture) -> None:
    image, numbers = Reading(picture.html()).references
    assert decoded(image) == picture.png
    assert list(csv.reader(io.StringIO(decoded(numbers).decode()))) == [["x", "y"], ["1", "0.1"], ["2", ""]]


def test_a_saved_picture_is_the_picture(picture: Picture, tmp_path: Path) -> None:
    picture.save(tmp_path)
    assert Picture.saved("line", tmp_path, picture.caption) == picture
    assert sorted(path.name for path in tmp_path.iterdir()) == ["line.csv", "line.png"]
    with pytest.raises(OutputError, match="missing"):
        picture.save(tmp_path / "missing")


HOSTILE = "<script>alert(1)</script>&\"'"


def test_hostile_text_is_shown_as_text() -> None:
    blocks = (paragraph(HOSTILE), listing([HOSTILE]), table([HOSTILE], [[HOSTILE]], HOSTILE))
    picture = Picture(HOSTILE, b"", "", HOSTILE)
    found = Reading(page(HOSTILE, "", [Section(HOSTILE, (*blocks, picture.html()))]))
    assert "script" not in found.tags
    # Title, heading, section, paragraph, item, header, cell, the table's caption, the picture's.
    assert found.text.count(HOSTILE) == 9


def test_numbers_are_short_and_missing_ones_a_dash() -> None:
    assert [short(value) for value in (1 / 3, 1e-9, 12345678.0, None, float("nan"))] == [
        "0.3333", "1e-09", "1.235e+07", "–", "–",
    ]  # fmt: skip
