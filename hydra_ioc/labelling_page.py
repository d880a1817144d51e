"""Images to be labelled as one page: no network, everything inside, every text escaped."""

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final

import msgspec
from markupsafe import Markup
from PIL import Image, UnidentifiedImageError

from hydra_ioc.answer_files import Answer, read_answer_file
from hydra_ioc.labelling_queue import Entry

WIDTH: Final = 640
"""Pixels of a picture on the page."""
FOLDER: Final = Path(__file__).parent
PAGE: Final = Markup(
    """<!doctype html><html lang="en"><head><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:;
 style-src 'unsafe-inline'; script-src 'unsafe-inline'">
<title>{title}</title><style>{style}</style></head><body data-plot="{plot}">
<h1>{title}</h1>
<p>Say what each plot shows, save, and pass the file to
<code>hydra-ioc labels answer FILE</code>. Whatever is left open stays unlabelled;
Ignore keeps an image out of trainings and of the accuracy.</p>
{images}
<p><button id="save">Save the answers</button> <span id="saved"></span></p>
<script>{script}</script></body></html>
"""
)


class LabelAnswers(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The file that the page makes."""

    plot: Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
    answers: Annotated[tuple[Answer, ...], msgspec.Meta(max_length=100_000)]
    v: Annotated[int, msgspec.Meta(ge=1, le=1)] = 1


@dataclass(frozen=True, slots=True)
class Shown:
    """An image of the page."""

    entry: Entry
    path: Path


def labelling_page(plot: str, palette: Sequence[str], images: Sequence[Shown]) -> str:
    """Make the page.

    Args:
        plot: Name of the plot type.
        palette: Labels that can be given; Ignore is added.
        images: In the order in which they are shown.
    """
    labels = tuple(dict.fromkeys((*palette, "Ignore")))
    return str(
        PAGE.format(
            title=f"{len(images)} images of {plot} to be labelled",
            plot=plot,
            style=_ours("report.css"),
            images=Markup("").join(_box(one, number, labels) for number, one in enumerate(images)),
            script=_ours("labelling_page.js"),
        )
    )


def read_label_answers(file: Path) -> LabelAnswers:
    """Read what the page saved.

    Raises:
        InputError: It is something else; says what was expected.
    """
    told = (
        "the page of 'hydra-ioc labels queue --page' saves them (those of a training report go to"
        " 'hydra-ioc models answer')"
    )
    return read_answer_file(file, LabelAnswers, told)


def _box(one: Shown, number: int, labels: Sequence[str]) -> Markup:
    image = one.entry.image
    choices = Markup(" ").join(
        Markup('<label><input type="radio" name="i{}" value="{}">{}</label>').format(
            number, label, label
        )
        for label in labels
    )
    picture = _picture(one.path)
    more = f"; {len(one.entry.folded)} more look like it" if one.entry.folded else ""
    given = "" if image.truth is None else f", labelled {image.truth}"
    return Markup(
        '<form class="mistake" data-name="{}">{}<br>run {} chunk {}: judged <b>{}</b>{}<br>'
        "<small>{}: {}{}<br>{}</small><br>"
        '{} <button type="reset">clear</button>'
        '<input class="comment" placeholder="comment" maxlength="500"></form>'
    ).format(
        image.sha256,
        Markup('<img src="{}" alt="">').format(picture) if picture else "no picture",
        image.run,
        image.chunk,
        image.verdict,
        given,
        one.entry.kind,
        one.entry.why,
        more,
        image.sha256[:16],
        choices,
    )


def _picture(path: Path) -> str:
    """Give an inline picture; empty where the file is gone or none, which the page says."""
    try:
        with Image.open(path) as image:
            small = image.convert("RGB")
            small.thumbnail((WIDTH, WIDTH))
    except (OSError, UnidentifiedImageError, Image.DecompressionBombError):
        return ""
    data = io.BytesIO()
    small.save(data, "JPEG", quality=85)
    return f"data:image/jpeg;base64,{base64.b64encode(data.getvalue()).decode()}"


def _ours(name: str) -> Markup:
    """Give a file of this folder as it is."""
    return Markup((FOLDER / name).read_text(encoding="utf-8"))  # noqa: S704 - written by us
