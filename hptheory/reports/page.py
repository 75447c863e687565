"""A page of HTML in one file: text, tables, and pictures with their numbers, inlined; nothing is fetched."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hptheory.figures.style import figure_png, numbers_csv
from hptheory.files import write_atomically

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# A browser that honours this fetches nothing, even if a text should have slipped a reference in.
_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
_STYLE = """
:root { color-scheme: light; --ink: #1b1b1b; --quiet: #5c5c5c; --rule: #d8d8d8; }
body { margin: 2rem auto; max-width: 62rem; padding: 0 1.2rem; color: var(--ink); background: #fff;
       font: 16px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.5rem; margin: 0 0 1rem; }
h2 { font-size: 1.15rem; margin: 2.2rem 0 .6rem; border-bottom: 1px solid var(--rule); }
.verdict { border-left: .5rem solid; padding: .7rem 1rem; background: #f6f6f6; }
.verdict strong { display: block; font-size: 1.3rem; }
.verdict p { margin: .3rem 0 0; }
.fast { border-color: #009e73; } .slow { border-color: #d55e00; } .undetermined { border-color: #777; }
figure { margin: 1rem 0; } figure img { max-width: 100%; height: auto; }
figcaption, .quiet { color: var(--quiet); font-size: .9rem; }
table { border-collapse: collapse; margin: .8rem 0; font-variant-numeric: tabular-nums; }
caption { text-align: left; color: var(--quiet); font-size: .9rem; padding-bottom: .3rem; }
th, td { padding: .25rem .9rem .25rem 0; border-bottom: 1px solid var(--rule); text-align: right; }
th:first-child, td:first-child, td.text { text-align: left; } th { font-weight: 600; }
a { color: #0060a0; } code { font-size: .9em; }
@media print { body { margin: 0; max-width: none; } figure { break-inside: avoid; } }
"""


@dataclass(frozen=True)
class Picture:
    """A picture with the numbers plotted in it: ``png``, and ``numbers`` as CSV text."""

    name: str
    png: bytes
    numbers: str
    caption: str

    @classmethod
    def drawn(cls, name: str, drawing: tuple[Figure, Mapping[str, Sequence[Any]]], caption: str) -> Picture:
        """The picture of a figure just drawn, given as functions of `hptheory.figures` return it."""
        figure, numbers = drawing
        return cls(name, figure_png(figure), numbers_csv(numbers), caption)

    @classmethod
    def saved(cls, name: str, folder: Path, caption: str) -> Picture:
        """The picture that `save`, or `save_figure`, wrote in a folder."""
        png, numbers = (folder / f"{name}.{suffix}" for suffix in ("png", "csv"))
        return cls(name, png.read_bytes(), numbers.read_text(encoding="utf-8"), caption)

    def save(self, folder: Path) -> None:
        """Write ``name.png`` and ``name.csv`` in a folder."""
        write_atomically(folder / f"{self.name}.png", self.png)
        write_atomically(folder / f"{self.name}.csv", self.numbers.encode())

    def html(self) -> str:
        """The picture as a figure element, its numbers as a link that saves them."""
        image = base64.b64encode(self.png).decode()
        table = base64.b64encode(self.numbers.encode()).decode()
        caption = escape(self.caption)
        return (
            f'<figure><img alt="{caption}" src="data:image/png;base64,{image}">\n'
            f'<figcaption>{caption} <a download="{escape(self.name)}.csv" '
            f'href="data:text/csv;base64,{table}">The plotted numbers</a>.</figcaption></figure>'
        )


@dataclass(frozen=True)
class Section:
    """A heading and the blocks below it, each already HTML."""

    title: str
    blocks: tuple[str, ...]

    def html(self) -> str:
        """The section as HTML."""
        return "\n".join([f"<section><h2>{escape(self.title)}</h2>", *self.blocks, "</section>"])


def page(title: str, lead: str, sections: Iterable[Section]) -> str:
    """The whole page: a title, a block of HTML to be read first, and sections.

    *Laws*: it refers to nothing outside itself and holds no script.

    >>> text = page("A & B", paragraph("read me first"), [Section("More", (table(["n"], [[1]]),))])
    >>> text.startswith("<!DOCTYPE html>"), "<h1>A &amp; B</h1>" in text, "http" in text.split("</head>")[1]
    (True, True, False)
    """
    head = (
        f'<meta charset="utf-8"><meta name="viewport" content="width=device-width">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        f"<title>{escape(title)}</title>\n<style>{_STYLE}</style>"
    )
    body = "\n".join([f"<h1>{escape(title)}</h1>", lead, *(section.html() for section in sections)])
    return f'<!DOCTYPE html>\n<html lang="en">\n<head>{head}</head>\n<body>\n{body}\n</body>\n</html>\n'


def paragraph(text: str, kind: str = "") -> str:
    """A paragraph of plain text.

    >>> paragraph("a < b")
    '<p>a &lt; b</p>'
    """
    return f'<p class="{kind}">{escape(text)}</p>' if kind else f"<p>{escape(text)}</p>"


def listing(items: Iterable[str]) -> str:
    """A list of plain texts.

    >>> listing(["one"])
    '<ul><li>one</li></ul>'
    """
    return f"<ul>{''.join(f'<li>{escape(item)}</li>' for item in items)}</ul>"


def table(header: Sequence[str], rows: Iterable[Sequence[Any]], caption: str = "") -> str:
    """A table of plain cells: floats to four digits, None as a dash, text to the left.

    >>> table(["n", "loss"], [[32, 0.123456], [64, None]]).count("<tr>")
    3
    """
    top = "".join(f'<th scope="col">{escape(name)}</th>' for name in header)
    body = "\n".join(f"<tr>{''.join(map(_cell, row))}</tr>" for row in rows)
    note = f"<caption>{escape(caption)}</caption>" if caption else ""
    return f"<table>{note}<thead><tr>{top}</tr></thead>\n<tbody>{body}</tbody></table>"


def short(value: float | None) -> str:
    """A number to four digits, a dash for None or a number that is not one.

    >>> short(0.000123456), short(1024), short(None)
    ('0.0001235', '1024', '–')
    """
    return "–" if value is None or value != value else f"{value:.4g}"


def _cell(value: Any) -> str:
    if isinstance(value, str):
        return f'<td class="text">{escape(value)}</td>'
    return f"<td>{short(value)}</td>"
