"""``hydra-ioc labels queue``, ``give``, ``answer``: what to label next, and labelling it."""

import json
from pathlib import Path

import click

from db.engine import reading, writing
from hydra_ioc.labelling_queue import Entry, unlabelled
from hydra_ioc.labelling_queue import disputed as disputed_first
from hydra_ioc.labelling_queue import queue as sort
from hydra_ioc.record import actor, open_record, permit
from pipeline.config import load


@click.command()
@click.argument("plot")
@click.option("--limit", type=click.IntRange(1, 1000), default=20, show_default=True)
@click.option("--newest", type=click.IntRange(1, 100_000), default=2000, show_default=True)
@click.option(
    "--sample", is_flag=True, help="Unlabelled images of the unbiased sample, for the accuracy."
)
@click.option(
    "--disputed", is_flag=True, help="Unlabelled images on which the shadow says something else."
)
@click.option(
    "--page",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write them as an HTML page to be answered.",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
@click.pass_obj
def queue(
    config_file: Path | None,
    *,
    plot: str,
    limit: int,
    newest: int,
    sample: bool,
    disputed: bool,
    page: Path | None,
    as_json: bool,
) -> None:
    """List the kept images of PLOT whose label would teach most, the best first.

    Suspected wrong labels, uncertain and novel images; of those that look the same, one.
    Only the NEWEST kept images are sorted. With --sample instead those that the accuracy
    waits for: chosen at random before they were judged, and not labelled yet; with
    --disputed those that tell whether the shadow is better.

    Example: hydra-ioc labels queue CDC_occupancy --page queue.html
    """
    from db.queue_queries import candidates
    from db.shadow_comparison import comparison
    from pipeline.keeper.imagestore import ImageStore

    if sample and disputed:
        raise click.UsageError("give one of --sample and --disputed, or neither")
    config = load(config_file)
    store = ImageStore(config.under_state(config.keeper.images))
    engine = open_record(config)
    with reading(engine) as session:
        images = candidates(session, plot, newest)
        compared = comparison(session, plot).images if disputed else ()
    verdicts = {one.sha256: one.shadow for one in compared if one.active != one.shadow != ""}
    paths = {image.sha256: store.path(image.sha256, image.file_type) for image in images}
    if disputed:
        entries = disputed_first(images, verdicts, limit)
    else:
        entries = unlabelled(images, limit) if sample else sort(images, paths, limit)
    if page is not None:
        _write_page(
            config_file, plot, [(entry, paths[entry.image.sha256]) for entry in entries], page
        )
        return
    for entry in entries:
        click.echo(_line(entry, paths[entry.image.sha256], as_json=as_json))
    if not as_json:
        option = " --sample" if sample else " --disputed" if disputed else ""
        click.echo(_after(plot, len(entries), option), err=True)


@click.command()
@click.argument("plot")
@click.argument("label")
@click.argument("images", nargs=-1, required=True, metavar="SHA256...")
@click.option("--comment", default="", help="In your own words.")
@click.pass_obj
def give(
    config_file: Path | None, *, plot: str, label: str, images: tuple[str, ...], comment: str
) -> None:
    """Label kept images of PLOT; the first 8 digits of an image are enough.

    Example: hydra-ioc labels give CDC_occupancy Good 3f0c92aa 77b1e0d4
    """
    from db.kept_queries import whole_hash
    from db.label_queries import NewLabel, add_label

    engine, who = open_record(load(config_file)), actor("labels give")
    permit(engine, who, "label", plot)
    with writing(engine) as session:
        changed = sum(
            add_label(
                session,
                NewLabel(
                    plot=plot,
                    sha256=whole_hash(session, plot, digits),
                    label=label,
                    user=who.user,
                    comment=comment,
                    source="labeler",
                ),
            )
            for digits in images
        )
    click.echo(f"{changed} images labelled {label}")


@click.command()
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.pass_obj
def answer(config_file: Path | None, *, file: Path) -> None:
    """Take the labels that the page of 'hydra-ioc labels queue --page' saved: all or none.

    Example: hydra-ioc labels answer labels-CDC_occupancy.json
    """
    from db.label_queries import NewLabel, add_label
    from hydra_ioc.labelling_page import read_label_answers

    engine, who = open_record(load(config_file)), actor("labels answer")
    answers = read_label_answers(file)
    permit(engine, who, "label", answers.plot)
    with writing(engine) as session:
        changed = sum(
            add_label(
                session,
                NewLabel(
                    plot=answers.plot,
                    sha256=one.sha256,
                    label=one.label,
                    user=who.user,
                    comment=one.comment,
                    source="labeler",
                ),
            )
            for one in answers.answers
        )
    click.echo(f"{len(answers.answers)} answers, {changed} images labelled anew")
    click.echo(f"next: 'hydra-ioc train {answers.plot}' learns from them", err=True)


def _line(entry: Entry, path: Path, *, as_json: bool) -> str:
    image = entry.image
    if not as_json:
        more = f"  (+{len(entry.folded)} like it)" if entry.folded else ""
        return (
            f"{entry.score:5.2f} {entry.kind:9} run {image.run} chunk {image.chunk}"
            f"  {image.sha256[:12]}  {entry.why}{more}"
        )
    facts = {
        "sha256": image.sha256,
        "run": image.run,
        "chunk": image.chunk,
        "kind": entry.kind,
        "score": round(entry.score, 6),
        "why": entry.why,
        "verdict": image.verdict,
        "label": image.truth,
        "path": str(path),
        "folded": entry.folded,
    }
    return json.dumps(facts, ensure_ascii=False)


def _write_page(
    config_file: Path | None, plot: str, entries: list[tuple[Entry, Path]], page: Path
) -> None:
    from db.catalogue_queries import plot_type
    from db.palette_queries import palette
    from hydra_ioc.labelling_page import Shown, labelling_page
    from pipeline.errors import InputError

    with reading(open_record(load(config_file))) as session:
        labels = palette(session, plot_type(session, plot).id)
    text = labelling_page(plot, labels, [Shown(entry, path) for entry, path in entries])
    try:
        page.write_text(text, encoding="utf-8")
    except OSError as error:
        raise InputError(f"cannot write {page}: {error.strerror}") from error
    click.echo(f"{page}: {len(entries)} images")
    click.echo(
        "next: open it in a browser, answer, save, and"
        f" 'hydra-ioc labels answer labels-{plot}.json'",
        err=True,
    )


def _after(plot: str, count: int, option: str) -> str:
    if not count:
        return f"no image of {plot} waits for a label here"
    return (
        f"next: 'hydra-ioc labels queue {plot}{option} --page queue.html' shows them, or"
        f" 'hydra-ioc labels give {plot} LABEL SHA256...'"
    )
