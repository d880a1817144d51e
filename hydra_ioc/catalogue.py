"""The catalogue as the command line reads it: from the record."""

from db.catalogue_queries import PlotRow, catalogue
from db.engine import reading
from hydra_ioc.record import open_record
from pipeline.alarm import Severity
from pipeline.config import Config
from pipeline.messages import Catalogue, LabelPolicy, ModelRef, PlotEntry


def known_catalogue(config: Config) -> Catalogue:
    """Read which plots a deployment has; works without a running system.

    Args:
        config: The deployment.

    Raises:
        WrongRevision: There is no database yet; the text says what to do.
        StoreUnavailable: The database does not answer.
    """
    engine = open_record(config)
    try:
        with reading(engine) as session:
            rows = catalogue(session)
    finally:
        engine.dispose()
    return Catalogue(serial=0, plots=tuple(_entry(row) for row in rows))


def _entry(row: PlotRow) -> PlotEntry:
    return PlotEntry(
        plot_type_id=row.plot_type_id,
        name=row.name,
        file_type=row.file_type,
        chunked=row.chunked,
        description=row.description,
        contact=row.contact,
        group=row.group,
        guidance=row.guidance,
        ignored=row.ignored,
        cadence_s=row.cadence_s,
        labels=tuple(
            LabelPolicy(
                name=label.name,
                colour=label.colour,
                confirmed=Severity(label.confirmed),
                unconfirmed=Severity(label.unconfirmed),
            )
            for label in row.labels
        ),
        thresholds=dict(row.thresholds),
        model=_model(row),
    )


def _model(row: PlotRow) -> ModelRef | None:
    if row.model is None:
        return None
    return ModelRef(
        model_id=row.model.model_id,
        digest=row.model.digest,
        input_shape=row.model.input_shape,
        preprocessing=row.model.preprocessing,
        labels=row.model.labels,
        probation=row.model.probation,
    )
