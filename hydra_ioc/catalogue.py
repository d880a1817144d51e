"""The catalogue as the command line reads it: from the record."""

from db.engine import reading
from hydra_ioc.record import open_record
from pipeline.config import Config
from pipeline.keeper.catalogue import read_plots
from pipeline.messages import Catalogue


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
            entries = read_plots(session).entries
    finally:
        engine.dispose()
    return Catalogue(serial=0, plots=entries)
