"""The record as the command line opens it, and who asks."""

import getpass
import socket

from sqlalchemy import Engine

from db.audit_queries import Actor
from db.engine import make_engine
from db.startup import require_head
from pipeline.config import Config


def open_record(config: Config) -> Engine:
    """Open the database of a deployment.

    Args:
        config: The deployment.

    Returns:
        The engine of a database at the revision this release expects.

    Raises:
        ConfigError: The URL or the password file cannot be used.
        WrongRevision: The schema is another one; the text says what to do.
        StoreUnavailable: The database does not answer.
    """
    password = config.database.password_file
    engine = make_engine(
        config.database_url(), config.under_state(password) if password is not None else None
    )
    require_head(engine)
    return engine


def actor(why: str = "") -> Actor:
    """Give the user and host of this shell.

    Args:
        why: The reason that is put on record.
    """
    return Actor(user=getpass.getuser(), host=socket.gethostname(), why=why)
