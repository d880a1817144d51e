"""What stands in ``manifest.json`` of a data-set file."""

from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from db.data_set_items import Digest, Item, Key, Name, Seconds, digest_of
from db.data_set_queries import Snapshot
from pipeline.errors import LabelError

FORMAT: Final = "hydra-ioc data set"
VERSION: Final = 1
"""Of the format; a change that an older release would misread counts it up."""
ITEM_LIMIT: Final = 100_000
"""Most labels in a file: ten times the images that clustering is laid out for; its list takes
about 50 MB."""

Severity = Annotated[int, Meta(ge=0, le=3)]
Text = Annotated[str, Meta(max_length=500)]


class Label(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A label of the palette, to be defined where it is not."""

    name: Name
    colour: Annotated[str, Meta(pattern="^#[0-9a-fA-F]{6}\\Z")]
    confirmed: Severity
    unconfirmed: Severity


class PlotEntry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The plot type, to be added where it is not."""

    name: Annotated[str, Meta(max_length=500)]
    file_type: Annotated[str, Meta(pattern="^[a-z0-9]{1,10}\\Z")]
    chunked: bool
    group: Name
    description: Text
    contact: Text
    guidance: Annotated[str, Meta(max_length=16_000)]
    cadence_s: Annotated[float, Meta(gt=0)]
    palette: Annotated[tuple[Label, ...], Meta(min_length=2, max_length=14)]


class Manifest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A data set as a file."""

    format: Literal["hydra-ioc data set"]
    format_version: int
    name: Name
    version: Annotated[int, Meta(ge=1, lt=2**31)]
    digest: Digest
    made_at: Seconds
    user: Name
    note: Annotated[str, Meta(max_length=16_000)]
    with_images: bool
    plot: PlotEntry
    items: Annotated[tuple[Item, ...], Meta(min_length=1, max_length=ITEM_LIMIT)]

    def snapshot(self) -> Snapshot:
        """Give the list as the record takes it."""
        return Snapshot(self.plot.name, self.items, self.digest, self.name, self.version, self.note)


class _Head(msgspec.Struct):
    format: str
    format_version: int


def decode(data: bytes) -> Manifest:
    """Read a manifest and check that it is whole and consistent.

    Args:
        data: JSON, UTF-8.

    Raises:
        LabelError: What was expected, what came.
    """
    try:
        head = msgspec.json.decode(data, type=_Head)
        if head.format != FORMAT or head.format_version != VERSION:
            raise LabelError(
                f"expected {FORMAT!r} of format version {VERSION}, received {head.format!r} of"
                f" version {head.format_version}; export it again with this release"
            )
        manifest = msgspec.json.decode(data, type=Manifest)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise LabelError(f"manifest.json cannot be read: {error}; export it again") from error
    found = digest_of(manifest.plot.name, manifest.items)
    if found != manifest.digest:
        raise LabelError(
            f"expected the items of manifest.json to have the digest {manifest.digest}, they have"
            f" {found}: the file was changed; export it again"
        )
    _check_images(manifest)
    return manifest


def _check_images(manifest: Manifest) -> None:
    """Refuse a list that says two things of one image."""
    said: dict[Key, tuple[object, ...]] = {}
    labels: set[tuple[Key, str]] = set()
    for one in manifest.items:
        facts = (one.image_time, one.unbiased, one.simulated, one.weight, one.use, one.value)
        if said.setdefault(one.key, facts) != facts or (one.key, one.label) in labels:
            raise LabelError(
                f"expected every label of an image once, and one weight, use and value of it;"
                f" received two for {one.sha256}, run {one.run} chunk {one.chunk}"
            )
        labels.add((one.key, one.label))
