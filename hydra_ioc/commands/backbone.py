"""``hydra-ioc backbone``: the pretrained backbone of the release."""

from pathlib import Path

import click

from hydra_ioc.training_extra import need_training
from pipeline.config import load


@click.group()
def command() -> None:
    """Pretrain the backbone that few-shot models and references stand on, or describe it.

    Example: hydra-ioc backbone show
    """


@command.command()
@click.option(
    "--recipe",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="How to pretrain; default: as the backbone of this release.",
)
@click.option(
    "--into",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder for the backbone; default: below the state folder.",
)
@click.option("--workers", default=2, show_default=True, type=click.IntRange(1, 64))
@click.pass_obj
def pretrain(
    config_file: Path | None, *, recipe: Path | None, into: Path | None, workers: int
) -> None:
    """Draw plots of invented species and learn faults from them.

    Goes on where an earlier call was interrupted. Needs the training extra,
    some gigabytes below the state folder, and an hour on two cores.

    Example: hydra-ioc backbone pretrain --into backbone
    """
    config = load(config_file)
    with need_training():
        from hydra_ioc.pretraining import pretrain as run
        from hydra_ioc.pretraining import read_recipe
        from pipeline.vision.backbone import FOLDER

    folder = config.under_state(Path("pretraining"))
    chosen = read_recipe(recipe or FOLDER / "pretrain.toml")
    target = into or folder / "backbone"
    card = run(chosen, folder, target, workers, lambda line: click.echo(line, err=True))
    click.echo(f"backbone {target}: {card.found}")


@command.command()
def show() -> None:
    """Describe the backbone of this release.

    Example: hydra-ioc backbone show
    """
    from pipeline.vision.backbone import load as load_backbone

    card = load_backbone().card
    click.echo(f"{card.name}, made {card.created}, SHA-256 {card.sha256}")
    click.echo(f"input {card.input_shape}, embedding {card.embedding_size}, maps {card.map_shape}")
    click.echo(f"families of faults: {', '.join(card.families)}")
    click.echo(f"on unseen species: {card.found}")
