"""The training report as one page: no network, everything inside, every text escaped."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import msgspec
from markupsafe import Markup


@dataclass(frozen=True, slots=True)
class Mistake:
    """An image that model and expert see differently."""

    name: str
    """SHA-256 of the kept image, or its file."""
    run: int
    label: str
    """What the expert said."""
    given: str
    """What the model said."""
    weight: float
    picture: str
    """Address of an inline image; empty where the image cannot be shown."""
    answerable: bool
    """Whether the image is kept, so that an answer can become a label."""


class Shown(msgspec.Struct, frozen=True):
    """An image of a cell of the confusion matrix."""

    name: str
    """SHA-256 of the kept image, or its file."""
    run: int
    weight: float
    """The highest, 0..1."""
    held_out: bool
    """Whether the model was not fitted to it."""
    picture: str = ""
    """Address of a small inline image; empty where there is none."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell of the confusion matrix."""

    label: str
    given: str
    training: int
    held_out: int
    picture: str
    images: tuple[Shown, ...]
    """All of the cell, in the order in which they are shown."""


@dataclass(frozen=True, slots=True)
class Report:
    """All that a page says."""

    digest: str
    title: str
    facts: tuple[tuple[str, str], ...]
    labels: tuple[str, ...]
    cells: tuple[Cell, ...]
    mistakes: tuple[Mistake, ...]
    figures: tuple[tuple[str, str], ...] = field(default=())
    """Caption and address of every other picture."""


FOLDER: Final = Path(__file__).parent
PAGE: Final = Markup(
    """<!doctype html><html lang="en"><head><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:;
 style-src 'unsafe-inline'; script-src 'unsafe-inline'">
<title>{title}</title><style>{style}</style></head><body data-model="{digest}">
<h1>{title}</h1><table class="facts">{facts}</table>
<h2>What experts said (rows) and what the model says (columns)</h2>
<p>Each cell: images held out from the fit, and in brackets those it was fitted to; the
distribution of the highest weight, grey for training and blue for held out, the threshold dashed.
A click, or Enter, shows the images.</p>
<table class="matrix">{matrix}</table>
<div id="list" tabindex="-1" aria-live="polite"><p>Choose a cell to see its images.</p></div>
<h2>Curves</h2><div class="figures">{figures}</div>
<h2>Images that expert and model see differently: {count}</h2>
<p>Say for each what is right, save, and pass the file to
<code>hydra-ioc models answer FILE</code>: the answers become labels.</p>{mistakes}
<p><button id="save">Save the answers</button> <span id="saved"></span></p>
<script type="application/json" id="cells">{cells}</script><script>{script}</script>
</body></html>
"""
)


def page(report: Report) -> str:
    """Make the page.

    Args:
        report: What it says; texts may hold anything, they are escaped.
    """
    return str(
        PAGE.format(
            title=report.title,
            style=_ours("report.css"),
            digest=report.digest,
            facts=_join(
                Markup("<tr><td>{}</td><td>{}</td></tr>").format(*fact) for fact in report.facts
            ),
            matrix=_matrix(report),
            figures=_join(
                Markup('<img src="{}" alt="{}">').format(address, caption)
                for caption, address in report.figures
            ),
            count=len(report.mistakes),
            mistakes=_join(_mistake(one, report.labels) for one in report.mistakes),
            cells=_json_cells(report.cells),
            script=_ours("report.js"),
        )
    )


def _matrix(report: Report) -> Markup:
    head = _join(Markup("<th>{}</th>").format(label) for label in report.labels)
    rows = []
    size = len(report.labels)
    for row, label in enumerate(report.labels):
        cells = _join(
            Markup(
                '<td tabindex="0" role="button" aria-label="show {} images labelled {}, judged {}"'
                ' class="{}" data-cell="{}"><b>{}</b> ({})<br>{}</td>'
            ).format(
                len(one.images),
                one.label,
                one.given,
                "right" if one.label == one.given else "wrong" if one.held_out else "",
                row * size + column,
                one.held_out,
                one.training,
                Markup('<img src="{}" alt="">').format(one.picture) if one.picture else "",
            )
            for column, one in enumerate(report.cells[row * size : (row + 1) * size])
        )
        rows.append(Markup("<tr><th>{}</th>{}</tr>").format(label, cells))
    return Markup("<tr><th></th>{}</tr>{}").format(head, _join(rows))


def _mistake(one: Mistake, labels: Sequence[str]) -> Markup:
    options = _join(
        Markup('<option value="{0}">{0}</option>').format(label) for label in (*labels, "Ignore")
    )
    answer = Markup("<p>not kept by this deployment: no answer possible</p>")
    if one.answerable:
        answer = Markup(
            '<select aria-label="answer"><option value="">unanswered</option>{}</select>'
            '<input class="comment" placeholder="comment" maxlength="500">'
        ).format(options)
    return Markup(
        '<div class="mistake"{} id="seen-{}" tabindex="-1">{}<br>run {}: labelled <b>{}</b>,'
        " judged <b>{}</b> {:.3f}<br><small>{}</small><br>{}</div>"
    ).format(
        Markup(' data-name="{}"').format(one.name) if one.answerable else "",
        one.name,
        Markup('<img src="{}" alt="">').format(one.picture) if one.picture else "no picture",
        one.run,
        one.label,
        one.given,
        one.weight,
        one.name,
        answer,
    )


def _json_cells(cells: Iterable[Cell]) -> Markup:
    listed = [
        {"title": f"labelled {one.label}, judged {one.given}", "images": one.images}
        for one in cells
    ]
    text = msgspec.json.encode(listed).decode()
    safe = text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
    return Markup(safe)  # noqa: S704 - nothing in it can end the element


def _ours(name: str) -> Markup:
    """Give a file of this folder as it is."""
    return Markup((FOLDER / name).read_text(encoding="utf-8"))  # noqa: S704 - written by us


def _join(parts: Iterable[Markup]) -> Markup:
    return Markup("").join(parts)
