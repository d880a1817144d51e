"""``hydra-ioc models report`` and ``answer``: the training report and what experts answer."""

from pathlib import Path

import click

from pipeline.config import load


@click.command()
@click.argument("digest")
@click.option(
    "--into",
    type=click.Path(path_type=Path, dir_okay=False),
    help="The page; default: report-DIGEST.html in this folder.",
)
@click.pass_obj
def report(config_file: Path | None, *, digest: str, into: Path | None) -> None:
    """Write the training report of the model DIGEST as one HTML page.

    It holds the confusion matrix with the distributions of the weights, the
    curves, and every image that expert and model see differently, to be
    answered. Needs the training extra.

    Example: hydra-ioc models report 3f0c92aa
    """
    from hydra_ioc.record import open_record
    from hydra_ioc.registry import find_model
    from hydra_ioc.training_extra import need_training

    config = load(config_file)
    engine = open_record(config)
    folder = find_model(config.under_state(config.predict.models), digest)
    with need_training():
        from hydra_ioc.reporting import report_name, write_report

        written = write_report(config, engine, folder, into or Path(report_name(folder.name)))
    click.echo(written)


@click.command()
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.pass_obj
def answer(config_file: Path | None, *, file: Path) -> None:
    """Take the answers that the page of a training report saved: they become labels.

    Example: hydra-ioc models answer answers-3f0c92aa1122.json
    """
    from db.engine import reading, writing
    from db.signoff_queries import find
    from hydra_ioc.installation import plots_of
    from hydra_ioc.next_step import next_of
    from hydra_ioc.record import actor, open_record, permit
    from hydra_ioc.report_answers import read_answers, take_answers

    engine, who = open_record(load(config_file)), actor("models answer")
    answers = read_answers(file)
    with reading(engine) as session:
        plots = plots_of(session, find(session, answers.model))
    for plot in plots:
        permit(engine, who, "label", plot)
    with writing(engine) as session:
        taken = take_answers(session, who, answers)
        following = next_of(session, find(session, answers.model))
    click.echo(
        f"{taken.answered} answers, {taken.changed} of them changed a label;"
        f" {taken.open} images of the report are open"
    )
    if taken.changed:
        click.echo(f"'hydra-ioc train {' '.join(plots)}' learns from the changed labels", err=True)
    click.echo(f"next: {following}", err=True)
