"""The dictionary of labels, and the palettes of plot types."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from db.audit_queries import Actor, audit
from db.catalogue import Classification, ValidClassification
from pipeline.errors import CommandError

PALETTE_LIMIT: Final = 14
"""An EPICS enum has 16 states; two are ``NoModel`` and ``Nothing``. ``Unknown`` is the
third where there is room: with 14 labels it shows as ``Nothing``."""
LABEL_LENGTH: Final = 25
"""Characters of an enum state, without the final NUL.

Source:
    EPICS Base 7, ``db_access.h``: ``MAX_ENUM_STRING_SIZE`` 26.
"""
LABEL: Final = re.compile(rf"[A-Za-z0-9][A-Za-z0-9_-]{{0,{LABEL_LENGTH - 1}}}")
COLOUR: Final = re.compile("#[0-9a-fA-F]{6}")
RESERVED_LABELS: Final = ("NoModel", "Nothing", "Unknown", "Similarity", "Novelty")
"""States that stand behind the palette in every plot's enum, and the names in whose
place no label's threshold may stand."""
QUALITY: Final = 1
"""Row of ``classification_types`` for labels of quality."""


@dataclass(frozen=True, slots=True)
class LabelRow:
    """A label of a palette; severities as EPICS counts them."""

    name: str
    colour: str
    confirmed: int
    unconfirmed: int


def set_palette(session: Session, plot_type_id: int, labels: Sequence[str]) -> None:
    """Give a plot type its labels, in the order of its enum states.

    Args:
        session: A session of a transaction that writes.
        plot_type_id: The plot type.
        labels: 2 to 14 known labels.

    Raises:
        CommandError: The palette cannot be used.
    """
    if not 2 <= len(labels) <= PALETTE_LIMIT or len(set(labels)) != len(labels):
        raise CommandError(
            f"expected 2 to {PALETTE_LIMIT} different labels, received {list(labels)}"
        )
    ids = label_ids(session, labels)
    session.execute(
        delete(ValidClassification).where(ValidClassification.plot_type_id == plot_type_id)
    )
    session.add_all(
        ValidClassification(
            plot_type_id=plot_type_id, classification_id=ids[label], position=position
        )
        for position, label in enumerate(labels)
    )
    session.flush()


def palette(session: Session, plot_type_id: int) -> Sequence[str]:
    """Give the labels of a plot type, in the order of its enum states."""
    return session.scalars(
        select(Classification.name)
        .join(ValidClassification, ValidClassification.classification_id == Classification.id)
        .where(ValidClassification.plot_type_id == plot_type_id)
        .order_by(ValidClassification.position)
    ).all()


def label_ids(session: Session, labels: Sequence[str]) -> dict[str, int]:
    """Give the ids of labels of the dictionary.

    Raises:
        CommandError: A label is not in the dictionary.
    """
    rows = session.execute(
        select(Classification.name, Classification.id).where(Classification.name.in_(labels))
    )
    ids = {row.name: row.id for row in rows}
    if unknown := [label for label in labels if label not in ids]:
        known = session.scalars(select(Classification.name).order_by(Classification.id)).all()
        raise CommandError(f"unknown labels {unknown}; expected some of {list(known)}")
    return ids


def define_label(session: Session, who: Actor, label: LabelRow) -> None:
    """Put a label into the dictionary, or change how it is shown and alarmed.

    Args:
        session: A session of a transaction that writes.
        who: Who, from where and why.
        label: The label.

    Raises:
        CommandError: Name, colour or severity cannot be used.
    """
    if not LABEL.fullmatch(label.name) or label.name in RESERVED_LABELS:
        raise CommandError(
            f"expected a label of 1 to {LABEL_LENGTH} letters, digits, _ and -, other than"
            f" {' and '.join(RESERVED_LABELS)}, received {label.name!r}; it names an enum state"
        )
    if not COLOUR.fullmatch(label.colour):
        raise CommandError(f"expected a colour as #rrggbb, received {label.colour!r}")
    if label.name != "Bad" and _is_red(label.colour):
        raise CommandError(f"red is reserved for Bad; choose another colour than {label.colour}")
    if not all(0 <= severity <= 3 for severity in (label.confirmed, label.unconfirmed)):
        raise CommandError("expected severities of 0 to 3")
    row = session.scalars(select(Classification).where(Classification.name == label.name)).first()
    old = None
    if row is None:
        row = Classification(name=label.name, type_id=QUALITY)
        session.add(row)
    else:
        old = [row.colour, row.confirmed_severity, row.unconfirmed_severity]
    row.colour = label.colour
    row.confirmed_severity = int(label.confirmed)
    row.unconfirmed_severity = int(label.unconfirmed)
    new = [row.colour, row.confirmed_severity, row.unconfirmed_severity]
    audit(session, who, "define-label", label.name, old=old, new=new)


def _is_red(colour: str) -> bool:
    red, green, blue = (int(colour[at : at + 2], 16) for at in (1, 3, 5))
    return red > 150 and max(green, blue) < red // 3
