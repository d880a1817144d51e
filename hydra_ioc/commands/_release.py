"""What ``hydra-ioc models`` does with the models of a release."""

from pathlib import Path

import click

from hydra_ioc.release import DEMO_MODELS

FROM = click.option(
    "--from",
    "source",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    default=DEMO_MODELS,
    show_default="deploy/models",
    help="Folder with index.json and one folder per model.",
)
INTO = click.option(
    "--into",
    type=click.Path(path_type=Path, file_okay=False),
    help="Where the models go; default: the same folder.",
)


@click.command()
@FROM
@INTO
def point(source: Path, into: Path | None) -> None:
    """Let the heat maps of a release's models count where an image departs from the normal.

    Trainings do this themselves; models of earlier trainings get it here. Weights,
    probabilities and thresholds stay, digests change. Needs the training extra (onnx).

    Example: hydra-ioc models point --from models/ --into deploy/models/
    """
    from hydra_ioc.pointing import point_release

    point_release(source, into or source, click.echo)


@click.command("hide-titles")
@FROM
@INTO
def hide_titles(source: Path, into: Path | None) -> None:
    """Let the models of a release not see the titles: the normal stands there instead.

    make-demo does this itself; models of earlier trainings get it here. Weights and
    thresholds stay, digests change. Needs the training extra (onnx).

    Example: hydra-ioc models hide-titles --from models/ --into deploy/models/
    """
    from hydra_ioc.hiding import hide_release

    hide_release(source, into or source, click.echo)
