"""The PVs of one plot, joined into one reading."""

import math
import time
from datetime import datetime
from typing import Any

import numpy as np
from qtpy.QtCore import QObject, Signal

from displays.card_state import Reading
from displays.catalogue import Plot
from displays.field import Field
from displays.masks import parse as parse_masks
from pipeline.alarm import Severity, Status

SCALARS = (
    "Class.STAT",
    "Confidence",
    "Confirmed",
    "Count",
    "Age",
    "ImageTime",
    "Run",
    "Chunk",
    "Reason.VAL$",
    "Since",
)
LATE_S = 5.0
"""A picture may come this much later than its verdict, seconds."""
TRUSTED = ("Class", "Confidence", "Age")
"""A card is connected when all of these are."""
GUIDANCE = ("Contact.VAL$", "Guidance.VAL$")
SIMILARITY = ("Similarity", "Threshold:Similarity", "References")
SHADOW = ("Shadow:Model", "Shadow:Count", "Shadow:Disagreed")
DETAILS = ("Model", "ImageFile.VAL$", "GoodMinusBad")


class PlotLink(QObject):
    """One plot's PVs.

    Attributes:
        plot: Its entry in the catalogue.
        picture: The last picture, uint8 (H, W, 3) RGB or (H, W); None before the first.
        heat: The last heat map, uint8 (h, w); None where none is wanted or known.
        reference: Picture of the plot's references; None where none is wanted or known.
    """

    changed = Signal(str)
    """The reading changed; carries the plot's name."""
    picture_changed = Signal(str)
    heat_changed = Signal(str)
    reference_changed = Signal(str)

    def __init__(self, prefix: str, plot: Plot, parent: QObject) -> None:
        """Subscribe to what a card shows.

        Args:
            prefix: The deployment's prefix.
            plot: Which plot.
            parent: Owner.
        """
        super().__init__(parent)
        self.plot = plot
        self.picture: np.ndarray[Any, Any] | None = None
        self.heat: np.ndarray[Any, Any] | None = None
        self._base = f"{prefix}{plot.pv_part}:"
        self._age_at = time.monotonic()
        self._tried_at = time.monotonic()
        self._late_from: float | None = None
        self._fields: dict[str, Field] = {}
        self._open("Class", alarm=True)
        for name in SCALARS:
            self._open(name)
        self._fields["Age"].changed.connect(self._note_age)
        for label in plot.labels:
            self._open(f"Threshold:{label.pv_part}")
        if plot.unit is not None:
            self._open("Value")
        for name in (*(SIMILARITY if plot.references else ()), *(("Novelty",) * plot.novelty)):
            self._open(name, alarm=name in ("Similarity", "Novelty"))
        self.reference: np.ndarray[Any, Any] | None = None
        self._reference: Field | None = None
        self._masks = Field(f"ca://{self._base}Masks.VAL$", self)
        self._masks.changed.connect(self._tell)
        self._image = Field(f"pva://{self._base}Image", self, stamped=True)
        self._image.changed.connect(self._take_picture)
        self._heat: Field | None = None

    def close(self) -> None:
        """Unsubscribe from everything."""
        for field in self._fields.values():
            field.close()
        self._masks.close()
        self._image.close()
        for picture in (self._heat, self._reference):
            if picture is not None:
                picture.close()

    def pv(self, name: str) -> str:
        """Give the full name of one of the plot's PVs, such as ``Class``."""
        return self._base + name

    def want_guidance(self) -> None:
        """Subscribe to what a bad card shows more; it stays subscribed."""
        if self._heat is None:
            self._heat = Field(f"pva://{self._base}Heatmap", self)
            self._heat.changed.connect(self._take_heat)
            for name in GUIDANCE:
                self._open(name)

    def want_details(self) -> None:
        """Subscribe to what only the detail window shows; it stays subscribed."""
        self.want_guidance()
        shadow = SHADOW if self.plot.shadow else ()
        novelty = ("Threshold:Novelty",) * self.plot.novelty
        for name in (
            *DETAILS,
            *shadow,
            *novelty,
            *(f"Weight:{label.pv_part}" for label in self.plot.labels),
        ):
            if name not in self._fields:
                self._open(name)
        if self.plot.references and self._reference is None:
            self._reference = Field(f"pva://{self._base}Reference", self)
            self._reference.changed.connect(self._take_reference)

    def reading(self) -> Reading:
        """Join the last values of all PVs."""
        fields = self._fields
        label = fields["Class"].text() or None
        return Reading(
            connected=all(fields[name].connected for name in TRUSTED),
            label=label,
            severity=fields["Class"].severity,
            status=_status(fields["Class.STAT"].whole(), fields["Class"].severity),
            confidence=fields["Confidence"].number(),
            value=fields["Value"].number() if "Value" in fields else None,
            confirmed=_yes(fields["Confirmed"].whole()),
            weights=self._by_label("Weight"),
            thresholds=self._by_label("Threshold"),
            run=fields["Run"].whole(),
            chunk=fields["Chunk"].whole(),
            image_time=fields["ImageTime"].text(),
            picture_old=self._picture_is_old(),
            age_s=self.age(),
            count=fields["Count"].whole(),
            since=fields["Since"].text(),
            reason=self._text("Reason.VAL$"),
            model=self._text("Model"),
            image_file=self._text("ImageFile.VAL$"),
            contact=self._text("Contact.VAL$"),
            guidance=self._text("Guidance.VAL$"),
            masks=parse_masks(self._masks.text()),
            similarity=self._valid("Similarity"),
            similarity_threshold=self._valid("Threshold:Similarity"),
            references=self._text("References"),
            novelty=self._valid("Novelty"),
            novelty_threshold=self._valid("Threshold:Novelty"),
            shadow=self._text("Shadow:Model"),
            shadow_count=self._whole("Shadow:Count"),
            shadow_disagreed=self._whole("Shadow:Disagreed"),
        )

    def check_pictures(self) -> None:
        """Subscribe again where pvAccess is silent though Channel Access speaks.

        To be called about once a second.
        """
        fields = [
            field for field in (self._image, self._heat, self._reference) if field is not None
        ]
        mute = [field for field in fields if not field.connected]
        if self._picture_is_old():
            mute.append(self._image)
        now = time.monotonic()
        if self._fields["Class"].connected and mute and now - self._tried_at > LATE_S:
            self._tried_at = now
            for field in mute:
                field.open_again()

    def missing(self) -> list[str]:
        """Name the PVs that a card shows and that have not arrived, the picture too."""
        names = [
            name
            for name, field in self._fields.items()
            if not field.connected or field.value is None
        ]
        if self.picture is None and self._fields["Class"].text() != "Nothing":
            names.append("Image")
        return names

    def _open(self, name: str, *, alarm: bool = False) -> None:
        field = Field(f"ca://{self._base}{name}", self, alarm=alarm)
        field.changed.connect(self._tell)
        self._fields[name] = field

    def _text(self, name: str) -> str:
        field = self._fields.get(name)
        return field.text() if field else ""

    def _valid(self, name: str) -> float | None:
        """Give a number that is known: an INVALID one is 0 on the wire and means nothing."""
        field = self._fields.get(name)
        if field is None or not field.connected or field.severity == Severity.INVALID:
            return None
        return field.number()

    def _whole(self, name: str) -> int | None:
        value = self._valid(name)
        return None if value is None else int(value)

    def _tell(self) -> None:
        self.changed.emit(self.plot.name)

    def _picture_is_old(self) -> bool:
        """Tell whether the picture has not followed the verdict for too long."""
        told = _seconds(self._text("ImageTime"))
        if told is None or self._image.stamp is None or abs(told - self._image.stamp) <= 1.0:
            self._late_from = None
            return False
        if self._late_from is None:
            self._late_from = time.monotonic()
        return time.monotonic() - self._late_from > LATE_S

    def _note_age(self) -> None:
        self._age_at = time.monotonic()

    def age(self) -> float | None:
        """Give the age of the image, counted on from what the IOC last said; seconds."""
        served = self._fields["Age"].number()
        if served is None or not self._text("ImageTime"):
            # Before the first image the PV says 0, which is no age.
            return None
        return served + time.monotonic() - self._age_at

    def _by_label(self, kind: str) -> dict[str, float]:
        values = {}
        for label in self.plot.labels:
            field = self._fields.get(f"{kind}:{label.pv_part}")
            number = field.number() if field and field.connected else None
            if number is not None:
                values[label.name] = number
        return values

    def _take_picture(self) -> None:
        picture = upright(self._image.value)
        if picture is not None and picture is not self.picture:
            self.picture = picture
            self.picture_changed.emit(self.plot.name)
        self._tell()

    def _take_heat(self) -> None:
        heat = self._heat.value if self._heat else None
        if isinstance(heat, np.ndarray) and heat.ndim == 2 and heat.size:
            # Listed fastest dimension first, as areaDetector does: rows come second.
            self.heat = heat.reshape(heat.shape[::-1])
            self.heat_changed.emit(self.plot.name)

    def _take_reference(self) -> None:
        reference = upright(self._reference.value) if self._reference else None
        if reference is not None and reference is not self.reference:
            self.reference = reference
            self.reference_changed.emit(self.plot.name)


def upright(value: Any) -> np.ndarray[Any, Any] | None:
    """Give a picture rows first, whatever order of dimensions the server lists.

    Args:
        value: Array as PyDM hands it over.

    Returns:
        uint8 (H, W, 3) or (H, W); None when it is no picture.

    Source:
        areaDetector lists the fastest dimension first, so RGB1 arrives as
        (3, W, H) over bytes that are (H, W, 3).
    """
    if not isinstance(value, np.ndarray) or value.size == 0 or value.ndim not in (2, 3):
        return None
    if value.ndim == 3 and value.shape[2] != 3:
        if value.shape[0] != 3:
            return None
        value = value.reshape(value.shape[::-1])
    return np.asarray(value, np.uint8)


def _seconds(text: str) -> float | None:
    try:
        return math.floor(datetime.fromisoformat(text).timestamp())
    except ValueError:
        return None


def _yes(value: int | None) -> bool | None:
    return None if value is None else value == 1


def _status(value: int | None, severity: Severity | None) -> Status | None:
    if value is None or severity is None:
        return None
    return Status(value) if value in Status.__members__.values() else None
