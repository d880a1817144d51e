"""``hydra-ioc bench-fewshot``: how good models from a handful of labels are."""

from pathlib import Path

import click

from hydra_ioc.training_extra import need_training
from pipeline.config import load

SIZES = (5, 10, 20, 50)


@click.command()
@click.option(
    "--json",
    "file",
    required=True,
    type=click.Path(path_type=Path, dir_okay=False),
    help="Results; what is in there already is not measured again.",
)
@click.option("--plot", type=click.Path(path_type=Path, dir_okay=False), help="PNG to draw.")
@click.option(
    "--tables", type=click.Path(path_type=Path, dir_okay=False), help="Markdown file to write."
)
@click.option(
    "--real",
    multiple=True,
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="Folder of real plots with labels.csv (columns file, label, run); may be repeated.",
)
@click.option("--plot-type", "plots", multiple=True, help="Only these simulated plot types.")
@click.option("--no-simulated", is_flag=True, help="No simulated plot types.")
@click.option("--method", "methods", multiple=True, help="Only these; may be repeated.")
@click.option("--size", "sizes", multiple=True, type=click.IntRange(2, 1000), default=SIZES)
@click.option("--repeats", default=10, show_default=True, type=click.IntRange(1, 1000))
@click.option(
    "--backbone",
    "backbone_folder",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="Measure this backbone; default: that of the release.",
)
@click.option(
    "--draw",
    default="",
    help="Name of another draw of the simulated images, for a file of its own.",
)
@click.option("--tables-only", is_flag=True, help="Measure nothing, show what the file holds.")
@click.pass_obj
def command(
    config_file: Path | None,
    *,
    file: Path,
    plot: Path | None,
    tables: Path | None,
    real: tuple[Path, ...],
    plots: tuple[str, ...],
    no_simulated: bool,
    methods: tuple[str, ...],
    sizes: tuple[int, ...],
    repeats: int,
    backbone_folder: Path | None,
    draw: str,
    tables_only: bool,
) -> None:
    """Measure few-shot models on plot types that the backbone has never seen.

    Methods: a head on the pretrained backbone, the small net and InceptionV3
    from scratch, a logistic regression on tiny images. Split by run. InceptionV3
    takes minutes a fit on a CPU: give it fewer repeats in a call of its own with
    the same file. An interrupted call goes on where it was.

    Example: hydra-ioc bench-fewshot --json few.json --plot few.png --repeats 3
    """
    config = load(config_file)
    with need_training():
        from hydra_ioc.bench import fewshot
        from hydra_ioc.bench.fewshot_report import write_report
        from hydra_ioc.bench.fewshot_tasks import SIMULATED
        from pipeline.vision.backbone import FOLDER
        from pipeline.vision.backbone import load as load_backbone

    backbone = load_backbone(backbone_folder or FOLDER, threads=2)
    plan = fewshot.Plan(
        methods=methods,
        sizes=tuple(sorted(sizes)),
        repeats=0 if tables_only else repeats,
        plots=() if tables_only or no_simulated else plots or SIMULATED,
        real=() if tables_only else real,
        draw=draw,
    )
    folder = config.under_state(Path("bench-fewshot"))
    found = fewshot.run(plan, backbone, file, folder, lambda line: click.echo(line, err=True))
    click.echo(write_report(found, tables, plot))
